"""What a backend may inherit: all that is asked of one besides, and the generic methods."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import is_array_api_obj

from phos_core.arrays import Array, array_namespace
from phos_core.arrays import device as array_device
from phos_core.convolution.boundary import Boundary
from phos_core.convolution.contract import (
    Accuracy,
    ErrorKind,
    Limits,
    MemoryInfo,
    ProbeReport,
    error_kind,
)
from phos_core.convolution.methods import generic
from phos_core.convolution.methods.planner import make_plan, splits
from phos_core.convolution.plans import Method, Plan
from phos_core.psf import PSF

__all__ = ["BackendBase", "GenericBackend"]

KEPT_BYTES = 256 * 2**20  # our choice: transfer functions that are kept for the next image


class BackendBase(ABC):
    """Everything of a backend but its name, the way to its device and back, and its convolution.

    A subclass sets `name`, `xp` and `device` and defines `to_device`, `to_host` and `convolve`. It
    overrides what it can say better.
    """

    name: str
    xp: Any = np
    device: Any = "cpu"
    accuracy: Accuracy = "exact"
    limits: Limits = Limits()

    @abstractmethod
    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Bring a NumPy array to the device, in its dtype; the array may be read-only."""

    @abstractmethod
    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Bring an array of the device back as a NumPy array, in its dtype."""

    @abstractmethod
    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve planes; see `ConvolutionBackend.convolve`."""

    def owns(self, x: Array) -> bool:
        """Say whether an array is of the backend's library and on its device.

        An array that a backend owns is taken as it is, and the result stays where it is.
        """
        return (
            is_array_api_obj(x)
            and array_namespace(x) is self.xp
            and bool(array_device(x) == self.device)
        )

    def probe(self) -> ProbeReport:
        """Say that the backend can run."""
        return ProbeReport()

    def synchronize(self) -> None:  # noqa: B027 - a default, not a duty
        """Return at once: a library that computes when called has nothing to wait for."""

    def memory(self) -> MemoryInfo:
        """Say that the memory is not known."""
        return MemoryInfo()

    def device_facts(self) -> Mapping[str, str]:
        """Say what a bug report should know of the device: its name, its driver, its pools."""
        return {}

    def release(self) -> None:  # noqa: B027 - a default, not a duty
        """Do nothing: nothing is kept."""

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Recognise Python's own errors and those of phos."""
        return error_kind(error)


class GenericBackend(BackendBase):
    """Convolution by the generic methods, on any namespace that follows the Array API standard.

    A subclass sets `name`, `xp` and `device` and defines `to_device` and `to_host`.
    """

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve planes by the method that suits each."""
        return self.convolve_by("auto", image, psf, boundary=boundary)

    def convolve_by(
        self,
        method: Method,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
    ) -> Array:
        """Convolve planes by a method that was requested; see `PlansMethods`."""
        given: dict[str, Any] = {"method": method, "tables": self._kept_tables, "name": self.name}
        return generic.convolve(image, psf, boundary, **given)

    def plan(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary = "symmetric",
        dtype: Any = np.float32,
        method: Method = "auto",
    ) -> Plan:
        """Say by which method a plane is convolved; see `PlansMethods`."""
        single = np.dtype(dtype) == np.float32
        given: dict[str, Any] = {"boundary": boundary, "single": single, "method": method}
        return make_plan(self.name, generic.PREFERENCES, shape, psf, **given)

    def release(self) -> None:
        """Forget the transfer functions, and PSFs taken apart."""
        self._kept_tables.clear()
        splits.cache_clear()

    @property
    def _kept_tables(self) -> generic.Tables:
        """Transfer functions on the device."""
        tables = generic.Tables(KEPT_BYTES)
        kept: generic.Tables = self.__dict__.setdefault("_tables", tables)  # one for all threads
        return kept

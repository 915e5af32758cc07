"""What a convolution backend is.

A backend is a plain object that holds arrays on its device and convolves them. `phos.convolve`
and the pipeline check every input at the door, so that a backend sees only finite, real
floating-point arrays with at least one pixel, and PSFs that are odd and centred.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt
from array_api_compat import is_array_api_obj

from phos_core.arrays import Array, array_namespace
from phos_core.arrays import device as array_device
from phos_core.convolution.boundary import BOUNDARIES, Boundary, check_boundary
from phos_core.convolution.methods import generic
from phos_core.convolution.methods.planner import Method, Plan, splits
from phos_core.errors import DeviceLostError, UnsupportedOperationError
from phos_core.psf import PSF

__all__ = [
    "BOUNDARIES",
    "NO_PLANS",
    "TOLERANCES",
    "Accuracy",
    "BackendBase",
    "Boundary",
    "ConvolutionBackend",
    "ErrorKind",
    "MemoryInfo",
    "PlanningBackend",
    "ProbeReport",
    "ProbeStatus",
    "check_boundary",
    "each_plane",
]

Accuracy: TypeAlias = Literal["exact", "fast"]
"""How close to the float64 reference a backend comes; `TOLERANCES` says it in numbers."""

TOLERANCES: dict[Accuracy, float] = {"exact": 1e-5, "fast": 1e-3}
"""Largest error of each class, in units of max|image| times the PSF's `l1`."""

NO_PLANS = "chooses its roads by itself, tells none and takes none"
KEPT_BYTES = 256 * 2**20  # our choice: transfer functions that are kept for the next image

ErrorKind: TypeAlias = Literal["out-of-memory", "unsupported", "device-lost"]
"""The three failures after which the work may go on elsewhere."""

ProbeStatus: TypeAlias = Literal[
    "ok", "missing-dependency", "version-mismatch", "no-device", "broken"
]


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Whether a backend can run here.

    Parameters
    ----------
    status : ProbeStatus
        "ok", or what is the matter.
    reason : str
        Why not; with "ok", anything that the user should know.
    hint : str
        What would help.
    """

    status: ProbeStatus = "ok"
    reason: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        if self.status not in get_args(ProbeStatus):
            raise ValueError(
                f"a probe's status must be one of {', '.join(get_args(ProbeStatus))}, "
                f"got {self.status!r}"
            )
        for field in ("reason", "hint"):
            if not isinstance(getattr(self, field), str):
                raise TypeError(f"a probe's {field} must be str, got {getattr(self, field)!r}")
        if self.status != "ok" and not self.reason:
            raise ValueError(f"a probe that answers {self.status!r} must give a reason")


@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """Memory of a backend's device, in bytes; None where it cannot be known."""

    free_bytes: int | None = None
    total_bytes: int | None = None


@runtime_checkable
class ConvolutionBackend(Protocol):
    """What every backend offers."""

    @property
    def name(self) -> str:
        """The name that users choose it by, such as "scipy" or "torch:cuda"."""
        ...

    @property
    def xp(self) -> Any:
        """Array API namespace of its arrays."""
        ...

    @property
    def device(self) -> Any:
        """The device of its arrays, as `xp` names it."""
        ...

    @property
    def accuracy(self) -> Accuracy:
        """The class that it keeps to."""
        ...

    def probe(self) -> ProbeReport:
        """Say whether the backend can run here. Never raises."""
        ...

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Bring a NumPy array to the device, in its dtype; the array may be read-only."""
        ...

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Bring an array of the device back as a NumPy array, in its dtype."""
        ...

    def synchronize(self) -> None:
        """Wait until everything that was asked of the device is done."""
        ...

    def convolve(
        self,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
        accuracy: Accuracy = "exact",
    ) -> Array:
        """Convolve planes; true convolution, the PSF centred.

        Parameters
        ----------
        image : array, shape (..., rows, cols)
            Real floating point, finite, on the device; not changed.
        psf : PSF or sequence of PSF
            One for all planes, or one per entry of the first axis.
        boundary : Boundary
            What lies beyond the edges.
        accuracy : Accuracy
            The class that is asked for.

        Returns
        -------
        array, shape (..., rows, cols)
            A new array in the dtype of `image`, within the class of the float64 reference.

        Raises
        ------
        UnsupportedOperationError
            If the backend cannot compute this, in this class.
        """
        ...

    def memory(self) -> MemoryInfo:
        """Say how much memory the device has."""
        ...

    def release(self) -> None:
        """Give back what the backend keeps for speed only."""
        ...

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Say which of the three failures an exception is; None for all others."""
        ...


@runtime_checkable
class PlanningBackend(ConvolutionBackend, Protocol):
    """A backend that tells its roads, and takes one that is asked for."""

    def plan(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary = "symmetric",
        dtype: Any = np.float32,
        method: Method = "auto",
    ) -> Plan:
        """Say which road a plane takes; see `BackendBase.plan`."""
        ...

    def convolve_by(
        self,
        method: Method,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
    ) -> Array:
        """Convolve planes by a road that was asked for; see `BackendBase.convolve_by`."""
        ...


class BackendBase(ABC):
    """Everything of a backend but its name and its way to the device and back.

    A subclass sets `name`, `xp` and `device` and defines `to_device` and `to_host`; the generic
    algorithms convolve on its namespace. It overrides what it can do better.

    Three limits decide when a picture is cut into tiles of rows; None where there is none:
    `max_elements` and `max_array_bytes` of one array, and `memory_limit_bytes` of all arrays
    together, where that shall be less than `memory` says is free.

    With `takes_out`, `convolve` of NumPy arrays takes ``out=``, an array for the result that shares
    no memory with the image: large pictures are then not copied once more.
    """

    name: str
    xp: Any = np
    device: Any = "cpu"
    accuracy: Accuracy = "exact"
    max_elements: int | None = None
    max_array_bytes: int | None = None
    memory_limit_bytes: int | None = None
    takes_out: bool = False

    @abstractmethod
    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Bring a NumPy array to the device, in its dtype; the array may be read-only."""

    @abstractmethod
    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Bring an array of the device back as a NumPy array, in its dtype."""

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

    def convolve(
        self,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
        accuracy: Accuracy = "exact",
    ) -> Array:
        """Convolve planes by the generic algorithms; see `ConvolutionBackend.convolve`."""
        return generic.convolve(image, psf, boundary, tables=self._kept_tables)

    def convolve_by(
        self,
        method: Method,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
    ) -> Array:
        """Convolve planes by a road that was asked for; see `plan` and `convolve`."""
        self._check_plans()
        return generic.convolve(image, psf, boundary, method=method, tables=self._kept_tables)

    def plan(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary = "symmetric",
        dtype: Any = np.float32,
        method: Method = "auto",
    ) -> Plan:
        """Say which road a plane takes.

        Parameters
        ----------
        shape : tuple of (int, int)
            Of the plane.
        psf : PSF
            To convolve with.
        boundary : Boundary
            What lies beyond the edges.
        dtype : dtype
            Of the plane.
        method : Method
            A road to take all the same, or "auto".

        Returns
        -------
        Plan
            The road, and why.

        Raises
        ------
        UnsupportedOperationError
            If the road that is asked for cannot do it, or the backend plans none.
        """
        self._check_plans()
        single = np.dtype(dtype) == np.float32
        return generic.plan(
            shape, psf, boundary=boundary, single=single, method=method, backend=self.name
        )

    def _check_plans(self) -> None:
        if type(self).convolve is not BackendBase.convolve:
            raise UnsupportedOperationError(f"{self.name} {NO_PLANS}")

    @property
    def _kept_tables(self) -> generic.Tables:
        """Transfer functions of the generic algorithms, on the device."""
        tables = generic.Tables(KEPT_BYTES)
        kept: generic.Tables = self.__dict__.setdefault("_tables", tables)  # one for all threads
        return kept

    def memory(self) -> MemoryInfo:
        """Say that the memory is not known."""
        return MemoryInfo()

    def device_facts(self) -> Mapping[str, str]:
        """Say what a bug report should know of the device: its name, its driver, its pools."""
        return {}

    def release(self) -> None:
        """Forget the transfer functions that the generic algorithms keep, and PSFs taken apart."""
        self._kept_tables.clear()
        splits.cache_clear()

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Recognise Python's own errors and those of phos.

        A library that runs out of memory inside a call of Python's may raise a SystemError from a
        MemoryError; without memory for its stack no thread starts.
        """
        if isinstance(error, MemoryError) or _is_of_memory(error):
            return "out-of-memory"
        if isinstance(error, UnsupportedOperationError):
            return "unsupported"
        if isinstance(error, DeviceLostError):
            return "device-lost"
        return None


def _is_of_memory(error: BaseException) -> bool:
    match error:
        case SystemError():
            return any(isinstance(e, MemoryError) for e in (error.__cause__, error.__context__))
        case RuntimeError():
            return str(error) == "can't start new thread"
    return False


def each_plane(
    image: npt.NDArray[Any], psf: PSF | Sequence[PSF]
) -> Iterator[tuple[tuple[int, ...], PSF]]:
    """Go through the planes of an image, each with its PSF.

    Parameters
    ----------
    image : ndarray, shape (..., rows, cols)
        The planes.
    psf : PSF or sequence of PSF
        One for all planes, or one per entry of the first axis.

    Yields
    ------
    tuple of (tuple of int, PSF)
        Index of the plane in the leading axes, and its PSF.
    """
    for index in np.ndindex(image.shape[:-2]):
        yield index, psf if isinstance(psf, PSF) else psf[index[0]]

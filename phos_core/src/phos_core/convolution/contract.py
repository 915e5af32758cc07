"""What a convolution backend is: the part that every one has.

A backend is a plain object that holds arrays on its device and convolves them. `phos.convolve` and
the pipeline check every input before it gets there, so that a backend sees only finite, real
floating-point arrays with at least one pixel, and PSFs that are odd and centred. What a backend
may offer besides is in `optional`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.boundary import Boundary
from phos_core.errors import DeviceLostError, UnsupportedOperationError
from phos_core.psf import PSF

__all__ = [
    "TOLERANCES",
    "Accuracy",
    "ConvolutionBackend",
    "ErrorKind",
    "Limits",
    "MemoryInfo",
    "ProbeReport",
    "ProbeStatus",
    "each_plane",
    "error_kind",
]

Accuracy: TypeAlias = Literal["exact", "fast"]
"""How close to the float64 reference a backend comes; `TOLERANCES` says it in numbers."""

TOLERANCES: dict[Accuracy, float] = {"exact": 1e-5, "fast": 1e-3}
"""Largest error of each class, in units of max|image| times the PSF's `l1`."""

ErrorKind: TypeAlias = Literal["out-of-memory", "unsupported", "device-lost"]
"""The three failures after which the work may continue elsewhere."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a backend can hold; None where there is no limit. Larger pictures are cut into tiles.

    Parameters
    ----------
    max_elements : int, optional
        Numbers in one array, from which on there are too many.
    max_array_bytes : int, optional
        Bytes of one array, likewise.
    memory_bytes : int, optional
        Of all arrays together, where that shall be less than is free.
    """

    max_elements: int | None = None
    max_array_bytes: int | None = None
    memory_bytes: int | None = None


@runtime_checkable
class ConvolutionBackend(Protocol):
    """What every backend offers."""

    @property
    def name(self) -> str:
        """The name that users choose it by, such as "scipy" or "acme:gpu"."""
        ...

    @property
    def xp(self) -> Any:
        """Array API namespace of its arrays."""
        ...

    @property
    def device(self) -> Any:
        """The device of its arrays, as `xp` names it."""
        ...

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Bring a NumPy array to the device, in its dtype; the array may be read-only."""
        ...

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Bring an array of the device back as a NumPy array, in its dtype."""
        ...

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
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

        Returns
        -------
        array, shape (..., rows, cols)
            A new array in the dtype of `image`, within 1e-5 of the float64 reference, in units of
            the image's peak times the PSF's `l1`; within 1e-3 if the backend declares itself
            "fast".

        Raises
        ------
        UnsupportedOperationError
            If the backend cannot compute this.
        """
        ...


def error_kind(error: BaseException) -> ErrorKind | None:
    """Recognise Python's own errors and those of phos.

    A library that runs out of memory inside a call of Python's may raise a SystemError from a
    MemoryError; without memory for its stack no thread starts.

    Parameters
    ----------
    error : BaseException
        Any.

    Returns
    -------
    ErrorKind or None
        Which of the three failures it is; None for all other errors.
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

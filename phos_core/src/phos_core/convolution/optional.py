"""What a backend may offer besides, each part a protocol: phos asks by `isinstance`.

What is asked of every backend in the end, such as its memory, has a default here for a backend
that leaves the part out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.boundary import Boundary
from phos_core.convolution.chain import Chain
from phos_core.convolution.contract import (
    Accuracy,
    ConvolutionBackend,
    ErrorKind,
    Limits,
    MemoryInfo,
    ProbeReport,
    error_kind,
)
from phos_core.convolution.plans import Method, Plan
from phos_core.psf import PSF

if TYPE_CHECKING:
    from phos_core.effects.grain import Grain

__all__ = [
    "OPTIONAL_PARTS",
    "ClassifiesErrors",
    "CompilesChains",
    "DeclaresAccuracy",
    "FillsOut",
    "HostBuffers",
    "KeepsHostMemory",
    "LimitsArrays",
    "MakesGrain",
    "MakesPictures",
    "OwnsArrays",
    "PlansMethods",
    "Probes",
    "ReleasesMemory",
    "ReportsDevice",
    "ReportsMemory",
    "RunsSideBySide",
    "Synchronizes",
    "accuracy_of",
    "error_kind_of",
    "limits_of",
    "memory_of",
    "probe_of",
    "release",
    "synchronize",
]


@runtime_checkable
class DeclaresAccuracy(Protocol):
    """A backend that says which class it keeps to; "exact" for all others."""

    @property
    def accuracy(self) -> Accuracy:
        """The class. One of "fast" runs only where it is requested by name."""
        ...


@runtime_checkable
class Probes(Protocol):
    """A backend whose device or library may be missing or unfit."""

    def probe(self) -> ProbeReport:
        """Say whether the backend can run here. Never raises."""
        ...


@runtime_checkable
class Synchronizes(Protocol):
    """A backend whose library computes later than it is called."""

    def synchronize(self) -> None:
        """Wait until everything that was asked of the device is done."""
        ...


@runtime_checkable
class ReportsMemory(Protocol):
    """A backend that knows how much memory there is: what does not fit is cut into tiles."""

    def memory(self) -> MemoryInfo:
        """Say how much memory the device has."""
        ...


@runtime_checkable
class ReleasesMemory(Protocol):
    """A backend that keeps something for the next picture."""

    def release(self) -> None:
        """Give back what is kept for speed only; no result changes by it."""
        ...


@runtime_checkable
class ClassifiesErrors(Protocol):
    """A backend whose library has errors of its own for the three failures."""

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Say which of the three failures an exception is; None for all others."""
        ...


@runtime_checkable
class OwnsArrays(Protocol):
    """A backend whose users may hand in arrays of its library: they stay where they are."""

    def owns(self, x: Array) -> bool:
        """Say whether an array is of the backend's library and on its device."""
        ...


@runtime_checkable
class FillsOut(Protocol):
    """A backend of NumPy arrays that writes a result straight to its place."""

    def convolve_into(
        self,
        image: Array,
        psf: PSF | Sequence[PSF],
        out: npt.NDArray[Any],
        *,
        boundary: Boundary = "symmetric",
    ) -> None:
        """Convolve planes as `convolve` does, into `out`.

        Parameters
        ----------
        image, psf, boundary
            As for `ConvolutionBackend.convolve`.
        out : ndarray, shape (..., rows, cols)
            Takes the result: of the image's shape and dtype, without sharing its memory.
        """
        ...


@runtime_checkable
class PlansMethods(Protocol):
    """A backend that has several methods: it says which it takes, and takes one on request."""

    def plan(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary = "symmetric",
        dtype: Any = np.float32,
        method: Method = "auto",
    ) -> Plan:
        """Say by which method a plane is convolved.

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
            One to take all the same, or "auto".

        Returns
        -------
        Plan
            The method, and why.

        Raises
        ------
        UnsupportedOperationError
            If the method that is requested cannot do it.
        """
        ...

    def convolve_by(
        self,
        method: Method,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
    ) -> Array:
        """Convolve planes by a method that was requested; see `ConvolutionBackend.convolve`."""
        ...


@runtime_checkable
class LimitsArrays(Protocol):
    """A backend in which larger arrays fail, or crash."""

    @property
    def limits(self) -> Limits:
        """What it can hold."""
        ...


@runtime_checkable
class CompilesChains(Protocol):
    """A backend that makes kernels of the pointwise steps between the convolutions."""

    def compile(self, chain: Chain) -> Callable[..., Array]:
        """Make a kernel of a chain.

        Parameters
        ----------
        chain : Chain
            What to do to a pixel.

        Returns
        -------
        callable
            ``kernel(*arrays, out=None)``: takes arrays of shape (layers, rows, cols), of any
            strides, as `chain.inputs` says, and gives a new one, or fills `out` and gives that.
            `out` may be an array of the host.

        Raises
        ------
        UnsupportedOperationError
            If it cannot: the step is then run as array code.
        """
        ...


@runtime_checkable
class MakesPictures(Protocol):
    """A backend that lays channels last quicker than array code does."""

    def picture(self, channels: Array) -> Array:
        """Give channels of shape (3, rows, cols) as a picture, in one piece.

        Parameters
        ----------
        channels : array, shape (3, rows, cols)
            Of any strides; nobody needs it afterwards.

        Returns
        -------
        array, shape (rows, cols, 3)
            The picture: a copy only if it does not lie as one already.
        """
        ...


@runtime_checkable
class MakesGrain(Protocol):
    """A backend that makes the noise of the grain quicker than array code does."""

    def grain_noise(
        self,
        like: Array,
        params: "Grain",
        *,
        rows: int,
        cols: int,
        pixel_pitch_um: float,
        seed: int,
        frame: int = 0,
        row_start: int = 0,
        col_start: int = 0,
    ) -> Array:
        """Make the field of `phos_core.backend.grain_noise`, which says what the arguments are."""
        ...


class HostBuffers(Protocol):
    """Memory of the host that is kept from one picture to the next."""

    def take(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Give an array for the caller alone; what is in it is left from others."""
        ...

    def give(self, array: npt.NDArray[Any]) -> None:
        """Take the memory of such an array back; other memory is left alone."""
        ...

    def trim(self) -> None:
        """Keep no more than a share of the host's memory: a picture is done."""
        ...


@runtime_checkable
class KeepsHostMemory(Protocol):
    """A backend of NumPy arrays that keeps the memory of large ones for the next picture."""

    @property
    def buffers(self) -> HostBuffers:
        """The memory that is kept."""
        ...


@runtime_checkable
class RunsSideBySide(Protocol):
    """A backend that does several pieces of work at once, so that copies and work overlap."""

    @property
    def lanes(self) -> int:
        """How many at once."""
        ...

    def side_by_side(self, work: Callable[[int], None], count: int) -> None:
        """Do pieces of work, `lanes` of them at once, each on a stream of its own.

        Parameters
        ----------
        work : callable
            ``work(i)`` does one of them.
        count : int
            How many there are.

        Raises
        ------
        Exception
            What the first that failed raised, once all that had begun have ended.
        """
        ...


@runtime_checkable
class ReportsDevice(Protocol):
    """A backend that knows what a bug report should say of its device."""

    def device_facts(self) -> Mapping[str, str]:
        """Say the device's name, its driver, its pools."""
        ...


OPTIONAL_PARTS: tuple[type, ...] = (
    *(DeclaresAccuracy, Probes, Synchronizes, ReportsMemory, ReleasesMemory, ClassifiesErrors),
    *(OwnsArrays, FillsOut, PlansMethods, LimitsArrays, CompilesChains, MakesGrain),
    MakesPictures,
    *(KeepsHostMemory, RunsSideBySide, ReportsDevice),
)


def accuracy_of(backend: ConvolutionBackend) -> Accuracy:
    """Give the class that a backend keeps to."""
    return backend.accuracy if isinstance(backend, DeclaresAccuracy) else "exact"


def probe_of(backend: ConvolutionBackend) -> ProbeReport:
    """Ask a backend whether it can run.

    Parameters
    ----------
    backend : ConvolutionBackend
        The backend.

    Returns
    -------
    ProbeReport
        "ok" for one that does not probe.
    """
    return backend.probe() if isinstance(backend, Probes) else ProbeReport()


def memory_of(backend: ConvolutionBackend) -> MemoryInfo:
    """Ask a backend for its memory.

    Parameters
    ----------
    backend : ConvolutionBackend
        The backend.

    Returns
    -------
    MemoryInfo
        In bytes; None where the backend does not say.
    """
    return backend.memory() if isinstance(backend, ReportsMemory) else MemoryInfo()


def error_kind_of(backend: ConvolutionBackend, error: BaseException) -> ErrorKind | None:
    """Ask a backend which of the three failures an error is; else Python's own and phos' count."""
    if isinstance(backend, ClassifiesErrors):
        return backend.classify_error(error)
    return error_kind(error)


def limits_of(backend: ConvolutionBackend) -> Limits:
    """Give what a backend can hold."""
    return backend.limits if isinstance(backend, LimitsArrays) else Limits()


def synchronize(backend: ConvolutionBackend) -> None:
    """Wait until a backend's device has done what it was asked.

    Parameters
    ----------
    backend : ConvolutionBackend
        One that computes as it is called has nothing to wait for.
    """
    if isinstance(backend, Synchronizes):
        backend.synchronize()


def release(backend: ConvolutionBackend) -> None:
    """Let a backend give back the memory that it keeps for the next picture.

    Parameters
    ----------
    backend : ConvolutionBackend
        One that keeps nothing is left alone.
    """
    if isinstance(backend, ReleasesMemory):
        backend.release()

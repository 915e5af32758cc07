"""What kernels in CUDA need of a library that holds arrays on an NVIDIA GPU."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array

__all__ = ["CudaEvent", "CudaKernel", "CudaLaunch", "CudaLibrary"]

Bytes = npt.NDArray[np.uint8]


class CudaKernel(Protocol):
    """A compiled kernel."""

    @property
    def most_threads(self) -> int:
        """How many threads a block may have, as its registers allow."""
        ...

    def allow_shared(self, size_bytes: int) -> None:
        """Let its blocks have so much shared memory."""
        ...


class CudaLaunch(NamedTuple):
    """A kernel and how much of it runs.

    Parameters
    ----------
    kernel : CudaKernel
        Compiled by the library that starts it.
    grid : tuple of (int, int, int)
        Blocks along each axis.
    threads : int
        Of a block.
    shared_bytes : int
        Shared memory of a block.
    """

    kernel: Any
    grid: tuple[int, int, int]
    threads: int
    shared_bytes: int = 0


class CudaEvent(Protocol):
    """A place in the order of a stream."""

    @property
    def done(self) -> bool:
        """Whether the device has got there."""
        ...

    def synchronize(self) -> None:
        """Wait until it has."""
        ...


class CudaLibrary(Protocol):
    """Arrays, memory and streams of a device, and what compiles for it.

    All of it is called with the device as the library's current one.
    """

    name: str
    """What messages call the backend."""

    @property
    def shared_bytes(self) -> int:
        """Shared memory that a block may have."""
        ...

    def compile(
        self, source: str, options: Mapping[str, bool], names: Sequence[str]
    ) -> Sequence[CudaKernel]:
        """Compile CUDA source as C++17, or load what was compiled of it before.

        Parameters
        ----------
        source : str
            The source; functions in it that do not say where they run are the device's.
        options : mapping of str to bool
            Of NVIDIA's compiler, such as ``{"prec_sqrt": False}``.
        names : sequence of str
            Of the kernels that are wanted.

        Returns
        -------
        sequence of CudaKernel
            The kernels, in this order.
        """
        ...

    def start(self, launches: Sequence[CudaLaunch], arguments: bytearray) -> None:
        """Start kernels one after another, in the order of the current stream.

        Parameters
        ----------
        launches : sequence of CudaLaunch
            The kernels.
        arguments : bytearray
            The record that is the one argument of each, handed over by value.
        """
        ...

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """Make an array in one piece."""
        ...

    def zeros(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """Make an array of zeros in one piece."""
        ...

    def upload(self, numbers: npt.NDArray[Any]) -> Array:
        """Copy numbers to the device, there for every stream once this returns."""
        ...

    def address(self, array: Array) -> int:
        """Where an array begins."""
        ...

    def strides(self, array: Array) -> Sequence[int]:
        """How far one place of an axis is from the next, in numbers."""
        ...

    def permuted(self, array: Array, order: Sequence[int]) -> Array:
        """Give a view with the axes in another order."""
        ...

    def in_one_piece(self, array: Array) -> Array:
        """Give the array with its axes in the order of memory: itself, or a copy."""
        ...

    def locked(self, size_bytes: int) -> Bytes:
        """Allocate page-locked memory of the host."""
        ...

    def is_locked(self, array: npt.NDArray[Any]) -> bool:
        """Say whether an array's memory is known to CUDA as page-locked."""
        ...

    def copy(self, to: int, source: int, size_bytes: int, stream: Any) -> None:
        """Copy between the device and page-locked memory, in the order of a stream."""
        ...

    def stream(self) -> Any:
        """Give the current stream."""
        ...

    def new_stream(self) -> Any:
        """Make a stream that does not wait for others."""
        ...

    def using(self, stream: Any) -> AbstractContextManager[Any]:
        """Make the device and a stream of it current."""
        ...

    def record(self, stream: Any) -> CudaEvent:
        """Mark the place that a stream's order has come to."""
        ...

    def wait(self, stream: Any, event: Any) -> None:
        """Let a stream's further work wait for an event."""
        ...

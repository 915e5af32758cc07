"""What phos' kernels in CUDA need of CuPy."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import cupy
import numpy as np
import numpy.typing as npt

from phos_core.backend import Array, CudaLaunch

__all__ = ["CupyLibrary"]

LOCKED = 1  # cudaMemoryTypeHost
EITHER_WAY = 4  # cudaMemcpyDefault


class CupyLibrary:
    """CuPy's arrays, memory and streams on one device.

    Parameters
    ----------
    device : cupy.cuda.Device
        The device; the current one whenever a method is called.
    """

    name = "cupy"

    def __init__(self, device: Any) -> None:
        self._device = device

    @cached_property
    def shared_bytes(self) -> int:
        """Shared memory that a block may have."""
        return int(self._device.attributes["MaxSharedMemoryPerBlockOptin"])

    def compile(
        self, source: str, options: Mapping[str, bool], names: Sequence[str]
    ) -> list["CupyKernel"]:
        """Compile source, or load it from CuPy's cache on the disk."""
        given = [f"--{name.replace('_', '-')}={str(on).lower()}" for name, on in options.items()]
        module = cupy.RawModule(code=source, options=("--std=c++17", *given))
        return [CupyKernel(module.get_function(name)) for name in names]

    def start(self, launches: Sequence[CudaLaunch], arguments: bytearray) -> None:
        """Start kernels one after another, in the order of the current stream."""
        # The one form in which CuPy takes a record: an array of no axes.
        record = (np.frombuffer(arguments, f"V{len(arguments)}").reshape(()),)
        for launch in launches:
            threads = (launch.threads,)
            launch.kernel.kernel(launch.grid, threads, record, shared_mem=launch.shared_bytes)

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """Make an array in one piece."""
        return cupy.empty(shape, dtype)

    def zeros(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """Make an array of zeros in one piece."""
        return cupy.zeros(shape, dtype)

    def upload(self, numbers: npt.NDArray[Any]) -> Array:
        """Copy numbers to the device, there for every stream once this returns."""
        there = cupy.asarray(numbers)
        cupy.cuda.get_current_stream().synchronize()
        return there

    def address(self, array: Array) -> int:
        """Where an array begins."""
        return int(array.data.ptr)

    def strides(self, array: Array) -> Sequence[int]:
        """How far one place of an axis is from the next, in numbers."""
        size = array.itemsize
        return [stride // size for stride in array.strides]

    def permuted(self, array: Array, order: Sequence[int]) -> Array:
        """Give a view with the axes in another order."""
        return array.transpose(order)

    def in_one_piece(self, array: Array) -> Array:
        """Give the array with its axes in the order of memory: itself, or a copy."""
        return cupy.ascontiguousarray(array)

    def locked(self, size_bytes: int) -> npt.NDArray[np.uint8]:
        """Allocate page-locked memory of the host."""
        return np.frombuffer(cupy.cuda.alloc_pinned_memory(size_bytes), np.uint8, size_bytes)

    def is_locked(self, array: npt.NDArray[Any]) -> bool:
        """Say whether an array's memory is known to CUDA as page-locked."""
        return bool(cupy.cuda.runtime.pointerGetAttributes(array.ctypes.data).type == LOCKED)

    def copy(self, to: int, source: int, size_bytes: int, stream: Any) -> None:
        """Copy between the device and page-locked memory, in the order of a stream."""
        cupy.cuda.runtime.memcpyAsync(to, source, size_bytes, EITHER_WAY, stream.ptr)

    def stream(self) -> Any:
        """Give the current stream."""
        return cupy.cuda.get_current_stream()

    def new_stream(self) -> Any:
        """Make a stream that does not wait for others."""
        with self._device:
            return cupy.cuda.Stream(non_blocking=True)

    @contextmanager
    def using(self, stream: Any) -> Iterator[None]:
        """Make the device and a stream of it current."""
        with self._device, stream:
            yield

    def record(self, stream: Any) -> Any:
        """Mark the place that a stream's order has come to."""
        return stream.record()

    def wait(self, stream: Any, event: Any) -> None:
        """Let a stream's further work wait for an event."""
        stream.wait_event(event)


class CupyKernel:
    """A kernel that CuPy has compiled.

    Parameters
    ----------
    kernel : cupy.RawKernel
        Of one argument.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel

    @property
    def most_threads(self) -> int:
        """How many threads a block may have, as its registers allow."""
        return int(self.kernel.max_threads_per_block)

    def allow_shared(self, size_bytes: int) -> None:
        """Let its blocks have so much shared memory."""
        self.kernel.max_dynamic_shared_size_bytes = size_bytes

"""What phos' kernels in CUDA need of PyTorch: its tensors and streams, NVIDIA's own compiler.

NVIDIA publishes its compiler and its driver to Python as `cuda.core` and `cuda.bindings`. PyTorch's
tensors are handed over by their addresses, in the order of its current stream.
"""

import ctypes
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from cuda.bindings import driver
from cuda.core import Program, ProgramOptions
from cuda.core.utils import FileStreamProgramCache

from phos_core.backend import Array, CudaLaunch

__all__ = ["TorchCudaLibrary"]

KEPT_BYTES = 2**28  # our choice: compiled kernels of all programs that share the cache on the disk


class TorchCudaLibrary:
    """PyTorch's tensors, memory and streams on one device.

    Parameters
    ----------
    name : str
        What messages call the backend.
    device : torch.device
        The device, with its number; PyTorch's current one whenever a method is called.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self._device = device
        self._bound = threading.local()

    @cached_property
    def shared_bytes(self) -> int:
        """Shared memory that a block may have."""
        what = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        return int(_done(driver.cuDeviceGetAttribute(what, self.number)))

    @property
    def number(self) -> int:
        """The device as the driver counts, which is as PyTorch does."""
        return int(self._device.index)

    def compile(
        self, source: str, options: Mapping[str, bool], names: Sequence[str]
    ) -> list["TorchKernel"]:
        """Compile source for the device, or load it from NVIDIA's cache on the disk."""
        major, minor = torch.cuda.get_device_capability(self._device)
        given = ProgramOptions(
            std="c++17",
            arch=f"sm_{major}{minor}",
            device_as_default_execution_space=True,
            **options,
        )
        code = Program(source, "c++", given).compile("cubin", cache=_cache())
        self._bind()
        return [TorchKernel(code.get_kernel(name), self) for name in names]

    def start(self, launches: Sequence[CudaLaunch], arguments: bytearray) -> None:
        """Start kernels one after another, in the order of the current stream."""
        self._bind()
        record = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(arguments)))
        parameters = ctypes.addressof(record)  # the driver copies the record
        stream = torch.cuda.current_stream(self._device).cuda_stream
        for kernel, grid, threads, shared_bytes in launches:
            blocks = (*grid, threads, 1, 1)
            given = (shared_bytes, stream, parameters, 0)
            _done(driver.cuLaunchKernel(kernel.function, *blocks, *given))

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """Make a tensor in one piece."""
        return torch.empty(tuple(shape), dtype=_tensors_dtype(np.dtype(dtype)), device=self._device)

    def zeros(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """Make a tensor of zeros in one piece."""
        return torch.zeros(tuple(shape), dtype=_tensors_dtype(np.dtype(dtype)), device=self._device)

    def upload(self, numbers: npt.NDArray[Any]) -> Array:
        """Copy numbers to the device, there for every stream once this returns."""
        there = torch.from_numpy(np.array(numbers)).to(self._device)
        torch.cuda.current_stream(self._device).synchronize()
        return there

    def address(self, array: Array) -> int:
        """Where a tensor begins."""
        return int(array.data_ptr())

    def strides(self, array: Array) -> Sequence[int]:
        """How far one place of an axis is from the next, in numbers."""
        return tuple(array.stride())

    def permuted(self, array: Array, order: Sequence[int]) -> Array:
        """Give a view with the axes in another order."""
        return array.permute(tuple(order))

    def in_one_piece(self, array: Array) -> Array:
        """Give the tensor with its axes in the order of memory: itself, or a copy."""
        return array.contiguous()

    def locked(self, size_bytes: int) -> npt.NDArray[np.uint8]:
        """Allocate page-locked memory of the host."""
        memory: npt.NDArray[np.uint8] = torch.empty(
            size_bytes, dtype=torch.uint8, device="cpu", pin_memory=True
        ).numpy()
        return memory

    def is_locked(self, array: npt.NDArray[Any]) -> bool:
        """Say whether an array's memory is known to CUDA as page-locked."""
        # Of several attributes, which is no error where CUDA does not know the memory.
        what = [driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE]
        (kind,) = _done(driver.cuPointerGetAttributes(len(what), what, array.ctypes.data))
        return int(kind) == int(driver.CUmemorytype.CU_MEMORYTYPE_HOST)

    def copy(self, to: int, source: int, size_bytes: int, stream: Any) -> None:
        """Copy between the device and page-locked memory, in the order of a stream."""
        self._bind()
        _done(driver.cuMemcpyAsync(to, source, size_bytes, stream.cuda_stream))

    def stream(self) -> Any:
        """Give the current stream."""
        return torch.cuda.current_stream(self._device)

    def new_stream(self) -> Any:
        """Make a stream that does not wait for others."""
        return torch.cuda.Stream(self._device)

    @contextmanager
    def using(self, stream: Any) -> Iterator[None]:
        """Make the device and a stream of it current."""
        with torch.cuda.device(self._device), torch.cuda.stream(stream):
            yield

    def record(self, stream: Any) -> "TorchEvent":
        """Mark the place that a stream's order has come to."""
        return TorchEvent(stream)

    def wait(self, stream: Any, event: Any) -> None:
        """Let a stream's further work wait for an event."""
        stream.wait_event(event.event)

    def _bind(self) -> None:
        """Bind the device's context to this thread, which PyTorch leaves to its own first call."""
        if not hasattr(self._bound, "here"):
            torch.cuda.current_stream(self._device).query()
            self._bound.here = True


class TorchEvent:
    """A place in the order of a stream.

    Parameters
    ----------
    stream : torch.cuda.Stream
        The stream.
    """

    def __init__(self, stream: Any) -> None:
        self.event = torch.cuda.Event()
        self.event.record(stream)

    @property
    def done(self) -> bool:
        """Whether the device has got there."""
        return bool(self.event.query())

    def synchronize(self) -> None:
        """Wait until it has."""
        self.event.synchronize()


class TorchKernel:
    """A kernel that starts in the order of PyTorch's current stream.

    Parameters
    ----------
    kernel : cuda.core.Kernel
        The kernel.
    library : TorchCudaLibrary
        Whose device it was compiled for.
    """

    def __init__(self, kernel: Any, library: TorchCudaLibrary) -> None:
        self._kernel = kernel
        self.function = driver.CUfunction(int(kernel.handle))
        self._library = library

    @property
    def most_threads(self) -> int:
        """How many threads a block may have, as its registers allow."""
        return int(self._kernel.attributes[self._library.number].max_threads_per_block)

    def allow_shared(self, size_bytes: int) -> None:
        """Let its blocks have so much shared memory."""
        what = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        number = self._library.number
        _done(driver.cuKernelSetAttribute(what, size_bytes, self._kernel.handle, number))


@cache
def _tensors_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    return torch.from_numpy(np.empty(0, dtype)).dtype


@cache
def _cache() -> FileStreamProgramCache | None:
    """Compiled kernels on the disk; None where nothing can be kept."""
    try:
        return FileStreamProgramCache(max_size_bytes=KEPT_BYTES)
    except OSError:
        return None


def _done(answer: tuple[Any, ...]) -> Any:
    """Give what a call of the driver or the compiler gave.

    Raises
    ------
    RuntimeError
        If it failed; worded as PyTorch words its own, so that it is recognised as such.
    """
    error, *values = answer
    if int(error) != 0:
        name = getattr(error, "name", str(error))
        kind = "CUDA out of memory" if name == "CUDA_ERROR_OUT_OF_MEMORY" else "CUDA error"
        raise RuntimeError(f"{kind}: {name}")
    return values[0] if values else None

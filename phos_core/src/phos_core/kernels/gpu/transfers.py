"""Copies between the host and the device: in slices, so that threads, bus and device all work.

The bus takes page-locked memory at full speed and no other. Other memory goes through page-locked
slices that are kept for the next picture. Memory that its owner has locked is used as it is.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array, numpy_dtype
from phos_core.convolution.methods.cpu import usable_cores
from phos_core.kernels.gpu.library import CudaLibrary

__all__ = ["Transfers", "in_memory_order", "row_slices"]

SLICE_BYTES = 2**22  # our choice: short enough to overlap, long enough to start seldom
LANE_SLICE_BYTES = 2**26  # our choice: beside others, a picture of 6 megapixels goes in one piece
KEPT_BYTES = 2**29  # our choice: page-locked memory kept for the next picture
MOST_THREADS = 4  # measured: more do not copy faster
PAGE_BYTES = 4096

Bytes = npt.NDArray[np.uint8]


class Transfers:
    """Copies arrays to and from the device, by memory and threads that are kept.

    Parameters
    ----------
    library : CudaLibrary
        Whose arrays they are.
    """

    def __init__(self, library: CudaLibrary) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._free: deque[tuple[Bytes, Any]] = deque()
        self._threads: ThreadPoolExecutor | None = None
        self._own = threading.local()

    def upload(self, host: npt.NDArray[Any]) -> Array:
        """Copy an array to the device as it lies in memory; the result is a view in its shape.

        Page-locked memory is read later, in the order of the current stream's work: it must stay
        as it is until then.
        """
        native = host.astype(host.dtype.newbyteorder("="), copy=False)
        pixels, order = in_memory_order(native)
        library = self._library
        uploaded = library.empty(pixels.shape, pixels.dtype)
        stream = library.stream()
        if pixels.flags.c_contiguous and library.is_locked(pixels):
            to = library.address(uploaded)
            library.copy(to, pixels.ctypes.data, pixels.nbytes, stream)
            self._hold_until_read(pixels, stream)
        elif pixels.size:
            self._upload_in_slices(pixels, uploaded, stream)
        return library.permuted(uploaded, np.argsort(order).tolist())

    def download(
        self,
        picture: Array,
        host: npt.NDArray[Any],
        make: Callable[[slice], None] | None = None,
    ) -> None:
        """Copy an array of the device to the host.

        Parameters
        ----------
        picture : array of the device
            In the order in which `host` lies in memory.
        host : ndarray
            Takes it.
        make : callable, optional
            ``make(rows)`` starts what fills some of the first axis; called slice after slice, so
            that one slice is on its way while the next is made.
        """
        place, order = in_memory_order(host)
        library = self._library
        pixels = library.permuted(picture, order)
        dtype = numpy_dtype(pixels)
        direct = place.flags.c_contiguous and place.dtype == dtype
        locked = direct and library.is_locked(place)
        slices = self._slices(pixels)
        touched = []
        if direct and not locked and not self._alone:
            touched = [self._start(_touch, place[rows]) for rows in slices]
        work, way = library.stream(), self._way_back()
        copies: list[tuple[slice, Bytes, Any]] = []
        for rows in slices:
            if make is not None:
                make(rows)
            library.wait(way, library.record(work))
            part = library.address(pixels[rows])
            size_bytes = place[rows].size * dtype.itemsize
            if locked:
                library.copy(place[rows].ctypes.data, part, size_bytes, way)
                continue
            staged = self._staging(size_bytes)
            library.copy(staged.ctypes.data, part, size_bytes, way)
            copies.append((rows, staged, library.record(way)))
        for wait in touched:
            wait()
        jobs = []
        for rows, staged, arrived in copies:
            arrived.synchronize()
            there = place[rows]
            values = staged[: there.size * dtype.itemsize].view(dtype).reshape(there.shape)
            jobs.append((self._start(np.copyto, there, values, "same_kind"), staged))
        if locked:
            library.record(way).synchronize()
        for wait, staged in jobs:
            wait()
            self._give_back(staged, None)

    def go_alone(self) -> None:
        """Let this thread copy by itself, in large pieces: others work beside it."""
        self._own.alone = True

    def release(self) -> None:
        """Give the page-locked memory and the threads back."""
        with self._lock:
            for _, used in self._free:
                if used is not None:
                    used.synchronize()
            self._free.clear()
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)

    def _upload_in_slices(self, pixels: npt.NDArray[Any], uploaded: Array, stream: Any) -> None:
        jobs = []
        for rows in self._slices(pixels):
            part = pixels[rows]
            staged = self._staging(part.nbytes)
            values = staged[: part.nbytes].view(part.dtype).reshape(part.shape)
            copying = self._start(np.copyto, values, part)
            jobs.append((copying, uploaded[rows], staged, part.nbytes))
        for wait, part, staged, size_bytes in jobs:
            wait()
            self._library.copy(self._library.address(part), staged.ctypes.data, size_bytes, stream)
            self._give_back(staged, self._library.record(stream))

    @property
    def _alone(self) -> bool:
        return getattr(self._own, "alone", False)

    def _slices(self, pixels: Any) -> list[slice]:
        most_bytes = LANE_SLICE_BYTES if self._alone else SLICE_BYTES
        return row_slices(pixels.shape, pixels.dtype.itemsize, most_bytes)

    def _start(self, work: Callable[..., None], *arguments: Any) -> Callable[[], None]:
        """Do work, on another thread unless this one goes alone; return what waits for it."""
        if self._alone:
            work(*arguments)
            return _nothing
        return self._pool().submit(work, *arguments).result

    def _staging(self, size_bytes: int) -> Bytes:
        """Page-locked memory that nothing reads or writes any more."""
        size_bytes = max(size_bytes, SLICE_BYTES)
        with self._lock:
            for index, (staged, used) in enumerate(self._free):
                if staged.nbytes >= size_bytes and (used is None or used.done):
                    del self._free[index]
                    return staged
        return self._library.locked(size_bytes)

    def _give_back(self, staged: Bytes, used: Any) -> None:
        with self._lock:
            self._free.append((staged, used))
            while sum(memory.nbytes for memory, _ in self._free) > KEPT_BYTES:
                _, last_use = self._free.popleft()
                if last_use is not None:
                    last_use.synchronize()

    def _hold_until_read(self, pixels: npt.NDArray[Any], stream: Any) -> None:
        """Keep memory alive that the device reads later."""
        held = self._own.__dict__.setdefault("held", deque())
        held.append((pixels, self._library.record(stream)))
        while held and held[0][1].done:
            held.popleft()

    def _way_back(self) -> Any:
        """The stream of copies to the host that a thread has."""
        if not hasattr(self._own, "way"):
            self._own.way = self._library.new_stream()
        return self._own.way

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                count = min(MOST_THREADS, usable_cores())
                self._threads = ThreadPoolExecutor(count, thread_name_prefix="phos-copies")
            return self._threads


def in_memory_order(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], list[int]]:
    """Give a view whose axes come in the order that they have in memory, and that order."""
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    # Of an axis of one place the stride says nothing: it stays where it is in the shape.
    return array.transpose(order), order


def row_slices(shape: Sequence[int], itemsize: int, most_bytes: int) -> list[slice]:
    """Cut the first axis into slices of few bytes."""
    rows = shape[0]
    row_bytes = itemsize * int(np.prod(shape[1:]))
    step = max(1, most_bytes // max(row_bytes, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def _nothing() -> None:
    """Wait for what is done already."""


def _touch(part: npt.NDArray[Any]) -> None:
    """Write to each page what it holds: the system then gives it memory, while the device works."""
    pages = part.reshape(-1).view(np.uint8)[::PAGE_BYTES]
    pages[...] = pages.copy()

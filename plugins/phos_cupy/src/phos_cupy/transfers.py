"""Copies between the host and the device: in slices, so that threads, bus and device all work.

The bus takes page-locked memory at full speed and no other. Other memory goes through page-locked
slices that are kept for the next picture. Memory that its owner has locked is used as it is.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cupy
import numpy as np
import numpy.typing as npt

from phos_core.backend import Array, usable_cores

__all__ = ["Transfers", "in_memory_order", "row_slices"]

SLICE_BYTES = 2**22  # our choice: short enough to overlap, long enough to start seldom
LANE_SLICE_BYTES = 2**26  # our choice: beside others, a picture of 6 megapixels goes in one piece
KEPT_BYTES = 2**29  # our choice: page-locked memory kept for the next picture
MOST_THREADS = 4  # measured: more do not copy faster
PAGE_BYTES = 4096
LOCKED = 1  # cudaMemoryTypeHost
TO_DEVICE, TO_HOST = 1, 2  # cudaMemcpyKind

Bytes = npt.NDArray[np.uint8]


class Transfers:
    """Copies arrays to and from the device, by memory and threads that are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: deque[tuple[Bytes, Any]] = deque()
        self._threads: ThreadPoolExecutor | None = None
        self._own = threading.local()

    def upload(self, host: npt.NDArray[Any]) -> Array:
        """Copy an array to the device as it lies in memory; the result is a view in its shape.

        Page-locked memory is read later, in the order of the current stream's work: it must stay
        as it is until then.
        """
        pixels, order = in_memory_order(host)
        uploaded = cupy.empty(pixels.shape, pixels.dtype)
        stream = cupy.cuda.get_current_stream()
        if pixels.flags.c_contiguous and is_locked(pixels):
            _copy(uploaded.data.ptr, pixels.ctypes.data, pixels.nbytes, TO_DEVICE, stream)
            self._hold_until_read(pixels, stream)
        elif pixels.size:
            self._upload_in_slices(pixels, uploaded, stream)
        return uploaded.transpose(np.argsort(order).tolist())

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
        pixels = picture.transpose(order)
        direct = place.flags.c_contiguous and place.dtype == pixels.dtype
        locked = direct and is_locked(place)
        slices = self._slices(pixels)
        touched = []
        if direct and not locked and not self._alone:
            touched = [self._start(_touch, place[rows]) for rows in slices]
        work, way = cupy.cuda.get_current_stream(), self._way_back()
        copies: list[tuple[slice, Bytes, Any]] = []
        for rows in slices:
            if make is not None:
                make(rows)
            way.wait_event(work.record())
            part = pixels[rows]
            if locked:
                _copy(place[rows].ctypes.data, part.data.ptr, part.nbytes, TO_HOST, way)
                continue
            staged = self._staging(part.nbytes)
            _copy(staged.ctypes.data, part.data.ptr, part.nbytes, TO_HOST, way)
            copies.append((rows, staged, way.record()))
        for wait in touched:
            wait()
        jobs = []
        for rows, staged, arrived in copies:
            arrived.synchronize()
            part = pixels[rows]
            values = staged[: part.nbytes].view(part.dtype).reshape(part.shape)
            jobs.append((self._start(np.copyto, place[rows], values, "same_kind"), staged))
        if locked:
            way.synchronize()
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
            jobs.append((self._start(np.copyto, values, part), uploaded[rows], staged))
        for wait, part, staged in jobs:
            wait()
            _copy(part.data.ptr, staged.ctypes.data, part.nbytes, TO_DEVICE, stream)
            self._give_back(staged, stream.record())

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
        memory = cupy.cuda.alloc_pinned_memory(size_bytes)
        return np.frombuffer(memory, np.uint8, size_bytes)

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
        held.append((pixels, stream.record()))
        while held and held[0][1].done:
            held.popleft()

    def _way_back(self) -> Any:
        """The stream of copies to the host that a thread has."""
        if not hasattr(self._own, "way"):
            self._own.way = cupy.cuda.Stream(non_blocking=True)
        return self._own.way

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                count = min(MOST_THREADS, usable_cores())
                self._threads = ThreadPoolExecutor(count, thread_name_prefix="phos-cupy")
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


def is_locked(array: npt.NDArray[Any]) -> bool:
    """Say whether CUDA knows an array's memory as page-locked."""
    return bool(cupy.cuda.runtime.pointerGetAttributes(array.ctypes.data).type == LOCKED)


def _copy(to: int, source: int, size_bytes: int, kind: int, stream: Any) -> None:
    cupy.cuda.runtime.memcpyAsync(to, source, size_bytes, kind, stream.ptr)


def _nothing() -> None:
    """Wait for what is done already."""


def _touch(part: npt.NDArray[Any]) -> None:
    """Write to each page what it holds: the system then gives it memory, while the device works."""
    pages = part.reshape(-1).view(np.uint8)[::PAGE_BYTES]
    pages[...] = pages.copy()

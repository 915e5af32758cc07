"""Memory of large arrays, kept for the next picture: fresh memory is cleared page by page."""

import math
import threading
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

__all__ = ["Buffers"]

LEAST_BYTES = 2**20  # smaller arrays come from memory that the process has at hand
MOST_WASTE = 1.5  # a kept piece serves an array that is smaller by so much at most
LESSON_BYTES = 2**25 - 2**16  # just below what glibc still learns from


class Buffers:
    """Arrays on the host whose memory is used again.

    Parameters
    ----------
    limit_bytes : int
        Of the memory that is kept from one picture to the next.
    """

    def __init__(self, limit_bytes: int) -> None:
        _keep_freed_memory()
        self._limit_bytes = limit_bytes
        self._free: list[npt.NDArray[np.uint8]] = []
        self._lent: WeakValueDictionary[int, npt.NDArray[np.uint8]] = WeakValueDictionary()
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
        """Give an array for the caller alone; what is in it is left from others.

        Parameters
        ----------
        shape : tuple of int
            Its shape.
        dtype : dtype
            Its dtype.

        Returns
        -------
        ndarray
            In rows, as a new one would be.
        """
        kind = np.dtype(dtype)
        nbytes = math.prod(shape) * kind.itemsize
        if nbytes < LEAST_BYTES:
            return np.empty(shape, kind)
        with self._lock:
            owner = self._pop(nbytes)
            if owner is None:
                owner = np.empty(nbytes, np.uint8)
            self._lent[id(owner)] = owner
        return owner[:nbytes].view(kind).reshape(shape)

    def give(self, array: npt.NDArray[np.generic]) -> None:
        """Take memory back from who has no more use for it; other memory is left alone.

        Parameters
        ----------
        array : ndarray
            By `take`, or a view of it. Nobody may use it, nor a view of it, any more.
        """
        with self._lock:
            owner = self._lent.pop(id(array.base), None)
            if owner is not None:
                self._free.append(owner)

    def trim(self) -> None:
        """Keep no more than the limit: a picture is done."""
        with self._lock:
            while sum(free.nbytes for free in self._free) > self._limit_bytes:
                self._free.pop(0)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._free.clear()

    def _pop(self, nbytes: int) -> npt.NDArray[np.uint8] | None:
        """The smallest kept piece that is large enough and not much too large."""
        fitting = [free for free in self._free if nbytes <= free.nbytes <= MOST_WASTE * nbytes]
        if not fitting:
            return None
        smallest = min(fitting, key=lambda free: free.nbytes)
        self._free = [free for free in self._free if free is not smallest]
        return smallest


def _keep_freed_memory() -> None:
    """Have the C library keep what steps free for the next step, where that is glibc.

    It returns freed memory to the system beyond twice the largest piece that it has seen freed, of
    pieces up to 32 MiB: to free one that large, untouched, teaches it. Else strips of a picture
    whose planes are larger than that would get fresh memory for every intermediate array.
    """
    np.empty(LESSON_BYTES, np.uint8)

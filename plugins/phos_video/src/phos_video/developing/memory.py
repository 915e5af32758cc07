"""Memory of frames that is used again once nobody looks at it any more.

A fresh array of a few hundred megabytes costs more than developing what goes into it: the system
has to clear each page first.
"""

import math
import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["FrameMemory"]


class _Lease:
    """What every view of an array keeps alive; NumPy reads where the bytes lie."""

    __slots__ = ("__array_interface__", "__weakref__", "memory")

    def __init__(self, memory: NDArray[np.uint8], shape: tuple[int, ...], dtype: np.dtype[Any]):
        self.memory = memory
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": dtype.str,
            "data": (memory.ctypes.data, False),
        }


class FrameMemory:
    """Gives arrays whose memory comes back by itself when the last view of them is gone.

    Parameters
    ----------
    most_kept : int
        How many pieces are kept that nobody uses; what comes back beyond is given up.
    """

    def __init__(self, most_kept: int) -> None:
        self._most_kept = most_kept
        self._free: list[NDArray[np.uint8]] = []
        # An array may go away anywhere, in the middle of `take` too.
        self._lock = threading.RLock()

    def take(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Give an array for the caller alone; what is in it is left from others.

        Parameters
        ----------
        shape : tuple of int
            Of the array.
        dtype : dtype
            Of the array.

        Returns
        -------
        ndarray
            In one piece.
        """
        kind = np.dtype(dtype)
        size_bytes = math.prod(shape) * kind.itemsize
        if size_bytes == 0:
            return np.empty(shape, kind)
        memory = self._piece(size_bytes)
        lease = _Lease(memory, shape, kind)
        weakref.finalize(lease, self._take_back, memory).atexit = False
        return np.asarray(lease)

    def _piece(self, size_bytes: int) -> NDArray[np.uint8]:
        with self._lock:
            for index, memory in enumerate(self._free):
                if memory.nbytes == size_bytes:
                    return self._free.pop(index)
            self._free.clear()  # of frames of another size
        return np.empty(size_bytes, np.uint8)

    def _take_back(self, memory: NDArray[np.uint8]) -> None:
        with self._lock:
            if len(self._free) < self._most_kept:
                self._free.append(memory)

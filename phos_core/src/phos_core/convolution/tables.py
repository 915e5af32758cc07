"""Transfer functions as tables, and a cache that keeps them for the next image."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from phos_core.psf import PSF

__all__ = ["TableCache", "transfer_table"]

TABLE_ROWS = 256  # computed at a time, in double precision


class HasBytes(Protocol):
    """An array that knows its size in bytes."""

    @property
    def nbytes(self) -> int:
        """Its size."""
        ...


Table = TypeVar("Table", bound=HasBytes)


def transfer_table(psf: PSF, fy: npt.NDArray[Any], fx: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Compute a transfer function in single precision, some rows at a time.

    Parameters
    ----------
    psf : PSF
        Whose transfer function.
    fy, fx : ndarray, shape (n,) and (m,)
        Frequencies of the rows and the columns, in cycles per pixel.

    Returns
    -------
    ndarray of float32, or of complex64 where the PSF is not even, shape (n, m)
        The table.
    """
    table = np.empty((len(fy), len(fx)), np.float32 if psf.is_even else np.complex64)
    transfer = psf.transfer_of_rows(fx)
    for start in range(0, len(fy), TABLE_ROWS):
        rows = slice(start, start + TABLE_ROWS)
        table[rows] = transfer(fy[rows])
    return table


class TableCache(Generic[Table]):
    """Tables by key, bounded in bytes; the least recently used is dropped first.

    Parameters
    ----------
    limit_bytes : int
        Of all tables together. A table that is larger by itself is made and not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._tables: OrderedDict[Hashable, Table] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Table]) -> Table:
        """Return the table of a key, made if it is not held."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        table = make()
        with self._lock:
            if key not in self._tables and table.nbytes <= self._limit_bytes:
                self._tables[key] = table
                self._held_bytes += table.nbytes
            while self._held_bytes > self._limit_bytes:
                self._held_bytes -= self._tables.popitem(last=False)[1].nbytes
        return table

    def clear(self) -> None:
        """Forget every table."""
        with self._lock:
            self._tables.clear()
            self._held_bytes = 0

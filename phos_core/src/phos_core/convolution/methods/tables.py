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
NARROW_NUMBERS = 2**20  # of a table narrower than the PSF, at a time


class HasBytes(Protocol):
    """An array that knows its size in bytes."""

    @property
    def nbytes(self) -> int:
        """Its size."""
        ...


Table = TypeVar("Table", bound=HasBytes)


def transfer_table(
    psf: PSF, fy: npt.NDArray[Any], fx: npt.NDArray[Any], *, double: bool = False
) -> npt.NDArray[Any]:
    """Compute a transfer function, some rows at a time.

    What a PSF prepares for all columns is as long as its reach: with fewer rows than that, the
    columns are gone through, some at a time, for all rows.

    Parameters
    ----------
    psf : PSF
        Whose transfer function.
    fy, fx : ndarray, shape (n,) and (m,)
        Frequencies of the rows and the columns, in cycles per pixel.
    double : bool
        Whether the table is in double precision.

    Returns
    -------
    ndarray of float32 or float64, complex where the PSF is not even, shape (n, m)
        The table.
    """
    if len(fy) < min(len(fx), psf.radius[0]):
        lying = transfer_table(psf.transposed(), fx, fy, double=double)
        return np.ascontiguousarray(lying.T)
    real = np.float64 if double else np.float32
    dtype = real if psf.is_even else np.result_type(real, np.complex64)
    table = np.empty((len(fy), len(fx)), dtype)
    transfer = psf.transfer_of_rows(fx)
    is_narrow = len(fx) < psf.radius[1]  # long columns go together: a PSF can make use of that
    step = max(TABLE_ROWS, NARROW_NUMBERS // len(fx)) if is_narrow else TABLE_ROWS
    for start in range(0, len(fy), step):
        rows = slice(start, start + step)
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

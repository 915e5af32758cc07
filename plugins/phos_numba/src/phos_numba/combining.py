"""Rows that are made from rows, a few for each: a compiled loop."""

from functools import cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from phos_numba.compiling import load_function

__all__ = ["combine", "runs"]

AT_ONCE = 4  # rows that are read together: their sum passes through memory once for all of them

Runs: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""For each row of a matrix the first number that is not zero, and the weights from there on."""

_kept: WeakKeyDictionary[Any, Runs | None] = WeakKeyDictionary()

SOURCE = '''\
"""Rows from rows, written by phos_numba."""

import numba
import numpy as np
from numba.types import Array, float32, int64, void

from phos_numba.mathematics import FLAGS

COLUMNS = 1024  # at a time: the sum then stays in the first-level cache


@numba.njit(
    void(Array(float32, 2, "C", readonly=True), int64[::1], float32[:, ::1], int64, float32[:, :]),
    cache=CACHE, nogil=True, error_model="numpy", fastmath=FLAGS,
)
def kernel(source, firsts, weights, start, out):
    rows, cols = out.shape
    total = np.empty(COLUMNS, np.float32)
    for first in range(0, cols, COLUMNS):
        n = min(COLUMNS, cols - first)
        for i in range(rows):
            row = firsts[start + i]
            total[:n] = np.float32(0.0)
            for k in range(0, weights.shape[1], 4):
                w0, w1 = weights[start + i, k], weights[start + i, k + 1]
                w2, w3 = weights[start + i, k + 2], weights[start + i, k + 3]
                x0, x1 = source[row + k, first:], source[row + k + 1, first:]
                x2, x3 = source[row + k + 2, first:], source[row + k + 3, first:]
                for j in range(n):
                    total[j] += (w0 * x0[j] + w1 * x1[j]) + (w2 * x2[j] + w3 * x3[j])
            for j in range(n):
                out[i, first + j] = total[j]
'''


def combine(matrix: npt.NDArray[Any], group: Any, out: npt.NDArray[np.float32]) -> bool:
    """Give some rows of a product with a banded matrix.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, cols or more)
        Its rows are combined.
    group : Group
        Which rows are given, and of what matrix.
    out : ndarray of float32, shape (m, cols)
        Takes them.

    Returns
    -------
    bool
        Whether it was possible.
    """
    found = runs(group.band, len(matrix))
    if found is None or not matrix.flags.c_contiguous or matrix.dtype != np.float32:
        return False
    source = matrix.view()
    source.flags.writeable = False
    _kernel()(source, *found, group.gives.start, out)
    return True


def runs(band: Any, size: int) -> Runs | None:
    """Give a banded matrix row by row, each padded to a multiple of rows; None if it is too small.

    Parameters
    ----------
    band : Band
        Which matrix; what is given is kept as long as it is.
    size : int
        Rows that it is multiplied by.
    """
    if band not in _kept:
        firsts, weights = band.runs(size)
        _kept[band] = _padded(firsts, weights, size)
    return _kept[band]


def _padded(
    firsts: npt.NDArray[np.int64], weights: npt.NDArray[np.float32], size: int
) -> Runs | None:
    length = -(-weights.shape[1] // AT_ONCE) * AT_ONCE
    if length > size:
        return None
    begin = np.minimum(firsts, size - length)
    wide = np.zeros((len(weights), length), np.float32)
    places = (firsts - begin)[:, None] + np.arange(weights.shape[1])
    np.put_along_axis(wide, places, weights, axis=1)
    return begin, wide


@cache
def _kernel() -> Any:
    return load_function(SOURCE, "kernel")

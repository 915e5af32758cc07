"""From pixels to points in compiled loops, which take Python's lock once for a strip."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from phos_core.backend import in_parallel, row_strips, threads_for
from phos_numba.compiling import load_function

__all__ = ["Runs", "runs", "thin_out"]

AT_ONCE = 4  # rows that are read together: their sum passes through memory once for all of them
STRIP_PIXELS = 2**18  # that a strip of points is made from

Runs: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""For each entry of a product with a banded matrix the first entry that it is made from, and the
weights from there on."""

_kept: WeakKeyDictionary[Any, Runs | None] = WeakKeyDictionary()

SOURCE = '''\
"""Sums of neighbouring pixels, written by phos_numba."""

import numba
import numpy as np
from numba.types import Array, float32, int64, void

from phos_numba.mathematics import FLAGS

COLUMNS = 1024  # at a time: the sum then stays in the first-level cache
PLANE = Array(float32, 2, "C", readonly=True)


@numba.njit(
    void(PLANE, int64[::1], float32[:, ::1], int64[::1], float32[:, ::1],
         int64, int64, float32[:, ::1], float32[:, ::1]),
    cache=CACHE, nogil=True, error_model="numpy", fastmath=FLAGS,
)
def kernel(source, firsts, weights, lefts, along, start, stop, strip, out):
    cols = source.shape[1]
    for first in range(0, cols, COLUMNS):
        n = min(COLUMNS, cols - first)
        for i in range(start, stop):
            row, total = firsts[i], strip[i - start, first:]
            total[:n] = np.float32(0.0)
            for k in range(0, weights.shape[1], 4):
                w0, w1 = weights[i, k], weights[i, k + 1]
                w2, w3 = weights[i, k + 2], weights[i, k + 3]
                x0, x1 = source[row + k, first:], source[row + k + 1, first:]
                x2, x3 = source[row + k + 2, first:], source[row + k + 3, first:]
                for j in range(n):
                    total[j] += (w0 * x0[j] + w1 * x1[j]) + (w2 * x2[j] + w3 * x3[j])
    for i in range(start, stop):
        for j in range(out.shape[1]):
            near = strip[i - start, lefts[j]:]
            point = np.float32(0.0)
            for k in range(along.shape[1]):
                point += along[j, k] * near[k]
            out[i, j] = point
'''


def thin_out(plane: npt.NDArray[Any], rows: Any, cols: Any) -> npt.NDArray[np.float32] | None:
    """Thin a plane out; see `ScipyBackend.to_points`.

    Parameters
    ----------
    plane : ndarray, shape (rows, cols)
        Its pixels in a row have no gaps between them.
    rows, cols : Axis
        Of its two axes.

    Returns
    -------
    ndarray of float32, shape (rows.points, cols.points), or None
        None where the loops do not take the plane.
    """
    down, along = runs(rows.to_points, rows.size), runs(cols.to_points, cols.size)
    if down is None or along is None or plane.dtype != np.float32 or not plane.flags.c_contiguous:
        return None
    points = np.empty((rows.points, cols.points), np.float32)
    source = plane.view()
    source.flags.writeable = False
    strips = row_strips(rows.points, cols.size, pixels=STRIP_PIXELS * rows.points // rows.size)

    def prepare() -> Callable[[slice], None]:
        strip = np.empty((strips[0].stop, cols.size), np.float32)
        return lambda some: _kernel()(source, *down, *along, some.start, some.stop, strip, points)

    in_parallel(prepare, strips, threads=threads_for(plane.size))
    return points


def runs(band: Any, size: int) -> Runs | None:
    """Give a banded matrix row by row, each padded to a multiple of 4; None if it is too small.

    Parameters
    ----------
    band : Band
        Which matrix; what is given is kept as long as it is.
    size : int
        Entries that it is multiplied by.

    Returns
    -------
    tuple of ndarray, or None
        `Runs`.
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

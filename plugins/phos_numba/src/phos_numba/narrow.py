"""Convolution with narrow PSFs: sums of separable terms, as compiled loops over tiles.

A tile is copied together with its surroundings, whatever the border makes of them, to memory that
each core keeps: a piece of its size from the system would be cleared page by page each time. The
loops over it are written out for the numbers of terms and taps: each number is then read once for
four rows, and no sum passes through memory.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phos_core.backend import Boundary, Taps, in_parallel, row_strips, source_index, threads_for
from phos_numba.compiling import load_function

__all__ = ["POINTS", "RADII", "Rows", "convolve", "suits"]

RADII = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)  # that kernels are written for
ROWS, COLUMNS = 64, 512  # of a tile, which then stays in the second-level cache
ROWS_AT_ONCE = 4
POINTS = 8  # rows of points that make a row of pixels

Rows: TypeAlias = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""Rows that are combined, and for each row of pixels the first of these and the weights of 8."""

NO_ROWS: Rows = (
    np.empty((0, 0), np.float32),
    np.empty(0, np.int64),
    np.empty((0, POINTS), np.float32),
)

HEADER = '''\
"""Convolution with separable terms, written by phos_numba."""

import numba
import numpy as np
from numba.types import Array, float32, int64, void

from phos_numba.mathematics import FLAGS

PLANE = Array(float32, 2, "C", readonly=True)


'''

FRAME = """\
@numba.njit(
    void(PLANE, int64[::1], int64[::1], float32[:, ::1], float32[:, ::1], float32[:, ::1],
         float32[:, ::1], int64, int64, float32[:, ::1], int64[::1], float32[:, ::1]),
    cache=CACHE, nogil=True, error_model="numpy", fastmath=FLAGS,
)
def kernel(source, lines, columns, down, along, tile, out, start, stop, points, firsts, weights):
    cols = source.shape[1]
    halfway = np.empty(({terms} * {at_once}, {columns} + {span_x}), np.float32)
{weights}
    height = stop - start
    for first in range(0, cols, {columns}):
        n = min({columns}, cols - first)
        inner = min(max(first - {reach_x}, 0), cols)
        outer = min(first + n + {reach_x}, cols)
        shift = {reach_x} - first
        for i in range(height + {span_y}):
            line = lines[start + i]
            if line < 0:
                tile[i, :] = np.float32(0.0)
                continue
            row = source[line]
            inside = row[inner:outer]
            held = tile[i, inner + shift : outer + shift]
            for j in range(outer - inner):
                held[j] = inside[j]
            for j in range(first, inner + {reach_x}):
                column = columns[j]
                tile[i, j - first] = row[column] if column >= 0 else np.float32(0.0)
            for j in range(outer + {reach_x}, first + n + {span_x}):
                column = columns[j]
                tile[i, j - first] = row[column] if column >= 0 else np.float32(0.0)
        for top in range(0, height, {at_once}):
            for j in range(n + {span_x}):
{going_down}
            for i in range(min({at_once}, height - top)):
                place = out[start + top + i, first : first + n]
                if len(points):
                    p = firsts[start + top + i]
{point_rows}
                    for j in range(n):
{going_along}
                        place[j] = total + ({of_points})
                else:
                    for j in range(n):
{going_along}
                        place[j] = total
"""


def suits(plane: npt.NDArray[Any], terms: Sequence[Taps], out: npt.NDArray[Any]) -> bool:
    """Say whether `convolve` takes a plane, terms and a place for the result."""
    reach = max(len(taps) // 2 for term in terms for taps in term)
    return (
        plane.dtype == out.dtype == np.float32
        and plane.flags.c_contiguous
        and out.flags.c_contiguous
        and reach <= RADII[-1]
    )


def convolve(
    plane: npt.NDArray[Any],
    terms: Sequence[Taps],
    boundary: Boundary,
    out: npt.NDArray[Any],
    smooth: Rows | None = None,
) -> None:
    """Convolve a plane with a sum of separable terms, and add what is smooth in the same pass.

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        C-contiguous.
    terms : sequence of Taps
        At least one: taps along rows and along columns, odd and centred, no longer than 65.
    boundary : Boundary
        What lies beyond the edges.
    out : ndarray of float32, shape (rows, cols)
        C-contiguous; takes the result.
    smooth : Rows, optional
        What is added.
    """
    rows, cols = plane.shape
    reach_y, reach_x = (_rounded(max(len(term[axis]) // 2 for term in terms)) for axis in (0, 1))
    down, along = (
        np.stack([_turned(term[axis], reach) for term in terms])
        for axis, reach in ((0, reach_y), (1, reach_x))
    )
    lines, columns = _sources(rows, reach_y, boundary), _sources(cols, reach_x, boundary)
    kernel = _kernel(len(terms), reach_y, reach_x)
    source = plane.view()
    source.flags.writeable = False
    points, firsts, weights = NO_ROWS if smooth is None else smooth

    def prepare() -> Callable[[slice], None]:
        tile = np.empty((ROWS + 2 * reach_y, COLUMNS + 2 * reach_x), np.float32)
        return lambda strip: kernel(
            *(source, lines, columns, down, along, tile, out, strip.start, strip.stop),
            *(points, firsts, weights),
        )

    strips = row_strips(rows, cols, pixels=ROWS * cols, most=ROWS)
    in_parallel(prepare, strips, threads=threads_for(plane.size))


@lru_cache(maxsize=64)
def _kernel(terms: int, reach_y: int, reach_x: int) -> Any:
    return load_function(_source(terms, reach_y, reach_x), "kernel")


def _source(terms: int, reach_y: int, reach_x: int) -> str:
    """Write the loops out."""
    span_y, span_x = 2 * reach_y, 2 * reach_x
    weights, going_down = [], []
    for k in range(terms):
        weights += [f"    d{k}_{t} = down[{k}, {t}]" for t in range(span_y + 1)]
        weights += [f"    a{k}_{t} = along[{k}, {t}]" for t in range(span_x + 1)]
    for k in range(terms):
        for t in range(span_y + ROWS_AT_ONCE):
            going_down.append(f"x = tile[top + {t}, j]")
            for row in range(max(0, t - span_y), min(ROWS_AT_ONCE, t + 1)):
                start = f"y{row} + " if t > row else ""
                going_down.append(f"y{row} = {start}d{k}_{t - row} * x")
        going_down += [
            f"halfway[{k * ROWS_AT_ONCE + row}, j] = y{row}" for row in range(ROWS_AT_ONCE)
        ]
    along = " + ".join(
        f"a{k}_{t} * halfway[{k * ROWS_AT_ONCE} + i, j + {t}]"
        for k in range(terms)
        for t in range(span_x + 1)
    )
    point_rows = [
        line
        for k in range(POINTS)
        for line in (f"w{k} = weights[start + top + i, {k}]", f"p{k} = points[p + {k}, first:]")
    ]
    return HEADER + FRAME.format(
        point_rows="\n".join(20 * " " + line for line in point_rows),
        of_points=" + ".join(f"w{k} * p{k}[j]" for k in range(POINTS)),
        columns=COLUMNS,
        terms=terms,
        reach_x=reach_x,
        span_y=span_y,
        span_x=span_x,
        at_once=ROWS_AT_ONCE,
        weights="\n".join(weights),
        going_down="\n".join(16 * " " + line for line in going_down),
        going_along=f"{24 * ' '}total = {along}",
    )


def _sources(size: int, reach: int, boundary: Boundary) -> npt.NDArray[np.int64]:
    """The pixel that each place repeats, from `reach` before the first on; -1 for nothing."""
    if boundary != "zero":
        return source_index(size, reach, size + 2 * reach, boundary)
    places = np.arange(-reach, size + reach)
    places[(places < 0) | (places >= size)] = -1
    return places


def _rounded(radius: int) -> int:
    """The radius of the kernel that holds these taps."""
    return next(held for held in RADII if held >= radius)


def _turned(taps: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float32]:
    """Weights of the numbers from `reach` before a place to `reach` after it."""
    return np.pad(taps[::-1], reach - len(taps) // 2).astype(np.float32)

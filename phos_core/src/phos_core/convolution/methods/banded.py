"""Narrow PSFs on the CPU: products with banded matrices, both axes while a strip is in cache.

A convolution along one axis is a product with a banded matrix. Cut into blocks, that matrix is the
same small one everywhere, and a linear-algebra library multiplies by it at the speed of its
arithmetic. Each pixel is made from its surroundings alone, so that single precision is right
beside the brightest lamp.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from phos_core.convolution.boundary import Boundary, source_index
from phos_core.convolution.methods.cpu import in_parallel, row_strips, threads_for
from phos_core.convolution.plans import Taps

__all__ = ["TURNS", "columns_of", "convolve", "product", "rows_of"]

# Multiplications of one matrix product. A linear-algebra library gives larger ones to threads of
# its own, which then wait spinning in the way of ours.
PRODUCT_SIZE = 2**18
ROWS_AT_ONCE = 16  # rows that one product gives
COLS_AT_ONCE = 32  # columns that one product gives
STRIP_PIXELS = 192 * 2**10  # of a strip of rows, so that it stays in a core's cache
TURNS = 6  # threads: more wait for Python's lock longer than a product of such a strip takes


def convolve(
    plane: npt.NDArray[Any],
    terms: tuple[Taps, ...],
    boundary: Boundary,
    out: npt.NDArray[Any],
    *,
    add: bool = False,
) -> None:
    """Convolve a plane with a sum of separable terms.

    Parameters
    ----------
    plane : ndarray, shape (rows, cols)
        In the dtype that is computed in.
    terms : tuple of Taps
        At least one; all as long along rows, and as long along columns.
    boundary : Boundary
        What lies beyond the edges.
    out : ndarray, shape (rows, cols)
        Takes the result, or the sum with what it holds; it shares no memory with `plane`.
    add : bool
        Whether to add.
    """
    reach = len(terms[0][1]) // 2
    most_rows = PRODUCT_SIZE // (COLS_AT_ONCE * (COLS_AT_ONCE + 2 * reach))
    strips = row_strips(*plane.shape, pixels=STRIP_PIXELS, multiple=ROWS_AT_ONCE, most=most_rows)

    def prepare() -> Callable[[slice], None]:
        workspace = _Workspace(plane, terms, boundary, strips[0].stop)
        return lambda strip: workspace.convolve(strip, out[strip], add)

    in_parallel(prepare, strips, threads=min(threads_for(plane.size), TURNS))


def product(left: npt.NDArray[Any], right: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Multiply small matrices by wide ones, some columns at a time, all in one call.

    Parameters
    ----------
    left : ndarray, shape (..., h, k)
        Small.
    right : ndarray, shape (..., k, n)
        Wide; its numbers in a row have no gaps between them.
    out : ndarray, shape (..., h, n)
        Takes the products.
    """
    width = max(PRODUCT_SIZE // (left.shape[-2] * left.shape[-1]) // 16, 1) * 16
    whole = right.shape[-1] // width
    np.matmul(
        left[..., None, :, :],
        columns_of(right, whole, width, width),
        out=columns_of(out, whole, width, width),
    )
    if whole * width < right.shape[-1]:
        rest = slice(whole * width, None)
        np.matmul(left, right[..., rest], out=out[..., rest])


def columns_of(matrix: npt.NDArray[Any], count: int, step: int, width: int) -> npt.NDArray[Any]:
    """View windows of a matrix's columns, which may overlap.

    Parameters
    ----------
    matrix : ndarray, shape (..., n, m)
        The matrix.
    count, step, width : int
        How many windows, the columns from one to the next, and the columns of each.

    Returns
    -------
    ndarray, shape (..., count, n, width)
        A view.
    """
    _check_windows(matrix.shape[-1], count, step, width, "columns")
    (*before, rows, _), (*across, down, along) = matrix.shape, matrix.strides
    shape, strides = (*before, count, rows, width), (*across, step * along, down, along)
    return as_strided(matrix, shape, strides)


def rows_of(matrix: npt.NDArray[Any], count: int, step: int, height: int) -> npt.NDArray[Any]:
    """View windows of a matrix's rows, which may overlap.

    Parameters
    ----------
    matrix : ndarray, shape (n, m)
        The matrix.
    count, step, height : int
        How many windows, the rows from one to the next, and the rows of each.

    Returns
    -------
    ndarray, shape (count, height, m)
        A view.
    """
    _check_windows(len(matrix), count, step, height, "rows")
    down, along = matrix.strides
    return as_strided(matrix, (count, height, matrix.shape[1]), (step * down, down, along))


def _check_windows(size: int, count: int, step: int, length: int, what: str) -> None:
    if count > 0 and (count - 1) * step + length > size:
        raise ValueError(f"{count} windows of {length} {what} do not fit in {size}")


class _Workspace:
    """What one core keeps while it convolves strips of a plane."""

    def __init__(
        self, plane: npt.NDArray[Any], terms: tuple[Taps, ...], boundary: Boundary, height: int
    ) -> None:
        (rows, cols), dtype = plane.shape, plane.dtype
        self.plane, self.boundary = plane, boundary
        self.reach_y, self.reach_x = (len(taps) // 2 for taps in terms[0])
        self.down = [_toeplitz(taps, ROWS_AT_ONCE).astype(dtype) for taps, _ in terms]
        self.along = [
            np.ascontiguousarray(_toeplitz(taps, COLS_AT_ONCE).T, dtype) for _, taps in terms
        ]
        self.source = np.empty((height + 2 * self.reach_y, cols), dtype)
        self.halfway = np.zeros((height, cols + 2 * self.reach_x), dtype)
        self.result = np.empty((height, cols), dtype)
        if boundary != "zero":
            self.lines = source_index(rows, self.reach_y, rows + 2 * self.reach_y, boundary)
            self.columns = source_index(cols, self.reach_x, cols + 2 * self.reach_x, boundary)

    def convolve(self, strip: slice, out: npt.NDArray[Any], add: bool) -> None:
        """Convolve the strip with every term."""
        source, halfway = self._continued(strip), self.halfway[: len(out)]
        for down, along in zip(self.down, self.along, strict=True):
            self._go_down(source, down, halfway)
            is_direct = not add and out.strides[1] == out.itemsize
            result = out if is_direct else self.result[: len(out)]
            _go_along(halfway, along, result)
            if add:
                out += result
            elif not is_direct:
                out[...] = result
            add = True

    def _continued(self, strip: slice) -> npt.NDArray[Any]:
        """Return the strip with the rows above and below that act on it."""
        rows, reach = len(self.plane), self.reach_y
        first, last = strip.start - reach, strip.stop + reach
        if first >= 0 and last <= rows and self.plane.strides[1] == self.plane.itemsize:
            return self.plane[first:last]
        source = self.source[: last - first]
        if self.boundary != "zero":
            return np.take(self.plane, self.lines[first + reach : last + reach], 0, out=source)
        source[...] = 0.0
        inside = slice(max(first, 0), min(last, rows))
        source[inside.start - first : inside.stop - first] = self.plane[inside]
        return source

    def _go_down(
        self, source: npt.NDArray[Any], matrix: npt.NDArray[Any], halfway: npt.NDArray[Any]
    ) -> None:
        """Convolve down the rows, and continue the result beyond its ends."""
        (height, wide), reach = halfway.shape, self.reach_x
        middle = halfway[:, reach : wide - reach]
        whole, rest = divmod(height, ROWS_AT_ONCE)
        span = ROWS_AT_ONCE + 2 * self.reach_y
        product(
            matrix,
            rows_of(source, whole, ROWS_AT_ONCE, span),
            rows_of(middle, whole, ROWS_AT_ONCE, ROWS_AT_ONCE),
        )
        if rest:
            start, span = whole * ROWS_AT_ONCE, rest + 2 * self.reach_y
            product(matrix[:rest, :span], source[start:], middle[start:])
        if reach and self.boundary != "zero":
            for edge in (slice(0, reach), slice(wide - reach, wide)):
                halfway[:, edge] = halfway[:, reach + self.columns[edge]]


def _go_along(halfway: npt.NDArray[Any], matrix: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Convolve along the rows."""
    whole, rest = divmod(out.shape[1], COLS_AT_ONCE)
    windows = columns_of(halfway, whole, COLS_AT_ONCE, len(matrix))
    np.matmul(windows, matrix, out=columns_of(out, whole, COLS_AT_ONCE, COLS_AT_ONCE))
    if rest:
        start, span = whole * COLS_AT_ONCE, len(matrix) - COLS_AT_ONCE + rest
        np.matmul(halfway[:, start : start + span], matrix[:span, :rest], out=out[:, start:])


def _toeplitz(taps: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """Make the block of the banded matrix that gives `size` entries."""
    matrix = np.zeros((size, size + len(taps) - 1))
    for row in range(size):
        matrix[row, row : row + len(taps)] = taps[::-1]
    return matrix

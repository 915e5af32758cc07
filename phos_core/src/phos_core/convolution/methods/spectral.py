"""Convolution by transforms on the CPU, in three passes over blocks that stay in cache.

The rows go into their transform; each block of columns goes into it, is multiplied, and comes
back; the rows come back. All blocks run on our own threads, and what continues the plane beyond
its edges exists inside a block alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft

from phos_core.convolution.boundary import Boundary, source_index
from phos_core.convolution.methods.cpu import in_parallel, row_strips, single_peak

__all__ = ["by_cosines", "by_fourier"]

BLOCK_NUMBERS = 2**17  # of a strip of rows or a block of columns
REAL: dict[str, Any] = {"float32": np.float32, "float64": np.float64}
COMPLEX: dict[str, Any] = {"float32": np.complex64, "float64": np.complex128}
LINES_AT_ONCE = 16  # in a block, or a multiple: a line of the cache holds so many numbers


def by_cosines(plane: npt.NDArray[Any], table: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Multiply the cosine spectrum (DCT-II) of a plane: a convolution at the symmetric border.

    Parameters
    ----------
    plane : ndarray, shape (rows, cols)
        In single precision it is transformed so, unless its range is great.
    table : ndarray, shape (height, width)
        An even PSF's transfer function; sides longer than the plane's continue it at its far end.
    out : ndarray, shape (rows, cols)
        Takes the result; it shares no memory with `plane`.
    """
    (rows, cols), (height, width) = plane.shape, table.shape

    def rows_there(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        longer = _continued(strip, 1, 0, width, "symmetric")
        return np.asarray(scipy.fft.dct(longer, axis=1, overwrite_x=True))

    def columns_there_and_back(block: npt.NDArray[Any], at: slice) -> npt.NDArray[Any]:
        longer = _continued(block, 0, 0, height, "symmetric")
        spectrum = scipy.fft.dct(longer, axis=0, overwrite_x=True)
        spectrum *= table[:, at]
        return np.asarray(scipy.fft.idct(spectrum, axis=0, overwrite_x=True)[:rows])

    def rows_back(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(scipy.fft.idct(strip, axis=1, overwrite_x=True)[:, :cols])

    _three_passes(plane, width, REAL, rows_there, columns_there_and_back, rows_back, out)


def by_fourier(
    plane: npt.NDArray[Any],
    table: npt.NDArray[Any],
    width: int,
    before: tuple[int, int],
    boundary: Boundary,
    out: npt.NDArray[Any],
) -> None:
    """Multiply the Fourier spectrum of a plane that is continued beyond its edges.

    Parameters
    ----------
    plane : ndarray, shape (rows, cols)
        In single precision it is transformed so, unless its range is great.
    table : ndarray, shape (height, width // 2 + 1)
        The PSF's transfer function at the frequencies of the continued plane.
    width : int
        Columns of the continued plane: even.
    before : tuple of (int, int)
        Rows and columns in front of the plane.
    boundary : Boundary
        What lies beyond the edges.
    out : ndarray, shape (rows, cols)
        Takes the result; it shares no memory with `plane`.
    """
    (rows, cols), (top, left), height = plane.shape, before, len(table)

    def rows_there(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        longer = _continued(strip, 1, left, width, boundary)
        return np.asarray(scipy.fft.rfft(longer, axis=1))

    def columns_there_and_back(block: npt.NDArray[Any], at: slice) -> npt.NDArray[Any]:
        longer = _continued(block, 0, top, height, boundary)
        spectrum = scipy.fft.fft(longer, axis=0, overwrite_x=True)
        spectrum *= table[:, at]
        return np.asarray(scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)[top : top + rows])

    def rows_back(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        longer = scipy.fft.irfft(strip, width, axis=1, overwrite_x=True)
        return np.asarray(longer[:, left : left + cols])

    spectrum_cols = width // 2 + 1
    _three_passes(plane, spectrum_cols, COMPLEX, rows_there, columns_there_and_back, rows_back, out)


def _three_passes(
    plane: npt.NDArray[Any],
    width: int,
    spectrum_dtypes: dict[str, Any],
    rows_there: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    columns_there_and_back: Callable[[npt.NDArray[Any], slice], npt.NDArray[Any]],
    rows_back: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    out: npt.NDArray[Any],
) -> None:
    """Run the passes, in single precision unless the first meets a plane of great range."""
    rows, cols = plane.shape
    strips = row_strips(rows, cols, pixels=BLOCK_NUMBERS, multiple=LINES_AT_ONCE)
    step = max(BLOCK_NUMBERS // rows // LINES_AT_ONCE, 1) * LINES_AT_ONCE
    blocks = [slice(start, min(start + step, width)) for start in range(0, width, step)]

    def all_rows_there(precision: str, most: float) -> tuple[npt.NDArray[Any], bool]:
        """Transform the rows, as long as none is brighter than `most`."""
        spectrum = np.empty((rows, width), spectrum_dtypes[precision])
        too_bright: list[slice] = []

        def transform(strip: slice) -> None:
            source = plane[strip].astype(precision, copy=False)
            if max(source.max(), -source.min()) > most:
                too_bright.append(strip)
            if not too_bright:
                spectrum[strip] = rows_there(source)

        in_parallel(lambda: transform, strips)
        return spectrum, not too_bright

    is_done = False
    if plane.dtype == np.float32:
        spectrum, is_done = all_rows_there("float32", single_peak(plane))
    if not is_done:
        spectrum, _ = all_rows_there("float64", np.inf)

    def multiply(block: slice) -> None:
        spectrum[:, block] = columns_there_and_back(spectrum[:, block], block)

    def back(strip: slice) -> None:
        out[strip] = rows_back(spectrum[strip])

    in_parallel(lambda: multiply, blocks)
    in_parallel(lambda: back, strips)


def _continued(
    block: npt.NDArray[Any], axis: int, before: int, length: int, boundary: Boundary
) -> npt.NDArray[Any]:
    """Continue an axis beyond its edges, with so many places before; always a new array."""
    size, shape = block.shape[axis], list(block.shape)
    shape[axis] = length
    longer = np.empty(shape, block.dtype)

    def part(start: int, stop: int) -> npt.NDArray[Any]:
        return longer[start:stop] if axis == 0 else longer[:, start:stop]

    part(before, before + size)[...] = block
    for start, stop in ((0, before), (before + size, length)):
        if boundary == "zero":
            part(start, stop)[...] = 0.0
        elif start < stop:
            source = source_index(size, before, length, boundary)[start:stop]
            part(start, stop)[...] = np.take(block, source, axis)
    return longer

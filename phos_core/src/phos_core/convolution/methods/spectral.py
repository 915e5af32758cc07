"""Convolution by transforms on the CPU, in three passes over blocks that stay in cache.

The rows go into their transform; each block of columns goes into it, is multiplied, and comes
back; the rows come back. All blocks run on our own threads, and what continues the plane beyond
its edges exists inside a block alone.
"""

from typing import Any, Protocol

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
    _three_passes(plane, _Cosines(plane.shape, table), out)


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
    _three_passes(plane, _Fourier(plane.shape, table, width, before, boundary), out)


class _Transform(Protocol):
    """What the three passes do to blocks of a plane, and of its spectrum."""

    spectrum_cols: int
    spectrum_dtypes: dict[str, Any]

    def rows_there(self, strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Continue whole rows, and transform them: `spectrum_cols` numbers of each."""
        ...

    def columns_there_and_back(self, block: npt.NDArray[Any], at: slice) -> npt.NDArray[Any]:
        """Transform whole columns, multiply them by those of the table, and transform them back."""
        ...

    def rows_back(self, strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Transform whole rows back: as many columns as the plane has."""
        ...


class _Cosines:
    """The cosine transform (DCT-II), which continues a plane at its far end alone."""

    spectrum_dtypes = REAL

    def __init__(self, shape: tuple[int, ...], table: npt.NDArray[Any]) -> None:
        (self._rows, self._cols), self._table = shape, table
        self._height, self.spectrum_cols = table.shape

    def rows_there(self, strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        longer = _continued(strip, 1, 0, self.spectrum_cols, "symmetric")
        return np.asarray(scipy.fft.dct(longer, axis=1, overwrite_x=True))

    def columns_there_and_back(self, block: npt.NDArray[Any], at: slice) -> npt.NDArray[Any]:
        longer = _continued(block, 0, 0, self._height, "symmetric")
        spectrum = scipy.fft.dct(longer, axis=0, overwrite_x=True)
        spectrum *= self._table[:, at]
        return np.asarray(scipy.fft.idct(spectrum, axis=0, overwrite_x=True)[: self._rows])

    def rows_back(self, strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(scipy.fft.idct(strip, axis=1, overwrite_x=True)[:, : self._cols])


class _Fourier:
    """The Fourier transform of a plane that is continued on all sides."""

    spectrum_dtypes = COMPLEX

    def __init__(
        self,
        shape: tuple[int, ...],
        table: npt.NDArray[Any],
        width: int,
        before: tuple[int, int],
        boundary: Boundary,
    ) -> None:
        (self._rows, self._cols), (self._top, self._left) = shape, before
        self._table, self._width, self._boundary = table, width, boundary
        self.spectrum_cols = width // 2 + 1

    def rows_there(self, strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        longer = _continued(strip, 1, self._left, self._width, self._boundary)
        return np.asarray(scipy.fft.rfft(longer, axis=1))

    def columns_there_and_back(self, block: npt.NDArray[Any], at: slice) -> npt.NDArray[Any]:
        longer = _continued(block, 0, self._top, len(self._table), self._boundary)
        spectrum = scipy.fft.fft(longer, axis=0, overwrite_x=True)
        spectrum *= self._table[:, at]
        back = scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)
        return np.asarray(back[self._top : self._top + self._rows])

    def rows_back(self, strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        longer = scipy.fft.irfft(strip, self._width, axis=1, overwrite_x=True)
        return np.asarray(longer[:, self._left : self._left + self._cols])


def _three_passes(plane: npt.NDArray[Any], transform: _Transform, out: npt.NDArray[Any]) -> None:
    """Run the passes, in single precision unless the first meets a plane of great range."""
    is_done = False
    if plane.dtype == np.float32:
        spectrum, is_done = _all_rows_there(plane, transform, "float32", single_peak(plane))
    if not is_done:
        spectrum, _ = _all_rows_there(plane, transform, "float64", np.inf)

    def multiply(block: slice) -> None:
        spectrum[:, block] = transform.columns_there_and_back(spectrum[:, block], block)

    def back(strip: slice) -> None:
        out[strip] = transform.rows_back(spectrum[strip])

    step = max(BLOCK_NUMBERS // len(plane) // LINES_AT_ONCE, 1) * LINES_AT_ONCE
    width = transform.spectrum_cols
    in_parallel(
        lambda: multiply,
        [slice(start, min(start + step, width)) for start in range(0, width, step)],
    )
    in_parallel(lambda: back, _strips(plane))


def _all_rows_there(
    plane: npt.NDArray[Any], transform: _Transform, precision: str, most: float
) -> tuple[npt.NDArray[Any], bool]:
    """Transform the rows in a precision, as long as none is brighter than `most`."""
    dtype = transform.spectrum_dtypes[precision]
    spectrum = np.empty((len(plane), transform.spectrum_cols), dtype)
    too_bright: list[slice] = []

    def there(strip: slice) -> None:
        source = plane[strip].astype(precision, copy=False)
        if max(source.max(), -source.min()) > most:
            too_bright.append(strip)
        if not too_bright:
            spectrum[strip] = transform.rows_there(source)

    in_parallel(lambda: there, _strips(plane))
    return spectrum, not too_bright


def _strips(plane: npt.NDArray[Any]) -> list[slice]:
    return row_strips(*plane.shape, pixels=BLOCK_NUMBERS, multiple=LINES_AT_ONCE)


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

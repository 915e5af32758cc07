"""Convolution with smooth PSFs on a coarse grid: thin out, weigh frequencies, fill in again.

What a smooth PSF leaves of an image has no high frequencies. It is computed from few points, and
both ways, to the points and back to the pixels, are products with narrow banded matrices.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.fft

from phos_core.convolution.methods.banded import TURNS, columns_of
from phos_core.convolution.methods.bands import Band, Group, in_blocks
from phos_core.convolution.methods.cpu import in_parallel, in_precision, threads_for
from phos_core.psf import PSF

__all__ = [
    "Axis",
    "blur_points",
    "gain_table",
    "make_axis",
    "to_pixels",
    "to_points",
]

FloatArray: TypeAlias = npt.NDArray[np.float64]

WINDOW_POINTS = 7  # width of the window in points: the error is 1e-6
WINDOW_DECAY = 2.3 * WINDOW_POINTS  # 2.2 to 2.35 a point are alike; below, the error grows
QUADRATURE_NODES = 64
POINTS_AT_ONCE = range(12, 20)  # of a matrix block on the way to the points
POINTS_BEFORE = range(12, 33)  # whose pixels make a block on the way back
POINT_ROWS = 64  # of points that are filled in along the rows at once
GROUP_PIXELS = 2**18  # on one side of the blocks that a call takes


@dataclass(frozen=True, eq=False)
class Axis:
    """The way along one axis, from pixels to points and from points to pixels.

    Parameters
    ----------
    size, points : int
        How many there are of either.
    to_points, to_pixels : Band
        The two matrices, one the transpose of the other.
    """

    size: int
    points: int
    to_points: Band
    to_pixels: Band

    @property
    def nbytes(self) -> int:
        """Bytes of both matrices."""
        return self.to_points.nbytes + self.to_pixels.nbytes

    def fill_along(self, points: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Fill rows of points in along this axis, that of a plane's columns.

        Parameters
        ----------
        points : ndarray, shape (n, points)
            Rows of points.

        Returns
        -------
        ndarray of float32, shape (n, size or more)
            Rows of pixels, and maybe some beyond their end.
        """
        before, wide = self.to_pixels.span(self.points)
        padded = np.zeros((len(points), wide), np.float32)
        padded[:, before : before + self.points] = points
        filled = np.empty((len(points), self.to_pixels.whole), np.float32)

        def fill(start: int) -> None:
            strip = slice(start, start + POINT_ROWS)
            _along(padded[strip], before, self.to_pixels, filled[strip])

        strips = range(0, len(points), POINT_ROWS)
        in_parallel(lambda: fill, strips, threads=_threads(filled))
        return filled


def make_axis(size: int, points: int) -> Axis:
    """Make the matrices of an axis.

    Parameters
    ----------
    size : int
        Pixels, at least as many as the window is wide: 7 `size` / `points`.
    points : int
        Evenly spread over the axis, as symmetric about its edges as the pixels are.

    Returns
    -------
    Axis
        In single precision.

    Notes
    -----
    With the spacing d = size / points, point j lies at (j + 1/2) d - 1/2 and is tied to a pixel at
    distance s by phi(s / d) / sqrt(d), with the window over |t| < w / 2

        phi(t) = exp(b (sqrt(1 - (2 t / w)^2) - 1))

    scaled to unit integral: the "exponential of semicircle" of non-uniform Fourier transforms.
    Pixels beyond the edges are the mirrored ones and are added to them.
    """
    spacing, half = size / points, WINDOW_POINTS / 2

    def weights(of_points: npt.NDArray[Any], pixels: npt.NDArray[Any]) -> FloatArray:
        return _weights(of_points, pixels, size, points)

    to_points = in_blocks(
        points,
        [(count, round(count * spacing)) for count in POINTS_AT_ONCE],
        lambda point: ((point + 0.5) * spacing - 0.5, half * spacing),
        weights,
    )
    to_pixels = in_blocks(
        size,
        [(round(count * spacing), count) for count in POINTS_BEFORE],
        lambda pixel: ((pixel + 0.5) / spacing - 0.5, half),
        lambda pixels, of_points: weights(of_points, pixels).T,
    )
    return Axis(size, points, to_points, to_pixels)


def gain_table(psf: PSF, sizes: tuple[int, int], points: tuple[int, int]) -> npt.NDArray[Any]:
    """Compute what each frequency of the points is multiplied by.

    Parameters
    ----------
    psf : PSF
        Even.
    sizes, points : tuple of (int, int)
        Pixels and points, of rows and columns.

    Returns
    -------
    ndarray of float32, shape `points`
        The transfer function over the squares of what the window does, once on each way.
    """
    (fy, y_window), (fx, x_window) = (
        (np.arange(m) / (2 * n), _window_transfer(np.arange(m) / (2 * m)))
        for n, m in zip(sizes, points, strict=True)
    )
    gain = psf.transfer(fy, fx) / np.outer(y_window, x_window) ** 2
    return np.asarray(gain, np.float32)


def to_points(plane: npt.NDArray[Any], rows: Axis, cols: Axis) -> npt.NDArray[np.float32]:
    """Thin a plane out.

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        Its pixels in a row have no gaps between them.
    rows, cols : Axis
        Of its two axes.

    Returns
    -------
    ndarray of float32, shape (rows.points, cols.points)
        With A and B the matrices of the two axes, A plane B^T.
    """
    down, along = rows.to_points, cols.to_points
    most = _blocks_at_once(down.step * cols.size)
    before, wide = along.span(cols.size)
    coarse = np.empty((rows.points, along.whole), np.float32)

    def prepare() -> Callable[[Group], None]:
        strip = np.zeros((most * down.blocks.shape[1], wide), np.float32)

        def thin_out(group: Group) -> None:
            thin = strip[: group.gives.stop - group.gives.start]
            group.multiply(plane, thin[:, before : before + cols.size])
            _along(thin, before, along, coarse[group.gives])

        return thin_out

    in_parallel(prepare, list(down.groups(rows.size, most)), threads=_threads(plane))
    return coarse[:, : cols.points]


def blur_points(points: npt.NDArray[np.float32], gain: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Multiply the frequencies of the points.

    Parameters
    ----------
    points : ndarray of float32, shape (n, m)
        Points of a plane, transformed in double precision if they are of great range.
    gain : ndarray of float32, shape (n, m)
        By `gain_table`.

    Returns
    -------
    ndarray of float32 or float64, shape (n, m)
        With C the cosine transform (DCT-II), C^-1(gain C(points)).
    """
    workers = threads_for(points.size)
    spectrum = scipy.fft.dctn(in_precision(points), workers=workers)
    spectrum *= gain
    return np.asarray(scipy.fft.idctn(spectrum, overwrite_x=True, workers=workers))


def to_pixels(
    points: npt.NDArray[Any],
    rows: Axis,
    cols: Axis,
    out: npt.NDArray[np.float32],
) -> None:
    """Fill a plane in again.

    Parameters
    ----------
    points : ndarray, shape (rows.points, cols.points)
        Of a plane.
    rows, cols : Axis
        Of its two axes.
    out : ndarray of float32, shape (rows, cols)
        Takes, with A and B the matrices of the two axes, A^T points B.
    """
    down = rows.to_pixels
    most = _blocks_at_once(down.blocks.shape[1] * cols.size)
    halfway = cols.fill_along(points)

    def prepare() -> Callable[[Group], None]:
        height = most * down.blocks.shape[1]
        is_direct = out.strides[1] == out.itemsize
        filled = None if is_direct else np.empty((height, cols.size), np.float32)

        def fill_in(group: Group) -> None:
            count = group.gives.stop - group.gives.start
            strip = out[group.gives] if filled is None else filled[:count]
            group.multiply(halfway, strip)
            if filled is not None:
                out[group.gives] = strip

        return fill_in

    in_parallel(prepare, list(down.groups(rows.points, most)), threads=_threads(out))


def _blocks_at_once(block_pixels: int) -> int:
    """Say how many blocks a call takes: few, so that there are calls for every core."""
    return max(GROUP_PIXELS // block_pixels, 1)


def _threads(array: npt.NDArray[Any]) -> int:
    """Say how many threads pay for products that give or take an array."""
    return min(threads_for(array.size), TURNS)


def _along(matrix: npt.NDArray[Any], before: int, band: Band, out: npt.NDArray[np.float32]) -> None:
    """Multiply by a banded matrix along the rows, all blocks in one call."""
    count, height, width = band.blocks.shape
    windows = columns_of(matrix[:, before + band.first :], count, band.step, width)
    np.matmul(windows, band.transposed, out=columns_of(out, count, height, height))


def _weights(
    points: npt.NDArray[Any], pixels: npt.NDArray[Any], size: int, count: int
) -> FloatArray:
    """Tie points to pixels, the mirrored ones beyond both edges included; 0 where is neither."""
    spacing = size / count
    at = ((points + 0.5) * spacing - 0.5)[:, None]
    total = np.zeros((len(points), len(pixels)))
    for image in (pixels, -1 - pixels, 2 * size - 1 - pixels):
        distance = (image - at) / spacing
        near = np.abs(distance) < WINDOW_POINTS / 2
        total[near] += _window(distance[near])
    total[(points < 0) | (points >= count)] = 0.0
    total[:, (pixels < 0) | (pixels >= size)] = 0.0
    return np.asarray(total / (math.sqrt(spacing) * _integral(_window)))


def _window(t: FloatArray) -> FloatArray:
    """Evaluate the window inside its width."""
    semicircle = np.sqrt(1.0 - (2.0 * t / WINDOW_POINTS) ** 2)
    return np.asarray(np.exp(WINDOW_DECAY * (semicircle - 1.0)))


def _window_transfer(f: FloatArray) -> FloatArray:
    """Fourier transform of the window of unit integral, at frequencies in cycles per point."""
    whole = _integral(lambda t: _window(t) * np.cos(2.0 * math.pi * np.multiply.outer(f, t)))
    return np.asarray(whole / _integral(_window))


def _integral(function: Callable[[FloatArray], FloatArray]) -> Any:
    """Integrate over the width of the window."""
    nodes, weights = _gauss_legendre()
    half = WINDOW_POINTS / 2
    return half * (function(half * nodes) @ weights)


@cache
def _gauss_legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    return nodes, weights

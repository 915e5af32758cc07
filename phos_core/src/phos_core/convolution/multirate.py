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

from phos_core.convolution.cpu import thread_pool, usable_cores
from phos_core.psf import PSF

__all__ = ["Axis", "convolve", "gain_table", "make_axis", "thinning"]

FloatArray: TypeAlias = npt.NDArray[np.float64]

WINDOW_POINTS = 7  # width of the window in points: the error is 1e-6
WINDOW_DECAY = 2.3 * WINDOW_POINTS  # 2.2 to 2.35 a point are alike; below, the error grows
BAND_TOLERANCE = 1e-6  # a transfer function this small, of its sum, is none
BAND_CYCLES = 1 / 3  # the band in cycles per point; the window hides what folds back onto it
WIDEST_SPACING = 16.0  # pixels: the points are then so few that fewer would save nothing
SPECTRUM_FINENESS = 8  # frequencies for each tap, so that no ripple is missed
QUADRATURE_NODES = 64
POINTS_AT_ONCE = 16  # rows of a matrix block on the way to the points
PIXELS_AT_ONCE = 128  # and on the way back
# Multiplications of one matrix product. A linear-algebra library gives larger ones to threads of
# its own, which then wait spinning in the way of ours.
PRODUCT_SIZE = 2**18


@dataclass(frozen=True, eq=False)
class Block:
    """Part of a banded matrix: what the entries from `first` on bring to those from `start` on."""

    start: int
    first: int
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Axis:
    """The way along one axis, from pixels to points and from points to pixels.

    Parameters
    ----------
    points : int
        How many.
    to_points, to_pixels : tuple of Block
        The two matrices, one the transpose of the other.
    """

    points: int
    to_points: tuple[Block, ...]
    to_pixels: tuple[Block, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of both matrices."""
        return sum(block.weights.nbytes for block in self.to_points + self.to_pixels)


def thinning(psf: PSF) -> float:
    """Say how many pixels apart the points may be.

    Parameters
    ----------
    psf : PSF
        Any; only one that is a sum of separable terms is known to be smooth.

    Returns
    -------
    float
        From 0, for a PSF that is not known to be smooth, to 16.

    Notes
    -----
    The transfer function of terms w t(y) t(x) is at most the sum of |w| |T(f)| max|T| at a
    frequency f along either axis, T being that of the taps t. The band ends where this sum has
    fallen for good below 1e-6 of the PSF's sum; a PSF without a positive sum has none.
    """
    terms = psf.axes()
    if terms is None:
        return 0.0
    length = scipy.fft.next_fast_len(SPECTRUM_FINENESS * max(len(t) for _, t in terms), real=True)
    size = np.zeros(length // 2 + 1)
    for weight, taps in terms:
        along = np.abs(scipy.fft.rfft(taps, length))
        size += abs(weight) * along.max() * along
    loud = np.flatnonzero(size > BAND_TOLERANCE * psf.total)
    band = (loud[-1] + 1) / length
    return min(BAND_CYCLES / band, WIDEST_SPACING) if band < 0.5 else 0.0


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
    to_points, to_pixels = [], []
    for start in range(0, points, POINTS_AT_ONCE):
        rows = np.arange(start, min(start + POINTS_AT_ONCE, points))
        first = max(0, math.floor((rows[0] + 0.5 - half) * spacing - 0.5))
        stop = min(size, math.ceil((rows[-1] + 0.5 + half) * spacing - 0.5))
        weights = _weights(rows, np.arange(first, stop), size, spacing)
        to_points.append(Block(start, first, weights.astype(np.float32)))
    for start in range(0, size, PIXELS_AT_ONCE):
        pixels = np.arange(start, min(start + PIXELS_AT_ONCE, size))
        first = max(0, math.floor((pixels[0] + 0.5) / spacing - 0.5 - half))
        stop = min(points, math.ceil((pixels[-1] + 0.5) / spacing - 0.5 + half))
        weights = _weights(np.arange(first, stop), pixels, size, spacing)
        to_pixels.append(Block(start, first, np.ascontiguousarray(weights.T, np.float32)))
    return Axis(points, tuple(to_points), tuple(to_pixels))


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


def convolve(
    plane: npt.NDArray[Any],
    rows: Axis,
    cols: Axis,
    gain: npt.NDArray[Any],
    out: npt.NDArray[Any],
) -> None:
    """Convolve a plane at the symmetric border.

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        In rows without gaps between their pixels.
    rows, cols : Axis
        Of its two axes.
    gain : ndarray of float32
        By `gain_table`.
    out : ndarray of float32, shape (rows, cols)
        Takes the result.

    Notes
    -----
    With A and B the matrices of the two axes and C the cosine transform (DCT-II),

        out = A^T C^-1(gain C(A plane B^T)) B
    """
    thin_rows = np.empty((rows.points, plane.shape[1]), np.float32)
    coarse = np.empty((rows.points, cols.points), np.float32)
    _apply(rows.to_points, plane, thin_rows)
    _apply(cols.to_points, thin_rows.T, coarse.T)
    workers = usable_cores()
    spectrum = scipy.fft.dctn(coarse, overwrite_x=True, workers=workers)
    spectrum *= gain
    blurred = scipy.fft.idctn(spectrum, overwrite_x=True, workers=workers)
    _apply(cols.to_pixels, blurred.T, thin_rows.T)
    _apply(rows.to_pixels, thin_rows, out)


def _weights(points: Any, pixels: Any, size: int, spacing: float) -> FloatArray:
    """Tie points to pixels, the mirrored ones beyond both edges included."""
    at = ((points + 0.5) * spacing - 0.5)[:, None]
    total = np.zeros((len(points), len(pixels)))
    for image in (pixels, -1 - pixels, 2 * size - 1 - pixels):
        distance = (image - at) / spacing
        near = np.abs(distance) < WINDOW_POINTS / 2
        total[near] += _window(distance[near])
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


def _apply(blocks: tuple[Block, ...], source: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Multiply from the left by a banded matrix, its blocks on every core."""

    def fill(block: Block) -> None:
        height, reach = block.weights.shape
        part = source[block.first : block.first + reach]
        _small_products(block.weights, part, out[block.start : block.start + height])

    for _ in thread_pool().map(fill, blocks):
        pass


def _small_products(left: npt.NDArray[Any], right: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Multiply matrices, some columns at a time."""
    width = max(1, PRODUCT_SIZE // left.size)
    whole = right.shape[1] // width * width

    def stacked(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return matrix[:, :whole].reshape(len(matrix), -1, width).swapaxes(0, 1)

    np.matmul(left, stacked(right), out=stacked(out))
    np.matmul(left, right[:, whole:], out=out[:, whole:])

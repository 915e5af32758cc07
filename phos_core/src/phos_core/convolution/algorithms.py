"""Convolution in three ways, on any Array API namespace: direct, separable, by transform."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array, array_namespace, device
from phos_core.convolution.boundary import Boundary, period, source_index
from phos_core.psf import PSF

__all__ = [
    "circular_extent",
    "convolve",
    "direct",
    "fast_even_length",
    "pad",
    "separable",
    "significant_radius",
    "transform",
]

DIRECT_TAPS = 25  # up to this many samples, adding shifted images beats a transform
LOST_WEIGHT = 1e-9  # of their absolute sum: even a lamp 10,000 times white leaves nothing there
SEPARABLE_TAPS = 60  # the same for the taps of all separable terms together


def convolve(image: Array, psf: PSF | Sequence[PSF], boundary: Boundary = "symmetric") -> Array:
    """Convolve planes with point-spread functions, by the road that suits each.

    Parameters
    ----------
    image : array, shape (..., rows, cols)
        Real floating point; not changed.
    psf : PSF or sequence of PSF
        One for all planes, or one per entry of the first axis.
    boundary : Boundary
        What lies beyond the edges.

    Returns
    -------
    array, shape (..., rows, cols)
        Namespace, dtype and device of `image`.
    """
    if 0 in image.shape:
        return image
    xp = array_namespace(image)
    planes = xp.reshape(image, (-1, *image.shape[-2:]))
    count = planes.shape[0]
    psfs = (
        [psf] * count
        if isinstance(psf, PSF)
        else [p for p in psf for _ in range(count // len(psf))]
    )
    # One at a time: no array is larger than one continued plane.
    blurred = [_road(p)(planes[i, ...], p, boundary) for i, p in enumerate(psfs)]
    return xp.reshape(xp.stack(blurred), image.shape)


def direct(image: Array, psf: PSF, boundary: Boundary) -> Array:
    """Add up shifted copies of the image, one for each sample of the PSF."""
    rows, cols = image.shape[-2:]
    (ry, rx), samples = psf.radius, psf.samples()
    wide = pad(pad(image, -2, ry, ry, boundary), -1, rx, rx, boundary)
    total = array_namespace(image).zeros_like(image)
    for y, x in np.argwhere(samples):
        top, left = 2 * ry - int(y), 2 * rx - int(x)
        shifted = wide[..., top : top + rows, left : left + cols]
        total = total + float(samples[y, x]) * shifted
    return total


def separable(image: Array, psf: PSF, boundary: Boundary) -> Array:
    """Convolve rows, then columns, for each term of a separable PSF."""
    total = array_namespace(image).zeros_like(image)
    for weight, taps in psf.axes() or ():
        along_rows = _along(image, -2, weight * taps, boundary)
        total = total + _along(along_rows, -1, taps, boundary)
    return total


def transform(image: Array, psf: PSF, boundary: Boundary) -> Array:
    """Multiply the spectrum of the continued image by the PSF's transfer function."""
    xp = array_namespace(image)
    (rows, cols), (ry, rx) = image.shape[-2:], psf.radius
    top, height = circular_extent(rows, ry, boundary, fast_even_length)
    left, width = circular_extent(cols, rx, boundary, fast_even_length)
    wide = pad(image, -2, top, height - top - rows, boundary)
    wide = pad(wide, -1, left, width - left - cols, boundary)
    table = psf.transfer(np.fft.fftfreq(height), np.fft.rfftfreq(width))
    spectrum = xp.fft.rfftn(wide, axes=(-2, -1))
    spectrum = spectrum * _like(spectrum, image, table)
    blurred = xp.fft.irfftn(spectrum, s=(height, width), axes=(-2, -1))
    return blurred[..., top : top + rows, left : left + cols]


def pad(image: Array, axis: int, before: int, after: int, boundary: Boundary) -> Array:
    """Continue an image beyond its edges, by any number of pixels.

    Parameters
    ----------
    image : array, shape (..., rows, cols)
        Neither side empty.
    axis : int
        -2 for rows, -1 for columns.
    before, after : int
        Pixels to add on either side.
    boundary : Boundary
        What to add.

    Returns
    -------
    array
        Longer along `axis`.
    """
    if before == 0 and after == 0:
        return image
    xp = array_namespace(image)
    size = image.shape[axis]
    if boundary != "zero":
        index = source_index(size, before, before + size + after, boundary)
        return xp.take(image, xp.asarray(index, device=device(image)), axis=axis)

    def empty(count: int) -> Array:
        shape = list(image.shape)
        shape[axis] = count
        return xp.zeros(tuple(shape), dtype=image.dtype, device=device(image))

    return xp.concat([empty(before), image, empty(after)], axis=axis)


def fast_even_length(least: int) -> int:
    """Return the smallest even number from `least` up with no prime factor above 5."""
    length = max(2, least + least % 2)
    while not _is_smooth(length):
        length += 2
    return length


def circular_extent(
    size: int, radius: int, boundary: Boundary, fast_length: Callable[[int], int]
) -> tuple[int, int]:
    """Choose how far to continue an axis so that a circular convolution is the right one.

    Parameters
    ----------
    size, radius : int
        Pixels of the axis and reach of the PSF along it.
    boundary : Boundary
        What lies beyond the edges.
    fast_length : callable
        Gives an even transform length, at least as long as it is asked for.

    Returns
    -------
    tuple of (int, int)
        Places in front of the image, and in all: an even number, the period of the continued
        image where that is shorter than image and PSF together.
    """
    padded = fast_length(size + 2 * radius)
    repeat = period(size, boundary)
    if repeat is None:
        return radius, padded
    even_repeat = repeat * (1 + repeat % 2)
    return (0, even_repeat) if even_repeat <= padded else (radius, padded)


def significant_radius(weights: npt.NDArray[np.float64]) -> int:
    """Say how far from their centre weights have to be kept.

    Parameters
    ----------
    weights : ndarray, shape (2 r + 1,)
        Centred.

    Returns
    -------
    int
        Radius, at most r, beyond which their absolute sum is 1e-9 of the whole or less.
    """
    size = np.abs(weights)
    radius = len(size) // 2
    inwards = np.cumsum((size + size[::-1])[: radius + 1])
    faint = int(np.searchsorted(inwards, LOST_WEIGHT * size.sum(), side="right"))
    return max(radius - faint, 0)


def _road(psf: PSF) -> Callable[[Array, PSF, Boundary], Array]:
    """Choose among direct, separable and transform by the number of multiplications."""
    ry, rx = psf.radius
    terms = psf.axes()
    if (2 * ry + 1) * (2 * rx + 1) <= DIRECT_TAPS:
        return direct
    if terms is not None and sum(2 * len(taps) for _, taps in terms) <= SEPARABLE_TAPS:
        return separable
    return transform


def _along(
    image: Array, axis: int, taps: np.ndarray[Any, np.dtype[np.float64]], boundary: Boundary
) -> Array:
    """Convolve one axis with odd, centred taps."""
    radius, size = len(taps) // 2, image.shape[axis]
    wide = pad(image, axis, radius, radius, boundary)
    total = array_namespace(image).zeros_like(image)
    for i, tap in enumerate(taps):
        start = 2 * radius - i
        window = slice(start, start + size)
        shifted = wide[..., window, :] if axis == -2 else wide[..., window]
        total = total + float(tap) * shifted
    return total


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number == 1


def _like(spectrum: Array, image: Array, table: npt.NDArray[Any]) -> Array:
    """Bring a transfer function to the spectrum's device and precision."""
    xp = array_namespace(image)
    single = image.dtype == xp.float32
    if np.iscomplexobj(table):
        host = table.astype(np.complex64 if single else np.complex128)
    else:
        host = table.astype(np.float32 if single else np.float64)
    return xp.asarray(host, device=device(spectrum))

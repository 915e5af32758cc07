"""Convolution by every method, on any Array API namespace.

Shifted images, banded matrix products, few frequencies by matrix products, a Fourier transform,
and sums of these: what a backend inherits that brings no methods of its own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array, array_namespace, device
from phos_core.convolution.boundary import Boundary, period, source_index
from phos_core.convolution.methods.planner import (
    BAND_CYCLES,
    Split,
    Way,
    fast_length,
    make_plan,
    separable_terms,
    splits,
)
from phos_core.convolution.methods.tables import TableCache, transfer_table
from phos_core.convolution.plans import Method, Plan, Taps
from phos_core.psf import PSF

__all__ = [
    "PREFERENCES",
    "Kept",
    "circular_extent",
    "convolve",
    "direct_convolution",
    "fast_even_length",
    "few_frequencies",
    "pad",
    "separable",
    "transform",
]

DIRECT_TAPS = 25  # up to this many samples, adding shifted images beats a transform
FORCED_TAPS = 2500  # more are not added up one by one even if that is asked for
SEPARABLE_TAPS = 60  # of all separable terms together, that beat a transform
SMOOTH_SPACING = 4.0  # pixels between points from which few frequencies beat a transform
SMOOTH_PIXELS = 2**18  # and the plane that is worth their matrices
BLOCK = 32  # entries that a block of a banded matrix gives, at least


@dataclass(frozen=True)
class Kept:
    """An array on a device, kept for the next image, and its bytes."""

    array: Array
    nbytes: int


Tables = TableCache[Kept]


def convolve(
    image: Array,
    psf: PSF | Sequence[PSF],
    boundary: Boundary = "symmetric",
    *,
    method: Method = "auto",
    tables: Tables | None = None,
    name: str = "generic",
) -> Array:
    """Convolve planes with point-spread functions, by the method that suits each.

    Parameters
    ----------
    image : array, shape (..., rows, cols)
        Real floating point; not changed.
    psf : PSF or sequence of PSF
        One for all planes, or one per entry of the first axis.
    boundary : Boundary
        What lies beyond the edges.
    method : Method
        A method for all planes, or "auto".
    tables : TableCache, optional
        Where transfer functions are kept for the next image.
    name : str
        The backend's, for errors.

    Returns
    -------
    array, shape (..., rows, cols)
        Namespace, dtype and device of `image`.

    Raises
    ------
    UnsupportedOperationError
        If the method that is requested cannot do it.
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
    kept = Tables(0) if tables is None else tables

    def blur(plane: Array, one: PSF) -> Array:
        single = plane.dtype == xp.float32
        chosen = make_plan(
            name, PREFERENCES, plane.shape, one, boundary=boundary, single=single, method=method
        )
        return _follow(chosen, plane, kept)

    # One at a time: no array is larger than one continued plane.
    blurred = [blur(planes[i, ...], p) for i, p in enumerate(psfs)]
    return xp.reshape(xp.stack(blurred), image.shape)


class _Preferences:
    """The table of the generic methods: by the number of multiplications, one before the other.

    25 samples or fewer go by shifted images, short separable terms by banded matrices, smooth PSFs
    on large planes by few frequencies, all else by a transform. A sum is computed as such on
    request.
    """

    def ways(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary,
        single: bool,
        method: Method,
    ) -> list[Way]:
        """List the ways to convolve a plane; see `Table`."""
        samples = math.prod(2 * radius + 1 for radius in psf.radius)
        ways = [Way("transform", 3.0, "anything")]
        if samples <= FORCED_TAPS:
            cost = 0.0 if samples <= DIRECT_TAPS else math.inf
            ways.append(Way("direct", cost, f"{samples} samples"))
        terms = separable_terms(psf)
        if terms is not None:
            taps = sum(len(taps) for term in terms for taps in term)
            cost = 1.0 if taps <= SEPARABLE_TAPS else math.inf
            ways.append(Way("separable", cost, f"{taps} taps of separable terms", terms))
        if boundary == "symmetric" and single and min(shape) > 1:
            ways += _smooth_ways(shape, psf)
        return ways

    def reason(self, cheapest: Sequence[Way], pixels: int) -> str:
        """Say what lets the first be taken."""
        return cheapest[0].why


PREFERENCES = _Preferences()


def _smooth_ways(shape: tuple[int, int], psf: PSF) -> list[Way]:
    """The closest points of what is smooth as a whole, the farthest of what is left of a sum."""
    found = splits(psf)
    is_worth = math.prod(shape) >= SMOOTH_PIXELS
    ways = []
    for split in [split for split in found if split.method == "multirate"][:1]:
        cost = 2.0 if is_worth and split.spacing >= SMOOTH_SPACING else math.inf
        counts = _frequencies(shape, split)
        why = f"{counts[0]} x {counts[1]} frequencies are enough"
        ways.append(Way("frequencies", cost, why, (), split.smooth, counts))
    for split in [split for split in found if split.method == "sum"][-1:]:
        counts = _frequencies(shape, split)
        ways.append(Way("sum", math.inf, "", split.narrow, split.smooth, counts))
    return ways


def _frequencies(shape: tuple[int, int], split: Split) -> tuple[int, int]:
    """How many frequencies of each axis the smooth part is computed from."""
    rows, cols = (min(n, math.ceil(n * 2 * BAND_CYCLES / split.spacing) + 1) for n in shape)
    return rows, cols


def direct_convolution(image: Array, psf: PSF, boundary: Boundary) -> Array:
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


def separable(image: Array, terms: Sequence[Taps], boundary: Boundary) -> Array:
    """Convolve rows, then columns, for each separable term, by banded matrices."""
    total = None
    for across, along in terms:
        halfway = _by_matrix(image, -2, across, boundary)
        term = _by_matrix(halfway, -1, along, boundary)
        total = term if total is None else total + term
    return total


def few_frequencies(image: Array, psf: PSF, frequencies: tuple[int, int], tables: Tables) -> Array:
    """Blur by the low frequencies alone, at the symmetric border.

    Parameters
    ----------
    image : array, shape (rows, cols)
        Of single precision.
    psf : PSF
        Even, and smooth.
    frequencies : tuple of (int, int)
        How many of the cosine transform (DCT-II) are computed, along rows and along columns.
    tables : TableCache
        Keeps the matrices and the transfer function.

    Returns
    -------
    array, shape (rows, cols)
        With A and B the rows of the orthonormal transforms, and P the transfer function,
        A^T (P (A image B^T)) B.
    """
    xp = array_namespace(image)
    (rows, cols), (height, width) = image.shape, frequencies

    def gain() -> npt.NDArray[Any]:
        return transfer_table(psf, np.arange(height) / (2 * rows), np.arange(width) / (2 * cols))

    a = _kept(tables, ("cosines", rows, height), image, lambda: _cosines(rows, height))
    b = _kept(tables, ("cosines", cols, width), image, lambda: _cosines(cols, width))
    p = _kept(tables, (psf, "gain", image.shape, frequencies), image, gain)
    spectrum = xp.matmul(xp.matmul(a, image), xp.matrix_transpose(b))
    return xp.matmul(xp.matmul(xp.matrix_transpose(a), p * spectrum), b)


def transform(image: Array, psf: PSF, boundary: Boundary, tables: Tables | None = None) -> Array:
    """Multiply the spectrum of the continued image by the PSF's transfer function."""
    xp = array_namespace(image)
    (rows, cols), (ry, rx) = image.shape[-2:], psf.radius
    top, height = circular_extent(rows, ry, boundary, fast_even_length)
    left, width = circular_extent(cols, rx, boundary, fast_even_length)
    wide = pad(image, -2, top, height - top - rows, boundary)
    wide = pad(wide, -1, left, width - left - cols, boundary)

    def make() -> npt.NDArray[Any]:
        return transfer_table(psf, np.fft.fftfreq(height), np.fft.rfftfreq(width), double=True)

    table = _kept(Tables(0) if tables is None else tables, (psf, height, width), image, make)
    spectrum = xp.fft.rfftn(wide, axes=(-2, -1)) * table
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
    return fast_length(least, 2)


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
    least = size + 2 * radius
    repeat = period(size, boundary)
    if repeat is None:
        return radius, fast_length(least)
    even_repeat = repeat * (1 + repeat % 2)
    if even_repeat <= least:  # a quick length for a PSF of a million pixels takes long to find
        return 0, even_repeat
    padded = fast_length(least)
    return (0, even_repeat) if even_repeat <= padded else (radius, padded)


def _follow(chosen: Plan, plane: Array, tables: Tables) -> Array:
    """Convolve a plane as planned."""
    if chosen.method == "direct":
        return direct_convolution(plane, chosen.psf, chosen.boundary)
    if chosen.method == "transform":
        return transform(plane, chosen.psf, chosen.boundary, tables)
    parts = []
    if chosen.narrow:
        parts.append(separable(plane, chosen.narrow, chosen.boundary))
    if chosen.smooth is not None:
        parts.append(few_frequencies(plane, chosen.smooth, chosen.points, tables))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _by_matrix(image: Array, axis: int, taps: npt.NDArray[np.float64], boundary: Boundary) -> Array:
    """Convolve one axis with odd, centred taps: equal blocks times one small matrix."""
    xp = array_namespace(image)
    radius, size = len(taps) // 2, image.shape[axis]
    block = max(BLOCK, 2 * radius)
    count = -(-size // block)
    # Every block goes on in the next: one more is added for the last, empty where nothing is.
    wide = pad(image, axis, radius, radius, boundary)
    wide = pad(wide, axis, 0, (count + 1) * block - size - 2 * radius, "zero")
    toeplitz = np.zeros((block, block + 2 * radius))
    for row in range(block):
        toeplitz[row, row : row + len(taps)] = taps[::-1]
    matrix = _like(image, toeplitz)
    if axis == -2:
        cols = image.shape[-1]
        blocks = xp.reshape(wide, (count + 1, block, cols))
        windows = xp.concat([blocks[:-1, ...], blocks[1:, : 2 * radius, :]], axis=1)
        return xp.reshape(xp.matmul(matrix, windows), (count * block, cols))[:size, :]
    rows = image.shape[-2]
    blocks = xp.reshape(wide, (rows, count + 1, block))
    windows = xp.concat([blocks[:, :-1, :], blocks[:, 1:, : 2 * radius]], axis=2)
    products = xp.matmul(windows, xp.matrix_transpose(matrix))
    return xp.reshape(products, (rows, count * block))[:, :size]


def _cosines(size: int, count: int) -> npt.NDArray[np.float64]:
    """First rows of the orthonormal DCT-II of an axis."""
    angles = np.pi / size * np.outer(np.arange(count), np.arange(size) + 0.5)
    rows: npt.NDArray[np.float64] = np.sqrt(2.0 / size) * np.cos(angles)
    rows[0] /= np.sqrt(2.0)
    return rows


def _kept(
    tables: Tables, key: tuple[Any, ...], image: Array, make: Callable[[], npt.NDArray[Any]]
) -> Array:
    """Return a table on the image's device and in its precision, made if it is not kept."""

    def bring() -> Kept:
        host = _rounded(image, make())
        return Kept(_brought(image, host), host.nbytes)

    return tables.get((*key, str(image.dtype), str(device(image))), bring).array


def _like(image: Array, host: npt.NDArray[Any]) -> Array:
    """Bring numbers to the image's device and precision."""
    return _brought(image, _rounded(image, host))


def _brought(image: Array, host: npt.NDArray[Any]) -> Array:
    return array_namespace(image).asarray(host, device=device(image))


def _rounded(image: Array, host: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Round numbers, real or complex, to the image's precision."""
    single = image.dtype == array_namespace(image).float32
    if np.iscomplexobj(host):
        return host.astype(np.complex64 if single else np.complex128)
    return host.astype(np.float32 if single else np.float64)

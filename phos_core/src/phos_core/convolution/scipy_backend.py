"""The built-in backend: NumPy arrays, SciPy's transforms on every core.

At the symmetric border the cosine transform (DCT-II) diagonalises every even PSF, so nothing is
padded there. Other borders and asymmetric PSFs go by a padded Fourier transform, the shortest
separable PSFs by adding shifted strips of rows. Smooth PSFs on large planes go by a coarse grid,
in matrix products too small for the threads of a linear-algebra library, which suffer when other
work is going on and make it suffer.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.fft

from phos_core.arrays import Array
from phos_core.convolution import multirate
from phos_core.convolution.algorithms import circular_extent, significant_radius
from phos_core.convolution.boundary import Boundary, source_index
from phos_core.convolution.contract import Accuracy, BackendBase, MemoryInfo, each_plane
from phos_core.convolution.cpu import (
    host_memory,
    in_precision,
    is_of_great_range,
    thread_pool,
    usable_cores,
)
from phos_core.convolution.tables import TableCache, transfer_table
from phos_core.psf import PSF

__all__ = ["ScipyBackend", "create"]

Terms: TypeAlias = tuple[tuple[float, npt.NDArray[np.float64]], ...]

TABLE_BYTES = 512 * 2**20  # our choice: transfer functions kept for the next image
AXES_BYTES = 32 * 2**20  # matrices of the coarse grids: 1 MiB for an axis of 12,000 pixels
SHORT_TAPS = 11  # of all separable terms together: beyond it the transform is quicker
STRIP_PIXELS = 2**18  # of a strip of rows, so that it stays in a core's cache
COARSE_PIXELS = 2**20  # on fewer, the transform takes as long or less
COARSE_SPACING = 2.5  # pixels between the points, a Gaussian of sigma 6.3: below it, the same
COARSE_SIDE = 8  # points a side at least, more than the window of the points is wide
SMOOTH_PRIME = 11  # a side with a larger prime factor is slow to transform
PADDING_WORTH = 1.25  # a slow side is made longer if it grows by less than this


def create() -> "ScipyBackend":
    """Make the backend; the factory that its plug-in names."""
    return ScipyBackend()


class ScipyBackend(BackendBase):
    """Convolution on the CPU by SciPy's transforms.

    Transfer functions are kept in float32, the least recently used dropped first.
    """

    name = "scipy"

    def __init__(self) -> None:
        self._tables = TableCache[npt.NDArray[Any]](TABLE_BYTES)
        self._axes = TableCache[multirate.Axis](AXES_BYTES)

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Return the array itself."""
        return host

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Return the array itself."""
        return np.asarray(x)

    def convolve(
        self,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
        accuracy: Accuracy = "exact",
    ) -> Array:
        """Convolve planes one after another, each on every core."""
        out = np.empty(image.shape, image.dtype)
        for index, plane_psf in each_plane(image, psf):
            self._convolve_plane(image[index], plane_psf, boundary, out[index])
        return out

    def memory(self) -> MemoryInfo:
        """Say how much memory the machine has, where it tells."""
        return host_memory()

    def release(self) -> None:
        """Forget the transfer functions and the matrices."""
        self._tables.clear()
        self._axes.clear()

    def _convolve_plane(
        self, plane: npt.NDArray[Any], psf: PSF, boundary: Boundary, out: npt.NDArray[Any]
    ) -> None:
        terms = _short_terms(psf)
        if terms is not None:
            _shift_and_add(plane, terms, boundary, out)
        elif boundary == "symmetric" and (points := _coarse_grid(plane, psf)):
            self._by_points(plane, psf, points, out)
        elif boundary == "symmetric" and psf.is_even:
            self._by_cosines(plane, psf, out)
        else:
            self._by_fourier(plane, psf, boundary, out)

    def _by_points(
        self,
        plane: npt.NDArray[Any],
        psf: PSF,
        points: tuple[int, int],
        out: npt.NDArray[Any],
    ) -> None:
        """Compute a smooth blur on a coarse grid."""
        rows, cols = (self._axis(*pair) for pair in zip(plane.shape, points, strict=True))
        gain = self._tables.get(
            (psf, "points", plane.shape, points),
            lambda: multirate.gain_table(psf, (plane.shape[0], plane.shape[1]), points),
        )
        multirate.convolve(np.ascontiguousarray(plane), rows, cols, gain, out)

    def _axis(self, size: int, points: int) -> multirate.Axis:
        return self._axes.get((size, points), lambda: multirate.make_axis(size, points))

    def _by_cosines(self, plane: npt.NDArray[Any], psf: PSF, out: npt.NDArray[Any]) -> None:
        """Multiply the DCT-II spectrum; slow sides are made longer at their far end."""
        (rows, cols), (ry, rx) = plane.shape, psf.radius
        height, width = _cosine_length(rows, ry), _cosine_length(cols, rx)
        longer = _continued(in_precision(plane), 0, height, 0, width, "symmetric")
        table = self._tables.get(
            (psf, "cosine", height, width),
            lambda: transfer_table(
                psf, np.arange(height) / (2 * height), np.arange(width) / (2 * width)
            ),
        )
        workers = usable_cores()
        # A continued plane is ours to overwrite; the caller's is not.
        spectrum = scipy.fft.dctn(longer, overwrite_x=longer is not plane, workers=workers)
        spectrum *= table
        blurred = scipy.fft.idctn(spectrum, overwrite_x=True, workers=workers)
        np.copyto(out, blurred[:rows, :cols])

    def _by_fourier(
        self, plane: npt.NDArray[Any], psf: PSF, boundary: Boundary, out: npt.NDArray[Any]
    ) -> None:
        """Multiply the Fourier spectrum of the continued plane."""
        (rows, cols), (ry, rx) = plane.shape, psf.radius
        top, height = circular_extent(rows, ry, boundary, _fast_even_length)
        left, width = circular_extent(cols, rx, boundary, _fast_even_length)
        table = self._tables.get(
            (psf, "fourier", height, width),
            lambda: transfer_table(psf, np.fft.fftfreq(height), np.fft.rfftfreq(width)),
        )
        longer = _continued(in_precision(plane), top, height, left, width, boundary)
        workers = usable_cores()
        spectrum = scipy.fft.rfft2(longer, workers=workers)
        spectrum *= table
        blurred = scipy.fft.irfft2(spectrum, (height, width), overwrite_x=True, workers=workers)
        np.copyto(out, blurred[top : top + rows, left : left + cols])


def _short_terms(psf: PSF) -> Terms | None:
    """Return the separable terms without their faint ends, if they are short."""
    terms = psf.axes()
    if terms is None:
        return None
    trimmed = tuple((weight, _trimmed(taps)) for weight, taps in terms)
    return trimmed if sum(len(taps) for _, taps in trimmed) <= SHORT_TAPS else None


def _coarse_grid(plane: npt.NDArray[Any], psf: PSF) -> tuple[int, int] | None:
    """Return the points of a coarse grid in rows and columns, if computing on it pays."""
    spacing = multirate.thinning(psf) if plane.size >= COARSE_PIXELS else 0.0
    if spacing < COARSE_SPACING or min(plane.shape) < COARSE_SIDE * spacing:
        return None
    if plane.dtype != np.float32 or is_of_great_range(plane):
        return None
    rows, cols = (
        int(scipy.fft.next_fast_len(math.ceil(n / spacing), real=True)) for n in plane.shape
    )
    return rows, cols


def _trimmed(taps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    radius, reach = len(taps) // 2, significant_radius(taps)
    return taps[radius - reach : radius + reach + 1]


def _shift_and_add(
    plane: npt.NDArray[Any], terms: Terms, boundary: Boundary, out: npt.NDArray[Any]
) -> None:
    """Convolve with separable terms, strip by strip on every core."""
    rows, cols = plane.shape
    reach = max(len(taps) // 2 for _, taps in terms)
    wide = _continued(plane, reach, rows + 2 * reach, reach, cols + 2 * reach, boundary)
    step = max(1, STRIP_PIXELS // cols)

    def fill(start: int) -> None:
        stop = min(start + step, rows)
        strip = out[start:stop]
        strip[...] = 0.0
        for weight, taps in terms:
            margin = reach - len(taps) // 2
            source = wide[start + margin : stop + 2 * reach - margin]
            across = np.zeros((stop - start, wide.shape[1]), plane.dtype)
            _add_shifted(source, weight * taps, across)
            _add_shifted(across[:, margin : wide.shape[1] - margin].T, taps, strip.T)

    for _ in thread_pool().map(fill, range(0, rows, step)):
        pass


def _add_shifted(
    source: npt.NDArray[Any], taps: npt.NDArray[np.float64], total: npt.NDArray[Any]
) -> None:
    """Add to a total its source, longer along the first axis, convolved along that axis."""
    size, product = total.shape[0], np.empty_like(total)
    for shift, tap in enumerate(taps[::-1]):
        np.multiply(source[shift : shift + size], float(tap), out=product)
        total += product


def _cosine_length(size: int, radius: int) -> int:
    """Length of the cosine transform: the axis itself, or a quicker one that holds the reach."""
    if _is_smooth(size):
        return size
    longer = int(scipy.fft.next_fast_len(size + radius, real=True))
    return longer if longer < PADDING_WORTH * size else size


def _is_smooth(size: int) -> bool:
    for prime in (2, 3, 5, 7, SMOOTH_PRIME):
        while size % prime == 0:
            size //= prime
    return size == 1


def _fast_even_length(least: int) -> int:
    return 2 * int(scipy.fft.next_fast_len(math.ceil(least / 2), real=True))


def _continued(
    plane: npt.NDArray[Any], top: int, height: int, left: int, width: int, boundary: Boundary
) -> npt.NDArray[Any]:
    """Continue a plane beyond its edges; itself if there is nothing to add."""
    rows, cols = plane.shape
    if (height, width) == (rows, cols):
        return plane
    longer = np.zeros((height, width), plane.dtype)
    longer[top : top + rows, left : left + cols] = plane
    if boundary == "zero":
        return longer
    columns = left + source_index(cols, left, width, boundary)
    middle = longer[top : top + rows]
    for outside in (slice(0, left), slice(left + cols, width)):
        middle[:, outside] = middle[:, columns[outside]]
    lines = top + source_index(rows, top, height, boundary)
    for outside in (slice(0, top), slice(top + rows, height)):
        longer[outside] = longer[lines[outside]]
    return longer

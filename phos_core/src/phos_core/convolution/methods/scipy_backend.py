"""The built-in backend: NumPy arrays, matrix products and SciPy's transforms on every core.

Narrow PSFs go by products with banded matrices, smooth ones by a coarse grid, sums of both by
both. At the symmetric border the cosine transform (DCT-II) diagonalises every even PSF, so nothing
is padded there; what is left goes by a padded Fourier transform. The planner chooses.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.boundary import Boundary
from phos_core.convolution.contract import MemoryInfo, each_plane
from phos_core.convolution.methods import banded, multirate, spectral
from phos_core.convolution.methods.bases import BackendBase
from phos_core.convolution.methods.buffers import Buffers
from phos_core.convolution.methods.cpu import host_memory, in_parallel, threads_for
from phos_core.convolution.methods.generic import circular_extent
from phos_core.convolution.methods.planner import Costs, fast_length, make_plan, splits
from phos_core.convolution.methods.tables import TableCache, transfer_table
from phos_core.convolution.plans import Method, Plan, Taps
from phos_core.psf import PSF

__all__ = ["ScipyBackend", "create"]

TABLE_BYTES = 512 * 2**20  # our choice: transfer functions kept for the next image
AXES_BYTES = 32 * 2**20  # matrices of the coarse grids: 2 MiB for an axis of 12,000 pixels
BUFFER_SHARE = 6  # our choice: one part in so many of the host's memory is kept for the stages
SMOOTH_PRIME = 11  # a side with a larger prime factor is slow to transform
FEW_COLUMNS = 64  # fewer and the plane is convolved lying on its side
PADDING_WORTH = 1.25  # a slow side is made longer if it grows by less than this

# Nanoseconds for a pixel on two cores: benchmarks/bench_convolve.py times each method.
COSTS = Costs(
    separable=0.1,
    separable_term=0.6,
    separable_tap=0.006,
    multirate=0.45,
    multirate_line=0.75,
    multirate_point=8.0,  # 4.9 in single precision; in double, which lamps need, twice as much
    cosine=6.0,  # 3.8 in single precision, 7.7 in double, which bright lamps need
    fourier=3.9,
    calls={"separable": 1e5, "multirate": 4e5, "sum": 5e5, "transform": 2e5},
)


def create() -> "ScipyBackend":
    """Make the backend; the factory that its plug-in names."""
    return ScipyBackend()


class ScipyBackend(BackendBase):
    """Convolution on the CPU by NumPy's matrix products and SciPy's transforms.

    Transfer functions are kept in float32, the least recently used dropped first. A subclass may
    bring its own `to_points`, `convolve_narrow` and `add_up`, and the `costs` that go with them.
    With loops that do without Python's lock it may have planes go `side_by_side`: threads that wait
    for the end of one plane's pass then work on another.
    """

    name = "scipy"
    costs = COSTS
    side_by_side = False

    def __init__(self) -> None:
        self._tables = TableCache[npt.NDArray[Any]](TABLE_BYTES)
        self._axes = TableCache[multirate.Axis](AXES_BYTES)
        self.buffers = Buffers((host_memory().total_bytes or 2**33) // BUFFER_SHARE)

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Return the array itself."""
        return host

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Return the array itself."""
        return np.asarray(x)

    def plan(
        self,
        shape: tuple[int, int],
        psf: PSF,
        *,
        boundary: Boundary = "symmetric",
        dtype: Any = np.float32,
        method: Method = "auto",
    ) -> Plan:
        """Choose the method of a plane; see `BackendBase.plan`."""
        return make_plan(
            self.name,
            self.costs,
            shape,
            psf,
            boundary=boundary,
            single=np.dtype(dtype) == np.float32,
            method=method,
        )

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve planes one after another, each on every core, by the quickest method."""
        return self.convolve_by("auto", image, psf, boundary=boundary)

    def convolve_by(
        self,
        method: Method,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
    ) -> Array:
        """Convolve planes by a method that was requested."""
        out = np.empty(image.shape, image.dtype)
        self._convolve_planes(image, psf, out, boundary=boundary, method=method)
        return out

    def convolve_into(
        self,
        image: Array,
        psf: PSF | Sequence[PSF],
        out: npt.NDArray[Any],
        *,
        boundary: Boundary = "symmetric",
    ) -> None:
        """Convolve planes as `convolve` does, into `out`."""
        self._convolve_planes(image, psf, out, boundary=boundary, method="auto")

    def _convolve_planes(
        self,
        image: npt.NDArray[Any],
        psf: PSF | Sequence[PSF],
        out: npt.NDArray[Any],
        *,
        boundary: Boundary,
        method: Method,
    ) -> None:
        jobs = []
        for index, plane_psf in each_plane(image, psf):
            plane, place = image[index], out[index]
            if is_upright_strip(plane.shape):
                # Row by row it would take as long as the loop over its rows.
                plane, plane_psf, place = (
                    np.ascontiguousarray(plane.T),
                    plane_psf.transposed(),
                    place.T,
                )
            plan = self.plan(
                plane.shape, plane_psf, boundary=boundary, dtype=plane.dtype, method=method
            )
            jobs.append((plan, plane, place))
        # A transform holds another plane: these go one after the other.
        is_lean = all(plan.method != "transform" for plan, _, _ in jobs)
        threads = threads_for(image.size) if self.side_by_side and is_lean else 1
        in_parallel(lambda: lambda job: self._follow(*job), jobs, threads=threads)

    def memory(self) -> MemoryInfo:
        """Say how much memory the machine has, where it tells."""
        return host_memory()

    def release(self) -> None:
        """Forget the transfer functions, the matrices, and PSFs taken apart."""
        splits.cache_clear()
        self._tables.clear()
        self._axes.clear()
        self.buffers.clear()

    def convolve_narrow(
        self,
        plane: npt.NDArray[Any],
        terms: tuple[Taps, ...],
        boundary: Boundary,
        out: npt.NDArray[Any],
        *,
        add: bool,
    ) -> None:
        """Convolve a plane with narrow separable terms; see `banded.convolve`."""
        banded.convolve(plane, terms, boundary, out, add=add)

    def to_points(
        self, plane: npt.NDArray[Any], rows: multirate.Axis, cols: multirate.Axis
    ) -> npt.NDArray[np.float32]:
        """Thin a plane out; see `multirate.to_points`."""
        return multirate.to_points(plane, rows, cols)

    def to_pixels(
        self,
        points: npt.NDArray[Any],
        rows: multirate.Axis,
        cols: multirate.Axis,
        out: npt.NDArray[Any],
    ) -> None:
        """Fill a plane in again; see `multirate.to_pixels`."""
        multirate.to_pixels(points, rows, cols, out)

    def add_up(
        self,
        plane: npt.NDArray[Any],
        terms: tuple[Taps, ...],
        boundary: Boundary,
        points: npt.NDArray[Any],
        rows: multirate.Axis,
        cols: multirate.Axis,
        out: npt.NDArray[np.float32],
    ) -> None:
        """Give the sum of what `to_pixels` and `convolve_narrow` give."""
        self.to_pixels(points, rows, cols, out)
        self.convolve_narrow(plane, terms, boundary, out, add=True)

    def _follow(self, plan: Plan, plane: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
        """Convolve a plane as planned."""
        if plan.smooth is not None:
            points = self._points(plane, plan.smooth, plan.points)
            if plan.narrow:
                self.add_up(plane, plan.narrow, plan.boundary, *points, out)
            else:
                self.to_pixels(*points, out)
        elif plan.narrow:
            self.convolve_narrow(plane, plan.narrow, plan.boundary, out, add=False)
        if plan.method == "transform" and plan.boundary == "symmetric" and plan.psf.is_even:
            self._by_cosines(plane, plan.psf, out)
        elif plan.method == "transform":
            self._by_fourier(plane, plan.psf, plan.boundary, out)

    def _points(
        self, plane: npt.NDArray[Any], psf: PSF, points: tuple[int, int]
    ) -> tuple[npt.NDArray[Any], multirate.Axis, multirate.Axis]:
        """Compute a smooth blur on a coarse grid: its points, and their axes."""
        rows, cols = (self._axis(*pair) for pair in zip(plane.shape, points, strict=True))
        gain = self._tables.get(
            (psf, "points", plane.shape, points),
            lambda: multirate.gain_table(psf, (plane.shape[0], plane.shape[1]), points),
        )
        coarse = self.to_points(_in_rows(plane), rows, cols)
        return multirate.blur_points(coarse, gain), rows, cols

    def _axis(self, size: int, points: int) -> multirate.Axis:
        return self._axes.get((size, points), lambda: multirate.make_axis(size, points))

    def _by_cosines(self, plane: npt.NDArray[Any], psf: PSF, out: npt.NDArray[Any]) -> None:
        """Multiply the DCT-II spectrum; slow sides are made longer at their far end."""
        height, width = (
            _cosine_length(n, radius) for n, radius in zip(plane.shape, psf.radius, strict=True)
        )
        table = self._tables.get(
            (psf, "cosine", height, width),
            lambda: transfer_table(
                psf, np.arange(height) / (2 * height), np.arange(width) / (2 * width)
            ),
        )
        spectral.by_cosines(plane, table, out)

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
        spectral.by_fourier(plane, table, width, (top, left), boundary, out)


def is_upright_strip(shape: tuple[int, ...]) -> bool:
    """Whether a plane has only few columns, and more rows."""
    rows, cols = shape
    return cols < min(FEW_COLUMNS, rows)


def _in_rows(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plane whose pixels in a row have no gaps between them."""
    is_in_rows = plane.strides[1] == plane.itemsize and plane.strides[0] > 0
    return plane if is_in_rows else np.ascontiguousarray(plane)


def _cosine_length(size: int, radius: int) -> int:
    """Length of the cosine transform: the axis itself, or a quicker one that holds the reach."""
    if _is_smooth(size):
        return size
    longer = fast_length(size + radius)
    return longer if longer < PADDING_WORTH * size else size


def _is_smooth(size: int) -> bool:
    for prime in (2, 3, 5, 7, SMOOTH_PRIME):
        while size % prime == 0:
            size //= prime
    return size == 1


def _fast_even_length(least: int) -> int:
    return fast_length(least, 16, (2, 3, 5, 7))  # rich in twos: such are the quickest

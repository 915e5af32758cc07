"""Point-spread functions, in pixels: what a point of light becomes.

A PSF is an immutable object, odd-sided and centred. It knows its samples, and its transfer
function by the shortest way, so that a backend can choose its own method.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import numbers_in
from phos_core.errors import OutOfMemoryError, shown

__all__ = [
    "PSF",
    "as_psf",
    "combine",
    "compose",
    "delta",
    "exponential",
    "from_array",
    "gaussian",
    "in_single_range",
    "mixture",
    "pixel_mixture",
    "radial",
]

FloatArray = npt.NDArray[np.float64]
Edges = npt.NDArray[np.int64]

GAUSSIAN_REACH = 8.0  # in sigma: beyond it lies 1e-15 of the energy
ANALYTIC_TOLERANCE = 1e-6  # the analytic transfer function serves where it is this close
EXPONENTIAL_TAIL = 1e-6  # our choice: an exponential is cut where this much energy is left
MANY_TAPS = 256  # of a PSF that is wider than pictures usually are
MOST_COSINES = 2**21  # of a matrix that is made at once
GRID_DENSITY = 32  # frequencies up to the highest, for each tap, between which cubics do
EVEN_TOLERANCE = 1e-12  # of the largest sample: smaller asymmetries are rounding
LONGEST_PX = 1e9  # our choice: far beyond every picture, and squares of it are finite
MOST_SIDE = 8193  # samples: half a GiB of them; a PSF that is sampled when made has no more
SAFE_EXPONENT = 16  # samples that sum to more than 2**16, or less than 2**-16, are scaled

# Blocks in which samples are added up to learn how much of them is negative.
PIXEL_BLOCKS = 512  # so far from the centre a block is one pixel
BLOCK_SHARE = 256  # beyond, its side is the distance from the centre over this
BLOCK_ROWS = 256  # rows of blocks at a time
SUMMED_TAPS = 2**17  # more are not added up one by one: the integral is as good
SAMPLED_SIDE = 1025  # part of a composition that may be sampled to be composed with taps


class PSF(ABC):
    """A point-spread function in pixels: immutable, odd-sided, centred.

    PSFs are made by the functions of this module. Two are equal when they were made alike from
    the same numbers; they may be keys of a dictionary.
    """

    @property
    @abstractmethod
    def radius(self) -> tuple[int, int]:
        """Reach from the centre in rows and columns, so that the shape is 2 radius + 1."""

    @property
    @abstractmethod
    def is_even(self) -> bool:
        """Whether it is symmetric about its centre in rows and in columns."""

    @abstractmethod
    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        """Prepare the transfer function for rows to come.

        Parameters
        ----------
        fx : array_like, shape (m,)
            Frequencies along columns in cycles per pixel.

        Returns
        -------
        callable
            Takes frequencies `fy` along rows and gives what `transfer` does. A large table is
            best made some rows at a time, and what its columns need only once.
        """

    def transfer(self, fy: npt.ArrayLike, fx: npt.ArrayLike) -> npt.NDArray[Any]:
        """Evaluate the transfer function.

        Parameters
        ----------
        fy, fx : array_like, shape (n,) and (m,)
            Frequencies along rows and columns in cycles per pixel.

        Returns
        -------
        ndarray, shape (n, m)
            float64 if the PSF is even, complex128 if not.

        Notes
        -----
        The discrete-time Fourier transform of the samples p, to 1e-6 of their sum,

            P(fy, fx) = sum over y, x of p(y, x) exp(-2 pi i (fy y + fx x))
        """
        return self.transfer_of_rows(fx)(fy)

    @property
    @abstractmethod
    def _key(self) -> Hashable:
        """What equality and hash rest on."""

    @abstractmethod
    def _make_samples(self) -> FloatArray:
        """Compute the samples."""

    def samples(self) -> FloatArray:
        """Return the samples.

        Returns
        -------
        ndarray, shape (2 ry + 1, 2 rx + 1)
            float64, read-only.
        """
        return self._samples

    @property
    def total(self) -> float:
        """Sum of the samples: what a flat field is multiplied by."""
        return float(self._samples.sum())

    @cached_property
    def l1(self) -> float:
        """Sum of the samples' absolute values: the most that an image's peak can grow by.

        It is the sum itself where all are known to be of one sign. Otherwise samples farther than
        512 pixels from the centre are added up in blocks, of a side of a 256th of that distance,
        before their absolute value is taken: what they hide is where the sign changes, 1e-5 of
        the sum at most for sums of Gaussians. Of a wide composition neither of whose parts is
        small, it is the product of its parts' own, which is never too little.
        """
        if self._sign:
            return abs(self.total)
        (rows, row_times), (cols, col_times) = (
            _block_edges(radius, half=self.is_even) for radius in self.radius
        )
        total = 0.0
        for start in range(0, len(row_times), BLOCK_ROWS):
            strip = slice(start, start + BLOCK_ROWS)
            sums = self._block_sums(rows[start : start + BLOCK_ROWS + 1], cols)
            if sums is None:
                return self._most_l1()
            total += float(row_times[strip] @ np.abs(sums) @ col_times)
        return total

    @property
    @abstractmethod
    def _sign(self) -> int:
        """1 or -1 where all samples are known to be of that sign, or zero; 0 elsewhere."""

    @abstractmethod
    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray | None:
        """Add up the samples in blocks between edges; None where that would take too much."""

    def _most_l1(self) -> float:
        """What `l1` cannot exceed."""
        return abs(self.total)

    def _scaled(self, exponent: int) -> "PSF":
        """The PSF times a power of two."""
        half = exponent // 2  # each of the halves is a float, whatever the power
        return combine([(2.0**half, combine([(2.0 ** (exponent - half), self)]))])

    @cached_property
    def is_delta(self) -> bool:
        """Whether it leaves every image as it is."""
        return self.radius == (0, 0) and float(self._samples[0, 0]) == 1.0

    @abstractmethod
    def transposed(self) -> "PSF":
        """Return the PSF with rows and columns exchanged."""

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        """Return the separable terms.

        Returns
        -------
        tuple of (float, ndarray), or None
            Weights w and odd, centred 1-D taps t with samples = sum of w t(y) t(x); None if the
            PSF is not known to be such a sum.
        """
        return None

    def terms(self) -> tuple[tuple[float, "PSF"], ...]:
        """Return the PSFs that it is known to be a sum of.

        Returns
        -------
        tuple of (float, PSF)
            Weights w and PSFs p with samples = sum of w p; itself, of weight 1, if no sum is known.
            Sums inside sums, and convolutions of sums, are multiplied out.
        """
        return ((1.0, self),)

    @cached_property
    def _samples(self) -> FloatArray:
        rows, cols = (2 * r + 1 for r in self.radius)
        try:
            np.empty((rows, cols))  # before the work: is there room at all?
            samples = np.array(self._make_samples(), dtype=np.float64)
        except (MemoryError, ValueError) as error:  # NumPy says either of an array too large
            raise OutOfMemoryError(
                f"the samples of a PSF of {rows} x {cols} pixels take {rows * cols * 8:.1e} bytes"
            ) from error
        samples.flags.writeable = False
        return samples

    @property
    @abstractmethod
    def _parts(self) -> tuple[Any, ...]:
        """What it is made from: the arguments of its class."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is made from: not the hash, which is another in each process."""
        return type(self), self._parts

    def __copy__(self) -> "PSF":
        return self

    def __deepcopy__(self, memo: object) -> "PSF":
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PSF):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        rows, cols = (2 * r + 1 for r in self.radius)
        return f"<PSF of {rows} x {cols} pixels>"


class _SampledPSF(PSF):
    """A PSF known by its samples alone."""

    def __init__(self, samples: npt.ArrayLike) -> None:
        owned = np.array(samples, dtype=np.float64)
        owned.flags.writeable = False
        self.__dict__["_samples"] = owned

    @property
    def radius(self) -> tuple[int, int]:
        rows, cols = self._samples.shape
        return rows // 2, cols // 2

    @cached_property
    def l1(self) -> float:
        return float(np.abs(self._samples).sum())

    @cached_property
    def _sign(self) -> int:
        return _common_sign((float(self._samples.min()), float(self._samples.max())))

    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray:
        ry, rx = self.radius
        return _sums_between(_sums_between(self._samples, rows + ry).T, cols + rx).T

    def _scaled(self, exponent: int) -> PSF:
        return _SampledPSF(np.ldexp(self._samples, exponent))

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self._samples,)

    @cached_property
    def is_even(self) -> bool:
        samples = self._samples
        slack = EVEN_TOLERANCE * float(np.abs(samples).max())
        return bool(
            np.allclose(samples, samples[::-1], rtol=0, atol=slack)
            and np.allclose(samples, samples[:, ::-1], rtol=0, atol=slack)
        )

    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        ry, rx = self.radius
        if self.is_even:
            even = self._samples[ry:, rx:] @ _cosines(fx, rx).T
            return lambda fy: _even_sums(fy, even)
        columns = self._samples @ _phasors(fx, rx).T
        return lambda fy: np.asarray(_phasors(fy, ry) @ columns)

    def transposed(self) -> PSF:
        turned = _SampledPSF(self._samples.T)
        turned.__dict__["is_even"] = self.is_even  # to find it out takes copies
        return turned

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        if self.radius != (0, 0):
            return None
        return ((float(self._samples[0, 0]), np.ones(1)),)

    @cached_property
    def _key(self) -> Hashable:
        return self._samples.shape, hashlib.blake2b(self._samples.tobytes()).digest()

    def _make_samples(self) -> FloatArray:
        return self._samples


@dataclass(frozen=True)
class _GaussianProfile:
    """A Gaussian of unit sum on one axis, sampled at the pixels' centres."""

    sigma: float

    @property
    def radius(self) -> int:
        return max(1, math.ceil(GAUSSIAN_REACH * self.sigma))

    @property
    def is_analytic(self) -> bool:
        """Whether sampling at the pixel pitch folds back less than the tolerance."""
        return math.exp(-0.5 * (math.pi * self.sigma) ** 2) <= ANALYTIC_TOLERANCE

    @cached_property
    def taps(self) -> FloatArray:
        with np.errstate(over="ignore"):  # far from a very narrow one: nothing is left there
            return self._normalised(np.exp(-0.5 * (self._positions() / self.sigma) ** 2))

    def sums(self, edges: Edges) -> FloatArray:
        """Sums of the taps between edges, each the first position of the next."""
        if 2 * self.radius < SUMMED_TAPS:
            return _centred_sums(self.taps, edges)
        scale = self.sigma * math.sqrt(2.0)
        inside = np.array([math.erf(edge / scale) for edge in (edges - 0.5).tolist()])
        return np.diff(inside) / 2.0

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.sigma,)  # the taps stay read-only in a copy

    def transfer(self, f: FloatArray) -> FloatArray:
        if self.is_analytic:
            return self._analytic(f)
        return np.asarray(_cosines(f, self.radius) @ self.taps[self.radius :])

    def _analytic(self, f: FloatArray) -> FloatArray:
        folded = f - np.round(f)
        return np.exp(-2.0 * (math.pi * self.sigma * folded) ** 2)

    def _positions(self) -> FloatArray:
        return np.arange(-self.radius, self.radius + 1, dtype=np.float64)

    def _normalised(self, taps: FloatArray) -> FloatArray:
        taps /= taps.sum()
        taps.flags.writeable = False
        return taps


@dataclass(frozen=True)
class _PixelGaussianProfile(_GaussianProfile):
    """A Gaussian of unit sum on one axis, integrated over each pixel."""

    @cached_property
    def taps(self) -> FloatArray:
        scale = self.sigma * math.sqrt(2.0)
        edges = np.arange(self.radius + 2) - 0.5
        # The complement keeps the small differences of the tail exact.
        beyond = np.array([math.erfc(edge / scale) for edge in edges])
        half = beyond[:-1] - beyond[1:]
        return self._normalised(np.concatenate((half[:0:-1], half)))

    def _analytic(self, f: FloatArray) -> FloatArray:
        folded = f - np.round(f)
        return super()._analytic(f) * np.sinc(folded)


class _SeparablePSF(PSF):
    """A weighted sum of terms that factor into rows and columns."""

    def __init__(self, terms: tuple[tuple[float, _GaussianProfile], ...]) -> None:
        self._terms = terms

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self._terms,)

    @property
    def _sign(self) -> int:
        return _common_sign(weight for weight, _ in self._terms)

    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray:
        weights = [weight for weight, _ in self._terms]
        across = np.stack([profile.sums(rows) for _, profile in self._terms], axis=1)
        along = np.stack([profile.sums(cols) for _, profile in self._terms])
        return np.asarray((across * weights) @ along)

    @property
    def radius(self) -> tuple[int, int]:
        reach = max(profile.radius for _, profile in self._terms)
        return reach, reach

    @property
    def is_even(self) -> bool:
        return True

    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        cols = np.asarray(fx, dtype=np.float64)
        columns = np.stack([weight * profile.transfer(cols) for weight, profile in self._terms])

        def rows(fy: npt.ArrayLike) -> npt.NDArray[Any]:
            at = np.asarray(fy, dtype=np.float64)
            return np.asarray(np.stack([p.transfer(at) for _, p in self._terms], axis=1) @ columns)

        return rows

    def transposed(self) -> PSF:
        return self

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        return tuple((weight, profile.taps) for weight, profile in self._terms)

    def terms(self) -> tuple[tuple[float, PSF], ...]:
        return tuple((weight, _SeparablePSF(((1.0, p),))) for weight, p in self._terms)

    @property
    def total(self) -> float:
        return math.fsum(weight for weight, _ in self._terms)

    @property
    def _key(self) -> Hashable:
        return self._terms

    def _make_samples(self) -> FloatArray:
        return _sum_centred([(w, np.outer(p.taps, p.taps)) for w, p in self._terms], self.radius)


class _CombinedPSF(PSF):
    """A weighted sum of PSFs."""

    def __init__(self, terms: tuple[tuple[float, PSF], ...]) -> None:
        self._terms = terms

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self._terms,)

    @cached_property
    def _sign(self) -> int:
        signs = {math.copysign(1.0, weight) * psf._sign for weight, psf in self._terms if weight}
        return int(signs.pop()) if len(signs) == 1 else 0

    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray | None:
        total = np.zeros((len(rows) - 1, len(cols) - 1))
        for weight, psf in self._terms:
            sums = psf._block_sums(rows, cols)
            if sums is None:
                return None
            total += weight * sums
        return total

    def _most_l1(self) -> float:
        return math.fsum(abs(weight) * psf.l1 for weight, psf in self._terms)

    @property
    def radius(self) -> tuple[int, int]:
        radii = [psf.radius for _, psf in self._terms]
        return max(ry for ry, _ in radii), max(rx for _, rx in radii)

    @cached_property
    def is_even(self) -> bool:
        return all(psf.is_even for _, psf in self._terms)

    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        prepared = [(weight, psf.transfer_of_rows(fx)) for weight, psf in self._terms]

        def rows(fy: npt.ArrayLike) -> npt.NDArray[Any]:
            table = prepared[0][0] * prepared[0][1](fy)
            for weight, transfer in prepared[1:]:
                table = table + weight * transfer(fy)
            return table

        return rows

    def transposed(self) -> PSF:
        return _CombinedPSF(tuple((weight, psf.transposed()) for weight, psf in self._terms))

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        found: list[tuple[float, FloatArray]] = []
        for weight, psf in self._terms:
            inner = psf.axes()
            if inner is None:
                return None
            found += [(weight * w, taps) for w, taps in inner]
        return tuple(found)

    def terms(self) -> tuple[tuple[float, PSF], ...]:
        return tuple((weight * w, one) for weight, psf in self._terms for w, one in psf.terms())

    @property
    def total(self) -> float:
        return math.fsum(weight * psf.total for weight, psf in self._terms)

    @property
    def _key(self) -> Hashable:
        return self._terms

    def _make_samples(self) -> FloatArray:
        return _sum_centred([(w, psf.samples()) for w, psf in self._terms], self.radius)


class _ComposedPSF(PSF):
    """The convolution of two PSFs."""

    def __init__(self, first: PSF, second: PSF) -> None:
        self._both = (first, second)

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self._both

    @property
    def radius(self) -> tuple[int, int]:
        (ay, ax), (by, bx) = (psf.radius for psf in self._both)
        return ay + by, ax + bx

    @property
    def _sign(self) -> int:
        first, second = self._both
        return first._sign * second._sign

    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray | None:
        small, wide = sorted(self._both, key=lambda psf: max(psf.radius))
        if 2 * max(self.radius) + 1 <= SAMPLED_SIDE:
            return _SampledPSF(self._samples)._block_sums(rows, cols)
        if 2 * max(self.radius) >= SUMMED_TAPS:
            return None
        axes = self.axes()
        if axes is not None:
            across = np.stack([w * _centred_sums(t, rows) for w, t in axes], axis=1)
            return across @ np.stack([_centred_sums(t, cols) for _, t in axes])
        taps_of_wide = wide.axes()
        if taps_of_wide is None or 2 * max(small.radius) + 1 > SAMPLED_SIDE:
            return None
        ry, rx = small.radius
        samples = small.samples()
        total = np.zeros((len(rows) - 1, len(cols) - 1))
        for weight, taps in taps_of_wide:
            down, sideways = _shifted_sums(taps, rows, ry), _shifted_sums(taps, cols, rx)
            total += weight * (down @ samples @ sideways.T)
        return total

    def _most_l1(self) -> float:
        first, second = self._both
        return first.l1 * second.l1

    @cached_property
    def is_even(self) -> bool:
        return all(psf.is_even for psf in self._both)

    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        first, second = (psf.transfer_of_rows(fx) for psf in self._both)
        return lambda fy: np.asarray(first(fy) * second(fy))

    def transposed(self) -> PSF:
        first, second = self._parts
        return _ComposedPSF(first.transposed(), second.transposed())

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        return self._axes

    @cached_property
    def _axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        first, second = (psf.axes() for psf in self._both)
        if first is None or second is None:
            return None
        return tuple((v * w, _convolved_taps(s, t)) for v, s in first for w, t in second)

    def terms(self) -> tuple[tuple[float, PSF], ...]:
        first, second = (psf.terms() for psf in self._both)
        if len(first) == len(second) == 1:
            return ((1.0, self),)
        return tuple((v * w, compose(a, b)) for v, a in first for w, b in second)

    @property
    def total(self) -> float:
        first, second = self._both
        return first.total * second.total

    @property
    def _key(self) -> Hashable:
        return self._both

    def _make_samples(self) -> FloatArray:
        first, second = self._both
        shape = tuple(2 * r + 1 for r in self.radius)
        spectrum = np.fft.rfft2(first.samples(), shape) * np.fft.rfft2(second.samples(), shape)
        return np.fft.irfft2(spectrum, shape)


def gaussian(sigma: float) -> PSF:
    """Make a Gaussian of unit sum.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels.

    Returns
    -------
    PSF
        Sampled at the pixels' centres to 8 sigma.

    Raises
    ------
    ValueError
        If `sigma` is not a positive number.
    """
    return mixture([(1.0, sigma)])


def mixture(terms: Iterable[tuple[float, float]]) -> PSF:
    """Make a sum of Gaussians.

    Parameters
    ----------
    terms : iterable of (float, float)
        Weight and standard deviation in pixels of each Gaussian. A Gaussian's sum is its weight.

    Returns
    -------
    PSF
        Sampled at the pixels' centres to 8 times the largest standard deviation.

    Raises
    ------
    ValueError
        If there are no terms, a standard deviation is not a positive number, or the weights do
        not have a positive, finite sum.
    """
    checked = _checked_terms(terms)
    return _SeparablePSF(tuple((weight, _GaussianProfile(sigma)) for weight, sigma in checked))


def pixel_mixture(terms: Iterable[tuple[float, float]]) -> PSF:
    """Make a sum of Gaussians integrated over each pixel: light gathered by square pixels.

    Parameters
    ----------
    terms : iterable of (float, float)
        Weight and standard deviation in pixels of each Gaussian. A Gaussian's sum is its weight.

    Returns
    -------
    PSF
        Its variance along each axis is that of the Gaussians plus 1/12, if they are a pixel wide
        or wider.

    Raises
    ------
    ValueError
        As for `mixture`.
    """
    checked = _checked_terms(terms)
    return _SeparablePSF(tuple((weight, _PixelGaussianProfile(sigma)) for weight, sigma in checked))


def exponential(scale: float) -> PSF:
    """Make an isotropic exponential of unit sum, integrated over each pixel.

    Parameters
    ----------
    scale : float
        Distance in pixels over which it falls to 1/e.

    Returns
    -------
    PSF
        Cut where 1e-6 of the energy is left outside, then normalised.

    Raises
    ------
    ValueError
        If `scale` is not a positive number, or takes more than 8193 x 8193 samples: from 245
        pixels up.

    Notes
    -----
    Before integration p(r) = exp(-r / s) / (2 pi s^2), with the energy

        E(r) = 1 - (1 + r / s) exp(-r / s)

    inside the radius r.
    """
    scale = _length("scale", scale)

    def encircled(radius: FloatArray) -> FloatArray:
        x = radius / scale
        return 1.0 - (1.0 + x) * np.exp(-x)

    reach = 1.0
    while (1.0 + reach) * math.exp(-reach) > EXPONENTIAL_TAIL:
        reach += 0.125
    return _isotropic(f"an exponential of scale {scale:g}", encircled, reach * scale)


def radial(radius_px: npt.ArrayLike, energy: npt.ArrayLike) -> PSF:
    """Make a rotationally symmetric PSF from the energy that falls in rings.

    Parameters
    ----------
    radius_px : array_like, shape (n + 1,)
        Edges of the rings in pixels, not negative, increasing.
    energy : array_like, shape (n,)
        Energy in each ring, spread evenly over its area; in any unit, not negative.

    Returns
    -------
    PSF
        Integrated over each pixel, of unit sum.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If the shapes do not fit, an edge does not increase, the rings take more than 8193 x 8193
        samples, or the energy is negative, not finite or zero in sum.

    Notes
    -----
    Rings may be thinner or much wider than a pixel: each fine cell takes the energy that the
    cumulative energy gives to the ring it spans.
    """
    edges = numbers_in("radius_px", radius_px).astype(np.float64)
    rings = numbers_in("energy", energy).astype(np.float64)
    _check_rings(edges, rings)
    squared = edges**2
    inside = np.concatenate(([0.0], np.cumsum(rings))) / rings.sum()

    def encircled(radius: FloatArray) -> FloatArray:
        return np.asarray(np.interp(radius**2, squared, inside))

    return _isotropic("radius_px", encircled, float(edges[-1]))


def from_array(array: npt.ArrayLike) -> PSF:
    """Wrap samples as a PSF.

    Parameters
    ----------
    array : array_like, shape (rows, cols)
        Samples, both sides odd, the centre in the middle; not normalised, copied.

    Returns
    -------
    PSF
        With these samples.

    Raises
    ------
    TypeError
        If the samples are not real numbers.
    ValueError
        If the array is not 2-D, has an even or empty side, or holds NaN or infinity.
    """
    return _from_array("psf", array)


def _from_array(name: str, array: npt.ArrayLike) -> PSF:
    """Wrap samples as a PSF; errors call it by its name."""
    samples = numbers_in(name, array)
    if samples.ndim != 2:
        raise ValueError(f"{name} must be 2-D (rows, cols), got shape {samples.shape}")
    if 0 in samples.shape:
        raise ValueError(f"{name} must not be empty, got shape {samples.shape}")
    if samples.shape[0] % 2 == 0 or samples.shape[1] % 2 == 0:
        raise ValueError(
            f"{name} must have odd sides, so that it has a centre, got shape {samples.shape}; "
            "add a row or column of zeros on the side that puts the centre in the middle: "
            f"numpy.pad({name}, ((0, 1), (0, 0))) adds a row at the end"
        )
    with np.errstate(over="ignore"):  # a longer float may not fit
        finite = np.isfinite(samples.astype(np.float64))
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} must be finite, got {samples[first]} at {first}")
    return _SampledPSF(samples)


def delta() -> PSF:
    """Make the identity: one pixel of weight 1."""
    return _SampledPSF([[1.0]])


def combine(terms: Iterable[tuple[float, PSF | npt.ArrayLike]]) -> PSF:
    """Add PSFs, each with its weight.

    Parameters
    ----------
    terms : iterable of (float, PSF or array_like of shape (odd, odd))
        Weight and PSF of each term.

    Returns
    -------
    PSF
        Its samples and its transfer function are the weighted sums.

    Raises
    ------
    TypeError
        If `terms` is no list of pairs, or a PSF holds no real numbers.
    ValueError
        If there are no terms, a weight is not finite, or a PSF's array is none.
    """
    pairs = _pairs(terms, "(weight, psf)")
    return _CombinedPSF(
        tuple(
            (_weight(weight), as_psf(psf, f"the PSF in terms[{n}]"))
            for n, (weight, psf) in enumerate(pairs)
        )
    )


def compose(first: PSF | npt.ArrayLike, second: PSF | npt.ArrayLike) -> PSF:
    """Convolve two PSFs: the effect of one after the other.

    Parameters
    ----------
    first, second : PSF or array_like of shape (odd, odd)
        In either order.

    Returns
    -------
    PSF
        Its transfer function is the product; its radius the sum of the radii.

    Raises
    ------
    TypeError, ValueError
        As for `from_array`, of an array.
    """
    first, second = as_psf(first, "first"), as_psf(second, "second")
    if first.is_delta:
        return second
    if second.is_delta:
        return first
    return _ComposedPSF(first, second)


def as_psf(psf: PSF | npt.ArrayLike, name: str = "psf") -> PSF:
    """Return a PSF as it is, or wrap a 2-D array.

    Parameters
    ----------
    psf : PSF or array_like of shape (odd, odd)
        The PSF.
    name : str
        What an error calls it.

    Returns
    -------
    PSF
        The PSF.

    Raises
    ------
    TypeError, ValueError
        As for `from_array`.
    """
    return psf if isinstance(psf, PSF) else _from_array(name, psf)


@lru_cache(maxsize=64)
def in_single_range(psf: PSF) -> tuple[PSF, int]:
    """Scale a PSF so that single precision holds what comes of it.

    Parameters
    ----------
    psf : PSF
        Of any amplitude.

    Returns
    -------
    tuple of (PSF, int)
        The PSF divided by a power of two, and that power; most PSFs as they are, and 0.
    """
    strongest = psf.l1
    if strongest == math.inf:  # more than double precision holds: of samples that it does
        strongest = float(np.abs(psf.samples()).max())
    _, exponent = math.frexp(strongest)
    return (psf, 0) if abs(exponent) <= SAFE_EXPONENT else (psf._scaled(-exponent), exponent)


def _pairs(terms: Any, pair: str) -> list[tuple[Any, Any]]:
    """The terms as pairs, at least one."""
    try:
        pairs = [(one, other) for one, other in terms]
    except (TypeError, ValueError) as error:
        raise TypeError(f"terms must be a list of {pair}, got {shown(terms)}") from error
    if not pairs:
        raise ValueError(f"terms must hold at least one {pair}, got none")
    return pairs


def _checked_terms(terms: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    pairs = _pairs(terms, "(weight, sigma)")
    listed = [(_number("a weight", weight), _length("sigma", sigma)) for weight, sigma in pairs]
    total = sum(weight for weight, _ in listed)
    if not (total > 0 and math.isfinite(total)):
        raise ValueError(f"weights must have a positive, finite sum, got {total}")
    return listed


def _weight(value: Any) -> float:
    weight = _number("a weight", value)
    if not math.isfinite(weight):
        raise ValueError(f"weights must be finite, got {weight}")
    return weight


def _length(name: str, value: Any) -> float:
    length = _number(name, value)
    if not (length > 0 and math.isfinite(length)):
        raise ValueError(f"{name} must be a positive number of pixels, got {length}")
    if length > LONGEST_PX:
        raise ValueError(f"{name} must be no more than {LONGEST_PX:g} pixels, got {length:g}")
    return length


def _number(name: str, value: Any) -> float:
    if isinstance(value, str):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {shown(value)}") from error
    except OverflowError as error:  # a whole number beyond every float
        raise ValueError(f"{name} must be finite, got {shown(value)}") from error


def _check_rings(edges: FloatArray, energy: FloatArray) -> None:
    if edges.ndim != 1 or energy.ndim != 1 or edges.size != energy.size + 1 or energy.size == 0:
        raise ValueError(
            "radius_px must hold one edge more than energy has rings, "
            f"got shapes {edges.shape} and {energy.shape}"
        )
    if not (np.isfinite(edges).all() and edges[0] >= 0 and (np.diff(edges) > 0).all()):
        raise ValueError("radius_px must be finite, not negative and increasing")
    if not (np.isfinite(energy).all() and (energy >= 0).all() and energy.sum() > 0):
        raise ValueError("energy must be finite, not negative and more than zero in sum")


def _cosines(f: npt.ArrayLike, radius: int) -> FloatArray:
    """Matrix that sums even taps, given from their centre outwards, at the frequencies."""
    angles = 2.0 * math.pi * np.outer(np.asarray(f, dtype=np.float64), np.arange(radius + 1))
    cosines: FloatArray = np.cos(angles)
    cosines[:, 1:] *= 2.0
    return cosines


def _even_sums(f: npt.ArrayLike, taps: FloatArray) -> FloatArray:
    """Sum even taps, given from their centre outwards, at the frequencies, for each column.

    Notes
    -----
    At far more frequencies than there are taps the sum is computed at 64 for each tap by one fast
    transform, with its slope, and between them by cubics: to 3e-7 of what the farthest taps hold.
    """
    at, count = np.asarray(f, dtype=np.float64), len(taps)
    if count < MANY_TAPS or len(at) < GRID_DENSITY * count:
        parts = np.array_split(at, max(1, len(at) * count // MOST_COSINES))
        return np.concatenate([_cosines(part, count - 1) @ taps for part in parts])
    length = 1 << (GRID_DENSITY * count).bit_length()
    weights = np.where(np.arange(count) == 0, 1.0, 2.0)[:, None] * taps
    turns = (2.0 * math.pi / length) * np.arange(count)[:, None]
    value = np.fft.rfft(weights, length, axis=0).real
    slope = np.fft.rfft(turns * weights, length, axis=0).imag
    place = np.abs(at - np.round(at)) * length
    left = np.minimum(place.astype(np.int64), length // 2 - 1)
    t = (place - left)[:, None]
    rise = value[left + 1] - value[left]
    steeper, bent = slope[left] - rise, rise - slope[left + 1]
    between = t * (1.0 - t) * (steeper * (1.0 - t) + bent * t)
    return np.asarray(value[left] + t * rise + between)


def _phasors(f: npt.ArrayLike, radius: int) -> npt.NDArray[np.complex128]:
    """Matrix that sums centred taps at the frequencies."""
    positions = np.arange(-radius, radius + 1)
    angles = 2.0 * math.pi * np.outer(np.asarray(f, dtype=np.float64), positions)
    return np.asarray(np.exp(-1j * angles))


def _sum_centred(terms: Sequence[tuple[float, FloatArray]], radius: tuple[int, int]) -> FloatArray:
    """Weighted sum of odd-sided arrays about their common centre."""
    ry, rx = radius
    total = np.zeros((2 * ry + 1, 2 * rx + 1))
    for weight, samples in terms:
        hy, hx = samples.shape[0] // 2, samples.shape[1] // 2
        total[ry - hy : ry + hy + 1, rx - hx : rx + hx + 1] += weight * samples
    return total


def _common_sign(numbers: Iterable[float]) -> int:
    """1 if none is negative, -1 if none is positive, 0 if there are both."""
    signs = {math.copysign(1.0, number) for number in numbers if number}
    return int(signs.pop()) if len(signs) == 1 else 0


def _block_edges(radius: int, *, half: bool) -> tuple[Edges, FloatArray]:
    """Edges of blocks that cover an axis or its half, and how many times each block counts."""
    outwards = list(range(min(PIXEL_BLOCKS, radius + 1) + 1))
    while outwards[-1] < radius + 1:
        step = max(outwards[-1] // BLOCK_SHARE, 1)
        outwards.append(min(outwards[-1] + step, radius + 1))
    edges = np.array(outwards)
    if half:
        return edges, np.array([1.0] + [2.0] * (len(edges) - 2))
    return np.concatenate((1 - edges[:0:-1], edges[1:])), np.ones(2 * len(edges) - 3)


def _sums_between(values: FloatArray, edges: Edges) -> FloatArray:
    """Sums along the first axis between edges; beyond the ends is nothing."""
    held = np.clip(edges, 0, len(values))
    before = np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))
    return np.diff(before[held], axis=0)


def _centred_sums(taps: FloatArray, edges: Edges) -> FloatArray:
    """Sums of centred taps between edges."""
    return _sums_between(taps, edges + len(taps) // 2)


def _shifted_sums(taps: FloatArray, edges: Edges, reach: int) -> FloatArray:
    """Sums of centred taps between edges, one column for each shift within a reach."""
    shifts = range(-reach, reach + 1)
    return np.stack([_centred_sums(taps, edges - shift) for shift in shifts], axis=1)


def _convolved_taps(one: FloatArray, other: FloatArray) -> FloatArray:
    """Convolve centred taps; long ones by a transform, which takes time in step with them."""
    if min(len(one), len(other)) <= PIXEL_BLOCKS:
        taps = np.convolve(one, other)
    else:
        length = len(one) + len(other) - 1
        taps = np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(other, length), length)
    taps.flags.writeable = False
    return taps


def _isotropic(name: str, encircled: Callable[[FloatArray], FloatArray], reach: float) -> PSF:
    """Integrate an isotropic energy over the pixels, given the share inside each radius."""
    radius = max(0, math.ceil(reach - 0.5))
    if 2 * radius + 1 > MOST_SIDE:
        raise ValueError(
            f"{name} reaches {reach:g} pixels, too far to be sampled: at most {MOST_SIDE // 2}; "
            "gaussian and mixture may be wider"
        )
    cells = _cells_per_pixel(radius)
    step = 1.0 / cells
    offsets = (np.arange(cells) - (cells - 1) / 2) * step
    positions = (np.arange(radius + 1)[:, None] + offsets).ravel()
    quadrant = np.empty((radius + 1, radius + 1))
    for row in range(radius + 1):
        y = row + offsets
        distance = np.hypot(y[:, None], positions[None, :])
        inner, outer = np.maximum(distance - step / 2, 0.0), distance + step / 2
        density = (encircled(outer) - encircled(inner)) / (outer**2 - inner**2)
        quadrant[row] = density.reshape(cells, radius + 1, cells).sum(axis=(0, 2))
    whole = np.concatenate((quadrant[:0:-1], quadrant))
    whole = np.concatenate((whole[:, :0:-1], whole), axis=1)
    return _SampledPSF(whole / whole.sum())


def _cells_per_pixel(radius: int) -> int:
    """Cells along a pixel's side: odd, so that one lies on the centre; fewer in large PSFs."""
    return max(3, min(33, 1200 // (radius + 1))) | 1

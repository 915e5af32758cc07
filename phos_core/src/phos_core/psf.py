"""Point-spread functions, in pixels: what a point of light becomes.

A PSF is an immutable object, odd-sided and centred. It knows its samples, and its transfer
function by the shortest way, so that a backend can choose its own road.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "PSF",
    "as_psf",
    "combine",
    "compose",
    "delta",
    "exponential",
    "from_array",
    "gaussian",
    "mixture",
    "pixel_mixture",
    "radial",
]

FloatArray = npt.NDArray[np.float64]

GAUSSIAN_REACH = 8.0  # in sigma: beyond it lies 1e-15 of the energy
ANALYTIC_TOLERANCE = 1e-6  # the analytic transfer function serves where it is this close
EXPONENTIAL_TAIL = 1e-6  # our choice: an exponential is cut where this much energy is left
MANY_TAPS = 256  # of a PSF that is wider than pictures usually are
MOST_COSINES = 2**21  # of a matrix that is made at once
GRID_DENSITY = 32  # frequencies up to the highest, for each tap, between which cubics do
EVEN_TOLERANCE = 1e-12  # of the largest sample: smaller asymmetries are rounding


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
        """Sum of the samples' absolute values: the most that an image's peak can grow by."""
        return float(np.abs(self._samples).sum())

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
        samples = np.array(self._make_samples(), dtype=np.float64)
        samples.flags.writeable = False
        return samples

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
        return self._normalised(np.exp(-0.5 * (self._positions() / self.sigma) ** 2))

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
        self._parts = (first, second)

    @property
    def radius(self) -> tuple[int, int]:
        (ay, ax), (by, bx) = (psf.radius for psf in self._parts)
        return ay + by, ax + bx

    @cached_property
    def is_even(self) -> bool:
        return all(psf.is_even for psf in self._parts)

    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        first, second = (psf.transfer_of_rows(fx) for psf in self._parts)
        return lambda fy: np.asarray(first(fy) * second(fy))

    def transposed(self) -> PSF:
        first, second = self._parts
        return _ComposedPSF(first.transposed(), second.transposed())

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        return self._axes

    @cached_property
    def _axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        first, second = (psf.axes() for psf in self._parts)
        if first is None or second is None:
            return None
        return tuple((v * w, np.convolve(s, t)) for v, s in first for w, t in second)

    def terms(self) -> tuple[tuple[float, PSF], ...]:
        first, second = (psf.terms() for psf in self._parts)
        if len(first) == len(second) == 1:
            return ((1.0, self),)
        return tuple((v * w, compose(a, b)) for v, a in first for w, b in second)

    @property
    def total(self) -> float:
        first, second = self._parts
        return first.total * second.total

    @property
    def _key(self) -> Hashable:
        return self._parts

    def _make_samples(self) -> FloatArray:
        first, second = self._parts
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
        If `scale` is not a positive number.

    Notes
    -----
    Before integration p(r) = exp(-r / s) / (2 pi s^2), with the energy

        E(r) = 1 - (1 + r / s) exp(-r / s)

    inside the radius r.
    """
    _check_length("scale", scale)

    def encircled(radius: FloatArray) -> FloatArray:
        x = radius / scale
        return 1.0 - (1.0 + x) * np.exp(-x)

    reach = 1.0
    while (1.0 + reach) * math.exp(-reach) > EXPONENTIAL_TAIL:
        reach += 0.125
    return _isotropic(encircled, reach * scale)


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
    ValueError
        If the shapes do not fit, an edge does not increase, or the energy is negative, not
        finite or zero in sum.

    Notes
    -----
    Rings may be thinner or much wider than a pixel: each fine cell takes the energy that the
    cumulative energy gives to the ring it spans.
    """
    edges = np.asarray(radius_px, dtype=np.float64)
    rings = np.asarray(energy, dtype=np.float64)
    _check_rings(edges, rings)
    squared = edges**2
    inside = np.concatenate(([0.0], np.cumsum(rings))) / rings.sum()

    def encircled(radius: FloatArray) -> FloatArray:
        return np.asarray(np.interp(radius**2, squared, inside))

    return _isotropic(encircled, float(edges[-1]))


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
    samples = np.asarray(array)
    if samples.dtype.kind not in "buif":
        raise TypeError(f"psf must hold real numbers, got dtype {samples.dtype}")
    if samples.ndim != 2:
        raise ValueError(f"psf must be 2-D (rows, cols), got shape {samples.shape}")
    if 0 in samples.shape:
        raise ValueError(f"psf must not be empty, got shape {samples.shape}")
    if samples.shape[0] % 2 == 0 or samples.shape[1] % 2 == 0:
        raise ValueError(
            f"psf must have odd sides, so that it has a centre, got shape {samples.shape}; "
            "add a row or column of zeros on the side that puts the centre in the middle: "
            "numpy.pad(psf, ((0, 1), (0, 0))) adds a row at the end"
        )
    if not np.isfinite(samples).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(samples))[0])
        raise ValueError(f"psf must be finite, got {samples[first]} at {first}")
    return _SampledPSF(samples)


def delta() -> PSF:
    """Make the identity: one pixel of weight 1."""
    return _SampledPSF([[1.0]])


def combine(terms: Iterable[tuple[float, PSF]]) -> PSF:
    """Add PSFs, each with its weight.

    Parameters
    ----------
    terms : iterable of (float, PSF)
        Weight and PSF of each term.

    Returns
    -------
    PSF
        Its samples and its transfer function are the weighted sums.

    Raises
    ------
    ValueError
        If there are no terms or a weight is not finite.
    """
    listed = tuple((float(weight), psf) for weight, psf in terms)
    if not listed:
        raise ValueError("terms must hold at least one (weight, psf), got none")
    for weight, _ in listed:
        if not math.isfinite(weight):
            raise ValueError(f"weights must be finite, got {weight}")
    return _CombinedPSF(listed)


def compose(first: PSF, second: PSF) -> PSF:
    """Convolve two PSFs: the effect of one after the other.

    Parameters
    ----------
    first, second : PSF
        In either order.

    Returns
    -------
    PSF
        Its transfer function is the product; its radius the sum of the radii.
    """
    if first.is_delta:
        return second
    if second.is_delta:
        return first
    return _ComposedPSF(first, second)


def as_psf(psf: PSF | npt.ArrayLike) -> PSF:
    """Return a PSF as it is, or wrap a 2-D array.

    Raises
    ------
    TypeError, ValueError
        As for `from_array`.
    """
    return psf if isinstance(psf, PSF) else from_array(psf)


def _checked_terms(terms: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    listed = [(float(weight), float(sigma)) for weight, sigma in terms]
    if not listed:
        raise ValueError("terms must hold at least one (weight, sigma), got none")
    for _, sigma in listed:
        _check_length("sigma", sigma)
    total = math.fsum(weight for weight, _ in listed)
    if not (total > 0 and math.isfinite(total)):
        raise ValueError(f"weights must have a positive, finite sum, got {total}")
    return listed


def _check_length(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be a positive number of pixels, got {value}")


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


def _isotropic(encircled: Callable[[FloatArray], FloatArray], reach: float) -> PSF:
    """Integrate an isotropic energy over the pixels, given the share inside each radius."""
    radius = max(0, math.ceil(reach - 0.5))
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

"""Sums of Gaussians, sampled at the pixels' centres or integrated over each pixel."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.psf.base import PSF
from phos_core.psf.sums import Edges, FloatArray, centred_sums, common_sign, cosines, sum_centred

__all__ = ["GAUSSIAN_REACH", "GaussianProfile", "PixelGaussianProfile", "SeparablePSF"]

GAUSSIAN_REACH = 8.0  # in sigma: beyond it lies 1e-15 of the energy
ANALYTIC_TOLERANCE = 1e-6  # the analytic transfer function serves where it is this close
SUMMED_TAPS = 2**17  # more are not added up one by one: the integral is as good


@dataclass(frozen=True)
class GaussianProfile:
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
            return centred_sums(self.taps, edges)
        scale = self.sigma * math.sqrt(2.0)
        inside = np.array([math.erf(edge / scale) for edge in (edges - 0.5).tolist()])
        return np.diff(inside) / 2.0

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.sigma,)  # the taps stay read-only in a copy

    def transfer(self, f: FloatArray) -> FloatArray:
        if self.is_analytic:
            return self._analytic(f)
        return np.asarray(cosines(f, self.radius) @ self.taps[self.radius :])

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
class PixelGaussianProfile(GaussianProfile):
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


class SeparablePSF(PSF):
    """A weighted sum of terms that factor into rows and columns."""

    def __init__(self, terms: tuple[tuple[float, GaussianProfile], ...]) -> None:
        self._terms = terms

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (self._terms,)

    @property
    def _sign(self) -> int:
        return common_sign(weight for weight, _ in self._terms)

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
        return tuple((weight, SeparablePSF(((1.0, p),))) for weight, p in self._terms)

    @property
    def total(self) -> float:
        return math.fsum(weight for weight, _ in self._terms)

    @property
    def _key(self) -> Hashable:
        return self._terms

    def _make_samples(self) -> FloatArray:
        return sum_centred([(w, np.outer(p.taps, p.taps)) for w, p in self._terms], self.radius)

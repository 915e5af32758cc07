"""PSFs made of PSFs: their weighted sum, and the effect of one after the other."""

import math
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.psf.base import PSF
from phos_core.psf.gaussians import SUMMED_TAPS
from phos_core.psf.sampled import SampledPSF
from phos_core.psf.sums import (
    Edges,
    FloatArray,
    centred_sums,
    convolved_taps,
    shifted_sums,
    sum_centred,
)

__all__ = ["CombinedPSF", "ComposedPSF", "composed"]

SAMPLED_SIDE = 1025  # part of a composition that may be sampled to be composed with taps


class CombinedPSF(PSF):
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
        return CombinedPSF(tuple((weight, psf.transposed()) for weight, psf in self._terms))

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
        return sum_centred([(w, psf.samples()) for w, psf in self._terms], self.radius)


class ComposedPSF(PSF):
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
            return SampledPSF(self._samples)._block_sums(rows, cols)
        if 2 * max(self.radius) >= SUMMED_TAPS:
            return None
        axes = self.axes()
        if axes is not None:
            across = np.stack([w * centred_sums(t, rows) for w, t in axes], axis=1)
            return across @ np.stack([centred_sums(t, cols) for _, t in axes])
        taps_of_wide = wide.axes()
        if taps_of_wide is None or 2 * max(small.radius) + 1 > SAMPLED_SIDE:
            return None
        ry, rx = small.radius
        samples = small.samples()
        total = np.zeros((len(rows) - 1, len(cols) - 1))
        for weight, taps in taps_of_wide:
            down, sideways = shifted_sums(taps, rows, ry), shifted_sums(taps, cols, rx)
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
        return ComposedPSF(first.transposed(), second.transposed())

    def axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        return self._axes

    @cached_property
    def _axes(self) -> tuple[tuple[float, FloatArray], ...] | None:
        first, second = (psf.axes() for psf in self._both)
        if first is None or second is None:
            return None
        return tuple((v * w, convolved_taps(s, t)) for v, s in first for w, t in second)

    def terms(self) -> tuple[tuple[float, PSF], ...]:
        first, second = (psf.terms() for psf in self._both)
        if len(first) == len(second) == 1:
            return ((1.0, self),)
        return tuple((v * w, composed(a, b)) for v, a in first for w, b in second)

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


def composed(first: PSF, second: PSF) -> PSF:
    """Convolve two PSFs; the identity leaves the other as it is."""
    if first.is_delta:
        return second
    if second.is_delta:
        return first
    return ComposedPSF(first, second)

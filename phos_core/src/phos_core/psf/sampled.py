"""PSFs known by their samples alone."""

import hashlib
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import numbers_in
from phos_core.psf.base import PSF
from phos_core.psf.sums import (
    Edges,
    FloatArray,
    common_sign,
    cosines,
    even_sums,
    phasors,
    sums_between,
)

__all__ = ["SampledPSF", "psf_of_samples"]

EVEN_TOLERANCE = 1e-12  # of the largest sample: smaller asymmetries are rounding


class SampledPSF(PSF):
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
        return common_sign((float(self._samples.min()), float(self._samples.max())))

    def _block_sums(self, rows: Edges, cols: Edges) -> FloatArray:
        ry, rx = self.radius
        return sums_between(sums_between(self._samples, rows + ry).T, cols + rx).T

    def scaled(self, exponent: int) -> PSF:
        """The PSF times a power of two."""
        return SampledPSF(np.ldexp(self._samples, exponent))

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
            even = self._samples[ry:, rx:] @ cosines(fx, rx).T
            return lambda fy: even_sums(fy, even)
        columns = self._samples @ phasors(fx, rx).T
        return lambda fy: np.asarray(phasors(fy, ry) @ columns)

    def transposed(self) -> PSF:
        turned = SampledPSF(self._samples.T)
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


def psf_of_samples(name: str, array: npt.ArrayLike) -> PSF:
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
    return SampledPSF(samples)

"""A PSF that is known on a grid coarser than the pixels."""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.psf import PSF

__all__ = ["stretched"]


def stretched(coarse: PSF, step: int) -> PSF:
    """Take the samples of a PSF to lie some pixels apart, and interpolate between them.

    Parameters
    ----------
    coarse : PSF
        Its samples lie `step` pixels apart.
    step : int
        In rows and columns; 1 gives `coarse` itself.

    Returns
    -------
    PSF
        Of the same sum, piecewise linear along rows and along columns. What it takes in memory
        and work is what `coarse` takes, however wide it is in pixels.

    Raises
    ------
    ValueError
        If the step is less than 1.
    """
    if step < 1:
        raise ValueError(f"step must be 1 pixel or more, got {step}")
    return coarse if step == 1 else _StretchedPSF(coarse, step)


class _StretchedPSF(PSF):
    """Coarse samples, spread by triangles that reach from each to its neighbours."""

    def __init__(self, coarse: PSF, step: int) -> None:
        self._coarse, self._step = coarse, step

    @property
    def radius(self) -> tuple[int, int]:
        ry, rx = self._coarse.radius
        return self._step * (ry + 1) - 1, self._step * (rx + 1) - 1

    @property
    def is_even(self) -> bool:
        return self._coarse.is_even

    def transfer_of_rows(self, fx: npt.ArrayLike) -> Callable[[npt.ArrayLike], npt.NDArray[Any]]:
        cols = np.asarray(fx, dtype=np.float64)
        coarse, along = self._coarse.transfer_of_rows(self._step * cols), self._triangle(cols)

        def rows(fy: npt.ArrayLike) -> npt.NDArray[Any]:
            at = np.asarray(fy, dtype=np.float64)
            return coarse(self._step * at) * np.outer(self._triangle(at), along)

        return rows

    def transposed(self) -> PSF:
        return _StretchedPSF(self._coarse.transposed(), self._step)

    @property
    def total(self) -> float:
        return self._coarse.total

    @property
    def _sign(self) -> int:
        return self._coarse._sign

    def _block_sums(self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]) -> None:
        return None

    def _most_l1(self) -> float:
        return self._coarse.l1  # triangles are not negative

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self._coarse, self._step

    @property
    def _key(self) -> Hashable:
        return "stretched", self._coarse, self._step

    def _make_samples(self) -> npt.NDArray[np.float64]:
        coarse = self._coarse.samples()
        (ry, rx), (rows, cols) = self.radius, coarse.shape
        return np.asarray(self._spread(rows, ry) @ coarse @ self._spread(cols, rx).T)

    def _triangle(self, f: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Transfer function of the triangle's taps along one axis."""
        taps = 1.0 - np.abs(np.arange(1 - self._step, self._step)) / self._step
        positions = np.arange(1, self._step)
        waves = np.cos(2.0 * np.pi * np.multiply.outer(f, positions))
        return np.asarray((1.0 + 2.0 * waves @ taps[self._step :]) / self._step)

    def _spread(self, count: int, radius: int) -> npt.NDArray[np.float64]:
        """Matrix from coarse samples of an axis to its pixels."""
        pixels = np.arange(-radius, radius + 1)[:, None]
        samples = self._step * (np.arange(count) - count // 2)
        nearness = np.maximum(1.0 - np.abs(pixels - samples) / self._step, 0.0)
        return np.asarray(nearness / self._step)

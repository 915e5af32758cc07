"""Baking a neutral ramp: a stock's wedge, and what brings a layer's densities to those wanted."""

import math

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_srgb
from phos_core.effects.development import Development
from phos_core.stocks.baking.light import LOG10_2
from phos_core.stocks.fitting import nonnegative_least_squares, read

__all__ = ["even_ramp", "fit_balance"]

Floats = NDArray[np.float64]

BALANCE_DEGREE = 7
BALANCE_MARGIN = 0.1  # of density: what grain may add
LEAST_SLOPE = 0.05
EXACTLY = 1e3


def even_ramp(developed: Development, mid: float) -> tuple[Floats, int]:
    """Densities (n, layers) of a wedge from base to greatest density, and which is mid-grey."""
    middle = developed.curves[len(developed.curves) // 2]
    x = mid + np.linspace(-10.0, 20.0, 3001) * LOG10_2
    density = read(middle, x)
    rising = np.argsort(density)
    at_mid = float(read(middle, mid))
    steps = np.sort(np.append(np.linspace(density.min(), density.max(), 150), at_mid))
    wedge = np.interp(steps, density[rising], x[rising])
    grey = int(np.searchsorted(steps, at_mid))
    wedge[grey] = mid
    ramp = np.array([read(curve, wedge) for curve in developed.curves]).T
    return np.vstack([developed.d_min, ramp[1:-1], developed.d_max]), grey


def fit_balance(density: Floats, wanted: Floats, light: Floats, mid: int) -> tuple[float, ...]:
    """Fit what brings a layer's densities along a ramp to those wanted, rising throughout.

    Parameters
    ----------
    density, wanted : ndarray, shape (n,)
        The layer's densities from its base on, and what they are to become.
    light : ndarray, shape (n,)
        What each step is seen as: a step counts as much as its code changes with density.
    mid : int
        Which step is mid-grey. It is met exactly, and so is the first, the base.

    Returns
    -------
    tuple of float
        Polynomial, lowest order first; it rises from a little below the base to a little above
        the greatest density.
    """
    low, high = density[0] - BALANCE_MARGIN, density[-1] + BALANCE_MARGIN
    counts = np.abs(np.gradient(encode_srgb(np.clip(light, 0.0, 1.0)), wanted))
    counts = counts / counts.max() + 0.05
    counts[[0, mid]] = EXACTLY
    least = LEAST_SLOPE * (high - low) / BALANCE_DEGREE
    rises = rising_polynomials(BALANCE_DEGREE)
    powers = np.vander((density - low) / (high - low), BALANCE_DEGREE + 1, increasing=True)
    rows = powers @ rises.T
    start = wanted[0] - 1.0  # below where it can begin
    target = wanted - start - least * rows[:, 1:].sum(axis=1)
    steps = nonnegative_least_squares(rows * counts[:, np.newaxis], target * counts)
    steps[0] += start
    steps[1:] += least
    balance = np.polynomial.Polynomial(steps @ rises, domain=[low, high], window=[0.0, 1.0])
    return tuple(balance.convert().coef.tolist())


def rising_polynomials(degree: int) -> Floats:
    """Powers of t (rows) of polynomials that rise from 0 to 1 over t = 0 to 1, one after another.

    Sums of Bernstein's polynomials: no sum of them with factors that are not negative falls.
    The first is the constant 1.
    """
    bernstein = np.zeros((degree + 1, degree + 1))
    for i in range(degree + 1):
        for k in range(i, degree + 1):
            bernstein[i, k] = math.comb(degree, k) * math.comb(k, i) * (-1.0) ** (k - i)
    rises: Floats = np.cumsum(bernstein[::-1], axis=0)[::-1]
    return rises

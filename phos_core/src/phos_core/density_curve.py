"""A smooth curve against log10 exposure, in a closed form that every array library has."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from phos_core.arrays import Array, array_namespace, per_layer

__all__ = ["Curve", "evaluate", "polynomial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A smooth curve against log10 exposure that levels off at both ends.

    Parameters
    ----------
    centre : float
        log10 exposure in the middle of the curve.
    width : float
        log10 exposure over which the argument of the polynomial goes from 0 to tanh(1).
    coefficients : tuple of float
        Polynomial in t = tanh((x - centre) / width), lowest order first.

    Notes
    -----
    y(x) = sum_k c_k t^k. Since t stays between -1 and 1, y is bounded however bright the light.
    """

    centre: float
    width: float
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise ValueError(f"width must be positive, got {self.width}")
        if len(self.coefficients) < 2:
            raise ValueError(f"coefficients must be at least two, got {self.coefficients}")


def evaluate(curves: Sequence[Curve], log10_exposure: Array) -> Array:
    """Read curves, one per layer.

    Parameters
    ----------
    curves : sequence of Curve
        One per layer, or one for all.
    log10_exposure : array, shape (layers, rows, cols)
        log10 of the exposure in lx s.

    Returns
    -------
    array, shape (layers, rows, cols)
        The curves' values.
    """
    xp = array_namespace(log10_exposure)
    scale = per_layer(
        [[1.0 / c.width for c in curves], [c.centre / c.width for c in curves]], log10_exposure
    )
    t = xp.tanh(log10_exposure * scale[0, ...] - scale[1, ...])
    return polynomial(t, [curve.coefficients for curve in curves])


def polynomial(x: Array, rows: Sequence[Sequence[float]]) -> Array:
    """Evaluate polynomials, one per layer.

    Parameters
    ----------
    x : array, shape (layers, rows, cols)
        The argument.
    rows : sequence of sequence of float
        Coefficients, lowest order first; one row per layer, or one for all.

    Returns
    -------
    array, shape (layers, rows, cols)
        The values, by Horner's rule.
    """
    coefficients = per_layer(list(zip_longest(*rows, fillvalue=0.0)), x)
    highest = coefficients.shape[0] - 1
    value = x * (coefficients[highest, ...] if highest else 0.0)
    for order in range(highest - 1, 0, -1):
        value += coefficients[order, ...]
        value *= x
    value += coefficients[0, ...]
    return value

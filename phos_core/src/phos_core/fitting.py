"""Fitting: least squares into the closed forms that the steps use. NumPy, float64."""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phos_core.curve import Curve

__all__ = [
    "at_end",
    "extended",
    "fit_curve",
    "fit_polynomial",
    "fit_weights",
    "nonnegative_least_squares",
    "read",
    "solve",
]

Floats = NDArray[np.float64]

SHOULDER_DECADES = 0.5  # our choice: beyond the drawn curve its slope dies away over this much
WIDTHS = (0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.4, 1.6)  # decades, tried in turn
SHIFTS = (-0.3, 0.0)  # decades


def extended(points: Floats) -> tuple[Floats, Floats]:
    """A drawn curve with both ends running out smoothly over `SHOULDER_DECADES`."""
    x, y = points.T
    beyond = np.linspace(0.05, 3.0, 60)
    run_out = SHOULDER_DECADES * (1.0 - np.exp(-beyond / SHOULDER_DECADES))
    toe = (y[2] - y[0]) / (x[2] - x[0])
    shoulder = (y[-1] - y[-3]) / (x[-1] - x[-3])
    return (
        np.concatenate([(x[0] - beyond)[::-1], x, x[-1] + beyond]),
        np.concatenate([(y[0] - toe * run_out)[::-1], y, y[-1] + shoulder * run_out]),
    )


def fit_curve(x: Floats, y: Floats, *, degree: int = 11) -> Curve:
    """Fit a monotone `Curve` to points; of several centres and widths the closest is kept."""
    grid = np.linspace(x[0], x[-1], 300)
    values = np.interp(grid, x, y)
    fits = []
    for width, shift in product(WIDTHS, SHIFTS):
        centre = (x[0] + x[-1]) / 2 + shift
        t = np.tanh((grid - centre) / width)
        coefficients = fit_monotone(t, values, degree)
        error = np.abs(np.polynomial.polynomial.polyval(t, coefficients) - values).max()
        fits.append((error, centre, width, coefficients))
    _, centre, width, coefficients = min(fits, key=lambda fit: fit[0])
    return Curve(centre=float(centre), width=width, coefficients=tuple(coefficients.tolist()))


def fit_monotone(t: Floats, values: Floats, degree: int) -> Floats:
    """Least-squares polynomial on [-1, 1] whose slope never changes sign."""
    sign = np.sign(values[-1] - values[0])
    powers = np.vander(t, degree + 1, increasing=True)
    check = np.cos(np.linspace(0.0, np.pi, 241))
    slopes = np.zeros((len(check), degree + 1))
    slopes[:, 1:] = np.arange(1, degree + 1) * np.vander(check, degree, increasing=True)
    held = np.zeros(len(check), dtype=bool)
    weight = 100.0
    for _ in range(40):
        rows = np.vstack([powers, weight * slopes[held]])
        target = np.append(values, np.full(int(held.sum()), weight * sign * 2e-3))
        coefficients: Floats = np.linalg.lstsq(rows, target, rcond=None)[0]
        falling = sign * (slopes @ coefficients) < 0.0
        if not falling.any():
            break
        if (held >= falling).all():
            weight *= 10.0
        held |= falling
    return coefficients


def fit_polynomial(
    x: Floats, y: Floats, *, through: tuple[int, int], degree: int = 5
) -> tuple[float, ...]:
    """Least-squares polynomial that passes exactly through two of the points."""
    (a, b), (at_a, at_b) = x[list(through)], y[list(through)]
    line = np.polynomial.Polynomial([at_a, (at_b - at_a) / (b - a)])(
        np.polynomial.Polynomial([-a, 1.0])
    )
    both = np.polynomial.Polynomial.fromroots([a, b])
    powers = np.vander(x, degree - 1, increasing=True) * both(x)[:, np.newaxis]
    rest = np.linalg.lstsq(powers, y - line(x), rcond=None)[0]
    return tuple((line + both * np.polynomial.Polynomial(rest)).coef.tolist())


def fit_weights(transmittance: Floats, light: Floats) -> Floats:
    """Weights (receivers, wavelengths) that best give light (n, receivers), relatively.

    Parameters
    ----------
    transmittance : ndarray, shape (n, wavelengths)
        What the samples let through.
    light : ndarray, shape (n, receivers)
        What the receivers get of it, positive, 1 at white.
    """
    weights = []
    for received in light.T:
        # Errors count relative to the light; below a hundredth of white the eye is forgiving.
        importance = 1.0 / (received + 0.01)
        rows = transmittance * importance[:, None]
        weights.append(np.linalg.lstsq(rows, received * importance, rcond=None)[0])
    return np.array(weights)


def solve(function: Callable[[Floats], Floats], start: Floats, target: Floats) -> Floats:
    """Solve function(x) = target, both positive and of shape (3,), by Newton's method on logs."""
    x = start.astype(float)
    for _ in range(60):
        miss = np.log10(function(x) / target)
        if np.abs(miss).max() < 1e-9:
            break
        steps = np.eye(3) * 1e-4
        slope = np.array([np.log10(function(x + s) / function(x - s)) / 2e-4 for s in steps]).T
        x = x - np.clip(np.linalg.solve(slope, miss), -0.2, 0.2)
    return x


def nonnegative_least_squares(rows: Floats, target: Floats) -> Floats:
    """Minimise |rows x - target| over x >= 0 by Lawson and Hanson's active sets."""
    free = np.zeros(rows.shape[1], dtype=bool)
    x = np.zeros(rows.shape[1])
    scale = np.abs(rows).max() * np.abs(target).max()
    for _ in range(5 * rows.shape[1]):
        gradient = rows.T @ (target - rows @ x)
        gradient[free] = -np.inf
        if gradient.max() <= 1e-12 * scale:
            break
        free[int(gradient.argmax())] = True
        while True:
            trial = np.zeros_like(x)
            trial[free] = np.linalg.lstsq(rows[:, free], target, rcond=None)[0]
            if (trial[free] > 0).all():
                x = trial
                break
            blocked = free & (trial <= 0)
            step = (x[blocked] / (x[blocked] - trial[blocked])).min()
            x = x + step * (trial - x)
            free &= x > 1e-12
    return x


def read(curve: Curve, x: Floats | float) -> Floats:
    """A `Curve`'s value in float64."""
    t = np.tanh((np.asarray(x, dtype=float) - curve.centre) / curve.width)
    value: Floats = np.polynomial.polynomial.polyval(t, np.array(curve.coefficients))
    return value


def at_end(curve: Curve, t: float) -> float:
    """A `Curve`'s limit towards no light (t = -1) or all light (t = 1)."""
    return float(np.polynomial.polynomial.polyval(t, np.array(curve.coefficients)))

"""Fitting: least squares into the closed forms that the steps use. NumPy, float64."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phos_core.density_curve import Curve
from phos_core.once import once

__all__ = [
    "at_end",
    "extended",
    "fit_drawn_curves",
    "fit_monotone",
    "fit_relative",
    "fit_weights",
    "interpolated",
    "nonnegative_least_squares",
    "read",
    "solve",
]

Floats = NDArray[np.float64]

SHOULDER_DECADES = 0.5  # our choice: beyond the drawn curve its slope dies away over this much
CLEAR_FALL = 0.04  # our choice: of density, from the thinnest drawn to the clear base
WIDTHS = (0.8, 1.0, 0.7, 1.2, 0.6, 1.4, 0.5, 1.6, 0.4, 0.3)  # decades, the likeliest first
SHIFTS = (-0.6, -0.3, 0.0, 0.3, 0.6)  # decades
PROMISING = 3  # of the centres and widths tried, so many are worked out
ROUNDS = 6  # of weighing the worst points more
TINY = 1e-12  # a miss so small is none
# How much a miss counts: at a drawn point, between drawn points, beyond them.
COUNTS = (1.0, 0.6, 0.4)
GOOD_ENOUGH = 0.012  # of density: a smaller miss is no reason for a less even fit
SLOPE_DECADES = 0.12  # to either side, over which a drawn curve's slope is taken


def extended(points: Floats) -> tuple[Floats, Floats]:
    """A drawn curve with both ends running out smoothly over `SHOULDER_DECADES`.

    Towards the clear base it falls by `CLEAR_FALL` at most, and over less.
    """
    x, y = points.T
    toe = (y[2] - y[0]) / (x[2] - x[0])
    shoulder = (y[-1] - y[-3]) / (x[-1] - x[-3])
    is_rising = y[0] < y[-1]
    clear = abs(toe if is_rising else shoulder)
    short = min(SHOULDER_DECADES, CLEAR_FALL / max(clear, TINY))
    over = (short, SHOULDER_DECADES) if is_rising else (SHOULDER_DECADES, short)
    beyond = np.linspace(0.05, 3.0, 60)
    before, after = (
        slope * decades * (1.0 - np.exp(-beyond / decades))
        for slope, decades in zip((toe, shoulder), over, strict=True)
    )
    return (
        np.concatenate([(x[0] - beyond)[::-1], x, x[-1] + beyond]),
        np.concatenate([(y[0] - before)[::-1], y, y[-1] + after]),
    )


def interpolated(x: Floats, y: Floats, at: Floats) -> Floats:
    """Join points smoothly by cubics that overshoot nowhere (Fritsch and Butland's slopes)."""
    step = np.diff(x)
    chord = np.diff(y) / step
    before, after = chord[:-1], chord[1:]
    near, far = step[:-1] + 2.0 * step[1:], 2.0 * step[:-1] + step[1:]
    turning = before * after <= 0.0
    weighed = np.where(turning, 1.0, near * after + far * before)
    inner = np.where(turning, 0.0, (near + far) * before * after / weighed)
    slope = np.concatenate([chord[:1], inner, chord[-1:]])
    i = np.clip(np.searchsorted(x, at) - 1, 0, len(step) - 1)
    t = (at - x[i]) / step[i]
    value: Floats = (
        (1.0 + 2.0 * t) * (1.0 - t) ** 2 * y[i]
        + t**2 * (3.0 - 2.0 * t) * y[i + 1]
        + t * (1.0 - t) * ((1.0 - t) * slope[i] - t * slope[i + 1]) * step[i]
    )
    return value


def fit_drawn_curves(
    layers: Sequence[Floats], *, degree: int = 13, evenness: float = 0.0
) -> tuple[Curve, ...]:
    """Fit monotone `Curve`s of one centre and width to the drawn curves of a stock's layers.

    Least squares over centres and widths; where they come closest, points that are missed are
    weighed more and it is done again (Lawson's algorithm). One centre and width, so that the
    layers' small misses resemble each other and greys stay neutral.

    Parameters
    ----------
    layers : sequence of ndarray, shape (n, 2)
        Drawn curves; between its points each is taken to be smooth, beyond them `extended`.
    degree : int
        Of the polynomials.
    evenness : float
        A slope missed by all of it counts as a density missed by this: where a negative's curve
        is straight, its contrast shall not go up and down.
    """
    drawn = tuple(np.asarray(points, dtype=np.float64).tobytes() for points in layers)
    return _fitted_to_drawn(drawn, degree, evenness)


# A film's curves are the same on every paper, and a paper's the same under every film and filter.
@once(maxsize=64)
def _fitted_to_drawn(drawn: tuple[bytes, ...], degree: int, evenness: float) -> tuple[Curve, ...]:
    """Fit curves to layers, each the bytes of its (n, 2) points, which can be hashed."""
    layers = [np.frombuffer(points).reshape(-1, 2) for points in drawn]
    targets = [_Target(points, evenness) for points in layers]
    middle = float(np.mean([target.middle for target in targets]))
    best: list[tuple[float, float, float]] = []
    for width, shift in product(WIDTHS, SHIFTS):
        centre = middle + shift
        bound = best[-1][0] if len(best) == PROMISING else np.inf
        score = 0.0
        for target in targets:  # as far as it may still be one of the best
            score = max(score, target.fit(centre, width, degree, rounds=0)[0])
            if score > bound:
                break
        else:
            best = sorted([*best, (score, centre, width)])[:PROMISING]
    worked_out = []
    for _, centre, width in best:
        fits = [target.fit(centre, width, degree, rounds=ROUNDS) for target in targets]
        worked_out.append((max(score for score, _ in fits), [curve for _, curve in fits]))
    return tuple(min(worked_out, key=lambda pair: pair[0])[1])


class _Target:
    """A drawn curve as closely spaced points, and how much a miss at each counts."""

    def __init__(self, points: Floats, evenness: float) -> None:
        wide_x, wide_y = extended(points)
        grid = np.linspace(wide_x[0], wide_x[-1], 240)
        x = np.concatenate([points[:, 0], grid])
        y = np.concatenate([points[:, 1], interpolated(wide_x, wide_y, grid)])
        inside = (x >= points[0, 0]) & (x <= points[-1, 0])
        drawn = np.arange(len(x)) < len(points)
        self.x, self.y = x, y
        self.slope_x = grid[(grid >= points[0, 0]) & (grid <= points[-1, 0])]
        ahead, behind = (
            interpolated(wide_x, wide_y, self.slope_x + step)
            for step in (SLOPE_DECADES, -SLOPE_DECADES)
        )
        self.slope = (ahead - behind) / (2.0 * SLOPE_DECADES)
        self.slope_counts = evenness / np.abs(self.slope).max()
        self.counts = np.where(drawn, COUNTS[0], np.where(inside, COUNTS[1], COUNTS[2]))
        self.middle = (wide_x[0] + wide_x[-1]) / 2

    def fit(self, centre: float, width: float, degree: int, rounds: int) -> tuple[float, Curve]:
        """Give the best curve of a centre and width, and how bad it is."""
        t = np.tanh((self.x - centre) / width)
        slope_t = np.tanh((self.slope_x - centre) / width)
        # A contrast that goes up and down along a straight line is seen before a miss of density.
        per_decade = self.slope_counts * (1.0 - slope_t**2)[:, np.newaxis] / width
        slopes = per_decade * _slopes(slope_t, degree), self.slope_counts * self.slope
        weights = self.counts
        trials = []
        for _ in range(rounds + 1):
            coefficients = fit_monotone(t, self.y, degree, weights, besides=slopes)
            curve = Curve(centre=centre, width=width, coefficients=tuple(coefficients.tolist()))
            miss = self.counts * np.abs(read(curve, self.x) - self.y)
            uneven = np.sqrt(np.mean((slopes[0] @ coefficients - slopes[1]) ** 2))
            score = float(max(miss.max() - GOOD_ENOUGH, 0.0) + np.sqrt(np.mean(miss**2)) + uneven)
            trials.append((score, curve))
            weights = weights * np.sqrt(0.3 + 1.5 * miss / max(float(miss.max()), TINY))
        return min(trials, key=lambda trial: trial[0])


def fit_monotone(
    t: Floats,
    values: Floats,
    degree: int,
    weights: Floats | float = 1.0,
    besides: tuple[Floats, Floats] | None = None,
) -> Floats:
    """Weighted least-squares polynomial on [-1, 1] whose slope never changes sign.

    `besides` are more rows of coefficients, and what they should give.
    """
    sign = np.sign(values[-1] - values[0])
    weighed = np.broadcast_to(weights, values.shape)
    powers = np.vander(t, degree + 1, increasing=True) * weighed[:, np.newaxis]
    wanted = values * weighed
    if besides is not None:
        powers, wanted = np.vstack([powers, besides[0]]), np.append(wanted, besides[1])
    slopes = _checked_slopes(degree)
    held = np.zeros(len(slopes), dtype=bool)
    weight = 100.0
    for _ in range(40):
        rows = np.vstack([powers, weight * slopes[held]])
        target = np.append(wanted, np.full(int(held.sum()), weight * sign * 2e-3))
        coefficients: Floats = np.linalg.lstsq(rows, target, rcond=None)[0]
        falling = sign * (slopes @ coefficients) < 0.0
        if not falling.any():
            break
        if (held >= falling).all():
            weight *= 10.0
        held |= falling
    return coefficients


@cache
def _checked_slopes(degree: int) -> Floats:
    """Slopes of the powers up to a degree, at points throughout [-1, 1]."""
    return _slopes(np.cos(np.linspace(0.0, np.pi, 241)), degree)


def _slopes(at: Floats, degree: int) -> Floats:
    """Slopes of the powers up to a degree."""
    slopes = np.zeros((len(at), degree + 1))
    slopes[:, 1:] = np.arange(1, degree + 1) * np.vander(at, degree, increasing=True)
    return slopes


def fit_relative(basis: Floats, target: Floats, *, rounds: int = 12) -> Floats:
    """Weights of a basis (n, terms) that miss a positive target least, relatively, at worst."""
    weights = 1.0 / target
    trials: list[tuple[float, Floats]] = []
    for _ in range(rounds):
        rows = basis * weights[:, np.newaxis]
        fitted = np.asarray(np.linalg.lstsq(rows, target * weights, rcond=None)[0], dtype=float)
        miss: Floats = np.abs(basis @ fitted / target - 1.0)
        trials.append((float(miss.max()), fitted))
        weights = weights * np.sqrt(0.3 + 1.5 * miss / max(miss.max(), TINY))
    return min(trials, key=lambda trial: trial[0])[1]


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
        if gradient.max() <= max(1e-12 * scale, np.finfo(float).tiny):
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

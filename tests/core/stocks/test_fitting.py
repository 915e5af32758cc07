"""Laws of fitting."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize

from phos_core.density_curve import Curve, evaluate
from phos_core.stocks import fitting
from phos_core.stocks.fitting import (
    at_end,
    extended,
    fit_drawn_curves,
    fit_monotone,
    fit_relative,
    fit_weights,
    interpolated,
    nonnegative_least_squares,
    read,
    solve,
)
from phos_core.stocks.loading import load_film

signs = st.sampled_from([-1.0, 1.0])
quarters = st.integers(-8, 8).map(lambda count: count / 4.0)


def s_curve(x: np.ndarray, steepness: float, centre: float) -> np.ndarray:
    """Density from 0.2 to 3.2 with a flat toe and a flat shoulder."""
    return 0.2 + 3.0 / (1.0 + np.exp(-steepness * (x - centre)))


def polynomial_slope(coefficients: np.ndarray) -> np.ndarray:
    derivative = np.polynomial.polynomial.polyder(coefficients)
    return np.polynomial.polynomial.polyval(np.linspace(-1.0, 1.0, 4001), derivative)


# Non-negative least squares.


@settings(max_examples=200)
@given(
    rows=arrays(np.float64, (6, 4), elements=quarters),
    target=arrays(np.float64, 6, elements=quarters),
)
def test_non_negative_least_squares_is_as_close_as_it_can_be(rows, target):
    x = nonnegative_least_squares(rows, target)

    _, least = optimize.nnls(rows, target)
    assert (x >= 0.0).all()
    assert np.linalg.norm(rows @ x - target) <= least + 1e-7


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), columns=st.integers(1, 7))
def test_non_negative_least_squares_finds_the_only_solution(seed, columns):
    generator = np.random.default_rng(seed)
    rows, target = generator.normal(size=(12, columns)), generator.normal(size=12)

    expected, _ = optimize.nnls(rows, target)

    np.testing.assert_allclose(nonnegative_least_squares(rows, target), expected, atol=1e-7)


@settings(max_examples=100)
@given(target=arrays(np.float64, 12, elements=st.floats(0.0, 1.2)))
@example(target=np.array([5e-324] + 11 * [0.0]))
def test_non_negative_least_squares_parts_gaussians_that_resemble_each_other(target):
    """As scatter is fitted: a mixture's weights from its response, whatever the sheet draws."""
    frequency_per_um = np.geomspace(0.002, 0.08, 12)
    sigmas_um = np.array([1.0, 2.0, 3.0, 4.5, 6.5, 9.5, 14.0])
    rows = np.exp(-2.0 * (np.pi * np.outer(frequency_per_um, sigmas_um)) ** 2)

    x = nonnegative_least_squares(rows, target)

    _, least = optimize.nnls(rows, target)
    assert (x >= 0.0).all()
    assert np.linalg.norm(rows @ x - target) <= least + 1e-6


# Curves.


@settings(max_examples=60)
@given(steepness=st.floats(2.0, 5.0), centre=st.floats(-0.7, 0.7), sign=signs)
def test_monotone_fit_never_turns_back(steepness, centre, sign):
    """Up to twice as steep as the steepest stock is over the width of its curve."""
    x = np.linspace(-2.0, 2.0, 200)

    coefficients = fit_monotone(np.tanh(x), sign * s_curve(x, steepness, centre), degree=11)

    assert (sign * polynomial_slope(coefficients) >= 0.0).all()


def test_monotone_fit_holds_where_a_free_one_would_turn_back():
    x = np.linspace(-2.0, 2.0, 200)
    t, values = np.tanh(x), s_curve(x, 6.0, 0.0)

    free = np.polynomial.polynomial.polyfit(t, values, 11)

    assert polynomial_slope(free).min() < -0.1
    assert polynomial_slope(fit_monotone(t, values, degree=11)).min() >= 0.0


@settings(max_examples=30)
@given(coefficients=st.lists(st.floats(0.0, 2.0), min_size=3, max_size=3), sign=signs)
def test_monotone_fit_finds_a_polynomial_that_is_monotone(coefficients, sign):
    """Of odd orders and a steady slope: it rises everywhere."""
    one, three, five = coefficients
    expected = sign * np.array([0.4, 0.5 + one, 0.0, three, 0.0, five])
    t = np.linspace(-0.95, 0.95, 100)

    fitted = fit_monotone(t, np.polynomial.polynomial.polyval(t, expected), degree=5)

    np.testing.assert_allclose(fitted, expected, atol=1e-9)


def test_curve_is_extended_smoothly_by_half_a_decade_of_its_end_slopes():
    x = np.linspace(-3.0, 1.0, 21)
    points = np.stack([x, 0.2 + 0.01 * (x + 3.0) + 0.1 * (x + 3.0) ** 2], axis=1)

    wide_x, wide_y = extended(points)

    assert (np.diff(wide_x) > 0.0).all()
    assert (np.diff(wide_y) > 0.0).all()
    np.testing.assert_array_equal(wide_y[60:-60], points[:, 1])
    toe, shoulder = 0.01 + 0.1 * 0.4, 0.01 + 0.1 * (4.0 + 3.6)
    assert points[0, 1] - wide_y[0] == pytest.approx(0.5 * toe, rel=0.01)
    assert wide_y[-1] - points[-1, 1] == pytest.approx(0.5 * shoulder, rel=0.01)
    assert (wide_y[-60] - points[-1, 1]) / 0.05 == pytest.approx(shoulder, rel=0.06)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_curve_that_is_drawn_not_quite_to_the_base_falls_little_more(sign):
    """By 0.04 of density, at the end's own slope at first: a toe, or a reversal's shoulder."""
    x = np.linspace(-1.0, 1.0, 21)
    points = np.stack([x, 1.5 + sign * x], axis=1)

    wide_x, wide_y = extended(points)

    assert wide_y.min() == pytest.approx(0.5 - 0.04, abs=1e-6)
    assert wide_y.max() == pytest.approx(2.5 + 0.5, rel=0.01)
    near = np.abs(wide_x + sign * 1.05).argmin()
    assert 0.5 - wide_y[near] == pytest.approx(0.04 * (1.0 - np.exp(-0.05 / 0.04)), rel=1e-6)


@settings(max_examples=50)
@given(
    steps=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=12),
    gaps=st.lists(st.floats(0.05, 1.0), min_size=12, max_size=12),
    sign=signs,
)
def test_points_are_joined_without_overshooting(steps, gaps, sign):
    x = np.cumsum(gaps[: len(steps)])
    y = sign * np.cumsum(steps)

    between = interpolated(x, y, np.linspace(x[0], x[-1], 400))

    np.testing.assert_allclose(interpolated(x, y, x), y, atol=1e-12)
    assert (sign * np.diff(between) >= -1e-12).all()


def test_points_of_a_smooth_curve_are_joined_as_it_runs():
    x = np.linspace(-2.0, 2.0, 17)
    fine = np.linspace(-2.0, 2.0, 300)

    smooth = np.abs(interpolated(x, s_curve(x, 2.0, 0.0), fine) - s_curve(fine, 2.0, 0.0)).max()
    straight = np.abs(np.interp(fine, x, s_curve(x, 2.0, 0.0)) - s_curve(fine, 2.0, 0.0)).max()

    assert smooth < 0.4 * straight


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("steepness", [1.0, 2.0, 4.0, 8.0])
def test_drawn_curve_is_met_at_its_points_and_never_turns_back(steepness, sign):
    x = np.linspace(-2.0, 1.5, 18)
    points = np.stack([x, 2.0 + sign * (s_curve(x, steepness, 0.0) - 1.7)], axis=1)

    (curve,) = fit_drawn_curves([points])

    np.testing.assert_allclose(read(curve, x), points[:, 1], atol=0.02)
    wide = read(curve, np.linspace(-12.0, 12.0, 4001))
    assert (sign * np.diff(wide) >= -1e-9).all()
    assert wide.min() > points[:, 1].min() - 0.08


def test_drawn_curves_of_layers_share_their_centre_and_width():
    x = np.linspace(-2.0, 1.5, 18)
    layers = [np.stack([x, s_curve(x, 2.5, centre)], axis=1) for centre in (-0.3, 0.1)]

    curves = fit_drawn_curves(layers)

    assert len({(curve.centre, curve.width) for curve in curves}) == 1
    for curve, points in zip(curves, layers, strict=True):
        np.testing.assert_allclose(read(curve, x), points[:, 1], atol=0.012)


def test_a_paper_s_curves_are_fitted_once_however_it_is_exposed(monkeypatch):
    load_film("portra-400", printing="endura-premier")
    monkeypatch.setattr(fitting, "fit_monotone", None)  # to call it is an error
    load_film("portra-400", printing="endura-premier", filters_cc=(3.0, 1.0, 0.0))


def test_relative_fit_misses_least_where_the_plain_one_misses_most():
    x = np.linspace(0.0, 1.0, 200)
    target = 0.002 + 0.03 * np.exp(-((x - 0.2) ** 2) / 0.01)
    basis = np.vander(x, 8, increasing=True)

    def greatest(weights: np.ndarray) -> float:
        return float(np.abs(basis @ weights / target - 1.0).max())

    fitted = fit_relative(basis, target)

    plain = np.linalg.lstsq(basis, target, rcond=None)[0]
    even = np.linalg.lstsq(basis / target[:, None], np.ones(200), rcond=None)[0]
    assert greatest(fitted) < 0.5 * greatest(plain)
    assert greatest(fitted) < 0.8 * greatest(even)


@settings(max_examples=30)
@given(coefficients=st.lists(st.floats(0.1, 2.0), min_size=4, max_size=4))
def test_relative_fit_finds_what_is_in_the_basis(coefficients):
    basis = np.vander(np.linspace(0.0, 1.0, 40), 4, increasing=True)

    fitted = fit_relative(basis, basis @ np.array(coefficients))

    np.testing.assert_allclose(fitted, coefficients, rtol=1e-6, atol=1e-7)


@settings(max_examples=30)
@given(
    coefficients=st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=12),
    x=st.floats(-9.0, 5.0),
)
def test_a_curve_reads_in_float64_as_the_effects_read_it(coefficients, x):
    curve = Curve(centre=-1.0, width=1.3, coefficients=tuple(coefficients))

    effects_value = evaluate((curve,), np.array([[[x]]]))[0, 0, 0]

    assert float(read(curve, x)) == pytest.approx(effects_value, abs=1e-9)
    for t, far in ((-1.0, -60.0), (1.0, 60.0)):
        assert at_end(curve, t) == pytest.approx(float(read(curve, far)), abs=1e-9)


# Weights, equations.


def test_weights_are_found_when_there_are_any(rng):
    transmittance = rng.uniform(0.0, 1.0, (200, 6))
    weights = rng.uniform(0.05, 0.5, (3, 6))

    fitted = fit_weights(transmittance, transmittance @ weights.T)

    np.testing.assert_allclose(fitted, weights, atol=1e-9)


def test_weights_count_an_error_relative_to_the_light(rng):
    """Half of the samples ask for one weight, the brighter half for another."""
    transmittance = np.array([[0.1], [1.0]])
    light = np.array([[0.12], [1.0]])

    fitted = fit_weights(transmittance, light)

    assert 1.06 < fitted[0, 0] < 1.2


@settings(max_examples=50)
@given(
    matrix=arrays(np.float64, (3, 3), elements=st.floats(-0.25, 0.25)),
    solution=arrays(np.float64, 3, elements=st.floats(-3.0, 3.0)),
)
def test_equations_are_solved(matrix, solution):
    mixing = np.eye(3) + matrix

    def exposed(x: np.ndarray) -> np.ndarray:
        return 10.0 ** (mixing @ x)

    found = solve(exposed, np.zeros(3), exposed(solution))

    np.testing.assert_allclose(np.log10(exposed(found)), mixing @ solution, atol=1e-9)

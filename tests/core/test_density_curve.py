"""Laws of the closed-form curve, and of the polynomials that it is made of."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.arrays import array_namespace
from phos_core.density_curve import Curve, evaluate, polynomial

RISING = Curve(centre=-1.5, width=1.2, coefficients=(1.4, 0.9, 0.1, 0.2))
FALLING = Curve(centre=-0.5, width=0.7, coefficients=(1.8, -1.6))

rows = st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=13)
curves = st.builds(
    Curve,
    centre=st.floats(-4.0, 2.0),
    width=st.floats(0.1, 3.0),
    coefficients=st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=13).map(tuple),
)


def read(curve: Curve, x: list[float]) -> np.ndarray:
    return evaluate((curve,), np.array(x).reshape(1, 1, -1)).ravel()


@settings(max_examples=100)
@given(coefficients=st.lists(rows, min_size=1, max_size=4), x=st.floats(-3.0, 3.0))
def test_each_layer_has_the_polynomial_of_its_own_row(coefficients, x):
    argument = x + 0.1 * np.arange(len(coefficients), dtype=float).reshape(-1, 1, 1)

    value = polynomial(argument, coefficients)

    expected = [
        sum(c * layer**k for k, c in enumerate(row))
        for row, layer in zip(coefficients, argument.ravel(), strict=True)
    ]
    np.testing.assert_allclose(value.ravel(), expected, rtol=1e-9, atol=1e-6)


@settings(max_examples=100)
@given(curve=curves, x=st.lists(st.floats(-12.0, 8.0), min_size=1, max_size=8))
def test_is_the_polynomial_in_a_tanh(curve, x):
    t = np.tanh((np.array(x) - curve.centre) / curve.width)
    expected = sum(c * t**k for k, c in enumerate(curve.coefficients))

    np.testing.assert_allclose(read(curve, x), expected, rtol=0, atol=1e-10)


@settings(max_examples=100)
@given(curve=curves, decades=st.floats(0.0, 300.0))
def test_levels_off_at_both_ends_however_little_or_much_light(curve, decades):
    coefficients = np.array(curve.coefficients)
    signs = (-1.0) ** np.arange(len(coefficients))
    far = 20.0 * curve.width + decades

    dark, bright = read(curve, [curve.centre - far, curve.centre + far])

    assert dark == pytest.approx((coefficients * signs).sum(), abs=1e-9)
    assert bright == pytest.approx(coefficients.sum(), abs=1e-9)


def test_has_its_first_coefficient_at_its_centre_and_its_slope_from_the_second():
    step = 1e-4
    below, middle, above = read(RISING, [-1.5 - step, -1.5, -1.5 + step])

    assert middle == pytest.approx(1.4, abs=1e-12)
    assert (above - below) / (2.0 * step) == pytest.approx(0.9 / 1.2, rel=1e-6)


def test_each_layer_is_read_from_its_own_curve_or_all_from_one(xp):
    x = xp.asarray([[[-1.5, 30.0]], [[-0.5, 30.0]]], dtype=xp.float32)

    own = np.asarray(evaluate((RISING, FALLING), x))
    shared = np.asarray(evaluate((FALLING,), x))

    np.testing.assert_allclose(own.ravel(), [1.4, 2.6, 1.8, 0.2], atol=1e-6)
    np.testing.assert_allclose(shared.ravel(), [*read(FALLING, [-1.5]), 0.2, 1.8, 0.2], atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_namespace_dtype_shape_and_its_argument(xp, dtype):
    x = np.linspace(-6.0, 3.0, 24, dtype=dtype).reshape(2, 3, 4)
    given_x = xp.asarray(x, copy=True)

    value = evaluate((RISING, FALLING), given_x)

    assert array_namespace(value) is array_namespace(given_x)
    assert value.dtype == given_x.dtype
    assert value.shape == (2, 3, 4)
    np.testing.assert_array_equal(np.asarray(given_x), x)
    expected = evaluate((RISING, FALLING), x.astype(np.float64))
    np.testing.assert_allclose(np.asarray(value), expected, atol=1e-6)


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_refuses_a_width_that_is_none(width):
    with pytest.raises(ValueError, match=f"width must be positive, got {width}"):
        dataclasses.replace(RISING, width=width)


@pytest.mark.parametrize("coefficients", [(), (0.3,)])
def test_refuses_a_curve_without_a_slope(coefficients):
    with pytest.raises(ValueError, match="coefficients must be at least two, got"):
        dataclasses.replace(RISING, coefficients=coefficients)

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phos_core.arrays import array_namespace
from phos_core.convolution.boundary import BOUNDARIES, period
from phos_core.convolution.methods import generic
from phos_core.convolution.methods.planner import make_plan, significant_radius
from phos_core.errors import UnsupportedOperationError
from phos_core.psf import combine, compose, delta, exponential, from_array, gaussian, mixture
from phos_core.testing import assert_agrees, images, psfs


def plan_of(shape, psf, *, boundary="symmetric", single=True, method="auto"):
    given = {"boundary": boundary, "single": single, "method": method}
    return make_plan("generic", generic.PREFERENCES, shape, psf, **given)


shared = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@shared
@given(data=st.data(), boundary=st.sampled_from(BOUNDARIES))
def test_the_chosen_method_agrees_with_the_reference(xp, data, boundary):
    psf = data.draw(psfs())
    image = np.array(data.draw(images(psf)), dtype=np.float32)
    found = generic.convolve(xp.asarray(image), psf, boundary)
    assert found.dtype == xp.float32
    assert_agrees(np.asarray(found), image, psf, boundary)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("method", ["direct", "separable", "transform"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (13, 8), (70, 33)])
def test_every_method_leads_to_the_same_place(xp, boundary, method, shape):
    image = np.random.default_rng(1).random((2, *shape)).astype(np.float32)
    psf = combine([(0.7, gaussian(0.4)), (0.2, gaussian(1.1))])
    found = generic.convolve(xp.asarray(image), psf, boundary, method=method)
    assert_agrees(np.asarray(found), image, psf, boundary)


@pytest.mark.proof
@pytest.mark.parametrize("shape", [(40, 60), (97, 41), (64, 64)])
@pytest.mark.parametrize(
    ("psf", "method"),
    [
        (gaussian(7.0), "frequencies"),
        (compose(exponential(2.0), gaussian(6.0)), "frequencies"),
        (mixture([(0.85, 1.7), (0.15, 9.0)]), "sum"),
        (compose(gaussian(0.6), combine([(0.9, delta()), (0.1, gaussian(8.0))])), "sum"),
    ],
)
def test_few_frequencies_are_enough_for_what_is_smooth(xp, psf, method, shape):
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    found = generic.convolve(xp.asarray(image), psf, method=method)
    assert_agrees(np.asarray(found), image, psf, "symmetric")


@pytest.mark.parametrize("taps", [(1, 3), (7, 1), (5, 5), (41, 67)])
def test_terms_that_are_not_symmetric_are_not_turned_round(xp, taps):
    rng = np.random.default_rng(1)
    image = rng.random((50, 37)).astype(np.float32)
    psf = from_array(np.outer(*(rng.random(n) for n in taps)))
    found = generic.convolve(xp.asarray(image), psf, "edge", method="separable")
    assert_agrees(np.asarray(found), image, psf, "edge")


@pytest.mark.parametrize(
    ("psf", "shape", "method"),
    [
        (delta(), (4, 4), "direct"),
        (from_array(np.ones((5, 5))), (4, 4), "direct"),
        (gaussian(1.2), (4, 4), "separable"),
        (gaussian(5.0), (4, 4), "transform"),
        (exponential(3.0), (4, 4), "transform"),
        (gaussian(12.0), (600, 600), "frequencies"),
        (gaussian(12.0), (400, 400), "transform"),
        (gaussian(9.0), (600, 600), "transform"),
        (mixture([(0.85, 1.7), (0.15, 17.0)]), (600, 600), "transform"),
    ],
)
def test_the_method_follows_the_psf_and_the_size(psf, shape, method):
    assert plan_of(shape, psf).method == method


@pytest.mark.parametrize(("boundary", "single"), [("mirror", True), ("symmetric", False)])
def test_few_frequencies_are_for_the_symmetric_border_in_single_precision(boundary, single):
    plan = plan_of((600, 600), gaussian(12.0), boundary=boundary, single=single)
    assert plan.method == "transform"
    with pytest.raises(UnsupportedOperationError, match="possible: separable, transform"):
        plan_of((9, 9), gaussian(12.0), boundary=boundary, single=single, method="frequencies")


def test_a_method_that_cannot_be_taken_is_refused_with_those_that_can():
    noise = from_array(np.random.default_rng(1).random((61, 61)))
    for method in ("direct", "separable", "frequencies", "sum"):
        with pytest.raises(UnsupportedOperationError, match=f"'{method}' .*; possible: transform$"):
            plan_of((90, 90), noise, method=method)


def test_transfer_functions_are_made_once_while_they_are_kept(xp, monkeypatch):
    made = []
    original = generic.transfer_table
    monkeypatch.setattr(
        generic, "transfer_table", lambda *given: made.append(given) or original(*given)
    )
    image, tables = xp.ones((40, 40), dtype=xp.float32), generic.Tables(10**6)
    for _ in range(3):
        generic.convolve(image, gaussian(7.0), method="frequencies", tables=tables)
    assert len(made) == 1
    tables.clear()
    generic.convolve(image, gaussian(7.0), method="frequencies", tables=tables)
    assert len(made) == 2


def test_each_layer_may_have_its_own_psf(xp):
    image = np.random.default_rng(2).random((3, 9, 11)).astype(np.float32)
    layers = [gaussian(1.0), exponential(2.0), from_array(np.ones((3, 5)))]
    found = generic.convolve(xp.asarray(image), layers, "wrap")
    assert_agrees(np.asarray(found), image, layers, "wrap")


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_precision_is_kept(xp, precision):
    dtype = getattr(xp, precision)
    image = xp.ones((2, 12, 9), dtype=dtype)
    for psf in (
        delta(),
        gaussian(1.0),
        exponential(2.0),
        from_array(np.arange(35.0).reshape(5, 7)),
    ):
        found = generic.convolve(image, psf)
        assert found.dtype == dtype
        assert array_namespace(found) is array_namespace(image)


def test_padding_reaches_any_distance_from_one_pixel(xp):
    image = xp.asarray([[2.0, 3.0]])
    found = generic.pad(generic.pad(image, -2, 4, 3, "mirror"), -1, 5, 1, "symmetric")
    assert found.shape == (8, 8)
    np.testing.assert_array_equal(np.asarray(found)[0], [2, 2, 3, 3, 2, 2, 3, 3])


@given(least=st.integers(1, 100_000))
def test_fast_lengths_are_even_smooth_and_near(least):
    length = generic.fast_even_length(least)
    assert length >= least
    assert length % 2 == 0
    assert length <= 2 * least + 2
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1


@given(size=st.integers(1, 400), radius=st.integers(0, 500), boundary=st.sampled_from(BOUNDARIES))
def test_circular_lengths_are_even_and_never_wrap_one_edge_into_the_other(size, radius, boundary):
    before, length = generic.circular_extent(size, radius, boundary, generic.fast_even_length)
    assert length % 2 == 0
    repeat = period(size, boundary)
    holds_the_reach = before >= radius and length - before - size >= radius
    assert holds_the_reach or (before == 0 and length % repeat == 0)


@given(sigma=st.floats(0.2, 8.0))
def test_the_faint_ends_that_may_be_dropped_are_lost_in_rounding(sigma):
    ((_, taps),) = gaussian(sigma).axes()
    radius, reach = len(taps) // 2, significant_radius(taps)
    assert taps[radius - reach : radius + reach + 1].sum() >= 1.0 - 1.01e-9
    assert reach <= 7 * sigma + 1
    one_less = taps[radius - reach + 1 : radius + reach]
    assert reach == 0 or one_less.sum() < 1.0 - 0.99e-9


def test_no_weight_at_all_needs_no_reach():
    assert significant_radius(np.zeros(5)) == 0

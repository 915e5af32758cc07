import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phos_core.arrays import array_namespace
from phos_core.convolution import algorithms
from phos_core.convolution.boundary import BOUNDARIES, period
from phos_core.psf import combine, delta, exponential, from_array, gaussian
from phos_core.testing import assert_agrees, images, psfs

shared = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@shared
@given(data=st.data(), boundary=st.sampled_from(BOUNDARIES))
def test_the_chosen_road_agrees_with_the_reference(xp, data, boundary):
    psf = data.draw(psfs())
    image = np.array(data.draw(images(psf)), dtype=np.float32)
    found = algorithms.convolve(xp.asarray(image), psf, boundary)
    assert found.dtype == xp.float32
    assert_agrees(np.asarray(found), image, psf, boundary)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("road", [algorithms.direct, algorithms.separable, algorithms.transform])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (13, 8)])
def test_every_road_leads_to_the_same_place(xp, boundary, road, shape):
    image = np.random.default_rng(1).random((2, *shape)).astype(np.float32)
    psf = combine([(0.7, gaussian(0.4)), (0.2, gaussian(1.1))])
    found = road(xp.asarray(image), psf, boundary)
    assert_agrees(np.asarray(found), image, psf, boundary)


@pytest.mark.parametrize(
    ("psf", "road"),
    [
        (delta(), algorithms.direct),
        (from_array(np.ones((5, 5))), algorithms.direct),
        (gaussian(1.2), algorithms.separable),
        (gaussian(5.0), algorithms.transform),
        (exponential(3.0), algorithms.transform),
    ],
)
def test_the_road_follows_the_number_of_taps(psf, road, monkeypatch):
    taken = []
    monkeypatch.setattr(
        algorithms, road.__name__, lambda *given: (taken.append(given), given[0])[1]
    )
    algorithms.convolve(np.ones((4, 4), np.float32), psf)
    assert len(taken) == 1


def test_each_layer_may_have_its_own_psf(xp):
    image = np.random.default_rng(2).random((3, 9, 11)).astype(np.float32)
    layers = [gaussian(1.0), exponential(2.0), from_array(np.ones((3, 5)))]
    found = algorithms.convolve(xp.asarray(image), layers, "wrap")
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
        found = algorithms.convolve(image, psf)
        assert found.dtype == dtype
        assert array_namespace(found) is array_namespace(image)


def test_padding_reaches_any_distance_from_one_pixel(xp):
    image = xp.asarray([[2.0, 3.0]])
    found = algorithms.pad(algorithms.pad(image, -2, 4, 3, "mirror"), -1, 5, 1, "symmetric")
    assert found.shape == (8, 8)
    np.testing.assert_array_equal(np.asarray(found)[0], [2, 2, 3, 3, 2, 2, 3, 3])


@given(least=st.integers(1, 100_000))
def test_fast_lengths_are_even_smooth_and_near(least):
    length = algorithms.fast_even_length(least)
    assert length >= least
    assert length % 2 == 0
    assert length <= 2 * least + 2
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1


@given(size=st.integers(1, 400), radius=st.integers(0, 500), boundary=st.sampled_from(BOUNDARIES))
def test_circular_lengths_are_even_and_never_wrap_one_edge_into_the_other(size, radius, boundary):
    before, length = algorithms.circular_extent(size, radius, boundary, algorithms.fast_even_length)
    assert length % 2 == 0
    repeat = period(size, boundary)
    holds_the_reach = before >= radius and length - before - size >= radius
    assert holds_the_reach or (before == 0 and length % repeat == 0)


@given(sigma=st.floats(0.2, 8.0))
def test_the_faint_ends_that_may_be_dropped_are_lost_in_rounding(sigma):
    ((_, taps),) = gaussian(sigma).axes()
    radius, reach = len(taps) // 2, algorithms.significant_radius(taps)
    assert taps[radius - reach : radius + reach + 1].sum() >= 1.0 - 1.01e-9
    assert reach <= 7 * sigma + 1
    one_less = taps[radius - reach + 1 : radius + reach]
    assert reach == 0 or one_less.sum() < 1.0 - 0.99e-9


def test_no_weight_at_all_needs_no_reach():
    assert algorithms.significant_radius(np.zeros(5)) == 0

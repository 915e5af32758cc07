from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.convolution.methods import planner
from phos_core.convolution.methods.planner import separable_terms, significant_radius, splits
from phos_core.convolution.methods.scipy_backend import COSTS, ScipyBackend
from phos_core.convolution.plans import check_method
from phos_core.psf import (
    combine,
    compose,
    delta,
    exponential,
    from_array,
    gaussian,
    mixture,
    pixel_mixture,
    radial,
)
from phos_core.testing import psfs


def thinning(psf):
    return planner.thinning(psf, planner.BAND_TOLERANCE * psf.total)


def total_of(terms, shape):
    """Samples that separable terms add up to, in a frame of a shape."""
    total = np.zeros(shape)
    for down, along in terms:
        ry, rx = len(down) // 2, len(along) // 2
        cy, cx = shape[0] // 2, shape[1] // 2
        total[cy - ry : cy + ry + 1, cx - rx : cx + rx + 1] += np.outer(down, along)
    return total


@settings(max_examples=60)
@given(psf=psfs(most_taps=900))
def test_separable_terms_add_up_to_the_psf(psf):
    terms = separable_terms(psf)
    if terms is None:
        return
    samples = psf.samples()
    assert np.abs(total_of(terms, samples.shape) - samples).sum() <= 2e-8 * psf.l1
    assert len({(len(down), len(along)) for down, along in terms}) == 1


def test_few_terms_are_enough_where_few_are_needed():
    rng = np.random.default_rng(1)
    outer = from_array(np.outer(rng.normal(size=9), rng.normal(size=5)))
    assert len(separable_terms(outer)) == 1
    assert len(separable_terms(pixel_mixture([(0.5, 0.2), (0.3, 0.5), (0.2, 0.8)]))) <= 3
    assert separable_terms(from_array(rng.random((21, 21)))) is None
    assert len(separable_terms(gaussian(100.0))) == 1
    assert separable_terms(exponential(40.0)) is None


@given(sigma=st.floats(0.2, 8.0))
def test_the_faint_ends_that_may_be_dropped_are_lost_in_rounding(sigma):
    ((down, along),) = separable_terms(gaussian(sigma))
    ((_, taps),) = gaussian(sigma).axes()
    radius, reach = len(taps) // 2, significant_radius(taps)
    assert len(down) == len(along) == 2 * reach + 1
    np.testing.assert_array_equal(along, taps[radius - reach : radius + reach + 1])


@pytest.mark.parametrize(
    "psf",
    [
        mixture([(0.85, 1.7), (0.15, 9.0)]),
        compose(
            pixel_mixture([(0.6, 0.3), (0.4, 0.9)]), combine([(0.9, delta()), (0.1, gaussian(7))])
        ),
        combine([(0.9, gaussian(0.7)), (0.1, compose(radial([5, 9], [1]), gaussian(5.0)))]),
    ],
)
def test_the_parts_of_a_split_add_up_to_the_psf(psf):
    (split,) = (split for split in splits(psf) if split.method == "sum")
    narrow = from_array(total_of(split.narrow, psf.samples().shape))
    whole = combine([(1.0, narrow), (1.0, split.smooth)])
    f = np.linspace(0, 0.5, 21)
    np.testing.assert_allclose(whole.transfer(f, f), psf.transfer(f, f), rtol=0, atol=1e-6)


@settings(max_examples=40)
@given(sigma=st.floats(4.0, 30.0), ring=st.floats(0.0, 40.0), seed=st.integers(0, 99))
def test_beyond_the_band_a_smooth_psf_leaves_nothing(sigma, ring, seed):
    psf = compose(radial([ring, ring + 3.0], [1.0]), gaussian(sigma))
    spacing = thinning(psf)
    assert spacing >= 0.39 * sigma or spacing == planner.WIDEST_SPACING
    rng = np.random.default_rng(seed)
    f = rng.uniform(0.0, 0.5, 60)
    beyond = np.maximum(f[:, None], f[None, :]) > planner.BAND_CYCLES / spacing
    assert np.abs(psf.transfer(f, f))[beyond].max(initial=0.0) <= 2 * planner.BAND_TOLERANCE


@pytest.mark.parametrize(
    "psf",
    [
        delta(),
        gaussian(0.5),
        exponential(30.0),
        mixture([(0.999, 30.0), (0.001, 0.4)]),
        combine([(1.0, gaussian(9.0)), (-1.0, gaussian(8.0))]),
        combine([(1.0, gaussian(9.0)), (0.01, from_array([[0, 0, 0], [0, 0, 1.0], [0, 0, 0]]))]),
    ],
    ids=["delta", "narrow", "exponential", "mixture with a narrow part", "no sum", "not even"],
)
def test_what_is_not_smooth_has_no_coarse_grid(psf):
    assert thinning(psf) < planner.LEAST_SPACING


def test_the_spacing_grows_with_the_narrowest_part_up_to_a_limit():
    spacing = [thinning(gaussian(s)) for s in (5.0, 10.0, 20.0, 60.0, 200.0)]
    np.testing.assert_allclose(spacing, [2.0, 4.0, 8.0, 16.0, 16.0], rtol=0.02)
    assert thinning(mixture([(0.5, 5.0), (0.5, 40.0)])) == pytest.approx(2.0, rel=0.05)


@settings(max_examples=30)
@given(
    sigmas=st.lists(st.floats(0.3, 60.0), min_size=1, max_size=3),
    rows=st.integers(1, 9000),
    cols=st.integers(1, 12000),
)
def test_auto_takes_the_quickest_of_the_methods_that_are_possible(sigmas, rows, cols):
    psf = mixture([(1.0, sigma) for sigma in sigmas])
    chosen = ScipyBackend().plan((rows, cols), psf)
    for method in ("separable", "multirate", "sum", "transform"):
        if method in chosen.reason:
            assert ScipyBackend().plan((rows, cols), psf, method=method).method == method
    costs = [float(part.split()[1]) for part in chosen.reason.split(": ")[1].split(", ")]
    assert costs == sorted(costs)
    assert chosen.reason.split(": ")[1].startswith(chosen.method)


def test_a_plan_says_in_a_few_lines_what_is_done():
    psf = mixture([(0.85, 1.7), (0.15, 17.0)])
    told = str(ScipyBackend().plan((2000, 3000), psf)).splitlines()
    assert told[0] == "scipy: 2000 x 3000 pixels, PSF of 273 x 273, border symmetric"
    assert told[1].startswith("method: sum, the quickest by nanoseconds a pixel: sum ")
    assert told[2] == "narrow part: 1 separable term of 21 x 21 taps, by banded matrices"
    assert told[3] == "smooth part: from 288 x 432 points, 6.9 and 6.9 pixels apart"
    forced = str(ScipyBackend().plan((2000, 3000), psf, method="transform")).splitlines()
    assert forced[1:] == ["method: transform, as requested"]


def test_the_table_of_costs_decides():
    psf, shape = gaussian(4.0), (2000, 3000)
    given = {"boundary": "symmetric", "single": True, "method": "auto"}
    assert planner.make_plan("x", COSTS, shape, psf, **given).method == "separable"
    slow = replace(COSTS, separable_term=9.0)
    assert planner.make_plan("x", slow, shape, psf, **given).method == "multirate"
    slower = replace(slow, multirate=9.0)
    assert planner.make_plan("x", slower, shape, psf, **given).method == "transform"


def test_methods_are_known_by_name():
    assert check_method("sum") == "sum"
    with pytest.raises(ValueError, match=r"method must be one of auto, direct, .* got 'fft'"):
        check_method("fft")


@given(least=st.integers(1, 100_000), step=st.sampled_from([1, 2, 16]))
def test_fast_lengths_are_long_enough_and_have_small_factors(least, step):
    length = planner.fast_length(least, step)
    assert length >= least
    assert length % step == 0
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1

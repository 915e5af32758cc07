import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core import psf
from phos_core.testing import psfs

FREQUENCIES = np.linspace(-0.7, 0.7, 29)

lengths = st.floats(0.05, 12.0)
weights = st.floats(0.05, 3.0)
terms = st.lists(st.tuples(weights, lengths), min_size=1, max_size=3)


def second_moment(made: psf.PSF) -> float:
    """Variance along the rows."""
    ry, _ = made.radius
    return float((made.samples().sum(axis=1) * np.arange(-ry, ry + 1) ** 2).sum())


def brute_transfer(made: psf.PSF, fy: np.ndarray, fx: np.ndarray) -> np.ndarray:
    (ry, rx), samples = made.radius, made.samples()
    y, x = np.mgrid[-ry : ry + 1, -rx : rx + 1]
    return np.array(
        [[(samples * np.exp(-2j * np.pi * (v * y + u * x))).sum() for u in fx] for v in fy]
    )


@given(terms=terms)
def test_a_mixture_sums_to_its_weights(terms):
    total = math.fsum(weight for weight, _ in terms)
    for make in (psf.mixture, psf.pixel_mixture):
        made = make(terms)
        assert made.total == pytest.approx(total, rel=1e-12)
        assert made.samples().sum() == pytest.approx(total, rel=1e-12)
        assert made.l1 == pytest.approx(total, rel=1e-12)


@given(scale=lengths)
@settings(max_examples=25)
def test_an_exponential_sums_to_one_and_is_even(scale):
    made = psf.exponential(scale)
    assert made.samples().sum() == pytest.approx(1.0, rel=1e-12)
    assert made.is_even


@settings(max_examples=40)
@given(made=psfs(most_taps=600))
def test_the_transfer_function_is_that_of_the_samples(made):
    fy, fx = np.array([-0.5, -0.21, 0.0, 0.4]), np.array([0.0, 0.13, 0.5])
    found = made.transfer(fy, fx)
    assert np.iscomplexobj(found) != made.is_even
    np.testing.assert_allclose(found, brute_transfer(made, fy, fx), rtol=0, atol=1e-6 * made.l1)


@settings(max_examples=40)
@given(made=psfs())
def test_the_transfer_function_at_rest_is_the_total(made):
    assert made.transfer([0.0], [0.0])[0, 0] == pytest.approx(made.total, abs=1e-9 * made.l1)


@pytest.mark.parametrize("sigma", [1.0, 1.66, 1.68, 1.8, 2.5, 20.0])
@pytest.mark.parametrize("make", [psf.mixture, psf.pixel_mixture])
def test_the_analytic_transfer_function_serves_only_where_it_agrees(make, sigma):
    made = make([(1.0, sigma)])
    sampled = psf.from_array(made.samples())
    np.testing.assert_allclose(
        made.transfer(FREQUENCIES, FREQUENCIES),
        sampled.transfer(FREQUENCIES, FREQUENCIES),
        rtol=0,
        atol=1e-6,
    )


@given(sigma=st.floats(1.0, 15.0))
def test_a_gaussian_integrated_over_pixels_is_wider_by_a_pixel_s_own_variance(sigma):
    made = psf.pixel_mixture([(1.0, sigma)])
    assert second_moment(made) == pytest.approx(sigma**2 + 1 / 12, rel=1e-6)


def test_a_gaussian_much_narrower_than_a_pixel_stays_in_its_pixel():
    assert psf.pixel_mixture([(1.0, 0.01)]).samples()[1, 1] == pytest.approx(1.0)


@given(scale=st.floats(1.0, 8.0))
@settings(max_examples=20)
def test_an_exponential_has_its_width(scale):
    # Each axis of exp(-r / s) has the variance 3 s^2; the cut takes 1e-4 of it at most.
    found = second_moment(psf.exponential(scale))
    assert found == pytest.approx(3 * scale**2 + 1 / 12, rel=1e-3)


def gathered(radius_of_share) -> np.ndarray:
    """Many points of light, thrown around the centre by a law, counted in pixels."""
    count = 400_000
    number = np.arange(count) + 0.5
    radius = radius_of_share(number / count)
    angle = 2 * np.pi * ((number * (math.sqrt(5) - 1) / 2) % 1)
    y, x = np.rint(radius * np.sin(angle)), np.rint(radius * np.cos(angle))
    reach = int(max(np.abs(y).max(), np.abs(x).max()))
    pixels = np.zeros((2 * reach + 1, 2 * reach + 1))
    np.add.at(pixels, (y.astype(int) + reach, x.astype(int) + reach), 1 / count)
    return pixels


def assert_same_light(made: psf.PSF, pixels: np.ndarray) -> None:
    reach = max(made.radius[0], pixels.shape[0] // 2)
    one, two = (np.pad(a, reach - a.shape[0] // 2) for a in (made.samples(), pixels))
    distance = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    assert np.abs(one - two).sum() < 0.06
    assert (one * distance).sum() == pytest.approx((two * distance).sum(), rel=2e-3)
    assert (one * distance**2).sum() == pytest.approx((two * distance**2).sum(), rel=3e-3)


@pytest.mark.parametrize("scale", [0.4, 1.0, 6.0])
def test_an_exponential_gathers_light_by_pixels(scale):
    radius = np.linspace(0.0, 14.0 * scale, 20_001)
    share = 1 - (1 + radius / scale) * np.exp(-radius / scale)
    pixels = gathered(lambda wanted: np.interp(wanted, share, radius))
    assert_same_light(psf.exponential(scale), pixels)


@pytest.mark.parametrize(
    ("edges", "energy"),
    [
        ([12.0, 12.001], [1.0]),
        ([1.2, 1.4], [1.0]),
        ([3.0, 20.0], [1.0]),
        ([0.0, 8.0, 16.0, 40.0], [1.0, 5.0, 2.0]),
        (np.linspace(5.0, 30.0, 2001), np.linspace(2.0, 0.0, 2000)),
        ([0.0, 0.5, 25.0], [3.0, 1.0]),
    ],
    ids=["thin", "within pixels", "wide", "three wide", "2000 thin", "a core and a disc"],
)
def test_rings_keep_their_energy_and_their_size_whatever_their_width(edges, energy):
    edges, energy = np.asarray(edges), np.asarray(energy)
    made = psf.radial(edges, energy)
    share = np.concatenate(([0.0], np.cumsum(energy))) / energy.sum()
    assert made.is_even
    assert made.samples().sum() == pytest.approx(1.0, rel=1e-12)
    assert_same_light(made, gathered(lambda wanted: np.sqrt(np.interp(wanted, share, edges**2))))


def test_a_disc_covers_pixels_by_the_share_of_their_area():
    radius = 7.3
    made = psf.radial([0.0, radius], [1.0]).samples()
    ry = made.shape[0] // 2
    fine = (np.arange(201) - 100) / 201
    y, x = np.meshgrid(np.arange(-ry, ry + 1), np.arange(-ry, ry + 1), indexing="ij")
    inside = np.hypot(y[..., None, None] + fine[:, None], x[..., None, None] + fine) <= radius
    np.testing.assert_allclose(made, inside.mean(axis=(2, 3)) / (np.pi * radius**2), atol=3e-5)


@settings(max_examples=25)
@given(first=psfs(most_taps=300), second=psfs(most_taps=300), weight=st.floats(-2.0, 2.0))
def test_combining_adds_samples_and_transfer_functions(first, second, weight):
    made = psf.combine([(1.0, first), (weight, second)])
    expected = first.transfer(FREQUENCIES, FREQUENCIES) + weight * second.transfer(
        FREQUENCIES, FREQUENCIES
    )
    np.testing.assert_allclose(made.transfer(FREQUENCIES, FREQUENCIES), expected, atol=1e-12)
    assert made.total == pytest.approx(first.total + weight * second.total, abs=1e-9)
    assert made.samples().sum() == pytest.approx(made.total, abs=1e-9)


@settings(max_examples=25)
@given(first=psfs(most_taps=300), second=psfs(most_taps=300))
def test_composing_convolves_samples_and_multiplies_transfer_functions(first, second):
    made = psf.compose(first, second)
    expected = first.transfer(FREQUENCIES, FREQUENCIES) * second.transfer(FREQUENCIES, FREQUENCIES)
    scale = first.l1 * second.l1
    np.testing.assert_allclose(
        made.transfer(FREQUENCIES, FREQUENCIES), expected, atol=1e-12 * scale
    )
    of_samples = psf.from_array(made.samples()).transfer(FREQUENCIES, FREQUENCIES)
    np.testing.assert_allclose(of_samples, expected, atol=3e-6 * scale)


@settings(max_examples=40)
@given(made=psfs())
def test_separable_terms_add_up_to_the_samples(made):
    found = made.axes()
    if found is None:
        return
    ry, rx = made.radius
    total = np.zeros((2 * ry + 1, 2 * rx + 1))
    for weight, taps in found:
        r = len(taps) // 2
        total[ry - r : ry + r + 1, rx - r : rx + r + 1] += weight * np.outer(taps, taps)
    np.testing.assert_allclose(total, made.samples(), atol=1e-12 * made.l1)


def test_composed_and_combined_gaussians_stay_separable():
    one, two = psf.gaussian(1.0), psf.pixel_mixture([(0.5, 1.0), (0.5, 2.0)])
    for made in (psf.compose(one, two), psf.combine([(0.3, one), (0.7, two)])):
        total = sum(weight * np.sum(taps) ** 2 for weight, taps in made.axes())
        assert total == pytest.approx(made.total)


def test_composing_with_the_identity_changes_nothing():
    made = psf.exponential(2.0)
    assert psf.compose(psf.delta(), made) is made
    assert psf.compose(made, psf.delta()) is made


def test_only_one_pixel_of_weight_one_is_the_identity():
    assert psf.delta().is_delta
    assert not psf.from_array([[2.0]]).is_delta
    assert not psf.gaussian(0.05).is_delta


def test_evenness_is_seen_in_each_axis():
    assert psf.from_array([[1, 2, 1]]).is_even
    assert not psf.from_array([[1, 2, 3]]).is_even
    assert not psf.from_array([[1], [2], [3]]).is_even
    assert not psf.combine([(1.0, psf.gaussian(1.0)), (1.0, psf.from_array([[1, 2, 3]]))]).is_even


@pytest.mark.parametrize(
    "make",
    [
        lambda: psf.gaussian(2.0),
        lambda: psf.pixel_mixture([(0.5, 1.0), (0.5, 2.0)]),
        lambda: psf.exponential(1.5),
        lambda: psf.from_array(np.arange(15.0).reshape(3, 5)),
        lambda: psf.combine([(0.9, psf.delta()), (0.1, psf.gaussian(3.0))]),
        lambda: psf.compose(psf.gaussian(2.0), psf.exponential(1.0)),
    ],
)
def test_psfs_made_alike_are_equal_and_others_are_not(make):
    assert make() == make()
    assert hash(make()) == hash(make())
    assert make() != psf.gaussian(2.125)
    assert make() != "a PSF"
    assert pickle.loads(pickle.dumps(make())) == make()


def test_sampled_and_integrated_gaussians_are_told_apart():
    assert psf.mixture([(1.0, 2.0)]) != psf.pixel_mixture([(1.0, 2.0)])


def test_samples_cannot_be_changed_from_outside():
    source = np.ones((3, 3))
    made = psf.from_array(source)
    source[0, 0] = 5.0
    assert made.samples()[0, 0] == 1.0
    for each in (made, psf.gaussian(1.0)):
        with pytest.raises(ValueError, match="read-only"):
            each.samples()[0, 0] = 2.0


def test_a_psf_says_how_large_it_is():
    assert repr(psf.from_array(np.ones((3, 5)))) == "<PSF of 3 x 5 pixels>"


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf])
def test_a_length_must_be_positive(sigma):
    with pytest.raises(ValueError, match="positive number of pixels"):
        psf.gaussian(sigma)
    with pytest.raises(ValueError, match="positive number of pixels"):
        psf.exponential(sigma)


@pytest.mark.parametrize("terms", [[], [(-1.0, 2.0)], [(1.0, 2.0), (-1.0, 3.0)], [(math.inf, 1.0)]])
def test_a_mixture_must_have_a_positive_sum(terms):
    with pytest.raises(ValueError, match=r"terms must hold|positive, finite sum"):
        psf.mixture(terms)


@pytest.mark.parametrize("shape", [(4, 5), (5, 4), (2, 2)])
def test_an_even_side_is_refused_with_the_way_out(shape):
    with pytest.raises(ValueError, match=r"odd sides.*numpy\.pad"):
        psf.from_array(np.ones(shape))


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.ones((0, 3)), ValueError, "must not be empty"),
        (np.ones(3), ValueError, r"must be 2-D.*\(3,\)"),
        (np.ones((3, 3, 3)), ValueError, "must be 2-D"),
        ([[1.0, math.nan, 1.0]], ValueError, r"finite, got nan at \(0, 1\)"),
        (np.ones((3, 3), complex), TypeError, "real numbers, got dtype complex128"),
        ([["a"]], TypeError, "real numbers"),
    ],
)
def test_what_is_no_psf_is_refused(array, error, message):
    with pytest.raises(error, match=message):
        psf.as_psf(array)


@pytest.mark.parametrize(
    ("edges", "energy"),
    [
        ([1.0], []),
        ([1.0, 2.0], [1.0, 1.0]),
        ([2.0, 1.0], [1.0]),
        ([-1.0, 1.0], [1.0]),
        ([0.0, math.inf], [1.0]),
        ([0.0, 1.0], [0.0]),
        ([0.0, 1.0, 2.0], [2.0, -1.0]),
    ],
)
def test_rings_that_make_no_sense_are_refused(edges, energy):
    with pytest.raises(ValueError, match=r"radius_px must|energy must"):
        psf.radial(edges, energy)


@pytest.mark.parametrize("terms", [[], [(math.nan, psf.delta())]])
def test_combining_needs_finite_weights(terms):
    with pytest.raises(ValueError, match=r"at least one|finite"):
        psf.combine(terms)


@settings(max_examples=40)
@given(first=psfs(most_taps=300), second=psfs(most_taps=300), weight=weights)
def test_terms_add_up_to_the_psf(first, second, weight):
    halo = psf.combine([(1.0, psf.delta()), (weight, second)])
    made = psf.compose(
        psf.combine([(0.5, first), (0.5, psf.mixture([(0.2, 1.0), (0.8, 2.0)]))]), halo
    )
    parts = psf.combine(made.terms())
    fy, fx = np.array([-0.4, 0.0, 0.13]), np.array([0.0, 0.21, 0.5])
    np.testing.assert_allclose(
        parts.transfer(fy, fx), made.transfer(fy, fx), rtol=0, atol=2e-6 * made.l1
    )
    assert parts.total == pytest.approx(made.total, rel=1e-6)
    for _, part in made.terms():
        assert part.terms() == ((1.0, part),)


def test_a_psf_that_is_no_sum_is_its_own_term():
    for made in (psf.delta(), psf.exponential(2.0), psf.from_array(np.ones((3, 5)))):
        assert made.terms() == ((1.0, made),)


def test_scatter_and_halo_multiply_out():
    scatter = psf.pixel_mixture([(0.6, 0.5), (0.4, 1.1)])
    halo = psf.compose(psf.radial([3, 5], [1]), psf.gaussian(4.0))
    made = psf.compose(scatter, psf.combine([(0.9, psf.delta()), (0.1, halo)]))
    assert [weight for weight, _ in made.terms()] == pytest.approx([0.54, 0.06, 0.36, 0.04])
    assert [part.axes() is None for _, part in made.terms()] == [False, True, False, True]

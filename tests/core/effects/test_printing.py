"""Laws of printing: the scan of a negative, the print on paper, the transparency."""

import dataclasses
import math
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.arrays import array_namespace
from phos_core.color import LUMINANCE, encode_srgb
from phos_core.density_curve import Curve
from phos_core.dyed_light import Light, see
from phos_core.effects.development import develop
from phos_core.effects.exposure import expose, log10_exposure
from phos_core.effects.gamut import into_gamut
from phos_core.effects.printing import PaperPrint, print_on_paper
from phos_core.effects.projection import Projection, project
from phos_core.effects.scanning import NeutralScan, neutral_scan
from phos_core.positive import make_positive
from phos_core.stocks.film import Film
from phos_core.stocks.library import films, papers
from phos_core.stocks.loading import load_film

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
PLAIN_NEUTRAL = NeutralScan(
    d_min=(0.2, 0.6, 0.8),
    balance=((0.0, 1.0),) * 3,
    matrix=IDENTITY,
    contrast=2.5,
    mid_grey_density=0.7,
    mid_grey=0.18,
    black=0.0,
)
TWO_WAVELENGTHS = Light(
    spectral=((0.9, 0.1, 0.05), (0.05, 0.2, 1.0)),
    base=(0.1, 0.3),
    weights=((1.2, -0.1), (0.3, 0.7), (-0.05, 1.1)),
)
PLAIN_PRINT = PaperPrint(
    paper="plain",
    enlarger=TWO_WAVELENGTHS,
    curves=(Curve(centre=-0.8, width=0.8, coefficients=(1.1, 1.0)),) * 3,
    light=TWO_WAVELENGTHS,
)
PLAIN_PROJECTION = Projection(balance=((0.1, 0.9), (0.0, 1.0), (0.0, 1.1)), light=TWO_WAVELENGTHS)

KINDS = {stock.name: stock.kind for stock in sorted(films(), key=lambda stock: stock.name)}
STOCKS = list(KINDS)
COLOUR_PAPERS = [name for name in papers() if name != "polymax"]
PRINT_FILMS = ("2383", "2393", "eterna-cp-3513di")
COLOUR_NEGATIVES = [name for name, kind in KINDS.items() if kind == "negative"]
PAPER_PRINTS = [
    *zip(COLOUR_NEGATIVES, cycle(COLOUR_PAPERS), strict=False),
    *((name, "polymax") for name, kind in KINDS.items() if kind == "black-and-white"),
]
# What is balanced on the stock's whole ramp, and every stock as it comes beside it.
NEUTRAL_PRINTS = [
    *((name, "auto" if kind == "reversal" else "neutral") for name, kind in KINDS.items()),
    *PAPER_PRINTS,
]
SCANS = [(name, "scan") for name, kind in KINDS.items() if kind != "reversal"]
PRINTS = NEUTRAL_PRINTS + SCANS
# How far apart the coded channels of a grey may lie, 0 to 1. Reached: 0.033 and 0.019; 0.071 on
# paper and print film, whose own curves are not parallel.
APART = {"negative": 0.035, "reversal": 0.02, "black-and-white": 1e-12, "print": 0.075}

densities = st.lists(st.floats(0.0, 4.0), min_size=3, max_size=3).map(
    lambda values: np.array(values).reshape(3, 1, 1)
)


def grey_print(film: Film, stops: np.ndarray) -> np.ndarray:
    """Light (channels, n) of a neutral wedge, exposed so many stops over mid-grey."""
    wedge = np.broadcast_to(0.18 * 2.0**stops, (3, 1, len(stops)))
    density = develop(log10_exposure(expose(wedge, film.exposure)), film.development)
    return make_positive(density, film.printing)[:, 0]


@pytest.mark.parametrize(("name", "printing"), PRINTS)
def test_mid_grey_lands_on_mid_grey(name, printing, xp):
    film = load_film(name, printing=printing)
    grey = xp.full((3, 1, 1), 0.18, dtype=xp.float32)

    density = develop(log10_exposure(expose(grey, film.exposure)), film.development)
    light = np.asarray(make_positive(density, film.printing))

    assert light.shape[0] in (1, 3)
    np.testing.assert_allclose(light, 0.18, atol=2e-4)


@pytest.mark.parametrize(("name", "printing"), NEUTRAL_PRINTS)
def test_neutral_ramp_stays_neutral(name, printing):
    film = load_film(name, printing=printing)
    light = grey_print(film, np.linspace(-5.0, 5.0, 201))

    coded = encode_srgb(np.clip(light, 0.0, 1.0))
    way = "print" if printing in COLOUR_PAPERS else film.kind
    assert np.ptp(coded, axis=0).max() <= APART[way]


@pytest.mark.parametrize("name", COLOUR_NEGATIVES)
def test_greys_far_beyond_what_is_drawn_stay_neutral_in_a_neutral_scan(name):
    """Up to 15 stops over mid-grey, where lamps are."""
    light = grey_print(load_film(name, printing="neutral"), np.linspace(5.0, 15.0, 41))

    assert np.ptp(light, axis=0).max() <= 0.02
    assert (np.diff(light.mean(axis=0)) >= -1e-9).all()


@pytest.mark.parametrize(("name", "printing"), PRINTS)
def test_more_light_in_the_scene_is_more_light_in_the_positive(name, printing):
    """In each channel; in print film's a channel falls by 0.005 at most, where others rise."""
    film = load_film(name, printing=printing)
    light = grey_print(film, np.linspace(-6.0, 6.0, 1201))

    if printing in PRINT_FILMS:
        assert (light - np.maximum.accumulate(light, axis=1)).min() > -5e-3
        assert (np.diff(light.mean(axis=0)) > 0.0).all()
    else:
        assert (np.diff(light, axis=1) > 0.0).all()


@pytest.mark.parametrize(("name", "printing"), PRINTS)
def test_positive_goes_from_nearly_black_to_nearly_white(name, printing):
    black, white = grey_print(load_film(name, printing=printing), np.array([-8.0, 8.0])).T

    assert (black < 0.035).all()
    assert (white > 0.9).all()
    assert (white < 1.01).all()


# The neutral scan.


@pytest.mark.parametrize("contrast", [1.0, 2.5, 4.0])
@pytest.mark.parametrize("black", [-0.5, 0.0, 0.2])
def test_neutral_scan_is_black_at_the_black_point_and_mid_grey_at_its_density(contrast, black):
    params = dataclasses.replace(PLAIN_NEUTRAL, contrast=contrast, black=black)
    d_min = np.array(params.d_min).reshape(3, 1, 1)

    np.testing.assert_allclose(neutral_scan(d_min + black, params), 0.0, atol=1e-12)
    np.testing.assert_allclose(neutral_scan(d_min + 0.7, params), 0.18, rtol=1e-12)


@settings(max_examples=100)
@given(density=densities)
def test_neutral_scan_never_exceeds_white(density):
    params = load_film("portra-400", printing="neutral").printing

    assert (neutral_scan(density, params) <= 1.0).all()
    assert (neutral_scan(density.astype(np.float32), params) <= 1.0 + 1e-6).all()


WHITE_POINTS = [math.inf, 1.9, 1.4]


@pytest.mark.parametrize("white", WHITE_POINTS)
@pytest.mark.parametrize("black", [-0.5, 0.0, 0.2])
def test_neutral_scan_is_black_mid_grey_and_white_at_its_three_densities(black, white):
    params = dataclasses.replace(PLAIN_NEUTRAL, black=black, white=white)
    net = np.array([black, 0.7, min(white, 50.0)])
    density = np.array(params.d_min).reshape(3, 1, 1) + net

    np.testing.assert_allclose(
        neutral_scan(density, params)[:, 0], np.tile([0.0, 0.18, 1.0], (3, 1)), atol=1e-9
    )


def test_neutral_scan_with_a_nearer_white_point_is_brighter_above_mid_grey_only():
    density = np.array(PLAIN_NEUTRAL.d_min).reshape(3, 1, 1) + np.linspace(0.05, 1.3, 40)
    plain, nearer = (
        neutral_scan(density, dataclasses.replace(PLAIN_NEUTRAL, white=white))[0, 0]
        for white in (3.0, 1.4)
    )

    above = density[0, 0] - 0.2 > 0.7
    assert (nearer[above] > plain[above]).all()
    assert (np.diff(nearer) > 0.0).all()


def test_neutral_scan_comes_near_white_in_the_densest_highlight():
    light = neutral_scan(np.full((3, 1, 1), 20.0), PLAIN_NEUTRAL)

    np.testing.assert_allclose(light, 1.0, atol=1e-9)


@settings(max_examples=100)
@given(density=densities)
def test_neutral_scan_is_the_formula_when_black_is_far_away(density):
    params = dataclasses.replace(PLAIN_NEUTRAL, black=-20.0)
    printing_density = density - np.array(params.d_min).reshape(3, 1, 1)

    odds_against = 10.0 ** (-2.5 * (printing_density - 0.7)) * 0.82 / 0.18
    np.testing.assert_allclose(neutral_scan(density, params), 1.0 / (1.0 + odds_against), rtol=1e-9)


@settings(max_examples=50)
@given(net=st.floats(0.0, 3.0))
def test_neutral_scan_maps_each_layer_by_its_balance(net):
    """Layers whose greys are half and twice as dense print as one."""
    params = dataclasses.replace(PLAIN_NEUTRAL, balance=((0.0, 2.0), (0.0, 1.0), (0.1, 0.5, 0.0)))
    density = np.array([0.2 + net / 2.0, 0.6 + net, 0.8 + 2.0 * (net - 0.1)]).reshape(3, 1, 1)

    red, green, blue = neutral_scan(density, params).ravel()

    assert red == pytest.approx(green, rel=1e-9)
    assert blue == pytest.approx(green, rel=1e-9)


def test_neutral_scan_mixes_printing_densities_by_its_matrix():
    matrix = ((1.2, -0.15, -0.05), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    params = dataclasses.replace(PLAIN_NEUTRAL, matrix=matrix)
    net = np.array([0.9, 0.5, 0.3])
    density = (np.array(params.d_min) + net).reshape(3, 1, 1)
    mixed_net = np.array([1.2 * 0.9 - 0.15 * 0.5 - 0.05 * 0.3, 0.5, 0.3])
    expected = neutral_scan((np.array(params.d_min) + mixed_net).reshape(3, 1, 1), PLAIN_NEUTRAL)

    np.testing.assert_allclose(neutral_scan(density, params), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["cinestill-800t", "portra-400"])
def test_matrix_of_a_stock_s_neutral_scan_leaves_greys_alone(name):
    film = load_film(name, printing="neutral")
    stops = np.linspace(-5.0, 5.0, 21)
    unmixed = dataclasses.replace(film.printing, matrix=IDENTITY)

    with_matrix = grey_print(film, stops)
    without = grey_print(dataclasses.replace(film, printing=unmixed), stops)

    np.testing.assert_allclose(with_matrix, without, atol=5e-3)


# The gamut.


def luminance_of(light: np.ndarray) -> np.ndarray:
    return np.tensordot(np.array(LUMINANCE), light, axes=1)


@settings(max_examples=300)
@given(
    colour=st.lists(st.floats(-0.5, 2.0), min_size=3, max_size=3),
    grey=st.floats(0.01, 0.99),
)
def test_every_colour_of_a_luminance_in_range_comes_into_the_gamut(colour, grey):
    light = np.array(colour).reshape(3, 1, 1)
    light = light - luminance_of(light) + grey

    mapped = into_gamut(light)

    assert mapped.min() >= -1e-9
    assert mapped.max() <= 1.0 + 1e-9
    assert luminance_of(mapped).item() == pytest.approx(grey, abs=1e-9)
    chroma, kept = (light - grey).ravel(), (mapped - grey).ravel()
    assert np.dot(chroma, kept) >= 0.0  # the hue stays
    assert np.abs(np.cross(chroma, kept)).max() < 1e-9


@settings(max_examples=100)
@given(colour=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))
def test_colours_well_within_the_gamut_are_left_alone(colour):
    light = np.array(colour).reshape(3, 1, 1)
    grey = luminance_of(light)
    light = grey + 0.85 * (light - grey)

    np.testing.assert_allclose(into_gamut(light), light, atol=1e-12)


@pytest.mark.parametrize("grey", [-0.02, 0.0, 1e-8, 0.18, 1.0, 1.03])
def test_greys_are_left_alone(grey, xp):
    light = xp.full((3, 2, 2), grey, dtype=xp.float32)

    mapped = into_gamut(light)

    assert array_namespace(mapped) is xp
    assert mapped.dtype == xp.float32
    np.testing.assert_allclose(np.asarray(mapped), grey, atol=1e-7)


def test_a_more_saturated_colour_stays_more_saturated():
    saturation = np.linspace(0.0, 4.0, 2001)
    light = 0.3 + saturation * np.array([0.6, -0.2, 0.05]).reshape(3, 1, 1)

    mapped = into_gamut(light)

    spread = np.ptp(mapped, axis=0)[0]
    rise = np.diff(spread)
    assert (rise > 0.0).all()
    assert np.abs(np.diff(rise)).max() < 2e-4  # and smoothly


def test_one_channel_is_left_alone():
    light = np.array([[[-0.1, 0.5, 1.2]]])

    np.testing.assert_array_equal(into_gamut(light), light)


# Beer and Lambert.


@settings(max_examples=100)
@given(density=densities)
def test_light_follows_beer_and_lambert(density):
    light = see(density.astype(np.float32), TWO_WAVELENGTHS).astype(np.float64).ravel()

    spectral, base, weights = (
        np.array(part)
        for part in (TWO_WAVELENGTHS.spectral, TWO_WAVELENGTHS.base, TWO_WAVELENGTHS.weights)
    )
    transmittance = 10.0 ** -(spectral @ density.ravel() + base)
    # A density of 10 is exp(-23): an error of 1e-7 there is one of 2e-6 of what comes through.
    np.testing.assert_allclose(
        light, weights @ transmittance, rtol=0, atol=3e-6 * (np.abs(weights) @ transmittance).max()
    )


@settings(max_examples=50)
@given(first=densities, second=densities)
def test_densities_add_where_transmittances_multiply(first, second):
    one = Light(spectral=((0.7, 0.2, 0.1),), base=(0.0,), weights=((1.0,),))

    together = see(first + second, one)

    np.testing.assert_allclose(together, see(first, one) * see(second, one), rtol=1e-12)


def test_a_transparency_is_seen_through_its_balanced_densities():
    density = np.array([0.5, 1.0, 2.0]).reshape(3, 1, 1)
    balanced = np.array([0.1 + 0.9 * 0.5, 1.0, 1.1 * 2.0]).reshape(3, 1, 1)

    np.testing.assert_allclose(
        project(density, PLAIN_PROJECTION), see(balanced, TWO_WAVELENGTHS), rtol=1e-12
    )


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind == "reversal"])
def test_base_of_the_transparency_is_white(name):
    """Within 0.01 of light."""
    film = load_film(name)
    base = np.array(film.development.d_min).reshape(3, 1, 1)

    np.testing.assert_allclose(project(base, film.printing), 1.0, atol=0.01)


def test_a_print_is_the_paper_s_curve_between_two_lights():
    density = np.array([0.2, 0.4, 0.3]).reshape(3, 1, 1)
    exposed = np.log10(see(density, TWO_WAVELENGTHS))
    developed = 1.1 + np.tanh((exposed + 0.8) / 0.8)

    np.testing.assert_allclose(
        print_on_paper(density, PLAIN_PRINT), see(developed, TWO_WAVELENGTHS), rtol=1e-12
    )


@pytest.mark.parametrize("surround", [0.9, 1.2])
def test_the_surround_is_an_exponent_of_luminance_that_leaves_hue_alone(surround):
    density = np.array([0.2, 0.4, 0.3]).reshape(3, 1, 1)
    three = dataclasses.replace(TWO_WAVELENGTHS, weights=((0.4, 0.1), (0.3, 0.7), (0.1, 0.5)))
    plain = dataclasses.replace(PLAIN_PRINT, light=three)

    light = print_on_paper(density, plain)
    seen = print_on_paper(density, dataclasses.replace(plain, surround=surround))

    np.testing.assert_allclose(luminance_of(seen), luminance_of(light) ** surround, rtol=1e-9)
    np.testing.assert_allclose(seen / seen[:1], light / light[:1], rtol=1e-9)


def test_filters_tint_the_print_and_leave_the_light_of_other_layers_alone():
    """More yellow filtration, a bluer print; of magenta, a greener; of cyan, a redder."""
    plain = grey_print(load_film("portra-400", printing="endura-premier"), np.zeros(1)).ravel()

    for filter_, brighter in ((0, 2), (1, 1), (2, 0)):
        filters_cc = [0.0, 0.0, 0.0]
        filters_cc[filter_] = 20.0
        film = load_film("portra-400", printing="endura-premier", filters_cc=filters_cc)
        change = grey_print(film, np.zeros(1)).ravel() - plain
        assert change.argmax() == brighter
        assert change[brighter] > 0.03


@pytest.mark.parametrize(
    ("name", "paper"), [("portra-400", "endura-premier"), ("tri-x-400", "polymax")]
)
def test_a_print_exposed_longer_is_darker(name, paper):
    plain = grey_print(load_film(name, printing=paper), np.zeros(1))
    longer = grey_print(load_film(name, printing=paper, print_stops=0.5), np.zeros(1))

    assert (longer < 0.7 * plain).all()


def test_filters_of_all_three_colours_are_a_shorter_exposure():
    stops = np.linspace(-3.0, 3.0, 7)
    filtered = load_film("gold-200", printing="2383", filters_cc=(30.103,) * 3)
    shorter = load_film("gold-200", printing="2383", print_stops=-1.0)

    np.testing.assert_allclose(grey_print(filtered, stops), grey_print(shorter, stops), rtol=1e-5)


def test_more_of_a_layer_in_the_negative_is_more_of_its_light_in_the_print():
    film = load_film("portra-400", printing="endura-premier")
    grey = np.full((3, 1, 1), 0.18)
    density = develop(log10_exposure(expose(grey, film.exposure)), film.development)
    printed = make_positive(density, film.printing).ravel()

    for layer in range(3):
        denser = density.copy()
        denser[layer] += 0.2
        change = make_positive(denser, film.printing).ravel() - printed
        assert change.argmax() == layer
        assert change[layer] > 0.02


# All three.


@pytest.mark.parametrize(
    ("params", "function"),
    [
        (PLAIN_NEUTRAL, neutral_scan),
        (PLAIN_PROJECTION, project),
        (PLAIN_PRINT, print_on_paper),
        (dataclasses.replace(PLAIN_PRINT, surround=0.9), print_on_paper),
    ],
    ids=["neutral scan", "projection", "paper", "print film"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_namespace_dtype_shape_and_its_argument(params, function, dtype, xp):
    density = np.linspace(0.1, 1.2, 60, dtype=dtype).reshape(3, 4, 5)
    given_density = xp.asarray(density, copy=True)

    light = make_positive(given_density, params)

    assert array_namespace(light) is array_namespace(given_density)
    assert light.dtype == given_density.dtype
    assert light.shape == (3, 4, 5)
    np.testing.assert_array_equal(np.asarray(given_density), density)
    expected = function(density.astype(np.float64), params)
    np.testing.assert_allclose(np.asarray(light), expected, rtol=2e-5, atol=1e-6)


def test_black_and_white_gives_one_channel_and_colour_three():
    for name, channels in (("tri-x-400", 1), ("portra-400", 3), ("velvia-50", 3)):
        film = load_film(name)
        density = np.full((len(film.development.curves), 2, 3), 1.0)
        assert make_positive(density, film.printing).shape == (channels, 2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mid_grey": 0.0}, "mid_grey must lie between 0 and 1, got 0.0"),
        ({"mid_grey": 18.0}, "mid_grey must lie between 0 and 1, got 18.0"),
        ({"contrast": 0.0}, "contrast must be positive, got 0.0"),
        ({"contrast": math.nan}, "contrast must be positive, got nan"),
        ({"matrix": ((1.0, 0.2, 0.0),) * 3}, "each row of matrix must sum to 1"),
        ({"black": 0.8}, "mid_grey_density must lie between black 0.8 and white inf, got 0.7"),
        ({"white": 0.6}, "mid_grey_density must lie between black 0.0 and white 0.6, got 0.7"),
        ({"white": 0.9}, "black 0.0 or white 0.9 lies too near mid-grey 0.7 for a contrast of"),
        ({"black": 0.68}, "black 0.68 or white inf lies too near mid-grey 0.7"),
    ],
)
def test_refuses_what_is_no_scan(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PLAIN_NEUTRAL, **change)


@pytest.mark.parametrize("surround", [0.0, -1.0, math.nan])
def test_refuses_what_is_no_surround(surround):
    with pytest.raises(ValueError, match=f"surround must be positive, got {surround}"):
        dataclasses.replace(PLAIN_PRINT, surround=surround)


@pytest.mark.parametrize(
    "change", [{"base": (0.1,)}, {"weights": ((1.0, 0.0), (1.0,), (0.0, 1.0))}]
)
def test_refuses_a_light_whose_wavelengths_do_not_match(change):
    with pytest.raises(ValueError, match=r"one entry per row of spectral \(2\), got"):
        dataclasses.replace(TWO_WAVELENGTHS, **change)

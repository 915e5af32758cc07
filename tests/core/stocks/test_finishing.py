"""Laws of what is changed of a positive, the same on scans, slides and prints."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from phos_core.effects.development import develop
from phos_core.effects.exposure import MID_GREY, expose, log10_exposure
from phos_core.positive import make_positive
from phos_core.stocks.baking.light import FILE_WHITE_STOPS
from phos_core.stocks.loading import load_film
from phos_core.tone import Finish, finished

WAYS = [
    ("portra-400", "scan"),
    ("velvia-50", "auto"),
    ("gold-200", "endura-premier"),
    ("vision3-250d", "2383"),
]
SILVER = [("tri-x-400", "scan"), ("hp5-plus", "polymax")]


@cache
def treated(name, printing, **settings):
    return load_film(name, printing=printing, **settings)


def wedge(film, stops):
    """Light (channels, n) of greys so many stops over mid-grey."""
    scene = np.broadcast_to(MID_GREY * 2.0 ** np.atleast_1d(stops), (3, 1, np.size(stops)))
    density = develop(log10_exposure(expose(scene, film.exposure)), film.development)
    return make_positive(density, film.printing)[:, 0]


@pytest.mark.parametrize(("name", "printing"), WAYS + SILVER)
def test_black_and_white_point_are_black_and_white_in_every_channel_and_mid_grey_stays(
    name, printing
):
    film = treated(name, printing, black_point=-3.0, white_point=2.5)

    black, mid, white = wedge(film, [-3.0, 0.0, 2.5]).T

    assert black.max() <= 1e-9
    np.testing.assert_allclose(mid, MID_GREY, atol=1e-3)
    assert white.min() >= 1.0 - 1e-9


@pytest.mark.parametrize(("name", "printing"), WAYS)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_ten_cc_of_a_colour_let_the_positive_have_more_of_it(name, printing, channel):
    balance = tuple(10.0 if i == channel else 0.0 for i in range(3))
    plain = wedge(treated(name, printing), 0.0)[:, 0]

    gain = wedge(treated(name, printing, balance_cc=balance), 0.0)[:, 0] / plain

    assert gain.argmax() == channel
    assert gain[channel] > 1.1
    assert np.delete(gain, channel).max() < 1.0 + 0.1 * (gain[channel] - 1.0)


@pytest.mark.parametrize(("name", "printing"), [*WAYS, *SILVER, ("portra-400", "neutral")])
@pytest.mark.parametrize("stops", [-1.0, 1.0])
def test_brighter_by_a_stop_is_as_light_as_a_scene_that_is_a_stop_lighter(name, printing, stops):
    """At mid-grey; a slide, which has no printer lights, takes a stop more light behind it."""
    light = wedge(treated(name, printing, brightness_stops=stops), 0.0)

    if printing == "auto":
        np.testing.assert_allclose(light, MID_GREY * 2.0**stops, rtol=2e-3)
    else:
        darker = wedge(treated(name, printing, brightness_stops=stops), -stops)
        np.testing.assert_allclose(darker, MID_GREY, atol=1e-3)
        assert ((light > MID_GREY) == (stops > 0)).all()


@pytest.mark.parametrize(
    ("name", "printing"), [("portra-400", "scan"), ("portra-400", "neutral"), ("velvia-50", "auto")]
)
def test_contrast_is_a_factor_of_the_slope_around_a_mid_grey_that_stays(name, printing):
    def slope(contrast):
        dark, mid, light = wedge(treated(name, printing, contrast=contrast), [-0.05, 0.0, 0.05]).T
        np.testing.assert_allclose(mid, MID_GREY, atol=1e-3)
        return np.log10(light / dark).mean()

    assert slope(1.5) / slope(1.0) == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize(("name", "printing"), WAYS[1:])
def test_white_of_a_file_is_all_but_white_on_slides_and_prints(name, printing):
    """As light as the scan shows it; what is brighter still approaches the base or the paper."""
    at_white, beyond = wedge(treated(name, printing), [FILE_WHITE_STOPS, 9.0]).T

    assert at_white.mean() > 0.93
    assert (beyond >= at_white).all()
    assert beyond.max() <= 1.01


def test_version_1_shows_the_base_as_white():
    old = treated("velvia-50", "auto", process_version=1)

    assert old.printing.white == 1.0
    assert wedge(old, FILE_WHITE_STOPS).mean() < wedge(treated("velvia-50", "auto"), 2.857).mean()


@pytest.mark.parametrize(
    "settings",
    [
        {"balance_cc": (200.0, -200.0, 0.0)},
        {"black_point": -5.0, "white_point": 2.5},
        {"brightness_stops": 10.0},
        {"brightness_stops": -10.0, "balance_cc": (-200.0, 200.0, 200.0)},
    ],
)
@pytest.mark.parametrize("contrast", [0.1, 4.0])
@pytest.mark.parametrize("name", ["portra-400", "velvia-50"])
def test_extreme_settings_give_finite_light_in_single_precision(name, contrast, settings):
    film = load_film(name, contrast=contrast, **settings)
    low, high = film.development.d_min, film.development.d_max
    density = np.linspace(low, high, 50, dtype=np.float32).T.reshape(3, 1, 50)

    with np.errstate(over="ignore"):
        assert np.isfinite(make_positive(density, film.printing)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finish_is_the_formula(dtype):
    light = np.linspace(0.0, 1.2, 60).reshape(3, 4, 5)
    params = Finish(gain=(1.1, 1.0, 0.9), contrast=1.3, black=0.02, white=0.8)
    toned = 0.18 ** (1 - 1.3) * (np.array([1.1, 1.0, 0.9]).reshape(3, 1, 1) * light) ** 1.3
    power = np.log(0.18) / np.log(0.16 / 0.78)

    done = finished(light.astype(dtype), params)

    assert done.dtype == dtype
    np.testing.assert_allclose(
        done, (np.clip(toned - 0.02, 0.0, None) / 0.78) ** power, rtol=2e-5, atol=2e-6
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": (1.0, 0.0)}, "gain must be positive"),
        ({"contrast": 0.0}, "contrast must be positive, got 0.0"),
        ({"black": 0.2}, "mid_grey must lie between black and white"),
        ({"white": 0.1}, "mid_grey must lie between black and white"),
        ({"white": 0.1801}, "white 0.1801 lies too near mid-grey 0.18"),
        ({"white": 0.18 * (1 + 1e-16 * 4)}, "white .* lies too near mid-grey"),
    ],
)
def test_refuses_what_is_no_finish(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Finish(), **change)

"""What the exposure is to a texture, and what a lamp is to the balance of a print."""

import numpy as np
import pytest

import phos_core as phos
from phos_core.process.balance import balanced_on

GREY = 0.18


def flat(light):
    """A flat field of scene light."""
    return np.full((48, 64, 3), light, np.float32)


def texture_of(light, film, **settings):
    """A flat field with a stock's texture, over its own light: 1 and the grain."""
    settings = {"mode": "texture", "encoding": "linear", "scanner": "none"} | settings
    recipe = phos.Recipe(film=film, seed=3, **settings)
    return phos.develop(flat(light), recipe=recipe, backend="scipy") / light


@pytest.mark.parametrize("stops", [-2.0, 1.0])
@pytest.mark.parametrize("film", ["portra-400", "velvia-50", "tri-x-400"])
def test_a_stop_of_exposure_is_a_stop_of_light_to_the_grain_of_a_texture(film, stops):
    exposed = texture_of(GREY, film, exposure_stops=stops, lab_correction=False)
    lit = texture_of(GREY * 2.0**stops, film)
    np.testing.assert_allclose(exposed, lit, rtol=1e-5)
    assert np.abs(exposed - texture_of(GREY, film)).max() > 1e-3  # or it would say nothing


@pytest.mark.parametrize("film", ["portra-400", "velvia-50", "tri-x-400"])
def test_the_grain_of_a_texture_fades_where_a_print_is_black(film):
    """A print's light goes to nothing there, and grain is a share of it."""
    in_shadow, in_black = (texture_of(GREY * 2.0**stops, film).std() for stops in (-2, -12))
    assert in_black < 0.5 * in_shadow


@pytest.mark.parametrize("light", [GREY * 2.0**4, GREY * 2.0**14])
def test_a_light_more_than_three_stops_from_grey_counts_as_three_to_the_balance(light):
    recipe = phos.Recipe(film="gold-200", encoding="linear", auto_balance=True)
    film = recipe.load_film()

    def balance(brightest):
        picture = flat(GREY * 0.5)
        picture[:10] = brightest
        return balanced_on(np.moveaxis(picture, -1, 0), film, recipe).printing

    assert balance(light) == balance(GREY * 2.0**3.5)
    assert balance(GREY * 2.0**2.5) != balance(GREY * 2.0**3.5)

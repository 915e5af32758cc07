"""Laws of the laboratory's correction: the positive is balanced on the grey that was exposed."""

import dataclasses

import numpy as np
import pytest

import phos_core as phos
from phos_core.effects.exposure import expose
from phos_core.process.recipe import Recipe

STILL = {"scatter": 0, "halation": 0, "grain": 0, "encoding": "linear", "backend": "scipy"}


def grey(film="portra-400", level=0.18, **settings):
    """Codes (3,) of a flat grey."""
    scene = np.full((4, 4, 3), level, np.float32)
    return 255.0 * phos.develop(scene, film, **STILL | settings)[1, 1].astype(float)


@pytest.mark.parametrize("stops", [-2.0, 2.0, 4.0])
@pytest.mark.parametrize(
    ("film", "printing"),
    [
        ("portra-400", "scan"),
        ("portra-400", "neutral"),
        ("tri-x-400", "scan"),
        ("gold-200", "endura-premier"),
    ],
)
def test_mid_grey_of_a_wrong_exposure_comes_out_as_mid_grey(film, printing, stops):
    """Within 6 codes; without the correction it lies far from there."""
    right = grey(film, printing=printing)

    corrected = grey(film, printing=printing, exposure_stops=stops)
    wrong = grey(film, printing=printing, exposure_stops=stops, lab_correction=False)

    assert np.abs(corrected - right).max() <= 6.0
    assert np.abs(wrong - right).max() > 30.0


def test_a_normal_exposure_in_the_film_s_own_light_is_left_alone():
    recipe = Recipe(film="portra-400")

    assert recipe.load_film() is phos.load_film("portra-400")


def test_a_slide_has_no_correction():
    over = grey("velvia-50", exposure_stops=2.0)

    np.testing.assert_array_equal(over, grey("velvia-50", exposure_stops=2.0, lab_correction=False))
    assert over.mean() > grey("velvia-50").mean() + 40.0


def test_light_of_the_scene_is_corrected_as_far_as_is_asked_for():
    plain = grey()
    whole, half, none = (grey(light="tungsten", light_balance=share) for share in (1.0, 0.5, 0.0))

    assert np.abs(whole - plain).max() < 1.5
    assert np.ptp(none) > 60.0
    assert 0.3 * np.ptp(none) < np.ptp(half) < 0.8 * np.ptp(none)


def test_what_a_long_exposure_loses_belongs_to_the_laboratory_and_not_to_the_light():
    long = {"film": "tri-x-400", "exposure_time_s": 30.0}

    assert np.abs(grey(**long, light_balance=0.0) - grey("tri-x-400")).max() < 2.0
    assert grey(**long, lab_correction=False).mean() < grey("tri-x-400").mean() - 30.0


def test_a_picture_balanced_on_itself_is_so_whatever_its_light_is():
    balanced = [
        grey(light="tungsten", auto_balance=True, light_balance=share) for share in (0.0, 1.0)
    ]

    np.testing.assert_array_equal(*balanced)
    assert np.ptp(balanced[0]) < 1.5


@pytest.mark.parametrize("stops", [-30.0, 30.0])
@pytest.mark.parametrize("printing", ["scan", "neutral", "endura-premier"])
def test_a_film_without_a_picture_is_corrected_to_an_even_grey(stops, printing):
    positive = grey(printing=printing, exposure_stops=stops)

    assert np.abs(positive - grey(printing=printing)).max() < 8.0


# The first version of the process.


def test_a_film_loaded_for_a_version_is_developed_in_that_version():
    scene = np.random.default_rng(3).integers(200, 256, (12, 16, 3)).astype(np.uint8)
    film = phos.load_film("cinestill-800t", process_version=1)

    by_film = phos.develop(scene, film, backend="scipy")
    by_name = phos.develop(scene, "cinestill-800t", process_version=1, backend="scipy")

    np.testing.assert_array_equal(by_film, by_name)
    assert (by_film != phos.develop(scene, "cinestill-800t", backend="scipy")).any()
    recipe = Recipe(film=film)
    assert dataclasses.replace(recipe, seed=4).process_version == 1


def test_exposures_are_what_they_are_whatever_is_corrected():
    recipe = Recipe(film="portra-400", exposure_stops=2.0, light="tungsten")
    film, plain = recipe.load_film(), phos.load_film("portra-400", light="tungsten")
    scene = np.full((3, 1, 1), 0.18)

    np.testing.assert_array_equal(expose(scene, film.exposure), expose(scene, plain.exposure))
    assert dataclasses.replace(film, printing=plain.printing) == plain

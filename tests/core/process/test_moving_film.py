"""Film that moves: what differs from frame to frame, and what does not."""

import dataclasses

import numpy as np
import pytest

import phos_core as phos
from phos_core.effects.breathing import breath_stops
from phos_core.process.recipe import Recipe

STOCKS = ("portra-400", "velvia-50", "tri-x-400")


@pytest.fixture
def picture():
    rng = np.random.default_rng(5)
    codes = rng.integers(20, 200, (40, 60, 3), dtype=np.uint8)
    codes[10:16, 20:30] = 255
    return codes


def test_breathing_has_the_rms_that_is_asked_for():
    breaths = [breath_stops(0.2, seed=seed, frame=seed * 41) for seed in range(800)]
    assert np.sqrt(np.mean(np.square(breaths))) == pytest.approx(0.2, rel=0.06)
    assert breath_stops(0.0, seed=3, frame=4) == 0.0


@pytest.mark.parametrize("film", STOCKS)
def test_a_frame_that_breathed_is_one_exposed_so_that_no_laboratory_corrects(picture, film):
    recipe = Recipe(film=film, breathing_stops=0.3, seed=2, frame=9)
    breath = breath_stops(0.3, seed=2, frame=9)
    assert abs(breath) > 0.05
    assert recipe.frame_stops == breath
    exposed = Recipe(
        film=film, exposure_stops=breath, lab_correction=False, seed=2, frame=9
    )  # fmt: skip
    found = phos.develop(picture, recipe=recipe, backend="scipy")
    np.testing.assert_array_equal(found, phos.develop(picture, recipe=exposed, backend="scipy"))


def test_what_was_meant_is_corrected_and_the_breath_is_not(picture):
    light = (picture / 255.0).astype(np.float32) ** 2.2
    settings = {"encoding": "linear", "film": "portra-400", "grain": 0.0, "backend": "scipy"}
    still = phos.develop(light, exposure_stops=1.0, **settings)
    breath = breath_stops(0.5, seed=0, frame=2)
    breathed = phos.develop(light, exposure_stops=1.0, breathing_stops=0.5, frame=2, **settings)
    assert np.sign(breathed.mean() - still.mean()) == np.sign(breath)


@pytest.mark.parametrize("mode", ["colour", "texture"])
def test_a_mode_without_exposure_has_no_breathing(mode):
    with pytest.raises(ValueError, match=f'breathing_stops has no part in mode "{mode}", got 0.1'):
        Recipe(mode=mode, breathing_stops=0.1)


@pytest.mark.parametrize("wrong", [-0.1, 2.1])
def test_breathing_has_bounds(wrong):
    with pytest.raises(ValueError, match=r"breathing_stops must lie between 0 and 2, got"):
        Recipe(breathing_stops=wrong)


def test_each_frame_of_a_stack_moves_as_if_it_came_alone(picture):
    recipe = Recipe(breathing_stops=0.2, seed=4, frame=30)
    together = phos.develop(np.stack([picture] * 3), recipe=recipe, backend="scipy")
    for number, found in enumerate(together):
        alone = dataclasses.replace(recipe, frame=30 + number)
        np.testing.assert_array_equal(
            found, phos.develop(picture, recipe=alone, backend="scipy")
        )  # fmt: skip
    assert len({float(found.mean()) for found in together}) == 3

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app.details import Window, detail, halved
from phos_core.process.recipe import Recipe
from phos_darkroom.files.picture import Picture
from phos_darkroom.one_file import develop_picture

RECIPE = Recipe(film="cinestill-800t", seed=11)


@pytest.fixture(scope="module")
def picture():
    codes = np.random.default_rng(5).integers(0, 60, (260, 340, 3), dtype=np.uint8)
    codes[100:110, 150:160] = 255  # a lamp, whose halation reaches far
    return Picture(pixels=codes)


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        replace(RECIPE, film_format="super-16", exposure_stops=1.0),
        replace(RECIPE, auto_balance=True),
        replace(RECIPE, mode="texture"),
        replace(RECIPE, mode="colour"),
        replace(RECIPE, halation=2.5, grain=0.5, printing="endura-premier"),
    ],
    ids=["plain", "exposed", "balanced", "texture", "colour", "printed"],
)
@pytest.mark.parametrize("window", [Window(0, 0, 60, 90), Window(90, 140, 80, 100)])
def test_a_detail_is_that_part_of_the_whole(picture, recipe, window):
    whole = develop_picture(picture, recipe, backend="scipy")[0].pixels[window.slices]
    part, _ = detail(picture, recipe, window, "scipy")
    difference = np.abs(part.astype(int) - whole)
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.99


def test_the_windows_lie_inside():
    shape = (260, 340)
    assert Window(-50, -60, 100, 120).inside(shape) == Window(0, 0, 100, 120)
    assert Window(999, 999, 100, 120).inside(shape) == Window(160, 220, 100, 120)
    assert Window(80, 110, 100, 120).inside(shape) == Window(80, 110, 100, 120)
    assert Window(7, 8, 900, 900).inside(shape) == Window(0, 0, 260, 340)


def test_half_the_size_is_the_mean_light_of_four_pixels():
    codes = np.array([[0, 255, 9], [255, 0, 9], [7, 7, 7]], np.uint8)
    assert halved(codes).tolist() == [[188]]  # half the light of white
    assert halved(np.full((4, 6, 3), 77, np.uint8)).tolist() == [[[77] * 3] * 3] * 2

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app.details import Window, detail, window_at
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


def test_the_windows_lie_inside(picture):
    assert window_at(picture, 0.0, 0.0, rows=100, cols=120) == Window(0, 0, 100, 120)
    assert window_at(picture, 1.0, 1.0, rows=100, cols=120) == Window(160, 220, 100, 120)
    assert window_at(picture, 0.5, 0.5, rows=100, cols=120) == Window(80, 110, 100, 120)
    assert window_at(picture, 0.3, 0.7) == Window(0, 0, 260, 340)

"""Film that moves: what differs from frame to frame, and what does not."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

import phos_core as phos
from phos_core.effects.breathing import breath_stops
from phos_core.effects.wear import BLOCKED, OF_PRINT
from phos_core.process.recipe import Recipe
from phos_core.process.wearing import marks_of, wear_field
from phos_core.process.windows import WholePicture, develop_window
from phos_core.stocks.film import FILM_FORMATS_UM, RUNS_LENGTHWISE

STOCKS = ("portra-400", "velvia-50", "tri-x-400")


def without(settings, *names):
    return {name: value for name, value in settings.items() if name not in names}


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


# ------------------------------------------------------------------ weave

SMOOTH = {"film": "vision3-250d", "grain": 0.0, "encoding": "linear", "backend": "scipy"}


def scene(rows=72, cols=96):
    """Scene light without anything as fine as a pixel, and a lamp."""
    y, x = np.mgrid[0:rows, 0:cols]
    waves = 0.5 + 0.4 * np.sin(x / 7.0) * np.cos(y / 5.0)
    lamp = 20.0 * np.exp(-((x - 60.0) ** 2 + (y - 30.0) ** 2) / 8.0)
    return np.repeat((0.3 * waves + lamp)[..., None], 3, axis=2).astype(np.float32)


def displacement_of(recipe, light):
    return recipe.displacement_px(recipe.pitch_um(*light.shape[:2]))


def frame_with(least_px, **settings):
    """A recipe whose frame lies at least so far from its place."""
    for frame in range(200):
        recipe = Recipe(frame=frame, **settings)
        if min(map(abs, displacement_of(recipe, scene()))) >= least_px:
            return recipe
    raise AssertionError("no frame lies so far away")


def test_a_frame_that_weaves_is_a_frame_that_does_not_elsewhere():
    recipe = frame_with(0.3, film_format="super-35", weave_um=400.0, **without(SMOOTH, "backend"))
    down, right = displacement_of(recipe, scene())
    found = phos.develop(scene(), recipe=recipe, backend="scipy")
    still = phos.develop(
        scene(), recipe=dataclasses.replace(recipe, weave_um=0.0), backend="scipy"
    )  # fmt: skip
    expected = np.stack(
        [ndimage.shift(still[..., c], (down, right), order=5, mode="reflect") for c in range(3)],
        axis=-1,
    )
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(found[inner] - expected[inner]).max() <= 0.02
    assert np.abs(found[inner] - still[inner]).max() > 0.1


def test_weave_is_a_length_on_the_film_and_jumps_along_it():
    recipe = Recipe(film_format="super-35", weave_um=10.0, frame=3)
    near, far = recipe.displacement_px(5.0), recipe.displacement_px(10.0)
    assert near == pytest.approx([2.0 * length for length in far])
    lying = dataclasses.replace(recipe, film_format="vistavision")
    assert lying.displacement_px(5.0) == near[::-1]


def test_what_weaves_is_the_picture_and_not_the_grain():
    grey = np.full((64, 64, 3), 0.18, np.float32)
    settings = without(SMOOTH, "grain") | {"seed": 3, "frame": 5}
    still = phos.develop(grey, **settings)
    np.testing.assert_allclose(
        phos.develop(grey, weave_um=200.0, **settings), still, rtol=0, atol=2e-6
    )


NOTHING_ELSE = {"scatter": 0.0, "halation": 0.0, "couplers": 0.0, "scanner": "none"}


@pytest.mark.parametrize("spreading", [{}, NOTHING_ELSE])
@pytest.mark.parametrize("film_format", ["super-8", "imax"])
def test_a_window_of_a_frame_that_weaves_is_that_of_the_whole(film_format, spreading):
    recipe = frame_with(
        3.0,
        film_format=film_format,
        pixel_pitch_um=6.0,
        weave_um=60.0,
        **spreading,
        **without(SMOOTH, "backend", "grain"),
    )
    light = scene(300, 260)
    whole = phos.develop(light, recipe=recipe, backend="scipy")
    picture = WholePicture.of(light.shape[:2], recipe)
    for window in ((slice(0, 40), slice(0, 30)), (slice(130, 170), slice(100, 160))):
        tile = picture.tile(window)
        found = develop_window(
            picture, window, light[tile.read_rows, tile.read_cols], backend="scipy"
        )
        np.testing.assert_allclose(found, whole[window], rtol=0, atol=2e-5)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 3), (5, 1), (0, 4, 3)])
def test_a_picture_that_is_smaller_than_its_displacement_is_developed(shape):
    image = np.full(shape, 120, np.uint8)
    found = phos.develop(image, pixel_pitch_um=2.0, weave_um=100.0, backend="scipy")
    assert found.shape == shape


def test_texture_mode_keeps_the_picture_where_it_is():
    with pytest.raises(ValueError, match='weave_um has no part in mode "texture", got 3'):
        Recipe(mode="texture", weave_um=3.0)


# ------------------------------------------------------------------ dust and scratches

WORN = {"dust_per_cm2": 500.0, "scratches": 100.0, "film_format": "super-8", "seed": 3}


def grey(film, side=240, **settings):
    """A grey frame with wear and without, 4 um to the pixel."""
    picture = np.full((side, side, 3), 0.18, np.float32)
    still = {"encoding": "linear", "pixel_pitch_um": 4.0, "backend": "scipy", "grain": 0.0}
    made = [
        phos.develop(picture, film, **(still | WORN | settings | wear)).mean(axis=-1)
        for wear in ({}, {"dust_per_cm2": 0.0, "scratches": 0.0})
    ]
    return made[0] - made[1]


@pytest.mark.parametrize(
    ("film", "settings", "is_white", "is_black"),
    [
        ("portra-400", {}, True, False),
        ("tri-x-400", {}, True, False),
        ("portra-400", {"printing": "endura-premier"}, True, False),
        ("vision3-250d", {"printing": "2383"}, True, True),
        ("velvia-50", {}, False, True),
    ],
)
def test_dust_on_a_negative_is_white_and_on_what_is_projected_black(
    film, settings, is_white, is_black
):
    change = grey(film, scratches=0.0, **settings)
    assert (change.max() > 0.15) == is_white
    assert (change.min() < -0.15) == is_black


def test_a_scratch_in_the_emulsion_of_a_colour_film_has_a_colour():
    picture = np.full((240, 240, 3), 0.18, np.float32)
    settings = {"encoding": "linear", "pixel_pitch_um": 4.0, "backend": "scipy", "grain": 0.0}
    worn = phos.develop(picture, "velvia-50", **(settings | WORN | {"dust_per_cm2": 0.0}))
    still = phos.develop(picture, "velvia-50", film_format="super-8", **settings)
    change = worn - still
    # The yellow dye lies on top: where it is gone, a slide is blue.
    assert (change[..., 2] - change[..., 0]).max() > 0.05


@pytest.mark.parametrize("film_format", ["super-8", "imax"])
def test_scratches_run_as_the_film_does(film_format):
    settings = {"scratches": 100.0, "dust_per_cm2": 0.0, "film_format": film_format, "side": 300}
    change = np.abs(grey("velvia-50", pixel_pitch_um=12.0, **settings))
    along_rows, along_cols = change.mean(axis=0).std(), change.mean(axis=1).std()
    assert (along_rows > 2.0 * along_cols) == (film_format == "super-8")
    assert max(along_rows, along_cols) > 1e-4


@pytest.mark.parametrize(("film_format", "pitch_um"), [("super-8", 10.0), ("vistavision", 20.0)])
def test_the_next_frame_has_the_scratches_that_lie_beyond_a_frames_end_and_other_dust(
    film_format, pitch_um
):
    is_lengthwise = film_format in RUNS_LENGTHWISE
    length = round(FILM_FORMATS_UM[film_format][0 if is_lengthwise else 1] / pitch_um)

    def wear(along, **settings):
        recipe = Recipe(film_format=film_format, seed=3, **settings)
        rows, cols = (range(200), along) if is_lengthwise else (along, range(200))
        marks = marks_of(recipe, 3, rows, cols, pitch_um)
        return wear_field(marks, 3, np.zeros(1, np.float32), rows, cols)

    beyond = wear(range(length, 2 * length), scratches=100.0, frame=6)
    np.testing.assert_allclose(
        beyond, wear(range(length), scratches=100.0, frame=7), rtol=0, atol=1e-5
    )
    assert np.all(beyond.max(axis=(1, 2)) > 0.05)
    dusty = [wear(range(length), dust_per_cm2=500.0, frame=frame) for frame in (6, 7)]
    assert all(dust[plane].max() > 0.3 for dust in dusty for plane in (BLOCKED, OF_PRINT))
    assert np.minimum(*dusty).mean() < 0.2 * dusty[0].mean()


@pytest.mark.parametrize("mode", ["full", "texture"])
def test_a_window_has_the_wear_of_the_whole(mode):
    recipe = Recipe(film="vision3-250d", printing="2383", mode=mode, pixel_pitch_um=4.0, **WORN)
    picture = np.random.default_rng(1).integers(40, 200, (150, 170, 3), dtype=np.uint8)
    whole = phos.develop(picture, recipe=recipe, backend="scipy").astype(int)
    clean = dataclasses.replace(recipe, dust_per_cm2=0.0, scratches=0.0)
    assert (np.abs(phos.develop(picture, recipe=clean, backend="scipy") - whole) > 20).any()
    of_whole = WholePicture.of(picture.shape[:2], recipe)
    for window in ((slice(0, 60), slice(0, 80)), (slice(70, 140), slice(50, 170))):
        tile = of_whole.tile(window)
        found = develop_window(
            of_whole, window, picture[tile.read_rows, tile.read_cols], backend="scipy"
        )
        assert np.abs(found.astype(int) - whole[window]).max() <= 1


@pytest.mark.parametrize("name", ["dust_per_cm2", "scratches"])
def test_a_table_of_colours_has_no_wear(name):
    with pytest.raises(ValueError, match=f'{name} has no part in mode "colour", got 2'):
        Recipe(mode="colour", **{name: 2})

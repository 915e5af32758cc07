import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("phos_app", reason="needs phos-app")
import phos_core as phos
from phos_app.scenes import as_shown, fitted, scene_of
from phos_core.color import decode_srgb
from phos_darkroom.files.colour.profiles import srgb_profile
from phos_darkroom.files.picture import Picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(64, 96, 3), (64, 96)])
def test_a_flat_picture_is_as_bright_at_fewer_pixels(dtype, shape):
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    picture = Picture(pixels=np.full(shape, round(0.4 * top) if top > 1 else 0.4, dtype))
    scene = scene_of(picture, (21, 32))
    assert scene.light.shape[:2] == (21, 32)
    assert scene.light.dtype == np.float32
    assert scene.light == pytest.approx(float(decode_srgb(np.float64(0.4))), abs=2e-3)
    assert as_shown(scene) == pytest.approx(102, abs=1)


@given(
    rows=st.integers(1, 90),
    cols=st.integers(1, 90),
    box=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_light_is_kept_and_the_sides_keep_their_ratio(rows, cols, box, seed):
    light = np.random.default_rng(seed).random((rows, cols, 3), dtype=np.float32)
    size = fitted((rows, cols), box)
    assert size[0] <= min(rows, box[0])
    assert size[1] <= min(cols, box[1])
    assert abs(size[0] * cols - size[1] * rows) <= max(rows, cols)
    scene = scene_of(Picture(pixels=light, encoding="linear"), size)
    if size == (rows, cols):
        np.testing.assert_array_equal(scene.light, light)
    assert scene.light.shape == (*size, 3)
    assert scene.light.mean() == pytest.approx(light.mean(), rel=1e-4)
    assert scene.light.min() >= light.min() - 1e-6
    assert scene.light.max() <= light.max() + 1e-6


def test_pixels_and_parts_of_pixels_are_means():
    light = np.arange(48, dtype=np.float32).reshape(6, 8)
    picture = Picture(pixels=light, encoding="linear")
    expected = light.reshape(3, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(scene_of(picture, (3, 4)).light, expected, rtol=1e-6)
    part = scene_of(picture, (2, 2), (0.5, 1.0, 2.5, 5.0)).light
    columns = (light[:, 1:3].mean(axis=1), light[:, 3:5].mean(axis=1))
    wanted = [[(c[row] + c[row + 1]) / 2 for c in columns] for row in (0, 1)]
    np.testing.assert_allclose(part, wanted, rtol=1e-5)


@pytest.mark.parametrize("size", [(76, 104), (77, 105), (120, 165), (30, 41)])
def test_a_smaller_picture_is_not_blurred_more_than_its_pixels(size):
    """Against the mean over each pixel, computed exactly along a row and a column."""
    rows, cols = 153, 210
    light = np.random.default_rng(1).random((rows, cols), dtype=np.float32)
    exact = overlaps(rows, size[0]) @ light @ overlaps(cols, size[1]).T
    got = scene_of(Picture(pixels=light, encoding="linear"), size).light
    assert np.abs(got - exact).mean() < 0.25 * np.abs(exact - exact.mean()).mean()


def overlaps(many, few):
    """How much of each of many pixels is in each of few."""
    edges = np.arange(few + 1) * (many / few)
    low = np.maximum(edges[:-1, None], np.arange(many))
    high = np.minimum(edges[1:, None], np.arange(1, many + 1))
    return np.maximum(high - low, 0.0) * (few / many)


def test_strips_do_not_show(monkeypatch):
    from phos_app import scenes

    light = np.random.default_rng(3).random((61, 40, 3), dtype=np.float32)
    picture = Picture(pixels=light, encoding="linear")
    whole = scene_of(picture, (14, 9)).light
    monkeypatch.setattr(scenes, "STRIP_PIXELS", 40 * 7)
    np.testing.assert_array_equal(scene_of(picture, (14, 9)).light, whole)


def test_a_scene_is_developed_like_its_picture(rng):
    codes = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    scene = scene_of(Picture(pixels=codes), (40, 60))
    recipe = phos.Recipe(film="portra-400", seed=3)
    of_codes = phos.develop(codes, recipe=recipe, backend="scipy")
    of_light = phos.develop(scene.light, recipe=scene.taken_by(recipe), backend="scipy")
    assert np.abs(255.0 * of_light - of_codes).max() <= 0.51


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_light_in_codes_is_light_in_a_scene_and_on_the_screen(dtype):
    """As a camera's raw file is read; a fifth of white is sRGB's code 124."""
    fifth = np.full((8, 8, 3), np.iinfo(dtype).max // 5, dtype)
    picture = Picture(pixels=fifth, encoding="linear", primaries="prophoto")
    np.testing.assert_allclose(scene_of(picture, (8, 8)).light, 0.2, atol=1e-5)
    np.testing.assert_array_equal(as_shown(picture), 124)
    np.testing.assert_array_equal(as_shown(scene_of(picture, (8, 8))), 124)


def test_light_beyond_the_screen_is_cut():
    picture = Picture(pixels=np.full((2, 2, 3), 7.5, np.float32), encoding="linear")
    assert as_shown(picture).min() == 255


def test_a_wide_gamut_picture_is_shown_in_srgb():
    pixels = np.full((2, 2, 3), 100, np.uint8)
    same = Picture(pixels=pixels)
    assert as_shown(same) is pixels
    linear = Picture(
        pixels=np.tile(np.float32([0.1, 0.6, 0.1]), (2, 2, 1)),
        encoding="linear",
        primaries="rec2020",
    )
    shown = as_shown(linear)
    assert shown[0, 0, 0] == 0  # more saturated than sRGB can be
    assert shown[0, 0, 1] > 180
    assert srgb_profile()

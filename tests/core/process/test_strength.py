"""Strength of the whole look: a blend in light between the picture as it was and the positive."""

import numpy as np
import pytest

import phos_core as phos
from phos_core.color import decode_srgb, encode_srgb, from_linear_srgb, light_to_pq
from phos_core.process.camera import (
    hdr_light_of_scene,
    rendered_light_of_any,
    scene_light_of_any,
    scene_light_of_hdr,
)
from phos_core.process.strength import weakening_of
from phos_core.process.windows import WholePicture, develop_window

FORMS = [
    pytest.param(np.uint8, (40, 60, 3), id="8 bits"),
    pytest.param(np.uint16, (40, 60, 3), id="16 bits"),
    pytest.param(np.float32, (40, 60, 3), id="floats"),
    pytest.param(np.uint8, (40, 60), id="grey"),
]
WAYS = [
    {"film": "cinestill-800t"},
    {"film": "tri-x-400", "printing": "polymax"},
    {"film": "gold-200", "mode": "texture"},
    {"film": "velvia-50", "mode": "colour"},
]


def picture(rng, dtype, shape):
    if dtype is np.float32:
        return rng.random(shape, np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def developed(image, **settings):
    return phos.develop(image, seed=5, backend="scipy", **settings)


@pytest.mark.parametrize(("dtype", "shape"), FORMS)
@pytest.mark.parametrize("way", WAYS)
def test_at_nothing_the_picture_is_what_it_was(rng, dtype, shape, way):
    image = picture(rng, dtype, shape)

    same = developed(image, strength=0.0, **way)

    assert same.dtype == dtype
    off = np.abs(same.astype(np.float64) - image)
    assert off.max() <= (1e-6 if dtype is np.float32 else 0)


@pytest.mark.parametrize("way", WAYS)
def test_between_it_is_linear_in_light(rng, way):
    image = picture(rng, np.float32, (40, 60, 3))
    whole = decode_srgb(developed(image, **way))
    for strength in (0.25, 0.7):
        part = decode_srgb(developed(image, strength=strength, **way))
        expected = decode_srgb(image) + strength * (whole - decode_srgb(image))
        np.testing.assert_allclose(part, expected, atol=2e-6)


@pytest.mark.parametrize("space", ["display-p3", "rec709", "rec2020", "acescg"])
def test_in_every_space_it_is_linear_in_its_light(rng, space):
    image = picture(rng, np.float32, (30, 40, 3))
    decode = {"display-p3": decode_srgb, "acescg": lambda light: light}.get(
        space, lambda codes: codes**2.4
    )
    none, half, whole = (
        decode(developed(image, film="ektar-100", output_space=space, strength=strength))
        for strength in (0.0, 0.5, 1.0)
    )
    np.testing.assert_allclose(half, (none + whole) / 2, atol=3e-6)


def test_a_colour_picture_keeps_half_its_colour_under_black_and_white(rng):
    image = np.full((24, 24, 3), (0.5, 0.3, 0.2), np.float32)
    light = decode_srgb(image)
    half = decode_srgb(developed(image, film="tri-x-400", grain=0.0, strength=0.5))
    np.testing.assert_allclose(
        half[..., 0] - half[..., 2], (light[..., 0] - light[..., 2]) / 2, atol=1e-5
    )


def test_whole_asks_for_no_work():
    assert weakening_of(phos.Recipe()) is None
    assert weakening_of(phos.Recipe(strength=0.999)) is not None


def test_of_the_light_of_a_scene_it_is_what_a_camera_makes_of_it(rng):
    display = rng.random((30, 40, 3), np.float32)
    scene = np.moveaxis(scene_light_of_any(np.moveaxis(display, -1, 0)), 0, -1)
    shown = developed(np.ascontiguousarray(scene), encoding="linear", strength=0.0)
    np.testing.assert_allclose(decode_srgb(shown), display, atol=1e-5)
    lamp = np.full((8, 8, 3), 400.0, np.float32)
    np.testing.assert_allclose(developed(lamp, encoding="linear", strength=0.0), 1.0)


def test_where_light_beyond_white_has_a_place_it_is_shown_without_a_shoulder(rng):
    display = rng.uniform(0, 8, (3, 20, 30)).astype(np.float32)
    scene = np.ascontiguousarray(np.moveaxis(scene_light_of_hdr(display), 0, -1))
    shown = developed(scene, encoding="linear", output_space="acescg", strength=0.0)
    expected = np.moveaxis(display, 0, -1) @ np.array(from_linear_srgb("acescg")).T
    np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=1e-4)


def test_both_renderings_are_inverses_beyond_srgb_too(xp, rng):
    display = rng.uniform(-0.05, 1, (3, 30, 40)).astype(np.float32)
    display[0] = 0.6  # so that no luminance is negative
    for there, back in (
        (scene_light_of_any, rendered_light_of_any),
        (scene_light_of_hdr, hdr_light_of_scene),
    ):
        again = np.asarray(back(there(xp.asarray(display))))
        np.testing.assert_allclose(again, display, atol=2e-4)


def test_an_hdr_display_is_shown_in_hdr_as_it_is_and_rendered_for_sdr(rng):
    codes = rng.integers(0, 42_000, (20, 30, 3)).astype(np.uint16)
    settings = {"input_space": "rec2100-pq", "strength": 0.0}
    same = developed(codes, output_space="rec2100-pq", **settings)
    assert (
        np.abs(same.astype(int) - codes).max() <= 16
    )  # a dark code beside a bright one, in single precision
    white = np.full((4, 4, 3), 65_535 * light_to_pq(np.ones(1))[0], np.uint16)
    in_sdr = developed(white, **settings) / 65_535
    assert 0.85 < in_sdr.min() <= in_sdr.max() < 0.97  # with room for what is brighter


def test_display_light_beyond_white_is_what_a_screen_shows_of_it():
    light = np.full((8, 8, 3), 3.0, np.float32)
    np.testing.assert_allclose(developed(light, encoding="display", strength=0.0), 1.0)
    wide = np.broadcast_to(np.float32([0.2, 1.0, 0.1]), (8, 8, 3)).copy()
    shown = developed(wide, encoding="display", primaries="rec2020", strength=0.0)
    assert shown.min() >= 0.0
    same = developed(
        wide, encoding="display", primaries="rec2020", output_space="rec2020", strength=0.0
    )
    np.testing.assert_allclose(same**2.4, wide, atol=2e-5)


def test_a_window_and_a_stack_are_parts_of_the_whole(rng):
    stack = rng.integers(0, 65_536, (2, 60, 90, 3)).astype(np.uint16)
    settings = {"film": "portra-400", "strength": 0.6}
    positives = phos.develop(stack, seed=[5, 6], backend="scipy", **settings)
    for seed, image, positive in zip((5, 6), stack, positives, strict=True):
        alone = phos.develop(image, seed=seed, backend="scipy", **settings)
        assert np.abs(alone.astype(int) - positive).max() <= 1
    whole = WholePicture.of((60, 90), phos.Recipe(seed=5, **settings))
    window = (slice(10, 40), slice(50, 90))
    tile = whole.tile(window)
    part = develop_window(whole, window, stack[0][tile.read_rows, tile.read_cols], backend="scipy")
    assert np.abs(part.astype(int) - positives[0][window]).max() <= 16


def test_an_input_space_is_blended_as_light(rng):
    display = rng.random((20, 30, 3), np.float32)

    def square_root(codes):
        return codes.astype(np.float32) ** 2

    shown = developed(np.sqrt(display), input_space=square_root, encoding="display", strength=0.0)
    np.testing.assert_allclose(shown, encode_srgb(display), atol=1e-5)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strength_is_a_share(strength):
    with pytest.raises(ValueError, match="strength"):
        phos.Recipe(strength=strength)


def test_a_negatives_densities_have_no_strength():
    with pytest.raises(ValueError, match='strength has no part in output_space "adx16"'):
        phos.Recipe(output_space="adx16", strength=0.5)


def test_a_positive_that_weaves_is_not_blended_with_a_picture_that_does_not():
    """Every edge would be there twice."""
    with pytest.raises(ValueError, match=r"strength must be 1 with weave_um, .*, got 0.5"):
        phos.Recipe(weave_um=10.0, strength=0.5)
    phos.Recipe(breathing_stops=0.1, strength=0.5)

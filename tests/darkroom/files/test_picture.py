"""A picture has one light, and its codes keep their tones at every depth."""

import numpy as np
import pytest

from phos_core.color import to_linear_srgb
from phos_darkroom.files.depth import at_depth, rescaled
from phos_darkroom.files.picture import Picture, on_screen

DEPTHS = [np.uint8, np.uint16, np.float32]


def test_codes_come_back_from_every_greater_depth():
    codes = np.arange(256, dtype=np.uint8)
    for deeper in (np.uint16, np.float32):
        np.testing.assert_array_equal(at_depth(at_depth(codes, deeper), np.uint8), codes)
    all_of_16 = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(at_depth(at_depth(all_of_16, np.float32), np.uint16), all_of_16)


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("into", DEPTHS)
def test_black_and_white_are_exactly_that_at_every_depth(dtype, into):
    black, white = at_depth(at_depth(np.array([0, 255], np.uint8), dtype), into)
    assert (black, white) == (0, 1 if into == np.float32 else np.iinfo(into).max)


def test_a_code_goes_to_the_nearest_of_another_depth():
    codes = np.arange(65536, dtype=np.uint16)
    exact = codes * (255 / 65535)
    assert np.abs(at_depth(codes, np.uint8) - exact).max() <= 0.5
    assert np.abs(at_depth((codes / 65535).astype(np.float32), np.uint8) - exact).max() <= 0.501
    twelve = np.arange(4096, dtype=np.uint16)
    assert np.abs(rescaled(twelve, 4095, np.uint16) - twelve * (65535 / 4095)).max() <= 0.5


def test_floats_beyond_black_and_white_are_clipped_only_where_codes_end():
    beyond = np.array([-0.5, 1.5], np.float32)
    assert at_depth(beyond, np.uint8).tolist() == [0, 255]
    assert at_depth(beyond, np.float32) is beyond


def test_a_pictures_alpha_goes_to_the_depth_of_its_pixels():
    alpha = np.array([[0, 128, 255]], np.uint8)
    picture = Picture(pixels=np.zeros((1, 3, 3), np.uint8), alpha=alpha)
    np.testing.assert_array_equal(picture.at_depth(np.uint16).alpha, alpha.astype(np.uint16) * 257)
    assert picture.at_depth(np.uint8) is picture


def test_light_has_the_primaries_that_the_picture_names():
    """Scene-linear light its own; codes those of sRGB, whatever the picture says."""
    pixels = np.full((1, 1, 3), 0.5, np.float32)
    scene = Picture(pixels=pixels, encoding="linear", primaries="rec2020")
    assert scene.light_primaries == "rec2020"
    np.testing.assert_array_equal(scene.light(), pixels)
    assert Picture(pixels=pixels, primaries="rec2020").light_primaries == "srgb"


def test_a_screen_shows_light_of_any_primaries_in_srgbs_and_cuts_it_off():
    light = np.array([[[0.2, 0.4, 0.3], [3.0, 3.0, 3.0], [0.0, 0.9, 0.0]]], np.float32)
    expected = np.clip(light.astype(np.float64) @ to_linear_srgb("prophoto").T, 0.0, 1.0)
    np.testing.assert_allclose(on_screen(light, "prophoto"), expected, atol=1e-6)
    np.testing.assert_array_equal(on_screen(light, "srgb"), np.clip(light, 0.0, 1.0))
    grey = np.array([[0.25, 2.0]], np.float32)
    assert on_screen(grey, "prophoto").tolist() == [[0.25, 1.0]]

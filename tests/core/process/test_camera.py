"""Laws of taking a camera's rendering back."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phos_core.arrays import array_namespace
from phos_core.color import LUMINANCE, decode_srgb
from phos_core.process.camera import (
    CONTRAST,
    FULL_OPENING,
    PROPORTIONAL,
    WHITE,
    display_light_of_codes,
    highlights_gain,
    opening_of,
    rendered_light,
    scene_light,
    scene_light_of_any,
    scene_light_of_codes,
    scene_light_of_hdr,
    scene_light_of_srgb,
)
from phos_core.stocks.baking.light import FILE_WHITE_STOPS

display_levels = st.floats(0.0, 1.0)
display_colours = st.lists(display_levels, min_size=3, max_size=3).map(
    lambda colour: np.array(colour).reshape(3, 1, 1)
)


def grey_codes(dtype: type, codes: np.ndarray) -> np.ndarray:
    """A neutral wedge (3, 1, n) of these codes."""
    return np.broadcast_to(codes.astype(dtype), (3, 1, len(codes)))


def odds(display: np.ndarray) -> np.ndarray:
    return WHITE * display / (1.0 - WHITE * display)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mid_grey_stays_where_it_is(channels, dtype, xp):
    grey = xp.full((channels, 2, 2), 0.18, dtype=getattr(xp, dtype))

    np.testing.assert_allclose(np.asarray(scene_light(grey)), 0.18, rtol=1e-6)


@settings(max_examples=200)
@given(display=display_colours)
def test_is_a_power_law_of_the_odds(display):
    expected = 0.18 * (odds(display) / odds(np.array(0.18))) ** (1.0 / CONTRAST)

    np.testing.assert_allclose(scene_light(display), expected, rtol=1e-9)


@settings(max_examples=200)
@given(first=display_levels, second=display_levels)
def test_brighter_greys_come_from_brighter_scenes(first, second):
    darker, brighter = sorted((first, second))
    light = scene_light(np.array([[[darker, brighter]]])).ravel()

    assert light[0] <= light[1]
    assert light[0] < light[1] or brighter - darker < 1e-9


@settings(max_examples=100)
@given(display=display_levels)
def test_neutral_stays_neutral_and_one_channel_is_as_good_as_three(display):
    three = scene_light(np.full((3, 1, 1), display)).ravel()
    one = scene_light(np.full((1, 1, 1), display)).ravel()

    assert three[0] == three[1] == three[2]
    np.testing.assert_allclose(one, three[:1], rtol=1e-9)


@settings(max_examples=200)
@given(display=display_colours, channel=st.integers(0, 2), more=st.floats(0.0, 1.0))
def test_more_of_a_channel_takes_nothing_from_any(display, channel, more):
    raised = display.copy()
    raised[channel] += more * (1.0 - raised[channel])

    before, after = scene_light(display), scene_light(raised)

    assert (after >= before * (1.0 - 1e-12)).all()


def test_contrast_of_the_camera_comes_off_in_the_shadows():
    dark, twice = scene_light(np.array([[[1e-4, 2e-4]]])).ravel()

    assert twice / dark == pytest.approx(2.0 ** (1.0 / CONTRAST), rel=1e-3)


def test_white_of_a_file_is_where_slides_and_prints_take_it_to_be():
    white = scene_light(np.ones((1, 1, 1))).item()

    assert np.log2(white / 0.18) == pytest.approx(FILE_WHITE_STOPS, abs=1e-3)


@settings(max_examples=200)
@given(display=display_colours, opening=st.floats(0.0, 0.999))
def test_one_gain_for_all_channels_opens_what_lies_near_white(display, opening):
    luminance = (np.array(LUMINANCE) * display.ravel()).sum()

    gain = highlights_gain(display, opening)

    assert gain.shape == (1, 1, 1)
    assert gain.item() == pytest.approx(1.0 / (1.0 - opening * luminance**16), rel=1e-9)


@pytest.mark.parametrize("stops", [0.0, 0.5, 1.5, 6.0])
def test_a_white_is_opened_by_the_stops_that_are_asked_for(stops):
    white = highlights_gain(np.ones((3, 1, 1)), opening_of(stops)).item()

    assert np.log2(white) == pytest.approx(stops, abs=1e-9)


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("others", [0, 118, 200])
def test_a_single_clipped_channel_is_not_opened(channel, others):
    codes = np.full((3, 1, 1), others, dtype=np.uint8)
    codes[channel] = 255

    gain = highlights_gain(display_light_of_codes(codes, np.uint8), FULL_OPENING).item()

    assert gain < 1.6


@pytest.mark.parametrize(
    ("dtype", "codes"),
    [
        (np.uint8, np.arange(256)),
        (np.uint16, np.append(np.arange(0, 65536, 97), np.arange(65436, 65536))),
    ],
    ids=["uint8", "uint16"],
)
def test_tables_are_the_formula(dtype, codes, xp):
    wedge = grey_codes(dtype, codes)

    light = scene_light_of_codes(xp.asarray(wedge), dtype)

    expected = scene_light_of_srgb(wedge / float(np.iinfo(dtype).max))
    assert light.dtype == xp.float32
    assert light.shape == wedge.shape
    np.testing.assert_allclose(np.asarray(light), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_code_is_brighter_than_the_one_before(dtype):
    codes = np.arange(np.iinfo(dtype).max + 1)
    light = scene_light_of_codes(grey_codes(dtype, codes)[:1], dtype)

    assert light[0, 0, 0] == 0.0
    assert (np.diff(light) > 0.0).all()


def test_codes_are_looked_up_pixel_by_pixel(xp, rng):
    codes = rng.integers(0, 256, (3, 5, 7)).astype(np.uint8)
    light = np.asarray(scene_light_of_codes(xp.asarray(codes), np.uint8))

    np.testing.assert_allclose(light, scene_light_of_srgb(codes / 255.0), rtol=1e-5)


def test_codes_of_other_types_are_refused():
    with pytest.raises(TypeError, match="uint8 or uint16"):
        scene_light_of_codes(np.zeros((1, 1, 1), dtype=np.int32), np.int32)


@pytest.mark.parametrize("function", [scene_light, scene_light_of_any, scene_light_of_srgb])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_namespace_dtype_shape_and_its_argument(function, dtype, xp):
    display = np.linspace(0.0, 1.0, 60, dtype=dtype).reshape(3, 4, 5)
    given_display = xp.asarray(display, copy=True)

    light = function(given_display)

    assert array_namespace(light) is array_namespace(given_display)
    assert light.dtype == given_display.dtype
    assert light.shape == (3, 4, 5)
    np.testing.assert_array_equal(np.asarray(given_display), display)
    np.testing.assert_allclose(np.asarray(light), function(display.astype(np.float64)), rtol=1e-5)


# Of light that may lie beyond sRGB.

any_colours = st.lists(st.floats(-0.6, 1.7), min_size=3, max_size=3).map(
    lambda colour: np.array(colour).reshape(3, 1, 1)
)


@settings(max_examples=200)
@given(display=display_colours)
def test_a_colour_within_srgb_is_what_its_codes_give(display):
    np.testing.assert_allclose(scene_light_of_any(display), scene_light(display), rtol=1e-12)


@settings(max_examples=200)
@given(display=any_colours)
def test_what_lies_beyond_srgb_keeps_its_direction(display):
    inside = np.clip(display, 0.0, 1.0)
    beyond = (scene_light_of_any(display) - scene_light(inside)).ravel()
    direction = (display - inside).ravel()

    np.testing.assert_allclose(np.cross(beyond, direction), 0.0, atol=1e-9 * abs(beyond).max())
    assert beyond @ direction >= 0.0


@settings(max_examples=200)
@given(display=any_colours, towards=any_colours)
def test_the_scene_has_no_edge_where_a_colour_leaves_srgb(display, towards):
    """A tenth of a step makes less than a tenth of what ten such steps may at most."""
    at = 0.1 + 0.4 * display
    step = 1e-3 * (np.clip(towards, -0.6, 0.9) - at)
    assume(
        (np.array(LUMINANCE) * at.clip(0.0, 0.9).ravel()).sum() > 0.1
    )  # the law is steep in black
    start, short, long = (scene_light_of_any(at + share * step) for share in (0.0, 0.1, 1.0))

    assert np.abs(short - start).max() <= 1e-3
    assert np.abs(long - start).max() <= 1e-2


def test_light_beyond_white_is_brighter_than_white():
    white, beyond = scene_light_of_any(np.broadcast_to([1.0, 1.2], (3, 1, 2)))[0, 0]

    assert beyond == pytest.approx(1.2 * white)


# And rendered again.


@settings(max_examples=200)
@given(display=display_levels)
def test_rendering_gives_back_what_was_taken_back(display):
    light = np.array([[[display]]])

    np.testing.assert_allclose(rendered_light(scene_light(light)), light, rtol=1e-9, atol=1e-12)


@settings(max_examples=100)
@given(first=st.floats(-1.0, 1e5), second=st.floats(-1.0, 1e5))
def test_a_brighter_scene_is_rendered_brighter_up_to_saturation(first, second):
    darker, brighter = rendered_light(np.array([[sorted((first, second))]])).ravel()

    assert 0.0 <= darker <= brighter <= 1.0 / WHITE


def test_rendering_keeps_namespace_and_dtype(xp):
    scene = xp.asarray([[[-0.1, 0.0, 0.18, 5000.0]]], dtype=xp.float32)

    rendered = rendered_light(scene)

    assert array_namespace(rendered) is xp
    assert rendered.dtype == xp.float32
    np.testing.assert_allclose(np.asarray(rendered)[0, 0, :3], [0.0, 0.0, 0.18], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_codes_are_display_light(dtype):
    codes = np.arange(0, np.iinfo(dtype).max + 1, 17, dtype=dtype).reshape(1, 1, -1)

    light = display_light_of_codes(codes, dtype)

    expected = decode_srgb(codes / np.iinfo(dtype).max)
    np.testing.assert_allclose(light, expected, rtol=1e-6)


# ---- HDR renderings


@pytest.mark.parametrize("channels", [1, 3])
def test_an_hdr_renderings_mid_tones_are_those_of_an_sdr_rendering(channels, xp):
    levels = np.linspace(0.0, PROPORTIONAL, 50, dtype=np.float32)
    display = xp.asarray(np.broadcast_to(levels, (channels, 1, 50)).copy())

    np.testing.assert_allclose(
        np.asarray(scene_light_of_hdr(display)), np.asarray(scene_light(display)), rtol=1e-5
    )


@settings(max_examples=200)
@given(
    colour=st.lists(st.floats(PROPORTIONAL, 1.0), min_size=3, max_size=3),
    times=st.floats(1.0, 50.0),
)
def test_an_hdr_light_so_many_times_as_bright_is_so_in_the_scene_and_of_the_same_hue(colour, times):
    display = np.array(colour).reshape(3, 1, 1)

    np.testing.assert_allclose(
        scene_light_of_hdr(display * times), scene_light_of_hdr(display) * times, rtol=1e-9
    )


def test_scene_light_rises_smoothly_with_hdr_light_through_mid_tones_and_white():
    display = np.geomspace(1e-3, 50.0, 20_001)
    scene = scene_light_of_hdr(display.reshape(1, 1, -1)).ravel()
    slope = np.diff(np.log(scene)) / np.diff(np.log(display))

    assert slope.min() > 1.0 / CONTRAST - 1e-6
    assert slope.max() < 1.0 + 1e-6
    assert np.abs(np.diff(slope)).max() < 1e-3  # no kink, so no edge in a gradient


def test_the_grey_and_the_white_of_bt2408_are_apart_as_their_reflectances():
    grey, white = scene_light_of_hdr(np.array([[[26 / 203, 1.0]]])).ravel()

    assert np.log2(white / grey) == pytest.approx(np.log2(100 / 18), abs=0.15)


def test_hdr_light_beyond_srgb_keeps_its_sign_and_grows_in_proportion():
    display = np.array([1.0, 0.8, -0.1]).reshape(3, 1, 1)
    scene = scene_light_of_hdr(display)

    assert scene[2, 0, 0] < 0.0
    np.testing.assert_allclose(scene_light_of_hdr(display * 8), scene * 8, rtol=1e-9)

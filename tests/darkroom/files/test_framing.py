"""Framing: the film has the frame, and a pixel keeps its width on it."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import phos_core as phos
from phos_core.color import decode_srgb, encode_codes
from phos_darkroom import Framing, Metadata, Picture, Resolution, develop_picture, framed
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.framing.record import crop_from
from phos_darkroom.files.framing.straightening import largest_within
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.large import memory

RECIPE = phos.Recipe(seed=3)


@pytest.fixture
def codes(rng):
    return rng.integers(0, 65_536, (48, 72, 3)).astype(np.uint16)


def seen(picture, **framing):
    return framed(picture, Framing(**framing)).wanted


def test_turned_clockwise_and_then_flipped():
    picture = Picture(pixels=np.array([[1, 2, 3], [4, 5, 6]], np.uint8))

    assert seen(picture, turns=1).pixels.tolist() == [[4, 1], [5, 2], [6, 3]]
    assert seen(picture, turns=2).pixels.tolist() == [[6, 5, 4], [3, 2, 1]]
    assert seen(picture, turns=3).pixels.tolist() == [[3, 6], [2, 5], [1, 4]]
    assert seen(picture, flipped=True).pixels.tolist() == [[3, 2, 1], [6, 5, 4]]
    assert seen(picture, turns=1, flipped=True).pixels.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert seen(picture, turns=2, flipped=True).pixels.tolist() == [[4, 5, 6], [1, 2, 3]]
    assert seen(picture, turns=3, flipped=True).pixels.tolist() == [[6, 3], [5, 2], [4, 1]]


def test_alpha_and_the_gain_map_go_with_the_pixels(codes):
    grey = codes[..., 0]
    stops = GainMap(stops=grey.astype(np.float32))
    picture = Picture(pixels=grey, alpha=grey, gain_map=stops)

    for framing in ({"turns": 3, "flipped": True}, {"crop": (0.2, 0.3, 0.6, 0.9)}):
        view = seen(picture, **framing)
        np.testing.assert_array_equal(view.alpha, view.pixels)
        np.testing.assert_array_equal(view.gain_map.stops, view.pixels)


def test_straightened_clockwise_a_slanted_edge_stands_upright():
    slant = math.radians(7)
    rows, cols = np.indices((121, 161)) - np.array([60, 80])[:, None, None]
    edge = np.clip(0.5 + cols * math.cos(slant) - rows * math.sin(slant), 0, 1)  # leans left
    picture = Picture(pixels=edge.astype(np.float32), encoding="linear")

    upright = seen(picture, straighten_degrees=7).pixels

    middle = (upright.shape[1] - 1) // 2
    assert upright[:, : middle - 2].max() == 0.0
    assert upright[:, middle + 3 :].min() == 1.0
    np.testing.assert_allclose(upright[:, middle], 0.5, atol=0.05)


def test_nothing_rings_and_a_flat_field_stays_what_it_is(rng):
    for encoding, dtype in (("srgb", np.uint8), ("srgb", np.uint16), ("linear", np.float32)):
        flat = np.full((40, 60, 3), 77, dtype)
        assert (
            seen(Picture(pixels=flat, encoding=encoding), straighten_degrees=9).pixels == 77
        ).all()
        two = np.where(rng.random((40, 60)) < 0.5, 20, 200).astype(dtype)
        turned = seen(Picture(pixels=two, encoding=encoding), straighten_degrees=9).pixels
        assert turned.min() >= 20
        assert turned.max() <= 200


def test_it_is_the_light_that_is_straightened():
    stripes = np.zeros((120, 120), np.uint8)
    stripes[:, ::2] = 255
    picture = Picture(pixels=stripes)

    turned = seen(picture, straighten_degrees=20).pixels

    light = decode_srgb(turned / 255.0).mean()
    assert light == pytest.approx(0.5, abs=0.01)  # interpolated in codes, it is 0.4


def test_a_lamp_that_a_lens_drew_keeps_its_light():
    rows, cols = np.indices((61, 81))
    for place in np.linspace(0, 1, 8):
        distance = (rows - 30 - place) ** 2 + (cols - 40 - place / 3) ** 2
        lamp = (900 * np.exp(-distance / 2 / 0.7**2)).astype(np.float32)
        turned = seen(Picture(pixels=lamp, encoding="linear"), straighten_degrees=5).pixels
        assert turned.sum() == pytest.approx(lamp.sum(), rel=0.08)


def test_a_profiles_codes_are_straightened_in_light_and_come_back(codes):
    smooth = np.full((40, 60, 3), (9_000, 20_000, 40_000), np.uint16)
    metadata = Metadata(icc_profile=profiles.adobe_rgb_profile())
    picture = Picture(pixels=smooth, encoding="profile", metadata=metadata)

    turned = seen(picture, straighten_degrees=-4)

    assert turned.encoding == "profile"
    assert np.abs(turned.pixels.astype(int) - smooth[0, 0]).max() <= 1


@given(
    rows=st.integers(1, 60),
    cols=st.integers(1, 60),
    degrees=st.floats(-45, 45, allow_nan=False),
)
def test_no_corner_is_empty(rows, cols, degrees):
    turn = math.radians(abs(degrees))

    inner_rows, inner_cols = largest_within((rows, cols), degrees)

    assert (rows - inner_rows) % 2 == (cols - inner_cols) % 2 == 0
    if inner_rows > 2 and inner_cols > 2:
        across = inner_cols * math.cos(turn) + inner_rows * math.sin(turn)
        down = inner_cols * math.sin(turn) + inner_rows * math.cos(turn)
        assert across <= cols + 1e-6
        assert down <= rows + 1e-6
    bright = Picture(pixels=np.full((rows, cols), 250, np.uint8))
    assert (seen(bright, straighten_degrees=degrees).pixels == 250).all()


def test_what_remains_is_the_largest():
    assert largest_within((200, 300), 0) == (200, 300)
    rows, cols = largest_within((2000, 3000), 10)
    turn = math.radians(10)
    touches = cols * math.sin(turn) + rows * math.cos(turn)
    assert 2000 - 4 < touches <= 2000
    assert cols / rows == pytest.approx(1.5, abs=2e-3)


@pytest.mark.parametrize(
    ("ratio", "shape", "wanted"),
    [
        ("3:2", (400, 900), (400, 600)),
        ("3:2", (900, 400), (600, 400)),  # lies as the picture does
        ("2:3", (400, 900), (400, 267)),  # stands upright
        ("1:1", (401, 900), (401, 401)),
        ("65:24", (600, 900), (332, 900)),
        ("2.39:1", (600, 900), (377, 900)),
    ],
)
def test_a_ratio_is_the_largest_such_part_in_the_middle(ratio, shape, wanted):
    rows, cols = Framing(crop=ratio).window(*shape)

    assert (rows.stop - rows.start, cols.stop - cols.start) == wanted
    assert abs(rows.start - (shape[0] - rows.stop)) <= 1
    assert abs(cols.start - (shape[1] - cols.stop)) <= 1


def test_shares_become_whole_pixels_and_never_none():
    assert Framing(crop=(0.25, 0.1, 0.75, 0.9)).window(100, 50) == (slice(25, 75), slice(5, 45))
    assert Framing(crop=(0.999, 0.5, 1, 0.5000001)).window(3, 3) == (slice(2, 3), slice(2, 3))
    one, other = Framing(crop=(0, 0, 0.37, 1)), Framing(crop=(0.37, 0, 1, 1))
    assert one.window(101, 9)[0].stop == other.window(101, 9)[0].start


def test_a_crop_is_developed_as_the_same_part_of_the_whole(codes):
    picture = Picture(pixels=codes)
    recipe = phos.Recipe(seed=3, film="cinestill-800t", offset_px=(5, 9))  # its light goes far
    framing = Framing(turns=1, flipped=True, crop=(0.2, 0.3, 0.8, 0.9))

    turned, whole_report = develop_picture(
        seen(picture, turns=1, flipped=True), recipe, backend="scipy"
    )
    part, report = develop_picture(picture, recipe, framing=framing, backend="scipy")

    window = framing.window(72, 48)
    assert np.abs(part.pixels.astype(int) - turned.pixels[window]).max() <= 16
    assert report.pixel_pitch_um == whole_report.pixel_pitch_um


def test_a_crop_is_developed_within_the_memory_that_there_is(rng, monkeypatch):
    picture = Picture(pixels=rng.integers(0, 65_536, (260, 90, 3)).astype(np.uint16))
    framing = Framing(crop=(0.1, 0.1, 0.9, 0.9))
    at_once, _ = develop_picture(picture, RECIPE, framing=framing, backend="scipy")
    monkeypatch.setattr(memory, "allowed_bytes", lambda _: memory.resident_bytes() + 60 * 90 * 80)

    by_strips, report = develop_picture(picture, RECIPE, framing=framing, backend="scipy")

    assert report.tiles == 4
    assert np.abs(by_strips.pixels.astype(int) - at_once.pixels).max() <= 16


def test_straightened_a_pixel_keeps_its_width_and_the_grain_its_place():
    flat = Picture(pixels=np.full((80, 120), 20_000, np.uint16))
    recipe = phos.Recipe(seed=3, film="tri-x-400", pixel_pitch_um=8.0)

    whole, _ = develop_picture(flat, recipe, backend="scipy")
    straight, report = develop_picture(
        flat, recipe, framing=Framing(straighten_degrees=6), backend="scipy"
    )

    rows, cols = straight.pixels.shape
    top, left = (80 - rows) // 2, (120 - cols) // 2
    assert (
        np.abs(
            straight.pixels.astype(int) - whole.pixels[top : top + rows, left : left + cols]
        ).max()
        <= 16
    )
    assert report.pixel_pitch_um == 8.0
    whole_report = develop_picture(flat, RECIPE, backend="scipy")[1]
    framing = Framing(straighten_degrees=6, crop="1:1")
    report = develop_picture(flat, RECIPE, framing=framing, backend="scipy")[1]
    assert report.pixel_pitch_um == whole_report.pixel_pitch_um


def test_a_crop_is_balanced_on_the_whole_frame(codes):
    codes[:, :36] //= 8
    picture, recipe = Picture(pixels=codes), phos.Recipe(seed=3, auto_balance=True)
    framing = Framing(crop=(0, 0.6, 1, 1))

    whole, _ = develop_picture(picture, recipe, backend="scipy")
    part, _ = develop_picture(picture, recipe, framing=framing, backend="scipy")

    window = framing.window(48, 72)
    assert np.abs(part.pixels.astype(int) - whole.pixels[window]).max() <= 16


def test_resolution_lies_with_the_picture():
    metadata = Metadata(resolution=Resolution(300, 150))
    picture = Picture(pixels=np.zeros((4, 6), np.uint8), metadata=metadata)

    assert seen(picture, turns=1).metadata.resolution == Resolution(150, 300)
    assert seen(picture, turns=2).metadata.resolution == Resolution(300, 150)


def test_a_framing_is_the_same_again_from_json():
    for framing in (
        Framing(),
        Framing(turns=3, flipped=True, straighten_degrees=-1.3, crop=(0.1, 0.2, 0.7, 1 / 3 + 0.5)),
        Framing(crop="16:9"),
    ):
        assert Framing.from_values(json.loads(json.dumps(framing.values()))) == framing


def test_a_crop_is_typed_across_before_down():
    assert crop_from("0.1,0.2,0.7,0.9") == (0.2, 0.1, 0.9, 0.7)
    assert crop_from("4:5") == "4:5"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"turns": 4}, ValueError),
        ({"turns": True}, TypeError),
        ({"flipped": 1}, TypeError),
        ({"straighten_degrees": 45.1}, ValueError),
        ({"straighten_degrees": math.nan}, ValueError),
        ({"straighten_degrees": "2"}, TypeError),
        ({"crop": "3:0"}, ValueError),
        ({"crop": "wide"}, ValueError),
        ({"crop": (0, 0, 1)}, ValueError),
        ({"crop": (0.5, 0, 0.5, 1)}, ValueError),
        ({"crop": (0, 0, 1, 1.1)}, ValueError),
        ({"crop": 3}, TypeError),
    ],
)
def test_a_wrong_framing_is_refused_by_name(wrong, error):
    (name,) = wrong
    with pytest.raises(error, match=name):
        Framing(**wrong)


def test_an_unknown_setting_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"rotate.*turns, flipped"):
        Framing.from_values({"rotate": 1})


def test_light_that_is_straightened_is_coded_as_before():
    ramp = np.broadcast_to(encode_codes(np.linspace(0, 1, 90), np.uint8), (60, 90)).copy()
    flipped = seen(Picture(pixels=ramp), straighten_degrees=1e-6)
    np.testing.assert_array_equal(flipped.pixels, ramp[1:-1, 1:-1])

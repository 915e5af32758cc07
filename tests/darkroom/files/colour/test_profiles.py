"""Codes go to light as their colour profile says, and come back; a hostile profile is one error.

The profiles are written here by hand, from the layout of ICC.1, and each has its own formula in
float64 beside it.
"""

import os
import random
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.color import PRIMARIES, decode_srgb
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.colour.icc import MAX_PROFILE_BYTES

BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
D50 = np.array([0.9642, 1.0, 0.8249])
ADOBE_RGB = (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.3290))
SPACES = {**PRIMARIES, "adobe-rgb": ADOBE_RGB}
XYZ_UNIT = 1 + 32767 / 32768  # the XYZ that a table's largest number stands for

LINEAR = struct.pack(">4sII", b"curv", 0, 0)


def s15f16(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(65536 * n) for n in numbers))


def power(gamma):
    return struct.pack(">4sIIH", b"curv", 0, 1, round(256 * gamma))


def table(light):
    codes = np.round(65535 * np.asarray(light)).astype(">u2")
    return struct.pack(">4sII", b"curv", 0, codes.size) + codes.tobytes()


def formula(kind, *numbers):
    return struct.pack(">4sIHH", b"para", 0, kind, 0) + s15f16(*numbers)


SRGB_CURVE = formula(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def icc(tags, *, device=b"mntr", colours=b"RGB ", meets_in=b"XYZ "):
    """Put tags behind a header and a list of them."""
    offset = 132 + 12 * len(tags)
    listed, data = b"", b""
    for name, tag in tags.items():
        listed += struct.pack(">4sII", name, offset + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    head = struct.pack(
        ">I4sI4s4s4s6H4s",
        offset + len(data),
        b"",
        0x04400000,
        device,
        colours,
        meets_in,
        *(2000, 1, 1, 0, 0, 0),
        b"acsp",
    )
    head = (head.ljust(68, b"\0") + s15f16(*D50)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + listed + data


def xyz_tag(colour):
    return struct.pack(">4sI", b"XYZ ", 0) + s15f16(*colour)


def to_d50(space):
    """A space's matrix to XYZ under D50, by Bradford's adaptation."""
    primaries, white = SPACES[space]
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    x, y = white
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    gains = (BRADFORD @ D50) / (BRADFORD @ white)
    adapted = np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD
    return adapted @ (columns * np.linalg.solve(columns, white))


def to_srgb(space):
    """A space's matrix to linear sRGB."""
    return np.linalg.solve(to_d50("srgb"), to_d50(space))


def matrix_profile(space, curve):
    colorants = to_d50(space).T
    primaries = {
        name: xyz_tag(c) for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    }
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return icc(primaries | curves)


def grey_profile(curve):
    return icc({b"kTRC": curve}, colours=b"GRAY")


def mft2(matrix, tables_in, grid, nodes, tables_out):
    """A 16-bit table: matrix, curves, a cube of three inputs, curves."""
    head = struct.pack(">4sIBBBB", b"mft2", 0, len(tables_in), len(tables_out), grid, 0)
    head += s15f16(*np.ravel(matrix))
    head += struct.pack(">HH", len(tables_in[0]), len(tables_out[0]))
    numbers = np.concatenate([np.ravel(tables_in), np.ravel(nodes), np.ravel(tables_out)])
    return head + np.round(65535 * np.clip(numbers, 0, 1)).astype(">u2").tobytes()


CORNERS = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0, 1.0], indexing="ij"), axis=-1)
STEPS = np.linspace(0, 1, 4096)


def mft2_profile(space, gamma):
    """What a matrix profile does, said by tables, there and back."""
    there = mft2(
        np.eye(3),
        [STEPS**gamma] * 3,
        2,
        CORNERS @ to_d50(space).T / XYZ_UNIT,
        [[0.0, 1.0]] * 3,
    )
    back = mft2(
        np.linalg.inv(to_d50(space)) * XYZ_UNIT / 2,
        [[0.0, 1.0]] * 3,
        2,
        CORNERS,
        [np.minimum(2 * STEPS, 1) ** (1 / gamma)] * 3,
    )
    # The white of the medium counts for absolute colours alone, and must not be seen.
    return icc({b"A2B0": there, b"B2A0": back, b"wtpt": xyz_tag((0.7, 0.75, 0.5))})


def mab_profile(space, gamma):
    """The same as a chain of curve, cube, curve, matrix, curve, with no way back."""
    curves = formula(0, gamma) * 3
    plain = LINEAR * 3
    cube = bytes([2, 2, 2] + [0] * 13 + [2, 0, 0, 0])
    cube += np.round(65535 * CORNERS).astype(">u2").tobytes()
    matrix = s15f16(*np.ravel(to_d50(space) / XYZ_UNIT), 0, 0, 0)
    parts = {"B": plain, "matrix": matrix, "M": plain, "cube": cube, "A": curves}
    offsets, data = [], b""
    for part in parts.values():
        offsets.append(32 + len(data))
        data += part + bytes(-len(part) % 4)
    head = struct.pack(">4sIBBH5I", b"mAB ", 0, 3, 3, 0, *offsets)
    return icc({b"A2B0": head + data})


def lab_profile():
    """A scanner's tables that meet in Lab: grey by lightness alone, the cube root's curve."""
    lightness = np.stack(
        [CORNERS.mean(axis=-1) * 0xFF00 / 0xFFFF] + [np.full((2, 2, 2), 0x8000 / 0xFFFF)] * 2,
        axis=-1,
    )
    there = mft2(np.eye(3), [[0.0, 1.0]] * 3, 2, lightness, [[0.0, 1.0]] * 3)
    return icc({b"A2B0": there}, device=b"scnr", meets_in=b"Lab ")


def adobe_light(codes):
    return codes ** (563 / 256)


def romm_light(codes):
    return np.where(codes < 16 / 512, codes / 16, codes**1.8)


def rec2020_light(codes):
    a, b = 1.09929682680944, 0.018053968510807
    return np.where(codes < 4.5 * b, codes / 4.5, ((codes + a - 1) / a) ** (1 / 0.45))


MATRIX_PROFILES = {
    "display-p3": (matrix_profile("display-p3", SRGB_CURVE), decode_srgb),
    "adobe-rgb": (matrix_profile("adobe-rgb", power(563 / 256)), adobe_light),
    "prophoto": (matrix_profile("prophoto", formula(3, 1.8, 1, 0, 1 / 16, 16 / 512)), romm_light),
    "rec2020": (
        matrix_profile(
            "rec2020",
            formula(
                4,
                1 / 0.45,
                1 / 1.09929682680944,
                0.09929682680944 / 1.09929682680944,
                1 / 4.5,
                4.5 * 0.018053968510807,
                0,
                0,
            ),
        ),
        rec2020_light,
    ),
    "srgb": (matrix_profile("srgb", table(decode_srgb(np.linspace(0, 1, 4096)))), decode_srgb),
}
PROFILES = {
    **{name: profile for name, (profile, _) in MATRIX_PROFILES.items()},
    "mft2": mft2_profile("adobe-rgb", 2.0),
    "mab": mab_profile("adobe-rgb", 2.2),
    "lab": lab_profile(),
    "grey": grey_profile(power(2.2)),
}


@pytest.fixture
def colours(rng):
    """16-bit colours, the corners of the cube among them."""
    some = rng.integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    some[0, :8] = 65535 * CORNERS.reshape(8, 3)
    return some


@pytest.mark.parametrize("space", MATRIX_PROFILES)
def test_light_is_what_the_formulas_of_the_space_give(space, colours):
    profile, light_of = MATRIX_PROFILES[space]
    expected = light_of(colours / 65535) @ to_srgb(space).T
    assert np.abs(profiles.to_light(colours, profile) - expected).max() <= 1e-4


@pytest.mark.parametrize(
    ("name", "space", "gamma"), [("mft2", "adobe-rgb", 2.0), ("mab", "adobe-rgb", 2.2)]
)
def test_tables_give_the_light_they_were_made_from(name, space, gamma, colours):
    # The tables hold XYZ in steps of 1/32768; the way to sRGB makes five of them at the most.
    expected = (colours / 65535) ** gamma @ to_srgb(space).T
    light = profiles.to_light(colours, PROFILES[name])
    assert np.abs(light - expected).max() <= 5 / 32768


def test_tables_that_meet_in_lab_give_the_light_of_their_lightness(colours):
    lightness = 100 * colours.mean(axis=-1) / 65535
    expected = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / (24389 / 27))
    light = profiles.to_light(colours, PROFILES["lab"])
    assert np.abs(light - expected[..., np.newaxis]).max() <= 1e-4


FORMULAS = {
    0: ((2.2,), lambda x: x**2.2),
    1: ((2.0, 1.25, -0.25), lambda x: np.where(x < 0.2, 0, (1.25 * x - 0.25) ** 2)),
    2: ((2.0, 1.0, -0.25, 0.125), lambda x: np.maximum(x - 0.25, 0) ** 2 + 0.125),
    3: ((2.0, 0.75, 0.25, 0.5, 0.25), lambda x: np.where(x < 0.25, x / 2, (0.75 * x + 0.25) ** 2)),
    4: (
        (3.0, 0.5, 0.25, 0.25, 0.5, 0.125, 0.0625),
        lambda x: np.where(x < 0.5, x / 4 + 0.0625, (x / 2 + 0.25) ** 3 + 0.125),
    ),
}


@pytest.mark.parametrize("kind", FORMULAS)
def test_each_kind_of_curve_is_its_formula_there_and_back(kind):
    numbers, light_of = FORMULAS[kind]
    profile = grey_profile(formula(kind, *numbers))
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    light = profiles.to_light(codes, profile)
    assert np.abs(light - light_of(codes / 65535)).max() <= 1e-5
    rising = light > light.min()
    back = profiles.to_codes(light, profile, np.uint16).astype(int)
    assert np.abs(back - codes)[rising].max() <= (40 if kind == 2 else 0)


def test_grey_goes_by_its_curve():
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    light = profiles.to_light(codes, PROFILES["grey"])
    assert light.dtype == np.float32
    assert np.abs(light - (codes / 65535) ** (563 / 256)).max() <= 1e-7


def test_grey_whose_profile_meets_in_lab_goes_by_lightness():
    profile = icc({b"kTRC": LINEAR}, colours=b"GRAY", meets_in=b"Lab ")
    codes = np.array([[0, 128, 255]], np.uint8)
    lightness = codes / 2.55
    expected = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, 0)
    assert np.abs(profiles.to_light(codes, profile) - expected).max() <= 1e-4


def test_colours_beyond_srgb_have_negative_components():
    green = np.array([[[0, 255, 0]]], np.uint8)
    red, _, blue = profiles.to_light(green, PROFILES["display-p3"])[0, 0]
    assert red < -0.2
    assert blue < -0.05


def test_white_is_white_and_grey_is_grey_to_the_last_digits():
    codes = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 3, axis=2)
    for profile, _ in MATRIX_PROFILES.values():
        light = profiles.to_light(codes, profile)
        assert light[0, 255] == pytest.approx([1, 1, 1], abs=2e-7)
        assert np.ptp(light, axis=2).max() <= 2e-7


def test_eight_bits_and_floats_mean_what_sixteen_bits_mean(rng):
    codes = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    for profile in PROFILES.values():
        of_its_colours = codes[..., 0] if profiles.colours_of(profile) == "GRAY" else codes
        light = profiles.to_light(of_its_colours.astype(np.uint16) * 257, profile)
        as_floats = of_its_colours.astype(np.float32) / np.float32(255)
        np.testing.assert_array_equal(profiles.to_light(of_its_colours, profile), light)
        np.testing.assert_allclose(profiles.to_light(as_floats, profile), light, atol=2e-5)


def test_float_codes_beyond_white_stay_beyond_it_where_the_curve_is_a_formula():
    codes = np.array([[[2.0, 2.0, 2.0], [-0.5, -0.5, -0.5]]], np.float32)
    light = profiles.to_light(codes, matrix_profile("rec2020", LINEAR))
    np.testing.assert_allclose(light, codes, atol=1e-6)


@pytest.mark.parametrize("space", MATRIX_PROFILES)
def test_all_65536_greys_come_back(space):
    profile, _ = MATRIX_PROFILES[space]
    ramp = np.repeat(np.arange(65536, dtype=np.uint16).reshape(256, 256, 1), 3, axis=2)
    back = profiles.to_codes(profiles.to_light(ramp, profile), profile, np.uint16)
    np.testing.assert_array_equal(back, ramp)


def test_all_65536_codes_of_a_grey_profile_come_back():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    light = profiles.to_light(ramp, PROFILES["grey"])
    np.testing.assert_array_equal(profiles.to_codes(light, PROFILES["grey"], np.uint16), ramp)


@settings(max_examples=40)
@given(
    space=st.sampled_from(sorted(SPACES)),
    gamma=st.integers(256, 700).map(lambda n: n / 256),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    seed=st.integers(0, 1000),
)
def test_colours_come_back_through_any_matrix_profile(space, gamma, dtype, seed):
    # In float32 light the darkest codes beside a bright one are lost: from a tenth of white on.
    profile = matrix_profile(space, power(gamma))
    codes = np.random.default_rng(seed).uniform(0.1, 1.0, (6, 5, 3))
    if dtype is not np.float32:
        codes = np.round(codes * np.iinfo(dtype).max)
    codes = codes.astype(dtype)
    back = profiles.to_codes(profiles.to_light(codes, profile), profile, dtype)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, codes, rtol=0, atol=1e-4 if dtype is np.float32 else 0)


def test_the_light_of_tables_comes_back_through_their_way_back(colours):
    profile = PROFILES["mft2"]
    light = profiles.to_light(colours, profile)
    codes = profiles.to_codes(light, profile, np.uint16)
    # Sixteen bits of XYZ, there and back again.
    assert np.abs(profiles.to_light(codes, profile) - light).max() <= 10 / 32768


def test_codes_are_rounded_to_the_nearest_and_clipped():
    profile = grey_profile(LINEAR)
    light = np.array([[0.49 / 255, 0.51 / 255, -0.3], [1.7, 100.49 / 255, 100.51 / 255]])
    codes = profiles.to_codes(light, profile, np.uint8)
    np.testing.assert_array_equal(codes, [[0, 1, 0], [255, 100, 101]])
    floats = profiles.to_codes(light, profile, np.float32)
    assert floats.min() == 0.0
    assert floats.max() == 1.0


@pytest.mark.parametrize("space", MATRIX_PROFILES)
def test_srgb_codes_have_the_same_colour_in_another_profile(space, rng):
    profile, light_of = MATRIX_PROFILES[space]
    positive = rng.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    codes = profiles.from_srgb(positive, profile, np.uint16)
    light = light_of(codes / 65535) @ to_srgb(space).T
    assert np.abs(light - decode_srgb(positive / 65535)).max() <= 1e-4


def test_a_float_positive_is_as_good_as_its_codes(rng):
    profile, _ = MATRIX_PROFILES["display-p3"]
    positive = rng.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    codes = profiles.from_srgb(positive, profile, np.uint16).astype(int)
    floats = (positive / 65535).astype(np.float32)
    assert np.abs(profiles.from_srgb(floats, profile, np.uint16) - codes).max() <= 1


def test_srgb_codes_go_through_its_own_profile_unchanged():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(profiles.from_srgb(ramp, profiles.srgb_profile(), np.uint8), ramp)


def test_srgb_is_told_by_what_a_profile_does():
    with_noise_in_its_primaries = matrix_profile("srgb", SRGB_CURVE).replace(
        s15f16(to_d50("srgb")[0, 0]), s15f16(to_d50("srgb")[0, 0] + 0.0005)
    )
    assert profiles.is_srgb(profiles.srgb_profile())
    assert profiles.is_srgb(PROFILES["srgb"])
    assert profiles.is_srgb(with_noise_in_its_primaries)
    assert profiles.is_srgb(grey_profile(SRGB_CURVE))


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"srgb"}))
def test_what_is_not_srgb_is_told_from_it(name):
    assert not profiles.is_srgb(PROFILES[name])


def test_srgb_primaries_under_a_plain_power_are_not_srgb():
    assert not profiles.is_srgb(matrix_profile("srgb", power(2.2)))
    assert not profiles.is_srgb(grey_profile(power(2.2)))


def test_the_srgb_profile_is_the_same_whenever_it_is_made():
    profile = profiles.srgb_profile()
    assert struct.unpack(">6H", profile[24:36]) == (2000, 1, 1, 0, 0, 0)
    profiles.srgb_profile.cache_clear()
    assert profiles.srgb_profile() == profile


def test_what_has_a_way_back_can_be_written():
    writable = {name for name, profile in PROFILES.items() if profiles.can_write(profile)}
    assert writable == {*MATRIX_PROFILES, "mft2", "grey"}


def test_a_profile_without_a_way_back_says_so():
    falls = matrix_profile("srgb", table([1.0, 0.5, 0.0]))
    red = xyz_tag(to_d50("srgb").T[0])
    flat = icc(
        dict.fromkeys((b"rXYZ", b"gXYZ", b"bXYZ"), red)
        | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), LINEAR)
    )
    for profile in (PROFILES["mab"], PROFILES["lab"], falls, flat):
        assert not profiles.can_write(profile)
        with pytest.raises(ImageFileError, match="no way back"):
            profiles.to_codes(np.zeros((2, 2, 3), np.float32), profile, np.uint8)


def test_where_many_codes_are_black_the_lowest_is_written():
    profile = grey_profile(table([0.0, 0.0, 0.0, 0.5, 1.0]))
    codes = profiles.to_codes(np.array([[0.0, 0.5, 1.0]]), profile, np.uint8)
    np.testing.assert_array_equal(codes, [[0, 191, 255]])


def test_a_table_that_dips_is_written_as_if_it_stayed():
    profile = grey_profile(table([0.0, 0.5, 0.25, 0.75, 1.0]))
    light = np.array([[0.25, 0.625, 0.875]])
    codes = profiles.to_codes(light, profile, np.float32)
    np.testing.assert_allclose(codes, [[0.125, 0.625, 0.875]], atol=1e-4)


def test_a_profile_cut_short_names_what_is_missing():
    with pytest.raises(ImageFileError, match="cut short: 'bTRC'"):
        profiles.colours_of(PROFILES["display-p3"][:-4])


def test_a_picture_larger_than_a_band_is_done_whole(rng):
    profile, light_of = MATRIX_PROFILES["display-p3"]
    picture = rng.integers(0, 256, (401, 503, 3), dtype=np.uint8)
    expected = light_of(picture / 255) @ to_srgb("display-p3").T
    assert np.abs(profiles.to_light(picture, profile) - expected).max() <= 1e-4


def test_pixels_may_lie_anywhere_in_memory(colours):
    profile, _ = MATRIX_PROFILES["adobe-rgb"]
    expected = profiles.to_light(colours, profile)
    scattered = np.asfortranarray(colours[::-1])[::-1]
    scattered.flags.writeable = False
    np.testing.assert_array_equal(profiles.to_light(scattered, profile), expected)


@pytest.mark.parametrize("name", ["grey", "display-p3", "mft2"])
def test_a_profile_of_other_pictures_is_refused(name):
    is_grey = name == "grey"
    picture = np.zeros((2, 2, 3) if is_grey else (2, 2), np.uint8)
    with pytest.raises(ImageFileError, match="but this one is"):
        profiles.to_light(picture, PROFILES[name])


def test_inks_are_no_picture_of_light():
    with pytest.raises(ImageFileError, match="CMYK"):
        profiles.to_light(np.zeros((2, 2, 3), np.uint8), icc({}, colours=b"CMYK"))


def test_a_profile_larger_than_any_real_one_is_refused():
    profile = PROFILES["srgb"] + bytes(MAX_PROFILE_BYTES)
    with pytest.raises(ImageFileError, match="16 MiB"):
        profiles.colours_of(profile)
    assert not profiles.is_srgb(profile)


@pytest.mark.parametrize("dtype", [np.uint32, np.int16, np.float64, bool])
def test_other_types_of_codes_are_refused(dtype):
    with pytest.raises(TypeError, match="uint8, uint16, float32"):
        profiles.to_light(np.zeros((2, 2, 3), dtype), PROFILES["srgb"])
    with pytest.raises(TypeError, match="uint8, uint16, float32"):
        profiles.to_codes(np.zeros((2, 2, 3)), PROFILES["srgb"], dtype)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(rows, cols\) or \(rows, cols, 3\)"):
        profiles.to_light(np.zeros((2, 2, 4), np.uint8), PROFILES["srgb"])


DAMAGED = {
    "empty": b"",
    "not a profile": b"x" * 300,
    "cut short": PROFILES["srgb"][:400],
    "no curves": icc({name: xyz_tag(D50) for name in (b"rXYZ", b"gXYZ", b"bXYZ")}),
    "a curve of no power": matrix_profile("srgb", power(0.0)),
    "a curve without slope": matrix_profile("srgb", formula(1, 2.0, 0.0, 0.5)),
    "a curve beyond all bounds": matrix_profile("srgb", formula(1, 300.0, 20.0, 0.0)),
    "a curve of an unknown formula": matrix_profile("srgb", formula(9, 1.0)),
    "a curve with its samples missing": matrix_profile(
        "srgb", struct.pack(">4sII", b"curv", 0, 99)
    ),
    "a curve that is none": matrix_profile("srgb", b"text" + bytes(20)),
    "tables of nothing": icc({b"A2B0": b"mft2" + bytes(60)}),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_profile_is_one_clear_error(damage):
    with pytest.raises(ImageFileError, match="the colour profile"):
        profiles.to_light(np.zeros((2, 2, 3), np.uint8), DAMAGED[damage])
    assert not profiles.is_srgb(DAMAGED[damage])
    assert not profiles.can_write(DAMAGED[damage])


WORK = """
import sys
from pathlib import Path

import numpy as np

from phos_darkroom.files.colour import profiles
from phos_bench.measuring import peak_bytes
from phos_core.errors import ImageFileError

colours = np.linspace(0, 255, 60).reshape(4, 5, 3).astype(np.uint8)
for path in sorted(Path(sys.argv[1]).iterdir()):
    profile = path.read_bytes()
    for work in (
        lambda: profiles.to_light(colours, profile),
        lambda: profiles.to_light(colours[..., 0], profile),
        lambda: profiles.to_codes(colours / 255, profile, np.uint16),
        lambda: profiles.to_codes(colours[..., 0] / 255, profile, np.uint16),
    ):
        try:
            work()
        except ImageFileError as error:
            assert "\\n" not in str(error), error
    profiles.is_srgb(profile)
    profiles.can_write(profile)
print(peak_bytes())
"""


def mutated(profile, seed):
    """Change a few bytes, most of them at the front where sizes and offsets stand; or cut."""
    dice = random.Random(seed)
    data = bytearray(profile)
    for _ in range(dice.choice([1, 2, 4, 16])):
        position = dice.randrange(min(len(data), dice.choice([500, 1 << 20])))
        match dice.randrange(4):
            case 0:
                data[position] = dice.randrange(256)
            case 1:
                data[position : position + 4] = dice.choice(
                    [bytes(4), b"\xff" * 4, b"\0\0\xff\xff"]
                )
            case 2:
                data[position : position + 1] = dice.randbytes(dice.randrange(40))
            case _:
                del data[position + 1 : position + dice.randrange(2, 400)]
    return bytes(data)


@pytest.mark.proof
def test_no_damage_to_a_profile_crashes_or_hangs_or_fills_memory(tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    originals = list(PROFILES.values())
    for seed in range(400):
        profile = mutated(originals[seed % len(originals)], seed)
        (folder / f"{seed:03}.icc").write_bytes(profile)
    work = [sys.executable, "-W", "error", "-X", "faulthandler", "-c", WORK, os.fspath(folder)]
    done = subprocess.run(work, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500_000_000, "bytes resident"


def huge_cube(kind):
    """A short table that claims 255 nodes a side."""
    if kind == b"mAB ":
        offsets = struct.pack(">5I", *[32] * 5)
        tag = struct.pack(">4sIBBH", kind, 0, 3, 15, 0) + offsets + b"\xff" * 3 + bytes(17)
    else:
        tag = struct.pack(">4sIBBBB", kind, 0, 3, 15, 255, 0) + s15f16(*np.ravel(np.eye(3)))
    return icc({b"A2B0": tag + bytes(4000)})


@pytest.mark.parametrize("kind", [b"mft1", b"mft2", b"mAB "])
def test_a_table_that_claims_a_huge_cube_is_refused_before_memory_is_taken(kind):
    with pytest.raises(ImageFileError, match="not all there"):
        profiles.to_light(np.zeros((2, 2, 3), np.uint8), huge_cube(kind))

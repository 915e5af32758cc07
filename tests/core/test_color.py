"""sRGB coding keeps the standard's numbers, its own inverse, and every rounding."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phos_core import color

CODE_TYPES = (np.uint8, np.uint16)
floats = st.floats(min_value=-4.0, max_value=64.0, width=32)


def rounded_formula(linear, white):
    """The definition: clip, encode in float64, round halves up."""
    encoded = color.encode_srgb(np.clip(np.asarray(linear, np.float64), 0.0, 1.0))
    return np.floor(white * encoded + 0.5)


@pytest.mark.parametrize(
    ("encoded", "linear"),
    [
        (0.0, 0.0),
        (0.04045, 0.0031308),
        (0.5, 0.21404114),
        (1.0, 1.0),
    ],
)
def test_the_standards_numbers(encoded, linear):
    assert color.decode_srgb(np.float64([encoded]))[0] == pytest.approx(linear, abs=1e-7)
    assert color.encode_srgb(np.float64([linear]))[0] == pytest.approx(encoded, abs=1e-7)


def test_middle_grey_of_18_percent_is_code_118():
    assert color.encode_codes(np.float32([0.18]), np.uint8)[0] == 118


@given(floats)
def test_encode_undoes_decode_without_clipping(value):
    there = color.decode_srgb(np.float64([value]))
    assert color.encode_srgb(there)[0] == pytest.approx(value, rel=1e-6, abs=1e-7)


@given(floats, floats)
def test_both_curves_never_fall(a, b):
    low, high = sorted((a, b))
    for curve in (color.decode_srgb, color.encode_srgb):
        at_low, at_high = curve(np.float64([low, high]))
        assert at_low <= at_high


@pytest.mark.parametrize("curve", [color.decode_srgb, color.encode_srgb])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_curves_keep_namespace_and_dtype(curve, dtype):
    values = np.linspace(-0.1, 2.0, 50, dtype=dtype)
    strict = array_api_strict.asarray(values)
    result = curve(strict)
    assert result.__array_namespace__() is array_api_strict
    assert result.dtype == strict.dtype
    assert np.asarray(result) == pytest.approx(curve(values), rel=1e-6)


@pytest.mark.parametrize("dtype", CODE_TYPES)
def test_every_code_survives_decoding_and_encoding(dtype):
    codes = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    again = color.encode_codes(color.decode_table(dtype)[codes], dtype)
    assert again.dtype == dtype
    assert np.array_equal(again, codes)


@pytest.mark.parametrize("dtype", CODE_TYPES)
def test_table_is_the_formula_and_cannot_be_changed(dtype):
    table = color.decode_table(dtype)
    codes = np.arange(table.size) / np.iinfo(dtype).max
    assert table.dtype == np.float32
    assert np.array_equal(table, color.decode_srgb(codes).astype(np.float32))
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 1.0


@pytest.mark.parametrize("dtype", CODE_TYPES)
def test_codes_are_exact_beside_every_threshold(dtype):
    white = np.iinfo(dtype).max
    near = color.decode_srgb((np.arange(white) + 0.5) / white).astype(np.float32)
    beside = np.concatenate([np.nextafter(near, np.float32(k)) for k in (0, 1)] + [near])
    assert np.array_equal(color.encode_codes(beside, dtype), rounded_formula(beside, white))


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
def test_codes_are_the_rounded_formula_for_any_float32(values):
    linear = np.float32(values)
    for dtype in CODE_TYPES:
        expected = rounded_formula(linear, np.iinfo(dtype).max)
        assert np.array_equal(color.encode_codes(linear, dtype), expected)


def test_codes_clip_at_black_and_white():
    linear = np.float32([-np.inf, -1.0, -0.0, 0.0, 1.0, 30_000.0, np.inf])
    assert color.encode_codes(linear, np.uint8).tolist() == [0, 0, 0, 0, 255, 255, 255]


def test_encoding_keeps_shape_and_takes_any_stride():
    linear = np.random.default_rng(1).random((6, 5, 3), dtype=np.float32)
    planar = linear.transpose(2, 0, 1)[:, ::-2, ::2]
    expected = color.encode_codes(planar.copy(), np.uint8)
    assert np.array_equal(color.encode_codes(planar, np.uint8), expected)


@pytest.mark.parametrize("dtype", CODE_TYPES)
def test_other_libraries_encode_within_one_code(dtype):
    linear = np.linspace(-0.1, 1.2, 2000, dtype=np.float32)
    codes = color.encode_codes(array_api_strict.asarray(linear), dtype)
    assert codes.dtype == getattr(array_api_strict, np.dtype(dtype).name)
    difference = np.asarray(codes).astype(int) - color.encode_codes(linear, dtype)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.float32])
def test_codes_of_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match="uint8 or uint16"):
        color.decode_table(dtype)
    with pytest.raises(TypeError, match="uint8 or uint16"):
        color.encode_codes(np.zeros(3, np.float32), dtype)


def test_matrices_are_the_standards_to_its_four_decimals():
    standard = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    assert pytest.approx(np.array(standard), abs=5.5e-5) == color.LINEAR_SRGB_TO_XYZ
    assert pytest.approx(np.eye(3), abs=1e-12) == (
        color.LINEAR_SRGB_TO_XYZ @ color.XYZ_TO_LINEAR_SRGB
    )


def test_white_is_d65_at_unit_luminance():
    x, y, z = color.LINEAR_SRGB_TO_XYZ @ np.ones(3)
    assert y == pytest.approx(1.0)
    assert (x / (x + y + z), y / (x + y + z)) == pytest.approx((0.3127, 0.3290))


# Wide gamuts.


@pytest.mark.parametrize("primaries", sorted(color.PRIMARIES))
def test_white_of_every_gamut_is_white(primaries):
    np.testing.assert_allclose(color.to_linear_srgb(primaries) @ np.ones(3), 1.0, atol=1e-12)


def test_srgb_is_itself():
    np.testing.assert_allclose(color.to_linear_srgb("srgb"), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("primaries", "red"),
    [  # docs/sources.md, "wide-gamut": red of each, seen by linear sRGB
        ("display-p3", (1.2249, -0.0421, -0.0196)),
        ("rec2020", (1.6605, -0.1246, -0.0182)),
        ("prophoto", (2.0344, -0.2288, -0.0086)),
    ],
)
def test_primaries_beyond_srgb_have_negative_components(primaries, red):
    np.testing.assert_allclose(color.to_linear_srgb(primaries)[:, 0], red, atol=5e-4)


def test_luminance_is_the_y_of_xyz_and_one_channel_is_its_own(xp):
    light = np.random.default_rng(3).random((3, 4, 5)).astype(np.float32)
    seen = np.asarray(color.luminance(xp.asarray(light)))
    expected = np.tensordot(color.LINEAR_SRGB_TO_XYZ[1], light, axes=1)
    np.testing.assert_allclose(seen[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(color.luminance(xp.asarray(light[:1]))), light[:1])

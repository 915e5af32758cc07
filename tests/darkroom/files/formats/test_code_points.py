"""Colours that are named by numbers, in PNG, AVIF and HEIF alike: the light that they stand for."""

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from phos_core.color import decode_srgb
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import can_write, to_light
from phos_darkroom.files.formats.code_points import named_profile
from phos_darkroom.files.image_files import read_picture

NAME = Path("frame")
CODE = 128 / 255
TELEVISION = (1, 6, 7, 11, 12, 14, 15)  # shown by sRGB's curve, as editors do
LIGHT_OF_HALF = dict.fromkeys((2, 13, *TELEVISION), float(decode_srgb(np.float64(CODE))))
LIGHT_OF_HALF |= {4: CODE**2.2, 5: CODE**2.8, 8: CODE}


def light(profile, codes):
    return decode_srgb(codes / np.float32(255)) if profile is None else to_light(codes, profile)


@pytest.mark.parametrize("primaries", [1, 2, 5, 6, 7, 9, 12, 22])
@pytest.mark.parametrize("transfer", sorted(LIGHT_OF_HALF))
def test_a_grey_code_is_the_light_of_its_curve_in_every_primaries(primaries, transfer):
    for codes in (np.full((2, 2, 3), 128, np.uint8), np.full((2, 2), 128, np.uint8)):
        profile = named_profile(NAME, primaries, transfer, is_grey=codes.ndim == 2)
        assert light(profile, codes) == pytest.approx(LIGHT_OF_HALF[transfer], abs=1e-4)
        assert profile is None or can_write(profile)  # the positive goes back into it


@pytest.mark.parametrize(
    ("transfer", "says"),
    [
        (9, "logarithm.*to sRGB"),
        (17, "digital cinema.*to sRGB"),
        (0, "0 .*to sRGB"),
        (3, "3 .*to sRGB"),
        (200, "200 .*to sRGB"),
    ],
)
def test_other_curves_are_refused_in_a_line_that_says_what_helps(transfer, says):
    for is_grey in (False, True):
        with pytest.raises(ImageFileError, match=says):
            named_profile(NAME, 1, transfer, is_grey=is_grey)


def test_unknown_primaries_are_refused_but_for_grey_which_has_none():
    with pytest.raises(ImageFileError, match=r"by 10 .* ICC profile"):
        named_profile(NAME, 10, 13)
    assert named_profile(NAME, 10, 13, is_grey=True) is None


def png_of(codes, transfer):
    chunk = struct.pack(">I4s4B", 4, b"cICP", 1, transfer, 0, 1)
    check = zlib.crc32(chunk[4:])
    content = imagecodecs.png_encode(codes)
    return content[:33] + chunk + struct.pack(">I", check) + content[33:]


def avif_of(codes, transfer):
    encoded = io.BytesIO()
    subsampling = "4:0:0" if codes.ndim == 2 else "4:4:4"
    Image.fromarray(codes).save(encoded, "AVIF", quality=100, subsampling=subsampling)
    content = bytearray(encoded.getvalue())
    struct.pack_into(">HH", content, content.index(b"nclx") + 4, 1, transfer)
    return content


@pytest.mark.parametrize("encode", [png_of, avif_of])
@pytest.mark.parametrize("transfer", [4, 5, 8, 13])
@pytest.mark.parametrize("shape", [(32, 32, 3), (32, 32)])
def test_files_of_both_formats_come_out_as_that_light(tmp_path, encode, transfer, shape):
    (tmp_path / "named").write_bytes(encode(np.full(shape, 128, np.uint8), transfer))
    picture = read_picture(tmp_path / "named")
    assert picture.pixels.shape == shape
    assert light(picture.metadata.icc_profile, picture.pixels) == pytest.approx(
        LIGHT_OF_HALF[transfer], abs=0.005
    )

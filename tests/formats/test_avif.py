"""AVIF: every bit, upright by its own boxes, its size believed only if its stream has it."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from phos_core.errors import ImageFileError
from phos_core.formats import av1
from phos_core.image_files import read_picture
from phos_core.profiles import is_srgb


@pytest.fixture
def image():
    rows, cols = np.mgrid[0:40, 0:60]
    return np.stack([4 * cols, 6 * rows, 2 * cols + 3 * rows], -1).astype(np.uint16)


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_pictures_keep_their_bits(tmp_path, image, bits):
    codes = image * np.uint16(2 ** (bits - 8)) + np.uint16(1)
    content = imagecodecs.avif_encode(codes, level=100, bitspersample=bits)
    (tmp_path / "deep.avif").write_bytes(content)
    picture = read_picture(tmp_path / "deep.avif")
    assert picture.pixels.dtype == np.uint16
    white = 2**bits - 1
    assert np.array_equal(picture.pixels, np.rint(codes * (65_535 / white)))
    assert np.asarray(Image.open(io.BytesIO(content))).dtype == np.uint8  # what Pillow would give


def test_grey_stays_grey(tmp_path, image):
    Image.fromarray(image[..., 0].astype(np.uint8)).save(tmp_path / "grey.avif", quality=100)
    assert read_picture(tmp_path / "grey.avif").pixels.ndim == 2


def test_an_orientation_in_exif_alone_does_not_turn_the_picture(tmp_path, image):
    codes = Image.fromarray(image.astype(np.uint8))
    codes.save(tmp_path / "a.avif", exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0" + bytes(30))
    content = (tmp_path / "a.avif").read_bytes()
    start = content.index(b"II*\0")
    turned = struct.pack("<HHHII", 1, 0x0112, 3, 1, 6)
    (tmp_path / "a.avif").write_bytes(
        content[: start + 8] + turned + content[start + 8 + len(turned) :]
    )
    picture = read_picture(tmp_path / "a.avif")
    assert picture.pixels.shape == image.shape
    assert struct.unpack_from("<H", picture.metadata.exif, 18) == (1,)


def test_colours_named_by_numbers_become_a_profile(tmp_path, image):
    content = bytearray(imagecodecs.avif_encode(image.astype(np.uint8), level=90))
    place = content.index(b"nclx") + 4
    for primaries, transfer, encoding in ((1, 13, "srgb"), (12, 13, "profile")):
        struct.pack_into(">HH", content, place, primaries, transfer)
        (tmp_path / "named.avif").write_bytes(content)
        picture = read_picture(tmp_path / "named.avif")
        assert picture.encoding == encoding
    assert not is_srgb(picture.metadata.icc_profile)
    struct.pack_into(">HH", content, place, 9, 16)
    (tmp_path / "named.avif").write_bytes(content)
    with pytest.raises(ImageFileError, match="PQ"):
        read_picture(tmp_path / "named.avif")


def test_a_size_that_the_stream_does_not_have_is_refused(tmp_path, image):
    content = bytearray(imagecodecs.avif_encode(image.astype(np.uint8), level=90))
    struct.pack_into(">II", content, content.index(b"ispe") + 8, 3000, 3000)
    assert imagecodecs.avif_decode(bytes(content)).shape[:2] == (3000, 3000)  # enlarged in silence
    (tmp_path / "claims.avif").write_bytes(content)
    with pytest.raises(ImageFileError, match="claims 3000 by 3000 pixels, and has 60 by 40"):
        read_picture(tmp_path / "claims.avif")


def test_a_streams_size_is_found_behind_timing_and_operating_points():
    bits = "00000"  # profile, no still picture, no short header
    bits += "1" + "0" * 64 + "1" + "001" + "01" + "0"  # timing, an interval of five bits, no model
    bits += "1" + "00001"  # display delay, two operating points
    bits += ("0" * 12 + "01000" + "1" + "1" + "0101") * 2  # level 8, its tier, the delay
    bits += "10101001" + f"{1919:011b}" + f"{1079 - 80:010b}"
    header = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    delimiter, sequence = b"\x12\0", bytes([0x0A, len(header)])
    assert av1.frame_size(delimiter + sequence + header) == (1920, 1000)
    with pytest.raises(ValueError, match="cut short"):
        av1.frame_size(delimiter + sequence + header[:5])
    with pytest.raises(ValueError, match="no header"):
        av1.frame_size(delimiter * 40)

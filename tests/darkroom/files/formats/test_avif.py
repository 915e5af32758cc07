"""AVIF: every bit, upright by its own boxes, its size believed only if its stream has it."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image, features

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import is_srgb, srgb_profile
from phos_darkroom.files.formats import av1
from phos_darkroom.files.image_files import check_writable, read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture


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
    grey = Image.fromarray(image[..., 0].astype(np.uint8))
    grey.save(tmp_path / "grey.avif", quality=100, subsampling="4:0:0")
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


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", ["grey", "colour", "grey and alpha", "colour and alpha"])
def test_metadata_of_every_length_come_back_here_and_in_pillow(tmp_path, image, depth, channels):
    top = 1 if depth == np.float32 else np.iinfo(depth).max
    pixels = (image[:16, :16] / 255 * top).astype(depth)
    pixels = pixels if "colour" in channels else np.ascontiguousarray(pixels[..., 0])
    alpha = np.ascontiguousarray(pixels[::-1, ::-1].reshape(16, 16, -1)[..., 0])
    path = tmp_path / "a.avif"
    for letters in (1, 2, 3, *range(5, 60, 6), 999, 70_000):
        metadata = Metadata(
            exif=an_exif(letters),
            xmp=None if letters % 3 == 0 else b"<x>" + b"y" * (letters % 100) + b"</x>",
            icc_profile=srgb_profile() if "colour" in channels and letters % 2 else None,
        )
        picture = Picture(
            pixels=pixels, alpha=alpha if "alpha" in channels else None, metadata=metadata
        )
        write_picture(path, picture, overwrite=True)
        again = read_picture(path)
        assert again.metadata.exif == metadata.exif
        assert again.metadata.xmp == metadata.xmp
        assert np.abs(again.pixels / 255 - pixels / top).max() < 0.1
        with Image.open(path) as other:
            other.load()
            assert other.info["exif"] == metadata.exif
            assert other.info.get("xmp") == metadata.xmp


def an_exif(letters):
    """An EXIF block of an orientation and an artist of so many letters."""
    text = b"A" * letters + b"\0"
    value = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack("<I", 38)
    entries = struct.pack("<HHIIHHI", 0x0112, 3, 1, 1, 0x013B, 2, len(text)) + value
    return b"II*\0\x08\0\0\0\2\0" + entries + bytes(4) + (text if len(text) > 4 else b"")


def test_what_is_no_exif_is_left_out_with_a_warning(tmp_path, image):
    picture = Picture(pixels=image.astype(np.uint8), metadata=Metadata(exif=b"no EXIF"))
    with pytest.warns(UserWarning, match="EXIF block that cannot be read is left out"):
        write_picture(tmp_path / "a.avif", picture)
    assert read_picture(tmp_path / "a.avif").metadata.exif is None


def test_grey_with_a_profile_and_alpha_keeps_its_tone(tmp_path):
    profile = imagecodecs.cms_profile("gray", gamma=1.0)
    codes = np.full((16, 16), 55, np.uint8)
    picture = Picture(
        pixels=codes,
        alpha=np.full_like(codes, 100),
        encoding="profile",
        metadata=Metadata(icc_profile=profile),
    )
    write_picture(tmp_path / "a.avif", picture)
    again = read_picture(tmp_path / "a.avif")
    assert (again.encoding, again.pixels.ndim) == ("profile", 2)
    assert np.abs(again.pixels.astype(int) - 55).max() <= 2


def test_a_pillow_without_avif_is_said_before_the_work(tmp_path, image, monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(ImageFileError, match=r"a\.avif: Pillow .* pip install -U 'pillow>=11\.3'"):
        check_writable(tmp_path / "a.avif", Picture(pixels=image.astype(np.uint8)))

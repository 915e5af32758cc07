"""PNG: every kind the format has, and the chunks beside the pixels."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from phos_core.errors import ImageFileError
from phos_core.formats import limits, png
from phos_core.image_files import read_picture, write_picture
from phos_core.picture import Metadata, Picture
from phos_core.profiles import is_srgb, srgb_profile

SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def grey():
    return np.arange(8 * 16, dtype=np.uint8).reshape(8, 16)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(path, *chunks):
    """Put chunks after a PNG's header."""
    content = path.read_bytes()
    path.write_bytes(content[:33] + b"".join(chunks) + content[33:])


def test_16_bit_alpha_and_grey_come_back(tmp_path, rng):
    for shape in ((9, 7), (9, 7, 3)):
        pixels = rng.integers(0, 65_536, shape, dtype=np.uint16)
        alpha = rng.integers(0, 65_536, (9, 7), dtype=np.uint16)
        write_picture(tmp_path / "deep.png", Picture(pixels=pixels, alpha=alpha), overwrite=True)
        again = read_picture(tmp_path / "deep.png")
        assert np.array_equal(again.pixels, pixels)
        assert np.array_equal(again.alpha, alpha)


def test_other_readers_see_the_chunks(tmp_path, grey):
    metadata = Metadata(
        exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>", icc_profile=srgb_profile()
    )
    picture = Picture(pixels=np.stack([grey] * 3, -1), metadata=metadata)
    write_picture(tmp_path / "tagged.png", picture)
    with Image.open(tmp_path / "tagged.png") as other:
        other.load()
        assert other.info["icc_profile"] == metadata.icc_profile
        assert other.info["exif"].removeprefix(b"Exif\0\0") == metadata.exif
        assert other.info["xmp"] == metadata.xmp


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_fewer_bits_are_stretched_to_8(tmp_path, bits):
    rows = bytes([0b00011011] * 2)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 16 // bits, 1, bits, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0" + rows))
    (tmp_path / "few.png").write_bytes(SIGNATURE + header + data + chunk(b"IEND", b""))
    read = read_picture(tmp_path / "few.png").pixels
    largest = 2**bits - 1
    number = int.from_bytes(rows, "big")
    codes = [number >> (16 - bits * (place + 1)) & largest for place in range(16 // bits)]
    assert read.ravel().tolist() == [code * 255 // largest for code in codes]


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_becomes_alpha(tmp_path, grey, mode):
    colour = Image.fromarray(np.stack([grey, grey, grey], -1))
    image = colour.quantize(8) if mode == "P" else colour.convert(mode)
    transparent = (5, 5, 5) if mode == "RGB" else 5
    image.save(tmp_path / "cut.png", transparency=transparent)
    picture = read_picture(tmp_path / "cut.png")
    is_cut = (np.asarray(image) if mode == "P" else grey) == 5
    assert is_cut.any()
    assert np.array_equal(picture.alpha, np.where(is_cut, 0, 255))


def test_interlaced_files_are_read(tmp_path, grey):
    lines = []
    for top, left, down, across in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):  # fmt: skip
        lines += [b"\0" + row.tobytes() for row in grey[top::down, left::across]]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 8, 8, 0, 0, 0, 1))
    data = chunk(b"IDAT", zlib.compress(b"".join(lines)))
    (tmp_path / "laced.png").write_bytes(SIGNATURE + header + data + chunk(b"IEND", b""))
    assert np.array_equal(read_picture(tmp_path / "laced.png").pixels, grey)


def test_packed_text_and_long_profiles_are_read_within_bounds(tmp_path, grey, monkeypatch):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", "<x/>" * 1000, zip=True)
    Image.fromarray(grey).save(tmp_path / "text.png", pnginfo=chunks)
    assert read_picture(tmp_path / "text.png").metadata.xmp == b"<x/>" * 1000
    monkeypatch.setattr(png, "METADATA_BYTES", 3999)
    with pytest.raises(ImageFileError, match="beyond any use"):
        read_picture(tmp_path / "text.png")


@pytest.mark.parametrize(("primaries", "encoding"), [(1, "srgb"), (12, "profile"), (9, "profile")])
def test_colours_named_by_numbers_become_a_profile(tmp_path, grey, primaries, encoding):
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "named.png")
    with_chunks(tmp_path / "named.png", chunk(b"cICP", bytes([primaries, 13, 0, 1])))
    picture = read_picture(tmp_path / "named.png")
    assert picture.encoding == encoding
    profile = picture.metadata.icc_profile
    assert profile is None if encoding == "srgb" else not is_srgb(profile)


def test_hdr_codes_are_refused(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "hdr.png")
    with_chunks(tmp_path / "hdr.png", chunk(b"cICP", bytes([9, 16, 0, 1])))
    with pytest.raises(ImageFileError, match="PQ"):
        read_picture(tmp_path / "hdr.png")


def test_a_damaged_chunk_is_refused_even_if_it_holds_no_pixels(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "flipped.png", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    content = bytearray((tmp_path / "flipped.png").read_bytes())
    content[content.index(b"eXIf") + 6] ^= 1
    (tmp_path / "flipped.png").write_bytes(content)
    with pytest.raises(ImageFileError, match="checksum of a chunk eXIf"):
        read_picture(tmp_path / "flipped.png")


def test_flat_pictures_pack_hard_and_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(png, "UNPROVEN_BYTES", 1000)
    flat = np.zeros((400, 500), np.uint16)
    write_picture(tmp_path / "flat.png", Picture(pixels=flat))
    assert np.array_equal(read_picture(tmp_path / "flat.png").pixels, flat)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 400, 400, 8, 0, 0, 0, 0))
    unfinished = zlib.compress(bytes(400 * 401))[:-5]
    data = chunk(b"IDAT", unfinished)
    (tmp_path / "cut.png").write_bytes(SIGNATURE + header + data + chunk(b"IEND", b""))
    with pytest.raises(ImageFileError, match="end before the picture"):
        read_picture(tmp_path / "cut.png")


def test_deflate_never_unpacks_further_than_the_limit():
    packed = zlib.compress(bytes(50_000_000), 9)
    assert 0.95 < 50_000_000 / len(packed) / limits.expansion(8) <= 1


def test_the_decoder_sees_pixels_alone(tmp_path, grey, monkeypatch):
    seen = []
    decode = imagecodecs.png_decode
    monkeypatch.setattr(imagecodecs, "png_decode", lambda data: seen.append(data) or decode(data))
    metadata = Metadata(xmp=b"<x/>", icc_profile=srgb_profile())
    write_picture(
        tmp_path / "tagged.png", Picture(pixels=np.stack([grey] * 3, -1), metadata=metadata)
    )
    read_picture(tmp_path / "tagged.png")
    assert b"iCCP" not in seen[0]
    assert b"iTXt" not in seen[0]
    assert Image.open(io.BytesIO(seen[0])).size == (16, 8)

"""PNG: every kind the format has, and the chunks beside the pixels."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import is_srgb, srgb_profile
from phos_darkroom.files.formats import limits, png
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP = b"XML:com.adobe.xmp\0\0\0\0\0<x/>"


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
    with pytest.warns(UserWarning, match=r"text\.png: its text cannot be read"):
        assert read_picture(tmp_path / "text.png").metadata.xmp is None


@pytest.mark.parametrize(("primaries", "encoding"), [(1, "srgb"), (12, "profile"), (9, "profile")])
def test_colours_named_by_numbers_become_a_profile(tmp_path, grey, primaries, encoding):
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "named.png")
    with_chunks(tmp_path / "named.png", chunk(b"cICP", bytes([primaries, 13, 0, 1])))
    picture = read_picture(tmp_path / "named.png")
    assert picture.encoding == encoding
    profile = picture.metadata.icc_profile
    assert profile is None if encoding == "srgb" else not is_srgb(profile)


def raw_profile(kind, data, *, keyword=None, chunk_kind=b"zTXt", length=None):
    """A profile as ImageMagick wrote it: its name, its length, and hexadecimal digits in lines."""
    digits = data.hex()
    lines = "\n".join(digits[place : place + 72] for place in range(0, len(digits), 72))
    text = f"\n{kind}\n{len(data) if length is None else length:8d}\n{lines}\n".encode()
    body = (keyword or f"Raw profile type {kind}").encode() + b"\0"
    if chunk_kind == b"iTXt":
        body += b"\1\0\0\0" + zlib.compress(text)
    else:
        body += b"\0" + zlib.compress(text) if chunk_kind == b"zTXt" else text
    return chunk(chunk_kind, body)


def an_exif(orientation):
    artist = b"Ann Other\0"
    entries = struct.pack("<HHIIHHII", 0x0112, 3, 1, orientation, 0x013B, 2, len(artist), 38)
    return b"II*\0\x08\0\0\0\2\0" + entries + bytes(4) + artist


@pytest.mark.parametrize("chunk_kind", [b"tEXt", b"zTXt", b"iTXt"])
@pytest.mark.parametrize("kind", ["exif", "EXIF", "APP1", "app1"])
@pytest.mark.parametrize("mark", [b"", b"Exif\0\0"])
def test_exif_in_hexadecimal_text_is_kept_and_turns_the_picture(
    tmp_path, grey, chunk_kind, kind, mark
):
    Image.fromarray(grey).save(tmp_path / "old.png")
    with_chunks(tmp_path / "old.png", raw_profile(kind, mark + an_exif(6), chunk_kind=chunk_kind))
    picture = read_picture(tmp_path / "old.png")
    assert np.array_equal(picture.pixels, np.rot90(grey, -1))
    assert picture.metadata.exif == an_exif(1)


def test_a_chunk_of_exif_goes_before_its_copy_in_text(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "both.png")
    with_chunks(tmp_path / "both.png", raw_profile("exif", an_exif(6)), chunk(b"eXIf", an_exif(3)))
    assert np.array_equal(read_picture(tmp_path / "both.png").pixels, grey[::-1, ::-1])


def test_xmp_and_profiles_in_hexadecimal_text_are_kept(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "old.png")
    packet = b"<x:xmpmeta tiff:Orientation='6'/>"
    as_segment = b"http://ns.adobe.com/xap/1.0/\0" + packet
    profile = imagecodecs.cms_profile("gray", gamma=1.8)
    for xmp in (raw_profile("xmp", packet), raw_profile("APP1", as_segment)):
        Image.fromarray(grey).save(tmp_path / "old.png")
        with_chunks(tmp_path / "old.png", xmp, raw_profile("icm", profile))
        picture = read_picture(tmp_path / "old.png")
        assert picture.pixels.shape == grey.T.shape
        assert picture.metadata.xmp == packet.replace(b"6", b"1")
        assert picture.metadata.icc_profile == profile


PIXELS_ONLY = {
    "a wrong checksum": (chunk(b"eXIf", an_exif(6))[:-1] + b"x", "EXIF"),
    "a profile without zlib": (chunk(b"iCCP", b"name\0\0hello"), "colour profile"),
    "no checksum of zlib": (
        chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(300))[:-4]),
        "colour profile",
    ),
    "a profile cut short": (
        chunk(b"iCCP", b"name\0\0" + zlib.compress(srgb_profile())[:99]),
        "colour profile",
    ),
    "an empty profile chunk": (chunk(b"iCCP", b""), "colour profile"),
    "code points cut short": (chunk(b"cICP", b"\1"), "colour space"),
    "XMP cut short": (chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0"), "text"),
    "XMP that is not packed": (chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0<x/>"), "text"),
    "digits that are none": (chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 4\nxyz\n"), "text"),
    "too few digits": (raw_profile("exif", an_exif(6), length=5000), "text"),
    "text that is not packed": (chunk(b"zTXt", b"Raw profile type exif\0\0hello"), "text"),
    "an animation cut short": (chunk(b"acTL", b"\0"), "animation"),
    "transparency of a wrong checksum": (chunk(b"tRNS", b"\0\5")[:-1] + b"x", "transparency"),
}


@pytest.mark.parametrize("name", PIXELS_ONLY)
def test_a_damaged_chunk_beside_the_pixels_is_left_out_with_a_warning(tmp_path, grey, name):
    damaged, what = PIXELS_ONLY[name]
    Image.fromarray(grey).save(tmp_path / "a.png")
    with_chunks(tmp_path / "a.png", damaged, chunk(b"iTXt", XMP))
    with pytest.warns(UserWarning, match=rf"a\.png: its {what} cannot be read") as caught:
        picture = read_picture(tmp_path / "a.png")
    assert len(caught) == 1
    assert np.array_equal(picture.pixels, grey)
    assert picture.metadata == Metadata(xmp=b"<x/>")  # what stands behind it is read


def test_iptc_in_text_is_kept_where_it_is_among_image_resources(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "a.png")
    iptc = b"\x1c\x02\x78\0\x04dusk"
    resource = b"8BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc + b"\0"
    with_chunks(tmp_path / "a.png", raw_profile("iptc", resource))
    assert iptc in read_picture(tmp_path / "a.png").metadata.photoshop


def test_bare_iptc_in_text_is_left_out_with_a_warning(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "a.png")
    with_chunks(tmp_path / "a.png", raw_profile("iptc", b"\x1c\x02\x78\0\x04dusk"))
    with pytest.warns(UserWarning, match=r"a\.png: its IPTC is left out"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"PLTE"])
def test_a_damaged_chunk_of_pixels_is_refused(tmp_path, grey, kind):
    image = Image.fromarray(grey)
    (image.quantize(8) if kind == b"PLTE" else image).save(tmp_path / "flipped.png")
    content = bytearray((tmp_path / "flipped.png").read_bytes())
    content[content.index(kind) + 6] ^= 1
    (tmp_path / "flipped.png").write_bytes(content)
    with pytest.raises(ImageFileError, match=rf"flipped\.png is damaged.*{kind.decode()} is wrong"):
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

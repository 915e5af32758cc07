"""JPEG: its segments of metadata, and what the decoder is spared."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import srgb_profile
from phos_darkroom.files.formats import limits
from phos_darkroom.files.formats.jpeg_segments import first_exif
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.picture import Metadata, Picture


@pytest.fixture
def image():
    rows, cols = np.mgrid[0:40, 0:60]
    return np.stack([4 * cols, 6 * rows, 2 * cols + 3 * rows], -1).astype(np.uint8)


def test_other_readers_see_the_metadata(tmp_path, image):
    metadata = Metadata(
        exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", xmp=b"<x/>", icc_profile=srgb_profile()
    )
    write_picture(tmp_path / "a.jpg", Picture(pixels=image, metadata=metadata))
    with Image.open(tmp_path / "a.jpg") as other:
        assert other.info["exif"] == b"Exif\0\0" + metadata.exif
        assert other.info["xmp"] == metadata.xmp
        assert other.info["icc_profile"] == metadata.icc_profile
        assert np.array_equal(np.asarray(other), read_picture(tmp_path / "a.jpg").pixels)


def test_a_profile_of_several_segments_is_put_together(tmp_path, image):
    tags = srgb_profile()
    profile = struct.pack(">I", 150_000) + tags[4:] + bytes(150_000 - len(tags))
    write_picture(tmp_path / "a.jpg", Picture(pixels=image, metadata=Metadata(icc_profile=profile)))
    assert read_picture(tmp_path / "a.jpg").metadata.icc_profile == profile
    with Image.open(tmp_path / "a.jpg") as other:
        assert other.info["icc_profile"] == profile


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": "4:2:0"}])
def test_every_usual_process_is_read(tmp_path, image, options):
    for pixels in (image, image[..., 0].copy()):
        Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95, **options)
        with Image.open(tmp_path / "a.jpg") as other:
            assert np.array_equal(read_picture(tmp_path / "a.jpg").pixels, np.asarray(other))


def test_damaged_metadata_do_not_disturb_the_pixels(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    broken = b"MPF\0II*\0\xff\xff\xff\x7f"
    exif = b"Exif\0\0MM\0*\0\0"
    segments = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
        for marker, body in ((0xE2, broken), (0xE1, exif))
    )
    (tmp_path / "b.jpg").write_bytes(content[:20] + segments + content[20:])
    picture = read_picture(tmp_path / "b.jpg")
    assert np.array_equal(picture.pixels, read_picture(tmp_path / "a.jpg").pixels)
    assert picture.metadata.exif is None


def test_an_orientation_in_xmp_counts_where_there_is_no_exif_and_is_reset(tmp_path, image):
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    write_picture(tmp_path / "a.jpg", Picture(pixels=image, metadata=Metadata(xmp=xmp)))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.pixels.shape == (60, 40, 3)
    assert picture.metadata.xmp == xmp.replace(b"6", b"1")


def test_scans_without_end_are_refused(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.jpg", progressive=True)
    content = (tmp_path / "a.jpg").read_bytes()
    last = content.rindex(b"\xff\xda")
    many = content[:last] + content[last:-2] * limits.SCANS + content[-2:]
    (tmp_path / "many.jpg").write_bytes(many)
    with pytest.raises(ImageFileError, match="more than 128 scans"):
        read_picture(tmp_path / "many.jpg")


@pytest.mark.proof
def test_flat_pictures_are_not_taken_for_claims(tmp_path):
    for subsampling in ("4:4:4", "4:2:0"):
        flat = Image.new("RGB", (4000, 3000), (90, 90, 90))
        flat.save(tmp_path / "flat.jpg", subsampling=subsampling, optimize=True, quality=5)
        assert read_picture(tmp_path / "flat.jpg").pixels.shape == (3000, 4000, 3)
        flat.convert("L").save(tmp_path / "flat.jpg", optimize=True, quality=5, progressive=True)
        assert read_picture(tmp_path / "flat.jpg").pixels.shape == (3000, 4000)


def stray(content):
    """Files with something before a marker that libjpeg passes over, and every other reader."""
    table = content.index(b"\xff\xdb")
    note = b"\xff\xe1\0\x08EXIFxy"
    yield content[:table] + note + b"?" + content[table:]
    yield content[:table] + b"\xff\xe1\0\x06EXIFxy" + content[table:]  # two bytes short
    yield content[:table] + b"junk, and \xff\0 more\xff\xff\xff" + content[table:]
    yield content[:table] + b"\0" * 300 + content[table:]
    scan = content.index(b"\xff\xda")
    yield content[:scan] + b"\r\n" + content[scan:]
    for length in (b"\0\0", b"\0\1"):
        yield content[:2] + b"\xff\xe1" + length + b"x" + content[2:]


@pytest.mark.parametrize("progressive", [False, True])
def test_stray_bytes_before_a_marker_are_passed_over_with_a_warning(tmp_path, image, progressive):
    Image.fromarray(image).save(tmp_path / "a.jpg", progressive=progressive)
    for number, content in enumerate(stray((tmp_path / "a.jpg").read_bytes())):
        (tmp_path / "stray.jpg").write_bytes(content)
        with pytest.warns(UserWarning, match="stray bytes? before a marker"):
            pixels = read_picture(tmp_path / "stray.jpg").pixels
        with Image.open(tmp_path / "stray.jpg") as other:
            assert np.array_equal(pixels, np.asarray(other)), number


def test_fill_bytes_before_a_marker_are_nothing_to_warn_of(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    table = content.index(b"\xff\xdb")
    (tmp_path / "filled.jpg").write_bytes(content[:table] + b"\xff" * 9 + content[table:])
    pixels = read_picture(tmp_path / "filled.jpg").pixels
    assert np.array_equal(pixels, read_picture(tmp_path / "a.jpg").pixels)


ENDLESS = [{}, {"progressive": True}, {"subsampling": "4:2:0"}, {"restart_marker_blocks": 4}]


@pytest.mark.parametrize("options", ENDLESS)
def test_a_missing_end_is_a_warning_if_no_pixel_is_missing_and_else_an_error(
    tmp_path, image, options
):
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=95, **options)
    content = encoded.getvalue()
    (tmp_path / "a.jpg").write_bytes(content)
    whole = read_picture(tmp_path / "a.jpg").pixels
    for ending in (content[:-2], content[:-1], content[:-2] + content):
        (tmp_path / "cut.jpg").write_bytes(ending)
        with pytest.warns(UserWarning, match="mark of its end is missing"):
            assert np.array_equal(read_picture(tmp_path / "cut.jpg").pixels, whole)
    for length in (len(content) - 12, len(content) - 40, len(content) // 2):
        (tmp_path / "cut.jpg").write_bytes(content[:length])
        with pytest.raises(ImageFileError, match="damaged or cut short"):
            read_picture(tmp_path / "cut.jpg")


def test_a_progressive_jpeg_without_its_last_scan_and_end_is_cut_short(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.jpg", progressive=True)
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: content.rindex(b"\xff\xda")])
    with pytest.raises(ImageFileError, match="damaged or cut short"):
        read_picture(tmp_path / "cut.jpg")


def test_a_thumbnail_behind_a_wrong_length_is_not_taken_for_the_picture(tmp_path, image):
    small = io.BytesIO()
    Image.new("RGB", (16, 12)).save(small, "JPEG")
    Image.fromarray(image).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    short = b"\xff\xe1\0\x08Exif\0\0" + small.getvalue()
    (tmp_path / "b.jpg").write_bytes(content[:2] + short + content[2:])
    with pytest.raises(ImageFileError, match="another picture starts"):
        read_picture(tmp_path / "b.jpg")


def test_the_first_exif_is_found_before_damage_and_behind_stray_bytes():
    block = b"Exif\0\0II*\0"
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(block)) + block
    jfif = b"\xff\xe0\0\x04ab"
    for before in (b"", jfif, jfif + b"stray", b"\xff\xff", b"\xff\x01"):
        for after in (b"", b"\xff\xd9", b"\xff\xe1\xff\xff", segment.replace(b"II*", b"MM*")):
            assert first_exif(b"\xff\xd8" + before + segment + after) == b"II*\0", (before, after)
    for without in (b"", b"\xff\xd8", b"\xff\xd8" + jfif, b"\xff\xd8" + segment[:-1]):
        assert first_exif(without) is None

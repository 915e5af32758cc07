"""EXIF is edited without moving a byte, and is the same after a stay in a TIFF file."""

import io
import random
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from phos_core.errors import ImageFileError
from phos_darkroom.files.metadata import exif

ORIENTATION, SOFTWARE, MAKER_NOTE = 0x0112, 0x0131, 0x927C
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
DIRECTORIES = (EXIF, GPS)

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
FRACTION = st.builds(IFDRational, st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
OPAQUE = st.binary(min_size=1, max_size=60)

# What a camera writes, each tag with values of its type.
FIRST = {
    0x010E: TEXT,
    0x010F: TEXT,
    0x0110: TEXT,
    ORIENTATION: st.integers(1, 8),
    0x011A: FRACTION,
    0x011B: FRACTION,
    0x0128: st.integers(1, 3),
    SOFTWARE: TEXT,
    0x0132: st.just("2026:07:01 12:00:00"),
    0x013B: TEXT,
    0x8298: TEXT,
}
CAMERA = {
    0x829A: FRACTION,
    0x8827: st.integers(0, 65535),
    0x9000: st.just(b"0232"),
    0x9003: st.just("2026:07:01 12:00:00"),
    0x9204: st.builds(IFDRational, st.integers(-(2**31), 2**31 - 1), st.integers(1, 2**31 - 1)),
    MAKER_NOTE: OPAQUE,
    0x9286: OPAQUE,
    0xA432: st.tuples(FRACTION, FRACTION, FRACTION, FRACTION),
    0xA434: TEXT,
}
PLACE = {
    0: st.just(b"\2\3\0\0"),
    1: st.sampled_from("NS"),
    2: st.tuples(FRACTION, FRACTION, FRACTION),
    5: st.just(b"\0"),
    6: FRACTION,
    29: st.just("2026:07:01"),
}


@st.composite
def blocks(draw):
    """A block as Pillow writes it, in either byte order."""
    written = Image.Exif()
    written.endian = draw(st.sampled_from("<>"))
    for tag, value in draw(st.fixed_dictionaries({}, optional=FIRST)).items():
        written[tag] = value
    for directory, tags in ((EXIF, CAMERA), (GPS, PLACE)):
        for tag, value in draw(st.fixed_dictionaries({}, optional=tags)).items():
            written.get_ifd(directory)[tag] = value
    if not written and not any(written.get_ifd(d) for d in DIRECTORIES):
        written[0x010F] = "phos"
    return written.tobytes()[6:]


def read(block):
    """Read a block with Pillow: a mapping for each directory."""
    found = Image.Exif()
    found.load(b"Exif\0\0" + block)
    tags = {directory: dict(found.get_ifd(directory)) for directory in DIRECTORIES}
    # Before 13.0, Pillow raises where a directory that it has read does not name this one.
    is_there = INTEROPERABILITY in tags[EXIF]
    tags[INTEROPERABILITY] = dict(found.get_ifd(INTEROPERABILITY)) if is_there else {}
    tags[EXIF].pop(INTEROPERABILITY, None)
    tags["first"] = {tag: found[tag] for tag in found if tag not in DIRECTORIES}
    return tags


def directory(order, entries, following=0):
    """Pack a classic directory of (tag, type, count, field)."""
    table = b"".join(struct.pack(order + "HHI", *e[:3]) + e[3] for e in entries)
    return struct.pack(order + "H", len(entries)) + table + struct.pack(order + "I", following)


def block_of(order, *entries, tail=b""):
    mark = {"<": b"II", ">": b"MM"}[order]
    return mark + struct.pack(order + "HI", 42, 8) + directory(order, entries) + tail


def short(order, value):
    return struct.pack(order + "HH", value, 0)


CAMERA_BLOCK = Image.Exif()
CAMERA_BLOCK[0x010F] = "A camera's maker"
CAMERA_BLOCK[ORIENTATION] = 6
CAMERA_BLOCK[SOFTWARE] = "firmware 1.0"
CAMERA_BLOCK.get_ifd(EXIF)[MAKER_NOTE] = bytes(range(256)) * 3
CAMERA_BLOCK.get_ifd(EXIF)[0x829A] = IFDRational(1, 250)
CAMERA_BLOCK.get_ifd(EXIF)[INTEROPERABILITY] = {1: "R98", 2: b"0100"}
CAMERA_BLOCK.get_ifd(GPS)[2] = (IFDRational(52), IFDRational(31), IFDRational(12, 10))
CAMERA_BLOCK = CAMERA_BLOCK.tobytes()[6:]


@given(blocks())
@example(CAMERA_BLOCK)
def test_a_block_comes_upright_by_two_bytes_and_no_other(block):
    orientation = read(block)["first"].get(ORIENTATION, 1)
    turned, found = exif.upright(block)
    assert found == orientation
    changed = [i for i in range(len(block)) if block[i] != turned[i]]
    assert len(turned) == len(block)
    assert len(changed) == (orientation != 1)
    assert read(turned)["first"].get(ORIENTATION, 1) == 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("kind", "field"), [(1, "B3x"), (3, "H2x"), (4, "I")])
def test_an_orientation_of_another_width_is_understood(order, kind, field):
    block = block_of(order, (ORIENTATION, kind, 1, struct.pack(order + field, 8)))
    turned, found = exif.upright(block)
    assert found == 8
    assert turned == block_of(order, (ORIENTATION, kind, 1, struct.pack(order + field, 1)))


@pytest.mark.parametrize("wrong", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(wrong):
    block = block_of("<", (ORIENTATION, 3, 1, short("<", wrong)))
    assert exif.upright(block) == (block_of("<", (ORIENTATION, 3, 1, short("<", 1))), 1)


def test_of_two_orientations_the_first_counts_and_none_is_left():
    block = block_of(">", *[(ORIENTATION, 3, 1, short(">", n)) for n in (6, 3)])
    turned, found = exif.upright(block)
    assert found == 6
    assert exif.upright(turned) == (turned, 1)


@given(blocks(), TEXT)
@example(CAMERA_BLOCK, "phos")
def test_software_is_written_and_nothing_else_changes(block, text):
    written = exif.with_software(block, text)
    expected = read(block)
    expected["first"][SOFTWARE] = text
    assert read(written) == expected
    # Only where the first directory is said to be: four bytes of the header.
    assert written[:4] == block[:4]
    assert written[8 : len(block)] == block[8:]


@given(blocks())
def test_tags_stay_in_order(block):
    written = exif.with_software(block, "phos")
    order = "<" if written[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", written, 4)
    (count,) = struct.unpack_from(order + "H", written, start)
    tags = [struct.unpack_from(order + "H", written, start + 2 + 12 * i)[0] for i in range(count)]
    assert start % 2 == 0
    assert tags == sorted(set(tags))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("is_big", [False, True])
def test_directories_stand_on_even_places(order, is_big):
    length = 8 if is_big else 4
    multiple = 8 if is_big else 2
    file = tiff(order, is_big=is_big)
    file.seek(0, io.SEEK_END)
    file.write(b"x" * (1 + len(file.getvalue()) % 2))
    exif.write_into_tiff(file, CAMERA_BLOCK)
    first = file.getvalue()[length : 2 * length]
    assert int.from_bytes(first, "little" if order == "<" else "big") % multiple == 0
    block = exif.with_software(CAMERA_BLOCK + b"x" * (1 + len(CAMERA_BLOCK) % 2), "phos")
    assert struct.unpack_from(">I" if block[:1] == b"M" else "<I", block, 4)[0] % 2 == 0


def test_of_two_equal_tags_the_first_is_carried():
    makes = [(0x010F, 2, 4, text) for text in (b"one\0", b"two\0")]
    assert read(exif.block_of_tiff(carried(block_of("<", *makes))))["first"][0x010F] == "one"


def test_a_thumbnail_stays_where_it_is():
    note = b"thumbnail"
    thumbnail = directory(
        "<", [(0x0201, 4, 1, struct.pack("<I", 100)), (0x0202, 4, 1, b"\x09\0\0\0")]
    )
    head = b"II*\0\x08\0\0\0" + directory("<", [(0x0112, 3, 1, short("<", 1))], 26)
    block = (head + thumbnail).ljust(100, b"\0") + note
    written = exif.with_software(block, "phos")
    (start,) = struct.unpack_from("<I", written, 4)
    assert struct.unpack_from("<I", written, start + 2 + 2 * 12)[0] == 26
    assert written[26 : len(block)] == block[26:]


def test_software_without_a_block_makes_one():
    for block in (None, b"", b"junk" * 9):
        made = exif.with_software(block, "phos 1")
        assert read(made)["first"] == {SOFTWARE: "phos 1"}


@pytest.mark.parametrize("text", ["", "Ŵ", "a\0b"])
def test_software_is_plain_text(text):
    with pytest.raises(ValueError, match="text must be ASCII"):
        exif.with_software(None, text)


def tiff(order="<", *, is_big=False, **options):
    """A small picture as tifffile writes it."""
    file = io.BytesIO()
    pixels = np.arange(60, dtype=np.uint16).reshape(4, 5, 3)
    tifffile.imwrite(
        file, pixels, byteorder=order, bigtiff=is_big, photometric="rgb", metadata=None, **options
    )
    return file


def carried(block, order="<", *, is_big=False):
    file = tiff(order, is_big=is_big)
    exif.write_into_tiff(file, block)
    return file


TAKEN_BY_TIFF = {0x011A: 1, 0x011B: 1, 0x0128: 1, SOFTWARE: "tifffile.py"}


@given(blocks(), st.sampled_from("<>"), st.booleans())
@example(CAMERA_BLOCK, "<", False)
@example(CAMERA_BLOCK, ">", True)
def test_exif_is_the_same_after_a_stay_in_a_tiff(block, order, is_big):
    back = exif.block_of_tiff(carried(block, order, is_big=is_big))
    expected = read(block)
    expected["first"] = TAKEN_BY_TIFF | expected["first"]
    assert read(back) == expected


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("is_big", [False, True])
def test_other_programs_find_the_exif_of_a_tiff_and_its_pixels(order, is_big):
    file = carried(CAMERA_BLOCK, order, is_big=is_big)
    file.seek(0)
    with tifffile.TiffFile(file) as found:
        tags = found.pages[0].tags
        assert tags["Make"].value == "A camera's maker"
        assert tags["ExifTag"].value["ExposureTime"] == (1, 250)
        assert tags["ExifTag"].value["MakerNote"] == bytes(range(256)) * 3
        assert tags["GPSTag"].value["GPSLatitude"] == (52, 1, 31, 1, 6, 5)
        assert [tag.code for tag in tags] == sorted(tag.code for tag in tags)
        pixels = found.asarray()
    np.testing.assert_array_equal(pixels, np.arange(60).reshape(4, 5, 3))


def test_pillow_finds_the_exif_of_a_tiff():
    file = tiff()
    tifffile.imwrite(file, np.zeros((4, 5, 3), np.uint8), photometric="rgb", metadata=None)
    file.seek(0)
    exif.write_into_tiff(file, CAMERA_BLOCK)
    with Image.open(file) as picture:
        found = picture.getexif()
        assert found[0x010F] == "A camera's maker"
        assert found.get_ifd(EXIF)[MAKER_NOTE] == bytes(range(256)) * 3
        assert found.get_ifd(GPS)[2] == (52, 31, 1.2)


def test_a_tiff_with_several_directories_keeps_them():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for value in (1, 2, 3):
            writer.write(np.full((16, 16), value, np.uint8), metadata=None)
    exif.write_into_tiff(file, CAMERA_BLOCK)
    file.seek(0)
    with tifffile.TiffFile(file) as found:
        assert [int(page.asarray()[0, 0]) for page in found.pages] == [1, 2, 3]
        assert found.pages[0].tags["Make"].value == "A camera's maker"


def test_only_what_tells_of_the_picture_is_carried():
    how_pixels_are_stored = block_of(
        "<",
        (0x0100, 3, 1, short("<", 9999)),
        (0x0103, 3, 1, short("<", 7)),
        (0x010F, 2, 4, b"abc\0"),
        (0x0111, 4, 1, b"\1\0\0\0"),
    )
    file = carried(how_pixels_are_stored)
    assert read(exif.block_of_tiff(file))["first"] == TAKEN_BY_TIFF | {0x010F: "abc"}
    file.seek(0)
    assert tifffile.imread(file).shape == (4, 5, 3)


def test_numbers_of_64_bits_become_32_or_stay_out():
    file = tiff(is_big=True, extratags=[(0x4746, 16, 1, 5, True), (0x4749, 16, 1, 2**40, True)])
    first = read(exif.block_of_tiff(file))["first"]
    assert first[0x4746] == 5
    assert 0x4749 not in first


def test_a_tiff_that_says_nothing_has_no_block():
    file = io.BytesIO()
    Image.new("L", (3, 3)).save(file, "TIFF")
    assert exif.block_of_tiff(file) is None
    for nothing in (b"", b"II*\0", b"II*\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n" + bytes(99)):
        assert exif.block_of_tiff(io.BytesIO(nothing)) is None


def test_exif_is_written_into_tiffs_alone():
    with pytest.raises(ImageFileError, match="no TIFF"):
        exif.write_into_tiff(io.BytesIO(b"junk" * 9), CAMERA_BLOCK)


class _FarAway(io.BytesIO):
    """A file that says it ends beyond four gigabytes; what is written there is dropped."""

    def seek(self, offset, whence=0):
        return super().seek(offset, whence) + (1 << 32 if whence == io.SEEK_END else 0)


def test_a_tiff_of_four_gigabytes_is_told_to_be_big():
    file = _FarAway(tiff().getvalue())
    before = file.getvalue()
    with pytest.raises(ImageFileError, match="use a BigTIFF"):
        exif.write_into_tiff(file, CAMERA_BLOCK)
    assert file.getvalue() == before


UNREADABLE = {
    "empty": b"",
    "no TIFF": b"junk" * 20,
    "a mark alone": b"II*\0",
    "a BigTIFF": tiff(is_big=True).getvalue(),
    "no directory": b"II*\0\0\0\0\0",
    "a directory beyond the end": b"MM\0*\0\0\xff\0" + bytes(50),
    "a directory cut short": CAMERA_BLOCK[:20],
    "no entries": b"II*\0\x08\0\0\0" + bytes(20),
    "too many entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(12 * 65535 + 4),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_block_that_cannot_be_read_is_dropped(name):
    assert exif.upright(UNREADABLE[name]) == (None, 1)
    file = tiff()
    before = file.getvalue()
    exif.write_into_tiff(file, UNREADABLE[name])
    assert file.getvalue() == before


def test_directories_that_point_at_each_other_come_to_an_end():
    pointers = [(tag, 4, 1, struct.pack("<I", 8)) for tag in (EXIF, GPS, INTEROPERABILITY)]
    block = block_of("<", (0x010F, 2, 4, b"abc\0"), *pointers)
    file = carried(block)
    assert len(file.getvalue()) < 2000
    assert read(exif.block_of_tiff(file))["first"][0x010F] == "abc"


def test_one_value_that_many_tags_claim_does_not_grow_without_bound():
    claims = [(tag, 7, 1 << 20, struct.pack("<I", 8)) for tag in range(0x9000, 0x9400)]
    camera = directory("<", claims)
    block = block_of("<", (EXIF, 4, 1, struct.pack("<I", 26)), tail=camera).ljust(1 << 21, b"\0")
    assert len(carried(block).getvalue()) < (1 << 24) + (1 << 17)


@settings(max_examples=400)
@given(st.integers(0, 2**32 - 1), st.sampled_from("<>"), st.booleans())
def test_no_damage_is_more_than_a_dropped_value(seed, order, is_big):
    dice = random.Random(seed)
    block = bytearray(CAMERA_BLOCK)
    file = bytearray(carried(CAMERA_BLOCK, order, is_big=is_big).getvalue())
    for data in (block, file):
        for _ in range(dice.choice([1, 3, 20])):
            position = dice.randrange(len(data))
            data[position : position + 4] = dice.choice([b"\xff" * 4, bytes(4), dice.randbytes(4)])
        del data[dice.randrange(8, 4 * len(data)) :]
    turned, orientation = exif.upright(bytes(block))
    assert 1 <= orientation <= 8
    assert turned is None or len(turned) == len(block)
    assert exif.upright(exif.with_software(bytes(block), "phos"))[0] is not None
    assert len(carried(bytes(block), order, is_big=is_big).getvalue()) < 1 << 17
    back = exif.block_of_tiff(io.BytesIO(file))
    assert back is None or exif.upright(back)[0] is not None

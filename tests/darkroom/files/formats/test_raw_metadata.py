"""EXIF of raw files: wherever a maker's format keeps it. The files are their metadata alone."""

import io
import struct

import pytest

from phos_darkroom.files.formats.raw_metadata import exif_of, says_when, xmp_of
from phos_darkroom.files.metadata.exif import upright

DATE = b"2024:05:06 07:08:09\0"
NORTH = b"N\0\0\0"


def directory(place, entries, order="<"):
    """A TIFF directory at a place, its values behind it: entries of (tag, type, count, value)."""
    after = place + 2 + 12 * len(entries) + 4
    table, values = b"", b""
    for tag, kind, count, value in sorted(entries):
        field = value
        if len(value) > 4:
            field = struct.pack(order + "I", after + len(values))
            values += value
        table += struct.pack(order + "HHI", tag, kind, count) + field
    return struct.pack(order + "H", len(entries)) + table + bytes(4) + values


def tiff(magic=b"II*\0", *, with_exif=True, more=()):
    """A TIFF of a maker, an orientation, a packet of XMP, and perhaps the date of the exposure."""
    order = "<" if magic[:1] == b"I" else ">"
    model = (0x0110, 2, 6, b"Model\0")
    turned = (0x0112, 3, 1, struct.pack(order + "HH", 6, 0))
    packet = (700, 1, 10, b"<x:xmpmeta")
    first = [model, turned, packet, *more]
    if with_exif:
        place = 8 + len(directory(8, [*first, (0x8769, 4, 1, bytes(4))], order))
        first.append((0x8769, 4, 1, struct.pack(order + "I", place)))
    head = magic + struct.pack(order + "I", 8) + directory(8, first, order)
    return head + (directory(len(head), [(0x9003, 2, 20, DATE)], order) if with_exif else b"")


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def cr3(*, first=True, exif=True, gps=True):
    """A Canon's boxes: each of its directories is a TIFF of its own."""
    parts = [(b"CMT1", tiff(with_exif=False))] * first
    parts += [(b"CMT2", b"II*\0\x08\0\0\0" + directory(8, [(0x9003, 2, 20, DATE)]))] * exif
    parts += [(b"CMT3", b"II*\0\x08\0\0\0" + directory(8, [(1, 3, 1, bytes(4))]))]
    parts += [(b"CMT4", b"II*\0\x08\0\0\0" + directory(8, [(1, 2, 2, NORTH)]))] * gps
    inner = box(b"CNCV", b"CanonCR3") + b"".join(box(*part) for part in parts)
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    movie = box(b"uuid", bytes(16)) + box(b"uuid", canon + inner) + box(b"trak", bytes(8))
    kind = box(b"ftyp", b"crx \0\0\0\1crx isom")
    pixels = struct.pack(">I4sQ", 1, b"mdat", 16 + 40) + bytes(40)  # a length of 64 bits
    return kind + box(b"moov", movie) + pixels


def mrw():
    blocks = [(b"\0PRD", bytes(24)), (b"\0TTW", tiff(b"MM\0*")), (b"\0WBG", bytes(12))]
    body = b"".join(kind + struct.pack(">I", len(part)) + part for kind, part in blocks)
    return b"\0MRM" + struct.pack(">I", len(body)) + body + bytes(100)


@pytest.mark.parametrize(
    "content",
    [
        *(tiff(magic) for magic in (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")),
        cr3(),
        mrw(),
    ],
)
def test_the_date_the_model_and_the_orientation_are_found(content):
    block = exif_of(io.BytesIO(content))
    assert block[:4] in (b"II*\0", b"MM\0*")  # whatever the maker's own mark
    assert says_when(block)
    assert DATE in block
    assert b"Model\0" in block
    assert upright(block)[1] == 6


@pytest.mark.parametrize("magic", [b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0"])
def test_xmp_is_found_in_every_maker_of_tiffs(magic):
    assert xmp_of(io.BytesIO(tiff(magic))) == b"<x:xmpmeta"


def test_a_canons_place_is_kept_and_what_is_not_there_is_left_out():
    assert NORTH[:2] in exif_of(io.BytesIO(cr3()))
    assert not says_when(exif_of(io.BytesIO(cr3(exif=False, gps=False))))
    assert exif_of(io.BytesIO(cr3(first=False))) is None


def test_a_block_without_a_date_is_told_from_one_with_it():
    assert not says_when(None)
    assert not says_when(b"II*\0\x08\0\0\0")
    assert not says_when(exif_of(io.BytesIO(tiff(with_exif=False))))


@pytest.mark.parametrize("content", [cr3(), mrw(), tiff(b"IIRO"), b"", b"FUJIFILMCCD-RAW 0201"])
def test_files_cut_anywhere_give_a_block_or_none(content):
    for length in range(len(content)):
        block = exif_of(io.BytesIO(content[:length]))
        assert block is None or block[:4] in (b"II*\0", b"MM\0*")

"""A JPEG's segments: those that hold pixels, and those of metadata."""

import contextlib
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import EXIF_MARK
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import (
    BLOCKS_PER_ARITHMETIC_BYTE,
    BLOCKS_PER_JPEG_BYTE,
    CHUNKS,
    METADATA_BYTES,
    SCANS,
    check_size,
)

__all__ = [
    "APP1",
    "APP2",
    "APP13",
    "EXTENDED_XMP_MARK",
    "GAIN_MARK",
    "ICC_MARK",
    "PHOTOSHOP_MARK",
    "SEGMENT_BYTES",
    "XMP_MARK",
    "Segments",
    "first_exif",
    "profile_in",
    "segments",
]

SEGMENT_BYTES = 65_533  # its length is two bytes, and counts itself
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_XMP_MARK = b"http://ns.adobe.com/xmp/extension/\0"
ICC_MARK = b"ICC_PROFILE\0"
GAIN_MARK = b"urn:iso:std:iso:ts:21496:-1\0"
SEVERAL_MARK = b"MPF\0"
PHOTOSHOP_MARK = b"Photoshop 3.0\0"
JFIF_MARK = b"JFIF\0"
SOI, EOI, SOS, APP0, APP1, APP2 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2
APP13, APP14, COM = 0xED, 0xEE, 0xFE
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start of frame, of every process
ARITHMETIC = {0xC9, 0xCA}
BASELINE_TO_PROGRESSIVE = {0xC0, 0xC1, 0xC2} | ARITHMETIC
JFIF_BYTES = 14
NAME_BYTES = 32  # of extended XMP's name
COEFFICIENTS = 64  # of a block
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers that mean nothing outside of coded data
_WITHOUT_SEGMENT = _ALONE | {SOI, EOI}
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker, and what stands behind it.

    Parameters
    ----------
    marker : int
        Its second byte.
    stray_bytes : int
        That stand before it and belong to nothing.
    body : bytes
        Of the segment, without its length; empty for a marker that has none.
    data_bytes : int
        Of coded data behind the segment, if it starts a scan.
    start, end : int
        Where in the file the marker starts, and where segment and data end.
    """

    marker: int
    stray_bytes: int
    body: bytes
    data_bytes: int
    start: int
    end: int


@dataclass(slots=True)
class Segments:
    """What was found in a file."""

    pixels: list[bytes | memoryview] = field(default_factory=lambda: [b"\xff\xd8"])
    blocks: int = 0
    blocks_per_byte: int = BLOCKS_PER_JPEG_BYTE
    scans: int = 0
    scan_bytes: int = 0
    stray_bytes: int = 0
    has_end: bool = False
    missing: dict[int, set[int]] = field(default_factory=dict)
    jfif: bytes | None = None
    exif_parts: list[bytes] = field(default_factory=list)
    xmp_parts: list[bytes] = field(default_factory=list)
    extended_parts: dict[str, dict[int, tuple[int, bytes]]] = field(default_factory=dict)
    icc_parts: dict[int, bytes] = field(default_factory=dict)
    photoshop_parts: list[bytes] = field(default_factory=list)
    gain_block: bytes | None = None
    is_first_of_several: bool = False
    metadata_bytes: int = 0
    end: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether some scan gives the last bit of each coefficient of each channel."""
        return bool(self.missing) and not any(self.missing.values())


def segments(content: bytes, path: Path) -> Segments:
    """Gather the segments of a file's first picture.

    Parameters
    ----------
    content : bytes
        The whole file.
    path : Path
        Its name, for errors.

    Returns
    -------
    Segments
        Bytes between a segment's end and the next marker are counted and passed over, as libjpeg
        does: tools that rewrite metadata leave such.
    """
    view = memoryview(content)
    found = Segments()
    for segment in walked(content):
        found.stray_bytes += segment.stray_bytes
        found.end = segment.end
        if segment.marker in _ALONE:
            continue
        if segment.marker == EOI:
            found.has_end = True
            break
        if segment.marker == SOI and found.scans:
            break  # the next picture's: this one lacks its end
        if segment.marker == SOI:
            raise DamageError("another picture starts before the first one's end")
        if segment.marker == SOS:
            _take_scan(found, segment)
        elif segment.marker in FRAMES:
            _take_frame(found, segment.marker, segment.body, path)
        if not _take(found, segment.marker, segment.body):
            found.pixels.append(view[segment.start : segment.end])
    if found.has_end:
        found.pixels.append(b"\xff\xd9")
    if not found.blocks:
        raise DamageError("it has no frame")
    return found


def first_exif(content: bytes) -> bytes | None:
    """Return the first EXIF block of a JPEG, also if what follows it is damaged.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    bytes or None
        None if there is none before the first damage.
    """
    with contextlib.suppress(DamageError, struct.error):
        for segment in walked(content):
            if segment.marker == APP1 and segment.body.startswith(EXIF_MARK):
                return segment.body.removeprefix(EXIF_MARK)
    return None


def profile_in(found: Segments) -> bytes | None:
    """Join the parts of a picture's colour profile."""
    return b"".join(found.icc_parts[number] for number in sorted(found.icc_parts)) or None


def walked(content: bytes) -> Iterator[Segment]:
    """Go from marker to marker.

    Parameters
    ----------
    content : bytes
        A whole JPEG.

    Yields
    ------
    Segment
        Of every marker, those of further pictures in the file too.

    Raises
    ------
    DamageError, struct.error
        Where a segment is cut short, or the file ends elsewhere than within coded data.
    """
    place = 2
    for _ in range(CHUNKS):
        marker, stray_bytes, place = _marker(content, place)
        start, body, data_bytes = place - 2, b"", 0
        if marker not in _WITHOUT_SEGMENT:
            (length,) = struct.unpack_from(">H", content, place)
            body, place = content[place + 2 : place + length], place + max(length, 2)
            if place > len(content):
                raise DamageError("a segment claims more bytes than are left")
        if marker == SOS:
            data_bytes = _end_of_data(content, place) - place
            place += data_bytes
        yield Segment(marker, stray_bytes, body, data_bytes, start, place)
        if marker == SOS and _MARKER.search(content, place) is None:
            return  # without an end: whether pixels are missing is the decoder's to say


def _marker(content: bytes, place: int) -> tuple[int, int, int]:
    """Return the next marker, how many bytes before it are none, and where its segment starts."""
    found = _MARKER.search(content, place)
    if not found:
        raise DamageError("it ends before its last marker")
    stray = content[place : found.start()].rstrip(b"\xff")  # of which any number may come before
    return found[1][0], len(stray), found.end()


def _end_of_data(content: bytes, start: int) -> int:
    """Return where a scan's coded data end: at the next marker but restarts."""
    found = _NEXT_MARKER.search(content, start)
    return found.start() if found else len(content)


def _take_frame(found: Segments, marker: int, body: bytes, path: Path) -> None:
    bits, rows, cols, channels = struct.unpack_from(">BHHB", body)
    check_size(path, rows, cols)
    if marker not in BASELINE_TO_PROGRESSIVE or bits != 8:
        raise ImageFileError(
            f"{path} is a JPEG of {bits} bits by a process that is not read (lossless, "
            "hierarchical or deep): convert it to TIFF first"
        )
    if channels == 4:
        raise ImageFileError(f"{path} holds inks (CMYK), not light: convert it to sRGB first")
    if found.blocks:
        raise DamageError("it has two frames")
    found.missing = {body[6 + 3 * n]: set(range(COEFFICIENTS)) for n in range(channels)}
    factors = [body[place] for place in range(7, 6 + 3 * channels, 3)]
    found.blocks = _blocks(rows, cols, [(factor >> 4, factor & 15) for factor in factors])
    if marker in ARITHMETIC:
        found.blocks_per_byte = BLOCKS_PER_ARITHMETIC_BYTE


def _blocks(rows: int, cols: int, factors: list[tuple[int, int]]) -> int:
    """Count the blocks of 8 x 8 samples of channels that are sampled so often across and down."""
    most_across, most_down = (max(1, *side) for side in zip(*factors, (1, 1), strict=True))
    groups = math.ceil(cols / (8 * most_across)) * math.ceil(rows / (8 * most_down))
    return int(groups * max(1, sum(across * down for across, down in factors)))


def _take_scan(found: Segments, scan: Segment) -> None:
    """Count a scan, and note which coefficients it gives to the last bit."""
    body = scan.body
    channels = body[0]
    first, last, bits = body[1 + 2 * channels : 4 + 2 * channels]
    if bits & 15 == 0:
        for channel in body[1 : 1 + 2 * channels : 2]:
            found.missing.get(channel, set()).difference_update(range(first, last + 1))
    found.scans += 1
    found.scan_bytes += scan.data_bytes
    if found.scans > SCANS:
        raise DamageError(f"it has more than {SCANS} scans")


def _take(found: Segments, marker: int, body: bytes) -> bool:
    """Keep a segment of metadata, if it is one; whether the decoder does without it."""
    kept = found.metadata_bytes
    if marker == APP0 and body.startswith(JFIF_MARK) and len(body) >= JFIF_BYTES - 2:
        found.jfif = found.jfif or body
    elif marker == APP1 and body.startswith(EXIF_MARK):
        found.exif_parts.append(body.removeprefix(EXIF_MARK))
        kept += len(body)
    elif marker == APP1 and body.startswith(XMP_MARK):
        found.xmp_parts.append(body.removeprefix(XMP_MARK))
        kept += len(body)
    elif marker == APP1 and body.startswith(EXTENDED_XMP_MARK):
        _take_extended(found, body.removeprefix(EXTENDED_XMP_MARK))
        kept += len(body)
    elif marker == APP2 and body.startswith(ICC_MARK) and len(body) > len(ICC_MARK) + 2:
        found.icc_parts.setdefault(body[len(ICC_MARK)], body[len(ICC_MARK) + 2 :])
        kept += len(body)
    elif marker == APP2 and body.startswith(GAIN_MARK):
        found.gain_block = body.removeprefix(GAIN_MARK)
    elif marker == APP2 and body.startswith(SEVERAL_MARK):
        found.is_first_of_several = True
    elif marker == APP13 and body.startswith(PHOTOSHOP_MARK):
        found.photoshop_parts.append(body.removeprefix(PHOTOSHOP_MARK))
        kept += len(body)
    if kept > METADATA_BYTES:
        raise DamageError("its blocks of metadata are longer than any")
    found.metadata_bytes = kept
    return marker == COM or (APP1 <= marker <= 0xEF and marker != APP14)


def _take_extended(found: Segments, body: bytes) -> None:
    """Keep a part of extended XMP: its name, the whole's length, the part's place, the part."""
    head = NAME_BYTES + 8
    if len(body) > head:
        name = body[:NAME_BYTES].decode("ascii", "replace").upper()
        length, place = struct.unpack_from(">II", body, NAME_BYTES)
        found.extended_parts.setdefault(name, {}).setdefault(place, (length, body[head:]))

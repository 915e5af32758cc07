"""JPEG: the segments are read here, the pixels by Pillow.

Pillow is handed the segments that hold pixels, and no others: neither a second picture (MPO) nor
a damaged block of metadata can disturb it.
"""

import io
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from phos_core.errors import ImageFileError
from phos_core.formats.assembling import EXIF_MARK, assemble
from phos_core.formats.damage import DamageError
from phos_core.formats.limits import (
    BLOCKS_PER_ARITHMETIC_BYTE,
    BLOCKS_PER_JPEG_BYTE,
    CHUNKS,
    METADATA_BYTES,
    SCANS,
    check_size,
    read_whole,
)
from phos_core.formats.pillow import without_bomb_warning
from phos_core.formats.samples import coded, profile_for
from phos_core.picture import Picture

__all__ = ["LONGEST_SIDE", "read", "write"]

LONGEST_SIDE = 65_535
QUALITY = 95  # our choice: artefacts stay below the grain
SEGMENT_BYTES = 65_533  # its length is two bytes, and counts itself
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
LONG_XMP_MARK = b"http://ns.adobe.com/xmp/extension/\0"
ICC_MARK = b"ICC_PROFILE\0"
SOI, EOI, SOS, APP0, APP1, APP2, APP14, COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # start of frame, of every process
ARITHMETIC = {0xC9, 0xCA}
BASELINE_TO_PROGRESSIVE = {0xC0, 0xC1, 0xC2} | ARITHMETIC
_ALONE = {0x01, SOI, *range(0xD0, 0xD8)}  # markers without a segment
_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


@dataclass(slots=True)
class _Segments:
    """What was found in a file."""

    pixels: list[bytes | memoryview] = field(default_factory=lambda: [b"\xff\xd8"])
    blocks: int = 0
    blocks_per_byte: int = BLOCKS_PER_JPEG_BYTE
    scans: int = 0
    scan_bytes: int = 0
    exif: bytes | None = None
    xmp: bytes | None = None
    icc_parts: dict[int, bytes] = field(default_factory=dict)


def read(path: Path) -> Picture:
    """Read a JPEG; of a camera's several pictures in one file, the first.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        Of 8 bits.
    """
    found = _segments(read_whole(path), path)
    if found.blocks > found.scan_bytes * found.blocks_per_byte:
        raise DamageError("its data cannot hold the size that it claims")
    with without_bomb_warning():
        picture = Image.open(io.BytesIO(b"".join(found.pixels)), formats=("JPEG",))
    if picture.mode == "CMYK":
        raise ImageFileError(f"{path} holds inks (CMYK), not light: convert it to sRGB first")
    if picture.mode not in ("L", "RGB"):
        raise ImageFileError(f"{path} holds pixels of mode {picture.mode!r}, not grey or RGB")
    profile = b"".join(found.icc_parts[number] for number in sorted(found.icc_parts))
    return assemble(
        np.array(picture),
        exif=found.exif,
        xmp=found.xmp,
        icc_profile=profile or None,
        name=path.name,
    )


def write(file: BinaryIO, picture: Picture) -> None:
    """Write a JPEG at quality 95, without chroma subsampling.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What, without alpha; rounded to 8 bits.
    """
    metadata = picture.metadata
    options: dict[str, Any] = {"quality": QUALITY, "subsampling": "4:4:4"}
    profile = profile_for(picture)
    pixels = coded(picture, np.uint8).pixels
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(encoded, format="JPEG", **options)
    content = encoded.getvalue()
    first = 4 + int.from_bytes(content[4:6], "big")  # past JFIF's own segment
    file.write(content[:first])
    for body in _metadata_segments(metadata.exif, metadata.xmp, profile):
        file.write(_segment(*body))
    file.write(content[first:])


def too_long_for(picture: Picture) -> str | None:
    """Say what of a picture's metadata JPEG's segments cannot hold.

    Parameters
    ----------
    picture : Picture
        What is to be written.

    Returns
    -------
    str or None
        The block's name; None: all of it fits.
    """
    metadata = picture.metadata
    if metadata.exif is not None and len(EXIF_MARK) + len(metadata.exif) > SEGMENT_BYTES:
        return "EXIF block"
    if metadata.xmp is not None and len(XMP_MARK) + len(metadata.xmp) > SEGMENT_BYTES:
        return "XMP packet"
    return None


def _metadata_segments(
    exif: bytes | None, xmp: bytes | None, profile: bytes | None
) -> Iterator[tuple[int, bytes]]:
    if exif is not None:
        yield APP1, EXIF_MARK + exif
    if xmp is not None:
        yield APP1, XMP_MARK + xmp
    if profile is not None:
        room = SEGMENT_BYTES - len(ICC_MARK) - 2
        parts = [profile[place : place + room] for place in range(0, len(profile), room)]
        for number, part in enumerate(parts, 1):
            yield APP2, ICC_MARK + bytes((number, len(parts))) + part


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _segments(content: bytes, path: Path) -> _Segments:
    """Walk from marker to marker to the end of the first picture."""
    view = memoryview(content)
    found = _Segments()
    place = 2
    for _ in range(CHUNKS):
        marker, place = _marker(content, place)
        if marker in _ALONE:
            continue
        if marker == EOI:
            break
        (length,) = struct.unpack_from(">H", content, place)
        body, end = content[place + 2 : place + length], place + length
        if length < 2 or end > len(content):
            raise DamageError("a segment claims more bytes than are left")
        if marker == SOS:
            data_end = _end_of_data(content, end)
            found.scans += 1
            found.scan_bytes += data_end - end
            end = data_end
            if found.scans > SCANS:
                raise DamageError(f"it has more than {SCANS} scans")
        elif marker in FRAMES:
            _take_frame(found, marker, body, path)
        if not _take(found, marker, body):
            found.pixels.append(view[place - 2 : end])
        place = end
        if marker == SOS and end == len(content):
            break  # without an end: whether pixels are missing is the decoder's to say
    found.pixels.append(b"\xff\xd9" if place < len(content) or content[-2:] == b"\xff\xd9" else b"")
    if not found.blocks:
        raise DamageError("it has no frame")
    return found


def _marker(content: bytes, place: int) -> tuple[int, int]:
    """Return the marker at a place and where its segment starts; fill bytes are passed over."""
    found = _MARKER.match(content, place)
    if not found:
        raise DamageError("a marker is not where it must be")
    return found[1][0], found.end()


def _end_of_data(content: bytes, start: int) -> int:
    """Return where a scan's coded data end: at the next marker but restarts."""
    found = _NEXT_MARKER.search(content, start)
    return found.start() if found else len(content)


def _take_frame(found: _Segments, marker: int, body: bytes, path: Path) -> None:
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
    factors = [body[place] for place in range(7, 6 + 3 * channels, 3)]
    found.blocks = _blocks(rows, cols, [(factor >> 4, factor & 15) for factor in factors])
    if marker in ARITHMETIC:
        found.blocks_per_byte = BLOCKS_PER_ARITHMETIC_BYTE


def _blocks(rows: int, cols: int, factors: list[tuple[int, int]]) -> int:
    """Count the blocks of 8 x 8 samples of channels that are sampled so often across and down."""
    most_across, most_down = (max(1, *side) for side in zip(*factors, (1, 1), strict=True))
    groups = math.ceil(cols / (8 * most_across)) * math.ceil(rows / (8 * most_down))
    return int(groups * max(1, sum(across * down for across, down in factors)))


def _take(found: _Segments, marker: int, body: bytes) -> bool:
    """Keep a segment of metadata, if it is one; whether the decoder does without it."""
    if marker == APP1 and body.startswith(EXIF_MARK):
        found.exif = found.exif or body.removeprefix(EXIF_MARK)
    elif marker == APP1 and body.startswith(XMP_MARK):
        found.xmp = found.xmp or body.removeprefix(XMP_MARK)
    elif marker == APP2 and body.startswith(ICC_MARK) and len(body) > len(ICC_MARK) + 2:
        found.icc_parts.setdefault(body[len(ICC_MARK)], body[len(ICC_MARK) + 2 :])
        if sum(map(len, found.icc_parts.values())) > METADATA_BYTES:
            raise DamageError("its colour profile is longer than any")
    return marker == COM or (APP1 <= marker <= 0xEF and marker != APP14)

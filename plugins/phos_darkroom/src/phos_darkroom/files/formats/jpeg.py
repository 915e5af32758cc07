"""JPEG: the segments are read here, the pixels by Pillow.

Pillow is handed the segments that hold pixels, and no others: neither a second picture (MPO) nor
a damaged block of metadata can disturb it.
"""

import io
import itertools
import struct
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phos_core.errors import ImageFileError
from phos_core.process import OutputSpace
from phos_darkroom.files.colour.making import profile_of
from phos_darkroom.files.colour.profiles import primaries_of
from phos_darkroom.files.formats.assembling import EXIF_MARK, Blocks, assemble
from phos_darkroom.files.formats.damage import DAMAGE, DamageError
from phos_darkroom.files.formats.gain_facts import StoredGain
from phos_darkroom.files.formats.gain_writing import ISO_VERSION, written_gain
from phos_darkroom.files.formats.jpeg_gain_map import gain_map_behind
from phos_darkroom.files.formats.jpeg_segments import (
    APP1,
    APP2,
    APP13,
    EXTENDED_XMP_MARK,
    GAIN_MARK,
    ICC_MARK,
    PHOTOSHOP_MARK,
    SEGMENT_BYTES,
    XMP_MARK,
    Segments,
    profile_in,
    segments,
)
from phos_darkroom.files.formats.jpeg_several import INDEX_BYTES, index_of, with_list
from phos_darkroom.files.formats.limits import read_whole
from phos_darkroom.files.formats.pillow import without_bomb_warning
from phos_darkroom.files.formats.samples import profile_for
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.files.metadata.exif_facts import shortened
from phos_darkroom.files.metadata.xmp import as_utf8
from phos_darkroom.files.metadata.xmp_extended import extended_name, merged, split
from phos_darkroom.files.picture import Metadata, Picture, Resolution

__all__ = ["LONGEST_SIDE", "read", "write"]

LONGEST_SIDE = 65_535
GAIN_QUALITY = 90  # the same, of a gain map, most of which is flat
QUALITY = 95  # our choice: artefacts stay below the grain
EXTENDED_PART_BYTES = 65_400  # of extended XMP in a segment, as its standard advises
EXIF_ROOM, XMP_ROOM = SEGMENT_BYTES - len(EXIF_MARK), SEGMENT_BYTES - len(XMP_MARK)
ICC_ROOM, ICC_PARTS = SEGMENT_BYTES - len(ICC_MARK) - 2, 255  # a byte counts them
JFIF_UNITS = {0: "none", 1: "inch", 2: "cm"}
JFIF_PLACE = 11  # of units and densities, from the file's start
LARGEST_DENSITY = 65_535
EOI = b"\xff\xd9"
FILLERS = (bytes([0xA5]) * 64, bytes([0x5A]) * 64)  # our choice: patterns that are no padding


def read(path: Path) -> Picture:
    """Read a JPEG; of a camera's several pictures in one file, the first, and its gain map.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        Of 8 bits.

    Warns
    -----
    UserWarning
        If stray bytes were passed over, the end is missing but no pixel is, a block of metadata
        does not belong to the rest, or the gain map is damaged.
    """
    content = read_whole(path)
    found = segments(content, path)
    if found.blocks > found.scan_bytes * found.blocks_per_byte:
        raise DamageError("its data cannot hold the size that it claims")
    samples = _samples(found, path)
    if found.stray_bytes:
        bytes_are = "byte" if found.stray_bytes == 1 else "bytes"
        _warn(path, f"passed over {found.stray_bytes} stray {bytes_are} before a marker")
    exif, xmp, profile = _exif(found, path), _xmp(found, path), profile_in(found)
    return assemble(
        samples,
        exif=exif,
        xmp=xmp,
        icc_profile=profile,
        photoshop=b"".join(found.photoshop_parts) or None,
        resolution=_resolution(found.jfif),
        gain=_gain(content, found, Blocks(exif=exif, xmp=xmp, icc_profile=profile), path),
        name=path.name,
    )


def write(file: BinaryIO, picture: Picture, quality: int = QUALITY) -> None:
    """Write a JPEG without chroma subsampling.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What, without alpha; rounded to 8 bits.
    quality : int
        1 to 100, as libjpeg counts.

    Warns
    -----
    UserWarning
        If something of its EXIF does not fit into a segment, and is left out.
    """
    profile = profile_for(picture)
    content = bytearray(_encoded(picture.at_depth(np.uint8).pixels, quality))
    _put_resolution(content, picture.metadata.resolution)
    gain = None if picture.gain_map is None else _encoded_gain(picture.gain_map, profile)
    metadata = picture.metadata
    if gain is not None:
        metadata = replace(metadata, xmp=with_list(metadata.xmp, len(gain)))
    parts = [_segment(*body) for body in _metadata_segments(metadata, profile)]
    if gain is not None:
        parts.append(_segment(APP2, GAIN_MARK + ISO_VERSION))
    first = 4 + int.from_bytes(content[4:6], "big")  # past JFIF's own segment
    parts.insert(0, bytes(content[:first]))
    if gain is not None:
        place = sum(map(len, parts)) + 4
        length = place + INDEX_BYTES + len(content) - first
        parts.append(_segment(APP2, index_of(length, len(gain), place)))
    for part in (*parts, bytes(content[first:]), gain or b""):
        file.write(part)


def _encoded(pixels: NDArray[np.uint8], quality: int) -> bytes:
    encoded = io.BytesIO()
    options: dict[str, Any] = {"quality": quality, "subsampling": "4:4:4"}
    Image.fromarray(np.ascontiguousarray(pixels)).save(encoded, format="JPEG", **options)
    return encoded.getvalue()


def _encoded_gain(gain_map: GainMap, profile: bytes | None) -> bytes | None:
    """The second picture; none where the map makes nothing brighter."""
    gain = written_gain(gain_map, primaries_of(profile))
    if gain is None:
        return None
    content = _encoded(gain.samples, GAIN_QUALITY)
    first = 4 + int.from_bytes(content[4:6], "big")
    segments_of = [_segment(APP1, XMP_MARK + gain.xmp())]
    if not gain.in_base_colours:
        own = profile_of(OutputSpace(primaries=gain_map.primaries, transfer="linear"))
        segments_of.append(_segment(APP2, ICC_MARK + b"\1\1" + own))
    segments_of.append(_segment(APP2, GAIN_MARK + gain.iso()))
    return b"".join((content[:first], *segments_of, content[first:]))


def too_long_for(picture: Picture) -> str | None:
    """Say what of a picture's metadata JPEG's segments cannot hold.

    Parameters
    ----------
    picture : Picture
        What is to be written.

    Returns
    -------
    str or None
        The block's name; None: all of it fits, or is made to.
    """
    metadata = picture.metadata
    if metadata.xmp is not None and split(metadata.xmp, XMP_ROOM) is None:
        return "XMP packet"
    if len(metadata.icc_profile or b"") > ICC_PARTS * ICC_ROOM:
        return "colour profile"
    return None


def _gain(content: bytes, found: Segments, blocks: Blocks, path: Path) -> StoredGain | None:
    """Read the gain map behind a picture; without one that can be read, the picture is SDR."""
    try:
        return gain_map_behind(content, found, blocks, path)
    except (ImageFileError, *DAMAGE):
        _warn(path, "its gain map is damaged: it is read as SDR")
        return None


def _samples(found: Segments, path: Path) -> NDArray[np.uint8]:
    """Decode; where the end is missing, only if no pixel is."""
    content = b"".join(found.pixels)
    if found.has_end:
        return _decoded(content, path)
    if found.is_whole:
        content = content.rstrip(b"\xff")  # of a mark that is cut in two
        samples = _decoded(content + EOI, path)
        # Where data are missing the decoder makes them up, from whatever follows.
        if all(np.array_equal(samples, _decoded(content + f + EOI, path)) for f in FILLERS):
            _warn(path, "the mark of its end is missing, but no pixel")
            return samples
    raise DamageError("its data end before the picture does")


def _decoded(content: bytes, path: Path) -> NDArray[np.uint8]:
    with without_bomb_warning():
        picture = Image.open(io.BytesIO(content), formats=("JPEG",))
    if picture.mode == "CMYK":
        raise ImageFileError(f"{path} holds inks (CMYK), not light: convert it to sRGB first")
    if picture.mode not in ("L", "RGB"):
        raise ImageFileError(f"{path} holds pixels of mode {picture.mode!r}, not grey or RGB")
    return np.array(picture)


def _exif(found: Segments, path: Path) -> bytes | None:
    """Join EXIF that goes on in further segments; of several blocks the first counts."""
    starts = [part.startswith((b"II*\0", b"MM\0*")) for part in found.exif_parts]
    first = 1 + next((n for n, is_start in enumerate(starts[1:]) if is_start), len(starts))
    if first < len(starts) and found.exif_parts[first] != found.exif_parts[0]:
        _warn(path, "it has a second block of EXIF, which is left out")
    return b"".join(found.exif_parts[:first]) or None


def _xmp(found: Segments, path: Path) -> bytes | None:
    """Join XMP and the extended XMP that it names."""
    packet = as_utf8(found.xmp_parts[0]) if found.xmp_parts else None
    if any(part != found.xmp_parts[0] for part in found.xmp_parts):
        _warn(path, "it has a second XMP packet, which is left out")
    name = extended_name(packet)
    if packet is None or name is None:
        if found.extended_parts:
            _warn(path, "it has extended XMP that its XMP does not name, which is left out")
        return packet
    extended = _extended(found.extended_parts.get(name, {}))
    joined = None if extended is None else merged(packet, as_utf8(extended))
    if joined is None:
        _warn(path, "its extended XMP is damaged or missing, and is left out")
        joined = merged(packet, None)
    return joined or packet


def _extended(parts: dict[int, tuple[int, bytes]]) -> bytes | None:
    """Put the parts of extended XMP together, each with the whole's length; None if one lacks."""
    whole = b"".join(parts[place][1] for place in sorted(parts))
    ends = list(itertools.accumulate(len(parts[place][1]) for place in sorted(parts)))
    is_whole = [0, *ends[:-1]] == sorted(parts) and {len(whole)} == {n for n, _ in parts.values()}
    return whole if is_whole else None


def _resolution(jfif: bytes | None) -> Resolution | None:
    if jfif is None:
        return None
    unit, across, down = struct.unpack_from(">BHH", jfif, JFIF_PLACE - 4)
    return Resolution.sensible(across, down, JFIF_UNITS.get(unit, ""))


def _put_resolution(content: bytearray, resolution: Resolution | None) -> None:
    """Say a resolution in JFIF's header, in the unit in which it is nearest to whole numbers."""
    if resolution is None:
        return
    units = {"inch": 2.54, "cm": 1.0}
    said = (
        [(0, (resolution.across, resolution.down))]
        if resolution.unit == "none"
        else [(code, resolution.per(units[n])) for code, n in JFIF_UNITS.items() if n in units]
    )
    unit, densities = min(said, key=lambda one: sum(abs(n - round(n)) for n in one[1]))
    whole = [round(number) for number in densities]
    if all(1 <= number <= LARGEST_DENSITY for number in whole):
        struct.pack_into(">BHH", content, 2 + JFIF_PLACE, unit, *whole)


def _metadata_segments(metadata: Metadata, profile: bytes | None) -> Iterator[tuple[int, bytes]]:
    if metadata.exif is not None:
        exif, left_out = shortened(metadata.exif, EXIF_ROOM)
        if left_out:
            warnings.warn(
                f"EXIF is longer than the 64 KiB that a JPEG holds: {', '.join(left_out)} of it "
                "is left out",
                stacklevel=4,
            )
        if exif is not None:
            yield APP1, EXIF_MARK + exif
    if metadata.xmp is not None:
        yield from _xmp_segments(metadata.xmp)
    yield from _parts(APP13, PHOTOSHOP_MARK, metadata.photoshop or b"")
    if profile is not None:
        places = range(0, len(profile), ICC_ROOM)
        parts = [profile[place : place + ICC_ROOM] for place in places]
        for number, part in enumerate(parts, 1):
            yield APP2, ICC_MARK + bytes((number, len(parts))) + part


def _xmp_segments(packet: bytes) -> Iterator[tuple[int, bytes]]:
    xmp, extended = split(packet, XMP_ROOM) or (None, None)
    if xmp is not None:
        yield APP1, XMP_MARK + xmp
    name = extended_name(xmp) if extended is not None else None
    if extended is None or name is None:
        return
    for place in range(0, len(extended), EXTENDED_PART_BYTES):
        head = name.encode() + struct.pack(">II", len(extended), place)
        part = extended[place : place + EXTENDED_PART_BYTES]
        yield APP1, EXTENDED_XMP_MARK + head + part


def _parts(marker: int, mark: bytes, block: bytes) -> Iterator[tuple[int, bytes]]:
    room = SEGMENT_BYTES - len(mark)
    for place in range(0, len(block), room):
        yield marker, mark + block[place : place + room]


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _warn(path: Path, what: str) -> None:
    warnings.warn(f"{path.name}: {what}", stacklevel=4)

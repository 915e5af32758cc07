"""The tags of EXIF's directories: read together, and written one directory after the other."""

import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from phos_darkroom.files.metadata.exif_block import EXIF, GPS, INTEROPERABILITY, pointed_to
from phos_darkroom.files.metadata.tiff_packing import (
    converted,
    packed_directory,
    packed_offset,
    padding,
    pointer,
)
from phos_darkroom.files.metadata.tiff_tags import (
    Directory,
    Entry,
    Layout,
    Tag,
    read_directory,
    read_tag,
)

__all__ = [
    "ALL_BUT_POINTERS",
    "MAKER_NOTE",
    "ORIENTATION",
    "SOFTWARE",
    "Tags",
    "append",
    "append_all",
    "new_block",
    "read_tags",
    "values_for",
]

MAX_DIRECTORY_BYTES = 1 << 24  # our choice: the largest makers' notes have a few MB

ORIENTATION, SOFTWARE, MAKER_NOTE = 0x0112, 0x0131, 0x927C

# Of a file's first directory, what tells of the picture; the rest says how its pixels are stored.
DESCRIPTIVE = frozenset(
    {
        0x010D,  # DocumentName
        0x010E,  # ImageDescription
        0x010F,  # Make
        0x0110,  # Model
        ORIENTATION,
        0x011A,  # XResolution
        0x011B,  # YResolution
        0x0128,  # ResolutionUnit
        SOFTWARE,
        0x0132,  # DateTime
        0x013B,  # Artist
        0x013C,  # HostComputer
        0x4746,  # Rating
        0x4749,  # RatingPercent
        0x8298,  # Copyright
        0x9C9B,  # XPTitle, and so on
        0x9C9C,
        0x9C9D,
        0x9C9E,
        0x9C9F,
    }
)
_BYTES = (1, 2, 6, 7)  # types whose values are bytes
ALL_BUT_POINTERS = frozenset(range(1 << 16)) - {EXIF, GPS, INTEROPERABILITY}


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of each directory, by their numbers, and where the maker's note stands."""

    first: Mapping[int, Tag]
    exif: Mapping[int, Tag]
    interoperability: Mapping[int, Tag]
    gps: Mapping[int, Tag]
    note_at: int | None = None


def read_tags(
    file: BinaryIO, layout: Layout, target: Layout, wanted: Container[int] = DESCRIPTIVE
) -> Tags | None:
    """Read what tells of a picture; None if there is no first directory."""
    directory = read_directory(file, layout)
    if directory is None:
        return None
    exif = pointed_to(file, layout, directory, EXIF)
    interoperability = pointed_to(file, layout, exif, INTEROPERABILITY)
    gps = pointed_to(file, layout, directory, GPS)
    return Tags(
        values_for(file, layout, directory, wanted, target),
        values_for(file, layout, exif, ALL_BUT_POINTERS, target),
        values_for(file, layout, interoperability, ALL_BUT_POINTERS, target),
        values_for(file, layout, gps, ALL_BUT_POINTERS, target),
        _note_at(layout, exif),
    )


def _note_at(layout: Layout, exif: Directory | None) -> int | None:
    """Where the maker's note stands, if not within its directory."""
    entry = None if exif is None else exif.find(MAKER_NOTE)
    if entry is None or entry.type not in _BYTES or entry.count <= layout.offset.size:
        return None
    (place,) = layout.offset.unpack(entry.field)
    return int(place) if place >= layout.first + layout.offset.size else None


def values_for(
    file: BinaryIO,
    layout: Layout,
    directory: Directory | None,
    wanted: Container[int],
    target: Layout,
) -> dict[int, Tag]:
    """Read the values of a directory's wanted tags that are all there, for another layout."""
    values: dict[int, Tag] = {}
    room = MAX_DIRECTORY_BYTES
    for entry in directory.entries if directory is not None else ():
        if entry.tag not in wanted or entry.tag in values:
            continue
        tag = read_tag(file, layout, entry, room)
        tag = None if tag is None else converted(tag, layout, target)
        if tag is not None:
            values[tag.tag] = tag
            room -= len(tag.value)
    return values


def new_block(layout: Layout, tags: Tags) -> bytes:
    """Make a block; a maker's note stays at its place, and the rest goes before or behind it."""
    note = tags.exif.get(MAKER_NOTE)
    note_at = tags.note_at if note is not None else None
    block = bytearray((b"II" if layout.order == "<" else b"MM") + bytes(6))
    struct.pack_into(layout.order + "H", block, 2, 42)
    first = append_all(layout, block, 0, None, tags)
    if note is not None and note_at is not None:
        if len(block) <= note_at:
            block += bytes(note_at - len(block)) + note.value
        else:
            del block[8:]
            block += bytes(note_at - 8) + note.value
            first = append_all(layout, block, 0, None, tags)
    layout.offset.pack_into(block, layout.first, first)
    return bytes(block)


def append_all(
    layout: Layout, data: bytearray, start: int, old: Directory | None, tags: Tags
) -> int:
    """Append the directories to data that stand at `start`; return where the first one is."""
    first, exif = dict(tags.first), dict(tags.exif)
    if tags.interoperability:
        offset = append(layout, data, start, (), tags.interoperability)
        exif[INTEROPERABILITY] = pointer(INTEROPERABILITY, offset, layout)
    note: tuple[Entry, ...] = ()
    if tags.note_at is not None and MAKER_NOTE in exif:
        tag = exif.pop(MAKER_NOTE)
        note = (Entry(tag.tag, tag.type, len(tag.value), packed_offset(layout, tags.note_at)),)
    if exif or note:
        first[EXIF] = pointer(EXIF, append(layout, data, start, note, exif), layout)
    if tags.gps:
        first[GPS] = pointer(GPS, append(layout, data, start, (), tags.gps), layout)
    if old is None:
        return append(layout, data, start, (), first)
    return append(layout, data, start, old.entries, first, old.next)


def append(
    layout: Layout,
    data: bytearray,
    start: int,
    kept: tuple[Entry, ...],
    tags: Mapping[int, Tag],
    following: int = 0,
) -> int:
    """Append one directory; return where in the file it is."""
    data += padding(layout, start + len(data))
    offset = start + len(data)
    data += packed_directory(layout, offset, kept, tags, following)
    return offset

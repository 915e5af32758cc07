"""EXIF: a block of TIFF directories, edited in place or carried to and from a TIFF file.

Readers of makers' notes find what is in them by its offset. So nothing in a block is moved: what
changes is written anew at its end.
"""

import io
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from phos_core.errors import ImageFileError
from phos_core.tiff_tags import (
    Directory,
    Entry,
    Layout,
    Tag,
    converted,
    packed_directory,
    packed_offset,
    padding,
    pointer,
    read_directory,
    read_layout,
    read_tag,
)

__all__ = ["block_of_tiff", "upright", "with_software", "write_into_tiff"]

MAX_DIRECTORY_BYTES = 1 << 24  # our choice: the largest makers' notes have a few MB

ORIENTATION, SOFTWARE = 0x0112, 0x0131
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005

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
_ALL_BUT_POINTERS = frozenset(range(1 << 16)) - {EXIF, GPS, INTEROPERABILITY}
_ORIENTATION_FORMATS = {1: "B", 3: "H", 4: "I"}  # by type; SHORT is the right one
_ASCII = 2
_UPRIGHT = 1


def upright(block: bytes) -> tuple[bytes | None, int]:
    """Give a block the orientation 1, and tell which it had.

    Parameters
    ----------
    block : bytes
        EXIF as a TIFF block, without the mark that JPEG puts before it.

    Returns
    -------
    block : bytes or None
        The same bytes but those of the orientation; None if the block cannot be read.
    orientation : int
        1 to 8, as EXIF counts; 1 if it says none, or one that does not exist.
    """
    found = _read_block(block)
    if found is None:
        return None, _UPRIGHT
    layout, directory = found
    patched = bytearray(block)
    orientations = []
    for index, entry in enumerate(directory.entries):
        letter = _ORIENTATION_FORMATS.get(entry.type)
        if entry.tag == ORIENTATION and entry.count == 1 and letter is not None:
            number = struct.Struct(layout.order + letter)
            orientations.append(number.unpack_from(entry.field)[0])
            number.pack_into(patched, _field_position(layout, directory, index), _UPRIGHT)
    orientation = orientations[0] if orientations else _UPRIGHT
    return bytes(patched), orientation if 1 <= orientation <= 8 else _UPRIGHT


def with_software(block: bytes | None, text: str) -> bytes:
    """Write into a block which software made the picture.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block. None, or one that cannot be read: a new one is made.
    text : str
        ASCII: the software and its version.

    Returns
    -------
    bytes
        The block with a first directory at its end that has the tag ``Software``, in place of the
        old one. All else stays where it was.

    Raises
    ------
    ValueError
        If `text` is empty or not plain ASCII.
    """
    if not text or not text.isascii() or "\0" in text:
        raise ValueError(f"text must be ASCII without NUL, and not empty, got {text!r}")
    tags = {SOFTWARE: Tag(SOFTWARE, _ASCII, text.encode() + b"\0")}
    found = None if block is None else _read_block(block)
    if block is None or found is None:
        return _new_block(Layout("<"), _Tags(tags, {}, {}, {}))
    layout, directory = found
    patched = bytearray(block)
    first = _append(layout, patched, 0, directory.entries, tags, directory.next)
    layout.offset.pack_into(patched, layout.first, first)
    return bytes(patched)


def block_of_tiff(file: BinaryIO) -> bytes | None:
    """Make a block of what a TIFF file says of its picture.

    Parameters
    ----------
    file : binary file
        A TIFF or BigTIFF, open for reading.

    Returns
    -------
    bytes or None
        A block in the file's byte order with the descriptive tags of the first directory, its
        orientation among them, the EXIF directory with its makers' notes as they are, and that of
        the place (GPS). None if there is nothing of it, or the file cannot be read. A value that
        is not all there is left out.
    """
    layout = read_layout(file)
    if layout is None:
        return None
    target = Layout(layout.order)
    tags = _read_tags(file, layout, target)
    if tags is None or not (tags.first or tags.exif or tags.gps):
        return None
    return _new_block(target, tags)


def write_into_tiff(file: BinaryIO, block: bytes) -> None:
    """Give a TIFF file the EXIF of a block.

    Parameters
    ----------
    file : binary file
        A whole TIFF or BigTIFF, open for reading and writing.
    block : bytes
        EXIF as a TIFF block; one that cannot be read changes nothing.

    Raises
    ------
    ImageFileError
        If the file is no TIFF, or is too large for offsets of 32 bits.

    Notes
    -----
    The directories are written at the file's end, the first one with what it had and the block's
    descriptive tags, which replace those of the file. Numbers are turned to the file's byte order;
    makers' notes and other opaque bytes stay as they are. A thumbnail stays behind.
    """
    layout = read_layout(file)
    directory = None if layout is None else read_directory(file, layout)
    if layout is None or directory is None:
        raise ImageFileError("the file that EXIF is to be written into is no TIFF")
    found = _read_block(block)
    if found is None:
        return
    tags = _read_tags(io.BytesIO(block), found[0], layout)
    if tags is None:
        return
    end = file.seek(0, io.SEEK_END)
    data = bytearray()
    try:
        first = _append_all(layout, data, end, directory, tags)
        link = packed_offset(layout, first)
    except OverflowError as error:
        raise ImageFileError(f"EXIF cannot be written: {error}; use a BigTIFF") from error
    file.write(data)
    file.seek(layout.first)
    file.write(link)


@dataclass(frozen=True, slots=True)
class _Tags:
    """The tags of each directory, by their numbers."""

    first: Mapping[int, Tag]
    exif: Mapping[int, Tag]
    interoperability: Mapping[int, Tag]
    gps: Mapping[int, Tag]


def _read_block(block: bytes) -> tuple[Layout, Directory] | None:
    """Find a block's first directory; None if it cannot be read."""
    file = io.BytesIO(block)
    layout = read_layout(file)
    if layout is None or layout.is_big:
        return None
    directory = read_directory(file, layout)
    return None if directory is None else (layout, directory)


def _field_position(layout: Layout, directory: Directory, index: int) -> int:
    """Where in the file the field of an entry stands."""
    end = directory.position + layout.count.size + (index + 1) * layout.entry.size
    return end - layout.offset.size


def _read_tags(file: BinaryIO, layout: Layout, target: Layout) -> _Tags | None:
    """Read what tells of a picture; None if there is no first directory."""
    directory = read_directory(file, layout)
    if directory is None:
        return None
    exif = _pointed_to(file, layout, directory, EXIF)
    interoperability = _pointed_to(file, layout, exif, INTEROPERABILITY)
    gps = _pointed_to(file, layout, directory, GPS)
    return _Tags(
        _values(file, layout, directory, DESCRIPTIVE, target),
        _values(file, layout, exif, _ALL_BUT_POINTERS, target),
        _values(file, layout, interoperability, _ALL_BUT_POINTERS, target),
        _values(file, layout, gps, _ALL_BUT_POINTERS, target),
    )


def _pointed_to(
    file: BinaryIO, layout: Layout, directory: Directory | None, tag: int
) -> Directory | None:
    entry = None if directory is None else directory.find(tag)
    if entry is None or entry.count != 1:
        return None
    value = read_tag(file, layout, entry, limit=8)
    if value is None or len(value.value) not in (4, 8):
        return None
    number = struct.Struct(layout.order + ("I" if len(value.value) == 4 else "Q"))
    return read_directory(file, layout, *number.unpack(value.value))


def _values(
    file: BinaryIO,
    layout: Layout,
    directory: Directory | None,
    wanted: Container[int],
    target: Layout,
) -> dict[int, Tag]:
    """Read the values of wanted tags that are all there, for another layout."""
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


def _new_block(layout: Layout, tags: _Tags) -> bytes:
    block = bytearray((b"II" if layout.order == "<" else b"MM") + bytes(6))
    struct.pack_into(layout.order + "H", block, 2, 42)
    first = _append_all(layout, block, 0, None, tags)
    layout.offset.pack_into(block, layout.first, first)
    return bytes(block)


def _append_all(
    layout: Layout, data: bytearray, start: int, old: Directory | None, tags: _Tags
) -> int:
    """Append the directories to data that stand at `start`; return where the first one is."""
    first, exif = dict(tags.first), dict(tags.exif)
    if tags.interoperability:
        offset = _append(layout, data, start, (), tags.interoperability)
        exif[INTEROPERABILITY] = pointer(INTEROPERABILITY, offset, layout)
    if exif:
        first[EXIF] = pointer(EXIF, _append(layout, data, start, (), exif), layout)
    if tags.gps:
        first[GPS] = pointer(GPS, _append(layout, data, start, (), tags.gps), layout)
    if old is None:
        return _append(layout, data, start, (), first)
    return _append(layout, data, start, old.entries, first, old.next)


def _append(
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

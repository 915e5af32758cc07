"""Tags of TIFF directories, classic and big, in both byte orders: read, and written at an end.

EXIF is such directories, alone in a block or among a TIFF file's own. Nothing that stands in a
file is moved: a directory that changes is written anew at the end, and what pointed to the old one
is pointed to it.
"""

import io
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

__all__ = [
    "Directory",
    "Entry",
    "Layout",
    "Tag",
    "converted",
    "packed_directory",
    "packed_offset",
    "padding",
    "pointer",
    "read_directory",
    "read_layout",
    "read_tag",
]

MAX_ENTRIES = 4096  # our choice: real directories have some dozens

# Bytes of one number of each type, as it stands in the file; a rational is two numbers.
_NUMBER_BYTES = {
    **dict.fromkeys((1, 2, 6, 7, 129), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 5, 9, 10, 11, 13), 4),
    **dict.fromkeys((12, 16, 17, 18), 8),
}
_NUMBERS = {5: 2, 10: 2}  # that one value of a type is of, if more than one
_BIG_TYPES = {16: 4, 17: 9, 18: 13}  # of BigTIFF alone, each with its kin of 32 bits
LONG, LONG8 = 4, 16
_CLASSIC = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
"""How a TIFF starts; the last ones are Olympus' and Panasonic's, whose directories are a TIFF's."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF writes its numbers.

    Parameters
    ----------
    order : {"<", ">"}
        Byte order, as `struct` has it.
    is_big : bool
        Whether it is a BigTIFF, with offsets of 64 bits.
    """

    order: str
    is_big: bool = False

    @property
    def offset(self) -> struct.Struct:
        """How an offset, or a tag's count, is packed."""
        return struct.Struct(self.order + ("Q" if self.is_big else "I"))

    @property
    def count(self) -> struct.Struct:
        """How a directory's number of entries is packed."""
        return struct.Struct(self.order + ("Q" if self.is_big else "H"))

    @property
    def first(self) -> int:
        """Where the header points to the first directory."""
        return 8 if self.is_big else 4

    @property
    def entry(self) -> struct.Struct:
        """How an entry is packed: tag, type, count, and a field for the value or its offset."""
        return struct.Struct(self.order + ("HHQ8s" if self.is_big else "HHI4s"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag as its directory holds it; `field` is the value or, if that is long, its offset."""

    tag: int
    type: int
    count: int
    field: bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with its value, in the byte order of where it came from."""

    tag: int
    type: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory: where it stands, its entries, and where the next one is (0: nowhere)."""

    position: int
    entries: tuple[Entry, ...]
    next: int

    def find(self, tag: int) -> Entry | None:
        """Return the first entry of a tag, or None."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


def read_layout(file: BinaryIO) -> Layout | None:
    """Read a TIFF's header.

    Parameters
    ----------
    file : binary file
        Open for reading.

    Returns
    -------
    Layout or None
        None if it is no TIFF.
    """
    head = _read_at(file, 0, 8)
    if len(head) == 8 and head[:4] in _CLASSIC:
        return Layout("<" if head[:1] == b"I" else ">")
    if head == b"II+\0\x08\0\0\0":
        return Layout("<", is_big=True)
    if head == b"MM\0+\0\x08\0\0":
        return Layout(">", is_big=True)
    return None


def read_directory(file: BinaryIO, layout: Layout, offset: int | None = None) -> Directory | None:
    """Read a directory.

    Parameters
    ----------
    file : binary file
        Open for reading.
    layout : Layout
        Of the file.
    offset : int, optional
        Where it stands; by default the first one's place, from the header.

    Returns
    -------
    Directory or None
        None if it is not wholly there, is empty, or larger than any real one. A missing link to
        the next directory counts as none.
    """
    if offset is None:
        offset = _number_at(file, layout.offset, layout.first)
    if not offset:
        return None
    count = _number_at(file, layout.count, offset)
    if not count or count > MAX_ENTRIES:
        return None
    start = offset + layout.count.size
    size = count * layout.entry.size
    table = _read_at(file, start, size)
    if len(table) < size:
        return None
    following = _number_at(file, layout.offset, start + size) or 0
    entries = tuple(Entry(*fields) for fields in layout.entry.iter_unpack(table))
    return Directory(offset, entries, following)


def read_tag(file: BinaryIO, layout: Layout, entry: Entry, limit: int) -> Tag | None:
    """Read an entry's value.

    Parameters
    ----------
    file : binary file
        Open for reading.
    layout : Layout
        Of the file.
    entry : Entry
        One of its directories'.
    limit : int
        The most bytes that the value may have.

    Returns
    -------
    Tag or None
        None if the type is unknown, or the value is not wholly there or larger than `limit`.
    """
    number_bytes = _NUMBER_BYTES.get(entry.type)
    if number_bytes is None:
        return None
    size = entry.count * number_bytes * _NUMBERS.get(entry.type, 1)
    if size > limit:
        return None
    if size <= len(entry.field):
        return Tag(entry.tag, entry.type, entry.field[:size])
    (offset,) = layout.offset.unpack(entry.field)
    value = _read_at(file, offset, size)
    return Tag(entry.tag, entry.type, value) if len(value) == size else None


def converted(tag: Tag, source: Layout, target: Layout) -> Tag | None:
    """Give a tag the byte order and the types of another layout.

    Parameters
    ----------
    tag : Tag
        A tag of `source`.
    source, target : Layout
        From which, to which.

    Returns
    -------
    Tag or None
        Opaque bytes stay as they are. None if a number of 64 bits does not fit into 32.
    """
    size = _NUMBER_BYTES[tag.type]
    value = tag.value if source.order == target.order else _swapped(tag.value, size)
    if target.is_big or tag.type not in _BIG_TYPES:
        return Tag(tag.tag, tag.type, value)
    small = _BIG_TYPES[tag.type]
    letters = ("q", "i") if small == 9 else ("Q", "I")
    count = len(value) // size
    numbers = struct.unpack(f"{target.order}{count}{letters[0]}", value)
    try:
        return Tag(tag.tag, small, struct.pack(f"{target.order}{count}{letters[1]}", *numbers))
    except struct.error:
        return None


def packed_directory(
    layout: Layout, at: int, kept: Iterable[Entry], tags: Mapping[int, Tag], following: int = 0
) -> bytes:
    """Write a directory with its new values behind it.

    Parameters
    ----------
    layout : Layout
        Of the file.
    at : int
        Where the bytes will stand; even, or for a BigTIFF a multiple of 8.
    kept : iterable of Entry
        Entries that stay as they are, with their values where they are.
    tags : mapping of int to Tag
        Tags to add, in this layout; they replace kept ones of the same number.
    following : int
        Where the next directory stands; 0: nowhere.

    Returns
    -------
    bytes
        The directory, sorted by tag, and its values.

    Raises
    ------
    OverflowError
        If the file is too large for offsets of 32 bits.
    """
    stays = [entry for entry in kept if entry.tag not in tags]
    entry_count = len(stays) + len(tags)
    values_at = at + layout.count.size + entry_count * layout.entry.size + layout.offset.size
    values = io.BytesIO()
    new = [_packed_entry(layout, tag, values_at, values) for tag in tags.values()]
    entries = sorted([*stays, *new], key=lambda entry: entry.tag)
    table = b"".join(layout.entry.pack(e.tag, e.type, e.count, e.field) for e in entries)
    link = layout.offset.pack(following)
    return layout.count.pack(entry_count) + table + link + values.getvalue()


def pointer(tag: int, offset: int, layout: Layout) -> Tag:
    """Make a tag that points to a directory.

    Parameters
    ----------
    tag : int
        Its number.
    offset : int
        Where the directory stands.
    layout : Layout
        Of the file.

    Returns
    -------
    Tag

    Raises
    ------
    OverflowError
        If the offset needs more than the layout's 32 bits.
    """
    return Tag(tag, LONG8 if layout.is_big else LONG, packed_offset(layout, offset))


def packed_offset(layout: Layout, offset: int) -> bytes:
    """Pack an offset.

    Parameters
    ----------
    layout : Layout
        Of the file.
    offset : int
        Where something stands.

    Returns
    -------
    bytes

    Raises
    ------
    OverflowError
        If it needs more than the layout's 32 bits.
    """
    if not layout.is_big and offset >= 1 << 32:
        raise OverflowError("the TIFF is too large for offsets of 32 bits")
    return layout.offset.pack(offset)


def padding(layout: Layout, end: int) -> bytes:
    """Return the zero bytes after which a directory may stand.

    Parameters
    ----------
    layout : Layout
        Of the file.
    end : int
        Where the file ends now.

    Returns
    -------
    bytes
    """
    return bytes(-end % (8 if layout.is_big else 2))


def _number_at(file: BinaryIO, number: struct.Struct, offset: int) -> int | None:
    data = _read_at(file, offset, number.size)
    return int(number.unpack(data)[0]) if len(data) == number.size else None


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read at most so many bytes; beyond the end, where `seek` may fail, there are none."""
    if offset >= file.seek(0, io.SEEK_END):
        return b""
    file.seek(offset)
    return file.read(size)


def _swapped(value: bytes, size: int) -> bytes:
    """Turn each number of `size` bytes around."""
    swapped = bytearray(len(value))
    for i in range(size):
        swapped[i::size] = value[size - 1 - i :: size]
    return bytes(swapped)


def _packed_entry(layout: Layout, tag: Tag, values_at: int, values: io.BytesIO) -> Entry:
    """Make an entry; a value that its field cannot hold goes to the values, on an even place."""
    count = len(tag.value) // (_NUMBER_BYTES[tag.type] * _NUMBERS.get(tag.type, 1))
    room = layout.offset.size
    if len(tag.value) <= room:
        return Entry(tag.tag, tag.type, count, tag.value.ljust(room, b"\0"))
    offset = packed_offset(layout, values_at + values.tell())
    values.write(tag.value + bytes(len(tag.value) % 2))
    return Entry(tag.tag, tag.type, count, offset)

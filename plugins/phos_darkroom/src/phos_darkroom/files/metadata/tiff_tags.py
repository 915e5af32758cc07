"""Tags of TIFF directories, classic and big, in both byte orders: the one reader of them.

EXIF is such directories, alone in a block or among a TIFF file's own. `tiff_packing` writes them.
"""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = [
    "RATIONALS",
    "TEXTS",
    "TYPES",
    "Directory",
    "Entry",
    "Layout",
    "Tag",
    "number_bytes",
    "numbers",
    "read_directory",
    "read_layout",
    "read_tag",
    "value_bytes",
]

MAX_ENTRIES = 4096
"""Of a directory: the standard and all makers together define fewer."""

TYPES = {
    1: "B",
    2: "s",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
    129: "s",
}
"""How `struct` names one value of each type: 2 and 129 are text, a rational is two numbers."""

TEXTS, RATIONALS = (2, 129), (5, 10)
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
    size = value_bytes(entry)
    if size is None or size > limit:
        return None
    if size <= len(entry.field):
        return Tag(entry.tag, entry.type, entry.field[:size])
    (offset,) = layout.offset.unpack(entry.field)
    value = _read_at(file, offset, size)
    return Tag(entry.tag, entry.type, value) if len(value) == size else None


def value_bytes(entry: Entry) -> int | None:
    """Return how many bytes the value of an entry has; None if its type is unknown."""
    letters = TYPES.get(entry.type)
    return None if letters is None else entry.count * struct.calcsize("=" + letters)


def number_bytes(kind: int) -> int:
    """Return how many bytes one number of a type has; of a rational, one of its two."""
    return struct.calcsize("=" + TYPES[kind][0])


def numbers(layout: Layout, tag: Tag) -> tuple[float, ...]:
    """Return a tag's numbers, of whatever type they are.

    Parameters
    ----------
    layout : Layout
        Of where it came from.
    tag : Tag
        Whole numbers of any width, with a sign or without, fractions, floats, or digits as text.

    Returns
    -------
    tuple of float
        Empty if they are none; a fraction over 0 is NaN.
    """
    if tag.type in TEXTS:
        text = tag.value.rstrip(b"\0 ").strip()
        return (float(text),) if text.isdigit() else ()
    if tag.type not in TYPES:
        return ()
    found = struct.iter_unpack(layout.order + TYPES[tag.type], tag.value)
    if tag.type in RATIONALS:
        return tuple(above / below if below else float("nan") for above, below in found)
    return tuple(number for (number,) in found)


def _number_at(file: BinaryIO, number: struct.Struct, offset: int) -> int | None:
    data = _read_at(file, offset, number.size)
    return int(number.unpack(data)[0]) if len(data) == number.size else None


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read at most so many bytes; beyond the end, where `seek` may fail, there are none."""
    if offset >= file.seek(0, io.SEEK_END):
        return b""
    file.seek(offset)
    return file.read(size)

"""An EXIF block opened: its directories, and where in its bytes each value stands."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from phos_darkroom.files.metadata.tiff_tags import (
    RATIONALS,
    TEXTS,
    TYPES,
    Directory,
    Entry,
    Layout,
    Tag,
    read_directory,
    read_layout,
    read_tag,
)

__all__ = [
    "EXIF",
    "GPS",
    "INTEROPERABILITY",
    "Block",
    "Value",
    "open_block",
    "pointed_to",
    "with_numbers",
]

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
"""Tags that point to a directory."""

MAX_VALUE_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Value(Tag):
    """A tag with its value, and where in the block the bytes of that stand."""

    start: int

    @property
    def place(self) -> slice:
        """Of its bytes in the block."""
        return slice(self.start, self.start + len(self.value))


@dataclass(frozen=True, slots=True)
class Block:
    """The directories of a block that are there; `second` is the thumbnail's."""

    layout: Layout
    first: Directory
    second: Directory | None
    exif: Directory | None
    interoperability: Directory | None
    gps: Directory | None
    data: bytes

    def find(self, directory: Directory | None, tag: int) -> Value | None:
        """Return the first value of a tag that is wholly there, or None."""
        return next((value for value in self.values(directory) if value.tag == tag), None)

    def values(self, directory: Directory | None) -> list[Value]:
        """Return a directory's values that are wholly there, in its order."""
        found = []
        for index, entry in enumerate(directory.entries if directory is not None else ()):
            value = read_tag(io.BytesIO(self.data), self.layout, entry, MAX_VALUE_BYTES)
            if value is not None and value.value and directory is not None:
                start = self._start(directory, index, entry, len(value.value))
                found.append(Value(entry.tag, entry.type, value.value, start))
        return found

    def extent(self, directory: Directory) -> slice:
        """Where a directory stands, its link to the next one included."""
        layout = self.layout
        length = layout.count.size + len(directory.entries) * layout.entry.size
        return slice(directory.position, directory.position + length + layout.offset.size)

    def _start(self, directory: Directory, index: int, entry: Entry, length: int) -> int:
        layout = self.layout
        if length > layout.offset.size:
            return int(layout.offset.unpack(entry.field)[0])
        end = directory.position + layout.count.size + (index + 1) * layout.entry.size
        return end - layout.offset.size


def open_block(block: bytes | None) -> Block | None:
    """Open a block.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block, without the mark that JPEG puts before it.

    Returns
    -------
    Block or None
        None if there is none, or it cannot be read.
    """
    file = io.BytesIO(block or b"")
    layout = read_layout(file)
    if block is None or layout is None or layout.is_big:
        return None
    first = read_directory(file, layout)
    if first is None:
        return None
    exif = pointed_to(file, layout, first, EXIF)
    return Block(
        layout=layout,
        first=first,
        second=read_directory(file, layout, first.next) if first.next else None,
        exif=exif,
        interoperability=pointed_to(file, layout, exif, INTEROPERABILITY),
        gps=pointed_to(file, layout, first, GPS),
        data=block,
    )


def pointed_to(
    file: BinaryIO, layout: Layout, directory: Directory | None, tag: int
) -> Directory | None:
    """Read the directory that a tag points to.

    Parameters
    ----------
    file : binary file
        A TIFF, or a block.
    layout : Layout
        Of the file.
    directory : Directory or None
        That holds the tag.
    tag : int
        `EXIF`, `GPS` or `INTEROPERABILITY`.

    Returns
    -------
    Directory or None
        None if there is no such tag, or no directory where it points.
    """
    entry = None if directory is None else directory.find(tag)
    if entry is None or entry.count != 1:
        return None
    value = read_tag(file, layout, entry, limit=8)
    if value is None or len(value.value) not in (4, 8):
        return None
    number = struct.Struct(layout.order + ("I" if len(value.value) == 4 else "Q"))
    return read_directory(file, layout, *number.unpack(value.value))


def with_numbers(block: bytearray, layout: Layout, value: Value, new: Sequence[int]) -> None:
    """Put other numbers in place of a value's, as its type has them.

    Parameters
    ----------
    block : bytearray
        Changed in place.
    layout : Layout
        Of the block.
    value : Value
        One that holds numbers, or digits as text.
    new : sequence of int
        As many as it has, or fewer: the first ones are replaced. Nothing is if one does not fit.
    """
    if value.type in TEXTS:
        data = str(new[0]).encode()
        if len(data) < len(value.value):
            block[value.place] = data.ljust(len(value.value), b"\0")
        return
    letters = layout.order + TYPES[value.type]
    one = [1] if value.type in RATIONALS else []
    try:
        data = b"".join(struct.pack(letters, number, *one) for number in new)
    except struct.error:
        return
    block[value.start : value.start + len(data)] = data

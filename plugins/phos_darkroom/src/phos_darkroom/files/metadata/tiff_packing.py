"""Tags of TIFF directories written: nothing that stands in a file is moved.

A directory that changes is written anew at the end, and what pointed to the old one is pointed to
it.
"""

import io
import struct
from collections.abc import Iterable, Mapping

from phos_darkroom.files.metadata.tiff_tags import TYPES, Entry, Layout, Tag, number_bytes

__all__ = ["converted", "packed_directory", "packed_offset", "padding", "pointer"]

LONG, LONG8 = 4, 16
_BIG_TYPES = {16: 4, 17: 9, 18: 13}  # of BigTIFF alone, each with its kin of 32 bits


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
    size = number_bytes(tag.type)
    value = tag.value if source.order == target.order else _swapped(tag.value, size)
    if target.is_big or tag.type not in _BIG_TYPES:
        return Tag(tag.tag, tag.type, value)
    small = _BIG_TYPES[tag.type]
    count = len(value) // size
    numbers = struct.unpack(f"{target.order}{count}{TYPES[tag.type]}", value)
    try:
        return Tag(tag.tag, small, struct.pack(f"{target.order}{count}{TYPES[small]}", *numbers))
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


def _swapped(value: bytes, size: int) -> bytes:
    """Turn each number of `size` bytes around."""
    swapped = bytearray(len(value))
    for i in range(size):
        swapped[i::size] = value[size - 1 - i :: size]
    return bytes(swapped)


def _packed_entry(layout: Layout, tag: Tag, values_at: int, values: io.BytesIO) -> Entry:
    """Make an entry; a value that its field cannot hold goes to the values, on an even place."""
    count = len(tag.value) // struct.calcsize("=" + TYPES[tag.type])
    room = layout.offset.size
    if len(tag.value) <= room:
        return Entry(tag.tag, tag.type, count, tag.value.ljust(room, b"\0"))
    offset = packed_offset(layout, values_at + values.tell())
    values.write(tag.value + bytes(len(tag.value) % 2))
    return Entry(tag.tag, tag.type, count, offset)

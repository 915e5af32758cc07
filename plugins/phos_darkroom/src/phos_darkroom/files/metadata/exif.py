"""EXIF: a block of TIFF directories, edited in place or carried to and from a TIFF file.

Readers of makers' notes find what is in them by its offset. So nothing in a block is moved: what
changes is written anew at its end.
"""

import io
import warnings
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import BinaryIO, Literal

from phos_core.errors import ImageFileError
from phos_darkroom.files.metadata.exif_block import open_block, with_numbers
from phos_darkroom.files.metadata.exif_tags import (
    ALL_BUT_POINTERS,
    MAKER_NOTE,
    ORIENTATION,
    SOFTWARE,
    Tags,
    append,
    append_all,
    new_block,
    read_tags,
)
from phos_darkroom.files.metadata.tiff_packing import packed_offset
from phos_darkroom.files.metadata.tiff_tags import (
    Directory,
    Layout,
    Tag,
    numbers,
    read_directory,
    read_layout,
)

__all__ = [
    "block_of_tiff",
    "orientation",
    "rebuilt",
    "start_of_tiff",
    "upright",
    "with_first_tags",
    "with_software",
    "write_into_tiff",
]

FARTHEST_NOTE = 1 << 20  # our choice: a block is filled up so far, to keep a note in its place

_ASCII = 2
_UPRIGHT = 1


def orientation(block: bytes | None) -> int | None:
    """Return which orientation a block says, as a number of whatever type.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.

    Returns
    -------
    int or None
        1 to 8, as EXIF counts; None if it says none, or one that does not exist.
    """
    opened = open_block(block)
    value = None if opened is None else opened.find(opened.first, ORIENTATION)
    if opened is None or value is None:
        return None
    found = numbers(opened.layout, value)[:1]
    return int(found[0]) if found and found[0] in range(1, 9) else None


def upright(block: bytes) -> tuple[bytes | None, int]:
    """Give a block the orientation 1, and return which it had.

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
    opened = open_block(block)
    if opened is None:
        return None, _UPRIGHT
    patched = bytearray(block)
    for value in opened.values(opened.first):
        if value.tag == ORIENTATION and numbers(opened.layout, value):
            with_numbers(patched, opened.layout, value, [_UPRIGHT])
    return bytes(patched), orientation(block) or _UPRIGHT


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
    return with_first_tags(block, lambda _: [Tag(SOFTWARE, _ASCII, text.encode() + b"\0")])


def with_first_tags(block: bytes | None, tags_for: Callable[[Layout], Iterable[Tag]]) -> bytes:
    """Write tags into a block's first directory.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block. None, or one that cannot be read: a new one is made.
    tags_for : callable
        ``tags_for(layout)``: the tags, in the block's byte order.

    Returns
    -------
    bytes
        The block with a first directory at its end that has these tags, in place of old ones of
        the same numbers. All else stays where it was.
    """
    found = None if block is None else _read_block(block)
    if block is None or found is None:
        layout = Layout("<")
        return new_block(layout, Tags({tag.tag: tag for tag in tags_for(layout)}, {}, {}, {}))
    layout, directory = found
    tags = {tag.tag: tag for tag in tags_for(layout)}
    patched = bytearray(block)
    first = append(layout, patched, 0, directory.entries, tags, directory.next)
    layout.offset.pack_into(patched, layout.first, first)
    return bytes(patched)


def rebuilt(block: bytes, without: Container[int] = ()) -> bytes | None:
    """Write a block anew, with what its directories name and nothing else.

    Parameters
    ----------
    block : bytes
        EXIF as a TIFF block.
    without : container of int
        Tags that are left out.

    Returns
    -------
    bytes or None
        A block without a thumbnail, whose maker's note stands where it stood: its offsets count
        from the block's start. None if the block cannot be read, or nothing is left.
    """
    found = _read_block(block)
    if found is None:
        return None
    tags = read_tags(io.BytesIO(block), found[0], found[0], ALL_BUT_POINTERS)
    if tags is None:
        return None
    first, exif, interoperability, gps = (
        {number: tag for number, tag in directory.items() if number not in without}
        for directory in (tags.first, tags.exif, tags.interoperability, tags.gps)
    )
    if not (first or exif or gps):
        return None
    return new_block(found[0], Tags(first, exif, interoperability, gps, tags.note_at))


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
    tags = read_tags(file, layout, target)
    if tags is None or not (tags.first or tags.exif or tags.gps):
        return None
    return new_block(target, _within_reach(tags))


def start_of_tiff(block: bytes | None, taken_bytes: int) -> tuple[Literal["<", ">"] | None, bytes]:
    """Return what a TIFF starts with, so that its maker's note stands where it stood in a block.

    Most makers count offsets in their notes from the start of the EXIF block, some write what
    they point to outside of the note, and some use the block's byte order in it. So a TIFF that
    holds such a note has the block's own bytes where the block had them.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.
    taken_bytes : int
        Of the TIFF's header.

    Returns
    -------
    order : {"<", ">"} or None
        The byte order that the TIFF must have; None: either.
    bytes
        What follows its header, before all else; nothing if there is no such note.
    """
    found = None if block is None else _read_block(block)
    tags = None if found is None else read_tags(io.BytesIO(block or b""), found[0], found[0])
    if block is None or found is None or tags is None or MAKER_NOTE not in tags.exif:
        return None, b""
    order: Literal["<", ">"] = "<" if found[0].order == "<" else ">"
    return order, b"" if tags.note_at is None else block[taken_bytes:]


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
    makers' notes and other opaque bytes stay as they are. A maker's note that stands in the file
    already, as `start_of_tiff` puts it there, is pointed to in its place. A thumbnail stays behind.
    """
    layout = read_layout(file)
    directory = None if layout is None else read_directory(file, layout)
    if layout is None or directory is None:
        raise ImageFileError("the file that EXIF is to be written into is no TIFF")
    found = _read_block(block)
    if found is None:
        return
    tags = read_tags(io.BytesIO(block), found[0], layout)
    if tags is None:
        return
    if not _stands_there(file, tags):
        tags = replace(tags, note_at=None)
    end = file.seek(0, io.SEEK_END)
    data = bytearray()
    try:
        first = append_all(layout, data, end, directory, tags)
        link = packed_offset(layout, first)
    except OverflowError as error:
        raise ImageFileError(f"EXIF cannot be written: {error}; use a BigTIFF") from error
    file.write(data)
    file.seek(layout.first)
    file.write(link)


def _read_block(block: bytes) -> tuple[Layout, Directory] | None:
    """Find a block's first directory; None if it cannot be read."""
    file = io.BytesIO(block)
    layout = read_layout(file)
    if layout is None or layout.is_big:
        return None
    directory = read_directory(file, layout)
    return None if directory is None else (layout, directory)


def _stands_there(file: BinaryIO, tags: Tags) -> bool:
    """Whether a file has the maker's note where its block has it."""
    if tags.note_at is None or MAKER_NOTE not in tags.exif:
        return False
    note = tags.exif[MAKER_NOTE].value
    file.seek(0)
    return tags.note_at + len(note) <= file.seek(0, io.SEEK_END) and (
        file.seek(tags.note_at) >= 0 and file.read(len(note)) == note
    )


def _within_reach(tags: Tags) -> Tags:
    """The tags without a maker's note that a block cannot hold where it stands."""
    if MAKER_NOTE not in tags.exif or (tags.note_at or 0) <= FARTHEST_NOTE:
        return tags
    warnings.warn(
        f"the maker's note is left out of EXIF: it stands {tags.note_at} bytes into the file, and "
        "what it points to could not be found elsewhere",
        stacklevel=4,
    )
    exif = {number: tag for number, tag in tags.exif.items() if number != MAKER_NOTE}
    return replace(tags, exif=exif, note_at=None)

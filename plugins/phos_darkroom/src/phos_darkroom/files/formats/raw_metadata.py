"""EXIF and XMP of cameras' raw files: of those that are TIFFs inside, and of those that hold some.

Canon's CR3 has its directories apart, each a TIFF of its own in a box; Minolta's MRW has one after
its header. Fujifilm's RAF and Sigma's X3F have EXIF in their preview alone; Canon's CRW has none.
"""

import io
import struct
from collections.abc import Container
from typing import BinaryIO

from phos_darkroom.files.formats.boxes import whole_boxes
from phos_darkroom.files.formats.limits import METADATA_BYTES
from phos_darkroom.files.metadata.exif import block_of_tiff
from phos_darkroom.files.metadata.exif_block import open_block
from phos_darkroom.files.metadata.exif_tags import ALL_BUT_POINTERS, Tags, new_block, values_for
from phos_darkroom.files.metadata.tiff_tags import (
    Layout,
    Tag,
    read_directory,
    read_layout,
    read_tag,
)

__all__ = ["exif_of", "says_when", "xmp_of"]

XMP, DATE_OF_EXPOSURE = 700, 0x9003
_HOW_STORED = frozenset((*range(0xFE, 0x10A), 0x111, 0x115, 0x116, 0x117, 0x11C))
_OF_THE_PICTURE = ALL_BUT_POINTERS - _HOW_STORED
_LITTLE = Layout("<")
_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")  # of Canon's box in a CR3


def exif_of(stream: BinaryIO) -> bytes | None:
    """Return the EXIF block of a raw file, as far as the file itself holds one.

    Parameters
    ----------
    stream : binary file
        Open for reading.

    Returns
    -------
    bytes or None
        None if there is none, or it is not known where: the preview may have one.
    """
    stream.seek(0)
    head = stream.read(16)
    if head[4:12] == b"ftypcrx ":
        return _of_cr3(stream)
    if head[:4] == b"\0MRM":
        return _of_mrw(stream)
    return block_of_tiff(stream)


def xmp_of(stream: BinaryIO) -> bytes | None:
    """Return the XMP packet of a raw file that is a TIFF inside.

    Parameters
    ----------
    stream : binary file
        Open for reading.

    Returns
    -------
    bytes or None
    """
    layout = read_layout(stream)
    directory = None if layout is None else read_directory(stream, layout)
    entry = None if directory is None else directory.find(XMP)
    if layout is None or entry is None:
        return None
    tag = read_tag(stream, layout, entry, METADATA_BYTES)
    return None if tag is None else tag.value


def says_when(block: bytes | None) -> bool:
    """Tell whether an EXIF block has the date of the exposure, and so is more than a stub.

    Parameters
    ----------
    block : bytes or None
        An EXIF block.

    Returns
    -------
    bool
    """
    opened = open_block(block)
    return opened is not None and opened.find(opened.exif, DATE_OF_EXPOSURE) is not None


def _of_cr3(stream: BinaryIO) -> bytes | None:
    """Join the directories of a CR3: the first, that of EXIF and that of the place."""
    parts: dict[bytes, bytes] = {}
    size = stream.seek(0, io.SEEK_END)
    for kind, start, end in whole_boxes(stream, 0, size):
        if kind == b"moov":
            for inner, inner_start, inner_end in whole_boxes(stream, start, end):
                stream.seek(inner_start)
                if inner == b"uuid" and stream.read(16) == _CANON:
                    parts |= _directories(stream, inner_start + 16, inner_end)
    if b"CMT1" not in parts:
        return None
    return _joined(parts[b"CMT1"], parts.get(b"CMT2"), parts.get(b"CMT4"))


def _directories(stream: BinaryIO, start: int, end: int) -> dict[bytes, bytes]:
    found = {}
    for kind, body, body_end in whole_boxes(stream, start, end):
        if kind.startswith(b"CMT") and body_end - body <= METADATA_BYTES:
            stream.seek(body)
            found[kind] = stream.read(body_end - body)
    return found


def _of_mrw(stream: BinaryIO) -> bytes | None:
    """Find the TIFF in the blocks of a Minolta's header."""
    stream.seek(4)
    (length,) = struct.unpack(">I", stream.read(4).ljust(4, b"\0"))
    place = 8
    while place + 8 <= 8 + length:
        stream.seek(place)
        kind, size = struct.unpack(">4sI", stream.read(8).ljust(8, b"\0"))
        if kind == b"\0TTW" and size <= METADATA_BYTES:
            return block_of_tiff(io.BytesIO(stream.read(size)))
        place += 8 + size
    return None


def _joined(first: bytes, exif: bytes | None, gps: bytes | None) -> bytes | None:
    """Make one block of directories that are TIFFs of their own."""
    tags = Tags(_tags(first, _OF_THE_PICTURE), _tags(exif), {}, _tags(gps))
    return new_block(_LITTLE, tags) if tags.first or tags.exif or tags.gps else None


def _tags(block: bytes | None, wanted: Container[int] = ALL_BUT_POINTERS) -> dict[int, Tag]:
    """Read the tags of a block's first directory."""
    file = io.BytesIO(block or b"")
    layout = read_layout(file)
    if layout is None:
        return {}
    return values_for(file, layout, read_directory(file, layout), wanted, _LITTLE)

"""A TIFF's directories, walked before a library reads them: loops, absurd counts."""

import os
import struct
from typing import BinaryIO

from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import METADATA_BYTES, TAG_VALUES, TAGS

__all__ = ["check_directories"]

PAGES = 1_000
"""Directories of a file; a picture has one, and a few thumbnails."""

VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
VALUE_BYTES |= {13: 4, 16: 8, 17: 8, 18: 8}  # of each type; BigTIFF's last
BYTES = (1, 2, 6, 7)  # types that hold text or blocks


def check_directories(file: BinaryIO) -> None:
    """Walk every directory of a TIFF and refuse what no picture has.

    Parameters
    ----------
    file : binary file
        The TIFF.

    Raises
    ------
    DamageError, struct.error
        If a directory comes again, has no end, or claims more than the file holds.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2:4] in (b"+\0", b"\0+")
    place: int
    (place,) = struct.unpack_from(order + ("8xQ" if is_big else "4xI"), head)
    seen: set[int] = set()
    while place:
        if place in seen or len(seen) == PAGES:
            raise DamageError("its directories run in a circle, or have no end")
        seen.add(place)
        place = _check_directory(file, place, size, order, is_big)


def _check_directory(file: BinaryIO, place: int, size: int, order: str, is_big: bool) -> int:
    """Check one directory; return where the next one is, or 0."""
    count_format, entry_format, next_format = (
        (order + "Q", order + "HHQQ", order + "Q")
        if is_big
        else (order + "H", order + "HHII", order + "I")
    )
    count_bytes, entry_bytes = struct.calcsize(count_format), struct.calcsize(entry_format)
    if place + count_bytes > size:
        raise DamageError("a directory lies beyond the file's end")
    file.seek(place)
    (count,) = struct.unpack(count_format, file.read(count_bytes))
    if not 1 <= count <= TAGS:
        raise DamageError(f"a directory claims {count} tags")
    entries = file.read(count * entry_bytes)
    if len(entries) < count * entry_bytes:
        raise DamageError("a directory is cut short")
    for _tag, kind, values, where in struct.iter_unpack(entry_format, entries):
        _check_tag(kind, values, where, size, inline=8 if is_big else 4)
    tail = file.read(struct.calcsize(next_format))
    return int(struct.unpack(next_format, tail)[0]) if len(tail) else 0


def _check_tag(kind: int, values: int, where: int, size: int, *, inline: int) -> None:
    claimed = values * VALUE_BYTES.get(kind, 1)
    if values > (METADATA_BYTES if kind in BYTES else TAG_VALUES):
        raise DamageError(f"a tag claims {values} values")
    if claimed > inline and where + claimed > size:
        raise DamageError("a tag's values lie beyond the file's end")

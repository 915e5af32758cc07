"""The boxes that files of the MPEG-4 family are made of: AVIF, HEIF, Canon's CR3."""

import contextlib
import struct
from collections.abc import Iterator
from typing import BinaryIO

from phos_darkroom.files.formats.damage import DamageError

__all__ = ["boxes", "whole_boxes"]

BOXES = 100_000
"""Of one level; a picture has some ten, and an item for each tile."""


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Go through the boxes of one level.

    Parameters
    ----------
    file : binary file
        Open for reading.
    start, end : int
        Where the first one starts, and where what holds them ends.

    Yields
    ------
    kind : bytes
        Its four letters.
    start, end : int
        Of its body.

    Raises
    ------
    DamageError
        If a box claims more than there is, or there are too many.
    """
    for _ in range(BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            raise DamageError("a box is cut short")
        length, kind = struct.unpack_from(">I4s", head)
        body = start + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
            body += 8
        stop = end if length == 0 else start + length
        if stop < body or stop > end:
            raise DamageError("a box claims more bytes than are left")
        yield kind, body, stop
        start = stop
    raise DamageError("it has too many boxes")


def whole_boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Go through the boxes of one level as far as they are whole; see `boxes`."""
    with contextlib.suppress(DamageError):
        yield from boxes(file, start, end)

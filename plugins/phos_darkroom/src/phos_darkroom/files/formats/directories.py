"""A TIFF's directories, walked before a library reads them: loops, absurd counts."""

import io
from typing import BinaryIO

from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import METADATA_BYTES, TAG_VALUES
from phos_darkroom.files.metadata.tiff_tags import (
    Entry,
    Layout,
    read_directory,
    read_layout,
    value_bytes,
)

__all__ = ["check_directories"]

PAGES = 1_000
"""Directories of a file; a picture has one, and a few thumbnails."""

BYTES = (1, 2, 6, 7)  # types that hold text or blocks


def check_directories(file: BinaryIO) -> None:
    """Walk every directory of a TIFF and refuse what no picture has.

    Parameters
    ----------
    file : binary file
        The TIFF.

    Raises
    ------
    DamageError
        If a directory comes again, has no end, or claims more than the file holds.
    """
    size = file.seek(0, io.SEEK_END)
    layout = read_layout(file)
    directory = None if layout is None else read_directory(file, layout)
    seen: set[int] = set()
    while layout is not None and directory is not None:
        if directory.position in seen or len(seen) == PAGES:
            raise DamageError("its directories run in a circle, or have no end")
        seen.add(directory.position)
        for entry in directory.entries:
            _check_value(entry, layout, size)
        if not directory.next:
            return
        directory = read_directory(file, layout, directory.next)
    raise DamageError("a directory is missing, cut short or larger than any")


def _check_value(entry: Entry, layout: Layout, size: int) -> None:
    """Refuse a value that no picture has, or that does not lie in a file of so many bytes."""
    if entry.count > (METADATA_BYTES if entry.type in BYTES else TAG_VALUES):
        raise DamageError(f"a tag claims {entry.count} values")
    claimed = value_bytes(entry) or entry.count  # of an unknown type at least a byte a value
    if claimed > len(entry.field) and layout.offset.unpack(entry.field)[0] + claimed > size:
        raise DamageError("a tag's values lie beyond the file's end")

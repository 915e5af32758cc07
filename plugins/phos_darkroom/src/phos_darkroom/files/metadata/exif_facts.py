"""What EXIF says that a change to the picture makes untrue, set right; and what fits a segment."""

import math
import struct
from collections.abc import Iterable

import numpy as np

from phos_darkroom.files.metadata.exif import rebuilt, with_first_tags
from phos_darkroom.files.metadata.exif_block import Block, Value, open_block, with_numbers
from phos_darkroom.files.metadata.exif_tags import MAKER_NOTE, SOFTWARE
from phos_darkroom.files.metadata.tiff_tags import Directory, Layout, Tag, numbers
from phos_darkroom.files.picture import Resolution

__all__ = [
    "as_srgb",
    "is_adobe_rgb",
    "resolution",
    "shortened",
    "with_resolution",
    "with_size",
    "without_thumbnail",
]

X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
STRIPS, STRIP_BYTES, THUMBNAIL, THUMBNAIL_BYTES = 0x0111, 0x0117, 0x0201, 0x0202
WIDTH, LENGTH = 0x0100, 0x0101  # of the first directory
PIXEL_WIDTH, PIXEL_LENGTH, COLOUR_SPACE, GAMMA = 0xA002, 0xA003, 0xA001, 0xA500
WHITE_POINT, PRIMARIES = 0x013E, 0x013F
INTEROPERABILITY_INDEX = 0x0001

SRGB, ADOBE_RGB = 1, 2  # of ColorSpace; 2 is not in the standard, but some cameras write it
_SRGB_INDEX, _ADOBE_INDEX = b"R98", b"R03"  # of DCF, for its basic and its optional colour space
_UNITS = {2: "inch", 3: "cm"}
_SHORT, _RATIONAL = 3, 5
_DENOMINATOR, _LARGEST = 10_000, 2**32 - 1
_INLINE_BYTES = 4  # that a directory's entry holds itself
_NAMES = {MAKER_NOTE: "the maker's note", 0x9286: "UserComment", 0x010E: "ImageDescription"}


def resolution(block: bytes | None) -> Resolution | None:
    """Return the resolution that a block says.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.

    Returns
    -------
    Resolution or None
        None if it says none that a picture can have.
    """
    opened = open_block(block)
    if opened is None:
        return None
    across, down = (_number(opened, tag) for tag in (X_RESOLUTION, Y_RESOLUTION))
    unit = _number(opened, RESOLUTION_UNIT)
    name = _UNITS.get(2 if unit is None else int(unit) if math.isfinite(unit) else 0)
    if across is None or name is None:
        return None
    return Resolution.sensible(across, across if down is None else down, name)


def with_resolution(block: bytes | None, wanted: Resolution | None) -> bytes | None:
    """Write a resolution into a block that says another one, or none.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block; None: one is made.
    wanted : Resolution or None
        None: the block comes back as it is.

    Returns
    -------
    bytes or None
        The same block if it says so already; None if there is nothing to say.
    """
    if wanted is None or wanted.unit == "none" or resolution(block) == wanted:
        return block
    unit = {name: number for number, name in _UNITS.items()}[wanted.unit]

    def tags(layout: Layout) -> list[Tag]:
        return [
            Tag(X_RESOLUTION, _RATIONAL, _packed_fraction(layout, wanted.across)),
            Tag(Y_RESOLUTION, _RATIONAL, _packed_fraction(layout, wanted.down)),
            Tag(RESOLUTION_UNIT, _SHORT, struct.pack(layout.order + "H", unit)),
        ]

    return with_first_tags(block, tags)


def is_adobe_rgb(block: bytes | None) -> bool:
    """Whether a block says that the picture's codes are of Adobe RGB.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.

    Returns
    -------
    bool
        True if its interoperability index is "R03", DCF's optional colour space, and its colour
        space not sRGB; or if the latter is 2, as some cameras have it.
    """
    opened = open_block(block)
    if opened is None:
        return False
    space = opened.find(opened.exif, COLOUR_SPACE)
    said = numbers(opened.layout, space)[:1] if space is not None else ()
    index = opened.find(opened.interoperability, INTEROPERABILITY_INDEX)
    is_optional = index is not None and index.value.startswith(_ADOBE_INDEX)
    return said == (ADOBE_RGB,) or (is_optional and said != (SRGB,))


def as_srgb(block: bytes | None) -> bytes | None:
    """Let a block say that the picture is in sRGB, where it says anything of its colours.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.

    Returns
    -------
    bytes or None
        The same bytes but those of the colour space and the interoperability index; if it has a
        gamma or primaries too, a new first or EXIF directory without them.
    """
    opened = open_block(block)
    if block is None or opened is None:
        return block
    patched = bytearray(block)
    _renumber(patched, opened, opened.exif, COLOUR_SPACE, SRGB)
    index = opened.find(opened.interoperability, INTEROPERABILITY_INDEX)
    if index is not None and index.value.startswith(_ADOBE_INDEX):
        patched[index.start : index.start + len(_SRGB_INDEX)] = _SRGB_INDEX
    untrue = {
        value.tag
        for directory, tags in (
            (opened.first, (WHITE_POINT, PRIMARIES)),
            (opened.exif, (GAMMA,)),
        )
        for value in opened.values(directory)
        if value.tag in tags
    }
    return rebuilt(bytes(patched), untrue) if untrue else bytes(patched)


def with_size(block: bytes | None, rows: int, cols: int) -> bytes | None:
    """Let a block say a picture's size, where it says one.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.
    rows, cols : int
        Of the picture.

    Returns
    -------
    bytes or None
        The same bytes but those of the size.
    """
    opened = open_block(block)
    if block is None or opened is None:
        return block
    patched = bytearray(block)
    for directory, tag, size in (
        (opened.first, WIDTH, cols),
        (opened.first, LENGTH, rows),
        (opened.exif, PIXEL_WIDTH, cols),
        (opened.exif, PIXEL_LENGTH, rows),
    ):
        _renumber(patched, opened, directory, tag, size)
    return bytes(patched)


def without_thumbnail(block: bytes | None) -> bytes | None:
    """Take the thumbnail out of a block.

    Parameters
    ----------
    block : bytes or None
        EXIF as a TIFF block.

    Returns
    -------
    bytes or None
        The same block without a second directory; the thumbnail's bytes are cut off where they
        stand at the end, and are zero elsewhere. All else stays where it was.
    """
    opened = open_block(block)
    if block is None or opened is None or not opened.first.next:
        return block
    patched = np.frombuffer(block, np.uint8).copy()
    link = opened.extent(opened.first).stop - opened.layout.offset.size
    patched[link : link + opened.layout.offset.size] = 0
    if opened.second is not None:
        used, gone = np.zeros((2, len(block)), bool)
        for place in _used(opened):
            used[place] = True
        for place in _of_thumbnail(opened):
            gone[place] = True
        gone &= ~used
        patched[gone] = 0
        kept = np.flatnonzero(~gone)
        patched = patched[: kept[-1] + 1]
    return patched.tobytes()


def shortened(block: bytes, most_bytes: int) -> tuple[bytes | None, tuple[str, ...]]:
    """Make a block fit into so many bytes.

    Parameters
    ----------
    block : bytes
        EXIF as a TIFF block.
    most_bytes : int
        That it may have.

    Returns
    -------
    block : bytes or None
        The same block if it fits. Else what its directories name is written anew; if that is too
        long still, first without the software's name, then without one more of the longest values
        until it fits. None if nothing does.
    left_out : tuple of str
        What of the picture's EXIF had to go.
    """
    if len(block) <= most_bytes:
        return block, ()
    short = without_thumbnail(block)
    if short is not None and len(short) <= most_bytes:
        return short, ("the thumbnail",)
    opened = open_block(block)
    values = [] if opened is None else [v for v in _values(opened) if len(v.value) > _INLINE_BYTES]
    values.sort(key=lambda value: -len(value.value))
    tags = [SOFTWARE, *(value.tag for value in values)]
    for count in range(len(tags) + 1):
        short = rebuilt(block, tags[:count])
        if short is not None and len(short) <= most_bytes:
            return short, tuple(_name(tag) for tag in tags[:count] if tag != SOFTWARE)
    return None, ("all of it",)


def _number(opened: Block, tag: int) -> float | None:
    value = opened.find(opened.first, tag)
    found = () if value is None else numbers(opened.layout, value)
    return found[0] if found else None


def _renumber(
    patched: bytearray, opened: Block, directory: Directory | None, tag: int, number: int
) -> None:
    """Give a tag another number, where it is there and says one."""
    value = opened.find(directory, tag)
    if value is not None and numbers(opened.layout, value):
        with_numbers(patched, opened.layout, value, [number])


def _packed_fraction(layout: Layout, number: float) -> bytes:
    """A fraction of two numbers of 32 bits, as near as they come to it."""
    below = 1 if number == round(number) else min(_DENOMINATOR, int(_LARGEST / number))
    return struct.pack(layout.order + "II", round(number * below), below)


def _values(opened: Block) -> Iterable[Value]:
    for directory in (opened.first, opened.exif, opened.interoperability, opened.gps):
        yield from opened.values(directory)


def _used(opened: Block) -> Iterable[slice]:
    """Where the header, the directories but the thumbnail's, and their values stand."""
    yield slice(0, opened.layout.first + opened.layout.offset.size)
    for directory in (opened.first, opened.exif, opened.interoperability, opened.gps):
        if directory is not None:
            yield opened.extent(directory)
    for value in _values(opened):
        yield value.place


def _of_thumbnail(opened: Block) -> Iterable[slice]:
    """Where the thumbnail, its directory and the values of that stand."""
    if opened.second is None:
        return
    yield opened.extent(opened.second)
    for value in opened.values(opened.second):
        yield value.place
    for starts, lengths in ((THUMBNAIL, THUMBNAIL_BYTES), (STRIPS, STRIP_BYTES)):
        found = (opened.find(opened.second, tag) for tag in (starts, lengths))
        parts = [numbers(opened.layout, value) if value else () for value in found]
        for start, length in zip(*parts, strict=False):
            yield slice(int(start), int(start) + int(length))


def _name(tag: int) -> str:
    return _NAMES.get(tag, f"tag 0x{tag:04X}")

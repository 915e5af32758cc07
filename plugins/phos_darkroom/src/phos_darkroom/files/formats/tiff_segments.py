"""A TIFF's strips and tiles as writers leave them: too long, or of a length that is not said.

libtiff reads as many bytes as the rows need and passes over the rest; so do we. What is too short
stays an error.
"""

import bisect
import copy
import logging
import math
import zlib
from collections.abc import Sequence
from typing import Any

import imagecodecs
import tifffile

from phos_darkroom.files.formats.damage import DamageError

__all__ = ["mend"]

_NONE, _LZW, _DEFLATES, _PACKBITS, _ZSTD = 1, 5, (8, 32946), 32773, 50000
_DECODERS = {
    _LZW: imagecodecs.lzw_decode,
    **dict.fromkeys(_DEFLATES, imagecodecs.zlib_decode),
    _PACKBITS: imagecodecs.packbits_decode,
    _ZSTD: imagecodecs.zstd_decode,
}
_BYTE_COUNTS = {False: 279, True: 325}  # of strips, of tiles
_LOW_BITS_FIRST = 2  # of FillOrder
_SPARE_BYTES = 2**16
"""Our choice: beyond what is needed and so much, a Deflate stream's checksum is not waited for."""

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it writes of files' faults


def mend(page: tifffile.TiffPage) -> None:
    """Make a page's parts readable where other readers read them.

    Parameters
    ----------
    page : tifffile.TiffPage
        Changed: its parts' lengths, where they are not said or go beyond what is needed, and how
        they are unpacked.
    """
    if min(page.imagewidth, page.imagelength) < 1 or not isinstance(page.bitspersample, int):
        return  # refused later
    if page.compression != _NONE and page.compression not in _DECODERS:
        return
    needed = _needed_bytes(page)
    if not needed:
        return
    _mend_lengths(page, needed)
    if page.compression in _DECODERS:
        _mend_decoding(page, max(needed))


def _needed_bytes(page: tifffile.TiffPage) -> list[int]:
    """Return how many bytes the rows of each part have, in order; none if it has no size."""
    planes, channels = page.samplesperpixel, 1
    if page.planarconfig == 1:
        planes, channels = 1, page.samplesperpixel
    rows, cols = (
        (page.tilelength, page.tilewidth)
        if page.is_tiled
        else (min(page.rowsperstrip, page.imagelength), page.imagewidth)
    )
    if rows < 1 or cols < 1:
        return []
    row_bytes = (cols * channels * page.bitspersample + 7) // 8
    if page.is_tiled:
        count = math.ceil(page.imagelength / rows) * math.ceil(page.imagewidth / cols)
        return [rows * row_bytes] * min(count * planes, len(page.dataoffsets))
    full, rest = divmod(page.imagelength, rows)
    if full * planes > 2 * len(page.dataoffsets):
        return []  # parts are missing: refused later
    return ([rows * row_bytes] * full + [rest * row_bytes] * (rest > 0)) * planes


def _mend_lengths(page: tifffile.TiffPage, needed: list[int]) -> None:
    """Give each part a length where none is said, and none beyond what there can be."""
    offsets, end = page.dataoffsets, page.parent.filehandle.size
    if len(offsets) < len(needed):
        return
    said = page.tags.valueof(_BYTE_COUNTS[page.is_tiled])
    lengths: Sequence[int] = page.databytecounts
    if said is None or not any(lengths):
        lengths = _distances(offsets, end)
    is_whole = page.compression == _NONE and len(needed) == 1
    mended = []
    for offset, length, bytes_needed in zip(offsets, lengths, needed, strict=False):
        is_there = is_whole and offset + bytes_needed <= end
        if page.compression == _NONE and (length > bytes_needed or is_there):
            length = bytes_needed
        elif length > 0 and offset < end < offset + length:
            length = end - offset
        mended.append(length)
    if len(mended) == len(needed):
        page.dataoffsets, page.databytecounts = tuple(offsets[: len(mended)]), tuple(mended)


def _distances(offsets: Sequence[int], end: int) -> list[int]:
    """Return how far it is from each part to the next one in the file, or to its end."""
    places = sorted({*offsets, end})
    following = (bisect.bisect_right(places, offset) for offset in offsets)
    return [
        places[index] - offset if index < len(places) else 0
        for index, offset in zip(following, offsets, strict=True)
    ]


def _mend_decoding(page: tifffile.TiffPage, room: int) -> None:
    """Let tifffile decode parts that unpack to more than is needed: it would refuse them."""
    plain = copy.copy(page)
    plain.compression, plain.fillorder = tifffile.COMPRESSION.NONE, tifffile.FILLORDER.MSB2LSB
    for kept in ("hash", "decode"):  # both hang on how it is compressed
        plain.__dict__.pop(kept, None)
    unpack = plain.decode
    has_low_bits_first = page.fillorder == _LOW_BITS_FIRST

    def decode(data: bytes | None, index: int, /, **options: Any) -> Any:
        if data is None:
            return unpack(None, index, **options)
        if has_low_bits_first:
            data = bytes(imagecodecs.bitorder_decode(data))
        return unpack(_unpacked(int(page.compression), data, room), index, **options)

    page.__dict__["decode"] = decode


def _unpacked(compression: int, data: bytes, room: int) -> bytes | bytearray:
    unpack = _DECODERS[compression]
    try:
        return unpack(data, out=room)
    except RuntimeError:  # every codec's error: it may have had no room
        if compression in _DEFLATES:
            return _inflated(data, room)
        return unpack(data, out=2 * room + _SPARE_BYTES)


def _inflated(data: bytes, room: int) -> bytes:
    """Inflate what is needed; to the end, where the checksum is, unless that is far."""
    inflate = zlib.decompressobj()
    unpacked = inflate.decompress(data, room)
    if not inflate.eof:
        inflate.decompress(inflate.unconsumed_tail, _SPARE_BYTES)
        if len(unpacked) < room:
            raise DamageError("a part of the picture is cut short")
    return unpacked

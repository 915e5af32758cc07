"""DNG, a TIFF inside: the directory of the sensor's picture, its strips and tiles accounted for.

LibRaw leaves memory as it was found where a tile is missing. So what is missing is looked for
before LibRaw sees the file.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import PIXELS, TAG_VALUES
from phos_darkroom.files.metadata.tiff_tags import (
    Directory,
    Layout,
    numbers,
    read_directory,
    read_layout,
    read_tag,
)

__all__ = ["SensorsImage", "check_parts", "is_dng", "sensors_image", "size"]

DNG_VERSION, SUB_DIRECTORIES, NEW_SUBFILE_TYPE = 50706, 330, 254
COLS, ROWS, BITS, COMPRESSION, PHOTOMETRIC, CHANNELS = 256, 257, 258, 259, 262, 277
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_LENGTHS = 273, 278, 279
TILE_COLS, TILE_ROWS, TILE_OFFSETS, TILE_LENGTHS = 322, 323, 324, 325
PLANES = 284
ACTIVE_AREA, CROP_ORIGIN, CROP_SIZE = 50829, 50719, 50720
MOSAIC, LINEAR = 32803, 34892
STORED, JPEGS = 1, (7, 34892)
DIRECTORIES = 100  # our choice: real files have some five
JPEG_START, JPEG_END, END_BYTES = b"\xff\xd8", b"\xff\xd9", 256


@dataclass(frozen=True, slots=True)
class SensorsImage:
    """The directory of the sensor's picture, and where in the file it is pointed to.

    Parameters
    ----------
    stream : binary file
        The DNG.
    layout : Layout
        Of the file.
    directory : Directory
        The picture's.
    pointer : int
        Where the directory's offset stands.
    """

    stream: BinaryIO
    layout: Layout
    directory: Directory
    pointer: int

    def numbers(self, tag: int) -> list[float]:
        """Return a tag's values; none if it is missing or holds no numbers, 0 for one over 0."""
        entry = self.directory.find(tag)
        limit = 8 * TAG_VALUES
        found = None if entry is None else read_tag(self.stream, self.layout, entry, limit)
        values = () if found is None else numbers(self.layout, found)
        return [0.0 if math.isnan(value) else value for value in values]

    def whole(self, tag: int, otherwise: int) -> int:
        """Return a tag's first value as a whole number."""
        found = self.numbers(tag)
        return int(found[0]) if found else otherwise


def is_dng(stream: BinaryIO) -> bool:
    """Tell whether a file says that it is a DNG.

    Parameters
    ----------
    stream : binary file
        Open for reading.

    Returns
    -------
    bool
    """
    layout = read_layout(stream)
    directory = None if layout is None else read_directory(stream, layout)
    return directory is not None and directory.find(DNG_VERSION) is not None


def size(stream: BinaryIO) -> tuple[int, int]:
    """Return what size the sensor's picture claims.

    Parameters
    ----------
    stream : binary file
        A DNG, open for reading.

    Returns
    -------
    rows, cols : int
        1 and 1 if there is no such picture: LibRaw says so.
    """
    image = sensors_image(stream)
    return (1, 1) if image is None else (image.whole(ROWS, 0), image.whole(COLS, 0))


def check_parts(stream: BinaryIO) -> None:
    """Account for every strip or tile of the sensor's picture.

    Parameters
    ----------
    stream : binary file
        A DNG, open for reading.

    Raises
    ------
    DamageError
        If one is missing, lies beyond the file's end or is cut short.
    """
    image = sensors_image(stream)
    if image is None:
        return  # LibRaw's to say
    offsets, lengths, needed = _parts(image)
    if len(offsets) < len(needed) or len(lengths) < len(needed):
        raise DamageError(f"it has {len(offsets)} of {len(needed)} parts of the picture")
    end = stream.seek(0, io.SEEK_END)
    compression = image.whole(COMPRESSION, STORED)
    for offset, length, bytes_needed in zip(offsets, lengths, needed, strict=False):
        if length < 1 or offset < 8 or offset + length > end:
            raise DamageError("a part of the picture is missing, or lies beyond the file's end")
        if compression == STORED and length < bytes_needed:
            raise DamageError("a part of the picture is cut short")
        if compression in JPEGS and not _is_whole_jpeg(stream, offset, length):
            raise DamageError("a part of the picture is missing or cut short")
    if compression == STORED and len(needed) > 1:
        _check_last_part(image, offsets[: len(needed)], lengths)


def sensors_image(stream: BinaryIO) -> SensorsImage | None:
    """Find the directory of the whole mosaic, or of linear light.

    Parameters
    ----------
    stream : binary file
        A DNG, open for reading.

    Returns
    -------
    SensorsImage or None
        None if it has no such picture.
    """
    for image in _images(stream):
        is_whole = image.whole(NEW_SUBFILE_TYPE, 0) == 0
        if is_whole and image.whole(PHOTOMETRIC, -1) in (MOSAIC, LINEAR):
            return image
    return None


def _images(stream: BinaryIO) -> Iterator[SensorsImage]:
    """Go through the directories of a file, and those that they point to as further images."""
    layout = read_layout(stream)
    waiting = [] if layout is None else [layout.first]
    seen: set[int] = set()
    while layout is not None and waiting and len(seen) < DIRECTORIES:
        pointer = waiting.pop(0)
        stream.seek(pointer)
        packed = stream.read(layout.offset.size)
        place = layout.offset.unpack(packed)[0] if len(packed) == layout.offset.size else 0
        directory = None if place in seen else read_directory(stream, layout, place or None)
        if directory is None or not place:
            continue
        seen.add(place)
        yield SensorsImage(stream, layout, directory, pointer)
        waiting += _pointers(layout, directory)


def _pointers(layout: Layout, directory: Directory) -> list[int]:
    """Return where in the file a directory's pointers to further images stand."""
    table = directory.position + layout.count.size
    after = table + len(directory.entries) * layout.entry.size
    found = [after] if directory.next else []
    for index, entry in enumerate(directory.entries):
        if entry.tag == SUB_DIRECTORIES and 0 < entry.count <= DIRECTORIES:
            place = table + (index + 1) * layout.entry.size - layout.offset.size
            if entry.count > 1:
                (place,) = layout.offset.unpack(entry.field)
            found += [place + layout.offset.size * number for number in range(entry.count)]
    return found


def _parts(image: SensorsImage) -> tuple[list[int], list[int], list[int]]:
    """Return the offsets and lengths of the parts, and how many bytes each would need stored."""
    rows, cols = image.whole(ROWS, 0), image.whole(COLS, 0)
    is_tiled = bool(image.numbers(TILE_OFFSETS))
    part_rows = image.whole(TILE_ROWS, 0) if is_tiled else image.whole(ROWS_PER_STRIP, rows)
    part_cols = image.whole(TILE_COLS, 0) if is_tiled else cols
    if min(rows, cols, part_rows, part_cols) < 1 or rows * cols > PIXELS:
        return [], [], []  # LibRaw's or the claim's to say
    channels = image.whole(CHANNELS, 1)
    planes = channels if image.whole(PLANES, 1) == 2 else 1
    row_bytes = (part_cols * (channels // planes) * image.whole(BITS, 16) + 7) // 8
    across, down = math.ceil(cols / part_cols), math.ceil(rows / part_rows)
    if across * down * planes > TAG_VALUES:
        raise DamageError("it claims more parts than any picture has")
    heights = [part_rows] * down
    if not is_tiled:
        heights[-1] = rows - part_rows * (down - 1)
    needed = [height * row_bytes for height in heights for _ in range(across)] * planes
    tags = (TILE_OFFSETS, TILE_LENGTHS) if is_tiled else (STRIP_OFFSETS, STRIP_LENGTHS)
    offsets, lengths = ([int(number) for number in image.numbers(tag)] for tag in tags)
    return offsets, lengths, needed


def _check_last_part(image: SensorsImage, offsets: list[int], lengths: list[int]) -> None:
    """Refuse a picture whose part at the file's end is zeros alone, as no sensor's light is."""
    last = offsets.index(max(offsets))
    if not _is_zeros(image.stream, offsets[last], lengths[last]) or not _is_seen(image, last):
        return
    if not all(_is_zeros(image.stream, *part) for part in zip(offsets, lengths, strict=False)):
        raise DamageError("a part of the picture is missing: it holds zeros alone")


def _is_zeros(stream: BinaryIO, offset: int, length: int) -> bool:
    stream.seek(offset)
    content = stream.read(length)
    return content.count(0) == len(content)


def _is_seen(image: SensorsImage, part: int) -> bool:
    """Tell whether a part reaches into the picture, not only into the sensor's edge."""
    rows, cols = image.whole(ROWS, 0), image.whole(COLS, 0)
    is_tiled = bool(image.numbers(TILE_OFFSETS))
    part_rows = image.whole(TILE_ROWS, 1) if is_tiled else image.whole(ROWS_PER_STRIP, rows)
    part_cols = image.whole(TILE_COLS, 1) if is_tiled else cols
    across, down = math.ceil(cols / part_cols), math.ceil(rows / part_rows)
    row, col = part // across % down * part_rows, part % across * part_cols
    top, left, bottom, right = (image.numbers(ACTIVE_AREA) or [0, 0, rows, cols])[:4]
    crop_left, crop_top = (image.numbers(CROP_ORIGIN) or [0, 0])[:2]
    crop_cols, crop_rows = (image.numbers(CROP_SIZE) or [right - left, bottom - top])[:2]
    top, left = top + crop_top, left + crop_left
    is_in_rows = row < top + crop_rows and row + part_rows > top
    return is_in_rows and col < left + crop_cols and col + part_cols > left


def _is_whole_jpeg(stream: BinaryIO, offset: int, length: int) -> bool:
    """Tell whether a JPEG begins here and comes to its end; zeros may follow it."""
    stream.seek(offset)
    content = stream.read(length).rstrip(b"\0")
    return content.startswith(JPEG_START) and JPEG_END in content[-END_BYTES:]

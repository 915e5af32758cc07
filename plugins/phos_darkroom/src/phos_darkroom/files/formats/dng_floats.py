"""DNGs of floats, as HDR merges write them, handed to LibRaw as integers from black to white.

LibRaw itself scales floats by their brightest pixel, so that equal light has another code in every
frame.
"""

import math
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.directories import check_directories
from phos_darkroom.files.formats.dng import (
    BITS,
    COMPRESSION,
    PLANES,
    ROWS_PER_STRIP,
    STORED,
    STRIP_LENGTHS,
    STRIP_OFFSETS,
    TILE_COLS,
    TILE_LENGTHS,
    TILE_OFFSETS,
    TILE_ROWS,
    SensorsImage,
    sensors_image,
)
from phos_darkroom.files.metadata.tiff_packing import packed_directory, padding
from phos_darkroom.files.metadata.tiff_tags import Tag

__all__ = ["InIntegers", "in_integers"]

PREDICTOR, SAMPLE_FORMAT, FLOAT = 317, 339, 3
BLACK_PATTERN, BLACK_LEVEL, WHITE_LEVEL = 50713, 50714, 50717
BLACK_SLOPES = (50715, 50716)
WHITE = 65_535
MOST_SCALE = 256.0  # our choice: 8 stops beyond white, where codes near white are 0.4 % apart


@dataclass(frozen=True, slots=True)
class InIntegers:
    """A DNG of floats in integers.

    Parameters
    ----------
    content : bytes
        The file with its light as 16 bits at its end.
    scale : float
        How many times its white the largest integer is; what is brighter is clipped.
    """

    content: bytes
    scale: float


def in_integers(stream: BinaryIO) -> tuple[InIntegers, ...]:
    """Return a DNG of floats with the same picture in integers, from its black to its white.

    Parameters
    ----------
    stream : binary file
        A DNG that `check_parts` has let pass.

    Returns
    -------
    tuple of InIntegers
        None: it has no floats. Two where light is beyond white, the second with all of that, as
        far as `MOST_SCALE`: its shadows are coarse.

    Raises
    ------
    DamageError
        If the light is damaged, or white is not above black.
    """
    image = sensors_image(stream)
    if image is None or image.whole(SAMPLE_FORMAT, 1) != FLOAT:
        return ()
    shares = _shares(_light(image), image)
    brightest = min(float(shares.max()), MOST_SCALE)
    scales = [1.0] if brightest <= 1.0 else [1.0, 2.0 ** math.ceil(math.log2(brightest))]
    return tuple(InIntegers(_written(image, shares / scale), scale) for scale in scales)


def _written(image: SensorsImage, shares: NDArray[np.float32]) -> bytes:
    """The file with these shares of the largest integer in its floats' place."""
    stream = image.stream
    codes: NDArray[np.uint16] = np.rint(np.clip(shares, 0.0, 1.0) * WHITE).astype(np.uint16)
    data = codes.astype(image.layout.order + "u2").tobytes()
    stream.seek(0)
    content = bytearray(stream.read())
    content += padding(image.layout, len(content))
    offset = len(content)
    content += data + padding(image.layout, offset + len(data))
    start = len(content)
    content += packed_directory(
        image.layout, start, _kept(image), _new_tags(image, offset, codes), image.directory.next
    )
    image.layout.offset.pack_into(content, image.pointer, start)
    return bytes(content)


def _light(image: SensorsImage) -> NDArray[np.float32]:
    """Decode the sensor's floats."""
    check_directories(image.stream)
    image.stream.seek(0)
    with tifffile.TiffFile(image.stream) as tiff:
        firsts = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
        pages = [*firsts, *(sub for page in firsts for sub in (page.pages or ()))]
        (page,) = (
            page
            for page in pages
            if isinstance(page, tifffile.TiffPage) and page.offset == image.directory.position
        )
        if page.bitspersample not in (16, 32):
            raise DamageError(
                f"it holds floats of {page.bitspersample} bits, which are not read: save it with "
                "16 or 32"
            )
        light = np.asarray(page.asarray())
    if page.planarconfig == 2 and light.ndim == 3:
        light = np.moveaxis(light, 0, -1)
    if not np.isfinite(light).all():
        raise DamageError("its light holds values that are no numbers (NaN or infinite)")
    return light.astype(np.float32, copy=False)


def _shares(light: NDArray[np.float32], image: SensorsImage) -> NDArray[np.float32]:
    """Light from black to white, of which white is 1."""
    channels = 1 if light.ndim == 2 else light.shape[2]
    black = _black(image, light.shape[:2], channels)
    white = np.array(image.numbers(WHITE_LEVEL) or [1.0], np.float32)
    white = np.broadcast_to(white, channels) if white.size in (1, channels) else white[:1]
    if not (white > black.max()).all():
        raise DamageError("its white level is not above its black level")
    shares: NDArray[np.float32] = light.reshape(*light.shape[:2], channels) - black
    shares /= white - black
    return shares


def _black(image: SensorsImage, shape: tuple[int, ...], channels: int) -> NDArray[np.float32]:
    """Return the black level of each sample: one, or a pattern that is repeated."""
    levels = np.array(image.numbers(BLACK_LEVEL) or [0.0], np.float32)
    down, across = (int(side) for side in (image.numbers(BLACK_PATTERN) or [1, 1])[:2])
    if levels.size != down * across * channels:
        return np.full((1, 1, 1), levels[0], np.float32)
    pattern = levels.reshape(down, across, channels)
    times = math.ceil(shape[0] / down), math.ceil(shape[1] / across), 1
    return np.tile(pattern, times)[: shape[0], : shape[1]]


def _kept(image: SensorsImage) -> list[Any]:
    """Return the directory's entries that stay true of integers."""
    gone = {TILE_COLS, TILE_ROWS, TILE_OFFSETS, TILE_LENGTHS, BLACK_PATTERN, BLACK_LEVEL}
    return [e for e in image.directory.entries if e.tag not in gone | {*BLACK_SLOPES}]


def _new_tags(image: SensorsImage, offset: int, codes: NDArray[np.uint16]) -> dict[int, Tag]:
    """Return the tags of light that is stored in one strip of 16 bits."""
    rows, _cols, channels = codes.shape
    numbers = {
        BITS: [16] * channels,
        COMPRESSION: [STORED],
        STRIP_OFFSETS: [offset],
        ROWS_PER_STRIP: [rows],
        STRIP_LENGTHS: [codes.nbytes],
        PLANES: [1],
        PREDICTOR: [1],
        SAMPLE_FORMAT: [1] * channels,
        WHITE_LEVEL: [WHITE] * channels,
    }
    long = {STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_LENGTHS, WHITE_LEVEL}
    order = image.layout.order
    return {
        tag: Tag(
            tag,
            4 if tag in long else 3,
            struct.pack(f"{order}{len(values)}{'I' if tag in long else 'H'}", *values),
        )
        for tag, values in numbers.items()
    }

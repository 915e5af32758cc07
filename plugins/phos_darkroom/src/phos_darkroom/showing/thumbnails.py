"""Pictures made small: averaged in light, not in codes, so that grain and edges keep their tone."""

import contextlib
import math
import os
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phos_core.color import encode_codes
from phos_darkroom.files.colour.profiles import is_srgb
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.formats.assembling import Blocks, described, is_spread, turn
from phos_darkroom.files.formats.damage import check_is_file, one_clear_error
from phos_darkroom.files.image_files import read_picture
from phos_darkroom.files.picture import Metadata, Picture, on_screen

__all__ = ["light_of", "read_small", "scaled", "to_codes"]

JPEG_SUFFIXES = (".jpg", ".jpeg")
_TROUBLE = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, struct.error),
    Image.DecompressionBombError,
)
STRIP_PIXELS = 1 << 20
SPARE = 4  # a JPEG is decoded at a fraction that leaves so many pixels to average, each way


def read_small(path: str | os.PathLike[str], rows: int, cols: int) -> NDArray[np.float32]:
    """Read a picture as light, as large as fits into a box.

    Parameters
    ----------
    path : path
        Any file that `read_picture` reads.
    rows, cols : int
        The box.

    Returns
    -------
    ndarray of float32, shape (rows, cols, 3)
        Linear sRGB light, 0 to 1; one side is that of the box.

    Raises
    ------
    ImageFileError
        If the picture cannot be read.

    Notes
    -----
    Of a large JPEG only as much is decoded as leaves four pixels each way for one here: the
    last, largest step is averaged in light, the ones before by the decoder. Of a camera's raw file
    half the rows and columns are read. The light of any picture is made a few rows at a time.
    """
    path = Path(path)
    with one_clear_error(path):
        check_is_file(path)
    picture = _fraction_of_jpeg(path, rows, cols) or read_picture(path, half_size=True)
    scale = min(rows / picture.pixels.shape[0], cols / picture.pixels.shape[1])
    wanted = [max(1, round(side * scale)) for side in picture.pixels.shape[:2]]
    return scaled(_averaged(picture, max(1, math.floor(1.0 / (SPARE * scale)))), *wanted)


def light_of(picture: Picture) -> NDArray[np.float32]:
    """Give the light that a picture shows on a screen.

    Parameters
    ----------
    picture : Picture
        Of any encoding; scene-linear light is shown as it is, and cut off at white.

    Returns
    -------
    ndarray of float32, shape (rows, cols, 3)
        Linear sRGB light, 0 to 1, before black where the picture is transparent.
    """
    light = picture.light()
    if light.ndim == 2:
        light = np.repeat(light[..., np.newaxis], 3, axis=-1)
    if picture.alpha is not None:
        light = light * at_depth(picture.alpha, np.float32)[..., np.newaxis]
    return on_screen(light, picture.light_primaries)


def scaled(light: NDArray[np.float32], rows: int, cols: int) -> NDArray[np.float32]:
    """Scale light to a size: by area averaging where it gets smaller.

    Parameters
    ----------
    light : ndarray of float32, shape (rows, cols, 3)
        Linear light.
    rows, cols : int
        The size wanted.

    Returns
    -------
    ndarray of float32, shape (rows, cols, 3)
        From 0 to 1 as before; a mean of light is kept.
    """
    if light.shape[:2] == (rows, cols):
        return light
    shrinks = rows <= light.shape[0] and cols <= light.shape[1]
    way = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(light[..., i])).resize((cols, rows), way))
        for i in range(light.shape[2])
    ]
    return np.stack(channels, axis=-1)


def to_codes(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Encode light as sRGB codes of 8 bits."""
    codes: NDArray[np.uint8] = encode_codes(light, np.uint8)
    return codes


def _averaged(picture: Picture, block: int) -> NDArray[np.float32]:
    """A picture's light, averaged over blocks of so many rows and columns; the rest is cut off."""
    block = min(block, *picture.pixels.shape[:2])
    rows, cols = (side // block * block for side in picture.pixels.shape[:2])
    strip_rows = block * max(1, STRIP_PIXELS // (block * cols))
    strips = []
    for start in range(0, rows, strip_rows):
        strip = slice(start, min(start + strip_rows, rows)), slice(cols)
        light = light_of(picture.part(strip))
        blocks = light.reshape(light.shape[0] // block, block, cols // block, block, 3)
        strips.append(blocks.mean(axis=(1, 3)))
    return np.concatenate(strips)


@contextlib.contextmanager
def _no_word_of_size() -> Iterator[None]:
    """Take a large picture as it comes; Pillow's hard limit stays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _fraction_of_jpeg(path: Path, rows: int, cols: int) -> Picture | None:
    """A JPEG decoded at a fraction of its size; None where nothing is saved or it is unusual.

    What is wrong with a file is then for `read_picture` to say.
    """
    if path.suffix.lower() not in JPEG_SUFFIXES:
        return None
    wanted = SPARE * max(rows, cols)  # a picture may lie on its side
    try:
        with _no_word_of_size(), Image.open(path, formats=("JPEG",)) as file:
            whole = file.size
            file.draft(None, (wanted, wanted))
            if file.size == whole or file.mode not in ("L", "RGB"):
                return None
            samples: NDArray[Any] = np.asarray(file)
            said = file.info
    except _TROUBLE:
        return None
    blocks = Blocks(exif=said.get("exif"), xmp=said.get("xmp"))
    metadata, orientation = described(blocks, samples.shape, is_grey=samples.ndim == 2)
    pixels = turn(samples, orientation)
    profile = said.get("icc_profile") or metadata.icc_profile
    if not profile or is_srgb(profile):
        return Picture(pixels=pixels)
    if is_spread(profile, is_grey=pixels.ndim == 2):
        pixels = np.stack([pixels] * 3, axis=-1)
    return Picture(pixels=pixels, encoding="profile", metadata=Metadata(icc_profile=profile))

"""A camera's raw file, DNG among them: linear light by LibRaw, through rawpy."""

import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import assemble, turn
from phos_darkroom.files.formats.damage import (
    DamageError,
    check_is_file,
    one_clear_error,
    read_through,
)
from phos_darkroom.files.formats.dng import check_parts, is_dng, size
from phos_darkroom.files.formats.dng_floats import in_integers
from phos_darkroom.files.formats.jpeg_segments import first_exif
from phos_darkroom.files.formats.optional import check_claim, library
from phos_darkroom.files.formats.raw_metadata import exif_of, says_when, xmp_of
from phos_darkroom.files.picture import Picture

__all__ = ["read"]

UNKNOWN = "damaged, or no raw file that LibRaw knows"
_BYTES_PER_PIXEL = 16  # in LibRaw: the mosaic, four channels, the result
_LAST_ROWS = 16  # our choice: of what share of the rows it is seen that they are missing
_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""EXIF's orientation of each of LibRaw's."""


def read(path: Path) -> Picture:
    """Read a raw file's scene-linear light.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        uint16, ``encoding="linear"``, primaries of ProPhoto, upright. The largest code is where
        the sensor saturates.

    Raises
    ------
    ImageFileError
        If rawpy is missing, or the file cannot be read.

    Notes
    -----
    White balance is the camera's, or daylight's where the file has none. Nothing is brightened: a
    code is the share of the sensor's range after white balance, so a mid-grey lies where the
    camera put it, mostly darker than film wants it, and `exposure_stops` brings it up.
    Highlights are clipped where the first channel saturates, not rebuilt.

    EXIF and XMP are those of the file where it is a TIFF inside, as DNG and most makers' are, else
    the EXIF of its preview. LibRaw clips colours at its output's primaries: ProPhoto's, the widest
    it has, leave out only what no eye sees and a few deep blues and violets.
    """
    rawpy = library("rawpy", "raw", path)
    with one_clear_error(path, UNKNOWN):
        check_is_file(path)
        with path.open("rb") as stream:
            exif, xmp = exif_of(stream), xmp_of(stream)
            integers = _checked(stream, path)
        try:
            with rawpy.imread(str(path) if integers is None else io.BytesIO(integers)) as file:
                sizes = file.sizes
                check_claim(path, sizes.raw_height, sizes.raw_width, _BYTES_PER_PIXEL)
                light = _light(rawpy, file)
                exif = _fuller(exif, rawpy, file)
        except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
            read_through(path)
            raise ImageFileError(f"{path} is {_reason(rawpy, error)}") from error
    if exif is None:
        warnings.warn(f"{path.name}: no EXIF is found in it", stacklevel=2)
    picture = assemble(light, exif=exif, xmp=xmp, orientation=1, untagged="linear")
    return replace(picture, primaries="prophoto")


def _checked(stream: BinaryIO, path: Path) -> bytes | None:
    """Look for what a DNG lacks; return one of floats in integers."""
    if not is_dng(stream):
        return None
    check_claim(path, *size(stream), _BYTES_PER_PIXEL)
    check_parts(stream)
    return in_integers(stream)


def _light(rawpy: Any, file: Any) -> NDArray[np.uint16]:
    """Develop the sensor's light, cut it to the camera's picture and turn it."""
    sizes = file.sizes
    _check_last_rows(rawpy, file)
    light: NDArray[np.uint16] = file.postprocess(**_linear(rawpy))
    if light.shape[:2] == (sizes.height, sizes.width):  # one pixel for one of the sensor's
        light = light[_crop(sizes)]
    return turn(light, _ORIENTATIONS.get(sizes.flip, 1))


def _crop(sizes: Any) -> tuple[slice, slice]:
    """Return which part of the visible sensor is the picture, as camera or DNG say; else all."""
    top = sizes.crop_top_margin - sizes.top_margin
    left = sizes.crop_left_margin - sizes.left_margin
    bottom, right = top + sizes.crop_height, left + sizes.crop_width
    is_inside = 0 <= top < bottom <= sizes.height and 0 <= left < right <= sizes.width
    return (slice(top, bottom), slice(left, right)) if is_inside else (slice(None), slice(None))


def _check_last_rows(rawpy: Any, file: Any) -> None:
    """Refuse a picture whose end was filled with zeros, as by a copy that was interrupted."""
    try:
        mosaic = file.raw_image_visible[_crop(file.sizes)]
    except (rawpy.NotSupportedError, RuntimeError, TypeError):
        return  # of a kind of sensor whose numbers rawpy does not show
    last = mosaic[-max(1, mosaic.shape[0] // _LAST_ROWS) :]
    if not last.any() and mosaic.any():
        raise DamageError("its last rows are missing: they hold zeros alone")


def _linear(rawpy: Any) -> dict[str, Any]:
    """Settings under which equal light gives equal codes, whatever else is in the picture."""
    return {
        "use_camera_wb": True,
        "no_auto_bright": True,
        "adjust_maximum_thr": 0.0,
        "highlight_mode": rawpy.HighlightMode.Clip,
        "output_color": rawpy.ColorSpace.ProPhoto,
        "output_bps": 16,
        "gamma": (1.0, 1.0),
        "user_flip": 0,
    }


def _fuller(exif: bytes | None, rawpy: Any, file: Any) -> bytes | None:
    """Return the EXIF of the preview where the file's own lacks the exposure's date, or is none."""
    if says_when(exif):
        return exif
    preview = _exif_of_preview(rawpy, file)
    return preview if exif is None or says_when(preview) else exif


def _exif_of_preview(rawpy: Any, file: Any) -> bytes | None:
    """Return the EXIF of the preview that the camera made, a JPEG."""
    try:
        preview = file.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    return first_exif(preview.data)


def _reason(rawpy: Any, error: Exception) -> str:
    """Return what LibRaw found, in words of ours."""
    if isinstance(error, rawpy.LibRawIOError | rawpy.LibRawDataError):
        return f"{UNKNOWN}: it ends before its picture does, or its data cannot be unpacked"
    if isinstance(error, rawpy.LibRawTooBigError):
        return f"{UNKNOWN}: its picture is too big"
    if isinstance(error, rawpy.LibRawUnsufficientMemoryError):
        return "too large for the memory that there is"
    return f"{UNKNOWN}, or compressed in a way that it does not decode"

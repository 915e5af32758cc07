"""A camera's raw file, DNG among them: linear light by LibRaw, through rawpy."""

import io
import math
import warnings
from collections.abc import Sequence
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
from phos_darkroom.files.formats.dng_floats import InIntegers, in_integers
from phos_darkroom.files.formats.jpeg_segments import first_exif
from phos_darkroom.files.formats.lens import corrected, shot_of
from phos_darkroom.files.formats.optional import check_claim, library
from phos_darkroom.files.formats.raw_balance import multipliers
from phos_darkroom.files.formats.raw_metadata import exif_of, says_when, xmp_of
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.metadata.tiff_tags import (
    numbers,
    read_directory,
    read_layout,
    read_tag,
)
from phos_darkroom.files.picture import Picture

__all__ = ["SATURATION", "read"]

SATURATION = math.sqrt(2.0)
"""Light at which a sensor saturates, where mid-grey is 0.18.

A camera that is exposed by its saturation-based speed puts the mean of a scene, a grey of 18 %, at
12.8 % of saturation, which leaves half a stop of room above white [camera-exposure].
"""

BASELINE_EXPOSURE, MOST_BASELINE_STOPS = 50730, 8.0

UNKNOWN = "damaged, or no raw file that LibRaw knows"
_BYTES_PER_PIXEL = 16  # in LibRaw: the mosaic, four channels, the result
_FINE_UP_TO = np.float32(0.25)  # our choice, of saturation: nothing clips below twice that
_LAST_ROWS = 16  # our choice: of what share of the rows it is seen that they are missing
_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
"""EXIF's orientation of each of LibRaw's."""


def read(path: Path, settings: RawSettings | None = None, *, half_size: bool = False) -> Picture:
    """Read a raw file's scene-linear light.

    Parameters
    ----------
    path : Path
        The file.
    settings : RawSettings, optional
        White balance, highlights, levels, exposure and lens; by default the camera's own.
    half_size : bool
        Whether four pixels of the sensor become one: quicker, for previews.

    Returns
    -------
    Picture
        float32, ``encoding="linear"``, primaries of ProPhoto, upright; grey of a monochrome
        sensor. Mid-grey is 0.18 where the camera was exposed as the standard of its speed says,
        and the sensor then saturates at `SATURATION`; rebuilt highlights are beyond it, and so
        is what a DNG of floats holds beyond its white.

    Raises
    ------
    ImageFileError
        If rawpy is missing, or the file cannot be read.

    Notes
    -----
    EXIF and XMP are those of the file where it is a TIFF inside, as DNG and most makers' are, else
    the EXIF of its preview. LibRaw clips colours at its output's primaries: ProPhoto's, the widest
    it has, leave out only what no eye sees and a few deep blues and violets.
    """
    settings = settings or RawSettings()
    rawpy = library("rawpy", "raw", path)
    with one_clear_error(path, UNKNOWN):
        check_is_file(path)
        with path.open("rb") as stream:
            exif, xmp = exif_of(stream), xmp_of(stream)
            integers = _checked(stream, path)
            stops = settings.raw_exposure_stops + _baseline_stops(stream)
        try:
            with rawpy.imread(io.BytesIO(integers[0].content) if integers else str(path)) as file:
                sizes = file.sizes
                check_claim(path, sizes.raw_height, sizes.raw_width, _BYTES_PER_PIXEL)
                light = _light(rawpy, file, settings, path, half_size=half_size)
                for brighter in integers[1:]:
                    with rawpy.imread(io.BytesIO(brighter.content)) as scaled:
                        bright = _light(rawpy, scaled, settings, path, half_size=half_size)
                    light = _with_bright(light, bright * np.float32(brighter.scale))
                exif = _fuller(exif, rawpy, file)
                orientation = _ORIENTATIONS.get(sizes.flip, 1)
                if settings.lens_correction:
                    light = corrected(light, shot_of(file, exif), path)
        except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
            read_through(path)
            raise ImageFileError(f"{path} is {_reason(rawpy, error)}") from error
    if exif is None:
        warnings.warn(f"{path.name}: no EXIF is found in it", stacklevel=2)
    light = turn(light, orientation) * np.float32(SATURATION * 2.0**stops)
    picture = assemble(light, exif=exif, xmp=xmp, orientation=1, untagged="linear")
    return replace(picture, primaries="prophoto")


def _checked(stream: BinaryIO, path: Path) -> tuple[InIntegers, ...]:
    """Look for what a DNG lacks; return one of floats in integers."""
    if not is_dng(stream):
        return ()
    check_claim(path, *size(stream), _BYTES_PER_PIXEL)
    check_parts(stream)
    return in_integers(stream)


def _with_bright(light: NDArray[np.float32], bright: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the bright parts from a development whose white lies higher, without a seam."""
    most = bright if bright.ndim == 2 else bright.max(axis=-1, keepdims=True)
    share = np.clip((most - _FINE_UP_TO) * np.float32(1.0 / _FINE_UP_TO), 0.0, 1.0)
    mixed: NDArray[np.float32] = light + share * (bright - light)
    return mixed


def _baseline_stops(stream: BinaryIO) -> float:
    """Return how much brighter than others a DNG says that its sensor's codes are to be taken."""
    layout = read_layout(stream) if is_dng(stream) else None
    directory = None if layout is None else read_directory(stream, layout)
    entry = None if directory is None else directory.find(BASELINE_EXPOSURE)
    if layout is None or entry is None:
        return 0.0
    tag = read_tag(stream, layout, entry, 8)
    found = () if tag is None else numbers(layout, tag)
    is_sensible = len(found) == 1 and abs(found[0]) <= MOST_BASELINE_STOPS  # NaN is not
    return float(found[0]) if is_sensible else 0.0


def _light(
    rawpy: Any, file: Any, settings: RawSettings, path: Path, *, half_size: bool
) -> NDArray[np.float32]:
    """Develop the sensor's light, and cut it to the camera's picture; 1 is saturation."""
    sizes = file.sizes
    _check_last_rows(rawpy, file)
    gains = multipliers(file, settings.white_balance, path)
    codes = file.postprocess(**_linear(rawpy, file, settings, gains, half_size=half_size))
    step = 2 if codes.shape[:2] != (sizes.height, sizes.width) else 1
    if step == 1 or codes.shape[:2] == (-(-sizes.height // 2), -(-sizes.width // 2)):
        codes = codes[_crop(sizes, step)]
    is_clipped = settings.highlights == "clip"
    largest = 65_535.0 if is_clipped else 65_535.0 * min(gains) / max(gains)
    light: NDArray[np.float32] = np.divide(codes, largest, dtype=np.float32)
    if light.ndim == 3 and file.num_colors == 1:
        light = light[..., 0]
    return light


def _crop(sizes: Any, step: int = 1) -> tuple[slice, slice]:
    """Return which part of the visible sensor is the picture, as camera or DNG say; else all.

    In pixels of so many of the sensor's.
    """
    top = sizes.crop_top_margin - sizes.top_margin
    left = sizes.crop_left_margin - sizes.left_margin
    bottom, right = top + sizes.crop_height, left + sizes.crop_width
    is_inside = 0 <= top < bottom <= sizes.height and 0 <= left < right <= sizes.width
    if not is_inside:
        return slice(None), slice(None)
    return slice(top // step, -(-bottom // step)), slice(left // step, -(-right // step))


def _check_last_rows(rawpy: Any, file: Any) -> None:
    """Refuse a picture whose end was filled with zeros, as by a copy that was interrupted."""
    try:
        mosaic = file.raw_image_visible[_crop(file.sizes)]
    except (rawpy.NotSupportedError, RuntimeError, TypeError):
        return  # of a kind of sensor whose numbers rawpy does not show
    last = mosaic[-max(1, mosaic.shape[0] // _LAST_ROWS) :]
    if not last.any() and mosaic.any():
        raise DamageError("its last rows are missing: they hold zeros alone")


def _linear(
    rawpy: Any, file: Any, settings: RawSettings, gains: Sequence[float], *, half_size: bool
) -> dict[str, Any]:
    """Settings under which equal light gives equal codes, whatever else is in the picture."""
    modes = rawpy.HighlightMode
    highlights = {"clip": modes.Clip, "blend": modes.Blend, "rebuild": modes.ReconstructDefault}
    return {
        "user_wb": list(gains),
        "no_auto_bright": True,
        "adjust_maximum_thr": 0.0,
        "highlight_mode": highlights[settings.highlights],
        "output_color": rawpy.ColorSpace.ProPhoto,
        "output_bps": 16,
        "gamma": (1.0, 1.0),
        "user_flip": 0,
        "half_size": half_size,
        "user_black": settings.black_level,
        "user_sat": _range(file, settings),
    }


def _range(file: Any, settings: RawSettings) -> int | None:
    """Return the codes from black to saturation, from which LibRaw scales; None: as LibRaw knows.

    Where the file says that its sensor saturates below LibRaw's own level, the file is right: else
    a clipped white would have a cast.
    """
    white = settings.white_level
    if white is None:
        said = [level for level in file.camera_white_level_per_channel or () if level > 0]
        if not said or min(said) >= file.white_level:
            return None
        white = min(said)
    black = settings.black_level
    if black is None:
        black = min(file.black_level_per_channel)
    return max(1, white - black)


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

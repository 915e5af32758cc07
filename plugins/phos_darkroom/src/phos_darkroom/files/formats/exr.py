"""OpenEXR: scene-linear light in half or single floats, by OpenImageIO."""

import functools
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.formats.damage import DamageError, one_clear_error, read_through
from phos_darkroom.files.formats.limits import PIXELS
from phos_darkroom.files.formats.optional import check_claim, library
from phos_darkroom.files.picture import Metadata, Picture

__all__ = ["read", "write"]

LARGEST_HALF = 65504.0
"""What an infinite pixel is read as: infinities come from light that a half float cannot hold."""

_ONE_THREAD = {"exr_threads": -1, "threads": 1}  # OpenImageIO's words for: the caller's alone
_SAME_PRIMARIES = 1e-3  # chromaticities that differ by less are the same
_RGB, _GREY = ("R", "G", "B"), ("Y",)


def read(path: Path) -> Picture:
    """Read an EXR file's scene-linear light.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        float32, ``encoding="linear"``, the display window. RGB, or grey from a lone Y.

    Raises
    ------
    ImageFileError
        If OpenImageIO is missing, the file cannot be read, or it holds what is no picture of
        light: integers, deep samples, no R, G, B or Y, subsampled colour, NaN.

    Warns
    -----
    UserWarning
        If pixels are infinite: they are read as `LARGEST_HALF`.

    Notes
    -----
    Read are R, G, B or Y, and A, of the first part that has them; other layers and parts are
    passed over. Colour multiplied by alpha, as EXR keeps it, is divided by it; where alpha is 0
    the light stays as it is. The part of the display window without data is black and
    transparent; data beyond it is left out.

    Light of primaries that `color.PRIMARIES` does not have is turned into linear sRGB, unbounded,
    so that nothing is lost. Without chromaticities the primaries are Rec. 709, as the format
    says: sRGB's.
    """
    oiio = _library(path)
    with one_clear_error(path):
        file = oiio.ImageInput.open(str(path))
        if file is None:
            read_through(path)
            raise ImageFileError(
                f"{path} is damaged or no EXR, or has more than the {PIXELS // 10**6} megapixels "
                "that are read as a whole"
            ) from RuntimeError(oiio.geterror())
        try:
            return _picture(file, path)
        finally:
            file.close()


def write(path: Path, picture: Picture) -> None:
    """Write a picture's linear light as EXR.

    Parameters
    ----------
    path : Path
        The file, whatever its name ends in; one that exists is overwritten.
    picture : Picture
        Scene-linear; or coded: then it is decoded to display-linear light of sRGB's primaries.

    Raises
    ------
    ImageFileError
        If OpenImageIO is missing, the file cannot be written, or the picture's colour profile
        cannot be read.

    Notes
    -----
    Half floats for 8-bit codes and for light that half floats hold exactly, else single floats;
    compressed without loss. Colours are multiplied by alpha. The file names its primaries. XMP
    is kept, in the attribute ``xmp``; the format has no place for EXIF. Equal pictures make equal
    bytes: the time of writing is left out.
    """
    oiio = _library(path)
    channels = _channels_to_write(picture.light(), picture)
    rows, cols, count = channels.shape
    spec = oiio.ImageSpec(cols, rows, count, _depth(channels, picture))
    has_colour = picture.pixels.ndim == 3
    spec.channelnames = (_RGB if has_colour else _GREY) + ("A",) * (picture.alpha is not None)
    primaries_xy, white_xy = color.PRIMARIES[picture.light_primaries]
    spec.attribute("chromaticities", "float[8]", np.ravel((*primaries_xy, white_xy)).tolist())
    spec.attribute("compression", "zip")
    spec.attribute("DateTime", "")
    if picture.metadata.xmp is not None:
        spec.attribute("xmp", picture.metadata.xmp.decode("utf-8", "replace"))
    file = oiio.ImageOutput.create("openexr")
    done = file.open(str(path), spec) and file.write_image(channels) and file.close()
    if not done:
        raise ImageFileError(
            f"cannot write {path}: the disk is full, or nothing may be written there"
        ) from RuntimeError(file.geterror())


def _library(path: Path) -> Any:
    """OpenImageIO, with no threads when this process forks: a fork would wait for them for ever."""
    oiio = library("OpenImageIO", "exr", path)
    _stop_threads_at_fork()
    return oiio


@functools.cache
def _stop_threads_at_fork() -> None:
    threads: dict[str, int] = {}

    def stop() -> None:
        oiio = sys.modules["OpenImageIO"]  # held by nobody else, or it complains at the end
        threads.update({name: oiio.get_int_attribute(name) for name in _ONE_THREAD})
        for name, alone in _ONE_THREAD.items():
            oiio.attribute(name, alone)

    def start_again() -> None:
        oiio = sys.modules["OpenImageIO"]
        for name, count in threads.items():
            oiio.attribute(name, count)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=stop, after_in_parent=start_again)


def _picture(file: Any, path: Path) -> Picture:
    part = _first_part_of_light(file, path)
    header = file.spec(part)
    _refuse_other_things(header, path)
    colours = _colours(header)
    light = _channels(file, part, colours, path)
    alpha = None
    if "A" in header.channelnames:
        alpha = _channels(file, part, ("A",), path)[..., 0]
        _refuse_not_finite(alpha, "alpha", path)
        light = _divided(light, alpha)
        alpha = _in_display_window(alpha, header, path)
    light = _without_infinities(light, path)
    _refuse_not_finite(light, "light", path)
    light, primaries = _in_known_primaries(light, header, path)
    light = _in_display_window(light, header, path)
    return Picture(
        pixels=light if colours == _RGB else light[..., 0],
        alpha=alpha,
        encoding="linear",
        primaries=primaries,
        metadata=Metadata(xmp=_xmp(header)),
    )


def _first_part_of_light(file: Any, path: Path) -> int:
    """Return the number of the first part that has R, G and B, or Y."""
    part = 0
    found: list[str] = []
    while file.seek_subimage(part, 0):
        header = file.spec(part)
        if _colours(header):
            return part
        found += header.channelnames
        part += 1
    raise ImageFileError(
        f"{path} has no channels R, G, B, and no Y, but {', '.join(found[:12]) or 'none'}"
    )


def _colours(header: Any) -> tuple[str, ...]:
    """Return the names of the channels of light, none if there are none."""
    names = set(header.channelnames)
    return next((group for group in (_RGB, _GREY) if names.issuperset(group)), ())


def _refuse_other_things(header: Any, path: Path) -> None:
    if header.deep:
        raise ImageFileError(f"{path} holds deep samples: flatten it first")
    if {"RY", "BY"} & set(header.channelnames):
        raise ImageFileError(f"{path} holds subsampled colour (Y, RY, BY): save it as R, G, B")
    if header.depth > 1:
        raise ImageFileError(f"{path} holds {header.depth} slices of a volume, not one picture")
    formats = header.channelformats or (header.format,) * header.nchannels
    for name, kind in zip(header.channelnames, map(str, formats), strict=True):
        if name in (*_colours(header), "A") and kind not in ("half", "float"):
            raise ImageFileError(f"{path} holds {kind} numbers in {name}, not half or float light")
    bytes_per_pixel = 4 * min(header.nchannels, 4)
    check_claim(path, header.height, header.width, bytes_per_pixel)
    check_claim(path, header.full_height, header.full_width, bytes_per_pixel)


def _channels(file: Any, part: int, names: tuple[str, ...], path: Path) -> NDArray[np.float32]:
    """Decode these channels of a part, in this order."""
    places = [file.spec(part).channelnames.index(name) for name in names]
    first, last = min(places), max(places)
    pixels = file.read_image(part, 0, first, last + 1, "float")
    if pixels is None:
        said = file.geterror()
        if "subsampl" in said:
            raise ImageFileError(f"{path} holds subsampled colour: save it as R, G, B")
        read_through(path)
        raise DamageError("its pixels cannot be decoded") from RuntimeError(said)
    light: NDArray[np.float32] = pixels.reshape(*pixels.shape[:2], -1)
    if places == list(range(first, last + 1)):
        return light
    return light[..., [place - first for place in places]]


def _divided(light: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide light by alpha where it can be; what becomes too large is infinite."""
    cover = alpha[..., np.newaxis]
    with np.errstate(over="ignore"):
        return np.divide(light, cover, out=light.copy(), where=cover != 0)


def _without_infinities(light: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    infinite = np.isposinf(light)
    if not infinite.any():
        return light
    warnings.warn(
        f"{path.name}: {np.count_nonzero(infinite.any(-1))} infinite pixels are read as "
        f"{LARGEST_HALF:g}, the largest half float",
        stacklevel=4,
    )
    return np.where(infinite, np.float32(LARGEST_HALF), light)


def _refuse_not_finite(numbers: NDArray[np.float32], what: str, path: Path) -> None:
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        row, col = np.argwhere(wrong)[0][:2]
        raise ImageFileError(
            f"{path}: {np.count_nonzero(wrong)} values of its {what} are no numbers (NaN or "
            f"infinite), the first in row {row}, column {col} of its data; repair the render"
        )


def _in_known_primaries(
    light: NDArray[np.float32], header: Any, path: Path
) -> tuple[NDArray[np.float32], str]:
    """Return the light and its primaries; of unknown ones, as linear sRGB."""
    written = header.getattribute("chromaticities")
    if written is None or light.shape[-1] == 1:
        return light, "srgb"
    xy = np.array(written, dtype=np.float64).reshape(-1, 2)
    for name, (primaries_xy, white_xy) in color.PRIMARIES.items():
        if np.allclose(xy, (*primaries_xy, white_xy), rtol=0.0, atol=_SAME_PRIMARIES):
            return light, name
    red, green, blue, white = ((float(x), float(y)) for x, y in xy)
    try:
        to_srgb = color.linear_srgb_from((red, green, blue), white)
        if not np.isfinite(to_srgb).all():
            raise ArithmeticError
    except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
        raise ImageFileError(
            f"{path} has impossible chromaticities: {np.round(xy, 4).tolist()}; set its attribute "
            "chromaticities to the x and y of its red, green, blue and white"
        ) from error
    return light @ to_srgb.T.astype(np.float32), "srgb"


def _in_display_window(
    numbers: NDArray[np.float32], header: Any, path: Path
) -> NDArray[np.float32]:
    """Cut what lies beyond the display window; fill what has no data with 0."""
    top, left = header.y - header.full_y, header.x - header.full_x
    rows, cols = header.full_height, header.full_width
    if (top, left) == (0, 0) and numbers.shape[:2] == (rows, cols):
        return numbers
    inside = numbers[max(-top, 0) : max(rows - top, 0), max(-left, 0) : max(cols - left, 0)]
    if inside.size == 0:
        raise ImageFileError(f"{path} has no data within its display window")
    shown = np.zeros((rows, cols, *numbers.shape[2:]), np.float32)
    top, left = max(top, 0), max(left, 0)
    shown[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return shown


def _xmp(header: Any) -> bytes | None:
    packet = header.getattribute("xmp")
    return packet.encode() if isinstance(packet, str) and packet else None


def _channels_to_write(light: NDArray[np.float32], picture: Picture) -> NDArray[np.float32]:
    light = light.reshape(*light.shape[:2], -1)
    if picture.alpha is None:
        return np.ascontiguousarray(light)
    alpha = at_depth(picture.alpha, np.float32)[..., np.newaxis]
    return np.concatenate((light * alpha, alpha), axis=-1)


def _depth(channels: NDArray[np.float32], picture: Picture) -> str:
    """Return "half" if half floats are enough, else "float"."""
    if picture.pixels.dtype == np.uint8:
        return "half"
    with np.errstate(over="ignore"):
        halves = channels.astype(np.float16)
    return "half" if np.array_equal(halves, channels) else "float"

"""A camera's raw file, DNG among them: linear light by LibRaw, through rawpy."""

from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_core.exif import block_of_tiff
from phos_core.formats.assembling import EXIF_MARK, assemble
from phos_core.formats.damage import DAMAGE
from phos_core.formats.limits import METADATA_BYTES
from phos_core.formats.optional import check_claim, library, one_line
from phos_core.picture import Picture
from phos_core.tiff_tags import read_directory, read_layout, read_tag

__all__ = ["read"]

_XMP = 700
_BYTES_PER_PIXEL = 16  # in LibRaw: the mosaic, four channels, the result


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
    with path.open("rb") as stream:
        exif, xmp = block_of_tiff(stream), _xmp_of_tiff(stream)
    try:
        with rawpy.imread(str(path)) as file:
            sizes = file.sizes
            check_claim(path, sizes.raw_height, sizes.raw_width, _BYTES_PER_PIXEL)
            light: NDArray[np.uint16] = file.postprocess(**_linear(rawpy))
            exif = exif or _exif_of_preview(rawpy, file)
    except ImageFileError:
        raise
    except (rawpy.LibRawError, rawpy.NotSupportedError, *DAMAGE) as error:
        raise ImageFileError(
            f"{path} is damaged, or no raw file that LibRaw knows: {_reason(error)}"
        ) from error
    picture = assemble(light, exif=exif, xmp=xmp, orientation=1, untagged="linear")
    return replace(picture, primaries="prophoto")


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
    }


def _xmp_of_tiff(stream: BinaryIO) -> bytes | None:
    layout = read_layout(stream)
    directory = None if layout is None else read_directory(stream, layout)
    entry = None if directory is None else directory.find(_XMP)
    if layout is None or entry is None:
        return None
    tag = read_tag(stream, layout, entry, METADATA_BYTES)
    return None if tag is None else tag.value


def _exif_of_preview(rawpy: Any, file: Any) -> bytes | None:
    """Return the EXIF of the preview that the camera made, a JPEG."""
    try:
        preview = file.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    return _exif_of_jpeg(preview.data)


def _exif_of_jpeg(content: bytes) -> bytes | None:
    place = 2
    while content[place : place + 1] == b"\xff":
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if content[place + 1 : place + 2] == b"\xe1" and content.startswith(EXIF_MARK, place + 4):
            return content[place + 4 : end]
        place = end
    return None


def _reason(error: BaseException) -> str:
    """Return LibRaw's message, which rawpy hands on as bytes."""
    message = error.args[0] if error.args else ""
    return one_line(message.decode("utf-8", "replace") if isinstance(message, bytes) else message)

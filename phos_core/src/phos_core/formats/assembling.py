"""From decoded samples and a file's blocks of metadata to an upright `Picture`."""

import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core import exif as exif_block
from phos_core.errors import ImageFileError
from phos_core.picture import FileEncoding, Metadata, Picture
from phos_core.profiles import colours_of, is_srgb

__all__ = ["EXIF_MARK", "assemble", "turn"]

EXIF_MARK = b"Exif\0\0"
"""What JPEG puts before an EXIF block, and some writers elsewhere too."""

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)([1-8])")


def assemble(
    samples: NDArray[Any],
    *,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    icc_profile: bytes | None = None,
    orientation: int | None = None,
    untagged: FileEncoding = "srgb",
    name: str = "the picture",
) -> Picture:
    """Make a picture: colours and alpha apart, turned upright, its coding named.

    Parameters
    ----------
    samples : ndarray, shape (rows, cols) or (rows, cols, 1 to 4)
        Grey, grey and alpha, RGB, or RGB and alpha, as stored.
    exif, xmp, icc_profile : bytes, optional
        The file's blocks.
    orientation : int, optional
        As the file itself has it, 1 to 8; else EXIF says, or XMP where there is no EXIF.
    untagged : {"srgb", "linear"}
        What the pixels are if there is no profile.
    name : str
        The file's, for the warning.

    Returns
    -------
    Picture
        Upright, and its metadata say so.

    Warns
    -----
    UserWarning
        If the profile cannot be used: then it is left out.
    """
    exif, said = _upright_exif(exif)
    if exif is None and xmp is not None:
        said = _xmp_orientation(xmp)
    if xmp is not None:
        xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    pixels, alpha = _apart(turn(samples, said if orientation is None else orientation))
    pixels, icc_profile = _agreeing(pixels, icc_profile, name)
    encoding = untagged
    if icc_profile is not None:
        encoding = "srgb" if is_srgb(icc_profile) else "profile"
    return Picture(
        pixels=pixels,
        alpha=alpha,
        encoding=encoding,
        metadata=Metadata(exif=exif, xmp=xmp, icc_profile=icc_profile),
    )


def turn(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn stored samples upright.

    Parameters
    ----------
    samples : ndarray, shape (rows, cols, ...)
        As stored.
    orientation : int
        EXIF's, 1 to 8: where the first stored row and column belong.

    Returns
    -------
    ndarray
        Upright, in memory as it is seen.
    """
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def _apart(samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    if samples.ndim == 2:
        return samples, None
    match samples.shape[2]:
        case 1:
            return samples[..., 0], None
        case 2:
            return np.ascontiguousarray(samples[..., 0]), np.ascontiguousarray(samples[..., 1])
        case 3:
            return samples, None
        case _:
            return np.ascontiguousarray(samples[..., :3]), np.ascontiguousarray(samples[..., 3])


def _agreeing(
    pixels: NDArray[Any], profile: bytes | None, name: str
) -> tuple[NDArray[Any], bytes | None]:
    """Return pixels and a profile that is of such pixels, or none."""
    if profile is None:
        return pixels, None
    try:
        colours = colours_of(profile)
        if colours == "GRAY" and pixels.ndim == 3:
            raise ImageFileError("it is one of grey, and the picture has colours")
    except ImageFileError as error:
        warnings.warn(
            f"{name} carries a colour profile that cannot be used and is left out: {error}",
            stacklevel=2,
        )
        return pixels, None
    if colours == "RGB" and pixels.ndim == 2 and not is_srgb(profile):
        return np.stack([pixels] * 3, axis=-1), profile  # its curves are for three channels
    return pixels, profile


def _upright_exif(block: bytes | None) -> tuple[bytes | None, int]:
    return exif_block.upright(block.removeprefix(EXIF_MARK)) if block else (None, 1)


def _xmp_orientation(packet: bytes) -> int:
    found = _XMP_ORIENTATION.search(packet)
    return int(found[2]) if found else 1

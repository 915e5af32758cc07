"""A positive made as large and as sharp as its file is to have it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phos_core.color import encode_codes, encode_srgb, light_to_hlg, light_to_pq, luminance
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.metadata import exif_facts, xmp
from phos_darkroom.files.picture import Picture

__all__ = ["check_exportable", "exported"]

SHARPENING_SIGMA_PX = 0.7  # our choice: what a reduction blurs is as wide
SHARPENING_AMOUNT = 0.4  # our choice: seen beside the other, and not alone


def check_exportable(path: str | os.PathLike[str], positive: Picture, export: Export) -> None:
    """Say before the work whether an export has a meaning for a positive.

    Parameters
    ----------
    path : path
        Its file, for the error.
    positive : Picture
        What the positive is, whatever its pixels.
    export : Export
        What is asked for.

    Raises
    ------
    ImageFileError
        If densities are to be scaled or sharpened, or light is to be sharpened for a screen.
    """
    if positive.encoding == "density" and export.long_side_px is not None:
        raise ImageFileError(
            f"cannot write {Path(path)} at another size: it holds a negative's densities, which "
            "stay as they are; leave out the size (--size)"
        )
    if positive.encoding in ("density", "linear", "display") and export.sharpen != "none":
        what = "a negative's densities" if positive.encoding == "density" else "light, not codes"
        raise ImageFileError(
            f"cannot sharpen {Path(path)} for a screen: it holds {what}; leave out the sharpening "
            "(--sharpen)"
        )


def exported(positive: Picture, export: Export) -> Picture:
    """Give a positive the size and the sharpness of its file.

    Parameters
    ----------
    positive : Picture
        As it was developed.
    export : Export
        What is asked for; its quality is for the writer.

    Returns
    -------
    Picture
        Of the same encoding and depth; the same one if nothing is asked for.

    Raises
    ------
    ImageFileError
        If the positive is to be scaled, and its colour profile is damaged or of other pictures.

    Notes
    -----
    It is scaled in linear light, by a Hamming-windowed sinc as wide as two of the new pixels. Its
    weights are not negative: a mean of light is kept, and no edge rings, as both would with
    Lanczos' window around highlights. Sharpened, each channel's code c gets

        c' = c + a (y - G y)

    of the luma y of its pixel, in sRGB's coding, with G a Gaussian blur of 0.7 pixels and a = 0.4:
    the colours stay.
    """
    finished = positive
    if export.long_side_px is not None:
        finished = _within(finished, export.long_side_px)
    if export.sharpen == "screen":
        finished = replace(finished, pixels=_sharpened(finished))
    return finished


def _within(positive: Picture, long_side_px: int) -> Picture:
    """A positive whose long side has no more than so many pixels."""
    rows, cols = positive.pixels.shape[:2]
    scale = long_side_px / max(rows, cols)
    if scale >= 1:
        return positive
    size = max(1, round(rows * scale)), max(1, round(cols * scale))
    alpha = positive.alpha
    if alpha is not None:
        alpha = at_depth(_scaled(at_depth(alpha, np.float32), *size), alpha.dtype)
    light = _scaled(positive.light(), *size)
    metadata = positive.metadata
    packet = None if metadata.xmp is None else xmp.with_size(metadata.xmp, *size)
    metadata = replace(metadata, exif=exif_facts.with_size(metadata.exif, *size), xmp=packet)
    return replace(positive, pixels=_coded(light, positive), alpha=alpha, metadata=metadata)


def _coded(light: NDArray[np.float32], positive: Picture) -> NDArray[Any]:
    """Light as the numbers of a positive."""
    dtype = positive.pixels.dtype
    codes: NDArray[Any]
    match positive.encoding:
        case "linear" | "display":
            codes = light
        case "profile":
            return profiles.to_codes(light, positive.metadata.icc_profile or b"", dtype)
        case "pq":
            codes = light_to_pq(np.maximum(light, 0))
        case "hlg":
            planes = np.moveaxis(np.atleast_3d(light), -1, 0)
            codes = np.moveaxis(light_to_hlg(planes, positive.primaries), 0, -1)
            codes = codes.reshape(light.shape)
        case _:
            if dtype.kind == "u":
                codes = encode_codes(light, dtype)
                return codes
            codes = encode_srgb(np.clip(light, 0, 1))
    return at_depth(codes, dtype)


def _scaled(light: NDArray[np.float32], rows: int, cols: int) -> NDArray[np.float32]:
    """Light, (rows, cols) or (rows, cols, 3), made smaller."""
    planes = np.atleast_3d(light)
    small = np.empty((rows, cols, planes.shape[2]), np.float32)
    for index in range(planes.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(planes[..., index]))
        small[..., index] = np.asarray(plane.resize((cols, rows), Image.Resampling.HAMMING))
    return small.reshape(rows, cols, *light.shape[2:])


def _sharpened(positive: Picture) -> NDArray[Any]:
    """The pixels of a positive in codes, sharpened in luma."""
    from scipy import ndimage  # takes longer to load than all of the darkroom

    codes = at_depth(positive.pixels, np.float32)
    luma = codes if codes.ndim == 2 else luminance(np.moveaxis(codes, -1, 0))[0]
    blurred = ndimage.gaussian_filter(luma, SHARPENING_SIGMA_PX, mode="mirror")
    more = SHARPENING_AMOUNT * (luma - blurred)
    sharp = codes + (more if codes.ndim == 2 else more[..., np.newaxis])
    return at_depth(np.clip(sharp, 0, 1).astype(np.float32), positive.pixels.dtype)

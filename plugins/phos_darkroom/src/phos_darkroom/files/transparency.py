"""A colour behind the transparent parts of a picture, for formats that have none."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.color import decode_srgb, encode_srgb
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.picture import Picture

__all__ = ["Colour", "colour_from", "flattened"]

Colour = tuple[int, int, int]
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB: IEC 61966-2-1


def colour_from(text: str) -> Colour:
    """Read a colour.

    Parameters
    ----------
    text : str
        A name of CSS such as ``white``, or ``#f4efe6``.

    Returns
    -------
    tuple of int
        Red, green and blue, sRGB codes from 0 to 255.

    Raises
    ------
    ValueError
        If it is no colour, or one that is transparent itself.
    """
    from PIL import ImageColor

    try:
        red, green, blue, *alpha = ImageColor.getrgb(text)
    except ValueError:
        alpha = [0]
    if alpha not in ([], [255]):
        raise ValueError(
            f"background must be an opaque colour such as white or #f4efe6, got {text!r}"
        )
    return red, green, blue


def flattened(picture: Picture, alpha: NDArray[Any], background: Colour) -> Picture:
    """Lay a picture on a background.

    Parameters
    ----------
    picture : Picture
        Coded as sRGB or by its profile, not scene-linear; its own alpha channel is passed over.
    alpha : ndarray of uint8, uint16 or float32, shape (rows, cols)
        How opaque each pixel is, 1 or the largest code for wholly.
    background : tuple of int
        Red, green and blue, sRGB codes from 0 to 255. A grey picture takes its luminance.

    Returns
    -------
    Picture
        Without an alpha channel. It is mixed in codes, as browsers and editors do.
    """
    pixels = picture.pixels
    top = 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
    share = alpha.astype(np.float32) / np.float32(top)
    if pixels.ndim == 3:
        share = share[..., np.newaxis]
    mixed = pixels * share + _codes(picture, background) * (1.0 - share)
    if pixels.dtype.kind == "u":
        mixed = np.rint(mixed)
    return replace(picture, pixels=mixed.astype(pixels.dtype), alpha=None)


def _codes(picture: Picture, background: Colour) -> NDArray[Any]:
    """Give the background in the codes of a picture."""
    colour = np.array([[background]], np.float32) / np.float32(255.0)
    dtype, profile = picture.pixels.dtype, picture.metadata.icc_profile
    if picture.pixels.ndim == 2:
        colour = encode_srgb(decode_srgb(colour) @ np.array(LUMINANCE, np.float32))
    if picture.encoding == "profile" and profile is not None:
        return np.asarray(profiles.from_srgb(colour, profile, dtype)[0, 0])
    top = 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
    return np.asarray(colour[0, 0] * np.float32(top))

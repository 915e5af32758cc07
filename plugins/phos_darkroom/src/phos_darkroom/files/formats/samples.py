"""Colours and alpha side by side, and what goes with them: what a writer needs of a picture."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_codes
from phos_core.process import OutputSpace
from phos_darkroom.files.colour.making import profile_of
from phos_darkroom.files.colour.profiles import srgb_profile
from phos_darkroom.files.depth import rescaled
from phos_darkroom.files.metadata.exif_facts import with_resolution
from phos_darkroom.files.picture import Picture

__all__ = [
    "exif_for",
    "in_colours",
    "interleaved",
    "is_grey",
    "narrowed",
    "profile_for",
    "stretched",
]


def profile_for(picture: Picture) -> bytes | None:
    """Return the colour profile that a file of a picture carries.

    Parameters
    ----------
    picture : Picture
        What is written.

    Returns
    -------
    bytes or None
        Its own; sRGB's for sRGB colours without one, and that of linear light of other primaries.
        Grey stays untagged, and so do light of sRGB's primaries and densities.
    """
    profile = picture.metadata.icc_profile
    if picture.encoding == "linear" and picture.primaries != "srgb" and picture.pixels.ndim == 3:
        return profile_of(OutputSpace(primaries=picture.primaries, transfer="linear"))
    if profile is None and picture.encoding == "srgb" and picture.pixels.ndim == 3:
        return srgb_profile()
    return profile


def exif_for(picture: Picture) -> bytes | None:
    """Return the EXIF of a file that says a picture's resolution there.

    Parameters
    ----------
    picture : Picture
        What is written.

    Returns
    -------
    bytes or None
        Its own, with its resolution where it says another one, or none.
    """
    return with_resolution(picture.metadata.exif, picture.metadata.resolution)


def in_colours(picture: Picture) -> Picture:
    """Return a picture for a format that has no grey, in the same tones.

    Parameters
    ----------
    picture : Picture
        Grey or RGB.

    Returns
    -------
    Picture
        The same one if it has colours, or is grey without a profile of its own. Grey with one
        becomes sRGB, by which its codes can be shown as RGB.
    """
    profile = picture.metadata.icc_profile
    if picture.pixels.ndim == 3 or profile is None:
        return picture
    codes = picture.pixels
    if picture.encoding == "profile":
        dtype = np.uint8 if codes.dtype == np.uint8 else np.uint16
        codes = encode_codes(picture.light(), dtype)
        picture = picture.at_depth(dtype)
    return dataclasses.replace(
        picture,
        pixels=np.stack([codes] * 3, axis=-1),
        encoding="srgb",
        metadata=dataclasses.replace(picture.metadata, icc_profile=None),
    )


def is_grey(samples: NDArray[Any]) -> bool:
    """Tell whether samples, with alpha or without, have no colours.

    Parameters
    ----------
    samples : ndarray, shape (rows, cols) or (rows, cols, 1 to 4)
        As a file stores them.

    Returns
    -------
    bool
    """
    return samples.ndim == 2 or samples.shape[2] <= 2


def interleaved(picture: Picture) -> NDArray[Any]:
    """Return pixels and alpha as one array.

    Parameters
    ----------
    picture : Picture
        What is to be written.

    Returns
    -------
    ndarray, shape (rows, cols) or (rows, cols, 2 to 4)
        Grey, grey and alpha, RGB, or RGB and alpha; in one piece.
    """
    if picture.alpha is None:
        return np.ascontiguousarray(picture.pixels)
    pixels = np.atleast_3d(picture.pixels)
    return np.concatenate([pixels, picture.alpha[..., np.newaxis]], axis=-1)


def narrowed(codes: NDArray[np.uint16], bits: int) -> NDArray[np.uint16]:
    """Return 16-bit codes on the range of fewer bits, rounded.

    Parameters
    ----------
    codes : ndarray of uint16
        On their whole range.
    bits : int
        8 to 16.

    Returns
    -------
    ndarray of uint16
        Codes from 0 to 2 ** bits - 1.
    """
    most = 2**bits - 1
    wide = codes.astype(np.uint32) * most
    return np.asarray((wide + 32767) // 65535, dtype=np.uint16)


def stretched(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return codes of an odd number of bits on the whole range of 8 or 16, rounded.

    Parameters
    ----------
    samples : ndarray of unsigned integers
        Codes from 0 to 2 ** bits - 1.
    bits : int
        1 to 16.

    Returns
    -------
    ndarray of uint8 or uint16
        White is the largest code again.
    """
    if bits in (8, 16):
        return samples
    return rescaled(samples, 2**bits - 1, np.uint8 if bits < 8 else np.uint16)

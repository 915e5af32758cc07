"""Little CMS, by way of imagecodecs: colour profiles evaluated in floating point."""

import functools
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError

__all__ = ["adobe_rgb_profile", "new_profile", "srgb_profile", "transform", "xyz_profile"]

_PIXELS = {b"RGB ": "rgb", b"GRAY": "gray", b"XYZ ": "xyz"}  # by a profile's colour space


def transform(values: NDArray[Any], source: bytes, target: bytes) -> NDArray[np.float32]:
    """Take pixels from one profile to another: relative colorimetric, no black compensation.

    Parameters
    ----------
    values : ndarray, shape (rows, cols) for grey, else (rows, cols, 3)
        Codes of 0 to 1, or CIE XYZ under D50.
    source, target : bytes
        ICC profiles of RGB, grey or XYZ.

    Returns
    -------
    ndarray of float32, shape (rows, cols) for grey, else (rows, cols, 3)

    Raises
    ------
    ImageFileError
        If Little CMS cannot use a profile.
    """
    lcms = _library()
    into = _PIXELS[target[16:20]]
    out = np.empty(values.shape[:2] + (() if into == "gray" else (3,)), np.float32)
    try:
        lcms.cms_transform(
            values.astype(np.float32, copy=False),
            source,
            target,
            colorspace=_PIXELS[source[16:20]],
            outcolorspace=into,
            intent=lcms.CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=lcms.CMS.FLAGS.NOCACHE | lcms.CMS.FLAGS.NOOPTIMIZE,
            out=out,
        )
    except lcms.CmsError as error:
        raise ImageFileError(f"the colour profile cannot be used: {error}") from error
    return out


def new_profile(kind: str, **how: Any) -> bytes:
    """Make a profile that says that it was made long ago: equal pictures, equal bytes.

    Parameters
    ----------
    kind : str
        What it is of, as imagecodecs has it.
    **how
        White, primaries and curve, where they do not follow from that.

    Returns
    -------
    bytes
        An ICC profile.
    """
    profile: bytes = _library().cms_profile(kind, **how)
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


@functools.cache
def srgb_profile() -> bytes:
    """Return an sRGB profile, without the time of its making: equal pictures, equal bytes.

    Returns
    -------
    bytes
        An ICC profile of RGB.
    """
    return new_profile("srgb")


@functools.cache
def adobe_rgb_profile() -> bytes:
    """Return a profile of Adobe RGB (1998), without the time of its making.

    Returns
    -------
    bytes
        An ICC profile of RGB, of gamma 563/256.
    """
    return new_profile("adobergb")


@functools.cache
def xyz_profile() -> bytes:
    """Return a profile of CIE XYZ under D50, in which other profiles meet.

    Returns
    -------
    bytes
        An ICC profile.
    """
    return new_profile("xyz")


def _library() -> Any:
    """imagecodecs, loaded on first use."""
    import imagecodecs

    return imagecodecs

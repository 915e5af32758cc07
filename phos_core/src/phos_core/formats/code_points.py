"""Colours that a file names by numbers (ITU-T H.273): PNG's cICP, AVIF's nclx."""

import functools
import struct
from pathlib import Path

import imagecodecs
import numpy as np

from phos_core import color
from phos_core.errors import ImageFileError

__all__ = ["named_profile"]

_PRIMARIES = {1: "srgb", 2: "srgb", 5: "srgb", 6: "srgb", 9: "rec2020", 12: "display-p3"}
_DISPLAY_CURVES = (1, 2, 6, 13, 14, 15)
_HDR_CURVES = {16: "PQ", 18: "HLG"}
_CURVE_POINTS = 4096  # as many as the profile has room for


def named_profile(path: Path, primaries: int, transfer: int) -> bytes | None:
    """Return the ICC profile of colours that are named by numbers.

    Parameters
    ----------
    path : Path
        The file, for the error.
    primaries, transfer : int
        Colour primaries and transfer characteristics; 2: not said.

    Returns
    -------
    bytes or None
        Display P3 or Rec. 2020 primaries with sRGB's curve, by which editors show such codes;
        None: sRGB.

    Raises
    ------
    ImageFileError
        If the codes are HDR's, or the colours are not known.
    """
    if transfer not in _DISPLAY_CURVES:
        name = _HDR_CURVES.get(transfer, f"transfer characteristics {transfer}")
        raise ImageFileError(
            f"{path} holds codes of {name}, which are not read: export it as SDR, or as EXR"
        )
    if primaries not in _PRIMARIES:
        raise ImageFileError(
            f"{path} names colour primaries {primaries}, which are not known: convert it to sRGB"
        )
    name = _PRIMARIES[primaries]
    return None if name == "srgb" else _profile_of(name)


@functools.cache
def _profile_of(primaries: str) -> bytes:
    """Return a profile of these primaries with sRGB's curve, without the time of its making."""
    (red, green, blue), white = color.PRIMARIES[primaries]
    curve = color.decode_srgb(np.linspace(0.0, 1.0, _CURVE_POINTS)).astype(np.float32)
    profile: bytes = imagecodecs.cms_profile(
        "rgb",
        whitepoint=(*white, 1.0),
        primaries=(*red, 1.0, *green, 1.0, *blue, 1.0),
        transferfunction=curve,
    )
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]

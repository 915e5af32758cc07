"""Colours that a file names by numbers (ITU-T H.273): PNG's cICP, AVIF's nclx."""

import functools
from pathlib import Path

import numpy as np

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.lcms import new_profile

__all__ = ["named_profile"]

_PRIMARIES = {1: "srgb", 2: "srgb", 5: "srgb", 6: "srgb", 7: "srgb", 9: "rec2020"}
_PRIMARIES |= {12: "display-p3", 22: "srgb"}
_DISPLAY_CURVES = {1, 2, 6, 7, 11, 12, 13, 14, 15}
"""sRGB's curve, and those of television's cameras, which screens show by it; 2: not said."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_OTHER_CURVES = {9: "a logarithm", 10: "a logarithm", 17: "digital cinema (SMPTE ST 428)"}
_HDR_CURVES = {16: "PQ", 18: "HLG"}
_CURVE_POINTS = 4096  # as many as the profile has room for


def named_profile(
    path: Path, primaries: int, transfer: int, *, is_grey: bool = False
) -> bytes | None:
    """Return the ICC profile of colours that are named by numbers.

    Parameters
    ----------
    path : Path
        The file, for the error.
    primaries, transfer : int
        Colour primaries and transfer characteristics; 2: not said.
    is_grey : bool
        Whether the picture has no colours; then its primaries do not count.

    Returns
    -------
    bytes or None
        Of sRGB's, Display P3's or Rec. 2020's primaries, or of grey; with gamma 2.2 or 2.8, linear,
        or with sRGB's curve, by which editors show what television's curves are named for. None:
        sRGB, or grey with its curve.

    Raises
    ------
    ImageFileError
        If the codes are HDR's, or the colours are not known.
    """
    _check_transfer(path, transfer)
    gamma = _GAMMAS.get(transfer)
    if is_grey:
        return None if gamma is None else _grey_profile(gamma)
    if primaries not in _PRIMARIES:
        raise ImageFileError(
            f"{path} names its colour primaries by {primaries} (ITU-T H.273), which are not known: "
            "convert it to sRGB, or give it an ICC profile"
        )
    name = _PRIMARIES[primaries]
    return None if name == "srgb" and gamma is None else _profile_of(name, gamma)


def _check_transfer(path: Path, transfer: int) -> None:
    if transfer in _HDR_CURVES:
        raise ImageFileError(
            f"{path} holds codes of {_HDR_CURVES[transfer]}, which are HDR's and not read: export "
            "it as SDR, or as EXR"
        )
    if transfer not in _DISPLAY_CURVES and transfer not in _GAMMAS:
        name = _OTHER_CURVES.get(transfer, "no curve that is known")
        raise ImageFileError(
            f"{path} holds codes of transfer characteristics {transfer} (ITU-T H.273: {name}), "
            "which are not read: convert it to sRGB"
        )


@functools.cache
def _profile_of(primaries: str, gamma: float | None) -> bytes:
    """Return a profile of these primaries, with a gamma or sRGB's curve."""
    (red, green, blue), white = color.PRIMARIES[primaries]
    curve = color.decode_srgb(np.linspace(0.0, 1.0, _CURVE_POINTS)).astype(np.float32)
    return new_profile(
        "rgb",
        whitepoint=(*white, 1.0),
        primaries=(*red, 1.0, *green, 1.0, *blue, 1.0),
        transferfunction=curve if gamma is None else None,
        gamma=gamma,
    )


@functools.cache
def _grey_profile(gamma: float) -> bytes:
    return new_profile("gray", gamma=gamma)

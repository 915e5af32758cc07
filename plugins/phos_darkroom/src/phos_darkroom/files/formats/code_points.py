"""Colours that a file names by numbers (ITU-T H.273): PNG's cICP, AVIF's nclx."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core import color
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.lcms import new_profile
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.formats.samples import is_grey
from phos_darkroom.files.picture import Picture

__all__ = ["light_if_hdr", "named_profile", "numbers_of_hdr", "primaries_of_number"]

_PRIMARIES = {1: "srgb", 2: "srgb", 5: "srgb", 6: "srgb", 7: "srgb", 9: "rec2020"}
_PRIMARIES |= {12: "display-p3", 22: "srgb"}
_DISPLAY_CURVES = {1, 2, 6, 7, 11, 12, 13, 14, 15}
"""sRGB's curve, and those of television's cameras, which screens show by it; 2: not said."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_OTHER_CURVES = {9: "a logarithm", 10: "a logarithm", 17: "digital cinema (SMPTE ST 428)"}
_PQ, _HLG = 16, 18
_NOT_SAID = 2
_ROWS = 64  # that are turned into light at once, in double precision
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
        If the colours are not known.
    """
    _check_transfer(path, transfer)
    gamma = _GAMMAS.get(transfer)
    if is_grey:
        return None if gamma is None else _grey_profile(gamma)
    name = _primaries_named(path, primaries)
    return None if name == "srgb" and gamma is None else _profile_of(name, gamma)


def light_if_hdr(
    path: Path, samples: NDArray[Any], primaries: int, transfer: int
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Turn PQ or HLG codes into light; leave others as they are.

    Parameters
    ----------
    path : Path
        The file, for the error.
    samples : ndarray of uint8 or uint16, shape (rows, cols) or (rows, cols, 1 to 4)
        Grey, grey and alpha, RGB, or RGB and alpha, on their type's whole range.
    primaries, transfer : int
        Colour primaries and transfer characteristics; primaries that are not said are Rec. 2020's,
        as of all television with these curves.

    Returns
    -------
    samples : ndarray, same shape
        Those of PQ or HLG as light, float32, 1 for a diffuse white of 203 cd/m2; alpha from 0 to 1.
    how : dict
        What `assemble` has to know of light, `untagged` and `primaries`; empty for other codes.

    Raises
    ------
    ImageFileError
        If the primaries are not known.
    """
    if transfer not in (_PQ, _HLG):
        return samples, {}
    grey = is_grey(samples)
    name = "rec2020" if primaries == _NOT_SAID else _primaries_named(path, primaries)
    light = at_depth(np.atleast_3d(samples), np.float32).copy()
    colours = light[..., 0] if grey else light[..., :3]
    for start in range(0, len(light), _ROWS):
        band = colours[start : start + _ROWS]
        band[...] = color.pq_to_light(band) if transfer == _PQ else color.hlg_to_light(band, name)
    how = {"untagged": "display", "primaries": "srgb" if grey else name}
    return light.reshape(samples.shape), how


def numbers_of_hdr(picture: Picture) -> tuple[int, int]:
    """Give the numbers of the primaries and of the curve of a picture in PQ or HLG."""
    primaries = next(n for n, name in _PRIMARIES.items() if name == picture.primaries)
    return primaries, _PQ if picture.encoding == "pq" else _HLG


def primaries_of_number(primaries: int) -> str:
    """Name the primaries of a gain's channels; those that are not known count as sRGB's."""
    return _PRIMARIES.get(primaries, "srgb")


def _primaries_named(path: Path, primaries: int) -> str:
    """Give the name of primaries; refuse those that are not known."""
    if primaries not in _PRIMARIES:
        raise ImageFileError(
            f"{path} names its colour primaries by {primaries} (ITU-T H.273), which are not known: "
            "convert it to sRGB, or give it an ICC profile"
        )
    return _PRIMARIES[primaries]


def _check_transfer(path: Path, transfer: int) -> None:
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

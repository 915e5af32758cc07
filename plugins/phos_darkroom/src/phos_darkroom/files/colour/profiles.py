"""Colour profiles: from a picture's codes to light, and from light back to codes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from phos_core.color import (
    BRADFORD,
    LINEAR_SRGB_TO_XYZ,
    PRIMARIES,
    XYZ_TO_LINEAR_SRGB,
    decode_srgb,
    decode_table,
    encode_srgb,
    to_linear_srgb,
)
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.icc import ColourSpace, MatrixProfile, Profile, read_profile
from phos_darkroom.files.colour.lcms import adobe_rgb_profile, srgb_profile, transform, xyz_profile

__all__ = [
    "adobe_rgb_profile",
    "can_write",
    "colours_of",
    "from_srgb",
    "is_srgb",
    "primaries_of",
    "srgb_profile",
    "to_codes",
    "to_light",
]

Step = Callable[[NDArray[Any]], NDArray[Any]]

SRGB_TOLERANCE = 2 / 255  # our choice, in codes: rounding, not another colour space
BAND_PIXELS = 1 << 16  # our choice: a band's few arrays stay in the cache
SMALLEST_PART = 1e-4  # our choice: a matrix that flattens colours further has no inverse to use
NEAR_PRIMARIES = 0.02  # our choice, of a matrix to linear sRGB: more than rounding
WHITE_ROUNDING = 1e-3  # our choice, of white: a profile that is further off means it so

PCS_WHITE = np.array([0.9642, 1.0, 0.8249])  # D50, in which profiles meet; ICC.1
_CODE_TYPES = ("uint8", "uint16", "float32")


def is_srgb(profile: bytes) -> bool:
    """Judge a profile by what it does: whether it takes sRGB codes to sRGB's light.

    Parameters
    ----------
    profile : bytes
        An ICC profile of RGB or grey.

    Returns
    -------
    bool
        True if no colour of a coarse grid is further than 2/255 from itself, in sRGB codes and
        within sRGB. A profile that cannot be read is not sRGB.
    """
    steps = np.array([0, 32, 96, 160, 224, 255], np.float32) / np.float32(255)
    try:
        if colours_of(profile) == "GRAY":
            colours = steps[np.newaxis]
        else:
            colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        mapped = encode_srgb(np.clip(to_light(colours, profile), 0.0, 1.0))
    except ImageFileError:
        return False
    return bool(np.abs(mapped - colours).max() <= SRGB_TOLERANCE)


def colours_of(profile: bytes) -> ColourSpace:
    """Tell which pictures a profile is of.

    Parameters
    ----------
    profile : bytes
        An ICC profile.

    Returns
    -------
    {"RGB", "GRAY"}

    Raises
    ------
    ImageFileError
        If it is damaged or of other pictures.
    """
    return read_profile(profile).colours


def primaries_of(profile: bytes | None) -> str:
    """Name the primaries of a profile.

    Parameters
    ----------
    profile : bytes or None
        An ICC profile.

    Returns
    -------
    str
        A key of `color.PRIMARIES`; "srgb" where there is no profile, or none of a matrix that is
        near to one of these.
    """
    try:
        matrix = None if profile is None else read_profile(profile).matrix
    except ImageFileError:
        return "srgb"
    if matrix is None or matrix.to_xyz is None:
        return "srgb"
    own = _to_linear_srgb(matrix.to_xyz)
    near = {name: np.abs(own - to_linear_srgb(name)).max() for name in PRIMARIES}
    nearest = min(near, key=lambda name: near[name])
    return nearest if near[nearest] <= NEAR_PRIMARIES else "srgb"


def can_write(profile: bytes) -> bool:
    """Tell whether `to_codes` and `from_srgb` can make codes of a profile.

    Parameters
    ----------
    profile : bytes
        An ICC profile.

    Returns
    -------
    bool
        True for a matrix profile whose curves rise and whose matrix has an inverse, and for a
        profile of tables that has the tables back (``B2A0`` or ``B2A1``).
    """
    try:
        parsed = read_profile(profile)
        _encoder(parsed)(np.zeros((1, 1, 3)[: _dimensions(parsed)]))
    except ImageFileError:
        return False
    return True


def to_light(pixels: NDArray[Any], profile: bytes) -> NDArray[np.float32]:
    """Turn a picture's codes into linear light, as its colour profile says.

    Parameters
    ----------
    pixels : ndarray of uint8, uint16 or float32, shape (rows, cols) or (rows, cols, 3)
        Codes; the largest one, or 1, is white.
    profile : bytes
        An ICC profile, of grey for a grey picture and of RGB for RGB.

    Returns
    -------
    ndarray of float32, same shape
        Display-linear light in sRGB's primaries; white has 1. Nothing is clipped: colours beyond
        sRGB have negative components, and float codes beyond white stay beyond it where the
        profile's curves are formulas (a table ends at 0 and 1).

    Raises
    ------
    ImageFileError
        If the profile is damaged or of other pictures than this one.
    TypeError
        If `pixels` has another dtype.
    ValueError
        If `pixels` has another shape.

    Notes
    -----
    Relative colorimetric, without black point compensation: the profile's white becomes white.
    Matrix profiles are computed in float64, with Bradford's adaptation from the profiles' common
    D50 to D65; profiles of tables by Little CMS, in floating point.
    """
    parsed = read_profile(profile)
    _check_picture(pixels, parsed, "pixels")
    _check_dtype(pixels.dtype)
    return _by_bands(_decoder(parsed, pixels.dtype), pixels, np.dtype(np.float32))


def to_codes(light: NDArray[Any], profile: bytes, dtype: DTypeLike) -> NDArray[Any]:
    """Turn linear light into codes of a colour profile: the inverse of `to_light`.

    Parameters
    ----------
    light : ndarray of floating point, shape (rows, cols) or (rows, cols, 3)
        Finite display-linear light in sRGB's primaries; white has 1.
    profile : bytes
        An ICC profile that `can_write`.
    dtype : uint8, uint16 or float32
        Of the codes.

    Returns
    -------
    ndarray of `dtype`, same shape
        Codes, clipped to black and white; integers are rounded to the nearest.

    Raises
    ------
    ImageFileError
        If the profile is damaged, of other pictures, or has no way back to codes.
    TypeError
        If `dtype` is another one.
    ValueError
        If `light` has another shape.

    Notes
    -----
    For a matrix profile, codes that went through `to_light` come back, if its curves rise at
    every code and the colour is near enough to grey: float32 holds 24 bits of the brightest
    component, so the darkest codes of a component beside bright ones may not.
    """
    parsed = read_profile(profile)
    _check_picture(light, parsed, "light")
    _check_dtype(dtype)
    encode = _encoder(parsed)
    return _by_bands(lambda band: _quantised(encode(band), dtype), light, np.dtype(dtype))


def from_srgb(positive: NDArray[Any], profile: bytes, dtype: DTypeLike) -> NDArray[Any]:
    """Turn sRGB codes into codes of a colour profile.

    Parameters
    ----------
    positive : ndarray of uint8, uint16 or floating point, shape (rows, cols) or (rows, cols, 3)
        sRGB-coded; the largest code, or 1, is white.
    profile : bytes
        An ICC profile that `can_write`.
    dtype : uint8, uint16 or float32
        Of the codes.

    Returns
    -------
    ndarray of `dtype`, same shape
        Codes, clipped to black and white; integers are rounded to the nearest.

    Raises
    ------
    ImageFileError
        If the profile is damaged, of other pictures, or has no way back to codes.
    TypeError
        If `dtype` is another one, or `positive` is of other integers.
    ValueError
        If `positive` has another shape.
    """
    parsed = read_profile(profile)
    _check_picture(positive, parsed, "positive")
    _check_dtype(dtype)
    decode = _srgb_decoder(positive.dtype)
    encode = _encoder(parsed)
    return _by_bands(
        lambda band: _quantised(encode(decode(band)), dtype), positive, np.dtype(dtype)
    )


def _dimensions(profile: Profile) -> int:
    return 2 if profile.colours == "GRAY" else 3


def _check_picture(pixels: NDArray[Any], profile: Profile, argument: str) -> None:
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"{argument} must be (rows, cols) or (rows, cols, 3), got {pixels.shape}")
    if pixels.ndim != _dimensions(profile):
        picture = "grey" if pixels.ndim == 2 else "colour"
        raise ImageFileError(
            f"the colour profile is of {profile.colours} pictures, but this one is {picture}"
        )


def _check_dtype(dtype: DTypeLike) -> None:
    if np.dtype(dtype).name not in _CODE_TYPES:
        known = ", ".join(_CODE_TYPES)
        raise TypeError(f"codes of a profile are {known}, got dtype {np.dtype(dtype).name}")


def _by_bands(step: Step, picture: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Take bands of rows through a step, into one array."""
    out = np.empty(picture.shape, dtype)
    for band in _bands(picture):
        out[band] = step(picture[band])
    return out


def _bands(picture: NDArray[Any]) -> Iterator[slice]:
    rows = max(1, BAND_PIXELS // max(1, picture.shape[1]))
    return (slice(start, start + rows) for start in range(0, picture.shape[0], rows))


def _quantised(codes: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Clip codes of 0 to 1 and give them a type; the only place that rounds."""
    clipped = np.clip(codes, 0.0, 1.0)
    if np.dtype(dtype).kind != "f":
        clipped = np.floor(clipped * np.iinfo(dtype).max + 0.5)
    rounded: NDArray[Any] = clipped.astype(dtype)
    return rounded


def _srgb_decoder(dtype: np.dtype[Any]) -> Step:
    if dtype.kind == "f":
        return decode_srgb
    return decode_table(dtype).take


def _decoder(profile: Profile, dtype: np.dtype[Any]) -> Step:
    """The step from codes to light."""
    if profile.matrix is None:
        return _decode_by_lcms(profile, dtype)
    return _decode_by_matrix(profile.matrix, dtype)


def _encoder(profile: Profile) -> Step:
    """The step from light to codes of 0 to 1."""
    if profile.matrix is None:
        return _encode_by_lcms(profile)
    return _encode_by_matrix(profile.matrix)


def _decode_by_matrix(matrix: MatrixProfile, dtype: np.dtype[Any]) -> Step:
    curves = [_curve_step(curve.decode, dtype) for curve in matrix.curves]
    if matrix.to_xyz is None:
        return curves[0]
    to_srgb = _to_linear_srgb(matrix.to_xyz).T

    def decode(codes: NDArray[Any]) -> NDArray[np.float64]:
        channels = [curve(codes[..., i]) for i, curve in enumerate(curves)]
        return np.stack(channels, axis=-1) @ to_srgb

    return decode


def _to_linear_srgb(to_xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix from a profile's channels; white is white, whatever the primaries' rounding."""
    white = to_xyz @ np.ones(3)
    if np.abs(white - PCS_WHITE).max() <= WHITE_ROUNDING:
        to_xyz = to_xyz * (PCS_WHITE / white)[:, np.newaxis]
    matrix: NDArray[np.float64] = PCS_TO_LINEAR_SRGB @ to_xyz
    return matrix


def _curve_step(curve: Step, dtype: np.dtype[Any]) -> Step:
    """A curve for codes of a type: integers look it up."""
    if dtype.kind == "f":
        return curve
    white = int(np.iinfo(dtype).max)
    return curve(np.arange(white + 1) / white).take


def _encode_by_matrix(matrix: MatrixProfile) -> Step:
    if not all(curve.rises for curve in matrix.curves):
        raise ImageFileError("the colour profile has no way back to codes: a tone curve falls")
    curves = [curve.encode for curve in matrix.curves]
    if matrix.to_xyz is None:
        return lambda light: curves[0](light.astype(np.float64))
    to_srgb = _to_linear_srgb(matrix.to_xyz)
    parts = np.linalg.svd(to_srgb, compute_uv=False)
    if parts[-1] <= SMALLEST_PART * parts[0]:
        raise ImageFileError("the colour profile has no way back to codes: its primaries align")
    from_light = np.linalg.inv(to_srgb).T

    def encode(light: NDArray[Any]) -> NDArray[np.float64]:
        channels = light.astype(np.float64) @ from_light
        return np.stack([curve(channels[..., i]) for i, curve in enumerate(curves)], axis=-1)

    return encode


def _decode_by_lcms(profile: Profile, dtype: np.dtype[Any]) -> Step:
    white = 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
    is_grey = profile.colours == "GRAY"
    to_srgb = PCS_TO_LINEAR_SRGB.T

    def decode(codes: NDArray[Any]) -> NDArray[Any]:
        xyz = transform(codes / np.float32(white), profile.data, xyz_profile())
        light: NDArray[Any] = xyz[..., 1] if is_grey else xyz @ to_srgb
        return light

    return decode


def _encode_by_lcms(profile: Profile) -> Step:
    if not profile.has_output_tables:
        raise ImageFileError("the colour profile has no way back to codes: no tables for it")
    is_grey = profile.colours == "GRAY"
    to_pcs = np.linalg.inv(PCS_TO_LINEAR_SRGB).T

    def encode(light: NDArray[Any]) -> NDArray[Any]:
        xyz = light[..., np.newaxis] * PCS_WHITE if is_grey else light @ to_pcs
        return transform(xyz, xyz_profile(), profile.data)

    return encode


def _pcs_to_linear_srgb() -> NDArray[np.float64]:
    """From XYZ under D50, in which profiles meet, to linear sRGB; white goes to white."""
    d65 = LINEAR_SRGB_TO_XYZ @ np.ones(3)
    gains = (BRADFORD @ d65) / (BRADFORD @ PCS_WHITE)
    adaptation: NDArray[np.float64] = np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD
    matrix: NDArray[np.float64] = XYZ_TO_LINEAR_SRGB @ adaptation
    matrix.flags.writeable = False
    return matrix


PCS_TO_LINEAR_SRGB = _pcs_to_linear_srgb()

"""The codings of sRGB and of television, and the way from linear sRGB to CIE XYZ and back."""

import functools
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_numpy_array
from numpy.typing import DTypeLike, NDArray

from phos_core.arrays import Array, array_namespace, clipped

__all__ = [
    "BRADFORD",
    "DISPLAY_GAMMA",
    "LINEAR_SRGB_TO_XYZ",
    "LUMINANCE",
    "PRIMARIES",
    "REFERENCE_WHITE_NITS",
    "XYZ_TO_LINEAR_SRGB",
    "decode_srgb",
    "decode_table",
    "encode_codes",
    "encode_srgb",
    "from_linear_srgb",
    "hlg_shown",
    "hlg_to_light",
    "hlg_to_scene",
    "light_to_hlg",
    "light_to_pq",
    "linear_srgb_from",
    "luminance",
    "luminance_of",
    "pq_to_light",
    "to_linear_srgb",
]

SRGB_PRIMARIES_XY = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))  # docs/sources.md, "srgb"
D65_WHITE_XY = (0.3127, 0.3290)  # docs/sources.md, "srgb"
D50_WHITE_XY = (0.3457, 0.3585)  # docs/sources.md, "wide-gamut"
ACES_WHITE_XY = (0.32168, 0.33767)  # docs/sources.md, "aces"

# Chromaticities of the primaries and of white of linear pictures: docs/sources.md, "wide-gamut",
# and "aces" for the last two.
PRIMARIES = {
    "srgb": (SRGB_PRIMARIES_XY, D65_WHITE_XY),
    "display-p3": (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), D65_WHITE_XY),
    "rec2020": (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65_WHITE_XY),
    "prophoto": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), D50_WHITE_XY),
    "acescg": (((0.713, 0.293), (0.165, 0.830), (0.128, 0.044)), ACES_WHITE_XY),
    "aces2065-1": (((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.0770)), ACES_WHITE_XY),
}

DISPLAY_GAMMA = 2.4  # docs/sources.md, "bt1886"
"""Power by which a reference display of television turns codes into light."""

# docs/sources.md, "hdr-television", for all of these.
REFERENCE_WHITE_NITS = 203.0
"""Of diffuse white in an HDR picture (ITU-R BT.2408); a light of 1 here."""
PQ_PEAK_NITS = 10_000.0
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
HLG_PEAK_NITS = 1000.0  # of the display for which its system gamma is 1.2
HLG_GAMMA = 1.2
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
HLG_DARKEST = 1e-6  # luminance, as a share of the peak, below which the gain no longer grows

# Bradford's sharpened cones, in which another white is adapted to: docs/sources.md, "wide-gamut".
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""Matrix from XYZ to Bradford's sharpened cones."""


def decode_srgb(encoded: Array) -> Array:
    """Turn sRGB-encoded values into linear light.

    Parameters
    ----------
    encoded : array of floating point
        Encoded values; 0 is black, 1 is white. Nothing is clipped: the curve goes on above 1,
        and its straight piece goes on below 0.

    Returns
    -------
    array
        Linear values, same shape, namespace and dtype.

    Notes
    -----
    With c the encoded value,

        c / 12.92                       c <= 0.04045
        ((c + 0.055) / 1.055) ** 2.4    otherwise

    References
    ----------
    .. [1] docs/sources.md, "srgb".
    """
    xp = array_namespace(encoded)
    curved = ((xp.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return xp.where(encoded <= 0.04045, encoded / 12.92, curved)


def encode_srgb(linear: Array) -> Array:
    """Turn linear light into sRGB-encoded values: the inverse of `decode_srgb`.

    Parameters
    ----------
    linear : array of floating point
        Linear values; 0 is black, 1 is white. Nothing is clipped.

    Returns
    -------
    array
        Encoded values, same shape, namespace and dtype.

    Notes
    -----
    With x the linear value,

        12.92 x                         x <= 0.0031308
        1.055 x ** (1 / 2.4) - 0.055    otherwise

    References
    ----------
    .. [1] docs/sources.md, "srgb".
    """
    xp = array_namespace(linear)
    curved = 1.055 * xp.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return xp.where(linear <= 0.0031308, 12.92 * linear, curved)


def pq_to_light(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Turn PQ codes into display light.

    Parameters
    ----------
    codes : ndarray of floating point
        Codes from 0 to 1.

    Returns
    -------
    ndarray, same shape
        Linear light; 1 is a reference white of 203 cd/m2, and the brightest 49.

    Notes
    -----
    With N the code, its light in cd/m2 is

        F = 10000 (max(N^(1/m2) - c1, 0) / (c2 - c3 N^(1/m2)))^(1/m1)

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    power = np.asarray(codes, np.float64) ** (1.0 / PQ_M2)
    share = np.maximum(power - PQ_C1, 0.0) / (PQ_C2 - PQ_C3 * power)
    light: NDArray[np.float64] = share ** (1.0 / PQ_M1) * (PQ_PEAK_NITS / REFERENCE_WHITE_NITS)
    return light


def light_to_pq(light: Array) -> Array:
    """Turn display light into PQ codes: the inverse of `pq_to_light`.

    Parameters
    ----------
    light : array, any shape
        Linear light, 0 or more; 1 is a reference white of 203 cd/m2.

    Returns
    -------
    array
        Codes from 0 to 1, same shape, namespace and dtype.

    Notes
    -----
    With y the light over 10,000 cd/m2,

        N = ((c1 + c2 y^m1) / (1 + c3 y^m1))^m2

    In single precision the power m2, 79, would leave errors of a code of 16 bits. So its logarithm
    is taken by the series of artanh, of u between -0.09 and 0: ln N = 2 m2 (u + u^3/3 + ...), with
    u = (b - 1) / (b + 1) of the base b.

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    xp = array_namespace(light)
    power = xp.pow(light * (REFERENCE_WHITE_NITS / PQ_PEAK_NITS), PQ_M1)
    u = (power - 1.0) * (1.0 - PQ_C1) / (power * (PQ_C2 + PQ_C3) + (1.0 + PQ_C1))
    square = u * u
    series = ((square * (1.0 / 7.0) + 1.0 / 5.0) * square + 1.0 / 3.0) * square + 1.0
    return xp.exp(u * series * (2.0 * PQ_M2))


def light_to_hlg(light: Array, primaries: str) -> Array:
    """Turn the light of a display of 1000 cd/m2 into HLG codes: the inverse of `hlg_to_light`.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Linear light; 1 is a reference white of 203 cd/m2. What is negative counts as 0.
    primaries : str
        Of the light, a key of `PRIMARIES`; one channel is grey.

    Returns
    -------
    array
        Codes from 0 to 1, same shape, namespace and dtype.

    Notes
    -----
    With F the light over 1000 cd/m2 and Y its luminance, the scene's light is
    E = F Y^(1 / 1.2 - 1), and

        E' = sqrt(3 E)             E <= 1/12
        E' = a ln(12 E - b) + c    otherwise

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    xp = array_namespace(light)
    shown = light * (REFERENCE_WHITE_NITS / HLG_PEAK_NITS)
    grey = clipped(luminance(shown, luminance_of(primaries)), HLG_DARKEST)
    scene = shown * xp.pow(grey, 1.0 / HLG_GAMMA - 1.0)
    dark = xp.pow(clipped(scene * 3.0, 0.0, 0.25), 0.5)
    bright = xp.log((clipped(scene * 12.0, 1.0) - HLG_B) * (1.0 / (1.0 - HLG_B)))
    return clipped(dark + bright * HLG_A, 0.0, 1.0)


def hlg_to_scene(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Turn HLG codes into the light that their camera saw.

    Parameters
    ----------
    codes : ndarray of floating point
        Codes from 0 to 1.

    Returns
    -------
    ndarray, same shape
        Linear light from 0 to 1; see `hlg_shown` for what a display makes of it.

    Notes
    -----
    With E' the code,

        E = E'^2 / 3                      E' <= 1/2
        E = (exp((E' - c) / a) + b) / 12  otherwise

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    coded = np.asarray(codes, np.float64)
    bright = (np.exp((np.maximum(coded, 0.5) - HLG_C) / HLG_A) + HLG_B) / 12.0
    return np.where(coded <= 0.5, coded**2 / 3.0, bright)


def hlg_shown(scene: Array, weights: tuple[float, float, float]) -> Array:
    """Give the light of a display of 1000 cd/m2 that shows an HLG picture.

    Parameters
    ----------
    scene : array, shape (3, rows, cols), or (1, rows, cols)
        As `hlg_to_scene` gives it.
    weights : tuple of float
        Luminance of each of its primaries, as `luminance_of` gives it.

    Returns
    -------
    array, shape of `scene`
        Linear light; 1 is a reference white of 203 cd/m2, and the brightest 4.9.

    Notes
    -----
    With E the scene's light and Y its luminance, the display's light is 1000 E Y^0.2 cd/m2.

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    xp = array_namespace(scene)
    gain = xp.pow(luminance(scene, weights), HLG_GAMMA - 1.0)
    return scene * (gain * (HLG_PEAK_NITS / REFERENCE_WHITE_NITS))


def hlg_to_light(codes: NDArray[Any], primaries: str) -> NDArray[np.float64]:
    """Turn HLG codes into the light of a display of 1000 cd/m2, as `hlg_shown` does.

    Parameters
    ----------
    codes : ndarray of floating point, shape (rows, cols) or (rows, cols, 3)
        Codes from 0 to 1.
    primaries : str
        Of the codes, a key of `PRIMARIES`.

    Returns
    -------
    ndarray, same shape
        Linear light; 1 is a reference white of 203 cd/m2, and the brightest 4.9.

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    scene = hlg_to_scene(codes)
    planes = scene[np.newaxis] if scene.ndim == 2 else np.moveaxis(scene, -1, 0)
    shown = hlg_shown(planes, luminance_of(primaries))
    light: NDArray[np.float64] = np.moveaxis(shown, 0, -1).reshape(scene.shape)
    return light


def luminance(light: Array, weights: tuple[float, float, float] | None = None) -> Array:
    """Give the luminance of linear light.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Linear light; one channel is its own luminance.
    weights : tuple of float, optional
        Luminance of each primary, as `luminance_of` gives it; by default sRGB's.

    Returns
    -------
    array, shape (1, rows, cols)
        Luminance; white has 1.
    """
    if light.shape[0] == 1:
        return light
    red, green, blue = LUMINANCE if weights is None else weights
    return red * light[:1, ...] + green * light[1:2, ...] + blue * light[2:, ...]


def decode_table(dtype: DTypeLike) -> NDArray[np.float32]:
    """Return the linear value of every sRGB code of an integer type.

    Parameters
    ----------
    dtype : numpy.uint8 or numpy.uint16
        Type of the codes; its largest value is white.

    Returns
    -------
    numpy.ndarray of float32, shape (256,) or (65536,)
        Linear values, 0 to 1; read-only. ``table[codes]`` decodes an image.

    Raises
    ------
    TypeError
        If `dtype` is any other type.
    """
    return _decode_table(np.dtype(dtype))


def encode_codes(linear: Array, dtype: DTypeLike) -> Array:
    """Turn linear light into sRGB codes: clipped to black and white, rounded to the nearest.

    Parameters
    ----------
    linear : array of floating point
        Linear values; what lies outside 0 to 1 is clipped. NumPy arrays are taken as float32.
    dtype : numpy.uint8 or numpy.uint16
        Type of the codes; its largest value is white.

    Returns
    -------
    array of `dtype`
        Codes, same shape and namespace.

    Raises
    ------
    TypeError
        If `dtype` is any other type.

    Notes
    -----
    For NumPy arrays the codes are exactly ``floor(white * encode_srgb(x) + 1/2)`` in float64, at
    every float32 x: each code ends at a largest float32, and the leading bits of x choose a
    bucket in which one code at most ends. NaN has no code: callers refuse it before.

    Arrays of other libraries go through the formula in their own precision, so that a value
    within a rounding error of an end may land on the code beside.
    """
    white = _white_code(dtype)
    if is_numpy_array(linear):
        return _encode_by_buckets(linear.astype(np.float32, copy=False), dtype)
    xp = array_namespace(linear)
    encoded = encode_srgb(xp.minimum(xp.maximum(linear, 0.0), 1.0))
    return xp.astype(xp.floor(white * encoded + 0.5), getattr(xp, np.dtype(dtype).name))


@functools.cache
def _decode_table(dtype: np.dtype[Any]) -> NDArray[np.float32]:
    white = _white_code(dtype)
    table: NDArray[np.float32] = decode_srgb(np.arange(white + 1) / white).astype(np.float32)
    table.flags.writeable = False
    return table


class _Buckets(NamedTuple):
    """Float32 values sorted by their leading bits; in each bucket one code at most ends."""

    shift: int
    first: int
    code: NDArray[Any]
    end_of_code: NDArray[np.float32]


# So many low bits of a float32 can be dropped that no two codes end in one bucket.
_BUCKET_SHIFT = {np.dtype(np.uint8): 16, np.dtype(np.uint16): 8}


def _encode_by_buckets(linear: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
    """Take the code of each value's bucket, or the next one if the value is past its end.

    Values below the first bucket (all negative ones among them) and above the last are clipped
    by the look-up itself.
    """
    buckets = _buckets(np.dtype(dtype))
    index = np.right_shift(linear.view(np.int32), buckets.shift)
    index -= buckets.first
    codes = buckets.code.take(index, mode="clip")
    codes += linear > buckets.end_of_code.take(index, mode="clip")
    return codes


@functools.cache
def _buckets(dtype: np.dtype[Any]) -> _Buckets:
    white = _white_code(dtype)
    shift = _BUCKET_SHIFT[dtype]
    midpoints = np.arange(white) + 0.5
    # The inverse, rounded to float32, lies within a step or two of each code's end.
    near = decode_srgb(midpoints / white).astype(np.float32)
    steps = np.arange(-2, 3, dtype=np.int32)[:, np.newaxis]
    candidates = (near.view(np.int32) + steps).view(np.float32)
    is_before = white * encode_srgb(candidates.astype(np.float64)) < midpoints
    ends = np.where(is_before, candidates, np.float32(0.0)).max(axis=0)

    first, last = (int(np.float32(x).view(np.int32)) >> shift for x in (ends[0], 1.0))
    lower_edges = (np.arange(first, last + 1, dtype=np.int32) << shift).view(np.float32)
    codes = np.searchsorted(ends, lower_edges, side="left")
    end_of_code = np.append(ends, np.float32(np.inf))[codes]
    return _Buckets(shift, first, codes.astype(dtype), end_of_code)


def _white_code(dtype: DTypeLike) -> int:
    if np.dtype(dtype) not in _BUCKET_SHIFT:
        raise TypeError(f"sRGB codes are uint8 or uint16, got dtype {np.dtype(dtype).name}")
    return int(np.iinfo(dtype).max)


def _rgb_to_xyz(
    primaries_xy: tuple[tuple[float, float], ...], white_xy: tuple[float, float]
) -> NDArray[np.float64]:
    """Derive the matrix whose columns are the primaries, scaled so that they sum to white."""
    primaries = np.array([_direction(xy) for xy in primaries_xy]).T
    matrix = primaries * np.linalg.solve(primaries, _xyz_of(white_xy))
    matrix.flags.writeable = False
    return matrix


def _direction(xy: tuple[float, float]) -> NDArray[np.float64]:
    """Where in XYZ a primary points; X and Z themselves (y = 0) have no luminance of their own."""
    x, y = xy
    return _xyz_of(xy) if y else np.array([x, 0.0, 1.0 - x])


def _xyz_of(xy: tuple[float, float]) -> NDArray[np.float64]:
    x, y = xy
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


LINEAR_SRGB_TO_XYZ = _rgb_to_xyz(SRGB_PRIMARIES_XY, D65_WHITE_XY)
"""Matrix from linear sRGB to CIE 1931 XYZ; white (1, 1, 1) goes to D65 at Y = 1."""

LUMINANCE: tuple[float, float, float] = tuple(LINEAR_SRGB_TO_XYZ[1].tolist())
"""Luminance of each linear sRGB primary; they sum to 1."""

XYZ_TO_LINEAR_SRGB = np.linalg.inv(LINEAR_SRGB_TO_XYZ)
"""Matrix from CIE 1931 XYZ to linear sRGB: the inverse of `LINEAR_SRGB_TO_XYZ`."""
XYZ_TO_LINEAR_SRGB.flags.writeable = False


def to_linear_srgb(primaries: str) -> NDArray[np.float64]:
    """Matrix from linear light of these primaries to linear sRGB; white goes to white.

    Parameters
    ----------
    primaries : str
        A key of `PRIMARIES`.

    Returns
    -------
    ndarray, shape (3, 3)
        Colours outside sRGB get negative components.
    """
    return linear_srgb_from(*PRIMARIES[primaries])


@functools.cache
def from_linear_srgb(primaries: str) -> tuple[tuple[float, ...], ...]:
    """Rows of the matrix from linear sRGB to linear light of these primaries; white stays white.

    Parameters
    ----------
    primaries : str
        A key of `PRIMARIES`.

    Returns
    -------
    tuple of tuple of float
        Three rows: the inverse of `to_linear_srgb`.
    """
    return tuple(map(tuple, np.linalg.inv(to_linear_srgb(primaries)).tolist()))


@functools.cache
def luminance_of(primaries: str) -> tuple[float, float, float]:
    """Luminance of each of these primaries, as sRGB sees them; they sum to 1.

    Parameters
    ----------
    primaries : str
        A key of `PRIMARIES`.

    Returns
    -------
    tuple of float
        `LUMINANCE` for sRGB.
    """
    if primaries == "srgb":
        return LUMINANCE
    red, green, blue = (LUMINANCE @ to_linear_srgb(primaries)).tolist()
    return red, green, blue


def linear_srgb_from(
    primaries_xy: tuple[tuple[float, float], ...], white_xy: tuple[float, float]
) -> NDArray[np.float64]:
    """Matrix from linear light of any primaries to linear sRGB; white goes to white.

    Parameters
    ----------
    primaries_xy : tuple of (x, y)
        Chromaticities of red, green and blue.
    white_xy : (x, y)
        Chromaticity of white.

    Returns
    -------
    ndarray, shape (3, 3)
        Colours outside sRGB get negative components.

    Raises
    ------
    ZeroDivisionError, numpy.linalg.LinAlgError
        If no light has these chromaticities, or the primaries lie on one line.
    """
    adapted = BRADFORD @ _xyz_of(D65_WHITE_XY) / (BRADFORD @ _xyz_of(white_xy))
    adaptation = np.linalg.solve(BRADFORD, adapted[:, np.newaxis] * BRADFORD)
    matrix: NDArray[np.float64] = (
        XYZ_TO_LINEAR_SRGB @ adaptation @ _rgb_to_xyz(primaries_xy, white_xy)
    )
    return matrix

"""Grain: density fluctuates because an image is made of grains and dye clouds.

The noise is counter-based. Each pixel's is a hash of the seed, the frame, the layer and the
pixel's absolute row and column, so that a picture has the same grain in any tile, in any crop
and on any array library.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from phos_core.arrays import Array, array_namespace, clipped, device, per_layer
from phos_core.chance import NOISE_MULTIPLIERS, hashed
from phos_core.density_curve import polynomial

__all__ = [
    "Grain",
    "GrainBias",
    "add_grain",
    "grain_noise",
    "noise_keys",
    "noise_rms",
    "rms_density",
    "shaping_taps",
    "spectral_density_um2",
]

APERTURE_UM = 48.0  # diameter of the aperture through which RMS granularity is read
TAP_TOLERANCE = 1e-3  # of the largest: smaller taps of the shaping filter are dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """The granularity of a film stock.

    Parameters
    ----------
    rms_coefficients : tuple of tuple of float
        For each layer, a polynomial in the square root of the net density, lowest order first:
        the RMS fluctuation of density through a circular aperture of 48 µm diameter. Not times
        1000.
    d_min : tuple of float
        For each layer, the density from which the net density counts.
    net_range : tuple of (float, float)
        For each layer, the least and the greatest net density of the polynomial, from 0 up;
        beyond them it keeps its value.
    size_um : tuple of float
        For each layer, the standard deviation in µm of the Gaussian that shapes white noise into
        the layer's grain.

    Raises
    ------
    ValueError
        If the fields do not have one entry per layer, a size is not positive, a range is empty,
        or a polynomial is negative within its range.
    """

    rms_coefficients: tuple[tuple[float, ...], ...]
    d_min: tuple[float, ...]
    net_range: tuple[tuple[float, float], ...]
    size_um: tuple[float, ...]

    def __post_init__(self) -> None:
        layers = len(self.rms_coefficients)
        if layers == 0:
            raise ValueError("rms_coefficients must hold at least one layer, got none")
        for name in ("d_min", "net_range", "size_um"):
            entries = len(getattr(self, name))
            if entries != layers:
                raise ValueError(
                    f"{name} must have one entry for each of the {layers} layers of "
                    f"rms_coefficients, got {entries}"
                )
        for size_um in self.size_um:
            _check_length("size_um", size_um)
        for coefficients, (low, high) in zip(self.rms_coefficients, self.net_range, strict=True):
            _check_rms(coefficients, low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrainBias:
    """How grain is shifted so that the positive keeps its mean light, at one pixel pitch.

    Parameters
    ----------
    coefficients : tuple of tuple of float
        For each layer, a polynomial in the square root of the net density, lowest order first:
        what is added to the noise, in units of the RMS density through the aperture.
    net_max : tuple of float
        For each layer, the greatest net density of the polynomial; beyond it, it keeps its value.
    density_range : tuple of (float, float)
        For each layer, the least and the greatest density that grain reaches: what the positive
        is balanced for.
    """

    coefficients: tuple[tuple[float, ...], ...]
    net_max: tuple[float, ...]
    density_range: tuple[tuple[float, float], ...]


def add_grain(density: Array, noise: Array, params: Grain, bias: GrainBias | None = None) -> Array:
    """Add a film stock's grain to a density.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of each layer.
    noise : array, shape (layers, rows, cols)
        The field of `grain_noise` there.
    params : Grain
        The film stock's granularity.
    bias : GrainBias, optional
        What keeps the positive's mean light; by default the mean density is kept.

    Returns
    -------
    array, shape (layers, rows, cols)
        Density with grain; namespace, dtype and device of `density`.

    Raises
    ------
    ValueError
        If `density` has not one layer for each of the stock's.

    Notes
    -----
    With the noise n and the stock's RMS density s, a polynomial in the root of the net density
    because the number of grains grows with the density, and its fluctuation with the root,

        D' = D + s(D) (n + b(D))

    b is the bias: light is no straight line of density, so that grain around the same mean
    density would be lighter in the shadows, the more the finer the pixels. A tile of a frame,
    made by itself, is the tile of the whole.
    """
    if density.shape[0] != len(params.size_um):
        raise ValueError(
            f"density must have {len(params.size_um)} layers, as the stock's grain has, "
            f"got shape {density.shape}"
        )
    if bias is None:
        fluctuation = rms_density(density, params)
        fluctuation *= noise
        fluctuation += density
        return fluctuation
    xp = array_namespace(density)
    reach = zip(*bias.density_range, strict=True)
    limits = per_layer([params.d_min, bias.net_max, *reach], density)
    root = xp.sqrt(clipped(density - limits[0, ...], 0.0, limits[1, ...]))
    biased = polynomial(root, bias.coefficients)
    biased += noise
    biased *= _rms_of_root(root, params)
    biased += density
    return clipped(biased, limits[2, ...], limits[3, ...])


def grain_noise(
    like: Array,
    params: Grain,
    *,
    rows: int,
    cols: int,
    pixel_pitch_um: float,
    seed: int,
    frame: int = 0,
    row_start: int = 0,
    col_start: int = 0,
) -> Array:
    """Make a field of grain whose RMS density through a 48 µm aperture is 1.

    Parameters
    ----------
    like : array
        Any array of the library, and on the device, where the noise is wanted.
    params : Grain
        The film stock's granularity: its sizes and the number of its layers are used.
    rows, cols : int
        Size of the field in pixels.
    pixel_pitch_um : float
        Width of one pixel on the film, in µm.
    seed : int
        Chooses the grain; its lowest 64 bits count.
    frame : int
        Number of the picture on its roll: each has its own grain.
    row_start, col_start : int
        Place of the first pixel within its frame, for a tile or a crop.

    Returns
    -------
    array, shape (layers, rows, cols)
        float32, normally distributed, of mean 0.

    Raises
    ------
    ValueError
        If the pixel pitch is not a positive number.

    Notes
    -----
    The noise is evaluated beyond the field's edges, never mirrored. Its hash is the same to the
    bit in every library; the field has passed through a logarithm and a cosine and agrees to a
    few units in the last place.

    Grain on the film is white noise of the spectral density S, shaped by a Gaussian of the
    standard deviation s = `size_um`. Through an aperture of the diameter d its variance is

        S / (pi d^2 / 4) (1 - exp(-z) (I0(z) + I1(z))),   z = d^2 / (8 s^2)

    and 1 here. A pixel holds the mean over its square, of the side p. So along each axis pixels
    that are k apart have the covariance

        c(k) = (A(k + 1) - 2 A(k) + A(k - 1)) / 2
        A(x) = x erf(x / (2 q)) + 2 q / sqrt(pi) exp(-x^2 / (4 q^2)),   q = s / p

    and white noise of the variance S / p^2, filtered on each axis by the transfer function
    sqrt(c^), has it exactly. The mean of 2 x 2 pixels is as a pixel of twice the pitch.
    """
    _check_length("pixel_pitch_um", pixel_pitch_um)
    row_range = range(row_start, row_start + rows)
    col_range = range(col_start, col_start + cols)
    planes = [
        _layer_noise(
            like,
            row_range,
            col_range,
            shaping_taps(size_um, pixel_pitch_um),
            noise_keys(seed, frame, layer),
        )
        for layer, size_um in enumerate(params.size_um)
    ]
    return array_namespace(like).stack(planes)


def rms_density(density: Array, params: Grain) -> Array:
    """Compute the RMS through the aperture at these densities.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of each layer.
    params : Grain
        The film stock's granularity.

    Returns
    -------
    array, shape (layers, rows, cols)
        A new array.
    """
    net = density - per_layer(params.d_min, density)
    return _rms_of_root(array_namespace(density).sqrt(clipped(net, 0.0)), params)


def _rms_of_root(root: Array, params: Grain) -> Array:
    """Compute the RMS through the aperture from the root of the net density."""
    low, high = zip(*params.net_range, strict=True)
    limits = per_layer([[math.sqrt(net) for net in end] for end in (low, high)], root)
    return polynomial(clipped(root, limits[0, ...], limits[1, ...]), params.rms_coefficients)


def _layer_noise(
    like: Array, rows: range, cols: range, taps: tuple[float, ...], keys: tuple[int, int]
) -> Array:
    """Shape the white noise of a window and its surroundings."""
    reach = len(taps) - 1
    white = _white_noise(
        like,
        range(rows.start - reach, rows.stop + reach),
        range(cols.start - reach, cols.stop + reach),
        keys,
    )
    if len(cols) < len(taps):  # fewer than surround them: they are thrown away first
        return _filter_rows(_filter_columns(white, taps), taps)
    return _filter_columns(_filter_rows(white, taps), taps)


def _white_noise(like: Array, rows: range, cols: range, keys: tuple[int, int]) -> Array:
    """Make independent normal numbers by Box and Muller's transform: one hash for two rows."""
    xp = array_namespace(like)
    pairs = range(rows.start // 2, (rows.stop + 1) // 2)
    bits = _hash(like, pairs, cols, keys)
    uniform = xp.astype(bits >> 16, xp.float32)
    uniform += 32768.5
    uniform *= 1.0 / 65536.0
    radius = xp.sqrt(-2.0 * xp.log(uniform))
    angle = xp.astype(bits & 0xFFFF, xp.float32)
    angle *= 2.0 * math.pi / 65536.0
    both = xp.stack([radius * xp.cos(angle), radius * xp.sin(angle)], axis=1)
    skipped = rows.start - 2 * pairs.start
    return xp.reshape(both, (2 * len(pairs), len(cols)))[skipped : skipped + len(rows), :]


def _hash(like: Array, rows: range, cols: range, keys: tuple[int, int]) -> Array:
    """Hash each row and column to 32 bits, as int32."""
    row_key, col_key = keys
    row_hash = _mix(_integers(like, rows) ^ _signed(row_key))
    col_hash = _mix(_integers(like, cols) ^ _signed(col_key))
    return _mix(row_hash[:, None] ^ col_hash[None, :])


def _integers(like: Array, values: range) -> Array:
    xp = array_namespace(like)
    return xp.arange(values.start, values.stop, dtype=xp.int32, device=device(like))


def _mix(x: Array) -> Array:
    """Permute the int32 numbers so that every bit depends on all: two xorshift-multiply rounds.

    Products wrap around. A right shift of int32 repeats the sign, so its copies are masked off.
    """
    first, second = NOISE_MULTIPLIERS
    x = x ^ ((x >> 16) & 0xFFFF)
    x *= _signed(first)
    x ^= (x >> 15) & 0x1FFFF
    x *= _signed(second)
    x ^= (x >> 16) & 0xFFFF
    return x


def noise_keys(seed: int, frame: int, layer: int) -> tuple[int, int]:
    """Make the keys of a layer's noise.

    Parameters
    ----------
    seed, frame : int
        As for `grain_noise`.
    layer : int
        From 0.

    Returns
    -------
    tuple of (int, int)
        Of 32 bits each: for the layer's rows, and for its frame's columns.
    """
    col_key = hashed(seed, seed >> 32, frame)
    return hashed(col_key, layer), col_key


def _signed(word: int) -> int:
    """Read a 32-bit word's bits as int32."""
    return word - 2**32 if word >= 2**31 else word


def _filter_rows(plane: Array, taps: tuple[float, ...]) -> Array:
    """Filter along rows by even taps, given from the centre outwards, where they fit."""
    reach = len(taps) - 1
    rows = plane.shape[0] - 2 * reach
    filtered = taps[0] * plane[reach : reach + rows, :]
    for distance in range(1, reach + 1):
        above, below = reach - distance, reach + distance
        pair = plane[above : above + rows, :] + plane[below : below + rows, :]
        pair *= taps[distance]
        filtered += pair
    return filtered


def _filter_columns(plane: Array, taps: tuple[float, ...]) -> Array:
    """Filter along columns as `_filter_rows` does along rows."""
    reach = len(taps) - 1
    cols = plane.shape[1] - 2 * reach
    filtered = taps[0] * plane[:, reach : reach + cols]
    for distance in range(1, reach + 1):
        left, right = reach - distance, reach + distance
        pair = plane[:, left : left + cols] + plane[:, right : right + cols]
        pair *= taps[distance]
        filtered += pair
    return filtered


@lru_cache(maxsize=64)
def shaping_taps(size_um: float, pixel_pitch_um: float) -> tuple[float, ...]:
    """Make one axis of the filter from white noise to grain.

    Parameters
    ----------
    size_um : float
        The layer's, of `Grain`.
    pixel_pitch_um : float
        Width of one pixel on the film, in µm.

    Returns
    -------
    tuple of float
        Taps from the centre outwards.
    """
    size_px = size_um / pixel_pitch_um
    reach = math.ceil(12.0 * size_px) + 16
    covariance = [_pixel_covariance(k, size_px) for k in range(reach + 1)]
    power = np.fft.rfft(covariance + covariance[-2:0:-1]).real
    taps = np.fft.irfft(np.sqrt(np.maximum(power, 0.0)))[: reach + 1]
    kept = int(np.flatnonzero(np.abs(taps) > TAP_TOLERANCE * taps[0])[-1]) + 1
    taps = taps[:kept]
    white_rms = math.sqrt(spectral_density_um2(size_um)) / pixel_pitch_um
    taps *= math.sqrt(white_rms) / (2.0 * taps.sum() - taps[0])
    return tuple(taps.tolist())


def noise_rms(size_um: float, pixel_pitch_um: float) -> float:
    """Give the RMS of a layer's noise from pixel to pixel; through the aperture it is 1.

    Parameters
    ----------
    size_um : float
        The layer's, of `Grain`.
    pixel_pitch_um : float
        Width of one pixel on the film, in µm.

    Returns
    -------
    float
        Standard deviation of `grain_noise` at this pitch.
    """
    first, *others = shaping_taps(size_um, pixel_pitch_um)
    return first**2 + 2.0 * sum(tap**2 for tap in others)  # of each axis the root, of both this


def _pixel_covariance(distance: int, size_px: float) -> float:
    """Compute c(k) of `grain_noise`; its sum over all distances is 1."""

    def antiderivative(x: float) -> float:
        spread = x / (2.0 * size_px)
        return x * math.erf(spread) + 2.0 * size_px / math.sqrt(math.pi) * math.exp(-(spread**2))

    outer, inner = antiderivative(distance + 1), antiderivative(distance - 1)
    return (outer - 2.0 * antiderivative(distance) + inner) / 2.0


def spectral_density_um2(size_um: float) -> float:
    """Compute the white noise that gives unit variance through the aperture of the data sheets.

    Parameters
    ----------
    size_um : float
        A layer's, of `Grain`.

    Returns
    -------
    float
        Variance times area, in µm²: S of `grain_noise`.
    """
    z = APERTURE_UM**2 / (8.0 * size_um**2)
    angle = (np.arange(4096) + 0.5) * (math.pi / 4096)
    # The mean over the angle is exp(-z) (I0(z) + I1(z)), by the integral that defines them.
    lost = float(np.mean(np.exp(-z * (1.0 - np.cos(angle))) * (1.0 + np.cos(angle))))
    return math.pi * APERTURE_UM**2 / 4.0 / (1.0 - lost)


def _check_length(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be a positive length in µm, got {value}")


def _check_rms(coefficients: tuple[float, ...], low: float, high: float) -> None:
    if not coefficients:
        raise ValueError("rms_coefficients must hold at least one coefficient per layer, got none")
    if not 0 <= low <= high:
        raise ValueError(f"net_range must go from low to high, from 0 up, got ({low}, {high})")
    root = np.sqrt(np.linspace(low, high, 257))
    least = float(np.polynomial.polynomial.polyval(root, coefficients).min())
    if not least >= 0:
        raise ValueError(
            f"rms_coefficients must not be negative between the net densities {low} and {high}, "
            f"got {least}"
        )

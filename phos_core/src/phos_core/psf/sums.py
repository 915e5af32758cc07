"""Sums of centred taps: at frequencies, in blocks, and over one another."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "Edges",
    "FloatArray",
    "block_edges",
    "centred_sums",
    "common_sign",
    "convolved_taps",
    "cosines",
    "even_sums",
    "phasors",
    "shifted_sums",
    "sum_centred",
    "sums_between",
]

FloatArray = npt.NDArray[np.float64]
Edges = npt.NDArray[np.int64]

MANY_TAPS = 256  # of a PSF that is wider than pictures usually are
MOST_COSINES = 2**21  # of a matrix that is made at once
GRID_DENSITY = 32  # frequencies up to the highest, for each tap, between which cubics do

# Blocks in which samples are added up to learn how much of them is negative.
PIXEL_BLOCKS = 512  # so far from the centre a block is one pixel
BLOCK_SHARE = 256  # beyond, its side is the distance from the centre over this


def cosines(f: npt.ArrayLike, radius: int) -> FloatArray:
    """Matrix that sums even taps, given from their centre outwards, at the frequencies."""
    angles = 2.0 * math.pi * np.outer(np.asarray(f, dtype=np.float64), np.arange(radius + 1))
    cosines: FloatArray = np.cos(angles)
    cosines[:, 1:] *= 2.0
    return cosines


def even_sums(f: npt.ArrayLike, taps: FloatArray) -> FloatArray:
    """Sum even taps, given from their centre outwards, at the frequencies, for each column.

    Notes
    -----
    At far more frequencies than there are taps the sum is computed at 64 for each tap by one fast
    transform, with its slope, and between them by cubics: to 3e-7 of what the farthest taps hold.
    """
    at, count = np.asarray(f, dtype=np.float64), len(taps)
    if count < MANY_TAPS or len(at) < GRID_DENSITY * count:
        parts = np.array_split(at, max(1, len(at) * count // MOST_COSINES))
        return np.concatenate([cosines(part, count - 1) @ taps for part in parts])
    length = 1 << (GRID_DENSITY * count).bit_length()
    weights = np.where(np.arange(count) == 0, 1.0, 2.0)[:, None] * taps
    turns = (2.0 * math.pi / length) * np.arange(count)[:, None]
    value = np.fft.rfft(weights, length, axis=0).real
    slope = np.fft.rfft(turns * weights, length, axis=0).imag
    place = np.abs(at - np.round(at)) * length
    left = np.minimum(place.astype(np.int64), length // 2 - 1)
    t = (place - left)[:, None]
    rise = value[left + 1] - value[left]
    steeper, bent = slope[left] - rise, rise - slope[left + 1]
    between = t * (1.0 - t) * (steeper * (1.0 - t) + bent * t)
    return np.asarray(value[left] + t * rise + between)


def phasors(f: npt.ArrayLike, radius: int) -> npt.NDArray[np.complex128]:
    """Matrix that sums centred taps at the frequencies."""
    positions = np.arange(-radius, radius + 1)
    angles = 2.0 * math.pi * np.outer(np.asarray(f, dtype=np.float64), positions)
    return np.asarray(np.exp(-1j * angles))


def sum_centred(terms: Sequence[tuple[float, FloatArray]], radius: tuple[int, int]) -> FloatArray:
    """Weighted sum of odd-sided arrays about their common centre."""
    ry, rx = radius
    total = np.zeros((2 * ry + 1, 2 * rx + 1))
    for weight, samples in terms:
        hy, hx = samples.shape[0] // 2, samples.shape[1] // 2
        total[ry - hy : ry + hy + 1, rx - hx : rx + hx + 1] += weight * samples
    return total


def common_sign(numbers: Iterable[float]) -> int:
    """1 if none is negative, -1 if none is positive, 0 if there are both."""
    signs = {math.copysign(1.0, number) for number in numbers if number}
    return int(signs.pop()) if len(signs) == 1 else 0


def block_edges(radius: int, *, half: bool) -> tuple[Edges, FloatArray]:
    """Edges of blocks that cover an axis or its half, and how many times each block counts."""
    outwards = list(range(min(PIXEL_BLOCKS, radius + 1) + 1))
    while outwards[-1] < radius + 1:
        step = max(outwards[-1] // BLOCK_SHARE, 1)
        outwards.append(min(outwards[-1] + step, radius + 1))
    edges = np.array(outwards)
    if half:
        return edges, np.array([1.0] + [2.0] * (len(edges) - 2))
    return np.concatenate((1 - edges[:0:-1], edges[1:])), np.ones(2 * len(edges) - 3)


def sums_between(values: FloatArray, edges: Edges) -> FloatArray:
    """Sums along the first axis between edges; beyond the ends is nothing."""
    held = np.clip(edges, 0, len(values))
    before = np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))
    return np.diff(before[held], axis=0)


def centred_sums(taps: FloatArray, edges: Edges) -> FloatArray:
    """Sums of centred taps between edges."""
    return sums_between(taps, edges + len(taps) // 2)


def shifted_sums(taps: FloatArray, edges: Edges, reach: int) -> FloatArray:
    """Sums of centred taps between edges, one column for each shift within a reach."""
    shifts = range(-reach, reach + 1)
    return np.stack([centred_sums(taps, edges - shift) for shift in shifts], axis=1)


def convolved_taps(one: FloatArray, other: FloatArray) -> FloatArray:
    """Convolve centred taps; long ones by a transform, which takes time in step with them."""
    if min(len(one), len(other)) <= PIXEL_BLOCKS:
        taps = np.convolve(one, other)
    else:
        length = len(one) + len(other) - 1
        taps = np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(other, length), length)
    taps.flags.writeable = False
    return taps

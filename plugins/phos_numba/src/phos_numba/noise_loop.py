"""The loop that makes grain, row by row; `noise` has its source compiled and kept."""

import numba
import numpy as np

from phos_core.backend import NOISE_MULTIPLIERS
from phos_numba.mathematics import FLAGS, cos_sin, inlined, log

__all__ = ["shaped_noise"]

CACHE: bool  # whoever runs the source sets it

F = np.float32
B = np.int32  # whose bits are worked on
U = np.uint32

FIRST, SECOND = (U(word) for word in NOISE_MULTIPLIERS)
SHIFT_16, SHIFT_15 = U(16), U(15)
COLUMNS = 512  # at a time: the rows that the filter needs then stay in the first-level cache
MIDDLE = F(32768.5)
STEP = F(1.0 / 65536.0)
MINUS_TWO = F(-2.0)
LOW_BITS = B(0xFFFF)
HIGH_BITS = B(16)


@inlined
def mixed(x):  # type: ignore[no-untyped-def]
    """Permute 32-bit numbers so that every bit depends on all."""
    x = U(x ^ (x >> SHIFT_16))
    x = U(x * FIRST)
    x = U(x ^ (x >> SHIFT_15))
    x = U(x * SECOND)
    return U(x ^ (x >> SHIFT_16))


@inlined
def white_pair(pair, row_key, col_hash, even, odd):  # type: ignore[no-untyped-def]
    """Two rows of independent normal numbers, by Box and Muller's transform."""
    row_hash = mixed(U(pair) ^ row_key)
    for j in range(len(col_hash)):
        bits = B(mixed(row_hash ^ col_hash[j]))
        uniform = (F(B(bits >> HIGH_BITS)) + MIDDLE) * STEP
        cosine, sine = cos_sin(F(B(bits & LOW_BITS)) * STEP)
        radius = np.sqrt(MINUS_TWO * log(uniform))
        even[j] = radius * cosine
        odd[j] = radius * sine


@inlined
def weigh(source, weight, total):  # type: ignore[no-untyped-def]
    """Set a row to a weighed one."""
    for j in range(len(total)):
        total[j] = weight * source[j]


@inlined
def add_weighed(one, other, weight, total):  # type: ignore[no-untyped-def]
    """Add the sum of two rows, weighed."""
    for j in range(len(total)):
        total[j] += weight * (one[j] + other[j])


@numba.njit(
    "void(float32[:, :], int64, int64, float32[::1], uint32, uint32)",
    cache=CACHE,  # noqa: F821 - the annotation above names it
    nogil=True,
    error_model="numpy",
    fastmath=FLAGS,
)
def shaped_noise(  # type: ignore[no-untyped-def]
    out, row_start, col_start, taps, row_key, col_key
):
    """Fill a plane with white noise that even taps have shaped.

    A ring of rows holds the white noise that the filter needs, made two rows at a time.
    """
    rows, cols = out.shape
    reach = len(taps) - 1
    held = 2 * reach + 2
    ring = np.empty((held, COLUMNS + 2 * reach), np.float32)
    filtered = np.empty(COLUMNS + 2 * reach, np.float32)
    shaped = np.empty(COLUMNS, np.float32)
    col_hash = np.empty(COLUMNS + 2 * reach, np.uint32)
    for first in range(0, cols, COLUMNS):
        n = min(COLUMNS, cols - first)
        width = n + 2 * reach
        for j in range(width):
            col_hash[j] = mixed(U(col_start + first + j - reach) ^ col_key)
        pair = (row_start - reach) // 2
        for i in range(rows):
            row = row_start + i
            while 2 * pair <= row + reach:
                even, odd = ring[(2 * pair) % held], ring[(2 * pair + 1) % held]
                white_pair(pair, row_key, col_hash[:width], even, odd)
                pair += 1
            across = filtered[:width]
            weigh(ring[row % held], taps[0], across)
            for distance in range(1, reach + 1):
                above, below = ring[(row - distance) % held], ring[(row + distance) % held]
                add_weighed(above, below, taps[distance], across)
            place = shaped[:n]
            weigh(across[reach:], taps[0], place)
            for distance in range(1, reach + 1):
                left, right = across[reach - distance :], across[reach + distance :]
                add_weighed(left, right, taps[distance], place)
            for j in range(n):
                out[i, first + j] = place[j]

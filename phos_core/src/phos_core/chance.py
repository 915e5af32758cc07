"""Chance that is the same everywhere: numbers that are hashes of counters, by plain integers."""

import math

__all__ = ["GOLDEN_RATIO", "NOISE_MULTIPLIERS", "WORD", "hashed", "normal", "uniform", "wander"]

WORD = 0xFFFFFFFF
GOLDEN_RATIO = 0x9E3779B9  # its fractional part in 32 bits: keeps an all-zero key from staying so
NOISE_MULTIPLIERS = (0x7FEB352D, 0x846CA68B)  # docs/sources.md: hash-prospector

WAVES = 4  # of the slow part
SHORTEST_FRAMES, LONGEST_FRAMES = 12.0, 150.0  # our choice: half a second to six at 24 frames


def hashed(*words: int) -> int:
    """Hash whole numbers to 32 bits, by two xorshift-multiply rounds for each.

    Parameters
    ----------
    *words : int
        Their lowest 32 bits count.

    Returns
    -------
    int
        From 0 to 2**32 - 1; every bit depends on all of them and on their order.
    """
    first, second = NOISE_MULTIPLIERS
    key = 0
    for word in words:
        key = ((key ^ (word & WORD)) + GOLDEN_RATIO) & WORD
        key ^= key >> 16
        key = (key * first) & WORD
        key ^= key >> 15
        key = (key * second) & WORD
        key ^= key >> 16
    return key


def uniform(*words: int) -> float:
    """Hash whole numbers to a number between 0 and 1, neither of which it is."""
    return (hashed(*words) + 0.5) / 2.0**32


def normal(*words: int) -> float:
    """Hash whole numbers to a number that is normally distributed, of mean 0 and variance 1."""
    radius = math.sqrt(-2.0 * math.log(uniform(*words, 0)))
    return radius * math.cos(2.0 * math.pi * uniform(*words, 1))


def wander(seed: int, stream: int, frame: int, *, own_share: float) -> float:
    """Give a frame's share in what wanders from frame to frame, of mean 0 and variance 1.

    Parameters
    ----------
    seed : int
        Its lowest 64 bits count.
    stream : int
        What it is: two of them have nothing to do with each other.
    frame : int
        Number of the frame; its lowest 32 bits count.
    own_share : float
        Share of the variance that each frame has for itself, 0 to 1; the rest is slow.

    Returns
    -------
    float
        The same for the same arguments, whichever frames came before.

    Notes
    -----
    With n a normal number of the frame's own and a the share of it,

        w(f) = sqrt(a) n(f) + sqrt(1 - a) sqrt(2 / K) sum sin(2 pi (f / p_k + u_k))

    The K = 4 periods p_k are hashed, one in each quarter, by its logarithm, of 12 to 150 frames.
    """
    words = (seed & WORD, seed >> 32, stream)
    place = ((frame + 2**31) & WORD) - 2**31
    slow = 0.0
    for wave in range(WAVES):
        along = (wave + uniform(*words, 1, wave)) / WAVES
        period = SHORTEST_FRAMES * (LONGEST_FRAMES / SHORTEST_FRAMES) ** along
        slow += math.sin(2.0 * math.pi * (place / period + uniform(*words, 2, wave)))
    own = normal(*words, 3, place)
    return math.sqrt(own_share) * own + math.sqrt((1.0 - own_share) * 2.0 / WAVES) * slow

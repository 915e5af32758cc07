"""Wear: dust and scratches on each piece of film that light goes through.

They lie at places on the film, in µm, that are hashes of seed and frame, and are drawn where a
window of a picture needs them: in any tile and crop they are the same.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array, array_namespace, clipped
from phos_core.chance import hashed, normal, uniform

__all__ = [
    "BLOCKED",
    "LARGEST_PITCH_UM",
    "OF_PRINT",
    "SCRAPED",
    "Mark",
    "dust_marks",
    "let_through",
    "scratch_marks",
    "worn",
]

BLOCKED, SCRAPED, OF_PRINT = 0, 1, 2
"""Planes of wear: light that marks on the film take, how deep its emulsion is scraped off, light
that marks on a print take."""

STREAM_DUST, STREAM_SCRATCHES = 4, 5
LARGEST_PITCH_UM = 500.0  # our choice: wider pixels show neither dust nor scratches
LEAST_SEEN = 0.004  # of the light: a mark that takes less is left out
REACH_SIGMAS = 3.5

# Dust. Diameters by the law of ISO 14644-1 (docs/sources.md, "wear"); the rest is our choice.
CELL_UM = 4_000.0  # a square of the film whose particles are hashed together
LEAST_UM, LARGEST_UM = 20.0, 200.0  # diameter of the particles
SIZE_EXPONENT = 2.08
FIBRE_SHARE = 0.08
FIBRE_LENGTH_UM = (150.0, 1_000.0)
FIBRE_WIDTH_UM = (8.0, 16.0)
FARTHEST_UM = 700.0  # from its centre, to which any particle reaches
# A particle lies on the emulsion, in focus, or on the base, 0.13 mm before or behind it.
BLUR_UM = (4.0, 10.0)
LEAST_OPAQUE, MOST_OPAQUE = 0.35, 0.95
RIM = 0.5  # of a particle's opacity is left at its edge: it is thinner there
# Of a crumb's radius, how far its outline goes out and in, so many times around it: with a sum
# below 0.7, which is what fits into the window that is drawn.
OUTLINE = ((2, 0.25), (3, 0.2), (5, 0.1), (9, 0.05))
PIXEL_BLUR = 0.4  # of the pitch: a pixel's own square, and the edge that it gives

# Scratches: all our choice.
LANE_UM = 1_000.0  # of the film's width, in which scratches are hashed together
SPAN_FRAMES = 48.0  # of its length
LIFE_FRAMES, LONGEST_LIVES = 48.0, 4  # mean length, and the longest as spans
BASE_SHARE = 0.6
BASE_BLUR_UM, EMULSION_BLUR_UM = 6.0, 4.0
# Shortest and longest of each wave of its depth, in frames, and how deep. Were short ones as deep
# as long ones, a scratch would look like a string of beads.
BREAKS = (
    (2.0, 12.0, 0.25),
    (0.4, 2.0, 0.25),
    (0.08, 0.4, 0.2),
    (0.02, 0.08, 0.14),
    (0.005, 0.02, 0.09),
    (0.002, 0.005, 0.05),
)
LARGEST_WANDER_UM = 150.0
FADE_FRAMES = 0.7


class Mark(NamedTuple):
    """What a particle or a scratch takes in a part of a picture.

    Parameters
    ----------
    plane : int
        `BLOCKED`, `SCRAPED` or `OF_PRINT`.
    row, col : int
        Where it begins, in the pixels of the frame.
    amount : ndarray of float32, shape (rows, cols)
        Share of the light; of `SCRAPED` that of the emulsion's depth, from above. 0 to 1.
    """

    plane: int
    row: int
    col: int
    amount: npt.NDArray[np.float32]


def worn(density: Array, wear: Array) -> Array:
    """Give the density of film with dust and scratches.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of each layer: of the red-, green- and blue-sensitive one, or of one.
    wear : array, shape (2 or 3, rows, cols)
        The planes `BLOCKED` and `SCRAPED`, and more.

    Returns
    -------
    array, shape (layers, rows, cols)
        Density.

    Notes
    -----
    With b the share of light that is blocked, s the share of the emulsion's depth that is scraped
    off from above, n the number of layers and k how many of them lie above this one (blue 0, green
    1, red 2),

        D' = D (1 - min(max(n s - k, 0), 1)) - log10(1 - b)
    """
    xp = array_namespace(density)
    layers = density.shape[0]
    blocked = -xp.log10(1.0 - wear[BLOCKED : BLOCKED + 1, ...])
    scraped = wear[SCRAPED : SCRAPED + 1, ...] * float(layers)
    left = [1.0 - clipped(scraped - float(layers - 1 - k), 0.0, 1.0) for k in range(layers)]
    return density * xp.concat(left) + blocked


def let_through(light: Array, wear: Array) -> Array:
    """Give the light of a print that is projected through its dust and scratches.

    Parameters
    ----------
    light : array, shape (channels, rows, cols)
        Light of the print.
    wear : array, shape (planes, rows, cols)
        The planes; without `OF_PRINT` there is no print that light goes through.

    Returns
    -------
    array, shape (channels, rows, cols)
        Light.
    """
    if wear.shape[0] <= OF_PRINT:
        return light
    return light * (1.0 - wear[OF_PRINT : OF_PRINT + 1, ...])


def dust_marks(
    per_cm2: float, *, plane: int, seed: int, frame: int, rows: range, cols: range, pitch_um: float
) -> Iterator[Mark]:
    """Find the dust of a window of a frame.

    Parameters
    ----------
    per_cm2 : float
        Particles on a square centimetre.
    plane : int
        `BLOCKED` or `OF_PRINT`: each piece of film has dust of its own.
    seed, frame : int
        Those of the grain.
    rows, cols : range
        Pixels of the frame.
    pitch_um : float
        Width of a pixel on the film, in µm.

    Yields
    ------
    Mark
        Those that touch the window.

    Notes
    -----
    The number in a square of 4 mm is Poisson's. So many are wider than d,

        N(d) ~ d^-2.08,   20 µm < d < 200 µm

    and 8 of 100 are fibres. What lies on the base, half of it, is out of focus.
    """
    if not per_cm2 or pitch_um > LARGEST_PITCH_UM:
        return
    mean = per_cm2 * (CELL_UM / 1e4) ** 2
    margin = FARTHEST_UM + REACH_SIGMAS * (BLUR_UM[1] + pitch_um)
    for cell_row in _cells(rows, pitch_um, margin, CELL_UM):
        for cell_col in _cells(cols, pitch_um, margin, CELL_UM):
            words = (seed, seed >> 32, STREAM_DUST, plane, frame, cell_row, cell_col)
            for number in range(_poisson(mean, uniform(*words))):
                y_um = (cell_row + uniform(*words, number, 0)) * CELL_UM
                x_um = (cell_col + uniform(*words, number, 1)) * CELL_UM
                key = hashed(*words, number, 2)
                yield from _particle(key, plane, y_um, x_um, rows, cols, pitch_um)


def _particle(
    key: int, plane: int, y_um: float, x_um: float, rows: range, cols: range, pitch_um: float
) -> Iterator[Mark]:
    """The mark of a particle, if it can be seen in the window."""
    is_fibre = uniform(key, 0) < FIBRE_SHARE
    sigma = math.hypot(BLUR_UM[uniform(key, 1) < 0.5], PIXEL_BLUR * pitch_um)
    opacity = MOST_OPAQUE - (MOST_OPAQUE - LEAST_OPAQUE) * uniform(key, 2) ** 1.5
    if is_fibre:
        half_length = 0.5 * _between(FIBRE_LENGTH_UM, uniform(key, 3))
        half_width = 0.5 * _between(FIBRE_WIDTH_UM, uniform(key, 4))
        reach, peak = 1.2 * half_length, math.erf(half_width / (math.sqrt(2.0) * sigma))
    else:
        tail = (LEAST_UM / LARGEST_UM) ** SIZE_EXPONENT
        share = tail + (1.0 - tail) * uniform(key, 3)
        radius = 0.5 * LEAST_UM * share ** (-1.0 / SIZE_EXPONENT)
        reach, peak = 1.7 * radius, 1.0 - math.exp(-0.5 * (radius / sigma) ** 2)
    if opacity * peak < LEAST_SEEN:
        return
    reach += REACH_SIGMAS * sigma
    window = _window(y_um, reach, rows, pitch_um), _window(x_um, reach, cols, pitch_um)
    if not all(window):
        return
    y, x = (
        (np.array(part) + 0.5) * pitch_um - middle
        for part, middle in zip(window, (y_um, x_um), strict=True)
    )
    if is_fibre:
        beyond = _beyond_fibre(key, y[:, None], x[None, :], half_length, half_width)
        inner = half_width
    else:
        beyond = _beyond_crumb(key, y[:, None], x[None, :], radius)
        inner = radius
    shape = np.minimum(_soft(beyond, sigma) / _soft(np.float64(-inner), sigma), 1.0)
    thickness = RIM + (1.0 - RIM) * np.clip(-beyond / (0.4 * inner), 0.0, 1.0)
    amount = opacity * peak * shape * (1.0 if is_fibre else thickness)
    yield Mark(plane, window[0].start, window[1].start, amount.astype(np.float32))


def _beyond_crumb(key: int, y: Any, x: Any, radius: float) -> npt.NDArray[np.float64]:
    """How far points lie beyond a crumb with corners and bays, in µm; inside less than 0."""
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for lobes, most in OUTLINE:
        turn = 2.0 * math.pi * uniform(key, 10, lobes)
        outline += most * uniform(key, 11, lobes) * np.cos(lobes * angle + turn)
    beyond: npt.NDArray[np.float64] = np.hypot(y, x) - radius * outline
    return beyond


def _beyond_fibre(
    key: int, y: Any, x: Any, half_length: float, half_width: float
) -> npt.NDArray[np.float64]:
    """How far points lie beyond a fibre that is bent twice, in µm; inside less than 0."""
    angle = math.pi * uniform(key, 10)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    place = np.clip(along / half_length, -1.0, 1.0)
    bow, wave = 0.3 * normal(key, 11), 0.15 * normal(key, 12)
    turn = 2.0 * math.pi * uniform(key, 13)
    middle = half_length * (
        np.clip(bow, -0.6, 0.6) * (place**2 - 0.4) + wave * np.sin(3.0 * place + turn)
    )
    slope = 2.0 * np.clip(bow, -0.6, 0.6) * place + 3.0 * wave * np.cos(3.0 * place + turn)
    # Its ends are cut across it: beyond them it is its tangent that points lie beside.
    off_line = across - middle - slope * (along - place * half_length)
    steep = np.sqrt(1.0 + slope**2)
    foot = along + off_line * slope / steep**2
    over = np.maximum(np.abs(foot) - half_length, 0.0) * steep
    off = np.hypot(off_line / steep, over)
    beyond: npt.NDArray[np.float64] = off - half_width
    return beyond


def scratch_marks(
    count: float,
    *,
    plane: int,
    seed: int,
    frame: int,
    across: range,
    along: range,
    pitch_um: float,
    frame_um: tuple[float, float],
    is_upright: bool,
) -> Iterator[Mark]:
    """Find the scratches that run through a window of a frame.

    Parameters
    ----------
    count : float
        Mean number in a frame.
    plane : int
        `BLOCKED`, of the film, some of whose scratches are in its emulsion; or `OF_PRINT`.
    seed, frame : int
        Those of the grain.
    across, along : range
        Pixels of the frame across the film and along it.
    pitch_um : float
        Width of a pixel on the film, in µm.
    frame_um : tuple of (float, float)
        The frame's length across the film and along it, in µm.
    is_upright : bool
        Whether the film runs along the picture's rows, so that a scratch stands upright in it.

    Yields
    ------
    Mark
        Those that touch the window.

    Notes
    -----
    A scratch is a line along the film, from frame to frame: it begins somewhere, wanders slowly by
    up to 0.15 mm, is broken where it is shallow, and ends after two seconds on average. On the
    base it throws a shadow; in the emulsion it takes layers off from above.
    """
    if not count or pitch_um > LARGEST_PITCH_UM:
        return
    width_um, length_um = frame_um
    place = ((frame + 2**31) & 0xFFFFFFFF) - 2**31
    begin_um = place * length_um + along.start * pitch_um
    end_um = place * length_um + along.stop * pitch_um
    span_um, life_um = SPAN_FRAMES * length_um, LIFE_FRAMES * length_um
    mean = count * (LANE_UM / width_um) * (span_um / life_um)
    first = math.floor(begin_um / span_um) - LONGEST_LIVES
    for lane in _cells(across, pitch_um, LARGEST_WANDER_UM + 20.0, LANE_UM):
        for span in range(first, math.floor(end_um / span_um) + 1):
            words = (seed, seed >> 32, STREAM_SCRATCHES, plane, lane, span)
            for number in range(_poisson(mean, uniform(*words))):
                key = hashed(*words, number)
                start_um = (span + uniform(key, 0)) * span_um
                life = min(-math.log(uniform(key, 1)) * life_um, LONGEST_LIVES * span_um)
                if start_um > end_um or start_um + life < begin_um:
                    continue
                rows_um = place * length_um + (np.array(along) + 0.5) * pitch_um
                faded = np.minimum(rows_um - start_um, start_um + life - rows_um)
                depth = np.clip(faded / (FADE_FRAMES * length_um), 0.0, 1.0)
                depth *= _broken(key, rows_um / length_um)
                middle_um = _wander_um(key, rows_um / length_um)
                middle_um += (lane + uniform(key, 2)) * LANE_UM
                mark = _line(key, plane, middle_um, depth, across, pitch_um)
                if mark is not None:
                    plane_of, col, amount = mark
                    yield (
                        Mark(plane_of, along.start, col, amount)
                        if is_upright
                        else Mark(plane_of, col, along.start, np.ascontiguousarray(amount.T))
                    )


def _wander_um(key: int, frames: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far a scratch lies from its middle at places along the film."""
    total = np.zeros_like(frames)
    for wave, (shortest, longest, most_um) in enumerate(((6, 40, 90.0), (1, 5, 15.0), (0.1, 1, 2))):
        period = _between((shortest, longest), uniform(key, 20, wave))
        turn = 2.0 * math.pi * uniform(key, 21, wave)
        total += most_um * uniform(key, 22, wave) * np.sin(2.0 * math.pi * frames / period + turn)
    return total


def _broken(key: int, frames: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How deep a scratch is at places along the film, 0 to 1."""
    depth = np.full_like(frames, 0.3 + 0.4 * uniform(key, 30))
    for wave, (shortest, longest, most) in enumerate(BREAKS):
        period = _between((shortest, longest), uniform(key, 31, wave))
        turn = 2.0 * math.pi * uniform(key, 32, wave)
        depth += most * np.sin(2.0 * math.pi * frames / period + turn)
    return np.clip(depth, 0.0, 1.0)


def _line(
    key: int,
    plane: int,
    middle_um: npt.NDArray[np.float64],
    depth: npt.NDArray[np.float64],
    across: range,
    pitch_um: float,
) -> tuple[int, int, npt.NDArray[np.float32]] | None:
    """The plane, the first column and the amounts of a scratch; None if it is not in the window."""
    is_of_base = plane == OF_PRINT or uniform(key, 40) < BASE_SHARE
    blur_um = BASE_BLUR_UM if is_of_base else EMULSION_BLUR_UM
    half_width = 0.5 * _between((3.0, 9.0) if is_of_base else (3.0, 14.0), uniform(key, 41))
    share = uniform(key, 42)  # shallow scratches are frequent, deep ones rare
    most = 0.1 + 0.35 * share**2 if is_of_base else min(0.12 - 0.2 * math.log(share), 1.0)
    sigma = math.hypot(blur_um, PIXEL_BLUR * pitch_um)
    peak = math.erf(half_width / (math.sqrt(2.0) * sigma))
    reach = half_width + REACH_SIGMAS * sigma
    cols = range(
        max(across.start, math.floor((middle_um.min() - reach) / pitch_um)),
        min(across.stop, math.ceil((middle_um.max() + reach) / pitch_um)),
    )
    if not cols or most * peak < LEAST_SEEN:
        return None
    x = (np.array(cols) + 0.5) * pitch_um
    beyond = np.abs(x[None, :] - middle_um[:, None]) - half_width
    shape = np.minimum(_soft(beyond, sigma) / _soft(np.float64(-half_width), sigma), 1.0)
    shape *= beyond < REACH_SIGMAS * sigma  # however far other rows of the window lead it
    amount = most * peak * shape * depth[:, None]
    return (plane if is_of_base else SCRAPED), cols.start, amount.astype(np.float32)


def _soft(beyond_um: Any, sigma: float) -> Any:
    """A step that is blurred by nearly a Gaussian of this standard deviation."""
    return 1.0 / (1.0 + np.exp(np.clip(beyond_um / (0.588 * sigma), -60.0, 60.0)))


def _cells(pixels: range, pitch_um: float, margin_um: float, cell_um: float) -> range:
    """Cells of the film from which something may reach into these pixels."""
    first = math.floor((pixels.start * pitch_um - margin_um) / cell_um)
    return range(first, math.floor((pixels.stop * pitch_um + margin_um) / cell_um) + 1)


def _window(middle_um: float, reach_um: float, pixels: range, pitch_um: float) -> range:
    """Those of the pixels that lie within a reach."""
    start = max(pixels.start, math.floor((middle_um - reach_um) / pitch_um))
    return range(start, min(pixels.stop, math.ceil((middle_um + reach_um) / pitch_um)))


def _between(ends: tuple[float, float], share: float) -> float:
    """A length between two, evenly by its logarithm."""
    low, high = ends
    return low * math.exp(share * math.log(high / low))


def _poisson(mean: float, share: float) -> int:
    """The number of which a share of Poisson's distribution lies below."""
    number, term = 0, math.exp(-mean)
    below = term
    while below < share and term > 0.0:
        number += 1
        term *= mean / number
        below += term
    return number

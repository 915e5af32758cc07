"""A colour space taken apart into a curve and a matrix, by trying what it makes of numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.process import CodeCurve, CurveAndMatrix

__all__ = ["divided"]

SAMPLES = 2**16  # as many for all, so that backends compile once for all
# From the lowest number so many samples to a code of 1: of logarithms to 1.75, where light is 1e5
# and no film tells more from less, and of other curves to 15. What lies beyond goes straight on.
OF_LOGARITHMS = (-0.25, 2**15)
OF_POWERS = (-1.0, 2**12)
STEEP = 1e3  # light at 3 of a logarithm at least: other curves are far below
COLOURS = 4096  # tried
CODE_SHARE = 1.0 / 20.0  # of a step of 16 bits: what a light may be off by
LIGHT_SHARE = 1e-5  # of the light, as well
DARKEST = 1e-7  # and as well: 20 stops under a mid-grey
LESS_THAN_NOTHING = 5e-4  # the same where a channel has negative light, which exposes no layer

ToLight = Callable[[NDArray[Any]], NDArray[np.float32]]


def divided(to_light: ToLight) -> CurveAndMatrix | None:
    """Take a colour space apart.

    Parameters
    ----------
    to_light : callable
        Takes floats of the space, shape (rows, cols, 3), and gives linear sRGB.

    Returns
    -------
    CurveAndMatrix or None
        None unless it makes of colours what the space does, to 1e-5 of the light or a twentieth
        of a step of 16-bit codes.

    Notes
    -----
    Equal numbers in all channels give the curve. What each channel gives alone, above black, is a
    column of the matrix times what the curve rises from 0 to 1.
    """
    numbers = _numbers(to_light)
    light = _of_rows(to_light, np.repeat(numbers[:, np.newaxis], 3, axis=1)).mean(axis=1)
    ends = _of_rows(to_light, np.vstack([np.zeros(3), np.ones(3), np.eye(3)]))
    black, white, columns = ends[0], ends[1], ends[2:]
    rise = float((white - black).mean())
    if not (np.isfinite(light).all() and np.isfinite(ends).all() and rise > 0.0):
        return None
    matrix = (columns - black).T / rise
    curve = CodeCurve(samples=light, low=float(numbers[0]), high=float(numbers[-1]))
    found = CurveAndMatrix(curve=curve, matrix=matrix)
    if np.allclose(light, numbers * light[_at(numbers, 1.0)], rtol=1e-6, atol=1e-6):
        found = CurveAndMatrix(curve=None, matrix=matrix * rise)
    return found if _is_same(found, numbers, to_light) else None


def _numbers(to_light: ToLight) -> NDArray[np.float32]:
    """The numbers at which the curve is sampled: no rounding parts them from their places."""
    steep = _of_rows(to_light, np.full((1, 3), 3.0)).max()
    low, per_code = OF_LOGARITHMS if steep > STEEP else OF_POWERS
    return (low + np.arange(SAMPLES) / per_code).astype(np.float32)


def _is_same(found: CurveAndMatrix, numbers: NDArray[np.float32], to_light: ToLight) -> bool:
    """Whether a curve and a matrix make of colours what a space does."""
    rng = np.random.default_rng(0)
    within = rng.random((COLOURS, 3))
    beyond = rng.uniform(numbers[0], numbers[-1], (COLOURS // 4, 3))
    dark = rng.random((COLOURS // 4, 3)) ** 4
    colours = np.vstack([within, beyond, dark]).astype(np.float32)
    wanted = _of_rows(to_light, colours)
    matrix = np.array(found.matrix)
    decoded, slope = colours.astype(np.float64), np.ones(colours.shape)
    if found.curve is not None:
        samples = found.curve.samples.astype(np.float64)
        decoded = np.interp(colours, numbers, samples)
        slope = np.interp(colours, numbers, np.abs(np.gradient(samples, numbers)))
    step = (slope @ np.abs(matrix).T).max(axis=1) / 65535.0
    room = np.maximum(CODE_SHARE * step, LIGHT_SHARE * np.abs(wanted).max(axis=1))
    least = np.where(decoded.min(axis=1) < 0.0, LESS_THAN_NOTHING, DARKEST)
    off = np.abs(decoded @ matrix.T - wanted).max(axis=1)
    return bool((off <= np.maximum(room, least)).all())


def _of_rows(to_light: ToLight, colours: NDArray[Any]) -> NDArray[np.float64]:
    """The light of colours, shape (n, 3)."""
    side = len(colours) // 256 if len(colours) % 256 == 0 else 1
    picture = colours.astype(np.float32).reshape(side, -1, 3)
    return to_light(picture).reshape(-1, 3).astype(np.float64)


def _at(numbers: NDArray[np.float32], value: float) -> int:
    return int(np.searchsorted(numbers, value))

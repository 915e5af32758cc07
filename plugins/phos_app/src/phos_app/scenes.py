"""Scenes: a picture's light at fewer pixels, for a preview that follows the hand."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import usable_cores
from phos_core.color import encode_codes
from phos_core.process import Recipe
from phos_darkroom import Picture, on_screen

__all__ = ["Box", "Codes", "Scene", "as_shown", "fitted", "scene_of", "screen_of"]

STRIP_PIXELS = 150_000  # decoded at a time, by each core

Codes = NDArray[np.uint8]
Size = tuple[int, int]
Box = tuple[float, float, float, float]
"""Top, left, bottom and right of a part of a picture, in its pixels and parts of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A picture's light at fewer pixels.

    Parameters
    ----------
    light : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
        Linear light, each pixel the mean of those that it stands for.
    encoding : "display" or "linear"
        As in `Recipe`.
    primaries : str
        As in `Recipe`.
    """

    light: NDArray[np.float32]
    encoding: Literal["display", "linear"]
    primaries: str

    def taken_by(self, recipe: Recipe) -> Recipe:
        """Give a recipe that takes this light as what it is, all else as it was."""
        return replace(
            recipe, encoding=self.encoding, primaries=self.primaries, output_space="srgb"
        )


def fitted(shape: Size, box: Size) -> Size:
    """Give the rows and columns that a picture has in a box; never more than its own.

    Parameters
    ----------
    shape, box : tuple of (int, int)
        Rows and columns of the picture, and of the box.

    Returns
    -------
    tuple of (int, int)
        Of the same ratio, as nearly as whole pixels have it.
    """
    scale = min(1.0, *(room / size for room, size in zip(box, shape, strict=True)))
    rows, cols = (max(1, round(size * scale)) for size in shape)
    return rows, cols


def scene_of(picture: Picture, size: Size, part: Box | None = None) -> Scene:
    """Make a picture smaller, in light and not in codes.

    Parameters
    ----------
    picture : Picture
        What was read.
    size : tuple of (int, int)
        Rows and columns to leave; at most those of the part.
    part : tuple of four float, optional
        Which part of the picture; by default all of it.

    Returns
    -------
    Scene
        Its light. The film's frame stays as large, so that each pixel covers more of the film, and
        grain and halation keep their size in the picture.
    """
    if picture.knows_beyond_white:
        light = _averaged(picture, size, part, Picture.scene_light)
        return Scene(light=light, encoding="linear", primaries="srgb")
    return screen_of(picture, size, part)


def screen_of(picture: Picture, size: Size, part: Box | None = None) -> Scene:
    """Make a picture smaller as `scene_of` does, but an HDR picture as a screen shows it."""
    return Scene(
        light=_averaged(picture, size, part, Picture.light),
        encoding="linear" if picture.encoding == "linear" else "display",
        primaries=picture.light_primaries,
    )


def as_shown(picture: Picture | Scene) -> Codes:
    """Give what a screen shows of a picture or a scene that is not developed: sRGB codes.

    Parameters
    ----------
    picture : Picture or Scene
        What to show; light beyond the screen's is cut.

    Returns
    -------
    ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        sRGB codes.
    """
    if isinstance(picture, Scene):
        light = on_screen(picture.light, picture.primaries)
    elif picture.encoding == "srgb" and picture.pixels.dtype == np.uint8:
        return picture.pixels
    else:
        light = on_screen(picture.light(), picture.light_primaries)
    codes: Codes = encode_codes(light, np.uint8)
    return codes


def _averaged(
    picture: Picture,
    size: Size,
    part: Box | None,
    light_of: Callable[[Picture], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """The mean light of a part over pixels of another size; parts of pixels count for theirs."""
    rows, cols = picture.pixels.shape[:2]
    top, left, bottom, right = part or (0.0, 0.0, float(rows), float(cols))
    bottom, right = min(bottom, rows), min(right, cols)
    first = math.floor(left)
    wide = slice(first, math.ceil(right))
    edges = np.linspace(top, bottom, size[0] + 1)
    # So few rows at a time that their light stays in the processor's cache.
    step = max(1, round(STRIP_PIXELS / (wide.stop - first) * size[0] / (bottom - top)))

    def strip(start: int) -> NDArray[np.float32]:
        low, high = float(edges[start]), float(edges[min(start + step, size[0])])
        high_rows = slice(math.floor(low), math.ceil(high))
        light = light_of(picture.part((high_rows, wide)))
        span = (low - high_rows.start, high - high_rows.start)
        lower = _means(light, min(start + step, size[0]) - start, span)
        return _means(lower.swapaxes(0, 1), size[1], (left - first, right - first)).swapaxes(0, 1)

    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="phos-app") as threads:
        return np.concatenate(list(threads.map(strip, range(0, size[0], step))))


def _means(
    light: NDArray[np.float32], count: int, span: tuple[float, float]
) -> NDArray[np.float32]:
    """The means over so many equal parts of a span of rows."""
    if (count, span) == (len(light), (0.0, float(len(light)))):
        return light
    edges = np.linspace(*span, count + 1)
    begins = np.minimum(edges.astype(np.intp), len(light) - 1)
    shares = (edges - begins).astype(np.float32).reshape(-1, *[1] * (light.ndim - 1))
    # Of whole rows from edge to edge, less what lies before the first, with what is of the last.
    sums: NDArray[np.float32] = np.add.reduceat(light, begins, axis=0)[:-1]
    sums[begins[:-1] == begins[1:]] = 0.0  # NumPy's sum of nothing is one row
    at_edges = light[begins] * shares
    sums += at_edges[1:] - at_edges[:-1]
    sums *= np.float32(count / (span[1] - span[0]))
    return sums

"""Scenes: a picture's light at fewer pixels, for a preview that follows the hand."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_codes
from phos_core.process import Recipe
from phos_darkroom import Picture, on_screen

__all__ = ["Box", "Codes", "Scene", "as_shown", "fitted", "scene_of", "screen_of"]

STRIP_PIXELS = 4_000_000  # decoded at a time

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
    shape = picture.pixels.shape[:2]
    top, left, bottom, right = part or (0.0, 0.0, float(shape[0]), float(shape[1]))
    rows = slice(math.floor(top), min(math.ceil(bottom - 1e-6), shape[0]))
    cols = slice(math.floor(left), min(math.ceil(right - 1e-6), shape[1]))
    cut = picture.part((rows, cols))
    factor = max(1, min(int(bottom - top) // size[0], int(right - left) // size[1]))
    # Blocks first, in strips, so that a large picture is never there in floats as a whole.
    coarse = _coarse(cut, factor, light_of)
    box = (top - rows.start, left - cols.start, bottom - rows.start, right - cols.start)
    return _resized(coarse, size, tuple(side / factor for side in box))


def _coarse(
    picture: Picture, factor: int, light_of: Callable[[Picture], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The mean light of square blocks; at the ends of what there is of them."""
    rows, cols = picture.pixels.shape[:2]
    step = max(1, STRIP_PIXELS // (cols * factor)) * factor
    strips = [
        _blocks(light_of(picture.part(slice(start, start + step))), factor)
        for start in range(0, rows, step)
    ]
    return strips[0] if len(strips) == 1 else np.concatenate(strips)


def _blocks(light: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return light
    summed: NDArray[Any] = light
    for axis in (0, 1):
        starts = np.arange(0, light.shape[axis], factor)
        counts = np.diff(np.append(starts, light.shape[axis])).astype(np.float32)
        shape = [1] * light.ndim
        shape[axis] = -1
        summed = np.add.reduceat(summed, starts, axis=axis) / counts.reshape(shape)
    return summed


def _resized(light: NDArray[np.float32], size: Size, box: tuple[float, ...]) -> NDArray[np.float32]:
    """The means over pixels of another size, of a part."""
    from PIL import Image

    rows, cols = light.shape[:2]
    top, left, bottom, right = box[0], box[1], min(box[2], rows), min(box[3], cols)
    if (top, left, bottom, right) == (0.0, 0.0, rows, cols) and size == (rows, cols):
        return light
    averaged = [
        np.asarray(
            Image.fromarray(layer).resize(
                size[::-1], Image.Resampling.BOX, box=(left, top, right, bottom)
            )
        )
        for layer in map(np.ascontiguousarray, np.moveaxis(np.atleast_3d(light), -1, 0))
    ]
    return np.stack(averaged, axis=-1) if light.ndim == 3 else averaged[0]

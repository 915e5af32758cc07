"""Scenes: a picture's light at fewer pixels, for a preview that follows the hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_codes
from phos_core.process import Recipe
from phos_darkroom import Picture, on_screen

__all__ = ["Scene", "as_shown", "fitted", "scene_of", "screen_of", "smaller"]

STRIP_PIXELS = 4_000_000  # decoded at a time

Codes = NDArray[np.uint8]


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


def fitted(shape: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
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


def scene_of(picture: Picture, size: tuple[int, int]) -> Scene:
    """Make a picture smaller, in light and not in codes.

    Parameters
    ----------
    picture : Picture
        What was read.
    size : tuple of (int, int)
        Rows and columns to leave; at most the picture's.

    Returns
    -------
    Scene
        Its light. The film's frame stays as large, so that each pixel covers more of the film, and
        grain and halation keep their size in the picture.
    """
    if picture.knows_beyond_white:
        light = _coarse(picture, size, Picture.scene_light)
        return smaller(Scene(light=light, encoding="linear", primaries="srgb"), size)
    return screen_of(picture, size)


def screen_of(picture: Picture, size: tuple[int, int]) -> Scene:
    """Make a picture smaller as `scene_of` does, but an HDR picture as a screen shows it."""
    coarse = Scene(
        light=_coarse(picture, size, Picture.light),
        encoding="linear" if picture.encoding == "linear" else "display",
        primaries=picture.light_primaries,
    )
    return smaller(coarse, size)


def _coarse(
    picture: Picture, size: tuple[int, int], light_of: Callable[[Picture], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The light of a picture, averaged over blocks as long as more than enough pixels are left."""
    rows, cols = picture.pixels.shape[:2]
    whole_factor = max(1, min(rows // size[0], cols // size[1]))
    # Strips of whole blocks, so that a large picture is never there in floats as a whole.
    step = max(1, STRIP_PIXELS // (cols * whole_factor)) * whole_factor
    strips = [
        _blocks(light_of(picture.part(slice(start, start + step))), whole_factor)
        for start in range(0, rows, step)
    ]
    return np.concatenate(strips)


def smaller(scene: Scene, size: tuple[int, int]) -> Scene:
    """Give a scene of so many rows and columns, each pixel the mean of those it stands for."""
    if scene.light.shape[:2] == size:
        return scene
    return replace(scene, light=_averaged(scene.light, size))


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


def _blocks(light: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The means of square blocks; at the ends of what there is of them."""
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


def _averaged(light: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The means over pixels of another size; parts of pixels count for their part."""
    from PIL import Image

    layers = np.moveaxis(np.atleast_3d(light), -1, 0)
    averaged = [
        np.asarray(Image.fromarray(layer).resize(size[::-1], Image.Resampling.BOX))
        for layer in (np.ascontiguousarray(layer) for layer in layers)
    ]
    return np.stack(averaged, axis=-1) if light.ndim == 3 else averaged[0]

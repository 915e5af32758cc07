"""A picture's own colour space: found by its name, and its numbers converted to linear light.

The core knows no space by name: plug-ins bring functions that find them, by the hook
`phos_colour_spaces`, and they are asked when a name is given.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array, is_torch_array, to_device
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, computable, device
from phos_core.color import luminance
from phos_core.convolution.choosing import registry
from phos_core.convolution.choosing.known_plugins import SPACE_FINDER, SPACES_HINT
from phos_core.convolution.hooks import ColourSpace
from phos_core.errors import SpaceError, UnknownSpaceError
from phos_core.process.recipe import Encoding, InputSpace, Recipe

__all__ = ["as_light", "check_space", "codes_as_light", "find_space", "of_light"]


def find_space(name: str) -> ColourSpace:
    """Find a colour space by its name.

    Parameters
    ----------
    name : str
        As people write it: "S-Log3 S-Gamut3.Cine", "ACEScg".

    Returns
    -------
    ColourSpace
        The space, by the first plug-in that knows it.

    Raises
    ------
    SpaceError
        If no plug-in that finds colour spaces is installed, or what it needs is missing.
    UnknownSpaceError
        If none knows the name.
    """
    unknown: UnknownSpaceError | None = None
    for find in registry.space_finders():
        try:
            return find(name)
        except UnknownSpaceError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
    raise SpaceError(f"the colour space {name!r} cannot be looked up: {_why_none()}")


def check_space(space: InputSpace) -> None:
    """Raise as `find_space` does unless an input space is none, known or a function."""
    if isinstance(space, str) and space:
        find_space(space)


def of_light(recipe: Recipe) -> Recipe:
    """Give a recipe whose input space, if it has one, is the function that gives its light.

    Parameters
    ----------
    recipe : Recipe
        The settings, as they were asked for.

    Returns
    -------
    Recipe
        Its encoding is that of the light: "linear" of a scene, "display" of a display.

    Raises
    ------
    SpaceError, UnknownSpaceError
        As `find_space` raises.
    """
    if isinstance(recipe.input_space, str):
        if not recipe.input_space:
            return recipe
        space = find_space(recipe.input_space)
        encoding: Encoding = "linear" if space.is_scene else "display"
        return replace(recipe, input_space=space.to_light, encoding=encoding)
    return replace(recipe, encoding="linear") if recipe.encoding == "srgb" else recipe


def as_light(planes: Array, space: InputSpace) -> Array:
    """Convert a picture's numbers to linear light, on the host.

    Parameters
    ----------
    planes : array, shape (channels, rows, cols)
        Of any library; one channel or three.
    space : str or callable
        What converts them; a name leaves them as they are.

    Returns
    -------
    array of float32, shape (channels, rows, cols)
        Linear sRGB light, on the device of `planes`; of one channel, its luminance.

    Raises
    ------
    TypeError, ValueError
        If the function gives anything else.
    """
    if isinstance(space, str):
        return planes
    picture = np.moveaxis(_on_host(planes), 0, -1)
    rows, cols, channels = picture.shape
    given = picture if channels == 3 else np.repeat(picture, 3, axis=-1)
    light = np.moveaxis(_checked(space(given), (rows, cols, 3)), -1, 0)
    light = light if channels == 3 else luminance(light)
    if isinstance(planes, np.ndarray):
        return light
    return array_namespace(planes).asarray(light, device=device(planes))


def codes_as_light(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Take numbers as light, of integers the largest as 1: the plainest of input spaces."""
    if pixels.dtype.kind == "u":
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return pixels.astype(np.float32)


def _on_host(planes: Array) -> NDArray[Any]:
    if isinstance(planes, np.ndarray):
        return planes
    planes = computable(planes)
    if is_torch_array(planes) or is_cupy_array(planes):  # which NumPy is not given of a device
        planes = to_device(planes, "cpu")
    return np.asarray(planes)


def _checked(light: Any, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """What an input space gave, if it is light."""
    if not isinstance(light, np.ndarray) or light.dtype.kind != "f":
        came = light.dtype if isinstance(light, np.ndarray) else type(light).__name__
        raise TypeError(f"input_space must give a NumPy array of floats, got {came}")
    if light.shape != shape:
        raise ValueError(f"input_space must give light of shape {shape}, got {light.shape}")
    if light.size and np.isnan(light.min()):
        raise ValueError("input_space must give numbers, got NaN")
    return light.astype(np.float32, copy=False)


def _why_none() -> str:
    """Why no plug-in finds colour spaces."""
    for plug_in in registry.plug_ins():
        if plug_in.distribution == SPACE_FINDER and plug_in.status != "ok":
            return f"{SPACE_FINDER} is {plug_in.status}: {plug_in.reason}"
    return f"{SPACE_FINDER} is not installed; {SPACES_HINT}"

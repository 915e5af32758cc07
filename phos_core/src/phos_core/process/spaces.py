"""A picture's own colour space: found by its name, and its numbers converted to linear light.

The core knows some by itself, see `coding.INPUT_SPACES`. For others plug-ins bring functions that
find them, by the hook `phos_colour_spaces`, and they are asked when a name is given.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array, is_torch_array, to_device
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, computable, device
from phos_core.color import luminance
from phos_core.convolution.choosing import registry
from phos_core.convolution.choosing.known_plugins import SPACE_FINDER, SPACES_HINT
from phos_core.convolution.hooks import ColourSpace
from phos_core.errors import SpaceError, UnknownSpaceError, nearest
from phos_core.process.coding import ALSO, INPUT_SPACES, Coding, own_name
from phos_core.process.decoding import linear_colours
from phos_core.process.recipe import InputSpace, Recipe

__all__ = [
    "OwnSpace",
    "as_light",
    "check_space",
    "codes_as_light",
    "find_space",
    "of_light",
    "own_spaces",
]

MOST_NEAR = 4  # names in an error


@dataclass(frozen=True, slots=True)
class OwnSpace:
    """A colour space that the core knows by itself.

    Parameters
    ----------
    name : str
        A key of `INPUT_SPACES`.
    """

    name: str

    @property
    def coding(self) -> Coding:
        """What its numbers are."""
        return INPUT_SPACES[self.name]

    @property
    def light(self) -> str:
        """Whose light it is: "scene", "display", or "hdr", an HDR display's."""
        return self.coding.light

    @property
    def family(self) -> str:
        """What it is listed under."""
        return "phos"

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that it has."""
        return tuple(alias for alias, name in ALSO.items() if name == self.name)

    @property
    def is_scene(self) -> bool:
        """Whether its light is a scene's; else it is a display's."""
        return self.coding.light == "scene"

    @property
    def is_hdr(self) -> bool:
        """Whether its light is an HDR display's, in which 1 is diffuse white."""
        return self.coding.light == "hdr"

    def to_light(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Convert numbers of the space, shape (rows, cols, 3), to linear sRGB light."""
        planes = np.moveaxis(computable(pixels), -1, 0)
        light: NDArray[np.float32] = np.moveaxis(linear_colours(planes, self.coding), 0, -1)
        return light.astype(np.float32, copy=False)


def own_spaces() -> list[OwnSpace]:
    """Give the colour spaces that the core knows by itself."""
    return [OwnSpace(name) for name in INPUT_SPACES]


def find_space(name: str) -> ColourSpace:
    """Find a colour space by its name.

    Parameters
    ----------
    name : str
        As people write it: "rec709", "S-Log3 S-Gamut3.Cine", "ACEScg".

    Returns
    -------
    ColourSpace
        The space: the core's own, or by the first plug-in that knows it.

    Raises
    ------
    SpaceError
        If no plug-in that finds colour spaces is installed, or what it needs is missing.
    UnknownSpaceError
        If none knows the name.
    """
    own = own_name(name)
    return OwnSpace(own) if own else _brought(name)


def _brought(name: str) -> ColourSpace:
    """The space by the first plug-in that knows it."""
    unknown: UnknownSpaceError | None = None
    for find in registry.space_finders():
        try:
            return find(name)
        except UnknownSpaceError as error:
            unknown = unknown or error
    if unknown is not None:
        raise _with_own(unknown)
    own = ", ".join(nearest(name, INPUT_SPACES) or INPUT_SPACES)
    raise SpaceError(
        f"the colour space {name!r} is not one that phos knows by itself ({own}), and others "
        f"cannot be looked up: {_why_none()}"
    )


def _with_own(unknown: UnknownSpaceError) -> UnknownSpaceError:
    """The error of a plug-in with the core's own names among those that may be meant."""
    own = nearest(unknown.name, INPUT_SPACES, likeness=0.6)
    theirs = [name for name in unknown.known if own_name(name) is None]
    return UnknownSpaceError(unknown.name, [*own, *theirs][:MOST_NEAR])


def check_space(space: InputSpace) -> None:
    """Raise as `find_space` does unless an input space is none, known or given as it is."""
    if isinstance(space, str) and space:
        find_space(space)


def of_light(recipe: Recipe) -> Recipe:
    """Give a recipe whose input space, if it has one by name, has been found.

    Parameters
    ----------
    recipe : Recipe
        The settings, as they were asked for.

    Returns
    -------
    Recipe
        Its `coding` and `conversion` say what becomes of the picture's numbers.

    Raises
    ------
    SpaceError, UnknownSpaceError
        As `find_space` raises.
    """
    name = recipe.input_space
    if not isinstance(name, str) or not name:
        return recipe
    own = own_name(name)
    if own is None:
        return replace(recipe, input_space=_brought(name))
    return recipe if own == name else replace(recipe, input_space=own)


def as_light(planes: Array, convert: Callable[[NDArray[Any]], NDArray[np.float32]] | None) -> Array:
    """Convert a picture's numbers to linear light, on the host.

    Parameters
    ----------
    planes : array, shape (channels, rows, cols)
        Of any library; one channel or three.
    convert : callable or None
        What converts them; None leaves them as they are.

    Returns
    -------
    array of float32, shape (channels, rows, cols)
        Linear sRGB light, on the device of `planes`; of one channel, its luminance.

    Raises
    ------
    TypeError, ValueError
        If the function gives anything else.
    """
    if convert is None:
        return planes
    picture = np.moveaxis(_on_host(planes), 0, -1)
    rows, cols, channels = picture.shape
    given = picture if channels == 3 else np.repeat(picture, 3, axis=-1)
    light = np.moveaxis(_checked(convert(given), (rows, cols, 3)), -1, 0)
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

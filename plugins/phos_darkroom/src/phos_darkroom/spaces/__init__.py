"""Colour spaces by name: what cameras and studios hand over, by OpenColorIO.

This is the darkroom's plug-in for the core: nothing heavy is imported before a name is given.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import hookimpl
from phos_core.errors import plain_name
from phos_core.process import (
    ColourSpace,
    OwnSpace,
    find_space,
    own_spaces,
    scene_light_of_any,
    scene_light_of_hdr,
)

if TYPE_CHECKING:
    from phos_darkroom.spaces.space import Space

__all__ = ["find", "listed", "listed_own", "phos_colour_spaces", "scene_light"]

PHOS_HOOK_API = 1


@hookimpl
def phos_colour_spaces() -> list[Callable[[str], ColourSpace]]:
    """Find colour spaces by OpenColorIO."""
    return [find]


def find(name: str) -> "Space":
    """Find a colour space by its name or one of its aliases.

    Parameters
    ----------
    name : str
        Of the configuration that ``$OCIO`` names, or else of OpenColorIO's studio configuration,
        in any case, with or without blanks, hyphens and points; a part of a name that only one
        space has will do.

    Returns
    -------
    Space
        The space.

    Raises
    ------
    UnknownSpaceError
        If no space has this name, or several may be meant.
    SpaceError
        If OpenColorIO is not installed, the configuration cannot be read, or it does not say how
        its light becomes another's.
    """
    from phos_darkroom.spaces.names import find_in
    from phos_darkroom.spaces.space import Space

    space = Space(*find_in(name))
    space.check()
    return space


def scene_light(pixels: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Convert numbers of a colour space to the light that exposes a film.

    Parameters
    ----------
    pixels : ndarray, shape (rows, cols, 3)
        Integer codes, of which the largest is 1, or floats.
    name : str
        As for `phos_core.process.find_space`: the core's own, or as for `find`.

    Returns
    -------
    ndarray of float32, shape (rows, cols, 3)
        Scene-linear sRGB of any sign, mid-grey at 0.18; of a display's space, with the rendering
        of its camera taken back.

    Raises
    ------
    UnknownSpaceError, SpaceError
        As `find` raises.
    """
    space = find_space(name)
    light = space.to_light(pixels)
    if space.is_scene:
        return light
    back = scene_light_of_hdr if getattr(space, "is_hdr", False) else scene_light_of_any
    scene: NDArray[np.float32] = np.moveaxis(back(np.moveaxis(light, -1, 0)), 0, -1)
    return scene.astype(np.float32, copy=False)


def listed(words: str = "") -> "list[Space]":
    """List the colour spaces that have names here.

    Parameters
    ----------
    words : str
        Only those whose name, family or aliases hold each of these; empty: all.

    Returns
    -------
    list of Space
        By family, such as "Input/Sony"; those of the user's configuration first.

    Raises
    ------
    SpaceError
        If OpenColorIO is not installed, or the configuration cannot be read.
    """
    from phos_darkroom.spaces.names import holding
    from phos_darkroom.spaces.space import Space

    return [Space(*one) for one in holding(words)]


def listed_own(words: str = "") -> list[OwnSpace]:
    """List the colour spaces that need no OpenColorIO.

    Parameters
    ----------
    words : str
        As for `listed`.

    Returns
    -------
    list of OwnSpace
        Those of the core.
    """
    wanted = [plain_name(word) for word in words.split()]
    told = {space: plain_name(" ".join((space.name, *space.aliases))) for space in own_spaces()}
    return [space for space, names in told.items() if all(word in names for word in wanted)]

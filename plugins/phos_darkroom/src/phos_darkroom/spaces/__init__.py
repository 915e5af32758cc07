"""Colour spaces by name: what cameras and studios hand over, by OpenColorIO.

This is the darkroom's plug-in for the core: nothing heavy is imported before a name is given.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from phos_core.backend import hookimpl
from phos_core.process import ColourSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from phos_darkroom.spaces.space import Space

__all__ = ["find", "listed", "phos_colour_spaces", "scene_light"]

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

    return Space(*find_in(name))


def scene_light(pixels: "NDArray[Any]", name: str) -> "NDArray[np.float32]":
    """Convert numbers of a colour space to the light that exposes a film.

    Parameters
    ----------
    pixels : ndarray, shape (rows, cols, 3)
        Integer codes, of which the largest is 1, or floats.
    name : str
        As for `find`.

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
    return find(name).scene_light(pixels)


def listed() -> "dict[str, list[Space]]":
    """List the colour spaces that have names here.

    Returns
    -------
    dict of str to list of Space
        By their configuration's families, such as "Input/Sony".

    Raises
    ------
    SpaceError
        If OpenColorIO is not installed, or the configuration cannot be read.
    """
    from phos_darkroom.spaces.names import by_family
    from phos_darkroom.spaces.space import Space

    return {family: [Space(*one) for one in some] for family, some in by_family().items()}

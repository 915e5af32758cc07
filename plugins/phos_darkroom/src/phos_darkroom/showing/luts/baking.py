"""Bake a recipe's colours into tables, in a picture's own space or behind the film's layers."""

import dataclasses
import operator

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import ConvolutionBackend
from phos_core.errors import shown
from phos_core.process import Recipe, checked_recipe, develop
from phos_darkroom.showing.luts.light import scene_light_of
from phos_darkroom.showing.luts.table import Shaper, Table

__all__ = [
    "MOST_LIGHT",
    "colour_alone",
    "entry_places",
    "make_layer_table",
    "make_lut",
    "make_table",
    "own_shaper",
]

SMALLEST, LARGEST = 2, 129

MOST_LIGHT = 64.0
"""Highest light of a table for linear input: 6 stops over white, 8.5 over mid-grey."""

# Our choices, for the least error over stocks and spaces: `nox -s luts`.
TOE = 1.0 / 128.0  # 4.5 stops under mid-grey: evenly below it, by stops above
TOE_BELOW = 0.25  # of negative light, in which layers change little
SHARE_BELOW = 0.2  # of the entries, for negative light where there is any


def make_lut(
    recipe: Recipe,
    size: int = 33,
    backend: str | ConvolutionBackend | None = None,
) -> NDArray[np.float32]:
    """Bake a recipe's colours into a lookup table.

    Parameters
    ----------
    recipe : Recipe
        The film and its settings. What is no colour, such as the grain, is left out, as in mode
        "colour".
    size : int
        Entries along each axis, 2 to 129; most programs take 17, 33 and 65.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `develop`.

    Returns
    -------
    ndarray of float32, shape (size, size, size, 3)
        Positives in the recipe's output space. Entry (i, j, k) is that of red i / (size - 1),
        green j / (size - 1) and blue k / (size - 1), codes of the recipe's input.

    Raises
    ------
    TypeError
        If the size is no whole number.
    ValueError
        If the size is out of range, or the recipe asks for what no table can hold: a balance
        on the picture, texture alone, or light without an upper end.

    Notes
    -----
    The grid is developed as a picture is, so that at the entries the table is exact.
    """
    table = make_table(recipe, size, backend)
    if table.shaper is not None:
        raise ValueError(
            "a lookup table without a shaper reads codes from 0 to 1, and linear light has no "
            'upper end: encoding must be "srgb", or the input_space one of codes; make_table '
            "makes a table with a shaper"
        )
    return table.entries


def make_table(
    recipe: Recipe, size: int = 33, backend: str | ConvolutionBackend | None = None
) -> Table:
    """Bake a recipe's colours into a table along the axes of its pictures' own space.

    Parameters
    ----------
    recipe : Recipe
        The film, its settings, and the space of the pictures: sRGB, ``input_space``, or scene
        light by ``encoding="linear"``.
    size : int
        Entries along each axis, 2 to 129.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `develop`.

    Returns
    -------
    Table
        For codes, from 0 to 1, nothing but entries; for linear light, from 0 to 64, a shaper
        before them.

    Raises
    ------
    TypeError, ValueError
        If the size is none, or the recipe asks for what no table can hold.
    UnknownSpaceError, SpaceError
        If a colour space's name is unknown, or cannot be looked up.
    """
    alone = colour_alone(checked_recipe(recipe))
    places = entry_places(_size(size))
    shaper = own_shaper(recipe)
    numbers = places if shaper is None else shaper.light(places)
    return Table(entries=_developed(numbers, alone, backend), shaper=shaper)


def make_layer_table(
    recipe: Recipe, size: int = 33, backend: str | ConvolutionBackend | None = None
) -> Table:
    """Bake a recipe's colours into a table along the exposures of the film's layers.

    Parameters
    ----------
    recipe, size, backend
        As for `make_table`.

    Returns
    -------
    Table
        Behind a curve, if the space has one, a matrix to the exposures of the layers, and a
        shaper. As `make_table` makes it where the pictures are a display's, or their space is no
        curve and matrix, or the film has but one layer.

    Raises
    ------
    TypeError, ValueError, UnknownSpaceError, SpaceError
        As `make_table` raises.

    Notes
    -----
    A saturated colour of a wide space may expose a layer to next to nothing, and a small step of
    its codes changes that by stops. Along the layers' own exposures there is no such cliff.
    """
    alone = colour_alone(checked_recipe(recipe))
    places = entry_places(_size(size))
    light = scene_light_of(recipe)
    divided = None if light is None else light.curve_and_matrix()
    of_layers = np.array(alone.load_film().exposure.matrix)
    if divided is None or len(of_layers) != 3:
        return make_table(recipe, size, backend)
    curve, of_space = divided
    layers = 2.0**recipe.exposure_stops * of_layers
    matrix = layers @ of_space
    ends = (0.0, MOST_LIGHT) if curve is None else (curve[0], curve[-1])
    shaper = _layers_shaper(_corners(*ends) @ matrix.T, size)
    scene = dataclasses.replace(alone, input_space="", primaries="srgb", encoding="linear")
    srgb = shaper.light(places) @ np.linalg.inv(layers).T
    return Table(
        entries=_developed(srgb, scene, backend), shaper=shaper, matrix=matrix, curve=curve
    )


def own_shaper(recipe: Recipe) -> Shaper | None:
    """Give what spaces a picture's own numbers evenly: nothing for codes, a shaper for light."""
    light = scene_light_of(recipe)
    if light is None or not light.is_linear:
        return None
    return Shaper(low=0.0, high=MOST_LIGHT, toe=TOE, toe_below=TOE_BELOW, zero=0.0)


def _layers_shaper(exposures: NDArray[np.float64], size: int) -> Shaper:
    """A shaper from the least to the greatest of the layers' exposures; 0 has an entry."""
    low, high = min(0.0, exposures.min()), exposures.max()
    zero = round(SHARE_BELOW * (size - 1)) / (size - 1) if low < 0.0 else 0.0
    low = low if zero else 0.0
    return Shaper(low=float(low), high=float(high), toe=TOE, toe_below=TOE_BELOW, zero=zero)


def _corners(low: float, high: float) -> NDArray[np.float64]:
    """The eight corners of a cube."""
    ends = np.array([low, high])
    return np.stack(np.meshgrid(ends, ends, ends), axis=-1).reshape(-1, 3)


def _developed(
    numbers: NDArray[np.floating], recipe: Recipe, backend: str | ConvolutionBackend | None
) -> NDArray[np.float32]:
    """The positives of a cube of colours, shape (n, n, n, 3)."""
    size = len(numbers)
    picture = numbers.astype(np.float32).reshape(size * size, size, 3)
    positive: NDArray[np.float32] = develop(picture, recipe=recipe, backend=backend)
    return positive.reshape(numbers.shape)


def colour_alone(recipe: Recipe) -> Recipe:
    """Give a recipe without what no table can hold; an error where that is all it asks for."""
    if recipe.auto_balance:
        raise ValueError(
            "auto_balance has no part in a lookup table: one table serves every picture, and the "
            "balance is measured on one; leave it out, or correct by balance_cc"
        )
    if recipe.mode == "texture":
        raise ValueError(
            'mode "texture" keeps the colours and adds what acts from point to point: there is '
            "nothing of it that a lookup table could hold"
        )
    return dataclasses.replace(
        recipe,
        mode="colour",
        scatter=1.0,
        halation=1.0,
        grain=1.0,
        weave_um=0.0,
        breathing_stops=0.0,
        dust_per_cm2=0.0,
        scratches=0.0,
        offset_px=(0, 0),
        pixel_pitch_um=None,
    )


def _size(size: int) -> int:
    try:
        size = operator.index(size)
    except TypeError as error:
        raise TypeError(f"size must be a whole number, got {shown(size)}") from error
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size must lie between {SMALLEST} and {LARGEST}, got {size}")
    return size


def entry_places(size: int) -> NDArray[np.float32]:
    """Give the places of a table's entries, from 0 to 1, shape (size, size, size, 3)."""
    steps = np.linspace(0.0, 1.0, size, dtype=np.float32)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)

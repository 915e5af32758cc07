"""The balance of a print on one picture, as a laboratory's automatic printer sets it."""

import math

import numpy as np

from phos_core.arrays import Array, array_namespace
from phos_core.effects.exposure import log10_exposure
from phos_core.process.correction import balanced
from phos_core.process.pipeline import expose_scene
from phos_core.process.recipe import Recipe
from phos_core.process.spaces import as_light
from phos_core.stocks.film import Film

__all__ = ["balanced_on", "measured_places"]

MEASURED_SIDE = 256  # the balance is measured on so many rows and columns at most
MEASURED_STOPS = 3.0  # what is farther from mid-grey counts as being so far


def measured_places(shape: tuple[int, int]) -> tuple[slice, slice]:
    """Say on which rows and columns of a picture its balance is measured.

    Parameters
    ----------
    shape : tuple of (int, int)
        Rows and columns of the whole picture.

    Returns
    -------
    tuple of slice
        Every so many rows, and every so many columns.
    """
    every_row, every_col = (-(-side // MEASURED_SIDE) or 1 for side in shape)
    return slice(None, None, every_row), slice(None, None, every_col)


def balanced_on(image: Array, film: Film, recipe: Recipe) -> Film:
    """A film whose print is balanced on a picture: the mean of its exposures is its mid-grey.

    Measured in stops, on every so many rows and columns of the whole picture.
    """
    rows, cols = measured_places(image.shape[-2:])
    exposure = expose_scene(
        as_light(image[:, rows, cols], recipe.conversion),
        params=film.exposure,
        coding=recipe.coding,
        exposure_stops=recipe.exposure_stops,
        opening=recipe.opening,
    )
    latent = log10_exposure(exposure)
    xp = array_namespace(latent)
    mid = math.log10(film.exposure.mid_grey_lx_s)
    reach = MEASURED_STOPS * math.log10(2.0)
    counted = xp.minimum(xp.maximum(latent, mid - reach), mid + reach)
    means = xp.mean(counted, axis=(1, 2))
    return balanced(film, np.array([float(means[layer]) for layer in range(means.shape[0])]))

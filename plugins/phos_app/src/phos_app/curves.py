"""Curves: a stock's characteristic curve."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phos_core.stocks import Film, grey_scale_density

__all__ = ["CharacteristicCurve", "characteristic_curve"]

STOPS = 8.0  # to each side of mid-grey
POINTS = 97
LAYERS = {1: ("grey",), 3: ("red", "green", "blue")}


@dataclass(frozen=True, slots=True, eq=False)
class CharacteristicCurve:
    """Density against exposure, of a grey scale.

    Parameters
    ----------
    stops : ndarray, shape (points,)
        Exposure from mid-grey, in stops.
    density : mapping of str to ndarray, shape (points,)
        Density of each layer, under the light that it is sensitive to.
    """

    stops: NDArray[np.float64]
    density: Mapping[str, NDArray[np.float64]]


def characteristic_curve(film: Film) -> CharacteristicCurve:
    """Give the curve that a film has as it is treated: metered, pushed, its couplers included.

    Parameters
    ----------
    film : Film
        The stock.

    Returns
    -------
    CharacteristicCurve
        Over 8 stops to each side of mid-grey.
    """
    stops = np.linspace(-STOPS, STOPS, POINTS)
    density = grey_scale_density(film, stops)
    layers = len(density)
    names = LAYERS.get(layers, tuple(f"layer {number}" for number in range(1, layers + 1)))
    return CharacteristicCurve(stops, dict(zip(names, density, strict=True)))

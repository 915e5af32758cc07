"""A laboratory's correction: the positive balanced on the grey that the exposure gave."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phos_core.effects.couplers import inhibit, release
from phos_core.effects.projection import Projection, Transmission
from phos_core.stocks.baking import LOG10_2, rebalanced
from phos_core.stocks.film import Film

__all__ = ["Correction", "balanced", "corrected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """How much a laboratory corrects.

    Parameters
    ----------
    exposure_stops : float
        Exposure that it makes up for.
    lost_share : float
        Share of what all layers gain or lose by the scene's light and a long exposure.
    colour_share : float
        Share of what the layers gain or lose against each other.
    """

    exposure_stops: float
    lost_share: float
    colour_share: float


def corrected(film: Film, correction: Correction) -> Film:
    """A film whose scan or print is balanced on a mid-grey of the scene, as far as corrected.

    A transparency is its own positive: it is left alone.
    """
    if isinstance(film.printing, Projection):
        return film
    gained = np.log10([math.fsum(row) for row in film.exposure.matrix])
    mean = gained.mean()
    shift = correction.exposure_stops * LOG10_2 + correction.lost_share * mean
    shifts = shift + correction.colour_share * (gained - mean)
    if np.abs(shifts).max() < 1e-9:  # the sums of the matrix are 1 to rounding
        return film
    shifts = shifts[: len(film.development.curves)]
    return balanced(film, math.log10(film.exposure.mid_grey_lx_s) + shifts)


def balanced(film: Film, grey: NDArray[np.float64]) -> Film:
    """A film whose scan or print is balanced on another grey.

    Parameters
    ----------
    film : Film
        Balanced on its mid-grey.
    grey : ndarray, shape (layers,)
        log10 exposure, in lx s, of what becomes mid-grey instead.

    Returns
    -------
    Film
        The same with other printer lights.

    Raises
    ------
    ValueError
        If the film is a transparency, which is its own positive, or a negative that is not
        printed: nothing balances it.
    """
    if isinstance(film.printing, Projection | Transmission):
        raise ValueError("auto_balance is for a negative's scan or print; a transparency has none")
    latent = np.reshape(grey, (-1, 1, 1))
    if film.couplers is not None:
        latent = inhibit(latent, release(latent, film.couplers), film.couplers)
    mid = math.log10(film.exposure.mid_grey_lx_s)
    exposed = tuple(latent.ravel().tolist())
    return replace(film, printing=rebalanced(film.printing, film.development, mid, exposed))

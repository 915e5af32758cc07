"""Baking at another speed: whether a stock's greys are still grey where the meter puts them."""

import math

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_srgb
from phos_core.effects.development import Development, develop
from phos_core.effects.gamut import into_gamut
from phos_core.effects.printing import PaperPrint
from phos_core.effects.projection import Projection
from phos_core.effects.scanning import NeutralScan, Scan
from phos_core.positive import Printing, make_positive
from phos_core.stocks.baking.light import LOG10_2
from phos_core.stocks.fitting import read

__all__ = ["grey_cast", "is_on_slope", "most_cast"]

Floats = NDArray[np.float64]

STOPS: Floats = np.linspace(-8.0, 8.0, 129)  # of the scene, around mid-grey
LEAST_SLOPE = 0.1  # our choice: of the curve's greatest, at mid-grey
# Our choice, how far apart the coded channels of a grey may lie. Slides and prints: what bundled
# stocks reach at their own speed. Neutral scans: what negatives reach two stops under it, as they
# are used. A scan in one tone for all stocks keeps whatever cast the stock has.
MOST_CAST = {NeutralScan: 0.06, Projection: 0.02, PaperPrint: 0.075, Scan: math.inf}


def is_on_slope(developed: Development, mid: float) -> bool:
    """Whether a mid-grey lies where the stock's density still changes with its exposure.

    Parameters
    ----------
    developed : Development
        The stock's curves.
    mid : float
        log10 of the exposure of a mid-grey in lx s.
    """
    middle = developed.curves[len(developed.curves) // 2]
    around = mid + np.array([-LOG10_2, LOG10_2])
    everywhere = middle.centre + np.linspace(-4.0, 4.0, 801)
    greatest = np.abs(np.gradient(read(middle, everywhere), everywhere)).max()
    slope = np.abs(np.diff(read(middle, around)))[0] / (2.0 * LOG10_2)
    return bool(slope >= LEAST_SLOPE * greatest)


def grey_cast(developed: Development, printing: Printing, mid: float) -> float:
    """How far apart the coded channels of a grey lie at most, 8 stops to both sides of mid-grey.

    Parameters
    ----------
    developed : Development
        The stock's curves.
    printing : Scan, Projection or PaperPrint
        How it becomes a positive.
    mid : float
        log10 of the exposure of a mid-grey in lx s.
    """
    ramp = np.broadcast_to(mid + STOPS * LOG10_2, (len(developed.curves), 1, len(STOPS)))
    with np.errstate(all="ignore"):  # what is not finite is no grey
        light = into_gamut(make_positive(develop(ramp, developed), printing))
        coded = encode_srgb(np.clip(light, 0.0, 1.0))
    cast = float(np.ptp(coded, axis=0).max())
    return cast if np.isfinite(cast) else np.inf


def most_cast(printing: Printing) -> float:
    """How far apart the coded channels of a grey may lie."""
    return MOST_CAST[type(printing)]

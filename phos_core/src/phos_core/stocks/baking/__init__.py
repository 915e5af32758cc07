"""Baking: a data sheet's spectra and curves become the small closed forms that the steps use.

Done once per stock, in float64 NumPy. Each closed form is held to the spectral reference it
replaces by `tests/core/stocks/test_baking.py`.
"""

from phos_core.stocks.baking.contrast import between, graded, pushed
from phos_core.stocks.baking.emulsion import (
    adjacency,
    couplers,
    development,
    grain,
    halation,
    scatter,
)
from phos_core.stocks.baking.light import exposure, lost_stops, mid_log10_exposure, neutral_ramp
from phos_core.stocks.baking.mean_light import grain_bias
from phos_core.stocks.baking.positive import (
    black_and_white_print,
    exposure_for,
    film_dyes,
    paper_print,
    projection,
    rebalanced,
    scan,
)
from phos_core.stocks.baking.rating import grey_cast, is_on_slope, most_cast

__all__ = [
    "adjacency",
    "between",
    "black_and_white_print",
    "couplers",
    "development",
    "exposure",
    "exposure_for",
    "film_dyes",
    "graded",
    "grain",
    "grain_bias",
    "grey_cast",
    "halation",
    "is_on_slope",
    "lost_stops",
    "mid_log10_exposure",
    "most_cast",
    "neutral_ramp",
    "paper_print",
    "projection",
    "pushed",
    "rebalanced",
    "scan",
    "scatter",
]

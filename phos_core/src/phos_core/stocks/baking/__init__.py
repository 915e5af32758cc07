"""Baking: a data sheet's spectra and curves become the small closed forms that the steps use.

Done once per stock, in float64 NumPy. Each closed form is held to the spectral reference it
replaces by `tests/core/stocks/test_baking.py`.
"""

from phos_core.stocks.baking.contrast import between, graded, push_range, pushed
from phos_core.stocks.baking.emulsion import (
    MOST_SHIFT,
    adjacency,
    couplers,
    development,
    grain,
    halation,
    scatter,
)
from phos_core.stocks.baking.finishing import finished, rebalanced
from phos_core.stocks.baking.light import (
    FILE_WHITE_STOPS,
    LOG10_2,
    exposure,
    lost_stops,
    mid_log10_exposure,
    neutral_ramp,
)
from phos_core.stocks.baking.mean_light import grain_bias
from phos_core.stocks.baking.neutral import neutral_scan
from phos_core.stocks.baking.prints import black_and_white_print, exposure_for, paper_print
from phos_core.stocks.baking.rating import grey_cast, is_on_slope, most_cast
from phos_core.stocks.baking.scanning import (
    SCANNERS,
    Scanner,
    device_scan,
    film_dyes,
    scanned_grain,
)
from phos_core.stocks.baking.slide import projection

__all__ = [
    "FILE_WHITE_STOPS",
    "LOG10_2",
    "MOST_SHIFT",
    "SCANNERS",
    "Scanner",
    "adjacency",
    "between",
    "black_and_white_print",
    "couplers",
    "development",
    "device_scan",
    "exposure",
    "exposure_for",
    "film_dyes",
    "finished",
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
    "neutral_scan",
    "paper_print",
    "projection",
    "push_range",
    "pushed",
    "rebalanced",
    "scanned_grain",
    "scatter",
]

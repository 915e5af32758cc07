"""Baking a neutral scan: every step of a stock's neutral ramp is grey."""

import math
from dataclasses import replace

import numpy as np

from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY
from phos_core.effects.scanning import NeutralScan
from phos_core.stocks.baking.light import LOG10_2, mid_log10_exposure
from phos_core.stocks.baking.points import with_points
from phos_core.stocks.baking.ramp import even_ramp, fit_balance
from phos_core.stocks.data_sheet import FilmSheet
from phos_core.stocks.fitting import read

__all__ = ["neutral_scan"]

# The tone: our choice, judged by eye on real photographs (docs/decisions).
SCAN_SCENE_CONTRAST = 1.55
SCAN_MATRIX = ((1.11, -0.10, -0.01), (0.05, 0.99, -0.04), (-0.06, -0.16, 1.22))


def neutral_scan(
    sheet: FilmSheet,
    developed: Development,
    black_point: float | None = None,
    white_point: float | None = None,
) -> NeutralScan:
    """Balance a scan on the stock's own neutral ramp.

    Parameters
    ----------
    sheet : FilmSheet
        A negative's figures.
    developed : Development
        Its curves.
    black_point, white_point : float, optional
        Stops from mid-grey, in the scene, that become black and white.

    Returns
    -------
    NeutralScan
        The middle layer (green, or the only one) sets the tone; the others are mapped onto it.
    """
    middle = len(developed.curves) // 2
    ramp, mid = even_ramp(developed, mid_log10_exposure(sheet))
    net = ramp - np.array(developed.d_min)
    tone = net[:, middle]

    def printing_density(stops: float) -> float:
        at = read(developed.curves[middle], mid_log10_exposure(sheet) + stops * LOG10_2)
        return float(at - developed.d_min[middle])

    slope = (printing_density(1.0) - printing_density(-1.0)) / (2.0 * LOG10_2)
    contrast = SCAN_SCENE_CONTRAST / slope
    odds = MID_GREY / (1.0 - MID_GREY) * 10.0 ** (contrast * (tone - tone[mid]))
    light = odds / (1.0 + odds)
    plain = NeutralScan(
        d_min=developed.d_min,
        balance=tuple(
            (0.0, 1.0) if i == middle else fit_balance(net[:, i], tone, light, mid)
            for i in range(len(developed.curves))
        ),
        matrix=SCAN_MATRIX if len(developed.curves) == 3 else ((1.0,),),
        contrast=float(contrast),
        mid_grey_density=float(tone[mid]),
        mid_grey=MID_GREY,
        black=0.0,
    )

    def between(black_point: float | None, white_point: float | None) -> NeutralScan:
        black = 0.0 if black_point is None else printing_density(black_point)
        white = math.inf if white_point is None else printing_density(white_point)
        return replace(plain, black=black, white=white)

    return with_points(between, black_point, white_point)

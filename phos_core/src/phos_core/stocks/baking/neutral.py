"""Baking a neutral scan: every step of a stock's neutral ramp is grey."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY
from phos_core.effects.printing import NeutralScan
from phos_core.stocks.baking.light import LOG10_2, mid_log10_exposure
from phos_core.stocks.baking.ramp import even_ramp, fit_balance
from phos_core.stocks.data_sheet import FilmSheet
from phos_core.stocks.fitting import read

__all__ = ["neutral_scan"]

MOST_POINT_STOPS = 30.0  # a black or white point farther than that is as good as none
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


def with_points(
    between: Callable[[float | None, float | None], NeutralScan],
    black_point: float | None,
    white_point: float | None,
) -> NeutralScan:
    """A scan between a black and a white point, in stops; an error says how near they may come."""
    try:
        return between(black_point, white_point)
    except ValueError:
        pass
    if black_point is not None and not _is_possible(between, black_point, None):
        least = _nearest(lambda stops: _is_possible(between, -stops, None), -black_point)
        raise ValueError(
            f"black_point must be less than {-least:.2f} stops for this stock, got {black_point}"
        )
    least = _nearest(lambda stops: _is_possible(between, black_point, stops), white_point or 0.0)
    raise ValueError(
        f"white_point must be more than {least:.2f} stops for this stock and black point, "
        f"got {white_point}"
    )


def _is_possible(
    between: Callable[[float | None, float | None], NeutralScan],
    black_point: float | None,
    white_point: float | None,
) -> bool:
    try:
        between(black_point, white_point)
    except ValueError:
        return False
    return True


def _nearest(is_possible: Callable[[float], bool], too_near: float) -> float:
    """The stops from mid-grey from which on a point is possible, to a hundredth, rounded up."""
    far = MOST_POINT_STOPS
    while far - too_near > 0.004:
        middle = (too_near + far) / 2.0
        too_near, far = (too_near, middle) if is_possible(middle) else (middle, far)
    return math.ceil(100.0 * far) / 100.0

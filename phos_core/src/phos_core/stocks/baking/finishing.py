"""Baking what is changed of a positive: its balance, its tone, its black and white."""

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from phos_core.effects.development import Development
from phos_core.effects.printing import PaperPrint
from phos_core.effects.projection import Projection
from phos_core.effects.scanning import NeutralScan, Scan
from phos_core.positive import make_positive
from phos_core.stocks.baking.dyed_light import seen_light
from phos_core.stocks.baking.light import LOG10_2, as_rows
from phos_core.stocks.baking.points import with_points
from phos_core.stocks.fitting import read
from phos_core.tone import Finish

__all__ = ["finished", "rebalanced"]

Floats = NDArray[np.float64]
OfNegative: TypeAlias = Scan | NeutralScan | PaperPrint
Finished: TypeAlias = Scan | Projection | PaperPrint


def rebalanced(
    printing: OfNegative, developed: Development, mid: float, grey: tuple[float, ...]
) -> OfNegative:
    """Balance a negative's positive on another grey than the stock's.

    Parameters
    ----------
    printing : Scan, NeutralScan or PaperPrint
        A positive balanced on the stock's mid-grey.
    developed : Development
        The stock's curves.
    mid : float
        log10 exposure of the stock's mid-grey.
    grey : tuple of float
        log10 exposure, per layer, of what is to become mid-grey instead.

    Returns
    -------
    Scan, NeutralScan or PaperPrint
        The same with other printer lights.
    """
    densities = [
        [float(read(curve, x)) for curve, x in zip(developed.curves, exposed, strict=True)]
        for exposed in ((mid,) * len(grey), grey)
    ]
    if isinstance(printing, Scan):
        before, after = np.array(densities) @ np.array(printing.decades).T
        return replace(printing, offset=tuple((printing.offset + before - after).tolist()))
    if isinstance(printing, NeutralScan):
        before, after = (
            [
                np.polynomial.polynomial.polyval(value - d_min, terms)
                for value, d_min, terms in zip(
                    values, printing.d_min, printing.balance, strict=True
                )
            ]
            for values in densities
        )
        return replace(
            printing,
            balance=tuple(
                (row[0] + float(b - a), *row[1:])
                for row, b, a in zip(printing.balance, before, after, strict=True)
            ),
        )
    before, after = seen_light(np.array(densities), printing.enlarger)
    weights = np.array(printing.enlarger.weights) * (before / after)[:, None]
    return replace(printing, enlarger=replace(printing.enlarger, weights=as_rows(weights)))


def finished(
    printing: Finished,
    developed: Development,
    mid: float,
    *,
    gain: tuple[float, ...] = (1.0,),
    contrast: float = 1.0,
    black_point: float | None = None,
    white_point: float | None = None,
) -> Finished:
    """Set a positive's tone, its black and its white.

    Parameters
    ----------
    printing : Scan, Projection or PaperPrint
        A positive.
    developed : Development
        The stock's curves.
    mid : float
        log10 exposure of the stock's mid-grey.
    gain, contrast
        As in `Finish`.
    black_point, white_point : float, optional
        Stops from mid-grey, in the scene, that become black and white.

    Returns
    -------
    Scan, Projection or PaperPrint
        The same with that finish.

    Raises
    ------
    ValueError
        If a point lies too near mid-grey in this positive.
    """
    plain = Finish(gain=gain, contrast=contrast)
    toned = printing if plain == Finish() else replace(printing, finish=plain)

    def light_at(stops: float) -> Floats:
        density = np.array([[[read(curve, mid + stops * LOG10_2)]] for curve in developed.curves])
        light: Floats = make_positive(density, toned)[:, 0, 0]
        return light

    def between(black_point: float | None, white_point: float | None) -> Finished:
        # Black in every channel, and white in every channel, whatever the tint there.
        black = 0.0 if black_point is None else float(light_at(black_point).max())
        white = 1.0 if white_point is None else float(light_at(white_point).min())
        return replace(printing, finish=replace(plain, black=black, white=white))

    if black_point is None and white_point is None:
        return toned
    return with_points(between, black_point, white_point)

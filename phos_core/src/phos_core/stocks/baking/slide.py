"""Baking a transparency: what is seen through it, its greys balanced."""

import numpy as np
from numpy.typing import NDArray

from phos_core.dyed_light import Light
from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY
from phos_core.effects.projection import Projection
from phos_core.stocks.baking.dyed_light import exposed_densities, fit_light
from phos_core.stocks.baking.light import mid_log10_exposure, white_log10_exposure
from phos_core.stocks.baking.ramp import even_ramp, fit_balance
from phos_core.stocks.baking.scanning import film_dyes
from phos_core.stocks.data_sheet import FilmSheet
from phos_core.stocks.dyes import projected_xyz
from phos_core.stocks.fitting import read

__all__ = ["projection"]

Floats = NDArray[np.float64]

TINY = 1e-12


def projection(
    sheet: FilmSheet, developed: Development, *, is_base_white: bool = False
) -> Projection:
    """Bake a transparency: its light at a few wavelengths, its greys balanced.

    Parameters
    ----------
    sheet : FilmSheet
        A reversal stock's figures.
    developed : Development
        Its curves.
    is_base_white : bool
        Whether the base is shown as white; by default what a white of a file gives.

    Returns
    -------
    Projection
        By scaling the density that the scanner reads, mid-grey becomes 0.18 of white.
    """
    dyes = film_dyes(sheet, developed)
    ramp, mid = even_ramp(developed, mid_log10_exposure(sheet))
    grey = -np.log10(projected_xyz(dyes, ramp)).mean(axis=1)
    white = np.array([read(c, white_log10_exposure(sheet)) for c in developed.curves])
    over_base = 0.0 if is_base_white else -float(np.log10(projected_xyz(dyes, white)).mean())
    gain = -np.log10(MID_GREY) / (grey[mid] - over_base)
    shown = 10.0 ** (-gain * grey)
    colours = exposed_densities(developed.curves, mid_log10_exposure(sheet))
    light = fit_light(dyes, colours, lambda d: projected_xyz(dyes, d, gain), gain=gain)
    balanced = solve_neutral(light, ramp, shown)
    return Projection(
        balance=tuple(fit_balance(ramp[:, i], balanced[:, i], shown, mid) for i in range(3)),
        light=light,
        white=float(10.0 ** (-gain * over_base)),
    )


def solve_neutral(light: Light, ramp: Floats, grey: Floats) -> Floats:
    """Densities (n, 3) that show each step of a ramp as a pure grey of its own lightness.

    Newton's method on the logarithm of light, all steps at once.
    """
    spectral, base, weights = (np.array(p) for p in (light.spectral, light.base, light.weights))
    density = ramp
    for _ in range(60):
        through = 10.0 ** -(density @ spectral.T + base)
        seen = np.clip(through @ weights.T, TINY, None)
        miss = np.log10(seen / grey[:, np.newaxis])
        if np.abs(miss).max() < 1e-9:
            break
        slope = -(through[:, np.newaxis, :] * weights) @ spectral / seen[:, :, np.newaxis]
        step = np.linalg.solve(slope, miss[:, :, np.newaxis])[:, :, 0]
        density = density - np.clip(step, -0.2, 0.2)
    return density

"""Baking the emulsion: its curves, couplers, scatter, grain and halation."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phos_core.density_curve import Curve
from phos_core.effects.couplers import Couplers
from phos_core.effects.development import Development
from phos_core.effects.grain import Grain
from phos_core.effects.halation import Halation
from phos_core.effects.scatter import Scatter
from phos_core.stocks.baking.light import mid_log10_exposure
from phos_core.stocks.data_sheet import FilmSheet
from phos_core.stocks.fitting import (
    at_end,
    fit_drawn_curves,
    fit_relative,
    interpolated,
    nonnegative_least_squares,
    read,
)

__all__ = ["adjacency", "couplers", "development", "grain", "halation", "scatter"]

Floats = NDArray[np.float64]

EVENNESS = 0.3  # our choice, of a negative's curve: see fit_drawn_curves
SLIDE_DEGREE = 11  # a slide's curve is steep: more makes edges in saturated highlights
CURVE_TOLERANCE = 0.1  # of density: bundled stocks stay within 0.015
GRANULARITY_DEGREE = 7
# Our choice, of log10 exposure: one stop. No sheet says anything of colours that ask for more, and
# without a bound dark saturated reds gained up to two stops.
MOST_SHIFT = 0.3
SCATTER_SIGMAS_UM = (1.0, 2.0, 3.0, 4.5, 6.5, 9.5, 14.0)
MTF_COUNTS_TO_PER_MM = 50.0  # our choice: beyond it sheets are read off steep, thin lines
MTF_COUNTS_BEYOND = 0.3
SCATTER_ROUNDS = 6
LIGHT_KEPT = 30.0  # how much a scatter that loses light counts


def development(sheet: FilmSheet) -> Development:
    """Fit each layer's characteristic curve."""
    if sheet.kind == "reversal":
        curves = fit_drawn_curves(sheet.characteristic_curve, degree=SLIDE_DEGREE)
    else:
        curves = fit_drawn_curves(sheet.characteristic_curve, evenness=EVENNESS)
    for curve, points in zip(curves, sheet.characteristic_curve, strict=True):
        miss = float(np.abs(read(curve, points[:, 0]) - points[:, 1]).max())
        if miss > CURVE_TOLERANCE:
            raise ValueError(
                f"characteristic_curve must rise or fall smoothly; the smooth curve nearest to "
                f"this one misses it by {miss:.2f} in density"
            )
    ends = [sorted((at_end(curve, -1.0), at_end(curve, 1.0))) for curve in curves]
    return Development(
        curves=curves, d_min=tuple(low for low, _ in ends), d_max=tuple(high for _, high in ends)
    )


def couplers(sheet: FilmSheet, developed: Development, most_shift: float = MOST_SHIFT) -> Couplers:
    """Let each layer release inhibitor as its exposure develops it: its net density."""
    return Couplers(
        release=tuple(map(net_density, developed.curves)),
        inhibition=sheet.inhibition,
        diffusion=sheet.diffusion_um,
        most_shift=most_shift,
    )


def net_density(curve: Curve) -> Curve:
    """How far from that of no exposure a curve's density is, as a curve."""
    start = at_end(curve, -1.0)
    sign = 1.0 if at_end(curve, 1.0) > start else -1.0
    first, *others = curve.coefficients
    return replace(
        curve, coefficients=(sign * (first - start), *(sign * other for other in others))
    )


def scatter(sheet: FilmSheet, coupled: Couplers) -> Scatter:
    """Fit emulsion scatter to what the sheet's MTF leaves once adjacency is taken out.

    Parameters
    ----------
    sheet : FilmSheet
        The stock's figures.
    coupled : Couplers
        The stock's couplers, whose adjacency raises the MTF.

    Returns
    -------
    Scatter
        Per layer a mixture of Gaussians of fixed sigmas, weights >= 0 and of sum 1.
    """
    mid_x = mid_log10_exposure(sheet)
    return Scatter(
        layers=tuple(
            fit_scatter(points, adjacency(points[:, 0], layer, coupled, mid_x))
            for layer, points in enumerate(map(closely_drawn, sheet.mtf))
        )
    )


def adjacency(frequency_per_mm: Floats, layer: int, coupled: Couplers, mid_x: float) -> Floats:
    """Response of a layer to a small neutral sine: 1 + sum_j M_ij R_j'(x) (1 - K(f)).

    Parameters
    ----------
    frequency_per_mm : ndarray, shape (n,)
        Spatial frequencies in cycles per mm.
    layer : int
        Index of the layer.
    coupled : Couplers
        The stock's couplers.
    mid_x : float
        log10 of the exposure around which the sine swings, in lx s.

    Returns
    -------
    ndarray, shape (n,)
        Relative to a flat field: 1 at frequency 0.
    """
    held_back = coupled.compensation[layer]
    slope = (read(held_back, mid_x + 0.05) - read(held_back, mid_x - 0.05)) / 0.1
    cycles_per_um = frequency_per_mm / 1000.0
    spread = sum(
        weight * np.exp(-2.0 * (np.pi * sigma_um * cycles_per_um) ** 2)
        for weight, sigma_um in coupled.diffusion
    )
    response: Floats = 1.0 + slope * (1.0 - spread)
    return response


def closely_drawn(mtf: Floats) -> Floats:
    """A drawn MTF with points between its own, at even steps of the frequency's logarithm."""
    frequency_per_mm, response = mtf.T
    between = np.geomspace(frequency_per_mm[0], frequency_per_mm[-1], 40)
    wanted = np.union1d(frequency_per_mm, between[1:-1])
    joined = interpolated(np.log(frequency_per_mm), response, np.log(wanted))
    return np.stack([wanted, joined], axis=1)


def fit_scatter(mtf: Floats, raised: Floats) -> tuple[tuple[float, float], ...]:
    """One layer's mixture; Gaussians of negligible weight are left out.

    Parameters
    ----------
    mtf : ndarray, shape (n, 2)
        Spatial frequency in cycles per mm, and response.
    raised : ndarray, shape (n,)
        The couplers' part in the response.
    """
    frequency_per_mm, response = mtf.T
    sigmas_um = np.array(SCATTER_SIGMAS_UM)
    gaussians = np.exp(-2.0 * (np.pi * np.outer(frequency_per_mm / 1000.0, sigmas_um)) ** 2)
    relative = gaussians * (raised / response)[:, np.newaxis]
    counts = np.where(frequency_per_mm <= MTF_COUNTS_TO_PER_MM, 1.0, MTF_COUNTS_BEYOND)
    weights = counts
    trials: list[tuple[float, Floats]] = []
    for _ in range(SCATTER_ROUNDS):  # Lawson's: points that are missed count more
        rows = np.vstack([relative * weights[:, np.newaxis], np.full(len(sigmas_um), LIGHT_KEPT)])
        parts = nonnegative_least_squares(rows, np.append(weights, LIGHT_KEPT))
        parts = np.where(parts > 1e-3, parts, 0.0)
        parts /= parts.sum()
        miss = counts * np.abs(relative @ parts - 1.0)
        trials.append((float(miss.max()), parts))
        weights = weights * np.sqrt(0.3 + 1.5 * miss / max(miss.max(), 1e-12))
    best = min(trials, key=lambda trial: trial[0])[1]
    return tuple((float(w), float(s)) for w, s in zip(best, sigmas_um, strict=True) if w > 0)


def grain(sheet: FilmSheet, developed: Development) -> Grain:
    """Fit RMS granularity against the root of the net density with a polynomial per layer."""
    coefficients, ranges = [], []
    for points, d_min in zip(sheet.granularity, developed.d_min, strict=True):
        net = points[:, 0] - d_min
        low, high = max(float(net[0]), 0.0), float(net[-1])
        root = np.linspace(np.sqrt(low), np.sqrt(high), 150)
        rms = np.interp(root**2, net, points[:, 1])
        powers = np.vander(root, GRANULARITY_DEGREE + 1, increasing=True)
        coefficients.append(tuple(fit_relative(powers, rms).tolist()))
        ranges.append((low, high))
    return Grain(
        rms_coefficients=tuple(coefficients),
        d_min=developed.d_min,
        net_range=tuple(ranges),
        size_um=sheet.grain_size_um,
    )


def halation(sheet: FilmSheet) -> Halation:
    """Take over the sheet's halation."""
    return Halation(
        coupling=sheet.coupling,
        base_thickness_um=sheet.base_thickness_um,
        base_index=sheet.base_index,
        antihalation_density=sheet.antihalation_density,
        forward_exponent=sheet.forward_exponent,
        spread_um=sheet.halation_spread_um,
        specular_share=sheet.specular_share,
    )

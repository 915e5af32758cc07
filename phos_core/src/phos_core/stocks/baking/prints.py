"""Baking a print: negative, enlarger and paper, balanced on mid-grey."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_srgb, luminance
from phos_core.density_curve import Curve
from phos_core.dyed_light import Light, see
from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY
from phos_core.effects.printing import PaperPrint
from phos_core.stocks.baking.contrast import graded
from phos_core.stocks.baking.dyed_light import (
    PRINT_FILM_WAVELENGTHS,
    WAVELENGTHS,
    exposed_densities,
    fit_light,
    seen_light,
)
from phos_core.stocks.baking.light import (
    LOG10_2,
    as_rows,
    mid_log10_exposure,
    white_log10_exposure,
)
from phos_core.stocks.baking.scanning import film_dyes
from phos_core.stocks.data_sheet import FilmSheet, PaperSheet
from phos_core.stocks.dyes import DyeSet, paper_exposure, reflected_xyz
from phos_core.stocks.fitting import at_end, fit_drawn_curves, fit_weights, read, solve

__all__ = ["black_and_white_print", "exposure_for", "paper_print"]

Floats = NDArray[np.float64]

TRIMMED_STOPS: Floats = np.linspace(-3.5, 3.5, 57)  # of the scene, around mid-grey
TRIM_ROUNDS = 6
WHITE_ROUNDS = 6
# Our choice: what a print seen in the dark loses of its contrast on a display in a dim room.
PROJECTION_SURROUND = 0.9


def paper_print(
    sheet: FilmSheet,
    developed: Development,
    paper: PaperSheet,
    filters_cc: tuple[float, float, float] = (0.0, 0.0, 0.0),
    print_stops: float = 0.0,
    *,
    is_base_white: bool = False,
) -> PaperPrint:
    """Bake an optical print on colour paper or print film, printer lights set on mid-grey.

    Parameters
    ----------
    sheet : FilmSheet
        A colour negative's figures.
    developed : Development
        Its curves.
    paper : PaperSheet
        The paper's or print film's figures.
    filters_cc : tuple of float
        Yellow, magenta and cyan filtration on top of the neutral balance. The filters are
        ideal: each takes light from one layer of the paper.
    print_stops : float
        Exposure of the print on top of the normal one.
    is_base_white : bool
        Whether the paper's own white is shown as white; by default what a white of a file gives.

    Returns
    -------
    PaperPrint
        The enlarger's and the viewer's light, with the paper's curves between them.
    """
    is_film = paper.kind == "print-film"
    surround = PROJECTION_SURROUND if is_film else 1.0
    curves = fit_drawn_curves(paper.characteristic_curve)
    light = fit_viewing_light(paper, curves, PRINT_FILM_WAVELENGTHS if is_film else WAVELENGTHS)

    enlarger = fit_enlarger(sheet, developed, paper)
    mid_x = mid_log10_exposure(sheet)
    grey_and_white = np.array(
        [[read(c, x) for c in developed.curves] for x in (mid_x, white_log10_exposure(sheet))]
    )
    exposed = np.log10(seen_light(grey_and_white, enlarger))
    white = 1.0
    for _ in range(1 if is_base_white else WHITE_ROUNDS):
        grey = (MID_GREY * white) ** (1.0 / surround)
        lights = printer_lights(exposed[0], curves, light, grey)
        if not is_base_white:
            white = printed_luminance(exposed[1] + lights, curves, light) ** surround
    neutral = with_lights(enlarger, lights)

    ramp = np.array([read(c, mid_x + TRIMMED_STOPS * LOG10_2) for c in developed.curves]).T
    trimmed = trim_contrast(np.log10(seen_light(ramp, neutral)), curves, light)
    chosen = print_stops * LOG10_2 - np.array(filters_cc)[::-1] / 100.0
    return PaperPrint(
        paper=paper.name,
        enlarger=with_lights(neutral, chosen),
        curves=trimmed,
        light=light,
        surround=surround,
        white=white,
    )


def black_and_white_print(
    sheet: FilmSheet,
    developed: Development,
    paper: PaperSheet,
    grade: float | None = None,
    print_stops: float = 0.0,
    *,
    is_base_white: bool = False,
) -> PaperPrint:
    """Bake a print on black-and-white paper, its exposure set on mid-grey.

    Silver is as dense at every wavelength, so that one stands for all.

    Parameters
    ----------
    sheet : FilmSheet
        A black-and-white negative's figures.
    developed : Development
        Its curve.
    paper : PaperSheet
        The paper's figures.
    grade : float, optional
        Contrast grade of the paper; by default its curve without a filter.
    print_stops : float
        Exposure of the print on top of the normal one.
    is_base_white : bool
        Whether the paper's own white is shown as white; by default what a white of a file gives.

    Returns
    -------
    PaperPrint
        Of one layer and one channel.
    """
    (curve,) = fit_drawn_curves([graded(paper, grade)])
    d_min = at_end(curve, -1.0)
    negative = [
        float(read(developed.curves[0], x))
        for x in (mid_log10_exposure(sheet), white_log10_exposure(sheet))
    ]
    white = 1.0
    for _ in range(1 if is_base_white else WHITE_ROUNDS):
        lamp = exposure_for(curve, d_min - np.log10(MID_GREY * white)) + negative[0]
        if not is_base_white:
            white = float(10.0 ** (d_min - read(curve, lamp - negative[1])))
    return PaperPrint(
        paper=paper.name,
        enlarger=Light(
            spectral=((1.0,),), base=(-lamp - print_stops * LOG10_2,), weights=((1.0,),)
        ),
        curves=(curve,),
        light=Light(spectral=((1.0,),), base=(-d_min,), weights=((1.0,),)),
        white=white,
    )


def fit_viewing_light(
    paper: PaperSheet, curves: tuple[Curve, ...], wavelengths: NDArray[np.intp]
) -> Light:
    """Fit the light in which a print on a paper, or a print film, is seen."""
    if paper.dyes is None:
        raise ValueError(f"{paper.name} has no dyes: it is no colour paper")
    dyes = DyeSet(paper.dyes, None, tuple(at_end(curve, -1.0) for curve in curves), "A")
    samples = exposed_densities(curves, np.array([curve.centre for curve in curves]))
    return fit_light(
        dyes, samples, lambda d: reflected_xyz(dyes, d, paper.viewing), wavelengths=wavelengths
    )


def fit_enlarger(sheet: FilmSheet, developed: Development, paper: PaperSheet) -> Light:
    """Fit the exposure of a paper's layers under a negative, each layer's least as the unit."""
    dyes = film_dyes(sheet, developed)
    samples = exposed_densities(developed.curves, mid_log10_exposure(sheet))
    spectral, base = (part[WAVELENGTHS] for part in dyes.affine())
    exposed = paper_exposure(dyes, paper, samples)
    brightest = exposed.max(axis=0)
    weights = fit_weights(10.0 ** -(samples @ spectral.T + base), exposed / brightest)
    return Light(spectral=as_rows(spectral), base=tuple(base.tolist()), weights=as_rows(weights))


def printed_luminance(exposed: Floats, curves: tuple[Curve, ...], light: Light) -> float:
    """Luminance of a paper whose layers got these log10 exposures."""
    density = np.array([[[read(curve, x)]] for curve, x in zip(curves, exposed, strict=True)])
    return float(luminance(see(density, light))[0, 0, 0])


def printer_lights(exposed: Floats, curves: tuple[Curve, ...], light: Light, grey: float) -> Floats:
    """Offsets of log10 exposure with which a mid-grey prints as a neutral of this light."""

    def printed(x: Floats) -> Floats:
        density = np.array([read(curve, value) for curve, value in zip(curves, x, strict=True)])
        printed_light: Floats = seen_light(density[np.newaxis], light)[0]
        return printed_light

    start = np.array(
        [exposure_for(curve, at_end(curve, -1.0) - np.log10(grey)) for curve in curves]
    )
    return solve(printed, start, np.full(3, grey)) - exposed


def with_lights(enlarger: Light, log10_lights: Floats) -> Light:
    """An enlarger with its printer lights changed."""
    weights = np.array(enlarger.weights) * 10.0 ** log10_lights[:, np.newaxis]
    return replace(enlarger, weights=as_rows(weights))


def trim_contrast(exposed: Floats, curves: tuple[Curve, ...], light: Light) -> tuple[Curve, ...]:
    """A paper's curves, the contrast of two layers trimmed so that a stock's greys print grey.

    Parameters
    ----------
    exposed : ndarray, shape (n, 3)
        log10 exposure of the paper under the stock's neutral ramp; mid-grey, where the printer
        lights are set, in the middle.
    curves : tuple of Curve
        The paper's curves.
    light : Light
        From its densities to linear sRGB.

    Returns
    -------
    tuple of Curve
        The same but for the scale of their exposures; at mid-grey they are the same.

    Notes
    -----
    Least squares of the differences between the coded channels, by Gauss's and Newton's method.
    """
    mid = exposed[len(exposed) // 2]

    def trimmed(factors: Floats) -> tuple[Curve, ...]:
        return tuple(
            replace(
                curve,
                centre=float(middle + (curve.centre - middle) / factor),
                width=float(curve.width / factor),
            )
            for curve, middle, factor in zip(curves, mid, np.insert(factors, 1, 1.0), strict=True)
        )

    def casts(factors: Floats) -> Floats:
        layers = [read(curve, x) for curve, x in zip(trimmed(factors), exposed.T, strict=True)]
        coded = encode_srgb(np.clip(seen_light(np.stack(layers, axis=1), light), 0.0, 1.0))
        apart: Floats = (coded[:, [0, 2]] - coded[:, [1]]).ravel()
        return apart

    factors = np.ones(2)
    for _ in range(TRIM_ROUNDS):
        steps = 1e-4 * np.eye(2)
        slope = np.stack([casts(factors + s) - casts(factors - s) for s in steps], axis=1) / 2e-4
        factors = factors - np.linalg.lstsq(slope, casts(factors), rcond=None)[0]
    return trimmed(factors)


def exposure_for(curve: Curve, density: float) -> float:
    """log10 exposure that gives a paper this density."""
    x = np.linspace(curve.centre - 4.0, curve.centre + 4.0, 4001)
    return float(np.interp(density, read(curve, x), x))

"""Baking: a data sheet's spectra and curves become the small closed forms that the steps use.

Done once per stock, in float64 NumPy. Each closed form is held to the spectral reference it
replaces by `tests/test_baking.py`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phos_core.curve import Curve
from phos_core.dyes import (
    DyeSet,
    paper_exposure,
    projected_xyz,
    reflected_xyz,
    sensitivities,
)
from phos_core.effects.couplers import Couplers
from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY, Exposure
from phos_core.effects.grain import Grain
from phos_core.effects.halation import Halation
from phos_core.effects.printing import Light, PaperPrint, Projection, Scan, see
from phos_core.effects.scatter import Scatter
from phos_core.fitting import (
    at_end,
    extended,
    fit_curve,
    fit_polynomial,
    fit_weights,
    nonnegative_least_squares,
    read,
    solve,
)
from phos_core.sheets import FilmSheet, PaperSheet
from phos_core.spectra import SRGB_OF_RELATIVE_XYZ, WAVELENGTH_NM, illuminant, tables

__all__ = [
    "couplers",
    "development",
    "exposure",
    "grain",
    "halation",
    "paper_print",
    "projection",
    "scan",
    "scatter",
]

Floats = NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]

BASE_SAMPLES = 200  # our choice: white counts as much as a tenth of all colours
CURVE_TOLERANCE = 0.1  # of density: bundled stocks stay within 0.022
LOG10_2 = float(np.log10(2.0))
SCATTER_SIGMAS_UM = (1.0, 2.0, 3.0, 4.5, 6.5, 9.5, 14.0)
# Every 20 nm from 400 to 700: the fewest that stay within a mean colour difference of 0.1.
WAVELENGTHS = np.flatnonzero(
    (WAVELENGTH_NM % 20 == 0) & (WAVELENGTH_NM >= 400) & (WAVELENGTH_NM <= 700)
)
NEUTRAL_STOPS: Floats = np.linspace(-5.0, 7.0, 121)

# The scan's tone: our choice, judged by eye on real photographs (docs/decisions).
SCAN_SCENE_CONTRAST = 1.55
SCAN_MATRIX = ((1.11, -0.10, -0.01), (0.05, 0.99, -0.04), (-0.06, -0.16, 1.22))


def exposure(sheet: FilmSheet) -> Exposure:
    """Weigh linear sRGB as the stock's layers do, under the light it is balanced for.

    Parameters
    ----------
    sheet : FilmSheet
        The stock's figures.

    Returns
    -------
    Exposure
        Exact, not fitted: a scene made of the basis spectra is a sum of three.

    Notes
    -----
    M_ij ~ sum_l I(l) B_j(l) S_i(l), rows scaled to sum 1; mid-grey gives H = 10 / S lx s for ISO
    speed S.
    """
    response = sensitivities(sheet.sensitivity) * illuminant(sheet.light)
    matrix = response @ tables().basis.T
    matrix /= matrix.sum(axis=1, keepdims=True)
    return Exposure(matrix=as_rows(matrix), mid_grey_lx_s=10.0 / sheet.iso_speed)


def development(sheet: FilmSheet) -> Development:
    """Fit each layer's characteristic curve."""
    curves = tuple(fit_curve(*extended(points)) for points in sheet.characteristic_curve)
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


def couplers(sheet: FilmSheet, developed: Development) -> Couplers:
    """Fit the inhibitor's release: the mean net density developed by an exposure."""
    first = sheet.characteristic_curve[0]
    x = np.linspace(first[0, 0] - 3.0, first[-1, 0] + 3.0, 400)
    densities = [read(curve, x) for curve in developed.curves]
    amounts = [np.abs(density - density[0]) for density in densities]
    return Couplers(
        release=fit_curve(x, np.mean(amounts, axis=0)),
        inhibition=sheet.inhibition,
        diffusion=sheet.diffusion_um,
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
    return Scatter(
        layers=tuple(
            fit_scatter(points, sum(row), coupled, sheet)
            for points, row in zip(sheet.mtf, sheet.inhibition, strict=True)
        )
    )


def adjacency(frequency_per_mm: Floats, row_sum: float, coupled: Couplers, mid_x: float) -> Floats:
    """Response to a small neutral sine, relative to a flat field: 1 + s R'(x) (1 - K(f))."""
    slope = (read(coupled.release, mid_x + 0.05) - read(coupled.release, mid_x - 0.05)) / 0.1
    cycles_per_um = frequency_per_mm / 1000.0
    spread = sum(
        weight * np.exp(-2.0 * (np.pi * sigma_um * cycles_per_um) ** 2)
        for weight, sigma_um in coupled.diffusion
    )
    response: Floats = 1.0 + row_sum * slope * (1.0 - spread)
    return response


def fit_scatter(
    mtf: Floats, row_sum: float, coupled: Couplers, sheet: FilmSheet
) -> tuple[tuple[float, float], ...]:
    """One layer's mixture; Gaussians of negligible weight are left out."""
    target = mtf[:, 1] / adjacency(mtf[:, 0], row_sum, coupled, mid_log10_exposure(sheet))
    sigmas_um = np.array(SCATTER_SIGMAS_UM)
    basis = np.exp(-2.0 * (np.pi * np.outer(mtf[:, 0] / 1000.0, sigmas_um)) ** 2)
    rows = np.vstack([basis, np.full(len(sigmas_um), 10.0)])
    weights = nonnegative_least_squares(rows, np.append(np.clip(target, 0.0, 1.0), 10.0))
    kept = weights > 1e-3
    total = weights[kept].sum()
    return tuple(
        (float(w / total), float(s)) for w, s in zip(weights[kept], sigmas_um[kept], strict=True)
    )


def grain(sheet: FilmSheet, developed: Development) -> Grain:
    """Fit RMS granularity against net density with a quintic per layer."""
    coefficients, ranges = [], []
    for points, d_min in zip(sheet.granularity, developed.d_min, strict=True):
        net = points[:, 0] - d_min
        fine = np.linspace(max(net[0], 0.0), net[-1], 100)
        rms = np.interp(fine, net, points[:, 1])
        coefficients.append(
            tuple(np.polynomial.Polynomial.fit(fine, rms, 5).convert().coef.tolist())
        )
        ranges.append((float(fine[0]), float(fine[-1])))
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
    )


def scan(sheet: FilmSheet, developed: Development) -> Scan:
    """Balance a laboratory scan on the stock's own neutral ramp.

    Parameters
    ----------
    sheet : FilmSheet
        A negative's figures.
    developed : Development
        Its curves.

    Returns
    -------
    Scan
        The middle layer (green, or the only one) sets the tone; the others are mapped onto it.
    """
    x = neutral_ramp(sheet)
    exposed = np.array([read(curve, x) for curve in developed.curves])
    net = np.column_stack([exposed, developed.d_min]) - np.array(developed.d_min)[:, np.newaxis]
    layers, base = len(net), len(x)
    tone = net[layers // 2]
    mid = int(np.argmin(np.abs(NEUTRAL_STOPS)))
    slope = (tone[mid + 10] - tone[mid - 10]) / (x[mid + 10] - x[mid - 10])
    return Scan(
        d_min=developed.d_min,
        balance=tuple(fit_polynomial(row, tone, through=(base, mid)) for row in net),
        matrix=SCAN_MATRIX if layers == 3 else ((1.0,),),
        contrast=float(SCAN_SCENE_CONTRAST / slope),
        mid_grey_density=float(tone[mid]),
        mid_grey=MID_GREY,
        black=0.0,
    )


def mid_log10_exposure(sheet: FilmSheet) -> float:
    """log10 of the exposure in lx s that a mid-grey gives."""
    return float(np.log10(10.0 / sheet.iso_speed))


def neutral_ramp(sheet: FilmSheet) -> Floats:
    """log10 exposure of a neutral wedge from 5 stops under to 7 over mid-grey."""
    ramp: Floats = mid_log10_exposure(sheet) + NEUTRAL_STOPS * LOG10_2
    return ramp


def film_dyes(sheet: FilmSheet, developed: Development) -> DyeSet:
    """The dyes of a developed stock."""
    if sheet.dyes is None:
        raise ValueError(f"{sheet.name} has no dyes: a colour stock's sheet needs a [dyes] table")
    status = "A" if sheet.kind == "reversal" else "M"
    return DyeSet(sheet.dyes, sheet.base, developed.d_min, status)


def projection(sheet: FilmSheet, developed: Development) -> Projection:
    """Bake a transparency: its light at a few wavelengths, its greys balanced.

    Parameters
    ----------
    sheet : FilmSheet
        A reversal stock's figures.
    developed : Development
        Its curves.

    Returns
    -------
    Projection
        The base becomes 1 and, by scaling the density that the scanner reads, mid-grey 0.18.
    """
    dyes = film_dyes(sheet, developed)
    ramp, base, mid = even_ramp(developed, mid_log10_exposure(sheet))
    grey = -np.log10(projected_xyz(dyes, ramp)).mean(axis=1)
    gain = -np.log10(MID_GREY) / grey[mid]
    colours = exposed_densities(developed.curves, mid_log10_exposure(sheet))
    samples = np.vstack([colours, np.tile(dyes.d_min, (BASE_SAMPLES, 1))])
    light = fit_light(dyes, samples, lambda d: projected_xyz(dyes, d, gain), dyes.d_min, gain)
    balanced = solve_neutral(light, ramp, 10.0 ** (-gain * grey))
    return Projection(
        balance=tuple(
            fit_polynomial(ramp[:, i], balanced[:, i], through=(base, mid), degree=8)
            for i in range(3)
        ),
        light=light,
    )


def even_ramp(developed: Development, mid: float) -> tuple[Floats, int, int]:
    """Densities (n, 3) of a wedge in even steps of density; which are the base and mid-grey."""
    x = mid + np.linspace(-6.0, 6.0, 2001) * LOG10_2
    density = read(developed.curves[1], x)
    rising = np.argsort(density)
    steps = np.linspace(density.min(), density.max(), 150)
    wedge = np.append(np.interp(steps, density[rising], x[rising]), mid)
    ramp = np.array([read(curve, wedge) for curve in developed.curves]).T
    return np.vstack([ramp, developed.d_min]), len(wedge), len(wedge) - 1


def paper_print(sheet: FilmSheet, developed: Development, paper: PaperSheet) -> PaperPrint:
    """Bake an optical print on colour paper, printer lights set on mid-grey.

    Parameters
    ----------
    sheet : FilmSheet
        A colour negative's figures.
    developed : Development
        Its curves.
    paper : PaperSheet
        The paper's figures.

    Returns
    -------
    PaperPrint
        The enlarger's and the viewer's light, with the paper's curves between them.
    """
    negative = film_dyes(sheet, developed)
    curves = tuple(fit_curve(*extended(points)) for points in paper.characteristic_curve)
    d_min = tuple(at_end(curve, -1.0) for curve in curves)
    positive = DyeSet(paper.dyes, None, d_min, "A")
    light = fit_light(
        positive,
        exposed_densities(curves, np.array([curve.centre for curve in curves])),
        lambda d: reflected_xyz(positive, d, paper.viewing_illuminant),
    )
    samples = exposed_densities(developed.curves, mid_log10_exposure(sheet))
    enlarger = fit_enlarger(negative, paper, samples)
    mid = np.array([[read(curve, mid_log10_exposure(sheet)) for curve in developed.curves]])
    lights = printer_lights(np.log10(seen_light(mid, enlarger))[0], curves, light)
    weights = np.array(enlarger.weights) * 10.0 ** lights[:, None]
    return PaperPrint(
        paper=paper.name,
        enlarger=replace(enlarger, weights=as_rows(weights)),
        curves=curves,
        light=light,
    )


def fit_light(
    dyes: DyeSet,
    samples: Floats,
    xyz_of_density: Callable[[Floats], Floats],
    white_density: Floats | None = None,
    gain: float = 1.0,
) -> Light:
    """Fit a viewer's light in linear sRGB to the spectral reference over sampled densities."""
    spectral, base = dyes.affine()
    if white_density is not None:
        base = base - dyes.spectral_density(white_density)
    spectral, base = gain * spectral[WAVELENGTHS], gain * base[WAVELENGTHS]
    xyz_weights = fit_weights(10.0 ** -(samples @ spectral.T + base), xyz_of_density(samples))
    weights = SRGB_OF_RELATIVE_XYZ @ xyz_weights
    return Light(spectral=as_rows(spectral), base=tuple(base.tolist()), weights=as_rows(weights))


def fit_enlarger(dyes: DyeSet, paper: PaperSheet, samples: Floats) -> Light:
    """Fit the exposure of a paper's layers under a negative, each layer's least as the unit."""
    spectral, base = (part[WAVELENGTHS] for part in dyes.affine())
    exposed = paper_exposure(dyes, paper, samples)
    brightest = exposed.max(axis=0)
    weights = fit_weights(10.0 ** -(samples @ spectral.T + base), exposed / brightest)
    return Light(spectral=as_rows(spectral), base=tuple(base.tolist()), weights=as_rows(weights))


def seen_light(density: Floats, light: Light) -> Floats:
    """What receivers (n, 3) get of the light through densities (n, 3), in float64."""
    received: Floats = see(density.T[:, np.newaxis, :], light)[:, 0, :].T
    return received


def printer_lights(exposed: Floats, curves: tuple[Curve, ...], light: Light) -> Floats:
    """Offsets of log10 exposure with which a mid-grey prints as a neutral 0.18."""

    def printed(x: Floats) -> Floats:
        density = np.array([read(curve, value) for curve, value in zip(curves, x, strict=True)])
        printed_light: Floats = seen_light(density[np.newaxis], light)[0]
        return printed_light

    start = np.array([curve.centre for curve in curves])
    return solve(printed, start, np.full(3, MID_GREY)) - exposed


def solve_neutral(light: Light, ramp: Floats, grey: Floats) -> Floats:
    """Densities (n, 3) that show each step of a ramp as a pure grey of its own lightness."""
    return np.array(
        [
            solve(lambda d: seen_light(d[np.newaxis], light)[0], step, np.full(3, level))
            for step, level in zip(ramp, grey, strict=True)
        ]
    )


def exposed_densities(curves: tuple[Curve, ...], mid: float | Floats) -> Floats:
    """Densities (n, 3) of layers exposed from 6 stops under to 6 over, each on its own."""
    stops = np.linspace(-6.0, 6.0, 13) * LOG10_2
    axes = [
        read(curve, centre + stops)
        for curve, centre in zip(curves, np.broadcast_to(mid, len(curves)), strict=True)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)


def as_rows(matrix: Floats) -> Rows:
    """A matrix as nested tuples of Python floats."""
    return tuple(tuple(row) for row in matrix.tolist())

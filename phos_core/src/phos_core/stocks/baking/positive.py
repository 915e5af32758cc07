"""Baking the positive: a scan, a transparency, a print on paper."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phos_core.color import encode_srgb, luminance
from phos_core.density_curve import Curve
from phos_core.effects.development import Development
from phos_core.effects.exposure import MID_GREY
from phos_core.effects.printing import (
    Finish,
    Light,
    NeutralScan,
    PaperPrint,
    Printing,
    Projection,
    Scan,
    make_positive,
    see,
)
from phos_core.stocks.baking.contrast import graded
from phos_core.stocks.baking.light import (
    FILE_WHITE_STOPS,
    LOG10_2,
    as_rows,
    mid_log10_exposure,
)
from phos_core.stocks.baking.scanning import film_dyes
from phos_core.stocks.data_sheet import FilmSheet, PaperSheet
from phos_core.stocks.dyes import DyeSet, paper_exposure, projected_xyz, reflected_xyz
from phos_core.stocks.fitting import (
    at_end,
    fit_drawn_curves,
    fit_weights,
    nonnegative_least_squares,
    read,
    solve,
)
from phos_core.stocks.spectra import SRGB_OF_RELATIVE_XYZ, WAVELENGTH_NM

__all__ = [
    "black_and_white_print",
    "exposure_for",
    "finished",
    "neutral_scan",
    "paper_print",
    "projection",
    "rebalanced",
]

Floats = NDArray[np.float64]

BASE_SAMPLES = 200  # our choice: white counts as much as a tenth of all colours
# From 400 to 700 nm: the fewest that stay within a mean colour difference of 0.1.
WITHIN = (WAVELENGTH_NM >= 400) & (WAVELENGTH_NM <= 700)
WAVELENGTHS = np.flatnonzero(WITHIN & (WAVELENGTH_NM % 20 == 0))
PRINT_FILM_WAVELENGTHS = np.flatnonzero(WITHIN & (WAVELENGTH_NM % 15 == 0))

TINY = 1e-12
MOST_POINT_STOPS = 30.0  # a black or white point farther than that is as good as none
TRIMMED_STOPS: Floats = np.linspace(-3.5, 3.5, 57)  # of the scene, around mid-grey
TRIM_ROUNDS = 6
BALANCE_DEGREE = 7
BALANCE_MARGIN = 0.1  # of density: what grain may add
LEAST_SLOPE = 0.05
EXACTLY = 1e3
WHITE_ROUNDS = 6
# Our choice: what a print seen in the dark loses of its contrast on a display in a dim room.
PROJECTION_SURROUND = 0.9

# The neutral scan's tone: our choice, judged by eye on real photographs (docs/decisions).
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


def white_log10_exposure(sheet: FilmSheet) -> float:
    """log10 exposure that the white of a display-referred picture gives."""
    return mid_log10_exposure(sheet) + FILE_WHITE_STOPS * LOG10_2


def even_ramp(developed: Development, mid: float) -> tuple[Floats, int]:
    """Densities (n, layers) of a wedge from base to greatest density, and which is mid-grey."""
    middle = developed.curves[len(developed.curves) // 2]
    x = mid + np.linspace(-10.0, 20.0, 3001) * LOG10_2
    density = read(middle, x)
    rising = np.argsort(density)
    at_mid = float(read(middle, mid))
    steps = np.sort(np.append(np.linspace(density.min(), density.max(), 150), at_mid))
    wedge = np.interp(steps, density[rising], x[rising])
    grey = int(np.searchsorted(steps, at_mid))
    wedge[grey] = mid
    ramp = np.array([read(curve, wedge) for curve in developed.curves]).T
    return np.vstack([developed.d_min, ramp[1:-1], developed.d_max]), grey


def fit_balance(density: Floats, wanted: Floats, light: Floats, mid: int) -> tuple[float, ...]:
    """Fit what brings a layer's densities along a ramp to those wanted, rising throughout.

    Parameters
    ----------
    density, wanted : ndarray, shape (n,)
        The layer's densities from its base on, and what they are to become.
    light : ndarray, shape (n,)
        What each step is seen as: a step counts as much as its code changes with density.
    mid : int
        Which step is mid-grey. It is met exactly, and so is the first, the base.

    Returns
    -------
    tuple of float
        Polynomial, lowest order first; it rises from a little below the base to a little above
        the greatest density.
    """
    low, high = density[0] - BALANCE_MARGIN, density[-1] + BALANCE_MARGIN
    counts = np.abs(np.gradient(encode_srgb(np.clip(light, 0.0, 1.0)), wanted))
    counts = counts / counts.max() + 0.05
    counts[[0, mid]] = EXACTLY
    least = LEAST_SLOPE * (high - low) / BALANCE_DEGREE
    rises = rising_polynomials(BALANCE_DEGREE)
    powers = np.vander((density - low) / (high - low), BALANCE_DEGREE + 1, increasing=True)
    rows = powers @ rises.T
    start = wanted[0] - 1.0  # below where it can begin
    target = wanted - start - least * rows[:, 1:].sum(axis=1)
    steps = nonnegative_least_squares(rows * counts[:, np.newaxis], target * counts)
    steps[0] += start
    steps[1:] += least
    balance = np.polynomial.Polynomial(steps @ rises, domain=[low, high], window=[0.0, 1.0])
    return tuple(balance.convert().coef.tolist())


def rising_polynomials(degree: int) -> Floats:
    """Powers of t (rows) of polynomials that rise from 0 to 1 over t = 0 to 1, one after another.

    Sums of Bernstein's polynomials: no sum of them with factors that are not negative falls.
    The first is the constant 1.
    """
    bernstein = np.zeros((degree + 1, degree + 1))
    for i in range(degree + 1):
        for k in range(i, degree + 1):
            bernstein[i, k] = math.comb(degree, k) * math.comb(k, i) * (-1.0) ** (k - i)
    rises: Floats = np.cumsum(bernstein[::-1], axis=0)[::-1]
    return rises


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


def rebalanced(
    printing: Printing, developed: Development, mid: float, grey: tuple[float, ...]
) -> Printing:
    """Balance a positive on another grey than the stock's.

    Parameters
    ----------
    printing : Scan, NeutralScan, Projection or PaperPrint
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

    Raises
    ------
    ValueError
        If the positive is a transparency, which nobody prints.
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
                np.polynomial.polynomial.polyval(value - d_min, row)
                for value, d_min, row in zip(values, printing.d_min, printing.balance, strict=True)
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
    if isinstance(printing, PaperPrint):
        before, after = seen_light(np.array(densities), printing.enlarger)
        weights = np.array(printing.enlarger.weights) * (before / after)[:, None]
        return replace(printing, enlarger=replace(printing.enlarger, weights=as_rows(weights)))
    raise ValueError("auto_balance is for a negative's scan or print; a transparency has none")


def finished(
    printing: Scan | Projection | PaperPrint,
    developed: Development,
    mid: float,
    *,
    gain: tuple[float, ...] = (1.0,),
    contrast: float = 1.0,
    black_point: float | None = None,
    white_point: float | None = None,
) -> Scan | Projection | PaperPrint:
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
        If a point is not darker, or not lighter, than mid-grey in this positive.
    """
    plain = Finish(gain=gain, contrast=contrast)
    toned = printing if plain == Finish() else replace(printing, finish=plain)

    def light_at(stops: float) -> Floats:
        density = np.array([[[read(curve, mid + stops * LOG10_2)]] for curve in developed.curves])
        light: Floats = make_positive(density, toned)[:, 0, 0]
        return light

    # Black in every channel, and white in every channel, whatever the tint there.
    black = 0.0 if black_point is None else float(light_at(black_point).max())
    white = 1.0 if white_point is None else float(light_at(white_point).min())
    if (black, white) == (0.0, 1.0):
        return toned
    for name, value, fits in (
        ("black_point", black_point, black < MID_GREY),
        ("white_point", white_point, white > MID_GREY),
    ):
        if not fits:
            raise ValueError(f"{name} must be farther from mid-grey for this stock, got {value}")
    return replace(printing, finish=replace(plain, black=black, white=white))


def fit_light(
    dyes: DyeSet,
    samples: Floats,
    xyz_of_density: Callable[[Floats], Floats],
    *,
    gain: float = 1.0,
    wavelengths: NDArray[np.intp] = WAVELENGTHS,
) -> Light:
    """Fit a viewer's light in linear sRGB to the spectral reference over sampled densities."""
    spectral, base = dyes.affine()
    spectral, base = gain * spectral[wavelengths], gain * (base - dyes.base)[wavelengths]
    samples = np.vstack([samples, np.tile(dyes.d_min, (BASE_SAMPLES, 1))])
    xyz_weights = fit_weights(10.0 ** -(samples @ spectral.T + base), xyz_of_density(samples))
    weights = SRGB_OF_RELATIVE_XYZ @ xyz_weights
    return Light(spectral=as_rows(spectral), base=tuple(base.tolist()), weights=as_rows(weights))


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


def seen_light(density: Floats, light: Light) -> Floats:
    """What receivers (n, 3) get of the light through densities (n, 3), in float64."""
    received: Floats = see(density.T[:, np.newaxis, :], light)[:, 0, :].T
    return received


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


def exposed_densities(curves: tuple[Curve, ...], mid: float | Floats) -> Floats:
    """Densities (n, 3) of layers exposed from 6 stops under to 6 over, each on its own."""
    stops = np.linspace(-6.0, 6.0, 13) * LOG10_2
    axes = [
        read(curve, centre + stops)
        for curve, centre in zip(curves, np.broadcast_to(mid, len(curves)), strict=True)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)

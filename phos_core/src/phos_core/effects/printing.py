"""Printing: density becomes light again, in a laboratory scan, on paper or through a projector."""

import math
from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, clipped, mix, per_layer
from phos_core.color import luminance
from phos_core.density_curve import Curve, evaluate, polynomial

__all__ = [
    "Finish",
    "Light",
    "NeutralScan",
    "PaperPrint",
    "Printing",
    "Projection",
    "Scan",
    "Transmission",
    "held_in_gamut",
    "into_gamut",
    "make_positive",
    "make_wide_positive",
    "see",
]

LN10 = math.log(10.0)
LEAST_LIGHT = 1e-6  # far below what a code of 16 bits tells from black
MOST_POWER = 10.0  # our choice: white nearer to mid-grey leaves nothing between them
MOST_SHARE = 1e3  # of white: its greatest power is within single precision
SHOULDER = 0.9  # our choice: light of a scan from which on it rolls off towards white
GAMUT_THRESHOLD = 0.9  # our choice: share of the way from grey to the gamut's edge that is kept

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What an operator does to a positive whose colours stand: its tone, its black and white.

    Parameters
    ----------
    gain : tuple of float
        Factor of the light in each channel.
    contrast : float
        Exponent of the light around mid-grey, which stays.
    black, white : float
        Light that becomes 0 and 1.
    mid_grey : float
        Light that is a mid-grey before and after.
    """

    gain: tuple[float, ...] = (1.0,)
    contrast: float = 1.0
    black: float = 0.0
    white: float = 1.0
    mid_grey: float = 0.18

    def __post_init__(self) -> None:
        if not all(factor > 0 for factor in self.gain):
            raise ValueError(f"gain must be positive, got {self.gain}")
        if not self.contrast > 0:
            raise ValueError(f"contrast must be positive, got {self.contrast}")
        if not self.black < self.mid_grey < self.white:
            raise ValueError(
                f"mid_grey must lie between black and white, got {self.black}, {self.mid_grey} "
                f"and {self.white}"
            )
        if not self.power <= MOST_POWER:
            raise ValueError(
                f"white {self.white} lies too near mid-grey {self.mid_grey} for a black of "
                f"{self.black}"
            )

    @property
    def power(self) -> float:
        """Exponent that leaves mid-grey where it is between black and white."""
        rise = math.log((self.white - self.black) / (self.mid_grey - self.black))
        return -math.log(self.mid_grey) / rise if rise > 0.0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan of a negative by a device: what its three bands read, in one tone for all stocks.

    Parameters
    ----------
    decades : tuple of tuple of float
        One row per channel: decades of light, in the shadows, per unit of each layer's density.
    offset : tuple of float
        Per channel the decades at density 0; mid-grey is where decades are 0.
    mid_grey : float
        Light that a mid-grey becomes.
    white : float
        A light of 1, as a share of what the tone saturates at.
    finish : Finish or None
        What the operator changes; None: nothing.
    """

    decades: Rows
    offset: tuple[float, ...]
    mid_grey: float
    white: float
    finish: Finish | None = None

    def __post_init__(self) -> None:
        if len(self.offset) != len(self.decades):
            raise ValueError(
                f"offset must have one number per row of decades ({len(self.decades)}), "
                f"got {len(self.offset)}"
            )
        if not 0.0 < self.mid_grey < 1.0:
            raise ValueError(f"mid_grey must lie between 0 and 1, got {self.mid_grey}")
        if not 0.0 < self.white < 1.0:
            raise ValueError(f"white must lie between 0 and 1, got {self.white}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeutralScan:
    """A scan of a negative that is balanced on every step of the stock's neutral ramp.

    Parameters
    ----------
    d_min : tuple of float
        Density of the unexposed film, one per layer.
    balance : tuple of tuple of float
        Per layer a polynomial, lowest order first, from net density to the printing density that
        the same grey has in the layer that sets the tone.
    matrix : tuple of tuple of float
        Mixes the layers' printing densities; rows sum to 1, so greys stay.
    contrast : float
        Decades of light per unit of printing density, in the shadows.
    mid_grey_density : float
        Printing density of a mid-grey.
    mid_grey : float
        Light that a mid-grey becomes.
    black : float
        Printing density that becomes no light.
    white : float
        Printing density that becomes a light of 1; infinite: white is approached but never
        passed.
    """

    d_min: tuple[float, ...]
    balance: Rows
    matrix: Rows
    contrast: float
    mid_grey_density: float
    mid_grey: float
    black: float
    white: float = math.inf

    def __post_init__(self) -> None:
        if not 0 < self.mid_grey < 1:
            raise ValueError(f"mid_grey must lie between 0 and 1, got {self.mid_grey}")
        if not self.contrast > 0:
            raise ValueError(f"contrast must be positive, got {self.contrast}")
        for row in self.matrix:
            if not abs(sum(row) - 1.0) <= 1e-6:
                raise ValueError(f"each row of matrix must sum to 1, got {row}")
        if not self.black < self.mid_grey_density < self.white:
            raise ValueError(
                f"mid_grey_density must lie between black {self.black} and white {self.white}, "
                f"got {self.mid_grey_density}"
            )
        if not _odds(self) > 0:
            raise ValueError(
                f"black {self.black} or white {self.white} lies too near mid-grey "
                f"{self.mid_grey_density} for a contrast of {self.contrast:.3g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The light that comes through, or back from, dyed layers: Beer-Lambert at few wavelengths.

    Parameters
    ----------
    spectral : tuple of tuple of float
        One row per wavelength: spectral density per unit of each layer's density.
    base : tuple of float
        Spectral density at each wavelength where the layers' densities are all zero.
    weights : tuple of tuple of float
        One row per receiver: what light at each wavelength adds to it.
    """

    spectral: Rows
    base: tuple[float, ...]
    weights: Rows

    def __post_init__(self) -> None:
        wavelengths = len(self.spectral)
        if len(self.base) != wavelengths or any(len(row) != wavelengths for row in self.weights):
            raise ValueError(
                f"base and each row of weights must have one entry per row of spectral "
                f"({wavelengths}), got {len(self.base)} and {[len(row) for row in self.weights]}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A transparency seen against a light, scanned so that its base is white.

    Parameters
    ----------
    balance : tuple of tuple of float
        Per layer a polynomial, lowest order first, from density to the density a grey needs.
    light : Light
        From the balanced densities to linear sRGB.
    white : float
        Light that is shown as white: the base is 1, and is approached.
    finish : Finish or None
        What the operator changes; None: nothing.
    """

    balance: Rows
    light: Light
    white: float = 1.0
    finish: Finish | None = None

    def __post_init__(self) -> None:
        _check_white(self.white)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPrint:
    """An optical print of a negative on paper, or on print film that is then projected.

    Parameters
    ----------
    paper : str
        The name of the paper or print film.
    enlarger : Light
        From the negative's densities to the exposure of the paper's layers, printer lights
        included.
    curves : tuple of Curve
        The paper's characteristic curves: three, or one of a black-and-white paper.
    light : Light
        From the paper's densities to linear sRGB, or to one channel.
    surround : float
        Exponent of luminance for the surround in which the print is seen; 1: that of the
        picture's display.
    white : float
        Light that is shown as white: the paper's own is 1, and is approached.
    finish : Finish or None
        What the operator changes; None: nothing.
    """

    paper: str
    enlarger: Light
    curves: tuple[Curve, ...]
    light: Light
    surround: float = 1.0
    white: float = 1.0
    finish: Finish | None = None

    def __post_init__(self) -> None:
        if not self.surround > 0:
            raise ValueError(f"surround must be positive, got {self.surround}")
        _check_white(self.white)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """A negative as a printer sees it: no positive, but the light that it lets through.

    Parameters
    ----------
    light : Light
        From the negative's densities to the light that each layer of a print film receives, of
        unexposed film 1.
    """

    light: Light


def _check_white(white: float) -> None:
    if not 0.0 < white <= 1.0:
        raise ValueError(f"white must be more than 0 and at most 1, got {white}")


Printing = Scan | NeutralScan | Projection | PaperPrint | Transmission


def make_positive(density: Array, params: Printing) -> Array:
    """Turn the developed film into a positive picture.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the developed film.
    params : Scan, NeutralScan, Projection, PaperPrint or Transmission
        How the stock is printed.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white stock
        Display-linear sRGB; neither clipped nor coded. What a `Finish` changes of a colour beyond
        sRGB, it changes of what sRGB holds of it.
    """
    light, finish = unfinished(density, params)
    return light if finish is None else finished(light, finish)


def make_wide_positive(density: Array, params: Printing) -> Array:
    """Turn the developed film into a positive picture whose colours may lie beyond sRGB.

    Parameters
    ----------
    density, params
        As for `make_positive`.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white stock
        As `make_positive` gives it within sRGB; negative components for what lies beyond.
    """
    light, finish = unfinished(density, params)
    return light if finish is None else finished_beyond(light, finish)


def unfinished(density: Array, params: Printing) -> tuple[Array, Finish | None]:
    """The light of a positive as it was scanned, projected or printed, and its finish to come."""
    match params:
        case NeutralScan():
            return neutral_scan(density, params), None
        case Transmission():
            return see(density, params.light), None
        case Scan():
            return scan(density, params), params.finish
        case Projection():
            return project(density, params), params.finish
        case PaperPrint():
            return print_on_paper(density, params), params.finish


def finished(light: Array, params: Finish) -> Array:
    """Change the tone of a positive, and set its black and its white.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light.
    params : Finish
        What changes.

    Returns
    -------
    array
        The same shape.

    Notes
    -----
    With g the gain, c the contrast, m mid-grey, b and w the lights of black and white,

        L' = ((m^(1 - c) (g L)^c - b) / (w - b))^p,   p = log m / log((m - b) / (w - b))

    so that mid-grey stays, whatever the contrast and the two points are. What lies below black
    counts as black, and what lies a thousandfold above white as that.
    """
    xp = array_namespace(light)
    toned = light * per_layer(params.gain, light)
    if params.contrast != 1.0:
        toned = xp.pow(clipped(toned, LEAST_LIGHT), params.contrast)
        toned *= params.mid_grey ** (1.0 - params.contrast)
    if (params.black, params.white) == (0.0, 1.0):
        return toned
    share = (toned - params.black) * (1.0 / (params.white - params.black))
    return xp.pow(clipped(share, 0.0, MOST_SHARE), params.power)


def finished_beyond(light: Array, params: Finish) -> Array:
    """Do as `finished` to colours that may lie beyond sRGB.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light, of any sign.
    params : Finish
        What changes.

    Returns
    -------
    array
        The same shape.

    Notes
    -----
    What lies within sRGB is finished; what lies beyond follows it with one gain, that of its
    luminance. With c the colour without its negative components, f the law of `finished` and Y
    the luminance,

        L' = f(c) + (L - c) Y(f(c)) / Y(c)
    """
    if light.shape[0] == 1:
        return finished(light, params)
    inside = clipped(light, 0.0)
    toned = finished(inside, params)
    gain = luminance(toned) / clipped(luminance(inside), LEAST_LIGHT)
    return toned + (light - inside) * gain


def scan(density: Array, params: Scan) -> Array:
    """Scan a negative by a device.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : Scan
        What the device's bands make of the densities, and its tone.

    Returns
    -------
    array, shape (layers, rows, cols)
        Display-linear light, which approaches 1 and never passes it.

    Notes
    -----
    With K the decades per density, o their offset, w the white, m mid-grey and D the densities,

        q = (w m / (1 - w m)) 10^(K D + o),   L = (q / (1 + q)) / w

    a power law in the shadows that saturates at 1 / w. Above t = 0.9 a shoulder leads on towards
    1: with e = L - t,

        L' = t + e c / (e + c),   c = (1 / w - t) (1 - t) / (1 / w - 1)

    which starts with the slope 1 and gives 1 where L saturates.
    """
    xp = array_namespace(density)
    mid = params.white * params.mid_grey
    odds = mid / (1.0 - mid)
    light = mix(density, [[-LN10 * weight for weight in row] for row in params.decades])
    light -= per_layer([LN10 * offset + math.log(odds) for offset in params.offset], density)
    return rolled_off((1.0 / params.white) / (1.0 + xp.exp(light)), 1.0 / params.white)


def rolled_off(light: Array, most: float) -> Array:
    """Bring light that saturates at more than 1 to 1, by the shoulder of `scan`; writes to it."""
    room = (most - SHOULDER) * (1.0 - SHOULDER) / (most - 1.0)
    over = clipped(light - SHOULDER, 0.0)
    light -= over * (over / (over + room))
    return light


def shown(light: Array, white: float) -> Array:
    """Show a slide or a print with this light of its own as white."""
    return light if white == 1.0 else rolled_off(light * (1.0 / white), 1.0 / white)


def neutral_scan(density: Array, params: NeutralScan) -> Array:
    """Scan a negative, every step of its neutral ramp grey.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : NeutralScan
        The scan's balance and tone.

    Returns
    -------
    array, shape (layers, rows, cols)
        Display-linear light: 0 at the black point, towards 1 in the highlights.

    Notes
    -----
    With p the balanced printing density, p_m that of mid-grey m, and k the contrast,

        L = 1 / (1 + 10^(-k (p - p_m)) (1 - m) / m)

    a power law in the shadows that rolls off towards white; the light at the black point is
    subtracted and the rest scaled so that the white point is 1. The odds m / (1 - m) are those
    with which mid-grey is still m then.
    """
    xp = array_namespace(density)
    printing_density = polynomial(density - per_layer(params.d_min, density), params.balance)
    odds = _odds(params)
    black = _share(odds * _ratio(params, params.black))
    white = _share(odds * _ratio(params, params.white))
    rate = params.contrast * LN10
    offset = rate * params.mid_grey_density - math.log(odds)
    light = mix(printing_density, [[-rate * weight for weight in row] for row in params.matrix])
    light = xp.exp(light + offset)
    light += 1.0
    light = (1.0 / (white - black)) / light
    light -= black / (white - black)
    return light


def _ratio(params: NeutralScan, printing_density: float) -> float:
    """Odds at a printing density over those at mid-grey."""
    decades = params.contrast * (printing_density - params.mid_grey_density)
    return math.inf if decades > 300.0 else float(10.0**decades)


def _share(odds: float) -> float:
    """Light of these odds."""
    return 1.0 - 1.0 / (1.0 + odds)


def _odds(params: NeutralScan) -> float:
    """Odds of mid-grey with which it stays mid-grey between the black and the white point."""
    black = _ratio(params, params.black)
    over_white = 1.0 / _ratio(params, params.white)
    span = params.mid_grey * (1.0 - over_white * black)
    least = 1.0 - black
    return (span - over_white * least) / (least - span) if least > span else -1.0


def project(density: Array, params: Projection) -> Array:
    """See a transparency against its own base.

    Parameters
    ----------
    density : array, shape (3, rows, cols)
        Density of the transparency.
    params : Projection
        The stock's balance and spectral closed form.

    Returns
    -------
    array, shape (3, rows, cols)
        Display-linear sRGB: it approaches 1 towards the base.

    Notes
    -----
    See `see` for the law. The balance is what a scan's operator does: the stock's own neutral
    ramp comes out grey at every step.
    """
    return shown(see(polynomial(density, params.balance), params.light), params.white)


def print_on_paper(density: Array, params: PaperPrint) -> Array:
    """Print a negative on paper or print film.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : PaperPrint
        The enlarger's and the paper's closed forms.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) of black-and-white paper
        Display-linear sRGB: it approaches 1 towards the paper's own white.

    Notes
    -----
    A print projected in the dark looks less contrasty than the same light on a display in a
    room. With Y the luminance and s the surround's exponent, light L becomes L Y^(s - 1): the
    luminance takes the exponent, hue and saturation stay.
    """
    xp = array_namespace(density)
    exposed = xp.log10(see(density, params.enlarger))
    light = see(evaluate(params.curves, exposed), params.light)
    if params.surround != 1.0:
        seen = clipped(luminance(light), LEAST_LIGHT)
        light = light * xp.pow(seen, params.surround - 1.0)
    return shown(light, params.white)


def into_gamut(
    light: Array,
    weights: tuple[float, float, float] | None = None,
    threshold: float = GAMUT_THRESHOLD,
) -> Array:
    """Move colours outside the gamut towards the grey of their own luminance.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light in the primaries of the gamut; one channel is left alone.
    weights : tuple of float, optional
        Luminance of each primary; by default sRGB's.
    threshold : float
        Share of the way from grey to the gamut's edge that is kept.

    Returns
    -------
    array
        The same shape, from 0 to 1 wherever the luminance is.

    Notes
    -----
    With Y the luminance, how far a colour is on its way from grey to the edge of the gamut is

        d = max((Y - min L) / Y, (max L - Y) / (1 - Y))

    and 1 at the edge. Beyond the threshold t it is brought nearer, to

        d' = t + c e / (e + c),   e = d - t,  c = 1 - t

    which starts with the slope 1, rises with d and stays below 1; then L' = Y + (L - Y) d' / d.
    Luminance and hue (the direction from grey in linear light) stay, and greys are left alone.
    """
    if light.shape[0] == 1:
        return light
    grey = luminance(light, weights)
    beyond = way_to_edge(light, grey)
    beyond -= threshold
    beyond = clipped(beyond, 0.0)
    # 1 - e^2 / ((e + c) (e + t)), with c + t = 1
    kept = beyond + threshold * (1.0 - threshold)
    beyond *= beyond
    beyond += kept
    kept /= beyond
    mapped = light - grey
    mapped *= kept
    mapped += grey
    return mapped


def held_in_gamut(light: Array, weights: tuple[float, float, float] | None = None) -> Array:
    """Bring colours outside the gamut to its edge, towards the grey of their own luminance.

    Parameters
    ----------
    light : array, shape (3, rows, cols)
        Display-linear light in the primaries of the gamut.
    weights : tuple of float, optional
        Luminance of each primary; by default sRGB's.

    Returns
    -------
    array
        The same shape, from 0 to 1 wherever the luminance is.

    Notes
    -----
    With Y the luminance and d as in `into_gamut`, L' = Y + (L - Y) / max(d, 1). Unlike there,
    every colour within the gamut is left alone.
    """
    grey = luminance(light, weights)
    return grey + (light - grey) / clipped(way_to_edge(light, grey), 1.0)


def way_to_edge(light: Array, grey: Array) -> Array:
    """How far colours are on the way from their grey to the edge of the gamut, 1 at the edge."""
    xp = array_namespace(light)
    red, green, blue = light[:1, ...], light[1:2, ...], light[2:, ...]
    beyond = (grey - xp.minimum(xp.minimum(red, green), blue)) / clipped(grey, LEAST_LIGHT)
    over = xp.maximum(xp.maximum(red, green), blue) - grey
    over /= clipped(1.0 - grey, LEAST_LIGHT)
    return xp.maximum(beyond, over)


def see(density: Array, params: Light) -> Array:
    """Give what receivers get of the light that layers of these densities let through.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of each layer.
    params : Light
        The closed form.

    Returns
    -------
    array, shape (receivers, rows, cols)
        Light.

    Notes
    -----
    With A the spectral densities of the layers, b those of the base and W the weights,

        L = W 10^-(A D + b)

    The Beer-Lambert law at a few wavelengths; W makes up for those in between.
    """
    xp = array_namespace(density)
    received = per_layer(list(zip(*params.weights, strict=True)), density)

    def at(wavelength: int) -> Array:
        row, base = params.spectral[wavelength], params.base[wavelength]
        through = mix(density, [[-LN10 * value for value in row]])
        through -= LN10 * base
        return xp.exp(through) * received[wavelength, ...]

    # One wavelength after another: an array of all of them would be the largest by far.
    light = at(0)
    for wavelength in range(1, len(params.base)):
        light += at(wavelength)
    return light

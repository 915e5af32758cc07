"""Printing: density becomes light again, in a laboratory scan, on paper or through a projector."""

import math
from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, mix, per_layer
from phos_core.curve import Curve, evaluate, polynomial

__all__ = ["Light", "PaperPrint", "Printing", "Projection", "Scan", "make_positive", "see"]

LN10 = math.log(10.0)

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A laboratory's scan of a negative, balanced on the stock's neutral ramp.

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
    """

    d_min: tuple[float, ...]
    balance: Rows
    matrix: Rows
    contrast: float
    mid_grey_density: float
    mid_grey: float
    black: float

    def __post_init__(self) -> None:
        if not 0 < self.mid_grey < 1:
            raise ValueError(f"mid_grey must lie between 0 and 1, got {self.mid_grey}")
        if not self.contrast > 0:
            raise ValueError(f"contrast must be positive, got {self.contrast}")
        for row in self.matrix:
            if not abs(sum(row) - 1.0) <= 1e-6:
                raise ValueError(f"each row of matrix must sum to 1, got {row}")
        if not self.mid_grey + _step(self) < 1:
            raise ValueError(
                f"black must lie well below mid_grey_density {self.mid_grey_density}, "
                f"got {self.black}"
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
    """

    balance: Rows
    light: Light


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPrint:
    """An optical print of a negative on colour paper, seen under daylight.

    Parameters
    ----------
    paper : str
        The paper's name.
    enlarger : Light
        From the negative's densities to the exposure of the paper's layers, printer lights
        included.
    curves : tuple of Curve
        The paper's characteristic curves.
    light : Light
        From the paper's densities to linear sRGB.
    """

    paper: str
    enlarger: Light
    curves: tuple[Curve, ...]
    light: Light


Printing = Scan | Projection | PaperPrint


def make_positive(density: Array, params: Printing) -> Array:
    """Turn the developed film into a positive picture.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the developed film.
    params : Scan, Projection or PaperPrint
        How the stock is printed.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white scan
        Display-linear sRGB; neither clipped nor coded.
    """
    match params:
        case Scan():
            return scan(density, params)
        case Projection():
            return project(density, params)
        case PaperPrint():
            return print_on_paper(density, params)


def scan(density: Array, params: Scan) -> Array:
    """Scan a negative.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : Scan
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
    subtracted and the rest scaled back to 1.
    """
    xp = array_namespace(density)
    printing_density = polynomial(density - per_layer(params.d_min, density), params.balance)
    odds, black = black_point(params)
    rate = params.contrast * LN10
    offset = rate * params.mid_grey_density - math.log(odds)
    light = mix(printing_density, [[-rate * weight for weight in row] for row in params.matrix])
    light = xp.exp(light + offset)
    light += 1.0
    light = (1.0 / (1.0 - black)) / light
    light -= black / (1.0 - black)
    return light


def _step(params: Scan) -> float:
    """Odds at the black point over those at mid-grey."""
    return float(10.0 ** (params.contrast * (params.black - params.mid_grey_density)))


def black_point(params: Scan) -> tuple[float, float]:
    """Odds m / (1 - m) of mid-grey, and light at the black point, before it is subtracted."""
    step = _step(params)
    # Chosen so that mid-grey is still m once the black point's light is taken off.
    odds = params.mid_grey / (1.0 - params.mid_grey - step)
    return odds, odds * step / (1.0 + odds * step)


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
        Display-linear sRGB: 1 at the base.

    Notes
    -----
    See `see` for the law. The balance is what a scan's operator does: the stock's own neutral
    ramp comes out grey at every step.
    """
    return see(polynomial(density, params.balance), params.light)


def print_on_paper(density: Array, params: PaperPrint) -> Array:
    """Print a negative on colour paper.

    Parameters
    ----------
    density : array, shape (3, rows, cols)
        Density of the negative.
    params : PaperPrint
        The enlarger's and the paper's closed forms.

    Returns
    -------
    array, shape (3, rows, cols)
        Display-linear sRGB: 1 at the paper's own white.
    """
    exposed = array_namespace(density).log10(see(density, params.enlarger))
    return see(evaluate(params.curves, exposed), params.light)


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

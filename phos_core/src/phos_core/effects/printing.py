"""Printing: a negative on paper, or on print film that is then projected."""

from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, clipped
from phos_core.color import luminance
from phos_core.density_curve import Curve, evaluate
from phos_core.dyed_light import Light, see
from phos_core.tone import LEAST_LIGHT, Finish, check_white, shown

__all__ = ["PaperPrint", "print_beyond_white", "print_on_paper"]


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
        check_white(self.white)


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
    return shown(on_paper(density, params), params.white)


def print_beyond_white(density: Array, params: PaperPrint) -> Array:
    """Print a negative; the paper's own white is brighter than what is shown as white.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the negative.
    params : PaperPrint
        The enlarger's and the paper's closed forms.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) of black-and-white paper
        Display-linear sRGB, as `print_on_paper` gives it up to 0.9; towards the paper's own white
        it approaches 1 / white.
    """
    return on_paper(density, params) * (1.0 / params.white)


def on_paper(density: Array, params: PaperPrint) -> Array:
    """The light of a print, of its paper 1."""
    xp = array_namespace(density)
    exposed = xp.log10(see(density, params.enlarger))
    light = see(evaluate(params.curves, exposed), params.light)
    if params.surround != 1.0:
        seen = clipped(luminance(light), LEAST_LIGHT)
        light = light * xp.pow(seen, params.surround - 1.0)
    return light

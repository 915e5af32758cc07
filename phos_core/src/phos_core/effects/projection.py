"""Projection: film seen against a light, a transparency or a negative as a printer sees it."""

from dataclasses import dataclass

from phos_core.arrays import Array
from phos_core.density_curve import polynomial
from phos_core.dyed_light import Light, see
from phos_core.tone import Finish, check_white, shown

__all__ = [
    "Projection",
    "Transmission",
    "project",
    "project_beyond_white",
]

Rows = tuple[tuple[float, ...], ...]


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
        check_white(self.white)


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
    return shown(through(density, params), params.white)


def project_beyond_white(density: Array, params: Projection) -> Array:
    """See a transparency as it is projected: its base brighter than what is shown as white.

    Parameters
    ----------
    density : array, shape (3, rows, cols)
        Density of the transparency.
    params : Projection
        The stock's balance and spectral closed form.

    Returns
    -------
    array, shape (3, rows, cols)
        Display-linear sRGB, as `project` gives it up to 0.9; towards the base it approaches
        1 / white.
    """
    return through(density, params) * (1.0 / params.white)


def through(density: Array, params: Projection) -> Array:
    """The light that comes through a transparency, of its base 1."""
    return see(polynomial(density, params.balance), params.light)

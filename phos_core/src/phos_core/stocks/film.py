"""Films: a stock's frozen record of what each step needs, and the same at another strength."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from phos_core.effects.couplers import Couplers
from phos_core.effects.development import Development
from phos_core.effects.exposure import Exposure
from phos_core.effects.grain import Grain
from phos_core.effects.halation import Halation, halation_reach_um
from phos_core.effects.scatter import Scatter
from phos_core.positive import Printing
from phos_core.stocks.data_sheet import Provenance

__all__ = ["FILM_FORMATS_UM", "RUNS_LENGTHWISE", "Dyes", "Film", "at_strength", "colour_only"]

FILM_FORMATS_UM: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "135": (36_000.0, 24_000.0),
        "half-frame": (24_000.0, 18_000.0),
        "120-645": (56_000.0, 41_500.0),
        "120-66": (56_000.0, 56_000.0),
        "120-67": (70_000.0, 56_000.0),
        "120-69": (84_000.0, 56_000.0),
        "super-8": (5_790.0, 4_010.0),
        "16mm": (10_260.0, 7_490.0),
        "super-16": (12_520.0, 7_410.0),
        "academy": (21_950.0, 16_000.0),
        "super-35": (24_890.0, 18_660.0),
        "vistavision": (37_720.0, 24_920.0),
        "65mm": (52_630.0, 23_010.0),
        "imax": (70_410.0, 52_630.0),
        "4x5": (121_000.0, 96_000.0),
    }
)
"""Image area of each film format: long and short side, in um.

Of motion pictures it is the camera's aperture (docs/sources.md, "film-formats"). A wider picture,
such as 16:9, has the frame's width, and its height is what its own shape makes it.
"""

RUNS_LENGTHWISE = frozenset({"135", "120-67", "120-69", "vistavision", "imax"})
"""Formats whose film runs along the frame's long side; of the others along the short one."""

REACH_SIGMAS = 6.0  # our choice: farther from a Gaussian lies 1.5e-8 of it, less than is computed
NO_SPREAD_UM = 0.01  # a Gaussian that no pixel tells from a point

Effect = TypeVar("Effect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dyes:
    """What the dyes of a developed stock absorb, at the wavelengths of `spectra.WAVELENGTH_NM`.

    Parameters
    ----------
    spectral : tuple of tuple of float
        One row per wavelength: spectral density per unit of each layer's density.
    base : tuple of float
        Spectral density at each wavelength where the layers' densities are all zero.
    d_min : tuple of float
        Density of each layer of the unexposed film.
    """

    spectral: tuple[tuple[float, ...], ...]
    base: tuple[float, ...]
    d_min: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film stock: one record per step, ready to use.

    `dataclasses.replace` makes a variant; a step's record may be replaced likewise.

    Parameters
    ----------
    name, label, description : str
        Short name, full name, one line about its character.
    kind : str
        ``"negative"``, ``"reversal"`` or ``"black-and-white"``.
    iso_speed : float
        Speed at which mid-grey is exposed.
    exposure : Exposure
        Spectral response and speed.
    scatter : Scatter or None
        Light spreading in the emulsion.
    halation : Halation or None
        Light returned by the base.
    couplers : Couplers or None
        Inhibition between layers and neighbours.
    development : Development
        Characteristic curves.
    grain : Grain or None
        Granularity, as the scanner sees it.
    printing : Scan, NeutralScan, Projection, PaperPrint or Transmission
        How it becomes a positive.
    provenance : mapping of str to Provenance
        Source and status (published, digitised or estimated) of each table of the stock's file.
    aperture_um : float
        Standard deviation of the Gaussian by which the scanner blurs the film, in um; 0: none.
    process_version : int
        Version of the process that it was loaded for, as `Treatment` says.
    dyes : Dyes or None
        Of a colour negative; None: nobody asks for them.
    """

    name: str
    label: str
    description: str
    kind: str
    iso_speed: float
    exposure: Exposure
    scatter: Scatter | None
    halation: Halation | None
    couplers: Couplers | None
    development: Development
    grain: Grain | None
    printing: Printing
    provenance: Mapping[str, Provenance] = field(repr=False)
    aperture_um: float = 0.0
    process_version: int = 2
    dyes: Dyes | None = field(default=None, repr=False)

    @property
    def reach_um(self) -> float:
        """Distance on the film, in um, beyond which no point of the picture acts on another."""
        return self.light_reach_um + self.coupler_reach_um

    @property
    def light_reach_um(self) -> float:
        """Distance, in um, to which light spreads in the film: scatter, and halation after it."""
        reach_um = halation_reach_um(self.halation) if self.halation else 0.0
        sigma_um = self.aperture_um
        if self.scatter:
            widest_um = max(sigma for layer in self.scatter.layers for _, sigma in layer)
            sigma_um = math.hypot(sigma_um, widest_um)
        return reach_um + REACH_SIGMAS * sigma_um

    @property
    def coupler_reach_um(self) -> float:
        """Distance, in um, to which the inhibitor of the couplers spreads."""
        if self.couplers is None:
            return 0.0
        return REACH_SIGMAS * max(sigma for _, sigma in self.couplers.diffusion)


def at_strength(
    film: Film,
    *,
    scatter: float = 1.0,
    halation: float = 1.0,
    couplers: float = 1.0,
    grain: float = 1.0,
) -> Film:
    """Make effects of a stock weaker or stronger.

    Parameters
    ----------
    film : Film
        The stock.
    scatter : float
        Share of the light that the emulsion scatters as the stock does, 0 to 1.
    halation : float
        Factor of the light that the base returns.
    couplers : float
        Factor of the inhibition.
    grain : float
        Factor of the RMS granularity.

    Returns
    -------
    Film
        With 1 everywhere the same; an effect of 0 is left out.
    """
    if scatter == halation == couplers == grain == 1.0:
        return film
    return replace(
        film,
        scatter=_scaled(film.scatter, scatter, _scatter_at),
        halation=_scaled(film.halation, halation, _halation_at),
        couplers=_scaled(film.couplers, couplers, _couplers_at),
        grain=_scaled(film.grain, grain, _grain_at),
    )


def colour_only(film: Film) -> Film:
    """Leave out of a stock what a lookup table cannot hold: all that acts from point to point.

    Parameters
    ----------
    film : Film
        The stock.

    Returns
    -------
    Film
        Without scatter, halation and grain; its inhibitor stays where it is released.
    """
    couplers = film.couplers and replace(film.couplers, diffusion=((1.0, NO_SPREAD_UM),))
    return replace(
        film, scatter=None, aperture_um=0.0, halation=None, grain=None, couplers=couplers
    )


def _scaled(
    effect: Effect | None, factor: float, scale: Callable[[Effect, float], Effect]
) -> Effect | None:
    """An effect at a strength; the same at 1, and none at 0."""
    if effect is None or factor == 1.0:
        return effect
    return scale(effect, factor) if factor else None


def _scatter_at(effect: Scatter, share: float) -> Scatter:
    return Scatter(
        layers=tuple(
            (
                *((share * weight, sigma_um) for weight, sigma_um in layer),
                (1.0 - share, NO_SPREAD_UM),
            )
            for layer in effect.layers
        )
    )


def _halation_at(effect: Halation, factor: float) -> Halation:
    return replace(effect, coupling=tuple(factor * share for share in effect.coupling))


def _couplers_at(effect: Couplers, factor: float) -> Couplers:
    rows = tuple(tuple(factor * shift for shift in row) for row in effect.inhibition)
    return replace(effect, inhibition=rows)


def _grain_at(effect: Grain, factor: float) -> Grain:
    rows = tuple(tuple(factor * term for term in row) for row in effect.rms_coefficients)
    return replace(effect, rms_coefficients=rows)

"""Academy printing density: what a printer sees of a colour negative."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phos_core.dyed_light import Light
from phos_core.effects.development import Development
from phos_core.effects.projection import Transmission
from phos_core.once import once
from phos_core.stocks.baking.dyed_light import exposed_densities
from phos_core.stocks.baking.light import as_rows
from phos_core.stocks.film import Dyes, Film
from phos_core.stocks.spectra import WAVELENGTH_NM

__all__ = ["as_negative", "responsivities"]

Floats = NDArray[np.float64]

STEP_NM = 5.0
# The fewest that stay within 0.001 of the density that all wavelengths give.
WAVELENGTHS = np.flatnonzero((WAVELENGTH_NM >= 400) & ((WAVELENGTH_NM - 400) % 15 == 0))


def as_negative(film: Film) -> Film:
    """Give a film whose positive is the negative itself, as a printer sees it.

    Parameters
    ----------
    film : Film
        A colour negative.

    Returns
    -------
    Film
        Its printing is a `Transmission`: a density of that is Academy printing density over the
        unexposed film.

    Raises
    ------
    ValueError
        If the film is no colour negative.
    """
    if film.dyes is None:
        raise ValueError(
            f"{film.name} is no colour negative with dyes, so it has no printing densities"
        )
    mid = math.log10(film.exposure.mid_grey_lx_s)
    return replace(film, printing=transmission(film.dyes, film.development, mid))


@once(maxsize=64)
def transmission(dyes: Dyes, development: Development, mid: float) -> Transmission:
    """Fit what a printer sees of a negative to its spectral densities, around a mid-grey."""
    samples = exposed_densities(development.curves, mid)
    samples = np.vstack([samples, dyes.d_min])
    spectral, base = np.array(dyes.spectral), np.array(dyes.base)
    received = 10.0 ** -(samples @ spectral.T + base) @ responsivities().T
    through = 10.0 ** -(samples @ spectral[WAVELENGTHS].T + base[WAVELENGTHS])
    # What counts is the density, so the error relative to the light.
    weights = [
        np.linalg.lstsq(through / light[:, np.newaxis], np.ones(len(light)), rcond=None)[0]
        / light[-1]
        for light in received.T
    ]
    return Transmission(
        light=Light(
            spectral=as_rows(spectral[WAVELENGTHS]),
            base=tuple(base[WAVELENGTHS].tolist()),
            weights=as_rows(np.array(weights)),
        )
    )


@once()
def responsivities() -> Floats:
    """Give the spectral responsivities of Academy printing density.

    Returns
    -------
    ndarray, shape (3, 71)
        Of red, green and blue at `WAVELENGTH_NM`; each sums to 1. Spectra are taken as straight
        between these wavelengths.

    References
    ----------
    docs/sources.md: academy-printing-density.
    """
    text = (Path(__file__).parent / "data" / "apd.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")][1:]
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    at = np.clip(table[:, 0], WAVELENGTH_NM[0], WAVELENGTH_NM[-1])
    shares = np.clip(1.0 - np.abs(WAVELENGTH_NM[:, np.newaxis] - at) / STEP_NM, 0.0, None)
    response: Floats = (shares @ table[:, 1:]).T
    response /= response.sum(axis=1, keepdims=True)
    return response

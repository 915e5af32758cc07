"""Baking the light that dyed layers let through: a few wavelengths with fitted weights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from phos_core.density_curve import Curve
from phos_core.dyed_light import Light, see
from phos_core.stocks.baking.light import LOG10_2, as_rows
from phos_core.stocks.dyes import DyeSet
from phos_core.stocks.fitting import fit_weights, read
from phos_core.stocks.spectra import SRGB_OF_RELATIVE_XYZ, WAVELENGTH_NM

__all__ = [
    "PRINT_FILM_WAVELENGTHS",
    "WAVELENGTHS",
    "exposed_densities",
    "fit_light",
    "seen_light",
]

Floats = NDArray[np.float64]

BASE_SAMPLES = 200  # our choice: white counts as much as a tenth of all colours
# From 400 to 700 nm: the fewest that stay within a mean colour difference of 0.1.
WITHIN = (WAVELENGTH_NM >= 400) & (WAVELENGTH_NM <= 700)
WAVELENGTHS = np.flatnonzero(WITHIN & (WAVELENGTH_NM % 20 == 0))
PRINT_FILM_WAVELENGTHS = np.flatnonzero(WITHIN & (WAVELENGTH_NM % 15 == 0))


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


def exposed_densities(curves: tuple[Curve, ...], mid: float | Floats) -> Floats:
    """Densities (n, 3) of layers exposed from 6 stops under to 6 over, each on its own."""
    stops = np.linspace(-6.0, 6.0, 13) * LOG10_2
    axes = [
        read(curve, centre + stops)
        for curve, centre in zip(curves, np.broadcast_to(mid, len(curves)), strict=True)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)


def seen_light(density: Floats, light: Light) -> Floats:
    """What receivers (n, 3) get of the light through densities (n, 3), in float64."""
    received: Floats = see(density.T[:, np.newaxis, :], light)[:, 0, :].T
    return received

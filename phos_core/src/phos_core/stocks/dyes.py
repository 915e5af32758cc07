"""Dyes: from density to spectrum to light. The reference that the closed forms replace."""

import numpy as np
from numpy.typing import NDArray

from phos_core.stocks.data_sheet import PaperSheet
from phos_core.stocks.spectra import WAVELENGTH_NM, illuminant, relative_xyz, resample

__all__ = [
    "DyeSet",
    "paper_exposure",
    "projected_xyz",
    "reflected_xyz",
    "sensitivities",
    "status_density",
]

Floats = NDArray[np.float64]

SENSITIVITY_SLOPE_PER_NM = 0.05  # our choice: log10 sensitivity falls so beyond the drawn curve
STATUS_PEAKS_NM = {"M": (645.0, 545.0, 450.0), "A": (620.0, 535.0, 440.0)}
STATUS_WIDTH_NM = 12.0  # narrow Gaussian responses stand in for the status filters


def sensitivities(curves: tuple[Floats, ...]) -> Floats:
    """Linear spectral sensitivities, shape (layers, 71)."""
    logs = [resample(curve, slope_outside=SENSITIVITY_SLOPE_PER_NM) for curve in curves]
    linear: Floats = 10.0 ** np.array(logs)
    return linear


def status_density(spectral_density: Floats, status: str) -> Floats:
    """Densities of spectra (..., 71) through the three status responses."""
    peaks = np.array(STATUS_PEAKS_NM[status])[:, None]
    response = np.exp(-0.5 * ((WAVELENGTH_NM - peaks) / STATUS_WIDTH_NM) ** 2)
    response /= response.sum(axis=1, keepdims=True)
    density: Floats = -np.log10(10.0**-spectral_density @ response.T)
    return density


class DyeSet:
    """Three dyes over a base: densities to dye amounts to spectral density.

    Parameters
    ----------
    dyes : tuple of ndarray
        Spectral density of a unit of cyan, magenta and yellow dye.
    base : ndarray or None
        Spectral density without dye.
    d_min : tuple of float
        Status densities without dye.
    status : str
        ``"M"`` or ``"A"``: the filters through which the densities were measured.
    """

    def __init__(
        self, dyes: tuple[Floats, ...], base: Floats | None, d_min: tuple[float, ...], status: str
    ) -> None:
        self.dyes = np.clip([resample(dye) for dye in dyes], 0.0, None)
        self.base = resample(base) if base is not None else np.zeros(len(WAVELENGTH_NM))
        self.d_min = np.array(d_min)
        self.amounts_of_density = np.linalg.inv(status_density(self.dyes, status).T)

    def spectral_density(self, density: Floats) -> Floats:
        """Spectral density (..., 71) of film with these status densities (..., 3)."""
        amounts = (density - self.d_min) @ self.amounts_of_density.T
        spectrum: Floats = self.base + amounts @ self.dyes
        return spectrum

    def affine(self) -> tuple[Floats, Floats]:
        """Spectral density as rows (71, 3) per status density, and what is left at none (71,)."""
        rows = (self.amounts_of_density.T @ self.dyes).T
        return rows, self.base - rows @ self.d_min


def projected_xyz(dyes: DyeSet, density: Floats, gain: float = 1.0) -> Floats:
    """Relative XYZ (..., 3) through a transparency; its base is (1, 1, 1).

    `gain` multiplies the spectral density over base, as a scanner's gamma does.
    """
    lamp = illuminant("D65")
    over_base = dyes.spectral_density(density) - dyes.spectral_density(dyes.d_min)
    return relative_xyz(lamp * 10.0 ** (-gain * over_base), lamp)


def reflected_xyz(dyes: DyeSet, density: Floats, viewing: str | float) -> Floats:
    """Relative XYZ (..., 3) off paper or through print film; without dye it is (1, 1, 1)."""
    lamp = illuminant(viewing)
    return relative_xyz(lamp * 10.0 ** -dyes.spectral_density(density), lamp)


def paper_exposure(dyes: DyeSet, paper: PaperSheet, density: Floats) -> Floats:
    """Exposure (..., 3) of a paper's layers under a negative, in units of the lamp alone."""
    lamp = illuminant(paper.printing_kelvin) * sensitivities(paper.sensitivity)
    exposed: Floats = (
        10.0 ** -dyes.spectral_density(density) @ (lamp / lamp.sum(1, keepdims=True)).T
    )
    return exposed

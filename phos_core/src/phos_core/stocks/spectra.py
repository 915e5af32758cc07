"""Spectra: sampled light, sensitivities and dyes, and the laws that join them.

This is the reference that the closed forms are fitted to. NumPy, float64, 5 nm steps.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phos_core.color import LINEAR_SRGB_TO_XYZ, XYZ_TO_LINEAR_SRGB
from phos_core.once import once

__all__ = [
    "SRGB_OF_RELATIVE_XYZ",
    "WAVELENGTH_NM",
    "blackbody",
    "daylight",
    "illuminant",
    "relative_xyz",
    "resample",
    "tables",
]

Floats = NDArray[np.float64]

WAVELENGTH_NM: Floats = np.arange(380.0, 731.0, 5.0)

# Second radiation constant hc/k in nm K, from the exact SI values of h, c and k.
SECOND_RADIATION_CONSTANT_NM_K = 1.438776877e7

LEAST_DAYLIGHT_KELVIN = 4000.0
# Chromaticity x of daylight in powers of 1000 K / T: to 7000 K, and beyond (cie-daylight).
DAYLIGHT_X_WARM = (0.244063, 0.09911, 2.9678, -4.6070)
DAYLIGHT_X_COOL = (0.237040, 0.24748, 1.9018, -2.0064)

# From tristimulus values relative to white, which is (1, 1, 1), to linear sRGB.
SRGB_OF_RELATIVE_XYZ: Floats = XYZ_TO_LINEAR_SRGB * LINEAR_SRGB_TO_XYZ.sum(axis=1)


class Tables(NamedTuple):
    """The sampled spectra that ship with phos, each of shape (71,) or (3, 71)."""

    observer: Floats
    daylight: dict[str, Floats]
    basis: Floats
    daylight_variation: Floats


@once()
def tables() -> Tables:
    """Read the sampled spectra.

    Returns
    -------
    Tables
        The CIE 1931 observer, the daylight illuminants D50, D55 and D65, the spectral primaries
        of linear sRGB, and the mean and two variations of daylight, at `WAVELENGTH_NM`.

    References
    ----------
    docs/sources.md: cie-1931-observer, cie-daylight, mallett-yuksel-2019.
    """
    text = (Path(__file__).parent / "data" / "spectra.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")][1:]
    columns = np.array([[float(cell) for cell in line.split(",")] for line in lines]).T
    named = {"D50": columns[4], "D55": columns[5], "D65": columns[6]}
    return Tables(columns[1:4], named, columns[7:10], columns[10:13])


def blackbody(kelvin: float) -> Floats:
    """Give the relative spectral power of a blackbody.

    Parameters
    ----------
    kelvin : float
        Temperature in K.

    Returns
    -------
    ndarray, shape (71,)
        Relative power at `WAVELENGTH_NM`, 1 at 560 nm.

    Notes
    -----
    Planck's law: P(l) ~ l^-5 / (exp(c2 / (l T)) - 1).
    """
    if not kelvin > 0:
        raise ValueError(f"kelvin must be a positive temperature, got {kelvin}")
    ratio = SECOND_RADIATION_CONSTANT_NM_K / kelvin
    power: Floats = WAVELENGTH_NM**-5.0 / np.expm1(ratio / WAVELENGTH_NM)
    scaled: Floats = power / (560.0**-5.0 / np.expm1(ratio / 560.0))
    return scaled


def daylight(kelvin: float) -> Floats:
    """Give the relative spectral power of a phase of daylight.

    Parameters
    ----------
    kelvin : float
        Correlated colour temperature in K, 4000 to 25000.

    Returns
    -------
    ndarray, shape (71,)
        Relative power at `WAVELENGTH_NM`, 1 at 560 nm.

    Notes
    -----
    The sum S0 + M1 S1 + M2 S2 that has the chromaticity of daylight at this temperature.

    References
    ----------
    docs/sources.md: cie-daylight.
    """
    if not LEAST_DAYLIGHT_KELVIN <= kelvin <= 25_000.0:
        raise ValueError(f"kelvin of daylight must lie between 4000 and 25000, got {kelvin}")
    terms = DAYLIGHT_X_COOL if kelvin > 7000.0 else DAYLIGHT_X_WARM
    x = float(np.polynomial.polynomial.polyval(1000.0 / kelvin, terms))
    y = -3.0 * x**2 + 2.87 * x - 0.275
    scale = 0.0241 + 0.2562 * x - 0.7341 * y
    first = (-1.3515 - 1.7703 * x + 5.9114 * y) / scale
    second = (0.03 - 31.4424 * x + 30.0717 * y) / scale
    power: Floats = np.array([1.0, first, second]) @ tables().daylight_variation
    return power / 100.0


def illuminant(name_or_kelvin: str | float) -> Floats:
    """Give a light's relative spectral power.

    Parameters
    ----------
    name_or_kelvin : str or float
        ``"D50"``, ``"D55"``, ``"D65"``, or a colour temperature in K: from 4000 on that of
        daylight, below that of a blackbody.

    Returns
    -------
    ndarray, shape (71,)
        Relative power at `WAVELENGTH_NM`.
    """
    if isinstance(name_or_kelvin, str):
        named = tables().daylight
        if name_or_kelvin not in named:
            known = ", ".join(sorted(named))
            raise ValueError(f"illuminant must be one of {known}, got {name_or_kelvin!r}")
        return named[name_or_kelvin]
    if name_or_kelvin >= LEAST_DAYLIGHT_KELVIN:
        return daylight(name_or_kelvin)
    return blackbody(name_or_kelvin)


def resample(points: Floats, *, slope_outside: float = 0.0) -> Floats:
    """Bring a digitised curve to `WAVELENGTH_NM`.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Wavelength in nm, rising, and value.
    slope_outside : float
        How fast the value falls per nm beyond the drawn range; 0 keeps the end's value.

    Returns
    -------
    ndarray, shape (71,)
        The value at each wavelength.
    """
    first, last = points[0], points[-1]
    inside = np.interp(WAVELENGTH_NM, points[:, 0], points[:, 1])
    beyond = np.clip(first[0] - WAVELENGTH_NM, 0, None) + np.clip(WAVELENGTH_NM - last[0], 0, None)
    lowered: Floats = inside - slope_outside * beyond
    return lowered


def relative_xyz(spectrum: Floats, white: Floats) -> Floats:
    """See a light with the standard observer, relative to a white.

    Parameters
    ----------
    spectrum : ndarray, shape (..., 71)
        Spectral power.
    white : ndarray, shape (71,)
        Spectral power of what counts as white.

    Returns
    -------
    ndarray, shape (..., 3)
        Tristimulus values, each divided by the white's: `white` itself gives (1, 1, 1).
    """
    observer = tables().observer.T
    seen: Floats = (spectrum @ observer) / (white @ observer)
    return seen

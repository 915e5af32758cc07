"""Baking light: how a stock's layers see colours, and what exposure a grey gives."""

import numpy as np
from numpy.typing import NDArray

from phos_core.effects.exposure import Exposure
from phos_core.stocks.data_sheet import FilmSheet
from phos_core.stocks.dyes import sensitivities
from phos_core.stocks.spectra import illuminant, tables

__all__ = [
    "FILE_WHITE_STOPS",
    "as_rows",
    "exposure",
    "lost_stops",
    "mid_log10_exposure",
    "neutral_ramp",
    "white_log10_exposure",
]

Floats = NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]

LOG10_2 = float(np.log10(2.0))
FILE_WHITE_STOPS = 2.857
"""White of a display-referred picture, in stops over mid-grey, as `process.camera` opens it."""
NAMED_LIGHTS: dict[str, str | float] = {"daylight": "D55", "tungsten": 3200.0}
NEUTRAL_STOPS: Floats = np.linspace(-5.0, 7.0, 121)


def exposure(
    sheet: FilmSheet, light: str | float = "film", exposure_time_s: float | None = None
) -> Exposure:
    """Weigh linear sRGB as the stock's layers do, under the light of the scene.

    Parameters
    ----------
    sheet : FilmSheet
        The stock's figures.
    light : str or float
        Light of the scene, as `Treatment` says.
    exposure_time_s : float, optional
        Time of the exposure, for reciprocity failure.

    Returns
    -------
    Exposure
        Exact, not fitted: a scene made of the basis spectra is a sum of three.

    Notes
    -----
    With I the scene's light, I_0 the one that the stock is balanced for, B the basis spectra, S
    a layer's sensitivity and V the luminous efficiency that the meter has,

        M_ij = (sum_l I B_j S_i / sum_l I_0 S_i) (sum_l I_0 V / sum_l I V)

    Under I_0 each row sums to 1; mid-grey then gives H = 10 / S lx s for ISO speed S.
    """
    balanced_for, scene = illuminant(sheet.light), scene_light(sheet, light)
    basis, luminous = tables().basis, tables().observer[1]
    sensitivity = sensitivities(sheet.sensitivity)
    matrix = (sensitivity * scene) @ basis.T
    matrix /= (sensitivity @ (balanced_for * basis.sum(axis=0)))[:, np.newaxis]
    matrix *= (luminous @ balanced_for) / (luminous @ scene)
    if exposure_time_s is not None:
        matrix *= 2.0 ** -lost_stops(sheet.reciprocity, exposure_time_s)
    return Exposure(matrix=as_rows(matrix), mid_grey_lx_s=10.0 / sheet.iso_speed)


def scene_light(sheet: FilmSheet, light: str | float) -> Floats:
    """Spectral power of the scene's light."""
    if light == "film":
        return illuminant(sheet.light)
    return illuminant(NAMED_LIGHTS[light] if isinstance(light, str) else light)


def lost_stops(law: float | Floats | None, time_s: float) -> float:
    """Exposure lost to reciprocity failure, in stops.

    Parameters
    ----------
    law : float, ndarray of shape (n, 2), or None
        Exponent P of the time that a metered time asks for, T^P from 1 s on; or a table of
        times in s and stops to add; or nothing published: no loss.
    time_s : float
        Time of the exposure in s.

    Notes
    -----
    What T^P asks for is what light of the time t loses: (1 - 1 / P) log2 t. A table is read
    against log t, goes on beyond its end at its last slope, and asks for nothing before its
    start.
    """
    if law is None:
        return 0.0
    if isinstance(law, float):
        return max(0.0, (1.0 - 1.0 / law) * float(np.log2(time_s)))
    at, stops = np.log10(law[:, 0]), law[:, 1]
    x = float(np.log10(time_s))
    if x < at[0]:
        return 0.0
    beyond = max(0.0, x - at[-1]) * (stops[-1] - stops[-2]) / (at[-1] - at[-2])
    return float(np.interp(x, at, stops) + beyond)


def mid_log10_exposure(sheet: FilmSheet) -> float:
    """log10 of the exposure in lx s that a mid-grey gives."""
    return float(np.log10(10.0 / sheet.iso_speed))


def white_log10_exposure(sheet: FilmSheet) -> float:
    """log10 exposure that the white of a display-referred picture gives."""
    return mid_log10_exposure(sheet) + FILE_WHITE_STOPS * LOG10_2


def neutral_ramp(sheet: FilmSheet) -> Floats:
    """log10 exposure of a neutral wedge from 5 stops under to 7 over mid-grey."""
    ramp: Floats = mid_log10_exposure(sheet) + NEUTRAL_STOPS * LOG10_2
    return ramp


def as_rows(matrix: Floats) -> Rows:
    """A matrix as nested tuples of Python floats."""
    return tuple(tuple(row) for row in matrix.tolist())

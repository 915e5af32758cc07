"""White balance of raw files: what a sensor's channels are multiplied by."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.color import LINEAR_SRGB_TO_XYZ
from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.raw_settings import WhiteBalance

__all__ = ["light_of_temperature", "multipliers"]

TINT_UNITS = 3000.0
"""Tints in a unit of CIE 1960 (u, v): our choice, about that of other raw converters."""

Four = tuple[float, float, float, float]


def multipliers(file: Any, balance: WhiteBalance, path: Path) -> Four:
    """Give what red, green, blue and the second green are multiplied by.

    Parameters
    ----------
    file : rawpy.RawPy
        The open file.
    balance : str, float or tuple of float
        As `RawSettings` has it.
    path : Path
        The file, for errors.

    Returns
    -------
    tuple of four floats
        Above 0; only their ratios count.

    Raises
    ------
    ImageFileError
        If a temperature is asked for, and the camera's colours are not known.
    """
    if file.num_colors == 1:
        return (1.0, 1.0, 1.0, 1.0)
    if balance == "as-shot":
        return _four(file.camera_whitebalance) or _daylight(file)
    if balance == "daylight":
        return _daylight(file)
    numbers = balance if isinstance(balance, tuple) else (float(balance),)
    if len(numbers) == 3:
        red, green, blue = numbers
        return (red, green, blue, green)
    camera = _camera_of_xyz(file)
    if camera is None:
        raise ImageFileError(
            f"{path} can have no white_balance by temperature: the camera's colours are not known; "
            "give as-shot, or gains of red, green and blue"
        )
    seen = camera @ light_of_temperature(*numbers)
    if not (seen > 0.0).all():
        raise ImageFileError(
            f"{path} can have no white_balance of {numbers[0]:g} K: the camera cannot see such "
            "light as white; give another temperature, or gains"
        )
    red, green, blue = (float(gain) for gain in seen[1] / seen)
    return (red, green, blue, green)


def light_of_temperature(kelvin: float, tint: float = 0.0) -> NDArray[np.float64]:
    """Give the colour of light of a temperature.

    Parameters
    ----------
    kelvin : float
        Of a black body, 1000 to 15000 K.
    tint : float
        How far the light lies from the black bodies, square to their curve in CIE 1960 (u, v), in
        steps of 1/3000; above 0 it is greener.

    Returns
    -------
    ndarray of float64, shape (3,)
        XYZ, Y = 1.

    Notes
    -----
    The black bodies' curve is Krystek's rational approximation [krystek-1985].
    """
    point = _locus(kelvin)
    along = _locus(kelvin * 1.001) - _locus(kelvin * 0.999)
    green = np.array([-along[1], along[0]]) / math.hypot(*along)
    green *= math.copysign(1.0, green[1])  # greener light has a larger v
    u, v = point + green * (tint / TINT_UNITS)
    x, y = 3.0 * u / (2.0 * u - 8.0 * v + 4.0), 2.0 * v / (2.0 * u - 8.0 * v + 4.0)
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def _locus(kelvin: float) -> NDArray[np.float64]:
    """Return CIE 1960 u and v of a black body [krystek-1985]."""
    t = kelvin
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (
        1.0 + 8.42420235e-4 * t + 7.08145163e-7 * t * t
    )
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (
        1.0 - 2.89741816e-5 * t + 1.61456053e-7 * t * t
    )
    return np.array([u, v])


def _daylight(file: Any) -> Four:
    return _four(file.daylight_whitebalance) or (1.0, 1.0, 1.0, 1.0)


def _four(gains: Any) -> Four | None:
    """Return LibRaw's gains, the second green filled in; None where it has none."""
    red, green, blue, other = (float(gain) for gain in gains)
    if not all(math.isfinite(gain) and gain > 0.0 for gain in (red, green, blue)):
        return None
    return (red, green, blue, other if math.isfinite(other) and other > 0.0 else green)


def _camera_of_xyz(file: Any) -> NDArray[np.float64] | None:
    """Return the matrix from XYZ to a camera's red, green and blue; None if it is not known.

    LibRaw shows either that one, of its own table, or that from a balanced camera to sRGB, of the
    file; the gains of daylight are what balanced it.
    """
    table = np.asarray(file.rgb_xyz_matrix, np.float64)[:3]
    if file.num_colors != 3:
        return None
    if table.any():
        return table
    of_file = np.asarray(file.color_matrix, np.float64)[:3, :3]
    daylight = _four(file.daylight_whitebalance)
    if daylight is None or not of_file.any() or abs(np.linalg.det(of_file)) < 1e-9:
        return None
    balanced = np.linalg.inv(of_file) @ np.linalg.inv(LINEAR_SRGB_TO_XYZ)
    camera: NDArray[np.float64] = balanced / np.array(daylight[:3])[:, np.newaxis]
    return camera

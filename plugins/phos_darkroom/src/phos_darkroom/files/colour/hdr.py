"""The curves of HDR television, PQ and HLG, and the one that Apple's gain maps are coded by."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.color import LINEAR_SRGB_TO_XYZ, to_linear_srgb

__all__ = ["REFERENCE_WHITE_NITS", "bt709_to_light", "hlg_to_light", "pq_to_light"]

REFERENCE_WHITE_NITS = 203.0
"""Of diffuse white in an HDR picture (ITU-R BT.2408); a light of 1 here."""

PQ_PEAK_NITS = 10_000.0
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
HLG_PEAK_NITS = 1000.0  # of the display for which its system gamma is 1.2
HLG_GAMMA = 1.2
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073


def pq_to_light(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Turn PQ codes into display light.

    Parameters
    ----------
    codes : ndarray of floating point
        Codes from 0 to 1.

    Returns
    -------
    ndarray, same shape
        Linear light; 1 is a reference white of 203 cd/m2, and the brightest 49.

    Notes
    -----
    With N the code, its light in cd/m2 is

        F = 10000 (max(N^(1/m2) - c1, 0) / (c2 - c3 N^(1/m2)))^(1/m1)

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    power = np.asarray(codes, np.float64) ** (1.0 / PQ_M2)
    share = np.maximum(power - PQ_C1, 0.0) / (PQ_C2 - PQ_C3 * power)
    light: NDArray[np.float64] = share ** (1.0 / PQ_M1) * (PQ_PEAK_NITS / REFERENCE_WHITE_NITS)
    return light


def hlg_to_light(codes: NDArray[Any], primaries: str) -> NDArray[np.float64]:
    """Turn HLG codes into the light of a display of 1000 cd/m2.

    Parameters
    ----------
    codes : ndarray of floating point, shape (rows, cols) or (rows, cols, 3)
        Codes from 0 to 1.
    primaries : str
        Of the codes, a key of `color.PRIMARIES`.

    Returns
    -------
    ndarray, same shape
        Linear light; 1 is a reference white of 203 cd/m2, and the brightest 4.9.

    Notes
    -----
    With E the scene's light and Y its luminance, the display's light is 1000 E Y^0.2 cd/m2, where

        E = E'^2 / 3                      E' <= 1/2
        E = (exp((E' - c) / a) + b) / 12  otherwise

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    coded = np.asarray(codes, np.float64)
    bright = (np.exp((np.maximum(coded, 0.5) - HLG_C) / HLG_A) + HLG_B) / 12.0
    scene = np.where(coded <= 0.5, coded**2 / 3.0, bright)
    luminance = scene if scene.ndim == 2 else (scene @ _luminance_of(primaries))[..., np.newaxis]
    gain = luminance ** (HLG_GAMMA - 1.0) * (HLG_PEAK_NITS / REFERENCE_WHITE_NITS)
    light: NDArray[np.float64] = scene * gain
    return light


def bt709_to_light(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Turn codes of BT.709's camera curve into light.

    Parameters
    ----------
    codes : ndarray of floating point
        Codes from 0 to 1.

    Returns
    -------
    ndarray, same shape
        Linear light, 0 to 1.

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    coded = np.asarray(codes, np.float64)
    curved = ((np.maximum(coded, 0.081) + 0.099) / 1.099) ** (1.0 / 0.45)
    return np.where(coded < 0.081, coded / 4.5, curved)


def _luminance_of(primaries: str) -> NDArray[np.float64]:
    """The weights of luminance of linear light of these primaries."""
    weights: NDArray[np.float64] = LINEAR_SRGB_TO_XYZ[1] @ to_linear_srgb(primaries)
    return weights

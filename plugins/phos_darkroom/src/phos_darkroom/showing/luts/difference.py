"""The difference of two colours as eyes see it: CIE L*a*b* and CIEDE2000."""

import numpy as np
from numpy.typing import NDArray

from phos_core.color import LINEAR_SRGB_TO_XYZ

__all__ = ["ciede2000", "lab_of"]

Colours = NDArray[np.float64]

KNEE = (6.0 / 29.0) ** 3
OF_25 = 25.0**7


def lab_of(light: NDArray[np.floating]) -> Colours:
    """Give CIE L*a*b* of display light, with sRGB's white.

    Parameters
    ----------
    light : ndarray, shape (..., 3)
        Linear sRGB, white at 1.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        L*, a*, b*. See docs/sources.md, "cielab".
    """
    white = LINEAR_SRGB_TO_XYZ.sum(axis=1)
    shares = np.maximum(np.asarray(light, np.float64) @ LINEAR_SRGB_TO_XYZ.T / white, 0.0)
    roots = np.where(shares > KNEE, np.cbrt(shares), shares * (841.0 / 108.0) + 4.0 / 29.0)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def ciede2000(one: Colours, other: Colours) -> Colours:
    """Give the difference CIEDE2000 of colours.

    Parameters
    ----------
    one, other : ndarray, shape (..., 3)
        CIE L*a*b*.

    Returns
    -------
    ndarray of float64, shape (...)
        The difference; about 1 can just be seen. See docs/sources.md, "cielab".
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(lab, -1, 0) for lab in (one, other))
    mean = 0.5 * (np.hypot(a1, b1) + np.hypot(a2, b2))
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + OF_25))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1), np.arctan2(b2, a2)
    turn = np.where(c1 * c2 == 0.0, 0.0, (h2 - h1 + np.pi) % (2.0 * np.pi) - np.pi)
    hue = np.where(c1 == 0.0, h2, np.where(c2 == 0.0, h1, h1 + 0.5 * turn))
    lightness, chroma = 0.5 * (l1 + l2), 0.5 * (c1 + c2)
    weight = (
        1.0
        - 0.17 * np.cos(hue - np.radians(30.0))
        + 0.24 * np.cos(2.0 * hue)
        + 0.32 * np.cos(3.0 * hue + np.radians(6.0))
        - 0.20 * np.cos(4.0 * hue - np.radians(63.0))
    )
    middle = (lightness - 50.0) ** 2
    of_l = (l2 - l1) / (1.0 + 0.015 * middle / np.sqrt(20.0 + middle))
    of_c = (c2 - c1) / (1.0 + 0.045 * chroma)
    of_h = 2.0 * np.sqrt(c1 * c2) * np.sin(0.5 * turn) / (1.0 + 0.015 * chroma * weight)
    blue = np.degrees(hue) % 360.0
    rotation = np.radians(30.0) * np.exp(-(((blue - 275.0) / 25.0) ** 2))
    twist = -2.0 * np.sqrt(chroma**7 / (chroma**7 + OF_25)) * np.sin(2.0 * rotation)
    difference: Colours = np.sqrt(
        np.maximum(of_l**2 + of_c**2 + of_h**2 + twist * of_c * of_h, 0.0)
    )
    return difference

"""Exposure: the light of the scene, weighed by each layer's spectral sensitivity, times time."""

import math
from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, clipped, mix

__all__ = ["MID_GREY", "Exposure", "expose", "held_positive", "log10_exposure"]

MID_GREY = 0.18
"""Scene-linear irradiance of a mid-grey: the reflectance of a grey card."""

LEAST_EXPOSURE_LX_S = 1e-6  # our choice: four decades below the toe of the fastest stock
# Our choice, as a share of the layers' mean exposure: less than any colour of sRGB gives to a layer
# of a bundled stock in its own light. Under another light it may be lower: `Exposure.least_share`.
LEAST_SHARE_OF_SRGB = 0.03
HELD_SHARE = 1.0 / 3.0  # of that share: about what a pure spectral light gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How a stock's layers see the scene.

    Parameters
    ----------
    matrix : tuple of tuple of float
        One row per layer: weights of linear sRGB red, green and blue. Under the light the stock
        is balanced for each row sums to 1, so that a neutral scene exposes every layer alike;
        under another light a row sums to what that light adds to the layer or takes from it.
    mid_grey_lx_s : float
        Exposure, in lx s, that a mid-grey (irradiance 0.18) gives to each layer under the light
        the stock is balanced for.
    """

    matrix: tuple[tuple[float, ...], ...]
    mid_grey_lx_s: float

    def __post_init__(self) -> None:
        for row in self.matrix:
            if len(row) != 3 or not 0.0 < sum(row) < math.inf:
                raise ValueError(
                    f"each row of matrix must be three weights of a positive sum, got {row}"
                )
        if not self.mid_grey_lx_s > 0:
            raise ValueError(f"mid_grey_lx_s must be positive, got {self.mid_grey_lx_s}")

    @property
    def least_share(self) -> float:
        """Least share of the layers' mean exposure that a layer has of any colour of sRGB.

        At most 0.03. The share is a ratio of sums of red, green and blue with weights that are
        not negative, so that one of these three has the least.
        """
        means = [sum(column) / len(self.matrix) for column in zip(*self.matrix, strict=True)]
        shares = [w / m for row in self.matrix for w, m in zip(row, means, strict=True) if m > 0]
        return min(LEAST_SHARE_OF_SRGB, max(0.0, min(shares, default=0.0)))


def expose(irradiance: Array, params: Exposure, *, exposure_stops: float = 0.0) -> Array:
    """Expose the layers to the scene.

    Parameters
    ----------
    irradiance : array, shape (3, rows, cols)
        Scene-linear sRGB irradiance, mid-grey at 0.18, no upper limit.
    params : Exposure
        The stock's spectral response and speed.
    exposure_stops : float
        Compensation: +1 doubles the exposure.

    Returns
    -------
    array, shape (layers, rows, cols)
        Exposure H in lx s.

    Notes
    -----
    With M the layer matrix, E the irradiance and s the compensation,

        H = 2^s (H_mid / 0.18) M E

    Linear in E; a neutral E stays neutral where each row of M sums to 1.
    """
    gain = 2.0**exposure_stops * params.mid_grey_lx_s / MID_GREY
    return mix(irradiance, [[gain * weight for weight in row] for row in params.matrix])


def held_positive(exposure: Array, least_share: float = LEAST_SHARE_OF_SRGB) -> Array:
    """Hold every layer's exposure above nothing, smoothly.

    A colour outside sRGB has negative components, and may expose a layer to less than nothing.

    Parameters
    ----------
    exposure : array, shape (layers, rows, cols)
        Exposure in lx s, of any sign.
    least_share : float
        What is left alone: more than this share of the layers' mean; `Exposure.least_share`.

    Returns
    -------
    array, shape (layers, rows, cols)
        Exposure in lx s, positive.

    Notes
    -----
    With t the least share of the mean of the layers and a = t / 3, an exposure H above t stays,
    and one below becomes

        H' = a + (t - a)^2 / (2 t - a - H)

    which meets the other piece at t with the same slope, rises with H and stays above a. In the
    mean a negative layer counts as 0: that of a saturated colour would else be the difference of
    two large numbers, which a small step of the colour changes by stops. Every colour of sRGB
    exposes every layer to t or more, under any light: it is left alone. Where there is no light at
    all, t is 1e-6 lx s.
    """
    xp = array_namespace(exposure)
    mean = clipped(exposure[:1, ...], 0.0)
    for layer in range(1, exposure.shape[0]):
        mean = mean + clipped(exposure[layer : layer + 1, ...], 0.0)
    threshold = clipped(mean * (least_share / exposure.shape[0]), LEAST_EXPOSURE_LX_S)
    least = threshold * HELD_SHARE
    below = xp.minimum(exposure, threshold)
    room = threshold - least
    held = room * (room / (room + threshold - below))
    held += least
    held += exposure - below
    return held


def log10_exposure(exposure: Array) -> Array:
    """Give the decimal logarithm of an exposure.

    Parameters
    ----------
    exposure : array, shape (layers, rows, cols)
        Exposure in lx s. What lies below 1e-6 lx s, where no stock responds, counts as 1e-6.

    Returns
    -------
    array, shape (layers, rows, cols)
        log10 of the exposure.
    """
    return array_namespace(exposure).log10(clipped(exposure, LEAST_EXPOSURE_LX_S))

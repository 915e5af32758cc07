"""Exposure: the light of the scene, weighed by each layer's spectral sensitivity, times time."""

from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, mix

__all__ = ["MID_GREY", "Exposure", "expose", "log10_exposure"]

MID_GREY = 0.18
"""Scene-linear irradiance of a mid-grey: the reflectance of a grey card."""

LEAST_EXPOSURE_LX_S = 1e-6  # our choice: four decades below the toe of the fastest stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How a stock's layers see the scene.

    Parameters
    ----------
    matrix : tuple of tuple of float
        One row per layer: weights of linear sRGB red, green and blue. Each row sums to 1, so a
        neutral scene exposes every layer alike under the light the stock is balanced for.
    mid_grey_lx_s : float
        Exposure, in lx s, that a mid-grey (irradiance 0.18) gives to each layer.
    """

    matrix: tuple[tuple[float, ...], ...]
    mid_grey_lx_s: float

    def __post_init__(self) -> None:
        for row in self.matrix:
            if len(row) != 3 or not abs(sum(row) - 1.0) <= 1e-6:
                raise ValueError(f"each row of matrix must be three weights of sum 1, got {row}")
        if not self.mid_grey_lx_s > 0:
            raise ValueError(f"mid_grey_lx_s must be positive, got {self.mid_grey_lx_s}")


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

    Linear in E; a neutral E stays neutral because each row of M sums to 1.
    """
    gain = 2.0**exposure_stops * params.mid_grey_lx_s / MID_GREY
    return mix(irradiance, [[gain * weight for weight in row] for row in params.matrix])


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
    xp = array_namespace(exposure)
    return xp.log10(xp.maximum(exposure, LEAST_EXPOSURE_LX_S))

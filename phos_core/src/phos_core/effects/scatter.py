"""Scatter: silver halide crystals spread light sideways inside the emulsion."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phos_core.psf import PSF, pixel_mixture

__all__ = ["Scatter", "scatter_mtf", "scatter_psfs"]

WEIGHT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """How far light spreads inside each layer of a film stock.

    Parameters
    ----------
    layers : tuple of tuple of (float, float)
        For each layer, the weight and the standard deviation in µm of each Gaussian of its
        point-spread function. The weights of a layer sum to 1.

    Raises
    ------
    ValueError
        If there are no layers, a layer has no terms, a weight is negative, a standard deviation
        is not positive, or the weights of a layer do not sum to 1.
    """

    layers: tuple[tuple[tuple[float, float], ...], ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("layers must hold at least one layer, got none")
        for number, terms in enumerate(self.layers):
            _check_terms(number, terms)


def scatter_psfs(params: Scatter, *, pixel_pitch_um: float) -> tuple[PSF, ...]:
    """Make the point-spread functions of the emulsion.

    Parameters
    ----------
    params : Scatter
        The film stock's scatter.
    pixel_pitch_um : float
        Width of one pixel on the film, in µm.

    Returns
    -------
    tuple of PSF
        One per layer, of unit sum, integrated over the pixel.

    Raises
    ------
    ValueError
        If the pixel pitch is not a positive number.

    Notes
    -----
    With weights w and standard deviations s of the layer,

        h(r) = sum of w exp(-r^2 / (2 s^2)) / (2 pi s^2)
    """
    if not (pixel_pitch_um > 0 and math.isfinite(pixel_pitch_um)):
        raise ValueError(f"pixel_pitch_um must be a positive length in µm, got {pixel_pitch_um}")
    return tuple(
        pixel_mixture([(weight, sigma_um / pixel_pitch_um) for weight, sigma_um in terms])
        for terms in params.layers
    )


def scatter_mtf(params: Scatter, frequency_per_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Compute the modulation transfer function of the emulsion, in closed form.

    Parameters
    ----------
    params : Scatter
        The film stock's scatter.
    frequency_per_mm : array_like, shape (n,)
        Spatial frequencies in cycles per mm on the film.

    Returns
    -------
    ndarray, shape (layers, n)
        Response of each layer, 1 at frequency 0.

    Notes
    -----
    The Fourier transform of the point-spread function of `scatter_psfs`, before integration over
    a pixel,

        M(f) = sum of w exp(-2 pi^2 s^2 f^2)
    """
    frequency_per_um = np.asarray(frequency_per_mm, dtype=np.float64) / 1000.0
    return np.stack([_layer_mtf(terms, frequency_per_um) for terms in params.layers])


def _layer_mtf(
    terms: tuple[tuple[float, float], ...], frequency_per_um: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    weight, sigma_um = np.array(terms, dtype=np.float64).T
    phase = math.pi * sigma_um * frequency_per_um[..., None]
    return np.asarray(np.exp(-2.0 * phase**2) @ weight)


def _check_terms(number: int, terms: tuple[tuple[float, float], ...]) -> None:
    if not terms:
        raise ValueError(f"layers[{number}] must hold at least one (weight, sigma_um), got none")
    for weight, sigma_um in terms:
        if not (weight >= 0 and math.isfinite(weight)):
            raise ValueError(f"weights of layers[{number}] must not be negative, got {weight}")
        if not (sigma_um > 0 and math.isfinite(sigma_um)):
            raise ValueError(
                f"sigma_um of layers[{number}] must be a positive length in µm, got {sigma_um}"
            )
    total = math.fsum(weight for weight, _ in terms)
    if abs(total - 1.0) > WEIGHT_TOLERANCE:
        raise ValueError(
            f"weights of layers[{number}] must sum to 1, got {total}; "
            "scatter moves light and neither adds nor takes any"
        )

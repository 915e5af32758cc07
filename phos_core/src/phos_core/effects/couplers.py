"""Couplers: developing dye releases an inhibitor that holds back its surroundings."""

import math
from dataclasses import dataclass, replace
from itertools import zip_longest

from phos_core.arrays import Array, array_namespace, mix
from phos_core.density_curve import Curve, evaluate
from phos_core.once import once
from phos_core.psf import PSF, pixel_mixture

__all__ = ["Couplers", "coupler_psf", "inhibit", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Couplers:
    """How a stock's developer-inhibitor-releasing couplers act.

    Parameters
    ----------
    release : tuple of Curve
        Inhibitor that each layer releases against log10 exposure in lx s: its net density. All
        of one centre and width.
    inhibition : tuple of tuple of float
        Shift of log10 exposure in a layer (row) per unit of inhibitor from a layer (column).
    diffusion : tuple of (float, float)
        Weight and Gaussian sigma in um of the inhibitor's spread; the weights sum to 1.
    most_shift : float
        Shift of log10 exposure that is approached and never passed, to either side; infinite:
        there is no such end.
    """

    release: tuple[Curve, ...]
    inhibition: tuple[tuple[float, ...], ...]
    diffusion: tuple[tuple[float, float], ...]
    most_shift: float = math.inf

    def __post_init__(self) -> None:
        layers = len(self.inhibition)
        if any(len(row) != layers for row in self.inhibition):
            raise ValueError(f"inhibition must be square, got rows of {self.inhibition}")
        if len(self.release) != layers:
            raise ValueError(
                f"release must have one curve for each of the {layers} layers of inhibition, "
                f"got {len(self.release)}"
            )
        if len({(curve.centre, curve.width) for curve in self.release}) > 1:
            raise ValueError("the curves of release must have one centre and width")
        weights = sum(weight for weight, _ in self.diffusion)
        if not abs(weights - 1.0) <= 1e-6:
            raise ValueError(f"the weights of diffusion must sum to 1, got {weights}")
        if not all(weight >= 0 and sigma > 0 for weight, sigma in self.diffusion):
            raise ValueError(f"diffusion needs positive weights and sigmas, got {self.diffusion}")
        if not self.most_shift > 0:
            raise ValueError(f"most_shift must be positive, got {self.most_shift}")

    @property
    def compensation(self) -> tuple[Curve, ...]:
        """What each layer is held back by on a neutral patch, against its log10 exposure."""
        rows = zip_longest(*(curve.coefficients for curve in self.release), fillvalue=0.0)
        orders = [tuple(order) for order in rows]
        return tuple(
            replace(
                self.release[0],
                coefficients=tuple(
                    sum(m * c for m, c in zip(row, order, strict=True)) for order in orders
                ),
            )
            for row in self.inhibition
        )


@once(maxsize=16)  # a roll's pictures share it
def coupler_psf(params: Couplers, *, pixel_pitch_um: float) -> PSF:
    """Give the spread of the inhibitor at a pixel pitch.

    Parameters
    ----------
    params : Couplers
        The stock's couplers.
    pixel_pitch_um : float
        Width of a pixel on the film, in um.

    Returns
    -------
    PSF
        Of unit sum, integrated over the pixel.
    """
    return pixel_mixture([(w, sigma_um / pixel_pitch_um) for w, sigma_um in params.diffusion])


def release(log10_exposure: Array, params: Couplers, layers: range | None = None) -> Array:
    """Give the inhibitor that each layer releases as it develops.

    Parameters
    ----------
    log10_exposure : array, shape (layers, rows, cols)
        log10 of the exposure in lx s.
    params : Couplers
        The stock's couplers.
    layers : range, optional
        Which of the stock's layers these are; by default all.

    Returns
    -------
    array, shape (layers, rows, cols)
        Inhibitor, in units of net density.
    """
    curves = params.release if layers is None else params.release[layers.start : layers.stop]
    return evaluate(curves, log10_exposure)


def inhibit(log10_exposure: Array, diffused: Array, params: Couplers) -> Array:
    """Hold development back where inhibitor has arrived.

    Parameters
    ----------
    log10_exposure : array, shape (layers, rows, cols)
        log10 of the exposure in lx s.
    diffused : array, shape (layers, rows, cols)
        Each layer's inhibitor after it has spread.
    params : Couplers
        The stock's couplers.

    Returns
    -------
    array, shape (layers, rows, cols)
        log10 of the exposure that the characteristic curve then sees.

    Notes
    -----
    With M the inhibition, R_j the inhibitor that layer j releases and K its spread,

        d_i = sum_j M_ij R_j(x_i) - sum_j M_ij (K * R_j(x_j))
        x'_i = x_i + d_i / sqrt(1 + (d_i / b)^2)

    where b is `most_shift`: a small shift stays, a large one approaches b.

    The published curve was measured on large neutral patches with the couplers at work. There
    every x_j equals x_i and K changes nothing: the two sums cancel and the curve is kept. What
    is left is contrast between layers (colour) and between neighbours (adjacency).
    """
    shift = evaluate(params.compensation, log10_exposure)
    if math.isinf(params.most_shift):
        shift += log10_exposure
        shift -= mix(diffused, params.inhibition)
        return shift
    shift -= mix(diffused, params.inhibition)
    ease = shift * (1.0 / params.most_shift)
    ease *= ease
    ease += 1.0
    shift /= array_namespace(shift).sqrt(ease)
    shift += log10_exposure
    return shift

"""Halation: light crosses the emulsion, reflects off the back of the base, and exposes again."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from phos_core.once import once
from phos_core.psf import PSF, combine, compose, delta, gaussian, radial
from phos_core.psf.gaussians import GAUSSIAN_REACH
from phos_core.psf.stretched import stretched

__all__ = [
    "Halation",
    "base_return",
    "halation_psfs",
    "halation_reach_um",
    "returned_psf",
    "returned_shares",
]

ANGLES = 20_000  # steps of the entry angle: the returned energy is right to 1e-5
LOST_BEYOND_REACH = 0.01  # share of the returned light that the cut of its tail leaves out
RINGS = 512  # out to the reach: thinner than a pixel at usual pitches
LEAST_RETURN = 1e-7  # a layer that gains less is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Halation:
    """How a film stock returns light from the back of its base.

    Parameters
    ----------
    coupling : tuple of float
        For each layer, the exposure that the light entering the base would add if all of it came
        back, as a share of the layer's exposure. The layer nearest the base has the largest.
    base_thickness_um : float
        Thickness of the base in µm.
    base_index : float
        Refractive index of the base, more than 1.
    antihalation_density : float
        Density that the returning light crosses twice, at normal incidence and for one pass:
        an undercoat, a dyed base or a backing.
    forward_exponent : float
        How forward the emulsion scatters: the radiance that enters the base falls with the
        angle as its cosine to this power. 0 is diffuse light and gives a dark disc in a wide
        ring; about 4 half fills the disc and takes the ring's tail away.
    spread_um : float
        How far the emulsion spreads the returned light, there and back together: the standard
        deviation of a Gaussian in µm. It softens the ring.
    specular_share : float
        Share of the light entering the base that crossed the emulsion without being scattered,
        0 to 1. It comes from the lens in a cone, and returns close by.
    f_number : float
        Aperture of the lens, which opens that cone.

    Raises
    ------
    ValueError
        If there is no layer or a value is out of its range.
    """

    coupling: tuple[float, ...]
    base_thickness_um: float
    base_index: float
    antihalation_density: float
    forward_exponent: float = 0.0
    spread_um: float = 0.0
    specular_share: float = 0.0
    f_number: float = 2.8

    def __post_init__(self) -> None:
        object.__setattr__(self, "coupling", tuple(self.coupling))
        if not self.coupling:
            raise ValueError("coupling must hold one share per layer, got none")
        for share in self.coupling:
            _check_not_negative("coupling", share)
        if not (self.base_thickness_um > 0 and math.isfinite(self.base_thickness_um)):
            raise ValueError(
                f"base_thickness_um must be a positive length in µm, got {self.base_thickness_um}"
            )
        if not (self.base_index > 1 and math.isfinite(self.base_index)):
            raise ValueError(
                "base_index must be more than 1, the index of the air behind the base, "
                f"got {self.base_index}"
            )
        _check_not_negative("antihalation_density", self.antihalation_density)
        _check_not_negative("forward_exponent", self.forward_exponent)
        _check_not_negative("spread_um", self.spread_um)
        if not 0.0 <= self.specular_share <= 1.0:
            raise ValueError(f"specular_share must be from 0 to 1, got {self.specular_share}")
        if not (self.f_number >= 0.5 and math.isfinite(self.f_number)):
            raise ValueError(f"f_number must be 0.5 or more, got {self.f_number}")


def base_return(params: Halation) -> float:
    """Compute the share of the light entering the base that comes back to the emulsion.

    Parameters
    ----------
    params : Halation
        The film stock's halation.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    The integral over all angles of the law that `halation_psfs` states.
    """
    _, returned = _returned_by_angle(params)
    return float(returned[-1])


def halation_reach_um(params: Halation) -> float:
    """Compute how far on the film light returns.

    Parameters
    ----------
    params : Halation
        The film stock's halation.

    Returns
    -------
    float
        Distance in µm; 0 if no layer gains a visible amount. 1 % of the returned light falls
        farther, where it is too thin to see; it is given to the light nearer by.
    """
    if max(_layer_returns(params)) < LEAST_RETURN:
        return 0.0
    return _ring_reach_um(params) + GAUSSIAN_REACH * params.spread_um


@once(maxsize=16)  # a roll's pictures share it, and it takes longer than a GPU's develop
def halation_psfs(params: Halation, *, pixel_pitch_um: float) -> tuple[PSF, ...]:
    """Make the point-spread functions of direct and returned light together.

    Parameters
    ----------
    params : Halation
        The film stock's halation.
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
    Light that enters the base at the angle a, with radiance in proportion to cos^m a, returns at
    the distance r = 2 t tan a from where it entered, with the energy

        dE = (m + 2) sin a cos^(m + 1) a  R(a)  10^(-2 D / cos a)  da

    where t is the thickness of the base, D the antihalation density and R Fresnel's reflectance
    of the back for unpolarised light: a few percent up to the critical angle asin(1 / n), 1
    beyond it. Hence a ring of the radius 2 t tan(asin(1 / n)) around a point of light. Of the
    share s that was not scattered, sin^2 a is spread evenly up to (1 / (2 N n))^2, the cone of
    a lens of the f-number N, instead of the law's (m + 2) sin a cos^(m + 1) a da. The emulsion
    spreads what returns by a Gaussian. With h the unit-sum PSF of the returned light, c the
    layer's coupling and r = c E,

        PSF = (delta + r h) / (1 + r)

    The sum is 1 because a stock's curve was measured on flat fields, halation included. Linear:
    no threshold, no clipping.

    References
    ----------
    .. [1] docs/effects/halation.md: the derivation and its limits.
    """
    if not (pixel_pitch_um > 0 and math.isfinite(pixel_pitch_um)):
        raise ValueError(f"pixel_pitch_um must be a positive length in µm, got {pixel_pitch_um}")
    layer_returns = _layer_returns(params)
    if max(layer_returns) < LEAST_RETURN:
        return tuple(delta() for _ in layer_returns)
    returned_light = _returned_light(params, pixel_pitch_um)
    return tuple(_layer_psf(share, returned_light) for share in layer_returns)


def returned_shares(params: Halation) -> tuple[float, ...]:
    """Compute how much of the light on each layer, in a flat field, came back from the base.

    Parameters
    ----------
    params : Halation
        The film stock's halation.

    Returns
    -------
    tuple of float
        r / (1 + r) of `halation_psfs`, one per layer; 0 where a layer gains too little to see.
    """
    returns = _layer_returns(params)
    return tuple(r / (1.0 + r) if r >= LEAST_RETURN else 0.0 for r in returns)


@once(maxsize=16)
def returned_psf(params: Halation, *, pixel_pitch_um: float) -> PSF:
    """Make the point-spread function of the returned light alone, h of `halation_psfs`.

    Parameters
    ----------
    params : Halation
        The film stock's halation, of which something returns.
    pixel_pitch_um : float
        Width of one pixel on the film, in µm.

    Returns
    -------
    PSF
        Of unit sum.
    """
    return _returned_light(params, pixel_pitch_um)


def _layer_returns(params: Halation) -> tuple[float, ...]:
    """Compute what each layer gains in a flat field, as a share of its direct exposure."""
    returned = base_return(params)
    return tuple(share * returned for share in params.coupling)


def _layer_psf(layer_return: float, returned_light: PSF) -> PSF:
    if layer_return < LEAST_RETURN:
        return delta()
    direct = 1.0 / (1.0 + layer_return)
    return combine([(direct, delta()), (layer_return * direct, returned_light)])


def _returned_light(params: Halation, pixel_pitch_um: float) -> PSF:
    edges_um, energy = _rings(params)
    # Between its rings nothing is known of the light: samples as far apart as these are wide do.
    step = max(1, int(edges_um[-1] / pixel_pitch_um) // RINGS)
    rings = stretched(radial(edges_um / (step * pixel_pitch_um), energy), step)
    if params.spread_um == 0:
        return rings
    return compose(rings, gaussian(params.spread_um / pixel_pitch_um))


def _rings(params: Halation) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Cut the returned light of a point into rings: edges in µm, and the energy in each."""
    double_thickness_um = 2.0 * params.base_thickness_um
    onset_um = double_thickness_um * math.tan(math.asin(1.0 / params.base_index))
    reach_um = _ring_reach_um(params)
    edges_um = np.union1d(np.linspace(0.0, reach_um, RINGS + 1), min(onset_um, reach_um))
    angle, returned = _returned_by_angle(params)
    inside = np.interp(np.arctan(edges_um / double_thickness_um), angle, returned)
    return edges_um, np.diff(inside)


@lru_cache(maxsize=16)
def _ring_reach_um(params: Halation) -> float:
    """Compute the distance within which all but the lost share of the light returns."""
    angle, returned = _returned_by_angle(params)
    farthest = np.interp((1.0 - LOST_BEYOND_REACH) * returned[-1], returned, angle)
    return 2.0 * params.base_thickness_um * math.tan(float(farthest))


@lru_cache(maxsize=16)
def _returned_by_angle(
    params: Halation,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Integrate the returned energy over the entry angle: angles, and the energy up to each."""
    edges = np.linspace(0.0, math.pi / 2, ANGLES + 1)
    angle = (edges[1:] + edges[:-1]) / 2
    cosine = np.cos(angle)
    entering = _entering(params, edges)
    transmitted = 10.0 ** (-2.0 * params.antihalation_density / cosine)
    returned = entering * _reflectance(angle, params.base_index) * transmitted
    cumulative = np.concatenate(([0.0], np.cumsum(returned)))
    for table in (edges, cumulative):
        table.flags.writeable = False
    return edges, cumulative


def _entering(params: Halation, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Compute the light that enters the base between the angles: scattered, and in the cone."""
    scattered = -np.diff(np.cos(edges) ** (params.forward_exponent + 2.0))
    cone = 1.0 / (2.0 * params.f_number * params.base_index)
    unscattered = np.diff(np.minimum((np.sin(edges) / cone) ** 2, 1.0))
    share = params.specular_share
    return np.asarray((1.0 - share) * scattered + share * unscattered)


def _reflectance(angle: npt.NDArray[np.float64], index: float) -> npt.NDArray[np.float64]:
    """Compute Fresnel's reflectance for unpolarised light from inside the base to air."""
    inside = np.cos(angle)
    outside = np.sqrt(np.maximum(1.0 - (index * np.sin(angle)) ** 2, 0.0))
    perpendicular = (index * inside - outside) / (index * inside + outside)
    parallel = (inside - index * outside) / (inside + index * outside)
    return np.asarray((perpendicular**2 + parallel**2) / 2)


def _check_not_negative(name: str, value: float) -> None:
    if not (value >= 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be a number not below 0, got {value}")

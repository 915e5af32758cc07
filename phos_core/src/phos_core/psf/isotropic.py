"""PSFs that are the same in every direction, integrated over each pixel."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from phos_core.arrays import numbers_in
from phos_core.psf.base import PSF
from phos_core.psf.checks import checked_length
from phos_core.psf.sampled import SampledPSF
from phos_core.psf.sums import FloatArray

__all__ = ["exponential", "radial"]

EXPONENTIAL_TAIL = 1e-6  # our choice: an exponential is cut where this much energy is left
MOST_SIDE = 8193  # samples: half a GiB of them; a PSF that is sampled when made has no more


def exponential(scale: float) -> PSF:
    """Make an isotropic exponential of unit sum, integrated over each pixel.

    Parameters
    ----------
    scale : float
        Distance in pixels over which it falls to 1/e.

    Returns
    -------
    PSF
        Cut where 1e-6 of the energy is left outside, then normalised.

    Raises
    ------
    ValueError
        If `scale` is not a positive number, or takes more than 8193 x 8193 samples: from 245
        pixels up.

    Notes
    -----
    Before integration p(r) = exp(-r / s) / (2 pi s^2), with the energy

        E(r) = 1 - (1 + r / s) exp(-r / s)

    inside the radius r.
    """
    scale = checked_length("scale", scale)

    def encircled(radius: FloatArray) -> FloatArray:
        x = radius / scale
        return 1.0 - (1.0 + x) * np.exp(-x)

    reach = 1.0
    while (1.0 + reach) * math.exp(-reach) > EXPONENTIAL_TAIL:
        reach += 0.125
    return _isotropic(f"an exponential of scale {scale:g}", encircled, reach * scale)


def radial(radius_px: npt.ArrayLike, energy: npt.ArrayLike) -> PSF:
    """Make a rotationally symmetric PSF from the energy that falls in rings.

    Parameters
    ----------
    radius_px : array_like, shape (n + 1,)
        Edges of the rings in pixels, not negative, increasing.
    energy : array_like, shape (n,)
        Energy in each ring, spread evenly over its area; in any unit, not negative.

    Returns
    -------
    PSF
        Integrated over each pixel, of unit sum.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If the shapes do not fit, an edge does not increase, the rings take more than 8193 x 8193
        samples, or the energy is negative, not finite or zero in sum.

    Notes
    -----
    Rings may be thinner or much wider than a pixel: each fine cell takes the energy that the
    cumulative energy gives to the ring it spans.
    """
    edges = numbers_in("radius_px", radius_px).astype(np.float64)
    rings = numbers_in("energy", energy).astype(np.float64)
    _check_rings(edges, rings)
    squared = edges**2
    inside = np.concatenate(([0.0], np.cumsum(rings))) / rings.sum()

    def encircled(radius: FloatArray) -> FloatArray:
        return np.asarray(np.interp(radius**2, squared, inside))

    return _isotropic("radius_px", encircled, float(edges[-1]))


def _check_rings(edges: FloatArray, energy: FloatArray) -> None:
    if edges.ndim != 1 or energy.ndim != 1 or edges.size != energy.size + 1 or energy.size == 0:
        raise ValueError(
            "radius_px must hold one edge more than energy has rings, "
            f"got shapes {edges.shape} and {energy.shape}"
        )
    if not (np.isfinite(edges).all() and edges[0] >= 0 and (np.diff(edges) > 0).all()):
        raise ValueError("radius_px must be finite, not negative and increasing")
    if not (np.isfinite(energy).all() and (energy >= 0).all() and energy.sum() > 0):
        raise ValueError("energy must be finite, not negative and more than zero in sum")


def _isotropic(name: str, encircled: Callable[[FloatArray], FloatArray], reach: float) -> PSF:
    """Integrate an isotropic energy over the pixels, given the share inside each radius."""
    radius = max(0, math.ceil(reach - 0.5))
    if 2 * radius + 1 > MOST_SIDE:
        raise ValueError(
            f"{name} reaches {reach:g} pixels, too far to be sampled: at most {MOST_SIDE // 2}; "
            "gaussian and mixture may be wider"
        )
    cells = _cells_per_pixel(radius)
    step = 1.0 / cells
    offsets = (np.arange(cells) - (cells - 1) / 2) * step
    positions = (np.arange(radius + 1)[:, None] + offsets).ravel()
    quadrant = np.empty((radius + 1, radius + 1))
    for row in range(radius + 1):
        y = row + offsets
        distance = np.hypot(y[:, None], positions[None, :])
        inner, outer = np.maximum(distance - step / 2, 0.0), distance + step / 2
        density = (encircled(outer) - encircled(inner)) / (outer**2 - inner**2)
        quadrant[row] = density.reshape(cells, radius + 1, cells).sum(axis=(0, 2))
    whole = np.concatenate((quadrant[:0:-1], quadrant))
    whole = np.concatenate((whole[:, :0:-1], whole), axis=1)
    return SampledPSF(whole / whole.sum())


def _cells_per_pixel(radius: int) -> int:
    """Cells along a pixel's side: odd, so that one lies on the centre; fewer in large PSFs."""
    return max(3, min(33, 1200 // (radius + 1))) | 1

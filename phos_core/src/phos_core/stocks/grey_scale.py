"""A grey scale on a film: what its characteristic curve is drawn from."""

import numpy as np
import numpy.typing as npt

from phos_core.density_curve import evaluate
from phos_core.effects.couplers import inhibit, release
from phos_core.stocks.film import Film

__all__ = ["grey_scale_density"]


def grey_scale_density(film: Film, stops: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give the densities of a grey scale, on a film as it is treated.

    Parameters
    ----------
    film : Film
        The stock: metered, pushed, with its couplers.
    stops : array_like of float, shape (points,)
        Exposure of each step, in stops from mid-grey.

    Returns
    -------
    ndarray of float64, shape (layers, points)
        Density of each layer, under the light that it is sensitive to. Nothing spreads from one
        step to the next.
    """
    layers = len(film.development.curves)
    ramp = np.log10(film.exposure.mid_grey_lx_s) + np.asarray(stops, np.float64) * np.log10(2.0)
    latent = np.broadcast_to(ramp, (layers, 1, ramp.size)).copy()
    if film.couplers is not None:
        latent = inhibit(latent, release(latent, film.couplers), film.couplers)
    density: npt.NDArray[np.float64] = evaluate(film.development.curves, latent)[:, 0, :]
    return density

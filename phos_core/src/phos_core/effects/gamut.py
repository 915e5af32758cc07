"""The gamut: colours that the picture's primaries do not hold, brought into it."""

from phos_core.arrays import Array, array_namespace, clipped
from phos_core.color import luminance
from phos_core.tone import LEAST_LIGHT

__all__ = [
    "held_in_gamut",
    "into_gamut",
]

GAMUT_THRESHOLD = 0.9  # our choice: share of the way from grey to the gamut's edge that is kept


def into_gamut(
    light: Array,
    weights: tuple[float, float, float] | None = None,
    threshold: float = GAMUT_THRESHOLD,
) -> Array:
    """Move colours outside the gamut towards the grey of their own luminance.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light in the primaries of the gamut; one channel is left alone.
    weights : tuple of float, optional
        Luminance of each primary; by default sRGB's.
    threshold : float
        Share of the way from grey to the gamut's edge that is kept.

    Returns
    -------
    array
        The same shape, from 0 to 1 wherever the luminance is.

    Notes
    -----
    With Y the luminance, how far a colour is on its way from grey to the edge of the gamut is

        d = max((Y - min L) / Y, (max L - Y) / (1 - Y))

    and 1 at the edge. Beyond the threshold t it is brought nearer, to

        d' = t + c e / (e + c),   e = d - t,  c = 1 - t

    which starts with the slope 1, rises with d and stays below 1; then L' = Y + (L - Y) d' / d.
    Luminance and hue (the direction from grey in linear light) stay, and greys are left alone.
    """
    if light.shape[0] == 1:
        return light
    grey = luminance(light, weights)
    beyond = way_to_edge(light, grey)
    beyond -= threshold
    beyond = clipped(beyond, 0.0)
    # 1 - e^2 / ((e + c) (e + t)), with c + t = 1
    kept = beyond + threshold * (1.0 - threshold)
    beyond *= beyond
    beyond += kept
    kept /= beyond
    mapped = light - grey
    mapped *= kept
    mapped += grey
    return mapped


def held_in_gamut(light: Array, weights: tuple[float, float, float] | None = None) -> Array:
    """Bring colours outside the gamut to its edge, towards the grey of their own luminance.

    Parameters
    ----------
    light : array, shape (3, rows, cols)
        Display-linear light in the primaries of the gamut.
    weights : tuple of float, optional
        Luminance of each primary; by default sRGB's.

    Returns
    -------
    array
        The same shape, from 0 to 1 wherever the luminance is.

    Notes
    -----
    With Y the luminance and d as in `into_gamut`, L' = Y + (L - Y) / max(d, 1). Unlike there,
    every colour within the gamut is left alone.
    """
    grey = luminance(light, weights)
    return grey + (light - grey) / clipped(way_to_edge(light, grey), 1.0)


def way_to_edge(light: Array, grey: Array) -> Array:
    """How far colours are on the way from their grey to the edge of the gamut, 1 at the edge."""
    xp = array_namespace(light)
    red, green, blue = light[:1, ...], light[1:2, ...], light[2:, ...]
    beyond = (grey - xp.minimum(xp.minimum(red, green), blue)) / clipped(grey, LEAST_LIGHT)
    over = xp.maximum(xp.maximum(red, green), blue) - grey
    over /= clipped(1.0 - grey, LEAST_LIGHT)
    return xp.maximum(beyond, over)

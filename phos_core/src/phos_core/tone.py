"""The tone of a positive: its white, and what an operator changes of it."""

import math
from dataclasses import dataclass

from phos_core.arrays import Array, array_namespace, clipped, per_layer
from phos_core.color import luminance

__all__ = [
    "LEAST_LIGHT",
    "Finish",
    "below_peak",
    "check_white",
    "finished",
    "finished_beyond",
    "rolled_off",
    "shown",
]

LEAST_LIGHT = 1e-6  # far below what a code of 16 bits tells from black
MOST_POWER = 10.0  # our choice: white nearer to mid-grey leaves nothing between them
MOST_SHARE = 1e3  # of white: its greatest power is within single precision
PEAK_SHOULDER = 0.6  # our choice: share of a display's peak from which on light rolls off to it
SHOULDER = 0.9  # our choice: light of a scan from which on it rolls off towards white


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What an operator does to a positive whose colours stand: its tone, its black and white.

    Parameters
    ----------
    gain : tuple of float
        Factor of the light in each channel.
    contrast : float
        Exponent of the light around mid-grey, which stays.
    black, white : float
        Light that becomes 0 and 1.
    mid_grey : float
        Light that is a mid-grey before and after.
    """

    gain: tuple[float, ...] = (1.0,)
    contrast: float = 1.0
    black: float = 0.0
    white: float = 1.0
    mid_grey: float = 0.18

    def __post_init__(self) -> None:
        if not all(factor > 0 for factor in self.gain):
            raise ValueError(f"gain must be positive, got {self.gain}")
        if not self.contrast > 0:
            raise ValueError(f"contrast must be positive, got {self.contrast}")
        if not self.black < self.mid_grey < self.white:
            raise ValueError(
                f"mid_grey must lie between black and white, got {self.black}, {self.mid_grey} "
                f"and {self.white}"
            )
        if not self.power <= MOST_POWER:
            raise ValueError(
                f"white {self.white} lies too near mid-grey {self.mid_grey} for a black of "
                f"{self.black}"
            )

    @property
    def power(self) -> float:
        """Exponent that leaves mid-grey where it is between black and white."""
        rise = math.log((self.white - self.black) / (self.mid_grey - self.black))
        return -math.log(self.mid_grey) / rise if rise > 0.0 else math.inf


def finished(light: Array, params: Finish) -> Array:
    """Change the tone of a positive, and set its black and its white.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light.
    params : Finish
        What changes.

    Returns
    -------
    array
        The same shape.

    Notes
    -----
    With g the gain, c the contrast, m mid-grey, b and w the lights of black and white,

        L' = ((m^(1 - c) (g L)^c - b) / (w - b))^p,   p = log m / log((m - b) / (w - b))

    so that mid-grey stays, whatever the contrast and the two points are. What lies below black
    counts as black, and what lies a thousandfold above white as that.
    """
    xp = array_namespace(light)
    toned = light * per_layer(params.gain, light)
    if params.contrast != 1.0:
        toned = xp.pow(clipped(toned, LEAST_LIGHT), params.contrast)
        toned *= params.mid_grey ** (1.0 - params.contrast)
    if (params.black, params.white) == (0.0, 1.0):
        return toned
    share = (toned - params.black) * (1.0 / (params.white - params.black))
    return xp.pow(clipped(share, 0.0, MOST_SHARE), params.power)


def finished_beyond(light: Array, params: Finish) -> Array:
    """Do as `finished` to colours that may lie beyond sRGB.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light, of any sign.
    params : Finish
        What changes.

    Returns
    -------
    array
        The same shape.

    Notes
    -----
    What lies within sRGB is finished; what lies beyond follows it with one gain, that of its
    luminance. With c the colour without its negative components, f the law of `finished` and Y
    the luminance,

        L' = f(c) + (L - c) Y(f(c)) / Y(c)
    """
    if light.shape[0] == 1:
        return finished(light, params)
    inside = clipped(light, 0.0)
    toned = finished(inside, params)
    gain = luminance(toned) / clipped(luminance(inside), LEAST_LIGHT)
    return toned + (light - inside) * gain


def rolled_off(light: Array, most: float) -> Array:
    """Bring light that saturates at more than 1 to 1, by the shoulder of `scan`; writes to it."""
    room = (most - SHOULDER) * (1.0 - SHOULDER) / (most - 1.0)
    over = clipped(light - SHOULDER, 0.0)
    light -= over * (over / (over + room))
    return light


def below_peak(light: Array, peak: float) -> Array:
    """Bring light of any brightness to what a display's peak is, by a shoulder.

    Parameters
    ----------
    light : array, shape (channels, rows, cols)
        Display-linear light.
    peak : float
        The most that the display shows.

    Returns
    -------
    array
        The same shape; it approaches the peak.

    Notes
    -----
    Above t = 0.6 of the peak P, with e = L - t and c = P - t,

        L' = t + e c / (e + c)

    which starts with the slope 1.
    """
    start = PEAK_SHOULDER * peak
    over = clipped(light - start, 0.0)
    return light - over * (over / (over + (peak - start)))


def shown(light: Array, white: float) -> Array:
    """Show a slide or a print with this light of its own as white."""
    return light if white == 1.0 else rolled_off(light * (1.0 / white), 1.0 / white)


def check_white(white: float) -> None:
    """Raise ValueError if this light cannot be shown as white."""
    if not 0.0 < white <= 1.0:
        raise ValueError(f"white must be more than 0 and at most 1, got {white}")

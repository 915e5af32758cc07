"""The camera's rendering, approximately taken back: display light to scene light.

A display-referred picture carries its camera's contrast. Film is exposed to a scene, so that
contrast must come off first, or it would be applied twice.
"""

from functools import cache
from typing import Any

import numpy as np
from array_api_compat import is_numpy_array
from numpy.typing import DTypeLike, NDArray

from phos_core.arrays import Array, array_namespace, clipped, device
from phos_core.color import decode_srgb, decode_table, luminance
from phos_core.effects.exposure import MID_GREY

__all__ = [
    "FULL_OPENING",
    "display_light_of_codes",
    "hdr_light_of_scene",
    "highlights_gain",
    "lamp_gain",
    "looked_up",
    "opening_of",
    "rendered_light",
    "rendered_light_of_any",
    "scene_light",
    "scene_light_of_any",
    "scene_light_of_codes",
    "scene_light_of_hdr",
    "scene_light_of_srgb",
]

# Our choices, judged by eye on real photographs (docs/decisions/0007-camera-rendering.md).
CONTRAST = 1.6  # of a typical camera: slope of the rendering in the shadows, log against log
WHITE = 0.8  # display white, as a share of the light at which the rendering saturates
PROPORTIONAL = (1.0 - 1.0 / CONTRAST) / WHITE
"""Display light at which scene light, the rendering taken back, rises in proportion to it."""

_MID_ODDS = WHITE * MID_GREY / (1.0 - WHITE * MID_GREY)
PROPORTIONAL_RATE = MID_GREY * ((CONTRAST - 1.0) / _MID_ODDS) ** (1.0 / CONTRAST) / PROPORTIONAL
"""Scene light there, per display light: w t is 1 - 1/n, and its odds are n - 1."""

FULL_OPENING = 0.995
"""What version 1 of the process opens all light near white by: 1 / (1 - 0.995) at white."""

DARKEST = 1e-6  # display light below which the rendering's gain no longer grows


def scene_light(display: Array) -> Array:
    """Estimate the scene light that a camera rendered to this display light.

    Parameters
    ----------
    display : array, shape (channels, rows, cols)
        Display-linear light, 0 to 1; one channel or three.

    Returns
    -------
    array, shape (channels, rows, cols)
        Scene-linear irradiance; mid-grey stays at 0.18.

    Notes
    -----
    The rendering taken back is a saturating power law, per channel, of contrast n and with
    white at the share w of saturation:

        x = 0.18 (o(L) / o(0.18))^(1/n),   o(L) = w L / (1 - w L)

    So display white becomes 2.86 stops over mid-grey. What was clipped was brighter; by how much
    nobody can tell, see `highlights_gain`.
    """
    xp = array_namespace(display)
    mid_odds = WHITE * MID_GREY / (1.0 - WHITE * MID_GREY)
    scaled = display * WHITE
    return MID_GREY * xp.pow(scaled / (1.0 - scaled) * (1.0 / mid_odds), 1.0 / CONTRAST)


def highlights_gain(display: Array, opening: float) -> Array:
    """Guess how much brighter the scene was than a camera's file tells, near its white.

    Parameters
    ----------
    display : array, shape (channels, rows, cols)
        Display-linear light, 0 to 1; one channel or three.
    opening : float
        From 0 (nothing was clipped) towards 1, as `opening_of` gives it.

    Returns
    -------
    array, shape (1, rows, cols)
        The gain: one for all channels, which leaves the hue alone.

    Notes
    -----
    With Y the luminance and q the opening,

        g = 1 / (1 - q Y^16)

    Only where all channels near white is it more than 1: a single clipped channel is no lamp.
    """
    power_8 = luminance(display)
    power_8 = power_8 * power_8
    power_8 = power_8 * power_8
    power_8 = power_8 * power_8
    return 1.0 / (1.0 - opening * (power_8 * power_8))


def lamp_gain(display: Array, opening: float) -> Array:
    """Guess how much brighter a lamp was than a camera's file tells, where red is clipped.

    Parameters
    ----------
    display : array, shape (channels, rows, cols)
        Display-linear light, 0 to 1; one channel or three.
    opening : float
        As for `highlights_gain`.

    Returns
    -------
    array, shape (1, rows, cols)
        The gain, one for all channels.

    Notes
    -----
    With R the red channel, Y the luminance and q the opening,

        g = 1 / (1 - q R^16 Y)

    It is red light that comes back from the base. Of warm lamps the file holds red clipped and the
    rest bright; a sky that is clipped in blue is no lamp, and red cloth is dark.
    """
    power = display[:1, ...]
    for _ in range(4):
        power = power * power
    return 1.0 / (1.0 - opening * (power * luminance(display)))


def opening_of(stops: float) -> float:
    """The opening with which a neutral white was brighter by some stops."""
    opening: float = 1.0 - 2.0**-stops
    return opening


def scene_light_of_any(display: Array) -> Array:
    """Estimate the scene light of display light that may lie beyond sRGB, or beyond white.

    Parameters
    ----------
    display : array, shape (3, rows, cols)
        Display-linear sRGB, of any sign and size.

    Returns
    -------
    array, shape (3, rows, cols)
        Scene-linear irradiance; negative components for what lies beyond sRGB.

    Notes
    -----
    The rendering is taken back of the part that lies within sRGB, as by `scene_light`. What lies
    beyond it follows with one gain, which leaves its direction alone: with c the colour held
    within 0 to 1, Y its luminance and s the law of `scene_light`,

        E = s(c) + (L - c) s(Y) / Y

    A colour within sRGB so gives what its sRGB codes give.
    """
    inside = clipped(display, 0.0, 1.0)
    grey = clipped(luminance(inside), DARKEST)
    return scene_light(inside) + (display - inside) * (scene_light(grey) / grey)


def scene_light_of_hdr(display: Array) -> Array:
    """Estimate the scene light of an HDR rendering, which does not saturate at white.

    Parameters
    ----------
    display : array, shape (channels, rows, cols)
        Display-linear sRGB, of any sign and size; 1 is diffuse white. One channel or three.

    Returns
    -------
    array, shape (channels, rows, cols)
        Scene-linear irradiance; negative components for what lies beyond sRGB.

    Notes
    -----
    Shadows and mid-tones are those of an SDR rendering, so its law s of `scene_light` is taken
    back, as far as to the light t from which on s would rise faster than in proportion: an HDR
    rendering has no shoulder there that would have to be taken back.

        s'(L) = s(L)  for L < t,   s(t) L / t  otherwise,   t = (1 - 1/n) / w

    So diffuse white is 2.24 stops over mid-grey, and the 203 and 26 cd/m2 of ITU-R BT.2408 are 2.6
    stops apart, which stand for reflectances of 100 and 18 %, 2.5 stops. What lies beyond sRGB
    follows as in `scene_light_of_any`.

    References
    ----------
    .. [1] docs/sources.md, "hdr-television".
    """
    positive = clipped(display, 0.0)
    scene = _scene_light_without_shoulder(positive)
    if display.shape[0] == 1:
        return scene
    grey = clipped(luminance(positive), DARKEST)
    return scene + (display - positive) * (_scene_light_without_shoulder(grey) / grey)


def _scene_light_without_shoulder(display: Array) -> Array:
    """The law of `scene_light_of_hdr` of light that is not negative."""
    dark = clipped(display, 0.0, PROPORTIONAL)
    return scene_light(dark) + (display - dark) * PROPORTIONAL_RATE


def scene_light_of_srgb(encoded: Array) -> Array:
    """Estimate the scene light of sRGB-encoded floats.

    Parameters
    ----------
    encoded : array, shape (channels, rows, cols)
        sRGB-encoded values, 0 to 1.

    Returns
    -------
    array, shape (channels, rows, cols)
        Scene-linear irradiance.
    """
    return scene_light(decode_srgb(encoded))


def scene_light_of_codes(codes: Array, dtype: DTypeLike) -> Array:
    """Estimate the scene light of sRGB codes, by table.

    Parameters
    ----------
    codes : array of integers, shape (channels, rows, cols)
        sRGB codes.
    dtype : numpy.uint8 or numpy.uint16
        Type of the codes.

    Returns
    -------
    array of float32, shape (channels, rows, cols)
        Scene-linear irradiance.
    """
    return looked_up(_tables(np.dtype(dtype))[1], codes)


def display_light_of_codes(codes: Array, dtype: DTypeLike) -> Array:
    """Give the display light of sRGB codes, by table.

    Parameters
    ----------
    codes : array of integers, shape (channels, rows, cols)
        sRGB codes.
    dtype : numpy.uint8 or numpy.uint16
        Type of the codes.

    Returns
    -------
    array of float32, shape (channels, rows, cols)
        Display-linear light, 0 to 1.
    """
    return looked_up(_tables(np.dtype(dtype))[0], codes)


def rendered_light(scene: Array) -> Array:
    """Render scene light as `scene_light` takes a camera to do.

    Parameters
    ----------
    scene : array, shape (channels, rows, cols)
        Scene-linear irradiance; what is negative counts as 0.

    Returns
    -------
    array, shape (channels, rows, cols)
        Display-linear light, from 0 to 1.25, where it saturates.

    Notes
    -----
    With the names of `scene_light`,

        L = o / (w (1 + o)),   o = o(0.18) (x / 0.18)^n
    """
    xp = array_namespace(scene)
    mid_odds = WHITE * MID_GREY / (1.0 - WHITE * MID_GREY)
    odds = mid_odds * xp.pow(clipped(scene, 0.0) * (1.0 / MID_GREY), CONTRAST)
    return (1.0 / WHITE) * (1.0 - 1.0 / (1.0 + odds))


def rendered_light_of_any(scene: Array) -> Array:
    """Render scene light that may lie beyond sRGB: the inverse of `scene_light_of_any`.

    Parameters
    ----------
    scene : array, shape (3, rows, cols)
        Scene-linear sRGB, of any sign.

    Returns
    -------
    array, shape (3, rows, cols)
        Display-linear sRGB. What is positive is rendered as by `rendered_light`; what lies beyond
        sRGB follows with the gain of its luminance, and stays beyond.
    """
    positive = clipped(scene, 0.0)
    rendered = rendered_light(positive)
    grey = clipped(luminance(rendered), DARKEST, 1.0)
    return rendered + (scene - positive) * (grey / scene_light(grey))


def hdr_light_of_scene(scene: Array) -> Array:
    """Render scene light for a display that shows more than white: `scene_light_of_hdr` undone.

    Parameters
    ----------
    scene : array, shape (3, rows, cols)
        Scene-linear sRGB, of any sign.

    Returns
    -------
    array, shape (3, rows, cols)
        Display-linear sRGB, 1 is diffuse white; negative components for what lies beyond sRGB.
    """
    positive = clipped(scene, 0.0)
    dark = clipped(positive, 0.0, PROPORTIONAL * PROPORTIONAL_RATE)  # no shoulder begins there
    rendered = rendered_light(dark) + (positive - dark) * (1.0 / PROPORTIONAL_RATE)
    grey = clipped(luminance(rendered), DARKEST)
    return rendered + (scene - positive) * (grey / _scene_light_without_shoulder(grey))


def looked_up(table: NDArray[np.float32], codes: Array) -> Array:
    """The entry of a table for each code, or for each whole number in floats."""
    if is_numpy_array(codes):
        places = codes.astype(np.intp, order="C")
        return table.take(places, mode="wrap")  # no code is beyond the table: nothing is checked
    xp = array_namespace(codes)
    flat = xp.astype(xp.reshape(codes, (-1,)), xp.int32)  # not all take unsigned indices
    return xp.reshape(xp.take(xp.asarray(table, device=device(codes)), flat), codes.shape)


@cache
def _tables(dtype: np.dtype[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Display light of each code, and the same with the power law taken back.

    Writable, because some libraries warn of arrays that are not; nobody writes to them.
    """
    display = decode_table(dtype).copy()
    return display, scene_light(display.astype(np.float64)).astype(np.float32)

"""Coded pixels to scene light."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from phos_core import color
from phos_core.arrays import Array, array_namespace, clipped, mix, numpy_dtype
from phos_core.process.camera import (
    display_light_of_codes,
    highlights_gain,
    lamp_gain,
    scene_light_of_any,
    scene_light_of_codes,
    scene_light_of_srgb,
)
from phos_core.process.recipe import Encoding, Primaries

__all__ = ["beyond_white", "display_colours", "opened", "scene_colours"]

MOST_LIGHT = 1e12  # times white; the sun is 1e5. Single precision holds what the steps make of it


def scene_colours(coded: Array, encoding: Encoding, primaries: Primaries) -> Array:
    """Step 1: scene light of coded pixels in linear sRGB, three channels."""
    if encoding == "linear":
        return in_srgb(three_channels(light_of(coded)), primaries)
    if encoding == "srgb" and primaries == "srgb":
        return three_channels(scene_irradiance(coded))
    return scene_light_of_any(display_colours(coded, encoding, primaries))


def opened(coded: Array, encoding: Encoding, primaries: Primaries, opening: float) -> Array:
    """What all light near white is opened by in version 1 of the process."""
    return highlights_gain(display_within(coded, encoding, primaries), opening)


def beyond_white(coded: Array, encoding: Encoding, primaries: Primaries, opening: float) -> Array:
    """How much brighter lamps were than display-referred pixels tell, shape (1, rows, cols)."""
    return lamp_gain(display_within(coded, encoding, primaries), opening)


def display_within(coded: Array, encoding: Encoding, primaries: Primaries) -> Array:
    """Display light of display-referred pixels, held within sRGB."""
    if encoding == "srgb" and primaries == "srgb":
        return display_light(coded)
    return clipped(display_colours(coded, encoding, primaries), 0.0, 1.0)


def display_colours(coded: Array, encoding: Encoding, primaries: Primaries) -> Array:
    """Display light of display-referred pixels in linear sRGB, three channels."""
    light = display_light(coded) if encoding == "srgb" else light_of(coded)
    return in_srgb(three_channels(light), primaries)


def in_srgb(light: Array, primaries: Primaries) -> Array:
    """Linear light of these primaries in linear sRGB."""
    return light if primaries == "srgb" else mix(light, to_srgb(primaries))


@cache
def to_srgb(primaries: Primaries) -> Sequence[Sequence[float]]:
    """Rows of the matrix from these primaries to linear sRGB."""
    if not isinstance(primaries, str):
        return primaries
    rows: list[list[float]] = color.to_linear_srgb(primaries).tolist()
    return rows


def scene_irradiance(coded: Array) -> Array:
    """Scene-linear light of sRGB-coded pixels: the camera's rendering is taken back."""
    xp = array_namespace(coded)
    if xp.isdtype(coded.dtype, "integral"):
        return scene_light_of_codes(coded, numpy_dtype(coded))
    return scene_light_of_srgb(xp.astype(coded, xp.float32))


def light_of(coded: Array) -> Array:
    """Numbers that are light already, held within reach; of integers the largest is 1."""
    xp = array_namespace(coded)
    if not xp.isdtype(coded.dtype, "integral"):
        return xp.astype(clipped(coded, -MOST_LIGHT, MOST_LIGHT), xp.float32)
    light = xp.astype(coded, xp.float32)
    return light * (1.0 / np.iinfo(numpy_dtype(coded)).max)


def display_light(coded: Array) -> Array:
    """Display light of sRGB-encoded pixels."""
    xp = array_namespace(coded)
    if xp.isdtype(coded.dtype, "integral"):
        return display_light_of_codes(coded, numpy_dtype(coded))
    return color.decode_srgb(xp.astype(coded, xp.float32))


def three_channels(irradiance: Array) -> Array:
    """Grey light as equal red, green and blue."""
    return array_namespace(irradiance).broadcast_to(irradiance, (3, *irradiance.shape[1:]))

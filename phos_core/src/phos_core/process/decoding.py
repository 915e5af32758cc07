"""Coded pixels to scene light."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core import color
from phos_core.arrays import Array, array_namespace, clipped, mix, numpy_dtype
from phos_core.convolution.hooks import CodeCurve
from phos_core.process.camera import (
    display_light_of_codes,
    highlights_gain,
    lamp_gain,
    looked_up,
    scene_light_of_any,
    scene_light_of_codes,
    scene_light_of_hdr,
    scene_light_of_srgb,
)
from phos_core.process.coding import Coding, OwnCurve, Primaries

__all__ = ["beyond_white", "linear_colours", "opened", "scene_colours"]

MOST_LIGHT = 1e12  # times white; the sun is 1e5. Single precision holds what the steps make of it

SCENE_LIGHT = {"display": scene_light_of_any, "hdr": scene_light_of_hdr}
"""What light of a screen is of the scene that it shows."""

SAMPLES = 2**16  # of a curve: as many as there are codes, so that chains are of one structure
FORMULAS = {
    "bt1886": lambda codes: codes**color.DISPLAY_GAMMA,
    "pq": color.pq_to_light,
    "hlg": color.hlg_to_scene,
}


def scene_colours(coded: Array, coding: Coding) -> Array:
    """Step 1: scene light of coded pixels in linear sRGB, three channels."""
    if coding.is_srgb:
        return three_channels(scene_irradiance(coded))
    light = linear_colours(coded, coding)
    return SCENE_LIGHT[coding.light](light) if coding.light in SCENE_LIGHT else light


def opened(coded: Array, coding: Coding, opening: float) -> Array:
    """What all light near white is opened by in version 1 of the process."""
    return highlights_gain(display_within(coded, coding), opening)


def beyond_white(coded: Array, coding: Coding, opening: float) -> Array:
    """How much brighter lamps were than display-referred pixels tell, shape (1, rows, cols)."""
    return lamp_gain(display_within(coded, coding), opening)


def display_within(coded: Array, coding: Coding) -> Array:
    """Display light of display-referred pixels, held within sRGB."""
    if coding.is_srgb:
        return display_light(coded)
    return clipped(linear_colours(coded, coding), 0.0, 1.0)


def linear_colours(coded: Array, coding: Coding) -> Array:
    """Linear sRGB of coded pixels, whoever's light it is; three channels."""
    light = three_channels(light_of(coded, coding.curve))
    if coding.curve == "hlg":
        light = color.hlg_shown(light, color.luminance_of("rec2020"))
    return in_srgb(light, coding.primaries)


def light_of(coded: Array, curve: OwnCurve | CodeCurve) -> Array:
    """Light of coded pixels, in their own primaries."""
    if curve == "":
        return numbers_as_light(coded)
    if curve == "srgb":
        return display_light(coded)
    return light_by_curve(coded, curve if isinstance(curve, CodeCurve) else own_curve(curve))


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


def light_by_curve(coded: Array, curve: CodeCurve) -> Array:
    """Light of coded pixels by a sampled curve: of integers by a table of all codes."""
    xp = array_namespace(coded)
    if xp.isdtype(coded.dtype, "integral"):
        return looked_up(code_table(curve, numpy_dtype(coded)), coded)
    last = len(curve.samples) - 1
    per_step = last / (curve.high - curve.low)
    numbers = xp.astype(clipped(coded, -MOST_LIGHT, MOST_LIGHT), xp.float32)
    steps = numbers * per_step - curve.low * per_step
    below = clipped(xp.floor(steps), 0.0, last - 1.0)
    samples = table_of(curve)
    start = looked_up(samples, below)
    rise = looked_up(samples, below + 1.0) - start
    return clipped(start + rise * (steps - below), -MOST_LIGHT, MOST_LIGHT)


@lru_cache(maxsize=16)
def table_of(curve: CodeCurve) -> NDArray[np.float32]:
    """The samples of a curve; writable, because some libraries warn of arrays that are not."""
    return np.clip(curve.samples, -MOST_LIGHT, MOST_LIGHT)


@lru_cache(maxsize=16)
def code_table(curve: CodeCurve, dtype: np.dtype[Any]) -> NDArray[np.float32]:
    """The light of every code of an integer type."""
    samples, last = table_of(curve).astype(np.float64), len(curve.samples) - 1
    codes = np.arange(np.iinfo(dtype).max + 1) / np.iinfo(dtype).max
    steps = (codes - curve.low) * (last / (curve.high - curve.low))
    below = np.clip(np.floor(steps), 0, last - 1).astype(np.intp)
    light = samples[below] + (samples[below + 1] - samples[below]) * (steps - below)
    return light.astype(np.float32)


@cache
def own_curve(name: OwnCurve) -> CodeCurve:
    """A curve that the core has a formula of, sampled at every code of 16 bits."""
    codes = np.linspace(0.0, 1.0, SAMPLES)
    return CodeCurve(samples=FORMULAS[name](codes).astype(np.float32))


def scene_irradiance(coded: Array) -> Array:
    """Scene-linear light of sRGB-coded pixels: the camera's rendering is taken back."""
    xp = array_namespace(coded)
    if xp.isdtype(coded.dtype, "integral"):
        return scene_light_of_codes(coded, numpy_dtype(coded))
    return scene_light_of_srgb(xp.astype(coded, xp.float32))


def numbers_as_light(coded: Array) -> Array:
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

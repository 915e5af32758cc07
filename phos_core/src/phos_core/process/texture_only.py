"""Texture mode: a stock's scatter, halation and grain on a picture that keeps its own colours."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.arrays import Array, clipped
from phos_core.convolution.choosing.log import log_method
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.running.tiles import Window
from phos_core.effects.development import Development
from phos_core.effects.development import develop as develop_layers
from phos_core.effects.exposure import Exposure, expose, log10_exposure
from phos_core.effects.grain import Grain, GrainBias, add_grain
from phos_core.effects.wear import let_through, worn
from phos_core.kernels.strips import give_back_last
from phos_core.positive import Printing, make_positive
from phos_core.process.camera import rendered_light
from phos_core.process.coding import Coding
from phos_core.process.decoding import linear_colours, opened, scene_colours
from phos_core.process.output import (
    SRGB,
    OutputSpace,
    brought_into,
    encode,
    held_within,
    in_primaries,
)
from phos_core.process.pipeline import (
    Clock,
    cropped,
    crops,
    in_strips,
    joined,
    layers_at_once,
    one_by_one,
    returned_beyond_white,
    spread_of_light,
    with_returned,
)
from phos_core.process.recipe import Recipe
from phos_core.process.strength import blended
from phos_core.stocks.baking import grain_bias
from phos_core.stocks.film import Film

__all__ = ["process_texture"]

DARK_PRINT = 0.01  # light of a print below which its grain fades


def process_texture(
    pictures: Array,
    film: Film,
    recipes: Sequence[Recipe],
    *,
    backend: ConvolutionBackend,
    clock: "Clock",
    dtype: np.dtype[Any],
    outs: Sequence[NDArray[Any] | None] | None = None,
    keep: Window | None = None,
) -> list[Array]:
    """Give pictures a stock's scatter, halation and grain, and leave their colours alone.

    As `pipeline.process` does the other steps.
    """
    pitch_um = recipes[0].pitch_um(*pictures.shape[-2:])
    psfs = spread_of_light(film, pitch_um)
    psfs = psfs if len(psfs) == 3 else psfs * 3
    returned = returned_beyond_white(film, recipes[0].opening_beyond, pitch_um)
    if returned is not None and len(returned[0]) == 1:
        returned = (returned[0] * 3, returned[1])
    kept, _ = crops(keep, pictures.shape[-2:], 0)

    first = recipes[0]
    coding = of_a_rendering(first.coding)
    scenes, spreads = [], []
    for channels in layers_at_once(3, backend, is_whole=keep is None):
        with clock.step("expose"):
            decode = partial(
                decode_channels,
                coding=coding,
                opening=first.opening,
                channels=channels,
            )
            scene = in_strips(backend, decode, pictures)
        with clock.step("scatter and halation"):
            log_method(backend, scene.shape, psfs[channels.start : channels.stop])
            spread = backend.convolve(scene, psfs[channels.start : channels.stop])
            spread = with_returned(spread, pictures, returned, channels, first, backend, scale=1.0)
            scenes.append(cropped(scene, kept, backend))
            spreads.append(cropped(spread, kept, backend))
    with clock.step("grain"):
        finish = partial(
            add_texture,
            coding=coding,
            exposing=film.exposure,
            exposure_stops=first.exposure_stops,
            development=film.development,
            grain=film.grain,
            bias=texture_bias(film.grain, film.development, film.printing, pitch_um),
            printing=film.printing,
            dtype=first.space.dtype_of(dtype),
            space=first.space,
            is_worn=first.is_worn,
            strength=first.strength,
        )
        stages = [pictures[..., *kept], joined(scenes), joined(spreads)]
        positives = one_by_one(backend, finish, film, recipes, stages, outs)
    give_back_last(backend, *scenes, *spreads)
    return positives


def of_a_rendering(coding: Coding) -> Coding:
    """What a picture's numbers are to its texture: of an HDR one, a rendering like any other."""
    return replace(coding, light="display") if coding.light == "hdr" else coding


def decode_channels(coded: Array, *, coding: Coding, opening: float, channels: range) -> Array:
    """Some of the channels of the scene."""
    scene = scene_colours(coded, coding)
    if opening:
        scene = scene * opened(coded, coding, opening)
    return scene[channels.start : channels.stop, ...]


def add_texture(
    coded: Array,
    scene: Array,
    spread: Array,
    *fields: Array,
    coding: Coding,
    exposing: Exposure,
    exposure_stops: float,
    development: Development,
    grain: Grain | None,
    bias: GrainBias | None = None,
    printing: Printing,
    dtype: np.dtype[Any],
    space: OutputSpace = SRGB,
    is_worn: bool = False,
    strength: float = 1.0,
) -> Array:
    """What scatter and halation change in the scene and grain in a print, added to a picture."""
    if coding.light == "scene":
        light = fitted(spread, coding, space)
    else:
        display = held_within(space, linear_colours(coded, coding))
        light = display + (rendered_light(spread) - rendered_light(scene))
    if fields:
        exposure = expose(spread, exposing, exposure_stops=exposure_stops)
        density = develop_layers(log10_exposure(exposure), development)
        real = density if grain is None else add_grain(density, fields[0], grain, bias)
        real = worn(real, fields[-1]) if is_worn else real
        ideal_print, real_print = (print_light(d, printing) for d in (density, real))
        light = light * ((real_print + DARK_PRINT) / (ideal_print + DARK_PRINT))
        light = let_through(light, fields[-1]) if is_worn else light
    light = in_primaries(light, space)
    if strength != 1.0:
        own = fitted(scene, coding, space) if coding.light == "scene" else display
        light = blended(in_primaries(own, space), light, strength, space)
    return encode(light, coded.shape[0], dtype, space)


def fitted(light: Array, coding: Coding, space: OutputSpace) -> Array:
    """Light of a scene as its space holds it; its own primaries hold all of it."""
    return light if coding.primaries in ("srgb", space.primaries) else brought_into(space, light)


def print_light(density: Array, printing: Printing) -> Array:
    """Light of a print, none of it less than nothing."""
    return clipped(make_positive(density, printing), 0.0)


@lru_cache(maxsize=64)  # a roll's pictures share them
def texture_bias(
    grain: Grain | None, development: Development, printing: Printing, pitch_um: float
) -> GrainBias | None:
    """What keeps the mean of the ratio of two prints at 1, at a pixel pitch."""
    if grain is None:
        return None
    return grain_bias(grain, development, partial(print_light, printing=printing), pitch_um)

"""START HERE: the photographic process, a line a step. `process.develop` leads to it."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, clipped, per_layer
from phos_core.convolution.choosing.log import log_method
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import FillsOut, MakesGrain, synchronize
from phos_core.convolution.running.finite import Watch
from phos_core.convolution.running.tiles import Tile, Window
from phos_core.effects.couplers import Couplers, coupler_psf, inhibit, release
from phos_core.effects.development import Development
from phos_core.effects.development import develop as develop_layers
from phos_core.effects.exposure import (
    MID_GREY,
    Exposure,
    expose,
    held_positive,
    log10_exposure,
)
from phos_core.effects.grain import Grain, GrainBias, add_grain, grain_noise
from phos_core.effects.halation import Halation, halation_psfs, returned_psf, returned_shares
from phos_core.effects.scatter import Scatter, scatter_psfs
from phos_core.effects.wear import let_through, worn
from phos_core.kernels.strips import (
    SLIM,
    RowFunction,
    by_columns,
    by_rows,
    give_back,
    give_back_last,
    of_pixels,
    pointwise,
    room,
    watched,
)
from phos_core.once import once
from phos_core.positive import Printing
from phos_core.process.coding import Coding
from phos_core.process.decoding import beyond_white, opened, scene_colours
from phos_core.process.displacing import displaced
from phos_core.process.output import SRGB, OutputSpace, encode, printed
from phos_core.process.recipe import Recipe
from phos_core.process.strength import Weakening, weakened, weakening_of
from phos_core.process.wearing import marks_of, wear_field, wear_planes
from phos_core.psf import PSF, compose, delta
from phos_core.stocks.baking import FILE_WHITE_STOPS, grain_bias
from phos_core.stocks.film import Film
from phos_core.watching import in_step

__all__ = ["Clock", "process", "reach_px"]

# Our choice, as a share of a white's own exposure: a hundredth of what a mid-grey gives.
LEAST_BEYOND_WHITE = 0.0014
# Our choice: the spread light of lamps approaches so many times a white's own and stays below.
MOST_BEYOND_WHITE = 2.0
FILE_WHITE = MID_GREY * 2.0**FILE_WHITE_STOPS  # scene light of a file's white


def process(
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
    """Take pictures of one size through the photographic process, together.

    Parameters
    ----------
    pictures : array, shape (channels, pictures, rows, cols)
        On the backend's device, one channel or three, coded as the recipes say.
    film : Film
        The stock.
    recipes : sequence of Recipe
        The settings of each picture; they may differ in what makes the grain alone. Their offset
        is that of what is kept.
    backend : ConvolutionBackend
        What convolves, and where the arrays live.
    clock : Clock
        Takes the time of each step.
    dtype : numpy.dtype
        Of the pictures as they came, before an input space made light of them.
    outs : sequence of ndarray, shape (channels, rows, cols), optional
        Take the positives on the host.
    keep : Window, optional
        Rows and columns that are wanted; by default all. What lies around them is dropped as soon
        as it has acted on them.

    Returns
    -------
    list of array, shape (channels, rows, cols)
        The positives of what is kept, in the recipes' output space: those of `outs` if that is
        given, else on the device, integers in `dtype` unless the space asks for another, and
        floats in single precision.
    """
    pitch_um = recipes[0].pitch_um(*pictures.shape[-2:])
    psfs = spread_of_light(film, pitch_um)
    returned = returned_beyond_white(film, recipes[0].opening_beyond, pitch_um)
    wanted, _ = crops(keep, pictures.shape[-2:], 0)
    surroundings, inner = crops(keep, pictures.shape[-2:], coupler_reach_px(film, pitch_um))
    exposures, inhibitors = [], []
    for layers in layers_at_once(len(psfs), backend, is_whole=keep is None):
        with clock.step("expose"):
            exposing = partial(
                expose_layers,
                params=film.exposure,
                coding=recipes[0].coding,
                exposure_stops=recipes[0].frame_stops,
                opening=recipes[0].opening,
                layers=layers,
            )
            exposure = in_strips(backend, exposing, pictures)
        with clock.step("scatter and halation"):
            exposure = spread(exposure, psfs[layers.start : layers.stop], backend)
            scale = 2.0 ** recipes[0].frame_stops * film.exposure.mid_grey_lx_s / MID_GREY
            exposure = with_returned(
                exposure, pictures, returned, layers, recipes[0], backend, scale
            )
        if recipes[0].weave_um:
            with clock.step("weave"):
                displacement_px = recipes[0].displacement_px(pitch_um)
                exposure = displaced(exposure[:, 0, ...], displacement_px, backend)[:, None, ...]
        with clock.step("scatter and halation"):
            exposure = cropped(exposure, surroundings, backend)
        with clock.step("couplers"):
            for inhibitor in spread_inhibitor(exposure, film, layers, pitch_um, backend):
                inhibitors.append(cropped(inhibitor, inner, backend))
            exposures.append(cropped(exposure, inner, backend))
    with clock.step("develop, grain and print"):
        stages = [joined(layers) for layers in (exposures, inhibitors) if layers]
        weakening = weakening_of(recipes[0])
        if weakening is not None:
            stages.append(pictures[..., *wanted])
        finish = partial(
            develop_and_print,
            couplers=film.couplers,
            development=film.development,
            grain=film.grain,
            bias=print_bias(
                film.grain, film.development, film.printing, pitch_um, recipes[0].space
            ),
            printing=film.printing,
            channels=pictures.shape[0],
            dtype=recipes[0].space.dtype_of(dtype),
            space=recipes[0].space,
            weakening=weakening,
            is_worn=recipes[0].is_worn,
        )
        positives = one_by_one(backend, finish, film, recipes, stages, outs)
    give_back_last(backend, *exposures, *inhibitors)
    return positives


def layers_at_once(layers: int, backend: ConvolutionBackend, *, is_whole: bool) -> Iterator[range]:
    """Say which layers go through the steps together.

    All do; but of a tile's surroundings the host holds one layer at a time.
    """
    step = 1 if is_numpy_namespace(backend.xp) and not is_whole else layers
    for start in range(0, layers, step):
        yield range(start, start + step)


def crops(keep: Window | None, shape: tuple[int, int], reach: int) -> tuple[Window, Window]:
    """Where what is kept and a reach around it lies in a picture, and what is kept within that."""
    kept = keep or (slice(0, shape[0]), slice(0, shape[1]))
    tile = Tile.reading(kept, reach, shape)
    return (tile.read_rows, tile.read_cols), tile.inner


def cropped(image: Array, window: Window, backend: ConvolutionBackend) -> Array:
    """Cut a stage of the process out of a larger one that nobody needs afterwards."""
    part = image[..., *window]
    if part.shape == image.shape:
        return image
    if not is_numpy_namespace(backend.xp):
        return array_namespace(part).asarray(part, copy=True)
    place = room(backend, part.shape, part.dtype)
    np.copyto(place, part)
    give_back(backend, image)
    return place


def joined(layers: list[Array]) -> Array:
    """Layers that went apart, in one array."""
    return layers[0] if len(layers) == 1 else array_namespace(layers[0]).concat(layers)


def in_strips(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    *stages: Array,
) -> Array:
    """Run a function of pixels on stages of pictures, one picture below the other."""
    xp = array_namespace(*stages)
    _, count, rows, cols = stages[0].shape
    stacks = (xp.reshape(stage, (stage.shape[0], count * rows, cols)) for stage in stages)
    done = pointwise(backend, function, *stacks)
    return xp.reshape(done, (done.shape[0], count, rows, cols))


Field: TypeAlias = Callable[[Array, range, range], Array]
"""Gives what a frame has at some rows and columns, in the library and on the device of an array."""


def one_by_one(
    backend: ConvolutionBackend,
    finish: Callable[..., Array],
    film: Film,
    recipes: Sequence[Recipe],
    stages: Sequence[Array],
    outs: Sequence[NDArray[Any] | None] | None,
) -> list[Array]:
    """Finish each picture with the noise and the wear of its own recipe, to its own place."""
    planes = wear_planes(film, recipes[0])
    layers = [] if film.grain is None else [len(film.grain.size_um)]
    sizes = [(size, np.dtype(np.float32)) for size in [*layers, *([planes] if planes else [])]]
    watch = Watch(backend.name)
    step = watched(backend, finish, [*of_pixels(*stages), *sizes], watch)
    positives = []
    for i, recipe in enumerate(recipes):
        own = [stage[:, i, ...] for stage in stages]
        fields = fields_of(recipe, film, planes, own[0].shape[-2:], backend)
        positive = by_rows(
            backend,
            with_fields(step, fields, backend, recipe.offset_px) if fields else step,
            *own,
            out=None if outs is None else outs[i],
        )
        watch.decide()
        positives.append(positive)
    return positives


def fields_of(
    recipe: Recipe, film: Film, planes: int, shape: tuple[int, int], backend: ConvolutionBackend
) -> list[Field]:
    """What a picture has beside its light: the noise of its grain, and its dust and scratches."""
    pitch_um = recipe.pitch_um(*shape)
    fields: list[Field] = []
    if film.grain is not None:
        fields.append(partial(noise_field, film.grain, pitch_um, recipe, backend))
    if planes:
        rows, cols = (
            range(start, start + size) for start, size in zip(recipe.offset_px, shape, strict=True)
        )
        marks = marks_of(recipe, planes, rows, cols, pitch_um)
        fields.append(partial(wear_field, marks, planes))
    return fields


def noise_field(
    grain: Grain,
    pitch_um: float,
    recipe: Recipe,
    backend: ConvolutionBackend,
    like: Array,
    rows: range,
    cols: range,
) -> Array:
    """The noise of step 7."""
    make_noise = backend.grain_noise if isinstance(backend, MakesGrain) else grain_noise
    return make_noise(
        like,
        grain,
        rows=len(rows),
        cols=len(cols),
        pixel_pitch_um=pitch_um,
        seed=recipe.seed,
        frame=recipe.frame,
        row_start=rows.start,
        col_start=cols.start,
    )


def with_fields(
    finish: RowFunction,
    fields: Sequence[Field],
    backend: ConvolutionBackend,
    offset_px: tuple[int, int],
) -> RowFunction:
    """Hand a step the fields of the rows it works on, after its other arrays."""
    top, left = offset_px

    def finish_part(*parts: Array, place: tuple[int, int], out: Array | None) -> Array:
        _, rows, cols = parts[0].shape
        frame_rows = range(top + place[0], top + place[0] + rows)
        frame_cols = range(left + place[1], left + place[1] + cols)
        own = (field(parts[0], frame_rows, frame_cols) for field in fields)
        return finish(*parts, *own, row_start=place[0], out=out)

    def finish_rows(*strips: Array, row_start: int, out: Array | None = None) -> Array:
        _, rows, cols = strips[0].shape
        if rows >= SLIM:
            return finish_part(*strips, place=(row_start, 0), out=out)
        return by_columns(
            lambda some, place: finish_part(
                *(strip[..., some] for strip in strips), place=(row_start, some.start), out=place
            ),
            cols,
            out if is_numpy_namespace(backend.xp) else None,
        )

    return finish_rows


def expose_scene(
    coded: Array,
    *,
    params: Exposure,
    coding: Coding,
    exposure_stops: float,
    opening: float = 0.0,
) -> Array:
    """Steps 1 and 2: decode to scene light, expose the layers."""
    irradiance = scene_colours(coded, coding)
    if opening:
        irradiance = irradiance * opened(coded, coding, opening)
    exposure = expose(irradiance, params, exposure_stops=exposure_stops)
    return exposure if coding.is_srgb else held_positive(exposure, params.least_share)


def expose_layers(coded: Array, *, layers: range, **settings: Any) -> Array:
    """Steps 1 and 2 for some of the layers."""
    return expose_scene(coded, **settings)[layers.start : layers.stop, ...]


def with_returned(
    light: Array,
    pictures: Array,
    returned: tuple[tuple[float, ...], PSF] | None,
    layers: range,
    recipe: Recipe,
    backend: ConvolutionBackend,
    scale: float,
) -> Array:
    """Step 4 for light beyond white: it comes back from the base, and exposes nothing directly.

    What is near white exposes all layers alike, so that one plane stands for all. The highlight's
    own light is held at white, and what returns is bounded: its core keeps its colour.
    """
    if returned is None:
        return light
    of_all, psf = returned
    shares = of_all[layers.start : layers.stop]
    if not any(shares):
        return light
    lamps = partial(
        light_of_lamps, coding=recipe.coding, opening=recipe.opening_beyond, scale=scale
    )
    more = in_strips(backend, lamps, pictures)
    more = spread(more, psf, backend)
    most = MOST_BEYOND_WHITE * FILE_WHITE * scale
    done = in_strips(backend, partial(add_bounded, shares=shares, most=most), light, more)
    give_back(backend, light, more)
    return done


def add_bounded(light: Array, more: Array, *, shares: Sequence[float], most: float) -> Array:
    """Add shares of light that approaches a limit and stays below."""
    return light + (more / (1.0 + more * (1.0 / most))) * per_layer(shares, light)


def light_of_lamps(coded: Array, *, coding: Coding, opening: float, scale: float) -> Array:
    """Red light that clipped highlights had beyond the file's white, in some unit."""
    gain = beyond_white(coded, coding, opening)
    return scene_colours(coded, coding)[:1, ...] * ((gain - 1.0) * scale)


def reach_px(film: Film, pitch_um: float) -> int:
    """Pixels beyond which no part of a picture acts on another: what tiles have to overlap."""
    light_px = math.ceil(film.light_reach_um / pitch_um) + 1  # PSFs are integrated over the pixel
    return light_px + coupler_reach_px(film, pitch_um)


def coupler_reach_px(film: Film, pitch_um: float) -> int:
    """Pixels beyond which no part of a picture acts on another once the light has spread."""
    return math.ceil(film.coupler_reach_um / pitch_um) + 1 if film.couplers else 0


def spread_of_light(film: Film, pitch_um: float) -> tuple[PSF, ...]:
    """Steps 3 and 4: scatter and halation are linear and meet, so they share a convolution."""
    layers = len(film.development.curves)
    return light_psfs(film.scatter, film.aperture_um, film.halation, layers, pitch_um)


@once(maxsize=16)  # a roll's pictures share them
def light_psfs(
    scatter: Scatter | None,
    aperture_um: float,
    halation: Halation | None,
    layers: int,
    pitch_um: float,
) -> tuple[PSF, ...]:
    """What scatter, scanner and halation do to each layer, one after the other."""
    untouched = (delta(),) * layers
    blurred = blurred_psfs(scatter, aperture_um, layers, pitch_um)
    returned = halation_psfs(halation, pixel_pitch_um=pitch_um) if halation else untouched
    return tuple(compose(first, second) for first, second in zip(blurred, returned, strict=True))


def blurred_psfs(
    scatter: Scatter | None, aperture_um: float, layers: int, pitch_um: float
) -> tuple[PSF, ...]:
    """What scatter does to each layer, and the scanner's aperture to what is made of it.

    The aperture blurs the light that is measured. It is narrow, and a small blur may as well come
    before the steps that act on each pixel alone: to first order they do not change it.
    """
    if not aperture_um:
        return scatter_psfs(scatter, pixel_pitch_um=pitch_um) if scatter else (delta(),) * layers
    points = Scatter(layers=(((1.0, aperture_um),),) * layers)
    if scatter is None:
        return scatter_psfs(points, pixel_pitch_um=pitch_um)
    both = tuple(
        tuple((weight, math.hypot(sigma_um, aperture_um)) for weight, sigma_um in layer)
        for layer in scatter.layers
    )
    return scatter_psfs(Scatter(layers=both), pixel_pitch_um=pitch_um)


def returned_beyond_white(
    film: Film, opening: float, pitch_um: float
) -> tuple[tuple[float, ...], PSF] | None:
    """How the base returns light beyond white: each layer's share, and how it is spread.

    A share is 0 where it adds too little to see, and nothing is returned where all are. Scatter,
    which is narrow, is left out.
    """
    if film.halation is None:
        return None
    most_beyond = opening / (1.0 - opening)  # at white, in units of what the film gets directly
    shares = tuple(
        share if share * most_beyond >= LEAST_BEYOND_WHITE else 0.0
        for share in returned_shares(film.halation)
    )
    return (shares, returned_psf(film.halation, pixel_pitch_um=pitch_um)) if any(shares) else None


def spread_inhibitor(
    exposure: Array, film: Film, layers: range, pitch_um: float, backend: ConvolutionBackend
) -> tuple[Array, ...]:
    """Step 5, first half: the inhibitor that development releases, after it has spread."""
    if film.couplers is None:
        return ()
    releasing = partial(release_inhibitor, couplers=film.couplers, layers=layers)
    released = in_strips(backend, releasing, exposure)
    return (spread(released, coupler_psf(film.couplers, pixel_pitch_um=pitch_um), backend),)


def spread(image: Array, psf: PSF | Sequence[PSF], backend: ConvolutionBackend) -> Array:
    """Convolve a stage of the process that nobody needs afterwards."""
    log_method(backend, image.shape, psf)
    if not isinstance(backend, FillsOut):
        return backend.convolve(image, psf)
    place = room(backend, image.shape, image.dtype)
    backend.convolve_into(image, psf, place)
    give_back(backend, image)
    return place


def release_inhibitor(exposure: Array, *, couplers: Couplers, layers: range | None = None) -> Array:
    """The inhibitor of some of the layers before it spreads."""
    return release(log10_exposure(exposure), couplers, layers)


def develop_and_print(
    exposure: Array,
    *others: Array,
    couplers: Couplers | None,
    development: Development,
    grain: Grain | None,
    bias: GrainBias | None = None,
    printing: Printing,
    channels: int,
    dtype: np.dtype[Any],
    space: OutputSpace = SRGB,
    weakening: Weakening | None = None,
    is_worn: bool = False,
) -> Array:
    """Steps 5 to 9: inhibit, develop, add grain, print, blend with the picture, encode.

    The others are, as far as there are any: the inhibitor, the picture, the noise, the wear.
    """
    following = iter(others)
    latent = log10_exposure(exposure)
    if couplers is not None:
        latent = inhibit(latent, next(following), couplers)
    coded = None if weakening is None else next(following)
    density = develop_layers(latent, development)
    if grain is not None:
        density = add_grain(density, next(following), grain, bias)
    wear = next(following) if is_worn else None
    light = printed(density if wear is None else worn(density, wear), printing, space)
    if wear is not None:
        light = let_through(light, wear)
    if weakening is not None and coded is not None:
        light = weakened(light, coded, weakening)
    return encode(light, channels, dtype, space)


@once(maxsize=64)  # a roll's pictures share them
def print_bias(
    grain: Grain | None,
    development: Development,
    printing: Printing,
    pitch_um: float,
    space: OutputSpace = SRGB,
) -> GrainBias | None:
    """What keeps the mean light of a positive with grain at a pixel pitch.

    Of all positives for SDR what keeps it in sRGB, so that they are alike.
    """
    if grain is None:
        return None
    own = space if space.is_density or space.is_hdr else SRGB

    def seen(density: Array) -> Array:
        return clipped(printed(density, printing, own), 0.0, own.peak)

    return grain_bias(grain, development, seen, pitch_um)


class Clock:
    """Adds up the time of each step.

    Parameters
    ----------
    backend : ConvolutionBackend, optional
        Is waited for at the end of each step, so that the step's time is its own. By default
        nothing is waited for: on a device the steps then follow each other without a gap.
    """

    def __init__(self, backend: ConvolutionBackend | None = None) -> None:
        self.backend = backend
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        start = time.perf_counter()
        with in_step(name):
            yield
        if self.backend is not None:
            synchronize(self.backend)
        elapsed = time.perf_counter() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + elapsed

"""START HERE: the photographic process, a line a step. `door.develop` leads to it."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace
from phos_core.coding import encode, numpy_dtype, scene_colours
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.effects.couplers import Couplers, coupler_psf, inhibit, release
from phos_core.effects.development import Development
from phos_core.effects.development import develop as develop_layers
from phos_core.effects.exposure import Exposure, expose, held_positive, log10_exposure
from phos_core.effects.grain import Grain, add_grain, grain_noise
from phos_core.effects.halation import Halation, halation_psfs
from phos_core.effects.printing import Printing, into_gamut, make_positive
from phos_core.effects.scatter import Scatter, scatter_psfs
from phos_core.film import Film
from phos_core.psf import PSF, compose, delta
from phos_core.recipe import Encoding, Recipe
from phos_core.strips import (
    RowFunction,
    by_rows,
    give_back,
    give_back_last,
    of_pixels,
    pointwise,
    prepared,
    room,
)

__all__ = ["Clock", "process", "reach_px"]


def process(
    pictures: Array,
    film: Film,
    recipes: Sequence[Recipe],
    *,
    backend: ConvolutionBackend,
    clock: "Clock",
    outs: Sequence[NDArray[Any] | None] | None = None,
) -> list[Array]:
    """Take pictures of one size through the photographic process, together.

    Parameters
    ----------
    pictures : array, shape (channels, pictures, rows, cols)
        On the backend's device, one channel or three, coded as the recipes say.
    film : Film
        The stock.
    recipes : sequence of Recipe
        The settings of each picture; they may differ in what makes the grain alone.
    backend : ConvolutionBackend
        What convolves, and where the arrays live.
    clock : Clock
        Takes the time of each step.
    outs : sequence of ndarray, shape (channels, rows, cols), optional
        Take the positives on the host.

    Returns
    -------
    list of array, shape (channels, rows, cols)
        The positives, sRGB-encoded: those of `outs` if that is given, else on the device, integers
        in the dtype of `pictures` and floats in single precision.
    """
    pitch_um = recipes[0].pitch_um(*pictures.shape[-2:])

    with clock.step("expose"):
        exposing = partial(
            expose_scene,
            params=film.exposure,
            encoding=recipes[0].encoding,
            primaries=recipes[0].primaries,
            exposure_stops=recipes[0].exposure_stops,
        )
        exposure = in_strips(backend, exposing, pictures)
    with clock.step("scatter and halation"):
        exposure = spread(exposure, spread_of_light(film, pitch_um), backend)
    with clock.step("couplers"):
        inhibitor = spread_inhibitor(exposure, film, pitch_um, backend)
    with clock.step("develop, grain and print"):
        finish = partial(
            develop_and_print,
            couplers=film.couplers,
            development=film.development,
            grain=film.grain,
            printing=film.printing,
            channels=pictures.shape[0],
            dtype=numpy_dtype(pictures),
        )
        positives = one_by_one(backend, finish, film.grain, recipes, [exposure, *inhibitor], outs)
    give_back_last(backend, exposure, *inhibitor)
    return positives


def in_strips(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    pictures: Array,
) -> Array:
    """Run a function of pixels on pictures, one below the other."""
    layers, count, rows, cols = pictures.shape
    xp = array_namespace(pictures)
    stack = xp.reshape(pictures, (layers, count * rows, cols))
    done = pointwise(backend, function, stack)
    return xp.reshape(done, (done.shape[0], count, rows, cols))


def one_by_one(
    backend: ConvolutionBackend,
    finish: Callable[..., Array],
    grain: Grain | None,
    recipes: Sequence[Recipe],
    stages: Sequence[Array],
    outs: Sequence[NDArray[Any] | None] | None,
) -> list[Array]:
    """Finish each picture with the noise of its own recipe's grain, to its own place."""
    noise = [] if grain is None else [(len(grain.size_um), np.dtype(np.float32))]
    step = prepared(backend, finish, [*of_pixels(*stages), *noise])
    pitch_um = recipes[0].pitch_um(*stages[0].shape[-2:])
    return [
        by_rows(
            backend,
            step if grain is None else with_noise(step, backend, grain, pitch_um, recipe),
            *(stage[:, i, ...] for stage in stages),
            out=None if outs is None else outs[i],
        )
        for i, recipe in enumerate(recipes)
    ]


def with_noise(
    finish: RowFunction,
    backend: ConvolutionBackend,
    grain: Grain,
    pitch_um: float,
    recipe: Recipe,
) -> RowFunction:
    """Hand a step the noise of step 7 for the rows it works on, after its other arrays."""
    make_noise = getattr(backend, "grain_noise", grain_noise)

    def finish_rows(*strips: Array, row_start: int, out: Array | None = None) -> Array:
        _, rows, cols = strips[0].shape
        noise = make_noise(
            strips[0],
            grain,
            rows=rows,
            cols=cols,
            pixel_pitch_um=pitch_um,
            seed=recipe.seed,
            frame=recipe.frame,
            row_start=recipe.offset_px[0] + row_start,
            col_start=recipe.offset_px[1],
        )
        return finish(*strips, noise, row_start=row_start, out=out)

    return finish_rows


def expose_scene(
    coded: Array,
    *,
    params: Exposure,
    encoding: Encoding,
    primaries: str,
    exposure_stops: float,
) -> Array:
    """Steps 1 and 2: decode to scene light, expose the layers."""
    irradiance = scene_colours(coded, encoding, primaries)
    exposure = expose(irradiance, params, exposure_stops=exposure_stops)
    is_in_gamut = encoding == "srgb" and primaries == "srgb"
    return exposure if is_in_gamut else held_positive(exposure)


def reach_px(film: Film, pitch_um: float) -> int:
    """Rows beyond which no part of a picture acts on another: what tiles have to overlap."""
    return math.ceil(film.reach_um / pitch_um) + 1  # PSFs are integrated over the pixel


def spread_of_light(film: Film, pitch_um: float) -> tuple[PSF, ...]:
    """Steps 3 and 4: scatter and halation are linear and meet, so they share a convolution."""
    return light_psfs(film.scatter, film.halation, len(film.development.curves), pitch_um)


@lru_cache(maxsize=16)  # a roll's pictures share them
def light_psfs(
    scatter: Scatter | None, halation: Halation | None, layers: int, pitch_um: float
) -> tuple[PSF, ...]:
    """What scatter and halation do to each layer, one after the other."""
    untouched = (delta(),) * layers
    scattered = scatter_psfs(scatter, pixel_pitch_um=pitch_um) if scatter else untouched
    returned = halation_psfs(halation, pixel_pitch_um=pitch_um) if halation else untouched
    return tuple(compose(first, second) for first, second in zip(scattered, returned, strict=True))


def spread_inhibitor(
    exposure: Array, film: Film, pitch_um: float, backend: ConvolutionBackend
) -> tuple[Array, ...]:
    """Step 5, first half: the inhibitor that development releases, after it has spread."""
    if film.couplers is None:
        return ()
    released = in_strips(backend, partial(release_inhibitor, couplers=film.couplers), exposure)
    return (spread(released, coupler_psf(film.couplers, pixel_pitch_um=pitch_um), backend),)


def spread(image: Array, psf: PSF | Sequence[PSF], backend: ConvolutionBackend) -> Array:
    """Convolve a stage of the process that nobody needs afterwards."""
    if not getattr(backend, "takes_out", False):
        return backend.convolve(image, psf)
    place = room(backend, image.shape, image.dtype)
    backend.convolve(image, psf, out=place)  # type: ignore[call-arg] # it says that it takes one
    give_back(backend, image)
    return place


def release_inhibitor(exposure: Array, *, couplers: Couplers) -> Array:
    """The inhibitor before it spreads."""
    return release(log10_exposure(exposure), couplers)


def develop_and_print(
    exposure: Array,
    *inhibitor_and_noise: Array,
    couplers: Couplers | None,
    development: Development,
    grain: Grain | None,
    printing: Printing,
    channels: int,
    dtype: np.dtype[Any],
) -> Array:
    """Steps 5 to 9: inhibit, develop, add grain, print, encode."""
    others = list(inhibitor_and_noise)
    latent = log10_exposure(exposure)
    if couplers is not None:
        latent = inhibit(latent, others.pop(0), couplers)
    density = develop_layers(latent, development)
    if grain is not None:
        density = add_grain(density, others.pop(), grain)
    return encode(into_gamut(make_positive(density, printing)), channels, dtype)


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
        yield
        if self.backend is not None:
            self.backend.synchronize()
        elapsed = time.perf_counter() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + elapsed

"""START HERE: the photographic process, a line a step. `door.develop` leads to it."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core import color
from phos_core.arrays import Array, array_namespace
from phos_core.camera import scene_light_of_codes, scene_light_of_srgb
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.execution import by_rows
from phos_core.effects.couplers import Couplers, coupler_psf, inhibit, release
from phos_core.effects.development import develop as develop_layers
from phos_core.effects.exposure import expose, log10_exposure
from phos_core.effects.grain import add_grain
from phos_core.effects.halation import halation_psfs
from phos_core.effects.printing import make_positive
from phos_core.effects.scatter import scatter_psfs
from phos_core.film import Film
from phos_core.psf import PSF, compose, delta
from phos_core.recipe import Encoding, Recipe

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
    channels, count, *size = pictures.shape
    pitch_um = recipes[0].pitch_um(*size)

    def in_strips(function: Callable[..., Array], planes: Array) -> Array:
        """What works row by row sees the pictures one below the other."""
        below = reshaped(planes, (planes.shape[0], count * size[0], size[1]))
        done = by_rows(backend, function, below)
        return reshaped(done, (done.shape[0], count, *size))

    with clock.step("expose"):
        exposure = in_strips(partial(expose_scene, film=film, recipe=recipes[0]), pictures)
    with clock.step("scatter and halation"):
        exposure = backend.convolve(exposure, spread_of_light(film, pitch_um))
    spread: tuple[Array, ...] = ()
    if film.couplers is not None:
        with clock.step("couplers"):
            released = in_strips(partial(release_inhibitor, couplers=film.couplers), exposure)
            spread = (
                backend.convolve(released, coupler_psf(film.couplers, pixel_pitch_um=pitch_um)),
            )
            del released
    with clock.step("develop, grain and print"):
        finish = partial(
            develop_and_print,
            film=film,
            pitch_um=pitch_um,
            channels=channels,
            dtype=numpy_dtype(pictures),
        )
        return [
            by_rows(
                backend,
                partial(finish, recipe=recipe),
                *(planes[:, i, ...] for planes in (exposure, *spread)),
                out=None if outs is None else outs[i],
            )
            for i, recipe in enumerate(recipes)
        ]


def reshaped(planes: Array, shape: tuple[int, ...]) -> Array:
    """The same numbers in another shape."""
    return array_namespace(planes).reshape(planes, shape)


def expose_scene(coded: Array, *, row_start: int, film: Film, recipe: Recipe) -> Array:
    """Steps 1 and 2: decode to scene light, expose the layers."""
    irradiance = three_channels(scene_irradiance(coded, recipe.encoding))
    return expose(irradiance, film.exposure, exposure_stops=recipe.exposure_stops)


def reach_px(film: Film, pitch_um: float) -> int:
    """Rows beyond which no part of a picture acts on another: what tiles have to overlap."""
    return math.ceil(film.reach_um / pitch_um) + 1  # PSFs are integrated over the pixel


def spread_of_light(film: Film, pitch_um: float) -> list[PSF]:
    """Steps 3 and 4: scatter and halation are linear and meet, so they share a convolution."""
    layers = len(film.development.curves)
    untouched = (delta(),) * layers
    scatter = scatter_psfs(film.scatter, pixel_pitch_um=pitch_um) if film.scatter else untouched
    halo = halation_psfs(film.halation, pixel_pitch_um=pitch_um) if film.halation else untouched
    return [compose(first, second) for first, second in zip(scatter, halo, strict=True)]


def release_inhibitor(exposure: Array, *, row_start: int, couplers: Couplers) -> Array:
    """Step 5, first half: the inhibitor that development releases, before it spreads."""
    return release(log10_exposure(exposure), couplers)


def develop_and_print(
    exposure: Array,
    *inhibitor: Array,
    row_start: int,
    film: Film,
    recipe: Recipe,
    pitch_um: float,
    channels: int,
    dtype: np.dtype[Any],
) -> Array:
    """Steps 5 to 9: inhibit, develop, add grain, print, encode."""
    latent = log10_exposure(exposure)
    if film.couplers is not None:
        (diffused,) = inhibitor
        latent = inhibit(latent, diffused, film.couplers)
    density = develop_layers(latent, film.development)
    if film.grain is not None:
        density = add_grain(
            density,
            film.grain,
            pixel_pitch_um=pitch_um,
            seed=recipe.seed,
            frame=recipe.frame,
            row_start=recipe.offset_px[0] + row_start,
            col_start=recipe.offset_px[1],
        )
    light = make_positive(density, film.printing)
    return encode(light, channels, dtype)


def scene_irradiance(coded: Array, encoding: Encoding) -> Array:
    """Scene-linear light of coded pixels; from sRGB the camera's rendering is taken back."""
    xp = array_namespace(coded)
    if not xp.isdtype(coded.dtype, "integral"):
        light = xp.astype(coded, xp.float32)
        return scene_light_of_srgb(light) if encoding == "srgb" else light
    dtype = numpy_dtype(coded)
    if encoding == "srgb":
        return scene_light_of_codes(coded, dtype)
    return xp.astype(coded, xp.float32) * (1.0 / np.iinfo(dtype).max)


def numpy_dtype(array: Array) -> np.dtype[Any]:
    """The NumPy dtype of an array of any library."""
    return np.dtype(str(array.dtype).rpartition(".")[2])


def three_channels(irradiance: Array) -> Array:
    """Grey light as equal red, green and blue."""
    return array_namespace(irradiance).broadcast_to(irradiance, (3, *irradiance.shape[1:]))


def encode(light: Array, channels: int, dtype: np.dtype[Any]) -> Array:
    """Step 9: sRGB-encode in the channels that the input had; clipped here and only here."""
    xp = array_namespace(light)
    if light.shape[0] > channels:
        light = luminance(light)
    if dtype.kind == "u":
        coded = color.encode_codes(light, dtype)
    else:
        coded = color.encode_srgb(xp.minimum(xp.maximum(light, 0.0), 1.0))
    return xp.broadcast_to(coded, (channels, *coded.shape[1:]))


def luminance(light: Array) -> Array:
    """Luminance of linear sRGB, as one channel."""
    red, green, blue = color.LUMINANCE
    return red * light[:1, ...] + green * light[1:2, ...] + blue * light[2:, ...]


class Clock:
    """Adds up the time of each step, once the backend has done what it was asked.

    Parameters
    ----------
    backend : ConvolutionBackend
        Whose work is timed.
    """

    def __init__(self, backend: ConvolutionBackend) -> None:
        self.backend = backend
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        start = time.perf_counter()
        yield
        self.backend.synchronize()
        elapsed = time.perf_counter() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + elapsed

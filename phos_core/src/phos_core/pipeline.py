"""START HERE: the photographic process, a line a step, and `develop`, the door to it."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from phos_core import color
from phos_core.arrays import Array, array_namespace
from phos_core.camera import scene_light_of_codes, scene_light_of_srgb
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.execution import by_rows
from phos_core.convolution.selection import select
from phos_core.effects.couplers import Couplers, coupler_psf, inhibit, release
from phos_core.effects.development import develop as develop_layers
from phos_core.effects.exposure import expose, log10_exposure
from phos_core.effects.grain import add_grain
from phos_core.effects.halation import halation_psfs
from phos_core.effects.printing import make_positive
from phos_core.effects.scatter import scatter_psfs
from phos_core.film import Film
from phos_core.psf import PSF, compose, delta
from phos_core.recipe import Encoding, Recipe, RunReport

__all__ = ["develop"]

DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32), np.dtype(np.float64))


def process(
    image: Array,
    film: Film,
    recipe: Recipe,
    *,
    backend: ConvolutionBackend,
    clock: "Clock",
    out: NDArray[Any],
) -> None:
    """Take a picture through the photographic process.

    Parameters
    ----------
    image : array, shape (channels, rows, cols)
        The picture on the backend's device, one channel or three, coded as the recipe says.
    film : Film
        The stock.
    recipe : Recipe
        The settings.
    backend : ConvolutionBackend
        What convolves, and where the arrays live.
    clock : Clock
        Takes the time of each step.
    out : ndarray, shape (channels, rows, cols)
        Takes the positive, sRGB-encoded in the dtype of `image`.
    """
    pitch_um = recipe.pitch_um(*image.shape[-2:])
    in_strips = partial(by_rows, backend)

    with clock.step("expose"):
        exposure = in_strips(partial(expose_scene, film=film, recipe=recipe), image)
    with clock.step("scatter and halation"):
        exposure = backend.convolve(exposure, spread_of_light(film, pitch_um))
    with clock.step("couplers"):
        inhibitor = spread_inhibitor(exposure, film, pitch_um, backend)
    with clock.step("develop, grain and print"):
        finish = partial(
            develop_and_print,
            film=film,
            recipe=recipe,
            pitch_um=pitch_um,
            channels=out.shape[0],
            dtype=numpy_dtype(image),
        )
        in_strips(finish, exposure, *inhibitor, out=out)


def expose_scene(coded: Array, *, row_start: int, film: Film, recipe: Recipe) -> Array:
    """Steps 1 and 2: decode to scene light, expose the layers."""
    irradiance = three_channels(scene_irradiance(coded, recipe.encoding))
    return expose(irradiance, film.exposure, exposure_stops=recipe.exposure_stops)


def spread_of_light(film: Film, pitch_um: float) -> list[PSF]:
    """Steps 3 and 4: scatter and halation are linear and meet, so they share a convolution."""
    layers = len(film.development.curves)
    untouched = (delta(),) * layers
    scatter = scatter_psfs(film.scatter, pixel_pitch_um=pitch_um) if film.scatter else untouched
    halo = halation_psfs(film.halation, pixel_pitch_um=pitch_um) if film.halation else untouched
    return [compose(first, second) for first, second in zip(scatter, halo, strict=True)]


def spread_inhibitor(
    exposure: Array, film: Film, pitch_um: float, backend: ConvolutionBackend
) -> tuple[Array, ...]:
    """Step 5, first half: the inhibitor that development releases, after it has spread."""
    if film.couplers is None:
        return ()
    released = by_rows(backend, partial(release_inhibitor, couplers=film.couplers), exposure)
    return (backend.convolve(released, coupler_psf(film.couplers, pixel_pitch_um=pitch_um)),)


def release_inhibitor(exposure: Array, *, row_start: int, couplers: Couplers) -> Array:
    """The inhibitor before it spreads."""
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
        coded = color.encode_srgb(xp.clip(light, 0.0, 1.0))
    return xp.broadcast_to(coded, (channels, *coded.shape[1:]))


def luminance(light: Array) -> Array:
    """Luminance of linear sRGB, as one channel."""
    red, green, blue = color.LUMINANCE
    return red * light[:1, ...] + green * light[1:2, ...] + blue * light[2:, ...]


@overload
def develop(
    image: NDArray[Any],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: NDArray[Any] | None = ...,
    report: Literal[False] = ...,
) -> NDArray[Any]: ...


@overload
def develop(
    image: NDArray[Any],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: NDArray[Any] | None = ...,
    report: Literal[True],
) -> tuple[NDArray[Any], RunReport]: ...


def develop(
    image: NDArray[Any],
    film: str | Path | Film = "portra-400",
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int = 0,
    frame: int = 0,
    exposure_stops: float = 0.0,
    film_format: str = "135",
    pixel_pitch_um: float | None = None,
    offset_px: tuple[int, int] = (0, 0),
    encoding: Encoding = "srgb",
    printing: str = "auto",
    out: NDArray[Any] | None = None,
    report: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], RunReport]:
    """Develop a picture on film.

    Parameters
    ----------
    image : ndarray of uint8, uint16, float32 or float64, shape (rows, cols) or (rows, cols, 3)
        The picture, in any stride and byte order; not changed.
    film, seed, frame, exposure_stops, film_format, pixel_pitch_um, offset_px, encoding, printing
        The settings; `Recipe` says what each means.
    recipe : Recipe, optional
        All settings in one record, instead of the arguments above.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend` or ``PHOS_BACKEND`` name, else the best.
    out : ndarray, optional
        Takes the positive: the shape and dtype of `image`.
    report : bool
        Whether to return a `RunReport` as well.

    Returns
    -------
    ndarray, or tuple of (ndarray, RunReport)
        The positive, sRGB-encoded, of the shape and dtype of `image`; 0 to 1 for floats.

    Raises
    ------
    TypeError
        If a dtype or a setting's type is wrong, or settings are given twice.
    ValueError
        If a shape or a setting is wrong, a pixel is NaN or infinite, or an sRGB float is
        outside 0 to 1.
    UnknownFilmError, UnknownBackendError, BackendUnavailableError
        If a name is not known, or the backend named cannot run.
    """
    settings = Recipe(
        film=film,
        seed=seed,
        frame=frame,
        exposure_stops=exposure_stops,
        film_format=film_format,
        pixel_pitch_um=pixel_pitch_um,
        offset_px=offset_px,
        encoding=encoding,
        printing=printing,
    )
    if recipe is not None:
        if settings != Recipe():
            raise TypeError("give the settings in recipe or as arguments, not both")
        settings = recipe
    planes = checked_planes(image, settings.encoding)
    result = checked_out(out, image)
    stock = settings.load_film()
    selection = select(backend)
    clock = Clock(selection.backend)
    if image.size:
        with clock.step("upload"):
            on_device = selection.backend.to_device(planes)
        process(
            on_device,
            stock,
            settings,
            backend=selection.backend,
            clock=clock,
            out=planar(result),
        )
    if not report:
        return result
    return result, RunReport(
        film=stock.name,
        backend=selection.backend.name,
        device=str(selection.backend.device),
        source=selection.source,
        candidates=tuple((c.name, c.reason or "") for c in selection.candidates),
        versions=versions(),
        pixel_pitch_um=settings.pitch_um(*planes.shape[-2:]),
        step_seconds=clock.seconds,
    )


def checked_planes(image: NDArray[Any], encoding: Encoding) -> NDArray[Any]:
    """The picture as (channels, rows, cols) in native byte order, or an error that explains."""
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a NumPy array, got {type(image).__name__}")
    if image.dtype.newbyteorder("=") not in DTYPES:
        raise TypeError(
            f"image must be uint8, uint16, float32 or float64, got {image.dtype}; "
            "convert it first, for instance image.astype(np.float32)"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            f"image must be of shape (rows, cols) or (rows, cols, 3), got {image.shape}"
            + shape_hint(image.shape)
        )
    if image.dtype.kind == "f":
        check_light(image, encoding)
    return planar(image.astype(image.dtype.newbyteorder("="), copy=False))


def shape_hint(shape: tuple[int, ...]) -> str:
    """What would turn a picture of a wrong shape into a right one."""
    if len(shape) == 3 and shape[2] == 4:
        return "; leave the alpha channel out: image[..., :3]"
    if len(shape) == 3 and shape[2] == 1:
        return "; drop the last axis: image[..., 0]"
    if len(shape) == 3 and shape[0] == 3:
        return "; the channels seem to come first: np.moveaxis(image, 0, -1)"
    if len(shape) == 4:
        return "; develop the pictures one by one"
    return ""


def check_light(image: NDArray[Any], encoding: Encoding) -> None:
    """Raise unless every float is finite and, when sRGB-encoded, from 0 to 1."""
    if image.size == 0:
        return
    low, high = image.min(), image.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(image))[0])
        raise ValueError(f"image must be finite, got {image[first]} at index {first}")
    if encoding == "srgb" and not (low >= 0.0 and high <= 1.0):
        raise ValueError(
            f"an sRGB-encoded float image must lie between 0 and 1, got {low:g} to {high:g}; "
            'clip it, or use encoding="linear" for scene light'
        )


def checked_out(out: NDArray[Any] | None, image: NDArray[Any]) -> NDArray[Any]:
    """The array that takes the positive."""
    if out is None:
        return np.empty(image.shape, image.dtype)
    if not isinstance(out, np.ndarray) or out.dtype != image.dtype:
        came = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be an array of the image's dtype {image.dtype}, got {came}")
    if out.shape != image.shape:
        raise ValueError(f"out must have the image's shape {image.shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")
    return out


def planar(image: NDArray[Any]) -> NDArray[Any]:
    """A view with the channels first, one for a grey picture."""
    return image[np.newaxis] if image.ndim == 2 else np.moveaxis(image, -1, 0)


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "phos-core": version("phos-core"),
    }


class Clock:
    """Takes the time of each step, once the backend has done what it was asked.

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
        self.seconds[name] = time.perf_counter() - start

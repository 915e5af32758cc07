"""`develop`, the door to the pipeline: checks what comes, chooses a backend, reports."""

import math
import platform
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, cast, overload

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.execution import is_native, places
from phos_core.convolution.ladder import Work, descend
from phos_core.convolution.selection import library_versions, select
from phos_core.convolution.tiles import Footprint, Tile
from phos_core.film import Film
from phos_core.pipeline import Clock, process, reach_px
from phos_core.recipe import Encoding, Recipe, RunReport

__all__ = ["develop"]

DTYPES = ("uint8", "uint16", "float32", "float64")
FLOAT_BYTES = 4
STRIP_ARRAYS = 5  # of three float32 layers, alive at the peak of a develop in strips: measured
WHOLE_ARRAYS = 18  # the same where each step takes the whole picture


@overload
def develop(
    image: list[Any] | tuple[Any, ...],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int | Sequence[int] = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: Sequence[NDArray[Any]] | NDArray[Any] | None = ...,
    report: Literal[False] = ...,
    strict: bool = ...,
) -> list[Any]: ...


@overload
def develop(
    image: NDArray[Any],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int | Sequence[int] = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: NDArray[Any] | None = ...,
    report: Literal[False] = ...,
    strict: bool = ...,
) -> NDArray[Any]: ...


@overload
def develop(
    image: Any,
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int | Sequence[int] = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: Any = ...,
    report: Literal[True],
    strict: bool = ...,
) -> tuple[Any, Any]: ...


def develop(
    image: Any,
    film: str | Path | Film = "portra-400",
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int | Sequence[int] = 0,
    frame: int = 0,
    exposure_stops: float = 0.0,
    film_format: str = "135",
    pixel_pitch_um: float | None = None,
    offset_px: tuple[int, int] = (0, 0),
    encoding: Encoding = "srgb",
    printing: str = "auto",
    out: Any = None,
    report: bool = False,
    strict: bool = False,
) -> Any:
    """Develop a picture, or several, on film.

    Parameters
    ----------
    image : array of uint8, uint16, float32 or float64, shape (rows, cols) or (rows, cols, 3)
        The picture, in any stride and byte order; not changed. An array of a device, such as
        torch's or CuPy's, is developed there. Several pictures: an array of shape
        (n, rows, cols, 3), or a list of pictures of sizes that may differ.
    film, frame, exposure_stops, film_format, pixel_pitch_um, offset_px, encoding, printing
        The settings; `Recipe` says what each means.
    seed : int, or list of int
        Seed of the grain: one for all pictures, or one for each.
    recipe : Recipe, optional
        All settings in one record, instead of the arguments above.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend` or ``PHOS_BACKEND`` name, else the best.
    out : ndarray, or a list of them for a list, optional
        Takes the positive: the shape and dtype of `image`. Not for arrays of a device.
    report : bool
        Whether to return a `RunReport` as well.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails; so says
        ``PHOS_STRICT=1``.

    Returns
    -------
    array, or tuple of (array, RunReport)
        The positive, sRGB-encoded, of the kind, shape and dtype of `image`; 0 to 1 for floats.
        For a list, a list. The report of several pictures is a list of theirs.

    Raises
    ------
    TypeError
        If a dtype or a setting's type is wrong, or settings are given twice.
    ValueError
        If a shape or a setting is wrong, a pixel is NaN or infinite, or an sRGB float is
        outside 0 to 1.
    UnknownFilmError, UnknownBackendError, BackendUnavailableError
        If a name is not known, or the backend named cannot run or does not own the array.
    OutOfMemoryError, UnsupportedOperationError, DeviceLostError
        If the backend, and those that may take over, all fail.

    Warns
    -----
    BackendFallbackWarning
        If another backend than the one chosen did the work.
    """
    seeds = None if np.ndim(seed) == 0 else list(cast("Sequence[int]", seed))
    settings = Recipe(
        film=film,
        seed=cast("int", seed) if seeds is None else 0,
        frame=frame,
        exposure_stops=exposure_stops,
        film_format=film_format,
        pixel_pitch_um=pixel_pitch_um,
        offset_px=offset_px,
        encoding=encoding,
        printing=printing,
    )
    if recipe is not None:
        if seeds is not None or settings != Recipe():
            raise TypeError("give the settings in recipe or as arguments, not both")
        settings = recipe
    if not is_several(image):
        if seeds is not None:
            raise ValueError("a list of seeds is for several pictures, got one picture")
        check_picture(image, settings.encoding)
        result = checked_out(out, image)
        done = develop_one(image, result, settings.load_film(), settings, backend, strict)
        return done if report else done[0]
    pictures = list(image) if isinstance(image, list | tuple) else apart(image)
    recipes = with_seeds(settings, seeds, len(pictures))
    for picture in pictures:
        check_picture(picture, settings.encoding)
    if out is None and isinstance(image, np.ndarray):
        out = np.empty(image.shape, image.dtype)
    results = [
        checked_out(place, picture)
        for place, picture in zip(places(out, len(pictures)), pictures, strict=True)
    ]
    film_loaded = settings.load_film()
    runs = [
        develop_one(picture, result, film_loaded, own, backend, strict)
        for picture, result, own in zip(pictures, results, recipes, strict=True)
    ]
    positives = together([positive for positive, _ in runs], image, out)
    return (positives, [own for _, own in runs]) if report else positives


def is_several(image: Any) -> bool:
    """Whether these are several pictures: a list, or an array with an axis for them."""
    return isinstance(image, list | tuple) or getattr(image, "ndim", 0) == 4


def apart(images: Array) -> list[Array]:
    """The pictures of an array with an axis for them."""
    return [images[i, ...] for i in range(images.shape[0])]


def together(positives: list[Array], image: Any, out: Any) -> Any:
    """Positives in the form in which the pictures came."""
    if out is not None:
        return out
    if isinstance(image, list | tuple):
        return positives
    xp = array_namespace(image)
    return xp.stack(positives) if positives else xp.asarray(image, copy=True)


def with_seeds(recipe: Recipe, seeds: list[int] | None, pictures: int) -> list[Recipe]:
    """The recipe of each picture."""
    if seeds is None:
        return [recipe] * pictures
    if len(seeds) != pictures:
        raise ValueError(f"seed must be a number, or one per picture, {pictures}, got {len(seeds)}")
    return [replace(recipe, seed=seed) for seed in seeds]


def develop_one(
    image: Array,
    result: NDArray[Any] | None,
    film: Film,
    recipe: Recipe,
    backend: str | ConvolutionBackend | None,
    strict: bool,
) -> tuple[Array, RunReport]:
    """Develop a picture that has been checked: into its result, or without one on its device."""
    rows, cols = image.shape[:2]
    recipe = replace(recipe, pixel_pitch_um=recipe.pitch_um(rows, cols))
    planes = planar(image)
    work: Work[tuple[Array, Clock]]
    if result is None:
        selection = select(backend, holding=image)
        work = partial(on_device, planes, film, recipe)
    else:
        selection = select(backend, pixels=rows * cols)
        apart_from_result = planes.copy() if np.may_share_memory(image, result) else planes
        work = partial(on_host, apart_from_result, channels_first(result), film, recipe)
    if 0 in image.shape:
        work = partial(without_pixels, channels_first(image))
    takes = partial(footprint, planes.shape, film, recipe)
    outcome = descend(selection, work, takes, strict=strict, stay=result is None)
    positive, clock = outcome.value
    if result is None:
        result = positive if image.ndim == 3 else positive[..., 0]
    return result, RunReport(
        film=film.name,
        backend=outcome.backend.name,
        device=str(outcome.backend.device),
        source=selection.source,
        candidates=tuple((c.name, c.reason or "") for c in selection.candidates),
        versions=versions() | library_versions(outcome.backend),
        pixel_pitch_um=recipe.pitch_um(rows, cols),
        step_seconds=clock.seconds,
        tiles=outcome.tiles,
        events=outcome.events,
    )


def on_host(
    planes: NDArray[Any],
    result: NDArray[Any],
    film: Film,
    recipe: Recipe,
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[Array, Clock]:
    """Develop tiles of a picture on the host into its result."""
    clock = Clock(backend)
    for tile in tiles:
        with clock.step("upload"):
            uploaded = backend.to_device(planes[:, tile.read, :])
        own = tile_recipe(recipe, tile)
        if tile.rows == tile.read:
            process(uploaded, film, own, backend=backend, clock=clock, out=result[:, tile.rows, :])
        else:
            positive = process(uploaded, film, own, backend=backend, clock=clock)
            with clock.step("download"):
                result[:, tile.rows, :] = backend.to_host(positive[:, tile.inner, :])
    return result, clock


def on_device(
    planes: Array,
    film: Film,
    recipe: Recipe,
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[Array, Clock]:
    """Develop tiles of a picture where it is, into a new array in the form of an image."""
    xp = array_namespace(planes)
    clock = Clock(backend)
    strips = []
    for tile in tiles:
        own = tile_recipe(recipe, tile)
        positive = process(planes[:, tile.read, :], film, own, backend=backend, clock=clock)
        channels = [positive[c, tile.inner, :] for c in range(positive.shape[0])]
        strips.append(xp.astype(xp.stack(channels, axis=-1), planes.dtype))
    return strips[0] if len(strips) == 1 else xp.concat(strips), clock


def without_pixels(
    planes: Array, backend: ConvolutionBackend, tiles: tuple[Tile, ...]
) -> tuple[Array, Clock]:
    """Develop a picture that has none."""
    xp = array_namespace(planes)
    return xp.moveaxis(xp.asarray(planes, copy=True), 0, -1), Clock(backend)


def tile_recipe(recipe: Recipe, tile: Tile) -> Recipe:
    """The recipe of a tile: a crop of the picture."""
    row, col = recipe.offset_px
    return replace(recipe, offset_px=(row + tile.read.start, col))


def footprint(
    shape: tuple[int, ...], film: Film, recipe: Recipe, backend: ConvolutionBackend
) -> Footprint:
    """What developing a picture takes on a backend."""
    rows, cols = shape[-2:]
    layers = len(film.development.curves)
    in_strips = is_numpy_namespace(backend.xp)
    reach = reach_px(film, recipe.pitch_um(rows, cols))
    return Footprint(
        rows=rows,
        cols=cols,
        planes=1 if in_strips else max(3, layers),  # three channels come up, whatever the film
        radius=(reach, reach),
        halo=reach,
        pixel_bytes=FLOAT_BYTES * 3 * (STRIP_ARRAYS if in_strips else WHOLE_ARRAYS),
    )


def check_picture(image: Any, encoding: Encoding) -> None:
    """Raise an error that explains unless a picture can be developed."""
    if not (isinstance(image, np.ndarray) or is_native(image)):
        raise TypeError(f"image must be a NumPy array or a device's, got {type(image).__name__}")
    if dtype_name(image) not in DTYPES:
        raise TypeError(
            f"image must be uint8, uint16, float32 or float64, got {image.dtype}; "
            "convert it first, for instance image.astype(np.float32)"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            "image must be of shape (rows, cols), (rows, cols, 3) or (n, rows, cols, 3), "
            f"got {tuple(image.shape)}" + shape_hint(tuple(image.shape))
        )
    if dtype_name(image).startswith("float"):
        check_light(image, encoding)


def dtype_name(image: Array) -> str:
    """Name of a dtype of any library, in native byte order."""
    if isinstance(image, np.ndarray):
        return str(image.dtype.newbyteorder("=").name)
    return str(image.dtype).rpartition(".")[2]


def shape_hint(shape: tuple[int, ...]) -> str:
    """What would turn a picture of a wrong shape into a right one."""
    if len(shape) == 3 and shape[2] == 4:
        return "; leave the alpha channel out: image[..., :3]"
    if len(shape) == 3 and shape[2] == 1:
        return "; drop the last axis: image[..., 0]"
    if len(shape) == 3 and shape[0] == 3:
        return "; the channels seem to come first: np.moveaxis(image, 0, -1)"
    return ""


def check_light(image: Array, encoding: Encoding) -> None:
    """Raise unless every float is finite and, when sRGB-encoded, from 0 to 1."""
    if 0 in image.shape:
        return
    xp = array_namespace(image)
    low, high = float(xp.min(image)), float(xp.max(image))
    if not (math.isfinite(low) and math.isfinite(high)):
        first = tuple(int(index[0]) for index in xp.nonzero(~xp.isfinite(image)))
        raise ValueError(f"image must be finite, got {float(image[first])} at index {first}")
    if encoding == "srgb" and not (low >= 0.0 and high <= 1.0):
        raise ValueError(
            f"an sRGB-encoded float image must lie between 0 and 1, got {low:g} to {high:g}; "
            'clip it, or use encoding="linear" for scene light'
        )


def checked_out(out: Any, image: Array) -> NDArray[Any] | None:
    """The array that takes the positive; None for a picture on a device, which stays there."""
    if not isinstance(image, np.ndarray):
        if out is not None:
            raise TypeError("out must be left out for arrays of a device; it is for NumPy's")
        return None
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


def planar(image: Array) -> Array:
    """The picture as (channels, rows, cols), NumPy's in native byte order."""
    if isinstance(image, np.ndarray):
        image = image.astype(image.dtype.newbyteorder("="), copy=False)
    return channels_first(image)


def channels_first(image: Array) -> Array:
    """A view with the channels first, one for a grey picture."""
    xp = array_namespace(image)
    return xp.moveaxis(image, -1, 0) if image.ndim == 3 else image[None, ...]


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "phos-core": version("phos-core"),
    }

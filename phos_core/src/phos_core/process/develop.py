"""`develop`, the door to the pipeline: checks what comes, chooses a backend, reports."""

import logging
import math
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from itertools import groupby, product
from pathlib import Path
from typing import Any, Literal, Unpack, cast, overload

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, device, plain_numerics, refuse_mask
from phos_core.convolution.choosing.log import log_choice
from phos_core.convolution.choosing.selection import Selection, library_versions, select
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import RunsSideBySide
from phos_core.convolution.running.convolve import is_native, kept_apart, places
from phos_core.convolution.running.fallback import Work, descend
from phos_core.convolution.running.tiles import Footprint, Tile, make_room, run
from phos_core.process.balance import balanced_on
from phos_core.process.pipeline import Clock, process, reach_px
from phos_core.process.recipe import NOT_GIVEN, Encoding, Recipe, RunReport, Settings, one_recipe
from phos_core.process.texture_only import process_texture
from phos_core.stocks.film import Film

__all__ = ["develop"]

logger = logging.getLogger(__name__)

DTYPES = ("uint8", "uint16", "float32", "float64")
FLOAT_BYTES = 4
LANE_PICTURES = 4  # together in one of a backend's lanes: enough that starting kernels is cheap
STRIP_ARRAYS = 5  # of three float32 layers, alive at the peak of a develop in strips: measured
WHOLE_ARRAYS = 9  # the same where each step takes the whole picture, in double where it must


@overload
def develop(
    image: list[Any] | tuple[Any, ...],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int | Sequence[int] = ...,
    out: Sequence[NDArray[Any]] | NDArray[Any] | None = ...,
    report: Literal[False] = ...,
    strict: bool = ...,
    **settings: Unpack[Settings],
) -> list[Any]: ...


@overload
def develop(
    image: NDArray[Any],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int | Sequence[int] = ...,
    out: NDArray[Any] | None = ...,
    report: Literal[False] = ...,
    strict: bool = ...,
    **settings: Unpack[Settings],
) -> NDArray[Any]: ...


@overload
def develop(
    image: Any,
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int | Sequence[int] = ...,
    out: Any = ...,
    report: Literal[True],
    strict: bool = ...,
    **settings: Unpack[Settings],
) -> tuple[Any, Any]: ...


def develop(
    image: Any,
    film: str | Path | Film = NOT_GIVEN,
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int | Sequence[int] = NOT_GIVEN,
    out: Any = None,
    report: bool = False,
    strict: bool = False,
    **settings: Unpack[Settings],
) -> Any:
    """Develop a picture, or several, on film.

    Parameters
    ----------
    image : array of uint8, uint16, float32 or float64, shape (rows, cols) or (rows, cols, 3)
        The picture, in any stride and byte order; not changed, and computed in single precision.
        An array of a device, such as torch's or CuPy's, is developed there. Several pictures: an
        array of shape (n, rows, cols, 3), or a list of pictures of sizes that may differ.
    film : str, Path or Film
        A stock's name, the path of a TOML file, or a `Film`; by default ``"portra-400"``.
    seed : int, or list of int
        Seed of the grain: one for all pictures, or one for each; by default 0.
    recipe : Recipe, optional
        All settings in one record, instead of `film`, `seed` and those below.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend`, ``PHOS_BACKEND`` or the configuration
        name, else the best. Of several names, ``"cupy,numba,scipy"``, the first that can run.
    out : ndarray, or a list of them for a list, optional
        Takes the positive: the shape and dtype of `image`. It may share memory with `image`,
        whole or in part. Not for arrays of a device.
    report : bool
        Whether to return a `RunReport` as well.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails; so says
        ``PHOS_STRICT=1``.
    **settings
        How the picture is exposed, developed and printed; `Recipe` says what each means:
        `frame`, `exposure_stops`, `film_format`, `pixel_pitch_um`, `offset_px`, `encoding`,
        `primaries`, `light`, `exposure_index`, `exposure_time_s`, `push_stops`, `printing`,
        `paper_grade`, `filters_cc`, `print_stops`, `black_point`, `white_point`,
        `auto_balance`, `mode`, `scatter`, `halation`, `couplers`, `grain`.

    Returns
    -------
    array, or tuple of (array, RunReport)
        The positive, sRGB-encoded, of the kind, shape and dtype of `image`; 0 to 1 for floats.
        For a list, a list. The report of several pictures is a list of theirs.

    Raises
    ------
    TypeError
        If a dtype or a setting's type is wrong, an array has a mask, or settings are given beside
        a recipe.
    ValueError
        If a shape or a setting is wrong, a pixel is NaN or infinite, an sRGB float is outside 0
        to 1, or two arrays of `out` share memory.
    UnknownFilmError, UnknownBackendError, BackendUnavailableError
        If a name is not known, or the backend named cannot run or does not own the array.
    OutOfMemoryError, UnsupportedOperationError, DeviceLostError
        If the backend, and those that may take over, all fail. To compute NaN or infinity from a
        picture is to fail as a lost device does.

    Warns
    -----
    BackendFallbackWarning
        If another backend than the one chosen did the work.
    """
    seeds = None if np.ndim(seed) == 0 else list(cast("Sequence[int]", seed))
    asked = one_recipe(recipe, film=film, seed=seed if seeds is None else NOT_GIVEN, **settings)
    if recipe is not None and seeds is not None:
        raise TypeError("give the settings in recipe or as arguments, not both: got seed")
    several = is_several(image)
    if seeds is not None and not several:
        raise ValueError("a list of seeds is for several pictures, got one picture")
    pictures = [_plain(picture) for picture in (apart(image) if several else [image])]
    recipes = with_seeds(asked, seeds, len(pictures))
    with plain_numerics():
        for picture in pictures:
            check_picture(picture, asked.encoding)
        if out is None and several and isinstance(image, np.ndarray):
            out = np.empty(image.shape, image.dtype)
        wanted = places(out, len(pictures)) if several else [out]
        results = [
            checked_out(place, picture) for place, picture in zip(wanted, pictures, strict=True)
        ]
        orders = [
            Order(picture, result, replace(own, pixel_pitch_um=own.pitch_um(*picture.shape[:2])))
            for picture, result, own in zip(
                kept_apart(pictures, results), results, recipes, strict=True
            )
        ]
        film_loaded = asked.load_film()
        timed = report or logger.isEnabledFor(logging.INFO)
        runs = [
            run
            for alike in runs_of_equal(orders)
            for run in develop_equal(alike, film_loaded, backend, strict, timed=timed)
        ]
    if several:
        positives = together([positive for positive, _ in runs], image, out)
        return (positives, [own for _, own in runs]) if report else positives
    positive, own_report = runs[0]
    if out is not None:
        positive = out  # of the caller's own class
    return (positive, own_report) if report else positive


def _plain(image: Any) -> Any:
    """A picture as an array of NumPy's own class; as it is where it is no array of NumPy's."""
    refuse_mask("image", image)
    return np.asarray(image) if isinstance(image, np.ndarray) else image


@dataclass(frozen=True, slots=True)
class Order:
    """A picture that has been checked, where its positive goes, and its settings."""

    image: Array
    result: NDArray[Any] | None
    recipe: Recipe


def is_several(image: Any) -> bool:
    """Whether these are several pictures: a list, or an array with an axis for them."""
    return isinstance(image, list | tuple) or getattr(image, "ndim", 0) == 4


def apart(images: Any) -> list[Array]:
    """The pictures of a list, or of an array with an axis for them."""
    if isinstance(images, list | tuple):
        return list(images)
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


def runs_of_equal(orders: list[Order]) -> Iterator[list[Order]]:
    """Neighbours that can be developed together: of one shape, dtype and home."""

    def kind(order: Order) -> tuple[Any, ...]:
        image = order.image
        return type(image), tuple(image.shape), str(image.dtype), str(device(image))

    for _, alike in groupby(orders, key=kind):
        yield list(alike)


def develop_equal(
    orders: list[Order],
    film: Film,
    backend: str | ConvolutionBackend | None,
    strict: bool,
    *,
    timed: bool,
) -> Iterator[tuple[Array, RunReport]]:
    """Develop pictures of one size, as many at a time as the device holds."""
    image = orders[0].image
    rows, cols = image.shape[:2]
    if orders[0].result is None:
        selection = select(backend, holding=image)
    else:
        selection = select(backend, pixels=rows * cols)
    log_choice(selection)
    if orders[0].recipe.auto_balance and 0 not in image.shape:
        for order in orders:  # each has a print of its own
            own = balanced_on(stacked([order.image])[:, 0, ...], film, order.recipe)
            yield from develop_together([order], own, selection, strict, timed=timed)
        return
    takes = partial(footprint, size=(rows, cols), film=film, recipe=orders[0].recipe)
    at_once = pictures_at_once(len(orders), takes, selection.backend)
    chosen = selection.backend
    stays = orders[0].result is None
    lanes = chosen.lanes if isinstance(chosen, RunsSideBySide) and not stays else 1
    if at_once >= lanes > 1:
        at_once = min(at_once // lanes, LANE_PICTURES, math.ceil(len(orders) / (2 * lanes)))
    groups = [orders[start : start + at_once] for start in range(0, len(orders), at_once)]
    done: dict[int, list[tuple[Array, RunReport]]] = {}

    def develop_group(index: int) -> None:
        done[index] = develop_together(groups[index], film, selection, strict, timed=timed)

    if isinstance(chosen, RunsSideBySide) and lanes > 1 and len(groups) > 1:
        chosen.side_by_side(develop_group, len(groups))
    else:
        for index in range(len(groups)):
            develop_group(index)
    for index in range(len(groups)):
        yield from done[index]


def pictures_at_once(
    count: int, takes: Callable[..., Footprint], backend: ConvolutionBackend
) -> int:
    """How many pictures share a call: where there is no device, sharing saves nothing."""
    if is_numpy_namespace(backend.xp):
        return 1
    while count > 1:
        together = takes(backend, pictures=count)
        if make_room(together, backend):
            break
        count = math.ceil(count / 2)
    return count


def develop_together(
    orders: list[Order], film: Film, selection: Selection, strict: bool, *, timed: bool
) -> list[tuple[Array, RunReport]]:
    """Develop pictures in one call: into their results, or without these on their device."""
    image, recipes = orders[0].image, [order.recipe for order in orders]
    images = [order.image for order in orders]
    results = [order.result for order in orders if order.result is not None]
    work: Work[tuple[list[Array], Clock]]
    if 0 in image.shape:
        work = partial(without_pixels, images)
    elif not results:
        work = partial(on_device, stacked(images), film, recipes, timed)
    else:
        if any(np.may_share_memory(*pair) for pair in product(images, results)):
            images = [image.copy() for image in images]  # a failed attempt must leave them whole
        native = image.dtype.newbyteorder("=")
        planes = [channels_first(image.astype(native, copy=False)) for image in images]
        places = [channels_first(result) for result in results]
        work = partial(on_host, planes, places, film, recipes, timed)
    takes = partial(
        footprint, size=image.shape[:2], film=film, recipe=recipes[0], pictures=len(orders)
    )
    outcome = descend(selection, work, takes, strict=strict, stay=not results)
    positives, clock = outcome.value
    report = RunReport(
        film=film.name,
        backend=outcome.backend.name,
        device=str(outcome.backend.device),
        source=selection.source,
        candidates=tuple((c.name, c.reason or "") for c in selection.candidates),
        versions=versions() | library_versions(outcome.backend),
        pixel_pitch_um=cast("float", recipes[0].pixel_pitch_um),
        step_seconds=clock.seconds,
        pictures=len(orders),
        tiles=outcome.tiles,
        events=outcome.events,
    )
    log_steps(report, image.shape)
    return [(positive, report) for positive in results or positives]


def log_steps(report: RunReport, shape: tuple[int, ...]) -> None:
    """Log what was developed, and how long each step took."""
    if not logger.isEnabledFor(logging.INFO):
        return
    pictures = f"{report.pictures} pictures of " if report.pictures > 1 else ""
    tiles = "1 tile" if report.tiles == 1 else f"{report.tiles} tiles"
    steps = ", ".join(f"{step} {seconds:.3f} s" for step, seconds in report.step_seconds.items())
    logger.info(
        "%s%d x %d pixels developed on %s by %s in %s: %s",
        *(pictures, *shape[:2], report.film, report.backend, tiles, steps),
    )


def process_of(recipe: Recipe) -> Callable[..., list[Array]]:
    """The process that a recipe asks for."""
    return process_texture if recipe.mode == "texture" else process


def on_host(
    planes: list[NDArray[Any]],
    results: list[NDArray[Any]],
    film: Film,
    recipes: list[Recipe],
    timed: bool,
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[list[Array], Clock]:
    """Develop tiles of pictures on the host into their results."""
    clock = Clock(backend if timed else None)

    def upload(tile: Tile) -> Array:
        with clock.step("upload"):
            read = [plane[:, tile.read_rows, tile.read_cols] for plane in planes]
            return uploaded_together(backend, read)

    def develop_tile(tile: Tile, pictures: Array) -> None:
        outs = [result[:, tile.rows, tile.cols] for result in results]
        process_tile(pictures, tile, film, recipes, backend=backend, clock=clock, outs=outs)

    run(tiles, upload, develop_tile)
    return [], clock


def process_tile(
    pictures: Array,
    tile: Tile,
    film: Film,
    recipes: list[Recipe],
    *,
    backend: ConvolutionBackend,
    clock: Clock,
    outs: list[NDArray[Any]] | None = None,
) -> list[Array]:
    """Develop a tile of pictures, each as a crop of its own."""
    cropped = [tile_recipe(recipe, tile) for recipe in recipes]
    is_whole = (tile.rows, tile.cols) == (tile.read_rows, tile.read_cols)
    return process_of(recipes[0])(
        pictures,
        film,
        cropped,
        backend=backend,
        clock=clock,
        outs=outs,
        keep=None if is_whole else tile.inner,
    )


def uploaded_together(backend: ConvolutionBackend, planes: list[NDArray[Any]]) -> Array:
    """Pictures on the device as (channels, pictures, rows, cols): brought together there."""
    uploads = [backend.to_device(picture[:, np.newaxis]) for picture in planes]
    return uploads[0] if len(uploads) == 1 else backend.xp.concat(uploads, axis=1)


def on_device(
    planes: Array,
    film: Film,
    recipes: list[Recipe],
    timed: bool,
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[list[Array], Clock]:
    """Develop tiles of pictures where they are, into new arrays in the form of images."""
    xp = array_namespace(planes)
    clock = Clock(backend if timed else None)
    strips: list[list[Array]] = [[] for _ in recipes]

    def develop_tile(tile: Tile, pictures: Array) -> None:
        positives = process_tile(pictures, tile, film, recipes, backend=backend, clock=clock)
        for positive, strip in zip(positives, strips, strict=True):
            channels = [positive[c, ...] for c in range(positive.shape[0])]
            picture = channels[0] if len(channels) == 1 else xp.stack(channels, axis=-1)
            strip.append(xp.astype(picture, planes.dtype))

    run(tiles, lambda tile: planes[..., tile.read_rows, tile.read_cols], develop_tile)
    return [strip[0] if len(strip) == 1 else xp.concat(strip) for strip in strips], clock


def without_pixels(
    images: list[Array], backend: ConvolutionBackend, tiles: tuple[Tile, ...]
) -> tuple[list[Array], Clock]:
    """Develop pictures that have none."""
    return [array_namespace(image).asarray(image, copy=True) for image in images], Clock(None)


def tile_recipe(recipe: Recipe, tile: Tile) -> Recipe:
    """The recipe of a tile: a crop of the picture."""
    if not (tile.rows.start or tile.cols.start):
        return recipe
    row, col = recipe.offset_px
    return replace(recipe, offset_px=(row + tile.rows.start, col + tile.cols.start))


def footprint(
    backend: ConvolutionBackend,
    *,
    size: tuple[int, int],
    film: Film,
    recipe: Recipe,
    pictures: int = 1,
) -> Footprint:
    """What developing pictures together takes on a backend."""
    rows, cols = size
    layers = len(film.development.curves)
    in_strips = is_numpy_namespace(backend.xp)
    reach = reach_px(film, recipe.pitch_um(rows, cols))
    arrays = STRIP_ARRAYS if in_strips else WHOLE_ARRAYS
    return Footprint(
        rows=rows,
        cols=cols,
        # Three channels come up, whatever the film; the CPU convolves one plane at a time.
        planes=1 if in_strips else pictures * max(3, layers),
        radius=(reach, reach),
        halo=reach,
        pixel_bytes=FLOAT_BYTES * 3 * arrays * pictures,
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
    refuse_mask("out", out)
    if not isinstance(out, np.ndarray) or out.dtype != image.dtype:
        came = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be an array of the image's dtype {image.dtype}, got {came}")
    if out.shape != image.shape:
        raise ValueError(f"out must have the image's shape {image.shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")
    return np.asarray(out)


def stacked(images: list[Array]) -> Array:
    """Pictures as (channels, pictures, rows, cols), NumPy's in native byte order; one as a view."""
    xp = array_namespace(*images)
    if isinstance(images[0], np.ndarray):
        native = images[0].dtype.newbyteorder("=")
        images = [image.astype(native, copy=False) for image in images]
    stack = images[0][None, ...] if len(images) == 1 else xp.stack(images)
    return xp.moveaxis(stack, -1, 0) if stack.ndim == 4 else stack[None, ...]


def channels_first(image: NDArray[Any]) -> NDArray[Any]:
    """A view with the channels first, one for a grey picture."""
    return np.moveaxis(image, -1, 0) if image.ndim == 3 else image[np.newaxis]


@cache
def versions() -> dict[str, str]:
    """Versions of what computes; reading them takes as long as a small picture."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "phos-core": version("phos-core"),
    }

"""`develop`: checks what comes, and gives positives in the form in which pictures came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, Unpack, cast

import numpy as np

from phos_core.arrays import Array, array_namespace, plain_numerics
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.running.arguments import kept_apart, places
from phos_core.process.batches import Order, develop_orders
from phos_core.process.checking import check_picture, checked_out, plain
from phos_core.process.recipe import NOT_GIVEN, Recipe, Settings, one_recipe
from phos_core.process.report import RunReport, is_logged
from phos_core.stocks.film import Film

__all__ = ["develop", "develop_with_report"]

Pictures = TypeVar("Pictures")
"""A picture or several: an array, or a list of arrays."""


def develop(
    image: Pictures,
    film: str | Path | Film = NOT_GIVEN,
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int | Sequence[int] = NOT_GIVEN,
    out: Any = None,
    strict: bool = False,
    **settings: Unpack[Settings],
) -> Pictures:
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
    strict : bool
        Whether it is an error if the backend chosen fails, rather than to continue on another;
        ``PHOS_STRICT=1`` has the same effect.
    **settings
        How the picture is exposed, developed and printed; `Recipe` says what each means:
        `frame`, `exposure_stops`, `film_format`, `pixel_pitch_um`, `offset_px`, `encoding`,
        `primaries`, `light`, `exposure_index`, `exposure_time_s`, `push_stops`, `printing`,
        `paper_grade`, `filters_cc`, `print_stops`, `black_point`, `white_point`,
        `auto_balance`, `mode`, `scatter`, `halation`, `couplers`, `grain`.

    Returns
    -------
    array, or list of arrays
        The positive, sRGB-encoded, of the kind, shape and dtype of `image`; 0 to 1 for floats.
        A list for a list, a tuple for a tuple.

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
    asked = _asked(image, recipe, film, seed, settings)
    positives, _ = _developed(image, asked, backend, out, strict=strict, timed=is_logged())
    return positives


def develop_with_report(
    image: Pictures,
    film: str | Path | Film = NOT_GIVEN,
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int | Sequence[int] = NOT_GIVEN,
    out: Any = None,
    strict: bool = False,
    **settings: Unpack[Settings],
) -> tuple[Pictures, Any]:
    """Develop a picture, or several, and report what ran.

    Parameters
    ----------
    image, film, recipe, backend, seed, out, strict, **settings
        As for `develop`.

    Returns
    -------
    positive : array, or list of arrays
        As `develop` gives it.
    report : RunReport, or list of RunReport
        What ran, where, and how long each step took; for several pictures one for each. A device
        is waited for after each step, so that the step's time is its own.

    Raises
    ------
    TypeError, ValueError, PhosError
        As `develop` raises.

    Warns
    -----
    BackendFallbackWarning
        As `develop` warns.
    """
    asked = _asked(image, recipe, film, seed, settings)
    positives, reports = _developed(image, asked, backend, out, strict=strict, timed=True)
    return positives, reports if _is_several(image) else reports[0]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The settings of pictures, and a seed for each where the caller gave several."""

    recipe: Recipe
    seeds: list[int] | None

    def of_each(self, pictures: Sequence[Array]) -> list[Recipe]:
        """The recipe of each picture, with its pixel pitch."""
        seeds = [self.recipe.seed] * len(pictures) if self.seeds is None else self.seeds
        if len(seeds) != len(pictures):
            raise ValueError(
                f"seed must be a number, or one per picture, {len(pictures)}, got {len(seeds)}"
            )
        return [
            replace(self.recipe, seed=seed, pixel_pitch_um=self.recipe.pitch_um(*one.shape[:2]))
            for seed, one in zip(seeds, pictures, strict=True)
        ]


def _asked(
    image: Any, recipe: Recipe | None, film: Any, seed: int | Sequence[int], settings: Settings
) -> _Asked:
    """The settings, however they were given."""
    seeds = None if np.ndim(seed) == 0 else list(cast("Sequence[int]", seed))
    one_seed = seed if seeds is None else NOT_GIVEN
    asked = _Asked(one_recipe(recipe, film=film, seed=one_seed, **settings), seeds)
    if recipe is not None and seeds is not None:
        raise TypeError("give the settings in recipe or as arguments, not both: got seed")
    if seeds is not None and not _is_several(image):
        raise ValueError("a list of seeds is for several pictures, got one picture")
    return asked


def _developed(
    image: Pictures,
    asked: _Asked,
    backend: str | ConvolutionBackend | None,
    out: Any,
    *,
    strict: bool,
    timed: bool,
) -> tuple[Pictures, list[RunReport]]:
    """The positives in the form in which the pictures came, and a report for each."""
    pictures = [plain(picture) for picture in _apart(image)]
    with plain_numerics():
        for picture in pictures:
            check_picture(picture, asked.recipe.encoding)
        if out is None and _is_several(image) and isinstance(image, np.ndarray):
            out = np.empty(image.shape, image.dtype)
        wanted = places(out, len(pictures)) if _is_several(image) else [out]
        orders = _orders(pictures, asked, wanted)
        film = asked.recipe.load_film()
        done = develop_orders(orders, film, backend, strict=strict, timed=timed)
    positives = _together([positive for positive, _ in done], image, out)
    return positives, [report for _, report in done]


def _orders(pictures: list[Array], asked: _Asked, wanted: Iterable[Any]) -> list[Order]:
    """The pictures with their settings and the places of their positives."""
    recipes = asked.of_each(pictures)
    results = [checked_out(place, one) for place, one in zip(wanted, pictures, strict=True)]
    images = kept_apart(pictures, results)
    return [Order(*parts) for parts in zip(images, results, recipes, strict=True)]


def _is_several(image: Any) -> bool:
    """Say whether these are several pictures: a list, or an array with an axis for them."""
    return isinstance(image, list | tuple) or getattr(image, "ndim", 0) == 4


def _apart(image: Any) -> list[Array]:
    """The pictures of a list, of an array with an axis for them, or the only one."""
    if isinstance(image, list | tuple):
        return list(image)
    return [image[i, ...] for i in range(image.shape[0])] if _is_several(image) else [image]


def _together(positives: list[Any], image: Any, out: Any) -> Any:
    """Positives in the form in which the pictures came."""
    if out is not None:
        return out  # of the caller's own class
    if isinstance(image, list | tuple):
        return tuple(positives) if isinstance(image, tuple) else positives
    if not _is_several(image):
        return positives[0]
    xp = array_namespace(image)
    return xp.stack(positives) if positives else xp.asarray(image, copy=True)

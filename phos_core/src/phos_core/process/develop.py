"""`develop`: checks what comes, and gives positives in the form in which pictures came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, Unpack, cast

import numpy as np

from phos_core.arrays import Array, array_namespace, plain_numerics, untraced
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.running.arguments import kept_apart, places
from phos_core.process.batches import Order, develop_orders
from phos_core.process.checking import (
    check_channels,
    check_form,
    check_kind,
    checked_out,
    plain,
    within_range,
)
from phos_core.process.coding import Coding
from phos_core.process.forms import Given, Layout, is_channels_first
from phos_core.process.output import OutputSpace
from phos_core.process.recipe import NOT_GIVEN, Recipe, Settings, one_recipe
from phos_core.process.report import RunReport, is_logged
from phos_core.process.spaces import of_light
from phos_core.stocks.film import Film
from phos_core.stocks.treatment import whole

__all__ = ["develop", "develop_with_report"]

Pictures = TypeVar("Pictures")
"""A picture or several: an array, or a list of arrays."""


@untraced
def develop(
    image: Pictures,
    film: str | Path | Film = NOT_GIVEN,
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int | Sequence[int] = NOT_GIVEN,
    layout: Layout | None = None,
    out: Any = None,
    strict: bool = False,
    **settings: Unpack[Settings],
) -> Pictures:
    """Develop a picture, or several, on film.

    Parameters
    ----------
    image : array, shape (rows, cols) or (rows, cols, 3)
        The picture: uint8, uint16, float16, float32 or float64, in any stride and byte order; not
        changed, and computed in single precision. sRGB-encoded floats up to 1e-3 outside 0 to 1
        are clipped. An array of a device, such as torch's or CuPy's, is developed there; a tensor
        may be bfloat16, and may have its channels first. Several pictures: a stack of them, shape
        (n, rows, cols, 3), or a list of pictures of sizes that may differ.
    film : str, Path or Film
        A stock's name, the path of a TOML file, or a `Film`; by default ``"portra-400"``.
    seed : int, or list of int
        Seed of the grain, by default 0: one for all pictures, or one for each. With one for all,
        the pictures of a stack are frames of one film: `frame` is the first one's number, and
        each has a grain of its own. Those of a list come out as if each came alone.
    recipe : Recipe, optional
        All settings in one record, instead of `film`, `seed` and those below.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend`, ``PHOS_BACKEND`` or the configuration
        name, else the best. Of several names, ``"cupy,numba,scipy"``, the first that can run.
    layout : {"HWC", "CHW", "BHWC", "BCHW"}, optional
        The axes of `image`, or of each picture in a list: B pictures, H rows, W columns, C
        channels. By default channels come last in arrays, and where the shape says in tensors.
        A picture with its channels first may have one alone.
    out : ndarray, or a list of them for a list, optional
        Takes the positive: its shape and dtype. It may share memory with `image`,
        whole or in part. Not for arrays of a device.
    strict : bool
        Whether it is an error if the backend chosen fails, rather than to continue on another;
        ``PHOS_STRICT=1`` has the same effect.
    **settings
        How the picture is exposed, developed and printed; `Recipe` says what each means:
        `frame`, `exposure_stops`, `film_format`, `pixel_pitch_um`, `offset_px`, `encoding`,
        `primaries`, `input_space`, `output_space`, `light`, `exposure_index`, `exposure_time_s`,
        `push_stops`, `printing`, `paper_grade`, `filters_cc`, `print_stops`, `black_point`,
        `white_point`, `auto_balance`, `mode`, `scatter`, `halation`, `couplers`, `grain`,
        `weave_um`, `breathing_stops`, `dust_per_cm2`, `scratches`, `strength`.

    Returns
    -------
    array, or list of arrays
        The positive in `output_space`, by default sRGB-encoded: of the kind, layout, shape and
        dtype of `image`, 0 to 1 for floats. In a space of light, such as ``"acescg"``, it is in
        floats of any sign, float32 of integers. A list for a list, a tuple for a tuple.

    Raises
    ------
    TypeError
        If a dtype or a setting's type is wrong, an array has a mask, a tensor requires a gradient,
        or settings are given beside a recipe.
    ValueError
        If a shape or a setting is wrong, a pixel is NaN or infinite, an sRGB float is farther
        outside 0 to 1, a tensor of this shape needs a layout, or two arrays of `out` share memory.
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
    positives, _ = _developed(image, asked, layout, backend, out, strict=strict, timed=is_logged())
    return positives


@untraced
def develop_with_report(
    image: Pictures,
    film: str | Path | Film = NOT_GIVEN,
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int | Sequence[int] = NOT_GIVEN,
    layout: Layout | None = None,
    out: Any = None,
    strict: bool = False,
    **settings: Unpack[Settings],
) -> tuple[Pictures, Any]:
    """Develop a picture, or several, and report what ran.

    Parameters
    ----------
    image, film, recipe, backend, seed, layout, out, strict, **settings
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
    positives, reports = _developed(image, asked, layout, backend, out, strict=strict, timed=True)
    return positives, reports if _is_several(image) else reports[0]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The settings of pictures, and a seed for each where the caller gave several."""

    recipe: Recipe
    seeds: list[int] | None

    def of_each(self, pictures: Sequence[Array], *, is_stack: bool) -> list[Recipe]:
        """The recipe of each picture, with its pixel pitch and, in a stack, its frame number."""
        seeds = [self.recipe.seed] * len(pictures) if self.seeds is None else self.seeds
        if len(seeds) != len(pictures):
            raise ValueError(
                f"seed must be a number, or one per picture, {len(pictures)}, got {len(seeds)}"
            )
        # Version 1 of the process gave all the grain of the first.
        counts_on = is_stack and self.seeds is None and self.recipe.process_version > 1
        return [
            self.recipe.of_picture(
                *one.shape[:2],
                seed=whole("seed", seed),
                frame=self.recipe.frame + (number if counts_on else 0),
            )
            for number, (seed, one) in enumerate(zip(seeds, pictures, strict=True))
        ]


def _asked(
    image: Any, recipe: Recipe | None, film: Any, seed: int | Sequence[int], settings: Settings
) -> _Asked:
    """The settings, however they were given."""
    seeds = None if np.ndim(seed) == 0 else list(cast("Sequence[int]", seed))
    one_seed = seed if seeds is None else NOT_GIVEN
    asked = _Asked(of_light(one_recipe(recipe, film=film, seed=one_seed, **settings)), seeds)
    if recipe is not None and seeds is not None:
        raise TypeError("give the settings in recipe or as arguments, not both: got seed")
    if seeds is not None and not _is_several(image):
        raise ValueError("a list of seeds is for several pictures, got one picture")
    return asked


def _developed(
    image: Pictures,
    asked: _Asked,
    layout: Layout | None,
    backend: str | ConvolutionBackend | None,
    out: Any,
    *,
    strict: bool,
    timed: bool,
) -> tuple[Pictures, list[RunReport]]:
    """The positives in the form in which the pictures came, and a report for each."""
    came = [_given(one, layout) for one in _listed(image)]
    with plain_numerics():
        coding, is_stack = asked.recipe.coding, _is_stack(image)
        pictures = _of_stack(came[0], coding) if is_stack else _checked(came, coding)
        space = asked.recipe.space
        place = _place(came, image, space) if out is None else _checked_for_arrays(out, came)
        wanted = places(place, len(pictures)) if _is_several(image) else [place]
        orders = _orders(pictures, wanted, asked, is_stack=is_stack)
        film = asked.recipe.load_film()
        done = develop_orders(orders, film, backend, strict=strict, timed=timed)
    positives = [positive for positive, _ in done]
    if out is None:
        out = _together(positives, place, came, image)
    return out, [report for _, report in done]


def _given(image: Any, layout: Layout | None) -> Given:
    """A picture or stack with its layout, if it is an array and may be one."""
    check_kind(image)
    if image.ndim > 4:
        raise ValueError(
            "image must be of shape (rows, cols), (rows, cols, 3) or (n, rows, cols, 3), "
            f"got {tuple(image.shape)}"
        )
    return Given(plain(image), is_channels_first(image, layout))


def _checked(pictures: list[Given], coding: Coding) -> list[Given]:
    """Pictures that can be developed: on the host as NumPy's."""
    for one in pictures:
        check_form("image", one.channels_last(one.image))
    return [replace(one, image=within_range(one.image, coding)).on_host for one in pictures]


def _of_stack(whole: Given, coding: Coding) -> list[Given]:
    """The pictures of a stack, as `_checked` gives them; on a device all are looked at at once."""
    if whole.is_on_host:
        return _checked(whole.apart(), coding)
    for one in whole.apart()[:1]:
        check_form("image", one.channels_last(one.image))
    return replace(whole, image=within_range(whole.image, coding)).apart()


def _orders(
    pictures: list[Given], wanted: Iterable[Any], asked: _Asked, *, is_stack: bool
) -> list[Order]:
    """The pictures with their settings and the places of their positives."""
    images = [one.image for one in pictures]
    space = asked.recipe.space
    results = [checked_out(place, one, space) for place, one in zip(wanted, images, strict=True)]
    seen = [
        (one.channels_last(image), None if result is None else one.channels_last(result))
        for one, image, result in zip(pictures, kept_apart(images, results), results, strict=True)
    ]
    for image, _ in seen:
        check_channels(image, space)
    recipes = asked.of_each([image for image, _ in seen], is_stack=is_stack)
    return [Order(*both, recipe) for both, recipe in zip(seen, recipes, strict=True)]


def _place(came: list[Given], image: Any, space: OutputSpace) -> Any:
    """One array for the positives of a stack on the host; else each has one of its own."""
    if not _is_stack(image):
        return None
    host = came[0].on_host.image
    if not isinstance(host, np.ndarray):
        return None
    return np.empty(host.shape, space.dtype_of(host.dtype))


def _checked_for_arrays(out: Any, came: list[Given]) -> Any:
    """What the caller gave to take the positives, if the pictures are NumPy's."""
    if not all(isinstance(one.image, np.ndarray) for one in came):
        raise TypeError(
            "out must be left out for tensors and arrays of a device; it is for NumPy's"
        )
    return out


def _is_stack(image: Any) -> bool:
    """Say whether this is an array with an axis for several pictures."""
    return getattr(image, "ndim", 0) == 4


def _is_several(image: Any) -> bool:
    """Say whether these are several pictures: a list or a stack."""
    return isinstance(image, list | tuple) or _is_stack(image)


def _listed(image: Any) -> list[Any]:
    """The arrays that came."""
    return list(image) if isinstance(image, list | tuple) else [image]


def _together(positives: list[Any], place: Any, came: list[Given], image: Any) -> Any:
    """Positives in the form in which the pictures came."""
    if not _is_stack(image):
        brought = [
            one.brought_back(positive) for one, positive in zip(came, positives, strict=True)
        ]
        return type(image)(brought) if isinstance(image, list | tuple) else brought[0]
    (whole,) = came
    if place is not None:
        return whole.brought_back(whole.channels_last(place))
    xp = array_namespace(whole.image)
    return (
        whole.brought_back(xp.stack(positives)) if positives else xp.asarray(whole.image, copy=True)
    )

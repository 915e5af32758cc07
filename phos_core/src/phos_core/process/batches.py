"""Pictures that share a device's calls: which go together, and on which backend."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, product
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, computable, device, in_precision_of
from phos_core.convolution.choosing.log import log_choice
from phos_core.convolution.choosing.selection import Selection, select
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import RunsSideBySide
from phos_core.convolution.running.fallback import Work, descend
from phos_core.convolution.running.tiles import Tile, make_room
from phos_core.process.balance import balanced_on
from phos_core.process.compiling import compile_alike
from phos_core.process.pipeline import Clock
from phos_core.process.recipe import Recipe
from phos_core.process.report import RunReport, log_steps, report_of
from phos_core.process.tiled import Batch, channels_first, stacked
from phos_core.stocks.film import Film

__all__ = ["Developed", "Order", "develop_orders"]

LANE_PICTURES = 4  # together in one of a backend's lanes: enough that starting kernels is cheap

Developed: TypeAlias = tuple[Array, RunReport]
"""A positive, and what ran."""


@dataclass(frozen=True, slots=True)
class Order:
    """A picture that has been checked, where its positive goes, and its settings.

    Parameters
    ----------
    image : array, shape (rows, cols) or (rows, cols, 3)
        The picture.
    result : ndarray or None
        Takes the positive; None for a picture on a device, whose positive stays there.
    recipe : Recipe
        The settings, with a pixel pitch.
    """

    image: Array
    result: NDArray[Any] | None
    recipe: Recipe


def develop_orders(
    orders: Sequence[Order],
    film: Film,
    backend: str | ConvolutionBackend | None,
    *,
    strict: bool,
    timed: bool,
) -> list[Developed]:
    """Develop pictures, those that can be together.

    Parameters
    ----------
    orders : sequence of Order
        The pictures.
    film : Film
        What they are developed on.
    backend, strict
        As for `develop`.
    timed : bool
        Whether a device is waited for after each step, so that the step's time is its own.

    Returns
    -------
    list of (array, RunReport)
        In the order of the pictures.
    """
    return [
        developed
        for alike in _runs_of_equal(orders)
        for developed in _develop_equal(alike, film, backend, strict=strict, timed=timed)
    ]


def _runs_of_equal(orders: Sequence[Order]) -> Iterator[list[Order]]:
    """Neighbours that can be developed together: of one shape, dtype and home."""

    def kind(order: Order) -> tuple[Any, ...]:
        image = order.image
        return type(image), tuple(image.shape), str(image.dtype), str(device(image))

    for _, alike in groupby(orders, key=kind):
        yield list(alike)


def _develop_equal(
    orders: list[Order],
    film: Film,
    backend: str | ConvolutionBackend | None,
    *,
    strict: bool,
    timed: bool,
) -> list[Developed]:
    """Develop pictures of one kind, as many at a time as the device holds."""
    selection = _selected(orders[0], backend)
    log_choice(selection)
    together = partial(_develop_together, selection=selection, strict=strict, timed=timed)
    if orders[0].recipe.auto_balance and 0 not in orders[0].image.shape:
        return [one for order in orders for one in together([order], _own_film(order, film))]
    batches = _batches(orders, film, selection.backend)
    done = _in_lanes(selection.backend, lambda batch: together(batch, film), batches)
    return [one for batch in done for one in batch]


def _selected(order: Order, backend: str | ConvolutionBackend | None) -> Selection:
    """The backend for a picture; the one that owns it where it is on a device."""
    if order.result is None:
        return select(backend, holding=order.image)
    rows, cols = order.image.shape[:2]
    return select(backend, pixels=rows * cols)


def _own_film(order: Order, film: Film) -> Film:
    """The film with a print of the picture's own."""
    return balanced_on(stacked([order.image])[:, 0, ...], film, order.recipe)


def _batches(orders: list[Order], film: Film, backend: ConvolutionBackend) -> list[list[Order]]:
    """Pictures in the batches that are developed together."""
    at_once = _pictures_at_once(orders, film, backend)
    lanes = 1 if orders[0].result is None else _lanes(backend)
    if at_once >= lanes > 1:
        at_once = min(at_once // lanes, LANE_PICTURES, math.ceil(len(orders) / (2 * lanes)))
    return [orders[start : start + at_once] for start in range(0, len(orders), at_once)]


def _pictures_at_once(orders: list[Order], film: Film, backend: ConvolutionBackend) -> int:
    """How many pictures share a call: where there is no device, sharing saves nothing.

    Frames of moving film have an exposure and a place of their own, and share none.
    """
    if is_numpy_namespace(backend.xp) or orders[0].recipe.is_moving:
        return 1
    count = len(orders)
    while count > 1:
        footprint = _batch(orders[:count], film).footprint(backend)
        if make_room(footprint, backend):
            break
        count = math.ceil(count / 2)
    return count


def _in_lanes(
    backend: ConvolutionBackend,
    work: Callable[[list[Order]], list[Developed]],
    batches: list[list[Order]],
) -> list[list[Developed]]:
    """Do work on each batch; several at a time where a backend runs them side by side."""
    stays = batches[0][0].result is None
    if len(batches) == 1 or stays or not isinstance(backend, RunsSideBySide) or backend.lanes == 1:
        return [work(batch) for batch in batches]
    done: list[list[Developed]] = [[] for _ in batches]

    def do(index: int) -> None:
        done[index] = work(batches[index])

    backend.side_by_side(do, len(batches))
    return done


def _lanes(backend: ConvolutionBackend) -> int:
    """How many batches a backend runs side by side."""
    return backend.lanes if isinstance(backend, RunsSideBySide) else 1


def _batch(orders: list[Order], film: Film) -> Batch:
    rows, cols = orders[0].image.shape[:2]
    return Batch.of_whole((rows, cols), film, [order.recipe for order in orders])


def _develop_together(
    orders: list[Order], film: Film, *, selection: Selection, strict: bool, timed: bool
) -> list[Developed]:
    """Develop pictures in one call: into their results, or without these on their device."""
    batch = _batch(orders, film)
    work = _work(orders, batch, timed=timed)
    stay = orders[0].result is None
    outcome = descend(selection, work, batch.footprint, strict=strict, stay=stay)
    positives, clock = outcome.value
    report = report_of(
        selection,
        outcome.backend,
        film=film,
        pixel_pitch_um=orders[0].recipe.pixel_pitch_um,
        step_seconds=clock.seconds,
        pictures=len(orders),
        tiles=outcome.tiles,
        events=outcome.events,
    )
    log_steps(report, batch.shape)
    missing = (*selection.uncompiled, *outcome.uncompiled)
    compile_alike(missing, orders[0].image, orders[0].recipe)
    return [(positive, report) for positive in positives]


def _results(orders: list[Order]) -> list[NDArray[Any]]:
    return [order.result for order in orders if order.result is not None]


def _work(orders: list[Order], batch: Batch, *, timed: bool) -> Work[tuple[list[Array], Clock]]:
    """What develops pictures on a backend, and can be done again on another."""
    images, results = [order.image for order in orders], _results(orders)
    if 0 in images[0].shape:
        return partial(_without_pixels, images, results)
    if not results:
        return partial(_on_device, batch, images, timed)
    if any(np.may_share_memory(*pair) for pair in product(images, results)):
        images = [image.copy() for image in images]  # a failed attempt must leave them whole
    return partial(_on_host, batch, images, results, timed)


def _without_pixels(
    images: list[Array],
    results: list[NDArray[Any]],
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[list[Array], Clock]:
    """Develop pictures that have none."""
    copies = [array_namespace(image).asarray(image, copy=True) for image in images]
    return list(results) or copies, Clock()


def _on_device(
    batch: Batch,
    images: list[Array],
    timed: bool,
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[list[Array], Clock]:
    """Develop pictures that a device owns, into arrays of its own."""
    clock = Clock(backend if timed else None)
    positives = batch.on_device(stacked(images), clock, backend, tiles)
    return [in_precision_of(images[0], positive) for positive in positives], clock


def _on_host(
    batch: Batch,
    images: list[NDArray[Any]],
    results: list[NDArray[Any]],
    timed: bool,
    backend: ConvolutionBackend,
    tiles: tuple[Tile, ...],
) -> tuple[list[Array], Clock]:
    """Develop pictures on the host into their results."""
    clock = Clock(backend if timed else None)
    planes = [channels_first(computable(image)) for image in images]
    batch.on_host(planes, [channels_first(result) for result in results], clock, backend, tiles)
    return list(results), clock

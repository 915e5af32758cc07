"""The ladder: where work goes on when a device runs out of memory, cannot, or goes away."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from phos_core.convolution.choosing.guarded import Trouble, attempt, shown
from phos_core.convolution.choosing.selection import Selection, successors
from phos_core.convolution.contract import ConvolutionBackend, ErrorKind
from phos_core.convolution.environment import switch
from phos_core.convolution.optional import error_kind_of, release
from phos_core.convolution.running.tiles import Footprint, Tile, cut, make_room, tile_sizes
from phos_core.convolution.waiting import not_waiting, say_who_works_instead
from phos_core.errors import (
    BackendFallbackWarning,
    DeviceLostError,
    NotCompiledError,
    OutOfMemoryError,
    PhosError,
    UnsupportedOperationError,
)

__all__ = ["Outcome", "Work", "classified", "descend"]

T = TypeVar("T")

Work: TypeAlias = Callable[[ConvolutionBackend, tuple[Tile, ...]], T]
"""Does all tiles on a backend, from the host's or the owner's picture, and can be done again."""

ERRORS: dict[ErrorKind, type[PhosError]] = {
    "out-of-memory": OutOfMemoryError,
    "unsupported": UnsupportedOperationError,
    "device-lost": DeviceLostError,
}

PACKAGE = "phos_core."  # a warning points to the first frame that is not in it

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of the work.

    Parameters
    ----------
    value : object
        What the work returned.
    backend : ConvolutionBackend
        Where it was done.
    tiles : int
        In how many tiles.
    events : tuple of str
        What did not go straight, in order.
    uncompiled : tuple of str
        Backends that would have done it, were their code compiled.
    """

    value: T
    backend: ConvolutionBackend
    tiles: int
    events: tuple[str, ...]
    uncompiled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rung:
    """An attempt that failed."""

    backend: str
    kind: ErrorKind
    what: str
    error: Exception | None = None

    def __str__(self) -> str:
        return f"{self.backend}, {self.what}"


def descend(
    selection: Selection,
    work: Work[T],
    footprint: Callable[[ConvolutionBackend], Footprint],
    *,
    strict: bool,
    stay: bool = False,
) -> Outcome[T]:
    """Do work on the backend that was chosen, else in tiles, else on the next backend.

    Parameters
    ----------
    selection : Selection
        The backend. One that was named is not left.
    work : Work
        The work.
    footprint : callable
        ``footprint(backend)``: what it takes there.
    strict : bool
        Whether leaving the backend is an error; ``PHOS_STRICT=1`` says so too.
    stay : bool
        Whether the work is bound to the backend, since that owns the picture.

    Returns
    -------
    Outcome
        What the work returned, and how it was done.

    Raises
    ------
    OutOfMemoryError, UnsupportedOperationError, DeviceLostError
        If every attempt failed so; the message lists them. Any other error comes out as it is.
    ValueError
        If ``PHOS_STRICT`` is neither 0 nor 1.

    Warns
    -----
    BackendFallbackWarning
        If the backend is left.
    """
    strict = switch("PHOS_STRICT") or strict
    bound = "it owns the picture" if stay else "it was asked for by name" if selection.named else ""
    if strict and not bound:
        bound = "strict"
    waits = bool(bound) or selection.waits
    uncompiled: list[str] = []
    failed: list[_Rung] = []
    events: list[str] = []
    for backend in _backends(selection, only_one=bool(bound)):
        if failed:
            events.append(f"went on with {backend.name}: {failed[-1]}")
            logger.info(events[-1])
            warnings.warn(events[-1], BackendFallbackWarning, stacklevel=_frames_within() + 1)
        for tiles in _cuts(footprint(backend), backend, failed):
            try:
                with not_waiting(is_so=not waits):
                    rung_or_value = _attempt(work, backend, tiles)
            except NotCompiledError as error:
                uncompiled.append(backend.name)
                events.append(str(error))
                logger.info(events[-1])
                break
            if not isinstance(rung_or_value, _Rung):
                for name in uncompiled:
                    say_who_works_instead(name, backend.name)
                if len(tiles) > 1:
                    events.append(f"computed in {len(tiles)} tiles of rows on {backend.name}")
                    logger.info(events[-1])
                return Outcome(rung_or_value, backend, len(tiles), tuple(events), tuple(uncompiled))
            failed.append(rung_or_value)
            events.append(str(rung_or_value))
            logger.info("attempt failed: %s", rung_or_value)
            attempt(
                partial(release, backend), f"release of {backend.name}"
            )  # a lost device may raise here
            if rung_or_value.kind != "out-of-memory":
                break
    if uncompiled:  # and nothing else could do it: better wait than fail
        named = replace(selection, others=())
        return descend(named, work, footprint, strict=strict, stay=stay)
    raise _defeat(failed, bound) from failed[-1].error


def classified(backend: ConvolutionBackend, error: Exception) -> ErrorKind | None:
    """Ask a backend which of the three failures an error is.

    Parameters
    ----------
    backend : ConvolutionBackend
        The backend, whose `classify_error` may itself be wrong.
    error : Exception
        What it raised. If the answer cannot be used, a note on it says so.

    Returns
    -------
    ErrorKind or None
        The failure; None for all other errors.
    """
    kind = attempt(lambda: error_kind_of(backend, error), f"classify_error of {backend.name}")
    if isinstance(kind, Trouble):
        wrong = f"failed: {kind}"
    elif kind is None or (isinstance(kind, str) and kind in ERRORS):
        return kind
    else:
        wrong = f"gave {shown(kind)}"
    note = f"{backend.name} could not say what failed: its classify_error {wrong}"
    logger.warning(note)
    error.add_note(note)
    return None


def _frames_within() -> int:
    """How many frames lie between `descend`, itself counted, and whoever called phos."""
    frame: FrameType | None = sys._getframe(1)
    count = 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith(PACKAGE):
        frame, count = frame.f_back, count + 1
    return count


def _backends(selection: Selection, *, only_one: bool) -> Iterator[ConvolutionBackend]:
    yield selection.backend
    if not only_one:
        yield from successors(selection)


def _cuts(
    footprint: Footprint, backend: ConvolutionBackend, failed: list[_Rung]
) -> Iterator[tuple[Tile, ...]]:
    """Give the tilings to try, coarsest first; where none fits, that is a failure too."""
    sizes = tile_sizes(footprint, backend)
    if sizes[:1] != [footprint.rows]:
        make_room(footprint, backend)
        sizes = tile_sizes(footprint, backend)
    if not sizes:
        least = footprint.least_rows
        needed, largest = footprint.needed_bytes(least), footprint.array_elements(least)
        what = (
            f"not tried: even {least} of {footprint.rows} rows take about {needed / 2**20:.1f} MiB "
            f"and arrays of {largest} numbers, which is beyond its limits"
        )
        failed.append(_Rung(backend.name, "out-of-memory", what))
    for size in sizes:
        shape = (footprint.rows, footprint.cols)
        yield cut(shape, (size, footprint.cols), footprint.halo)


def _attempt(work: Work[T], backend: ConvolutionBackend, tiles: tuple[Tile, ...]) -> T | _Rung:
    """Do the work; an error of the three kinds becomes an answer, without the frames it holds."""
    try:
        with np.errstate(all="ignore"):  # what comes of it is looked at, whatever NumPy would say
            return work(backend, tiles)
    except Exception as error:
        kind = _own_kind(error) or classified(backend, error)
        if kind is None:
            raise
        whole = "whole" if len(tiles) == 1 else f"{len(tiles)} tiles"
        said = str(error) or type(error).__name__
        return _Rung(backend.name, kind, f"{whole}: {kind}: {said}", error.with_traceback(None))


def _own_kind(error: Exception) -> ErrorKind | None:
    """The kind of an error that has it in its name, whatever the backend makes of it."""
    return next((kind for kind, named in ERRORS.items() if isinstance(error, named)), None)


def _defeat(failed: list[_Rung], bound: str) -> PhosError:
    kinds = [rung.kind for rung in failed]
    kind = "out-of-memory" if "out-of-memory" in kinds else kinds[-1]
    listed = "; ".join(map(str, failed))
    no_other = f" (no other backend was tried: {bound})" if bound else ""
    return ERRORS[kind](f"every attempt failed: {listed}{no_other}")

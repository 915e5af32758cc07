"""Watching a picture being developed: how far it is, and a way to stop it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TypeVar

from phos_core.errors import DevelopStoppedError

__all__ = ["Moment", "in_step", "numbered", "stop_if_asked", "strip_done", "watching"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How far a picture is.

    Parameters
    ----------
    step : str
        As `RunReport.step_seconds` names it; empty before the first.
    share : float
        How much of the step is done, from 0 to 1, where that is known: else 0.
    tile, tiles : int
        Which tile it is, from 1, and of how many.
    """

    step: str = ""
    share: float = 0.0
    tile: int = 1
    tiles: int = 1


BEFORE = Moment()
Watcher = Callable[[Moment], object]


@dataclass(frozen=True, slots=True)
class _Watch:
    watcher: Watcher
    is_stopped: Callable[[], bool]


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)
_moment: ContextVar[Moment] = ContextVar("moment", default=BEFORE)


@contextmanager
def watching(watcher: Watcher, *, is_stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """See how far what is developed inside has come, and stop it where that is wanted.

    Parameters
    ----------
    watcher : callable
        ``watcher(moment)``: called as each step begins, and within steps on the CPU as parts of
        them are done, on whichever of phos's threads did one. As long as it does not return,
        that thread stands still.
    is_stopped : callable
        Asked often, on all threads; once it says True, what is developed raises
        `DevelopStoppedError` and leaves no file behind.

    Examples
    --------
    >>> with watching(lambda moment: print(moment.step, moment.share)):
    ...     develop_file("in.tif", "out.tif", Recipe(film="portra-400"))
    """
    token = _watch.set(_Watch(watcher, is_stopped))
    try:
        yield
    finally:
        _watch.reset(token)


@contextmanager
def in_step(name: str) -> Iterator[None]:
    """Say that a step begins, and which one it is for what follows inside."""
    if _watch.get() is None:
        yield
        return
    token = _moment.set(replace(_moment.get(), step=name, share=0.0))
    try:
        _tell(_moment.get())
        yield
    finally:
        _moment.reset(token)


def numbered(tiles: Iterable[T]) -> Iterator[T]:
    """Go through tiles, and say of each which one it is."""
    listed = list(tiles)
    before = _moment.get()
    try:
        for number, tile in enumerate(listed, 1):
            _moment.set(replace(before, tile=number, tiles=len(listed)))
            yield tile
    finally:
        _moment.set(before)


def strip_done(done: int, strips: int) -> None:
    """Say that so many of a step's strips are done."""
    if _watch.get() is not None:
        _tell(replace(_moment.get(), share=done / strips))


def stop_if_asked() -> None:
    """Raise `DevelopStoppedError` if whoever watches wants no more."""
    watch = _watch.get()
    if watch is not None and watch.is_stopped():
        raise DevelopStoppedError("developing was stopped")


def _tell(moment: Moment) -> None:
    stop_if_asked()
    watch = _watch.get()
    if watch is not None:
        watch.watcher(moment)

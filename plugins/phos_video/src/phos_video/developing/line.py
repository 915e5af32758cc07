"""A line between two threads: bounded, in order, and at its end on both sides at once."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Abandoned", "Line"]

Item = TypeVar("Item")


class Abandoned(Exception):  # noqa: N818 - nothing went wrong
    """Nobody takes from the line any more."""


class Line(Generic[Item]):
    """What one thread hands to another, at most so many at a time.

    Parameters
    ----------
    room : int
        How many may wait.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._waiting: deque[Item] = deque()
        self._changed = threading.Condition()
        self._has_ended = False
        self._is_abandoned = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> None:
        """Hand an item on, once there is room; raises `Abandoned` if nobody wants it."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_abandoned or len(self._waiting) < self._room)
            if self._is_abandoned:
                raise Abandoned
            self._waiting.append(item)
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes; an error surfaces after all that came before it."""
        with self._changed:
            self._has_ended, self._error = True, error
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say that nothing more is taken; what waits is let go."""
        with self._changed:
            self._is_abandoned = True
            self._waiting.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        """Take what comes, until the end."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._waiting or self._has_ended or self._is_abandoned
                )
                if self._is_abandoned:
                    return
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._waiting.popleft()
                self._changed.notify_all()
            yield item
            del item  # it is not kept alive while the next one is waited for

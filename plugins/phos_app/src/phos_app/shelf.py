"""The shelf: what was read or made lately, as long as there is room; the rest is made again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Shelf"]

T = TypeVar("T")


class Shelf:
    """Keeps things by an owner and a key; what was not asked for longest goes first.

    Parameters
    ----------
    room_bytes : int
        What all of it may weigh. One thing that alone weighs more is still kept until the next.
    """

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._things: OrderedDict[tuple[str, Hashable], tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def kept(
        self, owner: str, key: Hashable, make: Callable[[], T], bytes_of: Callable[[T], int]
    ) -> T:
        """Give what lies there under a key, or make it and put it there."""
        place = (owner, key)
        with self._lock:
            if place in self._things:
                self._things.move_to_end(place)
                found: T = self._things[place][0]
                return found
        made = make()
        with self._lock:
            self._things[place] = (made, bytes_of(made))
            self._things.move_to_end(place)
            while len(self._things) > 1 and self._bytes() > self._room_bytes:
                self._things.popitem(last=False)
        return made

    def clear(self, owner: str) -> None:
        """Put away all that is of an owner."""
        with self._lock:
            for place in [place for place in self._things if place[0] == owner]:
                del self._things[place]

    @property
    def held_bytes(self) -> int:
        """What all of it weighs."""
        with self._lock:
            return self._bytes()

    def _bytes(self) -> int:
        return sum(weight for _, weight in self._things.values())

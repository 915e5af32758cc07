"""The line before the enlarger: one picture is developed at a time, the most urgent first."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

__all__ = ["Line", "Place", "Superseded", "Urgency"]


class Urgency(IntEnum):
    """Who goes first: what somebody looks at, what fills a list, what is taken home."""

    VIEW = 0
    STAMP = 1
    JOB = 2


class Superseded(Exception):  # noqa: N818 - it is no error
    """Nobody waits for this picture any more: a newer one was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in the line.

    Parameters
    ----------
    urgency : Urgency
        Who goes first; of two alike, who came first.
    key : hashable, optional
        Of two waiting places with one key, that with the greater turn takes the other's place.
    turn : int
        Its number among those of its key.
    """

    urgency: Urgency
    key: Hashable = None
    turn: int = 0
    number: int = field(default_factory=count().__next__)
    called: "asyncio.Future[None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where the line stands."""
        return self.called.get_loop()

    @property
    def rank(self) -> tuple[int, int]:
        """What the line is sorted by."""
        return self.urgency, self.number


class Line:
    """Renders of several windows would share the cores and multiply the memory; so they wait.

    All of it belongs to the server's event loop, but for `is_wanted`.
    """

    def __init__(self) -> None:
        self._waiting: list[Place] = []
        self._served: Place | None = None

    @asynccontextmanager
    async def served(self, place: Place) -> AsyncIterator[None]:
        """Wait until it is a place's turn, and hold the enlarger meanwhile.

        Raises
        ------
        Superseded
            If a newer place of its key has come.
        """
        await self._wait(place)
        try:
            yield
        finally:
            self._leave()

    async def give_way(self, place: Place) -> None:
        """Let those who are more urgent go first; whoever is served may ask it of itself."""
        if self.is_wanted(place):
            again = Place(place.urgency, number=place.number)
            self._waiting.append(again)
            self._leave()
            await self._called(again)

    def is_wanted(self, place: Place) -> bool:
        """Say whether somebody more urgent than a place waits; from any thread."""
        return any(other.urgency < place.urgency for other in tuple(self._waiting))

    def give_way_from_thread(self, place: Place) -> None:
        """Do as `give_way` on the thread that develops, which stands still meanwhile."""
        if self.is_wanted(place) and place.loop.is_running():
            asyncio.run_coroutine_threadsafe(self.give_way(place), place.loop).result()

    def ahead_of(self, rank: tuple[int, int]) -> int:
        """How many as urgent as a rank are served before it."""
        others = [*self._waiting, *([self._served] if self._served else ())]
        return sum(other.urgency == rank[0] and other.rank < rank for other in others)

    def __len__(self) -> int:
        """How many wait or are served."""
        return len(self._waiting) + (self._served is not None)

    async def _wait(self, place: Place) -> None:
        if place.key is not None:
            self._supersede(place)
        if self._served is None:
            self._served = place
            return
        self._waiting.append(place)
        await self._called(place)

    async def _called(self, place: Place) -> None:
        try:
            await place.called
        except asyncio.CancelledError:
            if place in self._waiting:
                self._waiting.remove(place)
            elif self._served is place:  # it was called in the same moment
                self._leave()
            raise

    def _supersede(self, place: Place) -> None:
        for other in [other for other in self._waiting if other.key == place.key]:
            if other.turn > place.turn:
                raise Superseded
            self._waiting.remove(other)
            if not other.called.cancelled():
                other.called.set_exception(Superseded())

    def _leave(self) -> None:
        # Who has gone away may not have heard of it yet, and cannot be called any more.
        self._waiting = [place for place in self._waiting if not place.called.cancelled()]
        self._served = min(self._waiting, key=lambda place: place.rank, default=None)
        if self._served is not None:
            self._waiting.remove(self._served)
            self._served.called.set_result(None)

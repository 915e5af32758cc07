"""Jobs: positives that are made while the page goes on, one after the other."""

import asyncio
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread

from phos_app.line import Line, Place, Urgency
from phos_app.positives import MIME_TYPES, Delivery, Order, Positive, add_to_zip, positive_of
from phos_app.uploads import safe_stem
from phos_app.words import fallback, ran
from phos_core.errors import DevelopStoppedError, PhosError
from phos_core.process import Moment, watching

__all__ = ["Job", "Progress"]

State = Literal["waiting", "developing", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
REFUSALS = (PhosError, ValueError, TypeError, MemoryError, OSError)
ROLL = "roll"

READING, WRITING = 0.1, 0.15  # our choice: shares of a frame's time, before and after the film
STEPS = {  # shares of the time between: of a built-in backend on two cores
    "upload": 0.01,
    "expose": 0.14,
    "scatter and halation": 0.25,
    "couplers": 0.18,
    "develop, grain and print": 0.42,
    "grain": 0.6,
}
FIRST_SHARE = 0.04  # from which on what has passed says what is left


class Progress:
    """How far a picture is, from 0 to 1; it never goes back."""

    def __init__(self) -> None:
        self.share = 0.0
        self.tile = 0
        self.tiles = 0

    def note(self, moment: Moment) -> None:
        """Take a moment of the process; from any thread."""
        self.tile, self.tiles = moment.tile, moment.tiles
        before = 0.0
        for step, weight in STEPS.items():
            if step == moment.step:
                of_tile = min(before + weight * moment.share, 1.0)
                passed = (moment.tile - 1 + of_tile) / moment.tiles
                share = READING + (1.0 - READING - WRITING) * passed
                self.share = max(self.share, share)
                return
            before += weight


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """Positives that somebody waits for.

    Parameters
    ----------
    orders : sequence of Order
        One for each picture.
    delivery : Delivery
        As what they are taken home.
    backend : str or None
        Where to compute.
    name : str
        What the roll is called; empty: "roll".
    folder : Path
        Of its own, in that of its desk.
    """

    orders: Sequence[Order]
    delivery: Delivery
    backend: str | None
    name: str
    folder: Path
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    number: int = field(default_factory=count().__next__)
    state: State = "waiting"
    frame: int = 0
    message: str = ""
    failures: list[dict[str, str]] = field(default_factory=list)
    result: Path | None = None
    result_name: str = ""
    sidecar: str = ""
    report: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    begun: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)
    task: "asyncio.Task[None] | None" = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED

    @property
    def mime_type(self) -> str:
        """Of the result."""
        return MIME_TYPES.get(Path(self.result_name).suffix, "application/zip")

    async def run(self, line: Line) -> None:
        """Make the positives as it is their turn."""
        try:
            await self._run(line)
        except asyncio.CancelledError:
            self.state = "cancelled"
        except DevelopStoppedError:
            self.state = "cancelled"
        except REFUSALS as error:
            self._fail(str(error))
        except Exception:
            self._fail("Something broke that should not: the terminal has the details.")
            raise
        finally:
            if self.state == "cancelled":
                shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """Stop it: at once where it waits, else at the next step."""
        if self.has_ended:
            return
        self.stopped.set()
        if self.state == "waiting" and self.task is not None:
            self.task.cancel()

    def told(self, line: Line) -> dict[str, Any]:
        """Give how far it is, as the page is told."""
        share = self._share()
        told: dict[str, Any] = {
            "state": self.state,
            "position": line.ahead_of((Urgency.JOB, self.number)),
            "frame": self.frame,
            "of": len(self.orders),
            "tile": self.progress.tile,
            "tiles": self.progress.tiles,
            "share": round(share, 3),
            "seconds_left": self._seconds_left(share),
            "failures": list(self.failures),
            "name": self.result_name,
            "bytes": 0,
            "report": self.report,
            "message": self.message,
        }
        if self.state == "done" and self.result is not None:
            told |= {"bytes": self.result.stat().st_size, "has_sidecar": bool(self.sidecar)}
        return told

    async def _run(self, line: Line) -> None:
        self.folder.mkdir(mode=0o700)
        is_roll = len(self.orders) > 1
        archive_path = self.folder / "roll.zip"
        for number, order in enumerate(self.orders):
            place = Place(Urgency.JOB, number=self.number)
            async with line.served(place):
                self.frame, self.progress = number, Progress()
                self.state, self.begun = "developing", self.begun or time.monotonic()
                positive = await anyio.to_thread.run_sync(self._one, order, line, place)
                if positive is not None and is_roll:
                    await anyio.to_thread.run_sync(_put, archive_path, positive)
            if positive is None:
                continue
            self.report = {"ran": ran(positive.report), "warning": fallback(positive.report)}
            if not is_roll:
                self.result, self.result_name = positive.path, positive.name
                self.sidecar = positive.sidecar
        if is_roll and archive_path.exists():
            self.result = archive_path
            self.result_name = f"{safe_stem((self.name or ROLL) + '.zip')}.zip"
        if self.result is None:
            self._fail(self.failures[0]["message"])
        else:
            self.frame, self.state = len(self.orders), "done"

    def _one(self, order: Order, line: Line, place: Place) -> Positive | None:
        """Make one positive, on a thread; one that fails says why, and the others go on."""
        thread = threading.get_ident()

        def watch(moment: Moment) -> None:
            self.progress.note(moment)
            if threading.get_ident() == thread:  # the helpers of others may be needed meanwhile
                line.give_way_from_thread(place)

        try:
            with watching(watch, is_stopped=self.stopped.is_set):
                positive = positive_of(order, self.delivery, self.folder, self.backend)
        except REFUSALS as error:
            self._raise_if_stopped()
            message = str(error) or "There is not enough memory for this."
            self.failures.append({"frame": order.upload.key, "message": message})
            return None
        self._raise_if_stopped()
        return positive

    def _raise_if_stopped(self) -> None:
        if self.stopped.is_set():
            raise DevelopStoppedError("developing was stopped")

    def _fail(self, message: str) -> None:
        self.state, self.message = "failed", message

    def _share(self) -> float:
        if self.state == "done":
            return 1.0
        if self.state == "waiting":
            return 0.0
        return (self.frame + self.progress.share) / len(self.orders)

    def _seconds_left(self, share: float) -> int | None:
        if self.state != "developing" or share < FIRST_SHARE:
            return None
        return round((time.monotonic() - self.begun) * (1.0 - share) / share)


def _put(archive_path: Path, positive: Positive) -> None:
    """Add a positive to the roll's archive, and let it go."""
    with zipfile.ZipFile(archive_path, "a", zipfile.ZIP_STORED) as archive:  # it is compressed
        add_to_zip(archive, positive)
    positive.path.unlink()

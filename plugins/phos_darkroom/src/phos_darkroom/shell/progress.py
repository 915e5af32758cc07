"""A bar on stderr while a roll is developed."""

import sys
from types import TracebackType
from typing import TextIO, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from phos_darkroom.roll import FrameResult
from phos_darkroom.shell.messages import Unfailing

__all__ = ["Bar"]


class _Rate(ProgressColumn):
    """How many pictures a second, or how many seconds a picture."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f} pictures/s" if speed >= 1 else f"{1 / speed:.1f} s/picture")


class Bar:
    """A bar on stderr, shown where that is a terminal and nowhere else.

    Parameters
    ----------
    total : int
        How many pictures there are.
    """

    def __init__(self, total: int) -> None:
        console = Console(file=cast(TextIO, Unfailing(sys.stderr)))
        self._progress = Progress(
            TextColumn("developing"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            # Rich would take over what goes to a file as well.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
            disable=not console.is_terminal,
        )
        self._to_do = total
        self._task = self._progress.add_task("developing", total=total)

    def __enter__(self) -> "Bar":
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._progress.disable:  # older releases of rich end even a hidden bar's line
            self._progress.stop()

    def advance(self, result: FrameResult) -> None:
        """Count a picture; one that needed no developing says nothing of the rate."""
        if result.status in ("already done", "skipped"):
            self._to_do -= 1
            self._progress.update(self._task, total=self._to_do)
        else:
            self._progress.advance(self._task)

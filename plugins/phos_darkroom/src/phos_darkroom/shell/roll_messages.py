"""What ``phos develop`` says of a roll: before it, while it runs, and after it."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from phos_darkroom.files.paths import exists
from phos_darkroom.shell.messages import as_options, count, say, tell, visible

if TYPE_CHECKING:
    from phos_darkroom.roll import Frame, FrameResult
    from phos_darkroom.roll.resuming import Standing

__all__ = [
    "follow",
    "say_how_to_continue",
    "say_what_becomes_jpeg",
    "say_where_to",
    "sum_up",
    "tell_what_would_be_done",
]

WHAT_IS_DONE = {
    "to do": "to be developed",
    "already done": "already done, by its sidecar",
    "skipped": "skipped, it exists",
    "in the way": "refused, it exists: --overwrite or --skip-existing",
    "the input itself": "refused, it is the input itself: --overwrite",
}
JPEG = ".jpg"


def say_where_to(frames: "Sequence[Frame]") -> None:
    """Say where positives go that were given no place."""
    first, folders = frames[0], {frame.destination.parent for frame in frames}
    if all(frame.destination.parent == frame.source.parent for frame in frames):
        where = "the original" if len(frames) == 1 else f"the {len(frames)} originals"
        more = "" if len(frames) == 1 else " and so on"
        say(f"no -o given: writing beside {where}, as {first.destination.name}{more}")
    elif len(folders) == 1:
        say(f"no -o given: writing into {first.destination.parent}")
    else:
        say(f"no -o given: writing into {len(folders)} folders, first {first.destination}")


def say_what_becomes_jpeg(frames: "Iterable[Frame]") -> None:
    """Say that pictures become JPEG whose own format cannot be written."""
    from phos_darkroom.files.image_files import SUFFIXES

    becoming = [
        frame
        for frame in frames
        if frame.source.suffix.lower() not in SUFFIXES and frame.destination.suffix == JPEG
    ]
    if becoming:
        endings = sorted({frame.source.suffix for frame in becoming})
        say(
            f"{' and '.join(endings)} cannot be written: {count(len(becoming))} as JPEG of 8 bits; "
            "--raw-as tiff keeps 16"
        )


def tell_what_would_be_done(frames: "Sequence[Frame]", standing: "Sequence[Standing]") -> None:
    """Say of each frame what would be done."""
    for frame, status in zip(frames, standing, strict=True):
        what = WHAT_IS_DONE[status]
        if status == "to do" and not exists(frame.source):
            what = "fails, there is no such picture"
        elif status == "to do" and exists(frame.destination):
            what = "to be developed in place of what exists"
        source, destination = visible(str(frame.source)), visible(str(frame.destination))
        tell(f"{source} -> {destination}: {what}")


def follow(results: "Iterable[FrameResult]", total: int, finished: "list[FrameResult]") -> None:
    """Name each positive as it is there, and note what became of each frame."""
    with _progress(total) as count_one:
        for result in results:
            finished.append(result)
            if result.status == "developed":
                tell(result.destination)
            count_one(result)


@contextlib.contextmanager
def _progress(total: int) -> "Iterator[Callable[[FrameResult], None]]":
    """A bar, where somebody may see it."""
    if not (os.environ.get("FORCE_COLOR") or (sys.stderr is not None and sys.stderr.isatty())):
        yield lambda _: None
        return
    from phos_darkroom.shell.progress import Bar  # takes long to import

    with Bar(total) as bar:
        yield bar.advance


def sum_up(finished: "Sequence[FrameResult]", seconds: float, command: click.Command) -> None:
    """Say how many were developed, by what; and at the end what failed, and why.

    Reasons that name an argument of Python name the option of `command`.
    """
    developed = [result for result in finished if result.status == "developed"]
    if developed:
        used = " and ".join(sorted({result.backend for result in developed if result.backend}))
        by = f" by {used}" if used else ""
        say(f"{count(len(developed))} developed{by} in {seconds:.1f} s")
    for status in ("already done", "skipped"):
        passed = sum(result.status == status for result in finished)
        if passed:
            say(f"{count(passed)} {status}")
    failed = [result for result in finished if result.status == "failed"]
    for result in failed:
        say(as_options(result.error, command))
    if failed and len(finished) > 1:
        say(f"{len(failed)} of {count(len(finished))} failed")


def say_how_to_continue(
    finished: "Sequence[FrameResult]", total: int, *, with_sidecar: bool
) -> None:
    """Say how many frames of a roll that was stopped are done, and what develops the others."""
    done = sum(result.status != "failed" for result in finished)
    if len(finished) == total:
        say(f"stopped: {done} of {count(total)} are done, and there was none left to begin")
        return
    how = "the same command" if with_sidecar else "the same command with --skip-existing"
    say(f"stopped: {done} of {count(total)} are done; {how} continues with the others")

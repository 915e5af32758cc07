"""``phos develop``: a picture, or the frames of a roll."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

import click

import phos_core as phos
from phos_darkroom.files.paths import exists, is_folder
from phos_darkroom.shell.messages import (
    Unfailing,
    count,
    log_to_stderr,
    say,
    tell,
    verbose_option,
    visible,
)
from phos_darkroom.shell.preset_options import given, merged, preset_options
from phos_darkroom.shell.setting_options import setting_options
from phos_darkroom.shell.signals import stopping_at_signals

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from phos_darkroom.roll import Frame, FrameResult
    from phos_darkroom.roll.resuming import Standing

__all__ = ["develop"]

FAILED = 2

WHAT_IS_DONE = {
    "to do": "to be developed",
    "already done": "already done, by its sidecar",
    "skipped": "skipped, it exists",
    "in the way": "refused, it exists: --overwrite or --skip-existing",
    "the input itself": "refused, it is the input itself: --overwrite",
}


@click.command(short_help="Develop pictures on a film.")
@click.argument("pictures", metavar="IN...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="A file for one picture, else a folder; a file's ending says its format.",
)
@setting_options
@preset_options
@click.option(
    "--backend",
    metavar="NAME",
    help="What convolves (see `phos backends`); by default the best here. Several, as in "
    "cupy,numba,scipy: the first that can run.",
)
@click.option("--recursive", is_flag=True, help="The folders in a folder too.")
@click.option(
    "--name",
    metavar="TEMPLATE",
    help="Of files in OUT: {stem} {suffix} {ending} {film} {seed} {n} {parent}, such as "
    "'{n:03}-{stem}{suffix}'.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Pictures at once, each in a process; by default by cores, GPUs and memory.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Run on a cluster, such as tcp://HOST:8786.")
@click.option("--overwrite", is_flag=True, help="Replace what exists, the input itself included.")
@click.option("--skip-existing", is_flag=True, help="Pass over what exists, whatever it is.")
@click.option(
    "--sidecar/--no-sidecar",
    "with_sidecar",
    default=True,
    show_default=True,
    help="Write a .phos.toml beside each positive: its settings, and how a roll goes on.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@verbose_option
@click.pass_context
def develop(
    ctx: click.Context,
    /,
    pictures: tuple[Path, ...],
    output: Path,
    *,
    preset: str | None,
    save_as: str | None,
    sidecar: Path | None,
    backend: str | None,
    recursive: bool,
    name: str | None,
    jobs: int | None,
    scheduler: str | None,
    overwrite: bool,
    skip_existing: bool,
    with_sidecar: bool,
    dry_run: bool,
    verbose: bool,
    **_settings: Any,
) -> None:
    """Develop pictures on a film: files, folders, or quoted patterns such as 'roll/**/*.jpg'.

    In a folder each gets grain of its own, by its name. One that fails is named at the end; the
    others are developed, and the exit code is 2. A roll that was stopped goes on with the same
    command.
    """
    from phos_darkroom.roll import FrameResult, develop_frames
    from phos_darkroom.roll.resuming import refuse_replacing, standings
    from phos_darkroom.roll.running import check_films

    refused: list[str] = []

    def pass_over(folder: Path, why: str) -> None:
        refused.append(f"{folder} cannot be read: {why}; its pictures are left out")

    with log_to_stderr(verbose=verbose):
        if sidecar is None:
            frames = _frames(ctx, pictures, output, preset, save_as, name, recursive, pass_over)
        else:
            frame, backend = _frame_again(ctx, sidecar, pictures, output, backend)
            frames = (frame,)
        if dry_run:
            check_films(frames, sidecar=with_sidecar)
            standing = standings(frames, overwrite=overwrite, skip_existing=skip_existing)
            _tell(frames, standing)
            refuse_replacing(frames, standing)
            _end(ctx, refused, FAILED if refused else 0)
        start, finished = time.perf_counter(), list[FrameResult]()
        with (
            _executor(scheduler) as executor,
            stopping_at_signals() as stop,
            contextlib.suppress(KeyboardInterrupt),
        ):
            results = develop_frames(
                frames,
                executor=executor,
                jobs=jobs,
                backend=backend,
                overwrite=overwrite,
                skip_existing=skip_existing,
                sidecar=with_sidecar,
                stop=stop.event,
            )
            _follow(results, len(frames), finished)
    _sum_up(finished, time.perf_counter() - start)
    if stop.event.is_set():
        _say_how_to_go_on(finished, len(frames), with_sidecar)
        _end(ctx, refused, stop.code)
    has_failed = refused or any(result.status == "failed" for result in finished)
    _end(ctx, refused, FAILED if has_failed else 0)


def _end(ctx: click.Context, refused: Sequence[str], code: int) -> NoReturn:
    """Name the folders that could not be looked through, and end."""
    for line in refused:
        say(line)
    ctx.exit(code)


def _frames(
    ctx: click.Context,
    pictures: Sequence[Path],
    output: Path,
    preset: str | None,
    save_as: str | None,
    name: str | None,
    recursive: bool,
    pass_over: Callable[[Path, str], None],
) -> "tuple[Frame, ...]":
    """Find the pictures, and settle their settings."""
    from phos_darkroom.roll import frames_of
    from phos_darkroom.settings.presets import save_preset

    if not pictures:
        raise click.UsageError("IN is missing: which pictures are to be developed?", ctx)
    settings = merged(ctx, preset)
    recipe = phos.Recipe(**settings)
    frames = frames_of(
        pictures, output, recipe, name=name, recursive=recursive, passed_over=pass_over
    )
    if save_as is not None and not ctx.params["dry_run"]:
        save_preset(save_as, settings)
    return frames


def _frame_again(
    ctx: click.Context,
    sidecar: Path,
    pictures: Sequence[Path],
    output: Path,
    backend: str | None,
) -> "tuple[Frame, str | None]":
    """Find what makes a sidecar's picture again, and the backend that made it."""
    from phos_darkroom.roll import Frame
    from phos_darkroom.settings.sidecar import from_sidecar

    others = [*given(ctx), *(option for option in ("preset", "save_as") if ctx.params[option])]
    if others:
        raise ValueError(
            f"--from-sidecar makes the same picture again, without {others[0]}: for its settings "
            f"and others, --preset {sidecar}"
        )
    if len(pictures) > 1:
        raise ValueError(f"--from-sidecar makes one picture, got {len(pictures)} as IN")
    source, recipe, backend = from_sidecar(sidecar, pictures[0] if pictures else None, backend)
    if is_folder(output) or not output.suffix:
        output /= sidecar.name.removesuffix(".phos.toml")
    return Frame(source=source, destination=output, recipe=recipe), backend


def _tell(frames: "Sequence[Frame]", standing: "Sequence[Standing]") -> None:
    """Say of each frame what would be done."""
    for frame, status in zip(frames, standing, strict=True):
        what = WHAT_IS_DONE[status]
        if status == "to do" and not exists(frame.source):
            what = "fails, there is no such picture"
        elif status == "to do" and exists(frame.destination):
            what = "to be developed in place of what exists"
        source, destination = visible(str(frame.source)), visible(str(frame.destination))
        tell(f"{source} -> {destination}: {what}")


@contextlib.contextmanager
def _executor(scheduler: str | None) -> "Iterator[Executor | None]":
    if scheduler is None:
        yield None
        return
    from phos_darkroom.roll.scheduling import executor_at

    with executor_at(scheduler) as executor:
        yield executor


def _follow(results: "Iterable[FrameResult]", total: int, finished: "list[FrameResult]") -> None:
    """Name each positive as it is there, and note what became of each frame."""
    with _progress_bar(total) as advance:
        for result in results:
            finished.append(result)
            if result.status == "developed":
                tell(result.destination)
            advance(result)


@contextlib.contextmanager
def _progress_bar(total: int) -> "Iterator[Callable[[FrameResult], None]]":
    """Show a bar on stderr if that is a terminal; call what is given after each picture."""
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

    class Rate(ProgressColumn):
        """How many pictures a second, or how many seconds a picture."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            if not speed:
                return Text("")
            return Text(f"{speed:.1f} pictures/s" if speed >= 1 else f"{1 / speed:.1f} s/picture")

    console = Console(file=cast(TextIO, Unfailing(sys.stderr)))
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("developing"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    # Rich would take over what goes to a file as well.
    redirect = sys.stdout is not None and sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=redirect) as progress:
        task = progress.add_task("developing", total=total)
        to_do = total

        def advance(result: "FrameResult") -> None:
            nonlocal to_do
            if result.status in ("already done", "skipped"):  # which say nothing of the rate
                to_do -= 1
                progress.update(task, total=to_do)
            else:
                progress.advance(task)

        yield advance


def _sum_up(finished: "Sequence[FrameResult]", seconds: float) -> None:
    """Say how many were developed, by what; and at the end what failed, and why."""
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
        say(result.error)
    if failed and len(finished) > 1:
        say(f"{len(failed)} of {count(len(finished))} failed")


def _say_how_to_go_on(finished: "Sequence[FrameResult]", total: int, with_sidecar: bool) -> None:
    done = sum(result.status != "failed" for result in finished)
    if len(finished) == total:
        say(f"stopped: {done} of {count(total)} are done, and none was left to begin")
        return
    how = "the same command" if with_sidecar else "the same command with --skip-existing"
    say(f"stopped: {done} of {count(total)} are done; {how} goes on with the others")

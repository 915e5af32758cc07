"""``phos develop``: a picture, or the frames of a roll."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

import phos_core as phos
from phos_core.process import check_space
from phos_darkroom.files.paths import is_folder
from phos_darkroom.settings.sidecar import has_one
from phos_darkroom.shell.completion import complete_backends
from phos_darkroom.shell.export_options import export_of, export_options, given_of_export
from phos_darkroom.shell.framing_options import framing_of, framing_options, given_of_framing
from phos_darkroom.shell.help import GroupedCommand, in_group
from phos_darkroom.shell.late import compile_later
from phos_darkroom.shell.messages import count, log_to_stderr, say, verbose_option
from phos_darkroom.shell.preset_options import given, merged, preset_options
from phos_darkroom.shell.raw_options import given_of_raw, raw_options, raw_settings
from phos_darkroom.shell.roll_messages import (
    follow,
    say_how_to_continue,
    say_what_becomes_jpeg,
    say_where_to,
    sum_up,
    tell_what_would_be_done,
)
from phos_darkroom.shell.setting_options import setting_options
from phos_darkroom.shell.signals import stopping_at_signals
from phos_darkroom.shell.spaces import ocio_option

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from phos_darkroom.files.transparency import Colour
    from phos_darkroom.roll import Frame, FrameResult

__all__ = ["develop"]

FAILED = 2
INSTEAD = {"jpeg": ".jpg", "tiff": ".tif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for, besides the settings of the picture."""

    pictures: tuple[Path, ...]
    output: Path | None
    preset: str | None
    save_as: str | None
    sidecar: Path | None
    backend: str | None
    recursive: bool
    name: str | None
    raw_as: str
    background: str | None
    jobs: int | None
    scheduler: str | None
    overwrite: bool
    skip_existing: bool
    with_sidecar: bool
    gain_map: bool
    dry_run: bool
    open_it: bool
    verbose: bool


@click.command(cls=GroupedCommand, short_help="Develop pictures on a film.")
@click.argument("pictures", metavar="IN...", nargs=-1, type=click.Path(path_type=Path))
@in_group(
    "Files",
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A file for one picture, else a folder; a file's ending is its format. By default beside "
    "each picture, as a-portra-400.jpg, and of a folder in its folder developed.",
)
@in_group(
    "Files",
    "--name",
    metavar="TEMPLATE",
    help="Of files in a folder: {stem} {suffix} {ending} {film} {seed} {n} {parent}, such as "
    "'{n:03}-{stem}{suffix}'.",
)
@in_group("Files", "--recursive", is_flag=True, help="The folders in a folder too.")
@in_group(
    "Files",
    "--raw-as",
    type=click.Choice(tuple(INSTEAD)),
    default="jpeg",
    show_default=True,
    help="What camera raw and HEIC files become, which cannot be written: jpeg, or tiff of 16 "
    "bits.",
)
@in_group(
    "Files",
    "--background",
    metavar="COLOUR",
    help="Behind transparent parts where the format has none, such as white or #f4efe6.",
)
@in_group("Files", "--overwrite", is_flag=True, help="Replace what exists, finished or not.")
@in_group("Files", "--skip-existing", is_flag=True, help="Pass over what exists, whatever it is.")
@in_group(
    "Files",
    "--sidecar/--no-sidecar",
    "with_sidecar",
    default=True,
    show_default=True,
    help="Write a .phos.toml beside each positive: its settings, and what a roll is continued by.",
)
@in_group(
    "Files",
    "--gain-map/--no-gain-map",
    default=True,
    show_default=True,
    help="Use the light beyond white that a picture's gain map tells of; else its SDR rendering.",
)
@in_group("Files", "--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@in_group(
    "Files",
    "--open",
    "open_it",
    is_flag=True,
    help="Open the positive with the system's viewer; of several, their folder.",
)
@ocio_option
@export_options
@framing_options
@setting_options
@raw_options
@preset_options
@in_group(
    "Machine",
    "--backend",
    metavar="NAME",
    shell_complete=complete_backends,
    help="What computes, see `phos backends`; by default the best here. Of several, as in "
    "cupy,numba,scipy, the first that can run.",
)
@in_group(
    "Machine",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Pictures at once, each in a process; by default by cores, GPUs and memory.",
)
@in_group(
    "Machine",
    "--scheduler",
    metavar="ADDRESS",
    help="Run on a cluster, such as tcp://HOST:8786.",
)
@verbose_option
@click.pass_context
def develop(ctx: click.Context, /, **_options: Any) -> None:
    """Develop pictures on a film: files, folders, or quoted patterns such as 'roll/**/*.jpg'.

    In a folder each picture gets grain of its own, by its name. Those that fail are reported at
    the end; the others are developed, and the exit code is 2. The same command continues a roll
    that was stopped.
    """
    asked = Asked(**{field.name: ctx.params[field.name] for field in fields(Asked)})
    _background(asked)  # whose error belongs before the work
    refused: list[str] = []
    with log_to_stderr(verbose=asked.verbose):
        frames, backend = _frames(ctx, asked, refused)
        if asked.dry_run:
            _show(frames, asked)
            _end(ctx, refused, FAILED if refused else 0)
        if len(frames) == 1:
            compile_later()
        _develop(ctx, asked, frames, backend, refused)


def _show(frames: "tuple[Frame, ...]", asked: Asked) -> None:
    """Say what would be done, and raise where it would be refused."""
    from phos_darkroom.roll.resuming import refuse_replacing, standings
    from phos_darkroom.roll.running import check_films

    check_films(frames, sidecar=asked.with_sidecar)
    standing = standings(frames, overwrite=asked.overwrite, skip_existing=asked.skip_existing)
    tell_what_would_be_done(frames, standing)
    refuse_replacing(frames, standing)


def _develop(
    ctx: click.Context,
    asked: Asked,
    frames: "tuple[Frame, ...]",
    backend: str | None,
    refused: list[str],
) -> NoReturn:
    """Develop the frames, say what became of them, and end."""
    from phos_darkroom.roll import FrameResult, develop_frames

    start, finished = time.perf_counter(), list[FrameResult]()
    with (
        _executor(asked.scheduler) as executor,
        stopping_at_signals() as stop,
        contextlib.suppress(KeyboardInterrupt),
    ):
        results = develop_frames(
            frames,
            executor=executor,
            jobs=asked.jobs,
            backend=backend,
            overwrite=asked.overwrite,
            skip_existing=asked.skip_existing,
            sidecar=asked.with_sidecar,
            background=_background(asked),
            stop=stop.event,
        )
        follow(results, len(frames), finished)
    sum_up(finished, time.perf_counter() - start, ctx.command)
    if stop.event.is_set():
        say_how_to_continue(finished, len(frames), with_sidecar=asked.with_sidecar)
        _end(ctx, refused, stop.code)
    if asked.open_it:
        _open(finished)
    has_failed = refused or any(result.status == "failed" for result in finished)
    _end(ctx, refused, FAILED if has_failed else 0)


def _background(asked: Asked) -> "Colour | None":
    if asked.background is None:
        return None
    from phos_darkroom.files.transparency import colour_from

    return colour_from(asked.background)


def _end(ctx: click.Context, refused: list[str], code: int) -> NoReturn:
    """Name the folders that could not be looked through, and end."""
    for line in refused:
        say(line)
    ctx.exit(code)


def _frames(
    ctx: click.Context, asked: Asked, refused: list[str]
) -> "tuple[tuple[Frame, ...], str | None]":
    """Find the pictures and settle their settings; give the backend as well."""
    if asked.sidecar is not None:
        frame, backend = _frame_again(ctx, asked, asked.sidecar)
        return (frame,), backend
    from phos_darkroom.roll import frames_of
    from phos_darkroom.settings.presets import save_preset

    if not asked.pictures:
        raise click.UsageError("IN is missing: which pictures are to be developed?", ctx)
    settings = merged(ctx, asked.preset)
    recipe = phos.Recipe(**settings)
    raw, framing, export = raw_settings(ctx), framing_of(ctx), export_of(ctx)
    recipe.load_film()  # whose error is worth more than one of a file's name
    check_space(recipe.input_space)

    def pass_over(folder: Path, why: str) -> None:
        refused.append(f"{folder} cannot be read: {why}; its pictures are left out")

    frames = frames_of(
        _without_positives(asked),
        asked.output,
        recipe,
        name=asked.name,
        recursive=asked.recursive,
        instead=INSTEAD[asked.raw_as],
        passed_over=pass_over,
        raw=raw,
        framing=framing,
        export=export,
        gain_map=asked.gain_map,
    )
    if asked.output is None:
        say_where_to(frames)
    if asked.name is None and frames[0].destination != asked.output:
        say_what_becomes_jpeg(frames)
    if asked.save_as is not None and not asked.dry_run:
        save_preset(asked.save_as, settings)
    return frames, asked.backend


def _without_positives(asked: Asked) -> list[Path]:
    """Leave out what an earlier run has put beside the pictures: *.jpg names it as well."""
    if asked.output is not None or len(asked.pictures) == 1:
        return list(asked.pictures)
    pictures = [path for path in asked.pictures if is_folder(path) or not has_one(path)]
    passed = len(asked.pictures) - len(pictures)
    if passed:
        say(f"{count(passed)} passed over: positives already, by the sidecars beside them")
    return pictures


def _frame_again(ctx: click.Context, asked: Asked, sidecar: Path) -> "tuple[Frame, str | None]":
    """Find what makes a sidecar's picture again, and the backend that made it."""
    from phos_darkroom.files.image_files import is_raw
    from phos_darkroom.roll import Frame
    from phos_darkroom.settings.sidecar import from_sidecar, read

    others = [
        *given(ctx),
        *given_of_raw(ctx),
        *given_of_framing(ctx),
        *given_of_export(ctx),
        *(option for option in ("preset", "save_as") if ctx.params[option]),
        *(() if asked.gain_map else ("gain_map",)),
    ]
    if others:
        raise ValueError(
            f"--from-sidecar makes the same picture again, without {others[0]}: for its settings "
            f"and others, --preset {sidecar}"
        )
    if len(asked.pictures) > 1:
        raise ValueError(f"--from-sidecar makes one picture, got {len(asked.pictures)} as IN")
    picture = asked.pictures[0] if asked.pictures else None
    found = read(sidecar)
    if found.clip is not None:
        raise ValueError(f"{sidecar} is of a clip: phos video --from-sidecar makes it again")
    source, recipe, backend = from_sidecar(sidecar, picture, asked.backend)
    output = sidecar.parent if asked.output is None else asked.output
    if is_folder(output) or not output.suffix:
        output /= sidecar.name.removesuffix(".phos.toml")
    raw = found.raw
    if raw is None and is_raw(source):
        say(f"{sidecar} does not say how the raw file became light: by the defaults now")
    frame = Frame(
        source=source,
        destination=output,
        recipe=recipe,
        raw=raw,
        framing=found.framing,
        export=found.export,
        gain_map=found.gain_map is True,  # an earlier version knew of none
    )
    return frame, backend


@contextlib.contextmanager
def _executor(scheduler: str | None) -> "Iterator[Executor | None]":
    if scheduler is None:
        yield None
        return
    from phos_darkroom.roll.scheduling import executor_at

    with executor_at(scheduler) as executor:
        yield executor


def _open(finished: "list[FrameResult]") -> None:
    """Open what is there with the system's viewer: a positive, or the folder of several."""
    there = [result.destination for result in finished if result.status != "failed"]
    if not there:
        return
    place = there[0] if len(there) == 1 else Path(os.path.commonpath([p.parent for p in there]))
    if click.launch(str(place)) != 0:
        say(f"{place} cannot be opened: the system knows no viewer for it")

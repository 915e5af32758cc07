"""``phos video``: clips, developed frame by frame."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

import phos_core as phos
from phos_core.errors import PhosError
from phos_darkroom import (
    GroupedCommand,
    as_options,
    given,
    in_group,
    log_to_stderr,
    merged,
    ocio_option,
    preset_options,
    say,
    setting_options,
    stopping_at_signals,
    tell,
    verbose_option,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from phos_video.developing.clip import ClipResult
    from phos_video.developing.media import WithFFmpeg
    from phos_video.developing.order import Order
    from phos_video.ffmpeg import Clip

__all__ = ["video"]

Command = TypeVar("Command", bound=click.Command)

FAILED = 2
NEARLY_HZ = 0.1  # 23.976 for 24
USUAL_FORMAT = "super-35"
USUAL_SUFFIX = ".mov"
CODECS = (
    *("prores", "prores-4444", "hevc", "av1", "ffv1", "ffv1-10", "h264"),
    *("dpx", "png", "tiff", "exr"),
)
DEFAULTS_OF_CLIPS = {
    "film_format": {"default": USUAL_FORMAT},
    "input_space": {"show_default": "as the clip's tags say"},
    "output_space": {"show_default": "rec709; with --mode texture the clip's own"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for, besides the settings of the frames."""

    clips: tuple[Path, ...]
    output: Path | None
    codec: str | None
    start: str | None
    end: str | None
    count: int | None
    proxy: bool
    compare: bool
    rate: str | None
    input_range: str
    ffmpeg: Path | None
    preset: str | None
    save_as: str | None
    sidecar: Path | None
    backend: str | None
    jobs: int | None
    overwrite: bool
    with_sidecar: bool
    dry_run: bool
    open_it: bool
    verbose: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A clip to be developed."""

    source: Path
    destination: Path
    recipe: phos.Recipe
    order: "Order | None"  # None: by the command line, once the clip is known
    backend: str | None


def defaults_of_clips(command: Command) -> Command:
    """Have the help say what a clip's settings are where nothing is asked for."""
    for parameter in command.params:
        for name, value in DEFAULTS_OF_CLIPS.get(parameter.name or "", {}).items():
            setattr(parameter, name, value)
    return command


@defaults_of_clips
@click.command(cls=GroupedCommand, short_help="Develop clips on a film, frame by frame.")
@click.argument("clips", metavar="IN...", nargs=-1, type=click.Path(path_type=Path))
@in_group(
    "Files",
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="A file for one clip, else a folder; a file's ending is its container. Of a sequence of "
    "pictures a pattern, such as out/%05d.exr. By default beside each clip, as a-portra-400.mov.",
)
@in_group("Files", "--overwrite", is_flag=True, help="Replace what exists, finished or not.")
@in_group(
    "Files",
    "--sidecar/--no-sidecar",
    "with_sidecar",
    default=True,
    show_default=True,
    help="Write a .phos.toml beside each clip: its settings, to make it again.",
)
@in_group("Files", "--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@in_group(
    "Files", "--open", "open_it", is_flag=True, help="Open the clip with the system's player."
)
@in_group(
    "Clip",
    "--codec",
    type=click.Choice(CODECS),
    help="What the clip is written as; by default by the ending of OUT.",
)
@in_group(
    "Clip",
    "--start",
    metavar="PLACE",
    help="From here: seconds (12.5), a time (1:02:03.5) or a frame (120f).",
)
@in_group("Clip", "--end", metavar="PLACE", help="Up to here, without the frame shown then.")
@in_group(
    "Clip",
    "--frames",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help="So many frames.",
)
@in_group(
    "Clip",
    "--rate",
    metavar="FPS",
    help="Show it at so many frames a second, such as 24 or 23.976: frames are left out, or shown "
    "again, each with grain of its own.",
)
@in_group(
    "Clip",
    "--proxy",
    is_flag=True,
    help="Half the size, for a quick look: everything in µm on the film stays.",
)
@in_group(
    "Clip",
    "--compare",
    is_flag=True,
    help="A split screen: as it came on the left, developed on the right.",
)
@in_group(
    "Clip",
    "--input-range",
    type=click.Choice(("auto", "full", "limited")),
    default="auto",
    show_default=True,
    help="Whether the clip's codes take the full range; auto: as it says.",
)
@ocio_option
@setting_options
@preset_options
@in_group(
    "Machine",
    "--backend",
    metavar="NAME",
    help="What computes, see `phos backends`; by default the best here.",
)
@in_group(
    "Machine",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Segments at once, each in a process; by default one for each GPU, or on a CPU for each "
    "two cores.",
)
@in_group(
    "Machine",
    "--ffmpeg",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Your ffmpeg, or the folder that it is in; by default that on the path.",
)
@verbose_option
@click.pass_context
def video(ctx: click.Context, /, **_options: Any) -> None:
    """Develop clips on a film, frame by frame, by your own ffmpeg.

    Each frame gets grain of its own, the same on every run. Sound, subtitles, timecode, chapters
    and the frames' times are kept. The same command goes on with a clip that was stopped. Of
    several clips those that fail are reported; the others are developed, and the exit code is 2.
    """
    asked = Asked(**{field.name: ctx.params[field.name] for field in fields(Asked)})
    os.environ.setdefault("PHOS_COMPILE", "wait")  # all frames by one backend
    with log_to_stderr(verbose=asked.verbose):
        tasks = _tasks(ctx, asked)
        if asked.dry_run:
            ctx.exit(_each(ctx, asked, tasks, _tell_what_would_be_done))
        _develop(ctx, asked, tasks)


def _develop(ctx: click.Context, asked: Asked, tasks: Sequence[Task]) -> NoReturn:
    """Develop the clips, one after the other, and end."""
    finished: list[ClipResult] = []
    with stopping_at_signals() as stop:

        def develop(asked: Asked, task: Task, media: "WithFFmpeg") -> None:
            if not stop.event.is_set():
                finished.append(_develop_one(asked, task, media, stop.event))

        try:
            code = _each(ctx, asked, tasks, develop)
        except KeyboardInterrupt:
            say("stopped; the same command goes on from the last whole segment")
            ctx.exit(stop.code)
    if stop.event.is_set():
        ctx.exit(stop.code)
    if asked.open_it and finished and click.launch(str(finished[0].destination)) != 0:
        say(f"{finished[0].destination} cannot be opened: the system knows no player for it")
    ctx.exit(code)


def _each(
    ctx: click.Context,
    asked: Asked,
    tasks: Sequence[Task],
    do: Callable[[Asked, Task, "WithFFmpeg"], None],
) -> int:
    """Do something with each clip; one that fails stops no other. Give the exit code."""
    from phos_video.developing.media import WithFFmpeg
    from phos_video.ffmpeg import find_programs

    programs = find_programs(asked.ffmpeg)
    code = 0
    for task in tasks:
        range_ = task.order.input_range if task.order else asked.input_range
        try:
            do(asked, task, WithFFmpeg(programs, range_))  # type: ignore[arg-type]
        except (PhosError, ValueError, OSError) as error:
            reason = as_options(str(error), ctx.command)
            named = str(task.source) in reason or str(task.destination) in reason
            say(reason if named else f"{task.source}: {reason}")
            code = FAILED
    return code


def _develop_one(
    asked: Asked, task: Task, media: "WithFFmpeg", stop: threading.Event
) -> "ClipResult":
    """Develop a clip, and say how far it is and what became of it."""
    from phos_video.developing.clip import develop_clip
    from phos_video.telling import Telling

    clip, order = _looked_into(asked, task, media)
    _say_the_rate_of_the_film(asked, clip)
    task.destination.parent.mkdir(parents=True, exist_ok=True)
    with Telling(task.source.name) as telling:
        result = develop_clip(
            clip,
            task.destination,
            task.recipe,
            order,
            backend=task.backend,
            jobs=asked.jobs,
            overwrite=asked.overwrite,
            sidecar=asked.with_sidecar,
            media=media,
            stop=stop,
            followed=telling.follow,
        )
    if result.status == "stopped":
        say(
            f"stopped: {result.frames} of {result.total} frames of {task.source} are done; the "
            "same command goes on from there"
        )
    elif result.status == "already done":
        say(f"{task.destination} is already done, by its sidecar")
    else:
        new = result.frames - result.resumed
        earlier = f" and {result.resumed} by an earlier run" if result.resumed else ""
        say(
            f"{new} frames developed by {result.backend} in {result.seconds:.1f} s, "
            f"{new / max(result.seconds, 1e-3):.1f} a second{earlier}"
        )
        for note in result.notes:
            say(f"{task.source}: {note}")
        tell(task.destination)
    return result


def _say_the_rate_of_the_film(asked: Asked, clip: "Clip") -> None:
    """Say at which rate a preset's film runs: a clip keeps its own unless another is asked for."""
    from phos_darkroom import preset_rate_hz

    film_hz = preset_rate_hz(asked.preset) if asked.preset and asked.rate is None else None
    if film_hz is not None and abs(film_hz - float(clip.rate)) > NEARLY_HZ:
        say(
            f"{clip.path} keeps its {float(clip.rate):.6g} frames a second; the film of the preset "
            f"{asked.preset} runs at {film_hz:g}: --rate {film_hz:g}"
        )


def _tell_what_would_be_done(asked: Asked, task: Task, media: "WithFFmpeg") -> None:
    """Say of a clip what would be done."""
    from phos_video.developing.clip import settled

    clip, order = _looked_into(asked, task, media)
    clip = order.at_its_rate(clip)
    target = media.target(task.destination, order.codec, clip, halved=order.proxy)
    recipe, span = settled(task.recipe, clip, target), order.span_in(clip)
    rate = f"{float(clip.rate):.6g}"
    half = ", at half the size" if order.proxy else ""
    there = "; it exists" if os.path.lexists(task.destination) else ""
    tell(
        f"{task.source} -> {task.destination}: {span.count} frames of {clip.cols} x {clip.rows} at "
        f"{rate} a second{half}, {recipe.input_space or recipe.encoding} to {target.title} in "
        f"{recipe.output_space}, on {recipe.film} of {recipe.film_format}{there}"
    )


def _looked_into(asked: Asked, task: Task, media: "WithFFmpeg") -> "tuple[Clip, Order]":
    """A clip, and what is asked of it."""
    from phos_video.developing.order import rate_from

    if task.order is not None:
        return media.probe(task.source, task.order.rate), task.order
    rate = rate_from(asked.rate) if asked.rate else None
    clip = media.probe(task.source, rate)
    return clip, _order(asked, clip, rate)


def _order(asked: Asked, clip: "Clip", rate: "Fraction | None") -> "Order":
    """What the command line asks of a clip, in its frames."""
    from phos_video.developing.order import Order, frame_of

    counted = Order(rate=rate).at_its_rate(clip)

    def place(name: str, text: str) -> int:
        return counted.frame_at(clip.time_s(frame_of(name, text, clip)))

    if asked.end is not None and asked.count is not None:
        raise ValueError("--end and --frames exclude each other: give one of them")
    first = 0 if asked.start is None else place("start", asked.start)
    count = asked.count
    if asked.end is not None:
        count = place("end", asked.end) - first
        if count < 1:
            raise ValueError(f"end must be after the start, got {asked.end}")
    return Order(
        first=first,
        count=count,
        rate=rate,
        codec=asked.codec,
        proxy=asked.proxy,
        compare=asked.compare,
        input_range=asked.input_range,  # type: ignore[arg-type]
    )


def _tasks(ctx: click.Context, asked: Asked) -> list[Task]:
    """Settle which clips there are, where they go, and their settings."""
    if asked.sidecar is not None:
        return [_task_again(ctx, asked, asked.sidecar)]
    if not asked.clips:
        raise click.UsageError("IN is missing: which clips are to be developed?", ctx)
    settings = {"film_format": USUAL_FORMAT, **merged(ctx, asked.preset)}
    recipe = phos.Recipe(**settings)
    recipe.load_film()
    if asked.save_as is not None and not asked.dry_run:
        from phos_darkroom import save_preset

        save_preset(asked.save_as, settings)
    film = recipe.film.name if isinstance(recipe.film, phos.Film) else Path(recipe.film).stem
    tasks = [
        Task(
            source=source,
            destination=_destination(source, asked, film),
            recipe=recipe,
            order=None,
            backend=asked.backend,
        )
        for source in asked.clips
    ]
    places = [task.destination for task in tasks]
    for task in tasks:
        if places.count(task.destination) > 1:
            raise ValueError(f"{task.destination} would be made of several clips: rename one")
    return tasks


def _destination(source: Path, asked: Asked, film: str) -> Path:
    """Where a clip goes that is made of another."""
    output = asked.output
    if output is None:
        return source.with_name(f"{source.stem}-{film}{_suffix(source, asked)}")
    if len(asked.clips) > 1 or output.is_dir() or not output.suffix:
        return output / f"{source.stem}{_suffix(source, asked)}"
    return output


def _suffix(source: Path, asked: Asked) -> str:
    """The ending of a clip whose name nobody gives: its codec's usual one, else .mov."""
    from phos_video.ffmpeg import TARGETS

    if asked.codec is None:
        return USUAL_SUFFIX
    return TARGETS[asked.codec][0].suffixes[0]


def _task_again(ctx: click.Context, asked: Asked, sidecar: Path) -> Task:
    """Find what makes a sidecar's clip again, and the backend that made it."""
    from phos_video.developing import record

    ours = ("codec", "start", "end", "count", "rate", "proxy", "compare", "preset", "save_as")
    others = [*given(ctx), *(option for option in ours if ctx.params[option])]
    if others:
        raise ValueError(
            f"--from-sidecar makes the same clip again, without {others[0]}: for its settings and "
            f"others, --preset {sidecar}"
        )
    if len(asked.clips) > 1:
        raise ValueError(f"--from-sidecar makes one clip, got {len(asked.clips)} as IN")
    source = asked.clips[0] if asked.clips else None
    found, recipe, order, backend = record.again(sidecar, source, asked.backend)
    output = sidecar.parent if asked.output is None else asked.output
    if output.is_dir() or not output.suffix:
        output /= sidecar.name.removesuffix(".phos.toml")
    return Task(source=found, destination=output, recipe=recipe, order=order, backend=backend)

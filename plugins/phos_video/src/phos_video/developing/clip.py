"""From clip to clip: segments developed, joined, described, and put in their place."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from array_api_compat import is_numpy_namespace

import phos_core as phos
from phos_core.backend import ConvolutionBackend, host_memory, usable_cores
from phos_core.convolution import select
from phos_core.process import OUTPUT_SPACES, check_space, checked_recipe
from phos_core.stocks import film_hash
from phos_darkroom import gpus_for
from phos_darkroom.settings.sidecar import Source, check_can_be_kept
from phos_video.developing import record
from phos_video.developing.media import Media, WithFFmpeg
from phos_video.developing.order import Order
from phos_video.developing.running import Work, run_all
from phos_video.developing.segments import Span, WorkFolder, cut, gaps_between, head_of
from phos_video.errors import VideoError

if TYPE_CHECKING:
    from phos_video.ffmpeg import Clip, Target

__all__ = ["ClipResult", "Progress", "develop_clip", "settled", "usual_jobs"]

ON_REQUEST = "it is replaced only on request (overwrite)"
OF_VIDEO = "rec709"  # what a display of video expects: the default of clips
SEGMENT_PIXELS = 5e8  # our choice: 240 frames of 1080p, ten to forty seconds of a few cores' work
DEVICE_SEGMENT_PIXELS = 4e9  # the same on a GPU
JOB_PIXELS = 1e8  # at least of a process's share: it takes as long to start as twenty frames of HD
JOB_BYTES, PIXEL_BYTES = 3e8, 160  # of a process, and for each pixel of its frame: measured
CORES_OF_A_JOB = 2  # measured: more cores on one frame of HD gain little
LEAST_FRAMES = 24  # of a segment: ffmpeg has to be started for each


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a clip is.

    Parameters
    ----------
    frames : int
        How many are done, those of earlier runs included.
    total : int
        Of how many.
    developed : int
        How many of those this run has done.
    seconds : float
        Since when.
    backend : str
        What computes.
    """

    frames: int
    total: int
    developed: int
    seconds: float
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipResult:
    """What became of a clip.

    Parameters
    ----------
    source, destination : Path
        The clip that was developed, and the one that was made.
    status : "developed", "already done" or "stopped"
        "already done": by an earlier run, and right; "stopped": on request, and the same call goes
        on from there.
    frames : int
        How many frames are done.
    total : int
        Of how many.
    resumed : int
        How many of those an earlier run had done.
    seconds : float
        What this run took.
    backend : str
        What computed; empty: nothing did.
    recipe : Recipe
        The settings, with the spaces that the clip and its target decided.
    notes : tuple of str
        What people should be told: streams of the clip that its new container does not hold.
    """

    source: Path
    destination: Path
    status: Literal["developed", "already done", "stopped"]
    frames: int
    total: int
    resumed: int
    seconds: float
    backend: str
    recipe: phos.Recipe
    notes: tuple[str, ...] = ()


def develop_clip(
    source: "str | os.PathLike[str] | Clip",
    destination: str | os.PathLike[str],
    recipe: phos.Recipe,
    order: Order | None = None,
    *,
    backend: str | ConvolutionBackend | None = None,
    strict: bool = False,
    jobs: int | None = None,
    overwrite: bool = False,
    sidecar: bool = True,
    ffmpeg: str | os.PathLike[str] | None = None,
    media: Media | None = None,
    stop: threading.Event | None = None,
    followed: Callable[[Progress], None] | None = None,
) -> ClipResult:
    """Develop a clip into another; go on where an earlier run was stopped.

    Parameters
    ----------
    source : path or Clip
        The clip; a `Clip` is not probed again.
    destination : path
        The new clip, whose ending chooses its container; of a sequence of pictures a pattern.
    recipe : Recipe
        The settings of its frames; `frame` is the number of the first. Without an input space the
        clip's tags say what its codes are; without an output space it becomes ``"rec709"``, and in
        mode ``"texture"`` what the clip is in itself.
    order : Order, optional
        Which frames, at which rate, into which codec; by default all of them as they are.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos_core.develop`. One is chosen for all frames.
    strict : bool
        Whether it is an error to go on elsewhere where the backend fails.
    jobs : int, optional
        How many segments are developed at once, each in a process; by default one for each GPU, or
        on a CPU for each two cores. 1: in this process.
    overwrite : bool
        Whether what exists may be replaced.
    sidecar : bool
        Whether a sidecar is written beside the clip.
    ffmpeg : path, optional
        The user's ffmpeg, or the folder that it is in; by default that on the path.
    media : Media, optional
        What decodes and encodes instead.
    stop : threading.Event, optional
        Once it is set, the frame in work is finished, and the run ends.
    followed : callable, optional
        Is told a few times a second how far the clip is.

    Returns
    -------
    ClipResult
        What became of it.

    Raises
    ------
    VideoError
        If the clip cannot be read or written, or something is in the way.
    SidecarError
        If a sidecar is wanted of a `Film` or an input space that was made in Python.
    TypeError, ValueError, PhosError
        As `phos_core.develop` raises.

    Notes
    -----
    Frames are developed as `develop_stream` does. They wait, in segments, in a hidden folder beside
    the destination, which is removed at the end; the clip gets its name when it is whole.

    Where the best backend has code to compile yet, another one develops all frames, unless
    ``PHOS_COMPILE`` is "wait", as ``phos video`` sets it.

    Processes start afresh, so a script that gives `jobs` keeps what it does behind
    ``if __name__ == "__main__":``.
    """
    start = time.perf_counter()
    checked_recipe(recipe)
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}")
    order = order or Order()
    media = media or _with_ffmpeg(ffmpeg, order)
    destination = Path(destination)
    if isinstance(source, str | os.PathLike):
        source = media.probe(Path(source), order.rate)
    clip = order.at_its_rate(source)
    target = media.target(destination, order.codec, clip, halved=order.proxy)
    whole = order.span_in(clip)
    recipe = settled(recipe, clip, target)
    if sidecar:
        check_can_be_kept(recipe)
    told = followed or (lambda _: None)
    result = ClipResult(
        source=clip.path,
        destination=destination,
        status="developed",
        frames=whole.count,
        total=whole.count,
        resumed=0,
        seconds=0.0,
        backend="",
        recipe=recipe,
    )
    if _stands(destination, clip, whole, recipe, order, overwrite=overwrite):
        return replace(result, status="already done", resumed=whole.count)
    chosen = select(backend, pixels=clip.rows * clip.cols).backend
    work = Work(
        media=media,
        clip=clip,
        target=target,
        destination=destination,
        recipe=_of_frames(recipe, clip, order),
        backend=backend if isinstance(backend, ConvolutionBackend) else chosen.name,
        strict=strict,
        halved=order.proxy,
        is_compared=order.compare,
    )
    folder = WorkFolder(destination)
    with contextlib.ExitStack() as opened:
        held = opened.enter_context(Source(record.first_of(clip.path, clip))) if sidecar else None
        opened.enter_context(folder.held())
        folder.begin(_state(work, order, clip, whole))
        resumed = sum(span.count for span in folder.finished())

        def follow(frames: int) -> None:
            seconds = time.perf_counter() - start
            told(
                Progress(
                    frames=resumed + frames,
                    total=whole.count,
                    developed=frames,
                    seconds=seconds,
                    backend=chosen.name,
                )
            )

        _develop_what_is_left(
            work, folder, whole, chosen, backend=backend, jobs=jobs, stop=stop, follow=follow
        )
        done = sum(span.count for span in folder.finished())
        result = replace(result, frames=done, resumed=resumed, backend=chosen.name)
        if done < whole.count:
            return replace(result, status="stopped", seconds=time.perf_counter() - start)
        notes = _finish(work, folder, whole, order, recipe, held=held, overwrite=overwrite)
    return replace(result, notes=notes, seconds=time.perf_counter() - start)


def settled(recipe: phos.Recipe, clip: "Clip", target: "Target") -> phos.Recipe:
    """Give a recipe with the spaces that a clip and its target decide where it leaves them open.

    Parameters
    ----------
    recipe : Recipe
        As it was asked for.
    clip : Clip
        What is developed.
    target : Target
        What it becomes.

    Returns
    -------
    Recipe
        With an output space, and with an input space unless it says otherwise what the codes are.

    Raises
    ------
    ValueError
        If the frames would be balanced one by one, or the space does not go with the target.
    UnknownFilmError, SpaceError
        If the film or a space is not there.
    """
    if recipe.auto_balance:
        raise ValueError(
            "auto_balance would balance each frame by itself, and the clip would flicker; "
            "balance_cc balances all of them alike"
        )
    if not recipe.input_space and recipe.encoding == "srgb" and recipe.primaries == "srgb":
        recipe = replace(recipe, input_space=clip.input_space)
    if not recipe.output_space:
        recipe = replace(recipe, output_space=_usual_space(recipe, target))
    recipe.load_film()
    check_space(recipe.input_space)
    if recipe.space.is_unbounded and not target.is_linear:
        raise ValueError(
            f"output_space {recipe.output_space} is light, which a sequence of EXR holds and "
            f"{target.title} does not"
        )
    return recipe


def _usual_space(recipe: phos.Recipe, target: "Target") -> str:
    own = recipe.input_space if isinstance(recipe.input_space, str) else ""
    if recipe.mode == "texture" and own in OUTPUT_SPACES:
        return own
    return "acescg" if target.is_linear else OF_VIDEO


def _of_frames(recipe: phos.Recipe, clip: "Clip", order: Order) -> phos.Recipe:
    """The recipe with the pixel pitch of the frames as they are read."""
    pitch_um = recipe.pitch_um(clip.rows, clip.cols)
    return replace(recipe, pixel_pitch_um=2 * pitch_um if order.proxy else pitch_um)


def _with_ffmpeg(ffmpeg: str | os.PathLike[str] | None, order: Order) -> WithFFmpeg:
    from phos_video.ffmpeg import find_programs

    return WithFFmpeg(find_programs(ffmpeg), order.input_range)


def _stands(
    destination: Path,
    clip: "Clip",
    whole: Span,
    recipe: phos.Recipe,
    order: Order,
    *,
    overwrite: bool,
) -> bool:
    """Whether the clip is there already; raises if something else is, and may not be replaced."""
    there = record.first_of(destination, clip, whole)
    if not os.path.lexists(there):
        if not destination.parent.is_dir():
            raise VideoError(f"there is no folder {destination.parent} for {destination.name}")
        return False
    with contextlib.suppress(OSError):
        if there.samefile(record.first_of(clip.path, clip)):
            raise VideoError(f"{destination} is the clip itself: give the new one another name")
    if overwrite:
        return False
    if record.is_done(clip, whole, recipe, order, destination):
        return True
    raise VideoError(f"{there} exists already; {ON_REQUEST}")


def _state(work: Work, order: Order, clip: "Clip", whole: Span) -> dict[str, Any]:
    """What segments are of: where anything of it differs, they are of no use."""
    recipe = work.recipe
    settings = {field.name: repr(getattr(recipe, field.name)) for field in fields(recipe)}
    film = recipe.film
    return {
        "source": str(clip.path.absolute()),
        "heads": [head_of(path) for path in record.ends_of(clip)],
        "frames": [whole.first, whole.end, clip.frames],
        "settings": settings,
        "film": film.name if isinstance(film, phos.Film) else film_hash(film),
        "order": order.values(),
        "target": repr(work.target),
        "backend": work.backend if isinstance(work.backend, str) else "",
        "versions": {name: version(name) for name in ("phos-core", "phos-video")},
    }


def _develop_what_is_left(
    work: Work,
    folder: WorkFolder,
    whole: Span,
    chosen: ConvolutionBackend,
    *,
    backend: str | ConvolutionBackend | None,
    jobs: int | None,
    stop: threading.Event | None,
    follow: Callable[[int], None],
) -> None:
    """Develop the segments that are not there yet."""
    left = gaps_between(whole, folder.finished())
    if not left:
        return
    is_object = isinstance(backend, ConvolutionBackend)
    if is_object and jobs not in (None, 1):
        raise ValueError(
            f"the backend {chosen.name!r} is an object, and cannot go to another process: give "
            "its name, or jobs=1"
        )
    frames = sum(gap.count for gap in left)
    gpus = [] if is_object or jobs == 1 else gpus_for(backend)
    jobs = jobs or len(gpus) or (1 if is_object else usual_jobs(work, chosen, frames))
    length = _length(work, chosen, frames, jobs)
    spans = [span for gap in left for span in cut(gap, length)]
    run_all(
        work,
        spans,
        jobs=min(jobs, len(spans)),
        gpus=gpus,
        stop=stop or threading.Event(),
        followed=follow,
    )


def usual_jobs(work: Work, chosen: ConvolutionBackend, frames: int) -> int:
    """Say how many segments are developed at once where there are not several GPUs.

    One on a device. On a CPU two cores on a frame keep each other busy, and more do not: so as many
    as there are pairs of cores, as far as memory and frames go.
    """
    if not is_numpy_namespace(chosen.xp):
        return 1
    pixels = work.pixels
    free = host_memory().free_bytes
    by_memory = usable_cores() if free is None else free // (JOB_BYTES + PIXEL_BYTES * pixels)
    by_work = frames * pixels // JOB_PIXELS
    return int(max(1, min(usable_cores() // CORES_OF_A_JOB, by_memory, by_work)))


def _length(work: Work, chosen: ConvolutionBackend, frames: int, jobs: int) -> int:
    """How many frames a segment has: each process gets some, and none works on one too long."""
    most = SEGMENT_PIXELS if is_numpy_namespace(chosen.xp) else DEVICE_SEGMENT_PIXELS
    length = max(LEAST_FRAMES, round(most / max(1.0, work.pixels)))
    return max(1, min(length, -(-frames // jobs)))


def _finish(
    work: Work,
    folder: WorkFolder,
    whole: Span,
    order: Order,
    recipe: phos.Recipe,
    *,
    held: Source | None,
    overwrite: bool,
) -> tuple[str, ...]:
    """Join the segments, write the sidecar, and give both their names; say what is to be told."""
    destination, is_sequence = work.destination, work.target.is_sequence
    first = record.first_of(destination, work.clip, whole)
    place = destination if is_sequence else folder.path / destination.name
    notes = work.media.join(
        folder.finished(), work.clip, work.target, place, overwrite=overwrite or not is_sequence
    )
    report = folder.report()
    if held is not None and report is not None:
        record.write(
            held,
            work.clip,
            recipe,
            order,
            report=report,
            written=first if is_sequence else place,
            first=first,
            destination=destination,
        )
    if not is_sequence:
        if not overwrite and os.path.lexists(destination):
            raise VideoError(f"{destination} exists already; {ON_REQUEST}")
        place.replace(destination)
    folder.remove()
    return notes

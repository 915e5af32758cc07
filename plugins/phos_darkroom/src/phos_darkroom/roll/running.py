"""Run a roll: each frame a job for any executor, and what is lost with a process done again."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from phos_core.backend import ConvolutionBackend
from phos_core.convolution import select, wanted
from phos_core.process import Recipe, check_space
from phos_core.stocks import Film, is_path
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.roll.frames import INSTEAD, Frame, Paths, frames_of
from phos_darkroom.roll.jobs import FrameResult, Job, log_level, result_of
from phos_darkroom.roll.pools import Queue, here, over, over_processes
from phos_darkroom.roll.processes import gpus_for, refuse_forking, usual_jobs
from phos_darkroom.roll.resuming import Standing, refuse_replacing, settle_parts, standings
from phos_darkroom.settings.sidecar import check_can_be_kept

if TYPE_CHECKING:
    from phos_darkroom.files.transparency import Colour

__all__ = ["Running", "check_films", "develop_frames", "develop_roll"]


class Running(TypedDict, total=False):
    """How frames are developed: the keyword arguments of `develop_frames`."""

    executor: Executor | None
    jobs: int | None
    backend: str | ConvolutionBackend | None
    strict: bool
    overwrite: bool
    skip_existing: bool
    sidecar: bool
    background: "Colour | None"
    stop: threading.Event | None


def develop_roll(
    sources: Paths,
    output: str | PathLike[str] | None,
    recipe: Recipe,
    *,
    name: str | None = None,
    recursive: bool = False,
    instead: str = INSTEAD,
    raw: RawSettings | None = None,
    framing: Framing | None = None,
    export: Export | None = None,
    gain_map: bool = True,
    **running: Unpack[Running],
) -> Iterator[FrameResult]:
    """Develop the pictures of a roll, and continue one that was begun.

    Parameters
    ----------
    sources, output, recipe, name, recursive, instead, raw, framing, export, gain_map
        Which pictures, where to and how, as for `frames_of`.
    **running
        How the frames are developed, as for `develop_frames`: `executor`, `jobs`, `backend`,
        `strict`, `overwrite`, `skip_existing`, `sidecar`, `background`, `stop`.

    Returns
    -------
    iterator of FrameResult
        As of `develop_frames`, after one for each folder in a folder that cannot be read: it
        counts as failed.

    Raises
    ------
    ImageFileError, ValueError
        As `frames_of` and `develop_frames` do.
    UnknownFilmError, UnknownBackendError, BackendUnavailableError, FilmFileError
        If the film or the backend is not there.

    Notes
    -----
    Processes start afresh, so a script that calls this keeps what it does behind
    ``if __name__ == "__main__":``.
    """
    refused: list[FrameResult] = []

    def passed_over(folder: Path, why: str) -> None:
        error = f"{folder} cannot be read: {why}"
        refused.append(
            FrameResult(
                source=folder, destination=Path(output or folder), status="failed", error=error
            )
        )

    frames = frames_of(
        sources,
        output,
        recipe,
        name=name,
        recursive=recursive,
        instead=instead,
        passed_over=passed_over,
        raw=raw,
        framing=framing,
        export=export,
        gain_map=gain_map,
    )
    results = develop_frames(frames, **running)
    return chain(refused, results) if refused else results


def develop_frames(
    frames: Sequence[Frame],
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    backend: str | ConvolutionBackend | None = None,
    strict: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    sidecar: bool = True,
    background: "Colour | None" = None,
    stop: threading.Event | None = None,
) -> Iterator[FrameResult]:
    """Develop frames that are known, and continue where an earlier run was stopped.

    Parameters
    ----------
    frames : sequence of Frame
        As `frames_of` gives them.
    executor : concurrent.futures.Executor, optional
        What runs the frames: threads, processes, or a cluster whose workers see the same files.
        By default, processes of our own.
    jobs : int, optional
        How many frames our own processes develop at once; by default as many as there are cores,
        memory for, or GPUs. 1: in this process.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos_core.develop`; `phos_core.use_backend` around this call is
        heeded wherever the frames run. A backend that is an object, not a name, cannot go to
        another process: without `jobs` it works in this one.
    strict : bool
        Whether it is an error if the backend fails; else another one continues.
    overwrite : bool
        Whether what exists is replaced, be it right already. Only a positive that has taken its
        source's place is left as it is: it would be developed twice.
    skip_existing : bool
        Whether what exists is passed over.
    sidecar : bool
        Whether a sidecar is written beside each positive. Without one, a roll that is started
        again knows nothing of what is done.
    background : tuple of int, optional
        What transparent parts are laid on in a format without transparency, as for
        `one_file.develop_file`.
    stop : threading.Event, optional
        Once it is set, no more frames are begun; those that were are finished.

    Returns
    -------
    iterator of FrameResult
        Each frame's as it finishes, first of those that are done already. A frame that fails
        stops no other. Nothing runs before the first is asked for; leaving the loop early lets
        the frames in work finish, and begins no others.

    Raises
    ------
    ImageFileError, ValueError
        If a file is in the way; if executor and jobs are both given; if the executor forks this
        process; if a backend that is an object is to leave this process.
    UnknownFilmError, UnknownBackendError, BackendUnavailableError, FilmFileError
        If the film or the backend is not there.

    Notes
    -----
    Processes start afresh, so a script that calls this keeps what it does behind
    ``if __name__ == "__main__":``.
    """
    if executor is not None and jobs is not None:
        raise ValueError(f"an executor has its own workers: leave jobs out, got {jobs}")
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}")
    backend = wanted(backend)
    if not (backend is None or isinstance(backend, str)):
        jobs = _jobs_here(backend, executor, jobs)
    refuse_forking(executor)
    check_films(frames, sidecar=sidecar)
    if executor is None:
        select(backend, pixels=0)  # whose errors belong before the work; tries no device unasked
    else:
        frames = [_found_from_anywhere(frame) for frame in frames]
    settle_parts(frames)
    standing = standings(frames, overwrite=overwrite, skip_existing=skip_existing)
    refuse_replacing(frames, standing)
    _make_folders(frame.destination.parent for frame in frames)
    work = [
        Job(
            frame=frame,
            backend=backend,
            strict=strict,
            overwrite=overwrite,
            sidecar=sidecar,
            background=background,
            log_level=log_level(),
        )
        for frame, status in zip(frames, standing, strict=True)
        if status == "to do"
    ]
    queue = Queue(deque(work), stop or threading.Event())
    return _results(frames, standing, queue, executor, jobs)


def check_films(frames: Sequence[Frame], *, sidecar: bool = True) -> None:
    """Load each film and find each colour space once, for the errors that belong before the work.

    Parameters
    ----------
    frames : sequence of Frame
        Of a roll.
    sidecar : bool
        Whether sidecars are to be written.

    Raises
    ------
    UnknownFilmError, FilmFileError
        If a film is not there or cannot be read.
    UnknownSpaceError, SpaceError
        If a colour space is not there, or cannot be looked up.
    ValueError
        If a setting does not go with the film, or a sidecar is to hold what it cannot.
    """
    loaded: list[Recipe] = []
    for frame in frames:
        recipe = replace(frame.recipe, seed=0)
        if recipe in loaded:
            continue
        if sidecar:
            check_can_be_kept(recipe)
        recipe.load_film()
        check_space(recipe.input_space)
        loaded.append(recipe)


def _results(
    frames: Sequence[Frame],
    standing: Sequence[Standing],
    queue: Queue,
    executor: Executor | None,
    jobs: int | None,
) -> Iterator[FrameResult]:
    for frame, status in zip(frames, standing, strict=True):
        if status in ("already done", "skipped"):
            yield result_of(Job(frame=frame), status)
    if not queue.waiting:
        return
    if executor is not None:
        yield from over(executor, queue)
        settle_parts(frames)  # of workers that died; others have done their frames again
        return
    gpus = gpus_for(queue.waiting[0].backend) if jobs != 1 else []
    jobs = jobs or usual_jobs(len(queue.waiting), gpus)
    if min(jobs, len(queue.waiting)) == 1:
        yield from here(queue)
        return
    try:
        yield from over_processes(queue, min(jobs, len(queue.waiting)), gpus)
    except GeneratorExit:
        raise
    except BaseException:
        settle_parts(frames)  # the processes were stopped where they were
        raise


def _jobs_here(
    backend: ConvolutionBackend, executor: Executor | None, jobs: int | None
) -> int | None:
    """Raise unless a backend that is an object stays in this process; say with how many jobs."""
    stays = jobs in (None, 1) if executor is None else isinstance(executor, ThreadPoolExecutor)
    if not stays:
        raise ValueError(
            f"the backend {backend.name!r} is an object, and cannot go to another process: give "
            "its name, or jobs=1"
        )
    return 1 if executor is None else None


def _found_from_anywhere(frame: Frame) -> Frame:
    """Make the paths absolute: an executor's workers may run in another folder."""
    film = frame.recipe.film
    if not isinstance(film, Film) and is_path(film):
        film = Path(film).absolute()
    return replace(
        frame,
        source=frame.source.absolute(),
        destination=frame.destination.absolute(),
        recipe=replace(frame.recipe, film=film),
    )


def _make_folders(folders: Iterable[Path]) -> None:
    for folder in dict.fromkeys(folders):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"cannot make the folder {folder}: {error.strerror}") from error

"""Segments at work: in this process, in several on the cores, or in one for each GPU."""

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_EXCEPTION,
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import phos_core as phos
from phos_core.backend import ConvolutionBackend
from phos_darkroom import worker_processes
from phos_video.developing.board import Board
from phos_video.developing.comparing import SplitScreen
from phos_video.developing.media import Media
from phos_video.developing.segments import Span, WorkFolder
from phos_video.developing.stream import develop_stream
from phos_video.errors import VideoError

if TYPE_CHECKING:
    from phos_video.ffmpeg import Clip, Target

__all__ = ["SegmentJob", "SegmentResult", "Work", "run_all"]

POLL_S = 0.2  # how often it is looked how far the segments are
BOARD = "board"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What all segments of a clip have in common; it can be sent to another process.

    Parameters
    ----------
    media : Media
        Decodes and encodes.
    clip : Clip
        What is developed.
    target : Target
        What it becomes.
    destination : Path
        Where it goes in the end.
    recipe : Recipe
        The settings of its frames.
    backend : str, ConvolutionBackend or None
        Where to compute.
    strict : bool
        Whether it is an error to go on elsewhere where the backend fails.
    halved : bool
        Whether frames are read at half their size.
    is_compared : bool
        Whether the left half stays as it came.
    """

    media: Media
    clip: "Clip"
    target: "Target"
    destination: Path
    recipe: phos.Recipe
    backend: str | ConvolutionBackend | None
    strict: bool
    halved: bool
    is_compared: bool

    @property
    def pixels(self) -> float:
        """Of a frame as it is read."""
        return self.clip.rows * self.clip.cols / (4 if self.halved else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentJob:
    """A segment that is to be developed.

    Parameters
    ----------
    work : Work
        What it is of.
    span : Span
        Its frames, by their numbers in the clip.
    number : int
        Its place on the board.
    """

    work: Work
    span: Span
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentResult:
    """What became of a segment.

    Parameters
    ----------
    span : Span
        The frames that are done: fewer than were asked for where it was stopped.
    report : RunReport or None
        What ran; None: nothing did.
    warnings : tuple of Warning
        What was warned of in a process of its own.
    """

    span: Span
    report: phos.RunReport | None
    warnings: tuple[Warning, ...] = ()


def run_all(
    work: Work,
    spans: Sequence[Span],
    *,
    jobs: int,
    gpus: Sequence[str],
    stop: threading.Event,
    followed: Callable[[int], None],
) -> list[SegmentResult]:
    """Develop segments, `jobs` of them at once.

    Parameters
    ----------
    work : Work
        What they are of.
    spans : sequence of Span
        Their frames.
    jobs : int
        How many at once: 1 in this process, several in processes of their own.
    gpus : sequence of str
        Each process sees one of them, in turn; empty: there is one, or none.
    stop : threading.Event
        Once it is set, each segment ends after the frame that is in work.
    followed : callable
        Is given how many frames are done, from time to time.

    Returns
    -------
    list of SegmentResult
        In their order; what was stopped before it began is left out.

    Raises
    ------
    Exception
        What the first segment that failed raised, once the others have stopped.
    """
    folder = WorkFolder(work.destination)
    board = Board.new(folder.path / BOARD, len(spans))
    todo = [SegmentJob(work=work, span=span, number=n) for n, span in enumerate(spans)]
    with _executor(jobs, gpus) as (executor, develop):
        futures = [executor.submit(develop, job) for job in todo]
        try:
            _follow(futures, board, stop, followed)
        except BaseException:
            board.stop()
            raise
        finally:
            for future in futures:
                future.cancel()
    followed(board.frames)
    return _results(futures)


@contextlib.contextmanager
def _executor(
    jobs: int, gpus: Sequence[str]
) -> Iterator[tuple[Executor, Callable[[SegmentJob], SegmentResult]]]:
    """What runs segments, and how each is run there."""
    if jobs == 1 and len(gpus) < 2:
        with ThreadPoolExecutor(1, thread_name_prefix="phos-segment") as here:
            yield here, develop_segment
        return
    with worker_processes(jobs, gpus) as processes:
        yield processes, develop_segment_apart


def _follow(
    futures: Sequence[Future[SegmentResult]],
    board: Board,
    stop: threading.Event,
    followed: Callable[[int], None],
) -> None:
    """Wait for segments; pass on how far they are, and that they are to stop."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, POLL_S, return_when=FIRST_EXCEPTION)
        if stop.is_set() or any(each.exception() for each in done if not each.cancelled()):
            board.stop()
            for future in waiting:
                future.cancel()
        followed(board.frames)


def _results(futures: Sequence[Future[SegmentResult]]) -> list[SegmentResult]:
    """What the segments gave; the error of the first that has one, a killed process's last."""
    failed = [
        error
        for error in (future.exception() for future in futures if not future.cancelled())
        if error is not None
    ]
    for error in sorted(failed, key=lambda error: isinstance(error, BrokenExecutor)):
        if isinstance(error, BrokenExecutor):
            raise VideoError(
                "a process that developed frames was killed; a lack of memory may be why: fewer "
                "jobs need less. What is whole is kept: the same command goes on from there"
            ) from error
        raise error
    results = [future.result() for future in futures if not future.cancelled()]
    for result in results:
        for each in result.warnings:
            warnings.warn(each, stacklevel=2)
    return results


def develop_segment_apart(job: SegmentJob) -> SegmentResult:
    """Develop a segment in a process of its own, whose warnings are handed over."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        result = develop_segment(job)
    said = tuple(each.message for each in caught if isinstance(each.message, Warning))
    return SegmentResult(span=result.span, report=result.report, warnings=said)


def develop_segment(job: SegmentJob) -> SegmentResult:
    """Develop a segment into its file, which bears its name once it is whole.

    Parameters
    ----------
    job : SegmentJob
        Which.

    Returns
    -------
    SegmentResult
        What is done of it.

    Raises
    ------
    VideoError
        If frames are missing, or whoever decodes or encodes fails.
    TypeError, ValueError, PhosError
        As `phos_core.develop` raises.
    """
    work, folder = job.work, WorkFolder(job.work.destination)
    board = Board(folder.path / BOARD)
    suffix = work.target.segment_suffix
    if board.is_stopping:
        return SegmentResult(span=Span(job.span.first, job.span.first), report=None)
    part = folder.part_of(job.span, suffix)
    reports: list[phos.RunReport] = []
    try:
        count = _written(job, part, board, reports.append)
    except BaseException:
        with contextlib.suppress(OSError):
            folder.discard(part)
        raise
    span = Span(job.span.first, job.span.first + count)
    if reports:
        folder.keep_report(reports[0])
    if count:
        folder.finish(part, span, suffix)
    else:
        folder.discard(part)
    return SegmentResult(span=span, report=reports[0] if reports else None)


def _written(
    job: SegmentJob, part: Path, board: Board, reported: Callable[[phos.RunReport], None]
) -> int:
    """Develop and write the frames of a segment; give how many there are, fewer if stopped."""
    work = job.work
    split = SplitScreen(work.recipe, work.backend) if work.is_compared else None
    count = 0
    with contextlib.ExitStack() as opened:
        frames: Any = opened.enter_context(
            work.media.frames(
                work.clip, job.span, input_space=_name_of(work.recipe), halved=work.halved
            )
        )
        positives = develop_stream(
            split.seen(frames) if split else frames,
            work.recipe,
            first=job.span.first,
            backend=work.backend,
            strict=work.strict,
            reported=reported,
        )
        opened.enter_context(contextlib.closing(positives))
        writer: Any = None
        for positive in positives:
            if writer is None:  # the first frame says how large they are
                writer = opened.enter_context(_writer(job, part, positive.shape[:2]))
            writer.write(split.joined(positive) if split else positive)
            count += 1
            board.note(job.number, count)
            if board.is_stopping:
                writer.end_early()
                return count
        if count != job.span.count:
            raise VideoError(
                f"{work.clip.path} has {count} frames from frame {job.span.first} on where "
                f"{job.span.count} were announced: it ends early, or is damaged"
            )
    return count


def _writer(job: SegmentJob, part: Path, shape: tuple[int, int]) -> Any:
    work = job.work
    return work.media.writer(
        part,
        work.target,
        work.clip,
        job.span,
        shape=shape,
        output_space=work.recipe.output_space,
    )


def _name_of(recipe: phos.Recipe) -> str:
    return recipe.input_space if isinstance(recipe.input_space, str) else ""

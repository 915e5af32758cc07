"""Frames in, frames out: what reads them, the film and what takes them work at the same time.

    frames ──thread──▶ batches ──thread──▶ positives ──▶ whoever asks for the next one

Between them are lines with room for little, so that however many frames there are, few are alive.
"""

import contextlib
import contextvars
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

import phos_core as phos
from phos_core.backend import ConvolutionBackend, in_parallel, row_strips
from phos_core.convolution import select
from phos_core.process import check_space, checked_recipe
from phos_video.developing.line import Abandoned, Line
from phos_video.developing.memory import FrameMemory

__all__ = ["develop_stream"]

Frame = NDArray[Any]

ROOM = 1  # batches in a line: one waits while the one before it is in work
ON_A_DEVICE = 16  # measured on an H200: docs/decisions/0043-clips-by-segments.md
BATCH_BYTES = 2**28  # the same: five frames of 4K
COPY_THREADS, COPY_PIXELS = 4, 2**19  # one thread copies a frame of 4K no quicker than it develops
KEPT = 2 * ROOM + 2  # pieces of memory: in both lines, in work, and with whoever takes them


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames that are developed in one call."""

    number: int  # of the first, in its clip
    pictures: Frame  # one, or a stack of several

    @property
    def is_stack(self) -> bool:
        return self.pictures.ndim == 4


def develop_stream(
    frames: Iterable[Frame],
    recipe: phos.Recipe,
    *,
    first: int = 0,
    backend: str | ConvolutionBackend | None = None,
    batch: int | None = None,
    strict: bool = False,
    reported: Callable[[phos.RunReport], None] | None = None,
) -> Generator[Frame, None, None]:
    """Develop frames as they come, and give them as they are done, in their order.

    Parameters
    ----------
    frames : iterable of ndarray, shape (rows, cols) or (rows, cols, 3)
        The frames of a clip or of a part of it, of any dtype that `phos_core.develop` takes. They
        are asked for on a thread of their own, a few before they are needed.
    recipe : Recipe
        The settings of the whole clip. Its `frame` is the number of the clip's first frame.
    first : int
        Which frame of the clip the first of `frames` is, from 0.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos_core.develop`.
    batch : int, optional
        How many frames are developed in one call. By default one on a CPU, which is busy with it,
        and up to sixteen on a device.
    strict : bool
        Whether it is an error to go on elsewhere where the backend fails.
    reported : callable, optional
        Is given what ran, of the first frames; called on another thread.

    Returns
    -------
    generator of ndarray
        The positives, each of the shape of its frame, and of its dtype but where the recipe's
        output space has its own. They are the caller's. Nothing begins before the first is asked
        for. If the loop is left early, `close` ends the threads, as does the end of the iterator's
        life.

    Raises
    ------
    TypeError, ValueError, PhosError
        As `phos_core.develop` raises, at the call for what the recipe has, at its turn for what a
        frame has. What `frames` raises comes at its turn too, after all frames before it.

    Notes
    -----
    Frame n of a clip is what ``develop(frame, recipe=replace(recipe, frame=recipe.frame + n))``
    gives, to the bit on one backend, however the clip is cut. At most three batches of frames
    and three of positives are in memory at a time.

    Examples
    --------
    >>> positives = develop_stream(frames, Recipe(film="vision3-500t", film_format="super-35"))
    >>> for positive in positives:
    ...     encoder.write(positive)
    """
    checked_recipe(recipe)
    if first < 0:
        raise ValueError(f"first must be 0 or more, got {first}")
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be 1 or more, got {batch}")
    recipe.load_film()
    check_space(recipe.input_space)
    developer = _Developer(recipe, backend, strict=strict, reported=reported)
    return _developed(frames, developer, first, batch)


def _developed(
    frames: Iterable[Frame], developer: "_Developer", first: int, batch: int | None
) -> Generator[Frame, None, None]:
    """Give positives while two threads, which end with this, read and develop."""
    to_develop: Line[_Batch] = Line(ROOM)
    done: Line[_Batch] = Line(ROOM)

    def read() -> None:
        for each in _batches(frames, first, partial(developer.batch_for, asked=batch)):
            to_develop.put(each)
            del each

    def develop() -> None:
        for each in to_develop:
            done.put(developer.develop(each))
            del each

    threads = [_start(read, to_develop), _start(develop, done)]
    try:
        for one in done:
            if one.is_stack:
                yield from one.pictures
            else:
                yield one.pictures
            del one
    finally:
        for line in (done, to_develop):
            line.abandon()
        for thread in threads:
            thread.join()


def _start(work: Callable[[], None], line: Line[Any]) -> threading.Thread:
    """Do work on a thread, in the context of this one; its end or error goes into a line."""

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Abandoned:
            pass
        except BaseException as raised:  # noqa: BLE001 - it is raised where it is waited for
            error = raised
        line.end(error)

    context = contextvars.copy_context()  # which `use_backend` is heeded in
    thread = threading.Thread(target=context.run, args=(run,), name="phos-video", daemon=True)
    thread.start()
    return thread


def _batches(
    frames: Iterable[Frame], first: int, batch_for: Callable[[Frame], int]
) -> Iterator[_Batch]:
    """Bring frames together that can be: of one shape and dtype, as many as a call takes."""
    memory = FrameMemory(KEPT)
    at_once, stack, filled = 1, None, 0
    number = first
    error: Exception | None = None
    try:
        for frame in frames:
            if stack is not None and not _is_alike(frame, stack):
                yield _Batch(number - filled, stack[:filled])
                stack, filled = None, 0
            if stack is None:
                at_once = batch_for(frame)
            if at_once == 1:
                yield _Batch(number, frame)
            else:
                if stack is None:
                    stack = memory.take((at_once, *frame.shape), frame.dtype)
                _copy(frame, stack[filled])
                filled += 1
            number += 1
            if stack is not None and filled == at_once:
                yield _Batch(number - filled, stack)
                stack, filled = None, 0
            del frame
    except Exception as raised:  # noqa: BLE001 - raised again, after the frames that came before
        error = raised
    if stack is not None:
        yield _Batch(number - filled, stack[:filled])
    if error is not None:
        raise error


def _copy(frame: Frame, place: Frame) -> None:
    """Copy a frame on several threads, beside which the device works."""

    def rows_of() -> Callable[[slice], None]:
        return lambda rows: np.copyto(place[rows], frame[rows])

    strips = row_strips(*frame.shape[:2], pixels=COPY_PIXELS)
    in_parallel(rows_of, strips, threads=COPY_THREADS)


def _is_alike(frame: Frame, stack: Frame) -> bool:
    """Whether a frame may go into a stack."""
    return isinstance(frame, np.ndarray) and (frame.shape, frame.dtype) == (
        stack.shape[1:],
        stack.dtype,
    )


class _Developer:
    """Develops batches with one recipe."""

    def __init__(
        self,
        recipe: phos.Recipe,
        backend: str | ConvolutionBackend | None,
        *,
        strict: bool,
        reported: Callable[[phos.RunReport], None] | None,
    ) -> None:
        self._recipe = recipe
        self._backend = backend
        self._strict = strict
        self._reported = reported
        self._memory = FrameMemory(KEPT)

    def batch_for(self, frame: Frame, *, asked: int | None) -> int:
        """How many frames like this one share a call."""
        can_share = isinstance(frame, np.ndarray) and frame.ndim == 3 and frame.size > 0
        # Version 1 of the process gives all pictures of a stack the grain of the first.
        if not can_share or self._recipe.process_version == 1:
            return 1
        if asked is not None:
            return asked
        rows, cols = frame.shape[:2]
        backend = select(self._backend, pixels=rows * cols).backend
        if is_numpy_namespace(backend.xp):
            return 1
        return max(1, min(ON_A_DEVICE, BATCH_BYTES // frame.nbytes))

    def develop(self, batch: _Batch) -> _Batch:
        """Develop a batch; of the first, say what ran."""
        recipe = replace(self._recipe, frame=self._recipe.frame + batch.number)
        run: dict[str, Any] = {
            "recipe": recipe,
            "backend": self._backend,
            "strict": self._strict,
            "out": self._place(batch.pictures),
        }
        if self._reported is None:
            return _Batch(batch.number, phos.develop(batch.pictures, **run))
        positives, reports = phos.develop_with_report(batch.pictures, **run)
        self._reported(reports[0] if batch.is_stack else reports)
        self._reported = None
        return _Batch(batch.number, positives)

    def _place(self, pictures: Frame) -> Frame | None:
        """Where positives go; what is no picture is left to `develop`, which says why."""
        if not isinstance(pictures, np.ndarray):
            return None
        with contextlib.suppress(TypeError, ValueError):
            dtype = self._recipe.space.dtype_of(pictures.dtype)
            return self._memory.take(pictures.shape, dtype)
        return None

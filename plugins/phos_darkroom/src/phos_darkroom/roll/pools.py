"""Keep an executor busy with jobs; do again what is lost with a process of ours."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from dataclasses import dataclass, field, replace
from typing import Any

from phos_core.errors import PhosError
from phos_darkroom.roll.jobs import (
    FrameResult,
    Job,
    develop_anywhere,
    develop_apart,
    develop_here,
    logged,
    result_of,
    warned,
)
from phos_darkroom.roll.processes import worker_processes
from phos_darkroom.roll.resuming import is_done, settle_parts

__all__ = ["Queue", "here", "over", "over_processes"]

NO_PROCESSES = (
    "processes for the frames end as they start. A script that develops a roll keeps what it does "
    'behind if __name__ == "__main__":; without processes, give jobs=1'
)
KILLED_TWICE = (
    "the process that developed it was killed, and the one that tried again too; a lack of "
    "memory, or a library that crashes on this file, may be why"
)


@dataclass(slots=True)
class Queue:
    """Jobs that wait, and those that went down with a pool."""

    waiting: deque[Job]
    stop: threading.Event
    lost: list[Job] = field(default_factory=list)

    def next(self) -> Job | None:
        """Take the next job; none if there is none, or no more shall begin."""
        return self.waiting.popleft() if self.waiting and not self.stop.is_set() else None


def here(queue: Queue) -> Iterator[FrameResult]:
    """Do the jobs in this process."""
    while job := queue.next():
        yield warned(develop_here(job))


def over(executor: Executor, queue: Queue) -> Iterator[FrameResult]:
    """Hand everything to an executor that is not ours; if it breaks, that is that."""
    yield from _until_broken(executor, develop_anywhere, queue, len(queue.waiting))
    for job in (*queue.lost, *(() if queue.stop.is_set() else queue.waiting)):
        error = f"{job.frame.source}: the executor broke before it was developed"
        yield result_of(job, "failed", error=error)


def over_processes(queue: Queue, jobs: int, gpus: Sequence[str]) -> Iterator[FrameResult]:
    """Use processes of ours; if one is killed, all are started anew, and who killed it is found."""
    while queue.waiting and not queue.stop.is_set():
        with worker_processes(jobs, gpus) as pool:
            # One more than are at work, so that nobody waits for this process.
            for result in _until_broken(pool, develop_apart, queue, jobs + 1):
                yield warned(logged(result))
        lost, queue.lost = queue.lost, []
        settle_parts(job.frame for job in lost)
        for job in lost:
            if not queue.stop.is_set():
                yield warned(logged(_alone(job, gpus)))
                settle_parts([job.frame])


def _alone(job: Job, gpus: Sequence[str]) -> FrameResult:
    """Try a frame again that was in work when a process was killed; by itself, to know."""
    if is_done(job.frame):  # all but the word of it
        return result_of(job, "developed")
    with worker_processes(1, gpus) as pool:
        started = pool.submit(_started)
        try:
            # Whatever is in its place was put there by the process that was killed.
            return pool.submit(develop_apart, replace(job, overwrite=True)).result()
        except BrokenExecutor as error:
            if _is_broken(started):
                raise PhosError(NO_PROCESSES) from error
            return result_of(job, "failed", error=f"{job.frame.source}: {KILLED_TWICE}")


def _started() -> None:
    """Do nothing: a process that does it is there."""


def _until_broken(
    executor: Executor, develop: Callable[[Job], FrameResult], queue: Queue, most: int
) -> Iterator[FrameResult]:
    """Keep an executor busy with jobs, `most` at once; what is lost when it breaks is noted."""
    running: dict[Future[FrameResult], Job] = {}
    try:
        while _submit(executor, develop, queue, running, most):
            done = wait(running, return_when=FIRST_COMPLETED).done
            if any(map(_is_broken, done)):
                break
            for future in done:
                yield _told_by(future, running.pop(future))
        for future in wait(running).done:
            job = running.pop(future)
            if _is_broken(future):
                queue.lost.append(job)
            else:
                yield _told_by(future, job)
    finally:
        for future in running:
            future.cancel()


def _submit(
    executor: Executor,
    develop: Callable[[Job], FrameResult],
    queue: Queue,
    running: dict[Future[FrameResult], Job],
    most: int,
) -> bool:
    """Submit as many jobs as may run, or take back what has not begun; say whether any runs."""
    while len(running) < most and (job := queue.next()):
        try:
            running[executor.submit(develop, job)] = job
        except BrokenExecutor:
            queue.waiting.appendleft(job)
            return False
    if queue.stop.is_set():
        for future in [future for future in running if future.cancel()]:
            del running[future]
    return bool(running)


def _is_broken(future: Future[Any]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), BrokenExecutor)


def _told_by(future: Future[FrameResult], job: Job) -> FrameResult:
    try:
        return future.result()
    except (Exception, CancelledError) as error:  # noqa: BLE001 - what an executor makes of a loss
        why = f"{type(error).__name__}: {error}"
        return result_of(job, "failed", error=f"{job.frame.source}: {why}")

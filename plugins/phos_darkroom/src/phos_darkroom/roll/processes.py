"""Worker processes: how many, with how many threads, on which GPU, and for how long."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Lock
from typing import Any

from phos_core.backend import ConvolutionBackend, host_memory, usable_cores
from phos_core.convolution import select
from phos_darkroom.files.whole_files import abandon_all
from phos_darkroom.roll.gpus import see_only_one, visible_gpus
from phos_darkroom.roll.threads import limit_threads

__all__ = ["end_all", "gpus_for", "refuse_forking", "usual_jobs", "worker_processes"]

FRAMES_OF_A_JOB = 2  # at least: a process takes as long to start as a picture or two
JOB_BYTES = 3 * 2**29  # our choice: a picture of 24 megapixels takes 1.2 GB, and a process 0.1
PATIENCE_S = 5.0  # a worker whose leash is let go ends at once, but for what it writes just then
ENDED = 1  # exit code of a worker whose leash was let go


def usual_jobs(frames: int, gpus: Sequence[str]) -> int:
    """Say how many frames of a roll are developed at once, if nobody says.

    Parameters
    ----------
    frames : int
        How many there are.
    gpus : sequence of str
        By `gpus_for`.

    Returns
    -------
    int
        One for each GPU; without, one for each core, as far as memory and frames go.
    """
    if gpus:
        return max(1, min(frames, len(gpus)))
    free = host_memory().free_bytes
    by_memory = usable_cores() if free is None else free // JOB_BYTES
    return max(1, min(frames // FRAMES_OF_A_JOB, usable_cores(), by_memory))


def gpus_for(backend: str | ConvolutionBackend | None) -> list[str]:
    """Name the GPUs that a roll is spread over: none unless there are several to compute on.

    Parameters
    ----------
    backend : str, ConvolutionBackend or None
        As for `select`.

    Returns
    -------
    list of str
        As `visible_gpus` names them.
    """
    gpus = visible_gpus()
    if len(gpus) < 2:
        return []
    chosen = select(backend).backend
    return gpus if "cuda" in str(chosen.device).lower() else []


@contextlib.contextmanager
def worker_processes(count: int, gpus: Sequence[str]) -> Iterator[ProcessPoolExecutor]:
    """Start new processes for frames; they end with the block, or with this process.

    Parameters
    ----------
    count : int
        How many; they share the cores, so that one for each core has one thread.
    gpus : sequence of str
        Each process sees one of them, in turn.

    Yields
    ------
    ProcessPoolExecutor
        What they do not do yet is not done if the block is left early. If it is left by
        something worse than the end of a generator, they stop where they are.
    """
    fresh = multiprocessing.get_context("spawn")
    held, leash = fresh.Pipe(duplex=False)
    with _held_back():  # it starts a process that looks after what several share
        names: SimpleQueue[str] = fresh.SimpleQueue()
    for number in range(count if gpus else 0):
        names.put(gpus[number % len(gpus)])
    threads = max(1, usable_cores() // count)
    pool = _Quiet(
        count,
        mp_context=fresh,
        initializer=_start,
        initargs=(held, threads, fresh.Lock(), names if gpus else None),
    )
    _leashes.add(leash)
    try:
        yield pool
    except GeneratorExit:
        raise
    except BaseException:
        leash.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        _leashes.discard(leash)
        leash.close()
        held.close()


def end_all() -> None:
    """End every process of `worker_processes`, and wait for it: this one is about to end too."""
    for leash in list(_leashes):
        with contextlib.suppress(OSError):
            leash.close()
    for child in multiprocessing.active_children():
        child.join(PATIENCE_S)
        child.kill()


def refuse_forking(executor: Executor | None) -> None:
    """Raise if an executor's processes are forks of this one.

    Threads do not live on in a fork, and libraries that wait there for theirs (OpenEXR, OpenCV,
    OpenMP) wait for ever.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None
        What runs a roll.

    Raises
    ------
    ValueError
        With what to use instead.
    """
    if not isinstance(executor, ProcessPoolExecutor):
        return
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise ValueError(
            "the executor forks this process, and libraries that have threads may then hang for "
            "ever: give ProcessPoolExecutor mp_context=multiprocessing.get_context('spawn'), or "
            "leave it out and give jobs"
        )


class _Quiet(ProcessPoolExecutor):
    """Processes that hear no Ctrl-C, from their first moment on.

    It goes to all processes of a terminal, and the first one says what becomes of the others.
    """

    def submit(self, *arguments: Any, **keywords: Any) -> Future[Any]:
        with _held_back():
            return super().submit(*arguments, **keywords)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Have processes that are started here begin deaf to the terminal; here its signals wait."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signals = {signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        resource_tracker.ensure_running()  # whose start lets Ctrl-C through again
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(
    held: Connection, threads: int, compiler: Lock, gpu_names: "SimpleQueue[str] | None"
) -> None:
    """Prepare a worker process, before it imports what computes."""
    if not compiler.acquire(block=False):  # one of them has code compiled for all
        os.environ.setdefault("PHOS_COMPILE", "later")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()
    if gpu_names is not None:
        see_only_one(gpu_names)
    limit_threads(threads)


def _end_with(held: Connection) -> None:
    """End this process when nobody holds the other end of a pipe: however the parent died."""
    with contextlib.suppress(OSError, EOFError):
        held.recv()
    abandon_all()
    os._exit(ENDED)


_leashes: set[Connection] = set()

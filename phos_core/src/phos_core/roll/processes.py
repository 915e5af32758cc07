"""Worker processes: how many, with how many threads, on which GPU, and for how long."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.queues import SimpleQueue

from phos_core.convolution.cpu import host_memory, limit_threads, usable_cores
from phos_core.convolution.selection import select
from phos_core.roll.gpus import see_only_one, visible_gpus

__all__ = ["gpus_for", "usual_jobs", "worker_processes"]

FRAMES_OF_A_JOB = 2  # at least: a process takes as long to start as a picture or two
JOB_BYTES = 3 * 2**29  # our choice: a picture of 24 megapixels takes 1.2 GB, and a process 0.1
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


def gpus_for(backend: str | None) -> list[str]:
    """Name the GPUs that a roll is spread over: none unless there are several to compute on.

    Parameters
    ----------
    backend : str or None
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
    names: SimpleQueue[str] = fresh.SimpleQueue()
    for number in range(count if gpus else 0):
        names.put(gpus[number % len(gpus)])
    threads = max(1, usable_cores() // count)
    pool = ProcessPoolExecutor(
        count,
        mp_context=fresh,
        initializer=_start,
        initargs=(held, threads, names if gpus else None),
    )
    try:
        yield pool
    except GeneratorExit:
        raise
    except BaseException:
        leash.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        leash.close()
        held.close()


def _start(held: Connection, threads: int, gpu_names: "SimpleQueue[str] | None") -> None:
    """Prepare a worker process, before it imports what computes."""
    # Ctrl-C goes to all processes of a terminal; the first one says what becomes of the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()
    if gpu_names is not None:
        see_only_one(gpu_names)
    limit_threads(threads)


def _end_with(held: Connection) -> None:
    """End this process when nobody holds the other end of a pipe: however the parent died."""
    with contextlib.suppress(OSError, EOFError):
        held.recv()
    os._exit(ENDED)

"""What backends on the CPU share: the cores, one pool of threads, the choice of precision."""

import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from phos_core.convolution import host
from phos_core.convolution.contract import MemoryInfo
from phos_core.convolution.environment import positive_whole
from phos_core.once import once
from phos_core.watching import stop_if_asked

__all__ = [
    "SINGLE_RANGE",
    "finish_all",
    "host_memory",
    "in_parallel",
    "in_precision",
    "is_of_great_range",
    "row_strips",
    "single_peak",
    "thread_pool",
    "threads_for",
    "threads_in_turn",
    "usable_cores",
]

THREADS = "PHOS_THREADS"
# What libraries read when they are loaded: BLAS of several makers, OpenMP (PyTorch), OpenCV, Numba.
SINGLE_RANGE = 2000.0  # peak over median: beyond it single precision drowns the shadows
THREAD_NUMBERS = 150_000  # of an array, for each thread: fewer are done before it has woken
# What a thread that has waited for Python's lock takes to go on, in numbers of an array that a step
# of NumPy's goes through meanwhile.
TURN_NUMBERS = 120_000

Job = TypeVar("Job")


def usable_cores() -> int:
    """Return how many cores this process may use: no more than ``PHOS_THREADS``, if that is set.

    Raises
    ------
    ValueError
        If ``PHOS_THREADS`` is not a whole number above zero.
    """
    cores = host.cores()
    return min(cores, positive_whole(THREADS) or cores)


def threads_for(numbers: int) -> int:
    """Say how many threads work on an array pays: no more than there are cores.

    Parameters
    ----------
    numbers : int
        Of the array.

    Returns
    -------
    int
        At least one.
    """
    return min(usable_cores(), max(numbers // THREAD_NUMBERS, 1))


def threads_in_turn(numbers: int) -> int:
    """Say how many threads pay where each step is a call of NumPy's, on one part for each thread.

    A step begins with Python's lock, so that k threads go on one after the other: it has to take
    as long as k turns, on a k-th of the numbers.

    Parameters
    ----------
    numbers : int
        Of the array.

    Returns
    -------
    int
        At least one, and no more than `threads_for` says.
    """
    return min(threads_for(numbers), max(math.isqrt(numbers // TURN_NUMBERS), 1))


@once()
def thread_pool() -> ThreadPoolExecutor:
    """Return the one pool that everything runs on: with the caller's thread, one for each core."""
    return ThreadPoolExecutor(max(usable_cores() - 1, 1), thread_name_prefix="phos")


def in_parallel(
    prepare: Callable[[], Callable[[Job], object]],
    jobs: Sequence[Job],
    *,
    threads: int | None = None,
) -> None:
    """Do jobs on several threads, the caller's among them; a job may do so again.

    Parameters
    ----------
    prepare : callable
        Called once on each thread: makes a workspace there, and returns what does one job in it.
    jobs : sequence
        Each is done once, by whoever is free.
    threads : int, optional
        How many threads at most; by default as many as there are cores.
    """
    waiting = iter(jobs)
    failed = threading.Event()

    def work() -> None:
        try:
            do = prepare()
            for job in waiting:
                if failed.is_set():
                    return
                stop_if_asked()
                do(job)
        except BaseException:
            failed.set()  # nobody begins another job: the caller may use the places otherwise
            raise

    shared = [work]  # emptied at the end: what waits in the pool must not hold arrays any longer

    def help_out() -> None:
        if shared:
            shared[0]()

    most = usable_cores() if threads is None else min(threads, usable_cores())
    others = min(most, len(jobs)) - 1
    helpers = [thread_pool().submit(copy_context().run, help_out) for _ in range(others)]
    try:
        work()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        shared.clear()
        finish_all(begun)


def finish_all(jobs: Sequence["Future[Any]"]) -> None:
    """Wait until all jobs of a pool are done, or after an error until none is at work any more.

    Parameters
    ----------
    jobs : sequence of Future
        Those that have not begun when one fails are left out.

    Raises
    ------
    Exception
        That of the first job that failed, once none can change anything any more.
    """
    try:
        wait(jobs, return_when=FIRST_EXCEPTION)
    finally:
        for job in jobs:
            job.cancel()
        wait(jobs)
    for job in jobs:
        if not job.cancelled():
            job.result()


def row_strips(
    rows: int, cols: int, *, pixels: int, multiple: int = 1, most: int | None = None
) -> list[slice]:
    """Cut a plane into strips of rows.

    Parameters
    ----------
    rows, cols : int
        Size of the plane.
    pixels : int
        That a strip may have.
    multiple, most : int
        Its rows are a multiple of this, at least one, and no more than that.

    Returns
    -------
    list of slice
        All of one height but the last.
    """
    height = pixels // cols if most is None else min(pixels // cols, most)
    height = max(height // multiple, 1) * multiple
    return [slice(start, min(start + height, rows)) for start in range(0, rows, height)]


def host_memory() -> MemoryInfo:
    """Return how much memory there is here, and how much of it programs may still take.

    In a container, and under any other limit of a control group, it is what that leaves.
    """
    return MemoryInfo(*host.free_and_total_bytes())


def in_precision(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plane in the precision that its Fourier or cosine transform needs.

    Parameters
    ----------
    plane : ndarray, shape (rows, cols)
        In single or double precision.

    Returns
    -------
    ndarray, shape (rows, cols)
        The plane itself; in double precision if its peak is 2000 times its median or more.

    Notes
    -----
    The rounding noise of a transform is the same everywhere, relative to the brightest parts: a
    lamp in the dark would bury the dark in it.
    """
    return plane.astype(np.float64) if is_of_great_range(plane) else plane


def is_of_great_range(plane: npt.NDArray[Any]) -> bool:
    """Say whether a plane's peak is more than 2000 times its median."""
    return float(max(plane.max(), -plane.min())) > single_peak(plane)


def single_peak(plane: npt.NDArray[Any]) -> float:
    """Return the largest value that a plane may hold for single precision to do: 2000 medians."""
    return SINGLE_RANGE * float(np.median(np.abs(plane[::16, ::16])))


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork: a child makes its own pool.
    os.register_at_fork(after_in_child=thread_pool.cache_clear)

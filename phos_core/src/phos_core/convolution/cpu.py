"""What backends on the CPU share: the cores, one pool of threads, the choice of precision."""

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.convolution.contract import MemoryInfo

__all__ = [
    "SINGLE_RANGE",
    "host_memory",
    "in_precision",
    "is_of_great_range",
    "thread_pool",
    "usable_cores",
]

MEMINFO = Path("/proc/meminfo")
SINGLE_RANGE = 2000.0  # peak over median: beyond it single precision drowns the shadows


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def thread_pool() -> ThreadPoolExecutor:
    """Return the pool that row strips run on, as wide as there are cores."""
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="phos")


def host_memory() -> MemoryInfo:
    """Return how much memory the host has, and how much of it programs may still take."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = page * os.sysconf("SC_PHYS_PAGES")
        free = page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return MemoryInfo()
    with contextlib.suppress(OSError):
        # Linux counts its file cache as taken, and says here what it would give back.
        told = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        free = 1024 * int(told["MemAvailable"].split()[0])
    return MemoryInfo(free, total)


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
    typical = np.median(np.abs(plane[::16, ::16]))
    peak = max(plane.max(), -plane.min())
    return bool(peak > SINGLE_RANGE * typical)


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork: a child makes its own pool.
    os.register_at_fork(after_in_child=thread_pool.cache_clear)

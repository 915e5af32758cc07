"""The cores that this process may use, and one pool of threads for them."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

__all__ = ["thread_pool", "usable_cores"]


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def thread_pool() -> ThreadPoolExecutor:
    """Return the pool that row strips run on, as wide as there are cores."""
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="phos")


if hasattr(os, "register_at_fork"):
    # Threads do not survive a fork: a child makes its own pool.
    os.register_at_fork(after_in_child=thread_pool.cache_clear)

"""How much memory a picture may take, and what the process has already."""

import math
import os
from pathlib import Path

from phos_core.backend import host_memory
from phos_core.process import memory_limit

__all__ = ["allowed_bytes", "resident_bytes"]

FREE_SHARE = 0.5  # our choice: of the free memory, where nothing is said
PROCESS_BYTES = 200 * 2**20  # of a process, where the system does not say


def allowed_bytes(memory_bytes: int | None) -> float:
    """Memory that may be used, what is resident already included."""
    if memory_bytes is not None:
        return memory_bytes
    limit = memory_limit()
    if math.isfinite(limit):
        return limit
    free = host_memory().free_bytes
    return math.inf if free is None else FREE_SHARE * free + resident_bytes()


def resident_bytes() -> int:
    """What the process has in memory now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return PROCESS_BYTES

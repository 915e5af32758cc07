"""How much memory a picture may take, and what the process has already."""

import math
import os
from pathlib import Path

from phos_core.backend import host_memory
from phos_core.process import Window, memory_limit

__all__ = ["WHOLE_BYTES", "allowed_bytes", "resident_bytes", "strips_within_memory"]

WHOLE_BYTES = 60  # for a pixel of a picture that is developed as a whole, measured
LEAST_ROWS = 64  # our choice: of fewer, most of what is read lies around them
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


def strips_within_memory(window: Window, reach_px: int) -> list[Window]:
    """Cut a window into strips of rows, each of which the memory allows.

    Parameters
    ----------
    window : tuple of slice
        Rows and columns that are wanted.
    reach_px : int
        Rows and columns around a strip that are read with it.

    Returns
    -------
    list of tuple of slice
        One strip where all of it fits; of equal height, but for the last, and of 64 rows at least.
    """
    rows, cols = window
    wanted, read_cols = rows.stop - rows.start, cols.stop - cols.start + 2 * reach_px
    read_rows = (allowed_bytes(None) - resident_bytes()) / (WHOLE_BYTES * read_cols)
    if read_rows >= wanted + 2 * reach_px:
        return [window]
    most = max(LEAST_ROWS, math.floor(read_rows) - 2 * reach_px)
    side = math.ceil(wanted / math.ceil(wanted / most))
    return [
        (slice(start, min(start + side, rows.stop)), cols)
        for start in range(rows.start, rows.stop, side)
    ]

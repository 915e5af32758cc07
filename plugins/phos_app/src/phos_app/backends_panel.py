"""What each backend is, whether it runs here, and what its memory holds."""

from dataclasses import dataclass

import phos_core as phos
from phos_core.backend import MemoryInfo
from phos_core.convolution import BackendReport, memory_of, select
from phos_core.errors import PhosError

__all__ = ["BackendRow", "backend_rows", "memory_told"]

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendRow:
    """What the page shows of a backend.

    Parameters
    ----------
    name, status : str
        As in `phos_core.backends`.
    runs : bool
        Whether it can be chosen.
    device : str
        Where it computes; empty if it does not run.
    memory : str
        Used and free, in words; empty if that is not known.
    reason, hint : str
        Why it does not run, and what would help.
    """

    name: str
    status: str
    runs: bool
    device: str = ""
    memory: str = ""
    reason: str = ""
    hint: str = ""


def backend_rows() -> list[BackendRow]:
    """Report on every backend, its memory as it is now.

    Returns
    -------
    list of BackendRow
        In the order of `phos_core.backends`.
    """
    return [_row(report) for report in phos.backends(waits=False)]


def memory_told(memory: MemoryInfo) -> str:
    """Say what is used and free of a memory; nothing where that is not known."""
    if memory.free_bytes is None:
        return ""
    free = f"{memory.free_bytes / GIB:.1f} GiB free"
    if memory.total_bytes is None:
        return free
    used = memory.total_bytes - memory.free_bytes
    return f"{used / GIB:.1f} of {memory.total_bytes / GIB:.1f} GiB used, {free}"


def _row(report: BackendReport) -> BackendRow:
    told = {"reason": report.reason, "hint": report.hint}
    if report.status == "not-compiled":  # chosen, it is compiled first
        return BackendRow(name=report.name, status=report.status, runs=True, **told)
    if report.status != "ok":
        return BackendRow(name=report.name, status=report.status, runs=False, **told)
    try:
        backend = select(report.name, pixels=0).backend
        return BackendRow(
            name=report.name,
            status="ok",
            runs=True,
            device=str(backend.device),
            memory=memory_told(memory_of(backend)),
            **told,
        )
    except PhosError as error:  # it was lost in between
        return BackendRow(name=report.name, status="lost", runs=False, reason=str(error))

"""What ran, where, and how long each step took."""

import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from phos_core.convolution.choosing.probing import UNCOMPILED
from phos_core.convolution.choosing.selection import Selection, library_versions
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.kernels.strips import refusals
from phos_core.stocks.film import Film

__all__ = ["RunReport", "is_logged", "log_steps", "report_of"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What ran, where, and how long each step took.

    Parameters
    ----------
    film, backend, device : str
        What was used.
    source : str
        What chose the backend: "argument", "context", "environment", "configuration" or "auto".
    candidates : tuple of (str, str)
        Each backend that was considered, and why it was not taken; an empty reason: it was.
    versions : mapping of str to str
        Versions of what computed: Python, NumPy, phos-core, the backend and its libraries.
    pixel_pitch_um : float
        Width of a pixel on the film.
    step_seconds : mapping of str to float
        Time of each step, in the order in which they ran, of all pictures developed together.
    pictures : int
        How many pictures were developed together, in one call.
    tiles : int
        In how many tiles it was computed; 1: as a whole.
    events : tuple of str
        What did not go straight: attempts that failed, tiles, another backend. In order.
    """

    film: str
    backend: str
    device: str
    source: str
    candidates: tuple[tuple[str, str], ...]
    versions: Mapping[str, str]
    pixel_pitch_um: float
    step_seconds: Mapping[str, float]
    pictures: int = 1
    tiles: int = 1
    events: tuple[str, ...] = ()


def report_of(
    selection: Selection,
    backend: ConvolutionBackend,
    *,
    film: Film,
    events: tuple[str, ...] = (),
    **facts: Any,
) -> RunReport:
    """Make the report of a run.

    Parameters
    ----------
    selection : Selection
        How the backend was chosen.
    backend : ConvolutionBackend
        The one that did the work in the end.
    film : Film
        What was developed on.
    events : tuple of str
        What did not go straight after the choice.
    **facts
        The other parameters of `RunReport`.

    Returns
    -------
    RunReport
        The report.
    """
    return RunReport(
        film=film.name,
        backend=backend.name,
        device=str(backend.device),
        source=selection.source,
        candidates=tuple((c.name, c.reason or "") for c in selection.candidates),
        versions=_own_versions() | library_versions(backend),
        events=(
            *(f"{name}: {UNCOMPILED}" for name in selection.uncompiled),
            *(f"steps ran as array code: {reason}" for reason in refusals(backend)),
            *events,
        ),
        **facts,
    )


def is_logged() -> bool:
    """Say whether anybody reads what `log_steps` logs."""
    return logger.isEnabledFor(logging.INFO)


def log_steps(report: RunReport, shape: tuple[int, ...]) -> None:
    """Log what was developed, and how long each step took.

    Parameters
    ----------
    report : RunReport
        What ran.
    shape : tuple of int
        Rows and columns of a picture.
    """
    if not is_logged():
        return
    pictures = f"{report.pictures} pictures of " if report.pictures > 1 else ""
    tiles = "1 tile" if report.tiles == 1 else f"{report.tiles} tiles"
    steps = ", ".join(f"{step} {seconds:.3f} s" for step, seconds in report.step_seconds.items())
    logger.info(
        "%s%d x %d pixels developed on %s by %s in %s: %s",
        *(pictures, *shape[:2], report.film, report.backend, tiles, steps),
    )


@cache
def _own_versions() -> dict[str, str]:
    """Versions of what computes; reading them takes as long as a small picture."""
    from importlib.metadata import version

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "phos-core": version("phos-core"),
    }

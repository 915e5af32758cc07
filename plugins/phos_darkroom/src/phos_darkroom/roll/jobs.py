"""A frame as a job for any executor: small there, and small back."""

import logging
import time
import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from phos_core.backend import ConvolutionBackend
from phos_core.convolution import Trouble, attempt
from phos_core.errors import BackendFallbackWarning, ImageFileError, PhosError
from phos_darkroom import LOGGERS
from phos_darkroom.roll.frames import Frame
from phos_darkroom.roll.resuming import is_left_as_it_is

if TYPE_CHECKING:
    from phos_darkroom.files.transparency import Colour

__all__ = [
    "FrameResult",
    "Job",
    "LogLine",
    "Status",
    "develop_anywhere",
    "develop_apart",
    "develop_frame",
    "develop_here",
    "log_level",
    "logged",
    "result_of",
    "warned",
]


logger = logging.getLogger(__name__)

Status = Literal["developed", "already done", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A frame to be developed, and how: small enough to be sent anywhere.

    Parameters
    ----------
    frame : Frame
        The frame.
    backend : str, ConvolutionBackend or None
        As for `phos_core.develop`; a backend itself stays in this process.
    strict, overwrite, sidecar, background
        As for `one_file.develop_file`.
    log_level : int
        From which level on what a process of its own logs is handed over.
    """

    frame: Frame
    backend: str | ConvolutionBackend | None = None
    strict: bool = False
    overwrite: bool = False
    sidecar: bool = True
    background: "Colour | None" = None
    log_level: int = logging.WARNING


@dataclass(frozen=True, slots=True)
class LogLine:
    """What was logged in another process: all that can be sent anywhere."""

    logger: str
    level: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameResult:
    """What became of a frame.

    Parameters
    ----------
    source, destination : Path
        Its picture, and where the positive is or would have been.
    status : "developed", "already done", "skipped" or "failed"
        "already done": by an earlier run, and right; "skipped": something else is there.
    seconds : float
        What developing it took, reading and writing included.
    backend : str
        What computed; empty if nothing did.
    error : str
        Why it failed, in one line that names the file; empty if it did not.
    warnings : tuple of Warning
        What was warned of on the way, in processes of our own.
    log : tuple of LogLine
        What was logged on the way, in processes of our own.
    """

    source: Path
    destination: Path
    status: Status
    seconds: float = 0.0
    backend: str = ""
    error: str = ""
    warnings: tuple[Warning, ...] = ()
    log: tuple[LogLine, ...] = ()


def develop_frame(job: Job) -> FrameResult:
    """Develop one frame, and say what became of it whatever happens.

    Parameters
    ----------
    job : Job
        What to do.

    Returns
    -------
    FrameResult
        Small, whatever the picture.
    """
    logger.info("developing %s", job.frame.source)
    start = time.perf_counter()
    result = attempt(partial(_develop, job), f"developing {job.frame.source}")
    if isinstance(result, Trouble):
        result = result_of(job, "failed", error=f"{job.frame.source}: {result}")
    return replace(result, seconds=time.perf_counter() - start)


def develop_here(job: Job) -> FrameResult:
    """Develop one frame in a process of ours, and hand its warnings over."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = develop_frame(job)
    told = [warning for warning in caught if issubclass(warning.category, UserWarning)]
    return replace(result, warnings=tuple(_sendable(warning.message) for warning in told))


class _Collecting(logging.Handler):
    """Keeps what is logged, as it can be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[LogLine] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(LogLine(record.name, record.levelno, record.getMessage()))


def develop_apart(job: Job) -> FrameResult:
    """Develop one frame in a process of its own, and hand its warnings and its log over."""
    collecting = _Collecting()
    for name in LOGGERS:
        logging.getLogger(name).setLevel(job.log_level)
        logging.getLogger(name).addHandler(collecting)
    try:
        result = develop_here(job)
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(collecting)
    return replace(result, log=tuple(collecting.lines))


def _sendable(warning: Warning | str) -> Warning:
    """A warning that any process can read."""
    if isinstance(warning, BackendFallbackWarning):
        return BackendFallbackWarning(str(warning))
    return UserWarning(str(warning))


def develop_anywhere(job: Job) -> FrameResult:
    """Develop one frame, unless a worker that died before it could say so has done it."""
    if is_left_as_it_is(job.frame, overwrite=job.overwrite):
        return result_of(job, "developed")
    # Whatever is in its place now, nothing that may not be replaced was there before.
    return develop_frame(replace(job, overwrite=True))


def _develop(job: Job) -> FrameResult:
    from phos_darkroom.one_file import develop_file

    frame = job.frame
    try:
        report = develop_file(
            frame.source,
            frame.destination,
            frame.recipe,
            backend=job.backend,
            strict=job.strict,
            overwrite=job.overwrite,
            sidecar=job.sidecar,
            background=job.background,
            raw=frame.raw,
            framing=frame.framing,
            export=frame.export,
            gain_map=frame.gain_map,
        )
    except ImageFileError as error:  # it names the file
        return result_of(job, "failed", error=str(error))
    except (PhosError, ValueError, OSError, MemoryError) as error:
        why = str(error) or "not enough memory"
        return result_of(job, "failed", error=f"{frame.source}: {why}")
    return result_of(job, "developed", backend=report.backend)


def log_level() -> int:
    """Return the level from which on anything is logged here."""
    return min(logging.getLogger(name).getEffectiveLevel() for name in LOGGERS)


def result_of(job: Job, status: Status, *, backend: str = "", error: str = "") -> FrameResult:
    """What became of a job; an error is told in one line."""
    return FrameResult(
        source=job.frame.source,
        destination=job.frame.destination,
        status=status,
        backend=backend,
        error=" ".join(error.split()),
    )


def logged(result: FrameResult) -> FrameResult:
    """Log what was logged on the way, as if it had been here."""
    for line in result.log:
        logging.getLogger(line.logger).log(line.level, "%s", line.message)
    return result


def warned(result: FrameResult) -> FrameResult:
    """Warn of what was warned of on the way, with the picture's name."""
    for warning in result.warnings:
        warnings.warn(type(warning)(f"{result.source}: {warning}"), stacklevel=2)
    return result

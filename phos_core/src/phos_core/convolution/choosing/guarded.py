"""The border to strangers' code: it gets so long, ends in an answer, and leaves no mark.

What a plug-in does when it is loaded or tried runs on a thread of its own, where no Ctrl-C of the
user's ever arrives: a KeyboardInterrupt there is the plug-in's own, and the user's reaches the
thread that waits. What it prints goes to stderr, and what it changes of the process is put back.
"""

import atexit
import contextlib
import logging
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from phos_core.convolution.choosing import process_state

__all__ = [
    "PATIENCE",
    "Answer",
    "Steps",
    "Trouble",
    "attempt",
    "in_one_line",
    "is_anyone_left_behind",
    "patience_seconds",
    "shown",
    "watched",
]

T = TypeVar("T")

PATIENCE_SECONDS = 10.0  # our choice
PATIENCE = "PHOS_PROBE_SECONDS"
MORE_TIMES = 6  # as long for what is still computing, such as a compiler on a busy machine
LOOK_SECONDS = 0.5  # between two looks at whether it is
COMPUTING_SHARE = 0.05  # of a processor, at the least
ASLEEP_SECONDS = 0.001  # of the processor in half a second: so little takes what only waits
MOST_CHARACTERS = 400  # of what a stranger says: a row of a table

logger = logging.getLogger(__name__)


class Trouble(str):
    """What a stranger's code raised, in one line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came of a stranger's code.

    Parameters
    ----------
    value : object or Trouble
        What it returned; or what it raised, or that it did not answer, and at which step.
    note : str
        What it changed of the process, which was put back; empty if nothing.
    """

    value: T | Trouble
    note: str


class Steps:
    """What a stranger's code is at, so that an error can name it."""

    def __init__(self) -> None:
        self.now = ""

    def __call__(self, step: str) -> None:
        """Say which step begins, such as "its factory"."""
        self.now = step

    def failed(self, why: str) -> Trouble:
        """Say that the step failed."""
        return Trouble(f"{self.now} failed: {why}" if self.now else why)


def attempt(call: Callable[[], T], what: str) -> T | Trouble:
    """Run a stranger's code on this thread; whatever it raises becomes an answer.

    Parameters
    ----------
    call : callable
        What to run.
    what : str
        What it is, for the log, which gets the traceback at level DEBUG.

    Returns
    -------
    object or Trouble
        What the call returned, or what it raised. Only a KeyboardInterrupt goes through.
    """
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may raise anything, SystemExit too
        logger.debug("%s failed", what, exc_info=error)
        return Trouble(_told(error))


def watched(work: Callable[[Steps], T], what: str, seconds: float, spent: float = 0.0) -> Answer[T]:
    """Run a stranger's code on a thread of its own, and give up on it after some time.

    Parameters
    ----------
    work : callable
        What to run. It is given what it says its steps to.
    what : str
        What it is, for the log.
    seconds : float
        How long it may take; six times as long while it computes and does not wait. What has not
        answered by then is left behind on its thread.
    spent : float
        How many of these seconds are gone already.

    Returns
    -------
    Answer
        What it returned or raised, and what it changed of the process.
    """
    task = _Task(work, what)
    before = process_state.snapshot()
    thread = threading.Thread(
        target=copy_context().run, args=(task.run,), name=f"phos: {what}", daemon=True
    )
    with _printing_aside():
        thread.start()
        _wait(task.done, max(seconds - spent, 0.0))
        _wait_while_it_computes(thread, task.done, (MORE_TIMES - 1) * seconds)
    note = ""
    names = process_state.put_back(before)
    if names:
        note = f"it changed {_listed(names)}, which was put back"
        logger.warning("%s: %s", what, note)
    if not task.done.is_set():
        _leave_behind(thread)
        return Answer(task.steps.failed(f"TimeoutError: no answer within {seconds:g} s"), note)
    return Answer(task.result, note)


def is_anyone_left_behind() -> bool:
    """Say whether a thread that did not answer in time is still at work.

    Returns
    -------
    bool
        True while there is one.

    Notes
    -----
    Such a thread may be in the middle of a library that is being loaded. Where the interpreter
    is taken down around it, some libraries abort the whole process.
    """
    return any(thread.is_alive() for thread in _left_behind)


def patience_seconds() -> float:
    """Say how long a plug-in may take in all, to be loaded and tried.

    Returns
    -------
    float
        What ``PHOS_PROBE_SECONDS`` says, or 10.

    Raises
    ------
    ValueError
        If that is no number above zero.
    """
    text = os.environ.get(PATIENCE, "").strip()
    if not text:
        return PATIENCE_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds < threading.TIMEOUT_MAX:
        raise ValueError(f"{PATIENCE} must be a number of seconds above zero, got {text!r}")
    return seconds


def in_one_line(text: str) -> str:
    """Return text of a plug-in as it can be shown.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        One line of at most 400 characters, all of them printable.
    """
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    words = " ".join(plain.split())
    if len(words) <= MOST_CHARACTERS:
        return words
    return words[: MOST_CHARACTERS - 4] + " ..."


def shown(value: object) -> str:
    """Return a stranger's object as it can be shown in a message."""
    try:
        return in_one_line(repr(value))
    except Exception:  # noqa: BLE001 - a stranger's repr may raise anything
        return f"an object of type {type(value).__name__}"


class _Task(Generic[T]):
    """A stranger's code, its steps and its end."""

    def __init__(self, work: Callable[[Steps], T], what: str) -> None:
        self._work, self._what = work, what
        self.steps = Steps()
        self.done = threading.Event()
        self.result: T | Trouble = Trouble("")

    def run(self) -> None:
        _aside.here = True
        try:
            self.result = self._work(self.steps)
        except BaseException as error:
            logger.debug("%s failed", self._what, exc_info=error)
            self.result = self.steps.failed(_told(error))
        finally:
            self.done.set()


def _leave_behind(thread: threading.Thread) -> None:
    if not _left_behind:
        atexit.register(_wait_for_the_left_behind)
    _left_behind.append(thread)


def _wait_for_the_left_behind() -> None:
    """Let what is still at work end before the interpreter does; what only sleeps may stay."""
    end = time.monotonic() + PATIENCE_SECONDS
    for thread in _left_behind:
        while thread.is_alive() and time.monotonic() < end:
            before = time.process_time()
            thread.join(0.5)
            if time.process_time() - before < ASLEEP_SECONDS:
                return


def _wait(done: threading.Event, seconds: float) -> None:
    done.wait(seconds)


def _wait_while_it_computes(
    thread: threading.Thread, done: threading.Event, seconds: float
) -> None:
    """Give more time to what is at work: it may be a compiler, on a machine that others use too."""
    for _ in range(math.ceil(seconds / LOOK_SECONDS)):
        before = _processor_seconds(thread)
        if done.is_set():
            return
        done.wait(LOOK_SECONDS)
        if _processor_seconds(thread) - before < COMPUTING_SHARE * LOOK_SECONDS:
            return


def _processor_seconds(thread: threading.Thread) -> float:
    """How long a thread has computed; where the system does not say, how long the process has."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0))
    except (AttributeError, OSError):  # Windows and macOS have no such clock; the thread has ended
        return time.process_time()


def _told(error: BaseException) -> str:
    """Say what was raised; where nothing is said of it, from where."""
    kind = type(error).__name__
    try:
        text = in_one_line(str(error))
    except Exception:  # noqa: BLE001 - a stranger's exception may raise anything
        return f"{kind}, whose text cannot be read"
    if text:
        return f"{kind}: {text}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{kind}, raised in {frames[-1].name} without a message" if frames else kind


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])


_left_behind: list[threading.Thread] = []
_aside = threading.local()
_printing = threading.Lock()
_printing_count = 0


class _Stdout:
    """Stands for sys.stdout: what strangers' threads print goes to stderr."""

    def __init__(self, usual: Any) -> None:
        self.usual = usual

    def close(self) -> None:
        """Stay open for everybody else."""
        if not getattr(_aside, "here", False):
            self.usual.close()

    def __getattr__(self, name: str) -> Any:
        aside = getattr(_aside, "here", False) and sys.stderr is not None
        return getattr(sys.stderr if aside else self.usual, name)


@contextlib.contextmanager
def _printing_aside() -> Iterator[None]:
    """Send what strangers' threads print to stderr; other threads print as ever."""
    global _printing_count
    with _printing:
        _printing_count += 1
        if not isinstance(sys.stdout, _Stdout | None):
            sys.stdout = _Stdout(sys.stdout)
    try:
        yield
    finally:
        with _printing:
            _printing_count -= 1
            if _printing_count == 0 and isinstance(sys.stdout, _Stdout):
                sys.stdout = sys.stdout.usual

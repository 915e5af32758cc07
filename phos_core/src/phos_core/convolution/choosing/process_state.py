"""What belongs to the whole process, which no plug-in may change.

NumPy's error state belongs to a thread's context; it is here for what runs on the caller's own
thread.
"""

import gc
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["changed", "put_back", "snapshot"]


class _Fact(NamedTuple):
    """How to read a setting of the process, and how to set it."""

    read: Callable[[], Any]
    put_back: Callable[[Any], object]


def snapshot() -> Mapping[str, Any]:
    """Read the settings of the process.

    Returns
    -------
    mapping of str to object
        The value of each setting by its name, such as "the working directory".
    """
    return {name: fact.read() for name, fact in FACTS.items()}


def changed(before: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the settings that differ from a snapshot.

    Parameters
    ----------
    before : mapping
        What `snapshot` returned.

    Returns
    -------
    tuple of str
        Their names; none where all is as it was.
    """
    return tuple(name for name, value in before.items() if FACTS[name].read() != value)


def put_back(before: Mapping[str, Any]) -> tuple[str, ...]:
    """Set everything to what it was, as far as that is possible.

    Parameters
    ----------
    before : mapping
        What `snapshot` returned.

    Returns
    -------
    tuple of str
        Names of the settings that had been changed.
    """
    names = changed(before)
    for name in names:
        try:
            FACTS[name].put_back(before[name])
        except (OSError, ValueError, TypeError, locale.Error):
            continue  # a folder may be gone; signals are for the main thread
    return names


def _working_directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return None


def _umask() -> int:
    """Read the umask where it need not be set for that: other threads may be making files."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        return int(status.partition("\nUmask:")[2].split()[0], 8)
    except (OSError, ValueError, IndexError):
        mask = os.umask(0o077)
        os.umask(mask)
        return mask


def _signals() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in sorted(signal.valid_signals())}


def _set_signals(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _general_filters() -> list[Any]:
    """Filters that would catch others' warnings too: a library may silence its own."""
    return [
        entry
        for entry in warnings.filters
        if entry[1] is None and entry[3] is None and entry[2].__module__ == "builtins"
    ]


def _set_general_filters(general: list[Any]) -> None:
    added = [entry for entry in _general_filters() if entry not in general]
    kept = [entry for entry in warnings.filters if entry not in added and entry not in general]
    warnings.filters[:] = [*kept, *general]  # type: ignore[index]
    with warnings.catch_warnings():
        pass  # which lets the module see that its filters have changed


def _stdout() -> Any:
    """Return where output goes, be it led aside for a moment or not."""
    return getattr(sys.stdout, "usual", sys.stdout)


def _environment() -> dict[str, str]:
    """Variables that decide what phos and the libraries beneath do."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PHOS_") or name.endswith("_NUM_THREADS")
    }


def _set_environment(variables: dict[str, str]) -> None:
    for name in _environment().keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def _log() -> tuple[int, list[Any]]:
    root = logging.getLogger()
    return root.level, list(root.handlers)


def _set_log(settings: tuple[int, list[Any]]) -> None:
    root = logging.getLogger()
    root.level, root.handlers[:] = settings[0], settings[1]


FACTS: Mapping[str, _Fact] = {
    "the working directory": _Fact(_working_directory, os.chdir),
    "the umask": _Fact(_umask, os.umask),
    "signal handlers": _Fact(_signals, _set_signals),
    "warnings filters": _Fact(_general_filters, _set_general_filters),
    "np.seterr": _Fact(np.geterr, lambda settings: np.seterr(**settings)),
    "sys.stdout": _Fact(_stdout, lambda stream: setattr(sys, "stdout", stream)),
    "sys.stderr": _Fact(lambda: sys.stderr, lambda stream: setattr(sys, "stderr", stream)),
    "sys.excepthook": _Fact(lambda: sys.excepthook, lambda hook: setattr(sys, "excepthook", hook)),
    "environment variables": _Fact(_environment, _set_environment),
    "the locale": _Fact(
        lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)
    ),
    "the recursion limit": _Fact(sys.getrecursionlimit, sys.setrecursionlimit),
    "the threads' switch interval": _Fact(sys.getswitchinterval, sys.setswitchinterval),
    "the threads' stack size": _Fact(threading.stack_size, threading.stack_size),
    "the garbage collector": _Fact(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    "the root logger": _Fact(_log, _set_log),
}
"""Each setting of the process by its name."""

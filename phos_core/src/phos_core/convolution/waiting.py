"""Whether work waits while a backend compiles code, or another backend does it meanwhile."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Literal, TypeAlias, get_args

from phos_core.errors import NotCompiledError, shown

__all__ = [
    "NOTICE",
    "VARIABLE",
    "Meanwhile",
    "about_to_compile",
    "not_waiting",
    "policy",
    "say_that_it_is_compiled",
    "say_who_works_instead",
]

Meanwhile: TypeAlias = Literal["background", "later", "wait"]
"""What is done where nobody requests a backend and the best has code to compile.

"background": another backend works, and the code is compiled in a process of its own; "later":
another works, and nothing is compiled; "wait": it is compiled, then the best works.
"""

VARIABLE = "PHOS_COMPILE"
NOTICE = 25  # a level of the log: what a user should see once, though nothing is amiss

_waits: ContextVar[bool] = ContextVar("phos_waits_for_code", default=True)

logger = logging.getLogger(__name__)


def policy() -> Meanwhile:
    """Read ``PHOS_COMPILE``; "background" if it is not set.

    Raises
    ------
    ValueError
        If it is set to anything else.
    """
    text = os.environ.get(VARIABLE, "").strip() or "background"
    for known in get_args(Meanwhile):
        if text == known:
            return known  # type: ignore[no-any-return]
    listed = ", ".join(get_args(Meanwhile))
    raise ValueError(f"{VARIABLE} must be one of {listed}, got {shown(text)}")


@contextmanager
def not_waiting(*, is_so: bool = True) -> Iterator[None]:
    """Have `about_to_compile` raise inside a ``with`` block; with `is_so` False nothing changes."""
    token = _waits.set(_waits.get() and not is_so)
    try:
        yield
    finally:
        _waits.reset(token)


def about_to_compile(backend: str) -> None:
    """Say that code is to be compiled: a backend calls this before whatever takes seconds.

    Parameters
    ----------
    backend : str
        Its name.

    Raises
    ------
    NotCompiledError
        If the work is not to wait for it. The backend lets it through; another backend then does
        the work, without a warning.
    """
    if not _waits.get():
        raise NotCompiledError(f"{backend} has not compiled its code for this yet")
    _say_once(f"backend {backend} compiles code for this machine, once: this may take a minute")


def say_who_works_instead(backend: str, instead: str) -> None:
    """Log, once, that a backend's code is not compiled and another works, and what helps."""
    _say_once(
        f"the code of the backend {backend} is not compiled yet, so {instead} works for now; "
        "phos warm compiles it, once"
    )


def say_that_it_is_compiled(backend: str) -> None:
    """Log, once, that a backend's code is compiled while another works."""
    _say_once(f"the code of the backend {backend} is compiled in the background")


@cache
def _say_once(message: str) -> None:
    logger.log(NOTICE, message)

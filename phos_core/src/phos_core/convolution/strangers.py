"""The border to strangers' code."""

import logging
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Trouble", "attempt"]

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Trouble(str):
    """What a stranger's code raised, in one line."""

    __slots__ = ()


def attempt(call: Callable[[], T], what: str) -> T | Trouble:
    """Run a stranger's code; whatever it raises becomes an answer.

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
        return Trouble(f"{type(error).__name__}: {error}")

"""What commands say on stderr, each in one line."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

__all__ = ["count", "own_stdout", "plain_messages", "say"]


def say(line: str) -> None:
    """Write to stderr; `click.echo` would go past a progress bar and spoil it."""
    print(f"phos: {line}", file=sys.stderr)


def count(pictures: int) -> str:
    """Say how many pictures."""
    return f"{pictures} picture" if pictures == 1 else f"{pictures} pictures"


@contextlib.contextmanager
def plain_messages() -> Iterator[None]:
    """Show warnings as one line each, and leave what tifffile logs to our own errors."""
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: say(f"warning: {message}")
        yield


@contextlib.contextmanager
def own_stdout() -> Iterator[TextIO]:
    """Give what a command writes its answer to; all that libraries print goes to stderr.

    What a library printed may come out when the process ends, so the descriptor stays there.
    """
    out = _moved_stdout()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield out
        out.flush()
    except BrokenPipeError:  # whoever reads has seen enough; what is left must go somewhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise


def _moved_stdout() -> TextIO:
    """The same stdout on another descriptor, and stderr on its own; as it is, if it has none."""
    stdout = sys.stdout
    try:
        number, errors = stdout.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return stdout
    stdout.flush()
    moved = os.dup(number)
    os.dup2(errors, number)
    return os.fdopen(moved, "w", encoding=stdout.encoding, errors=stdout.errors)

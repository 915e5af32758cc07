"""What commands say on stderr, each in one line."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator

__all__ = ["count", "plain_messages", "say"]


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

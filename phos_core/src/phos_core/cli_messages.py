"""What commands say on stderr, each in one line."""

import contextlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TextIO, TypeVar

import click

from phos_core.convolution.strangers import in_one_line

__all__ = [
    "as_options",
    "count",
    "log_to_stderr",
    "own_stdout",
    "plain_messages",
    "say",
    "verbose_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])
SAYS = 'must|has|have|is|are|goes|takes|"'
"""What an error goes on with after the name of an argument at its beginning."""


def verbose_option(command: Command) -> Command:
    """Give a command the option ``-v``, as its parameter `verbose`, for `log_to_stderr`."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Say what is chosen and why, by which methods, in how many tiles, how long it takes.",
    )(command)


def say(line: str) -> None:
    """Write to stderr; `click.echo` would go past a progress bar and spoil it."""
    print(f"phos: {line}", file=sys.stderr)


def count(pictures: int) -> str:
    """Say how many pictures."""
    return f"{pictures} picture" if pictures == 1 else f"{pictures} pictures"


def as_options(message: str, command: click.Command) -> str:
    """Name the options of a command where an error names the arguments of Python.

    Parameters
    ----------
    message : str
        An error that speaks of arguments: ``exposure_stops must be finite``, or ``use
        printing="auto"``.
    command : click.Command
        Whose parameters bear the arguments' names.

    Returns
    -------
    str
        The same of options: ``--exposure must be finite``, ``use --printing auto``.

    Notes
    -----
    An argument of one plain word, such as `light`, is one only where the error begins with it.
    """
    for parameter in command.params:
        name = parameter.name
        if not name:
            continue
        shown = _at_the_shell(parameter)
        alone = rf"(?<![\w./-]){name}(?![\w./-])"
        message = re.sub(rf'{alone}="?([^\s",;()]+)"?', rf"{shown} \1", message)
        where = alone if "_" in name else rf"^{name}(?= (?:{SAYS}))"
        message = re.sub(where, shown, message)
    return message


def _at_the_shell(parameter: click.Parameter) -> str:
    """What a user types for a parameter: its longest option, or what the usage line calls it."""
    if isinstance(parameter, click.Argument):
        return (parameter.metavar or str(parameter.name).upper()).rstrip(".")
    return max(parameter.opts, key=len)


@contextlib.contextmanager
def plain_messages() -> Iterator[None]:
    """Show warnings as one line each, and leave what tifffile logs to our own errors."""
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: say(f"warning: {message}")
        yield


class _ToStderr(logging.Handler):
    """Says each line once: pictures, tiles and processes repeat what is true of all."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        line = prefix + in_one_line(record.getMessage())
        if line not in self._said:
            self._said.add(line)
            say(line)


@contextlib.contextmanager
def log_to_stderr(*, verbose: bool) -> Iterator[None]:
    """Show what phos logs on stderr: without `verbose` only what is amiss."""
    package, handler = logging.getLogger("phos_core"), _ToStderr()
    before = package.level
    package.setLevel(logging.INFO if verbose else logging.WARNING)
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.setLevel(before)


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

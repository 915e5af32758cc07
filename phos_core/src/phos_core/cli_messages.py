"""What commands say on stderr, each in one line."""

import contextlib
import logging
import re
import sys
import warnings
from collections.abc import Iterator

import click

__all__ = ["as_options", "count", "plain_messages", "say"]

SAYS = 'must|has|have|is|are|goes|takes|"'
"""What an error goes on with after the name of an argument at its beginning."""


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

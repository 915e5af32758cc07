"""What commands print: each thing in one line, of nothing but visible characters, read or not.

Names of files and what libraries say reach the terminal through `visible` or `json_text` alone: a
control sequence in them would else set its title, its colours or its clipboard.
"""

import codecs
import contextlib
import io
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TextIO, TypeVar, cast

import click

from phos_core.convolution import NOTICE
from phos_darkroom import LOGGERS
from phos_darkroom.shell.help import in_group

__all__ = [
    "Unfailing",
    "answer",
    "as_options",
    "count",
    "json_text",
    "log_to_stderr",
    "own_stdout",
    "plain_messages",
    "say",
    "say_what_click_refuses",
    "streams_in_order",
    "tell",
    "verbose_option",
    "visible",
]

Command = TypeVar("Command", bound=Callable[..., Any])
SAYS = "must|has|have|is|are|and|goes|takes"
"""What follows the name of an argument at the beginning of an error."""

MOST_CHARACTERS = 1000  # of a line: a name of 255 bytes and a reason, all of it escaped
INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: what moves, colours and commands a terminal
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidi: what shows another order than there is
    r"\u2028\u2029\ud800-\udfff]"  # ends of lines, and bytes of a name that are no text
)
OUTSIDE_JSON = re.compile(INVISIBLE.pattern.replace(r"\x00-\x1f", "", 1))


class Unfailing:
    """A stream that may have no reader any more: no failure of it ends the work.

    Parameters
    ----------
    stream : file object or None
        Such as `sys.stdout`, which is None where the process has none.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = io.StringIO() if stream is None else stream

    def write(self, text: str) -> int:
        """Write as much as can be written."""
        with self._silent_once_it_fails():
            _escape_what_it_cannot_hold(self._stream)
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with self._silent_once_it_fails():
            self._stream.flush()

    @contextlib.contextmanager
    def _silent_once_it_fails(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # a closed pipe, a full disk, a closed file
            _silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def verbose_option(command: Command) -> Command:
    """Give a command the option ``-v``, as its parameter `verbose`, for `log_to_stderr`."""
    return in_group(
        "Machine",
        "-v",
        "--verbose",
        is_flag=True,
        help="Say what is chosen and why, by which methods, in how many tiles, how long it takes.",
    )(command)


def visible(text: str, most_characters: int | None = MOST_CHARACTERS) -> str:
    r"""Write a text as a terminal can be given it: one line, of nothing but visible signs.

    Parameters
    ----------
    text : str
        A name, an error, what a library said.
    most_characters : int, optional
        Above this the middle gives way to ``…``: a name at the beginning and the reason at the
        end stay. None: all of it.

    Returns
    -------
    str
        The text with control characters, those of bidirectional text, ends of lines and surrogates
        as escapes, such as ``\x1b`` and ``\n``. All other Unicode stays.
    """
    shown = INVISIBLE.sub(lambda sign: sign[0].encode("unicode_escape").decode("ascii"), text)
    if most_characters is None or len(shown) <= most_characters:
        return shown
    tail = (most_characters - 1) // 2
    return f"{shown[: most_characters - 1 - tail]}…{shown[len(shown) - tail :]}"


def json_text(value: object, out: TextIO) -> str:
    """Write a value as JSON that a terminal can be given, for a stream of any encoding."""
    encoding = codecs.lookup(getattr(out, "encoding", None) or "utf-8").name
    text = json.dumps(value, indent=2, ensure_ascii=not encoding.startswith("utf"))
    return OUTSIDE_JSON.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def say(line: str) -> None:
    """Say something on stderr; `click.echo` would go past a progress bar and spoil it."""
    _say_as_it_is(f"phos: {visible(line)}")


def tell(line: object) -> None:
    """Write a result to stdout, whole, for programs too; if it is not read, the work continues."""
    print(visible(str(line), None), file=cast(TextIO, Unfailing(sys.stdout)), flush=True)


def answer(text: str, out: TextIO) -> None:
    """Write what was asked for, of `visible` lines or JSON.

    Raises
    ------
    OSError
        If it cannot be written: without it the command has done nothing.
    """
    _escape_what_it_cannot_hold(out)
    try:
        print(text, file=out, flush=True)
    except OSError as error:
        _silence(out)
        raise OSError(error.errno, error.strerror, "standard output") from error


def say_what_click_refuses(error: click.ClickException) -> None:
    """Say an error in one line; where a command was not understood, how it is called before it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        lines = error.format_message().split("\n")
    elif isinstance(error, click.UsageError):
        lines = [*_usage(error.ctx), f"Error: {error.format_message()}"]
    else:
        lines = [f"phos: {error.format_message()}"]
    for line in lines:
        _say_as_it_is(visible(line))


def _usage(ctx: click.Context | None) -> list[str]:
    if ctx is None:
        return []
    option = max(ctx.command.get_help_option_names(ctx), key=len)
    return [*ctx.get_usage().split("\n"), f"Try '{ctx.command_path} {option}' for help.", ""]


def _say_as_it_is(line: str) -> None:
    print(line, file=cast(TextIO, Unfailing(sys.stderr)), flush=True)


def _escape_what_it_cannot_hold(stream: TextIO | None) -> None:
    if isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
        stream.reconfigure(errors="backslashreplace")


def _silence(stream: TextIO) -> None:
    """Send all that a stream still gets, and what waits in it, nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        number, nowhere = stream.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


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
    An argument of one plain word, such as `light`, is one only where the error begins with it,
    quotes its value (``mode "colour"``), or ends a part with it (``name a paper in printing``).
    """
    for parameter in command.params:
        name = parameter.name
        if not name:
            continue
        shown = _at_the_shell(parameter)
        alone = rf"(?<![\w./-]){name}(?![\w./-])"
        message = re.sub(rf'{alone}(?:="?| ")([^\s",;()]+)"?', rf"{shown} \1", message)
        where = alone if "_" in name else rf"^{name}(?= (?:{SAYS}))|(?<= in ){name}(?=,|$)"
        message = re.sub(where, shown, message)
    return message


def _at_the_shell(parameter: click.Parameter) -> str:
    """What a user types for a parameter: its longest option, or what the usage line calls it."""
    if isinstance(parameter, click.Argument):
        return (parameter.metavar or str(parameter.name).upper()).rstrip(".")
    return max(parameter.opts, key=len)


@contextlib.contextmanager
def plain_messages() -> Iterator[None]:
    """Show warnings as one line each, and what libraries log where no other handler takes it.

    What tifffile logs is left to our own errors.
    """
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    before, logging.lastResort = logging.lastResort, _ToStderr(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: say(f"warning: {message}")
            yield
    finally:
        logging.lastResort = before


class _ToStderr(logging.Handler):
    """Says each line once: pictures, tiles and processes repeat what is true of all."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        try:
            line = prefix + record.getMessage()
        except Exception:  # noqa: BLE001 - a library's arguments may not fit its own message
            line = f"{prefix}{record.msg}"
        if line not in self._said:
            self._said.add(line)
            say(line)


@contextlib.contextmanager
def log_to_stderr(*, verbose: bool) -> Iterator[None]:
    """Show what phos logs on stderr: without `verbose` only what is amiss, or said once."""
    handler = _ToStderr()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO if verbose else NOTICE)
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextlib.contextmanager
def own_stdout() -> Iterator[TextIO]:
    """Give what a command writes its answer to; all that libraries print goes to stderr.

    What a library printed may come out when the process ends, so the descriptor stays there.
    """
    out = io.StringIO() if sys.stdout is None else _moved_stdout()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield out
    finally:
        if out is not sys.stdout:
            out.close()


@contextlib.contextmanager
def streams_in_order() -> Iterator[None]:
    """Let others print too, click and plug-ins: any sign on any terminal, and all of it at the end.

    Raises
    ------
    OSError
        If what waits on stdout at the end cannot be written.
    """
    for stream in (sys.stdout, sys.stderr):
        _escape_what_it_cannot_hold(stream)
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _silence(sys.stdout)  # else Python tries again when it ends, and prints a traceback
        raise
    finally:
        Unfailing(sys.stderr).flush()


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

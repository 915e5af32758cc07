"""TOML as it comes from strangers: read in bounded memory, refused in one sentence."""

import errno
import stat
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["parse", "read"]

LIMIT_BYTES = 1 << 20  # no film, preset or sidecar comes near it


def read(path: Path, what: str) -> str:
    """Read a file's text.

    Parameters
    ----------
    path : Path
        A regular file: a pipe or a device might never end.
    what : str
        What it is to be, for an error.

    Returns
    -------
    str
        Its text, lines ending in a line feed.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file; its `strerror` says why.
    ValueError
        If it is larger than 1 MiB or is not UTF-8 text; the message goes on from its name.
    """
    if not stat.S_ISREG(_mode(path)):
        kind = "a folder" if path.is_dir() else "a pipe or a device"
        raise OSError(errno.EINVAL, f"it must be a regular file, and is {kind}")
    with path.open("rb") as file:
        content = file.read(LIMIT_BYTES + 1)
    if len(content) > LIMIT_BYTES:
        raise ValueError(f"is no {what}: it is larger than 1 MiB")
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ValueError("is no TOML: it is not UTF-8 text") from error


def parse(text: str) -> dict[str, Any]:
    """Read TOML.

    Parameters
    ----------
    text : str
        The file's text.

    Returns
    -------
    dict of str to Any
        Its tables.

    Raises
    ------
    ValueError
        If it is no TOML; the message says where it goes wrong.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:  # of a whole number of thousands of digits
        raise ValueError("a number in it has too many digits") from error


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except ValueError as error:  # a null character, which no name of a file can hold
        raise OSError(errno.EINVAL, "its name is no name of a file") from error

"""What goes wrong while a picture is read: the file's fault or the machine's, each in one line."""

import contextlib
import errno
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from phos_core.errors import ImageFileError

__all__ = ["DAMAGE", "DamageError", "check_is_file", "one_clear_error", "read_through"]

DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow's, for a header it cannot read
    EOFError,
    RuntimeError,  # every codec's error in imagecodecs, and RecursionError
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,  # of a size that no check of ours foresaw
    struct.error,
    zlib.error,
)
"""Wide on purpose: behind it stand parsers that were written for good files."""

_SPECIAL_FILES = (
    (stat.S_ISDIR, "is a folder, not a picture"),
    (
        stat.S_ISFIFO,
        "is a pipe, and a picture is read more than once, from its beginning: save it to a file "
        "first",
    ),
    (stat.S_ISSOCK, "is a socket, not a picture"),
    (stat.S_ISCHR, "is a device, not a picture"),
    (stat.S_ISBLK, "is a device, not a picture"),
)
_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist: what stands before its name is no folder",
    errno.EISDIR: "is a folder, not a picture",
    errno.EACCES: "may not be read: permission denied",
    errno.EPERM: "may not be read: permission denied",
    errno.ELOOP: "cannot be read: its links run in a circle",
    errno.ENAMETOOLONG: "cannot be read: its name is longer than the file system allows",
    errno.EMFILE: "cannot be read: too many files are open",
    errno.ENFILE: "cannot be read: too many files are open",
    errno.ENOMEM: "cannot be read: there is not enough memory",
    errno.EIO: "cannot be read: input/output error, of the disk or the network that it lies on",
}
_PART_BYTES = 2**20


class DamageError(ValueError):
    """A file that is not what it claims to be, in words for whoever sent it; without its name."""


def check_is_file(path: Path) -> None:
    """Refuse what is no regular file before it is opened: opening a pipe may wait for ever.

    Parameters
    ----------
    path : Path
        What is to be read; links are followed.

    Raises
    ------
    ImageFileError
        If it is a folder, a pipe, a socket or a device, or no name of a file.
    OSError
        If there is no such file.
    """
    if "\0" in str(path):
        raise ImageFileError(f"{str(path)!r} is no name of a file: it holds a zero byte")
    mode = path.stat().st_mode
    for is_one, said in _SPECIAL_FILES:
        if is_one(mode):
            raise ImageFileError(f"{path} {said}")


UNDECODABLE = "damaged or cut short: it cannot be decoded"


@contextlib.contextmanager
def one_clear_error(path: Path, undecodable: str = UNDECODABLE) -> Iterator[None]:
    """Turn what goes wrong while reading into one line that names the file and the true cause.

    Parameters
    ----------
    path : Path
        The file.
    undecodable : str
        What the file is if a library cannot read it and phos does not know why.

    Raises
    ------
    ImageFileError
        In place of all that a reader or its library raises. A library's own words are the
        error's cause, and not a part of its line.
    """
    try:
        yield
    except ImageFileError:
        raise
    except DamageError as error:
        raise ImageFileError(f"{path} is damaged or cut short: {error}") from error
    except MemoryError as error:
        raise ImageFileError(f"{path} {_REASONS[errno.ENOMEM]}") from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            said = _REASONS.get(error.errno, f"cannot be read: {error.strerror}")
            raise ImageFileError(f"{path} {said}") from error
        raise ImageFileError(f"{path} is {undecodable}") from error


def read_through(path: Path) -> None:
    """Read a file and keep nothing: the disk's error comes out, if it was one.

    Parameters
    ----------
    path : Path
        A file that a library opened by its name and could not read.

    Raises
    ------
    OSError
        If the disk, not the picture, is at fault.
    """
    with path.open("rb") as file:
        while file.read(_PART_BYTES):
            pass

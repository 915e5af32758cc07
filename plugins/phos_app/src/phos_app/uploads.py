"""Uploads: files under a name that somebody gave them, and the pictures in them."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from phos_core.errors import PhosError
from phos_darkroom import SUFFIXES, Picture, RawSettings, load_preset, read_picture

__all__ = [
    "Upload",
    "UploadError",
    "ending_of",
    "named_alone",
    "open_picture",
    "positive_name",
    "settings_in",
    "written_as",
]

INSTEAD = ".tif"  # of what is read but not written: it holds 16 bits and all metadata
UNSAFE = re.compile(r"[^\w .()+-]")
LONGEST_NAME = 80
ENDING = re.compile(r"\.[a-z0-9]{1,5}")


class UploadError(PhosError):
    """What came cannot be used; the message is one sentence for the person who sent it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came from a browser.

    Parameters
    ----------
    key : str
        Tells it from every other upload.
    name : str
        What it was called there. It is shown, and never made a path.
    path : Path
        Where it lies, in the server's temporary folder, under a name of ours.
    """

    key: str
    name: str
    path: Path


def open_picture(upload: Upload, raw: RawSettings | None = None) -> Picture:
    """Read the picture in an upload.

    Parameters
    ----------
    upload : Upload
        What came.
    raw : RawSettings, optional
        How a camera's raw file becomes light.

    Returns
    -------
    Picture
        As `read_picture` reads it.

    Raises
    ------
    UploadError
        If it is none, damaged, or too large.
    """
    with named_alone(upload.path, upload.name):
        return read_picture(upload.path, raw=raw)


def settings_in(path: Path, name: str) -> dict[str, Any]:
    """Read the settings in a file that came: a preset, or a sidecar.

    Parameters
    ----------
    path : Path
        Where it lies.
    name : str
        What it was called.

    Returns
    -------
    dict of str to Any
        Keywords of `Recipe`.

    Raises
    ------
    UploadError
        If there are none in it, or wrong ones.
    """
    with named_alone(path, name):
        return load_preset(path)


@contextlib.contextmanager
def named_alone(path: Path, name: str) -> Iterator[None]:
    """Let errors name a file as its owner does, never by the place where it lies here."""
    try:
        yield
    except PhosError as error:
        raise UploadError(str(error).replace(str(path), name)) from error
    except MemoryError as error:
        raise UploadError(f"{name} needs more memory than there is") from error


def positive_name(name: str, film: str, suffix: str | None = None) -> str:
    """Name the positive of an upload.

    Parameters
    ----------
    name : str
        What the upload was called.
    film : str
        The stock.
    suffix : str, optional
        The ending, one of `SUFFIXES`; by default the upload's, or ``.tif`` where that is not
        written.

    Returns
    -------
    str
        A file's name without anything that could lead out of a folder.
    """
    return f"{safe_stem(name)}-{UNSAFE.sub('_', film)}{suffix or written_as(name)}"


def safe_stem(name: str) -> str:
    """What an upload was called, without its ending and what could lead out of a folder."""
    base = PureWindowsPath(PurePosixPath(name).name).name
    return UNSAFE.sub("_", PurePosixPath(base).stem).strip(" .")[:LONGEST_NAME] or "picture"


def written_as(name: str) -> str:
    """The ending of a positive in the format of its upload."""
    ending = ending_of(name)
    return ending if ending in SUFFIXES else INSTEAD


def ending_of(name: str) -> str:
    """The ending of an upload if it is letters and digits: a camera's raw file is known by it."""
    ending = PurePosixPath(name.lower()).suffix
    return ending if ENDING.fullmatch(ending) else ""

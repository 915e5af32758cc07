"""Uploads: bytes under a name that somebody gave them, and the pictures in them."""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from phos_app.limits import PICTURES, TOTAL_MIB, UPLOAD_MIB
from phos_core.errors import PhosError
from phos_darkroom import SUFFIXES, Picture, load_preset, read_picture

__all__ = [
    "Upload",
    "UploadError",
    "check_all",
    "named_alone",
    "on_disk",
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
    content : bytes
        Its bytes.
    """

    key: str
    name: str
    content: bytes = field(repr=False, compare=False)


def check_all(uploads: Sequence[Upload]) -> None:
    """Refuse more than the darkroom takes.

    Parameters
    ----------
    uploads : sequence of Upload
        All files of a session.

    Raises
    ------
    UploadError
        If they are too many or too large.
    """
    for upload in uploads:
        if len(upload.content) > UPLOAD_MIB << 20:
            raise UploadError(f"{upload.name} is larger than {UPLOAD_MIB} MiB")
    if len(uploads) > PICTURES:
        raise UploadError(
            f"a roll has {PICTURES} pictures at most here, got {len(uploads)}; "
            "phos develop takes any number"
        )
    if sum(len(upload.content) for upload in uploads) > TOTAL_MIB << 20:
        raise UploadError(
            f"the pictures together are larger than {TOTAL_MIB} MiB; phos develop takes any size"
        )


@contextlib.contextmanager
def on_disk(upload: Upload) -> Iterator[Path]:
    """Give an upload as a file, alone in a folder that vanishes afterwards.

    Parameters
    ----------
    upload : Upload
        What came.

    Yields
    ------
    Path
        Named by us; only an ending of letters and digits is the upload's own, because a camera's
        raw file is known by it.
    """
    with tempfile.TemporaryDirectory(prefix="phos-app-") as folder:
        source = Path(folder) / f"upload{_ending(upload.name)}"
        source.write_bytes(upload.content)
        with named_alone(source, upload.name):
            yield source


def open_picture(upload: Upload) -> Picture:
    """Read the picture in an upload.

    Parameters
    ----------
    upload : Upload
        What came.

    Returns
    -------
    Picture
        As `read_picture` reads it.

    Raises
    ------
    UploadError
        If it is none, damaged, or too large.
    """
    with on_disk(upload) as source:
        return read_picture(source)


def settings_in(upload: Upload) -> dict[str, Any]:
    """Read the settings in an upload: a preset, or a sidecar.

    Parameters
    ----------
    upload : Upload
        What came.

    Returns
    -------
    dict of str to Any
        Keywords of `Recipe`.

    Raises
    ------
    UploadError
        If there are none in it, or wrong ones.
    """
    with on_disk(replace(upload, name="settings.toml")) as source, named_alone(source, upload.name):
        return load_preset(source)


@contextlib.contextmanager
def named_alone(path: Path, name: str) -> Iterator[None]:
    """Let errors name a file as its owner does, never by the place where it lies here."""
    try:
        yield
    except PhosError as error:
        raise UploadError(str(error).replace(str(path), name)) from error
    except MemoryError as error:
        raise UploadError(f"{name} needs more memory than there is") from error


def positive_name(upload: Upload, film: str, suffix: str | None = None) -> str:
    """Name the positive of an upload.

    Parameters
    ----------
    upload : Upload
        What came.
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
    base = PureWindowsPath(PurePosixPath(upload.name).name).name
    stem = UNSAFE.sub("_", PurePosixPath(base).stem).strip(" .")[:LONGEST_NAME] or "picture"
    return f"{stem}-{UNSAFE.sub('_', film)}{suffix or written_as(upload)}"


def written_as(upload: Upload) -> str:
    """The ending of a positive in the format of its upload."""
    ending = _ending(upload.name)
    return ending if ending in SUFFIXES else INSTEAD


def _ending(name: str) -> str:
    ending = PurePosixPath(name.lower()).suffix
    return ending if ENDING.fullmatch(ending) else ""

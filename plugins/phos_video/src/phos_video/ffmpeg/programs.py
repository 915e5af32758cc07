"""The user's own ffmpeg and ffprobe: where they are, what they can do, how they are asked."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from phos_video.errors import VideoError

__all__ = [
    "Programs",
    "answer_and_words_of",
    "answer_of",
    "file_url",
    "find_programs",
    "last_words",
]

OLDEST = (4, 4)
NEWEST = (999, 0)  # a build between releases says no number
GET_IT = (
    "install it (Debian: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install"
    " ffmpeg; or https://ffmpeg.org/download.html), or say where it is (--ffmpeg)"
)
QUIET = ("-hide_banner", "-loglevel", "error")
LOCAL = ("-protocol_whitelist", "file,pipe")
"""Input options that keep a file from making ffmpeg open anything but files."""

MOST_CHARACTERS = 400  # of what a program said
ADDRESS = re.compile(r" @ 0x[0-9a-f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """An ffmpeg, its ffprobe, and what they can do.

    Parameters
    ----------
    ffmpeg, ffprobe : str
        Where they are.
    version : tuple of int
        Major and minor number of the release; a build between releases counts as newest.
    encoders, filters : frozenset of str
        The names of those that this build has.
    """

    ffmpeg: str
    ffprobe: str
    version: tuple[int, int]
    encoders: frozenset[str]
    filters: frozenset[str]

    @property
    def passthrough(self) -> tuple[str, str]:
        """The output option that keeps every frame and its time."""
        return ("-fps_mode" if self.version >= (5, 1) else "-vsync", "passthrough")


def find_programs(ffmpeg: str | os.PathLike[str] | None = None) -> Programs:
    """Find ffmpeg and ffprobe, and ask what they can do.

    Parameters
    ----------
    ffmpeg : path, optional
        The program, or the folder that it is in; ffprobe lies beside it, or on the path. Without
        it both are looked for on the path.

    Returns
    -------
    Programs

    Raises
    ------
    VideoError
        If one of them is not there, does not run, or is older than 4.4.
    """
    own = None if ffmpeg is None else _given(Path(ffmpeg))
    found = own or shutil.which("ffmpeg")
    if found is None:
        raise VideoError(f"ffmpeg is not on the path: {GET_IT}")
    beside = shutil.which("ffprobe", path=str(Path(found).parent))
    probe = beside or shutil.which("ffprobe")
    if probe is None:
        raise VideoError(f"there is no ffprobe beside {found} or on the path: {GET_IT}")
    return _asked(found, probe)


def _given(path: Path) -> str:
    if path.is_dir():
        found = shutil.which("ffmpeg", path=str(path))
        if found is None:
            raise VideoError(f"--ffmpeg {path}: there is no ffmpeg in this folder")
        return found
    found = shutil.which(str(path))
    if found is None:
        reason = "it cannot be run" if path.exists() else "there is nothing there"
        raise VideoError(f"--ffmpeg {path}: {reason}")
    return found


@lru_cache(maxsize=8)
def _asked(ffmpeg: str, ffprobe: str) -> Programs:
    version = _version_of(ffmpeg)
    _version_of(ffprobe)
    if version < OLDEST:
        number = ".".join(map(str, version))
        raise VideoError(f"{ffmpeg} is of version {number}; 4.4 or later is needed: {GET_IT}")
    return Programs(
        ffmpeg=ffmpeg,
        ffprobe=ffprobe,
        version=version,
        encoders=_listed(ffmpeg, "-encoders"),
        filters=_listed(ffmpeg, "-filters"),
    )


def _version_of(program: str) -> tuple[int, int]:
    said = answer_of([program, "-version"], f"{program} does not run").decode("utf-8", "replace")
    if not said.startswith(("ffmpeg", "ffprobe")):
        raise VideoError(f"{program} is no ffmpeg: it calls itself {said[:60]!r}")
    number = re.match(r"\w+ version n?(\d{1,2})\.(\d+)", said)
    return (int(number[1]), int(number[2])) if number else NEWEST


def _listed(ffmpeg: str, what: str) -> frozenset[str]:
    said = answer_of([ffmpeg, "-hide_banner", what], f"{ffmpeg} does not list its {what[1:]}")
    lines = said.decode("utf-8", "replace").splitlines()
    words = [line.split() for line in lines]
    return frozenset(row[1] for row in words if len(row) > 2 and row[1] != "=")


def answer_of(command: Sequence[str], trouble: str) -> bytes:
    """Run a program to its end and give what it printed.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    trouble : str
        How the error begins if it fails.

    Returns
    -------
    bytes

    Raises
    ------
    VideoError
        If it does not start, or ends with an error; with its own last words.
    """
    return answer_and_words_of(command, trouble)[0]


def answer_and_words_of(command: Sequence[str], trouble: str) -> tuple[bytes, str]:
    """As `answer_of`, with what the program complained of besides."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise VideoError(f"{trouble}: {error.strerror or error}") from error
    if done.returncode:
        raise VideoError(f"{trouble}: {last_words(done.stderr)}")
    return done.stdout, done.stderr.decode("utf-8", "replace")


def last_words(said: bytes) -> str:
    """What a program complained of, in one line: first what is mostly the cause, and the end."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    text = ADDRESS.sub("", "; ".join(dict.fromkeys(line for line in lines if line)))
    if len(text) > MOST_CHARACTERS:
        text = f"{text[: MOST_CHARACTERS // 2]} … {text[-MOST_CHARACTERS // 2 :]}"
    return text or "it said nothing"


def file_url(path: str | os.PathLike[str]) -> str:
    """How a file is named to ffmpeg: never an option, a protocol or a device, whatever its name."""
    return f"file:{os.fspath(path)}"

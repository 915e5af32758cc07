"""Desk: what one window has before it. Its pictures lie in the temporary folder."""

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from phos_app.jobs import Job
from phos_app.limits import DESKS, IDLE_HOURS, PICTURES, TOTAL_MIB
from phos_app.uploads import Upload, UploadError, ending_of
from phos_darkroom import Picture, RawSettings

__all__ = ["Desk", "Desks", "Frame", "facts_of"]

MAKER, CAMERA, TAKEN = 0x010F, 0x0110, 0x0132
DETAILS, SHUTTER, APERTURE, ISO, FOCAL, LENS = 0x8769, 0x829A, 0x829D, 0x8827, 0x920A, 0xA434
LONGEST_FACT = 80
LARGEST_FACT = 1e7
SLOW_S = 0.3  # a shutter time from which on it is said in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture on a desk, as its page knows it.

    Parameters
    ----------
    upload : Upload
        The file.
    status : {"ready", "failed"}
        Whether it was read.
    error : str
        Why not, in one sentence.
    rows, cols, bits : int
        Of its pixels; 0 where it was not read.
    size_bytes : int
        Of the file.
    facts : dict of str to str
        What its camera says of it.
    is_raw : bool
        Whether it is a camera's raw file.
    raw : RawSettings or None
        How that becomes light; None: by the defaults.
    """

    upload: Upload
    status: Literal["ready", "failed"]
    error: str = ""
    rows: int = 0
    cols: int = 0
    bits: int = 0
    size_bytes: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    is_raw: bool = False
    raw: RawSettings | None = None

    def told(self) -> dict[str, Any]:
        """Give it as the page is told."""
        return {
            "id": self.upload.key,
            "name": self.upload.name,
            "status": self.status,
            "error": self.error,
            "rows": self.rows,
            "cols": self.cols,
            "bits": self.bits,
            "bytes": self.size_bytes,
            "facts": self.facts,
            "is_raw": self.is_raw,
        }


class Desk:
    """What one window has before it.

    Parameters
    ----------
    place : Path
        A folder of its own.
    """

    def __init__(self, place: Path) -> None:
        self.key = secrets.token_urlsafe(12)
        self.folder = place / f"desk-{self.key}"
        self.folder.mkdir(mode=0o700)
        self.frames: dict[str, Frame] = {}
        self.state: dict[str, Any] = {}
        self.jobs: list[Job] = []
        self.coming = 0
        self.used = time.monotonic()

    @property
    def pictures(self) -> int:
        """How many of its files are pictures."""
        return sum(frame.status == "ready" for frame in self.frames.values())

    def touch(self) -> None:
        """Note that somebody looks at it."""
        self.used = time.monotonic()

    def new_upload(self, name: str) -> Upload:
        """Give a place to a file that is coming.

        Raises
        ------
        UploadError
            If the roll is full.
        """
        if len(self.frames) + self.coming >= PICTURES:
            raise UploadError(
                f"a roll has {PICTURES} pictures at most here; phos develop takes any number"
            )
        key = secrets.token_urlsafe(9)
        return Upload(key, name, self.folder / f"{key}{ending_of(name)}")

    def remove(self, key: str) -> None:
        """Take a picture off the desk."""
        frame = self.frames.pop(key)
        frame.upload.path.unlink(missing_ok=True)

    def told(self) -> dict[str, Any]:
        """Give it as the page is told."""
        frames = [frame.told() for frame in self.frames.values()]
        return {"id": self.key, "frames": frames, "state": self.state}


class Desks:
    """The desks of all windows; those that nobody uses go.

    Parameters
    ----------
    place : Path
        Where their folders are made.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._desks: dict[str, Desk] = {}

    def __iter__(self) -> Iterator[Desk]:
        """All desks."""
        return iter(tuple(self._desks.values()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._desks)

    def new(self) -> Desk:
        """Make a desk; there has to be room for it."""
        desk = Desk(self._place)
        self._desks[desk.key] = desk
        return desk

    def find(self, key: str) -> Desk:
        """Give a desk that is there, or raise `KeyError`."""
        desk = self._desks[key]
        desk.touch()
        return desk

    def idle(self) -> list[Desk]:
        """List the desks that nobody has looked at for hours."""
        latest = time.monotonic() - 3600 * IDLE_HOURS
        return [desk for desk in self if desk.used < latest]

    def in_the_way(self) -> list[Desk]:
        """List the desks that are to go, so that there is room for a new one."""
        ordered = sorted(self, key=lambda desk: (bool(desk.frames), desk.used))
        return ordered[: max(0, len(ordered) - DESKS + 1)]

    def remove(self, desk: Desk) -> None:
        """Clear a desk away."""
        del self._desks[desk.key]
        shutil.rmtree(desk.folder, ignore_errors=True)

    def room_bytes(self) -> int:
        """How much may still come to all desks together."""
        held = sum(_bytes_below(desk.folder) for desk in self)
        return (TOTAL_MIB << 20) - held


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # it has just gone
            total += path.stat().st_size
    return total


def facts_of(picture: Picture) -> dict[str, str]:
    """Give what a picture's camera says of it, as plain text; nothing where it is silent.

    Parameters
    ----------
    picture : Picture
        What was read.

    Returns
    -------
    dict of str to str
        Of "camera", "lens", "taken", "shutter", "aperture", "iso" and "focal" what is known.
    """
    from PIL import Image

    if picture.metadata.exif is None:
        return {}
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + picture.metadata.exif)
        tags, details = dict(exif), dict(exif.get_ifd(DETAILS))
    except Exception:  # noqa: BLE001 - a stranger's file may say anything
        return {}
    maker, camera = _text(tags.get(MAKER)), _text(tags.get(CAMERA))
    seconds, stop = _number(details.get(SHUTTER)), _number(details.get(APERTURE))
    iso, focal = _number(details.get(ISO)), _number(details.get(FOCAL))
    is_named = camera.lower().startswith(maker.lower().split(" ")[0])
    told = {
        "camera": camera if is_named else f"{maker} {camera}".strip(),
        "lens": _text(details.get(LENS)),
        "taken": _text(tags.get(TAKEN)),
        "shutter": _shutter(seconds) if seconds else "",
        "aperture": f"f/{stop:.3g}" if stop else "",
        "iso": f"{iso:g}" if iso else "",
        "focal": f"{focal:.3g} mm" if focal else "",
    }
    return {name: fact for name, fact in told.items() if fact}


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value if letter.isprintable()).strip()[:LONGEST_FACT]


def _number(value: object) -> float:
    """A number that is of use, or 0."""
    first = value[0] if isinstance(value, tuple) and value else value
    try:
        number = float(first)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if 0.0 < number < LARGEST_FACT else 0.0


def _shutter(seconds: float) -> str:
    return f"1/{1.0 / seconds:.0f} s" if seconds < SLOW_S else f"{seconds:.3g} s"

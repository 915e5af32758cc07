"""Desk: what one window has before it. Its pictures lie in the temporary folder."""

import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from phos_app.limits import DESKS, IDLE_HOURS, PICTURES, TOTAL_MIB
from phos_app.uploads import Upload, UploadError, ending_of
from phos_darkroom import Picture

__all__ = ["Desk", "Desks", "Frame", "facts_of"]

MADE = {0x010F: "maker", 0x0110: "camera", 0x0132: "taken"}
TAKEN = {0x829A: "shutter_s", 0x829D: "f_number", 0x8827: "iso", 0x920A: "focal_mm"}
EXIF_DETAILS = 0x8769
LONGEST_FACT = 80


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
    facts : dict of str to str or float
        What its camera says of it.
    """

    upload: Upload
    status: Literal["ready", "failed"]
    error: str = ""
    rows: int = 0
    cols: int = 0
    bits: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

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
            "facts": self.facts,
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

    def outdated(self) -> list[Desk]:
        """List the desks that are to go, so that there is room for a new one."""
        latest = time.monotonic() - 3600 * IDLE_HOURS
        idle = [desk for desk in self if desk.used < latest]
        others = [desk for desk in self if desk.used >= latest]
        others.sort(key=lambda desk: (bool(desk.frames), desk.used))
        return [*idle, *others[: max(0, len(others) - DESKS + 1)]]

    def remove(self, desk: Desk) -> None:
        """Clear a desk away."""
        del self._desks[desk.key]
        shutil.rmtree(desk.folder, ignore_errors=True)

    def room_bytes(self) -> int:
        """How much may still come to all desks together."""
        paths = (path for desk in self for path in desk.folder.iterdir())
        return (TOTAL_MIB << 20) - sum(path.stat().st_size for path in paths)


def facts_of(picture: Picture) -> dict[str, Any]:
    """Give what a picture's camera says of it: plain text and numbers, nothing where it is silent.

    Parameters
    ----------
    picture : Picture
        What was read.

    Returns
    -------
    dict of str to str or float
        Of "maker", "camera", "taken", "shutter_s", "f_number", "iso" and "focal_mm" what is known.
    """
    from PIL import Image

    if picture.metadata.exif is None:
        return {}
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + picture.metadata.exif)
        told = {name: exif.get(tag) for tag, name in MADE.items()}
        details = exif.get_ifd(EXIF_DETAILS)
        told |= {name: details.get(tag) for tag, name in TAKEN.items()}
    except Exception:  # noqa: BLE001 - a stranger's file may say anything
        return {}
    return {name: fact for name, value in told.items() if (fact := _fact(value)) is not None}


def _fact(value: object) -> str | float | None:
    if isinstance(value, str):
        text = "".join(letter for letter in value if letter.isprintable()).strip()
        return text[:LONGEST_FACT] or None
    if isinstance(value, tuple):
        value = value[0] if value else None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 0 < number < 1e9 else None

"""Looking for the pictures of a roll: in folders, behind patterns, and what refuses it."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePath

from phos_darkroom.files.paths import is_file, is_folder
from phos_darkroom.settings.sidecar import has_one

__all__ = ["DEVELOPED", "Found", "Search", "is_pattern", "natural_key", "without_doubles"]

DEVELOPED = "developed"
"""The folder for positives in a roll's own folder, where no other is given."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file, its path under the folder that was given, and that folder itself.

    `in_roll` says whether a folder was given, and not the file or a pattern.
    """

    path: Path
    name: PurePath
    folder: PurePath
    in_roll: bool = False

    @property
    def root(self) -> Path:
        """The folder that `name` is seen from, as it was given."""
        return self.path.parents[len(self.name.parts) - 1]

    def grain_name(self, folders: int) -> PurePath:
        """The path under the folder given, and so many folders at least."""
        above = self.folder.relative_to(self.folder.anchor).parts
        missing = max(0, folders + 1 - len(self.name.parts))
        return PurePath(*above[max(0, len(above) - missing) :], self.name)


@dataclass(frozen=True, slots=True)
class Search:
    """How files, folders and patterns are looked through, and which folders refuse it.

    `output` is passed over; None: the folder `DEVELOPED` in each folder given is.
    """

    output: Path | None
    recursive: bool
    refused: list[tuple[Path, str]] = field(default_factory=list)

    def found(self, source: Path) -> Iterator[Found]:
        """Give the pictures of a file, a folder or a pattern."""
        wanted: tuple[str, ...] = ("**", "*") if self.recursive else ("*",)
        if is_folder(source):
            start = source
        elif is_pattern(source):
            start, wanted = _apart(source)
        else:
            folder = PurePath(os.path.realpath(source.parent))
            yield Found(source, PurePath(source.name), folder)
            return
        refused_before = len(self.refused)
        pictures = list(self._under(start, wanted, in_roll=start == source))
        if not pictures and len(self.refused) == refused_before:
            raise ValueError(f"there is no picture to develop in {source}")
        yield from sorted(pictures, key=lambda file: natural_key(file.name))

    def refusals(self) -> str:
        """Why there may be no picture, to stand after that."""
        return "".join(f"; {folder} cannot be read: {why}" for folder, why in self.refused)

    def _under(self, start: Path, wanted: Sequence[str], *, in_roll: bool) -> Iterator[Found]:
        """Give the pictures in a folder whose path in it is as wanted."""
        folder = PurePath(os.path.realpath(start))
        earlier = os.path.realpath(self.output or start / DEVELOPED)
        for parent, folders, names in os.walk(start, onerror=self._refuse, followlinks=True):
            inside = PurePath(parent).relative_to(start)
            # Links to folders are followed where a pattern says how deep, so that none is endless.
            links = "**" not in wanted[: len(inside.parts) + 1]
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".")
                and _leads_to((*inside.parts, name), wanted)
                and (links or not Path(parent, name).is_symlink())
                and os.path.realpath(Path(parent, name)) != earlier
            ]
            for name in names:
                if _fits((inside / name).parts, wanted) and _is_picture(Path(parent, name)):
                    yield Found(Path(parent, name), inside / name, folder, in_roll)

    def _refuse(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            self.refused.append((Path(error.filename), error.strerror or str(error)))


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a path is as a pattern wants it, part by part; ``**`` stands for any folders."""
    if not wanted:
        return not parts
    first, *others = wanted
    if first == "**":
        return any(_fits(parts[skipped:], others) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], first) and _fits(parts[1:], others)


def _leads_to(folders: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether what lies in a folder may be as a pattern wants it."""
    if not wanted:
        return False
    first, *others = wanted
    if first == "**":
        return True
    if not fnmatch(folders[0], first):
        return False
    return _leads_to(folders[1:], others) if folders[1:] else bool(others)


def is_pattern(source: Path) -> bool:
    """Whether a path is a pattern such as ``roll/*.jpg``, and no file that is called so."""
    return glob.has_magic(str(source)) and not os.path.lexists(source)


def _apart(pattern: Path) -> tuple[Path, tuple[str, ...]]:
    """Part a pattern into the folder before its first special part, and the rest."""
    parts = pattern.parts
    special = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:special]), parts[special:]


def _is_picture(path: Path) -> bool:
    """Whether it is a picture to develop: neither hidden, nor a positive of ours."""
    from phos_darkroom.files.image_files import READABLE

    if path.name.startswith(".") or path.suffix.lower() not in READABLE:
        return False
    return is_file(path) and not has_one(path)


def natural_key(name: PurePath) -> list[list[str | int]]:
    """Sort key of a path as people count: frame 2 before frame 10, whatever their capitals."""
    return [
        [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", part)]
        for part in (*(part.casefold() for part in name.parts), *name.parts)
    ]


def without_doubles(found: Iterable[Found]) -> list[Found]:
    """Each file once, where it was named first."""
    unique: dict[str, Found] = {}
    for file in found:
        unique.setdefault(os.path.realpath(file.path), file)
    return list(unique.values())

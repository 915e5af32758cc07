"""Which pictures a roll has, and where each goes."""

import glob
import os
import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import TypeAlias

from phos_core.film import Film
from phos_core.recipe import Recipe, checked_recipe
from phos_core.sidecar import path_for

__all__ = ["NAME", "Frame", "Paths", "frame_seed", "frames_of", "natural_key"]

Paths: TypeAlias = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

NAME = "{parent}/{stem}{suffix}"
FIELDS = ("stem", "suffix", "film", "seed", "n", "parent")
SEED_BYTES = 4
INSTEAD = ".tif"  # of an ending that is read but not written; it holds 16 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture of a roll.

    Parameters
    ----------
    source, destination : Path
        The picture's file, and its positive's.
    recipe : Recipe
        How it is developed; its seed is the frame's own.
    """

    source: Path
    destination: Path
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class _Found:
    """A file, and its path under the folder that was given."""

    path: Path
    name: PurePath


def frames_of(
    sources: Paths,
    output: str | os.PathLike[str],
    recipe: Recipe,
    *,
    name: str | None = None,
    recursive: bool = False,
) -> tuple[Frame, ...]:
    """Find the pictures of a roll, in their order, and say where each goes.

    Parameters
    ----------
    sources : path, or iterable of paths
        Files, folders, and patterns such as ``"2026/**/*.jpg"``. In a folder and behind a pattern
        hidden files, sidecars, positives that have a sidecar, and what cannot be read are passed
        over, and so is the output folder.
    output : path
        A file for one file; else a folder, where the structure under each folder is kept.
    recipe : Recipe
        How they are developed. In a folder, each frame gets a seed of its own by `frame_seed`.
    name : str, optional
        Of a file in the output folder, with the fields ``{stem}``, ``{suffix}``, ``{film}``,
        ``{seed}`` (the roll's), ``{n}`` (1 for the first) and ``{parent}``; by default as the
        source is called.
    recursive : bool
        Whether the folders in a folder are looked through too.

    Returns
    -------
    tuple of Frame
        In the order given; within a folder by name, "2" before "10".

    Raises
    ------
    ImageFileError
        If a file's ending cannot be written.
    ValueError
        If there is no picture, the name has an unknown field or leaves the folder, two would go
        to one place, or one would go where another comes from.
    """
    checked_recipe(recipe)
    given = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    output = Path(output)
    if len(given) == 1 and _is_file_for(output, Path(given[0])):
        return (_single(Path(given[0]), output, recipe, name),)
    found = _without_doubles(
        file for source in given for file in _found(Path(source), output, recursive)
    )
    if not found:
        raise ValueError("there is no picture to develop")
    _refuse_file(output, len(found))
    frames = [
        Frame(
            source=file.path,
            destination=output / _named(name or NAME, file.name, recipe, number),
            recipe=replace(recipe, seed=frame_seed(recipe.seed, file.name)),
        )
        for number, file in enumerate(found, start=1)
    ]
    _check_places(frames)
    return tuple(frames)


def frame_seed(seed: int, name: str | PurePath) -> int:
    """Derive the seed of a frame, so that the frames of a roll do not share grain.

    Parameters
    ----------
    seed : int
        The roll's.
    name : str or PurePath
        The picture's file name, with its path under the folder that was given.

    Returns
    -------
    int
        From 0 to 2**32 - 1. It depends on nothing else: a frame that is developed again, alone or
        in another order, keeps its grain.
    """
    # Some file systems spell é in one character and some in two.
    spelt = unicodedata.normalize("NFC", PurePath(name).as_posix())
    digest = blake2b(f"{seed}/{spelt}".encode("utf-8", "surrogateescape"), digest_size=SEED_BYTES)
    return int.from_bytes(digest.digest(), "big")


def _is_file_for(output: Path, source: Path) -> bool:
    """Whether one picture goes into a file of this name."""
    if source.is_dir() or _is_pattern(source):
        return False
    return bool(output.suffix) and not output.is_dir()


def _single(source: Path, output: Path, recipe: Recipe, name: str | None) -> Frame:
    from phos_core.image_files import check_suffix

    if name is not None:
        raise ValueError(f"a name is for pictures in a folder, and {output} is a file")
    check_suffix(output)
    return Frame(source=source, destination=output, recipe=recipe)


def _refuse_file(output: Path, count: int) -> None:
    from phos_core.image_files import SUFFIXES

    if output.is_dir():
        return
    if output.is_file() or output.suffix.lower() in SUFFIXES:
        pictures = "a picture" if count == 1 else f"{count} pictures"
        raise ValueError(f"{output} is a file; {pictures} of a roll need a folder")


def _found(source: Path, output: Path, recursive: bool) -> Iterator[_Found]:
    """Give the pictures of a file, a folder or a pattern."""
    if source.is_dir():
        start, files = source, _files_in(source, recursive)
    elif _is_pattern(source):
        start, pattern = _apart(source)
        files = start.glob(pattern)
    else:
        yield _Found(source, PurePath(source.name))
        return
    earlier = output.resolve() if start.resolve() in output.resolve().parents else None
    found = [_Found(path, path.relative_to(start)) for path in files]
    pictures = [
        file
        for file in found
        if _is_picture(file) and not (earlier and earlier in file.path.resolve().parents)
    ]
    if not pictures:
        raise ValueError(f"there is no picture to develop in {source}")
    yield from sorted(pictures, key=lambda file: natural_key(file.name))


def _files_in(folder: Path, recursive: bool) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        if not recursive:
            folders.clear()
        for name in names:
            yield Path(parent, name)


def _is_pattern(source: Path) -> bool:
    return glob.has_magic(str(source)) and not os.path.lexists(source)


def _apart(pattern: Path) -> tuple[Path, str]:
    """Part a pattern into the folder before its first special part, and the rest."""
    parts = pattern.parts
    special = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:special]), str(Path(*parts[special:]))


def _is_picture(file: _Found) -> bool:
    """Whether it is a picture to develop: neither hidden, nor a positive of ours."""
    from phos_core.image_files import READABLE

    if any(part.startswith(".") for part in file.name.parts):
        return False
    if file.path.suffix.lower() not in READABLE or not file.path.is_file():
        return False
    return not path_for(file.path).exists()


def natural_key(name: PurePath) -> list[list[str | int]]:
    """Sort key of a path as people count: frame 2 before frame 10, whatever their capitals."""
    return [
        [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", part)]
        for part in (*(part.casefold() for part in name.parts), *name.parts)
    ]


def _without_doubles(found: Iterable[_Found]) -> list[_Found]:
    """Each file once, where it was named first."""
    unique: dict[str, _Found] = {}
    for file in found:
        unique.setdefault(os.path.realpath(file.path), file)
    return list(unique.values())


def _named(template: str, source: PurePath, recipe: Recipe, number: int) -> PurePath:
    """The path of a positive in the output folder."""
    from phos_core.image_files import SUFFIXES, check_suffix

    _check_fields(template)
    suffix = source.suffix if source.suffix.lower() in SUFFIXES else INSTEAD
    try:
        name = template.format(
            stem=source.stem,
            suffix=suffix,
            film=_film_name(recipe.film),
            seed=recipe.seed,
            n=number,
            parent=source.parent.as_posix(),
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"the name {template!r} cannot be filled in: {error}") from error
    place = PurePath(os.path.normpath(name))
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"the name {template!r} leaves the output folder: {name}")
    check_suffix(place)
    return place


def _check_fields(template: str) -> None:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"the name {template!r} cannot be read: {error}") from error
    for _, field, _, _ in parsed:
        if field is not None and field not in FIELDS:
            known = ", ".join(f"{{{known}}}" for known in FIELDS)
            raise ValueError(
                f"the name {template!r} has the unknown field {{{field}}}, not {known}"
            )


def _film_name(film: str | Path | Film) -> str:
    if isinstance(film, Film):
        return film.name
    path = PurePath(film)
    return path.stem if path.suffix == ".toml" else path.name


def _check_places(frames: Sequence[Frame]) -> None:
    """Raise if two go to one place, or one to where another comes from."""
    sources = {os.path.realpath(frame.source): frame for frame in frames}
    taken: dict[str, Frame] = {}
    for frame in frames:
        place = os.path.realpath(frame.destination)
        other = taken.setdefault(place, frame)
        if other is not frame:
            raise ValueError(
                f"{other.source} and {frame.source} would both be {frame.destination}; a name with "
                "{parent}, {suffix} or {n} keeps them apart"
            )
        there = sources.get(place, frame)
        if there is not frame:
            raise ValueError(
                f"{frame.source} would be {frame.destination}, which is to be developed itself"
            )

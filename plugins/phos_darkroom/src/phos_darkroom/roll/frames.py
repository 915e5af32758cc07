"""Which pictures a roll has, and where each goes."""

import os
import string
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import TypeAlias

from phos_core.process import Recipe, checked_recipe
from phos_core.stocks import Film
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.files.paths import is_file, is_folder
from phos_darkroom.roll.searching import (
    DEVELOPED,
    Found,
    Search,
    is_pattern,
    natural_key,
    without_doubles,
)

__all__ = [
    "INSTEAD",
    "NAME",
    "Frame",
    "PassedOver",
    "Paths",
    "frame_seed",
    "frames_of",
    "natural_key",
]

Paths: TypeAlias = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

PassedOver = Callable[[Path, str], None]

NAME = "{parent}/{stem}{suffix}"
NAME_BESIDE = "{parent}/{stem}-{film}{suffix}"
FIELDS = ("stem", "suffix", "ending", "film", "seed", "n", "parent")
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
    raw : RawSettings, optional
        How it becomes light, if it is a camera's raw file.
    framing : Framing, optional
        How it is turned and cropped.
    export : Export, optional
        What its positive becomes in its file.
    gain_map : bool
        Whether its light beyond white counts, if it has a gain map.
    """

    source: Path
    destination: Path
    recipe: Recipe
    raw: RawSettings | None = None
    framing: Framing | None = None
    export: Export | None = None
    gain_map: bool = True


def frames_of(
    sources: Paths,
    output: str | os.PathLike[str] | None,
    recipe: Recipe,
    *,
    name: str | None = None,
    recursive: bool = False,
    instead: str = INSTEAD,
    passed_over: PassedOver | None = None,
    raw: RawSettings | None = None,
    framing: Framing | None = None,
    export: Export | None = None,
    gain_map: bool = True,
) -> tuple[Frame, ...]:
    """Find the pictures of a roll, in their order, and say where each goes.

    Parameters
    ----------
    sources : path, or iterable of paths
        Files, folders, and patterns such as ``"2026/**/*.jpg"``. In a folder and behind a pattern
        hidden files, sidecars, positives that have a sidecar, and what cannot be read are passed
        over, and so is the output folder.
    output : path or None
        A file for one file; else a folder, where the structure under each folder is kept. None:
        for a folder its own folder ``developed``; for files and patterns beside each picture,
        under its name and the film's: ``a-portra-400.jpg``.
    recipe : Recipe
        How they are developed. In a folder, each frame gets a seed of its own by `frame_seed`.
    name : str, optional
        Of a file in the output folder, with the fields ``{stem}``, ``{suffix}``, ``{ending}``
        (the source's own, without the dot), ``{film}``, ``{seed}`` (the roll's), ``{n}`` (1 for
        the first) and ``{parent}``; by default as the source is called. By default, pictures that
        would share a name because theirs cannot be written keep their ending in it: ``a.dng.tif``
        and ``a.heic.tif``.
    recursive : bool
        Whether the folders in a folder are looked through too.
    instead : str
        The ending that ``{suffix}`` is where the source's own cannot be written, as of a camera's
        raw file.
    passed_over : callable, optional
        ``passed_over(folder, why)``, for each folder in a folder that cannot be read. By default a
        warning says so.
    raw : RawSettings, optional
        How cameras' raw files become light.
    framing : Framing, optional
        How each is turned and cropped.
    export : Export, optional
        What each positive becomes in its file.
    gain_map : bool
        Whether light beyond white counts where a picture has a gain map.

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

    Warns
    -----
    UserWarning
        If a folder in a folder cannot be read, and `passed_over` is not given.
    """
    checked_recipe(recipe)
    given = [Path(sources)] if isinstance(sources, str | os.PathLike) else list(map(Path, sources))
    output = None if output is None else Path(output)
    if output is not None and len(given) == 1 and _is_file_for(output, given[0]):
        frame = _single(given[0], output, recipe, name)
        return (replace(frame, raw=raw, framing=framing, export=export, gain_map=gain_map),)
    search = Search(output, recursive)
    found = without_doubles(file for source in given for file in search.found(source))
    if not found:
        raise ValueError(f"there is no picture to develop{search.refusals()}")
    for folder, why in search.refused:
        (passed_over or _warn)(folder, why)
    if output is not None:
        _refuse_file(output, len(found))
    is_alone = output is None and len(given) == 1 and not _holds_many(given[0])
    frames = [
        Frame(
            source=file.path,
            destination=_folder_of(file, output) / place,
            recipe=recipe
            if is_alone
            else replace(recipe, seed=frame_seed(recipe.seed, grain_name)),
            raw=raw,
            framing=framing,
            export=export,
            gain_map=gain_map,
        )
        for file, place, grain_name in zip(
            found, _names(found, output, recipe, name, instead), _grain_names(found), strict=True
        )
    ]
    _check_places(frames, found)
    return tuple(frames)


def frame_seed(seed: int, name: str | PurePath) -> int:
    """Derive the seed of a frame, so that the frames of a roll do not share grain.

    Parameters
    ----------
    seed : int
        The roll's.
    name : str or PurePath
        The picture's file name, after that of the folder that it lies in: ``100CANON/a.jpg``. In a
        folder that is looked through with those in it, its path under the folder given, if that
        says more: ``day/noon/a.jpg``.

    Returns
    -------
    int
        From 0 to 2**32 - 1. It depends on nothing else: a frame that is developed again, alone or
        in another order, on another day or from another disk, keeps its grain.

    Notes
    -----
    Where two frames of a roll still have one such name, as ``100CANON/a.jpg`` of two cards,
    `frames_of` puts as many more folders before it as tell them apart.
    """
    named = f"{seed}/{_spelt(PurePath(name))}"
    digest = blake2b(named.encode("utf-8", "surrogateescape"), digest_size=SEED_BYTES)
    return int.from_bytes(digest.digest(), "big")


def _grain_names(found: Sequence[Found]) -> list[PurePath]:
    """What the seed of each is made from: of no two the same."""
    names = [file.grain_name(folders=1) for file in found]
    deepest = max(len(file.folder.parts) + len(file.name.parts) for file in found)
    for folders in range(2, deepest):
        times = Counter(map(_spelt, names))
        if max(times.values()) == 1:
            break
        names = [
            name if times[_spelt(name)] == 1 else file.grain_name(folders)
            for name, file in zip(names, found, strict=True)
        ]
    return names


def _spelt(name: PurePath) -> str:
    """A path in one spelling: some file systems spell é in one character and some in two."""
    return unicodedata.normalize("NFC", name.as_posix())


def _is_file_for(output: Path, source: Path) -> bool:
    """Whether one picture goes into a file of this name."""
    return not _holds_many(source) and bool(output.suffix) and not is_folder(output)


def _holds_many(source: Path) -> bool:
    """Whether a source is a folder or a pattern."""
    return is_folder(source) or is_pattern(source)


def _folder_of(file: Found, output: Path | None) -> Path:
    """The folder that a picture's name in it is seen from."""
    if output is not None:
        return output
    return file.root / DEVELOPED if file.in_roll else file.root


def _single(source: Path, output: Path, recipe: Recipe, name: str | None) -> Frame:
    from phos_darkroom.files.image_files import check_suffix

    if name is not None:
        raise ValueError(f"a name is for pictures in a folder, and {output} is a file")
    check_suffix(output)
    return Frame(source=source, destination=output, recipe=recipe)


def _refuse_file(output: Path, count: int) -> None:
    from phos_darkroom.files.image_files import SUFFIXES

    if is_folder(output):
        return
    if is_file(output) or output.suffix.lower() in SUFFIXES:
        pictures = "a picture" if count == 1 else f"{count} pictures"
        raise ValueError(f"{output} is a file; {pictures} of a roll need a folder")


def _warn(folder: Path, why: str) -> None:
    warnings.warn(f"{folder} cannot be read: {why}; its pictures are left out", stacklevel=2)


def _names(
    found: Sequence[Found], output: Path | None, recipe: Recipe, template: str | None, instead: str
) -> list[PurePath]:
    """The path of each positive in its output folder."""
    fields = [_fields(file.name, recipe, n, instead) for n, file in enumerate(found, 1)]
    if template is not None:
        return [_named(template, given) for given in fields]
    usual = [NAME if output or file.in_roll else NAME_BESIDE for file in found]
    names = [_named(name, given) for name, given in zip(usual, fields, strict=True)]
    times = Counter(
        _folder_of(file, output) / name for file, name in zip(found, names, strict=True)
    )
    return [
        _named(usual_name, given | {"stem": file.name.name})
        if times[_folder_of(file, output) / name] > 1 and given["suffix"] != file.name.suffix
        else name
        for file, name, usual_name, given in zip(found, names, usual, fields, strict=True)
    ]


def _named(template: str, fields: Mapping[str, str | int]) -> PurePath:
    """The path of a positive in its output folder."""
    from phos_darkroom.files.image_files import check_suffix

    _check_fields(template)
    try:
        name = template.format(**fields)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the name {template!r} cannot be filled in: {error}") from error
    place = PurePath(os.path.normpath(name))
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"the name {template!r} leaves the output folder: {name}")
    check_suffix(place)
    return place


def _fields(source: PurePath, recipe: Recipe, number: int, instead: str) -> dict[str, str | int]:
    """What stands in a name for each of `FIELDS`."""
    from phos_darkroom.files.image_files import SUFFIXES

    return {
        "stem": source.stem,
        "suffix": source.suffix if source.suffix.lower() in SUFFIXES else instead,
        "ending": source.suffix.removeprefix("."),
        "film": _film_name(recipe.film),
        "seed": recipe.seed,
        "n": number,
        "parent": source.parent.as_posix(),
    }


def _check_fields(template: str) -> None:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"the name {template!r} cannot be read: {error}") from error
    for _, name, _, _ in parsed:
        if name is not None and name not in FIELDS:
            known = ", ".join(f"{{{known}}}" for known in FIELDS)
            raise ValueError(f"the name {template!r} has the unknown field {{{name}}}, not {known}")


def _film_name(film: str | Path | Film) -> str:
    if isinstance(film, Film):
        return film.name
    path = PurePath(film)
    return path.stem if path.suffix == ".toml" else path.name


def _check_places(frames: Sequence[Frame], found: Sequence[Found]) -> None:
    """Raise if two go to one place, or one to where another comes from."""
    sources = {os.path.realpath(frame.source): frame for frame in frames}
    taken: dict[str, int] = {}
    for number, frame in enumerate(frames):
        place = os.path.realpath(frame.destination)
        other = taken.setdefault(place, number)
        if other != number:
            apart = _fields_that_differ(found, other, number)
            raise ValueError(
                f"{frames[other].source} and {frame.source} would both be {frame.destination}; "
                f"a name with {' or '.join(apart)} keeps them apart"
            )
        there = sources.get(place, frame)
        if there is not frame:
            raise ValueError(
                f"{frame.source} would be {frame.destination}, which is to be developed itself"
            )


def _fields_that_differ(found: Sequence[Found], *numbers: int) -> list[str]:
    """The fields of a name that would keep two pictures apart."""
    one, other = (_fields(found[number].name, Recipe(), number, INSTEAD) for number in numbers)
    return [f"{{{field}}}" for field in FIELDS if one[field] != other[field]]

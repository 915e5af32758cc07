"""Presets: settings under a name, bundled or in a folder of the user's."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from phos_core.errors import ImageFileError, PresetError, SidecarError, UnknownPresetError, shown
from phos_core.process import Recipe
from phos_core.stocks import Film, is_path
from phos_darkroom.files.paths import exists
from phos_darkroom.files.whole_files import new_files
from phos_darkroom.settings.as_text import (
    as_toml,
    parse_toml,
    read_toml,
    settings_folder,
    settings_from,
    values_of,
)
from phos_darkroom.settings.earlier import check_earlier, meant_by
from phos_darkroom.settings.sidecar import is_sidecar, read

__all__ = [
    "PresetSummary",
    "load_preset",
    "preset_rate_hz",
    "preset_text",
    "presets",
    "presets_folder",
    "remove_preset",
    "rename_preset",
    "save_preset",
]

MARK = "phos_preset"
VERSION = 2
"""Of what a preset's settings mean. Presets of phos 0.1 have none: see `earlier`."""

OF_ONE_PICTURE = (
    *("seed", "frame", "offset_px", "pixel_pitch_um"),
    *("encoding", "primaries", "input_space"),
)
"""What a sidecar holds that says something of its own picture and nothing of a look."""

MOST_HZ = 1000.0  # our choice: of high-speed cameras

NAME = re.compile(r"[^\W_][\w -]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetSummary:
    """What a list shows of a preset.

    Parameters
    ----------
    name : str
        What it is called.
    film : str
        Its film; empty: it has none, and goes with any.
    description : str
        One line about it.
    place : str
        The file, or ``"phos"`` for one that comes with phos.
    rate_hz : float or None
        Frames a second at which a moving picture of this kind was shot and shown; None: it says
        nothing of time.
    """

    name: str
    film: str
    description: str
    place: str
    rate_hz: float | None = None


def presets_folder() -> Path:
    """Give the user's folder of presets: ``PHOS_PRESETS``, or where this platform keeps settings.

    Returns
    -------
    Path
        It need not exist yet.
    """
    if chosen := os.environ.get("PHOS_PRESETS"):
        return Path(chosen)
    return settings_folder() / "presets"


def presets() -> list[PresetSummary]:
    """List the presets, sorted by name; the user's hides a bundled one of the same name.

    Returns
    -------
    list of PresetSummary
        One that cannot be read is in it too; its description says why.
    """
    users = {name: _summary(name, file, is_users=True) for name, file in _users().items()}
    bundled = {name: _summary(name, file, is_users=False) for name, file in _bundled().items()}
    return [summary for _, summary in sorted((bundled | users).items())]


def load_preset(preset: str | Path) -> dict[str, Any]:
    """Give the settings of a preset, as keywords of `Recipe`.

    Parameters
    ----------
    preset : str or Path
        A name from `presets`, or the path of a TOML file (ending in ``.toml``). A sidecar is a
        preset as well: what it says of its own picture is left out (`seed`, `frame`,
        `offset_px`, `pixel_pitch_um`, `encoding`, `primaries`, `input_space`).

    Returns
    -------
    dict of str to Any
        Only what it sets. A film that is a file is an absolute path.

    Raises
    ------
    UnknownPresetError
        If there is no preset of this name; the message lists the nearest.
    PresetError
        If the file cannot be read, or something in it is wrong.
    """
    return _found(preset).settings


def preset_rate_hz(preset: str | Path) -> float | None:
    """Give the frame rate of a preset: a moving picture is shot and shown at it.

    Parameters
    ----------
    preset : str or Path
        As for `load_preset`.

    Returns
    -------
    float or None
        Frames a second, such as 18 of a Super 8 camera; None: the preset says nothing of time.

    Raises
    ------
    UnknownPresetError, PresetError
        As `load_preset` raises.
    """
    return _found(preset).rate_hz


def save_preset(
    name: str,
    settings: Mapping[str, Any],
    *,
    description: str = "",
    overwrite: bool = False,
) -> Path:
    """Save settings under a name in the user's folder.

    Parameters
    ----------
    name : str
        Letters, digits, blanks, ``-`` and ``_``; not a path.
    settings : mapping of str to Any
        Keywords of `Recipe`, as many as the preset shall set.
    description : str
        One line about it.
    overwrite : bool
        Whether a preset of this name may be replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    PresetError
        If the name is no name, is taken, or the file cannot be written.
    TypeError, ValueError
        If a setting is unknown, of the wrong type or out of range, or does not go with the film
        where one is named.
    UnknownFilmError, FilmFileError
        If that film cannot be loaded.
    """
    path = presets_folder() / f"{_checked_name(name)}.toml"
    if exists(path) and not overwrite:
        raise PresetError(
            f"there is a preset {name!r} already, {path}: remove it, or choose another name "
            "(in Python, overwrite=True replaces it)"
        )
    text = preset_text(settings, description=description)
    if "film" in settings:
        Recipe(**settings).load_film()  # whose error belongs here, not where the preset is used
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_files(overwrite=overwrite) as files:
            files.open(path).write(text.encode())
    except OSError as error:
        raise PresetError(f"cannot write {path}: {error.strerror or error}") from error
    except ImageFileError as error:
        raise PresetError(str(error)) from error
    return path


def rename_preset(name: str, new_name: str) -> Path:
    """Give a preset in the user's folder another name.

    Parameters
    ----------
    name : str
        A preset of the user's.
    new_name : str
        As `save_preset` takes it; not that of another preset of the user's.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UnknownPresetError
        If the user has no preset of this name.
    PresetError
        If the new name is no name, is taken, or the file cannot be renamed.
    """
    path = _users_own(name)
    wanted = path.with_name(f"{_checked_name(new_name)}.toml")
    if exists(wanted):
        raise PresetError(f"there is a preset {new_name!r} already, {wanted}: choose another name")
    try:
        with new_files(overwrite=False) as files:  # before the old one goes: nothing is lost
            files.open(wanted).write(path.read_bytes())
    except OSError as error:
        raise PresetError(f"cannot rename {path}: {error.strerror or error}") from error
    except ImageFileError as error:
        raise PresetError(str(error)) from error
    remove_preset(name)
    return wanted


def remove_preset(name: str) -> None:
    """Remove a preset from the user's folder.

    Parameters
    ----------
    name : str
        A preset of the user's.

    Raises
    ------
    UnknownPresetError
        If the user has no preset of this name.
    PresetError
        If the file cannot be removed.
    """
    path = _users_own(name)
    try:
        path.unlink()
    except OSError as error:
        raise PresetError(f"cannot remove {path}: {error.strerror or error}") from error


def preset_text(settings: Mapping[str, Any], *, description: str = "") -> str:
    """Write settings as the text of a preset.

    Parameters
    ----------
    settings : mapping of str to Any
        Keywords of `Recipe`, as many as the preset shall set.
    description : str
        One line about it.

    Returns
    -------
    str
        TOML, for a file that `load_preset` reads.

    Raises
    ------
    PresetError
        If the film or the input space was made in Python.
    TypeError, ValueError
        If a setting is unknown, of the wrong type or out of range.
    """
    about = {"description": description} if description else {}
    return as_toml({MARK: VERSION, **about, "settings": _table(settings)})


def _table(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they stand in a preset, checked."""
    if callable(settings.get("input_space")):
        raise PresetError("a preset cannot hold a function as input_space: name a colour space")
    rest = {name: value for name, value in settings.items() if name != "film"}
    settings_from(rest)  # whose error is the better one for a name that is unknown
    recipe = Recipe(**settings)
    table = {name: value for name, value in values_of(recipe).items() if name in rest}
    if "film" not in settings:
        return table
    film = settings["film"]
    if isinstance(film, Film):
        raise PresetError(f"a preset cannot hold {film.name}, a Film made in Python: name a film")
    return {"film": str(Path(film).absolute()) if is_path(film) else film, **table}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Preset:
    """What a preset's file says."""

    description: str
    settings: dict[str, Any]
    rate_hz: float | None = None


def _found(preset: str | Path) -> _Preset:
    """A preset by its name or its file."""
    if is_path(preset):
        return _content(Path(preset))
    name = str(preset)
    users, bundled = _users(), _bundled()
    if name in users:
        return _content(users[name])
    if name not in bundled:
        raise UnknownPresetError(name, {*users, *bundled})
    return _of_bundled(bundled[name])


def _content(path: Path) -> _Preset:
    """What a preset's or a sidecar's file says."""
    try:
        data = read_toml(path)
        return _of_sidecar(path) if is_sidecar(data) else _of_preset(data, path.absolute().parent)
    except SidecarError:
        raise
    except (TypeError, ValueError) as error:
        raise PresetError(f"{path}: {error}") from error


def _of_sidecar(path: Path) -> _Preset:
    sidecar = read(path)
    names = [field.name for field in fields(Recipe) if field.name not in OF_ONE_PICTURE]
    settings = {name: getattr(sidecar.recipe, name) for name in names}
    return _Preset(description=f"as {sidecar.picture.path.name} was made", settings=settings)


def _of_preset(data: Mapping[str, Any], folder: Path) -> _Preset:
    for name in data:
        if name not in (MARK, "description", "rate_hz", "settings"):
            raise ValueError(
                f"a preset has {MARK}, a description, rate_hz and [settings], got {shown(name)}; "
                "each setting stands under [settings]"
            )
    description, table = data.get("description", ""), data.get("settings", {})
    if not isinstance(description, str):
        raise TypeError(f"description must be text, got {shown(description)}")
    if not isinstance(table, dict):
        raise TypeError(f"[settings] must be a table, got {shown(table)}")
    written = {name: value for name, value in table.items() if name != "film"}
    if MARK not in data:
        check_earlier(written, f"a preset that does not begin with {MARK} = {VERSION}")
        written = meant_by(written)
    elif type(data[MARK]) is not int or data[MARK] != VERSION:
        raise ValueError(f"{MARK} must be {VERSION}, got {shown(data[MARK])}")
    settings = settings_from(written)
    if "film" in table:
        settings = {"film": _film(table["film"], folder), **settings}
    Recipe(**settings)  # whose error belongs before any work
    return _Preset(description=description, settings=settings, rate_hz=_rate_hz(data))


def _rate_hz(data: Mapping[str, Any]) -> float | None:
    if "rate_hz" not in data:
        return None
    rate_hz = data["rate_hz"]
    if type(rate_hz) not in (int, float):
        raise TypeError(f"rate_hz must be a number, got {shown(rate_hz)}")
    if not 0 < rate_hz <= MOST_HZ:
        raise ValueError(f"rate_hz must be positive, up to {MOST_HZ:g}, got {rate_hz}")
    return float(rate_hz)


def _film(film: Any, folder: Path) -> str | Path:
    if not isinstance(film, str):
        raise TypeError(f"film must be a name or a path, got {shown(film)}")
    return folder / film if is_path(film) else film


def _of_bundled(file: Traversable) -> _Preset:
    return _of_preset(parse_toml(file.read_text(encoding="utf-8")), Path())


def _summary(name: str, place: Traversable, *, is_users: bool) -> PresetSummary:
    try:
        preset = _content(Path(str(place))) if is_users else _of_bundled(place)
    except (PresetError, SidecarError) as error:
        preset = _Preset(description=f"cannot be used: {error}", settings={})
    film = preset.settings.get("film", "")
    return PresetSummary(
        name=name,
        film=Path(film).name if is_path(film) else film,
        description=preset.description,
        place=str(place) if is_users else "phos",
        rate_hz=preset.rate_hz,
    )


def _bundled() -> dict[str, Traversable]:
    entries = files("phos_darkroom.settings").joinpath("bundled").iterdir()
    return {e.name.removesuffix(".toml"): e for e in entries if e.name.endswith(".toml")}


def _users() -> dict[str, Path]:
    return {path.name.removesuffix(".toml"): path for path in presets_folder().glob("*.toml")}


def _users_own(name: str) -> Path:
    users = _users()
    if name not in users:
        raise UnknownPresetError(name, users)
    return users[name]


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise PresetError(
            "a preset's name is of letters, digits, blanks, '-' and '_', begins with a letter or "
            f"a digit and has no more than 60, got {shown(name)}"
        )
    return name

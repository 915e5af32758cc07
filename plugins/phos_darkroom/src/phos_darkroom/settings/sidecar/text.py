"""A sidecar's text: TOML, with an explanation over each section."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phos_core.errors import SidecarError, shown
from phos_core.process import Recipe
from phos_core.stocks import is_path
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.settings.as_text import (
    NONE,
    as_toml,
    kept_values,
    parse_toml,
    read_toml,
    settings_from,
)
from phos_darkroom.settings.earlier import (
    check_earlier,
    film_hash_now,
    meant_by,
    paper_hash_now,
)
from phos_darkroom.settings.sidecar.record import FileFacts, Sidecar, film_of, place
from phos_darkroom.spaces.facts import ConfigFacts

__all__ = ["dumps", "is_sidecar", "loads", "read"]

MARK = "phos_sidecar"
VERSION = 2
"""Of the format. A setting that `Recipe` gains later makes a new one, and what is read of an
older one takes what phos did when it was written: see `earlier`."""

SHA256 = re.compile(r"[0-9a-f]{64}")

HEADER = """\
# How phos made the {what} that lies beside this file. To make it again:
#     phos {command} --from-sidecar THIS-FILE -o OUT
# To use its settings for other {what}s:
#     phos {command} IN... -o OUT --preset THIS-FILE
"""
OF_A_PICTURE = {"what": "picture", "command": "develop"}
OF_A_CLIP = {"what": "clip", "command": "video"}
COMMENTS = {
    "picture": "The picture that was made.",
    "film": "The film. Its hash shows whether the figures of the stock, and of the paper, are\n"
    '# still the same. "none": it was printed on no paper.',
    "settings": "Everything that decides how the picture looks, each setting with its value even\n"
    '# where that is the default. "none": nothing was asked for.',
    "source": "The picture that was developed, its place as seen from this file, and what its\n"
    "# pixels were taken as.",
    "raw": "How the camera's raw file became light.",
    "spaces": "The configuration of OpenColorIO that the input space is of. Its hash shows\n"
    '# whether the file is still the same. "none": it is built in.',
    "clip": "Which frames of the moving picture, and what they became.",
    "framing": "How it was framed before the film: quarter turns clockwise, then flipped, then\n"
    "# straightened, clockwise; then what was kept, as shares: top, left, bottom, right.",
    "export": "What the positive became in its file: its size, its quality, its sharpness.",
    "made_by": "What made it. The same bytes come from the same backend and versions on the same\n"
    "# kind of machine; elsewhere the picture is the same within the backend's accuracy.",
}
KINDS = {str: "text", int: "a whole number", bool: "true or false", dict: "a table"}


def is_sidecar(table: Mapping[str, Any]) -> bool:
    """Whether the content of a TOML file says that it is a sidecar."""
    return MARK in table


def dumps(sidecar: Sidecar) -> str:
    """Write a sidecar as TOML with an explanation over each section.

    Parameters
    ----------
    sidecar : Sidecar
        How a picture was made.

    Returns
    -------
    str
        `loads` gives the same sidecar again.
    """
    folder = sidecar.picture.path.parent
    film = {"name": sidecar.film_name}
    if is_path(film_of(sidecar.recipe)):
        film["file"] = _written(Path(film_of(sidecar.recipe)), folder)
    tables: dict[str, dict[str, Any]] = {
        "picture": _facts_table(sidecar.picture, folder),
        "film": film
        | {"sha256": sidecar.film_sha256, "paper_sha256": sidecar.paper_sha256 or NONE},
        "settings": kept_values(sidecar.recipe),
        "source": _facts_table(sidecar.source, folder)
        | {"encoding": sidecar.encoding, "primaries": sidecar.primaries}
        | ({} if sidecar.gain_map is None else {"gain_map": sidecar.gain_map}),
        "made_by": {
            "backend": sidecar.backend,
            "device": sidecar.device,
            "versions": dict(sidecar.versions),
        },
    }
    if sidecar.raw is not None:
        tables["raw"] = sidecar.raw.values()
    if sidecar.config is not None:
        named = sidecar.config
        tables["spaces"] = {"config": named.config, "sha256": named.sha256 or NONE}
    if sidecar.clip is not None:
        tables["clip"] = dict(sidecar.clip)
    header = HEADER.format(**(OF_A_PICTURE if sidecar.clip is None else OF_A_CLIP))
    if not sidecar.framing.is_whole:
        tables["framing"] = sidecar.framing.values()
    if not sidecar.export.is_plain:
        tables["export"] = sidecar.export.values()
    sections = [f"# {COMMENTS[name]}\n{as_toml({name: table})}" for name, table in tables.items()]
    return "\n".join([header, as_toml({MARK: VERSION}), *sections])


def loads(text: str, where: Path) -> Sidecar:
    """Read a sidecar.

    Parameters
    ----------
    text : str
        What `dumps` has written.
    where : Path
        The sidecar's own place: paths in it are seen from there, and errors name it.

    Returns
    -------
    Sidecar
        How the picture beside it was made.

    Raises
    ------
    SidecarError
        If it is no sidecar, of another version, or something in it is missing or wrong.
    """
    try:
        return _from_table(parse_toml(text), place(where).parent)
    except (TypeError, ValueError) as error:
        raise SidecarError(f"{where}: {error}") from error


def read(path: Path) -> Sidecar:
    """Read a sidecar's file, as `loads` reads its text."""
    try:
        return _from_table(read_toml(path), place(path).parent)
    except (TypeError, ValueError) as error:
        raise SidecarError(f"{path}: {error}") from error


def _from_table(data: dict[str, Any], folder: Path) -> Sidecar:
    if not is_sidecar(data):
        raise ValueError(f"is no sidecar of phos: it has no {MARK}")
    mark = data[MARK]
    if type(mark) is not int or mark not in (1, VERSION):
        raise ValueError(
            f"is a sidecar of version {shown(mark)}; this phos reads versions 1 and {VERSION}"
        )
    picture, film, settings, source, made_by = (
        _field(data, name, dict) for name in ("picture", "film", "settings", "source", "made_by")
    )
    is_earlier = mark == 1
    if is_earlier:
        check_earlier(settings, f"{MARK} = 1")
        settings = meant_by(settings)
    for name in kept_values(Recipe()):
        if name not in settings:
            raise ValueError(f"[settings] lacks {name}")
    own_file = _field(film, "file", str, "film") if "file" in film else None
    film_name = _field(film, "name", str, "film")
    raw = RawSettings.from_values(_field(data, "raw", dict)) if "raw" in data else None
    versions = _field(made_by, "versions", dict, "made_by")
    film_sha256 = _hash(film, "sha256", "film")
    paper_sha256 = None if film.get("paper_sha256") == NONE else _hash(film, "paper_sha256", "film")
    if is_earlier:
        film_sha256 = film_sha256 if own_file else film_hash_now(film_name, film_sha256)
        paper_sha256 = paper_hash_now(settings["printing"], paper_sha256)
    return Sidecar(
        picture=_facts_from(picture, "picture", folder),
        recipe=Recipe(
            film=place(folder / own_file) if own_file else film_name, **settings_from(settings)
        ),
        film_name=film_name,
        film_sha256=film_sha256,
        paper_sha256=paper_sha256,
        source=_facts_from(source, "source", folder),
        encoding=_field(source, "encoding", str, "source"),
        primaries=_field(source, "primaries", str, "source"),
        backend=_field(made_by, "backend", str, "made_by"),
        device=_field(made_by, "device", str, "made_by"),
        versions={name: _field(versions, name, str, "made_by.versions") for name in versions},
        raw=raw,
        clip=_field(data, "clip", dict) if "clip" in data else None,
        framing=Framing.from_values(_table(data, "framing")),
        export=Export.from_values(_table(data, "export")),
        gain_map=_field(source, "gain_map", bool, "source") if "gain_map" in source else None,
        config=_config_from(_table(data, "spaces")),
    )


def _config_from(table: Mapping[str, Any]) -> ConfigFacts | None:
    if not table:
        return None
    is_built_in = table.get("sha256") == NONE
    return ConfigFacts(
        config=_field(table, "config", str, "spaces"),
        sha256="" if is_built_in else _hash(table, "sha256", "spaces"),
    )


def _field(table: Mapping[str, Any], name: str, kind: type, section: str = "") -> Any:
    where = f"[{section}] {name}" if section else f"[{name}]"
    if name not in table:
        raise ValueError(f"{where} is missing")
    value = table[name]
    if type(value) is not kind:
        raise TypeError(f"{where} must be {KINDS[kind]}, got {shown(value)}")
    return value


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section that is there only where it says something."""
    return _field(data, name, dict) if name in data else {}


def _hash(table: Mapping[str, Any], name: str, section: str) -> str:
    value: str = _field(table, name, str, section)
    if not SHA256.fullmatch(value):
        raise ValueError(f"[{section}] {name} must be 64 hexadecimal digits, got {shown(value)}")
    return value


def _facts_from(table: Mapping[str, Any], section: str, folder: Path) -> FileFacts:
    return FileFacts(
        path=place(folder / _field(table, "file", str, section)),
        size_bytes=_field(table, "bytes", int, section),
        sha256=_hash(table, "sha256", section),
    )


def _facts_table(facts: FileFacts, folder: Path) -> dict[str, Any]:
    return {
        "file": _written(facts.path, folder),
        "bytes": facts.size_bytes,
        "sha256": facts.sha256,
    }


def _written(path: Path, folder: Path) -> str:
    """A path as seen from a folder, or absolute where that is on another drive."""
    try:
        seen = os.path.relpath(path, folder)
    except ValueError:
        seen = str(path)
    # A name that is no UTF-8 cannot stand in a TOML file as it is.
    return os.fsencode(Path(seen).as_posix()).decode("utf-8", "backslashreplace")

"""The record of how a picture was made."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from phos_core.errors import SidecarError
from phos_core.process import Recipe, RunReport
from phos_core.stocks import Film, film_hash, is_path, paper_hash
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.spaces.facts import ConfigFacts, config_facts

__all__ = [
    "FileFacts",
    "Sidecar",
    "check_can_be_kept",
    "describe",
    "film_hash_of",
    "film_of",
    "has_one",
    "path_for",
    "place",
    "placed",
    "sha256_of",
]

SUFFIX = ".phos.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Which file, and how to see whether it is still the same.

    Parameters
    ----------
    path : Path
        Where it lies.
    size_bytes : int
        How large it is.
    sha256 : str
        The hash of its bytes, in hexadecimal digits.
    """

    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """How a picture was made.

    Parameters
    ----------
    picture : FileFacts
        The picture that was made; the sidecar lies beside it.
    recipe : Recipe
        All settings, the seed among them. A film that is a path is absolute here.
    film_name : str
        The stock's name; of a film that is a path, what its file calls it.
    film_sha256 : str
        As `film.film_hash` gives it.
    paper_sha256 : str or None
        As `film.paper_hash` gives it; None: there is no paper.
    source : FileFacts
        The picture that was developed.
    encoding, primaries : str
        What the source's pixels were taken as.
    backend, device : str
        What computed.
    versions : mapping of str to str
        Of what computed, as in `RunReport`.
    raw : RawSettings or None
        How the source became light; None: it is no camera's raw file.
    clip : mapping of str to str, bool, int or float, or None
        Which frames of a moving picture, and what they became; None: it is a still.
    framing : Framing
        How it was turned and cropped before it was developed.
    export : Export
        What became of the positive on its way into the file.
    gain_map : bool or None
        Whether the gain map of the source was used; None: it has none, or an earlier version
        made the picture, which knew of none.
    config : ConfigFacts or None
        The configuration of OpenColorIO that the input space is of; None: it is of none, or
        nobody recorded it.

    Raises
    ------
    SidecarError
        If the recipe holds a `Film` that was made in Python.
    """

    picture: FileFacts
    recipe: Recipe
    film_name: str
    film_sha256: str
    paper_sha256: str | None
    source: FileFacts
    encoding: str
    primaries: str
    backend: str
    device: str
    versions: Mapping[str, str]
    raw: RawSettings | None = None
    clip: Mapping[str, str | bool | int | float] | None = None
    framing: Framing = field(default_factory=Framing)
    export: Export = field(default_factory=Export)
    gain_map: bool | None = None
    config: ConfigFacts | None = None

    def __post_init__(self) -> None:
        check_can_be_kept(self.recipe)
        object.__setattr__(self, "recipe", placed(self.recipe))


def path_for(output: Path) -> Path:
    """Give the place of a picture's sidecar: beside it, its name with ``.phos.toml`` after it."""
    return output.with_name(output.name + SUFFIX)


def has_one(picture: Path) -> bool:
    """Whether a sidecar lies beside a picture; where there is no knowing, none does."""
    return os.path.lexists(path_for(picture))


def describe(
    recipe: Recipe,
    report: RunReport,
    *,
    source: Path | FileFacts,
    picture: Path,
    written: Path | None = None,
    encoding: str = "srgb",
    primaries: str = "srgb",
    raw: RawSettings | None = None,
    clip: Mapping[str, str | bool | int | float] | None = None,
    framing: Framing | None = None,
    export: Export | None = None,
    gain_map: bool | None = None,
) -> Sidecar:
    """Say how a picture was made.

    Parameters
    ----------
    recipe : Recipe
        The settings that it was developed with.
    report : RunReport
        What ran.
    source : Path or FileFacts
        The picture that was developed, or the facts of what was read of it.
    picture : Path
        The place of the picture that was made.
    written : Path, optional
        Where that picture's bytes lie now, if it does not have its name yet.
    encoding, primaries : str
        What the source's pixels were taken as.
    raw : RawSettings, optional
        How the source became light, if it is a camera's raw file.
    clip : mapping of str to str, bool, int or float, optional
        Which frames of a moving picture, and what they became.
    framing : Framing, optional
        How it was turned and cropped; by default not at all.
    export : Export, optional
        What became of the positive; by default nothing.
    gain_map : bool, optional
        Whether the gain map of the source was used, if it has one.

    Returns
    -------
    Sidecar
        Both files' hashes included.

    Raises
    ------
    SidecarError
        If the recipe holds a `Film` that was made in Python.
    OSError
        If a file cannot be read.
    """
    settled = placed(recipe)
    made = _facts(written or picture)
    return Sidecar(
        picture=replace(made, path=place(picture)),
        recipe=settled,
        film_name=report.film if is_path(film_of(settled)) else str(settled.film),
        film_sha256=film_hash_of(settled),
        paper_sha256=paper_hash(settled.printing),
        source=source if isinstance(source, FileFacts) else _facts(source),
        encoding=encoding,
        primaries=primaries,
        backend=report.backend,
        device=report.device,
        versions=dict(report.versions),
        raw=raw,
        clip=clip,
        framing=framing or Framing(),
        export=export or Export(),
        gain_map=gain_map,
        config=config_facts(str(recipe.input_space)) if recipe.input_space else None,
    )


def placed(recipe: Recipe) -> Recipe:
    """The recipe, its film by name or by an absolute path."""
    film = film_of(recipe)
    return replace(recipe, film=place(Path(film))) if is_path(film) else recipe


def check_can_be_kept(recipe: Recipe) -> None:
    """Raise `SidecarError` where a recipe holds what was made in Python, which no file can."""
    film_of(recipe)
    if callable(recipe.input_space):
        raise SidecarError(
            "a sidecar cannot hold a function as input_space: name a colour space, or write no "
            "sidecar (sidecar=False)"
        )


def film_of(recipe: Recipe) -> str | Path:
    """The name or the path of a recipe's film; a `Film` is refused."""
    if isinstance(recipe.film, Film):
        raise SidecarError(
            f"a sidecar cannot hold {recipe.film.name}, a Film that was made in Python: give the "
            "film by its name or its file, or write no sidecar (sidecar=False)"
        )
    return recipe.film


def film_hash_of(recipe: Recipe) -> str:
    """The hash of the figures of a recipe's film."""
    return film_hash(film_of(recipe))


def place(path: Path) -> Path:
    """The absolute place of a file; its folder's links are followed, so that ``..`` is right."""
    return Path(os.path.realpath(path.parent)) / path.name


def _facts(path: Path) -> FileFacts:
    return FileFacts(path=place(path), size_bytes=path.stat().st_size, sha256=sha256_of(path))


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

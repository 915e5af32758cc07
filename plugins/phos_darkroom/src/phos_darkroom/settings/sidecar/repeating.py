"""Making a sidecar's picture again, or seeing that it is there."""

import warnings
from importlib.metadata import version
from pathlib import Path

from phos_core.convolution import select
from phos_core.errors import (
    BackendFallbackWarning,
    BackendUnavailableError,
    SidecarError,
    SpaceError,
    UnknownBackendError,
    UnknownSpaceError,
)
from phos_core.process import Recipe
from phos_core.stocks import Film, paper_hash
from phos_darkroom.files.export.record import Export
from phos_darkroom.files.formats.raw_settings import RawSettings
from phos_darkroom.files.framing.record import Framing
from phos_darkroom.files.paths import is_file
from phos_darkroom.settings.sidecar.record import (
    FileFacts,
    Sidecar,
    film_hash_of,
    path_for,
    placed,
    sha256_of,
)
from phos_darkroom.settings.sidecar.text import read
from phos_darkroom.spaces.facts import ConfigFacts, config_facts

__all__ = ["from_sidecar", "is_done", "knows", "matches"]


def matches(
    sidecar: Sidecar,
    source: Path,
    recipe: Recipe,
    destination: Path,
    raw: RawSettings | None = None,
    framing: Framing | None = None,
    export: Export | None = None,
    gain_map: bool = True,
) -> bool:
    """Whether a picture is there already: made from this source with this recipe, and untouched.

    Parameters
    ----------
    sidecar : Sidecar
        What stands beside the picture.
    source : Path
        What is to be developed.
    recipe : Recipe
        The settings that it is to be developed with.
    destination : Path
        Where the picture is to be.
    raw : RawSettings, optional
        How it is to become light, if it is a camera's raw file.
    framing, export : Framing and Export, optional
        How it is to be cropped, and what is to become of the positive.
    gain_map : bool
        Whether its gain map is to be used, if it has one.

    Returns
    -------
    bool
        The backend and the versions do not count. Files are read only where everything that is
        cheaper to compare agrees.
    """
    if isinstance(recipe.film, Film) or placed(recipe) != sidecar.recipe:
        return False
    if sidecar.raw is not None and sidecar.raw != (raw or RawSettings()):
        return False
    if (sidecar.framing, sidecar.export) != (framing or Framing(), export or Export()):
        return False
    if sidecar.gain_map not in (None, gain_map) or _config_now(sidecar) != sidecar.config:
        return False
    return (
        _has_size(source, sidecar.source)
        and _has_size(destination, sidecar.picture)
        and film_hash_of(recipe) == sidecar.film_sha256
        and paper_hash(recipe.printing) == sidecar.paper_sha256
        and sha256_of(source) == sidecar.source.sha256
        and sha256_of(destination) == sidecar.picture.sha256
    )


def is_done(
    source: Path,
    recipe: Recipe,
    destination: Path,
    raw: RawSettings | None = None,
    framing: Framing | None = None,
    export: Export | None = None,
    gain_map: bool = True,
) -> bool:
    """Whether a picture and its sidecar are there, and `matches` says that they are right."""
    try:
        sidecar = read(path_for(destination))
    except SidecarError:
        return False
    return matches(sidecar, source, recipe, destination, raw, framing, export, gain_map)


def knows(picture: Path, written: Path) -> bool:
    """Whether the sidecar of a picture describes the bytes that lie in some file.

    Parameters
    ----------
    picture : Path
        Where the picture is or would be.
    written : Path
        The file.

    Returns
    -------
    bool
        False where there is no sidecar, or none that can be read.
    """
    try:
        facts = read(path_for(picture)).picture
    except SidecarError:
        return False
    return _has_size(written, facts) and sha256_of(written) == facts.sha256


def from_sidecar(
    path: Path, source: Path | None = None, backend: str | None = None
) -> tuple[Path, Recipe, str | None]:
    """Give what makes a sidecar's picture again.

    Parameters
    ----------
    path : Path
        The sidecar.
    source : Path, optional
        Where the picture that was developed lies now; by default where the sidecar says.
    backend : str, optional
        Another backend than then, by the user's wish.

    Returns
    -------
    source : Path
        What to develop: the same bytes as then.
    recipe : Recipe
        The settings, for a film of the same figures as then.
    backend : str or None
        The backend asked for, or else the one that ran; None if that cannot run here.

    Raises
    ------
    SidecarError
        If the sidecar cannot be read; if the source is not there or has changed; if the figures
        of the film or of the paper have changed.
    UnknownFilmError, FilmFileError
        If the film is not there.

    Warns
    -----
    BackendFallbackWarning
        If another backend has to run; it names it.
    UserWarning
        If another version of phos made the picture, or the configuration of OpenColorIO that its
        input space is of has changed.
    """
    sidecar = read(path)
    found = source or sidecar.source.path
    _check_source(sidecar, found, path)
    _check_film(sidecar, path)
    _warn_of_other_version(sidecar, path)
    _warn_of_other_config(sidecar, path)
    return found, sidecar.recipe, backend or _backend_here(sidecar, path)


def _check_source(sidecar: Sidecar, source: Path, path: Path) -> None:
    if not is_file(source):
        raise SidecarError(
            f"{path}: the picture that it was made from is not at {source}; give its place as IN"
        )
    if not (_has_size(source, sidecar.source) and sha256_of(source) == sidecar.source.sha256):
        raise SidecarError(
            f"{path}: {source} is not the picture that it was made from, or has changed since; "
            "to use the settings on another picture: --preset with this sidecar"
        )


def _check_film(sidecar: Sidecar, path: Path) -> None:
    printing = sidecar.recipe.printing
    now = {
        f"the film {sidecar.film_name}": (film_hash_of(sidecar.recipe), sidecar.film_sha256),
        f"the paper {printing}": (paper_hash(printing), sidecar.paper_sha256),
    }
    for what, (hash_now, hash_then) in now.items():
        if hash_now != hash_then:
            raise SidecarError(
                f"{path}: {what} has other figures now than when the picture was made, so it "
                "would become another picture; to make that one: --preset with this sidecar"
            )


def _warn_of_other_version(sidecar: Sidecar, path: Path) -> None:
    made_by, here = sidecar.versions.get("phos-core"), version("phos-core")
    if made_by != here:
        warnings.warn(
            f"{path}: made by phos-core {made_by}, this is {here}; the picture may differ",
            stacklevel=3,
        )


def _warn_of_other_config(sidecar: Sidecar, path: Path) -> None:
    now, then = _config_now(sidecar), sidecar.config
    if then is None or now == then:
        return
    if now is None:
        instead = "is not found now"
    elif now.config == then.config:
        instead = "has changed since"
    else:
        instead = f"is that of {now.config} now"
    warnings.warn(
        f"{path}: its input space {sidecar.recipe.input_space} was that of the OpenColorIO "
        f"configuration {then.config}, and {instead}; the picture may differ",
        stacklevel=3,
    )


def _config_now(sidecar: Sidecar) -> ConfigFacts | None:
    """The configuration that the input space is of here, where one was recorded."""
    if sidecar.config is None:
        return None
    try:
        return config_facts(str(sidecar.recipe.input_space))
    except (SpaceError, UnknownSpaceError):  # whose error belongs to the developing
        return None


def _backend_here(sidecar: Sidecar, path: Path) -> str | None:
    """The backend of then if it can run; else None, and a warning names the one that will."""
    try:
        return select(sidecar.backend, pixels=0).backend.name
    except (UnknownBackendError, BackendUnavailableError) as error:
        instead = select(None, pixels=0).backend.name
        warnings.warn(
            f"{path}: made by {sidecar.backend}, but {error}; {instead} runs instead, so the "
            "picture is the same within its accuracy, not byte for byte",
            BackendFallbackWarning,
            stacklevel=3,
        )
        return None


def _has_size(path: Path, facts: FileFacts) -> bool:
    return is_file(path) and path.stat().st_size == facts.size_bytes

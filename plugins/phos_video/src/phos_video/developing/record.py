"""The sidecar of a clip: as of a still, with the order beside the recipe."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import phos_core as phos
from phos_core.errors import SidecarError
from phos_core.process import RunReport
from phos_darkroom import new_files
from phos_darkroom.settings import sidecar
from phos_video.developing.order import Order

if TYPE_CHECKING:
    from phos_video.ffmpeg import Clip

__all__ = ["again", "ends_of", "first_file", "is_done", "write"]


def write(
    held: sidecar.Source,
    recipe: phos.Recipe,
    order: Order,
    *,
    report: RunReport,
    written: Path,
    destination: Path,
) -> None:
    """Write the sidecar of a clip that is whole and does not have its name yet.

    Parameters
    ----------
    held : Source
        What was developed, opened before it was.
    recipe : Recipe
        With the spaces that were settled.
    order : Order
        What was asked for besides.
    report : RunReport
        What ran.
    written : Path
        Where the clip lies now.
    destination : Path
        Where it will be; the sidecar goes beside it.

    Raises
    ------
    ImageFileError
        If the clip was changed meanwhile, or the sidecar cannot be written.
    """
    made = sidecar.describe(
        recipe,
        report,
        source=held.facts(),
        picture=destination,
        written=written,
        encoding=str(recipe.input_space) or recipe.encoding,
        primaries=str(recipe.primaries),
        clip=order.values(),
    )
    with new_files() as files:
        files.open(sidecar.path_for(destination)).write(sidecar.dumps(made).encode())


def is_done(clip: "Clip", recipe: phos.Recipe, order: Order, destination: Path) -> bool:
    """Whether a clip is there already, as `write` describes it, and untouched."""
    try:
        found = sidecar.read(sidecar.path_for(destination))
    except SidecarError:
        return False
    if found.clip is None or dict(found.clip) != order.values():
        return False
    return sidecar.matches(found, clip.path, recipe, destination)


def again(
    path: Path, source: Path | None, backend: str | None
) -> tuple[Path, phos.Recipe, Order, str | None]:
    """Give what makes a sidecar's clip again.

    Parameters
    ----------
    path : Path
        The sidecar.
    source : Path or None
        Where the clip that was developed lies now; None: where the sidecar says.
    backend : str or None
        Another backend than then, by the user's wish.

    Returns
    -------
    source : Path
        What to develop.
    recipe : Recipe
        The settings.
    order : Order
        What was asked for besides.
    backend : str or None
        The backend asked for, or else the one that ran; None if that cannot run here.

    Raises
    ------
    SidecarError
        If it cannot be read, is of a still, or the clip has changed.
    """
    kept = sidecar.read(path).clip
    if kept is None:
        raise SidecarError(f"{path} is of a still: phos develop --from-sidecar makes it again")
    try:
        order = Order.from_values(kept)
    except ValueError as error:
        raise SidecarError(f"{path}: {error}") from error
    found, recipe, chosen = sidecar.from_sidecar(path, source, backend)
    return found, recipe, order, chosen


def first_file(path: Path) -> Path:
    """Give a file by which a clip is known: itself, or the first of a sequence."""
    return path


def ends_of(clip: "Clip") -> list[Path]:
    """Give the files by which it is seen whether a clip has changed."""
    return [Path(os.fspath(clip.path))]

"""The sidecar of a clip: as of a still, with the order beside the recipe."""

from pathlib import Path
from typing import TYPE_CHECKING

import phos_core as phos
from phos_core.errors import SidecarError
from phos_core.process import RunReport
from phos_darkroom import new_files
from phos_darkroom.settings import sidecar
from phos_video.developing.order import Order
from phos_video.developing.segments import Span
from phos_video.ffmpeg.sequences import PATTERN as NUMBER
from phos_video.ffmpeg.sequences import numbered, numbers_of

if TYPE_CHECKING:
    from phos_video.ffmpeg import Clip

__all__ = ["again", "ends_of", "first_of", "is_done", "write"]

PATTERN = "pattern"
"""In a sidecar's table of the clip: the name of a sequence that was developed."""


def write(
    held: sidecar.Source,
    clip: "Clip",
    recipe: phos.Recipe,
    order: Order,
    *,
    report: RunReport,
    written: Path,
    first: Path,
    destination: Path,
) -> None:
    """Write the sidecar of a clip that is whole and does not have its name yet.

    Parameters
    ----------
    held : Source
        The clip's file, or the first of its sequence, opened before it was developed.
    clip : Clip
        What was developed.
    recipe : Recipe
        With the spaces that were settled.
    order : Order
        What was asked for besides.
    report : RunReport
        What ran.
    written : Path
        Where the clip's bytes lie now, or those of its first picture.
    first : Path
        Where they will be.
    destination : Path
        The clip; the sidecar goes beside it.

    Raises
    ------
    ImageFileError
        If the clip was changed meanwhile, or the sidecar cannot be written.
    """
    made = sidecar.describe(
        recipe,
        report,
        source=held.facts(),
        picture=first,
        written=written,
        encoding=str(recipe.input_space) or recipe.encoding,
        primaries=str(recipe.primaries),
        clip=order.values() | ({PATTERN: clip.path.name} if clip.is_sequence else {}),
    )
    with new_files() as files:
        files.open(sidecar.path_for(destination)).write(sidecar.dumps(made).encode())


def is_done(
    clip: "Clip", whole: Span, recipe: phos.Recipe, order: Order, destination: Path
) -> bool:
    """Whether a clip is there already, as `write` describes it, and untouched.

    Of a sequence all pictures have to be there, and the bytes of the first have to be the same.
    """
    try:
        found = sidecar.read(sidecar.path_for(destination))
    except SidecarError:
        return False
    if found.clip is None or {**found.clip, PATTERN: ""} != {**order.values(), PATTERN: ""}:
        return False
    numbers = (Span(number, whole.end) for number in range(whole.first, whole.end))
    if not all(first_of(destination, clip, one).exists() for one in numbers):
        return False
    source, picture = first_of(clip.path, clip), first_of(destination, clip, whole)
    return sidecar.matches(found, source, recipe, picture)


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
    pattern = kept.get(PATTERN)
    if source is not None and NUMBER.search(source.name) and numbers_of(source):
        source = numbered(source, numbers_of(source)[0])
    found, recipe, chosen = sidecar.from_sidecar(path, source, backend)
    return found.with_name(str(pattern)) if pattern else found, recipe, order, chosen


def first_of(path: Path, clip: "Clip", whole: Span | None = None) -> Path:
    """Give the file by which a clip is known: itself, or the first picture of a sequence.

    Parameters
    ----------
    path : Path
        The clip, or one that is made of it.
    clip : Clip
        The one that is developed, whose pictures have numbers if it is a sequence.
    whole : Span, optional
        The frames that are developed of it, where `path` is what they become.

    Returns
    -------
    Path
    """
    if not NUMBER.search(path.name):
        return path
    return numbered(path, (clip.first_number or 0) + (whole.first if whole else 0))


def ends_of(clip: "Clip") -> list[Path]:
    """Give the files by which it is seen whether a clip has changed: of a sequence two."""
    if not clip.is_sequence:
        return [clip.path]
    numbers = numbers_of(clip.path)
    return [numbered(clip.path, numbers[0]), numbered(clip.path, numbers[-1])]

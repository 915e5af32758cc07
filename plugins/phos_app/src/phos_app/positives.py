"""Positives: what is taken home, made by the library's own darkroom, file to file."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phos_app.developing import developed_file
from phos_app.uploads import Upload, UploadError, named_alone, on_disk, positive_name
from phos_core.process import Recipe, RunReport
from phos_darkroom import frame_seed
from phos_darkroom.settings.sidecar import dumps, path_for, read

__all__ = ["Positive", "positive_of", "recipe_in_roll", "roll_of", "zipped"]

MIME_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".exr": "image/x-exr",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Positive:
    """A positive as a file, and how it was made.

    Parameters
    ----------
    name, mime_type : str
        What it is called, and of what type it is.
    content : bytes
        The file: the same bytes as `phos develop` writes.
    sidecar_name, sidecar : str
        The sidecar's name, and its text.
    report : RunReport
        What ran.
    """

    name: str
    mime_type: str
    content: bytes = field(repr=False)
    sidecar_name: str
    sidecar: str = field(repr=False)
    report: RunReport


def positive_of(
    upload: Upload, recipe: Recipe, *, suffix: str | None = None, backend: str | None = None
) -> Positive:
    """Develop an upload at full size.

    Parameters
    ----------
    upload : Upload
        What came.
    recipe : Recipe
        The settings.
    suffix : str, optional
        The ending, one of `image_files.SUFFIXES`; by default as the upload's where that is
        written.
    backend : str, optional
        Where to compute.

    Returns
    -------
    Positive
        As deep as the upload where the format is, with its metadata.

    Raises
    ------
    UploadError
        If the picture cannot be read, developed or written.
    """
    name = positive_name(upload, str(recipe.film), suffix)
    with on_disk(upload) as source:
        destination = source.with_name(f"positive{Path(name).suffix}")
        with named_alone(destination, name):
            report = developed_file(source, destination, recipe, backend)
        sidecar = read(path_for(destination))
        # It knows the files by what they are called at home.
        there = replace(
            sidecar,
            picture=replace(sidecar.picture, path=source.with_name(name)),
            source=replace(sidecar.source, path=source.with_name(_shown_name(upload))),
        )
        return Positive(
            name=name,
            mime_type=MIME_TYPES[Path(name).suffix],
            content=destination.read_bytes(),
            sidecar_name=path_for(Path(name)).name,
            sidecar=dumps(there),
            report=report,
        )


def recipe_in_roll(upload: Upload, recipe: Recipe, pictures: int) -> Recipe:
    """Give the recipe of a picture; in a roll with grain of its own, as `phos develop` gives it."""
    if pictures == 1:
        return recipe
    return replace(recipe, seed=frame_seed(recipe.seed, upload.name))


def roll_of(
    uploads: Sequence[Upload], recipe: Recipe, *, suffix: str | None, backend: str | None
) -> Iterator[Positive | UploadError]:
    """Develop a roll, one after the other; one that fails says why, and the others go on.

    Parameters
    ----------
    uploads : sequence of Upload
        The pictures.
    recipe : Recipe
        The settings of all.
    suffix, backend : str, optional
        As for `positive_of`.

    Yields
    ------
    Positive or UploadError
        In the order of the uploads.
    """
    for upload in uploads:
        own = recipe_in_roll(upload, recipe, len(uploads))
        try:
            yield positive_of(upload, own, suffix=suffix, backend=backend)
        except UploadError as error:
            yield error


def zipped(positives: Sequence[Positive]) -> bytes:
    """Give positives and their sidecars as one file; of names that are taken, others are made."""
    stream = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # they are compressed
        for positive in positives:
            folder = _free_folder(positive.name, taken)
            archive.writestr(folder + positive.name, positive.content)
            archive.writestr(folder + positive.sidecar_name, positive.sidecar)
    return stream.getvalue()


def _free_folder(name: str, taken: set[str]) -> str:
    """The first of the folders "", "2/", "3/" … in which a name is free; a sidecar stays true."""
    number, folder = 1, ""
    while (folder + name).casefold() in taken:
        number += 1
        folder = f"{number}/"
    taken.add((folder + name).casefold())
    return folder


def _shown_name(upload: Upload) -> str:
    """An upload's name as a sidecar may hold it: no folder of anybody's, no end of it."""
    return Path(upload.name.replace("\\", "/")).name or "upload"

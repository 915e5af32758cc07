"""Positives: what is taken home, made by the library's own darkroom, file to file."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from phos_app.uploads import Upload, named_alone, positive_name
from phos_core.process import Recipe, RunReport
from phos_darkroom import SUFFIXES, Export, Framing, RawSettings, develop_file
from phos_darkroom.settings.sidecar import dumps, path_for, read

__all__ = ["MIME_TYPES", "Delivery", "Order", "Positive", "add_to_zip", "positive_of"]

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
class Delivery:
    """As what positives are taken home.

    Parameters
    ----------
    suffix : str or None
        The ending, one of `phos_darkroom.SUFFIXES`; None: as the upload, or as TIFF.
    space : str
        Their output space; empty: the upload's own.
    export : Export
        Their size, quality and sharpness.
    has_sidecar : bool
        Whether a sidecar is made.
    """

    suffix: str | None = None
    space: str = ""
    export: Export = field(default_factory=Export)
    has_sidecar: bool = True

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Delivery":
        """Read what the page asks for.

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown, of the wrong type or out of range.
        """
        own = dict(asked)
        suffix, space = own.pop("suffix", None) or None, own.pop("space", None) or ""
        has_sidecar = own.pop("sidecar", True)
        if suffix is not None and suffix not in SUFFIXES:
            raise ValueError(f"suffix must be one of {', '.join(SUFFIXES)}, got {suffix!r}")
        if not isinstance(space, str):
            raise TypeError(f"space must be a name, got {space!r}")
        if not isinstance(has_sidecar, bool):
            raise TypeError(f"sidecar must be true or false, got {has_sidecar!r}")
        export = Export.from_values({n: v for n, v in own.items() if v is not None})
        return cls(suffix=suffix, space=space, export=export, has_sidecar=has_sidecar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A positive that is wanted.

    Parameters
    ----------
    upload : Upload
        What came.
    recipe : Recipe
        The settings.
    framing : Framing
        How it is turned and cropped.
    raw : RawSettings or None
        How a camera's raw file becomes light; None: by the defaults.
    """

    upload: Upload
    recipe: Recipe
    framing: Framing
    raw: RawSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Positive:
    """A positive as a file, and how it was made.

    Parameters
    ----------
    name : str
        What it is called.
    path : Path
        The file: the same bytes as `phos develop` writes.
    sidecar : str
        The sidecar's text; empty: there is none.
    report : RunReport
        What ran.
    """

    name: str
    path: Path
    sidecar: str = field(repr=False)
    report: RunReport

    @property
    def sidecar_name(self) -> str:
        """What the sidecar is called."""
        return path_for(Path(self.name)).name


def positive_of(order: Order, delivery: Delivery, folder: Path, backend: str | None) -> Positive:
    """Develop an upload at full size.

    Parameters
    ----------
    order : Order
        What is wanted.
    delivery : Delivery
        As what.
    folder : Path
        Where it is put.
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
    upload, recipe = order.upload, replace(order.recipe, output_space=delivery.space)
    name = positive_name(upload.name, str(recipe.film), delivery.suffix)
    destination = folder / f"positive{Path(name).suffix}"
    with named_alone(upload.path, upload.name), named_alone(destination, name):
        report = develop_file(
            upload.path,
            destination,
            recipe,
            backend=backend,
            overwrite=True,
            sidecar=delivery.has_sidecar,
            raw=order.raw,
            framing=order.framing,
            export=delivery.export,
        )
    text = _sidecar_at_home(destination, name, upload) if delivery.has_sidecar else ""
    return Positive(name=name, path=destination, sidecar=text, report=report)


def add_to_zip(archive: zipfile.ZipFile, positive: Positive) -> None:
    """Put a positive and its sidecar into an archive; of a name that is taken, another is made."""
    folder = _free_folder(positive.name, {name.casefold() for name in archive.namelist()})
    archive.write(positive.path, folder + positive.name)
    if positive.sidecar:
        archive.writestr(folder + positive.sidecar_name, positive.sidecar)


def _sidecar_at_home(destination: Path, name: str, upload: Upload) -> str:
    """The text of a sidecar, which knows the files by what they are called at home."""
    beside = path_for(destination)
    sidecar = read(beside)
    beside.unlink()
    return dumps(
        replace(
            sidecar,
            picture=replace(sidecar.picture, path=beside.with_name(name)),
            source=replace(sidecar.source, path=beside.with_name(_shown_name(upload))),
        )
    )


def _free_folder(name: str, taken: set[str]) -> str:
    """The first of the folders "", "2/", "3/" … in which a name is free; a sidecar stays true."""
    number, folder = 1, ""
    while (folder + name).casefold() in taken:
        number += 1
        folder = f"{number}/"
    return folder


def _shown_name(upload: Upload) -> str:
    """An upload's name as a sidecar may hold it: no folder of anybody's, no end of it."""
    return Path(upload.name.replace("\\", "/")).name or "upload"

"""A TIFF developed by tiles, from file to file."""

import math
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from phos_core.backend import ConvolutionBackend
from phos_core.errors import ImageFileError
from phos_core.process import Recipe, RunReport
from phos_darkroom.colours import taken_as
from phos_darkroom.files.formats.damage import check_is_file
from phos_darkroom.files.formats.limits import PIXELS
from phos_darkroom.files.formats.samples import profile_for
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.formats.tiff_tiles import TiffTiles
from phos_darkroom.files.paths import exists
from phos_darkroom.files.picture import Metadata
from phos_darkroom.files.signing import signed
from phos_darkroom.files.whole_files import cannot_write, new_files
from phos_darkroom.large.by_tiles import DevelopmentByTiles, Progress
from phos_darkroom.large.memory import WHOLE_BYTES, allowed_bytes
from phos_darkroom.settings.sidecar import Source

__all__ = ["check_tiff", "develop_into", "develop_large", "is_large"]

Describe = Callable[[Metadata], Metadata]

SUFFIXES = (".tif", ".tiff")
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_large(path: str | os.PathLike[str], *, memory_bytes: int | None = None) -> bool:
    """Say whether a picture file is too large to be developed as a whole.

    Parameters
    ----------
    path : path
        The file.
    memory_bytes : int, optional
        Memory that may be used; by default ``PHOS_MEMORY_LIMIT``, else half of what is free.

    Returns
    -------
    bool
        True for a TIFF that `develop_large` can read, of more pixels than are read as a whole or
        more than can be developed in this memory.
    """
    path = Path(path)
    try:
        check_is_file(path)  # to open a pipe may wait for ever
        with path.open("rb") as file:
            if file.read(4) not in SIGNATURES:
                return False
        with TiffRegions(path) as regions:
            pixels = math.prod(regions.shape)
            sample_bytes = regions.samples * regions.dtype.itemsize
    except (OSError, ImageFileError):
        return False  # whoever reads it as a whole says what is wrong with it
    needed = pixels * (WHOLE_BYTES + 2 * sample_bytes)
    return pixels > PIXELS or needed > allowed_bytes(memory_bytes)


def develop_large(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    recipe: Recipe,
    *,
    backend: str | ConvolutionBackend | None = None,
    memory_bytes: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RunReport:
    """Develop a TIFF by tiles, within a limit of memory.

    The positive is what `develop` gives for the whole picture, as exact as its convolutions are.

    Parameters
    ----------
    source : path
        TIFF or BigTIFF: strips or tiles, grey or RGB, 8 or 16 bits or float32, alpha or none.
    destination : path
        Ends in ``.tif`` or ``.tiff``. The same kind of samples, alpha, size and colour profile,
        unless the recipe's output space asks for others.
    recipe : Recipe
        The settings. Its ``encoding="srgb"`` means: as the file says, so by its colour profile if
        it has one, and scene-linear for float32 without one.
    backend : str or ConvolutionBackend, optional
        Where to compute; as for `develop`.
    memory_bytes : int, optional
        Resident memory that the process may have, all in all; by default ``PHOS_MEMORY_LIMIT``,
        else half of what is free.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails.
    overwrite : bool
        Whether an existing file may be replaced.
    progress : callable, optional
        ``progress(done, tiles)``, after each tile.

    Returns
    -------
    RunReport
        What ran, and in how many tiles.

    Raises
    ------
    ImageFileError
        If the source cannot be read by regions, or the destination not be written.
    OutOfMemoryError
        If the memory allowed does not hold the smallest tile and what acts on it.

    Warns
    -----
    UserWarning
        If the file's colour profile has no way back to codes; the positive then is sRGB.
    """
    destination = Path(destination)
    check_tiff(destination)
    if exists(destination) and not overwrite:
        raise ImageFileError(
            f"{destination} exists already; it is replaced only on request (overwrite)"
        )
    with new_files(overwrite=overwrite) as files:
        file = files.open(destination)
        report, _ = develop_into(
            file,
            source,
            recipe,
            backend=backend,
            memory_bytes=memory_bytes,
            strict=strict,
            progress=progress,
            described=signed,
            destination=destination,
        )
    return report


def develop_into(
    file: BinaryIO,
    source: str | os.PathLike[str],
    recipe: Recipe,
    *,
    described: Describe,
    destination: str | os.PathLike[str] = "a file",
    held: Source | None = None,
    backend: str | ConvolutionBackend | None = None,
    memory_bytes: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> tuple[RunReport, Recipe]:
    """Develop a TIFF by tiles into a file that is open.

    Parameters
    ----------
    file : binary file
        Where to; it must be new, and can be read and written.
    source, recipe, backend, memory_bytes, strict, progress
        As for `develop_large`.
    described : callable
        ``described(metadata)``: what the positive's file says besides its pixels, from what the
        source says.
    destination : path
        What the file is to be, for errors.
    held : Source, optional
        The source, held so that a change while it is read is noticed.

    Returns
    -------
    report : RunReport
        What ran.
    recipe : Recipe
        The settings, with the encoding that the source was taken to have.

    Raises
    ------
    ImageFileError, OutOfMemoryError
        As `develop_large` raises.
    """
    with TiffRegions(source) as regions:
        if held is not None:
            held.check_opened()
        development = DevelopmentByTiles(regions, recipe, backend=backend, strict=strict)
        windows = development.windows(allowed_bytes(memory_bytes))
        metadata = described(replace(regions.metadata, icc_profile=profile_for(development.frame)))
        with cannot_write(destination):
            written = TiffTiles(
                file,
                regions.shape,
                regions.samples,
                development.frame.pixels.dtype,
                metadata=metadata,
            )
        development.develop(windows, written, progress, partial(cannot_write, destination))
        with cannot_write(destination):
            written.finish()
        return development.report(windows), taken_as(development.frame_read, recipe)


def check_tiff(path: Path) -> None:
    """Raise `ImageFileError` unless a file's name ends as that of a TIFF does."""
    if path.suffix.lower() not in SUFFIXES:
        raise ImageFileError(
            f"cannot write {path}: a picture this large is developed from TIFF to TIFF, so its "
            f"name must end in one of {' '.join(SUFFIXES)}"
        )

"""What formats of optional libraries share: the library, and what a file cannot hold."""

import importlib
from pathlib import Path
from typing import Any

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.limits import check_size

__all__ = ["check_claim", "library", "one_line"]

SMALL_BYTES = 200_000_000
"""Pixels that take no more in memory are decoded however small their file is."""

EXPANSION = 1_032
"""How many bytes one byte becomes at most: deflate's best. No photograph comes near."""


def library(name: str, extra: str, path: Path) -> Any:
    """Import an optional library, or say which extra brings it.

    Parameters
    ----------
    name : str
        The library's import name.
    extra : str
        The extra of the core that installs it.
    path : Path
        The file that needs it.

    Returns
    -------
    module
        The library.

    Raises
    ------
    ImageFileError
        If it is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImageFileError(
            f"{path} needs the library {name}, which cannot be imported ({one_line(error)}); "
            f"from a checkout: pip install ./phos_core './plugins/phos_darkroom[{extra}]'"
        ) from error


def check_claim(path: Path, rows: int, cols: int, bytes_per_pixel: int) -> None:
    """Refuse a picture that is too large to be read, or far larger than its file could hold.

    Parameters
    ----------
    path : Path
        The file.
    rows, cols : int
        What its header claims.
    bytes_per_pixel : int
        What a pixel takes in memory.

    Raises
    ------
    ImageFileError
        If the pixels are none or too many; or take more than `SMALL_BYTES`, and more than
        `EXPANSION` times the file.
    """
    check_size(path, rows, cols)
    in_memory, on_disk = rows * cols * bytes_per_pixel, path.stat().st_size
    if in_memory > max(SMALL_BYTES, EXPANSION * on_disk):
        raise ImageFileError(
            f"{path} claims {cols} by {rows} pixels, {in_memory / 1e6:.0f} MB, "
            f"in a file of {on_disk} bytes"
        )


def one_line(message: object) -> str:
    """Return a library's message as one line."""
    return " ".join(str(message).split()) or "no reason given"

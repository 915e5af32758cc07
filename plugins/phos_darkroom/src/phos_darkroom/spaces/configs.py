"""OpenColorIO and its configurations: the user's own, and the one that it comes with."""

import importlib
import os
from functools import cache
from pathlib import Path
from typing import Any

from phos_core.errors import SpaceError

__all__ = ["BUILT_IN", "VARIABLE", "configs", "loaded", "ocio"]

VARIABLE = "OCIO"
BUILT_IN = "ocio://studio-config-latest"
"""Every camera's log and gamut, ACES and displays, by the Academy and the makers."""


def ocio() -> Any:
    """Import OpenColorIO, or say what installs it.

    Raises
    ------
    SpaceError
        If it cannot be imported.
    """
    try:
        return importlib.import_module("PyOpenColorIO")
    except ImportError as error:
        raise SpaceError(
            "colour spaces by name need OpenColorIO, which cannot be imported "
            f"({' '.join(str(error).split())}); pip install 'phos-darkroom[spaces]'"
        ) from error


def configs() -> list[str]:
    """Name the configurations that are searched: the user's by ``$OCIO``, then the built-in one."""
    chosen = os.environ.get(VARIABLE, "")
    return [chosen, BUILT_IN] if chosen and chosen != BUILT_IN else [BUILT_IN]


def loaded(config: str) -> Any:
    """Give a configuration.

    Parameters
    ----------
    config : str
        A file's path, or a built-in one's name, beginning with ``ocio://``.

    Returns
    -------
    PyOpenColorIO.Config
        Loaded once, as long as the file is not changed.

    Raises
    ------
    SpaceError
        If it cannot be read; one line says why.
    """
    try:
        changed = 0 if config.startswith("ocio://") else Path(config).stat().st_mtime_ns
    except OSError as error:
        raise SpaceError(
            f"the OpenColorIO configuration {config} cannot be read: {error.strerror or error}"
        ) from error
    return _loaded(config, changed)


@cache
def _loaded(config: str, _changed: int) -> Any:
    library = ocio()
    try:
        found = library.Config.CreateFromFile(config)
        found.validate()
    except library.Exception as error:
        raise SpaceError(
            f"the OpenColorIO configuration {config} cannot be read: {' '.join(str(error).split())}"
        ) from error
    return found

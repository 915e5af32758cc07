"""Developing for the page: one picture at a time, in whichever window it was asked for.

Renders of several windows would share the cores and multiply the memory; so they wait in line.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import phos_core as phos
from phos_core.process import Recipe, RunReport
from phos_darkroom import develop_file

__all__ = ["developed", "developed_file", "in_line"]

_ENLARGER = threading.Lock()


@contextmanager
def in_line() -> Iterator[None]:
    """Wait until nobody else develops."""
    with _ENLARGER:
        yield


def developed(
    image: NDArray[Any], recipe: Recipe, backend: str | None
) -> tuple[NDArray[Any], RunReport]:
    """Develop an array as `phos_core.develop` does, in line."""
    positive: NDArray[Any]
    report: RunReport
    with in_line():
        positive, report = phos.develop_with_report(image, recipe=recipe, backend=backend)
    return positive, report


def developed_file(
    source: Path, destination: Path, recipe: Recipe, backend: str | None
) -> RunReport:
    """Develop a file as `darkroom.develop_file` does, in line."""
    with in_line():
        return develop_file(source, destination, recipe, backend=backend)

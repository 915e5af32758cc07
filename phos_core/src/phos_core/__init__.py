"""phos: film effects computed from physics, in micrometres on film."""

import logging
from typing import TYPE_CHECKING

from phos_core import psf
from phos_core.convolution.choosing.device_facts import device_info
from phos_core.convolution.choosing.selection import backends, use_backend
from phos_core.convolution.running.convolve import convolve, plan
from phos_core.errors import PhosError
from phos_core.process.develop import develop, develop_with_report
from phos_core.process.recipe import Recipe
from phos_core.process.report import RunReport
from phos_core.stocks.film import FILM_FORMATS_UM, Film
from phos_core.stocks.library import films
from phos_core.stocks.loading import load_film

__all__ = [
    "FILM_FORMATS_UM",
    "Film",
    "PhosError",
    "Recipe",
    "RunReport",
    "__version__",
    "backends",
    "convolve",
    "develop",
    "develop_with_report",
    "device_info",
    "films",
    "load_film",
    "plan",
    "psf",
    "use_backend",
]

if TYPE_CHECKING:
    __version__: str

logging.getLogger(__name__).addHandler(logging.NullHandler())  # nothing is printed unasked


def __getattr__(name: str) -> str:
    """Read the version when it is asked for: to import what reads it takes long."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("phos-core")

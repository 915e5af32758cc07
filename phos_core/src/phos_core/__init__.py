"""phos: film effects computed from physics, in micrometres on film."""

import logging
from importlib.metadata import version

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

__version__ = version("phos-core")

logging.getLogger(__name__).addHandler(logging.NullHandler())  # nothing is printed unasked

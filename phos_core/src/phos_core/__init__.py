"""phos: film effects computed from physics, in micrometres on film."""

import logging
from importlib.metadata import version

from phos_core import psf
from phos_core.convolution.execution import convolve, plan
from phos_core.convolution.selection import backends, use_backend
from phos_core.device_facts import device_info
from phos_core.door import develop
from phos_core.errors import PhosError
from phos_core.film import FILM_FORMATS_UM, Film, films, load_film
from phos_core.recipe import Recipe, RunReport

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
    "device_info",
    "films",
    "load_film",
    "plan",
    "psf",
    "use_backend",
]

__version__ = version("phos-core")

logging.getLogger(__name__).addHandler(logging.NullHandler())  # nothing is printed unasked

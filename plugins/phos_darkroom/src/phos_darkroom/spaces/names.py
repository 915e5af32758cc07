"""Names of colour spaces as people write them, and what they mean."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from phos_core.errors import UnknownSpaceError
from phos_darkroom.spaces.configs import BUILT_IN, configs, loaded, ocio

__all__ = ["by_family", "find_in"]

MOST_NEAR = 4  # names in an error

# What everybody calls them, and the built-in configuration does not.
USUAL = {
    "srgb": "sRGB - Display",
    "displayp3": "Display P3 - Display",
    "rec709": "Rec.1886 Rec.709 - Display",
    "rec1886": "Rec.1886 Rec.709 - Display",
    "pq": "Rec.2100-PQ - Display",
    "rec2100pq": "Rec.2100-PQ - Display",
    "hlg": "Rec.2100-HLG - Display",
    "rec2100hlg": "Rec.2100-HLG - Display",
    "clog2": "CanonLog2 CinemaGamut D55",
    "clog3": "CanonLog3 CinemaGamut D55",
    "aces": "ACES2065-1",
}


def find_in(name: str) -> tuple[str, str]:
    """Find the configuration that has a colour space, and the name by which it has it.

    Parameters
    ----------
    name : str
        As people write it.

    Returns
    -------
    config, name : str
        As `configs.loaded` and the configuration take them.

    Raises
    ------
    UnknownSpaceError
        If none has it, or one has several that may be meant.
    """
    for config in configs():  # whole names everywhere before parts of names anywhere
        found = _whole(name, config)
        if found is not None:
            return config, found
    several: list[str] = []
    for config in configs():
        fitting = _by_parts(name, config)
        if len(fitting) == 1:
            return config, fitting[0]
        several += fitting
    raise UnknownSpaceError(name, several[:MOST_NEAR] if several else _nearest(name))


def by_family() -> dict[str, list[tuple[str, str]]]:
    """Give all colour spaces by family, each with its configuration."""
    families: dict[str, list[tuple[str, str]]] = {}
    for config in configs():
        for space in _spaces(config):
            family = space.getFamily() or "Other"
            families.setdefault(family, []).append((config, space.getName()))
    return families


def plain(name: str) -> str:
    """Give a name's letters and digits, in lower case."""
    return re.sub(r"[\W_]", "", name.casefold())


def _spaces(config: str) -> Iterator[Any]:
    """The colour spaces of a configuration, those that hold data left out."""
    library = ocio()
    spaces = loaded(config).getColorSpaces(
        library.SEARCH_REFERENCE_SPACE_ALL, library.COLORSPACE_ALL
    )
    return (space for space in spaces if not space.isData())


def _whole(name: str, config: str) -> str | None:
    """The space that a whole name, an alias or a role means."""
    found = loaded(config).getColorSpace(name)
    if found is not None and not found.isData():
        return str(found.getName())
    wanted = plain(name)
    for space in _spaces(config):
        if wanted and wanted in map(plain, (space.getName(), *space.getAliases())):
            return str(space.getName())
    return USUAL.get(wanted) if config == BUILT_IN else None


def _by_parts(name: str, config: str) -> list[str]:
    """The spaces whose names hold every word of this one."""
    words = [plain(word) for word in name.split() if plain(word)]
    return [
        space.getName()
        for space in _spaces(config)
        if words and all(word in plain(space.getName()) for word in words)
    ]


def _nearest(name: str) -> list[str]:
    """The names that are most like one."""
    of_plain = {
        plain(alias): space.getName()
        for config in configs()
        for space in _spaces(config)
        for alias in (*space.getAliases(), space.getName())
    }
    near = difflib.get_close_matches(plain(name), of_plain, n=2 * MOST_NEAR, cutoff=0.5)
    return list(dict.fromkeys(of_plain[one] for one in near))[:MOST_NEAR]

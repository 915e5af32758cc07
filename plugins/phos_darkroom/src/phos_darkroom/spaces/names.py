"""Names of colour spaces as people write them, and what they mean."""

from collections.abc import Iterator
from typing import Any

from phos_core.errors import UnknownSpaceError, nearest, plain_name
from phos_darkroom.spaces.configs import BUILT_IN, configs, loaded, ocio

__all__ = ["find_in", "holding"]

MOST_NEAR = 4  # names in an error

# What everybody calls them, and the built-in configuration does not.
USUAL = {
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


def holding(words: str) -> list[tuple[str, str]]:
    """Give the colour spaces that hold each of some words, by family, each with its configuration.

    Parameters
    ----------
    words : str
        Separated by blanks; they may stand in the name, the family or an alias.
    """
    wanted = [plain_name(word) for word in words.split()]
    found: list[tuple[str, str]] = []
    for config in configs():
        for space in sorted(_spaces(config), key=lambda space: space.getFamily()):
            told = plain_name(" ".join((space.getName(), space.getFamily(), *space.getAliases())))
            if all(word in told for word in wanted):
                found.append((config, space.getName()))
    return found


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
    wanted = plain_name(name)
    for space in _spaces(config):
        if wanted and wanted in map(plain_name, (space.getName(), *space.getAliases())):
            return str(space.getName())
    return USUAL.get(wanted) if config == BUILT_IN else None


def _by_parts(name: str, config: str) -> list[str]:
    """The spaces whose names hold every word of this one."""
    words = [plain_name(word) for word in name.split() if plain_name(word)]
    return [
        space.getName()
        for space in _spaces(config)
        if words and all(word in plain_name(space.getName()) for word in words)
    ]


def _nearest(name: str) -> list[str]:
    """The names that are most like one."""
    spellings = {
        alias: space.getName()
        for config in configs()
        for space in _spaces(config)
        for alias in (*space.getAliases(), space.getName())
    }
    spellings |= USUAL
    near = nearest(name, spellings, count=3 * MOST_NEAR)
    return list(dict.fromkeys(spellings[one] for one in near))[:MOST_NEAR]

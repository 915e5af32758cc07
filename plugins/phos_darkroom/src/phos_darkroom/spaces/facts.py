"""Which configuration of OpenColorIO gives a colour space its meaning, for a record of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from phos_core.process import find_space

__all__ = ["ConfigFacts", "config_facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFacts:
    """Which configuration, and how to see whether it is still the same.

    Parameters
    ----------
    config : str
        A file's name, or a built-in one's, with its version, beginning with ``ocio://``.
    sha256 : str
        The hash of the file's bytes, in hexadecimal digits; empty of a built-in one. What such a
        file refers to, tables for instance, is not part of it.
    """

    config: str
    sha256: str = ""


def config_facts(name: str) -> ConfigFacts | None:
    """Say which configuration has a colour space.

    Parameters
    ----------
    name : str
        As for `phos_core.process.find_space`.

    Returns
    -------
    ConfigFacts or None
        None: the core or another plug-in knows the space, and no configuration.

    Raises
    ------
    UnknownSpaceError, SpaceError
        As `find` raises.
    """
    from phos_darkroom.spaces.configs import loaded
    from phos_darkroom.spaces.space import Space

    space = find_space(name)
    if not isinstance(space, Space):
        return None
    if "://" in space.config:
        return ConfigFacts(config=f"ocio://{loaded(space.config).getName()}")
    path = Path(space.config)
    return ConfigFacts(config=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())

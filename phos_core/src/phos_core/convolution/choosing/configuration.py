"""What a user wishes of backends and plug-ins, from the environment and a configuration file.

A file is read only if ``PHOS_CONFIG`` names one; the ``phos`` command lets it name the usual one.
A variable of the environment takes the place of the file's key that says the same.
"""

import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from phos_core.convolution.choosing.installed import normalised
from phos_core.convolution.hooks import NAME
from phos_core.errors import ConfigurationError, nearest

__all__ = [
    "AUTO",
    "Configuration",
    "configuration",
    "listed",
    "reset",
    "wanted_backends",
]

AUTO = "auto"

LIMIT_BYTES = 1 << 20  # no configuration comes near it
LARGEST_PRIORITY = 1_000_000  # either way: leaves room above and below every backend

Source = Literal["environment", "configuration"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is wished for; it can be hashed, so that what depends on it can be cached by it.

    Parameters
    ----------
    backend : tuple of str
        The backends that may be chosen, the first that can run; empty: the best of all.
    blocked : frozenset of str
        Distributions and backends that are kept out, as `normalised` writes them.
    blocked_by : str
        What keeps them out, for messages.
    allowed : frozenset of str or None
        Distributions and entry points besides which none is imported; None: all are.
    allowed_by : str
        What allows them, for messages.
    priorities : tuple of (str, int)
        Backends that are ranked otherwise than their plug-ins rank them.
    """

    backend: tuple[str, ...] = ()
    blocked: frozenset[str] = frozenset()
    blocked_by: str = "PHOS_BLOCK"
    allowed: frozenset[str] | None = None
    allowed_by: str = "PHOS_PLUGINS"
    priorities: tuple[tuple[str, int], ...] = ()


def configuration() -> Configuration:
    """Return what the environment and the configuration file say now.

    Returns
    -------
    Configuration
        The file is read once for each process and path; see `reset`.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or something in it is wrong; the message names file and key.
    """
    return _made(*(os.environ.get(name) for name in ("PHOS_CONFIG", "PHOS_BLOCK", "PHOS_PLUGINS")))


def wanted_backends() -> tuple[tuple[str, ...], Source]:
    """Return the backends that the environment names, else those of the file, and which it was.

    Raises
    ------
    ConfigurationError
        As `configuration` raises.
    """
    named = listed(os.environ.get("PHOS_BACKEND", ""))
    return (named, "environment") if named else (configuration().backend, "configuration")


def reset() -> None:
    """Forget the file, so that it is read again."""
    _made.cache_clear()


def listed(text: str) -> tuple[str, ...]:
    """Return the names in a text, which commas separate; each once, and none that is empty."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


@cache
def _made(config: str | None, block: str | None, plugins: str | None) -> Configuration:
    """What the file says, with the variables that are set in place of its keys."""
    wished = _read(config.strip()) if config and config.strip() else Configuration()
    if block is not None:
        blocked = _all_normalised(listed(block))
        wished = replace(wished, blocked=blocked, blocked_by="PHOS_BLOCK")
    if plugins is not None:
        allowed = _all_normalised(listed(plugins))
        wished = replace(wished, allowed=allowed, allowed_by="PHOS_PLUGINS")
    return wished


def _all_normalised(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(normalised, names))


def _read(path: str) -> Configuration:
    try:
        return _checked(_parsed(Path(path)), path)
    except ValueError as error:
        raise ConfigurationError(f"configuration {path}: {error}") from error


def _parsed(path: Path) -> dict[str, Any]:
    """The content of a file; a `ValueError` says why not, but not which file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device may never end
            raise ValueError("is not a regular file")
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        hint = "; PHOS_CONFIG names it" if isinstance(error, FileNotFoundError) else ""
        raise ValueError(f"cannot be read: {error.strerror}{hint}") from error
    if len(content) > LIMIT_BYTES:
        raise ValueError("is larger than 1 MiB")
    try:
        return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not TOML: {error}") from error


def _checked(table: Mapping[str, Any], path: str) -> Configuration:
    known = ("backend", "block", "plugins", "priorities")
    for key in table:
        if key not in known:
            near = nearest(key.lower(), known)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise ValueError(f"unknown key {key!r}; {hint}")
    backend = _names(table, "backend", one_will_do=True)
    if backend == ():
        raise ValueError(f"backend must name one at least; leave it out, or write {AUTO!r}")
    block, plugins = _names(table, "block"), _names(table, "plugins")
    return Configuration(
        backend=backend or (),
        blocked=_all_normalised(block or ()),
        blocked_by=f"block in {path}",
        allowed=None if plugins is None else _all_normalised(plugins),
        allowed_by=f"plugins in {path}",
        priorities=_priorities(table.get("priorities", {})),
    )


def _names(
    table: Mapping[str, Any], key: str, *, one_will_do: bool = False
) -> tuple[str, ...] | None:
    """A key's list of names; None if it is not there."""
    if key not in table:
        return None
    names = [table[key]] if one_will_do and isinstance(table[key], str) else table[key]
    if not isinstance(names, list):
        example = f'{key} = ["cupy", "scipy"]' if one_will_do else f'{key} = ["phos-cupy"]'
        raise ValueError(f"{key} must be a list of names, such as {example}, got {names!r}")
    for name in names:
        if not isinstance(name, str) or not name.strip() or "," in name:
            raise ValueError(f"{key} must be a list of names, one name in each entry, got {name!r}")
    return tuple(dict.fromkeys(name.strip() for name in names))


def _priorities(table: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(table, dict):
        raise ValueError(
            f'priorities must be a table of backends, such as "torch:cuda" = 120, got {table!r}'
        )
    for name, priority in table.items():
        if not NAME.fullmatch(name):
            raise ValueError(
                f"priorities: {name!r} cannot be a backend's name, which is in lower-case letters, "
                "digits and _ - : ."
            )
        if isinstance(priority, dict):  # torch.cpu = 1 without quotation marks
            raise ValueError(f'priorities: a name with a dot needs quotation marks, got "{name}"')
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise ValueError(f"priorities: {name!r} must be a whole number, got {priority!r}")
        if abs(priority) > LARGEST_PRIORITY:
            raise ValueError(
                f"priorities: {name!r} must lie between -{LARGEST_PRIORITY} and "
                f"{LARGEST_PRIORITY}, got {priority}"
            )
    return tuple(sorted(table.items()))

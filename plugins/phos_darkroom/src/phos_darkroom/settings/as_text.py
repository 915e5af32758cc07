"""Settings as TOML: the form that sidecars, presets and a picture's own metadata share."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w
from platformdirs import user_config_path

from phos_core.errors import shown
from phos_core.process import Recipe
from phos_core.stocks import Film, toml_text

__all__ = [
    "NONE",
    "as_toml",
    "kept_values",
    "parse_toml",
    "read_toml",
    "settings_folder",
    "settings_from",
    "settings_text",
    "values_of",
]

NONE = "none"
"""How a setting says that nothing was asked for; TOML has no word for it."""

OR_NUMBERS: Mapping[str, type | tuple[type, ...]] = {
    "light": object,
    "primaries": (str, list, tuple),
}
"""Settings that are names by default, and may be numbers."""

LATER: Mapping[str, Any] = MappingProxyType(
    {
        "strength": 1.0,
        "weave_um": 0.0,
        "breathing_stops": 0.0,
        "dust_per_cm2": 0.0,
        "scratches": 0.0,
    }
)
"""Settings that came after version 2 of sidecars, each with the value at which it does nothing:
then it is not written, and a sidecar that lacks it means that. What was written before stays valid,
and what asks nothing of them stays the same text."""

NOTHING = object()  # no setting's value
DEFAULTS = {field.name: field.default for field in fields(Recipe) if field.name != "film"}


def settings_folder() -> Path:
    """Return where phos keeps what is the user's, as programs do on this platform.

    Returns
    -------
    Path
        It need not exist.
    """
    return user_config_path("phos", appauthor=False, roaming=True)


def values_of(recipe: Recipe) -> dict[str, Any]:
    """Give every setting of a recipe but the film, defaults included, as TOML holds it.

    Parameters
    ----------
    recipe : Recipe
        The settings.

    Returns
    -------
    dict of str to str, bool, int, float or list
        `settings_from` gives the same settings again, each float to its last bit.
    """
    return {name: _value(getattr(recipe, name)) for name in DEFAULTS}


def kept_values(recipe: Recipe) -> dict[str, Any]:
    """Give `values_of` a recipe without those that came `LATER` and change nothing.

    Parameters
    ----------
    recipe : Recipe
        The settings.

    Returns
    -------
    dict of str to str, bool, int, float or list
        What stands in a sidecar and in a picture's own metadata.
    """
    values = values_of(recipe)
    return {name: value for name, value in values.items() if LATER.get(name, NOTHING) != value}


def settings_from(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings, as keywords of `Recipe`, that TOML holds as `values_of` writes them.

    Parameters
    ----------
    values : mapping of str to Any
        Some settings or all, without the film. Only what a `Recipe` does not check itself is
        checked.

    Returns
    -------
    dict of str to Any
        The same settings.

    Raises
    ------
    ValueError
        If there is no setting of a name; the message gives the nearest.
    TypeError
        If a name stands as something else.
    """
    for name in values:
        if name not in DEFAULTS:
            raise ValueError(_unknown(name))
    return {name: _setting(name, value) for name, value in values.items()}


def settings_text(recipe: Recipe) -> str:
    """Write film and settings as TOML, for a picture's metadata: no path, nothing of the machine.

    Parameters
    ----------
    recipe : Recipe
        The settings; a film that is a path appears by the file's name, a `Film` by its own.

    Returns
    -------
    str
        Equal settings, equal text.
    """
    film = recipe.film
    name = film.name if isinstance(film, Film) else Path(film).name
    return as_toml({"film": name, **kept_values(recipe)})


def as_toml(table: Mapping[str, Any]) -> str:
    """Write a table as TOML.

    Parameters
    ----------
    table : mapping of str to object
        Values that TOML can hold; None is none of them.

    Returns
    -------
    str
        The text.
    """
    return tomli_w.dumps(table)


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML; a `ValueError` says where it goes wrong."""
    try:
        return toml_text.parse(text)
    except ValueError as error:
        raise ValueError(f"is no TOML: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of settings; a `ValueError` says why not, but not which file."""
    try:
        return parse_toml(toml_text.read(path, "file of settings"))
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error


def _value(setting: Any) -> Any:
    if setting is None:
        return NONE
    if callable(setting):  # said where a picture's own text has it; no file of settings holds it
        return f"a function: {getattr(setting, '__name__', type(setting).__name__)}"
    return [_value(each) for each in setting] if isinstance(setting, tuple) else setting


def _setting(name: str, value: Any) -> Any:
    default = DEFAULTS[name]
    if default is None:
        return None if value == NONE else value
    kinds = OR_NUMBERS.get(name, str)
    if isinstance(default, str) and not isinstance(value, kinds):
        raise TypeError(f"{name} must be a name, got {shown(value)}")
    return _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), DEFAULTS, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(DEFAULTS)}"
    return f"unknown setting {shown(name)}; {hint}"

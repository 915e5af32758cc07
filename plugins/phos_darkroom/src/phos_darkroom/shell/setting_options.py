"""The settings of a `Recipe` as options of a command, made from their one table."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from phos_core.process import Recipe
from phos_darkroom.settings.described import SETTINGS, Setting, bounds_of
from phos_darkroom.shell.completion import (
    complete_films,
    complete_formats,
    complete_papers,
    complete_spaces,
)
from phos_darkroom.shell.help import in_group

__all__ = ["setting_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

WIDEST = 50  # characters of choices that a line of the help has room for; its text names more
DEFAULTS = {field.name: field.default for field in fields(Recipe)}
COMPLETIONS = {
    "film": complete_films,
    "film_format": complete_formats,
    "input_space": complete_spaces,
    "printing": complete_papers,
}


def setting_options(command: Command) -> Command:
    """Give a command an option for each setting, named as the fields of `Recipe`.

    Parameters
    ----------
    command : callable
        Takes them as keywords; `preset_options.merged` says which of them were given.

    Returns
    -------
    callable
        The command.
    """
    for setting in reversed(tuple(SETTINGS.values())):
        if setting.option:
            command = _option(setting)(command)
    return command


def _option(setting: Setting) -> Callable[[Command], Command]:
    default = DEFAULTS[setting.name]
    return in_group(
        setting.group,
        f"{setting.option}/--no-{setting.option[2:]}" if default is True else setting.option,
        setting.name,
        default=_plain(default),
        show_default=setting.unset or default is not False,
        help=_help(setting),
        shell_complete=COMPLETIONS.get(setting.name),
        **_kind(setting, default),
    )


def _kind(setting: Setting, default: Any) -> dict[str, Any]:
    """What click is to know of the values of an option."""
    if isinstance(default, bool):
        return {"is_flag": True}
    if setting.choices:
        is_wide = len("|".join(setting.choices)) > WIDEST
        named = {"metavar": setting.value} if is_wide else {}
        return {"type": click.Choice(setting.choices), **named}
    if setting.name == "light":
        return {"metavar": setting.value, "callback": _name_or_kelvin}
    kind: Any = float if bounds_of(setting) else type(default)
    if isinstance(default, tuple):
        kind = (float,) * len(default)
    return {"metavar": setting.value, "type": kind}


def _help(setting: Setting) -> str:
    """What a setting means, with its bounds."""
    bounds = bounds_of(setting)
    if bounds is None or setting.name == "light":
        return setting.meaning
    low, high = bounds
    return f"{setting.meaning} [{low:.12g} to {high:.12g}]"


def _plain(default: Any) -> Any:
    """A default as the help is to show it: 0, not 0.0, and nothing where it is empty."""
    if isinstance(default, tuple):
        return tuple(map(_plain, default))
    if default == "":
        return None
    return int(default) if isinstance(default, float) and default.is_integer() else default


def _name_or_kelvin(ctx: click.Context, param: click.Parameter, value: str) -> str | float:
    """A light's name, or a temperature in K."""
    try:
        return float(value)
    except ValueError:
        return value

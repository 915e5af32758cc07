"""What ``phos develop`` takes its settings from: its options, a preset, or a sidecar."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from phos_core.process.recipe import Recipe

__all__ = ["given", "merged", "preset_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def preset_options(command: Command) -> Command:
    """Give a command the options that name presets and sidecars.

    Parameters
    ----------
    command : callable
        Takes `preset`, `save_as` (each str or None) and `sidecar` (Path or None).

    Returns
    -------
    callable
        The command.
    """
    for option in (
        click.option(
            "--from-sidecar",
            "sidecar",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Make the picture of this .phos.toml again.",
        ),
        click.option(
            "--save-preset", "save_as", metavar="NAME", help="Keep these settings as a preset."
        ),
        click.option(
            "--preset",
            metavar="NAME",
            help="Settings to begin with (see `phos presets`): a name, or a .toml file.",
        ),
    ):
        command = option(command)
    return command


def given(ctx: click.Context) -> dict[str, Any]:
    """Give the settings that stand on the command line, defaults left out.

    Parameters
    ----------
    ctx : click.Context
        Of a command whose options are named as the fields of `Recipe`.

    Returns
    -------
    dict of str to Any
        Keywords of `Recipe`.
    """
    names = {field.name for field in fields(Recipe)}
    unasked = (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    return {
        name: value
        for name, value in ctx.params.items()
        if name in names and ctx.get_parameter_source(name) not in unasked
    }


def merged(ctx: click.Context, preset: str | None) -> dict[str, Any]:
    """Give a preset's settings with those of the command line over them.

    Parameters
    ----------
    ctx : click.Context
        Of a command whose options are named as the fields of `Recipe`.
    preset : str or None
        A preset's name, or the path of its file.

    Returns
    -------
    dict of str to Any
        Keywords of `Recipe`; for what is not among them its defaults are meant.

    Raises
    ------
    UnknownPresetError, PresetError, SidecarError
        If the preset cannot be read.
    """
    from phos_darkroom.settings.presets import load_preset

    return {**(load_preset(preset) if preset else {}), **given(ctx)}

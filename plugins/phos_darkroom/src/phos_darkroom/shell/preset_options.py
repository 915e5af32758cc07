"""What ``phos develop`` takes its settings from: its options, a preset, or a sidecar."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from phos_core.process import Recipe
from phos_darkroom.settings.described import EXPOSURE_STOPS
from phos_darkroom.shell.completion import complete_presets
from phos_darkroom.shell.help import in_group

__all__ = ["given", "merged", "preset_option", "preset_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

preset_option = in_group(
    "Film",
    "--preset",
    metavar="NAME",
    shell_complete=complete_presets,
    help="Settings to begin with: a preset, see `phos presets`, or a .toml file.",
)


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
        in_group(
            "Film",
            "--from-sidecar",
            "sidecar",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Make the picture of this .phos.toml again.",
        ),
        in_group(
            "Film",
            "--save-preset",
            "save_as",
            metavar="NAME",
            help="Keep these settings as a preset.",
        ),
        preset_option,
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
        Keywords of `Recipe`, as they were typed.
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
        Keywords of `Recipe`; what is not among them has its default.

    Raises
    ------
    UnknownPresetError, PresetError, SidecarError
        If the preset cannot be read.
    UnknownFilmError, ValueError
        If a film, paper or format on the command line is none, or may be several; if the exposure
        is beyond its bounds.
    """
    from phos_darkroom.settings.names import film_named, format_named, paper_named
    from phos_darkroom.settings.presets import load_preset

    settings = given(ctx)
    for name, find in (
        ("film", film_named),
        ("printing", paper_named),
        ("film_format", format_named),
    ):
        if name in settings:
            settings[name] = find(settings[name])
    low, high = EXPOSURE_STOPS
    if not low <= settings.get("exposure_stops", 0.0) <= high:
        raise ValueError(
            f"exposure_stops must lie between {low:g} and {high:g}, "
            f"got {settings['exposure_stops']:g}"
        )
    return {**(load_preset(preset) if preset else {}), **settings}

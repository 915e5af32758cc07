"""How cameras' raw files become light, as options of a command."""

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from phos_darkroom.shell.help import in_group

if TYPE_CHECKING:
    from phos_darkroom.files.formats.raw_settings import RawSettings

__all__ = ["given_of_raw", "raw_options", "raw_settings"]

Command = TypeVar("Command", bound=Callable[..., Any])
GROUP = "Raw files"


def _read_balance(ctx: click.Context, param: click.Parameter, value: str) -> Any:
    from phos_darkroom.files.formats.raw_settings import white_balance_from

    return white_balance_from(value)


def raw_options(command: Command) -> Command:
    """Give a command an option for each setting of raw files, named as those of `RawSettings`.

    Parameters
    ----------
    command : callable
        Takes them as keywords.

    Returns
    -------
    callable
        The command.
    """
    for option in (
        in_group(
            GROUP,
            "--lens-correction",
            is_flag=True,
            help="Correct distortion, lateral colour and vignetting, where lensfun knows the lens.",
        ),
        in_group(
            GROUP,
            "--white-level",
            type=int,
            metavar="N",
            help="The sensor's code of saturation; by default the file's.",
        ),
        in_group(
            GROUP,
            "--black-level",
            type=int,
            metavar="N",
            help="The sensor's code of no light; by default the file's.",
        ),
        in_group(
            GROUP,
            "--raw-exposure",
            "raw_exposure_stops",
            type=float,
            default=0,
            show_default=True,
            metavar="STOPS",
            help="How much brighter the scene was than the file says. [-5 to 5]",
        ),
        in_group(
            GROUP,
            "--raw-highlights",
            "highlights",
            type=click.Choice(("blend", "rebuild", "clip")),
            default="blend",
            show_default=True,
            help="Where some channels are saturated: fade to neutral, estimate them, or end there.",
        ),
        in_group(
            GROUP,
            "--white-balance",
            metavar="WHAT",
            default="as-shot",
            show_default=True,
            callback=_read_balance,
            help="as-shot, daylight, a temperature in K such as 5600, one with a tint such as "
            "5600,10, or gains of red, green and blue such as 2.1,1,1.6.",
        ),
    ):
        command = option(command)
    return command


def raw_settings(ctx: click.Context) -> "RawSettings":
    """Give the settings of raw files that a command line asks for.

    Parameters
    ----------
    ctx : click.Context
        Of a command with `raw_options`.

    Returns
    -------
    RawSettings
        The defaults of what is not asked for.

    Raises
    ------
    TypeError, ValueError
        If one is out of range.
    """
    from phos_darkroom.files.formats.raw_settings import RawSettings

    return RawSettings(**given_of_raw(ctx))


def given_of_raw(ctx: click.Context) -> dict[str, Any]:
    """Give the settings of raw files that stand on the command line, defaults left out.

    Parameters
    ----------
    ctx : click.Context
        Of a command with `raw_options`.

    Returns
    -------
    dict of str to Any
        Keywords of `RawSettings`.
    """
    from phos_darkroom.files.formats.raw_settings import RawSettings

    unasked = (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    return {
        field.name: ctx.params[field.name]
        for field in fields(RawSettings)
        if ctx.get_parameter_source(field.name) not in unasked
    }

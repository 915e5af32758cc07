"""How a photograph is turned and cropped, as options of a command."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phos_darkroom.shell.help import in_group

if TYPE_CHECKING:
    from phos_darkroom.files.framing.record import Framing

__all__ = ["framing_of", "framing_options", "given_of_framing"]

Command = TypeVar("Command", bound=Callable[..., Any])
GROUP = "Framing"
TURNS = {"right": 1, "180": 2, "left": 3}


def _read_crop(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    from phos_darkroom.files.framing.record import crop_from

    return None if value is None else crop_from(value)


def framing_options(command: Command) -> Command:
    """Give a command the options of a framing.

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
            "--crop",
            metavar="WHAT",
            callback=_read_crop,
            help="A ratio such as 3:2 (2:3 stands upright), or LEFT,TOP,RIGHT,BOTTOM in shares "
            "such as 0.1,0,0.9,1: of the picture as it lies then.",
        ),
        in_group(
            GROUP,
            "--straighten",
            "straighten_degrees",
            type=float,
            default=0,
            show_default=True,
            metavar="DEGREES",
            help="Turn clockwise so far, and leave out the empty corners. [-45 to 45]",
        ),
        in_group(GROUP, "--flip", "flipped", is_flag=True, help="Left and right change places."),
        in_group(
            GROUP,
            "--turn",
            type=click.Choice(tuple(TURNS)),
            help="A quarter turn, or half a turn, before all else.",
        ),
    ):
        command = option(command)
    return command


def given_of_framing(ctx: click.Context) -> dict[str, Any]:
    """Give the settings of a framing that stand on the command line, defaults left out.

    Parameters
    ----------
    ctx : click.Context
        Of a command with `framing_options`.

    Returns
    -------
    dict of str to Any
        Keywords of `Framing`.
    """
    asked = {
        "turns": TURNS.get(ctx.params["turn"]),
        "flipped": ctx.params["flipped"] or None,
        "straighten_degrees": ctx.params["straighten_degrees"] or None,
        "crop": ctx.params["crop"],
    }
    return {name: value for name, value in asked.items() if value is not None}


def framing_of(ctx: click.Context) -> "Framing":
    """Give the framing that a command line asks for.

    Parameters
    ----------
    ctx : click.Context
        Of a command with `framing_options`.

    Returns
    -------
    Framing
        The picture as it is, if it asks for nothing.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range.
    """
    from phos_darkroom.files.framing.record import Framing

    return Framing(**given_of_framing(ctx))

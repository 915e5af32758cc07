"""What a positive becomes in its file, as options of a command."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phos_darkroom.shell.help import in_group

if TYPE_CHECKING:
    from phos_darkroom.files.export.record import Export

__all__ = ["export_of", "export_options", "given_of_export"]

Command = TypeVar("Command", bound=Callable[..., Any])


def export_options(command: Command) -> Command:
    """Give a command the options of an export.

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
            "Files",
            "--sharpen",
            type=click.Choice(("none", "screen")),
            default="none",
            show_default=True,
            help="screen: sharpened a little at its final size, for being seen pixel by pixel.",
        ),
        in_group(
            "Files",
            "--quality",
            type=int,
            metavar="N",
            help="Of JPEG, WebP and AVIF; by default 95, of AVIF 90, in PQ or HLG 97. [1 to 100]",
        ),
        in_group(
            "Files",
            "--size",
            "long_side_px",
            type=int,
            metavar="PIXELS",
            help="Make the positive smaller: pixels of its long side. It is developed in full "
            "before. [16 to 65535]",
        ),
    ):
        command = option(command)
    return command


def given_of_export(ctx: click.Context) -> dict[str, Any]:
    """Give the settings of an export that stand on the command line, defaults left out.

    Parameters
    ----------
    ctx : click.Context
        Of a command with `export_options`.

    Returns
    -------
    dict of str to Any
        Keywords of `Export`.
    """
    asked = {
        "long_side_px": ctx.params["long_side_px"],
        "quality": ctx.params["quality"],
        "sharpen": None if ctx.params["sharpen"] == "none" else ctx.params["sharpen"],
    }
    return {name: value for name, value in asked.items() if value is not None}


def export_of(ctx: click.Context) -> "Export":
    """Give the export that a command line asks for.

    Parameters
    ----------
    ctx : click.Context
        Of a command with `export_options`.

    Returns
    -------
    Export
        Nothing, if it asks for nothing.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range.
    """
    from phos_darkroom.files.export.record import Export

    return Export(**given_of_export(ctx))

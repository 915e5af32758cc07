"""``phos spaces``: the colour spaces of pictures, and the option that brings others."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from phos_darkroom.shell.help import in_group
from phos_darkroom.shell.listing import json_option, print_list
from phos_darkroom.shell.messages import say

__all__ = ["ocio_option", "spaces"]

Command = TypeVar("Command", bound=Callable[..., Any])

VARIABLE = "OCIO"  # which OpenColorIO itself reads, and a roll's processes inherit


def _use(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    """Let a configuration be the user's while the command runs, here and in its processes."""
    if value is None:
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = value if "://" in value else str(Path(value).absolute())

    def put_back() -> None:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before

    ctx.find_root().call_on_close(put_back)


def ocio_option(command: Command) -> Command:
    """Give a command the option ``--ocio``, which it need not know of."""
    return in_group(
        "Files",
        "--ocio",
        metavar="FILE",
        expose_value=False,
        is_eager=True,
        callback=_use,
        help="An OpenColorIO configuration of your own, whose colour spaces go before the built-in "
        f"ones; by default that of ${VARIABLE}.",
    )(command)


@click.command(short_help="List the colour spaces that a picture may be in.")
@click.argument("words", metavar="[WORD]...", nargs=-1)
@json_option
@ocio_option
def spaces(words: tuple[str, ...], as_json: bool) -> None:
    """List the colour spaces for `phos develop --input-space`, those whose names hold each WORD.

    Light of a scene is exposed as it is; of a display's the camera's rendering is taken back, of
    an HDR display's (hdr) without a shoulder.
    """
    fields = ("name", "light", "family", "aliases")
    print_list(
        fields,
        lambda: _holding(" ".join(words)),
        as_json=as_json,
        first_to_go=("alias", "family"),
        shown=_for_people,
    )


def _holding(words: str) -> list[Any]:
    """The core's own spaces, and those of OpenColorIO where that is there."""
    from phos_core.errors import SpaceError
    from phos_darkroom.spaces import listed, listed_own

    own = listed_own(words)
    try:
        return [*own, *listed(words)]
    except SpaceError as error:
        if not own or find_spec("PyOpenColorIO") is not None:
            raise
        say(str(error))
        return [*own]


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """One alias is enough to type."""
    aliases = row.pop("aliases")
    return {**row, "alias": aliases[0] if aliases else ""}

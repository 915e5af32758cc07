"""The darkroom in a browser: installing this adds ``phos app``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phos_core.backend import hookimpl

if TYPE_CHECKING:
    import click

PHOS_HOOK_API = 1


@hookimpl
def phos_commands() -> list[click.Command]:
    """Add ``phos app``."""
    from phos_app.command import app

    return [app]

"""Time, error and memory of phos's backends on this machine, beside other libraries.

Installing this adds ``phos bench``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phos_core.backend import hookimpl

if TYPE_CHECKING:
    import click

PHOS_HOOK_API = 1


@hookimpl
def phos_commands() -> list[click.Command]:
    """Add ``phos bench``."""
    from phos_bench.command import bench

    return [bench]

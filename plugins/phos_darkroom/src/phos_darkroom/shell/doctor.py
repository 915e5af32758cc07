"""``phos doctor``: what a bug report needs."""

import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import click
import numpy as np

from phos_core.backend import usable_cores
from phos_core.convolution import plug_ins
from phos_darkroom.shell import apart
from phos_darkroom.shell.messages import answer, own_stdout, visible
from phos_darkroom.shell.tables import cell

__all__ = ["doctor", "machine_facts"]


@click.command(short_help="Print what a bug report needs.")
def doctor() -> None:
    """Print everything that a bug report needs, and nothing about your files."""
    with own_stdout() as out:
        for heading, facts in machine_facts().items():
            answer(visible(heading.replace("_", "-")), out)
            for row in facts if isinstance(facts, list) else [facts]:
                told = [f"{key}: {cell(value)}" for key, value in row.items() if value]
                answer("  " + visible("; ".join(told) or "none", None), out)


def machine_facts() -> dict[str, Any]:
    """Gather what a bug report needs.

    Returns
    -------
    dict
        Versions, the machine, settings from the environment, plug-ins and backends; nothing of
        the user's name or files.
    """
    return {
        "versions": {
            "phos-core": version("phos-core"),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": usable_cores(),
        },
        "environment": _environment(),
        "plug_ins": [
            {
                "name": plug_in.name,
                "distribution": plug_in.distribution,
                "version": plug_in.version,
                "status": plug_in.status,
                "reason": plug_in.reason,
            }
            for plug_in in plug_ins()
        ],
        "backends": [asdict(info) for info in apart.probe_all_apart()],
    }


def _environment() -> dict[str, str]:
    """Our variables, without the user's name: the shell may have set a path in their home."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home raises where there is none
    variables = {k: v for k, v in sorted(os.environ.items()) if k.startswith("PHOS_")}
    return {name: value.replace(home, "~") for name, value in variables.items()}

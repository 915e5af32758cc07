"""``phos backends``: what can compute here."""

from typing import Any

import click

import phos_core as phos
from phos_darkroom.shell.listing import json_option, print_list

__all__ = ["backends"]


@click.command(short_help="List what can compute here, and if not, why.")
@json_option
@click.option("--probe", is_flag=True, help="Each in a process of its own, with its device.")
def backends(as_json: bool, probe: bool) -> None:
    """List the convolution backends: which can run here, and if not, why."""
    if probe:
        from phos_darkroom.shell.apart import probe_all_apart

        device_fields = ("backend", "status", "device", "free_bytes", "total_bytes", "facts")
        wanted = (*device_fields, "versions", "reason", "hint")
        device_gone = ("versions", "facts", "total_bytes")
        print_list(
            wanted,
            probe_all_apart,
            as_json=as_json,
            first_to_go=device_gone,
            shown=_with_one_reason,
        )
        return
    fields = ("name", "priority", "status", "distribution", "version", "reason", "hint")
    gone = ("version", "distribution")
    print_list(fields, phos.backends, as_json=as_json, first_to_go=gone, shown=_with_one_reason)


def _with_one_reason(row: dict[str, Any]) -> dict[str, Any]:
    """Join why a backend cannot run and what would help: either alone is often empty."""
    why = "; ".join(filter(None, (row["reason"], row["hint"])))
    return {name: value for name, value in row.items() if name != "hint"} | {"reason": why}

"""``phos presets``: the settings that have a name."""

import click

from phos_darkroom.shell.listing import json_option, print_list

__all__ = ["presets"]


@click.command(short_help="List the presets: settings under a name.")
@json_option
def presets(as_json: bool) -> None:
    """List the presets: settings under a name, for `phos develop --preset`.

    Yours are TOML files in a folder of their own; one of them hides a bundled one of its name.
    """
    from phos_darkroom.settings.presets import presets as all_presets

    fields = ("name", "film", "rate_hz", "description", "place")
    print_list(fields, all_presets, as_json=as_json, first_to_go=("place", "rate_hz"))

"""``phos films``: the stocks, and what they can be printed on."""

import click

import phos_core as phos
from phos_darkroom.shell.listing import json_option, print_list

__all__ = ["films"]


@click.command(short_help="List the films, or show the facts of one.")
@json_option
@click.option("--papers", is_flag=True, help="The papers and print films instead.")
def films(as_json: bool, papers: bool) -> None:
    """List the film stocks, or what they can be printed on.

    Measured: how many of a stock's tables its maker published, or were read off its maker's
    curves; the others are estimated.
    """
    if papers:
        from phos_core.stocks.film import paper_summaries

        paper_fields = ("name", "label", "kind", "measured", "description")
        print_list(paper_fields, paper_summaries, as_json=as_json, first_to_go=("label", "kind"))
        return
    fields = ("name", "label", "kind", "iso_speed", "formats", "measured", "description")
    gone = ("label", "formats", "kind")
    print_list(fields, phos.films, as_json=as_json, first_to_go=gone)

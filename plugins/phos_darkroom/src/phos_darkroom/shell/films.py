"""``phos films``: the stocks, what they can be printed on, and the facts of one."""

from typing import Any

import click

import phos_core as phos
from phos_darkroom.shell.completion import complete_films
from phos_darkroom.shell.listing import json_option, print_list
from phos_darkroom.shell.messages import answer, json_text, own_stdout, visible
from phos_darkroom.shell.tables import cell, print_width, table_text

__all__ = ["films"]


@click.command(short_help="List the films, or show the facts of one.")
@click.argument("name", required=False, shell_complete=complete_films)
@json_option
@click.option("--papers", is_flag=True, help="The papers and print films instead.")
def films(name: str | None, as_json: bool, papers: bool) -> None:
    """List the films, or what they can be printed on; with a NAME, show the facts of one film.

    Measured: how many of a film's tables its maker published, or were read off its maker's
    curves; the others are estimated.
    """
    if name is not None:
        if papers:
            raise click.UsageError("--papers lists them all: leave NAME out")
        _show_one(name, as_json=as_json)
        return
    if papers:
        from phos_core.stocks.film import paper_summaries

        paper_fields = ("name", "label", "kind", "measured", "description")
        print_list(paper_fields, paper_summaries, as_json=as_json, first_to_go=("label", "kind"))
        return
    fields = ("name", "label", "kind", "iso_speed", "formats", "measured", "description")
    gone = ("label", "formats", "kind")
    print_list(fields, phos.films, as_json=as_json, first_to_go=gone)


def _show_one(name: str, *, as_json: bool) -> None:
    with own_stdout() as out:
        width, facts = print_width(out), _facts(name)
        if as_json:
            answer(json_text(facts, out), out)
            return
        tables = facts.pop("tables")
        heading, description = f"{facts.pop('label')} ({facts['name']})", facts.pop("description")
        rows = [[key.replace("_", " "), cell(value)] for key, value in facts.items()]
        sources = [list(tables[0]), *(list(map(cell, table.values())) for table in tables)]
        for line in (heading, description):
            answer(visible(line), out)
        answer(f"\n{table_text(rows, width)}\n\n{table_text(sources, width)}", out)
        answer("\nSources are keys of docs/sources.md; what is estimated is our choice.", out)


def _facts(name: str) -> dict[str, Any]:
    """What there is to know of a film before it is loaded, and where its figures come from."""
    from phos_core.stocks.film import PRINTED_ON, paper_summaries
    from phos_darkroom.settings.names import film_named

    named = film_named(name)
    try:
        film = next(film for film in phos.films() if film.name == named)
    except StopIteration:
        raise ValueError(f"{named} is not among `phos films`: give one of their names") from None
    least, most = film.push_range
    printed_on = [paper.name for paper in paper_summaries() if PRINTED_ON[paper.kind] == film.kind]
    positive = "a transparency" if film.kind == "reversal" else "scan"
    return {
        "label": film.label,
        "description": film.description,
        "name": film.name,
        "kind": film.kind,
        "speed": f"ISO {film.iso_speed:g}",
        "formats": film.formats,
        "push": "none published" if least == most else f"{least:+g} to {most:+g} stops",
        "printed_on": (positive, *printed_on),
        "measured": f"{film.measured} tables",
        "tables": [
            {"table": table, "status": origin.status, "source": origin.source}
            for table, origin in phos.load_film(named).provenance.items()
        ],
    }

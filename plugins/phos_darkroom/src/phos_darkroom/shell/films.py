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
        from phos_core.stocks import paper_summaries

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
        sources = [list(facts["tables"][0]), *(list(table.values()) for table in facts["tables"])]
        for line in (f"{facts['label']} ({facts['name']})", facts["description"]):
            answer(visible(line), out)
        answer(f"\n{table_text(_in_words(facts), width)}\n\n{table_text(sources, width)}", out)
        answer("\nSources are keys of docs/sources.md; what is estimated is our choice.", out)


def _facts(name: str) -> dict[str, Any]:
    """What there is to know of a film before it is loaded, and where its figures come from."""
    from phos_core.stocks import PRINTED_ON, SCANNERS, paper_summaries
    from phos_darkroom.settings.names import film_named

    named = film_named(name)
    try:
        film = next(film for film in phos.films() if film.name == named)
    except StopIteration:
        raise ValueError(f"{named} is not among `phos films`: give one of their names") from None
    return {
        "name": film.name,
        "label": film.label,
        "description": film.description,
        "kind": film.kind,
        "iso_speed": film.iso_speed,
        "formats": film.formats,
        "push_range": film.push_range,
        "is_push_published": film.is_push_published,
        "scanners": tuple(SCANNERS),
        "papers": [
            paper.name for paper in paper_summaries() if PRINTED_ON[paper.kind] == film.kind
        ],
        "measured": film.measured,
        "tables": [
            {"table": table, "status": origin.status, "source": origin.source}
            for table, origin in phos.load_film(named).provenance.items()
        ],
    }


def _in_words(facts: dict[str, Any]) -> list[list[str]]:
    """Set the facts of a film in rows for people."""
    positive = "a transparency" if facts["kind"] == "reversal" else "scan"
    return [
        ["kind", facts["kind"]],
        ["speed", f"ISO {facts['iso_speed']:g}"],
        ["formats", cell(facts["formats"])],
        ["push", _push_in_words(*facts["push_range"], published=facts["is_push_published"])],
        ["printed on", ", ".join((positive, *facts["papers"]))],
        ["scanned by", ", ".join(facts["scanners"])],
        ["measured", f"{facts['measured']} tables"],
    ]


def _push_in_words(least: float, most: float, *, published: bool) -> str:
    """Say how far a film is pushed and pulled, and how that is known."""
    if least == most:
        return "none"
    return f"{least:+g} to {most:+g} stops, {'published' if published else 'estimated'}"

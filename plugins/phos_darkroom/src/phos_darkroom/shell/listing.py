"""Lists of records, for people and for programs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from phos_darkroom.shell.messages import answer, json_text, own_stdout
from phos_darkroom.shell.tables import cell, print_width, table_text

__all__ = ["json_option", "print_list"]

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


def print_list(
    fields: Sequence[str],
    find: Callable[[], Iterable[object]],
    *,
    as_json: bool,
    first_to_go: Sequence[str] = (),
    shown: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> None:
    """Print records as JSON or as a table.

    Parameters
    ----------
    fields : sequence of str
        Attributes of the records; the columns.
    find : callable
        Gives the records. What libraries print meanwhile goes to stderr.
    as_json : bool
        Whether for programs.
    first_to_go : sequence of str
        The fields that a narrow terminal has no room for, as for `tables.table_text`.
    shown : callable
        Makes of a record's fields what people are shown.
    """
    with own_stdout() as out:
        width = print_width(out)
        rows: list[dict[str, Any]] = [
            {field: getattr(record, field) for field in fields} for record in find()
        ]
        if as_json:
            answer(json_text(rows, out), out)
            return
        told = [shown(row) for row in rows]
        headings = list(told[0]) if told else list(fields)
        cells = [headings, *([cell(value) for value in row.values()] for row in told)]
        answer(table_text(cells, width, first_to_go=first_to_go), out)

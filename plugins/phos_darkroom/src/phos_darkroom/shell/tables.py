"""Tables as text: within a terminal's width, and whole where a program reads them."""

import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from typing import TextIO

from phos_darkroom.shell.messages import visible

__all__ = ["cell", "print_width", "table_text"]

LEAST_TEXT = 24  # characters of a column of text that wraps: fewer do not read well
LONGEST_WORD = 22  # a column of no longer cells is names and numbers, and never wraps
ENDLESS_WORD = 40  # longer ones are folded
GAP = 2  # blanks between columns
UNBOUNDED = 1_000_000
USUAL_WIDTH = 80


def print_width(out: TextIO) -> int | None:
    """Return the width of the terminal that a stream writes to; None if it is no terminal."""
    if not out.isatty():
        return None
    with contextlib.suppress(OSError, ValueError):
        told = int(os.environ.get("COLUMNS") or os.get_terminal_size(out.fileno()).columns)
        return told or USUAL_WIDTH  # some terminals say 0
    return USUAL_WIDTH


def table_text(
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    *,
    first_to_go: Sequence[str] = (),
) -> str:
    """Set rows in columns, each cell `visible`, with no trailing blanks.

    Parameters
    ----------
    rows : sequence of sequence of str
        Each of as many cells; a heading among them, if columns may be left out.
    width : int, optional
        Characters of a line. Text wraps to it; names and numbers are never cut, even if the
        table becomes wider. None: each row is one line.
    first_to_go : sequence of str
        Columns, by their heading, that are left out one after the other while there is too little
        room for the text of the others. A last line then names them.

    Returns
    -------
    str
        A row a line, or several where text wraps.
    """
    cells = [[visible(one) for one in row] for row in rows]
    left_out: list[str] = []
    if width is not None:
        for name in first_to_go:
            if _least_width(cells) <= width:
                break
            cells = _without(cells, name)
            left_out.append(name)
    text = _rendered(cells, width)
    if left_out:
        text += f"\n(no room for {', '.join(left_out)}: a wider terminal or --json shows it)"
    return text


def cell(value: object) -> str:
    """Return a value as a table shows it: nothing for None, in one line."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value).replace("\n", " ")


def _rendered(cells: Sequence[Sequence[str]], width: int | None) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
    for column in zip(*cells, strict=True):
        table.add_column(no_wrap=not _wraps(column), overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    written = io.StringIO()
    room = UNBOUNDED if width is None else max(width, _least_width(cells))
    Console(file=written, width=room, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip("\n").split("\n"))


def _wraps(column: Sequence[str]) -> bool:
    """Whether a column is text, which may take several lines."""
    return max(map(len, column)) > LONGEST_WORD and any(" " in one for one in column)


def _least_width(cells: Sequence[Sequence[str]]) -> int:
    """Return the width that a table takes at least: no name cut, and its text readable."""
    columns = list(zip(*cells, strict=True))
    return sum(map(_least_of, columns)) + GAP * (len(columns) - 1)


def _least_of(column: Sequence[str]) -> int:
    """Return the width of a column: of text, what is readable and holds its words."""
    widest = max(map(len, column))
    if not _wraps(column):
        return widest
    longest_word = max(len(word) for one in column for word in one.split(" "))
    return min(widest, max(LEAST_TEXT, min(longest_word, ENDLESS_WORD)))


def _without(cells: Sequence[Sequence[str]], name: str) -> list[list[str]]:
    """Leave out the column that a heading names."""
    place = list(cells[0]).index(name)
    return [[*row[:place], *row[place + 1 :]] for row in cells]

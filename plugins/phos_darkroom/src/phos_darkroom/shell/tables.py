"""Tables as text."""

from collections.abc import Mapping, Sequence

from phos_darkroom.shell.messages import visible

__all__ = ["cell", "in_columns"]


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """Set rows in columns, each cell `visible`; an empty last column leaves no trailing blanks.

    Parameters
    ----------
    rows : sequence of sequence of str
        Each of as many cells, a heading among them if there is one.

    Returns
    -------
    str
        A line a row.
    """
    rows = [[visible(one) for one in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(one.ljust(width) for one, width in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def cell(value: object) -> str:
    """Return a value as a table shows it: nothing for None, in one line."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value).replace("\n", " ")

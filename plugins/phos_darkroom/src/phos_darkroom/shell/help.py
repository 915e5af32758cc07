"""Help in groups: options by what they are about, commands by what they are for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

__all__ = ["GroupedCommand", "in_group", "write_commands"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

OTHERS = "Other"
HEADINGS = (
    "Film",
    "Framing",
    "Light",
    "Raw files",
    "Laboratory",
    "Scan or print",
    "Effects",
    "Clip",
    "Moving film",
    "Files",
    "Machine",
    OTHERS,
)
"""What options are about, in the order in which the help shows them."""


class _Option(click.Option):
    """An option that stands under a heading of its own in the help."""

    def __init__(self, *args: Any, heading: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.heading = heading


def in_group(heading: str, *names: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Make an option as `click.option` does, under a heading of the command's help.

    Parameters
    ----------
    heading : str
        One of `HEADINGS`.
    *names, **attributes
        As for `click.option`.

    Returns
    -------
    callable
        A decorator for a `GroupedCommand`.
    """
    return click.option(*names, cls=_Option, heading=heading, **attributes)


class GroupedCommand(click.Command):
    """A command whose help lists its options under `HEADINGS`."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, a section a heading."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections[getattr(parameter, "heading", OTHERS)].append(record)
        _write(formatter, sections.items())


def write_commands(
    group: click.Group,
    ctx: click.Context,
    formatter: click.HelpFormatter,
    sections: Mapping[str, Sequence[str]],
    others: str,
) -> None:
    """Write the commands of a group under headings.

    Parameters
    ----------
    group, ctx, formatter
        As click gives them.
    sections : mapping of str to sequence of str
        Headings, and the commands under each.
    others : str
        The heading of all further commands.
    """
    found = {name: group.get_command(ctx, name) for name in group.list_commands(ctx)}
    known = {name for names in sections.values() for name in names}
    wanted = {**sections, others: [name for name in found if name not in known]}
    room = formatter.width - 6 - max(map(len, found))
    rows = (
        (
            heading,
            [
                (name, command.get_short_help_str(room))
                for name in names
                if (command := found.get(name)) is not None and not command.hidden
            ],
        )
        for heading, names in wanted.items()
    )
    _write(formatter, rows)


def _write(
    formatter: click.HelpFormatter, sections: Iterable[tuple[str, Sequence[tuple[str, str]]]]
) -> None:
    for heading, rows in sections:
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)

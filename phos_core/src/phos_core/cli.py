"""The command line: ``phos develop``, ``phos films``, ``phos backends``, and plug-ins' commands."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

import phos_core as phos
from phos_core.cli_bench import bench
from phos_core.cli_contact import compare, contact
from phos_core.cli_develop import develop
from phos_core.cli_lut import lut
from phos_core.cli_messages import as_options, plain_messages
from phos_core.cli_plugin import plugin
from phos_core.errors import PhosError

__all__ = ["main"]


class _Failure(click.ClickException):
    """One line on stderr and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"phos: {self.format_message()}", file=file, err=True)


class _Commands(click.Group):
    """Our commands first; plug-ins are asked only for a name we do not know, and for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugin_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _plugin_commands().get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PhosError as error:
            raise _Failure(str(error)) from error
        except ValueError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            message = as_options(str(error), command) if command else str(error)
            raise _Failure(message) from error


def _plugin_commands() -> dict[str, click.Command]:
    from phos_core.convolution import registry

    with plain_messages():
        offered = registry.commands()
    commands = (command for command in offered if isinstance(command, click.Command))
    return {command.name: command for command in commands if command.name}


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(phos.__version__, prog_name="phos", message="%(prog)s %(version)s")
def main() -> None:
    """Develop pictures on photographic film, computed from its physics."""


main.add_command(bench)
main.add_command(compare)
main.add_command(contact)
main.add_command(develop)
main.add_command(lut)
main.add_command(plugin)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--papers", is_flag=True, help="The papers and print films instead.")
def films(as_json: bool, papers: bool) -> None:
    """List the film stocks, or what they can be printed on.

    Measured: how many of a stock's tables its maker published, or were read off its maker's
    curves; the others are estimated.
    """
    if papers:
        from phos_core.film import paper_summaries

        _list(
            ("name", "label", "kind", "measured", "description"), paper_summaries(), as_json=as_json
        )
        return
    fields = ("name", "label", "kind", "iso_speed", "formats", "measured", "description")
    _list(fields, phos.films(), as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def presets(as_json: bool) -> None:
    """List the presets: settings under a name, for `phos develop --preset`.

    Yours are TOML files in a folder of their own; one of them hides a bundled one of its name.
    """
    from phos_core.presets import presets as all_presets

    _list(("name", "film", "description", "place"), all_presets(), as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--probe", is_flag=True, help="Each in a process of its own, with its device.")
def backends(as_json: bool, probe: bool) -> None:
    """List the convolution backends: which can run here, and if not, why."""
    if probe:
        from phos_core.device_facts import probe_all_apart

        device_fields = ("backend", "status", "device", "free_bytes", "total_bytes", "facts")
        wanted = (*device_fields, "versions", "reason", "hint")
        _list(wanted, probe_all_apart(), as_json=as_json)
        return
    fields = ("name", "priority", "status", "distribution", "version", "reason", "hint")
    _list(fields, phos.backends(), as_json=as_json)


@main.command()
def doctor() -> None:
    """Print everything that a bug report needs, and nothing of your files."""
    from phos_core.device_facts import machine_facts

    for heading, facts in machine_facts().items():
        click.echo(heading.replace("_", "-"))
        for row in facts if isinstance(facts, list) else [facts]:
            told = [f"{key}: {_cell(value)}" for key, value in row.items() if value]
            click.echo("  " + ("; ".join(told) or "none"))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the facts of `phos doctor`.")
@click.pass_context
def selftest(ctx: click.Context, as_json: bool) -> None:
    """Develop a known picture on every backend that can run here, and compare.

    The exit code is 1 if one of them is wrong.
    """
    from phos_core import device_facts

    results = device_facts.selftest()
    if as_json:
        click.echo(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        for result in results["selftest"]:
            verdict = "passed" if result["passed"] else f"FAILED: {result['reason']}"
            click.echo(f"{result['backend']}: {verdict}")
    if not results["passed"]:
        ctx.exit(1)


def _list(fields: Sequence[str], records: Sequence[object], *, as_json: bool) -> None:
    """Print records as JSON or as columns; an empty last column leaves no trailing blanks."""
    rows = [{field: getattr(record, field) for field in fields} for record in records]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    cells = [fields, *([_cell(row[field]) for field in fields] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value).replace("\n", " ")

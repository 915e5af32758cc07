"""``phos plugin new NAME``: the package of a backend, written from templates."""

import re
from dataclasses import asdict
from datetime import date
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

import phos_core as phos
from phos_core.convolution import CONTRACT, HOOK_API
from phos_darkroom.shell.listing import json_option
from phos_darkroom.shell.messages import answer, json_text, own_stdout, say, tell, visible
from phos_darkroom.shell.tables import cell, print_width, table_text

if TYPE_CHECKING:
    from phos_darkroom.shell.plugin_check import PlugInReport

__all__ = ["plugin", "write_plugin"]

TAKEN = (
    "auto",
    "core",
    "cupy",
    "cv2",
    "numba",
    "scipy",
    "torch",
)  # names of our own distributions and backends

MOST_LETTERS = 64  # as many as the name of a backend may have

# Where each template goes; names of folders are templates too.
PLACES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "__init__.py": "src/$package/__init__.py",
    "backend.py": "src/$package/backend.py",
    "test_backend.py": "tests/test_backend.py",
    "workflow.yml": ".github/workflows/tests.yml",
}


@click.group()
def plugin() -> None:
    """Write, list and check plug-ins."""


@plugin.command(short_help="Write the package of a backend.")
@click.argument("name")
@click.option(
    "--into",
    "parent",
    metavar="FOLDER",
    default=".",
    type=click.Path(path_type=Path),
    help="Where the package's folder is made; by default here.",
)
def new(name: str, parent: Path) -> None:
    """Write the package of a backend called NAME: it installs, runs and has its test."""
    folder = write_plugin(name, parent)
    tell(folder)
    say(f"its README.md says how to install and prove {name}")


@plugin.command("list", short_help="List what is installed, and what each brings.")
@json_option
def list_plugins(as_json: bool) -> None:
    """List the plug-ins: entry point, distribution, what each brings and how long it takes to load.

    Each is loaded in a process of its own, so that none spoils the list.
    """
    from phos_darkroom.shell.plugin_check import plug_in_rows

    with own_stdout() as out:
        width, rows = print_width(out), [asdict(row) for row in plug_in_rows()]
        if as_json:
            answer(json_text(rows, out), out)
            return
        shown = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
        gone = ("module", "version", "distribution", "hooks")
        answer(table_text(shown, width, first_to_go=gone), out)


@plugin.command(short_help="Check an installed plug-in.")
@click.argument("name")
@click.option("--kit/--no-kit", default=True, help="The kit's quick part for each backend, or not.")
@json_option
@click.pass_context
def check(ctx: click.Context, name: str, kit: bool, as_json: bool) -> None:
    """Check a plug-in, NAME being its entry point or its distribution.

    Looks at its metadata, its hooks and names, what importing it takes and loads, what it prints
    and what it changes of the process, and makes, probes and tries each backend that can run here.
    Its code runs in processes of its own. The exit code is 1 if anything failed.
    """
    from phos_darkroom.shell.plugin_check import check as check_plug_in

    program = ctx.find_root().command
    ours = program.commands if isinstance(program, click.Group) else ()
    with own_stdout() as out:
        reports = check_plug_in(name, with_kit=kit, taken_commands=ours)
        if as_json:
            told = [{**asdict(report), "passed": report.passed} for report in reports]
            answer(json_text(told, out), out)
        else:
            for report in reports:
                answer(_in_lines(report, print_width(out)), out)
    if not all(report.passed for report in reports):
        ctx.exit(1)


def _in_lines(report: "PlugInReport", width: int | None) -> str:
    heading = visible(f"{report.name}, of {report.distribution} {report.version}".rstrip())
    lines = []
    for verdict in report.verdicts:
        status = "FAILED" if verdict.status == "failed" else verdict.status
        hint = f" ({verdict.hint})" if verdict.hint and verdict.status != "ok" else ""
        lines.append([f"  {status}", verdict.check, verdict.detail + hint])
    return f"{heading}\n{table_text(lines, width)}"


def write_plugin(name: str, parent: Path) -> Path:
    """Write a complete package for a backend.

    Parameters
    ----------
    name : str
        What the backend is called: small letters and digits in words joined by hyphens.
    parent : Path
        An existing folder; the package's is made in it.

    Returns
    -------
    Path
        The package's folder, ``phos-NAME``.

    Raises
    ------
    ValueError
        If the name cannot be used, or the folder cannot be made.
    """
    _check_name(name)
    folder = parent / f"phos-{name}"
    words = {
        "name": name,
        "distribution": f"phos-{name}",
        "package": f"phos_{name.replace('-', '_')}",
        "class_name": "".join(word.capitalize() for word in name.split("-")) + "Backend",
        "core": _compatible(phos.__version__),
        "hook_api": str(HOOK_API),
        "contract": str(CONTRACT),
        "year": str(date.today().year),
    }
    try:
        folder.mkdir()
    except FileExistsError:
        raise ValueError(f"{folder} exists already; nothing is replaced") from None
    except OSError as error:
        raise ValueError(f"cannot make the folder {folder}: {error.strerror}") from error
    _fill(folder, words)
    return folder


def _check_name(name: str) -> None:
    if name.startswith(("phos-", "phos_")):
        raise ValueError(f"a plug-in's name stands without 'phos-', got {name!r}; try {name[5:]!r}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ValueError(
            "a plug-in's name must be of small letters and digits, a letter first, in words joined "
            f"by hyphens, such as 'acme' or 'acme-gpu', got {name!r}"
        )
    if len(name) > MOST_LETTERS:
        raise ValueError(
            f"a plug-in's name must have at most {MOST_LETTERS} letters, got {len(name)}"
        )
    if name in TAKEN:
        raise ValueError(f"the name {name!r} belongs to phos itself; choose another")


def _fill(folder: Path, words: dict[str, str]) -> None:
    templates = files("phos_darkroom.shell") / "plugin_template"
    for source, place in PLACES.items():
        text = (templates / f"{source}.template").read_text(encoding="utf-8")
        target = folder / Template(place).substitute(words)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(words), encoding="utf-8", newline="\n")


def _compatible(version: str) -> str:
    """Versions of the core from this one to the next major one."""
    major, minor = version.split(".")[:2]
    return f">={major}.{minor},<{int(major) + 1}"

"""``phos bench``: which backend is the fastest here, and what other libraries take."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

import phos_core as phos
from phos_darkroom import Unfailing, visible

if TYPE_CHECKING:
    from rich.text import Text

    from phos_bench.cases import Case

__all__ = ["bench"]

SIZE = "1000x1500"
WIDTH = 121


@click.command(short_help="Measure the backends, beside other libraries.")
@click.option("--convolve", "only", flag_value="convolve", help="Only convolutions.")
@click.option("--develop", "only", flag_value="develop", help="Only whole develops.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    default=(SIZE,),
    show_default=True,
    metavar="ROWSxCOLS",
    help="Of the pictures, such as 2000x3000, 4000x6000, 8700x11600.",
)
@click.option(
    "--psf",
    "psfs",
    multiple=True,
    default=("gaussian", "exponential"),
    show_default=True,
    help="gaussian, mixture (of three), exponential (even), asymmetric.",
)
@click.option(
    "--width",
    "widths",
    type=int,
    multiple=True,
    default=(WIDTH,),
    show_default=True,
    help="Of the PSF in pixels, odd; such as 61, 121, 151, 201, 401.",
)
@click.option(
    "--batch",
    "batches",
    type=int,
    multiple=True,
    default=(1,),
    show_default=True,
    help="Pictures given in one call, such as 1, 3, 10.",
)
@click.option("--film", default="portra-400", show_default=True, help="To develop on.")
@click.option(
    "--backend", "backends", multiple=True, help="Only this one; by default each that runs here."
)
@click.option("--peers/--no-peers", default=True, help="Other libraries beside them, or not.")
@click.option("--memory/--no-memory", default=True, help="Measure peak memory too, or not.")
@click.option(
    "--runs",
    type=click.IntRange(1),
    default=7,
    show_default=True,
    help="Timed calls of each, after one that is not counted.",
)
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="S",
    help="A call of another library that would take longer computes a part of the picture.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all to FILE.",
)
@click.option(
    "--plot",
    "plot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw FILE (.svg, .png, .pdf); needs matplotlib.",
)
def bench(
    only: str | None,
    backends: tuple[str, ...],
    peers: bool,
    memory: bool,
    runs: int,
    limit_s: float,
    json_file: Path | None,
    plot_file: Path | None,
    **extent: Any,
) -> None:
    """Measure the backends on this machine, beside other libraries that are installed.

    SIZE, PSF, WIDTH and BATCH may be given several times; each is measured with each. Every case
    runs in a process of its own, in which all take turns, so that ratios can be trusted further
    than times. Nothing else should run meanwhile.
    """
    cases = _cases(only, **extent)
    _check_places(json_file, plot_file)
    names = _backends(backends)

    from phos_bench.measuring import MeasuringPlan
    from phos_bench.running import run_cases

    plan = MeasuringPlan(backends=names, with_peers=peers, runs=runs, limit_s=limit_s)
    with _status() as tell:
        record = run_cases(cases, plan, memory=memory, tell=tell)
    if json_file is not None:
        json_file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if plot_file is not None:
        from phos_bench.plots import draw

        draw(record, plot_file)
    _show(record)  # the last of all: nobody may be reading


def _cases(
    only: str | None,
    *,
    sizes: tuple[str, ...],
    psfs: tuple[str, ...],
    widths: tuple[int, ...],
    batches: tuple[int, ...],
    film: str,
) -> list["Case"]:
    from phos_bench.cases import ConvolveCase, DevelopCase

    cases: list[Case] = []
    extents = list(product(map(_size, dict.fromkeys(sizes)), dict.fromkeys(batches)))
    if only != "develop":
        cases += [
            ConvolveCase(rows=rows, cols=cols, psf=psf, width=width, batch=batch)
            for (rows, cols), batch in extents
            for psf in dict.fromkeys(psfs)
            for width in dict.fromkeys(widths)
        ]
    if only != "convolve":
        phos.load_film(film)  # whose error belongs before the work
        cases += [
            DevelopCase(rows=rows, cols=cols, film=film, batch=batch)
            for (rows, cols), batch in extents
        ]
    return cases


def _size(text: str) -> tuple[int, int]:
    """Rows and columns."""
    try:
        rows, cols = (int(part) for part in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise ValueError(f"a size is ROWSxCOLS, such as 2000x3000, got {text!r}") from None
    return rows, cols


def _check_places(json_file: Path | None, plot_file: Path | None) -> None:
    for place in (json_file, plot_file):
        if place is not None and not place.absolute().parent.is_dir():
            raise ValueError(f"cannot write {place}: there is no folder {place.parent}")
    if plot_file is not None:
        from phos_bench.plots import check_plot

        check_plot(plot_file)


def _backends(names: tuple[str, ...]) -> list[str]:
    """The backends to measure: those that were named and can run, or all that can."""
    from phos_core.convolution import select

    if names:  # an error says why one cannot run, and what would help
        chosen = (select(name, pixels=0).backend.name for name in names)
        return list(dict.fromkeys(chosen))
    return [report.name for report in phos.backends() if report.status == "ok"]


@contextmanager
def _status() -> Iterator[Any]:
    """Say on stderr what is being measured, if that is a terminal."""
    from rich.console import Console

    console = Console(file=cast(TextIO, Unfailing(sys.stderr)))
    if not console.is_terminal:
        yield lambda line: None
        return
    with console.status("measuring") as status:
        yield lambda line: status.update(_text(line))


def _text(line: str) -> "Text":
    """A line as rich can be given it: without escapes, and no markup."""
    from rich.text import Text

    return Text(visible(line))


def _show(record: dict[str, Any]) -> None:
    """Print all tables."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Drawn

    from phos_bench.tables import setting_line, tables_of

    console = Console(highlight=False)
    console.print(_text(setting_line(record)))
    for table in tables_of(record):
        drawn = Drawn(title=_text(table.title), title_justify="left", box=SIMPLE_HEAD)
        for index, heading in enumerate(table.header):
            drawn.add_column(
                _text(heading), justify="right" if index else "left", no_wrap=not index
            )
        for row in table.rows:
            drawn.add_row(*map(_text, row))
        console.print()
        console.print(drawn)
        for note in table.notes:
            console.print(_text(note))
    console.print()
    console.print("÷ a backend: how often it is done meanwhile. Errors: against double precision.")

"""The command line: ``phos develop``, ``phos films``, ``phos backends``, and plug-ins' commands."""

import contextlib
import dataclasses
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click

import phos_core as phos
from phos_core.cli_bench import bench
from phos_core.cli_plugin import plugin
from phos_core.color import PRIMARIES
from phos_core.errors import ImageFileError, PhosError
from phos_core.recipe import Encoding, Mode
from phos_core.treatment import FilmSettings

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
        except (PhosError, ValueError) as error:
            raise _Failure(str(error)) from error


def _name_or_kelvin(ctx: click.Context, param: click.Parameter, value: str) -> str | float:
    """A light's name, or a temperature in K."""
    try:
        return float(value)
    except ValueError:
        return value


def _strength(effect: str) -> Callable[[Any], Any]:
    """An option for the strength of an effect."""
    text = f"Strength of the stock's {effect}; 0: without."
    return click.option(f"--{effect}", type=float, default=1.0, show_default=True, help=text)


def _plugin_commands() -> dict[str, click.Command]:
    from phos_core.convolution import registry

    with _plain_messages():
        offered = registry.commands()
    commands = (command for command in offered if isinstance(command, click.Command))
    return {command.name: command for command in commands if command.name}


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(phos.__version__, prog_name="phos", message="%(prog)s %(version)s")
def main() -> None:
    """Develop pictures on photographic film, computed from its physics."""


main.add_command(bench)
main.add_command(plugin)


@main.command(short_help="Develop pictures on a film.")
@click.argument(
    "pictures", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="A file for one picture (ending in .jpg, .png or .tif), else a folder.",
)
@click.option("--film", default="portra-400", show_default=True, help="See `phos films`.")
@click.option("--backend", help="What convolves (see `phos backends`); by default the best here.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another grain.")
@click.option(
    "--exposure",
    "exposure_stops",
    default=0.0,
    show_default=True,
    metavar="STOPS",
    help="More light, or less.",
)
@click.option(
    "--exposure-index", type=float, metavar="EI", help="What the meter is set to, not the speed."
)
@click.option(
    "--exposure-time",
    "exposure_time_s",
    type=float,
    metavar="S",
    help="For the stock's reciprocity failure.",
)
@click.option(
    "--light",
    callback=_name_or_kelvin,
    default="film",
    show_default=True,
    help="Of the scene: film (what the stock is balanced for), daylight, tungsten, or in K.",
)
@click.option(
    "--push",
    "push_stops",
    default=0.0,
    show_default=True,
    metavar="STOPS",
    help="Develop more, or less.",
)
@click.option(
    "--printing",
    default="auto",
    show_default=True,
    help="auto (a laboratory scan, or a transparency), or a paper or print film.",
)
@click.option(
    "--grade", "paper_grade", type=float, help="Of black-and-white paper: 0 (soft) to 5 (hard)."
)
@click.option(
    "--filters",
    "filters_cc",
    type=(float, float, float),
    default=(0.0, 0.0, 0.0),
    metavar="Y M C",
    help="The enlarger's, in cc, on top of the neutral balance.",
)
@click.option(
    "--print-exposure",
    "print_stops",
    default=0.0,
    show_default=True,
    metavar="STOPS",
    help="More is darker.",
)
@click.option(
    "--black-point", type=float, metavar="STOPS", help="Of a scan, under mid-grey: black from here."
)
@click.option(
    "--white-point", type=float, metavar="STOPS", help="Of a scan, over mid-grey: white from here."
)
@click.option(
    "--auto-balance", is_flag=True, help="Balance each scan or print on the picture itself."
)
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="full",
    show_default=True,
    help="Everything, what a lookup table holds, or scatter, halation and grain alone.",
)
@_strength("scatter")
@_strength("halation")
@_strength("couplers")
@_strength("grain")
@click.option(
    "--format", "film_format", default="135", show_default=True, help="Size of the film's frame."
)
@click.option(
    "--pixel-pitch",
    "pixel_pitch_um",
    type=float,
    metavar="UM",
    help="Width of a pixel on the film in µm, instead of the long side filling the frame.",
)
@click.option(
    "--encoding",
    type=click.Choice(get_args(Encoding)),
    default="srgb",
    show_default=True,
    help="What the codes of the input are.",
)
@click.option(
    "--primaries",
    type=click.Choice(tuple(PRIMARIES)),
    default="srgb",
    show_default=True,
    help="Of the input.",
)
@click.option("--overwrite", is_flag=True, help="Replace what exists, the input itself included.")
@click.pass_context
def develop(
    ctx: click.Context,
    /,
    pictures: tuple[Path, ...],
    output: Path,
    film: str,
    backend: str | None,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Develop pictures on a film: JPEG, PNG or TIFF of 8 bits.

    The pictures are the frames of one roll: each has grain of its own. One that cannot be read is
    reported at its turn; the others are developed, and the exit code is 2.
    """
    from phos_core.convolution.selection import select

    treatment = {name: settings.pop(name) for name in FilmSettings.__annotations__}
    recipe = phos.Recipe(film=phos.load_film(film, **treatment), **settings)
    select(backend, pixels=0)  # whose error belongs before the work; no device is tried unasked
    destinations = _destinations(pictures, output)
    if not overwrite:
        _refuse_replacing(pictures, destinations)
    _make_folders(destinations)
    failed = _develop_roll(pictures, destinations, recipe, backend=backend, overwrite=overwrite)
    if failed:
        if len(pictures) > 1:
            _say(f"{failed} of {_count(len(pictures))} failed")
        ctx.exit(2)


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


def _destinations(pictures: Sequence[Path], output: Path) -> list[Path]:
    """Return where each picture goes; no two to one place."""
    from phos_core.image_files import SUFFIXES, check_suffix

    if len(pictures) == 1 and output.suffix and not output.is_dir():
        check_suffix(output)
        return [output]
    names_a_file = output.is_file() or output.suffix.lower() in SUFFIXES
    if names_a_file and not output.is_dir():
        raise ValueError(f"{output} is a file; {_count(len(pictures))} need a folder")
    sources: dict[Path, Path] = {}
    for picture in pictures:
        destination = output / picture.name
        if destination in sources:
            raise ValueError(f"{sources[destination]} and {picture} would both be {destination}")
        sources[destination] = picture
    return list(sources)


def _refuse_replacing(pictures: Sequence[Path], destinations: Sequence[Path]) -> None:
    for picture, destination in zip(pictures, destinations, strict=True):
        if destination.exists():
            is_input = picture.exists() and destination.samefile(picture)
            what = "is the input itself" if is_input else "exists already"
            raise ValueError(f"{destination} {what}; --overwrite replaces it")


def _make_folders(destinations: Sequence[Path]) -> None:
    for folder in {destination.parent for destination in destinations}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"cannot make the folder {folder}: {error.strerror}") from error


def _develop_roll(
    pictures: Sequence[Path],
    destinations: Sequence[Path],
    recipe: phos.Recipe,
    *,
    backend: str | None,
    overwrite: bool,
) -> int:
    """Develop each picture with the recipe, as a frame of its own; return how many failed."""
    start = time.perf_counter()
    backends_used = set()
    failed = 0
    with _plain_messages(), _progress_bar(len(pictures)) as advance:
        for frame, (source, destination) in enumerate(zip(pictures, destinations, strict=True)):
            framed = dataclasses.replace(recipe, frame=frame)
            try:
                report = _develop_file(source, destination, framed, backend, overwrite)
            except ImageFileError as error:  # it names the file
                failed += 1
                _say(str(error))
            except (PhosError, ValueError, MemoryError) as error:
                failed += 1
                _say(f"{source}: {str(error) or 'not enough memory'}")
            else:
                backends_used.add(report.backend)
                print(click.format_filename(destination))
            advance()
    if backends_used:
        done, used = len(pictures) - failed, " and ".join(sorted(backends_used))
        _say(f"{_count(done)} developed by {used} in {time.perf_counter() - start:.1f} s")
    return failed


def _develop_file(
    source: Path, destination: Path, recipe: phos.Recipe, backend: str | None, overwrite: bool
) -> phos.RunReport:
    from phos_core.image_files import check_suffix, read_image, write_image

    image = read_image(source)
    check_suffix(destination)  # before the work, not after
    report: phos.RunReport
    positive, report = phos.develop(image, recipe=recipe, backend=backend, report=True)
    write_image(destination, positive, overwrite=overwrite)
    return report


@contextlib.contextmanager
def _plain_messages() -> Iterator[None]:
    """Show warnings as one line each, and leave what tifffile logs to our own errors."""
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: _say(f"warning: {message}")
        yield


@contextlib.contextmanager
def _progress_bar(total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr if that is a terminal; call what is given after each picture."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    # Rich would take over what goes to a file as well.
    redirect = sys.stdout.isatty()
    with Progress(console=console, transient=True, redirect_stdout=redirect) as progress:
        task = progress.add_task("developing", total=total)
        yield lambda: progress.advance(task)


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


def _count(pictures: int) -> str:
    return f"{pictures} picture" if pictures == 1 else f"{pictures} pictures"


def _say(line: str) -> None:
    """Write to stderr; `click.echo` would go past the progress bar and spoil it."""
    print(f"phos: {line}", file=sys.stderr)

"""``phos contact`` and ``phos compare``: pictures of pictures."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import click

from phos_core.errors import PhosError
from phos_darkroom.files.paths import exists, is_file, is_folder
from phos_darkroom.shell.completion import complete_formats
from phos_darkroom.shell.messages import say, tell

__all__ = ["compare", "contact"]


@click.command(short_help="Lay a roll out on contact sheets.")
@click.argument(
    "pictures", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A picture (.jpg, .png, .tif); of several sheets each gets a number before the ending.",
)
@click.option(
    "--width",
    "width_px",
    type=click.IntRange(200, 20_000),
    default=2400,
    show_default=True,
    metavar="PX",
    help="Of a sheet.",
)
@click.option("--title", help="Over the frames; by default the film, where sidecars name it.")
@click.option(
    "--format",
    "film_format",
    metavar="SIZE",
    shell_complete=complete_formats,
    help="The film's frame, such as 35mm or 6x6: how the roll is cut into strips. By default what "
    "the sidecars say, else 135.",
)
@click.option("--overwrite", is_flag=True, help="Replace sheets that exist.")
@click.pass_context
def contact(
    ctx: click.Context,
    pictures: tuple[Path, ...],
    output: Path,
    width_px: int,
    title: str | None,
    film_format: str | None,
    overwrite: bool,
) -> None:
    """Lay a roll out on contact sheets: strips of six frames on black, with numbers and names.

    IN are pictures, or folders of them, in natural order: frame 2 before frame 10. One that cannot
    be read is reported and passed over, its number stays free, and the exit code is 2.
    """
    from phos_darkroom.files.image_files import check_suffix, write_image
    from phos_darkroom.settings.names import format_named
    from phos_darkroom.showing.contact import contact_sheets, frames_on_sheet, heading_of

    check_suffix(output)
    frames = _frames(pictures, output)
    found, told_format = heading_of(frames)
    film_format = format_named(film_format) if film_format else told_format
    places = _places(output, -(-len(frames) // frames_on_sheet(film_format)))
    for place in places:
        _refuse_replacing(place, overwrite)
    failed: list[PhosError] = []

    def pass_over(error: PhosError) -> None:
        failed.append(error)
        say(str(error))

    sheets = contact_sheets(
        frames,
        width_px=width_px,
        heading=found if title is None else title,
        film_format=film_format,
        passed_over=pass_over,
    )
    for sheet, place in zip(sheets, places, strict=False):  # a sheet without frames is none
        write_image(place, sheet, overwrite=overwrite)
        tell(place)
    if failed:
        ctx.exit(2)


@click.command(short_help="Show before and after in one picture.")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A picture (.jpg, .png, .tif).",
)
@click.option(
    "--split",
    type=click.Choice(("side", "vertical")),
    default="side",
    show_default=True,
    help="Side by side, or one picture that is divided in its middle.",
)
@click.option(
    "--width",
    "width_px",
    type=click.IntRange(16, 60_000),
    metavar="PX",
    help="Of the whole; by default the pictures keep their size.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
def compare(
    before: Path, after: Path, output: Path, split: str, width_px: int | None, overwrite: bool
) -> None:
    """Show before and after in one picture."""
    from phos_darkroom.files.image_files import check_suffix, read_picture, write_image
    from phos_darkroom.showing.before_after import beside, divided

    check_suffix(output)
    _refuse_replacing(output, overwrite)
    join = beside if split == "side" else divided
    joined = join(read_picture(before), read_picture(after), width_px=width_px)
    write_image(output, joined, overwrite=overwrite)
    tell(output)


def _frames(given: Sequence[Path], output: Path) -> list[Path]:
    """The pictures given, and those in folders given, each once and in natural order."""
    from phos_darkroom.roll.frames import natural_key

    found: dict[Path, None] = {}
    for place in given:
        inside = _pictures_in(place, output) if is_folder(place) else [place]
        found.update(dict.fromkeys(inside))
    if not found:
        raise ValueError(f"no picture in {', '.join(map(str, given))}")
    return sorted(found, key=natural_key)


def _pictures_in(folder: Path, output: Path) -> list[Path]:
    """The pictures of a folder, but not the sheets that were made of it before."""
    from phos_darkroom.files.image_files import READABLE

    sheet = re.compile(re.escape(output.stem) + r"(-[0-9]+)?" + re.escape(output.suffix))
    try:
        inside = list(folder.iterdir())
    except OSError as error:
        raise ValueError(f"{folder} cannot be read: {error.strerror}") from error
    return [
        path
        for path in inside
        if path.suffix.lower() in READABLE
        and not path.name.startswith(".")
        and not (
            sheet.fullmatch(path.name)
            and os.path.realpath(folder) == os.path.realpath(output.parent)
        )
        and is_file(path)
    ]


def _places(output: Path, sheets: int) -> list[Path]:
    """Where the sheets go: numbered if they are several."""
    if sheets == 1:
        return [output]
    digits = len(str(sheets))
    return [
        output.with_name(f"{output.stem}-{sheet:0{digits}}{output.suffix}")
        for sheet in range(1, sheets + 1)
    ]


def _refuse_replacing(place: Path, overwrite: bool) -> None:
    if exists(place) and not overwrite:
        raise ValueError(f"{place} exists already; --overwrite replaces it")

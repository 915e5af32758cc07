"""``phos lut``: a film's colours as a lookup table, for other programs."""

from pathlib import Path
from typing import Any

import click

import phos_core as phos
from phos_darkroom.shell.completion import complete_backends
from phos_darkroom.shell.help import GroupedCommand, in_group
from phos_darkroom.shell.messages import log_to_stderr, tell, verbose_option
from phos_darkroom.shell.preset_options import merged, preset_option
from phos_darkroom.shell.setting_options import setting_options
from phos_darkroom.shell.spaces import ocio_option

__all__ = ["lut"]

CUBE, HALD = ".cube", ".png"
SIZES = {CUBE: 33, HALD: 64}


@click.command(
    cls=GroupedCommand,
    short_help="Write a film's colours as a lookup table for other programs.",
)
@in_group(
    "Files",
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="FILE.cube, or FILE.png for a Hald CLUT of 16 bits.",
)
@in_group(
    "Files",
    "--size",
    type=int,
    metavar="N",
    help="Entries along each axis, 2 to 129: by default 33 for a .cube, and 64 (level 8) for a "
    "Hald CLUT, whose size is a square.",
)
@in_group(
    "Files",
    "--title",
    metavar="TEXT",
    help="What other programs show; by default the film's name.",
)
@in_group("Files", "--overwrite", is_flag=True, help="Replace OUT if it exists.")
@ocio_option
@setting_options
@preset_option
@in_group(
    "Machine",
    "--backend",
    metavar="NAME",
    shell_complete=complete_backends,
    help="What computes, see `phos backends`; by default the best here.",
)
@verbose_option
@click.pass_context
def lut(
    ctx: click.Context,
    /,
    output: Path,
    size: int | None,
    title: str | None,
    preset: str | None,
    backend: str | None,
    overwrite: bool,
    verbose: bool,
    **_settings: Any,
) -> None:
    """Write a film's colours as a lookup table for other programs.

    sRGB-coded pictures go in, sRGB-coded positives come out.

    A lookup table changes each pixel by its own colour alone. It cannot hold grain, halation,
    scatter, the sharpness of the film, the edge effects of its couplers (their colour is in it),
    lengths in micrometres, highlights above white, or a balance measured on the picture. `phos
    develop` has all of them, and with --mode colour what a table holds. Of the settings, those
    that act on colour are in the table.
    """
    kind = output.suffix.lower()
    if kind not in SIZES:
        raise ValueError(f"{output} must end in {CUBE}, or in {HALD} for a Hald CLUT")
    if output.exists() and not overwrite:
        raise ValueError(f"{output} exists already; --overwrite replaces it")

    from phos_darkroom.files.image_files import write_image
    from phos_darkroom.showing.lut import hald_image, make_lut, notes_of, write_cube

    recipe = phos.Recipe(**merged(ctx, preset))
    with log_to_stderr(verbose=verbose):
        table = make_lut(recipe, SIZES[kind] if size is None else size, backend)
    if kind == HALD:
        write_image(output, hald_image(table), overwrite=overwrite)
    else:
        shown = title or recipe.load_film().label
        write_cube(output, table, shown, notes_of(recipe), overwrite=overwrite)
    tell(output)

"""``phos lut``: a film's colours as a lookup table, for other programs."""

from pathlib import Path
from typing import Any

import click

import phos_core as phos
from phos_darkroom.shell.completion import complete_backends
from phos_darkroom.shell.help import GroupedCommand, in_group
from phos_darkroom.shell.messages import log_to_stderr, say, tell, verbose_option
from phos_darkroom.shell.preset_options import merged, preset_option
from phos_darkroom.shell.setting_options import setting_options
from phos_darkroom.shell.spaces import ocio_option

__all__ = ["lut"]

HALD = ".png"
LAYERS = ".clf"
LARGEST_BAKED = 129
SIZES = {".cube": 33, ".csp": 33, ".clf": 65}
HALD_LEVEL = 8


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
    help="FILE.cube, FILE.clf or FILE.csp, or FILE.png for a Hald CLUT of 16 bits.",
)
@in_group(
    "Files",
    "--size",
    type=int,
    metavar="N",
    help="Entries along each axis, 2 to 129: by default 33, of a .clf 65, and 64 (level 8) for "
    "a Hald CLUT, whose size is a square unless --level is given.",
)
@in_group(
    "Files",
    "--level",
    type=click.IntRange(2, 16),
    metavar="L",
    help="Level of a Hald CLUT, 2 to 16, by default 8: a picture of L^3 x L^3 pixels.",
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
    level: int | None,
    title: str | None,
    preset: str | None,
    backend: str | None,
    overwrite: bool,
    verbose: bool,
    **_settings: Any,
) -> None:
    """Write a film's colours as a lookup table for other programs.

    Pictures go in as --input-space says, or sRGB-coded; positives come out, sRGB-coded unless
    another output space is asked for. A .clf is the most exact for log and linear light: it goes
    by the exposures of the film's layers. How exact the table is in the pictures' own space is
    reported, and written into a .cube, .clf or .csp.

    A lookup table changes each pixel by its own colour alone. It cannot hold grain, halation,
    scatter, the sharpness of the film, the edge effects of its couplers (their colour is in it),
    lengths in micrometres, the glow of highlights that a file clips at white, a balance measured
    on the picture, or what differs from frame to frame of film that was run: weave, breathing,
    dust and scratches. `phos develop` has all of them, and with --mode colour what a table
    holds. Of the settings, those that act on colour are in the table.
    """
    from phos_darkroom.showing import luts

    kind = output.suffix.lower()
    if kind not in (*luts.TABLE_ENDINGS, HALD):
        endings = ", ".join(luts.TABLE_ENDINGS)
        raise ValueError(f"{output} must end in {endings}, or in {HALD} for a Hald CLUT")
    if level is not None and kind != HALD:
        raise ValueError(f"level is that of a Hald CLUT, a {HALD}, got {output}; use size")
    if output.exists() and not overwrite:
        raise ValueError(f"{output} exists already; --overwrite replaces it")

    recipe = phos.Recipe(**merged(ctx, preset))
    make = luts.make_layer_table if kind == LAYERS else luts.make_table
    with log_to_stderr(verbose=verbose):
        table = make(recipe, _size_for(kind, size, level), backend)
        table = table if level is None else luts.resampled(table, level**2)
        picture = luts.hald_image(table) if kind == HALD else None
        accuracy = luts.accuracy_of(table, recipe, backend)
    if picture is not None:
        from phos_darkroom.files.image_files import write_image

        write_image(output, picture, overwrite=overwrite)
    else:
        comments = (*luts.notes_of(recipe), "", *accuracy.lines())
        shown = title or recipe.load_film().label
        luts.write_table(output, table, shown, comments, overwrite=overwrite)
    for line in accuracy.lines():
        say(line)
    tell(output)


def _size_for(kind: str, size: int | None, level: int | None) -> int:
    """Entries along each axis: as asked for, or as the format has them."""
    if size is not None:
        return size
    return min((level or HALD_LEVEL) ** 2, LARGEST_BAKED) if kind == HALD else SIZES[kind]

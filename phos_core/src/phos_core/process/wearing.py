"""The wear of a picture: which marks it has, and their planes for some of its rows."""

from collections.abc import Sequence

import numpy as np

from phos_core.arrays import Array, array_namespace, device
from phos_core.effects.printing import PaperPrint
from phos_core.effects.wear import BLOCKED, OF_PRINT, Mark, dust_marks, scratch_marks
from phos_core.process.recipe import Recipe
from phos_core.stocks.film import FILM_FORMATS_UM, RUNS_LENGTHWISE, Film
from phos_core.stocks.library import paper_sheet, papers

__all__ = ["marks_of", "wear_field", "wear_planes"]


def wear_planes(film: Film, recipe: Recipe) -> int:
    """Planes of a film's wear: more where it is printed on film; 0 of a film that has none."""
    if not recipe.is_worn:
        return 0
    return 3 if _is_on_film(film) else 2


def _is_on_film(film: Film) -> bool:
    """Whether the positive is a film of its own, through which light goes."""
    printing = film.printing
    if not isinstance(printing, PaperPrint) or printing.paper not in papers():
        return False
    return paper_sheet(printing.paper).kind == "print-film"


def marks_of(recipe: Recipe, planes: int, rows: range, cols: range, pitch_um: float) -> list[Mark]:
    """Find the dust and the scratches of a part of a frame.

    Parameters
    ----------
    recipe : Recipe
        The frame's settings.
    planes : int
        Of `wear_planes`.
    rows, cols : range
        Pixels of the frame.
    pitch_um : float
        Width of a pixel on the film, in um.

    Returns
    -------
    list of Mark
        Those that touch the part.
    """
    long_um, short_um = FILM_FORMATS_UM[recipe.film_format]
    is_lengthwise = recipe.film_format in RUNS_LENGTHWISE
    found: list[Mark] = []
    for plane in (BLOCKED, OF_PRINT)[: planes - 1]:
        numbered = {"plane": plane, "seed": recipe.seed, "frame": recipe.frame}
        found += dust_marks(
            recipe.dust_per_cm2, rows=rows, cols=cols, pitch_um=pitch_um, **numbered
        )
        found += scratch_marks(
            recipe.scratches,
            across=rows if is_lengthwise else cols,
            along=cols if is_lengthwise else rows,
            pitch_um=pitch_um,
            frame_um=(short_um, long_um) if is_lengthwise else (long_um, short_um),
            is_upright=not is_lengthwise,
            **numbered,
        )
    return found


def wear_field(marks: Sequence[Mark], planes: int, like: Array, rows: range, cols: range) -> Array:
    """Give the planes of wear for some pixels of a frame.

    Parameters
    ----------
    marks : sequence of Mark
        Those of `marks_of`, of these pixels or more.
    planes : int
        Of `wear_planes`.
    like : array
        Any array of the library, and on the device, where they are wanted.
    rows, cols : range
        Pixels of the frame.

    Returns
    -------
    array of float32, shape (planes, rows, cols)
        Where marks cross, the stronger one.
    """
    xp = array_namespace(like)
    field = xp.zeros((planes, len(rows), len(cols)), dtype=xp.float32, device=device(like))
    for mark in marks:
        down = _inside(mark.row - rows.start, mark.amount.shape[0], len(rows))
        aside = _inside(mark.col - cols.start, mark.amount.shape[1], len(cols))
        if down and aside:
            own = mark.amount[
                down.start + rows.start - mark.row : down.stop + rows.start - mark.row,
                aside.start + cols.start - mark.col : aside.stop + cols.start - mark.col,
            ]
            amount = xp.asarray(np.ascontiguousarray(own), device=device(like))
            there = mark.plane, slice(down.start, down.stop), slice(aside.start, aside.stop)
            field[there] = xp.maximum(field[there], amount)
    return field


def _inside(start: int, length: int, size: int) -> range:
    """What of some pixels in a row lies among those from 0 to a size."""
    return range(max(start, 0), min(start + length, size))

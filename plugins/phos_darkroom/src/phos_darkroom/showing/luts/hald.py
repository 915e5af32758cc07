"""Tables as Hald CLUTs: square pictures of all their entries."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_darkroom.showing.luts.baking import entry_places
from phos_darkroom.showing.luts.lookup import apply_lut, checked_entries
from phos_darkroom.showing.luts.table import Table

__all__ = ["hald_image", "resampled"]

BEYOND = 1e-3  # of a code: what rounding may give


def hald_image(lut: Table | NDArray[Any]) -> NDArray[np.uint16]:
    """Lay a lookup table out as a Hald CLUT, a square picture of all its entries.

    Parameters
    ----------
    lut : Table, or ndarray, shape (n, n, n, 3)
        As `make_lut` makes it, n a square: 64, a picture of 512 x 512, is level 8. `resampled`
        brings a table to any size.

    Returns
    -------
    ndarray of uint16, shape (rows, rows, 3)
        Codes in reading order: red changes fastest, then green, then blue.

    Raises
    ------
    ValueError
        If n is no square of a whole number, or the table is for linear light or gives light
        beyond 0 to 1.
    """
    if isinstance(lut, Table) and not lut.is_plain:
        raise ValueError(
            "a Hald CLUT has no shaper, and reads codes from 0 to 1: it cannot be for linear light"
        )
    entries = checked_entries(lut.entries if isinstance(lut, Table) else lut)
    level = round(len(entries) ** 0.5)
    if level**2 != len(entries):
        raise ValueError(
            "a Hald CLUT needs a size that is the square of a whole number, such as 64 (level 8), "
            f"got {len(entries)}"
        )
    if entries.min() < -BEYOND or entries.max() > 1.0 + BEYOND:
        raise ValueError(
            "a Hald CLUT holds codes from 0 to 1: it cannot give unbounded light, "
            f"got {entries.min():.3g} to {entries.max():.3g}"
        )
    fastest = entries.transpose(2, 1, 0, 3).reshape(level**3, level**3, 3)
    codes: NDArray[np.float64] = np.floor(65535.0 * np.clip(fastest, 0.0, 1.0) + 0.5)
    return codes.astype(np.uint16)


def resampled(table: Table, size: int) -> Table:
    """Bring a table to another size, by tetrahedral interpolation.

    Parameters
    ----------
    table : Table
        A table.
    size : int
        Entries along each axis.

    Returns
    -------
    Table
        The same colours from other entries.
    """
    return replace(table, entries=apply_lut(entry_places(size), table.entries))

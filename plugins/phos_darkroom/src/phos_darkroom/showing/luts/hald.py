"""Tables as Hald CLUTs: square pictures of all their entries."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_darkroom.showing.luts.baking import entry_places
from phos_darkroom.showing.luts.lookup import apply_lut, checked_entries
from phos_darkroom.showing.luts.table import Table

__all__ = ["HALD_LEVELS", "hald_image"]

HALD_LEVELS = (2, 16)
"""The least and the greatest level: pictures of 8 x 8 and of 4096 x 4096."""


def hald_image(lut: Table | NDArray[Any], level: int | None = None) -> NDArray[np.uint16]:
    """Lay a lookup table out as a Hald CLUT, a square picture of all its entries.

    Parameters
    ----------
    lut : Table, or ndarray, shape (n, n, n, 3)
        As `make_lut` makes it, for codes.
    level : int, optional
        2 to 16: the picture holds level^2 entries along each axis, so that 8 is 512 x 512. Where
        the table has another size its colours are looked up. By default what the table's size is
        the square of.

    Returns
    -------
    ndarray of uint16, shape (level^3, level^3, 3)
        Codes in reading order: red changes fastest, then green, then blue.

    Raises
    ------
    ValueError
        If n is no square of a whole number and there is no level, the level is out of range, or
        the table is for linear light.
    """
    if isinstance(lut, Table) and not lut.is_plain:
        raise ValueError(
            "a Hald CLUT has no shaper, and reads codes from 0 to 1: it cannot be for linear light"
        )
    entries = checked_entries(lut.entries if isinstance(lut, Table) else lut)
    if level is None:
        level = round(len(entries) ** 0.5)
        if level**2 != len(entries):
            raise ValueError(
                "a Hald CLUT needs a size that is the square of a whole number, such as 64 "
                f"(level 8), got {len(entries)}; or give a level"
            )
    low, high = HALD_LEVELS
    if not low <= level <= high and level**2 != len(entries):
        raise ValueError(f"level must lie between {low} and {high}, got {level}")
    if level**2 != len(entries):
        entries = apply_lut(entry_places(level**2), entries)
    fastest = entries.transpose(2, 1, 0, 3).reshape(level**3, level**3, 3)
    codes: NDArray[np.uint16] = np.floor(65535.0 * np.clip(fastest, 0.0, 1.0) + 0.5).astype(
        np.uint16
    )
    return codes

"""Environment variables: read when they are needed, refused by name."""

import os

from phos_core.errors import shown

__all__ = ["positive_whole", "switch"]

MOST_DIGITS = 18  # no machine has more cores, or bytes, than these can count


def positive_whole(name: str, unit: str = "") -> int | None:
    """Read a whole number above zero; None if the variable is not set.

    Parameters
    ----------
    name : str
        Of the variable.
    unit : str
        What it counts, for the error.

    Raises
    ------
    ValueError
        If it is set to anything else; the message names the variable.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isdecimal() and len(text) <= MOST_DIGITS and int(text) > 0):
        of_unit = f" of {unit}" if unit else ""
        raise ValueError(f"{name} must be a whole number{of_unit} above zero, got {shown(text)}")
    return int(text)


def switch(name: str) -> bool:
    """Read a variable that is 0 or 1, and 0 if it is not set; a `ValueError` names it."""
    text = os.environ.get(name, "").strip()
    if text not in ("", "0", "1"):
        raise ValueError(f"{name} must be 0 or 1, got {shown(text)}")
    return text == "1"

"""What a user may say of a PSF."""

import math
from collections.abc import Iterable
from typing import Any

from phos_core.errors import shown

__all__ = ["checked_length", "checked_terms", "checked_weight", "pairs_in"]

LONGEST_PX = 1e9  # our choice: far beyond every picture, and squares of it are finite


def pairs_in(terms: Any, pair: str) -> list[tuple[Any, Any]]:
    """The terms as pairs, at least one."""
    try:
        pairs = [(one, other) for one, other in terms]
    except (TypeError, ValueError) as error:
        raise TypeError(f"terms must be a list of {pair}, got {shown(terms)}") from error
    if not pairs:
        raise ValueError(f"terms must hold at least one {pair}, got none")
    return pairs


def checked_terms(terms: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Weights and standard deviations, of a positive sum."""
    listed = [
        (_number("a weight", weight), checked_length("sigma", sigma))
        for weight, sigma in pairs_in(terms, "(weight, sigma)")
    ]
    total = sum(weight for weight, _ in listed)
    if not (total > 0 and math.isfinite(total)):
        raise ValueError(f"weights must have a positive, finite sum, got {total}")
    return listed


def checked_weight(value: Any) -> float:
    """A finite number."""
    weight = _number("a weight", value)
    if not math.isfinite(weight):
        raise ValueError(f"weights must be finite, got {weight}")
    return weight


def checked_length(name: str, value: Any) -> float:
    """A positive number of pixels."""
    length = _number(name, value)
    if not (length > 0 and math.isfinite(length)):
        raise ValueError(f"{name} must be a positive number of pixels, got {length}")
    if length > LONGEST_PX:
        raise ValueError(f"{name} must be no more than {LONGEST_PX:g} pixels, got {length:g}")
    return length


def _number(name: str, value: Any) -> float:
    if isinstance(value, str):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {shown(value)}") from error
    except OverflowError as error:  # a whole number beyond every float
        raise ValueError(f"{name} must be finite, got {shown(value)}") from error

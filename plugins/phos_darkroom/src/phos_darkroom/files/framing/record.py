"""The record of a framing, and its numbers."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, TypeAlias

from phos_core.errors import shown
from phos_core.process import Window

__all__ = ["RATIOS", "Crop", "Framing", "crop_from"]

Crop: TypeAlias = str | tuple[float, float, float, float]

RATIOS: Mapping[str, str] = MappingProxyType(
    {
        "1:1": "square, 6×6",
        "5:4": "8×10 and 4×5 in",
        "7:6": "6×7",
        "4:3": "645, phones and tablets",
        "7:5": "5×7 in",
        "3:2": "35 mm, 6×9, 4×6 in",
        "16:9": "screens",
        "65:24": "panorama of 35 mm",
        "4:5": "upright, for feeds",
        "9:16": "upright, full screen of a phone",
    }
)
"""Ratios of a crop that are offered, each with what has it; a `Framing` takes any."""

WHOLE = (0.0, 0.0, 1.0, 1.0)
MOST_DEGREES = 45.0  # beyond, another quarter turn is nearer
MOST_RATIO = 100.0
QUARTERS = 4
RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,4})?):(\d{1,5}(?:\.\d{1,4})?)")
FORMS = "crop must be a ratio such as 3:2, or shares of the picture: top, left, bottom, right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How a picture is turned, flipped, straightened and cropped, in this order.

    It is done to the light, before the film: the film has the frame, and a pixel keeps its width
    on it.

    Parameters
    ----------
    turns : int
        Quarter turns clockwise, 0 to 3, of the upright picture.
    flipped : bool
        Whether left and right change places.
    straighten_degrees : float
        How far the picture is turned clockwise, -45 to 45. What remains is the largest picture of
        the same proportions, about the same centre, without empty corners.
    crop : tuple of four float, or str
        What is wanted of what remains: the shares of its height and width at which top, left,
        bottom and right lie, from 0 to 1. Or a ratio of width to height such as ``"3:2"``, see
        `RATIOS`: the largest part of that ratio around the centre. One whose first number is the
        larger one lies as the picture does; else it stands upright.

    Raises
    ------
    TypeError, ValueError
        If one is of the wrong type or out of range.
    """

    turns: int = 0
    flipped: bool = False
    straighten_degrees: float = 0.0
    crop: Crop = WHOLE

    def __post_init__(self) -> None:
        if type(self.turns) is not int or self.turns not in range(QUARTERS):
            raise _wrong(self.turns, int)(
                f"turns must be a number of quarter turns, 0 to 3, got {shown(self.turns)}"
            )
        if not isinstance(self.flipped, bool):
            raise TypeError(f"flipped must be True or False, got {shown(self.flipped)}")
        degrees = _number("straighten_degrees", self.straighten_degrees)
        if not abs(degrees) <= MOST_DEGREES:
            raise ValueError(
                f"straighten_degrees must lie between {-MOST_DEGREES:g} and {MOST_DEGREES:g}; "
                f"quarter turns are turns, got {degrees:g}"
            )
        object.__setattr__(self, "straighten_degrees", degrees + 0.0)  # of -0 too
        object.__setattr__(self, "crop", _checked_crop(self.crop))

    @property
    def is_whole(self) -> bool:
        """Whether the picture stays as it is."""
        return self == Framing()

    def window(self, rows: int, cols: int) -> Window:
        """Give the rows and columns that the crop has of a picture.

        Parameters
        ----------
        rows, cols : int
            Of the picture, turned and straightened.

        Returns
        -------
        tuple of slice
            Not empty, whole pixels, each edge at the nearest.
        """
        if isinstance(self.crop, str):
            return _window_of_ratio(self.crop, rows, cols)
        top, left, bottom, right = self.crop
        return _between(top, bottom, rows), _between(left, right, cols)

    def values(self) -> dict[str, Any]:
        """Give every setting, as TOML and JSON hold it; `from_values` gives the same again."""
        crop = self.crop if isinstance(self.crop, str) else list(self.crop)
        return {
            "turns": self.turns,
            "flipped": self.flipped,
            "straighten_degrees": self.straighten_degrees,
            "crop": crop,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Framing":
        """Give the framing that `values` has written.

        Parameters
        ----------
        values : mapping of str to Any
            Some settings or all.

        Returns
        -------
        Framing
            With the defaults of those that are missing.

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown, of the wrong type or out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(
                    f"unknown setting of a framing {shown(name)}; known: {', '.join(known)}"
                )
        return cls(**values)


def crop_from(text: str) -> Crop:
    """Read a crop as it is typed: ``3:2``, or ``LEFT,TOP,RIGHT,BOTTOM`` in shares.

    Parameters
    ----------
    text : str
        A ratio, or four numbers with commas between them, across before down.

    Returns
    -------
    str or tuple of float
        As `Framing` takes it, down before across; whether it may be so is for `Framing` to check.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if RATIO.fullmatch(text):
        return text
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            "crop must be a ratio such as 3:2, or LEFT,TOP,RIGHT,BOTTOM in shares such as "
            f"0.1,0,0.9,1, got {shown(text)}"
        ) from None
    return top, left, bottom, right


def _window_of_ratio(ratio: str, rows: int, cols: int) -> Window:
    """The largest part of a ratio in the middle."""
    across, down = _sides(ratio)
    if across > down and rows > cols:
        across, down = down, across
    most_cols = min(cols, rows * across / down)
    return _middle(most_cols * down / across, rows), _middle(most_cols, cols)


def _middle(wanted: float, size: int) -> slice:
    length = min(max(1, _nearest(wanted)), size)
    start = (size - length) // 2
    return slice(start, start + length)


def _between(low: float, high: float, size: int) -> slice:
    start = min(_nearest(low * size), size - 1)
    return slice(start, max(_nearest(high * size), start + 1))


def _nearest(number: float) -> int:
    return math.floor(number + 0.5)


def _sides(ratio: str) -> tuple[float, float]:
    across, down = ratio.split(":")
    return float(across), float(down)


def _checked_crop(crop: Any) -> Crop:
    """Check a crop; give its shares as floats."""
    if isinstance(crop, str):
        if not RATIO.fullmatch(crop):
            raise ValueError(f"{FORMS}, got {shown(crop)}")
        sides = _sides(crop)
        if not (min(sides) > 0 and max(sides) / min(sides) <= MOST_RATIO):
            raise ValueError(
                f"crop must have a ratio of at most {MOST_RATIO:g}:1, got {shown(crop)}"
            )
        return crop
    if not isinstance(crop, tuple | list) or len(crop) != len(WHOLE):
        raise _wrong(crop, list)(f"{FORMS}, got {shown(crop)}")
    top, left, bottom, right = (_number("crop", share) + 0.0 for share in crop)
    if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1):
        raise ValueError(
            "crop must have top above bottom and left before right, each from 0 to 1, "
            f"got top {top:g}, left {left:g}, bottom {bottom:g}, right {right:g}"
        )
    return top, left, bottom, right


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def _wrong(value: Any, kind: type) -> type[Exception]:
    """The class of the error about a value: of its range if it is of a kind, else of its type."""
    kinds = (tuple, list) if kind is list else (kind,)
    return ValueError if type(value) in kinds else TypeError

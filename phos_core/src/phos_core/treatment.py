"""Treatment: how a stock is exposed, developed and printed, settled when it is loaded."""

import math
import operator
from dataclasses import dataclass
from typing import Any, TypedDict

from phos_core.errors import shown

__all__ = ["FilmSettings", "Treatment", "finite", "whole"]

NAMED_LIGHTS = ("film", "daylight", "tungsten")
KELVIN_RANGE = (1000.0, 25_000.0)
OPTIONAL_NUMBERS = (
    "exposure_index",
    "exposure_time_s",
    "paper_grade",
    "black_point",
    "white_point",
)


class FilmSettings(TypedDict, total=False):
    """The settings of a `Treatment`, as keyword arguments."""

    light: str | float
    exposure_index: float | None
    exposure_time_s: float | None
    push_stops: float
    printing: str
    paper_grade: float | None
    filters_cc: tuple[float, float, float]
    print_stops: float
    black_point: float | None
    white_point: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What is done to a stock, from the light that it is exposed to to its positive.

    Parameters
    ----------
    light : str or float
        Light of the scene: ``"film"`` (the light that the stock is balanced for),
        ``"daylight"`` (D55), ``"tungsten"`` (3200 K) or a colour temperature in K. The scene's
        white is this light; the print stays balanced for the stock's own.
    exposure_index : float or None
        What the meter was set to; None: the stock's speed. The print is balanced on the grey
        that is exposed so.
    exposure_time_s : float or None
        Time for which the shutter was open, in s: the stock then loses what its law of
        reciprocity failure says, where its maker publishes one. None: no loss.
    push_stops : float
        Development relative to the normal one: more (pushed) or less (pulled), within what is
        published for the stock.
    printing : str
        ``"auto"`` or ``"scan"`` (a laboratory's scan of a negative, a transparency seen against
        its base), or the name of a paper or a print film from `papers`.
    paper_grade : float or None
        Contrast grade of black-and-white paper of variable contrast, 0 to 5; None: printed
        without a filter.
    filters_cc : tuple of float
        Yellow, magenta and cyan filtration of the enlarger on top of the neutral balance, in
        cc: 100 cc let a tenth of the blue, green and red light pass. Yellow filtration exposes
        the layer of yellow dye less, so the print becomes bluer.
    print_stops : float
        Exposure of the print on top of the normal one: more is darker.
    black_point, white_point : float or None
        Of a scan: the stops under (negative) and over mid-grey, in the scene, at which the
        positive becomes black and white. None: unexposed film is black, and white is approached
        but never passed.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong type or out of range.
    """

    light: str | float = "film"
    exposure_index: float | None = None
    exposure_time_s: float | None = None
    push_stops: float = 0.0
    printing: str = "auto"
    paper_grade: float | None = None
    filters_cc: tuple[float, float, float] = (0.0, 0.0, 0.0)
    print_stops: float = 0.0
    black_point: float | None = None
    white_point: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "light", _light(self.light))
        if not isinstance(self.printing, str):
            raise TypeError(f"printing must be a name, got {shown(self.printing)}")
        for name in ("push_stops", "print_stops"):
            object.__setattr__(self, name, finite(name, getattr(self, name)))
        for name in OPTIONAL_NUMBERS:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, finite(name, value))
        object.__setattr__(self, "filters_cc", _filters(self.filters_cc))
        for name in ("exposure_index", "exposure_time_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if self.paper_grade is not None and not 0.0 <= self.paper_grade <= 5.0:
            raise ValueError(f"paper_grade must lie between 0 and 5, got {self.paper_grade}")
        if self.black_point is not None and not self.black_point < 0:
            raise ValueError(
                "black_point is in stops from mid-grey and must be negative, "
                f"got {self.black_point}"
            )
        if self.white_point is not None and not self.white_point > 0:
            raise ValueError(
                "white_point is in stops from mid-grey and must be positive, "
                f"got {self.white_point}"
            )


def whole(name: str, value: Any) -> int:
    """A setting as a plain whole number."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {shown(value)}")
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be a whole number, got {shown(value)}") from error


def finite(name: str, value: Any) -> float:
    """A setting as a plain finite number."""
    if isinstance(value, bool | str):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {shown(value)}") from error
    except OverflowError as error:  # a whole number beyond every float
        raise ValueError(f"{name} must be finite, got {shown(value)}") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {shown(value)}")
    return number


def _light(value: Any) -> str | float:
    named = " or ".join(repr(name) for name in NAMED_LIGHTS)
    if isinstance(value, str):
        if value not in NAMED_LIGHTS:
            raise ValueError(f"light must be {named}, or a temperature in K, got {shown(value)}")
        return value
    kelvin = finite("light", value)
    low, high = KELVIN_RANGE
    if not low <= kelvin <= high:
        raise ValueError(f"light must be {named}, or {low:g} to {high:g} K, got {kelvin:g}")
    return kelvin


def _filters(value: Any) -> tuple[float, float, float]:
    try:
        yellow, magenta, cyan = value
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"filters_cc must be (yellow, magenta, cyan), got {shown(value)}"
        ) from error
    return (
        finite("filters_cc", yellow),
        finite("filters_cc", magenta),
        finite("filters_cc", cyan),
    )

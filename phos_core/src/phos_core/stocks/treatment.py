"""Treatment: how a stock is exposed, developed and printed, settled when it is loaded."""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypedDict

from phos_core.errors import shown

__all__ = ["BOUNDS", "FilmSettings", "Treatment", "finite", "in_bounds", "whole"]

PROCESS_VERSIONS = (1, 2)
FILTERS = {"filters_cc": "yellow, magenta, cyan", "balance_cc": "red, green, blue"}
NAMED_LIGHTS = ("film", "daylight", "tungsten")
BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "light": (1_000.0, 25_000.0),  # in K
        "exposure_index": (0.01, 1e7),
        "exposure_time_s": (1e-6, 1e7),
        "push_stops": (-10.0, 10.0),
        "paper_grade": (0.0, 5.0),
        "filters_cc": (-500.0, 500.0),
        "print_stops": (-20.0, 20.0),
        "contrast": (0.1, 4.0),
        "balance_cc": (-200.0, 200.0),
        "brightness_stops": (-10.0, 10.0),
        "black_point": (-30.0, 0.0),
        "white_point": (0.0, 30.0),
        "exposure_stops": (-30.0, 30.0),
        "highlights_stops": (0.0, 15.0),
        "light_balance": (0.0, 1.0),
        "pixel_pitch_um": (0.1, 1e6),
        "offset_px": (-(2.0**30), 2.0**30),
        "scatter": (0.0, 1.0),
        "halation": (0.0, 100.0),
        "couplers": (0.0, 10.0),
        "grain": (0.0, 10.0),
        "weave_um": (0.0, 500.0),
        "breathing_stops": (0.0, 2.0),
        "dust_per_cm2": (0.0, 500.0),
        "scratches": (0.0, 100.0),
        "strength": (0.0, 1.0),
    }
)
"""Least and greatest value of each setting that is a number: within them a picture comes out.

Generous, and our choice: far beyond what is used, and near enough that single precision holds it.
"""
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
    scanner: str
    contrast: float
    balance_cc: tuple[float, float, float]
    brightness_stops: float
    paper_grade: float | None
    filters_cc: tuple[float, float, float]
    print_stops: float
    black_point: float | None
    white_point: float | None
    process_version: int


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
        ``"auto"`` or ``"scan"``: a negative is scanned in one tone for all stocks and balanced on
        mid-grey alone, a transparency is seen against its base; ``"neutral"``: the scan gives
        every stock the same contrast and makes every step of its neutral ramp grey; or the name
        of a paper or a print film from `papers`.
    scanner : str
        What scans a negative or a transparency, a name from `SCANNERS`: its light, its bands and
        its aperture. ``"none"``: the bands of the first, and no aperture. Nothing for a print.
    contrast : float
        Of a scan, around mid-grey; 1: the same for all stocks.
    balance_cc : tuple of float
        Red, green and blue in cc: filters in the light that scans or prints. +10 lets the
        positive have more of a colour, as a filter of the density 0.1 does.
    brightness_stops : float
        Of the positive: +1 makes it as light as if the scene had been one stop lighter, with the
        exposure of the film as it is.
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
        The stops under (negative) and over mid-grey, in the scene, at which the positive becomes
        black and white; mid-grey stays. None: black is what unexposed film gives, white what the
        scan, the base or the paper gives.
    process_version : int
        2, or 1: as phos 0.1 did, whose sidecars ask for it. There everything near white exposed
        the film as if it were ten stops over mid-grey, and couplers had no bound.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong type or out of its `BOUNDS`.
    """

    light: str | float = "film"
    exposure_index: float | None = None
    exposure_time_s: float | None = None
    push_stops: float = 0.0
    printing: str = "auto"
    scanner: str = "minilab"
    contrast: float = 1.0
    balance_cc: tuple[float, float, float] = (0.0, 0.0, 0.0)
    brightness_stops: float = 0.0
    paper_grade: float | None = None
    filters_cc: tuple[float, float, float] = (0.0, 0.0, 0.0)
    print_stops: float = 0.0
    black_point: float | None = None
    white_point: float | None = None
    process_version: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "light", _light(self.light))
        for name in ("printing", "scanner"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a name, got {shown(getattr(self, name))}")
        object.__setattr__(self, "process_version", whole("process_version", self.process_version))
        if self.process_version not in PROCESS_VERSIONS:
            raise ValueError(f"process_version must be 1 or 2, got {self.process_version}")
        for name in ("push_stops", "print_stops", "contrast", "brightness_stops"):
            object.__setattr__(self, name, in_bounds(name, getattr(self, name)))
        for name in OPTIONAL_NUMBERS:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, finite(name, value))
        for name, colours in FILTERS.items():
            object.__setattr__(self, name, _filters(name, colours, getattr(self, name)))
        for name in ("exposure_index", "exposure_time_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
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
        for name in OPTIONAL_NUMBERS:
            if getattr(self, name) is not None:
                in_bounds(name, getattr(self, name))


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
    if type(value) is float and math.isfinite(value):  # most are: asked some 50 times a picture
        return value
    is_truth = isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool"
    if is_truth or isinstance(value, str | bytes | bytearray):
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


def in_bounds(name: str, value: Any) -> float:
    """A setting as a plain number within its `BOUNDS`."""
    number = finite(name, value)
    low, high = BOUNDS[name]
    if not low <= number <= high:
        raise ValueError(f"{name} must lie between {low:.12g} and {high:.12g}, got {number}")
    return number


def _light(value: Any) -> str | float:
    named = " or ".join(repr(name) for name in NAMED_LIGHTS)
    if isinstance(value, str):
        if value not in NAMED_LIGHTS:
            raise ValueError(f"light must be {named}, or a temperature in K, got {shown(value)}")
        return value
    kelvin = finite("light", value)
    low, high = BOUNDS["light"]
    if not low <= kelvin <= high:
        raise ValueError(f"light must be {named}, or {low:g} to {high:g} K, got {kelvin:g}")
    return kelvin


def _filters(name: str, colours: str, value: Any) -> tuple[float, float, float]:
    try:
        first, second, third = value
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be ({colours}), got {shown(value)}") from error
    return in_bounds(name, first), in_bounds(name, second), in_bounds(name, third)

"""How a camera's raw file becomes light: what a photographer may decide before the film."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from phos_core.errors import shown

__all__ = [
    "HIGHLIGHTS",
    "NAMED_BALANCES",
    "RAW_BOUNDS",
    "Highlights",
    "RawSettings",
    "WhiteBalance",
    "white_balance_from",
]

WhiteBalance: TypeAlias = str | float | tuple[float, ...]
Highlights = Literal["blend", "rebuild", "clip"]
HIGHLIGHTS: tuple[str, ...] = get_args(Highlights)
NAMED_BALANCES = ("as-shot", "daylight")

RAW_BOUNDS: Mapping[str, tuple[float, float]] = {
    "raw_exposure_stops": (-5.0, 5.0),
    "black_level": (0, 65_534),
    "white_level": (1, 65_535),
}
KELVIN = (1_500.0, 15_000.0)  # where the locus that is used is accurate
TINT = (-150.0, 150.0)  # as raw converters offer it
GAIN = (0.01, 100.0)
FORMS = (
    "white_balance must be as-shot, daylight, a temperature in K, a temperature and a tint, or "
    "gains of red, green and blue"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSettings:
    """What decides how a raw file becomes light.

    Parameters
    ----------
    white_balance : str, float or tuple of float
        ``"as-shot"``: the camera's, or daylight's where the file has none. ``"daylight"``. A
        number: the temperature of the scene's light, from 1500 to 15000 K. Two numbers: that and
        a tint, from -150 (the light was magenta) to 150 (it was green). Three: gains of red, green
        and blue, of which only the ratios count.
    highlights : {"blend", "rebuild", "clip"}
        Where some channels of the sensor are saturated. "blend": the others continue, their colour
        fading to neutral. "rebuild": the saturated ones are estimated from the others and from
        their surroundings, which is closer where one is saturated, and may give false colours where
        two are. "clip": light ends where the first one saturates.
    raw_exposure_stops : float
        Scales the light, -5 to 5 stops. Unlike `Recipe.exposure_stops`, which is light on the
        film that a laboratory corrects, it says how bright the scene was.
    black_level, white_level : int or None
        The sensor's codes of no light and of saturation, 0 to 65534 and 1 to 65535; None: what
        the file says.
    lens_correction : bool
        Whether distortion, lateral colour and vignetting of the lens are corrected, as far as
        lensfun's database knows camera and lens.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong type or out of range.
    """

    white_balance: WhiteBalance = "as-shot"
    highlights: Highlights = "blend"
    raw_exposure_stops: float = 0.0
    black_level: int | None = None
    white_level: int | None = None
    lens_correction: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "white_balance", _checked_balance(self.white_balance))
        if self.highlights not in HIGHLIGHTS:
            known = ", ".join(HIGHLIGHTS)
            raise ValueError(f"highlights must be one of {known}, got {shown(self.highlights)}")
        _check_number("raw_exposure_stops", self.raw_exposure_stops, float)
        object.__setattr__(self, "raw_exposure_stops", float(self.raw_exposure_stops))
        for name in ("black_level", "white_level"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), int)
        if not isinstance(self.lens_correction, bool):
            raise TypeError(
                f"lens_correction must be True or False, got {shown(self.lens_correction)}"
            )
        if None not in (self.black_level, self.white_level):
            self._check_levels()

    def _check_levels(self) -> None:
        black, white = self.black_level or 0, self.white_level or 0
        if white <= black:
            raise ValueError(f"white_level must be above black_level, {black}, got {white}")

    def values(self) -> dict[str, Any]:
        """Give every setting, as TOML holds it; `from_values` gives the same settings again."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "RawSettings":
        """Give the settings that `values` has written.

        Parameters
        ----------
        values : mapping of str to Any
            Some settings or all.

        Returns
        -------
        RawSettings
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
                    f"unknown setting of raw files {shown(name)}; known: {', '.join(known)}"
                )
        return cls(**{name: _meant(value) for name, value in values.items()})


def white_balance_from(text: str) -> WhiteBalance:
    """Read a white balance as it is typed: ``as-shot``, ``5600``, ``5600,10`` or ``2.1,1,1.6``.

    Parameters
    ----------
    text : str
        A name, or one to three numbers with commas between them.

    Returns
    -------
    str, float or tuple of float
        As `RawSettings` takes it; whether it may be so is for `RawSettings` to check.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if text in NAMED_BALANCES:
        return text
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{FORMS}, got {shown(text)}") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _checked_balance(balance: Any) -> WhiteBalance:
    """Check a white balance; give its numbers as floats."""
    if isinstance(balance, str):
        if balance not in NAMED_BALANCES:
            raise ValueError(f"{FORMS}, got {shown(balance)}")
        return balance
    numbers = balance if isinstance(balance, tuple | list) else (balance,)
    if not 1 <= len(numbers) <= 3:
        raise ValueError(f"{FORMS}, got {shown(balance)}")
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise TypeError(f"{FORMS}, got {shown(balance)}")
    limits = [GAIN] * 3 if len(numbers) == 3 else [KELVIN, TINT][: len(numbers)]
    names = ["gains"] * 3 if len(numbers) == 3 else ["temperature", "tint"]
    for name, number, (low, high) in zip(names, numbers, limits, strict=False):
        if not low <= number <= high:  # NaN is in no range
            raise ValueError(
                f"white_balance must have a {name.removesuffix('s')} from {low:g} to {high:g}, "
                f"got {number:g}"
            )
    return float(numbers[0]) if len(numbers) == 1 else tuple(map(float, numbers))


def _check_number(name: str, value: Any, kind: type) -> None:
    kinds = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        what = "a whole number" if kind is int else "a number"
        raise TypeError(f"{name} must be {what}, got {shown(value)}")
    low, high = RAW_BOUNDS[name]
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value:g}")


NONE = "none"  # how a setting says that nothing was asked for; TOML has no word for it


def _plain(value: Any) -> Any:
    if value is None:
        return NONE
    return list(value) if isinstance(value, tuple) else value


def _meant(value: Any) -> Any:
    if value == NONE:
        return None
    return tuple(value) if isinstance(value, list) else value

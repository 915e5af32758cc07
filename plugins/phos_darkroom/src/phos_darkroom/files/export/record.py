"""The record of an export."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from phos_core.errors import shown

__all__ = ["EXPORT_BOUNDS", "SHARPENED", "Export", "Sharpen"]

Sharpen = Literal["none", "screen"]
SHARPENED: tuple[str, ...] = get_args(Sharpen)
EXPORT_BOUNDS: Mapping[str, tuple[int, int]] = {
    "long_side_px": (16, 65_535),
    "quality": (1, 100),
}
NONE = "none"  # how a setting says that nothing was asked for; TOML has no word for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What a positive becomes on its way into a file; its format is the file's name's.

    Parameters
    ----------
    long_side_px : int or None
        Pixels of the long side, 16 to 65535; a smaller picture stays as it is. None: as many as
        were developed.
    quality : int or None
        Of JPEG, WebP and AVIF, 1 to 100; other formats lose nothing and do not ask. None: 95, of
        AVIF 90, and of that in PQ or HLG 97.
    sharpen : {"none", "screen"}
        "screen": sharpened a little, at its final size, for being seen pixel by pixel.

    Raises
    ------
    TypeError, ValueError
        If one is of the wrong type or out of range.
    """

    long_side_px: int | None = None
    quality: int | None = None
    sharpen: Sharpen = "none"

    def __post_init__(self) -> None:
        for name, (low, high) in EXPORT_BOUNDS.items():
            value = getattr(self, name)
            if value is None:
                continue
            if type(value) is not int:
                raise TypeError(f"{name} must be a whole number, got {shown(value)}")
            if not low <= value <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, got {value}")
        if self.sharpen not in SHARPENED:
            known = " or ".join(SHARPENED)
            raise ValueError(f"sharpen must be {known}, got {shown(self.sharpen)}")

    @property
    def is_plain(self) -> bool:
        """Whether the positive is written as it was developed, at the usual quality."""
        return self == Export()

    def values(self) -> dict[str, Any]:
        """Give every setting, as TOML and JSON hold it; `from_values` gives the same again."""
        return {
            field.name: NONE if getattr(self, field.name) is None else getattr(self, field.name)
            for field in fields(self)
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Export":
        """Give the export that `values` has written.

        Parameters
        ----------
        values : mapping of str to Any
            Some settings or all; ``"none"`` and None stand for a number that is not given.

        Returns
        -------
        Export
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
                    f"unknown setting of an export {shown(name)}; known: {', '.join(known)}"
                )
        return cls(**{name: _meant(name, value) for name, value in values.items()})


def _meant(name: str, value: Any) -> Any:
    return None if value == NONE and name in EXPORT_BOUNDS else value

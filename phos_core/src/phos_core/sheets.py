"""Data sheets: a stock's or a paper's published figures, read from TOML and checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import FilmFileError

__all__ = ["LAYERS", "FilmSheet", "PaperSheet", "Provenance", "read_film_sheet", "read_paper_sheet"]

Points = NDArray[np.float64]

LAYERS = {
    "negative": ("red", "green", "blue"),
    "reversal": ("red", "green", "blue"),
    "black-and-white": ("panchromatic",),
}
DYES = ("cyan", "magenta", "yellow")
STATUSES = ("published", "digitised", "estimated")
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a figure comes from.

    Parameters
    ----------
    source : str
        Key into docs/sources.md.
    status : str
        ``"published"``, ``"digitised"`` (read off a printed curve) or ``"estimated"``.
    """

    source: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSheet:
    """A stock's figures as its TOML gives them; curves are (n, 2) arrays, one per layer."""

    name: str
    label: str
    kind: str
    description: str
    iso_speed: float
    light: str | float
    sensitivity: tuple[Points, ...]
    characteristic_curve: tuple[Points, ...]
    dyes: tuple[Points, ...] | None
    base: Points | None
    mtf: tuple[Points, ...]
    granularity: tuple[Points, ...]
    grain_size_um: tuple[float, ...]
    inhibition: tuple[tuple[float, ...], ...]
    diffusion_um: tuple[tuple[float, float], ...]
    coupling: tuple[float, ...]
    base_thickness_um: float
    base_index: float
    antihalation_density: float
    forward_exponent: float
    halation_spread_um: float
    printing: str
    provenance: Mapping[str, Provenance]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSheet:
    """A colour paper's figures as its TOML gives them."""

    name: str
    label: str
    printing_kelvin: float
    viewing_illuminant: str
    sensitivity: tuple[Points, ...]
    characteristic_curve: tuple[Points, ...]
    dyes: tuple[Points, ...]


def read_film_sheet(text: str, origin: str) -> FilmSheet:
    """Read a stock's TOML.

    Parameters
    ----------
    text : str
        The file's text.
    origin : str
        What to call the file in an error.

    Returns
    -------
    FilmSheet
        Its figures.

    Raises
    ------
    FilmFileError
        If the text is no TOML, or a table, a layer or a provenance is missing or wrong.
    """
    sheet = _Reader(_parse(text, origin), origin)
    kind = sheet.choice("kind", tuple(LAYERS))
    layers = LAYERS[kind]
    iso_speed, light = sheet.table("iso_speed"), sheet.table("light")
    halation, couplers, grain = (
        sheet.table("halation"),
        sheet.table("couplers"),
        sheet.table("grain"),
    )
    tables = [key for key, value in sheet.data.items() if isinstance(value, dict)]
    return FilmSheet(
        name=sheet.text("name"),
        label=sheet.text("label"),
        kind=kind,
        description=sheet.text("description"),
        iso_speed=iso_speed.positive("value"),
        light=light.text("illuminant") if "illuminant" in light.data else light.positive("kelvin"),
        sensitivity=sheet.table("sensitivity").curves(layers),
        characteristic_curve=sheet.table("characteristic_curve").curves(layers),
        dyes=sheet.table("dyes").curves(DYES) if "dyes" in sheet.data else None,
        base=sheet.table("base").points("density") if "base" in sheet.data else None,
        mtf=sheet.table("mtf").curves(layers),
        granularity=sheet.table("granularity").curves(layers),
        grain_size_um=grain.row("size_um", len(layers)),
        inhibition=couplers.rows("inhibition", len(layers)),
        diffusion_um=tuple((w, s) for w, s in couplers.rows("diffusion_um", 2)),
        coupling=halation.row("coupling", len(layers)),
        base_thickness_um=halation.positive("base_thickness_um"),
        base_index=halation.positive("base_index"),
        antihalation_density=halation.number("antihalation_density"),
        forward_exponent=halation.number("forward_exponent"),
        halation_spread_um=halation.number("spread_um"),
        printing=sheet.table("printing").choice("method", ("scan", "projection")),
        provenance={key: sheet.table(key).provenance() for key in tables},
    )


def read_paper_sheet(text: str, origin: str) -> PaperSheet:
    """Read a colour paper's TOML; raises as `read_film_sheet` does."""
    sheet = _Reader(_parse(text, origin), origin)
    layers = LAYERS["negative"]
    light = sheet.table("light")
    return PaperSheet(
        name=sheet.text("name"),
        label=sheet.text("label"),
        printing_kelvin=light.positive("printing_kelvin"),
        viewing_illuminant=light.text("viewing_illuminant"),
        sensitivity=sheet.table("sensitivity").curves(layers),
        characteristic_curve=sheet.table("characteristic_curve").curves(layers),
        dyes=sheet.table("dyes").curves(DYES),
    )


def read_text(path: Path) -> str:
    """Read a film file from disk; `FilmFileError` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FilmFileError(f"cannot read film file {path}: {error}") from error


def _parse(text: str, origin: str) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FilmFileError(f"{origin} is not valid TOML: {error}") from error
    if data.get("schema") != SCHEMA:
        raise FilmFileError(
            f"{origin}: schema must be {SCHEMA}, got {data.get('schema')!r}; "
            "start from one of the files in phos_core/films"
        )
    return data


class _Reader:
    """Reads checked values from one table, and names the place in every error."""

    def __init__(self, data: dict[str, Any], place: str) -> None:
        self.data = data
        self.place = place

    def fail(self, key: str, rule: str) -> FilmFileError:
        came = repr(self.data[key]) if key in self.data else "nothing"
        shown = came if len(came) < 80 else came[:77] + "..."
        return FilmFileError(f"{self.place}: {key} must be {rule}, got {shown}")

    def table(self, key: str) -> "_Reader":
        value = self.data.get(key)
        if not isinstance(value, dict):
            raise self.fail(key, "a table")
        return _Reader(value, f"{self.place} [{key}]")

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value:
            raise self.fail(key, "text")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.data.get(key)
        if value not in allowed:
            raise self.fail(key, f"one of {', '.join(allowed)}")
        return str(value)

    def number(self, key: str) -> float:
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise self.fail(key, "a finite number")
        return float(value)

    def positive(self, key: str) -> float:
        value = self.number(key)
        if not value > 0:
            raise self.fail(key, "positive")
        return value

    def rows(self, key: str, length: int) -> tuple[tuple[float, ...], ...]:
        value = self.data.get(key)
        try:
            array = np.array(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise self.fail(key, f"a list of rows of {length} numbers") from error
        if array.ndim != 2 or array.shape[1] != length or not np.isfinite(array).all():
            raise self.fail(key, f"a list of rows of {length} finite numbers")
        return tuple(tuple(row) for row in array.tolist())

    def row(self, key: str, length: int) -> tuple[float, ...]:
        try:
            row = np.array(self.data.get(key), dtype=float)
        except (TypeError, ValueError) as error:
            raise self.fail(key, f"a list of {length} numbers") from error
        if row.shape != (length,) or not np.isfinite(row).all():
            raise self.fail(key, f"a list of {length} finite numbers")
        return tuple(row.tolist())

    def points(self, key: str) -> Points:
        array = np.array(self.rows(key, 2))
        if len(array) < 3 or not (np.diff(array[:, 0]) > 0).all():
            raise self.fail(key, "at least three points whose first coordinate rises")
        return array

    def curves(self, keys: tuple[str, ...]) -> tuple[Points, ...]:
        return tuple(self.points(key) for key in keys)

    def provenance(self) -> Provenance:
        return Provenance(source=self.text("source"), status=self.choice("status", STATUSES))

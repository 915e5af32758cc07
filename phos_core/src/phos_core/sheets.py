"""Data sheets: a stock's or a paper's published figures, read from TOML and checked."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import FilmFileError

__all__ = [
    "LAYERS",
    "DevelopmentSheet",
    "FilmSheet",
    "PaperSheet",
    "Provenance",
    "PublishedGranularity",
    "measured",
    "read_film_sheet",
    "read_paper_sheet",
    "sheet_hash",
]

Points = NDArray[np.float64]

LAYERS = {
    "negative": ("red", "green", "blue"),
    "reversal": ("red", "green", "blue"),
    "black-and-white": ("panchromatic",),
}
PAPER_LAYERS = {
    "paper": ("red", "green", "blue"),
    "print-film": ("red", "green", "blue"),
    "black-and-white-paper": ("silver",),
}
DYES = ("cyan", "magenta", "yellow")
STATUSES = ("published", "digitised", "estimated")
NORMAL = "Normal"  # what a stock's normal development is called once another is chosen
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
class PublishedGranularity:
    """The one figure that a data sheet prints for granularity.

    Parameters
    ----------
    rms : float
        RMS density through an aperture of 48 um, times 1000.
    density : float
        Visual density of the neutral patch that it was read on.
    over_base : bool
        Whether that density is over the base, or includes it.
    """

    rms: float
    density: float
    over_base: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopmentSheet:
    """Another development of a stock.

    Parameters
    ----------
    label : str
        What the data sheet calls it.
    push_stops : float
        How far it is pushed over the normal one, or pulled if negative.
    characteristic_curve : tuple of ndarray, shape (n, 2)
        Density against log10 exposure in lx s, one per layer.
    granularity_scale : float
        Factor of the normal development's granularity.
    provenance : Provenance
        Where the curves come from.
    """

    label: str
    push_stops: float
    characteristic_curve: tuple[Points, ...]
    granularity_scale: float
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSheet:
    """A stock's figures as its TOML gives them; curves are (n, 2) arrays, one per layer.

    What a stock's file may leave out is None here, or empty. `reciprocity` is the exponent of
    the exposure time, or rows of exposure time in s and stops to add.
    """

    name: str
    label: str
    kind: str
    description: str
    formats: tuple[str, ...]
    iso_speed: float
    light: str | float
    sensitivity: tuple[Points, ...]
    characteristic_curve: tuple[Points, ...]
    developments: tuple[DevelopmentSheet, ...]
    dyes: tuple[Points, ...] | None
    base: Points | None
    mtf: tuple[Points, ...]
    granularity: tuple[Points, ...]
    published_granularity: PublishedGranularity | None
    grain_size_um: tuple[float, ...]
    inhibition: tuple[tuple[float, ...], ...]
    diffusion_um: tuple[tuple[float, float], ...]
    coupling: tuple[float, ...]
    base_thickness_um: float
    base_index: float
    antihalation_density: float
    forward_exponent: float
    halation_spread_um: float
    specular_share: float
    reciprocity: float | Points | None
    printing: str
    provenance: Mapping[str, Provenance]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSheet:
    """Figures of a paper or a print film as its TOML gives them.

    `dyes` is None for a black-and-white paper; `grades` are its grades, rising, each with its
    characteristic curve, and empty for the others. `viewing` is the light that it is seen by: an
    illuminant or a temperature in K.
    """

    name: str
    label: str
    kind: str
    description: str
    printing_kelvin: float
    viewing: str | float
    sensitivity: tuple[Points, ...]
    characteristic_curve: tuple[Points, ...]
    dyes: tuple[Points, ...] | None
    grades: tuple[tuple[float, Points], ...]
    provenance: Mapping[str, Provenance]


def measured(provenance: Mapping[str, Provenance]) -> tuple[int, int]:
    """How many of a sheet's tables are published or digitised, and of how many."""
    statuses = [entry.status for entry in provenance.values()]
    return len(statuses) - statuses.count("estimated"), len(statuses)


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
    sheet = _Reader(_with_base(_parse(text, origin), origin), origin)
    kind = sheet.choice("kind", tuple(LAYERS))
    layers = LAYERS[kind]
    granularity, grain = sheet.table("granularity"), sheet.table("grain")
    halation, couplers = sheet.table("halation"), sheet.table("couplers")
    figures = FilmSheet(
        name=sheet.text("name"),
        label=sheet.text("label"),
        kind=kind,
        description=sheet.text("description"),
        formats=sheet.texts("formats"),
        iso_speed=sheet.table("iso_speed").positive("value"),
        light=sheet.table("light").light("illuminant", "kelvin"),
        sensitivity=sheet.table("sensitivity").curves(layers),
        characteristic_curve=sheet.table("characteristic_curve").curves(layers),
        developments=tuple(_development(d, layers) for d in sheet.tables("developments")),
        dyes=sheet.table("dyes").curves(DYES) if "dyes" in sheet.data else None,
        base=sheet.table("base").points("density") if "base" in sheet.data else None,
        mtf=sheet.table("mtf").curves(layers),
        granularity=granularity.curves(layers),
        published_granularity=_published(granularity) if "rms" in granularity.data else None,
        grain_size_um=grain.row("size_um", len(layers)),
        inhibition=couplers.rows("inhibition", len(layers)),
        diffusion_um=tuple((w, s) for w, s in couplers.rows("diffusion_um", 2)),
        coupling=halation.row("coupling", len(layers)),
        base_thickness_um=halation.positive("base_thickness_um"),
        base_index=halation.positive("base_index"),
        antihalation_density=halation.number("antihalation_density"),
        forward_exponent=halation.number("forward_exponent"),
        halation_spread_um=halation.number("spread_um"),
        specular_share=halation.number("specular_share")
        if "specular_share" in halation.data
        else 0.0,
        reciprocity=_reciprocity(sheet.table("reciprocity"))
        if "reciprocity" in sheet.data
        else None,
        printing=sheet.table("printing").choice("method", ("scan", "projection")),
        provenance=sheet.provenances(),
    )
    return _developed(figures, sheet) if "development" in sheet.data else figures


def read_paper_sheet(text: str, origin: str) -> PaperSheet:
    """Read the TOML of a paper or a print film; raises as `read_film_sheet` does."""
    sheet = _Reader(_parse(text, origin), origin)
    kind = sheet.choice("kind", tuple(PAPER_LAYERS))
    layers = PAPER_LAYERS[kind]
    is_colour = kind != "black-and-white-paper"
    grades = [(g.number("grade"), g.points(layers[0])) for g in sheet.tables("grades")]
    return PaperSheet(
        name=sheet.text("name"),
        label=sheet.text("label"),
        kind=kind,
        description=sheet.text("description"),
        printing_kelvin=sheet.table("light").positive("printing_kelvin"),
        viewing=sheet.table("light").light("viewing_illuminant", "viewing_kelvin"),
        sensitivity=sheet.table("sensitivity").curves(layers),
        characteristic_curve=sheet.table("characteristic_curve").curves(layers),
        dyes=sheet.table("dyes").curves(DYES) if is_colour else None,
        grades=tuple(sorted(grades, key=lambda graded: graded[0])),
        provenance=sheet.provenances(),
    )


def sheet_hash(text: str, origin: str) -> str:
    """Hash what a stock's or a paper's TOML says, that of the stock it is based on included.

    Parameters
    ----------
    text : str
        The file's text.
    origin : str
        What to call the file in an error.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits. A comment, the layout and the order of the tables do not
        count; each figure and each word does.

    Raises
    ------
    FilmFileError
        If the text is no TOML, or builds on a stock that is not there.
    """
    data = _with_base(_parse(text, origin), origin)
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _with_base(data: dict[str, Any], origin: str) -> dict[str, Any]:
    """A stock based on one of ours: what its file leaves out is that stock's."""
    if "based_on" not in data:
        return data
    name = data["based_on"]
    bundled = {file.name: file for file in files("phos_core").joinpath("films").iterdir()}
    file = bundled.get(f"{name}.toml")
    base = _parse(file.read_text(encoding="utf-8"), f"film {name}") if file else {}
    if file is None or "based_on" in base:
        raise FilmFileError(
            f"{origin}: based_on must be a stock that ships with phos and is not itself based on "
            f"another, got {name!r}"
        )
    return base | data


def _developed(figures: FilmSheet, sheet: "_Reader") -> FilmSheet:
    """A stock of which one of its other developments is the normal one."""
    labels = tuple(development.label for development in figures.developments)
    chosen = figures.developments[labels.index(sheet.choice("development", labels))]
    normal = DevelopmentSheet(
        label=NORMAL,
        push_stops=0.0,
        characteristic_curve=figures.characteristic_curve,
        granularity_scale=1.0,
        provenance=figures.provenance["characteristic_curve"],
    )
    others = [normal, *(other for other in figures.developments if other is not chosen)]
    return replace(
        figures,
        characteristic_curve=chosen.characteristic_curve,
        developments=tuple(
            replace(
                other,
                push_stops=other.push_stops - chosen.push_stops,
                granularity_scale=other.granularity_scale / chosen.granularity_scale,
            )
            for other in others
        ),
        granularity=tuple(
            points * [1.0, chosen.granularity_scale] for points in figures.granularity
        ),
        provenance={**figures.provenance, "characteristic_curve": chosen.provenance},
    )


def _development(table: "_Reader", layers: tuple[str, ...]) -> DevelopmentSheet:
    scaled = "granularity_scale" in table.data
    return DevelopmentSheet(
        label=table.text("label"),
        push_stops=table.number("push_stops"),
        characteristic_curve=table.curves(layers),
        granularity_scale=table.positive("granularity_scale") if scaled else 1.0,
        provenance=table.provenance(),
    )


def _published(table: "_Reader") -> PublishedGranularity:
    return PublishedGranularity(
        rms=table.positive("rms"),
        density=table.positive("rms_density"),
        over_base=table.choice("rms_over", ("base", "zero")) == "base",
    )


def _reciprocity(table: "_Reader") -> float | Points:
    if "exponent" in table.data:
        return table.positive("exponent")
    return table.points("stops", least=2)


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

    def tables(self, key: str) -> "list[_Reader]":
        """An array of tables; none if the key is not there."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.fail(key, "an array of tables")
        return [_Reader(d, f"{self.place} [[{key}]] {n}") for n, d in enumerate(value, 1)]

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not value:
            raise self.fail(key, "text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise self.fail(key, "a list of texts, at least one")
        return tuple(value)

    def light(self, illuminant: str, kelvin: str) -> str | float:
        """A light, by its name or by its temperature, each under a key of its own."""
        return self.text(illuminant) if illuminant in self.data else self.positive(kelvin)

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

    def points(self, key: str, least: int = 3) -> Points:
        array = np.array(self.rows(key, 2))
        if len(array) < least or not (np.diff(array[:, 0]) > 0).all():
            raise self.fail(key, f"at least {least} points whose first coordinate rises")
        return array

    def curves(self, keys: tuple[str, ...]) -> tuple[Points, ...]:
        return tuple(self.points(key) for key in keys)

    def provenances(self) -> dict[str, Provenance]:
        tables = [key for key, value in self.data.items() if isinstance(value, dict)]
        return {key: self.table(key).provenance() for key in tables}

    def provenance(self) -> Provenance:
        return Provenance(source=self.text("source"), status=self.choice("status", STATUSES))

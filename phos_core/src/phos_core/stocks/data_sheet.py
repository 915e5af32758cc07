"""Data sheets: a stock's or a paper's published figures, read from TOML and checked."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import FilmFileError, shown
from phos_core.stocks import toml_text

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
MOST_POINTS = 2000  # of a curve: forty times what a data sheet's takes
MOST_CHARACTERS = 500  # of a name or a description


class Range(NamedTuple):
    """Least and greatest that a figure may be: far beyond any stock, and what can be computed."""

    least: float
    most: float

    def holds(self, figure: float) -> bool:
        """Whether a figure lies within; NaN does not."""
        return self.least <= figure <= self.most

    def __str__(self) -> str:
        return f"from {self.least:g} to {self.most:g}"


SPEED = Range(0.01, 1e5)
KELVIN = Range(1000, 25_000)
WAVELENGTH_NM = Range(200, 2000)
LOG_SENSITIVITY = Range(-10, 10)
LOG_EXPOSURE = Range(-10, 10)
DENSITY = Range(-1, 10)
PER_MM = Range(0.01, 10_000)
RESPONSE = Range(0.001, 10)
RMS = Range(1e-6, 10)
PRINTED_RMS = Range(0.1, 1000)
GRAIN_UM = Range(0.01, 100)
INHIBITION = Range(-10, 10)
DIFFUSION = (Range(0, 1), Range(0.01, 2000))  # weight, and sigma in um
COUPLING = Range(0, 10)
THICKNESS_UM = Range(1, 5000)
REFRACTIVE_INDEX = Range(1.01, 4)
ABSORBANCE = Range(0, 20)
EXPONENT = Range(0, 1000)
SPREAD_UM = Range(0, 5000)
SHARE = Range(0, 1)
STOPS = Range(-10, 10)
SCALE = Range(0.01, 100)
GRADE = Range(-10, 20)
SCHWARZSCHILD = Range(0.5, 3)
SECONDS = Range(1e-6, 1e7)
ADDED_STOPS = Range(-10, 30)


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
        iso_speed=sheet.table("iso_speed").number("value", SPEED),
        light=sheet.table("light").light("illuminant", "kelvin"),
        sensitivity=sheet.table("sensitivity").curves(layers, WAVELENGTH_NM, LOG_SENSITIVITY),
        characteristic_curve=_characteristic(sheet.table("characteristic_curve"), layers),
        developments=tuple(_development(d, layers) for d in sheet.tables("developments")),
        dyes=_dyes(sheet.table("dyes")) if "dyes" in sheet.data else None,
        base=sheet.table("base").points("density", WAVELENGTH_NM, DENSITY)
        if "base" in sheet.data
        else None,
        mtf=sheet.table("mtf").curves(layers, PER_MM, RESPONSE),
        granularity=granularity.curves(layers, DENSITY, RMS),
        published_granularity=_published(granularity) if "rms" in granularity.data else None,
        grain_size_um=grain.row("size_um", len(layers), GRAIN_UM),
        inhibition=couplers.rows("inhibition", (INHIBITION,) * len(layers)),
        diffusion_um=tuple((w, s) for w, s in couplers.rows("diffusion_um", DIFFUSION)),
        coupling=halation.row("coupling", len(layers), COUPLING),
        base_thickness_um=halation.number("base_thickness_um", THICKNESS_UM),
        base_index=halation.number("base_index", REFRACTIVE_INDEX),
        antihalation_density=halation.number("antihalation_density", ABSORBANCE),
        forward_exponent=halation.number("forward_exponent", EXPONENT),
        halation_spread_um=halation.number("spread_um", SPREAD_UM),
        specular_share=halation.number("specular_share", SHARE)
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
    grades = [
        (g.number("grade", GRADE), g.points(layers[0], LOG_EXPOSURE, DENSITY))
        for g in sheet.tables("grades")
    ]
    return PaperSheet(
        name=sheet.text("name"),
        label=sheet.text("label"),
        kind=kind,
        description=sheet.text("description"),
        printing_kelvin=sheet.table("light").number("printing_kelvin", KELVIN),
        viewing=sheet.table("light").light("viewing_illuminant", "viewing_kelvin"),
        sensitivity=sheet.table("sensitivity").curves(layers, WAVELENGTH_NM, LOG_SENSITIVITY),
        characteristic_curve=_characteristic(sheet.table("characteristic_curve"), layers),
        dyes=_dyes(sheet.table("dyes")) if is_colour else None,
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
    try:
        canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    except RecursionError as error:
        raise FilmFileError(f"{origin}: its tables are nested too deeply") from error
    return hashlib.sha256(canonical.encode()).hexdigest()


def _with_base(data: dict[str, Any], origin: str) -> dict[str, Any]:
    """A stock based on one of ours: what its file leaves out is that stock's."""
    if "based_on" not in data:
        return data
    name = data["based_on"]
    bundled = {file.name: file for file in (Path(__file__).parent / "films").iterdir()}
    file = bundled.get(f"{name}.toml")
    base = _parse(file.read_text(encoding="utf-8"), f"film {name}") if file else {}
    if file is None or "based_on" in base:
        raise FilmFileError(
            f"{origin}: based_on must be a stock that ships with phos and is not itself based on "
            f"another, got {shown(name)}"
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


def _characteristic(table: "_Reader", layers: tuple[str, ...]) -> tuple[Points, ...]:
    return table.curves(layers, LOG_EXPOSURE, DENSITY)


def _dyes(table: "_Reader") -> tuple[Points, ...]:
    return table.curves(DYES, WAVELENGTH_NM, DENSITY)


def _development(table: "_Reader", layers: tuple[str, ...]) -> DevelopmentSheet:
    scaled = "granularity_scale" in table.data
    return DevelopmentSheet(
        label=table.text("label"),
        push_stops=table.number("push_stops", STOPS),
        characteristic_curve=_characteristic(table, layers),
        granularity_scale=table.number("granularity_scale", SCALE) if scaled else 1.0,
        provenance=table.provenance(),
    )


def _published(table: "_Reader") -> PublishedGranularity:
    return PublishedGranularity(
        rms=table.number("rms", PRINTED_RMS),
        density=table.number("rms_density", DENSITY),
        over_base=table.choice("rms_over", ("base", "zero")) == "base",
    )


def _reciprocity(table: "_Reader") -> float | Points:
    if "exponent" in table.data:
        return table.number("exponent", SCHWARZSCHILD)
    return table.points("stops", SECONDS, ADDED_STOPS, least=2)


def read_text(path: Path) -> str:
    """Read a film file from disk; `FilmFileError` if it cannot be read."""
    try:
        return toml_text.read(path, "film file")
    except OSError as error:
        raise FilmFileError(f"cannot read film file {path}: {error.strerror}") from error
    except ValueError as error:
        raise FilmFileError(f"cannot read film file {path}: it {error}") from error


def _parse(text: str, origin: str) -> dict[str, Any]:
    try:
        data = toml_text.parse(text)
    except ValueError as error:
        raise FilmFileError(f"{origin} is not valid TOML: {error}") from error
    schema = data.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise FilmFileError(
            f"{origin}: schema must be {SCHEMA}, got {shown(schema)}; "
            "start from one of the files in phos_core/films"
        )
    return data


class _Reader:
    """Reads checked values from one table, and names the place in every error."""

    def __init__(self, data: dict[str, Any], place: str) -> None:
        self.data = data
        self.place = place

    def fail(self, key: str, rule: str) -> FilmFileError:
        came = shown(self.data[key]) if key in self.data else "nothing"
        return FilmFileError(f"{self.place}: {key} must be {rule}, got {came}")

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
        if len(value) > MOST_CHARACTERS:
            raise self.fail(key, f"text of no more than {MOST_CHARACTERS} characters")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise self.fail(key, "a list of texts, at least one")
        return tuple(value)

    def light(self, illuminant: str, kelvin: str) -> str | float:
        """A light, by its name or by its temperature, each under a key of its own."""
        return self.text(illuminant) if illuminant in self.data else self.number(kelvin, KELVIN)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.data.get(key)
        if value not in allowed:
            raise self.fail(key, f"one of {', '.join(allowed)}")
        return str(value)

    def number(self, key: str, allowed: Range) -> float:
        value = _as_float(self.data.get(key))
        if not math.isfinite(value):
            raise self.fail(key, "a finite number")
        if value <= 0 < allowed.least:
            raise self.fail(key, "positive")
        if not allowed.holds(value):
            raise self.fail(key, f"a number {allowed}")
        return value

    def row(self, key: str, length: int, allowed: Range) -> tuple[float, ...]:
        row = _as_floats(self.data.get(key))
        if len(row) != length or not all(map(math.isfinite, row)):
            raise self.fail(key, f"a list of {length} finite numbers")
        if not all(map(allowed.holds, row)):
            raise self.fail(key, f"a list of {length} numbers {allowed}")
        return row

    def rows(self, key: str, allowed: tuple[Range, ...]) -> tuple[tuple[float, ...], ...]:
        """Rows of as many numbers as there are ranges."""
        value = self.data.get(key)
        length = len(allowed)
        rows = [_as_floats(row) for row in value] if isinstance(value, list) else []
        if not rows or not all(len(row) == length and all(map(math.isfinite, row)) for row in rows):
            raise self.fail(key, f"a list of rows of {length} finite numbers")
        if len(rows) > MOST_POINTS:
            raise self.fail(key, f"a list of no more than {MOST_POINTS} rows")
        for number, row in enumerate(rows, 1):
            if not all(map(Range.holds, allowed, row)):
                ranges = " and ".join(dict.fromkeys(map(str, allowed)))
                raise FilmFileError(
                    f"{self.place}: {key} must be a list of rows of {length} numbers, {ranges}, "
                    f"got {list(row)} as row {number}"
                )
        return tuple(rows)

    def points(self, key: str, across: Range, up: Range, least: int = 3) -> Points:
        """A curve: rows of two numbers, the first of them rising."""
        array = np.array(self.rows(key, (across, up)))
        if len(array) < least or not (np.diff(array[:, 0]) > 0).all():
            raise self.fail(key, f"at least {least} points whose first coordinate rises")
        return array

    def curves(self, keys: tuple[str, ...], across: Range, up: Range) -> tuple[Points, ...]:
        return tuple(self.points(key, across, up) for key in keys)

    def provenances(self) -> dict[str, Provenance]:
        tables = [key for key, value in self.data.items() if isinstance(value, dict)]
        return {key: self.table(key).provenance() for key in tables}

    def provenance(self) -> Provenance:
        return Provenance(source=self.text("source"), status=self.choice("status", STATUSES))


def _as_float(value: Any) -> float:
    """A number of a TOML file; NaN for anything else, which lies in no range."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # a whole number beyond every float
        return math.inf if value > 0 else -math.inf


def _as_floats(value: Any) -> tuple[float, ...]:
    """The numbers of a list; none for what is no list of numbers."""
    return tuple(map(_as_float, value)) if isinstance(value, list) else ()

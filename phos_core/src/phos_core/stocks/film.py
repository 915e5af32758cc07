"""Films: a stock's frozen record of what each step needs, and where it is kept."""

import contextlib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, Unpack

import numpy as np

from phos_core.arrays import plain_numerics
from phos_core.convolution.choosing import registry
from phos_core.effects.couplers import Couplers
from phos_core.effects.development import Development
from phos_core.effects.exposure import Exposure
from phos_core.effects.grain import Grain
from phos_core.effects.halation import Halation, halation_reach_um
from phos_core.effects.printing import Printing
from phos_core.effects.scatter import Scatter
from phos_core.errors import FilmFileError, UnknownFilmError
from phos_core.once import once
from phos_core.stocks import baking
from phos_core.stocks.data_sheet import (
    FilmSheet,
    PaperSheet,
    Provenance,
    measured,
    read_film_sheet,
    read_paper_sheet,
    read_text,
    sheet_hash,
)
from phos_core.stocks.treatment import FilmSettings, Treatment

__all__ = [
    "FILM_FORMATS_UM",
    "Film",
    "at_strength",
    "colour_only",
    "film_hash",
    "film_names",
    "films",
    "load_film",
    "paper_hash",
    "papers",
]

MOST_THIRDS = 36  # of a stop, from a stock's speed
FILM_FORMATS_UM: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "135": (36_000.0, 24_000.0),
        "half-frame": (24_000.0, 18_000.0),
        "120-645": (56_000.0, 41_500.0),
        "120-66": (56_000.0, 56_000.0),
        "120-67": (70_000.0, 56_000.0),
        "120-69": (84_000.0, 56_000.0),
        "super-35": (24_890.0, 18_660.0),
        "super-16": (12_520.0, 7_410.0),
        "4x5": (121_000.0, 96_000.0),
    }
)
"""Image area of each film format: long and short side, in um."""

REACH_SIGMAS = 6.0  # our choice: farther from a Gaussian lies 1.5e-8 of it, less than is computed
NO_SPREAD_UM = 0.01  # a Gaussian that no pixel tells from a point

Effect = TypeVar("Effect")

NORMAL = Treatment()
NOT_COMPUTED = (np.linalg.LinAlgError, ArithmeticError)  # what says that numbers went astray
SCANS = ("auto", "scan")
PRINTED_ON = {
    "paper": "negative",
    "print-film": "negative",
    "black-and-white-paper": "black-and-white",
}
"""Kind of stock that each kind of paper takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film stock: one record per step, ready to use.

    `dataclasses.replace` makes a variant; a step's record may be replaced likewise.

    Parameters
    ----------
    name, label, description : str
        Short name, full name, one line about its character.
    kind : str
        ``"negative"``, ``"reversal"`` or ``"black-and-white"``.
    iso_speed : float
        Speed at which mid-grey is exposed.
    exposure : Exposure
        Spectral response and speed.
    scatter : Scatter or None
        Light spreading in the emulsion.
    halation : Halation or None
        Light returned by the base.
    couplers : Couplers or None
        Inhibition between layers and neighbours.
    development : Development
        Characteristic curves.
    grain : Grain or None
        Granularity.
    printing : Scan, Projection or PaperPrint
        How it becomes a positive.
    provenance : mapping of str to Provenance
        Source and status (published, digitised or estimated) of each table of the stock's file.
    """

    name: str
    label: str
    description: str
    kind: str
    iso_speed: float
    exposure: Exposure
    scatter: Scatter | None
    halation: Halation | None
    couplers: Couplers | None
    development: Development
    grain: Grain | None
    printing: Printing
    provenance: Mapping[str, Provenance] = field(repr=False)

    @property
    def reach_um(self) -> float:
        """Distance on the film, in um, beyond which no point of the picture acts on another."""
        return self.light_reach_um + self.coupler_reach_um

    @property
    def light_reach_um(self) -> float:
        """Distance, in um, to which light spreads in the film: scatter, and halation after it."""
        reach_um = halation_reach_um(self.halation) if self.halation else 0.0
        if self.scatter:
            reach_um += REACH_SIGMAS * max(s for layer in self.scatter.layers for _, s in layer)
        return reach_um

    @property
    def coupler_reach_um(self) -> float:
        """Distance, in um, to which the inhibitor of the couplers spreads."""
        if self.couplers is None:
            return 0.0
        return REACH_SIGMAS * max(sigma for _, sigma in self.couplers.diffusion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a list shows of a paper, a print film or a stock.

    Parameters
    ----------
    name, label, kind, description : str
        As in `Film`.
    measured_tables, tables : int
        How many tables of its file are published or digitised, and how many there are; the
        others are estimated.
    """

    name: str
    label: str
    kind: str
    description: str
    measured_tables: int
    tables: int

    @property
    def measured(self) -> str:
        """How much of it is measured, in words."""
        return f"{self.measured_tables} of {self.tables}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSummary(Summary):
    """What a list shows of a stock.

    Parameters
    ----------
    iso_speed : float
        Speed at which mid-grey is exposed.
    formats : tuple of str
        What it is sold as.
    push_range : tuple of float
        Least and greatest `push_stops` that developments are published for.
    """

    iso_speed: float
    formats: tuple[str, ...]
    push_range: tuple[float, float]


def films() -> list[FilmSummary]:
    """List the stocks that can be used by name, plug-ins' included.

    Returns
    -------
    list of FilmSummary
        Sorted by name. A plug-in's film is called as its file is, without the ending.

    Warns
    -----
    RuntimeWarning
        Of each film of a plug-in that is left out, and why.
    """
    bundled = _toml_files("films")
    _warn_of_passed_over(registry.films(), bundled)
    summaries = []
    for name, file in sorted(_film_files().items()):
        try:
            sheet = _sheet(name, file)
        except FilmFileError as error:
            if name in bundled:
                raise
            warnings.warn(f"a plug-in's film is left out: {error}", RuntimeWarning, stacklevel=2)
            continue
        summaries.append(
            FilmSummary(
                **_summary(sheet),
                iso_speed=sheet.iso_speed,
                formats=sheet.formats,
                push_range=_push_range(sheet),
            )
        )
    return summaries


def paper_summaries() -> list[Summary]:
    """List the papers and print films with what they are, sorted by name."""
    return [Summary(**_summary(_paper(name))) for name in papers()]


def _summary(sheet: FilmSheet | PaperSheet) -> dict[str, Any]:
    measured_tables, tables = measured(sheet.provenance)
    return {
        "name": sheet.name,
        "label": sheet.label,
        "kind": sheet.kind,
        "description": sheet.description,
        "measured_tables": measured_tables,
        "tables": tables,
    }


def _push_range(sheet: FilmSheet) -> tuple[float, float]:
    pushes = (0.0, *(development.push_stops for development in sheet.developments))
    return min(pushes), max(pushes)


def film_names() -> list[str]:
    """List the names of the stocks alone, plug-ins' included; no file is read."""
    return sorted(_film_files())


def papers() -> list[str]:
    """List the papers and print films that a stock can be printed on, by name."""
    return sorted(_toml_files("papers"))


def load_film(film: str | Path, **settings: Unpack[FilmSettings]) -> Film:
    """Load a stock.

    Parameters
    ----------
    film : str or Path
        A name from `films`, or the path of a TOML file of your own (ending in ``.toml``).
    **settings
        How it is exposed, developed and printed, as `Treatment` says: `light`,
        `exposure_index`, `exposure_time_s`, `push_stops`, `printing`, `paper_grade`,
        `filters_cc`, `print_stops`, `black_point`, `white_point`.

    Returns
    -------
    Film
        The stock.

    Raises
    ------
    UnknownFilmError
        If no stock has this name; the message lists the nearest.
    FilmFileError
        If the file cannot be read, or a figure in it is missing or wrong.
    TypeError, ValueError
        If a setting is wrong, or does not go with the stock or with another setting.
    """
    return load_treated(film, Treatment(**settings))


def film_hash(film: str | Path) -> str:
    """Hash the figures of a stock, those that it builds on included.

    Parameters
    ----------
    film : str or Path
        As for `load_film`.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits: the same on every machine while the stock's file says the
        same, whatever its comments and layout.

    Raises
    ------
    UnknownFilmError, FilmFileError
        As `load_film` does.
    """
    if is_path(film):
        return sheet_hash(read_text(Path(film)), str(film))
    text = _text_of(_film_file(str(film)))
    return sheet_hash(text, f"film {film}")


def paper_hash(printing: str) -> str | None:
    """Hash the figures of a paper or a print film; None for a printing without one."""
    if printing in SCANS:
        return None
    file = _toml_files("papers").get(printing)
    if file is None:
        raise ValueError(f"printing must be 'auto', 'scan' or one of {papers()}, got {printing!r}")
    return sheet_hash(file.read_text(encoding="utf-8"), f"paper {printing}")


def is_path(film: str | Path) -> bool:
    """Whether a film is given as the path of its file, not by its name."""
    return isinstance(film, Path) or film.endswith(".toml")


def load_treated(film: str | Path, treatment: Treatment) -> Film:
    """Load a stock as `load_film` does, its settings in one record."""
    if is_path(film):
        path = Path(film)
        return _checked_film(read_film_sheet(read_text(path), str(path)), str(path), treatment)
    return _named_film(str(film), treatment)


def bake_film(sheet: FilmSheet, treatment: Treatment = NORMAL) -> Film:
    """Bake a sheet into a film.

    Parameters
    ----------
    sheet : FilmSheet
        A stock's figures.
    treatment : Treatment
        How it is exposed, developed and printed.

    Returns
    -------
    Film
        The stock, each step's numbers ready to use.
    """
    sheet = baking.pushed(sheet, treatment.push_stops)
    metered = replace(sheet, iso_speed=treatment.exposure_index or sheet.iso_speed)
    with _from_tables("[characteristic_curve]"):
        developed = baking.development(sheet)
    with _from_tables("[couplers]"):
        coupled = baking.couplers(sheet, developed)
    with _from_tables("[sensitivity], [light] and [reciprocity]"):
        exposure = baking.exposure(metered, treatment.light, treatment.exposure_time_s)
    with _from_tables("[mtf] and [couplers]"):
        scatter = baking.scatter(sheet, coupled)
    with _from_tables("[halation]"):
        halation = baking.halation(sheet)
    with _from_tables("[granularity] and [grain]"):
        grain = baking.grain(sheet, developed)
    if metered.iso_speed == sheet.iso_speed:
        with _from_tables("[dyes], [base] and [characteristic_curve]"):
            printing = _printing(metered, developed, treatment)
    else:
        printing = _rated_printing(sheet, metered, developed, treatment)
    return Film(
        name=sheet.name,
        label=sheet.label,
        description=sheet.description,
        kind=sheet.kind,
        iso_speed=sheet.iso_speed,
        exposure=exposure,
        scatter=scatter,
        halation=halation,
        couplers=coupled,
        development=developed,
        grain=grain,
        printing=printing,
        provenance=sheet.provenance,
    )


class _WrongFiguresError(ValueError):
    """Figures that no step can be baked from, and the tables that they stand in."""

    def __init__(self, tables: str, reason: str) -> None:
        self.tables = tables
        super().__init__(reason)


def _raising() -> np.errstate:
    """Numbers that go astray are raised, whatever the caller would have NumPy do."""
    return np.errstate(divide="raise", over="raise", invalid="raise", under="ignore")


@contextlib.contextmanager
def _from_tables(tables: str) -> Iterator[None]:
    """Name the tables of a sheet in what goes wrong while they are baked."""
    try:
        with _raising():
            yield
    except NOT_COMPUTED as error:
        raise _WrongFiguresError(tables, "no smooth curve comes of these figures") from error
    except ValueError as error:
        raise _WrongFiguresError(tables, str(error)) from error


def at_strength(
    film: Film,
    *,
    scatter: float = 1.0,
    halation: float = 1.0,
    couplers: float = 1.0,
    grain: float = 1.0,
) -> Film:
    """Make effects of a stock weaker or stronger.

    Parameters
    ----------
    film : Film
        The stock.
    scatter : float
        Share of the light that the emulsion scatters as the stock does, 0 to 1.
    halation : float
        Factor of the light that the base returns.
    couplers : float
        Factor of the inhibition.
    grain : float
        Factor of the RMS granularity.

    Returns
    -------
    Film
        With 1 everywhere the same; an effect of 0 is left out.
    """
    if scatter == halation == couplers == grain == 1.0:
        return film
    return replace(
        film,
        scatter=_scaled(film.scatter, scatter, _scatter_at),
        halation=_scaled(film.halation, halation, _halation_at),
        couplers=_scaled(film.couplers, couplers, _couplers_at),
        grain=_scaled(film.grain, grain, _grain_at),
    )


def colour_only(film: Film) -> Film:
    """Leave out of a stock what a lookup table cannot hold: all that acts from point to point.

    Parameters
    ----------
    film : Film
        The stock.

    Returns
    -------
    Film
        Without scatter, halation and grain; its inhibitor stays where it is released.
    """
    couplers = film.couplers and replace(film.couplers, diffusion=((1.0, NO_SPREAD_UM),))
    return replace(film, scatter=None, halation=None, grain=None, couplers=couplers)


def _scaled(
    effect: Effect | None, factor: float, scale: Callable[[Effect, float], Effect]
) -> Effect | None:
    """An effect at a strength; the same at 1, and none at 0."""
    if effect is None or factor == 1.0:
        return effect
    return scale(effect, factor) if factor else None


def _scatter_at(effect: Scatter, share: float) -> Scatter:
    return Scatter(
        layers=tuple(
            (
                *((share * weight, sigma_um) for weight, sigma_um in layer),
                (1.0 - share, NO_SPREAD_UM),
            )
            for layer in effect.layers
        )
    )


def _halation_at(effect: Halation, factor: float) -> Halation:
    return replace(effect, coupling=tuple(factor * share for share in effect.coupling))


def _couplers_at(effect: Couplers, factor: float) -> Couplers:
    rows = tuple(tuple(factor * shift for shift in row) for row in effect.inhibition)
    return replace(effect, inhibition=rows)


def _grain_at(effect: Grain, factor: float) -> Grain:
    rows = tuple(tuple(factor * term for term in row) for row in effect.rms_coefficients)
    return replace(effect, rms_coefficients=rows)


@once(maxsize=64)  # a stock in as many treatments as somebody tries in turn
def _named_film(name: str, treatment: Treatment) -> Film:
    return _checked_film(_sheet(name, _film_file(name)), f"film {name}", treatment)


def _film_file(name: str) -> Traversable:
    known = _film_files()
    if name not in known:
        raise UnknownFilmError(name, known)
    return known[name]


def _sheet(name: str, file: Traversable) -> FilmSheet:
    """Read a stock's file under the name that it is loaded by, whatever it calls itself."""
    return replace(read_film_sheet(_text_of(file), f"film {name}"), name=name)


def _text_of(file: Traversable) -> str:
    """The text of a stock's file: of ours, wherever it is kept, or of a plug-in's."""
    return read_text(file) if isinstance(file, Path) else file.read_text(encoding="utf-8")


def _checked_film(sheet: FilmSheet, origin: str, treatment: Treatment) -> Film:
    """Bake a sheet; a figure that a step refuses is the file's fault."""
    _check_treatment(sheet, treatment)
    try:
        with plain_numerics():
            return bake_film(sheet, treatment)
    except ValueError as error:
        if treatment != NORMAL:
            _checked_film(sheet, origin, NORMAL)
            if isinstance(error.__cause__, NOT_COMPUTED):
                raise ValueError(_too_extreme(sheet, treatment)) from error
            raise  # the stock is sound: it is the settings' fault
        tables = f" {error.tables}" if isinstance(error, _WrongFiguresError) else ""
        raise FilmFileError(f"{origin}{tables}: {error}") from error


def _too_extreme(sheet: FilmSheet, treatment: Treatment) -> str:
    """Say which settings a stock cannot be computed with."""
    changed = (
        f"{setting.name}={getattr(treatment, setting.name)}"
        for setting in fields(Treatment)
        if getattr(treatment, setting.name) != setting.default
    )
    return f"{sheet.name} cannot be computed with {', '.join(changed)}: too far from the normal"


def _check_treatment(sheet: FilmSheet, treatment: Treatment) -> None:
    """Raise unless the settings go with the stock and with each other."""
    printed = treatment.printing not in SCANS
    if printed and treatment.printing not in papers():
        raise ValueError(
            f"printing must be 'auto', 'scan' or one of {papers()}, got {treatment.printing!r}"
        )
    takes = PRINTED_ON[_paper(treatment.printing).kind] if printed else sheet.kind
    if takes != sheet.kind:
        raise ValueError(
            f"{treatment.printing} takes a {takes} stock; {sheet.name} is {sheet.kind}: "
            'use printing="auto"'
        )
    is_scan = not printed and sheet.kind != "reversal"
    is_colour_print = printed and sheet.kind == "negative"
    _refuse_unless(is_scan, treatment, ("black_point", "white_point"), "a negative's scan")
    _refuse_unless(printed, treatment, ("print_stops",), "a print: name a paper in printing")
    _refuse_unless(
        is_colour_print,
        treatment,
        ("filters_cc",),
        "a colour negative's print: name a paper in printing",
    )
    _refuse_unless(
        printed and not is_colour_print,
        treatment,
        ("paper_grade",),
        "a print of a black-and-white stock on a black-and-white paper",
    )


def _refuse_unless(fits: bool, treatment: Treatment, names: tuple[str, ...], what_for: str) -> None:
    for name in names:
        value = getattr(treatment, name)
        if not fits and value != getattr(NORMAL, name):
            raise ValueError(f"{name} is for {what_for}, got {value!r}")


def _printing(sheet: FilmSheet, developed: Development, treatment: Treatment) -> Printing:
    if treatment.printing not in SCANS:
        paper = _paper(treatment.printing)
        if paper.kind == "black-and-white-paper":
            return baking.black_and_white_print(
                sheet, developed, paper, treatment.paper_grade, treatment.print_stops
            )
        return baking.paper_print(
            sheet, developed, paper, treatment.filters_cc, treatment.print_stops
        )
    if sheet.printing == "projection":
        return baking.projection(sheet, developed)
    return baking.scan(sheet, developed, treatment.black_point, treatment.white_point)


def _rated_printing(
    sheet: FilmSheet, metered: FilmSheet, developed: Development, treatment: Treatment
) -> Printing:
    """The positive of a stock; an error says at which speeds its greys would be grey.

    A scan or print is balanced on mid-grey, which another exposure index moves along the curves.
    Where they hardly change, or each layer changes differently, nothing balances them.
    """
    neutral = replace(treatment, filters_cc=(0.0, 0.0, 0.0))  # whose cast is meant

    def is_grey(rated: FilmSheet) -> bool:
        return _grey_printing(rated, developed, neutral, least_cast) is not None

    def is_grey_at(stops: float) -> bool:
        return is_grey(replace(sheet, iso_speed=sheet.iso_speed * 2.0**stops))

    least_cast = 0.0
    if not is_grey(metered):  # the stock's own speed may have as much of a cast
        plain = _printing(sheet, developed, neutral)
        least_cast = baking.grey_cast(developed, plain, baking.mid_log10_exposure(sheet))
    if is_grey(metered):
        return _printing(metered, developed, treatment)
    low, high = (
        float(f"{sheet.iso_speed * 2.0 ** _farthest(is_grey_at, sign):.3g}") for sign in (-1, 1)
    )
    raise ValueError(
        f"exposure_index of {sheet.name} must lie between {low:.12g} and {high:.12g}, where its "
        f"greys are grey; its speed is {sheet.iso_speed:g}, got {metered.iso_speed:.12g}"
    )


def _grey_printing(
    rated: FilmSheet, developed: Development, treatment: Treatment, least_cast: float
) -> Printing | None:
    """The positive of a stock at a speed, or None where its greys would not be grey."""
    mid = baking.mid_log10_exposure(rated)
    if not baking.is_on_slope(developed, mid):
        return None
    try:
        with _raising():
            printing = _printing(rated, developed, treatment)
    except NOT_COMPUTED:  # densities that no light tells apart
        return None
    most = max(baking.most_cast(printing), least_cast)
    return printing if baking.grey_cast(developed, printing, mid) <= most else None


def _farthest(is_fine: Callable[[float], bool], sign: int) -> float:
    """The last third of a stop, up or down from a stock's speed, up to which all are fine."""
    thirds = 0
    while thirds < MOST_THIRDS and is_fine(sign * (thirds + 1) / 3.0):
        thirds += 1
    return sign * thirds / 3.0


@once()
def _paper(name: str) -> PaperSheet:
    return read_paper_sheet(_toml_files("papers")[name].read_text("utf-8"), f"paper {name}")


def _film_files() -> dict[str, Traversable]:
    """Files of the stocks by name; a plug-in's cannot take the name of one that is there."""
    known: dict[str, Traversable] = _toml_files("films")
    for path in registry.films():
        if not is_path(path.stem):
            known.setdefault(path.stem, path)
    return known


def _warn_of_passed_over(from_plug_ins: Sequence[Path], bundled: Collection[str]) -> None:
    """Say which films of plug-ins cannot be loaded under the name of their file."""
    taken: dict[str, str] = dict.fromkeys(bundled, "a bundled film")
    for path in from_plug_ins:
        name = path.stem
        if is_path(name):
            why = "a name that ends in .toml is taken for the path of a file"
        elif name in taken:
            why = f"{taken[name]} has the name {name!r}"
        else:
            taken[name] = f"the film {path}"
            continue
        warnings.warn(f"a plug-in's film is left out: {path}: {why}", RuntimeWarning, stacklevel=3)


def _toml_files(folder: str) -> dict[str, Traversable]:
    entries = files("phos_core.stocks").joinpath(folder).iterdir()
    return {e.name.removesuffix(".toml"): e for e in entries if e.name.endswith(".toml")}

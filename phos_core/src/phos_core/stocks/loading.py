"""A stock loaded: its data sheet in a treatment, baked into a film."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, Unpack, cast

import numpy as np

from phos_core.arrays import plain_numerics
from phos_core.effects.development import Development
from phos_core.effects.printing import PaperPrint
from phos_core.effects.projection import Projection
from phos_core.effects.scanning import NeutralScan, Scan
from phos_core.errors import FilmFileError
from phos_core.once import once
from phos_core.positive import Printing
from phos_core.stocks import baking
from phos_core.stocks.data_sheet import FilmSheet, read_film_sheet, read_text
from phos_core.stocks.film import Dyes, Film
from phos_core.stocks.library import PRINTED_ON, SCANS, film_sheet, is_path, paper_sheet, papers
from phos_core.stocks.treatment import FilmSettings, Treatment

__all__ = ["bake_film", "load_film", "load_treated"]

MOST_THIRDS = 36  # of a stop, from a stock's speed
NORMAL = Treatment()
_Negatives = TypeVar("_Negatives", Scan, NeutralScan, PaperPrint)
NOT_COMPUTED = (np.linalg.LinAlgError, ArithmeticError)  # what says that numbers went astray


def load_film(film: str | Path, **settings: Unpack[FilmSettings]) -> Film:
    """Load a stock.

    Parameters
    ----------
    film : str or Path
        A name from `films`, or the path of a TOML file of your own (ending in ``.toml``).
    **settings
        How it is exposed, developed and printed, as `Treatment` says: `light`,
        `exposure_index`, `exposure_time_s`, `push_stops`, `printing`, `paper_grade`,
        `scanner`, `contrast`, `balance_cc`, `brightness_stops`, `filters_cc`, `print_stops`,
        `black_point`, `white_point`, `process_version`.

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
        is_bounded = treatment.process_version > 1
        coupled = baking.couplers(sheet, developed, baking.MOST_SHIFT if is_bounded else math.inf)
    with _from_tables("[sensitivity], [light] and [reciprocity]"):
        exposure = baking.exposure(metered, treatment.light, treatment.exposure_time_s)
    with _from_tables("[mtf] and [couplers]"):
        scatter = baking.scatter(sheet, coupled)
    with _from_tables("[halation]"):
        halation = baking.halation(sheet)
    with _from_tables("[granularity] and [grain]"):
        aperture_um = _aperture_um(treatment)
        grain = baking.scanned_grain(baking.grain(sheet, developed), aperture_um)
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
        aperture_um=aperture_um,
        halation=halation,
        couplers=coupled,
        development=developed,
        grain=grain,
        printing=printing,
        provenance=sheet.provenance,
        process_version=treatment.process_version,
        dyes=_dyes(sheet, developed),
    )


def _dyes(sheet: FilmSheet, developed: Development) -> Dyes | None:
    """The dyes of a colour negative whose sheet has them."""
    if sheet.kind != "negative" or sheet.dyes is None:
        return None
    dyes = baking.film_dyes(sheet, developed)
    spectral, base = dyes.affine()
    return Dyes(
        spectral=tuple(map(tuple, spectral.tolist())),
        base=tuple(base.tolist()),
        d_min=tuple(dyes.d_min.tolist()),
    )


@once(maxsize=64)  # a stock in as many treatments as somebody tries in turn
def _named_film(name: str, treatment: Treatment) -> Film:
    return _checked_film(film_sheet(name), f"film {name}", treatment)


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
            f"printing must be 'auto', 'scan', 'neutral' or one of {papers()}, "
            f"got {treatment.printing!r}"
        )
    takes = PRINTED_ON[paper_sheet(treatment.printing).kind] if printed else sheet.kind
    if takes != sheet.kind:
        raise ValueError(
            f"{treatment.printing} takes a {takes} stock; {sheet.name} is {sheet.kind}: "
            'use printing="auto"'
        )
    is_colour_print = printed and sheet.kind == "negative"
    if treatment.scanner not in baking.SCANNERS:
        raise ValueError(
            f"scanner must be one of {list(baking.SCANNERS)}, got {treatment.scanner!r}"
        )
    _refuse_unless(
        not printed,
        treatment,
        ("contrast",),
        "a scan: a print's contrast is that of its paper, or paper_grade",
    )
    _refuse_unless(
        sheet.kind != "black-and-white", treatment, ("balance_cc",), "a picture in colour"
    )
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


def _aperture_um(treatment: Treatment) -> float:
    """The blur of what scans; a print is not scanned."""
    return baking.SCANNERS[treatment.scanner].aperture_um if treatment.printing in SCANS else 0.0


def _printing(sheet: FilmSheet, developed: Development, treatment: Treatment) -> Printing:
    if treatment.printing not in SCANS:
        return _print(sheet, developed, treatment)
    if sheet.printing == "projection":
        return _slide(sheet, developed, treatment)
    if treatment.printing == "neutral":
        return _neutral_scan(sheet, developed, treatment)
    scan = baking.device_scan(
        sheet,
        developed,
        baking.SCANNERS[treatment.scanner],
        treatment.contrast,
        treatment.balance_cc,
    )
    return _with_points(sheet, developed, treatment, _lightened(scan, sheet, developed, treatment))


def _print(sheet: FilmSheet, developed: Development, treatment: Treatment) -> Printing:
    paper = paper_sheet(treatment.printing)
    if paper.kind == "black-and-white-paper":
        made = baking.black_and_white_print(
            sheet,
            developed,
            paper,
            treatment.paper_grade,
            treatment.print_stops,
            is_base_white=treatment.process_version == 1,
        )
    else:
        # More cyan, magenta or yellow filtration lets a print have more red, green or blue.
        red, green, blue = treatment.balance_cc
        yellow, magenta, cyan = treatment.filters_cc
        filters_cc = (yellow + blue, magenta + green, cyan + red)
        made = baking.paper_print(
            sheet,
            developed,
            paper,
            filters_cc,
            treatment.print_stops,
            is_base_white=treatment.process_version == 1,
        )
    return _with_points(sheet, developed, treatment, _lightened(made, sheet, developed, treatment))


def _slide(sheet: FilmSheet, developed: Development, treatment: Treatment) -> Printing:
    brighter = 2.0**treatment.brightness_stops
    filters = tuple(brighter * 10.0 ** (cc / 100.0) for cc in treatment.balance_cc)
    gain = filters if any(factor != 1.0 for factor in filters) else (1.0,)
    return _with_points(
        sheet,
        developed,
        treatment,
        baking.projection(sheet, developed, is_base_white=treatment.process_version == 1),
        gain=gain,
        contrast=treatment.contrast,
    )


def _neutral_scan(sheet: FilmSheet, developed: Development, treatment: Treatment) -> Printing:
    scan = baking.neutral_scan(sheet, developed, treatment.black_point, treatment.white_point)
    filters = treatment.balance_cc if len(scan.balance) == 3 else (0.0,)
    balanced = replace(
        scan,
        contrast=scan.contrast * treatment.contrast,
        balance=tuple(
            (row[0] + cc / 100.0, *row[1:]) for row, cc in zip(scan.balance, filters, strict=True)
        ),
    )
    return _lightened(balanced, sheet, developed, treatment)


def _lightened(
    printing: _Negatives, sheet: FilmSheet, developed: Development, treatment: Treatment
) -> _Negatives:
    """A negative's positive that is lighter by some stops of the scene."""
    if treatment.brightness_stops == 0.0:
        return printing
    mid = baking.mid_log10_exposure(sheet)
    grey = mid - treatment.brightness_stops * baking.LOG10_2
    lightened = baking.rebalanced(printing, developed, mid, (grey,) * len(developed.curves))
    return cast("_Negatives", lightened)


def _with_points(
    sheet: FilmSheet,
    developed: Development,
    treatment: Treatment,
    printing: Scan | Projection | PaperPrint,
    **tone: Any,
) -> Printing:
    return baking.finished(
        printing,
        developed,
        baking.mid_log10_exposure(sheet),
        black_point=treatment.black_point,
        white_point=treatment.white_point,
        **tone,
    )


def _rated_printing(
    sheet: FilmSheet, metered: FilmSheet, developed: Development, treatment: Treatment
) -> Printing:
    """The positive of a stock; an error says at which speeds its greys would be grey.

    A scan or print is balanced on mid-grey, which another exposure index moves along the curves.
    Where they hardly change, or each layer changes differently, nothing balances them.
    """
    # Whose cast is meant: that of the stock, whatever is then done to its positive.
    neutral = replace(
        treatment,
        filters_cc=(0.0, 0.0, 0.0),
        balance_cc=(0.0, 0.0, 0.0),
        brightness_stops=0.0,
        contrast=1.0,
        black_point=None,
        white_point=None,
    )

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

"""Films: a stock's frozen record of what each step needs, and where it is kept."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from phos_core import baking
from phos_core.convolution import registry
from phos_core.effects.couplers import Couplers
from phos_core.effects.development import Development
from phos_core.effects.exposure import Exposure
from phos_core.effects.grain import Grain
from phos_core.effects.halation import Halation, halation_reach_um
from phos_core.effects.printing import Printing
from phos_core.effects.scatter import Scatter
from phos_core.errors import FilmFileError, UnknownFilmError
from phos_core.sheets import (
    FilmSheet,
    PaperSheet,
    Provenance,
    read_film_sheet,
    read_paper_sheet,
    read_text,
)

__all__ = ["FILM_FORMATS_UM", "Film", "films", "load_film", "papers"]

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

GAUSSIAN_REACH = 8.0  # sigmas to which a Gaussian PSF is sampled


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
        reach_um = halation_reach_um(self.halation) if self.halation else 0.0
        if self.scatter:
            reach_um += GAUSSIAN_REACH * max(s for layer in self.scatter.layers for _, s in layer)
        if self.couplers:
            reach_um += GAUSSIAN_REACH * max(sigma for _, sigma in self.couplers.diffusion)
        return reach_um


def films() -> list[Film]:
    """List the stocks that can be used by name, plug-ins' included.

    Returns
    -------
    list of Film
        Sorted by name.
    """
    bundled = _toml_files("films")
    loaded = []
    for name in sorted(_film_files()):
        try:
            loaded.append(load_film(name))
        except FilmFileError as error:
            if name in bundled:
                raise
            warnings.warn(f"a plug-in's film is left out: {error}", RuntimeWarning, stacklevel=2)
    return loaded


def papers() -> list[str]:
    """List the papers that a colour negative can be printed on, by name."""
    return sorted(_toml_files("papers"))


def load_film(film: str | Path, *, printing: str = "auto") -> Film:
    """Load a stock.

    Parameters
    ----------
    film : str or Path
        A name from `films`, or the path of a TOML file of your own (ending in ``.toml``).
    printing : str
        ``"auto"`` for the stock's own way (a laboratory scan of a negative, a transparency seen
        against its base), or the name of a paper to print a colour negative on.

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
    ValueError
        If `printing` is no paper, or the stock cannot be printed on it.
    """
    if isinstance(film, Path) or str(film).endswith(".toml"):
        path = Path(film)
        return _checked_film(read_film_sheet(read_text(path), str(path)), str(path), printing)
    return _named_film(film, printing)


def bake_film(sheet: FilmSheet, printing: str = "auto") -> Film:
    """Bake a sheet into a film.

    Parameters
    ----------
    sheet : FilmSheet
        A stock's figures.
    printing : str
        As for `load_film`.

    Returns
    -------
    Film
        The stock, each step's numbers ready to use.
    """
    developed = baking.development(sheet)
    coupled = baking.couplers(sheet, developed)
    return Film(
        name=sheet.name,
        label=sheet.label,
        description=sheet.description,
        kind=sheet.kind,
        iso_speed=sheet.iso_speed,
        exposure=baking.exposure(sheet),
        scatter=baking.scatter(sheet, coupled),
        halation=baking.halation(sheet),
        couplers=coupled,
        development=developed,
        grain=baking.grain(sheet, developed),
        printing=_printing(sheet, developed, printing),
        provenance=sheet.provenance,
    )


@cache
def _named_film(name: str, printing: str) -> Film:
    known = _film_files()
    if name not in known:
        raise UnknownFilmError(name, known)
    sheet = read_film_sheet(known[name].read_text(encoding="utf-8"), f"film {name}")
    return _checked_film(sheet, f"film {name}", printing)


def _checked_film(sheet: FilmSheet, origin: str, printing: str) -> Film:
    """Bake a sheet; a figure that a step refuses is the file's fault."""
    _check_printing(sheet, printing)
    try:
        return bake_film(sheet, printing)
    except ValueError as error:
        raise FilmFileError(f"{origin}: {error}") from error


def _check_printing(sheet: FilmSheet, printing: str) -> None:
    if printing == "auto":
        return
    if printing not in papers():
        raise ValueError(f"printing must be 'auto' or one of {papers()}, got {printing!r}")
    if sheet.kind != "negative":
        raise ValueError(
            f"printing on paper takes a colour negative; {sheet.name} is {sheet.kind}: "
            'use printing="auto"'
        )


def _printing(sheet: FilmSheet, developed: Development, printing: str) -> Printing:
    if printing != "auto":
        return baking.paper_print(sheet, developed, _paper(printing))
    if sheet.printing == "projection":
        return baking.projection(sheet, developed)
    return baking.scan(sheet, developed)


def _paper(name: str) -> PaperSheet:
    return read_paper_sheet(_toml_files("papers")[name].read_text("utf-8"), f"paper {name}")


def _film_files() -> dict[str, Traversable]:
    """Files of the stocks by name; a plug-in's cannot take the name of one of ours."""
    from_plug_ins: dict[str, Traversable] = {path.stem: path for path in registry.films()}
    return from_plug_ins | _toml_files("films")


def _toml_files(folder: str) -> dict[str, Traversable]:
    entries = files("phos_core").joinpath(folder).iterdir()
    return {e.name.removesuffix(".toml"): e for e in entries if e.name.endswith(".toml")}

"""The library: which stocks and papers there are, ours and those of plug-ins, as data sheets."""

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phos_core.convolution.choosing import registry
from phos_core.errors import FilmFileError, UnknownFilmError
from phos_core.once import once
from phos_core.stocks.baking.contrast import push_range
from phos_core.stocks.data_sheet import (
    FilmSheet,
    PaperSheet,
    measured,
    read_film_sheet,
    read_paper_sheet,
    read_text,
    sheet_hash,
)

__all__ = [
    "PRINTED_ON",
    "SCANS",
    "FilmSummary",
    "Summary",
    "film_hash",
    "film_names",
    "film_sheet",
    "film_text",
    "films",
    "is_path",
    "paper_hash",
    "paper_sheet",
    "paper_summaries",
    "papers",
]

SCANS = ("auto", "scan", "neutral")
"""The printings that take no paper."""

PRINTED_ON = {
    "paper": "negative",
    "print-film": "negative",
    "black-and-white-paper": "black-and-white",
}
"""Kind of stock that each kind of paper takes."""


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
        Least and greatest `push_stops`.
    is_push_published : bool
        Whether developments are published for them; otherwise they are estimated.
    """

    iso_speed: float
    formats: tuple[str, ...]
    push_range: tuple[float, float]
    is_push_published: bool


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
                push_range=push_range(sheet),
                is_push_published=bool(sheet.developments),
            )
        )
    return summaries


def paper_summaries() -> list[Summary]:
    """List the papers and print films with what they are.

    Returns
    -------
    list of Summary
        Sorted by name.
    """
    return [Summary(**_summary(paper_sheet(name))) for name in papers()]


def film_names() -> list[str]:
    """List the names of the stocks alone, plug-ins' included; no file is read.

    Returns
    -------
    list of str
        Sorted.
    """
    return sorted(_film_files())


def papers() -> list[str]:
    """List the names of the papers and print films alone; no file is read.

    Returns
    -------
    list of str
        Sorted.
    """
    return sorted(_toml_files("papers"))


def is_path(film: str | Path) -> bool:
    """Say whether a film is given as the path of its file, not by its name.

    Parameters
    ----------
    film : str or Path
        As for `load_film`.

    Returns
    -------
    bool
        True for a `Path`, and for a string that ends in ``.toml``.
    """
    return isinstance(film, Path) or film.endswith(".toml")


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
    return sheet_hash(film_text(str(film)), f"film {film}")


def paper_hash(printing: str) -> str | None:
    """Hash the figures of a paper or a print film.

    Parameters
    ----------
    printing : str
        As in `Recipe`.

    Returns
    -------
    str or None
        SHA-256 in hexadecimal digits; None for a printing without a paper.

    Raises
    ------
    ValueError
        If there is no paper of this name.
    """
    if printing in SCANS:
        return None
    file = _toml_files("papers").get(printing)
    if file is None:
        raise ValueError(
            f"printing must be 'auto', 'scan', 'neutral' or one of {papers()}, got {printing!r}"
        )
    return sheet_hash(file.read_text(encoding="utf-8"), f"paper {printing}")


def film_sheet(name: str) -> FilmSheet:
    """Read a stock's data sheet under the name that it is loaded by, whatever it calls itself."""
    return _sheet(name, _film_file(name))


def film_text(name: str) -> str:
    """Give the text of a stock's file."""
    return read_text(_film_file(name))


@once()
def paper_sheet(name: str) -> PaperSheet:
    """Read the data sheet of a paper or a print film."""
    return read_paper_sheet(_toml_files("papers")[name].read_text("utf-8"), f"paper {name}")


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


def _sheet(name: str, file: Path) -> FilmSheet:
    return replace(read_film_sheet(read_text(file), f"film {name}"), name=name)


def _film_file(name: str) -> Path:
    known = _film_files()
    if name not in known:
        raise UnknownFilmError(name, known)
    return known[name]


def _film_files() -> dict[str, Path]:
    """Files of the stocks by name; a plug-in's cannot take the name of one that is there."""
    known: dict[str, Path] = _toml_files("films")
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


def _toml_files(folder: str) -> dict[str, Path]:
    entries = (Path(__file__).parent / folder).iterdir()
    return {e.name.removesuffix(".toml"): e for e in entries if e.name.endswith(".toml")}

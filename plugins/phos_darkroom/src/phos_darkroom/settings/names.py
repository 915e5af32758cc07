"""Names of films, papers and formats, taken as people write them."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import phos_core as phos
from phos_core.errors import UnknownFilmError, shown
from phos_core.stocks import (
    FILM_FORMATS_UM,
    SCANS,
    film_names,
    is_path,
    paper_summaries,
    papers,
)

__all__ = ["film_named", "format_named", "paper_named"]

FORMATS: Mapping[str, str] = {
    "35mm": "135",
    "35": "135",
    "24x36": "135",
    "36x24": "135",
    "halfframe": "half-frame",
    "18x24": "half-frame",
    "645": "120-645",
    "6x4.5": "120-645",
    "4.5x6": "120-645",
    "66": "120-66",
    "6x6": "120-66",
    "67": "120-67",
    "6x7": "120-67",
    "69": "120-69",
    "6x9": "120-69",
    "super8": "super-8",
    "s8": "super-8",
    "16": "16mm",
    "super16": "super-16",
    "s16": "super-16",
    "super35": "super-35",
    "s35": "super-35",
    "65": "65mm",
    "70mm": "65mm",
    "5/70": "65mm",
    "15/70": "imax",
    "45": "4x5",
    "4x5in": "4x5",
    "largeformat": "4x5",
}
"""What people write for a format of `FILM_FORMATS_UM`, in small letters and without blanks."""

MAKERS = {"fujifilm": "fuji"}  # whose films are called Fujicolor and Fujichrome


class _UnclearFilmError(UnknownFilmError):
    """A name that fits no film, or several."""

    def __init__(self, name: str, near: Sequence[str], *, fits: bool) -> None:
        super().__init__(name, near)
        self._fits = fits

    def __str__(self) -> str:
        if self._fits:
            return f"film {self.name!r} may be {_listed(self.known)}: which one?"
        hint = f"did you mean {_listed(self.known)}?" if self.known else "see `phos films`"
        return f"unknown film {self.name!r}; {hint}"


def film_named(name: str) -> str:
    """Find the film that somebody means.

    Parameters
    ----------
    name : str
        A name such as ``portra-400``, ``Kodak Portra 400``, ``portra400`` or ``Tri-X``, or the
        path of a TOML file, which is returned as it is.

    Returns
    -------
    str
        A name of `phos_core.films`.

    Raises
    ------
    UnknownFilmError
        If no film fits, or several do; the message names the nearest.
    """
    if is_path(name) or name in film_names():
        return name
    labels = {film.name: film.label for film in phos.films()}
    fitting = _fitting(name, labels)
    if len(fitting) == 1:
        return fitting[0]
    raise _UnclearFilmError(name, fitting or _nearest(name, labels), fits=bool(fitting))


def paper_named(name: str) -> str:
    """Find the printing that somebody means.

    Parameters
    ----------
    name : str
        ``auto``, ``scan``, ``neutral``, or the name of a paper or print film such as
        ``Endura Premier``.

    Returns
    -------
    str
        As `Recipe` takes it.

    Raises
    ------
    ValueError
        If no paper fits, or several do; the message names the nearest.
    """
    if name in (*SCANS, *papers()):
        return name
    if name.casefold() in SCANS:
        return name.casefold()
    labels = {paper.name: paper.label for paper in paper_summaries()}
    fitting = _fitting(name, labels)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ValueError(
            f"printing is unclear: {shown(name)} may be {_listed(fitting)}; which one?"
        )
    raise ValueError(f"printing must be one of {', '.join((*SCANS, *labels))}; got {shown(name)}")


def format_named(name: str) -> str:
    """Find the film format that somebody means.

    Parameters
    ----------
    name : str
        A format of `FILM_FORMATS_UM`, or as people write it: ``35mm``, ``6x6``, ``6×4.5 cm``.

    Returns
    -------
    str
        A format of `FILM_FORMATS_UM`.

    Raises
    ------
    ValueError
        If there is none.
    """
    plain = re.sub(r"\s|cm$", "", name.casefold().replace("×", "x"))
    if plain in FILM_FORMATS_UM:
        return plain
    if plain.replace("-", "") in FORMATS:
        return FORMATS[plain.replace("-", "")]
    if plain == "120":
        raise ValueError("film_format 120 has frames of 6x4.5, 6x6, 6x7 and 6x9: which one?")
    raise ValueError(
        f"film_format must be one of {', '.join(FILM_FORMATS_UM)}, or as people write them, such "
        f"as 35mm or 6x6; got {shown(name)}"
    )


def _fitting(name: str, labels: Mapping[str, str]) -> list[str]:
    """The names of those that are called so; else of those that have all its words."""
    wanted = _squeezed(name)
    if not wanted:
        return []
    called = [
        known
        for known, label in labels.items()
        if wanted in (_squeezed(known), _squeezed(label), _squeezed(label.partition(" ")[2]))
    ]
    if called:
        return called
    words = [MAKERS.get(word, word) for word in _words(name)]
    return [
        known
        for known, label in labels.items()
        if all(_is_among(word, _words_of(known, label)) for word in words)
    ]


def _nearest(name: str, labels: Mapping[str, str]) -> list[str]:
    """The names, or whose full names, are written most alike."""
    spelt: dict[str, str] = {}
    for known, label in labels.items():
        for written in (known, label, label.partition(" ")[2]):
            spelt[_squeezed(written)] = known
    near = difflib.get_close_matches(_squeezed(name), spelt, n=6, cutoff=0.5)
    return list(dict.fromkeys(spelt[written] for written in near))[:3]


def _is_among(word: str, words: Iterable[str]) -> bool:
    """Whether a word is one of these; `Fuji` is Fujicolor, and `100` is 100F."""
    if word.isalpha() and len(word) > 2:
        return any(other.startswith(word) for other in words)
    return any(re.fullmatch(f"{re.escape(word)}[a-z]?", other) for other in words)


def _words_of(name: str, label: str) -> set[str]:
    """All words of a film: with its hyphens, without, and apart at them."""
    return {*_words(label), *_words(label.replace("-", " ")), *_words(name.replace("-", " "))}


def _words(text: str) -> list[str]:
    """The words of a name: T-Max is one, and HP5+ is two."""
    return [_squeezed(word) for word in text.replace("+", " plus ").split() if _squeezed(word)]


def _squeezed(text: str) -> str:
    """A name in small letters and digits alone."""
    return re.sub(r"[\W_]", "", text.replace("+", "plus").casefold())


def _listed(names: Sequence[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]

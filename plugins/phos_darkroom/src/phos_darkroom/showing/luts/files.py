"""Tables as files: .cube, .clf and .csp, all of one or nothing."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_darkroom.files.paths import exists
from phos_darkroom.files.whole_files import cannot_write, new_files
from phos_darkroom.showing.luts.table import Shaper, Table

__all__ = ["TABLE_ENDINGS", "write_table"]

TITLE_LENGTH = 100
EVEN_STEPS = 65536  # of a .cube's curve, which has no others: 1/1000 of light at 64
PRELUT_STEPS = 1025  # of a .csp's, evenly spaced among the entries
HALFS = 65536


def write_table(
    path: str | os.PathLike[str],
    table: Table | NDArray[Any],
    title: str = "",
    comments: Sequence[str] = (),
    overwrite: bool = False,
) -> None:
    """Write a lookup table as a file, all of it or nothing.

    Parameters
    ----------
    path : path
        The file; its ending is one of `TABLE_ENDINGS`.
    table : Table, or ndarray, shape (n, n, n, 3)
        As `make_table` or `make_lut` makes it; that of `make_layer_table` goes into a .clf.
    title : str
        What a program shows.
    comments : sequence of str
        Lines for those who open the file, such as `notes_of` a recipe.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    ImageFileError
        If the file exists and may not be replaced, or writing fails.
    ValueError
        If the ending is another, the format cannot hold what stands before the entries, or the
        table's shape is wrong.

    Notes
    -----
    .cube: in ASCII, six decimals, red fastest. Entries alone are in the form that Adobe's
    and Blackmagic's programs read. With a shaper it is Blackmagic's form with a one-dimensional
    table first; some programs refuse that, and OpenColorIO does if it has a title.
    .csp: cineSpace's, with the shaper as its prelut.
    .clf: Common LUT Format, version 3, tetrahedral; the shaper is a table of all half floats.
    """
    path = Path(path)
    write = FORMATS.get(path.suffix.lower())
    if write is None:
        raise ValueError(f"{path} must end in {', '.join(TABLE_ENDINGS)}")
    held = table if isinstance(table, Table) else Table(entries=np.asarray(table))
    if path.suffix.lower() != ".clf" and (held.matrix is not None or held.curve is not None):
        raise ValueError(
            f"{path} cannot hold a table of the film's layers, which has a matrix: "
            "write a .clf, or a table of make_table"
        )
    if exists(path) and not overwrite:
        raise ImageFileError(f"{path} exists already; it is replaced only on request (overwrite)")
    notes = [line for comment in comments for line in comment.splitlines() or [""]]
    text = "\n".join(write(held, " ".join(title.split())[:TITLE_LENGTH], notes)) + "\n"
    with new_files(overwrite=overwrite) as files, cannot_write(path):
        files.open(path).write(text.encode("utf-8"))


def _cube(table: Table, title: str, notes: Sequence[str]) -> Iterator[str]:
    plain = _ascii(title).replace('"', "'")
    if title and table.shaper is None:
        yield f'TITLE "{plain}"'
    for line in ([plain] if title and table.shaper else []) + list(map(_ascii, notes)):
        yield f"# {line}".rstrip()
    if table.shaper is None:
        yield f"LUT_3D_SIZE {table.size}"
        yield "DOMAIN_MIN 0.0 0.0 0.0"
        yield "DOMAIN_MAX 1.0 1.0 1.0"
    else:
        low, high = table.shaper.low, table.shaper.high
        yield f"LUT_1D_SIZE {EVEN_STEPS}"
        yield f"LUT_1D_INPUT_RANGE {low:.6f} {high:.6f}"
        yield f"LUT_3D_SIZE {table.size}"
        for place in table.shaper.place(np.linspace(low, high, EVEN_STEPS)).tolist():
            yield f"{place:.7f} {place:.7f} {place:.7f}"
    yield from _triples(_red_fastest(table.entries))


def _csp(table: Table, title: str, notes: Sequence[str]) -> Iterator[str]:
    yield "CSPLUTV100"
    yield "3D"
    yield ""
    yield "BEGIN METADATA"
    yield from (line for line in map(_ascii, (title, *notes)) if line)
    yield "END METADATA"
    yield ""
    places = np.linspace(0.0, 1.0, 2 if table.shaper is None else PRELUT_STEPS)
    light = places if table.shaper is None else table.shaper.light(places)
    for _ in range(3):
        yield str(len(places))
        yield " ".join(f"{value:.9g}" for value in light)
        yield " ".join(f"{value:.9g}" for value in places)
    yield ""
    yield " ".join([str(table.size)] * 3)
    yield from _triples(_red_fastest(table.entries))


def _clf(table: Table, title: str, notes: Sequence[str]) -> Iterator[str]:
    name = f" name={quoteattr(title)}" if title else ""
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<ProcessList id="phos"{name} compCLFversion="3">'
    yield from (f"  <Description>{escape(line)}</Description>" for line in notes if line)
    yield "  <InputDescriptor>Codes or light of the input space</InputDescriptor>"
    yield "  <OutputDescriptor>Positive in the output space</OutputDescriptor>"
    depths = 'inBitDepth="32f" outBitDepth="32f"'
    if table.curve is not None:
        yield f"  <LUT1D {depths}>"
        yield from _array((len(table.curve), 1), (f"{light:.9g}" for light in table.curve))
        yield "  </LUT1D>"
    if table.matrix is not None:
        yield f"  <Matrix {depths}>"
        yield from _array((3, 3), (" ".join(f"{x:.12g}" for x in row) for row in table.matrix))
        yield "  </Matrix>"
    if table.shaper is not None:
        yield f'  <LUT1D {depths} halfDomain="true">'
        yield from _array((HALFS, 1), (f"{place:.8f}" for place in _of_halfs(table.shaper)))
        yield "  </LUT1D>"
    yield f'  <LUT3D {depths} interpolation="tetrahedral">'
    blue_fastest = table.entries.reshape(-1, 3)
    yield from _array((table.size, table.size, table.size, 3), _triples(blue_fastest))
    yield "  </LUT3D>"
    yield "</ProcessList>"


Writer = Callable[[Table, str, Sequence[str]], Iterator[str]]
FORMATS: dict[str, Writer] = {".cube": _cube, ".clf": _clf, ".csp": _csp}
TABLE_ENDINGS = tuple(FORMATS)
"""Endings of the files that `write_table` writes."""


def _array(dim: Sequence[int], lines: Iterator[str]) -> Iterator[str]:
    yield f'    <Array dim="{" ".join(map(str, dim))}">'
    yield from lines
    yield "    </Array>"


def _of_halfs(shaper: Shaper) -> list[float]:
    """The places of all half floats, in the order of their bits; of what is no number, the ends."""
    halfs = np.arange(HALFS, dtype=np.uint16).view(np.float16).astype(np.float64)
    places: list[float] = shaper.place(np.nan_to_num(halfs, nan=0.0)).tolist()
    return places


def _red_fastest(entries: NDArray[Any]) -> NDArray[Any]:
    """Entries in the order of most files, shape (n^3, 3)."""
    return entries.transpose(2, 1, 0, 3).reshape(-1, 3)


def _triples(entries: NDArray[Any]) -> Iterator[str]:
    return ("{:.6f} {:.6f} {:.6f}".format(*entry) for entry in entries.tolist())


def _ascii(line: str) -> str:
    return line.encode("ascii", "replace").decode("ascii")

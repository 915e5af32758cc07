"""The positive: developed film becomes light again, in a scan, in a projector or on paper."""

from phos_core.arrays import Array
from phos_core.dyed_light import see
from phos_core.effects.printing import PaperPrint, print_beyond_white, print_on_paper
from phos_core.effects.projection import Projection, Transmission, project, project_beyond_white
from phos_core.effects.scanning import (
    NeutralScan,
    Scan,
    neutral_scan,
    neutral_scan_beyond_white,
    scan,
    scan_beyond_white,
)
from phos_core.tone import Finish, below_peak, finished, finished_beyond

__all__ = [
    "Printing",
    "make_hdr_positive",
    "make_positive",
    "make_wide_positive",
]

Printing = Scan | NeutralScan | Projection | PaperPrint | Transmission


def make_positive(density: Array, params: Printing) -> Array:
    """Turn the developed film into a positive picture.

    Parameters
    ----------
    density : array, shape (layers, rows, cols)
        Density of the developed film.
    params : Scan, NeutralScan, Projection, PaperPrint or Transmission
        How the stock is printed.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white stock
        Display-linear sRGB; neither clipped nor coded. What a `Finish` changes of a colour beyond
        sRGB, it changes of what sRGB holds of it.
    """
    light, finish = unfinished(density, params)
    return light if finish is None else finished(light, finish)


def make_wide_positive(density: Array, params: Printing) -> Array:
    """Turn the developed film into a positive picture whose colours may lie beyond sRGB.

    Parameters
    ----------
    density, params
        As for `make_positive`.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white stock
        As `make_positive` gives it within sRGB; negative components for what lies beyond.
    """
    light, finish = unfinished(density, params)
    return light if finish is None else finished_beyond(light, finish)


def make_hdr_positive(density: Array, params: Printing, peak: float) -> Array:
    """Turn the developed film into a positive for a display that shows light beyond white.

    Parameters
    ----------
    density, params
        As for `make_positive`.
    peak : float
        The most light that the display shows, in units of white.

    Returns
    -------
    array, shape (3, rows, cols), or (1, rows, cols) from a black-and-white stock
        As `make_wide_positive` gives it up to a light of 0.9 (of a neutral scan 0.68); from there
        on what the film has beyond white, up to the peak.
    """
    light, finish = unfinished_beyond_white(density, params)
    return below_peak(light if finish is None else finished_beyond(light, finish), peak)


def unfinished_beyond_white(density: Array, params: Printing) -> tuple[Array, Finish | None]:
    """As `unfinished`, with the light that the film has beyond white."""
    match params:
        case NeutralScan():
            return neutral_scan_beyond_white(density, params), None
        case Transmission():
            return see(density, params.light), None
        case Scan():
            return scan_beyond_white(density, params), params.finish
        case Projection():
            return project_beyond_white(density, params), params.finish
        case PaperPrint():
            return print_beyond_white(density, params), params.finish


def unfinished(density: Array, params: Printing) -> tuple[Array, Finish | None]:
    """The light of a positive as it was scanned, projected or printed, and its finish to come."""
    match params:
        case NeutralScan():
            return neutral_scan(density, params), None
        case Transmission():
            return see(density, params.light), None
        case Scan():
            return scan(density, params), params.finish
        case Projection():
            return project(density, params), params.finish
        case PaperPrint():
            return print_on_paper(density, params), params.finish

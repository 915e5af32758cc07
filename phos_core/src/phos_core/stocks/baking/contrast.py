"""Baking contrast: characteristic curves between those that are published."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phos_core.stocks.data_sheet import FilmSheet, PaperSheet

__all__ = ["between", "graded", "pushed"]

Points = NDArray[np.float64]

STEPS = 60  # of an interpolated curve
LEAST_RISE = 1e-4  # of density along a whole curve: lets its flat ends be inverted


def pushed(sheet: FilmSheet, stops: float) -> FilmSheet:
    """Develop a stock more or less than normally.

    Parameters
    ----------
    sheet : FilmSheet
        A stock's figures.
    stops : float
        How far it is pushed, or pulled if negative.

    Returns
    -------
    FilmSheet
        The same with the characteristic curves and the granularity of that development, between
        those published.

    Raises
    ------
    ValueError
        If nothing is published for such a development.
    """
    if stops == 0.0:
        return sheet
    normal = (0.0, 1.0, sheet.characteristic_curve)
    others = [
        (other.push_stops, other.granularity_scale, other.characteristic_curve)
        for other in sheet.developments
    ]
    published = sorted([normal, *others], key=lambda development: development[0])
    pushes, scales, curves = zip(*published, strict=True)
    if not others:
        raise ValueError(
            f"push_stops must be 0: no other development of {sheet.name} is published, "
            f"got {stops:+g}"
        )
    if not pushes[0] <= stops <= pushes[-1]:
        raise ValueError(
            f"push_stops must lie within what is published for {sheet.name}, {pushes[0]:+g} to "
            f"{pushes[-1]:+g}, got {stops:+g}"
        )
    scale = float(np.interp(stops, pushes, scales))
    return replace(
        sheet,
        characteristic_curve=tuple(
            between(pushes, layer, stops) for layer in zip(*curves, strict=True)
        ),
        granularity=tuple(points * [1.0, scale] for points in sheet.granularity),
    )


def graded(paper: PaperSheet, grade: float | None) -> Points:
    """The characteristic curve of black-and-white paper: at a grade, or without a filter.

    Parameters
    ----------
    paper : PaperSheet
        The paper's figures.
    grade : float or None
        A grade, halves and all, of a paper of variable contrast.

    Returns
    -------
    ndarray, shape (n, 2)
        log10 exposure and density.

    Raises
    ------
    ValueError
        If the paper has no such grade.
    """
    if grade is None:
        return paper.characteristic_curve[0]
    if not paper.grades:
        raise ValueError(f"paper_grade is for paper of variable contrast, {paper.name} has one")
    grades = [grade for grade, _ in paper.grades]
    low, high = grades[0], grades[-1]
    if not low <= grade <= high:
        raise ValueError(
            f"paper_grade of {paper.name} must lie between {low:g} and {high:g}, got {grade:g}"
        )
    return between(grades, [curve for _, curve in paper.grades], grade)


def between(at: Sequence[float], curves: Sequence[Points], place: float) -> Points:
    """Interpolate between drawn curves, where each has done the same share of its rise or fall.

    Parameters
    ----------
    at : sequence of float
        Where each curve stands, rising.
    curves : sequence of ndarray, shape (n, 2)
        Drawn curves, all rising or all falling.
    place : float
        Where the curve that is wanted stands.

    Returns
    -------
    ndarray, shape (n, 2)
        One of `curves` if `place` is its own; else the curve between its neighbours.
    """
    after = int(np.searchsorted(at, place))
    if at[after] == place:
        return curves[after]
    share = (place - at[after - 1]) / (at[after] - at[after - 1])
    first, second = (even_steps(curve) for curve in curves[after - 1 : after + 1])
    points: Points = (1.0 - share) * first + share * second
    return points


def even_steps(curve: Points) -> Points:
    """A drawn curve at even steps of its rise or fall, from one end to the other."""
    x, density = curve.T
    rise = density - density[0]
    done = np.maximum.accumulate(rise * np.sign(rise[-1])) / np.abs(rise[-1])
    done = done + np.linspace(0.0, LEAST_RISE, len(done))
    steps = np.linspace(done[0], done[-1], STEPS)
    at = np.interp(steps, done, x)
    return np.stack([at, np.interp(at, x, density)], axis=1)

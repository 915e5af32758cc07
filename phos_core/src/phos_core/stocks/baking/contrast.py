"""Baking contrast: characteristic curves between those that are published."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phos_core.stocks.data_sheet import FilmSheet, PaperSheet

__all__ = ["ESTIMATED_PUSH", "between", "graded", "push_range", "pushed"]

Points = NDArray[np.float64]

STEPS = 60  # of an interpolated curve
ESTIMATED_PUSH = (-2.0, 3.0)
"""How far a negative is pulled and pushed for which no other development is published, in stops."""
# Net density grows by this for each stop of a push. The published developments of Double-X, Tri-X
# and Portra 800 have 1.11 to 1.32 in their slope around mid-grey, 1.14 to 1.42 in mid-grey itself
# (`nox -s look -- push`).
GROWTH_PER_STOP = 1.17
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
        The same with the characteristic curves and the granularity of that development: between
        those published, or by the law that they have in common.

    Raises
    ------
    ValueError
        If it is farther than `push_range`.

    Notes
    -----
    Where nothing is published, the net density D of each layer, and its RMS with it, becomes
    D 1.17^p for a push by p stops.
    """
    if stops == 0.0:
        return sheet
    low, high = push_range(sheet)
    if low == high:
        raise ValueError(
            f"push_stops must be 0: no other development of {sheet.name}, a slide film, is "
            f"published, got {stops:+g}"
        )
    if not low <= stops <= high:
        raise ValueError(
            f"push_stops of {sheet.name} must lie between {low:+g} and {high:+g}, got {stops:+g}"
        )
    return _between_published(sheet, stops) if sheet.developments else _grown(sheet, stops)


def push_range(sheet: FilmSheet) -> tuple[float, float]:
    """How far a stock is pulled and pushed, in stops: as is published, or else estimated."""
    pushes = (0.0, *(development.push_stops for development in sheet.developments))
    if sheet.developments or sheet.kind == "reversal":
        return min(pushes), max(pushes)
    return ESTIMATED_PUSH


def _between_published(sheet: FilmSheet, stops: float) -> FilmSheet:
    normal = (0.0, 1.0, sheet.characteristic_curve)
    others = [
        (other.push_stops, other.granularity_scale, other.characteristic_curve)
        for other in sheet.developments
    ]
    published = sorted([normal, *others], key=lambda development: development[0])
    pushes, scales, curves = zip(*published, strict=True)
    scale = float(np.interp(stops, pushes, scales))
    return replace(
        sheet,
        characteristic_curve=tuple(
            between(pushes, layer, stops) for layer in zip(*curves, strict=True)
        ),
        granularity=tuple(points * [1.0, scale] for points in sheet.granularity),
    )


def _grown(sheet: FilmSheet, stops: float) -> FilmSheet:
    growth = GROWTH_PER_STOP**stops
    thinnest = [float(points[:, 1].min()) for points in sheet.characteristic_curve]

    def grown(points: Points, axis: int, least: float) -> Points:
        changed = points.copy()
        changed[:, axis] = least + growth * (points[:, axis] - least)
        return changed

    return replace(
        sheet,
        characteristic_curve=tuple(
            grown(points, 1, least)
            for points, least in zip(sheet.characteristic_curve, thinnest, strict=True)
        ),
        granularity=tuple(
            grown(points, 0, least) * [1.0, growth]
            for points, least in zip(sheet.granularity, thinnest, strict=True)
        ),
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

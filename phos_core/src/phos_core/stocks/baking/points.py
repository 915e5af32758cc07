"""Baking black and white points: how near they may come to mid-grey."""

import math
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from phos_core.positive import Printing

__all__ = ["with_points"]

Positive = TypeVar("Positive", bound=Printing)
Between: TypeAlias = Callable[[float | None, float | None], Positive]

MOST_POINT_STOPS = 30.0  # a black or white point farther than that is as good as none


def with_points(
    between: Between[Positive], black_point: float | None, white_point: float | None
) -> Positive:
    """A positive between a black and a white point; an error says how near they may come.

    Parameters
    ----------
    between : callable
        Makes the positive of a black and a white point, and raises ValueError where they lie too
        near mid-grey.
    black_point, white_point : float, optional
        Stops from mid-grey, in the scene.

    Returns
    -------
    Scan, NeutralScan, Projection or PaperPrint
        The positive.

    Raises
    ------
    ValueError
        If there is no positive between the two.
    """
    try:
        return between(black_point, white_point)
    except ValueError:
        pass
    if black_point is not None and not _is_possible(between, black_point, None):
        least = _nearest(lambda stops: _is_possible(between, -stops, None), -black_point)
        if least is None:
            raise ValueError(
                "black_point must be left out: with these settings no exposure of this stock "
                f"is darker than mid-grey in every channel, got {black_point}"
            )
        raise ValueError(
            f"black_point must be less than {-least:.2f} stops for this stock, got {black_point}"
        )
    least = _nearest(lambda stops: _is_possible(between, black_point, stops), white_point or 0.0)
    if least is None:
        raise ValueError(
            "white_point must be left out: with these settings no exposure of this stock is "
            f"lighter than mid-grey in every channel, got {white_point}"
        )
    raise ValueError(
        f"white_point must be more than {least:.2f} stops for this stock and black point, "
        f"got {white_point}"
    )


def _is_possible(
    between: Between[Positive], black_point: float | None, white_point: float | None
) -> bool:
    try:
        between(black_point, white_point)
    except ValueError:
        return False
    return True


def _nearest(is_possible: Callable[[float], bool], too_near: float) -> float | None:
    """The stops from mid-grey from which on a point is possible, to a hundredth, rounded up."""
    far = MOST_POINT_STOPS
    if not is_possible(far):
        return None
    while far - too_near > 0.004:
        middle = (too_near + far) / 2.0
        too_near, far = (too_near, middle) if is_possible(middle) else (middle, far)
    return math.ceil(100.0 * far) / 100.0

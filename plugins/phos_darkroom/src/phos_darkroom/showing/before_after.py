"""Before and after in one picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_darkroom.files.picture import Picture
from phos_darkroom.showing.thumbnails import light_of, scaled, to_codes

__all__ = ["beside", "divided"]

GAP_SHARE = 0.006  # of the picture's width
LEAST_GAP_PX = 2
NEAR = 0.01  # shapes that differ by less are taken as one


def beside(
    before: NDArray[Any] | Picture, after: NDArray[Any] | Picture, *, width_px: int | None = None
) -> NDArray[np.uint8]:
    """Lay two pictures side by side, at one height.

    Parameters
    ----------
    before, after : ndarray of sRGB codes, shape (rows, cols) or (rows, cols, 3), or Picture
        Of any size; the higher one is made as low as the other.
    width_px : int, optional
        Of the whole, gap included; by default the pictures keep their size.

    Returns
    -------
    ndarray of uint8, shape (rows, cols, 3)
        sRGB codes, with a white gap between the two.

    Raises
    ------
    ValueError
        If the width leaves no room for a picture.
    """
    left, right = _light(before), _light(after)
    rows = min(left.shape[0], right.shape[0])
    widths = [light.shape[1] * rows / light.shape[0] for light in (left, right)]
    gap_px = _gap(width_px or sum(widths))
    if width_px is not None:
        scale = (width_px - gap_px) / sum(widths)
        rows = max(1, round(rows * scale))
        first = max(1, round(widths[0] * scale))
        cols = [first, width_px - gap_px - first]
    else:
        cols = [round(width) for width in widths]
    if min(cols) < 1:
        raise ValueError(f"width_px must leave room for two pictures, got {width_px}")
    shown = [
        to_codes(scaled(light, rows, width))
        for light, width in zip((left, right), cols, strict=True)
    ]
    return np.concatenate([shown[0], np.full((rows, gap_px, 3), 255, np.uint8), shown[1]], axis=1)


def divided(
    before: NDArray[Any] | Picture, after: NDArray[Any] | Picture, *, width_px: int | None = None
) -> NDArray[np.uint8]:
    """Show one picture, its left half before and its right half after, with a white line between.

    Parameters
    ----------
    before, after : ndarray of sRGB codes, shape (rows, cols) or (rows, cols, 3), or Picture
        Of one shape; if one is larger, it is made as small as the other.
    width_px : int, optional
        Of the whole; by default that of the smaller one.

    Returns
    -------
    ndarray of uint8, shape (rows, cols, 3)
        sRGB codes.

    Raises
    ------
    ValueError
        If the two are not of one shape, or the width is too small for two halves.
    """
    left, right = _light(before), _light(after)
    (rows, cols), (other_rows, other_cols) = left.shape[:2], right.shape[:2]
    if abs(cols * other_rows / (rows * other_cols) - 1.0) > NEAR:
        raise ValueError(
            f"before and after must be of one shape, got {cols} x {rows} and "
            f"{other_cols} x {other_rows} pixels; side by side they need not be"
        )
    rows, cols = min((rows, cols), (other_rows, other_cols))
    if width_px is not None:
        rows, cols = max(1, round(rows * width_px / cols)), width_px
    line_px = _gap(cols)
    if cols < line_px + 2:
        raise ValueError(f"width_px must leave room for two halves, got {cols}")
    joined = to_codes(scaled(right, rows, cols))
    start = (cols - line_px) // 2
    joined[:, :start] = to_codes(scaled(left, rows, cols)[:, :start])
    joined[:, start : start + line_px] = 255
    return joined


def _light(image: NDArray[Any] | Picture) -> NDArray[np.float32]:
    return light_of(image if isinstance(image, Picture) else Picture(pixels=image))


def _gap(width_px: float) -> int:
    return max(LEAST_GAP_PX, round(GAP_SHARE * width_px))

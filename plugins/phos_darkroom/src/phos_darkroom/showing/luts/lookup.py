"""Look colours up in a three-dimensional table, by tetrahedral interpolation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["apply_lut", "checked_entries"]

SMALLEST = 2
DTYPES = ("uint8", "uint16", "float32", "float64")
PIXELS_AT_ONCE = 1 << 17  # what a step on them needs stays in the cache


def apply_lut(image: NDArray[Any], lut: NDArray[Any]) -> NDArray[Any]:
    """Change a picture's colours by a lookup table, by tetrahedral interpolation.

    Parameters
    ----------
    image : ndarray of uint8, uint16, float32 or float64, shape (..., 3)
        Coded red, green and blue; floats beyond 0 to 1 are held there.
    lut : ndarray, shape (n, n, n, 3)
        As `make_lut` makes it.

    Returns
    -------
    ndarray
        Of the image's shape and dtype; whole codes are rounded.

    Raises
    ------
    TypeError
        If the image is of another dtype.
    ValueError
        If a shape is wrong, or a pixel is NaN or infinite.

    Notes
    -----
    Each cell of the grid is cut into six tetrahedra along its diagonal from dark to light. The
    way to a colour leads from the cell's darkest corner along the axis of the largest fraction
    first; with fractions f1 >= f2 >= f3 and corners c0 to c3 on that way,

        (1 - f1) c0 + (f1 - f2) c1 + (f2 - f3) c2 + f3 c3

    so that greys are mixed of greys alone.
    """
    if not isinstance(image, np.ndarray) or image.dtype.name not in DTYPES:
        came = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image must be an array of {', '.join(DTYPES)}, got {came}")
    if image.ndim < 1 or image.shape[-1] != 3:
        raise ValueError(f"image must be (..., 3), red, green and blue, got {image.shape}")
    entries = checked_entries(lut)
    out = np.empty(image.shape, image.dtype.newbyteorder("="))
    coded, done = image.reshape(-1, 3), out.reshape(-1, 3)
    for start in range(0, len(coded), PIXELS_AT_ONCE):
        block = slice(start, start + PIXELS_AT_ONCE)
        done[block] = _decoded_and_mixed(coded[block], entries)
    return out


def checked_entries(lut: Any) -> NDArray[Any]:
    """Give the entries of a table, if they are that: shape (n, n, n, 3), finite."""
    entries = np.asarray(lut)
    size = entries.shape[0] if entries.ndim == 4 else 0
    if size < SMALLEST or entries.shape != (size, size, size, 3):
        raise ValueError(f"lut must be (n, n, n, 3), n at least {SMALLEST}, got {entries.shape}")
    if not np.isfinite(entries).all():
        raise ValueError("lut must be finite, got NaN or infinity")
    return entries


def _decoded_and_mixed(coded: NDArray[Any], entries: NDArray[Any]) -> NDArray[Any]:
    """Look pixels up, shape (pixels, 3), in their own dtype's codes."""
    if coded.dtype.kind == "f":
        if not np.isfinite(coded).all():
            raise ValueError("image must be finite, got NaN or infinity")
        return _mixed(np.clip(coded, 0.0, 1.0), entries)
    white = np.iinfo(coded.dtype).max
    mixed = np.clip(_mixed(coded * np.float32(1.0 / white), entries), 0.0, 1.0)
    codes: NDArray[Any] = np.floor(white * mixed + 0.5)
    return codes


def _mixed(colours: NDArray[Any], entries: NDArray[Any]) -> NDArray[Any]:
    """Interpolate at colours from 0 to 1, shape (pixels, 3)."""
    size = len(entries)
    flat = entries.reshape(-1, 3)
    strides = np.array([size * size, size, 1])
    places = colours * (size - 1)
    corners = np.minimum(places.astype(np.intp), size - 2)
    fractions = places - corners
    order = np.argsort(-fractions, axis=1, kind="stable")
    steepest = np.take_along_axis(fractions, order, axis=1)
    corner = corners @ strides
    mixed: NDArray[Any] = flat[corner] * (1.0 - steepest[:, :1])
    for step in range(3):
        corner = corner + strides[order[:, step]]
        following = steepest[:, step + 1 : step + 2] if step < 2 else 0.0
        mixed += flat[corner] * (steepest[:, step : step + 1] - following)
    return mixed

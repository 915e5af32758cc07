"""What lies beyond the edge of an image."""

from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

__all__ = ["BOUNDARIES", "Boundary", "check_boundary", "period", "source_index"]

Boundary: TypeAlias = Literal["symmetric", "mirror", "edge", "wrap", "zero"]
"""How the image a b c goes on: ``symmetric`` b a|a b c|c b, ``mirror`` c b|a b c|b a, ``edge``
a a|a b c|c c, ``wrap`` b c|a b c|a b, ``zero`` 0 0|a b c|0 0."""

BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)


def check_boundary(boundary: str) -> Boundary:
    """Return the boundary if it is one.

    Raises
    ------
    ValueError
        If it is none; "reflect" is refused because libraries mean different things by it.
    """
    for known in BOUNDARIES:
        if boundary == known:
            return known
    if boundary == "reflect":
        raise ValueError(
            "boundary 'reflect' is ambiguous: say 'symmetric' to repeat the edge pixel "
            "(SciPy's reflect, OpenCV's BORDER_REFLECT) or 'mirror' not to repeat it "
            "(NumPy's and PyTorch's reflect, OpenCV's BORDER_REFLECT_101)"
        )
    raise ValueError(f"boundary must be one of {', '.join(BOUNDARIES)}, got {boundary!r}")


def period(size: int, boundary: Boundary) -> int | None:
    """Pixels after which the continued image repeats itself; None if it never does."""
    match boundary:
        case "symmetric":
            return 2 * size
        case "mirror":
            return max(2 * size - 2, 1)
        case "wrap":
            return size
        case _:
            return None


def source_index(size: int, before: int, length: int, boundary: Boundary) -> npt.NDArray[np.int64]:
    """Say which pixel each place of a continued axis repeats.

    Parameters
    ----------
    size : int
        Pixels of the axis, at least 1.
    before : int
        Places in front of the first pixel.
    length : int
        Places in all.
    boundary : Boundary
        Any but "zero", whose places repeat no pixel.

    Returns
    -------
    ndarray of int64, shape (length,)
        Indices from 0 to size - 1.
    """
    place = np.arange(length, dtype=np.int64) - before
    match boundary:
        case "symmetric":
            folded = place % (2 * size)
            return np.minimum(folded, 2 * size - 1 - folded)
        case "mirror":
            folded = place % max(2 * size - 2, 1)
            return np.minimum(folded, 2 * size - 2 - folded)
        case "wrap":
            return place % size
        case "edge":
            return np.clip(place, 0, size - 1)
        case "zero":
            raise ValueError("boundary 'zero' repeats no pixel")

"""Details: a part of the picture as it comes out at full size, grain for grain."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phos_app.developing import in_line
from phos_app.scenes import as_shown
from phos_core import Recipe, RunReport
from phos_darkroom import Picture, develop_part

__all__ = ["Window", "detail", "window_at"]


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a picture, in its pixels.

    Parameters
    ----------
    top, left : int
        Its first row and column.
    rows, cols : int
        Its size.
    """

    top: int
    left: int
    rows: int
    cols: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts it out of the picture."""
        return (
            slice(self.top, self.top + self.rows),
            slice(self.left, self.left + self.cols),
        )


def window_at(
    picture: Picture, across: float, down: float, *, rows: int = 600, cols: int = 900
) -> Window:
    """Give the window around a point of a picture, moved as far inside as it has to be.

    Parameters
    ----------
    picture : Picture
        What it is cut from.
    across, down : float
        The point, from 0 at the left and the top to 1.
    rows, cols : int
        Its size; less where the picture has less.

    Returns
    -------
    Window
        Wholly inside the picture.
    """
    height, width = picture.pixels.shape[:2]
    rows, cols = min(rows, height), min(cols, width)
    top = min(max(round(down * height - rows / 2), 0), height - rows)
    left = min(max(round(across * width - cols / 2), 0), width - cols)
    return Window(top, left, rows, cols)


def detail(
    picture: Picture, recipe: Recipe, window: Window, backend: str | None
) -> tuple[NDArray[np.uint8], RunReport]:
    """Develop a window of a picture as the whole would come out there.

    Parameters
    ----------
    picture : Picture
        The whole picture.
    recipe : Recipe
        The settings of the whole.
    window : Window
        What is wanted of it.
    backend : str, optional
        Where to compute.

    Returns
    -------
    codes : ndarray of uint8, shape (rows, cols) or (rows, cols, 3)
        sRGB codes of the window.
    report : RunReport
        What ran.
    """
    with in_line():
        positive, report = develop_part(
            picture, replace(recipe, output_space="srgb"), window.slices, backend=backend
        )
    return as_shown(positive), report

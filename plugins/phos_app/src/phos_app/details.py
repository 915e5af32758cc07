"""Details: a part of the picture as it comes out at full size, grain for grain."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phos_app.scenes import as_shown
from phos_core.color import decode_table, encode_codes
from phos_core.process import Recipe, RunReport
from phos_darkroom import Picture, develop_part

__all__ = ["Window", "cut", "detail", "halved"]


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

    def inside(self, shape: tuple[int, int]) -> "Window":
        """Give the window moved, and where it has to be cut, into a picture."""
        rows, cols = min(self.rows, shape[0]), min(self.cols, shape[1])
        top = min(max(self.top, 0), shape[0] - rows)
        left = min(max(self.left, 0), shape[1] - cols)
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
    shown = replace(recipe, output_space="srgb")
    positive, report = develop_part(picture, shown, window.slices, backend=backend)
    return as_shown(positive), report


def cut(picture: Picture, window: Window) -> NDArray[np.uint8]:
    """Give what a screen shows of a window of a picture that is not developed."""
    return as_shown(replace(picture.part(window.slices), alpha=None))


def halved(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a picture at half its size, each pixel the mean light of four; an odd end is dropped."""
    rows, cols = (size // 2 * 2 for size in codes.shape[:2])
    light = decode_table(np.uint8).astype(np.float32)[codes[:rows, :cols]]
    quarter = light[0::2, 0::2] + light[1::2, 0::2] + light[0::2, 1::2] + light[1::2, 1::2]
    means: NDArray[np.uint8] = encode_codes(quarter / np.float32(4.0), np.uint8)
    return means

"""Details: a part of the picture as it comes out at full size, grain for grain."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phos_app.developing import developed_picture
from phos_app.scenes import as_shown, scene_of
from phos_core.process.balance import MEASURED_SIDE, balanced_on
from phos_core.process.pipeline import reach_px
from phos_core.process.recipe import Recipe, RunReport
from phos_core.stocks.film import Film
from phos_darkroom.files.picture import Picture

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

    Notes
    -----
    What is developed is larger by as far as light and developer reach. The noise of the grain is
    that of the frame, because the recipe tells where the part lies in it.
    """
    height, width = picture.pixels.shape[:2]
    pitch_um = recipe.pitch_um(height, width)
    film = _film_for(picture, recipe)
    margin = reach_px(film, pitch_um)
    top, left = max(window.top - margin, 0), max(window.left - margin, 0)
    part = replace(
        picture,
        alpha=None,
        pixels=picture.pixels[
            top : window.top + window.rows + margin, left : window.left + window.cols + margin
        ],
    )
    own = Recipe(
        film=film,
        seed=recipe.seed,
        frame=recipe.frame,
        exposure_stops=recipe.exposure_stops,
        pixel_pitch_um=pitch_um,
        offset_px=(recipe.offset_px[0] + top, recipe.offset_px[1] + left),
        encoding=recipe.encoding,
        primaries=recipe.primaries,
        mode="texture" if recipe.mode == "texture" else "full",  # "colour" is in the film by now
    )
    positive, report = developed_picture(part, own, backend)
    inner = Window(window.top - top, window.left - left, window.rows, window.cols)
    return as_shown(replace(positive, pixels=positive.pixels[inner.slices])), report


def _film_for(picture: Picture, recipe: Recipe) -> Film:
    """The film of the whole picture, its print balanced on the whole where that is asked for."""
    film = recipe.load_film()
    if not recipe.auto_balance:
        return film
    every_row, every_col = (-(-side // MEASURED_SIDE) for side in picture.pixels.shape[:2])
    measured = scene_of(
        replace(picture, alpha=None, pixels=picture.pixels[::every_row, ::every_col])
    )
    planes = np.moveaxis(np.atleast_3d(measured.light), -1, 0)
    return balanced_on(planes, film, measured.taken_by(recipe))

"""How the numbers of a recipe's pictures become the light of a scene."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.color import to_linear_srgb
from phos_core.process import Recipe, find_space

__all__ = ["SceneLight", "scene_light_of"]

CODES = 4096  # of a curve; the light between two of any log coding is a line to 1e-5 of it
SAMPLES = 512
SAME = 1e-3  # of the light, and of a mid-grey's


@dataclass(frozen=True, slots=True)
class SceneLight:
    """How numbers of a scene-referred space become linear sRGB light.

    Parameters
    ----------
    to_light : callable
        Takes numbers, shape (rows, cols, 3), and gives their light.
    """

    to_light: Callable[[NDArray[Any]], NDArray[Any]]

    def of(self, colours: NDArray[Any]) -> NDArray[np.float64]:
        """Give the light of colours, shape (n, 3)."""
        picture = np.asarray(colours, np.float32)[np.newaxis]
        return np.asarray(self.to_light(picture)[0], np.float64)

    @property
    def is_linear(self) -> bool:
        """Whether the numbers are light already, in whatever primaries."""
        colours = np.random.default_rng(0).random((SAMPLES, 3))
        return _is_same(self.of(4.0 * colours), 4.0 * self.of(colours))

    def curve_and_matrix(
        self,
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]] | None:
        """Divide it into a curve of each channel and a matrix to linear sRGB, if it is that.

        Returns
        -------
        curve : ndarray, shape (4096,), or None
            The light of greys, codes evenly from 0 to 1; None where numbers are light.
        matrix : ndarray, shape (3, 3)
            To linear sRGB. None of both where they do not make up the space.
        """
        curve = None
        if not self.is_linear:
            steps = np.linspace(0.0, 1.0, CODES)
            curve = self.of(np.repeat(steps[:, np.newaxis], 3, axis=1)).mean(axis=1)
        black, white = (0.0, 1.0) if curve is None else (curve[0], curve[-1])
        matrix = (self.of(np.eye(3)).T - black) / (white - black)
        colours = np.random.default_rng(0).random((SAMPLES, 3))
        decoded = colours
        if curve is not None:
            decoded = np.interp(colours, np.linspace(0.0, 1.0, CODES), curve)
        return (curve, matrix) if _is_same(decoded @ matrix.T, self.of(colours)) else None


def scene_light_of(recipe: Recipe) -> SceneLight | None:
    """Give how numbers become the light of a scene; None where they are a display's codes.

    Raises
    ------
    UnknownSpaceError, SpaceError
        If a colour space's name is unknown, or cannot be looked up.
    ValueError
        If they are the light of a display.
    """
    space = recipe.input_space
    found = find_space(space) if isinstance(space, str) and space else space
    if not isinstance(found, str) and not callable(found):
        return SceneLight(found.to_light) if found.is_scene else None
    if recipe.encoding == "display":
        raise ValueError(
            'encoding "display" has no part in a lookup table, which reads codes or scene light: '
            'give encoding="srgb" or "linear", or an input_space'
        )
    if callable(space):
        return SceneLight(space)
    if recipe.encoding != "linear":
        return None
    primaries = recipe.primaries
    matrix = to_linear_srgb(primaries) if isinstance(primaries, str) else np.array(primaries)
    return SceneLight(lambda pixels: pixels @ matrix.T.astype(np.float32))


def _is_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two lights are the same, to what can be seen."""
    room = SAME * (0.18 + np.abs(other).max(axis=-1, keepdims=True))
    return bool((np.abs(one - other) <= room).all())

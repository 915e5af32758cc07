"""A split screen: the clip as it came on the left, developed on the right."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import phos_core as phos
from phos_core.backend import ConvolutionBackend

__all__ = ["SplitScreen"]

Frame = NDArray[Any]

LINE_SHARE = 1 / 960  # of the width: two pixels of 1920
LEAST_LINE_PX = 2


class SplitScreen:
    """Joins each frame with its positive.

    Parameters
    ----------
    recipe : Recipe
        That of the positives.
    backend : str, ConvolutionBackend or None
        Where the left half is converted, if it has to be.

    Notes
    -----
    The left half is brought into the positive's output space: by mode "texture" with no texture,
    which changes nothing else.
    """

    def __init__(
        self, recipe: phos.Recipe, backend: str | ConvolutionBackend | None = None
    ) -> None:
        self._backend = backend
        self._waiting: deque[Frame] = deque()
        self._is_as_it_is = recipe.input_space == recipe.output_space != ""
        self._plain = phos.Recipe(
            film=recipe.film,
            film_format=recipe.film_format,
            pixel_pitch_um=recipe.pixel_pitch_um,
            encoding=recipe.encoding,
            primaries=recipe.primaries,
            input_space=recipe.input_space,
            output_space=recipe.output_space,
            mode="texture",
            scatter=0.0,
            halation=0.0,
            grain=0.0,
        )

    def seen(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass frames on, and keep each until its positive comes."""
        for frame in frames:
            self._waiting.append(frame)
            yield frame

    def joined(self, positive: Frame) -> Frame:
        """Give the next frame's left half beside the right half of its positive.

        Parameters
        ----------
        positive : ndarray, shape (rows, cols, 3)
            Of the frame that has waited longest; its left half is written over.

        Returns
        -------
        ndarray
            The positive's own memory.
        """
        frame = self._waiting.popleft()
        cols = positive.shape[1]
        line_px = min(cols, max(LEAST_LINE_PX, round(cols * LINE_SHARE)))
        start = (cols - line_px) // 2
        positive[:, :start] = self._left(frame[:, :start])
        white = np.iinfo(positive.dtype).max if positive.dtype.kind == "u" else 1.0
        positive[:, start : start + line_px] = white
        return positive

    def _left(self, half: Frame) -> Frame:
        if self._is_as_it_is or 0 in half.shape:
            return half
        return phos.develop(half, recipe=self._plain, backend=self._backend)

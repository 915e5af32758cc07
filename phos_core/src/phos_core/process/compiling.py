"""Have the code compiled in the background that pictures like one of these need."""

from collections.abc import Sequence
from dataclasses import replace

from phos_core.arrays import Array, numpy_dtype
from phos_core.convolution.choosing.meanwhile import compile_meanwhile
from phos_core.process.coding import Encoding
from phos_core.process.recipe import Recipe
from phos_core.process.spaces import codes_as_light

__all__ = ["compile_alike"]

DEVELOP = "phos_core.process.develop:develop"
MOST_PIXELS = 24_000_000  # of the picture that is developed for it: more has no other code


def compile_alike(backends: Sequence[str], image: Array, recipe: Recipe) -> None:
    """Begin to compile what the first of some backends lacks for a picture.

    Parameters
    ----------
    backends : sequence of str
        Those that would have developed it, were their code compiled.
    image : array, shape (rows, cols) or (rows, cols, 3)
        The picture.
    recipe : Recipe
        Its settings, with a pixel pitch.
    """
    if not backends or 0 in image.shape:
        return
    rows, *others = image.shape
    rows = min(rows, max(1, MOST_PIXELS // others[0]))
    alike = replace(recipe, seed=0, frame=0, offset_px=(0, 0), auto_balance=False)
    if recipe.conversion is not None:  # which may not go to another process, and has no part in it
        encoding: Encoding = "linear" if recipe.coding.light == "scene" else "display"
        alike = replace(alike, input_space=codes_as_light, encoding=encoding)
    compile_meanwhile(backends[0], DEVELOP, (rows, *others), numpy_dtype(image), {"recipe": alike})

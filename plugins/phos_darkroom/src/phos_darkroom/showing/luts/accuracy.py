"""How exact a table is, measured in the space of the pictures that it is for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import ConvolutionBackend
from phos_core.color import decode_srgb
from phos_core.process import Recipe, develop
from phos_darkroom.showing.luts.baking import colour_alone, own_shaper
from phos_darkroom.showing.luts.difference import ciede2000, lab_of
from phos_darkroom.showing.luts.table import Table

__all__ = ["Accuracy", "Errors", "accuracy_of", "errors_between", "sample_colours"]

COLOURS = 4096  # of each kind, 64 x 64
ROWS = 64
NEAR_GREY = 0.15  # of the codes' range, or of the shaper's
DARK, LIGHT = 25.0, 75.0  # L* of a positive


@dataclass(frozen=True, slots=True)
class Errors:
    """Differences of colours, CIEDE2000.

    Parameters
    ----------
    mean, percentile_99, largest : float
        Their mean, what 1 % of them exceed, and the largest; 0 of no colours.
    """

    mean: float
    percentile_99: float
    largest: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} / {self.percentile_99:.2f} / {self.largest:.2f}"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How exact a table is.

    Parameters
    ----------
    everywhere : Errors
        Of colours drawn evenly from all that the space has, most of them beyond any surface.
    near_grey : Errors
        Of colours near the greys, of any lightness, as most in photographs are.
    shadows, highlights : Errors
        Of those near the greys, the ones that become dark, and light.
    """

    everywhere: Errors
    near_grey: Errors
    shadows: Errors
    highlights: Errors

    def lines(self) -> tuple[str, ...]:
        """Say it in lines, for people."""
        return (
            "Accuracy, CIEDE2000 to `phos develop --mode colour`: mean / 99 % / largest",
            f"all colours of the space {self.everywhere}, near grey {self.near_grey},",
            f"of these shadows {self.shadows}, highlights {self.highlights}",
        )


def accuracy_of(
    table: Table, recipe: Recipe, backend: str | ConvolutionBackend | None = None
) -> Accuracy:
    """Measure how exact a table is, in the space of the pictures that it is for.

    Parameters
    ----------
    table : Table
        As `make_table` or `make_layer_table` made it of this recipe, or a coarser one.
    recipe : Recipe
        What it was made of.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `develop`.

    Returns
    -------
    Accuracy
        On 8192 colours, the same ones each time.
    """
    colours = sample_colours(recipe)
    positives = _developed(colours, recipe, backend)
    errors = errors_between(table.look_up(colours), positives)
    near, light = errors[COLOURS:], lab_of(decode_srgb(positives[COLOURS:]))[:, 0]
    return Accuracy(
        everywhere=_summed(errors[:COLOURS]),
        near_grey=_summed(near),
        shadows=_summed(near[light < DARK]),
        highlights=_summed(near[light > LIGHT]),
    )


def sample_colours(recipe: Recipe) -> NDArray[np.float64]:
    """Draw colours of the space of a recipe's pictures: evenly, and as many near the greys.

    Parameters
    ----------
    recipe : Recipe
        The settings.

    Returns
    -------
    ndarray, shape (8192, 3)
        Codes, evenly from 0 to 1; or linear light, evenly as its table's shaper spaces it.
    """
    rng = np.random.default_rng(1)
    greys = np.linspace(0.0, 1.0, COLOURS)[:, np.newaxis]
    near = np.clip(greys + rng.uniform(-NEAR_GREY, NEAR_GREY, (COLOURS, 3)), 0.0, 1.0)
    places = np.concatenate([rng.random((COLOURS, 3)), near])
    shaper = own_shaper(recipe)
    return places if shaper is None else shaper.light(places)


def errors_between(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give CIEDE2000 between positives, shape (n, 3)."""
    return ciede2000(lab_of(decode_srgb(one)), lab_of(decode_srgb(other)))


def _developed(
    colours: NDArray[np.float64], recipe: Recipe, backend: str | ConvolutionBackend | None
) -> NDArray[np.float64]:
    """The positives of colours in mode "colour", shape (n, 3)."""
    picture = colours.astype(np.float32).reshape(ROWS, -1, 3)
    return np.asarray(
        develop(picture, recipe=colour_alone(recipe), backend=backend), np.float64
    ).reshape(-1, 3)


def _summed(errors: NDArray[np.float64]) -> Errors:
    if not errors.size:
        return Errors(0.0, 0.0, 0.0)
    return Errors(float(errors.mean()), float(np.quantile(errors, 0.99)), float(errors.max()))

"""How exact a table is, measured in the space of the pictures that it is for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import ConvolutionBackend
from phos_core.color import decode_srgb, hlg_to_light, pq_to_light, to_linear_srgb
from phos_core.process import Recipe, develop
from phos_darkroom.showing.luts.baking import colour_alone, own_shaper
from phos_darkroom.showing.luts.difference import ciede2000, lab_of
from phos_darkroom.showing.luts.table import Table

__all__ = ["Accuracy", "Errors", "accuracy_of", "errors_between", "lightness_of", "sample_colours"]

COLOURS = 4096  # of each kind, 64 x 64
ROWS = 64
NEAR_GREY = 0.15  # of the codes' range, or of the shaper's
CODES_OF_10_BITS = 1023.0
DISPLAY_GAMMA = 2.4  # docs/sources.md, "bt1886"
DARK, LIGHT = 25.0, 75.0  # L* of a positive


@dataclass(frozen=True, slots=True)
class Errors:
    """Differences of colours, in the unit of their `Accuracy`.

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
    unit : str
        Of the differences: "CIEDE2000", or "codes of 10 bits" for a negative's densities.
    everywhere : Errors
        Of colours drawn evenly from all that the space has, most of them beyond any surface.
    near_grey : Errors
        Of colours near the greys, of any lightness, as most in photographs are.
    shadows, highlights : Errors
        Of those near the greys, the ones that become dark, and light.
    """

    unit: str
    everywhere: Errors
    near_grey: Errors
    shadows: Errors
    highlights: Errors

    def lines(self) -> tuple[str, ...]:
        """Say it in lines, for people."""
        return (
            f"Accuracy, {self.unit} to `phos develop --mode colour`: mean / 99 % / largest",
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
    errors = errors_between(table.look_up(colours), positives, recipe)
    near, light = errors[COLOURS:], lightness_of(positives[COLOURS:], recipe)
    return Accuracy(
        unit="codes of 10 bits" if recipe.space.is_density else "CIEDE2000",
        everywhere=_summed(errors[:COLOURS]),
        near_grey=_summed(near),
        shadows=_summed(near[light < DARK]),
        highlights=_summed(near[light > LIGHT]),
    )


def sample_colours(recipe: Recipe, count: int = COLOURS) -> NDArray[np.float64]:
    """Draw colours of the space of a recipe's pictures: evenly, and as many near the greys.

    Parameters
    ----------
    recipe : Recipe
        The settings.
    count : int
        How many of each kind.

    Returns
    -------
    ndarray, shape (2 count, 3)
        Codes, evenly from 0 to 1; or linear light, evenly as its table's shaper spaces it.
    """
    rng = np.random.default_rng(1)
    greys = np.linspace(0.0, 1.0, count)[:, np.newaxis]
    near = np.clip(greys + rng.uniform(-NEAR_GREY, NEAR_GREY, (count, 3)), 0.0, 1.0)
    places = np.concatenate([rng.random((count, 3)), near])
    shaper = own_shaper(recipe)
    return places if shaper is None else shaper.light(places)


def errors_between(
    one: NDArray[np.floating], other: NDArray[np.floating], recipe: Recipe
) -> NDArray[np.float64]:
    """Give the differences of positives in a recipe's output space.

    Parameters
    ----------
    one, other : ndarray, shape (n, 3)
        Numbers of the output space.
    recipe : Recipe
        The settings.

    Returns
    -------
    ndarray, shape (n,)
        CIEDE2000; of a negative's densities, the largest of three differences in codes of 10 bits.
    """
    if recipe.space.is_density:
        codes: NDArray[np.float64] = CODES_OF_10_BITS * np.abs(one - other).max(axis=-1)
        return codes
    return ciede2000(_lab(one, recipe), _lab(other, recipe))


def lightness_of(positives: NDArray[np.floating], recipe: Recipe) -> NDArray[np.float64]:
    """Give L* of positives, or how dense a negative is, 0 to 100, shape (n,)."""
    if recipe.space.is_density:
        dense: NDArray[np.float64] = 100.0 * positives.mean(axis=-1)
        return dense
    return _lab(positives, recipe)[:, 0]


def _lab(positives: NDArray[np.floating], recipe: Recipe) -> NDArray[np.float64]:
    """CIE L*a*b* of positives, shape (n, 3)."""
    space = recipe.space
    numbers = np.asarray(positives, np.float64)
    if space.transfer == "srgb":
        numbers = decode_srgb(numbers)
    elif space.transfer == "bt1886":
        numbers = np.maximum(numbers, 0.0) ** DISPLAY_GAMMA
    elif space.transfer == "pq":
        numbers = pq_to_light(np.clip(numbers, 0.0, 1.0))
    elif space.transfer == "hlg":
        numbers = hlg_to_light(np.clip(numbers, 0.0, 1.0)[np.newaxis], space.primaries)[0]
    return lab_of(numbers @ to_linear_srgb(space.primaries).T)


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

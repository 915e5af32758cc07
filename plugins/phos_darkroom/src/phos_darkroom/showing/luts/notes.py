"""What a table's file says of it: the film, its settings and spaces, and what no table holds."""

import dataclasses
from importlib.metadata import version
from typing import Any

from phos_core.process import Recipe
from phos_darkroom.showing.luts.baking import own_shaper

__all__ = ["notes_of"]

TOLD_APART = ("film", "encoding", "primaries", "input_space", "output_space")
NOT_COLOUR = ("seed", "frame", "film_format", "pixel_pitch_um", "offset_px", "mode")
LEFT_OUT = (
    *("auto_balance", "highlights_stops", "scatter", "halation", "grain"),
    *("weave_um", "breathing_stops", "dust_per_cm2", "scratches"),
)

WHAT_IT_LACKS = (
    "A lookup table changes each pixel by its own colour alone. It cannot hold grain, halation,",
    "scatter, the sharpness of the film, the edge effects of its couplers (their colour is in it),",
    "lengths in micrometres, the glow of highlights that a file clips at white, a balance",
    "measured on the picture, or what differs from frame to frame of film that was run:",
    "weave, breathing, dust and scratches.",
    "`phos develop` has all of them.",
)
"""What a lookup table cannot hold, in lines for a file's comments."""


def notes_of(recipe: Recipe) -> tuple[str, ...]:
    """Say in a few lines what a recipe's table holds, and what it cannot.

    Parameters
    ----------
    recipe : Recipe
        What was given to `make_lut` or `make_table`.

    Returns
    -------
    tuple of str
        Lines for a file's comments.
    """
    film = recipe.load_film()
    settings = ", ".join(f"{name} {value}" for name, value in _asked_for(recipe).items())
    return (
        f"{film.label} ({film.name}), phos {version('phos-core')}",
        f"Settings: {settings or 'none but the film'}",
        f"Input: {_input_of(recipe)}. Output: {recipe.output_space or 'srgb'}.",
        "",
        *WHAT_IT_LACKS,
    )


def _input_of(recipe: Recipe) -> str:
    """What the numbers of the pictures are that a table is for."""
    if callable(recipe.input_space):
        name = "by a function"
    elif not isinstance(recipe.input_space, str):
        name = recipe.input_space.name
    elif recipe.input_space:
        name = recipe.input_space
    elif recipe.encoding == "srgb":
        name = f"sRGB-coded, primaries {recipe.primaries}"
    else:
        name = f"linear, primaries {recipe.primaries}"
    shaper = own_shaper(recipe)
    return name if shaper is None else f"{name}, light from {shaper.low:g} to {shaper.high:g}"


def _asked_for(recipe: Recipe) -> dict[str, Any]:
    """The settings that act on colour and are not as they stand when nothing is said."""
    silent = (*TOLD_APART, *NOT_COLOUR, *LEFT_OUT)
    return {
        field.name: getattr(recipe, field.name)
        for field in dataclasses.fields(recipe)
        if field.name not in silent and getattr(recipe, field.name) != field.default
    }

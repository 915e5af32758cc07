"""Strength of the whole look: the positive blended, in light, with the picture as it was."""

from dataclasses import dataclass

from phos_core.arrays import Array, clipped
from phos_core.process.camera import hdr_light_of_scene, rendered_light_of_any
from phos_core.process.coding import Coding
from phos_core.process.decoding import linear_colours, scene_colours
from phos_core.process.output import OutputSpace, held_within, in_primaries
from phos_core.process.recipe import Recipe

__all__ = ["Weakening", "as_shown", "blended", "weakened", "weakening_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakening:
    """What a positive is blended with, and how much of it remains.

    Parameters
    ----------
    strength : float
        Share of the positive, 0 to 1.
    coding : Coding
        What the picture's numbers are.
    space : OutputSpace
        What the positive is in.
    """

    strength: float
    coding: Coding
    space: OutputSpace


def weakening_of(recipe: Recipe) -> Weakening | None:
    """Give the blend that a recipe asks for; None where the positive stays as it is."""
    if recipe.strength == 1.0:
        return None
    return Weakening(
        strength=recipe.strength,
        coding=recipe.coding,
        space=recipe.space,
    )


def weakened(light: Array, coded: Array, params: Weakening) -> Array:
    """Blend the light of a positive with the picture as it was.

    Parameters
    ----------
    light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light of the space's primaries.
    coded : array, shape (3, rows, cols), or (1, rows, cols)
        The picture as it came.
    params : Weakening
        The blend.

    Returns
    -------
    array, shape (3, rows, cols)
        Light of the same kind.
    """
    own = as_shown(coded, params.coding, params.space)
    return blended(own, light, params.strength, params.space)


def blended(own: Array, light: Array, strength: float, space: OutputSpace) -> Array:
    """Go a share of the way from a picture's own light to that of its positive.

    Parameters
    ----------
    own, light : array, shape (3, rows, cols), or (1, rows, cols)
        Display-linear light of the space's primaries.
    strength : float
        The share, 0 to 1.
    space : OutputSpace
        Where it bounds them, both are held up to its peak before.

    Returns
    -------
    array
        Light of the same kind.

    Notes
    -----
    With P the picture's light, L the positive's and s the strength,

        L' = P + s (L - P)
    """
    if not space.is_unbounded:
        own, light = (clipped(one, 0.0, space.peak) for one in (own, light))
    return own + (light - own) * strength


def as_shown(coded: Array, coding: Coding, space: OutputSpace) -> Array:
    """Give what a screen shows of a picture before it is developed.

    Parameters
    ----------
    coded : array, shape (3, rows, cols), or (1, rows, cols)
        The picture as it came.
    coding : Coding
        What its numbers are.
    space : OutputSpace
        Of the screen.

    Returns
    -------
    array, shape (3, rows, cols)
        Display-linear light of the space's primaries, within them where they bound it. The light of
        a scene is rendered as a camera does, which is what is taken back of a picture that one
        rendered; where the space holds light beyond white, without a shoulder. That of an HDR
        display is rendered too where white is the most that there is.
    """
    if space.holds_beyond_white and coding.light == "scene":
        light = hdr_light_of_scene(scene_colours(coded, coding))
    elif not space.holds_beyond_white and coding.light != "display":
        light = rendered_light_of_any(scene_colours(coded, coding))
    else:
        light = linear_colours(coded, coding)
    return in_primaries(light if coding.is_srgb else held_within(space, light), space)

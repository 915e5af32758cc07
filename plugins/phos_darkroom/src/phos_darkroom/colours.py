"""What a picture's pixels are to the process, and its positive's to their file."""

import warnings
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from phos_core import Recipe
from phos_core.process import SRGB, OutputSpace
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.colour.making import profile_of
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.picture import HDR_CODES, Picture

__all__ = ["coded_as", "frame_of_positive", "given_to_process", "taken_as"]


def taken_as(picture: Picture, recipe: Recipe) -> Recipe:
    """Give the recipe with the encoding and the primaries that a picture is developed with.

    Parameters
    ----------
    picture : Picture
        What was read.
    recipe : Recipe
        The settings; an `encoding` or `primaries` other than "srgb", and an `input_space`, are
        kept.

    Returns
    -------
    Recipe
        All else as it was; where the texture of a picture cannot be coded by the picture's own
        profile, its `output_space` is "srgb".
    """
    if _says_what_it_is(recipe):
        return recipe
    if picture.encoding == "linear":
        return replace(recipe, encoding="linear", primaries=picture.primaries)
    if _is_hdr(picture, recipe):
        return replace(recipe, encoding="linear")
    if picture.encoding == "srgb":
        return recipe
    taken = replace(recipe, encoding="display", primaries=picture.light_primaries)
    is_coded = picture.encoding == "profile" and _can_write(picture)
    if recipe.output_space or taken.space == SRGB or is_coded:
        return taken
    return replace(taken, output_space="srgb")


def given_to_process(picture: Picture, recipe: Recipe) -> NDArray[Any]:
    """Give the numbers of a picture that are developed.

    Parameters
    ----------
    picture : Picture
        What was read.
    recipe : Recipe
        The settings as they were asked for, before `taken_as`.

    Returns
    -------
    ndarray
        The picture's own codes or light. Where nobody says otherwise, the scene light of its HDR
        rendering where it has one, and else the light of its profile.

    Raises
    ------
    ImageFileError
        If the profile is damaged or of other pictures.
    """
    if _is_hdr(picture, recipe):
        return picture.scene_light()
    is_coded = _is_by_profile(picture, recipe) or picture.encoding in HDR_CODES
    return picture.light() if is_coded else picture.pixels


def frame_of_positive(picture: Picture, recipe: Recipe) -> Picture:
    """Give what the positive of a picture is, but for its pixels: they are the picture's.

    Parameters
    ----------
    picture : Picture
        What was read.
    recipe : Recipe
        The settings as they were asked for, before `taken_as`.

    Returns
    -------
    Picture
        In the recipe's output space. Without one: coded by the picture's own profile; as sRGB
        where there is none, where that has no way back to codes, and where the picture is
        light, but for a scene's texture, which is light as the picture is. It has no gain map.

    Warns
    -----
    UserWarning
        If the profile has no way back.
    """
    metadata = picture.metadata
    picture = replace(picture, gain_map=None)
    if _is_by_profile(picture, recipe) and not recipe.output_space:
        if _can_write(picture):
            return picture
        warnings.warn(
            "the picture's colour profile has no way back to its codes; the positive is sRGB",
            stacklevel=4,
        )
    space = taken_as(picture, recipe).space
    if space != SRGB:
        return _in_space(picture, space)
    if picture.encoding != "srgb" or recipe.primaries != "srgb" or recipe.input_space:
        metadata = replace(metadata, icc_profile=None)  # untagged files are tagged as sRGB
    return replace(picture, encoding="srgb", primaries="srgb", metadata=metadata)


def _in_space(picture: Picture, space: OutputSpace) -> Picture:
    """What a positive in a space of its own is, but for its pixels."""
    deep = picture.at_depth(space.dtype_of(picture.pixels.dtype))
    if space.is_density:
        metadata = replace(picture.metadata, icc_profile=None)
        return replace(deep, encoding="density", primaries="srgb", metadata=metadata)
    if space.is_hdr:
        metadata = replace(picture.metadata, icc_profile=None)
        coded: Any = space.transfer
        return replace(deep, encoding=coded, primaries=space.primaries, metadata=metadata)
    if space.is_unbounded and deep.pixels.dtype.kind == "f":
        metadata = replace(picture.metadata, icc_profile=None)
        return replace(deep, encoding="linear", primaries=space.primaries, metadata=metadata)
    is_grey = deep.pixels.ndim == 2
    if is_grey and space.transfer == SRGB.transfer:
        metadata = replace(picture.metadata, icc_profile=None)
        return replace(deep, encoding="srgb", primaries="srgb", metadata=metadata)
    metadata = replace(picture.metadata, icc_profile=profile_of(space, is_grey=is_grey))
    return replace(deep, encoding="profile", primaries="srgb", metadata=metadata)


def coded_as(frame: Picture, positive: NDArray[Any], recipe: Recipe) -> Picture:
    """Give a positive in the codes that it is to have.

    Parameters
    ----------
    frame : Picture
        What the positive is, as `frame_of_positive` says; its pixels give the depth.
    positive : ndarray, shape (rows, cols) or (rows, cols, 3)
        As the process gave it, of any depth.
    recipe : Recipe
        The settings as they were asked for, before `taken_as`.

    Returns
    -------
    Picture
        The positive.
    """
    profile, dtype = frame.metadata.icc_profile, frame.pixels.dtype
    if profile is None or recipe.output_space or not _is_by_profile(frame, recipe):
        return replace(frame, pixels=at_depth(positive, dtype))
    is_light = taken_as(frame, recipe).space.is_unbounded
    coded = profiles.to_codes if is_light else profiles.from_srgb
    return replace(frame, pixels=coded(positive, profile, dtype))


def _is_hdr(picture: Picture, recipe: Recipe) -> bool:
    """Whether light beyond white is known and counts, and nobody says otherwise.

    Texture alone is that of a rendering, whose colours stay: of the SDR one if there are two. So
    is what version 1 of the process makes of a gain map, which it did not know.
    """
    is_old = recipe.process_version == 1 and picture.gain_map is not None
    is_taken = recipe.mode != "texture" and not is_old
    return picture.knows_beyond_white and is_taken and not _says_what_it_is(recipe)


def _is_by_profile(picture: Picture, recipe: Recipe) -> bool:
    """Whether a picture's own profile says what its codes are, and nobody says otherwise."""
    return picture.encoding == "profile" and not _says_what_it_is(recipe)


def _says_what_it_is(recipe: Recipe) -> bool:
    """Whether the settings say what a picture's numbers are, whatever its file says."""
    return bool(recipe.input_space) or recipe.encoding != "srgb" or recipe.primaries != "srgb"


def _can_write(picture: Picture) -> bool:
    """Whether a picture's own profile leads back to codes."""
    return profiles.can_write(picture.metadata.icc_profile or b"")

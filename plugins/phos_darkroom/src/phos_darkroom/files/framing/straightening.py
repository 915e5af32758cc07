"""Pictures turned by a few degrees: their light between the pixels, without ringing."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phos_core.backend import usable_cores
from phos_core.color import encode_codes
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.picture import Picture

__all__ = ["largest_within", "straightened"]

AROUND = 3  # rows and columns: the pixel itself, and those next to it


def largest_within(shape: tuple[int, int], degrees: float) -> tuple[int, int]:
    """Give the size of the largest part of a turned picture without empty corners.

    Parameters
    ----------
    shape : tuple of (int, int)
        Rows and columns of the picture.
    degrees : float
        By which it is turned about its centre.

    Returns
    -------
    tuple of (int, int)
        Rows and columns, of the same proportions as far as whole pixels allow, about the same
        centre: each is an even number less than that of the picture, and at least 1 or 2.

    Notes
    -----
    A part of s W by s H pixels, turned back by the angle a, must lie within W by H:

        s = min(W / (W cos a + H sin a), H / (W sin a + H cos a))
    """
    rows, cols = shape
    turn = math.radians(abs(degrees))
    scale = min(
        cols / (cols * math.cos(turn) + rows * math.sin(turn)),
        rows / (cols * math.sin(turn) + rows * math.cos(turn)),
    )
    return _inner(rows, scale), _inner(cols, scale)


def straightened(picture: Picture, degrees: float) -> Picture:
    """Turn a picture about its centre, and give the part without empty corners.

    Parameters
    ----------
    picture : Picture
        What was read.
    degrees : float
        How far clockwise.

    Returns
    -------
    Picture
        Of the same encoding and depth, `largest_within` the picture; a pixel is as wide as before.

    Raises
    ------
    ImageFileError
        If the colour profile is damaged or of other pictures.

    Notes
    -----
    The light is interpolated, not its codes, as far as the file says how codes become light and
    back: by cubic convolution, held between the least and the greatest light of the nine pixels
    around a place, so that no edge rings. That makes a pixel that is alone in the dark lighter, by
    up to half; a lamp that a lens drew keeps its light.
    """
    turn = partial(_turned, degrees=degrees)
    alpha, gain_map = picture.alpha, picture.gain_map
    if alpha is not None:
        alpha = at_depth(turn(at_depth(alpha, np.float32)), alpha.dtype)
    if gain_map is not None:
        gain_map = replace(gain_map, stops=turn(gain_map.stops))
    return replace(picture, pixels=_pixels(picture, turn), alpha=alpha, gain_map=gain_map)


def _pixels(picture: Picture, turn: Any) -> NDArray[Any]:
    """The pixels turned, by their light where there is a way back to codes."""
    pixels, profile = picture.pixels, picture.metadata.icc_profile or b""
    if picture.encoding == "srgb" and pixels.dtype.kind == "u":
        coded: NDArray[Any] = encode_codes(turn(picture.light()), pixels.dtype)
        return coded
    if picture.encoding == "profile" and profiles.can_write(profile):
        return profiles.to_codes(turn(picture.light()), profile, pixels.dtype)
    return at_depth(turn(at_depth(pixels, np.float32)), pixels.dtype)


def _turned(light: NDArray[np.float32], *, degrees: float) -> NDArray[np.float32]:
    """Turn light, (rows, cols) or (rows, cols, 3), plane by plane."""
    planes = np.moveaxis(np.atleast_3d(light), -1, 0)
    rows, cols = largest_within(planes.shape[1:], degrees)
    turned = np.empty((rows, cols, len(planes)), np.float32)

    def turn(index: int) -> None:
        turned[..., index] = _turned_plane(np.ascontiguousarray(planes[index]), degrees)

    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="phos-straighten") as threads:
        list(threads.map(turn, range(len(planes))))
    return turned.reshape(rows, cols, *light.shape[2:])


def _turned_plane(plane: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    from scipy import ndimage  # takes longer to load than all of the darkroom

    place = partial(_placed, degrees=degrees)
    smooth = place(plane, Image.Resampling.BICUBIC)
    least = place(ndimage.minimum_filter(plane, AROUND), Image.Resampling.NEAREST)
    most = place(ndimage.maximum_filter(plane, AROUND), Image.Resampling.NEAREST)
    held: NDArray[np.float32] = np.clip(smooth, least, most)
    return held


def _placed(
    plane: NDArray[np.float32], way: Image.Resampling, *, degrees: float
) -> NDArray[np.float32]:
    """What lies where each pixel of the turned picture comes from."""
    rows, cols = plane.shape
    wanted_rows, wanted_cols = largest_within((rows, cols), degrees)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    middle_x, middle_y = wanted_cols / 2, wanted_rows / 2
    across = (cosine, sine, cols / 2 - cosine * middle_x - sine * middle_y)
    down = (-sine, cosine, rows / 2 + sine * middle_x - cosine * middle_y)
    turned = Image.fromarray(plane).transform(
        (wanted_cols, wanted_rows), Image.Transform.AFFINE, (*across, *down), way
    )
    return np.asarray(turned)


def _inner(size: int, scale: float) -> int:
    """The size of a centred part, of as many pixels left out on both sides."""
    left_out = math.ceil((size - size * scale) / 2 - 1e-9)
    return max(size - 2 * left_out, 2 - size % 2)

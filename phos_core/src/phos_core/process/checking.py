"""What a picture has to be before it is developed."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, refuse_mask
from phos_core.convolution.running.arguments import is_native
from phos_core.process.recipe import Encoding

__all__ = ["check_form", "check_picture", "checked_out", "plain"]

DTYPES = ("uint8", "uint16", "float32", "float64")


def plain(image: Any) -> Any:
    """Give a picture as an array of NumPy's own class; as it is where it is no array of NumPy's.

    Parameters
    ----------
    image : array
        A picture.

    Returns
    -------
    array
        The same memory.

    Raises
    ------
    TypeError
        If it has a mask.
    """
    refuse_mask("image", image)
    return np.asarray(image) if isinstance(image, np.ndarray) else image


def check_picture(image: Any, encoding: Encoding) -> None:
    """Raise an error that explains unless a picture can be developed.

    Parameters
    ----------
    image : array
        The picture.
    encoding : str
        What its numbers are, as in `Recipe`.

    Raises
    ------
    TypeError
        If it is no array, or its dtype is wrong.
    ValueError
        If its shape is wrong, a number is not finite, or an sRGB float is outside 0 to 1.
    """
    if not (isinstance(image, np.ndarray) or is_native(image)):
        raise TypeError(f"image must be a NumPy array or a device's, got {type(image).__name__}")
    if image.ndim > 3:
        raise ValueError(
            "image must be of shape (rows, cols), (rows, cols, 3) or (n, rows, cols, 3), "
            f"got {tuple(image.shape)}"
        )
    check_form("image", image)
    if _dtype_name(image).startswith("float"):
        _check_light(image, encoding)


def check_form(name: str, image: Any) -> None:
    """Raise an error that explains unless something of this dtype and shape can be developed.

    Parameters
    ----------
    name : str
        What the caller calls it.
    image : array-like
        Has a dtype and a shape; its numbers are not looked at.

    Raises
    ------
    TypeError
        If the dtype is wrong.
    ValueError
        If the shape is.
    """
    if _dtype_name(image) not in DTYPES:
        raise TypeError(
            f"{name} must be uint8, uint16, float32 or float64, got {image.dtype}; "
            f"convert it first, for instance {name}.astype(np.float32)"
        )
    shape = tuple(image.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3):
        raise ValueError(
            f"{name} must be of shape (rows, cols) or (rows, cols, 3), got {shape}"
            f"{_shape_hint(name, shape)}"
        )


def checked_out(out: Any, image: Array) -> NDArray[Any] | None:
    """Give the array that takes a positive.

    Parameters
    ----------
    out : ndarray or None
        What the caller gave.
    image : array
        The picture.

    Returns
    -------
    ndarray or None
        A new one where none was given; None for a picture on a device, which stays there.

    Raises
    ------
    TypeError, ValueError
        If it cannot take the positive.
    """
    if not isinstance(image, np.ndarray):
        if out is not None:
            raise TypeError("out must be left out for arrays of a device; it is for NumPy's")
        return None
    if out is None:
        return np.empty(image.shape, image.dtype)
    refuse_mask("out", out)
    if not isinstance(out, np.ndarray) or out.dtype != image.dtype:
        came = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be an array of the image's dtype {image.dtype}, got {came}")
    if out.shape != image.shape:
        raise ValueError(f"out must have the image's shape {image.shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")
    return np.asarray(out)


def _dtype_name(image: Any) -> str:
    """Name of a dtype of any library, in native byte order."""
    if isinstance(image.dtype, np.dtype):
        return str(image.dtype.newbyteorder("=").name)
    return str(image.dtype).rpartition(".")[2]


def _shape_hint(name: str, shape: tuple[int, ...]) -> str:
    """What would turn a picture of a wrong shape into a right one."""
    if len(shape) == 3 and shape[2] == 4:
        return f"; leave the alpha channel out: {name}[..., :3]"
    if len(shape) == 3 and shape[2] == 1:
        return f"; drop the last axis: {name}[..., 0]"
    if len(shape) == 3 and shape[0] == 3:
        return f"; the channels seem to come first: np.moveaxis({name}, 0, -1)"
    return ""


def _check_light(image: Array, encoding: Encoding) -> None:
    """Raise unless every float is finite and, when sRGB-encoded, from 0 to 1."""
    if 0 in image.shape:
        return
    xp = array_namespace(image)
    low, high = float(xp.min(image)), float(xp.max(image))
    if not (math.isfinite(low) and math.isfinite(high)):
        first = tuple(int(index[0]) for index in xp.nonzero(~xp.isfinite(image)))
        raise ValueError(f"image must be finite, got {float(image[first])} at index {first}")
    if encoding == "srgb" and not (low >= 0.0 and high <= 1.0):
        raise ValueError(
            f"an sRGB-encoded float image must lie between 0 and 1, got {low:g} to {high:g}; "
            'clip it, or use encoding="linear" for scene light'
        )

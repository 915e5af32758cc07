"""What a picture has to be before it is developed."""

import math
from typing import Any

import numpy as np
from array_api_compat import is_torch_array
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, clipped, refuse_gradient, refuse_mask
from phos_core.convolution.running.arguments import is_native
from phos_core.process.coding import Coding
from phos_core.process.output import OutputSpace

__all__ = ["check_channels", "check_form", "check_kind", "checked_out", "plain", "within_range"]

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
OF_TENSORS = (*DTYPES, "bfloat16")  # which NumPy does not have
A_HAIR = 1e-3 * (1 + 2**-8)  # 1e-3, however few bits hold it: more than rounding overshoots


def plain(image: Any) -> Any:
    """Give a picture as an array of NumPy's own class; as it is where it is no array of NumPy's."""
    return np.asarray(image) if isinstance(image, np.ndarray) else image


def check_kind(image: Any) -> None:
    """Raise an error that explains unless something is an array that may be a picture.

    Parameters
    ----------
    image : object
        What the caller gave.

    Raises
    ------
    TypeError
        If it is no array, has a mask, or is part of a graph of gradients.
    """
    if not (isinstance(image, np.ndarray) or is_native(image)):
        raise TypeError(f"image must be a NumPy array or a device's, got {type(image).__name__}")
    refuse_mask("image", image)
    refuse_gradient("image", image)


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
    is_tensor = is_torch_array(image)
    if _dtype_name(image) not in (OF_TENSORS if is_tensor else DTYPES):
        convert = "to(torch.float32)" if is_tensor else "astype(np.float32)"
        raise TypeError(
            f"{name} must be uint8, uint16, float16, float32 or float64, got {image.dtype}; "
            f"convert it first, for instance {name}.{convert}"
        )
    shape = tuple(image.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3):
        raise ValueError(
            f"{name} must be of shape (rows, cols) or (rows, cols, 3), got {shape}"
            f"{_shape_hint(name, shape)}"
        )


def check_channels(image: Array, space: OutputSpace) -> None:
    """Raise unless a picture has as many channels as its positive needs.

    Parameters
    ----------
    image : array, shape (rows, cols) or (rows, cols, 3)
        The picture.
    space : OutputSpace
        What the positive is in.

    Raises
    ------
    ValueError
        If the three densities of a negative have no place in it.
    """
    if space.is_density and image.ndim == 2:
        raise ValueError(
            f'output_space "{space.transfer}" needs an image of three channels, shape (rows, cols, '
            f"3), one for each density; got {tuple(image.shape)}"
        )


def checked_out(out: Any, image: Array, space: OutputSpace) -> NDArray[Any] | None:
    """Give the array that takes a positive.

    Parameters
    ----------
    out : ndarray or None
        What the caller gave.
    image : array
        The picture.
    space : OutputSpace
        What the positive is in.

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
        return None
    dtype = space.dtype_of(image.dtype)
    if out is None:
        return np.empty(image.shape, dtype)
    refuse_mask("out", out)
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        came = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        whose = "the image's dtype" if dtype == image.dtype else "the output space's dtype"
        raise TypeError(f"out must be an array of {whose} {dtype}, got {came}")
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
    if len(shape) == 3 and shape[0] == 4:
        return f"; if the channels come first, leave the alpha channel out: {name}[:3]"
    if len(shape) == 3 and shape[2] == 1:
        return f"; drop the last axis: {name}[..., 0]"
    if len(shape) == 3 and shape[0] == 3:
        return (
            '; the channels seem to come first: develop takes layout="CHW", or "BCHW" for a stack, '
            f"and np.moveaxis({name}, 0, -1) puts them last"
        )
    return ""


def within_range(image: Array, coding: Coding) -> Array:
    """Give a picture whose floats are finite and, where they are a display's codes, from 0 to 1.

    Parameters
    ----------
    image : array
        The picture.
    coding : Coding
        What its numbers are.

    Returns
    -------
    array
        The same; a clipped copy where numbers lie a hair outside, 1e-3 at most.

    Raises
    ------
    ValueError
        If a number is not finite, or a code farther outside.
    """
    if 0 in image.shape or "float" not in _dtype_name(image):
        return image
    xp = array_namespace(image)
    low, high = float(xp.min(image)), float(xp.max(image))
    if not (math.isfinite(low) and math.isfinite(high)):
        first = tuple(int(index[0]) for index in xp.nonzero(~xp.isfinite(image)))
        raise ValueError(f"image must be finite, got {float(image[first])} at index {first}")
    if not coding.is_bounded or (low >= 0.0 and high <= 1.0):
        return image
    if low >= -A_HAIR and high <= 1.0 + A_HAIR:
        return clipped(image, 0.0, 1.0)
    coded = {"srgb": "an sRGB-encoded", "bt1886": "a Rec.1886-encoded"}.get(
        str(coding.curve), f"a {str(coding.curve).upper()}-encoded"
    )
    raise ValueError(
        f"{coded} float image must lie between 0 and 1, got {low:g} to {high:g}; "
        f'{_range_hint(image, low, high)}, or use encoding="linear" for scene light'
    )


def _range_hint(image: Array, low: float, high: float) -> str:
    """What would bring a picture from 0 to 1, in its own library."""
    for most in (255, 65535):
        if low >= 0.0 and 2.0 < high <= most:
            return f"divide by {most} if that is its white"
    if -1.0 - A_HAIR <= low < -0.5 and high <= 1.0 + A_HAIR:
        return "image / 2 + 0.5 if it lies between -1 and 1"
    return "clip it: image.clamp(0, 1)" if is_torch_array(image) else "clip it: image.clip(0, 1)"

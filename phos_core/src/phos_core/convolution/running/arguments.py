"""Check what `convolve` is given: pictures, PSFs, places for the results."""

import operator
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from array_api_compat import is_array_api_obj, is_numpy_array

from phos_core.arrays import (
    numbers_in,
    overlap,
    refuse_mask,
)
from phos_core.errors import shown
from phos_core.psf import PSF, as_psf

__all__ = [
    "as_psfs",
    "check_out",
    "check_shape",
    "checked_image",
    "checked_plane",
    "checked_psfs",
    "is_batch",
    "is_native",
    "kept_apart",
    "places",
    "result_dtype",
]

MOST_CHANNELS = 4  # only an image whose first axis alone is this short may be planar


def checked_plane(shape: Any) -> tuple[int, int]:
    """Return the rows and columns of a plane, if it has any."""
    try:
        rows, cols = (operator.index(side) for side in shape)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"shape must be (rows, cols), of one plane of the image, got {shown(shape)}"
        ) from error
    if rows < 1 or cols < 1:
        raise ValueError(f"shape must be (rows, cols), both at least 1, got {shape}")
    return rows, cols


def is_batch(image: Any) -> bool:
    """Tell a list of pictures from a picture written as nested lists of numbers."""
    return (
        isinstance(image, list | tuple)
        and len(image) > 0
        and all(is_array_api_obj(entry) and entry.ndim >= 2 for entry in image)
    )


def is_native(image: Any) -> bool:
    """Say whether an array belongs to a device's library, not to NumPy."""
    return is_array_api_obj(image) and not is_numpy_array(image)


def places(out: Any, count: int) -> Iterable[Any]:
    """Return where each of several results goes.

    Parameters
    ----------
    out : list of ndarray, ndarray or None
        As the caller gave it.
    count : int
        How many results there are.

    Returns
    -------
    iterable
        As many places.

    Raises
    ------
    TypeError, ValueError
        If it holds none, or not as many.
    """
    if out is None:
        return [None] * count
    refuse_mask("out", out)
    if not isinstance(out, list | tuple | np.ndarray):
        raise TypeError(f"out must hold one array per picture, got {type(out).__name__}")
    if len(out) != count:
        raise ValueError(f"out must hold one array per picture, {count}, got {len(out)}")
    return out


def kept_apart(
    pictures: Sequence[Any] | npt.NDArray[Any], outs: Sequence[Any] | npt.NDArray[Any]
) -> list[Any]:
    """Copy the pictures that the result of another picture would overwrite.

    Parameters
    ----------
    pictures : sequence of array, or ndarray
        Several pictures.
    outs : sequence of ndarray or None, or ndarray
        Where their results go.

    Returns
    -------
    list of array
        The pictures, copied where memory of theirs takes the result of another.

    Raises
    ------
    ValueError
        If two results would go to the same place.
    """
    taken = [(index, out) for index, out in enumerate(outs) if isinstance(out, np.ndarray)]
    if not isinstance(outs, np.ndarray):
        for (one, first), (other, second) in combinations(taken, 2):
            if overlap(first, second):
                raise ValueError(
                    f"out must hold an array of its own for each picture, got out[{one}] and "
                    f"out[{other}] in the same memory"
                )

    def is_overwritten(index: int, picture: Any) -> bool:
        return isinstance(picture, np.ndarray) and any(
            other != index and np.may_share_memory(picture, out) for other, out in taken
        )

    return [
        picture.copy() if is_overwritten(index, picture) else picture
        for index, picture in enumerate(pictures)
    ]


def checked_image(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the image as an array, its kind and shape checked."""
    pixels = numbers_in("image", image)
    check_shape(pixels.shape)
    return pixels


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise an error that explains unless an image of this shape can be convolved.

    Parameters
    ----------
    shape : tuple of int
        The image's.

    Raises
    ------
    ValueError
        If it has too few or too many axes, or its channels seem to come first.
    """
    if len(shape) not in (2, 3, 4):
        raise ValueError(
            "image must have the shape (rows, cols), (rows, cols, channels) or "
            f"(n, rows, cols, channels), got {shape}"
        )
    if len(shape) == 3 and _looks_planar(shape):
        raise ValueError(
            f"image must have the shape (rows, cols, channels), got {shape}, where the "
            "channels seem to come first; numpy.moveaxis(image, 0, -1) puts them last"
        )


def result_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the dtype of the result of an image."""
    double = dtype.kind == "f" and dtype.itemsize >= 8
    return np.dtype(np.float64 if double else np.float32)


def _looks_planar(shape: tuple[int, ...]) -> bool:
    return 0 < shape[0] <= MOST_CHANNELS < min(shape[1:])


def checked_psfs(
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike], shape: tuple[int, ...]
) -> PSF | list[PSF]:
    """Give one PSF, or a list with one for each channel of an image.

    Parameters
    ----------
    psf : PSF, array_like of shape (odd, odd), or a list of them
        As for `phos_core.convolve`.
    shape : tuple of int
        The image's: (rows, cols), (rows, cols, channels) or (n, rows, cols, channels).

    Returns
    -------
    PSF or list of PSF
        Arrays wrapped; for an image without channels, one PSF.

    Raises
    ------
    TypeError, ValueError
        If a PSF is wrong, or there are not as many as channels.
    """
    psfs = as_psfs(psf)
    if isinstance(psfs, PSF):
        return psfs
    channels = 1 if len(shape) == 2 else shape[-1]
    if len(psfs) != channels:
        raise ValueError(
            f"a list of PSFs must hold one per channel: got {len(psfs)} "
            f"for an image of shape {shape}"
        )
    return psfs[0] if len(shape) == 2 else psfs


def as_psfs(psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike]) -> PSF | list[PSF]:
    """A PSF, or a list of them: arrays are wrapped, once for all pictures."""
    if isinstance(psf, list | tuple) and all(_is_psf(entry) for entry in psf):
        return [as_psf(entry, f"psf[{n}]") for n, entry in enumerate(psf)]
    return as_psf(cast("PSF | npt.ArrayLike", psf))


def _is_psf(entry: Any) -> bool:
    """Tell an entry of a list of PSFs from a row of one PSF, written as nested lists of numbers."""
    try:
        return isinstance(entry, PSF) or np.ndim(entry) == 2
    except ValueError:  # rows that differ in length: `as_psf` says so
        return True


def check_out(out: npt.NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise what a place for a result is wrong in."""
    if out is None:
        return
    refuse_mask("out", out)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"out must have the dtype {dtype}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have the shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")

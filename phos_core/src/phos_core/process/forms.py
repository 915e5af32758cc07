"""In what form pictures come and positives go back: where the channels are, in which library."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from array_api_compat import is_torch_array

from phos_core.arrays import Array, array_namespace, device, in_precision_of
from phos_core.errors import shown

__all__ = ["Given", "Layout", "is_channels_first"]

Layout = Literal["HWC", "CHW", "BHWC", "BCHW"]
"""The axes of a picture or a stack: B pictures, H rows, W columns, C channels."""

CHANNELS_FIRST = (1, 3)  # how many channels a picture has that has them first


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A picture, or a stack of pictures, as it came.

    Parameters
    ----------
    image : array
        The picture or stack.
    channels_first : bool
        Whether its channels come before its rows.
    """

    image: Array
    channels_first: bool

    def apart(self) -> list["Given"]:
        """Give the pictures of a stack."""
        return [Given(self.image[i, ...], self.channels_first) for i in range(self.image.shape[0])]

    @property
    def is_on_host(self) -> bool:
        """Whether it is in the host's memory: NumPy's, or a tensor on the CPU."""
        if isinstance(self.image, np.ndarray):
            return True
        return bool(is_torch_array(self.image) and device(self.image).type == "cpu")

    @property
    def on_host(self) -> "Given":
        """What is in the host's memory as an array of NumPy's, any other as it is.

        The memory is the same; only of bfloat16, which NumPy does not have, it is a copy in single
        precision. What computes with NumPy's arrays is many times as quick there as PyTorch is.
        """
        if isinstance(self.image, np.ndarray) or not self.is_on_host:
            return self
        xp = array_namespace(self.image)
        known = self.image.dtype != xp.bfloat16
        image = self.image if known else xp.astype(self.image, xp.float32)
        return Given(np.asarray(image), self.channels_first)

    def channels_last(self, array: Array) -> Array:
        """Give a view of an array of this layout with the channels last, and without a single one.

        Parameters
        ----------
        array : array, shape (..., channels, rows, cols) if they come first
            The picture or stack, or what takes its positive.

        Returns
        -------
        array, shape (..., rows, cols, channels) or (..., rows, cols)
            The same memory.
        """
        if not self.channels_first:
            return array
        if array.shape[-3] == 1:
            return array[..., 0, :, :]
        return array_namespace(array).moveaxis(array, -3, -1)

    def brought_back(self, positive: Array) -> Array:
        """Give a positive in the layout, library and precision of the picture or stack.

        Parameters
        ----------
        positive : array, shape (..., rows, cols, channels) or (..., rows, cols)
            On the host or on the picture's device.

        Returns
        -------
        array
            The same memory where the library and the layout allow it.
        """
        if self.channels_first:
            positive = _with_channels_first(positive, self.image.shape[-3])
        if not isinstance(positive, np.ndarray) or isinstance(self.image, np.ndarray):
            return positive
        xp = array_namespace(self.image)
        tensor = xp.asarray(positive, device=device(self.image))
        return in_precision_of(self.image, tensor)


def _with_channels_first(positive: Array, channels: int) -> Array:
    """A view on the host; on a device in the order of memory that users of tensors count on."""
    if channels == 1:
        return positive[..., None, :, :]
    if isinstance(positive, np.ndarray):
        return np.moveaxis(positive, -1, -3)
    return array_namespace(positive).stack([positive[..., c] for c in range(channels)], axis=-3)


def is_channels_first(image: Array, layout: Layout | None) -> bool:
    """Say whether a picture, or a stack of them, has its channels first.

    Parameters
    ----------
    image : array
        The picture or stack.
    layout : str or None
        What the caller says. None: NumPy's and CuPy's arrays have them last; of a tensor the
        shape decides.

    Returns
    -------
    bool
        False for a picture without channels.

    Raises
    ------
    TypeError, ValueError
        If `layout` is none, does not fit the array, or has to be given.
    """
    shape = tuple(image.shape)
    if layout is not None:
        _check_layout(layout, shape)
        return layout.endswith("CHW")
    if not is_torch_array(image) or len(shape) not in (3, 4):
        return False
    first, last = shape[-3] in CHANNELS_FIRST, shape[-1] == 3
    if first and last:
        batch = "B" * (len(shape) - 3)
        raise ValueError(
            f"layout must be given for an image of shape {shape}, whose channels may come first or "
            f'last: layout="{batch}CHW" or layout="{batch}HWC"'
        )
    return first


def _check_layout(layout: Any, shape: tuple[int, ...]) -> None:
    """Raise unless a layout is one, and names as many axes and channels as an image has."""
    if not isinstance(layout, str):
        raise TypeError(f'layout must be a name such as "CHW", got {shown(layout)}')
    if layout not in get_args(Layout):
        known = ", ".join(f'"{name}"' for name in get_args(Layout))
        raise ValueError(f"layout must be one of {known}, got {shown(layout)}")
    if len(shape) != len(layout):
        raise ValueError(f'layout "{layout}" does not fit an image of shape {shape}')
    if layout.endswith("CHW") and shape[-3] not in CHANNELS_FIRST:
        raise ValueError(f'layout "{layout}" needs 1 or 3 channels, got an image of shape {shape}')

"""What is computed pixel by pixel on the device: chains and grain."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cupy
import numpy as np
import numpy.typing as npt

from phos_core.backend import (
    Array,
    Chain,
    Grain,
    UnsupportedOperationError,
    chain_source,
    grain_source,
    noise_keys,
    shaping_taps,
)

from .transfers import Transfers, in_memory_order
from .transforms import handed_over, uploaded

__all__ = ["PixelKernel", "make_noise"]

OPTIONS = ("--std=c++17", "--prec-sqrt=false")
THREADS = 256
MOST_BLOCKS = 65535  # of a grid's second axis
NOISE_SHARED_BYTES = 48 * 1024  # what a block has without asking


class PixelKernel:
    """A chain as one kernel.

    Parameters
    ----------
    chain : Chain
        What it does to a pixel.
    transfers : Transfers
        Take a result to the host.

    Raises
    ------
    UnsupportedOperationError
        If the chain has more numbers than a kernel can be handed.
    """

    def __init__(self, chain: Chain, transfers: Transfers) -> None:
        if len(chain.constants) > chain_source.MOST_CONSTANTS:
            raise UnsupportedOperationError(
                f"cupy: a chain of {len(chain.constants)} numbers; "
                f"a kernel is handed {chain_source.MOST_CONSTANTS} at most"
            )
        self._layers, self._dtype = len(chain.outputs), chain.dtype
        self._transfers = transfers
        self._tables = [uploaded(table) for table in chain.tables]
        self._kernel = _kernel(chain_source.ON_DEVICE + chain_source.source(chain), "pixels")
        self._head = chain_source.head(chain)
        self._template = bytes(self._head.size) + chain_source.constants(chain).tobytes()
        self._table_pointers = [table.data.ptr for table in self._tables] or [0]

    def __call__(self, *arrays: Array, out: Array | npt.NDArray[Any] | None = None) -> Array:
        """Run the chain.

        Parameters
        ----------
        *arrays : array of the device, shape (layers, rows, cols)
            As the chain reads them, of any strides.
        out : array of the device or of the host, shape (layers, rows, cols), optional
            Takes the result.

        Returns
        -------
        array, shape (layers, rows, cols)
            `out`, or a new array of the device.
        """
        _, rows, cols = arrays[0].shape
        shape = (self._layers, rows, cols)
        if isinstance(out, np.ndarray):
            self._to_host(arrays, shape, out)
            return out
        if out is None:
            out = cupy.empty(shape, self._dtype)
        self._start(arrays, out, slice(0, rows))
        return out

    def _to_host(
        self, arrays: Sequence[Array], shape: tuple[int, ...], out: npt.NDArray[Any]
    ) -> None:
        """Run the chain on some rows while those before are on their way to the host."""
        _, order = in_memory_order(out)
        lying = cupy.empty([shape[axis] for axis in order], self._dtype)
        picture = lying.transpose(np.argsort(order).tolist())
        if order[0] == 1:
            self._transfers.download(picture, out, lambda rows: self._start(arrays, picture, rows))
        else:
            self._start(arrays, picture, slice(0, shape[1]))
            self._transfers.download(picture, out)

    def _start(self, arrays: Sequence[Array], out: Array, rows: slice) -> None:
        """Start the kernel for some rows."""
        if 0 in out.shape:
            return
        together = (*arrays, out)
        count, cols = rows.stop - rows.start, out.shape[2]
        arguments = bytearray(self._template)
        self._head.pack_into(
            arguments,
            0,
            *(x.data.ptr + rows.start * x.strides[1] for x in together),
            *(stride // x.itemsize for x in together for stride in x.strides),
            *self._table_pointers,
            count,
            cols,
        )
        grid = (math.ceil(cols / THREADS), min(count, MOST_BLOCKS))
        self._kernel(grid, (THREADS,), (handed_over(arguments),))


def make_noise(
    params: Grain,
    *,
    rows: int,
    cols: int,
    pixel_pitch_um: float,
    seed: int,
    frame: int,
    row_start: int,
    col_start: int,
) -> Array | None:
    """Make the noise of `phos_core.backend.grain_noise`; None where a tile is too large.

    Returns
    -------
    array of float32, shape (layers, rows, cols), or None
        The noise.
    """
    layers = len(params.size_um)
    shared, template = _noise_arguments(params.size_um, pixel_pitch_um)
    if template is None:
        return None
    out = cupy.empty((layers, rows, cols), cupy.float32)
    keys = [noise_keys(seed, frame, layer) for layer in range(layers)]
    row_keys, col_keys = zip(*keys, *[(0, 0)] * (grain_source.MOST_LAYERS - layers), strict=True)
    arguments = bytearray(template)
    grain_source.HEAD.pack_into(
        arguments, 0, out.data.ptr, rows, cols, row_start, col_start, *row_keys, *col_keys
    )
    grid = (
        math.ceil(cols / grain_source.TILE_COLS),
        math.ceil(rows / grain_source.TILE_ROWS),
        layers,
    )
    _grain_kernel()(grid, (THREADS,), (handed_over(arguments),), shared_mem=shared)
    return out


@lru_cache(maxsize=64)
def _noise_arguments(size_um: tuple[float, ...], pixel_pitch_um: float) -> tuple[int, bytes | None]:
    """Shared memory of a tile, and what is handed over for this grain; None if it is too large."""
    taps = [shaping_taps(size, pixel_pitch_um) for size in size_um]
    most = max(map(len, taps))
    shared = grain_source.tile_bytes(most - 1)
    if (
        len(taps) > grain_source.MOST_LAYERS
        or most > grain_source.MOST_TAPS
        or shared > NOISE_SHARED_BYTES
    ):
        return shared, None
    reaches, own = (
        np.zeros(grain_source.MOST_LAYERS, np.int32),
        np.zeros(grain_source.TAPS_SHAPE, np.float32),
    )
    for layer, of_layer in enumerate(taps):
        reaches[layer] = len(of_layer) - 1
        own[layer, : len(of_layer)] = of_layer
    return shared, bytes(grain_source.HEAD.size) + reaches.tobytes() + own.tobytes()


@lru_cache(maxsize=1)
def _grain_kernel() -> Any:
    return _kernel(grain_source.ON_DEVICE + grain_source.source(), "grain")


@lru_cache(maxsize=64)
def _kernel(source: str, name: str) -> Any:
    return cupy.RawKernel(source, name, options=OPTIONS)

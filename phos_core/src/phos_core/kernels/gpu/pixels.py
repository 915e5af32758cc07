"""What is computed pixel by pixel on an NVIDIA GPU: chains and grain."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.chain import Chain
from phos_core.effects.grain import Grain, noise_keys, shaping_taps
from phos_core.errors import UnsupportedOperationError
from phos_core.kernels.gpu import chain_source, grain_source
from phos_core.kernels.gpu.library import CudaKernel, CudaLaunch, CudaLibrary
from phos_core.kernels.gpu.transfers import Transfers, in_memory_order

__all__ = ["OPTIONS", "ChainKernel", "make_noise"]

OPTIONS = {"prec_sqrt": False}
THREADS = 256
MOST_BLOCKS = 65535  # of a grid's second axis
NOISE_SHARED_BYTES = 48 * 1024  # what a block has without asking


class ChainKernel:
    """A chain as one kernel.

    Parameters
    ----------
    chain : Chain
        What it does to a pixel.
    library : CudaLibrary
        Compiles and starts it.
    transfers : Transfers
        Take a result to the host.

    Raises
    ------
    UnsupportedOperationError
        If the chain has more numbers than a kernel can be handed.
    """

    def __init__(self, chain: Chain, library: CudaLibrary, transfers: Transfers) -> None:
        if len(chain.constants) > chain_source.MOST_CONSTANTS:
            raise UnsupportedOperationError(
                f"{library.name}: a chain of {len(chain.constants)} numbers; "
                f"a kernel is handed {chain_source.MOST_CONSTANTS} at most"
            )
        self._layers, self._dtype = len(chain.outputs), chain.dtype
        self._library, self._transfers = library, transfers
        self._tables = [library.upload(table) for table in chain.tables]
        source = chain_source.ON_DEVICE + chain_source.source(chain)
        (self._kernel,) = library.compile(source, OPTIONS, ["pixels"])
        self._head = chain_source.head(chain)
        self._template = bytes(self._head.size) + chain_source.constants(chain).tobytes()
        self._table_addresses = [library.address(table) for table in self._tables] or [0]

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
            `out`, or a new array of the device: of codes one that lies as pictures do, with the
            layers last.
        """
        return self._run(arrays, out, 0)

    def watched(
        self, *arrays: Array, out: Array | npt.NDArray[Any] | None = None
    ) -> tuple[Array, Array]:
        """Run the chain, and see whether the floats that it reads and writes are finite.

        Returns
        -------
        array, shape (layers, rows, cols)
            As from a call.
        array of float32 of the device, shape ()
            Not finite unless all of them are, and their sum in each pixel.
        """
        watch = self._library.zeros((), np.float32)
        return self._run(arrays, out, self._library.address(watch)), watch

    def _run(self, arrays: Sequence[Array], out: Any, watch: int) -> Array:
        _, rows, cols = arrays[0].shape
        shape = (self._layers, rows, cols)
        if isinstance(out, np.ndarray):
            self._to_host(arrays, shape, out, watch)
            return out
        if out is None:
            out = self._room(shape)
        self._start(arrays, out, slice(0, rows), watch)
        return out

    def _room(self, shape: tuple[int, int, int]) -> Array:
        if self._dtype.kind == "f":
            return self._library.empty(shape, self._dtype)
        layers, rows, cols = shape
        picture = self._library.empty((rows, cols, layers), self._dtype)
        return self._library.permuted(picture, (2, 0, 1))

    def _to_host(
        self, arrays: Sequence[Array], shape: tuple[int, ...], out: npt.NDArray[Any], watch: int
    ) -> None:
        """Run the chain on some rows while those before are on their way to the host."""
        _, order = in_memory_order(out)
        lying = self._library.empty([shape[axis] for axis in order], self._dtype)
        picture = self._library.permuted(lying, np.argsort(order).tolist())
        if order[0] == 1:

            def start(rows: slice) -> None:
                self._start(arrays, picture, rows, watch)

            self._transfers.download(picture, out, start)
        else:
            self._start(arrays, picture, slice(0, shape[1]), watch)
            self._transfers.download(picture, out)

    def _start(self, arrays: Sequence[Array], out: Array, rows: slice, watch: int) -> None:
        """Start the kernel for some rows."""
        if 0 in out.shape:
            return
        addresses: list[int] = []
        strides: list[int] = []
        for x in (*arrays, out):
            own = self._library.strides(x)
            addresses.append(self._library.address(x) + rows.start * own[1] * x.dtype.itemsize)
            strides.extend(own)
        count, cols = rows.stop - rows.start, out.shape[2]
        arguments = bytearray(self._template)
        numbers = (*addresses, *strides, *self._table_addresses, watch, count, cols)
        self._head.pack_into(arguments, 0, *numbers)
        grid = (math.ceil(cols / THREADS), min(count, MOST_BLOCKS), 1)
        self._library.start([CudaLaunch(self._kernel, grid, THREADS)], arguments)


def make_noise(
    library: CudaLibrary,
    kernel: CudaKernel,
    params: Grain,
    *,
    rows: int,
    cols: int,
    pixel_pitch_um: float,
    seed: int,
    frame: int = 0,
    row_start: int = 0,
    col_start: int = 0,
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
    out = library.empty((layers, rows, cols), np.float32)
    keys = [noise_keys(seed, frame, layer) for layer in range(layers)]
    row_keys, col_keys = zip(*keys, *[(0, 0)] * (grain_source.MOST_LAYERS - layers), strict=True)
    arguments = bytearray(template)
    place = (library.address(out), rows, cols, row_start, col_start)
    grain_source.HEAD.pack_into(arguments, 0, *place, *row_keys, *col_keys)
    across = math.ceil(cols / grain_source.TILE_COLS)
    grid = (across, math.ceil(rows / grain_source.TILE_ROWS), layers)
    library.start([CudaLaunch(kernel, grid, THREADS, shared)], arguments)
    return out


@lru_cache(maxsize=64)
def _noise_arguments(size_um: tuple[float, ...], pixel_pitch_um: float) -> tuple[int, bytes | None]:
    """Shared memory of a tile, and what is handed over for this grain; None if it is too large."""
    taps = [shaping_taps(size, pixel_pitch_um) for size in size_um]
    most = max(map(len, taps))
    shared = grain_source.tile_bytes(most - 1)
    fits = len(taps) <= grain_source.MOST_LAYERS and most <= grain_source.MOST_TAPS
    if not fits or shared > NOISE_SHARED_BYTES:
        return shared, None
    reaches = np.zeros(grain_source.MOST_LAYERS, np.int32)
    own = np.zeros(grain_source.TAPS_SHAPE, np.float32)
    for layer, of_layer in enumerate(taps):
        reaches[layer] = len(of_layer) - 1
        own[layer, : len(of_layer)] = of_layer
    return shared, bytes(grain_source.HEAD.size) + reaches.tobytes() + own.tobytes()

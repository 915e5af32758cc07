"""Kernels in Metal, by PyTorch's `compile_shader`: chains and grain on Apple silicon.

Nothing of this has run on a Mac. On every other machine `tests/mps` compiles the source as C++, and
starts it as this module does. On a Mac it is tried once, and if that fails, all is left to array
code.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from phos_core.backend import (
    Array,
    Chain,
    Grain,
    Instruction,
    OutOfMemoryError,
    UnsupportedOperationError,
    chain_source,
    grain_source,
    noise_keys,
    run_chain,
    shaping_taps,
)

__all__ = ["ChainKernel", "MetalKernels"]

KERNELS = 64  # our choice: so many are kept
ABREAST = 32  # threads of a group side by side in a row of pixels: what a chip runs in step
MOST_THREADS = 256  # of a group
MOST_NUMBERS = 2**31  # that 32-bit strides reach
TRIED_SIZE_UM, TRIED_PITCH_UM = 5.0, 6.0  # grain at the trial
TRIED_ERROR = 1e-5

SINGLE = np.dtype(np.float32)
OF_ONE = ("neg", "abs", "exp", "log", "log10", "tanh", "sqrt", "floor")
OF_TWO = ("add", "sub", "mul", "div", "pow", "max", "min", "le", "lt", "ge", "gt")
EVERYTHING = Chain(
    inputs=((1, SINGLE),),
    instructions=(
        Instruction("input", (0, 0)),
        Instruction("constant", (0,)),
        *(Instruction(op, (0,)) for op in OF_ONE),
        *(Instruction(op, (0, 1)) for op in OF_TWO),
        Instruction("where", (len(OF_ONE) + len(OF_TWO) + 1, 0, 1)),
        Instruction("table", (0, 0)),
    ),
    outputs=tuple(range(2, len(OF_ONE) + len(OF_TWO) + 4)),
    dtype=SINGLE,
    constants=(1.25,),
    tables=(np.array([7.0, -3.0, 2.5], SINGLE),),
)
"""Every instruction that a chain may have, one layer of the result for each."""


class ChainKernel:
    """A chain as one kernel.

    Parameters
    ----------
    name : str
        What messages call the backend.
    chain : Chain
        What it does to a pixel.
    kernel : kernel of `torch.mps.compile_shader`
        Of its source.
    numbers : tensor of float32, shape (n,)
        Its constants and tables, on the device.
    """

    def __init__(self, name: str, chain: Chain, kernel: Any, numbers: torch.Tensor) -> None:
        self._name, self._kernel, self._numbers = name, kernel, numbers
        self._layers, self._dtype = len(chain.outputs), getattr(torch, chain.dtype.name)
        # Codes lie as pictures do, floats as arrays: what comes next finds them in its order.
        self._order = (1, 2, 0) if chain.dtype.kind == "u" else (0, 1, 2)

    def __call__(self, *arrays: Array, out: Array | npt.NDArray[Any] | None = None) -> Array:
        """Run the chain.

        Parameters
        ----------
        *arrays : tensor, shape (layers, rows, cols)
            As the chain reads them, of any strides.
        out : tensor or ndarray, shape (layers, rows, cols), optional
            Takes the result, on the device or on the host.

        Returns
        -------
        tensor or ndarray, shape (layers, rows, cols)
            `out`, or a new tensor.

        Raises
        ------
        OutOfMemoryError
            If 32-bit indices do not reach all of a tensor.
        """
        return self.watched(*arrays, out=out)[0]

    def watched(
        self, *arrays: Array, out: Array | npt.NDArray[Any] | None = None
    ) -> tuple[Array, torch.Tensor]:
        """Run the chain, and see whether the floats that it reads and writes are finite.

        Returns
        -------
        tensor or ndarray, shape (layers, rows, cols)
            As from a call.
        tensor of float32, shape ()
            Not finite unless all of them are, and their sum in each pixel.
        """
        watch = torch.zeros((), dtype=torch.float32, device=arrays[0].device)
        if isinstance(out, torch.Tensor):
            self._start(arrays, out, watch)
            return out, watch
        shape = (self._layers, *arrays[0].shape[1:])
        # A picture for the host is laid out as it is there, so that it goes in one copy.
        order = self._order if out is None else _memory_order(out)
        lying = torch.empty(
            [shape[axis] for axis in order], dtype=self._dtype, device=arrays[0].device
        )
        result = lying.permute(*np.argsort(order).tolist())
        self._start(arrays, result, watch)
        if out is None or min(out.strides) < 0 or not out.dtype.isnative:
            return result, watch
        torch.from_numpy(out.transpose(order)).copy_(lying)
        return out, watch

    def _start(
        self, arrays: Sequence[torch.Tensor], out: torch.Tensor, watch: torch.Tensor
    ) -> None:
        """Start the kernel, a thread for a pixel."""
        if out.numel() == 0:
            return
        together = (*arrays, out)
        for tensor in together:
            _check_reached(self._name, tensor)
        _, rows, cols = out.shape
        deep = max(1, min(MOST_THREADS, self._kernel.max_threads_per_threadgroup) // ABREAST)
        self._kernel(
            *together,
            self._numbers,
            [stride for tensor in together for stride in tensor.stride()],
            watch,
            threads=(cols, rows),
            group_size=(ABREAST, deep),
            arg_casts="int32",
        )


class MetalKernels:
    """Compiles kernels for a device, and remembers what cannot be compiled.

    Parameters
    ----------
    name : str
        What messages call the backend.
    device : torch.device
        Where the arrays live.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self._name, self._device = name, device
        self._troubles: list[str] = []
        self._built = lru_cache(maxsize=KERNELS)(self._build)
        self._shaped = lru_cache(maxsize=KERNELS)(self._shape)
        self.compile = lru_cache(maxsize=KERNELS)(self._compile)
        self.trouble = lru_cache(maxsize=1)(self._try)

    def release(self) -> None:
        """Forget the numbers of kernels; what was compiled stays, and what could not be."""
        self.compile.cache_clear()
        self._shaped.cache_clear()

    def facts(self) -> str:
        """Say whether kernels are compiled, and where array code runs, why."""
        self.trouble()
        troubles = "; ".join(dict.fromkeys(self._troubles))
        return f"array code: {troubles}" if troubles else "compiled in Metal"

    def _compile(self, chain: Chain) -> ChainKernel:
        """Make one kernel of a chain: `compile` keeps it.

        Raises
        ------
        UnsupportedOperationError
            If kernels cannot be compiled here, or not this one.
        """
        if self.trouble():
            raise UnsupportedOperationError(self.trouble())
        return self._of_chain(chain)

    def grain_noise(self, params: Grain, **where: Any) -> torch.Tensor | None:
        """Make the noise of `phos_core.backend.grain_noise`.

        Parameters
        ----------
        params : Grain
            The grain.
        **where
            As `phos_core.backend.grain_noise` takes it, each by its name.

        Returns
        -------
        tensor of float32, shape (layers, rows, cols), or None
            None where kernels cannot be compiled, or its grains are too large for a tile.
        """
        if self.trouble():
            return None
        try:
            return self._noise(params.size_um, **where)
        except UnsupportedOperationError:
            return None  # noted when it was compiled

    def _try(self) -> str:
        """Why kernels cannot be compiled and started here; empty if they can: `trouble` keeps it.

        All that source is made of is tried, so that no picture meets it first.
        """
        values = np.linspace(0.01, 2.9, 50, dtype=np.float32).reshape(1, 1, -1)
        try:
            found = self._of_chain(EVERYTHING)(self._upload(values)).cpu().numpy()
            self._noise((TRIED_SIZE_UM,), rows=1, cols=1, pixel_pitch_um=TRIED_PITCH_UM)
        except UnsupportedOperationError as error:
            return str(error)  # noted when it was compiled
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            return self._noted(f"PyTorch cannot start a kernel: {_first_line(error)}")
        if not np.allclose(found, run_chain(EVERYTHING, values), TRIED_ERROR, TRIED_ERROR):
            return self._noted("a kernel in Metal computes something wrong")
        return ""

    def _noted(self, trouble: str) -> str:
        self._troubles.append(trouble)
        return trouble

    def _of_chain(self, chain: Chain) -> ChainKernel:
        kernel = self._kernel(chain_source.metal_source(chain), "pixels")
        numbers = self._upload(chain_source.metal_numbers(chain))
        return ChainKernel(self._name, chain, kernel, numbers)

    def _kernel(self, source: str, name: str) -> Any:
        """Give a kernel, or the error that it cannot be compiled."""
        built = self._built(source, name)
        if isinstance(built, str):
            raise UnsupportedOperationError(built)
        return built

    def _build(self, source: str, name: str) -> Any:
        """Compile a kernel, or say why that fails: `_built` keeps either."""
        if not hasattr(torch.mps, "compile_shader"):
            return self._noted(f"PyTorch {torch.__version__} compiles no Metal source, 2.7 does")
        try:
            return getattr(torch.mps.compile_shader(source), name)
        except (RuntimeError, SyntaxError) as error:
            return self._noted(f"Metal cannot compile {name!r}: {_first_line(error)}")

    def _noise(
        self,
        size_um: tuple[float, ...],
        *,
        rows: int,
        cols: int,
        pixel_pitch_um: float,
        seed: int = 0,
        frame: int = 0,
        row_start: int = 0,
        col_start: int = 0,
    ) -> torch.Tensor | None:
        """Start the kernel of grain: a group of threads for a tile."""
        shaped = self._shaped(size_um, pixel_pitch_um)
        if shaped is None:
            return None
        tile, reaches, taps = shaped
        layers = len(size_um)
        noise = torch.empty((layers, rows, cols), dtype=torch.float32, device=self._device)
        if noise.numel() == 0:
            return noise
        _check_reached(self._name, noise)
        keys = np.zeros((2, grain_source.MOST_LAYERS), np.uint32)
        for layer in range(layers):
            keys[:, layer] = noise_keys(seed, frame, layer)
        of_frame = keys.view(np.int32).ravel().tolist()  # integers are handed over with a sign
        kernel = self._kernel(grain_source.metal_source(max(reaches), tile), "grain")
        lanes = min(MOST_THREADS, kernel.max_threads_per_threadgroup)
        kernel(
            noise,
            [rows, cols, row_start, col_start, *of_frame, *reaches],
            taps,
            threads=(lanes * math.ceil(cols / tile[1]), math.ceil(rows / tile[0]), layers),
            group_size=(lanes, 1, 1),
            arg_casts="int32",
        )
        return noise

    def _shape(
        self, size_um: tuple[float, ...], pixel_pitch_um: float
    ) -> tuple[tuple[int, int], list[int], torch.Tensor] | None:
        """Tile, reaches and taps of a grain; None where it is too large: `_shaped` keeps them."""
        taps = [shaping_taps(size, pixel_pitch_um) for size in size_um]
        most_layers, most_taps = grain_source.TAPS_SHAPE
        tile = grain_source.metal_tile(max(map(len, taps)) - 1)
        if tile is None or len(taps) > most_layers or max(map(len, taps)) > most_taps:
            return None
        padded, reaches = np.zeros((most_layers, most_taps), np.float32), [0] * most_layers
        for layer, own in enumerate(taps):
            padded[layer, : len(own)], reaches[layer] = own, len(own) - 1
        return tile, reaches, self._upload(padded)

    def _upload(self, numbers: npt.NDArray[np.float32]) -> torch.Tensor:
        """Give a tensor of its own: what is in constant memory begins where a buffer does."""
        return torch.from_numpy(numbers).to(self._device, copy=True)


def _memory_order(array: npt.NDArray[Any]) -> tuple[int, ...]:
    """Axes from that of the longest strides to that of the shortest."""
    return tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


def _check_reached(name: str, tensor: torch.Tensor) -> None:
    """Raise where 32-bit indices would wrap around."""
    axes = zip(tensor.shape, tensor.stride(), strict=True)
    numbers = 1 + sum((size - 1) * stride for size, stride in axes)
    if numbers > MOST_NUMBERS:
        raise OutOfMemoryError(
            f"{name}: an array that spans {numbers} numbers, {MOST_NUMBERS} at most can be "
            "indexed; work in tiles"
        )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

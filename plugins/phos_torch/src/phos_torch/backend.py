"""Convolution by PyTorch, on any of its devices: the only module that imports torch.

A PSF of more than a few samples goes by one Fourier transform of all planes, continued beyond
their edges, times a transfer function that stays on the device. PyTorch's own convolutions are
not used: they take longer, TensorFloat-32 may round them, and on Apple silicon a wide one may be
wrong. No setting of PyTorch's is changed.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import numpy.typing as npt
import torch

from phos_core.arrays import Array
from phos_core.convolution import algorithms
from phos_core.convolution.boundary import Boundary, source_index
from phos_core.convolution.contract import (
    Accuracy,
    BackendBase,
    ErrorKind,
    MemoryInfo,
    ProbeReport,
)
from phos_core.convolution.cpu import SINGLE_RANGE
from phos_core.convolution.tables import TableCache, transfer_table
from phos_core.errors import OutOfMemoryError
from phos_core.psf import PSF

__all__ = ["CpuBackend", "CudaBackend", "MpsBackend", "TorchBackend"]

TABLE_BYTES = 512 * 2**20  # our choice: transfer functions kept on the device
DIRECT_SAMPLES = 9  # up to this many, adding shifted images beats a transform
INDEX_LIMIT = 2**31 - 1  # numbers in one tensor: many kernels count them in 32 bits
MPS_BYTES = 2**32 - 1  # of one tensor: a larger one ends the process, past any `except`
LIGHT_PLANES = 3  # red, green and blue: a grey picture too is exposed as these
CHUNK_NUMBERS = 2**28  # our choice: planes that are transformed together hold no more
SPARSE = 16  # the typical value of a plane is that of every so manieth row and column

# PyTorch raises plain RuntimeErrors, told apart by their text alone.
OUT_OF_MEMORY = ("out of memory", "DefaultCPUAllocator", "ALLOC_FAILED")
DEVICE_LOST = (
    "busy or unavailable",
    "no CUDA-capable device",
    "unspecified launch failure",
    "uncorrectable ECC error",
)
WRONG_TYPE = "it does not have support for that dtype"


class TorchBackend(BackendBase):
    """Convolution on one of PyTorch's devices.

    Parameters
    ----------
    name : str
        What users call it.
    device : torch.device
        Where its tensors live; with its number, as PyTorch itself names it.
    """

    xp = xp
    max_elements = INDEX_LIMIT

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self.device = device
        self._kept = TableCache[torch.Tensor](TABLE_BYTES)

    def to_device(self, host: npt.NDArray[Any] | torch.Tensor) -> Array:
        """Copy an array to the device; a tensor that is there is taken as it is."""
        if isinstance(host, torch.Tensor):
            return host.detach().to(self.device)
        planes = max(LIGHT_PLANES, host.shape[0]) if host.ndim == 3 else 1
        self._check_fits("the picture", planes * math.prod(host.shape[-2:]))
        # In the order it has in memory, which a device changes quicker than the host.
        tensor = torch.from_numpy(_shareable(host))
        return tensor.to(self.device, self._stored_as(tensor.dtype), copy=True).contiguous()

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Copy a tensor to memory of its own, channels last as pictures have them."""
        pixels = x.movedim(-3, -1) if x.ndim > 2 else x
        host = torch.empty(pixels.shape, dtype=x.dtype, pin_memory=x.is_cuda)
        array: npt.NDArray[Any] = host.copy_(pixels.detach()).numpy()
        return np.moveaxis(array, -1, -3) if x.ndim > 2 else array

    def convolve(
        self,
        image: Array,
        psf: PSF | Sequence[PSF],
        *,
        boundary: Boundary = "symmetric",
        accuracy: Accuracy = "exact",
    ) -> Array:
        """Convolve planes by direct sums or by transform, as many at a time as one PSF serves."""
        plane_shape = image.shape[-2:]
        with torch.no_grad():
            out = torch.empty_like(image, memory_format=torch.contiguous_format)
            dtype = self._precision(image.reshape(-1, *plane_shape))
            for part, part_psf in _parts(psf):
                planes = image[part].reshape(-1, *plane_shape)
                blurred = out[part].view(-1, *plane_shape)
                self._convolve_planes(planes, part_psf, boundary, dtype, blurred)
        return out

    def release(self) -> None:
        """Forget the tables."""
        self._kept.clear()

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Recognise PyTorch's errors by their text."""
        match error:
            case NotImplementedError():
                return "unsupported"
            case TypeError() if WRONG_TYPE in str(error):
                return "unsupported"
            case RuntimeError() if any(text in str(error) for text in OUT_OF_MEMORY):
                return "out-of-memory"
            case RuntimeError() if any(text in str(error) for text in DEVICE_LOST):
                return "device-lost"
        return super().classify_error(error)

    def _stored_as(self, dtype: torch.dtype) -> torch.dtype:
        """The dtype that the device gives to numbers of a dtype."""
        return dtype

    def _precision(self, planes: torch.Tensor) -> torch.dtype:
        """The precision that the transform of planes needs: `cpu.in_precision`, for all at once."""
        sparse = planes[:, ::SPARSE, ::SPARSE].abs().flatten(1)
        peak = planes.abs().amax((1, 2))[:, None]
        is_faint = sparse * SINGLE_RANGE < peak
        # Most of a plane below a 2000th of its peak: so is its median.
        is_of_great_range = is_faint.sum(1) * 2 > sparse.shape[1]
        return torch.float64 if bool(is_of_great_range.any()) else planes.dtype

    def _check_fits(self, what: str, numbers: int) -> None:
        """Raise before a tensor is made that is too large for the device's kernels."""
        most = self.max_elements or INDEX_LIMIT
        if self.max_array_bytes is not None:
            most = min(most, self.max_array_bytes // 4)
        if numbers > most:
            raise OutOfMemoryError(
                f"{self.name}: {what} takes {numbers} numbers, {most} at most fit one tensor; "
                "work in tiles"
            )

    def _convolve_planes(
        self,
        planes: torch.Tensor,
        psf: PSF,
        boundary: Boundary,
        dtype: torch.dtype,
        out: torch.Tensor,
    ) -> None:
        (ry, rx), (count, rows, cols) = psf.radius, planes.shape
        if (2 * ry + 1) * (2 * rx + 1) <= DIRECT_SAMPLES:
            out.copy_(algorithms.direct(planes, psf, boundary))
            return
        extent = (
            algorithms.circular_extent(rows, ry, boundary, fast_length),
            algorithms.circular_extent(cols, rx, boundary, fast_length),
        )
        (_, height), (_, width) = extent
        numbers = height * (width + 2)  # of the continued plane, and of its spectrum's parts
        self._check_fits(f"a plane of {rows} x {cols} pixels, continued for the PSF,", numbers)
        together = max(1, CHUNK_NUMBERS // numbers)
        for start in range(0, count, together):
            chunk = slice(start, start + together)
            self._transform(planes[chunk], psf, boundary, extent, dtype, out[chunk])

    def _transform(
        self,
        planes: torch.Tensor,
        psf: PSF,
        boundary: Boundary,
        extent: tuple[tuple[int, int], tuple[int, int]],
        dtype: torch.dtype,
        out: torch.Tensor,
    ) -> None:
        """Multiply the spectrum of the continued planes by the transfer function."""
        (top, height), (left, width) = extent
        spectrum = torch.fft.rfft2(self._continued(planes, extent, boundary, dtype))
        spectrum *= self._kept.get(
            (psf, height, width), lambda: self._upload(scaled_table(psf, height, width))
        )
        # The table holds the transform's scale, so that no pass over the planes is spent on it.
        blurred = torch.fft.irfft2(spectrum, s=(height, width), norm="forward")
        rows, cols = out.shape[-2:]
        out.copy_(blurred[:, top : top + rows, left : left + cols])

    def _continued(
        self,
        planes: torch.Tensor,
        extent: tuple[tuple[int, int], tuple[int, int]],
        boundary: Boundary,
        dtype: torch.dtype,
    ) -> torch.Tensor:
        """Continue planes beyond their edges: first along the rows, then whole rows."""
        (count, rows, cols), ((top, height), (left, width)) = planes.shape, extent
        new = torch.zeros if boundary == "zero" else torch.empty
        wide = new((count, height, width), dtype=dtype, device=self.device)
        middle = wide[:, top : top + rows]
        middle[:, :, left : left + cols] = planes
        if boundary == "zero":
            return wide
        columns = self._places(cols, left, width, boundary)
        for outside in (slice(0, left), slice(left + cols, width)):
            middle[:, :, outside] = middle.index_select(2, columns[outside])
        lines = self._places(rows, top, height, boundary)
        for outside in (slice(0, top), slice(top + rows, height)):
            wide[:, outside] = wide.index_select(1, lines[outside])
        return wide

    def _places(self, size: int, before: int, length: int, boundary: Boundary) -> torch.Tensor:
        """Which place of a continued axis, among those of the pixels, each place repeats."""
        return self._kept.get(
            (size, before, length, boundary),
            lambda: self._upload(before + source_index(size, before, length, boundary)),
        )

    def _upload(self, table: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(table).to(self.device)


class CpuBackend(TorchBackend):
    """Convolution on the CPU."""

    def __init__(self) -> None:
        super().__init__("torch:cpu", torch.device("cpu"))


class CudaBackend(TorchBackend):
    """Convolution on one NVIDIA GPU.

    Parameters
    ----------
    number : int, optional
        Among the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves; by default the first of them, which
        is then called "torch:cuda".
    """

    def __init__(self, number: int | None = None) -> None:
        name = "torch:cuda" if number is None else f"torch:cuda:{number}"
        super().__init__(name, torch.device("cuda", number or 0))

    def probe(self) -> ProbeReport:
        """Look for CUDA in this PyTorch, a driver, the device and some memory, in this order."""
        if torch.version.cuda is None and torch.version.hip is None:
            return ProbeReport(
                "no-device",
                f"PyTorch {torch.__version__} is built without CUDA",
                "pytorch.org/get-started shows the command that installs a build with CUDA",
            )
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if found == 0:
            return ProbeReport(
                "no-device",
                str(told[-1].message) if told else "CUDA finds no GPU, or no driver for it",
                "run nvidia-smi: it shows the driver and the GPUs; CUDA_VISIBLE_DEVICES hides some",
            )
        if self.device.index >= found:
            return ProbeReport("no-device", f"PyTorch sees {found} GPU(s), counted from 0")
        return _allocation_report(self.device, "nvidia-smi shows what else runs on the GPU")

    def synchronize(self) -> None:
        """Wait for the GPU."""
        torch.cuda.synchronize(self.device)

    def memory(self) -> MemoryInfo:
        """Say what the driver has free, and what PyTorch holds without using it."""
        free, total = torch.cuda.mem_get_info(self.device)
        unused = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return MemoryInfo(free + unused, total)

    def release(self) -> None:
        """Forget the tables, and give back the memory that PyTorch keeps for the next tensor."""
        super().release()
        with torch.cuda.device(self.device):
            torch.cuda.empty_cache()


class MpsBackend(TorchBackend):
    """Convolution on Apple silicon, by Metal Performance Shaders.

    There is no double precision there: float64 is taken as float32, and the darkest parts of a
    picture whose highlights are thousands of times brighter hold the rounding noise of single
    precision.
    """

    max_array_bytes = MPS_BYTES

    def __init__(self) -> None:
        super().__init__("torch:mps", torch.device("mps", 0))

    def probe(self) -> ProbeReport:
        """Look for MPS in this PyTorch, in this macOS, and for some memory, in this order."""
        if not torch.backends.mps.is_built():
            return ProbeReport(
                "no-device",
                f"PyTorch {torch.__version__} is built without MPS",
                "MPS needs a Mac with Apple silicon, and PyTorch for macOS on arm64",
            )
        if not torch.backends.mps.is_available():
            return ProbeReport(
                "no-device",
                "this Mac has no device for MPS",
                "it needs Apple silicon and macOS 14 or later, 15 recommended",
            )
        return _allocation_report(self.device, "virtual machines often have no GPU of their own")

    def synchronize(self) -> None:
        """Wait for the GPU."""
        torch.mps.synchronize()

    def memory(self) -> MemoryInfo:
        """Say what Metal recommends for this process, less what its driver has given it."""
        total = torch.mps.recommended_max_memory()
        return MemoryInfo(max(0, total - torch.mps.driver_allocated_memory()), total)

    def release(self) -> None:
        """Forget the tables, and give back the memory that PyTorch keeps for the next tensor."""
        super().release()
        torch.mps.empty_cache()

    def _stored_as(self, dtype: torch.dtype) -> torch.dtype:
        return torch.float32 if dtype == torch.float64 else dtype

    def _precision(self, planes: torch.Tensor) -> torch.dtype:
        return planes.dtype


create_cpu = CpuBackend
create_cuda = CudaBackend
create_mps = MpsBackend


def __getattr__(name: str) -> Callable[[], CudaBackend]:
    """Give the factory of one GPU by its number: create_cuda_0 and so on."""
    prefix, _, number = name.rpartition("_")
    if prefix == "create_cuda" and number.isdecimal():
        return partial(CudaBackend, int(number))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def fast_length(least: int) -> int:
    """Return a transform length from `least` up: 16 times a product of 2, 3, 5 and 7."""
    steps = max(1, math.ceil(least / 16))
    while not _is_smooth(steps):
        steps += 1
    return 16 * steps


def scaled_table(psf: PSF, height: int, width: int) -> npt.NDArray[Any]:
    """Compute a transfer function, divided by the size of the transform."""
    table = transfer_table(psf, np.fft.fftfreq(height), np.fft.rfftfreq(width))
    table *= 1.0 / (height * width)
    return table


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number == 1


def _parts(psf: PSF | Sequence[PSF]) -> list[tuple[slice, PSF]]:
    """Slices of the first axis whose planes share a PSF."""
    if isinstance(psf, PSF):
        return [(slice(None), psf)]
    parts, start = [], 0
    for one, run in groupby(psf):
        stop = start + len(list(run))
        parts.append((slice(start, stop), one))
        start = stop
    return parts


def _shareable(host: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array that PyTorch can look at: native, writable, with forward strides."""
    native = host.astype(host.dtype.newbyteorder("="), copy=False)
    forward = all(stride >= 0 and stride % native.itemsize == 0 for stride in native.strides)
    return native if native.flags.writeable and forward else native.copy()


def _allocation_report(device: torch.device, hint: str) -> ProbeReport:
    """See whether anything at all can be allocated."""
    try:
        torch.zeros(1, device=device)
    except RuntimeError as error:
        return ProbeReport("no-device", f"it gives no memory: {str(error).splitlines()[0]}", hint)
    return ProbeReport()

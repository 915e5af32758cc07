"""Convolution by PyTorch, on any of its devices: the only module that imports torch.

A PSF of more than a few samples goes by one Fourier transform of all planes, continued beyond
their edges, times a transfer function that stays on the device. PyTorch's own convolutions are
not used: they take longer, TensorFloat-32 may round them, and on Apple silicon a wide one may be
wrong. No setting of PyTorch's is changed.
"""

import math
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import Any, TypeAlias

import array_api_compat.torch as xp
import numpy as np
import numpy.typing as npt
import torch
from torch.utils import collect_env

from phos_core.backend import (
    PSF,
    SINGLE_RANGE,
    Array,
    BackendBase,
    Boundary,
    Chain,
    CudaKernels,
    ErrorKind,
    Grain,
    Limits,
    MemoryInfo,
    OutOfMemoryError,
    ProbeReport,
    TableCache,
    UnsupportedOperationError,
    circular_extent,
    direct_convolution,
    fast_even_length,
    grain_noise,
    host_memory,
    source_index,
    transfer_table,
)

from .metal import ChainKernel, MetalKernels

__all__ = ["CpuBackend", "CudaBackend", "MpsBackend", "TorchBackend"]

Extent: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""Places in front of the image and in all, of rows and of columns."""

TABLE_BYTES = 512 * 2**20  # our choice: transfer functions kept on the device
DIRECT_SAMPLES = 9  # up to this many, adding shifted images beats a transform
INDEX_LIMIT = 2**31 - 1  # numbers in one tensor: many kernels count them in 32 bits
MPS_BYTES = 2**32 - 1  # of one tensor: a larger one ends the process, past any `except`
LIGHT_PLANES = 3  # red, green and blue: a grey picture too is exposed as these
SPARSE = 16  # the typical value of a plane is that of every so manieth row and column

NO_KERNEL = 'extern "C" __global__ void nothing() {}'
COMPILER_HINT = "pip install 'phos-torch[cuda]' brings NVIDIA's compiler"

# PyTorch raises plain RuntimeErrors, told apart by their text alone.
OUT_OF_MEMORY = (
    *("out of memory", "DefaultCPUAllocator", "ALLOC_FAILED"),
    *("bad_alloc", "bad allocation", "not enough memory"),  # from C++, and on Windows
)
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
    limits = Limits(max_elements=INDEX_LIMIT)
    chunk_numbers = 2**28  # our choice: planes that are transformed together hold no more

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self.device = device
        self._kept = TableCache[Any](TABLE_BYTES)

    def to_device(self, host: npt.NDArray[Any] | torch.Tensor) -> Array:
        """Copy an array to the device; a tensor that is there is taken as it is."""
        if isinstance(host, torch.Tensor):
            return host.detach().to(self.device)
        grey_as_three = LIGHT_PLANES if host.ndim > 2 and host.shape[0] < LIGHT_PLANES else 1
        self._check_fits("the picture", grey_as_three * host.size)
        return self._from_host(host)

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Copy a tensor to memory of its own, channels last as pictures have them."""
        pixels = x.movedim(-3, -1) if x.ndim > 2 else x
        # On the CPU, whatever the program's default device is.
        host = torch.empty(pixels.shape, dtype=x.dtype, device="cpu", pin_memory=x.is_cuda)
        array: npt.NDArray[Any] = host.copy_(pixels.detach()).numpy()
        return np.moveaxis(array, -1, -3) if x.ndim > 2 else array

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve planes by direct sums where all PSFs are tiny, else by transform."""
        with torch.no_grad():
            if image.numel() == 0:
                return image.clone()
            psfs = _distinct(psf)
            layers = image.reshape(len(psfs), -1, *image.shape[-2:])
            ry, rx = _reach(psfs)
            if (2 * ry + 1) * (2 * rx + 1) <= DIRECT_SAMPLES:
                blurred = torch.stack(
                    [direct_convolution(layers[i], one, boundary) for i, one in enumerate(psfs)]
                )
            else:
                extent = self._extent(layers.shape, (ry, rx), boundary)
                blurred = self._convolve_layers(layers, psfs, boundary, extent)
            return blurred.reshape(image.shape)

    def picture(self, channels: Array) -> Array:
        """Give channels as a picture; see `MakesPictures`."""
        return channels.movedim(0, -1).contiguous()

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

    def _from_host(self, host: npt.NDArray[Any]) -> torch.Tensor:
        """A copy on the device: in the order it has in memory, which a device changes quicker."""
        return self._uploaded(torch.from_numpy(_shareable(host))).contiguous()

    def _uploaded(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy on the device, in the order that the numbers have."""
        return tensor.to(self.device, copy=True)

    def _check_fits(self, what: str, numbers: int) -> None:
        """Raise before a tensor is made that is too large for the device's kernels."""
        most = self.limits.max_elements or INDEX_LIMIT
        if self.limits.max_array_bytes is not None:
            most = min(most, self.limits.max_array_bytes // 4)
        if numbers > most:
            raise OutOfMemoryError(
                f"{self.name}: {what} takes {numbers} numbers, {most} at most fit one tensor; "
                "work in tiles"
            )

    def _extent(self, shape: Sequence[int], reach: tuple[int, int], boundary: Boundary) -> Extent:
        """How far planes are continued for a PSF; an error if no tensor holds that."""
        (rows, cols), (ry, rx) = shape[-2:], reach
        extent = (
            circular_extent(rows, ry, boundary, fast_length),
            circular_extent(cols, rx, boundary, fast_length),
        )
        what = f"a plane of {rows} x {cols} pixels, continued for the PSF,"
        self._check_fits(what, _numbers(extent))
        return extent

    def _convolve_layers(
        self, layers: torch.Tensor, psfs: tuple[PSF, ...], boundary: Boundary, extent: Extent
    ) -> torch.Tensor:
        """Convolve layers of planes, each plane in the precision that it needs."""
        blurred = self._in_groups(layers, psfs, boundary, extent)
        # Asked while a GPU is busy with the transform, the question costs no time.
        for layer, plane in self._of_great_range(layers):
            one = (layer, slice(plane, plane + 1))
            part = psfs[layer : layer + 1]
            self._transform(layers[one], part, boundary, extent, torch.float64, blurred[one])
        return blurred

    def _of_great_range(self, layers: torch.Tensor) -> list[tuple[int, int]]:
        """Layer and plane of those whose peak is over 2000 times their median."""
        if layers.dtype == torch.float64:
            return []
        sparse = layers[..., ::SPARSE, ::SPARSE]
        peak = torch.linalg.vector_norm(layers, math.inf, (-2, -1), keepdim=True)
        # Most of a plane below a 2000th of its peak: so is its median.
        faint = (sparse.abs() * SINGLE_RANGE < peak).sum((-2, -1))
        half = sparse.shape[-2] * sparse.shape[-1] // 2
        return [
            (layer, plane)
            for layer, counts in enumerate(faint.tolist())
            for plane, count in enumerate(counts)
            if count > half
        ]

    def _in_groups(
        self, layers: torch.Tensor, psfs: tuple[PSF, ...], boundary: Boundary, extent: Extent
    ) -> torch.Tensor:
        """Convolve layers of planes in their own precision, as many at a time as a call takes."""
        blurred = torch.empty_like(layers, memory_format=torch.contiguous_format)
        count, planes = layers.shape[:2]
        together = max(1, self.chunk_numbers // _numbers(extent))
        transform = partial(self._transform, boundary=boundary, extent=extent, dtype=layers.dtype)
        if planes == 1 and count <= together:
            transform(layers[:, 0], psfs, out=blurred[:, 0])
            return blurred
        for layer in range(count):
            for start in range(0, planes, together):
                some = (layer, slice(start, start + together))
                transform(layers[some], psfs[layer : layer + 1], out=blurred[some])
        return blurred

    def _transform(
        self,
        planes: torch.Tensor,
        psfs: tuple[PSF, ...],
        boundary: Boundary,
        extent: Extent,
        dtype: torch.dtype,
        out: torch.Tensor,
    ) -> None:
        """Multiply the spectrum of the continued planes by the transfer functions."""
        (top, height), (left, width) = extent
        spectrum = torch.fft.rfft2(self._continued(planes, extent, boundary, dtype))
        spectrum *= self._table(psfs, height, width)
        # The table holds the transform's scale, so that no pass over the planes is spent on it.
        blurred = torch.fft.irfft2(spectrum, s=(height, width), norm="forward")
        rows, cols = out.shape[-2:]
        out.copy_(blurred[:, top : top + rows, left : left + cols])

    def _table(self, psfs: tuple[PSF, ...], height: int, width: int) -> torch.Tensor:
        """Transfer functions, of each plane or of all, divided by the transform's size."""
        return self._kept.get(
            (psfs, height, width),
            lambda: torch.stack([self._upload(scaled_table(one, height, width)) for one in psfs]),
        )

    def _continued(
        self,
        planes: torch.Tensor,
        extent: Extent,
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
            middle[:, :, outside] = planes.index_select(2, columns[outside])
        lines = self._places(rows, top, height, boundary)
        for outside in (slice(0, top), slice(top + rows, height)):
            wide[:, outside] = middle.index_select(1, lines[outside])
        return wide

    def _places(self, size: int, before: int, length: int, boundary: Boundary) -> torch.Tensor:
        """Which pixel each place of a continued axis repeats."""
        return self._kept.get(
            (size, before, length, boundary),
            lambda: self._upload(source_index(size, before, length, boundary)),
        )

    def _upload(self, table: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(table).to(self.device)


class CpuBackend(TorchBackend):
    """Convolution on the CPU."""

    chunk_numbers = 1  # the transform of a plane rounds otherwise beside others

    def __init__(self) -> None:
        super().__init__("torch:cpu", torch.device("cpu"))

    def memory(self) -> MemoryInfo:
        """Say how much memory there is here."""
        return host_memory()

    def device_facts(self) -> Mapping[str, str]:
        """Say how many threads PyTorch uses, and for which instructions its kernels are."""
        return {
            "threads": str(torch.get_num_threads()),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        }


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
        self._unmade = ""  # why there are no kernels of phos' own

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve large planes by kernels of phos' own, others as PyTorch does everywhere."""
        blurred = None
        if self._kernels is not None and image.numel():
            with torch.cuda.device(self.device), torch.no_grad():
                blurred = self._kernels.convolve(image, psf, boundary)
        return super().convolve(image, psf, boundary=boundary) if blurred is None else blurred

    def compile(self, chain: Chain) -> Callable[..., Array]:
        """Make one kernel of a chain, or give the one that was made.

        Raises
        ------
        UnsupportedOperationError
            If a kernel cannot take the chain, or nothing compiles kernels here.
        """
        if self._kernels is None:
            raise UnsupportedOperationError(f"{self.name}: {self._unmade}")
        with torch.cuda.device(self.device):
            return self._kernels.compile(chain)

    def grain_noise(self, like: Array, params: Grain, **where: Any) -> Array:
        """Make the noise of `phos_core.backend.grain_noise`, in one kernel where that is made."""
        made = None
        if self._kernels is not None:
            with torch.cuda.device(self.device):
                made = self._kernels.grain_noise(params, **where)
        return grain_noise(like, params, **where) if made is None else made

    @property
    def lanes(self) -> int:
        """How many pieces of work run side by side."""
        return 1 if self._kernels is None else self._kernels.lanes

    def side_by_side(self, work: Callable[[int], None], count: int) -> None:
        """Do pieces of work on a few streams; see `RunsSideBySide`."""
        if self._kernels is None:
            for index in range(count):
                work(index)
        else:
            self._kernels.side_by_side(work, count)

    def _from_host(self, host: npt.NDArray[Any]) -> torch.Tensor:
        """A copy on the device as it lies in memory, in slices that overlap.

        Page-locked memory is read later: it must stay as it is until the device has got there.
        """
        if self._kernels is None:
            return super()._from_host(host)
        with torch.cuda.device(self.device):
            there: torch.Tensor = self._kernels.transfers.upload(host)
        return there

    @cached_property
    def _kernels(self) -> CudaKernels | None:
        """Kernels of phos' own; None where NVIDIA's compiler is not to be had."""
        try:
            from phos_torch.cuda import TorchCudaLibrary

            library = TorchCudaLibrary(self.name, self.device)
            with torch.cuda.device(self.device):
                library.compile(NO_KERNEL, {}, ["nothing"])
        except (ImportError, OSError, RuntimeError) as error:  # the compiler, its library, a driver
            self._unmade = f"nothing compiles kernels here ({error}); {COMPILER_HINT}"
            return None
        return CudaKernels(library, self._kept)

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

    def device_facts(self) -> Mapping[str, str]:
        """Say which GPU, which CUDA and driver, and what PyTorch's pool holds."""
        properties = torch.cuda.get_device_properties(self.device)
        held, used = self._held_and_used()
        own = "PyTorch's alone" if self._kernels is None else "phos' own"
        return {
            "name": properties.name,
            "compute capability": f"{properties.major}.{properties.minor}",
            "CUDA of PyTorch": str(torch.version.cuda or torch.version.hip),
            "kernels": f"{own}{self._unmade and ': ' + self._unmade}",
            "driver": collect_env.get_nvidia_driver_version(collect_env.run) or "not known",
            "held by PyTorch": _mib(held),
            "of it in use": _mib(used),
        }

    def synchronize(self) -> None:
        """Wait for the GPU."""
        torch.cuda.synchronize(self.device)

    def memory(self) -> MemoryInfo:
        """Say what the driver has free, and what PyTorch holds without using it."""
        free, total = torch.cuda.mem_get_info(self.device)
        held, used = self._held_and_used()
        return MemoryInfo(free + held - used, total)

    def release(self) -> None:
        """Forget the tables, and give back the memory that PyTorch keeps for the next tensor."""
        super().release()
        if self._kernels is not None:
            self._kernels.release()
        with torch.cuda.device(self.device):
            torch.cuda.empty_cache()

    def _held_and_used(self) -> tuple[int, int]:
        """Bytes that PyTorch has from the driver, and of these the bytes in tensors."""
        statistics = torch.cuda.memory_stats_as_nested_dict(self.device)
        held, used = (
            statistics[what]["all"]["current"] for what in ("reserved_bytes", "allocated_bytes")
        )
        return int(held), int(used)

    def _continued(
        self, planes: torch.Tensor, extent: Extent, boundary: Boundary, dtype: torch.dtype
    ) -> torch.Tensor:
        """Continue planes in two steps: to start more takes the host longer than the GPU."""
        if boundary == "zero":
            return super()._continued(planes, extent, boundary, dtype)
        (rows, cols), ((top, height), (left, width)) = planes.shape[-2:], extent
        lines = self._places(rows, top, height, boundary)
        columns = self._places(cols, left, width, boundary)
        return planes.to(dtype).index_select(2, columns).index_select(1, lines)


class MpsBackend(TorchBackend):
    """Convolution on Apple silicon, by Metal Performance Shaders.

    There is no double precision there: float64 is taken as float32, and the darkest parts of a
    picture whose highlights are thousands of times brighter hold the rounding noise of single
    precision. Transforms are PyTorch's own; chains and grain are kernels in Metal, where PyTorch
    compiles them.
    """

    limits = Limits(max_elements=INDEX_LIMIT, max_array_bytes=MPS_BYTES)

    def __init__(self) -> None:
        super().__init__("torch:mps", torch.device("mps", 0))

    @cached_property
    def _metal(self) -> MetalKernels:
        return MetalKernels(self.name, self.device)

    def compile(self, chain: Chain) -> ChainKernel:
        """Make one kernel of a chain.

        Raises
        ------
        UnsupportedOperationError
            If PyTorch or Metal cannot compile it: the reason is kept, and it is not tried again.
        """
        return self._metal.compile(chain)

    def grain_noise(self, like: Array, params: Grain, **where: Any) -> Array:
        """Make the noise of `phos_core.backend.grain_noise`, in one kernel where that compiles."""
        made = self._metal.grain_noise(params, **where)
        return grain_noise(like, params, **where) if made is None else made

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
        report = _allocation_report(self.device, "virtual machines often have no GPU of their own")
        if report.status == "ok" and self._metal.trouble():
            return ProbeReport(reason=f"steps run as array code: {self._metal.trouble()}")
        return report

    def device_facts(self) -> Mapping[str, str]:
        """Say which macOS and chip, and what Metal gives and recommends."""
        return {
            "macOS": platform.mac_ver()[0],
            "chip": platform.processor() or platform.machine(),
            "recommended by Metal": _mib(torch.mps.recommended_max_memory()),
            "given by Metal's driver": _mib(torch.mps.driver_allocated_memory()),
            "of it in use": _mib(torch.mps.current_allocated_memory()),
            "kernels": self._metal.facts(),
        }

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
        self._metal.release()
        torch.mps.empty_cache()

    def _uploaded(self, tensor: torch.Tensor) -> torch.Tensor:
        stored_as = torch.float32 if tensor.dtype == torch.float64 else tensor.dtype
        return tensor.to(self.device, stored_as, copy=True)

    def _of_great_range(self, layers: torch.Tensor) -> list[tuple[int, int]]:
        return []


fast_length = lru_cache(maxsize=256)(fast_even_length)

create_cpu = CpuBackend
create_cuda = CudaBackend
create_mps = MpsBackend


def __getattr__(name: str) -> Callable[[], CudaBackend]:
    """Give the factory of one GPU by its number: create_cuda_0 and so on."""
    prefix, _, number = name.rpartition("_")
    if prefix == "create_cuda" and number.isdecimal():
        return partial(CudaBackend, int(number))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def scaled_table(psf: PSF, height: int, width: int) -> npt.NDArray[Any]:
    """Compute a transfer function, divided by the size of the transform."""
    table = transfer_table(psf, np.fft.fftfreq(height), np.fft.rfftfreq(width))
    table *= 1.0 / (height * width)
    return table


def _numbers(extent: Extent) -> int:
    """How many numbers a continued plane holds, and its spectrum's parts."""
    (_, height), (_, width) = extent
    return height * (width + 2)


def _distinct(psf: PSF | Sequence[PSF]) -> tuple[PSF, ...]:
    """One PSF for each layer, or one alone where it serves them all."""
    psfs = (psf,) if isinstance(psf, PSF) else tuple(psf)
    return psfs[:1] if all(one == psfs[0] for one in psfs) else psfs


def _reach(psfs: tuple[PSF, ...]) -> tuple[int, int]:
    """Radius that holds each PSF."""
    radii = [one.radius for one in psfs]
    return max(ry for ry, _ in radii), max(rx for _, rx in radii)


def _shareable(host: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array that PyTorch can look at: native, writable, with forward strides."""
    native = host.astype(host.dtype.newbyteorder("="), copy=False)
    forward = all(stride >= 0 and stride % native.itemsize == 0 for stride in native.strides)
    return native if native.flags.writeable and forward else native.copy()


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"


def _allocation_report(device: torch.device, hint: str) -> ProbeReport:
    """See whether anything at all can be allocated."""
    try:
        torch.zeros(1, device=device)
    except RuntimeError as error:
        return ProbeReport("no-device", f"it gives no memory: {str(error).splitlines()[0]}", hint)
    return ProbeReport()

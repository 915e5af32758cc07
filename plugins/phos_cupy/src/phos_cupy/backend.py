"""CuPy on an NVIDIA GPU.

Every PSF goes by Fourier transforms of all planes, continued beyond their edges, times a transfer
function that stays on the device: a wide PSF costs little more than a narrow one. Planes of
pictures in single precision go by kernels of phos' own, all others by cuFFT.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import array_api_compat.cupy as xp
import cupy
import cupyx
import cupyx.scipy.fft
import numpy as np
import numpy.typing as npt

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
    ProbeReport,
    TableCache,
    UnsupportedOperationError,
    circular_extent,
    fast_even_length,
    grain_noise,
    source_index,
    transfer_table,
)

from .library import CupyLibrary

__all__ = ["CupyBackend", "create"]

Extent: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""Places in front of the image and in all, of rows and of columns."""

TABLE_BYTES = 2**29  # our choice: transfer functions kept for the next image
PLAN_SHARE = 8  # our choice: one part in so many of the memory may be the plans' workspace
MOST_NUMBERS = 2**31 - 1  # in one array: beyond it indices of 32 bits overflow
SPARSE = 16  # the median is that of every so manieth row and column

DRIVER_TOO_OLD = 35  # cudaErrorInsufficientDriver; also where there is no driver
NO_DEVICE = 100  # cudaErrorNoDevice
OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation, and CUFFT_ALLOC_FAILED
LOST = frozenset({46, 100, 214, 220, 719})  # unavailable, gone, memory faults, a failed launch

DISTRIBUTIONS = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")

# Each place of the continued planes takes its pixel; an index below 0 stands for black.
_continue = cupy.ElementwiseKernel(
    "raw T image, int32 plane, int32 line, int32 column, int64 rows, int64 cols",
    "S wide",
    "wide = (line < 0 || column < 0) ? S(0) : S(image[(plane * rows + line) * cols + column])",
    "phos_continue",
)
_peak = cupy.ReductionKernel("T x", "T peak", "abs(x)", "max(a, b)", "peak = a", "0", "phos_peak")
_count_faint = cupy.ReductionKernel(
    "T x, T peak",
    "int64 count",
    f"abs(x) * (T){SINGLE_RANGE} < peak ? 1 : 0",
    "a + b",
    "count = a",
    "0",
    "phos_count_faint",
)
_fast_length = lru_cache(maxsize=256)(fast_even_length)


def create() -> "CupyBackend":
    """Make the backend; the factory that the plug-in names."""
    return CupyBackend()


class CupyBackend(BackendBase):
    """Convolution on the first NVIDIA GPU that the process sees."""

    name = "cupy"
    xp = xp
    device = cupy.cuda.Device(0)
    limits = Limits(max_elements=MOST_NUMBERS)
    lanes = CudaKernels.lanes

    def __init__(self) -> None:
        self._kept = TableCache[Any](TABLE_BYTES)
        self._library = CupyLibrary(self.device)
        self._kernels = CudaKernels(self._library, self._kept)

    def probe(self) -> ProbeReport:
        """Look for a driver, a device, CUDA's libraries and some memory, in this order."""
        report = _find_device()
        if report.status == "ok":
            report = _find_libraries()
        if report.status == "ok":
            report = self._try_memory()
        installed = [name for name in DISTRIBUTIONS if _is_installed(name)]
        if report.status == "ok" and len(installed) > 1:
            return ProbeReport(
                reason=f"{' and '.join(installed)} overwrite each other's files",
                hint="uninstall them all, then install one",
            )
        return report

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Copy an array to the device as it lies in memory.

        Page-locked memory is read later: it must stay as it is until the device has got there.
        """
        if isinstance(host, cupy.ndarray):
            return host
        with self.device:
            return self._kernels.transfers.upload(host)

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Copy an array to page-locked memory of the host, channels last as pictures have them."""
        with self.device:
            picture = cupy.ascontiguousarray(cupy.moveaxis(x, -3, -1) if x.ndim > 2 else x)
            host = cupyx.empty_pinned(picture.shape, picture.dtype)
            picture.get(out=host)
        return np.moveaxis(host, -1, -3) if x.ndim > 2 else np.asarray(host)

    def synchronize(self) -> None:
        """Wait for the device."""
        self.device.synchronize()

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve all planes at once, in as many calls as their size demands."""
        with self.device:
            if image.size == 0:
                return image.copy()
            blurred = self._kernels.convolve(image, psf, boundary)
            if blurred is not None:
                return blurred
            plane_shape = image.shape[-2:]
            psfs = (psf,) if isinstance(psf, PSF) else tuple(psf)
            extent = _extent(plane_shape, psfs, boundary)
            if isinstance(psf, PSF):
                planes = image.reshape(-1, *plane_shape)
                return self._in_groups(planes, psf, boundary, extent).reshape(image.shape)
            layers = image.reshape(image.shape[0], -1, *plane_shape)
            if layers.shape[1] == 1:
                blurred = self._in_groups(layers[:, 0], psfs, boundary, extent)
            else:
                blurred = cupy.stack(
                    [
                        self._in_groups(layer, one, boundary, extent)
                        for layer, one in zip(layers, psfs, strict=True)
                    ]
                )
            return blurred.reshape(image.shape)

    def compile(self, chain: Chain) -> Callable[..., Array]:
        """Make one kernel of a chain, or give the one that was made.

        Raises
        ------
        UnsupportedOperationError
            If a kernel cannot take the chain.
        """
        with self.device:
            return self._kernels.compile(chain)

    def grain_noise(self, like: Array, params: Grain, **where: Any) -> Array:
        """Make the noise of `phos_core.backend.grain_noise` in one kernel."""
        with self.device:
            made = self._kernels.grain_noise(params, **where)
            return grain_noise(like, params, **where) if made is None else made

    def picture(self, channels: Array) -> Array:
        """Give channels as a picture; see `MakesPictures`."""
        with self.device:
            return cupy.ascontiguousarray(cupy.moveaxis(channels, 0, -1))

    def side_by_side(self, work: Callable[[int], None], count: int) -> None:
        """Do pieces of work on a few streams; see `RunsSideBySide`."""
        self._kernels.side_by_side(work, count)

    def memory(self) -> MemoryInfo:
        """Say what the driver has free, and what CuPy's pool holds ready within its limit."""
        with self.device:
            free, total = cupy.cuda.runtime.memGetInfo()
            pool = cupy.get_default_memory_pool()
            free += pool.free_bytes()
            limit = pool.get_limit()
            if limit:
                free = min(free, limit - pool.used_bytes())
        return MemoryInfo(max(free, 0), total)

    def device_facts(self) -> Mapping[str, str]:
        """Say which GPU, which CUDA, and what CuPy's pools hold."""
        runtime = cupy.cuda.runtime
        with self.device:
            properties = runtime.getDeviceProperties(self.device.id)
            pool = cupy.get_default_memory_pool()
            held, used, limit = pool.total_bytes(), pool.used_bytes(), pool.get_limit()
        return {
            "name": properties["name"].decode(),
            "compute capability": f"{properties['major']}.{properties['minor']}",
            "CUDA of CuPy": _cuda(runtime.runtimeGetVersion()),
            "CUDA that the driver knows": _cuda(runtime.driverGetVersion()),
            "held by CuPy's pool": _mib(held),
            "of it in use": _mib(used),
            "limit of the pool": _mib(limit) if limit else "none",
        }

    def release(self) -> None:
        """Forget transfer functions and plans, and give the pools' free memory back."""
        with self.device:
            self._kept.clear()
            self._kernels.release()
            cupy.fft.config.get_plan_cache().clear()
            cupy.get_default_memory_pool().free_all_blocks()
            cupy.get_default_pinned_memory_pool().free_all_blocks()

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Recognise CUDA's errors by their numbers."""
        if isinstance(error, cupy.cuda.runtime.CUDARuntimeError):
            if error.status == OUT_OF_MEMORY:
                return "out-of-memory"
            return "device-lost" if error.status in LOST else None
        if type(error).__name__ == "CuFFTError":  # cuFFT itself may be missing
            full = getattr(error, "result", None) == OUT_OF_MEMORY
            return "out-of-memory" if full else None
        return super().classify_error(error)

    def _try_memory(self) -> ProbeReport:
        """See whether anything at all can be allocated."""
        try:
            self._allocate()
        except (MemoryError, cupy.cuda.runtime.CUDARuntimeError) as error:
            return ProbeReport(
                "no-device",
                f"the GPU gives no memory: {error}",
                "close other programs that use the GPU; nvidia-smi lists them",
            )
        return ProbeReport()

    def _allocate(self) -> None:
        with self.device:
            cupy.empty(1, cupy.float32)

    def _in_groups(
        self, planes: Array, psf: PSF | tuple[PSF, ...], boundary: Boundary, extent: Extent
    ) -> Array:
        """Convolve planes, so many at a time that every array can be indexed with 32 bits."""
        rows, cols = planes.shape[-2:]
        (_, height), (_, width) = extent
        group = MOST_NUMBERS // (height * (width + 2))
        if group == 0:
            raise UnsupportedOperationError(
                f"cupy: a plane of {rows} x {cols} pixels, continued for the PSF, needs "
                f"{height} x {width} numbers, {MOST_NUMBERS} at most fit one array; "
                "convolve it in tiles"
            )
        if group >= len(planes):
            return self._transform(planes, psf, boundary, extent)
        blurred = cupy.empty(planes.shape, planes.dtype)
        for start in range(0, len(planes), group):
            part = slice(start, start + group)
            part_psf = psf if isinstance(psf, PSF) else psf[part]
            blurred[part] = self._transform(planes[part], part_psf, boundary, extent)
        return blurred

    def _transform(
        self, planes: Array, psf: PSF | tuple[PSF, ...], boundary: Boundary, extent: Extent
    ) -> Array:
        """Convolve planes in the precision that they need."""
        _forget_large_plans()
        blurred = self._transform_as(planes.dtype, planes, psf, boundary, extent)
        # Asked while the device is busy with the transform, the question costs no time.
        for plane in _of_great_range(planes):
            one = slice(plane, plane + 1)
            part = psf if isinstance(psf, PSF) else psf[one]
            blurred[one] = self._transform_as(cupy.float64, planes[one], part, boundary, extent)
        return blurred

    def _transform_as(
        self,
        dtype: Any,
        planes: Array,
        psf: PSF | tuple[PSF, ...],
        boundary: Boundary,
        extent: Extent,
    ) -> Array:
        """Multiply the spectrum of the continued planes by the transfer functions."""
        count, rows, cols = planes.shape
        (top, height), (left, width) = extent
        wide = cupy.empty((count, height, width), dtype)
        _continue(
            planes,
            self._planes(count),
            self._index(rows, top, height, boundary)[:, None],
            self._index(cols, left, width, boundary),
            rows,
            cols,
            wide,
        )
        spectrum = cupyx.scipy.fft.rfft2(wide)
        del wide
        spectrum *= self._table(psf, height, width)
        # The table holds the transform's scale, so that no pass over the planes is spent on it.
        blurred = cupyx.scipy.fft.irfft2(
            spectrum, (height, width), norm="forward", overwrite_x=True
        )
        return cupy.array(
            blurred[:, top : top + rows, left : left + cols], dtype=planes.dtype, order="C"
        )

    def _table(self, psf: PSF | tuple[PSF, ...], height: int, width: int) -> Array:
        """Transfer function, or one for each plane, divided by the transform's length."""
        psfs = (psf,) if isinstance(psf, PSF) else psf
        if all(one == psfs[0] for one in psfs):
            psfs = psfs[:1]
        return self._kept.get(
            (psfs, "cuFFT", height, width),
            lambda: self._library.upload(np.stack([_scaled(one, height, width) for one in psfs])),
        )

    def _planes(self, count: int) -> Array:
        """Indices of the planes."""
        return self._kept.get(
            ("planes", count),
            lambda: self._library.upload(np.arange(count, dtype=np.int32)[:, None, None]),
        )

    def _index(self, size: int, before: int, length: int, boundary: Boundary) -> Array:
        """Which pixel each place of a continued axis takes; -1 for none."""

        def make() -> Array:
            if boundary == "zero":
                index = np.arange(length) - before
                index[index >= size] = -1
            else:
                index = source_index(size, before, length, boundary)
            return self._library.upload(index.astype(np.int32))

        return self._kept.get((size, before, length, boundary), make)


def _extent(shape: Sequence[int], psfs: tuple[PSF, ...], boundary: Boundary) -> Extent:
    """How far planes are continued for the widest of the PSFs."""
    (rows, cols), radii = shape, [psf.radius for psf in psfs]
    ry, rx = (max(reach) for reach in zip(*radii, strict=True))
    return (
        circular_extent(rows, ry, boundary, _fast_length),
        circular_extent(cols, rx, boundary, _fast_length),
    )


def _scaled(psf: PSF, height: int, width: int) -> npt.NDArray[Any]:
    table = transfer_table(psf, np.fft.fftfreq(height), np.fft.rfftfreq(width))
    table *= 1.0 / (height * width)
    return table


def _forget_large_plans() -> None:
    """CuPy keeps the last 16 plans, however much workspace they hold: keep that within bounds."""
    limit = cupy.get_default_memory_pool().get_limit() or _total_bytes()
    plans = cupy.fft.config.get_plan_cache()
    if plans.get_curr_memsize() > limit // PLAN_SHARE:
        plans.clear()


@cache
def _total_bytes() -> int:
    """Memory of the device; asking takes a tenth of a convolution's time."""
    return int(cupy.cuda.runtime.memGetInfo()[1])


def _of_great_range(planes: Array) -> list[int]:
    """Which planes have a peak over 2000 times their median: most of them is fainter than that."""
    if planes.dtype != cupy.float32:
        return []
    sparse = planes[:, ::SPARSE, ::SPARSE]
    peak = _peak(_peak(planes, axis=-1), axis=-1)
    counts = _count_faint(sparse, peak[:, None, None], axis=-1).get()
    return [int(plane) for plane in np.flatnonzero(2 * counts.sum(axis=-1) > sparse[0].size)]


def _find_device() -> ProbeReport:
    """Ask CUDA for a device, and say why there is none."""
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        if error.status == DRIVER_TOO_OLD:
            return _driver_report()
        if error.status != NO_DEVICE:
            return ProbeReport("no-device", f"CUDA does not start: {error}", "run nvidia-smi")
        count = 0
    if count:
        return ProbeReport()
    return ProbeReport(
        "no-device",
        "the NVIDIA driver shows no GPU to this process",
        "run nvidia-smi; CUDA_VISIBLE_DEVICES may hide the GPU",
    )


def _driver_report() -> ProbeReport:
    """Tell a driver that is missing from one that is too old for this CuPy."""
    driver = cupy.cuda.runtime.driverGetVersion()
    if driver == 0:
        return ProbeReport(
            "no-device", "there is no NVIDIA driver", "install the driver of your NVIDIA GPU"
        )
    built_for = cupy.cuda.runtime.runtimeGetVersion()
    return ProbeReport(
        "no-device",
        f"the NVIDIA driver knows CUDA up to {_cuda(driver)}, this CuPy needs {_cuda(built_for)}",
        "update the driver, or install the extra for an older CUDA: [cuda12x]",
    )


def _find_libraries() -> ProbeReport:
    """Load NVRTC, which compiles CuPy's kernels, and cuFFT."""
    try:
        cupy.cuda.nvrtc.getVersion()
        from cupy.cuda import cufft  # noqa: F401 - whether it loads is the question
    except (ImportError, OSError, RuntimeError) as error:
        major = cupy.cuda.runtime.runtimeGetVersion() // 1000
        return ProbeReport(
            "missing-dependency",
            f"a library of CUDA is missing: {error}",
            f"pip install 'cupy-cuda{major}x[ctk]', or install the CUDA Toolkit {major}",
        )
    return ProbeReport()


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"


def _cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True

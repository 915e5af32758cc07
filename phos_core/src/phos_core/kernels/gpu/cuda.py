"""What phos computes by kernels of its own on an NVIDIA GPU, for any library of arrays there."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array, numpy_dtype
from phos_core.convolution.boundary import Boundary
from phos_core.convolution.chain import Chain
from phos_core.convolution.methods.cpu import finish_all
from phos_core.convolution.methods.planner import significant_radius
from phos_core.convolution.methods.tables import TableCache
from phos_core.effects.grain import Grain
from phos_core.kernels.gpu import grain_source
from phos_core.kernels.gpu.library import CudaLibrary
from phos_core.kernels.gpu.pixels import OPTIONS, ChainKernel, make_noise
from phos_core.kernels.gpu.transfers import Transfers
from phos_core.kernels.gpu.transforms import Transforms
from phos_core.psf import PSF

__all__ = ["CudaKernels"]

OWN_PIXELS = 2**18  # our choice: for smaller planes nothing is compiled, cuFFT takes every length
TRIMMED_SAMPLES = 2**20  # our choice: the reach of a larger PSF is taken as it is
CHAINS = 64  # kernels of chains that are kept


class CudaKernels:
    """Chains, grain, convolutions and copies by kernels in CUDA.

    A backend of a library on an NVIDIA GPU makes one, and hands its own calls over to it.

    Parameters
    ----------
    library : CudaLibrary
        What the kernels need of the library.
    kept : TableCache
        Keeps transfer functions and plans for the next picture; the backend may keep its own there.
    """

    lanes = 6  # measured: at work, on their way here and back, and copied by the host

    def __init__(self, library: CudaLibrary, kept: TableCache[Any]) -> None:
        self._library = library
        self.transfers = Transfers(library)
        self._transforms = Transforms(library, kept)
        self._lanes = ThreadPoolExecutor(self.lanes, thread_name_prefix="phos-lane")
        self._lane = threading.local()
        self.compile = lru_cache(maxsize=CHAINS)(self._compile)
        self._grain_kernel = lru_cache(maxsize=1)(self._make_grain_kernel)

    def convolve(self, image: Array, psf: PSF | Sequence[PSF], boundary: Boundary) -> Array | None:
        """Convolve planes; None where the library's own transforms are the better choice.

        Parameters
        ----------
        image : array, shape (layers, ..., rows, cols) or (rows, cols)
            The planes.
        psf : PSF or sequence of PSF
            One, or one for each layer.
        boundary : Boundary
            What lies beyond the edges.

        Returns
        -------
        array of float32 of the image's shape, or None
            None unless the image is of single precision, its planes are large, and the PSF no wider
            than they are: the kernels continue planes by all its reach, the library's transforms no
            farther than to where they repeat themselves.
        """
        shape = tuple(image.shape[-2:])
        psfs = distinct(psf)
        reach = significant_reach(psfs)
        is_wide = any(own > size for own, size in zip(reach, shape, strict=True))
        if is_wide or shape[0] * shape[1] < OWN_PIXELS or numpy_dtype(image) != np.float32:
            return None
        plan = self._transforms.plan_of(shape, reach, boundary)
        if plan is None:
            return None
        planes = self._library.in_one_piece(image).reshape(-1, *shape)
        return self._transforms.convolve(plan, planes, psfs).reshape(image.shape)

    def _compile(self, chain: Chain) -> ChainKernel:
        """Make one kernel of a chain: `compile` keeps it.

        Raises
        ------
        UnsupportedOperationError
            If a kernel cannot take the chain.
        """
        return ChainKernel(chain, self._library, self.transfers)

    def grain_noise(self, params: Grain, **where: Any) -> Array | None:
        """Make the noise of `phos_core.backend.grain_noise` in one kernel.

        Parameters
        ----------
        params : Grain
            The grain.
        **where
            As `phos_core.backend.grain_noise` takes it, each by its name.

        Returns
        -------
        array of float32, shape (layers, rows, cols), or None
            None where its grains are too large for a tile.
        """
        return make_noise(self._library, self._grain_kernel(), params, **where)

    def _make_grain_kernel(self) -> Any:
        source = grain_source.ON_DEVICE + grain_source.source()
        (kernel,) = self._library.compile(source, OPTIONS, ["grain"])
        return kernel

    def side_by_side(self, work: Callable[[int], None], count: int) -> None:
        """Do pieces of work on a few streams, so that copies overlap; see `RunsSideBySide`."""

        def in_lane(index: int) -> None:
            if not hasattr(self._lane, "stream"):
                self._lane.stream = self._library.new_stream()
                self.transfers.go_alone()
            with self._library.using(self._lane.stream):
                work(index)

        jobs = [self._lanes.submit(copy_context().run, in_lane, index) for index in range(count)]
        finish_all(jobs)

    def release(self) -> None:
        """Forget the kernels, and give page-locked memory back."""
        significant_reach.cache_clear()
        self.compile.cache_clear()
        self.transfers.release()


def distinct(psf: PSF | Sequence[PSF]) -> tuple[PSF, ...]:
    """One PSF for each layer, or one alone where it serves them all."""
    psfs = (psf,) if isinstance(psf, PSF) else tuple(psf)
    return psfs[:1] if all(one == psfs[0] for one in psfs[1:]) else psfs


@lru_cache(maxsize=256)
def significant_reach(psfs: tuple[PSF, ...]) -> tuple[int, int]:
    """How far PSFs reach in rows and columns, where they still have weight."""
    reaches = [_reach(psf) for psf in psfs]
    return max(ry for ry, _ in reaches), max(rx for _, rx in reaches)


def _reach(psf: PSF) -> tuple[int, int]:
    ry, rx = psf.radius
    if (2 * ry + 1) * (2 * rx + 1) > TRIMMED_SAMPLES:
        return ry, rx
    size: npt.NDArray[Any] = np.abs(psf.samples())
    return significant_radius(size.sum(axis=1)), significant_radius(size.sum(axis=0))

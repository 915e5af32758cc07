"""All that an author of a backend imports: docs/add-a-backend.md says what each name is for.

A backend imports `phos_core`, this module and, in its tests, `phos_core.testing`, and nothing else
of phos: whatever is not here may change without notice. Plug-ins of other kinds find `hookimpl`
here too; docs/stable-names.md lists the pages that they may import besides.
"""

from typing import TYPE_CHECKING, Any

from phos_core.arrays import Array
from phos_core.chance import NOISE_MULTIPLIERS
from phos_core.convolution.boundary import BOUNDARIES, Boundary, source_index
from phos_core.convolution.chain import Chain, Instruction, run_chain
from phos_core.convolution.contract import (
    Accuracy,
    ConvolutionBackend,
    ErrorKind,
    Limits,
    MemoryInfo,
    ProbeReport,
    each_plane,
)
from phos_core.convolution.hooks import BackendSpec, SchedulerSpec, hookimpl
from phos_core.convolution.methods.bases import BackendBase, GenericBackend
from phos_core.convolution.methods.cpu import (
    SINGLE_RANGE,
    finish_all,
    host_memory,
    in_parallel,
    in_precision,
    row_strips,
    threads_for,
    usable_cores,
)
from phos_core.convolution.methods.generic import (
    circular_extent,
    direct_convolution,
    fast_even_length,
    pad,
)
from phos_core.convolution.methods.planner import significant_radius
from phos_core.convolution.methods.tables import TableCache, transfer_table
from phos_core.convolution.optional import (
    ClassifiesErrors,
    CompilesChains,
    DeclaresAccuracy,
    FillsOut,
    HostBuffers,
    KeepsHostMemory,
    LimitsArrays,
    MakesGrain,
    MakesPictures,
    OwnsArrays,
    PlansMethods,
    Probes,
    ReleasesMemory,
    ReportsDevice,
    ReportsMemory,
    RunsSideBySide,
    Synchronizes,
)
from phos_core.convolution.plans import Method, Plan, Taps
from phos_core.convolution.running.folding import folded_psf
from phos_core.convolution.waiting import about_to_compile
from phos_core.effects.grain import Grain, grain_noise, noise_keys, shaping_taps
from phos_core.errors import (
    DeviceLostError,
    NotCompiledError,
    OutOfMemoryError,
    UnsupportedOperationError,
)
from phos_core.kernels.gpu import chain_source, grain_source
from phos_core.kernels.gpu.cuda import CudaKernels
from phos_core.kernels.gpu.library import CudaEvent, CudaKernel, CudaLaunch, CudaLibrary
from phos_core.psf import PSF

if TYPE_CHECKING:
    from phos_core.convolution.methods.scipy_backend import ScipyBackend

__all__ = [
    "BOUNDARIES",
    "NOISE_MULTIPLIERS",
    "PSF",
    "SINGLE_RANGE",
    "Accuracy",
    "Array",
    "BackendBase",
    "BackendSpec",
    "Boundary",
    "Chain",
    "ClassifiesErrors",
    "CompilesChains",
    "ConvolutionBackend",
    "CudaEvent",
    "CudaKernel",
    "CudaKernels",
    "CudaLaunch",
    "CudaLibrary",
    "DeclaresAccuracy",
    "DeviceLostError",
    "ErrorKind",
    "FillsOut",
    "GenericBackend",
    "Grain",
    "HostBuffers",
    "Instruction",
    "KeepsHostMemory",
    "Limits",
    "LimitsArrays",
    "MakesGrain",
    "MakesPictures",
    "MemoryInfo",
    "Method",
    "NotCompiledError",
    "OutOfMemoryError",
    "OwnsArrays",
    "Plan",
    "PlansMethods",
    "ProbeReport",
    "Probes",
    "ReleasesMemory",
    "ReportsDevice",
    "ReportsMemory",
    "RunsSideBySide",
    "SchedulerSpec",
    "ScipyBackend",
    "Synchronizes",
    "TableCache",
    "Taps",
    "UnsupportedOperationError",
    "about_to_compile",
    "chain_source",
    "circular_extent",
    "direct_convolution",
    "each_plane",
    "fast_even_length",
    "finish_all",
    "folded_psf",
    "grain_noise",
    "grain_source",
    "hookimpl",
    "host_memory",
    "in_parallel",
    "in_precision",
    "noise_keys",
    "pad",
    "row_strips",
    "run_chain",
    "shaping_taps",
    "significant_radius",
    "source_index",
    "threads_for",
    "transfer_table",
    "usable_cores",
]


def __getattr__(name: str) -> Any:
    """Load the one name that needs SciPy when it is asked for."""
    if name == "ScipyBackend":
        from phos_core.convolution.methods.scipy_backend import ScipyBackend

        return ScipyBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

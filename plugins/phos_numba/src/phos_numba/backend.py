"""The backend: SciPy's methods with compiled loops where they are quicker."""

import math
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import llvmlite.binding
import numba
import numpy.typing as npt

from phos_core.backend import Array, Boundary, Chain, Grain, ProbeReport, ScipyBackend, Taps
from phos_numba import chains, narrow, noise, thinning
from phos_numba.compiling import cache_folder

__all__ = ["NumbaBackend", "create"]

COMPILED_PIXELS = 2**16  # of a plane: on fewer, compiled loops save nothing


def create() -> "NumbaBackend":
    """Make the backend; the factory that the plug-in names."""
    return NumbaBackend()


class NumbaBackend(ScipyBackend):
    """NumPy arrays on the CPU; pointwise steps, grain and narrow PSFs in compiled loops."""

    name = "numba"
    side_by_side = True

    def __init__(self) -> None:
        super().__init__()
        self._compiled: WeakKeyDictionary[Chain, chains.CompiledChain] = WeakKeyDictionary()

    def probe(self) -> ProbeReport:
        """See whether Numba compiles here: loops in plain Python would take hours."""
        if getattr(numba.config, "DISABLE_JIT", 0):
            return ProbeReport(
                "broken",
                "NUMBA_DISABLE_JIT is set, so Numba compiles nothing",
                "unset NUMBA_DISABLE_JIT",
            )
        return super().probe()

    def compile(self, chain: Chain) -> chains.CompiledChain:
        """Make one loop of a chain; several threads may run it at once."""
        compiled = self._compiled.get(chain)
        if compiled is None:
            compiled = self._compiled[chain] = chains.compile_chain(chain)
        return compiled

    def grain_noise(
        self, like: Array, params: Grain, *, pixel_pitch_um: float, **field: Any
    ) -> npt.NDArray[Any]:
        """Make a field of grain; see `phos_core.backend.grain_noise`."""
        if not (pixel_pitch_um > 0 and math.isfinite(pixel_pitch_um)):
            raise ValueError(
                f"pixel_pitch_um must be a positive length in µm, got {pixel_pitch_um}"
            )
        return noise.grain_noise(params, pixel_pitch_um=pixel_pitch_um, **field)

    def convolve_narrow(
        self,
        plane: npt.NDArray[Any],
        terms: tuple[Taps, ...],
        boundary: Boundary,
        out: npt.NDArray[Any],
        *,
        add: bool,
    ) -> None:
        """Convolve a plane with narrow separable terms; see `narrow.convolve`."""
        if add or plane.size < COMPILED_PIXELS or not narrow.suits(plane, terms, out):
            super().convolve_narrow(plane, terms, boundary, out, add=add)
        else:
            narrow.convolve(plane, terms, boundary, out)

    def to_points(self, plane: npt.NDArray[Any], rows: Any, cols: Any) -> npt.NDArray[Any]:
        """Thin a plane out; see `thinning.thin_out`."""
        found = thinning.thin_out(plane, rows, cols)
        return super().to_points(plane, rows, cols) if found is None else found

    def add_up(
        self,
        plane: npt.NDArray[Any],
        terms: tuple[Taps, ...],
        boundary: Boundary,
        points: npt.NDArray[Any],
        rows: Any,
        cols: Any,
        out: npt.NDArray[Any],
    ) -> None:
        """Convolve with narrow terms and fill the smooth part in, all in one pass."""
        of_rows = thinning.runs(rows.to_pixels, len(points))
        is_usual = of_rows is not None and of_rows[1].shape[1] == narrow.POINTS
        if of_rows is None or not (is_usual and narrow.suits(plane, terms, out)):
            super().add_up(plane, terms, boundary, points, rows, cols, out)
        else:
            smooth = cols.fill_along(points), *of_rows
            narrow.convolve(plane, terms, boundary, out, smooth)

    def device_facts(self) -> Mapping[str, str]:
        """Say what the code is compiled by and for, and where it is kept."""
        try:
            kept = str(cache_folder())
        except RuntimeError as error:
            kept = f"nowhere: {error}"
        return {
            "numba": numba.__version__,
            "processor": llvmlite.binding.get_host_cpu_name(),
            "compiled code": kept,
        }

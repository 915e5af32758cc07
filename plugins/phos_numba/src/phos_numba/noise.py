"""The field of `phos_core.backend.grain_noise` as one compiled loop."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.backend import Grain, noise_keys, shaping_taps
from phos_numba.compiling import load_function

__all__ = ["grain_noise"]

LOOP = Path(__file__).with_name("noise_loop.py")


def grain_noise(
    params: Grain,
    *,
    rows: int,
    cols: int,
    pixel_pitch_um: float,
    seed: int,
    frame: int = 0,
    row_start: int = 0,
    col_start: int = 0,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Make a field of grain; see `phos_core.backend.grain_noise`.

    Parameters
    ----------
    params, rows, cols, pixel_pitch_um, seed, frame, row_start, col_start
        As there.
    out : ndarray of float32, shape (layers, rows, cols), optional
        Takes the field; each row without gaps between its numbers.

    Returns
    -------
    ndarray of float32, shape (layers, rows, cols)
        `out`, or a new array. The hashes are the same to the bit.
    """
    field = np.empty((len(params.size_um), rows, cols), np.float32) if out is None else out
    fill = _fill()
    for layer, size_um in enumerate(params.size_um):
        taps = np.array(shaping_taps(size_um, pixel_pitch_um), np.float32)
        row_key, col_key = noise_keys(seed, frame, layer)
        fill(
            field[layer],
            row_start,
            col_start,
            taps,
            np.uint32(row_key),
            np.uint32(col_key),
        )
    return field


@cache
def _fill() -> Any:
    return load_function(LOOP.read_text(encoding="utf-8"), "shaped_noise")

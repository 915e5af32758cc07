"""A TIFF that is being developed by tiles."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.backend import ConvolutionBackend
from phos_core.convolution import release
from phos_core.errors import OutOfMemoryError
from phos_core.process import Recipe, RunReport, Tile, WholePicture, Window, WindowDeveloper
from phos_darkroom.colours import coded_as, frame_of_positive, given_to_process, taken_as
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.formats.samples import interleaved
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.formats.tiff_tiles import TiffTiles
from phos_darkroom.large.cutting import Cut, cuts
from phos_darkroom.large.memory import resident_bytes

__all__ = ["DevelopmentByTiles", "Progress"]

Progress = Callable[[int, int], None]

# Bytes for a pixel on the CPU, measured (docs/decisions/0021-pictures-larger-than-memory.md).
LAYER_BYTES = 8  # a layer of what a tile reads, before and after light has spread
WORKSPACE_BYTES = 14  # of its convolution, and the tables that are kept for the next tile
STAGE_BYTES = 8  # a layer of what a tile gives: its exposure and its inhibitor
JOINED_BYTES = 16  # the same, once more together with the other layers
RESERVE_BYTES = 200 * 2**20  # strips on every core, pieces of the file, code loaded on use


class DevelopmentByTiles:
    """A picture that is being developed by tiles.

    Parameters
    ----------
    regions : TiffRegions
        The file.
    recipe : Recipe
        The settings, as they were asked for.
    backend, strict
        As for `develop`.
    """

    def __init__(
        self,
        regions: TiffRegions,
        recipe: Recipe,
        *,
        backend: str | ConvolutionBackend | None,
        strict: bool,
    ) -> None:
        self.regions = regions
        self.recipe = recipe
        one_pixel = np.zeros((1, 1, regions.samples), regions.dtype)
        self.frame_read = regions.picture(one_pixel)
        self.frame = replace(frame_of_positive(self.frame_read, recipe), alpha=None)
        given = given_to_process(self.frame_read, recipe)
        self.is_converted = given is not self.frame_read.pixels  # to light, by the profile
        self.whole = WholePicture.of(regions.shape, taken_as(self.frame_read, recipe))
        if recipe.auto_balance:
            self.whole = self.whole.balanced(self._given(self._read(self.whole.measured)))
        self.developer = WindowDeveloper(self.whole, backend=backend, strict=strict)

    def windows(self, allowed_bytes: float) -> list[Window]:
        """Cut the picture into the tiles that are developed one after the other, row by row."""
        rows, cols = (
            [slice(start, min(start + side, size)) for start in range(0, size, side)]
            for size, side in zip(self.regions.shape, self.tile_shape(allowed_bytes), strict=True)
        )
        return list(product(rows, cols))

    def tile_shape(self, allowed_bytes: float) -> tuple[int, int]:
        """The tiles that together read least, of those that the memory allows."""
        free_bytes = allowed_bytes - resident_bytes() - RESERVE_BYTES
        reach = self.whole.reach_px
        rows, cols = (list(cuts(size, reach)) for size in self.regions.shape)
        fitting = [
            (down.total * across.total, down.side, across.side)
            for down, across in product(rows, cols)
            if self._needed_bytes(down, across) <= free_bytes
            and self.developer.fits((down.read, across.read))
        ]
        if not fitting:
            least = self._needed_bytes(rows[-1], cols[-1]) + allowed_bytes - free_bytes
            raise OutOfMemoryError(
                f"{self.regions.path} cannot be developed within {allowed_bytes / 1e6:.0f} MB: "
                f"light and inhibitor reach {reach} pixels, and the smallest tile takes "
                f"{least / 1e6:.0f} MB; allow more (memory_bytes, PHOS_MEMORY_LIMIT)"
            )
        _, *side = min(fitting)
        return side[0], side[1]

    def develop(
        self,
        windows: Sequence[Window],
        written: TiffTiles,
        progress: Progress | None,
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Develop all tiles into the file; what goes wrong while `writing` is of the file."""
        clock, shape = self.developer.clock, None
        for done, window in enumerate(windows, 1):
            tile = self.whole.tile(window)
            with clock.step("read"):
                region = self._read((tile.read_rows, tile.read_cols))
            if region.shape != shape:  # what the backend keeps is of no use any more
                release(self.developer.backend)
                shape = region.shape
            positive = self._developed(tile, region)
            with clock.step("write"), writing():
                written.write(tile.rows.start, tile.cols.start, positive)
            if progress is not None:
                progress(done, len(windows))
        release(self.developer.backend)

    def report(self, windows: Sequence[Window]) -> RunReport:
        """What ran."""
        rows, cols = (part.stop - part.start for part in windows[0])
        tiles = [self.whole.tile(window) for window in windows]
        read = sum(_pixels(tile.read_rows, tile.read_cols) for tile in tiles)
        return self.developer.report(
            f"computed in {len(windows)} tiles of {rows} by {cols} pixels; "
            f"{read / math.prod(self.regions.shape):.1f} pixels were read for each"
        )

    def _read(self, window: Window) -> NDArray[Any]:
        """The samples of a window."""
        rows, cols = (
            range(*part.indices(size))
            for part, size in zip(window, self.regions.shape, strict=True)
        )
        return self.regions.read(rows, cols)

    def _given(self, region: NDArray[Any]) -> NDArray[Any]:
        """What the process is given of samples."""
        return given_to_process(self.regions.picture(region), self.recipe)

    def _developed(self, tile: Tile, region: NDArray[Any]) -> NDArray[Any]:
        """The samples of a tile; its alpha is carried over."""
        positive = self.developer.develop((tile.rows, tile.cols), self._given(region))
        coded = coded_as(self.frame, positive, self.recipe)
        alpha = self.regions.picture(region[tile.inner]).alpha
        if alpha is not None:
            coded = replace(coded, alpha=at_depth(alpha, coded.pixels.dtype))
        return np.atleast_3d(interleaved(coded))

    def _needed_bytes(self, down: Cut, across: Cut) -> float:
        """Host memory of the largest tile."""
        read, inner = down.read * across.read, down.side * across.side
        sample_bytes = self.regions.samples * self.regions.dtype.itemsize
        is_light = self.is_converted or bool(self.recipe.input_space)
        light_bytes = 4 * self.regions.channels if is_light else 0
        curves = self.whole.film.development.curves
        layers = max(len(curves), 3 if self.recipe.mode == "texture" else 1)
        kept = read * (sample_bytes + light_bytes)
        written_bytes = self.regions.samples * self.frame.pixels.dtype.itemsize
        positive = inner * (sample_bytes + written_bytes + light_bytes)
        if not is_numpy_namespace(self.developer.backend.xp):
            return 2 * kept + positive
        spreading = read * (LAYER_BYTES + WORKSPACE_BYTES) + inner * layers * STAGE_BYTES
        finishing = read * LAYER_BYTES + inner * layers * JOINED_BYTES
        return kept + max(spreading, finishing) + positive


def _pixels(rows: slice, cols: slice) -> int:
    return int((rows.stop - rows.start) * (cols.stop - cols.start))

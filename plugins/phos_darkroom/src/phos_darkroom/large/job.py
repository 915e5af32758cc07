"""A picture that is being developed by tiles."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, cast

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.convolution.choosing.selection import Selection, library_versions
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import release
from phos_core.convolution.running.fallback import descend
from phos_core.convolution.running.tiles import Footprint, Tile, make_room, run
from phos_core.errors import OutOfMemoryError
from phos_core.process.balance import balanced_on
from phos_core.process.develop import (
    channels_first,
    footprint,
    process_tile,
    uploaded_together,
    versions,
)
from phos_core.process.pipeline import Clock, reach_px
from phos_core.process.recipe import Recipe, RunReport
from phos_core.stocks.film import Film
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.formats.tiff_tiles import TiffTiles
from phos_darkroom.large.coding import Coding
from phos_darkroom.large.cutting import Cut, cuts
from phos_darkroom.large.memory import resident_bytes

__all__ = ["Job", "Progress"]

Progress = Callable[[int, int], None]

MEASURED_SIDE = 256  # `balance` measures on so many rows and columns at most

# Bytes for a pixel on the CPU, measured (docs/decisions/0021-pictures-larger-than-memory.md).
LAYER_BYTES = 8  # a layer of what a tile reads, before and after light has spread
WORKSPACE_BYTES = 14  # of its convolution, and the tables that are kept for the next tile
STAGE_BYTES = 8  # a layer of what a tile gives: its exposure and its inhibitor
JOINED_BYTES = 16  # the same, once more together with the other layers
RESERVE_BYTES = 200 * 2**20  # strips on every core, pieces of the file, code loaded on use


@dataclass(slots=True, kw_only=True)
class Job:
    """A picture that is being developed by tiles."""

    regions: TiffRegions
    coding: Coding
    recipe: Recipe
    film: Film
    reach: int
    selection: Selection
    strict: bool
    clock: Clock
    events: list[str]

    @classmethod
    def of(cls, regions: TiffRegions, asked: Recipe, selection: Selection, strict: bool) -> "Job":
        """A job for a file: its film loaded, and balanced on the picture if that is asked for."""
        coding = Coding.of(regions, asked)
        pitch_um = asked.pitch_um(*regions.shape)
        recipe = replace(coding.recipe, pixel_pitch_um=pitch_um)
        film = recipe.load_film()
        if recipe.mode == "texture":
            film = replace(film, couplers=None)  # they have no part in it, and a wide reach
        if recipe.auto_balance:
            film = balanced_on(_thinned(regions, coding), film, recipe)
        return cls(
            regions=regions,
            coding=coding,
            recipe=recipe,
            film=film,
            reach=reach_px(film, pitch_um),
            selection=selection,
            strict=strict,
            clock=Clock(),
            events=[],
        )

    def tile_shape(self, allowed_bytes: float) -> tuple[int, int]:
        """The tiles that together read least, of those that the memory allows."""
        free_bytes = allowed_bytes - resident_bytes() - RESERVE_BYTES
        rows, cols = (list(cuts(size, self.reach)) for size in self.regions.shape)
        fitting = [
            (down.total * across.total, down.side, across.side)
            for down, across in product(rows, cols)
            if self._needed_bytes(down, across) <= free_bytes and self._fits(down, across)
        ]
        if not fitting:
            least = self._needed_bytes(rows[-1], cols[-1]) + allowed_bytes - free_bytes
            raise OutOfMemoryError(
                f"{self.regions.path} cannot be developed within {allowed_bytes / 1e6:.0f} MB: "
                f"light and inhibitor reach {self.reach} pixels, and the smallest tile takes "
                f"{least / 1e6:.0f} MB; allow more (memory_bytes, PHOS_MEMORY_LIMIT)"
            )
        _, *side = min(fitting)
        return side[0], side[1]

    def develop(
        self,
        tiles: tuple[Tile, ...],
        written: TiffTiles,
        progress: Progress | None,
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Develop all tiles into the file; what goes wrong while `writing` is of the file."""
        shape: tuple[int, ...] = ()
        done = 0

        def read(tile: Tile) -> NDArray[Any]:
            with self.clock.step("read"):
                rows, cols = self.regions.shape
                parts = (tile.read_rows.indices(rows), tile.read_cols.indices(cols))
                return self.regions.read(*(range(*part) for part in parts))

        def develop_tile(tile: Tile, region: NDArray[Any]) -> None:
            nonlocal shape, done
            if region.shape != shape:  # what the backend keeps is of no use any more
                release(self.selection.backend)
                shape = region.shape
            positive = self._developed(tile, region)
            with self.clock.step("write"), writing():
                written.write(tile.rows.start, tile.cols.start, positive)
            done += 1
            if progress is not None:
                progress(done, len(tiles))

        run(tiles, read, develop_tile)
        release(self.selection.backend)

    def report(self, tiles: tuple[Tile, ...]) -> RunReport:
        """What ran."""
        backend = self.selection.backend
        rows, cols = (part.stop - part.start for part in (tiles[0].rows, tiles[0].cols))
        read = sum(_pixels(tile.read_rows, tile.read_cols) for tile in tiles)
        cut_so = (
            f"computed in {len(tiles)} tiles of {rows} by {cols} pixels; "
            f"{read / math.prod(self.regions.shape):.1f} pixels were read for each"
        )
        return RunReport(
            film=self.film.name,
            backend=backend.name,
            device=str(backend.device),
            source=self.selection.source,
            candidates=tuple((c.name, c.reason or "") for c in self.selection.candidates),
            versions=versions() | library_versions(backend),
            pixel_pitch_um=cast("float", self.recipe.pixel_pitch_um),
            step_seconds=self.clock.seconds,
            tiles=len(tiles),
            events=(cut_so, *self.events),
        )

    def _developed(self, tile: Tile, region: NDArray[Any]) -> NDArray[Any]:
        """The samples of a tile; its alpha is carried over."""
        channels = self.regions.channels
        pixels = self.coding.decoded(region[..., :channels])
        inner = region[tile.inner]
        positive = np.empty((*inner.shape[:2], channels), self.coding.dtype)

        def work(chosen: ConvolutionBackend, _: tuple[Tile, ...]) -> None:
            with self.clock.step("upload"):
                uploaded = uploaded_together(chosen, [channels_first(pixels)])
            process_tile(
                uploaded,
                tile,
                self.film,
                [self.recipe],
                backend=chosen,
                clock=self.clock,
                outs=[channels_first(positive)],
            )

        outcome = descend(self.selection, work, partial(_held, pixels.shape), strict=self.strict)
        self.selection = replace(self.selection, backend=outcome.backend)
        self.events.extend(outcome.events)
        coded = self.coding.encoded(positive, region.dtype)
        if region.shape[2] == channels:
            return coded
        return np.concatenate([coded, inner[..., channels:]], axis=2)

    def _needed_bytes(self, down: Cut, across: Cut) -> float:
        """Host memory of the largest tile."""
        read, inner = down.read * across.read, down.side * across.side
        sample_bytes = self.regions.samples * self.regions.dtype.itemsize
        light_bytes = 0 if self.coding.profile is None else 4 * self.regions.channels
        layers = max(len(self.film.development.curves), 3 if self.recipe.mode == "texture" else 1)
        kept = read * (sample_bytes + light_bytes)
        positive = inner * (2 * sample_bytes + light_bytes)
        if not is_numpy_namespace(self.selection.backend.xp):
            return 2 * kept + positive
        spreading = read * (LAYER_BYTES + WORKSPACE_BYTES) + inner * layers * STAGE_BYTES
        finishing = read * LAYER_BYTES + inner * layers * JOINED_BYTES
        return kept + max(spreading, finishing) + positive

    def _fits(self, down: Cut, across: Cut) -> bool:
        """Whether the device, if there is one, holds the largest tile."""
        backend = self.selection.backend
        if is_numpy_namespace(backend.xp):
            return True
        size = (down.read, across.read)
        takes = footprint(backend, size=size, film=self.film, recipe=self.recipe)
        return make_room(takes, backend)


def _held(shape: tuple[int, ...], backend: ConvolutionBackend) -> Footprint:
    """A tile to the ladder: it fits, and is not cut again."""
    rows, cols = shape[:2]
    return Footprint(
        rows=rows, cols=cols, planes=1, radius=(0, 0), halo=0, pixel_bytes=0, divisible=False
    )


def _thinned(regions: TiffRegions, coding: Coding) -> NDArray[Any]:
    """So many rows and columns of the whole picture as its balance is measured on."""
    every = (math.ceil(size / MEASURED_SIDE) for size in regions.shape)
    rows, cols = (range(0, size, step) for size, step in zip(regions.shape, every, strict=True))
    return channels_first(coding.decoded(regions.read(rows, cols)[..., : regions.channels]))


def _pixels(rows: slice, cols: slice) -> int:
    return int((rows.stop - rows.start) * (cols.stop - cols.start))

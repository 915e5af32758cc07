"""Pictures larger than memory: a TIFF is developed by tiles, from file to file."""

import math
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.balance import balanced_on
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.cpu import host_memory
from phos_core.convolution.ladder import descend
from phos_core.convolution.selection import Selection, library_versions, select
from phos_core.convolution.tiles import Footprint, Tile, cut, memory_limit, run, tile_sizes
from phos_core.door import (
    channels_first,
    check_light,
    footprint,
    process_tile,
    uploaded_together,
    versions,
)
from phos_core.errors import ImageFileError, OutOfMemoryError
from phos_core.exif import with_software
from phos_core.film import Film
from phos_core.formats.limits import PIXELS
from phos_core.formats.tiff_regions import TiffRegions
from phos_core.formats.tiff_tiles import TILE, TiffTiles
from phos_core.image_files import replacing
from phos_core.picture import Metadata
from phos_core.pipeline import Clock, reach_px
from phos_core.profiles import can_write, from_srgb, is_srgb, srgb_profile, to_light
from phos_core.recipe import Recipe, RunReport

__all__ = ["check_tiff", "develop_into", "develop_large", "is_large"]

Progress = Callable[[int, int], None]
Describe = Callable[[Metadata], Metadata]

SUFFIXES = (".tif", ".tiff")
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
FREE_SHARE = 0.5  # our choice: of the free memory, where nothing is said
MEASURED_SIDE = 256  # `balance` measures on so many rows and columns at most

# Bytes for a pixel on the CPU, measured (docs/decisions/0021-pictures-larger-than-memory.md).
WHOLE_BYTES = 60  # of a picture that is developed as a whole
LAYER_BYTES = 8  # a layer of what a tile reads, before and after light has spread
WORKSPACE_BYTES = 14  # of its convolution, and the tables that are kept for the next tile
STAGE_BYTES = 8  # a layer of what a tile gives: its exposure and its inhibitor
JOINED_BYTES = 16  # the same, once more together with the other layers
RESERVE_BYTES = 200 * 2**20  # strips on every core, pieces of the file, code loaded on use
PROCESS_BYTES = 200 * 2**20  # of a process, where the system does not say


def is_large(path: str | os.PathLike[str], *, memory_bytes: int | None = None) -> bool:
    """Say whether a picture file is too large to be developed as a whole.

    Parameters
    ----------
    path : path
        The file.
    memory_bytes : int, optional
        Memory that may be used; by default ``PHOS_MEMORY_LIMIT``, else half of what is free.

    Returns
    -------
    bool
        True for a TIFF that `develop_large` can read, of more pixels than are read as a whole or
        more than can be developed in this memory.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if file.read(4) not in SIGNATURES:
                return False
        with TiffRegions(path) as regions:
            pixels = math.prod(regions.shape)
            sample_bytes = regions.samples * regions.dtype.itemsize
    except (OSError, ImageFileError):
        return False  # whoever reads it as a whole says what is wrong with it
    needed = pixels * (WHOLE_BYTES + 2 * sample_bytes)
    return pixels > PIXELS or needed > _allowed_bytes(memory_bytes)


def develop_large(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    recipe: Recipe,
    *,
    backend: str | ConvolutionBackend | None = None,
    memory_bytes: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RunReport:
    """Develop a TIFF by tiles, within a limit of memory.

    The positive is what `develop` gives for the whole picture, as exact as its convolutions are.

    Parameters
    ----------
    source : path
        TIFF or BigTIFF: strips or tiles, grey or RGB, 8 or 16 bits or float32, alpha or none.
    destination : path
        Ends in ``.tif`` or ``.tiff``. The same kind of samples, alpha, size and colour profile.
    recipe : Recipe
        The settings. Its ``encoding="srgb"`` means: as the file says, so by its colour profile if
        it has one, and scene-linear for float32 without one.
    backend : str or ConvolutionBackend, optional
        Where to compute; as for `develop`.
    memory_bytes : int, optional
        Resident memory that the process may have, all in all; by default ``PHOS_MEMORY_LIMIT``,
        else half of what is free.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails.
    overwrite : bool
        Whether an existing file may be replaced.
    progress : callable, optional
        ``progress(done, tiles)``, after each tile.

    Returns
    -------
    RunReport
        What ran, and in how many tiles.

    Raises
    ------
    ImageFileError
        If the source cannot be read by regions, or the destination not be written.
    OutOfMemoryError
        If the memory allowed does not hold the smallest tile and what acts on it.

    Warns
    -----
    UserWarning
        If the file's colour profile cannot be written to; the positive then is sRGB.
    """
    destination = Path(destination)
    _check_destination(destination, overwrite)
    with replacing(destination) as file:
        report, _ = develop_into(
            file,
            source,
            recipe,
            backend=backend,
            memory_bytes=memory_bytes,
            strict=strict,
            progress=progress,
            described=_signed,
        )
    return report


def develop_into(
    file: BinaryIO,
    source: str | os.PathLike[str],
    recipe: Recipe,
    *,
    described: Describe,
    backend: str | ConvolutionBackend | None = None,
    memory_bytes: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> tuple[RunReport, Recipe]:
    """Develop a TIFF by tiles into a file that is open.

    Parameters
    ----------
    file : binary file
        Where to; it must be new, and can be read and written.
    source, recipe, backend, memory_bytes, strict, progress
        As for `develop_large`.
    described : callable
        ``described(metadata)``: what the positive's file says besides its pixels, from what the
        source says.

    Returns
    -------
    report : RunReport
        What ran.
    recipe : Recipe
        The settings, with the encoding that the source was taken to have.

    Raises
    ------
    ImageFileError, OutOfMemoryError
        As `develop_large` raises.
    """
    with TiffRegions(source) as regions:
        job = _Job.of(regions, recipe, select(backend, pixels=math.prod(regions.shape)), strict)
        tiles = cut(regions.shape, job.tile_shape(_allowed_bytes(memory_bytes)), job.reach)
        metadata = replace(regions.metadata, icc_profile=job.coding.written_profile)
        written = TiffTiles(
            file, regions.shape, regions.samples, regions.dtype, metadata=described(metadata)
        )
        job.develop(tiles, written, progress)
        written.finish()
        return job.report(tiles), job.coding.recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding:
    """What the file's samples are to the process, and the positive's to the file."""

    recipe: Recipe
    dtype: np.dtype[Any]
    profile: bytes | None = None  # through which the samples go to light
    written_profile: bytes | None = None

    @classmethod
    def of(cls, regions: TiffRegions, recipe: Recipe) -> "_Coding":
        """As the recipe says, else as the file does."""
        profile = regions.metadata.icc_profile
        srgb = srgb_profile() if regions.channels == 3 else None
        if recipe.encoding != "srgb" or recipe.primaries != "srgb":
            return cls(recipe=recipe, dtype=regions.dtype, written_profile=srgb)
        if profile is None and regions.dtype.kind == "f":
            linear = replace(recipe, encoding="linear")
            return cls(recipe=linear, dtype=regions.dtype, written_profile=srgb)
        if profile is None or is_srgb(profile):
            return cls(recipe=recipe, dtype=regions.dtype, written_profile=profile or srgb)
        if not can_write(profile):
            warnings.warn(
                f"{regions.path.name} has a colour profile that can only be read from; the "
                "positive is written as sRGB",
                stacklevel=5,
            )
        return cls(
            recipe=replace(recipe, encoding="display"),
            dtype=np.dtype(np.float32),
            profile=profile,
            written_profile=profile if can_write(profile) else srgb,
        )

    def decoded(self, region: NDArray[Any]) -> NDArray[Any]:
        """A region's samples as the process takes them."""
        if self.profile is not None:
            region = to_light(_squeezed(region), self.profile).reshape(region.shape)
        if region.dtype.kind == "f":
            check_light(region, self.recipe.encoding)
        return region

    def encoded(self, positive: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """A positive as the file takes it."""
        if self.profile is None:
            return positive
        profile = self.written_profile or srgb_profile()
        return from_srgb(_squeezed(positive), profile, dtype).reshape(positive.shape)


@dataclass(slots=True, kw_only=True)
class _Job:
    """A picture that is being developed by tiles."""

    regions: TiffRegions
    coding: _Coding
    recipe: Recipe
    film: Film
    reach: int
    selection: Selection
    strict: bool
    clock: Clock
    events: list[str]

    @classmethod
    def of(cls, regions: TiffRegions, asked: Recipe, selection: Selection, strict: bool) -> "_Job":
        coding = _Coding.of(regions, asked)
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
        free_bytes = allowed_bytes - _resident_bytes() - RESERVE_BYTES
        rows, cols = (list(_cuts(size, self.reach)) for size in self.regions.shape)
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
        self, tiles: tuple[Tile, ...], written: TiffTiles, progress: Progress | None
    ) -> None:
        """Develop all tiles into the file."""
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
                self.selection.backend.release()
                shape = region.shape
            positive = self._developed(tile, region)
            with self.clock.step("write"):
                written.write(tile.rows.start, tile.cols.start, positive)
            done += 1
            if progress is not None:
                progress(done, len(tiles))

        run(tiles, read, develop_tile)
        self.selection.backend.release()

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

    def _needed_bytes(self, down: "_Cut", across: "_Cut") -> float:
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

    def _fits(self, down: "_Cut", across: "_Cut") -> bool:
        """Whether the device, if there is one, holds the largest tile."""
        backend = self.selection.backend
        if is_numpy_namespace(backend.xp):
            return True
        size = (down.read, across.read)
        takes = footprint(backend, size=size, film=self.film, recipe=self.recipe)
        return tile_sizes(takes, backend)[:1] == [takes.rows]


@dataclass(frozen=True, slots=True)
class _Cut:
    """A way to cut an axis: the side of its parts, the most one reads, and what all read."""

    side: int
    read: int
    total: int


def _cuts(size: int, reach: int) -> Iterator[_Cut]:
    """Go through the ways to cut an axis into parts that are whole tiles of the file."""
    for side in sorted({TILE * math.ceil(size / count / TILE) for count in _counts(size)})[::-1]:
        parts = [(start, min(start + side, size)) for start in range(0, size, side)]
        reads = [min(stop + reach, size) - max(start - reach, 0) for start, stop in parts]
        yield _Cut(min(side, size), max(reads), sum(reads))


def _counts(size: int) -> range:
    return range(1, math.ceil(size / TILE) + 1)


def _held(shape: tuple[int, ...], backend: ConvolutionBackend) -> Footprint:
    """A tile to the ladder: it fits, and is not cut again."""
    rows, cols = shape[:2]
    return Footprint(
        rows=rows, cols=cols, planes=1, radius=(0, 0), halo=0, pixel_bytes=0, divisible=False
    )


def _thinned(regions: TiffRegions, coding: _Coding) -> NDArray[Any]:
    """So many rows and columns of the whole picture as its balance is measured on."""
    every = (math.ceil(size / MEASURED_SIDE) for size in regions.shape)
    rows, cols = (range(0, size, step) for size, step in zip(regions.shape, every, strict=True))
    return channels_first(coding.decoded(regions.read(rows, cols)[..., : regions.channels]))


def _pixels(rows: slice, cols: slice) -> int:
    return int((rows.stop - rows.start) * (cols.stop - cols.start))


def _squeezed(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels without the axis of a single channel."""
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def _signed(metadata: Metadata) -> Metadata:
    """Metadata that name phos."""
    return replace(metadata, exif=with_software(metadata.exif, f"phos {versions()['phos-core']}"))


def check_tiff(path: Path) -> None:
    """Raise `ImageFileError` unless a file's name ends as that of a TIFF does."""
    if path.suffix.lower() not in SUFFIXES:
        raise ImageFileError(
            f"cannot write {path}: a picture this large is developed from TIFF to TIFF, so its "
            f"name must end in one of {' '.join(SUFFIXES)}"
        )


def _check_destination(path: Path, overwrite: bool) -> None:
    check_tiff(path)
    if path.exists() and not overwrite:
        raise ImageFileError(f"{path} exists already; it is replaced only on request (overwrite)")


def _allowed_bytes(memory_bytes: int | None) -> float:
    """Memory that may be used, what is resident already included."""
    if memory_bytes is not None:
        return memory_bytes
    limit = memory_limit()
    if math.isfinite(limit):
        return limit
    free = host_memory().free_bytes
    return math.inf if free is None else FREE_SHARE * free + _resident_bytes()


def _resident_bytes() -> int:
    """What the process has in memory now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return PROCESS_BYTES

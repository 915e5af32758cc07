"""Pictures of one size through the process together, in the tiles that a backend can hold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, computable, in_precision_of, numpy_dtype
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import MakesPictures
from phos_core.convolution.running.tiles import Footprint, Tile, Window, run
from phos_core.process.displacing import displacement_reach_px
from phos_core.process.pipeline import Clock, process, reach_px
from phos_core.process.recipe import Recipe
from phos_core.process.spaces import as_light
from phos_core.process.texture_only import process_texture
from phos_core.stocks.film import Film
from phos_core.watching import numbered

__all__ = ["Batch", "channels_first", "reach_of", "stacked"]

FLOAT_BYTES = 4
STRIP_ARRAYS = 5  # of three float32 layers, alive at the peak of a develop in strips: measured
WHOLE_ARRAYS = 9  # the same where each step takes the whole picture, in double where it must


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Pictures of one size, or windows of them, that go through the process together.

    Parameters
    ----------
    shape : tuple of (int, int)
        Rows and columns of what there is of each picture.
    kept : Window
        Rows and columns of it that are wanted.
    film : Film
        The stock.
    recipes : sequence of Recipe
        The settings of each picture, with a pixel pitch; they may differ in what makes the grain
        alone. Their offset is that of the first pixel that there is.
    """

    shape: tuple[int, int]
    kept: Window
    film: Film
    recipes: Sequence[Recipe]

    @classmethod
    def of_whole(cls, shape: tuple[int, int], film: Film, recipes: Sequence[Recipe]) -> "Batch":
        """Give a batch of pictures of which all is wanted."""
        rows, cols = shape
        return cls(shape=shape, kept=(slice(0, rows), slice(0, cols)), film=film, recipes=recipes)

    @property
    def reach_px(self) -> int:
        """Pixels beyond which no part of a picture acts on another."""
        return reach_of(self.film, self.recipes[0], self.shape)

    def footprint(self, backend: ConvolutionBackend) -> Footprint:
        """Say what developing all of it takes on a backend."""
        rows, cols = self.shape
        layers, pictures = len(self.film.development.curves), len(self.recipes)
        reach = self.reach_px
        in_strips = is_numpy_namespace(backend.xp)
        arrays = STRIP_ARRAYS if in_strips else WHOLE_ARRAYS
        arrays += self.recipes[0].conversion is not None  # whose light is one more
        arrays += 2 * (self.recipes[0].weave_um > 0)  # continued at its edges, and moved
        arrays += self.recipes[0].is_worn
        return Footprint(
            rows=rows,
            cols=cols,
            # Three channels come up, whatever the film; the CPU convolves one plane at a time.
            planes=1 if in_strips else pictures * max(3, layers),
            radius=(reach, reach),
            halo=reach,
            pixel_bytes=FLOAT_BYTES * 3 * arrays * pictures,
        )

    def on_host(
        self,
        planes: Sequence[NDArray[Any]],
        results: Sequence[NDArray[Any]],
        clock: Clock,
        backend: ConvolutionBackend,
        tiles: tuple[Tile, ...],
    ) -> None:
        """Develop tiles of pictures on the host into places of the size of what is kept."""
        convert, dtype = self.recipes[0].conversion, numpy_dtype(planes[0])

        def upload(tile: Tile) -> Array:
            with clock.step("upload"):
                read = [
                    as_light(plane[:, tile.read_rows, tile.read_cols], convert) for plane in planes
                ]
                return _uploaded_together(backend, read)

        def develop_tile(tile: Tile, pictures: Array) -> None:
            place = tuple(
                slice(part.start - kept.start, part.stop - kept.start)
                for part, kept in zip((tile.rows, tile.cols), self.kept, strict=True)
            )
            outs = [result[:, *place] for result in results]
            self._process(pictures, tile, backend, clock, dtype, outs)

        run(numbered(self._parts(tiles)), upload, develop_tile)

    def on_device(
        self, planes: Array, clock: Clock, backend: ConvolutionBackend, tiles: tuple[Tile, ...]
    ) -> list[Array]:
        """Develop tiles of pictures where they are, into new arrays in the form of images."""
        xp = array_namespace(planes)
        convert, dtype = self.recipes[0].conversion, numpy_dtype(planes)
        strips: list[list[Array]] = [[] for _ in self.recipes]

        def develop_tile(tile: Tile, pictures: Array) -> None:
            positives = self._process(pictures, tile, backend, clock, dtype)
            for positive, strip in zip(positives, strips, strict=True):
                strip.append(in_precision_of(planes, _picture(positive, backend)))

        def read(tile: Tile) -> Array:
            part = planes[..., tile.read_rows, tile.read_cols]
            if convert is None:
                return part
            return xp.stack(
                [as_light(part[:, i, ...], convert) for i in range(part.shape[1])], axis=1
            )

        run(numbered(self._parts(tiles)), read, develop_tile)
        return [strip[0] if len(strip) == 1 else xp.concat(strip) for strip in strips]

    def _parts(self, tiles: tuple[Tile, ...]) -> Iterator[Tile]:
        """What tiles of all rows hold of what is wanted."""
        wanted, cols = self.kept
        for tile in tiles:
            start, stop = max(tile.rows.start, wanted.start), min(tile.rows.stop, wanted.stop)
            if start < stop:
                yield Tile.reading((slice(start, stop), cols), self.reach_px, self.shape)

    def _process(
        self,
        pictures: Array,
        tile: Tile,
        backend: ConvolutionBackend,
        clock: Clock,
        dtype: np.dtype[Any],
        outs: list[NDArray[Any]] | None = None,
    ) -> list[Array]:
        """Develop a tile of pictures, each as a crop of its own."""
        is_whole = (tile.rows, tile.cols) == (tile.read_rows, tile.read_cols)
        return process_of(self.recipes[0])(
            pictures,
            self.film,
            [_of_tile(recipe, tile) for recipe in self.recipes],
            backend=backend,
            clock=clock,
            dtype=dtype,
            outs=outs,
            keep=None if is_whole else tile.inner,
        )


def reach_of(film: Film, recipe: Recipe, shape: tuple[int, int]) -> int:
    """Pixels beyond which no part of a picture acts on another, or comes into it."""
    pitch_um = recipe.pitch_um(*shape)
    return reach_px(film, pitch_um) + displacement_reach_px(recipe.displacement_px(pitch_um))


def _picture(positive: Array, backend: ConvolutionBackend) -> Array:
    """A positive with its channels last; a grey one without an axis for them."""
    channels = positive.shape[0]
    if channels == 1:
        return positive[0, ...]
    if isinstance(backend, MakesPictures):
        return backend.picture(positive)
    return array_namespace(positive).stack([positive[c, ...] for c in range(channels)], axis=-1)


def process_of(recipe: Recipe) -> Callable[..., list[Array]]:
    """Give the process that a recipe asks for."""
    return process_texture if recipe.mode == "texture" else process


def stacked(images: Sequence[Array]) -> Array:
    """Give pictures as (channels, pictures, rows, cols), as the process computes with them.

    Parameters
    ----------
    images : sequence of array, shape (rows, cols) or (rows, cols, channels)
        Pictures of one shape, dtype and library; one alone is not copied.

    Returns
    -------
    array, shape (channels, pictures, rows, cols)
        One channel for grey pictures.
    """
    xp = array_namespace(*images)
    images = [computable(image) for image in images]
    stack = images[0][None, ...] if len(images) == 1 else xp.stack(images)
    return xp.moveaxis(stack, -1, 0) if stack.ndim == 4 else stack[None, ...]


def channels_first(image: NDArray[Any]) -> NDArray[Any]:
    """Give a view with the channels first, one for a grey picture."""
    return np.moveaxis(image, -1, 0) if image.ndim == 3 else image[np.newaxis]


def _uploaded_together(backend: ConvolutionBackend, planes: list[NDArray[Any]]) -> Array:
    """Pictures on the device as (channels, pictures, rows, cols): brought together there."""
    uploads = [backend.to_device(picture[:, np.newaxis]) for picture in planes]
    return uploads[0] if len(uploads) == 1 else backend.xp.concat(uploads, axis=1)


def _of_tile(recipe: Recipe, tile: Tile) -> Recipe:
    """The recipe of a tile: a crop of the picture."""
    if not (tile.rows.start or tile.cols.start):
        return recipe
    row, col = recipe.offset_px
    return replace(recipe, offset_px=(row + tile.rows.start, col + tile.cols.start))

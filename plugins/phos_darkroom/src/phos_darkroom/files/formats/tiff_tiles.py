"""TIFF by tiles: a picture is written a part at a time, in any order."""

from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from phos_core.backend import in_parallel
from phos_darkroom.files.formats.tiff_blocks import HEADER_BYTES, extra_tags, resolution_tags
from phos_darkroom.files.metadata.exif import start_of_tiff, write_into_tiff
from phos_darkroom.files.metadata.exif_facts import with_resolution
from phos_darkroom.files.picture import Metadata

__all__ = ["TILE", "TiffTiles"]

TILE = 256
"""Side of the file's tiles, in pixels: what is written starts at multiples of it."""

CLASSIC_BYTES = 2**32 - 2**25  # beyond it a file's offsets need BigTIFF; some room for the rest
DEFLATE_LEVEL = 1  # our choice: grain hardly compresses, so more effort buys little
_TILE_OFFSETS = 324
_TILE_BYTE_COUNTS = 325


class TiffTiles:
    """A TIFF that is written by tiles, losslessly compressed.

    Parameters
    ----------
    file : binary file
        Where to; it must be new, and can be read and written.
    shape : tuple of (int, int)
        Rows and columns.
    samples : int
        Of a pixel: grey or RGB, and alpha after them.
    dtype : dtype
        Of the samples: uint8, uint16 or float32.
    metadata : Metadata
        What else goes into the file.

    Notes
    -----
    The directory is written first, with no place for any tile; what is appended later is entered by
    `finish`. So no part of the picture waits for another.
    """

    def __init__(
        self,
        file: BinaryIO,
        shape: tuple[int, int],
        samples: int,
        dtype: np.dtype[Any],
        *,
        metadata: Metadata,
    ) -> None:
        self._file = file
        self._shape = shape
        self._samples = samples
        self._dtype = np.dtype(dtype)
        self._across = -(-shape[1] // TILE)
        count = self._across * -(-shape[0] // TILE)
        self._offsets = [0] * count
        self._byte_counts = [0] * count
        self._exif = with_resolution(metadata.exif, metadata.resolution)
        is_big = needs_bigtiff(shape, samples, dtype)
        order, start = start_of_tiff(self._exif, HEADER_BYTES[is_big])
        self._stored_dtype = self._dtype.newbyteorder(order or "=")
        with tifffile.TiffWriter(file, bigtiff=is_big, byteorder=order) as tiff:
            file.write(start)
            tiff.write(
                iter([(b"", 0)] * count),
                shape=(*shape, samples) if samples > 1 else shape,
                dtype=self._dtype,
                tile=(TILE, TILE),
                photometric="rgb" if samples >= 3 else "minisblack",
                planarconfig="contig" if samples > 1 else None,
                extrasamples=["unassalpha"] if samples in (2, 4) else None,
                compression="adobe_deflate",
                predictor=True,
                iccprofile=metadata.icc_profile,
                extratags=extra_tags(metadata),
                software=False,
                metadata=None,
                **resolution_tags(metadata.resolution),
            )

    def write(self, row: int, col: int, pixels: NDArray[Any]) -> None:
        """Append a part of the picture; its tiles are compressed on every core.

        Parameters
        ----------
        row, col : int
            Where it starts: multiples of `TILE`.
        pixels : ndarray, shape (rows, cols, samples)
            In whole tiles, but at the picture's lower and right edge.
        """
        rows, cols = pixels.shape[:2]
        places = [(r, c) for r in range(0, rows, TILE) for c in range(0, cols, TILE)]
        encoded: dict[tuple[int, int], bytes] = {}

        def encode(place: tuple[int, int]) -> None:
            down, across = place
            encoded[place] = self._encoded(pixels[down : down + TILE, across : across + TILE])

        in_parallel(lambda: encode, places)
        self._file.seek(0, 2)
        for down, across in places:
            index = (row + down) // TILE * self._across + (col + across) // TILE
            self._offsets[index] = self._file.tell()
            self._byte_counts[index] = self._file.write(encoded[down, across])

    def finish(self) -> None:
        """Enter into the directory where the tiles lie, and add what EXIF says."""
        self._file.seek(0)
        with tifffile.TiffFile(self._file, mode="r+") as tiff:
            tags = tiff.pages.first.tags
            tags[_TILE_OFFSETS].overwrite(self._offsets)
            tags[_TILE_BYTE_COUNTS].overwrite(self._byte_counts)
        if self._exif is not None:
            write_into_tiff(self._file, self._exif)

    def _encoded(self, pixels: NDArray[Any]) -> bytes:
        """Compress a tile; what lies beyond the picture repeats its edge."""
        rows, cols = pixels.shape[:2]
        beyond = ((0, TILE - rows), (0, TILE - cols), (0, 0))
        tile = np.pad(pixels, beyond, mode="edge").astype(self._stored_dtype, order="C", copy=False)
        is_float = tile.dtype.kind == "f"
        predict = imagecodecs.floatpred_encode if is_float else imagecodecs.delta_encode
        return bytes(imagecodecs.zlib_encode(predict(tile, axis=-2).tobytes(), level=DEFLATE_LEVEL))


def needs_bigtiff(shape: tuple[int, int], samples: int, dtype: np.dtype[Any]) -> bool:
    """Whether a picture may not fit into a classic TIFF, which ends at 4 GiB."""
    return shape[0] * shape[1] * samples * np.dtype(dtype).itemsize > CLASSIC_BYTES

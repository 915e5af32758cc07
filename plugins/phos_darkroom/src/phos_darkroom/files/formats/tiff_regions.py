"""TIFF by regions: any part of a picture is decoded without the rest of it."""

import math
import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from phos_core.backend import in_parallel
from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import described, encoding_by, is_spread
from phos_darkroom.files.formats.damage import DamageError, check_is_file, one_clear_error
from phos_darkroom.files.formats.directories import check_directories
from phos_darkroom.files.formats.tiff import ASSOCIATED_ALPHA, JPEG, straight, the_picture
from phos_darkroom.files.formats.tiff_blocks import blocks_of
from phos_darkroom.files.formats.tiff_segments import mend
from phos_darkroom.files.metadata.exif import block_of_tiff
from phos_darkroom.files.picture import FileEncoding, Metadata, Picture

__all__ = ["TiffRegions"]

DTYPES = ("uint8", "uint16", "float32")
SEGMENT_BYTES = 2**28  # our choice: of a tile or strip that is decoded at once, on each core


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a region takes of a segment, and where it goes."""

    segment: int
    sample: int | None
    taken: tuple[slice, slice]
    place: tuple[slice, slice]


class TiffRegions:
    """A TIFF of one picture, upright, that is read by regions; a context manager.

    Parameters
    ----------
    path : path
        The file: TIFF or BigTIFF, in strips or tiles, of 8 or 16 bits or of float32, grey or RGB,
        with or without an alpha channel.

    Raises
    ------
    ImageFileError
        If there is no such file, it is damaged, or holds something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with one_clear_error(self.path):
            check_is_file(self.path)
            self._file = self.path.open("rb")
        try:
            with one_clear_error(self.path):
                self._open()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "TiffRegions":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, upright."""
        rows, cols = self._page.imagelength, self._page.imagewidth
        return (cols, rows) if self._is_turned else (rows, cols)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the samples, in native byte order."""
        return np.dtype(self._page.dtype).newbyteorder("=")

    @property
    def samples(self) -> int:
        """Of a pixel: grey or RGB, and alpha after them."""
        return self._stored_samples + (2 if self._is_spread else 0)

    @property
    def channels(self) -> int:
        """Of a pixel, without alpha: 1 or 3."""
        return 3 if self.samples >= 3 else 1

    @property
    def metadata(self) -> Metadata:
        """What else the file says, as of the upright picture; a profile is one of such samples.

        Warns
        -----
        UserWarning
            If the file's profile cannot be used.
        """
        return self._described()[0]

    def read(self, rows: range, cols: range) -> NDArray[Any]:
        """Decode a region.

        Parameters
        ----------
        rows, cols : range
            Of the upright picture; with a step, every so many of them.

        Returns
        -------
        ndarray, shape (len(rows), len(cols), samples)
            The samples as they are stored; colours that are multiplied by alpha are divided by it.
        """
        if self._flips_rows:
            rows = _mirrored(rows, self.shape[0])
        if self._flips_cols:
            cols = _mirrored(cols, self.shape[1])
        with one_clear_error(self.path):
            if self._is_turned:
                region = self._stored(cols, rows).swapaxes(0, 1)
            else:
                region = self._stored(rows, cols)
        if self._flips_rows:
            region = region[::-1]
        if self._flips_cols:
            region = region[:, ::-1]
        if ASSOCIATED_ALPHA in self._page.extrasamples:
            region = straight(region)
        return np.concatenate([region[..., :1]] * 2 + [region], -1) if self._is_spread else region

    def picture(self, region: NDArray[Any]) -> Picture:
        """Give a region's samples as a picture that says of itself what the file says.

        Parameters
        ----------
        region : ndarray, shape (rows, cols, samples)
            Samples, as `read` gives them.

        Returns
        -------
        Picture
            Colours and alpha are views of the region.
        """
        channels = self.channels
        return Picture(
            pixels=region[..., :channels] if channels == 3 else region[..., 0],
            alpha=region[..., channels] if self.samples > channels else None,
            encoding=encoding_by(self._metadata.icc_profile, self._untagged),
            metadata=self._metadata,
        )

    def _open(self) -> None:
        check_directories(self._file)
        self._file.seek(0)
        self._exif = block_of_tiff(self._file)
        self._file.seek(0)
        self._lock = threading.Lock()
        self._page = the_picture(tifffile.TiffFile(self._file, name=self.path.name), self.path)
        mend(self._page)
        self._stored_samples = int(self._page.samplesperpixel)
        self._check_samples()
        self._measure_segments()
        self._check_segments()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `metadata` warns
            self._metadata, orientation = self._described()
        is_grey = self._stored_samples <= 2
        self._is_spread = is_spread(self._metadata.icc_profile, is_grey=is_grey)
        self._is_turned = orientation in (5, 6, 7, 8)
        self._flips_rows = orientation in (3, 4, 7, 8)
        self._flips_cols = orientation in (2, 3, 6, 7)

    @property
    def _untagged(self) -> FileEncoding:
        """What the samples are if the file has no profile."""
        return "linear" if self.dtype.kind == "f" else "srgb"

    def _described(self) -> tuple[Metadata, int]:
        """What the file says of the upright picture, and how it is turned."""
        page = self._page
        return described(
            blocks_of(page, self._exif),
            (page.imagelength, page.imagewidth),
            is_grey=self._stored_samples <= 2,
            untagged=self._untagged,
            name=self.path.name,
        )

    def _check_samples(self) -> None:
        page = self._page
        dtype = None if page.dtype is None else np.dtype(page.dtype).newbyteorder("=").name
        whole_bits = dtype in DTYPES and page.bitspersample == 8 * np.dtype(dtype).itemsize
        if not whole_bits:
            raise ImageFileError(
                f"{self.path} holds {page.bitspersample}-bit {dtype} samples; large pictures are "
                f"developed from {', '.join(DTYPES)}"
            )
        is_jpeg = page.compression == JPEG and page.photometric == tifffile.PHOTOMETRIC.YCBCR
        is_rgb = page.photometric == tifffile.PHOTOMETRIC.RGB or is_jpeg
        is_grey = page.photometric == tifffile.PHOTOMETRIC.MINISBLACK
        extra = page.samplesperpixel - (3 if is_rgb else 1)
        if not (is_rgb or is_grey) or extra not in (0, 1) or page.imagedepth != 1:
            raise ImageFileError(
                f"{self.path} holds {page.samplesperpixel} samples of "
                f"{tifffile.PHOTOMETRIC(page.photometric).name} for each pixel; large pictures are "
                "developed from grey or RGB, with or without alpha: convert it to RGB first"
            )

    def _measure_segments(self) -> None:
        """Note how the picture is cut into strips or tiles."""
        page = self._page
        length, width = (
            (page.tilelength, page.tilewidth)
            if page.is_tiled
            else (min(page.rowsperstrip, page.imagelength), page.imagewidth)
        )
        if min(page.imagelength, page.imagewidth, length, width) < 1:
            raise ImageFileError(f"{self.path} is damaged: it claims no pixels")
        self._segment_shape = length, width
        self._across = math.ceil(page.imagewidth / width)
        self._down = math.ceil(page.imagelength / length)
        self._is_planar = (
            page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and self._stored_samples > 1
        )
        self._is_plain = (
            not page.is_tiled
            and page.compression == 1
            and page.predictor == 1
            and page.fillorder == tifffile.FILLORDER.MSB2LSB
        )

    def _check_segments(self) -> None:
        """Refuse a picture that lacks some of its segments, or has larger ones than are decoded."""
        if self._lacks_segments():
            raise ImageFileError(f"{self.path} is cut short: parts of the picture are missing")
        samples = 1 if self._is_planar else self._stored_samples
        row_bytes = self._segment_shape[1] * samples * self.dtype.itemsize
        segment_bytes = self._segment_shape[0] * row_bytes
        if self._is_plain and self._lacks_rows(row_bytes):
            raise ImageFileError(f"{self.path} is cut short: its strips lack rows")
        if not self._is_plain and segment_bytes > SEGMENT_BYTES:
            raise ImageFileError(
                f"{self.path} is compressed in pieces of {segment_bytes / 2**20:.0f} MiB, "
                f"more than {SEGMENT_BYTES / 2**20:.0f}: save it in tiles, for instance of "
                "256 by 256 pixels"
            )

    def _lacks_segments(self) -> bool:
        """Whether a segment is missing, empty, or beyond the file's end."""
        count = self._across * self._down * (self._stored_samples if self._is_planar else 1)
        size = os.fstat(self._file.fileno()).st_size
        extents = list(zip(self._page.dataoffsets, self._page.databytecounts, strict=True))
        return len(extents) < count or any(
            not length or offset + length > size for offset, length in extents[:count]
        )

    def _lacks_rows(self, row_bytes: int) -> bool:
        """Whether a strip that is not compressed is shorter than its rows."""
        length, rows = self._segment_shape[0], self._page.imagelength
        return any(
            count < row_bytes * min(length, rows - length * (index % self._down))
            for index, count in enumerate(self._page.databytecounts)
        )

    def _stored(self, rows: range, cols: range) -> NDArray[Any]:
        """Decode a region of the picture as it lies in the file, on every core."""
        region = np.empty((len(rows), len(cols), self._stored_samples), self.dtype)
        fill = self._fill_plain if self._is_plain else self._fill

        def fill_piece(piece: _Piece) -> None:
            place = region[piece.place]
            fill(place if piece.sample is None else place[..., piece.sample], piece)

        in_parallel(lambda: fill_piece, list(self._pieces(rows, cols)))
        return region

    def _pieces(self, rows: range, cols: range) -> Iterator[_Piece]:
        """Go through the segments that a region touches."""
        length, width = self._segment_shape
        per_plane = self._across * self._down
        for down in range(rows.start // length, rows[-1] // length + 1):
            taken_rows, place_rows = _part(rows, down * length, length)
            for across in range(cols.start // width, cols[-1] // width + 1):
                taken_cols, place_cols = _part(cols, across * width, width)
                if not (_holds(place_rows) and _holds(place_cols)):
                    continue
                index = down * self._across + across
                for sample in range(self._stored_samples) if self._is_planar else [None]:
                    yield _Piece(
                        index + per_plane * (sample or 0),
                        sample,
                        (taken_rows, taken_cols),
                        (place_rows, place_cols),
                    )

    def _fill(self, place: NDArray[Any], piece: _Piece) -> None:
        """Decode a segment."""
        page = self._page
        offset, count = page.dataoffsets[piece.segment], page.databytecounts[piece.segment]
        tables = (
            {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
            if page.compression == JPEG
            else {}
        )
        decoded, _, _ = page.decode(self._bytes(offset, count), piece.segment, **tables)
        if decoded is None:
            raise DamageError(f"segment {piece.segment} is empty")
        part = decoded[0][piece.taken]
        place[...] = part[..., 0] if piece.sample is not None else part

    def _fill_plain(self, place: NDArray[Any], piece: _Piece) -> None:
        """Read rows of a strip that is not compressed, only what is needed of each."""
        page, (taken_rows, taken_cols) = self._page, piece.taken
        samples = self._stored_samples if piece.sample is None else 1
        stored = self.dtype.newbyteorder(page.parent.byteorder)
        pixel_bytes = samples * stored.itemsize
        span = taken_cols.stop - taken_cols.start
        offset = page.dataoffsets[piece.segment] + taken_cols.start * pixel_bytes
        wanted = range(taken_rows.start, taken_rows.stop, taken_rows.step)
        for row, line in zip(wanted, place, strict=True):
            start = offset + row * page.imagewidth * pixel_bytes
            numbers = np.frombuffer(self._bytes(start, span * pixel_bytes), stored)
            line[...] = numbers.reshape(span, *line.shape[1:])[:: taken_cols.step]

    def _bytes(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(count)
        if len(data) != count:
            raise DamageError("the file ends within its pixels")
        return data


def _mirrored(indices: range, size: int) -> range:
    """The same places counted from the other end, in rising order."""
    return range(size - 1 - indices[-1], size - indices.start, indices.step)


def _part(indices: range, start: int, size: int) -> tuple[slice, slice]:
    """What a segment holds of indices: where in the segment, and which of the indices."""
    first = max(math.ceil((start - indices.start) / indices.step), 0)
    last = min(math.ceil((start + size - indices.start) / indices.step), len(indices))
    inside = indices[first:last]
    stop = inside[-1] + 1 - start if inside else 0
    return slice(inside.start - start, stop, indices.step), slice(first, last)


def _holds(part: slice) -> bool:
    return bool(part.stop > part.start)

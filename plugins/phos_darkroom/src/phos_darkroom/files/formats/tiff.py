"""TIFF: 8 and 16 bits and floats, by tifffile, whose segments are all accounted for first."""

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import assemble
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.directories import check_directories
from phos_darkroom.files.formats.limits import BLOCKS_PER_JPEG_BYTE, PIXELS, check_size, expansion
from phos_darkroom.files.formats.samples import exif_for, interleaved, profile_for, stretched
from phos_darkroom.files.formats.tiff_blocks import (
    HEADER_BYTES,
    blocks_of,
    extra_tags,
    resolution_tags,
)
from phos_darkroom.files.formats.tiff_segments import mend
from phos_darkroom.files.metadata.exif import block_of_tiff, start_of_tiff, write_into_tiff
from phos_darkroom.files.picture import Picture

__all__ = [
    "read",
    "straight",
    "the_picture",
    "write",
]

DNG_VERSION = 50706
UNSIGNED, FLOAT = 1, 3  # of SampleFormat
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, YCBCR = 0, 1, 2, 3, 5, 6
ASSOCIATED_ALPHA = 1  # of ExtraSamples
ALPHAS = {ASSOCIATED_ALPHA, 2}
COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32946, 32773, 50000}
JPEG = 7
CLASSIC_BYTES = 2**32 - 2**26  # of pixels: offsets have 32 bits, and metadata need some too
FAX = {2, 3, 4}


def read(path: Path) -> Picture:
    """Read a TIFF of one picture; thumbnails beside it are passed over.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        Of 8 or 16 bits, or of floats.
    """
    with path.open("rb") as file:
        check_directories(file)
        exif = block_of_tiff(file)
        file.seek(0)
        with tifffile.TiffFile(file, name=path.name) as tiff:
            page = the_picture(tiff, path)
            mend(page)
            _check(page, path)
            samples = _samples(page)
            blocks = blocks_of(page, exif)
    return assemble(
        samples,
        exif=blocks.exif,
        xmp=blocks.xmp,
        icc_profile=blocks.icc_profile,
        photoshop=blocks.photoshop,
        resolution=blocks.resolution,
        orientation=blocks.orientation,
        untagged="linear" if samples.dtype == np.float32 else "srgb",
        name=path.name,
    )


def write(file: BinaryIO, picture: Picture) -> None:
    """Write a TIFF as deep as the pixels, losslessly compressed.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What.
    """
    metadata = picture.metadata
    samples = interleaved(picture)
    profile = profile_for(picture)
    exif = exif_for(picture)
    is_big = samples.nbytes > CLASSIC_BYTES
    order, start = start_of_tiff(exif, HEADER_BYTES[is_big])
    with tifffile.TiffWriter(file, bigtiff=is_big, byteorder=order) as tiff:
        file.write(start)
        tiff.write(
            samples,
            photometric="rgb" if picture.pixels.ndim == 3 else "minisblack",
            planarconfig="contig",
            extrasamples=None if picture.alpha is None else ["unassalpha"],
            compression="zlib",
            predictor=True,
            rowsperstrip=max(1, 2**20 // max(1, samples[0].nbytes)),
            iccprofile=profile,
            metadata=None,
            software=False,
            extratags=extra_tags(metadata),
            **resolution_tags(metadata.resolution),
        )
    if exif is not None:
        write_into_tiff(file, exif)


def the_picture(tiff: tifffile.TiffFile, path: Path) -> tifffile.TiffPage:
    """Return the one page that is the picture, or say why there is none.

    Parameters
    ----------
    tiff : tifffile.TiffFile
        The open file.
    path : Path
        Its name, for the error.

    Returns
    -------
    tifffile.TiffPage
        The page.
    """
    pages = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
    if DNG_VERSION in pages[0].tags:
        raise ImageFileError(f"{path} is a camera's raw file inside (DNG): name it .dng")
    full_size = [page for page in pages if not page.is_reduced and not page.is_mask]
    if not full_size:
        raise ImageFileError(
            f"{path} holds a thumbnail only, as a camera's raw file does: give it the ending that "
            "the camera gave it"
        )
    if len(full_size) > 1:
        raise ImageFileError(f"{path} holds {len(full_size)} pictures, not one")
    return full_size[0]


def _check(page: tifffile.TiffPage, path: Path) -> None:
    """Refuse what is not read, and what the file cannot hold, before memory is given for it."""
    check_size(path, page.imagelength, page.imagewidth)
    if page.imagedepth != 1:
        raise ImageFileError(f"{path} holds a volume, not one picture")
    if page.photometric == INKS:
        raise ImageFileError(f"{path} holds inks (CMYK), not light: convert it to sRGB first")
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR) or (
        page.photometric == YCBCR and page.compression != JPEG
    ):
        raise ImageFileError(
            f"{path} holds {_name(page.photometric)}, neither grey nor RGB: convert it first"
        )
    if page.compression not in COMPRESSIONS:
        raise ImageFileError(
            f"{path} is compressed by {_name(page.compression)}, which is not read here: save it "
            "with LZW, Deflate, ZSTD, PackBits or none"
        )
    _check_numbers(page, path)
    _check_segments(page)


def _check_numbers(page: tifffile.TiffPage, path: Path) -> None:
    bits, kind = page.bitspersample, page.sampleformat
    if not isinstance(bits, int):
        raise ImageFileError(f"{path} has channels of unequal depth: {bits}")
    if kind == FLOAT:
        if bits not in (16, 32):
            raise ImageFileError(f"{path} holds floats of {bits} bits: save it with 32")
    elif kind != UNSIGNED:
        raise ImageFileError(f"{path} holds signed or complex numbers, not codes or light")
    elif bits > 16:
        raise ImageFileError(f"{path} has integers of {bits} bits a channel: save it with 16")
    if kind == FLOAT and page.photometric == WHITE_IS_ZERO:
        raise ImageFileError(f"{path} holds light whose white is 0: invert it first")
    _check_channels(page, path)


def _check_channels(page: tifffile.TiffPage, path: Path) -> None:
    colours = 3 if page.photometric in (RGB, YCBCR) else 1
    largest = colours if page.photometric in (PALETTE, WHITE_IS_ZERO) else colours + 1
    if not colours <= page.samplesperpixel <= largest:
        raise ImageFileError(
            f"{path} has {page.samplesperpixel} channels, not {colours} and perhaps alpha"
        )
    if page.samplesperpixel > colours and not ALPHAS.issuperset(page.extrasamples[:1]):
        raise ImageFileError(
            f"{path} has a channel beside its colours that is not called alpha: remove it first"
        )


def _check_segments(page: tifffile.TiffPage) -> None:
    """Account for every strip or tile: tifffile fills those that are missing with zeros."""
    rows, cols, shapes = _parts(page)
    if rows * cols > PIXELS:
        raise DamageError(f"a part of it claims {cols} by {rows} pixels")
    offsets, sizes = page.dataoffsets, page.databytecounts
    if len(offsets) != len(sizes) or len(sizes) < len(shapes):
        raise DamageError(f"it has {len(offsets)} of {len(shapes)} parts of the picture")
    end = page.parent.filehandle.size
    channels = page.samplesperpixel if page.planarconfig == 1 else 1
    for offset, size, part_rows in zip(offsets, sizes, shapes, strict=False):
        if size < 1 or offset < 8 or offset + size > end:
            raise DamageError("a part of the picture is missing, or lies beyond the file's end")
        if not _can_hold(page, size, part_rows, cols, channels):
            raise DamageError("its data cannot hold the size that it claims")


def _parts(page: tifffile.TiffPage) -> tuple[int, int, list[int]]:
    """Return the largest part's rows and columns, and the rows of each part in order."""
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    if page.is_tiled:
        rows, cols = page.tilelength, page.tilewidth
        if rows < 1 or cols < 1:
            raise DamageError("its tiles have no size")
        count = math.ceil(page.imagelength / rows) * math.ceil(page.imagewidth / cols)
        return rows, cols, [rows] * (count * planes)
    rows = min(page.rowsperstrip, page.imagelength)
    if rows < 1:
        raise DamageError("its strips have no rows")
    full, rest = divmod(page.imagelength, rows)
    return rows, page.imagewidth, ([rows] * full + [rest] * (rest > 0)) * planes


def _can_hold(page: tifffile.TiffPage, size: int, rows: int, cols: int, channels: int) -> bool:
    """Tell whether so many bytes can become a part of the picture."""
    if page.compression == JPEG:
        return rows * cols <= 64 * BLOCKS_PER_JPEG_BYTE * size
    if page.compression in FAX:
        return rows <= 8 * size  # a line like the one before costs a bit
    needed = rows * ((cols * channels * page.bitspersample + 7) // 8)
    return needed <= size * expansion(int(page.compression))


def _samples(page: tifffile.TiffPage) -> NDArray[Any]:
    """Decode, and convert to grey or RGB with alpha or without."""
    stored = np.asarray(page.asarray())
    if page.planarconfig == 2 and stored.ndim == 3:
        stored = np.moveaxis(stored, 0, -1)
    if page.photometric == PALETTE:
        return _through_palette(stored, page)
    if stored.dtype.kind == "f":
        return _straight(stored.astype(np.float32, copy=False), page)
    if stored.dtype == bool:
        stored = stored.astype(np.uint8)
    samples = stretched(stored, page.bitspersample)
    if page.photometric == WHITE_IS_ZERO:
        samples = np.iinfo(samples.dtype).max - samples
    return _straight(samples, page)


def _straight(samples: NDArray[Any], page: tifffile.TiffPage) -> NDArray[Any]:
    is_multiplied = ASSOCIATED_ALPHA in page.extrasamples
    return straight(samples) if is_multiplied else samples


def straight(samples: NDArray[Any]) -> NDArray[Any]:
    """Divide colours by the alpha that they were multiplied by.

    Parameters
    ----------
    samples : ndarray, shape (rows, cols, 2 or 4)
        The last channel is alpha.

    Returns
    -------
    ndarray
        Of the same dtype; black where alpha is 0.
    """
    alpha = samples[..., -1:].astype(np.float64)
    top = 1.0 if samples.dtype == np.float32 else float(np.iinfo(samples.dtype).max)
    scale = np.divide(top, alpha, out=np.zeros_like(alpha), where=alpha > 0)
    colours = samples[..., :-1] * scale
    if samples.dtype != np.float32:
        colours = np.rint(np.minimum(colours, top))
    return np.concatenate([colours.astype(samples.dtype), samples[..., -1:]], axis=-1)


def _through_palette(indices: NDArray[Any], page: tifffile.TiffPage) -> NDArray[np.uint8]:
    """Look the colours up; a palette has 16 bits, of which writers fill the upper 8 or both."""
    indices = indices.astype(np.uint8) if indices.dtype == bool else indices  # of one bit
    colours = np.asarray(page.colormap)
    codes = (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)
    if indices.ndim != 2 or codes.shape[1] <= int(indices.max()):
        raise DamageError("its palette is too short")
    return np.ascontiguousarray(codes.T[indices])


def _name(code: Any) -> str:
    return str(getattr(code, "name", code)).lower()

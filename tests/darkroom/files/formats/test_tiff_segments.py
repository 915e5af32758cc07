"""TIFF's strips and tiles as writers leave them: read as libtiff does, whole or by regions."""

import logging
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.image_files import read_picture

NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, ZSTD = 1, 5, 8, 32946, 32773, 50000
ENCODERS = {
    NONE: bytes,
    LZW: imagecodecs.lzw_encode,
    DEFLATE: zlib.compress,
    OLD_DEFLATE: zlib.compress,
    PACKBITS: imagecodecs.packbits_encode,
    ZSTD: imagecodecs.zstd_encode,
}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
ROWS_PER_STRIP = 10


def packed(samples, bits):
    """Rows of samples of so many bits, the highest first, each row on bytes of its own."""
    if bits == 16:
        return samples.astype("<u2").tobytes()
    if bits == 8:
        return samples.astype(np.uint8).tobytes()
    places = np.arange(bits - 1, -1, -1)
    singles = (samples.reshape(samples.shape[0], -1, 1) >> places & 1).reshape(samples.shape[0], -1)
    return np.packbits(singles.astype(np.uint8), axis=1).tobytes()


def strips_of(samples, bits, compression, *, last="short", tail=0, predictor=1, fill_order=1):
    strips = []
    for start in range(0, samples.shape[0], ROWS_PER_STRIP):
        part = samples[start : start + ROWS_PER_STRIP]
        missing = ROWS_PER_STRIP - part.shape[0]
        if last != "short":
            added = missing if last == "full" else min(last, missing)
            part = np.pad(part, ((0, added), *((0, 0),) * (part.ndim - 1)))
        if predictor == 2:
            part = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
        strip = bytes(ENCODERS[compression](packed(part, bits) + bytes(tail)))
        strips.append(bytes(imagecodecs.bitorder_encode(strip)) if fill_order == 2 else strip)
    return strips


def write_tiff(
    path, samples, bits, *, photometric, compression=NONE, colours=None, lengths=None, **how
):
    """Write strips by hand; `lengths`: another list of them, or None to leave the tag out."""
    planes = np.moveaxis(samples, -1, 0) if how.pop("planar", False) else [samples]
    strips = [strip for plane in planes for strip in strips_of(plane, bits, compression, **how)]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    tags = {
        256: ("I", [samples.shape[1]]),
        257: ("I", [samples.shape[0]]),
        258: ("H", [bits] * channels),
        259: ("H", [compression]),
        262: ("H", [photometric]),
        266: ("H", [how.get("fill_order", 1)]),
        273: ("I", [0] * len(strips)),
        277: ("H", [channels]),
        278: ("I", [ROWS_PER_STRIP]),
        279: ("I", [len(strip) for strip in strips] if lengths is None else lengths),
        284: ("H", [2 if len(planes) > 1 else 1]),
        317: ("H", [how.get("predictor", 1)]),
    }
    if colours is not None:
        tags[320] = ("H", (colours.astype(int) * 257).T.ravel().tolist())
    if lengths == []:
        del tags[279]
    place = len(directory(tags))
    tags[273] = ("I", np.cumsum([place, *map(len, strips[:-1])]).tolist())
    path.write_bytes(directory(tags) + b"".join(strips))
    return path


def directory(tags):
    entries, values = b"", b""
    place = 8 + 2 + 12 * len(tags) + 4
    for tag, (letter, numbers) in sorted(tags.items()):
        value = struct.pack(f"<{len(numbers)}{letter}", *numbers)
        kind = {"H": 3, "I": 4}[letter]
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field = struct.pack("<I", place + len(values))
            values += value
        entries += struct.pack("<HHI", tag, kind, len(numbers)) + field
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + values


def by_regions(path, shape):
    with TiffRegions(path) as regions:
        return regions.read(range(shape[0]), range(shape[1])).reshape(shape)


@pytest.fixture
def colour(rng):
    return rng.integers(0, 256, (25, 17, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("compression", "predictor"),
    [*((each, 1) for each in ENCODERS), (LZW, 2), (DEFLATE, 2), (OLD_DEFLATE, 2), (ZSTD, 2)],
)
@pytest.mark.parametrize("last", ["short", "full", 2])
@pytest.mark.parametrize("planar", [False, True])
def test_rows_beyond_the_pictures_last_are_passed_over(
    tmp_path, colour, compression, last, predictor, planar
):
    for pixels, bits in ((colour, 8), (colour.astype(np.uint16) * 256 + 7, 16)):
        path = write_tiff(
            tmp_path / "a.tif",
            pixels,
            bits,
            photometric=RGB,
            compression=compression,
            last=last,
            predictor=predictor,
            planar=planar,
        )
        assert np.array_equal(read_picture(path).pixels, pixels)
        assert np.array_equal(by_regions(path, pixels.shape), pixels)


@pytest.mark.parametrize(
    ("compression", "tail"),
    [
        *((each, tail) for each in ENCODERS for tail in (1, 7, 5000)),
        (NONE, 300000),
        (LZW, 300000),
        (DEFLATE, 300000),
    ],
)
def test_bytes_behind_a_strips_rows_are_passed_over(tmp_path, colour, compression, tail):
    path = write_tiff(
        tmp_path / "a.tif", colour, 8, photometric=RGB, compression=compression, tail=tail
    )
    assert np.array_equal(read_picture(path).pixels, colour)
    assert np.array_equal(by_regions(path, colour.shape), colour)


@pytest.mark.parametrize("compression", ENCODERS)
@pytest.mark.parametrize("lengths", [[], [0, 0, 0], [2**31] * 3])
def test_lengths_that_are_not_said_follow_from_where_the_strips_lie(
    tmp_path, colour, compression, lengths
):
    path = write_tiff(
        tmp_path / "a.tif", colour, 8, photometric=RGB, compression=compression, lengths=lengths
    )
    assert np.array_equal(read_picture(path).pixels, colour)
    assert np.array_equal(by_regions(path, colour.shape), colour)


@pytest.mark.parametrize("compression", ENCODERS)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_strip_that_is_shorter_than_its_rows_is_refused(tmp_path, colour, compression, which):
    lengths = [len(strip) for strip in strips_of(colour, 8, compression)]
    for cut in (lengths[which] // 2, lengths[which]):  # by half, and missing
        others = [length - cut * (place == which) for place, length in enumerate(lengths)]
        path = write_tiff(
            tmp_path / "a.tif", colour, 8, photometric=RGB, compression=compression, lengths=others
        )
        with pytest.raises(ImageFileError, match=r"a\.tif is (damaged|cut short)"):
            read_picture(path)
        with pytest.raises(ImageFileError, match=r"a\.tif is (damaged|cut short)"):
            by_regions(path, colour.shape)


def test_a_longer_strip_whose_checksum_is_wrong_is_refused(tmp_path, colour):
    path = write_tiff(
        tmp_path / "a.tif", colour, 8, photometric=RGB, compression=DEFLATE, last="full"
    )
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the last strip's checksum
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match="damaged"):
        read_picture(path)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("compression", ENCODERS)
@pytest.mark.parametrize("fill_order", [1, 2])
def test_palettes_of_every_depth_are_looked_up_in_every_width(
    tmp_path, rng, bits, compression, fill_order
):
    colours = rng.integers(0, 256, (2**bits, 3), dtype=np.uint8)
    colours[0] = 255  # a palette of both bytes
    for cols in (1, 7, 8, 13, 64):
        indices = rng.integers(0, 2**bits, (9, cols), dtype=np.uint8)
        path = write_tiff(
            tmp_path / "a.tif",
            indices,
            bits,
            photometric=PALETTE,
            compression=compression,
            fill_order=fill_order,
            colours=colours,
        )
        assert np.array_equal(read_picture(path).pixels, colours[indices])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("fill_order", [1, 2])
def test_grey_of_every_depth_is_read_from_both_ends(tmp_path, rng, bits, photometric, fill_order):
    top = 2**bits - 1
    for cols in (1, 7, 13, 64):
        codes = rng.integers(0, top + 1, (12, cols), dtype=np.uint16)
        path = write_tiff(
            tmp_path / "a.tif", codes, bits, photometric=photometric, fill_order=fill_order
        )
        light = codes if photometric == BLACK_IS_ZERO else top - codes
        white = 255 if bits <= 8 else 65_535
        assert np.array_equal(read_picture(path).pixels, np.rint(light * (white / top)))
        if bits in (8, 16) and photometric == BLACK_IS_ZERO:
            assert np.array_equal(by_regions(path, codes.shape), codes)


def test_tiles_may_be_longer_too_and_sparse_ones_are_refused(tmp_path, colour):
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb", tile=(16, 16))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        tags = file.pages[0].tags
        count = len(file.pages[0].databytecounts)
        tags["TileByteCounts"].overwrite([768 + 10] * (count - 1) + [768])
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, colour)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        tags = file.pages[0].tags
        offsets = list(file.pages[0].dataoffsets)
        tags["TileOffsets"].overwrite([offsets[0], 0, *offsets[2:]])
        tags["TileByteCounts"].overwrite([768, 0] + [768] * (count - 2))
    with pytest.raises(ImageFileError, match="missing"):
        read_picture(tmp_path / "a.tif")


def test_what_tifffile_says_of_a_files_faults_is_not_printed(tmp_path, colour, capfd):
    path = write_tiff(tmp_path / "a.tif", colour, 8, photometric=RGB, lengths=[])
    logger = logging.getLogger("tifffile")
    propagates, logger.propagate = logger.propagate, False  # pytest listens at the root
    try:
        read_picture(path)
    finally:
        logger.propagate = propagates
    assert capfd.readouterr().err == ""

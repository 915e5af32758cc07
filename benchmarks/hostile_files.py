"""Files that are damaged or meant to do harm, made from good ones of every format; always the same.

Random damage: cut short, bytes changed, pieces doubled, lost or filled in. Designed harm: headers
that claim absurd sizes, blocks that unpack without end, directories that run in circles.
"""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from phos_darkroom import Metadata, Picture, write_picture
from phos_darkroom.files.colour.profiles import srgb_profile

ROWS, COLS = 48, 64
HEIFS = Path(__file__).parent.parent / "tests" / "data"
EXIF = (
    b"II*\0\x08\0\0\0\x02\0"
    b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"  # turned
    b"\x0f\x01\x02\0\x04\0\0\0cam\0"
    b"\0\0\0\0"
)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'


@dataclass(frozen=True)
class HostileFile:
    """A file's name, which says what is wrong with it, and its bytes."""

    name: str
    content: bytes


def hostile_files(per_format: int, seed: int = 6) -> Iterator[HostileFile]:
    """Make the files: all that are designed, and so many of each kind at random."""
    seeds = dict(good_files())
    yield from designed(seeds)
    for name, content in seeds.items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        for number in range(per_format):
            kind = list(DAMAGES)[number % len(DAMAGES)]
            stem, suffix = name.rsplit(".", 1)
            damaged = DAMAGES[kind](content, rng)
            yield HostileFile(f"{stem}-{kind}-{number}.{suffix}", damaged)


def good_files() -> Iterator[tuple[str, bytes]]:
    """Make the good files that are then damaged."""
    rng = np.random.default_rng(1)
    rows, cols = np.mgrid[0:ROWS, 0:COLS]
    smooth = np.stack([4 * cols, 5 * rows, 2 * rows + 2 * cols], -1)
    image = np.clip(smooth + rng.integers(-6, 7, smooth.shape), 0, 255).astype(np.uint8)
    deep = (257 * image.astype(np.uint32) + rng.integers(-128, 129, image.shape)).clip(0, 65535)
    deep = deep.astype(np.uint16)
    alpha = np.ascontiguousarray(image[..., 0])
    metadata = Metadata(exif=EXIF, xmp=XMP, icc_profile=srgb_profile())
    pictures = {
        "plain.jpg": Picture(pixels=image, metadata=metadata),
        "eight.png": Picture(pixels=image, alpha=alpha, metadata=metadata),
        "sixteen.png": Picture(pixels=deep, metadata=metadata),
        "sixteen.tif": Picture(pixels=deep, metadata=metadata),
        "plain.webp": Picture(pixels=image, alpha=alpha, metadata=metadata),
        "plain.avif": Picture(pixels=image, alpha=alpha, metadata=metadata),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in pictures.items():
            write_picture(Path(folder, name), picture)
            yield name, Path(folder, name).read_bytes()
        yield from _extras(deep, Path(folder))
    yield from _tiffs(image, deep)


def _tiffs(image: NDArray[np.uint8], deep: NDArray[np.uint16]) -> Iterator[tuple[str, bytes]]:
    kinds = {
        "lzw": (image, {"compression": "lzw", "predictor": True}),
        "zstd-tiles": (deep, {"compression": "zstd", "tile": (16, 16)}),
        "big-endian": (deep, {"byteorder": ">", "bigtiff": True}),
        "packbits": (image, {"compression": "packbits"}),
        "jpeg": (image, {"compression": "jpeg", "tile": (16, 16)}),
        "float-planar": (
            np.moveaxis(deep.astype(np.float32), -1, 0),
            {"planarconfig": "separate", "compression": "zlib", "predictor": True},
        ),
    }
    for name, (pixels, options) in kinds.items():
        file = io.BytesIO()
        byteorder, bigtiff = options.pop("byteorder", "<"), options.pop("bigtiff", False)
        with tifffile.TiffWriter(file, byteorder=byteorder, bigtiff=bigtiff) as tiff:
            tiff.write(pixels, photometric="rgb", metadata=None, **options)
        yield f"{name}.tif", file.getvalue()


def _extras(deep: NDArray[np.uint16], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Make files of the formats whose libraries are here."""
    if find_spec("OpenImageIO"):
        light = Picture(
            pixels=(deep / 40_000).astype(np.float32),
            encoding="linear",
            metadata=Metadata(xmp=XMP),
        )
        write_picture(folder / "light.exr", light)
        yield "light.exr", (folder / "light.exr").read_bytes()
    if find_spec("pi_heif"):  # which writes none
        for path in sorted(HEIFS.glob("*.heic")):
            if path.stem in ("alpha", "ten", "turned"):
                yield path.name, path.read_bytes()
    if find_spec("rawpy"):
        yield "mosaic.dng", _dng(deep[..., 1])


def _dng(mosaic: NDArray[np.uint16]) -> bytes:
    """Write a DNG: a TIFF with a mosaic, and a matrix for its colours."""
    xyz_to_camera = [part for number in (3, -1, 0, -1, 2, 0, 0, 0, 1) for part in (number, 1)]
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "synthetic"),  # UniqueCameraModel
        (33421, "H", 2, (2, 2)),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2)),  # CFAPattern
        (50721, "2i", 9, xyz_to_camera),  # ColorMatrix1
        (50778, "H", 1, 21),  # CalibrationIlluminant1
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1)),  # AsShotNeutral
    ]
    file = io.BytesIO()
    extratags = [(*tag, True) for tag in tags]
    tifffile.imwrite(file, mosaic, photometric=32803, extratags=extratags, metadata=None)
    return file.getvalue()


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(1, len(content)))]


def _changed(content: bytes, rng: np.random.Generator) -> bytes:
    return _with_changes(content, rng.integers(0, len(content), 4), rng)


def _changed_head(content: bytes, rng: np.random.Generator) -> bytes:
    return _with_changes(content, rng.integers(4, min(200, len(content)), 3), rng)


def _with_changes(content: bytes, places: NDArray[np.int64], rng: np.random.Generator) -> bytes:
    changed = np.frombuffer(content, np.uint8).copy()
    changed[places] = rng.integers(0, 256, places.size)
    return changed.tobytes()


def _extreme(content: bytes, rng: np.random.Generator) -> bytes:
    """Set a number somewhere in the head to the largest there is."""
    place = int(rng.integers(4, min(400, len(content))))
    return content[:place] + b"\xff" * 4 + content[place + 4 :]


def _lost(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(4, len(content), 2).tolist())
    return content[:first] + content[last + 1 :]


def _doubled(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(4, len(content), 2).tolist())
    return content[:last] + content[first:]


def _zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(4, len(content), 2).tolist())
    return content[:first] + bytes(last - first) + content[last:]


def _resealed(content: bytes, rng: np.random.Generator) -> bytes:
    """Change bytes, and make a PNG's checksums right again; other formats have none."""
    changed = _changed_head(content, rng)
    return with_checksums(changed) if content.startswith(b"\x89PNG") else changed


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "cut": _cut,
    "changed": _changed,
    "head": _changed_head,
    "extreme": _extreme,
    "lost": _lost,
    "doubled": _doubled,
    "zeroed": _zeroed,
    "resealed": _resealed,
}


def with_checksums(png: bytes) -> bytes:
    """Make the checksum of each chunk right, as far as the chunks can be followed."""
    made = bytearray(png)
    place = 8
    while place + 12 <= len(made):
        (length,) = struct.unpack_from(">I", made, place)
        end = place + 8 + length
        if end + 4 > len(made):
            break
        struct.pack_into(">I", made, end, zlib.crc32(made[place + 4 : end]))
        place = end + 4
    return bytes(made)


def designed(seeds: dict[str, bytes]) -> Iterator[HostileFile]:
    """Make what somebody would make who means harm."""
    for source in (_designed_pngs, _designed_jpegs, _designed_tiffs, _designed_others):
        for name, content in source(seeds):
            yield HostileFile(f"designed-{name}", content)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG's chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _designed_pngs(seeds: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    start, end = b"\x89PNG\r\n\x1a\n", chunk(b"IEND", b"")
    good = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(72)))

    def header(cols: int, rows: int, bits: int = 8, colour_type: int = 2) -> bytes:
        return chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, bits, colour_type, 0, 0, 0))

    bomb = zlib.compress(bytes(200_000_000), 9)
    yield "huge.png", start + header(2**31 - 1, 2**31 - 1) + data + end
    yield "wide.png", start + header(170_000_000, 1, 16) + data + end
    yield "empty.png", start + header(0, 8) + data + end
    yield "claims.png", start + header(13_000, 13_000, 16) + data + end
    yield "padded.png", start + good + chunk(b"IDAT", zlib.compress(bytes(72)) + bytes(10**6)) + end
    yield "bomb.png", start + good + chunk(b"IDAT", bomb) + end
    yield "profile-bomb.png", start + good + chunk(b"iCCP", b"x\0\0" + bomb) + data + end
    text = b"XML:com.adobe.xmp\0\x01\0\0\0" + bomb
    yield "text-bomb.png", start + good + chunk(b"iTXt", text) + data + end
    yield "no-data.png", start + good + end
    yield "no-end.png", start + good + data
    yield "chunks.png", start + good + chunk(b"tEXt", b"") * 60_000
    yield "palette.png", start + header(8, 8, 8, 3) + data + end
    yield "two-heads.png", start + good + good + data + end
    short = zlib.compressobj()
    body = short.compress(bytes(30)) + short.flush(zlib.Z_SYNC_FLUSH)
    yield "short-data.png", start + header(4000, 4000, 8, 0)[:-4] + b"\0\0\0\0" + data + end
    yield "unfinished.png", start + good + chunk(b"IDAT", body) + end


def _designed_jpegs(seeds: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    good = seeds["plain.jpg"]
    frame = good.index(b"\xff\xc0")

    def sized(rows: int, cols: int) -> bytes:
        return good[: frame + 5] + struct.pack(">HH", rows, cols) + good[frame + 9 :]

    yield "huge.jpg", sized(65_500, 65_500)
    yield "claims.jpg", sized(13_000, 13_000)
    yield "no-rows.jpg", sized(0, 64)
    scan = good.index(b"\xff\xda", frame)
    yield "scans.jpg", good[:scan] + good[scan : scan + 14] * 5000 + good[scan:]
    yield (
        "progressive-scans.jpg",
        good[:frame]
        + b"\xff\xc2"
        + good[frame + 2 : scan]
        + (good[scan : scan + 14] + b"\0" * 8) * 5000
        + b"\xff\xd9",
    )
    yield "deep.jpg", good[: frame + 4] + b"\x0c" + good[frame + 5 :]
    yield "lossless.jpg", good[:frame] + b"\xff\xc3" + good[frame + 2 :]
    yield "arithmetic.jpg", good[:frame] + b"\xff\xcb" + good[frame + 2 :]
    yield "no-frame.jpg", good[:frame] + good[scan:]
    yield "only-marks.jpg", b"\xff\xd8" + b"\xff\xe1\0\x02" * 100_000
    yield "fill.jpg", b"\xff\xd8" + b"\xff" * 1_000_000
    yield "segment.jpg", b"\xff\xd8\xff\xe1\xff\xff" + good[2:60_000]


def _directory(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)


def _designed_tiffs(seeds: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    head = b"II*\0\x08\0\0\0"

    def tiff(*changes: tuple[int, int, int, int], following: int = 0, tail: bytes = b"") -> bytes:
        entries = {
            256: (256, 4, 1, 8),
            257: (257, 4, 1, 8),
            258: (258, 3, 1, 8),
            259: (259, 3, 1, 1),
            262: (262, 3, 1, 1),
            273: (273, 4, 1, 8),
            277: (277, 3, 1, 1),
            278: (278, 4, 1, 8),
            279: (279, 4, 1, 64),
        }
        entries |= {change[0]: change for change in changes}
        listed = [entries[tag] for tag in sorted(entries)]
        return head + _directory(listed, following) + bytes(64) + tail

    yield "loop.tif", tiff(following=8)
    yield "beyond.tif", tiff(following=2**31)
    yield "huge.tif", tiff((256, 4, 1, 2**31), (257, 4, 1, 2**31))
    yield "claims.tif", tiff((256, 4, 1, 13_000), (257, 4, 1, 13_000), (278, 4, 1, 13_000))
    packed = {"lzw": 5, "deflate": 8, "packbits": 32773, "zstd": 50000, "fax": 4}
    for name, code in packed.items():
        size = ((256, 4, 1, 13_000), (257, 4, 1, 13_000), (278, 4, 1, 13_000))
        bits = (258, 3, 1, 1 if name == "fax" else 8)
        yield f"claims-{name}.tif", tiff(*size, bits, (259, 3, 1, code))
    yield "values.tif", tiff((273, 4, 2**30, 8), (279, 4, 2**30, 8))
    yield "many-values.tif", tiff((273, 3, 20_000_000, 8), tail=bytes(41_000_000))
    yield "depth.tif", tiff((258, 3, 1, 65_535))
    yield "channels.tif", tiff((277, 3, 1, 65_535))
    yield "no-strip.tif", tiff((278, 4, 1, 0))
    yield "strip-of-nothing.tif", tiff((279, 4, 1, 0))
    yield "strip-beyond.tif", tiff((273, 4, 1, 2**31))
    tiles = ((322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, 64))
    yield "tile.tif", tiff(*tiles)
    yield "zip-tile.tif", tiff(*tiles, (259, 3, 1, 8))
    yield "no-tile.tif", tiff((322, 4, 1, 0), (323, 4, 1, 0), (324, 4, 1, 8), (325, 4, 1, 64))
    yield "compression.tif", tiff((259, 3, 1, 61_000))
    yield "predictor.tif", tiff((317, 3, 1, 77))
    yield "orientation.tif", tiff((274, 2, 300, 8), (259, 3, 1, 5))
    yield "profile.tif", tiff((34675, 7, 2**31, 8))
    yield "tags.tif", head + struct.pack("<H", 65_535) + bytes(12 * 65_535)
    yield "no-tags.tif", head + _directory([])
    chain = b"".join(_directory([(254, 4, 1, 1)], 8 + 18 * n) for n in range(1, 30_000))
    yield "chain.tif", head + chain
    yield "volume.tif", tiff((32997, 4, 1, 2**30))


def _designed_others(seeds: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    webp = seeds["plain.webp"]
    extended = webp.index(b"VP8X")
    claimed = webp[: extended + 12] + b"\xff" * 6 + webp[extended + 18 :]
    yield "huge.webp", claimed
    lossless = struct.pack("<BI", 0x2F, 0x3FFF | 0x3FFF << 14) + bytes(40)
    yield "huge-lossless.webp", _riff(b"VP8L", lossless)
    lossless = struct.pack("<BI", 0x2F, 12_999 | 12_999 << 14) + bytes(40)
    yield "claims-lossless.webp", _riff(b"VP8L", lossless)
    lossy = b"\x10\x02\0\x9d\x01\x2a" + struct.pack("<HH", 13_000, 13_000) + bytes(40)
    yield "claims.webp", _riff(b"VP8 ", lossy)
    yield "chunk.webp", _riff(b"EXIF", b"")[:-4] + b"\xff\xff\xff\x7f"
    avif = seeds["plain.avif"]
    size = avif.index(b"ispe") + 8
    yield "huge.avif", avif[:size] + b"\x7f\xff\xff\xff" * 2 + avif[size + 8 :]
    claims = struct.pack(">II", 13_000, 13_000)
    yield "claims.avif", avif[:size] + claims + avif[size + 8 :]
    yield "box.avif", avif[:32] + struct.pack(">I4sQ", 1, b"meta", 2**62) + avif[32:]
    yield (
        "empty-boxes.avif",
        avif[: avif.index(b"meta") - 4] + struct.pack(">I4s", 8, b"free") * 200_000,
    )
    items = avif.index(b"iloc")
    yield "items.avif", avif[: items + 10] + b"\xff\xff" + avif[items + 12 :]
    yield "nothing.jpg", b"\0"
    yield "text.png", b"hello"
    yield "zeros.tif", bytes(1000)


def _riff(kind: bytes, body: bytes) -> bytes:
    padded = body + bytes(len(body) % 2)
    inner = b"WEBP" + kind + struct.pack("<I", len(body)) + padded
    return b"RIFF" + struct.pack("<I", len(inner)) + inner

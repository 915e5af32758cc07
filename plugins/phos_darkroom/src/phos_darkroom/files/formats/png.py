"""PNG of 8 and 16 bits a channel: the chunks are read here, the pixels by libpng.

The decoder is handed the chunks that hold pixels, and no others.
"""

import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import assemble
from phos_darkroom.files.formats.code_points import light_if_hdr, named_profile, numbers_of_hdr
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import (
    CHUNKS,
    METADATA_BYTES,
    UNPROVEN_BYTES,
    UNPROVEN_EXPANSION,
    check_size,
    expansion,
)
from phos_darkroom.files.formats.png_text import OldProfiles, text, unpacked
from phos_darkroom.files.formats.samples import interleaved, is_grey
from phos_darkroom.files.picture import HDR_CODES, Picture, Resolution

__all__ = ["read", "write"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COMPRESSION = 3  # our choice: grain hardly compresses, so more effort buys little
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each colour type
DEFLATE = 8
NOT_SAID = 2  # of ITU-T H.273's code points
RGB, FULL_RANGE = 0, 1  # the same, of its matrices and ranges
METRE, INCH_METRES = 1, 0.0254  # pHYs's unit
XMP_KEYWORD = b"XML:com.adobe.xmp"
RESOURCE = b"8BIM"  # what an image resource of Photoshop's begins with
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT"}
_SAYS = {  # of each chunk that the pixels can do without, what it holds
    b"tRNS": "transparency",
    b"iCCP": "colour profile",
    b"cICP": "colour space",
    b"eXIf": "EXIF",
    b"sRGB": "colour space",
    b"pHYs": "resolution",
    b"acTL": "animation",
    b"tEXt": "text",
    b"zTXt": "text",
    b"iTXt": "text",
}
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


@dataclass(slots=True)
class _Chunks:
    """What was found in a file."""

    head: list[bytes] = field(default_factory=lambda: [SIGNATURE])
    data: list[bytes] = field(default_factory=list)
    data_bytes: int = 0
    unpacked_bytes: int = 0
    frames: int = 1
    code_points: tuple[int, int] | None = None
    is_srgb: bool = False
    resolution: Resolution | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    old: OldProfiles = field(default_factory=OldProfiles)
    damaged: set[bytes] = field(default_factory=set)


def read(path: Path) -> Picture:
    """Read a PNG.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        Of 8 or 16 bits; palettes and fewer bits are converted to 8. PQ's and HLG's codes (cICP)
        become light.
    """
    with path.open("rb") as file:
        chunks = _chunks(file, path)
    _warn_of_what_is_lost(chunks, path)
    if chunks.frames > 1:
        raise ImageFileError(f"{path} is an animation, not one picture")
    _check_whole(chunks)
    samples = imagecodecs.png_decode(_pixels(chunks))
    samples, hdr = light_if_hdr(path, samples, *(chunks.code_points or (NOT_SAID, NOT_SAID)))
    return assemble(
        samples,
        exif=chunks.exif or chunks.old.exif,
        xmp=chunks.xmp or chunks.old.xmp,
        icc_profile=None if hdr else _profile(chunks, samples, path),
        photoshop=_photoshop(chunks),
        resolution=chunks.resolution,
        names_colours=chunks.is_srgb or chunks.code_points is not None,
        **hdr,
        name=path.name,
    )


def write(file: BinaryIO, picture: Picture) -> None:
    """Write a PNG, of 8 bits for 8-bit pixels and else of 16.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What; floats are rounded to 16 bits.
    """
    is_coarse = picture.pixels.dtype == np.uint8 and picture.encoding not in HDR_CODES
    depth = np.uint8 if is_coarse else np.uint16
    samples = interleaved(picture.at_depth(depth))
    encoded = imagecodecs.png_encode(samples, level=COMPRESSION)
    head_end = len(SIGNATURE) + 12 + 13
    file.write(encoded[:head_end])
    for kind, body in _metadata_chunks(picture):
        file.write(_chunk(kind, body))
    file.write(encoded[head_end:])


def _pixels(chunks: _Chunks) -> bytes:
    """Return a PNG that holds the pixels and nothing else."""
    check = zlib.crc32(b"IDAT")
    for part in chunks.data:
        check = zlib.crc32(part, check)
    start, end = struct.pack(">I4s", chunks.data_bytes, b"IDAT"), struct.pack(">I", check)
    return b"".join((*chunks.head, start, *chunks.data, end, _chunk(b"IEND", b"")))


def _profile(chunks: _Chunks, samples: NDArray[Any], path: Path) -> bytes | None:
    """Return the profile that counts: cICP's names go before iCCP's bytes, as the format says."""
    if chunks.code_points is None:
        return chunks.icc_profile or chunks.old.icc_profile
    return named_profile(path, *chunks.code_points, is_grey=is_grey(samples))


def _metadata_chunks(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    metadata = picture.metadata
    if picture.encoding in HDR_CODES:
        yield b"cICP", bytes((*numbers_of_hdr(picture), RGB, FULL_RANGE))
    elif metadata.icc_profile is not None:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile)
    elif picture.encoding == "srgb":
        yield b"sRGB", b"\0"  # perceptual intent
    if metadata.resolution is not None:
        yield b"pHYs", _packed_resolution(metadata.resolution)
    if metadata.exif is not None:
        yield b"eXIf", metadata.exif
    if metadata.xmp is not None:
        yield b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(file: BinaryIO, path: Path) -> _Chunks:
    """Gather the chunks that matter, none before its size has been checked."""
    size = os.fstat(file.fileno()).st_size
    file.seek(len(SIGNATURE))
    found = _Chunks()
    for count in range(CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            raise DamageError("it ends before its last chunk")
        length, kind = struct.unpack(">I4s", head)
        if (kind == b"IHDR") != (count == 0):
            raise DamageError("its header is not where it must be")
        if file.tell() + length + 4 > size:
            raise DamageError(f"a chunk claims {length} bytes, more than are left")
        if kind == b"IEND":
            break
        if kind in _CRITICAL:
            _check_room(found, kind, length)
            _take(found, kind, _checked_body(file, kind, length), path)
        elif kind in _SAYS and length <= METADATA_BYTES:
            _take_if_whole(found, kind, file, length)
        else:
            found.damaged |= {kind} & _SAYS.keys()
            file.seek(length + 4, os.SEEK_CUR)
    else:
        raise DamageError(f"it has more than {CHUNKS} chunks")
    if found.data_bytes * expansion(DEFLATE) < found.unpacked_bytes:
        raise DamageError(
            f"its {found.data_bytes} bytes of data cannot hold the size that it claims"
        )
    return found


def _checked_body(file: BinaryIO, kind: bytes, length: int) -> bytes:
    body = file.read(length)
    (check,) = struct.unpack(">I", file.read(4))
    if zlib.crc32(body, zlib.crc32(kind)) != check:
        raise DamageError(f"the checksum of a chunk {kind.decode('ascii', 'replace')} is wrong")
    return body


def _check_header(header: bytes, path: Path) -> int:
    """Return how many bytes the pixels unpack to."""
    cols, rows, bits, colour_type = struct.unpack_from(">IIBB", header)
    check_size(path, rows, cols)
    if colour_type not in CHANNELS or bits not in (1, 2, 4, 8, 16):
        raise DamageError(f"no PNG has {bits} bits in colour type {colour_type}")
    return int(rows * (1 + (cols * bits * CHANNELS[colour_type] + 7) // 8))


def _check_room(found: _Chunks, kind: bytes, length: int) -> None:
    """Refuse more data than a picture of this size can need, stored without compression."""
    if kind != b"IDAT":
        if length > METADATA_BYTES:
            raise DamageError(f"a chunk claims {length} bytes")
    elif found.data_bytes + length > 1.1 * found.unpacked_bytes + 2**16:
        raise DamageError("it holds more data than its size has room for")


def _check_whole(chunks: _Chunks) -> None:
    """Unpack what would be very large without keeping it, to see that it is all there."""
    is_packed_hard = chunks.unpacked_bytes > UNPROVEN_EXPANSION * chunks.data_bytes
    if chunks.unpacked_bytes < UNPROVEN_BYTES or not is_packed_hard:
        return
    inflate = zlib.decompressobj()
    for part in chunks.data:
        while part and not inflate.eof:
            inflate.decompress(part, 2**20)
            part = inflate.unconsumed_tail
    if not inflate.eof:
        raise DamageError("its data end before the picture does")


def _take(found: _Chunks, kind: bytes, body: bytes, path: Path) -> None:
    """Keep a chunk without which there are no pixels."""
    if kind == b"IDAT":
        found.data.append(body)
        found.data_bytes += len(body)
        return
    found.head.append(_chunk(kind, body))
    if kind == b"IHDR":
        found.unpacked_bytes = _check_header(body, path)


def _take_if_whole(found: _Chunks, kind: bytes, file: BinaryIO, length: int) -> None:
    """Keep what a chunk beside the pixels says; one that is damaged does no harm to them."""
    end = file.tell() + length + 4
    try:
        _take_metadata(found, kind, _checked_body(file, kind, length))
    except (ValueError, LookupError, struct.error, zlib.error):
        found.damaged.add(kind)
    file.seek(end)


def _take_metadata(found: _Chunks, kind: bytes, body: bytes) -> None:
    """Keep what a chunk says; of several of a kind the first counts."""
    if kind == b"tRNS":
        found.head.append(_chunk(kind, body))
    elif kind == b"acTL":
        (found.frames,) = struct.unpack_from(">I", body)
    elif kind == b"sRGB":
        found.is_srgb = True
    elif kind == b"pHYs" and found.resolution is None:
        found.resolution = _resolution(body)
    elif kind == b"cICP" and found.code_points is None:
        found.code_points = (body[0], body[1])
    elif kind == b"eXIf":
        found.exif = found.exif or body
    elif kind == b"iCCP" and found.icc_profile is None:
        _name, _, packed = body.partition(b"\0")
        found.icc_profile = unpacked(packed[1:], METADATA_BYTES)
    elif kind in _TEXTS:
        keyword, _, rest = body.partition(b"\0")
        if keyword == XMP_KEYWORD and found.xmp is None:
            found.xmp = text(kind, rest, METADATA_BYTES)
        elif found.old.wants(keyword):
            found.old.take(keyword, text(kind, rest, METADATA_BYTES))


def _warn_of_what_is_lost(chunks: _Chunks, path: Path) -> None:
    lost = {_SAYS[kind] for kind in chunks.damaged}
    if lost:
        warnings.warn(
            f"{path.name}: its {' and its '.join(sorted(lost))} cannot be read and is left out",
            stacklevel=2,
        )
    if chunks.old.photoshop is not None and _photoshop(chunks) is None:
        warnings.warn(f"{path.name}: its IPTC is left out", stacklevel=2)


def _photoshop(chunks: _Chunks) -> bytes | None:
    """Return the image resources of an old profile, among which IPTC is; bare IPTC is none."""
    found = chunks.old.photoshop
    return found if found is not None and found.startswith(RESOURCE) else None


def _resolution(body: bytes) -> Resolution | None:
    """Return what pHYs says; in inches, if it was whole pixels to the inch before it was metric."""
    if len(body) != 9:
        return None
    across, down, unit = struct.unpack(">IIB", body)
    if unit != METRE:
        return Resolution.sensible(across, down, "none")
    inches = [round(number * INCH_METRES) for number in (across, down)]
    if [round(number / INCH_METRES) for number in inches] == [across, down]:
        return Resolution.sensible(inches[0], inches[1], "inch")
    return Resolution.sensible(across / 100, down / 100, "cm")


def _packed_resolution(resolution: Resolution) -> bytes:
    if resolution.unit == "none":
        across, down = resolution.across, resolution.down
    else:
        across, down = resolution.per(unit_cm=100)
    unit = 0 if resolution.unit == "none" else METRE
    return struct.pack(">IIB", max(1, round(across)), max(1, round(down)), unit)

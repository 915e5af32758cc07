"""WebP: the container is read here, the pixels by libwebp."""

import io
import struct
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from PIL import Image

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.assembling import assemble
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import CHUNKS, METADATA_BYTES, check_length, check_size
from phos_darkroom.files.formats.samples import (
    exif_for,
    in_colours,
    interleaved,
    profile_for,
)
from phos_darkroom.files.picture import Picture

__all__ = ["LONGEST_SIDE", "read", "write"]

LONGEST_SIDE = 16_383
QUALITY = 95  # our choice, as for JPEG; colours are kept at half the resolution by the format
_ANIMATED = 0x02  # of VP8X's flags
_METADATA = (b"ICCP", b"EXIF", b"XMP ")


def read(path: Path) -> Picture:
    """Read a WebP.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        RGB of 8 bits.
    """
    content, chunks = _chunks(path)
    samples = imagecodecs.webp_decode(content)
    return assemble(
        samples,
        exif=chunks.get(b"EXIF"),
        xmp=chunks.get(b"XMP "),
        icc_profile=chunks.get(b"ICCP"),
        name=path.name,
    )


def write(file: BinaryIO, picture: Picture, quality: int = QUALITY) -> None:
    """Write a WebP; grey is written as RGB, which the format has alone.

    Grey with a profile of its own becomes sRGB: a profile of grey is of no use beside RGB.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What; rounded to 8 bits.
    quality : int
        1 to 100, as libwebp counts; never lossless.
    """
    picture = in_colours(picture)
    metadata = picture.metadata
    profile = profile_for(picture)
    blocks = {"exif": exif_for(picture), "xmp": metadata.xmp, "icc_profile": profile}
    options: dict[str, Any] = {name: block for name, block in blocks.items() if block is not None}
    samples = interleaved(picture.at_depth(np.uint8))
    encoded = io.BytesIO()  # libwebp hands over everything at once anyway
    Image.fromarray(samples).save(encoded, format="WEBP", quality=quality, exact=True, **options)
    file.write(encoded.getvalue())


def _chunks(path: Path) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the whole file and its chunks of metadata; the first chunk tells the size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        (claimed,) = struct.unpack("<4xI4x", file.read(12))
        check_length(path, claimed + 8)
        if claimed + 8 > size:
            raise DamageError(f"it claims {claimed + 8} bytes and has {size}")
        file.seek(0)
        content = file.read(claimed + 8)
    found: dict[bytes, bytes] = {}
    place = 12
    for _ in range(CHUNKS):
        if place + 8 > len(content):
            break
        kind, length = struct.unpack_from("<4sI", content, place)
        if place + 8 + length > len(content):
            raise DamageError("a chunk claims more bytes than are left")
        _check_header(kind, content[place + 8 : place + 18], path)
        if kind in _METADATA:
            if length > METADATA_BYTES:
                raise DamageError(f"a chunk claims {length} bytes")
            found.setdefault(kind, content[place + 8 : place + 8 + length])
        place += 8 + length + length % 2
    return content, found


def _check_header(kind: bytes, body: bytes, path: Path) -> None:
    """Check the size that a chunk of pixels or the extended header claims."""
    if kind == b"VP8X":
        if body[0] & _ANIMATED:
            raise ImageFileError(f"{path} is an animation, not one picture")
        cols, rows = (1 + int.from_bytes(body[place : place + 3], "little") for place in (4, 7))
    elif kind == b"VP8 ":
        cols, rows = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
    elif kind == b"VP8L":
        (sides,) = struct.unpack_from("<I", body, 1)
        cols, rows = 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    else:
        return
    check_size(path, rows, cols)

"""What a TIFF's tags say besides the pixels: read, and as tifffile writes it."""

from typing import Any

import tifffile

from phos_darkroom.files.formats.assembling import Blocks
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import METADATA_BYTES
from phos_darkroom.files.metadata.photoshop import iptc, joined, without_iptc
from phos_darkroom.files.picture import Metadata, Resolution

__all__ = ["HEADER_BYTES", "blocks_of", "extra_tags", "resolution_tags"]

ORIENTATION, XMP, ICC_PROFILE = 274, 700, 34675
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
IPTC, PHOTOSHOP = 33723, 34377
BYTE, UNDEFINED = 1, 7  # of a tag's types
INCH = 2
RESOLUTION_UNITS = {1: "none", INCH: "inch", 3: "cm"}
HEADER_BYTES = {False: 8, True: 16}  # of a BigTIFF or not


def blocks_of(page: tifffile.TiffPage, exif: bytes | None) -> Blocks:
    """Return what a page says of its picture.

    Parameters
    ----------
    page : tifffile.TiffPage
        The picture's.
    exif : bytes or None
        The file's.

    Returns
    -------
    Blocks
        The orientation is the page's. EXIF and XMP may say it where the page does not, but EXIF is
        of the file's first page, which may be a thumbnail.
    """
    orientation = _number(page, ORIENTATION) or (None if page.index == 0 else 1)
    across, down = _fraction(page, X_RESOLUTION), _fraction(page, Y_RESOLUTION)
    unit = RESOLUTION_UNITS.get(_number(page, RESOLUTION_UNIT) or INCH, "")
    return Blocks(
        exif=exif,
        xmp=block(page, XMP),
        icc_profile=block(page, ICC_PROFILE),
        photoshop=joined(block(page, IPTC), block(page, PHOTOSHOP)),
        resolution=Resolution.sensible(across, down or across, unit),
        orientation=orientation if orientation in range(1, 9) else None,
    )


def extra_tags(metadata: Metadata) -> list[tuple[int, int, int, bytes, bool]]:
    """Return the tags of blocks that TIFF keeps as they are, as tifffile takes them."""
    blocks = {
        (XMP, BYTE): metadata.xmp,
        (IPTC, UNDEFINED): iptc(metadata.photoshop),
        (PHOTOSHOP, UNDEFINED): without_iptc(metadata.photoshop),
    }
    return [(tag, kind, len(b), b, True) for (tag, kind), b in blocks.items() if b is not None]


def resolution_tags(resolution: Resolution | None) -> dict[str, Any]:
    """Return how tifffile is told a resolution."""
    if resolution is None:
        return {}
    units = {name: number for number, name in RESOLUTION_UNITS.items()}
    return {
        "resolution": (resolution.across, resolution.down),
        "resolutionunit": units[resolution.unit],
    }


def _number(page: tifffile.TiffPage, tag: int) -> int | None:
    """Return a tag's first number, of whatever type it is."""
    value = page.tags.valueof(tag)
    if isinstance(value, bytes | tuple) and value:
        value = value[0]
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return int(value) if isinstance(value, int) else None


def _fraction(page: tifffile.TiffPage, tag: int) -> float:
    value = page.tags.valueof(tag)
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return float(value[0] / value[1])
    return float(value) if isinstance(value, int | float) else 0.0


def block(page: tifffile.TiffPage, tag: int) -> bytes | None:
    """Return what a tag holds as bytes; None if there is nothing."""
    value = page.tags.valueof(tag)
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, tuple) and tag == IPTC:  # as 32-bit numbers, which old libraries wrote
        value = b"".join(int(number).to_bytes(4, "little") for number in value)
    if not isinstance(value, bytes) or not value:
        return None
    if len(value) > METADATA_BYTES:
        raise DamageError(f"a block of metadata has {len(value)} bytes")
    return value

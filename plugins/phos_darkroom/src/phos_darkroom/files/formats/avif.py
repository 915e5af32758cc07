"""AVIF: the container is read here, the pixels by libavif, with all their 8, 10 or 12 bits."""

import inspect
import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import primaries_of
from phos_darkroom.files.formats.assembling import assemble
from phos_darkroom.files.formats.avif_boxes import ImageFacts, image_facts
from phos_darkroom.files.formats.avif_items import with_metadata
from phos_darkroom.files.formats.code_points import (
    light_if_hdr,
    named_profile,
    numbers_of_hdr,
    primaries_of_number,
)
from phos_darkroom.files.formats.damage import DAMAGE, DamageError
from phos_darkroom.files.formats.gain_facts import StoredGain
from phos_darkroom.files.formats.limits import check_size, read_whole
from phos_darkroom.files.formats.samples import (
    exif_for,
    interleaved,
    is_grey,
    narrowed,
    profile_for,
    stretched,
)
from phos_darkroom.files.formats.tone_maps import gain_by_tone_map, with_primary
from phos_darkroom.files.metadata.exif import upright
from phos_darkroom.files.picture import HDR_CODES, Picture

__all__ = ["LONGEST_SIDE", "read", "unwritable", "write"]

LONGEST_SIDE = 65_535
NOT_SAID = 2  # of ITU-T H.273's code points
QUALITY = 90  # our choice: as close as WebP and JPEG at 95
HDR_QUALITY = 97  # our choice: PQ spans ten times the light, and 90 smooths the grain away
HDR_BITS = 10  # our choice: what PQ is shown in, and what every decoder of AVIF takes
BT2020_MATRIX = 9  # of ITU-T H.273's matrices
SPEED = 8  # our choice: the default takes a second a megapixel


def read(path: Path) -> Picture:
    """Read an AVIF.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        Of 8 bits; 10 and 12 bits on the whole range of 16. PQ's and HLG's codes become light.

    Warns
    -----
    UserWarning
        If the gain map is damaged, so that the picture is read as SDR.
    """
    content = read_whole(path)
    if content[8:12] == b"avis":
        raise ImageFileError(f"{path} is an animation, not one picture")
    facts = image_facts(content)
    check_size(path, facts.rows, facts.cols)
    samples = _decoded(content, facts)
    samples, hdr = light_if_hdr(path, samples, facts.primaries, facts.transfer)
    profile = None if hdr else facts.icc_profile or _named_profile(facts, samples, path)
    return assemble(
        samples,
        exif=facts.exif,
        xmp=facts.xmp,
        icc_profile=profile,
        orientation=facts.orientation,
        names_colours=facts.primaries != NOT_SAID,
        gain=None if hdr else _gain(content, facts, path),
        **hdr,
        name=path.name,
    )


def _gain(content: bytes, facts: ImageFacts, path: Path) -> StoredGain | None:
    """Read the gain map; without one that can be read, the picture is SDR."""
    primaries = primaries_of_number(facts.primaries)
    if facts.icc_profile is not None:
        primaries = primaries_of(facts.icc_profile)

    def decode(item: int) -> NDArray[Any]:
        copy = with_primary(content, item)
        return _decoded(copy, image_facts(copy))

    try:
        return gain_by_tone_map(content, path, decode, primaries)
    except (ImageFileError, *DAMAGE):
        warnings.warn(f"{path.name}: its gain map is damaged: it is read as SDR", stacklevel=3)
        return None


def _decoded(content: bytes, facts: ImageFacts) -> NDArray[Any]:
    samples = imagecodecs.avif_decode(content, index=0, numthreads=1)
    if samples.shape[:2] != (facts.rows, facts.cols):
        raise DamageError("its picture is of another size than it claims")
    return stretched(samples, facts.bits) if samples.dtype == np.uint16 else samples


def write(file: BinaryIO, picture: Picture, quality: int | None = None) -> None:
    """Write an AVIF without chroma subsampling.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What; rounded to 8 bits, PQ and HLG to 10.
    quality : int, optional
        1 to 100, as libavif counts; by default 90, of PQ and HLG 97.
    """
    if picture.encoding in HDR_CODES:
        file.write(_encoded_hdr(picture, quality or HDR_QUALITY))
        return
    quality = quality or QUALITY
    metadata = picture.metadata
    exif = exif_for(picture)
    blocks = {
        "exif": None if exif is None else _kept_exif(exif),
        "xmp": metadata.xmp,
        "icc_profile": profile_for(picture),
    }
    options: dict[str, Any] = {name: block for name, block in blocks.items() if block is not None}
    image = Image.fromarray(interleaved(picture.at_depth(np.uint8)))
    options["subsampling"] = "4:0:0" if picture.pixels.ndim == 2 else "4:4:4"
    encoded = io.BytesIO()
    image.save(encoded, format="AVIF", quality=quality, speed=SPEED, **options)
    file.write(encoded.getvalue())


def _encoded_hdr(picture: Picture, quality: int) -> bytes:
    primaries, transfer = numbers_of_hdr(picture)
    samples = interleaved(picture.at_depth(np.uint16))
    content = imagecodecs.avif_encode(
        narrowed(samples, HDR_BITS),
        quality,
        speed=SPEED,
        bitspersample=HDR_BITS,
        pixelformat=None if samples.ndim == 2 else "444",
        primaries=primaries,
        transfer=transfer,
        matrix=BT2020_MATRIX,
        numthreads=1,
    )
    exif = exif_for(picture)
    block = None if exif is None or _kept_exif(exif) is None else exif
    return with_metadata(bytes(content), exif=block, xmp=picture.metadata.xmp)


def unwritable(picture: Picture) -> str | None:
    """Say why no AVIF of a picture can be written here.

    Parameters
    ----------
    picture : Picture
        What is to be written.

    Returns
    -------
    str or None
        What Pillow or imagecodecs lacks; None: nothing.
    """
    if picture.encoding in HDR_CODES:
        if "primaries" in inspect.signature(imagecodecs.avif_encode).parameters:
            return None
        return (
            f"imagecodecs {imagecodecs.__version__} writes no AVIF in PQ or HLG: "
            "pip install -U imagecodecs; a PNG holds it as well"
        )
    if features.check("avif"):
        return None
    return f"Pillow {PIL.__version__} has no AVIF: pip install -U 'pillow>=11.3'"


class _KeptExif(Image.Exif):
    """A block that Pillow hands on byte by byte: any other it parses and writes anew."""

    def __init__(self, block: bytes) -> None:
        super().__init__()
        self._block = block

    def __bool__(self) -> bool:
        return True

    def tobytes(self, offset: int = 8) -> bytes:
        """Return the block."""
        return self._block


def _kept_exif(block: bytes) -> _KeptExif | None:
    """Return what is written for a block; what is none is no EXIF in an AVIF either."""
    if upright(block)[0] is not None:
        return _KeptExif(block)
    warnings.warn("an EXIF block that cannot be read is left out of the AVIF", stacklevel=4)
    return None


def _named_profile(facts: ImageFacts, samples: NDArray[Any], path: Path) -> bytes | None:
    return named_profile(path, facts.primaries, facts.transfer, is_grey=is_grey(samples))

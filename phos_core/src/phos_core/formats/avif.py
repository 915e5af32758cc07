"""AVIF: the container is read here, the pixels by libavif, with all their 8, 10 or 12 bits."""

import io
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phos_core.errors import ImageFileError
from phos_core.formats.assembling import assemble
from phos_core.formats.boxes import ImageFacts, image_facts
from phos_core.formats.code_points import named_profile
from phos_core.formats.limits import check_size, read_whole
from phos_core.formats.samples import coded, exif_for, interleaved, profile_for, stretched
from phos_core.picture import Picture

__all__ = ["LONGEST_SIDE", "read", "write"]

LONGEST_SIDE = 65_535
NOT_SAID = 2  # of ITU-T H.273's code points
QUALITY = 90  # our choice: as close as WebP and JPEG at 95
EMPTY_EXIF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
STAND_IN = b"here an EXIF block will be"
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
        Of 8 bits; 10 and 12 bits on the whole range of 16.
    """
    content = read_whole(path)
    if content[8:12] == b"avis":
        raise ImageFileError(f"{path} is an animation, not one picture")
    facts = image_facts(content)
    check_size(path, facts.rows, facts.cols)
    samples = imagecodecs.avif_decode(content, index=0, numthreads=1)
    if samples.shape[:2] != (facts.rows, facts.cols):
        raise ValueError("its picture is of another size than it claims")
    if samples.dtype == np.uint16:
        samples = stretched(samples, facts.bits)
    return assemble(
        samples,
        exif=facts.exif,
        xmp=facts.xmp,
        icc_profile=facts.icc_profile or _named_profile(facts, samples, path),
        orientation=facts.orientation,
        names_colours=facts.primaries != NOT_SAID,
        name=path.name,
    )


def write(file: BinaryIO, picture: Picture) -> None:
    """Write an AVIF at quality 90, without chroma subsampling.

    Parameters
    ----------
    file : binary file
        Where to.
    picture : Picture
        What; rounded to 8 bits.
    """
    metadata = picture.metadata
    profile = profile_for(picture)
    exif = exif_for(picture)
    stand_in = None if exif is None else _stand_in(len(exif))
    blocks = {"exif": stand_in, "xmp": metadata.xmp, "icc_profile": profile}
    options: dict[str, Any] = {name: block for name, block in blocks.items() if block is not None}
    image = Image.fromarray(interleaved(coded(picture, np.uint8)))
    options["subsampling"] = "4:0:0" if picture.pixels.ndim == 2 else "4:4:4"
    encoded = io.BytesIO()
    image.save(encoded, format="AVIF", quality=QUALITY, speed=SPEED, **options)
    content = encoded.getvalue()
    if stand_in is not None and exif is not None:
        content = content.replace(stand_in, exif, 1)
    file.write(content)


def _stand_in(length: int) -> bytes:
    """Return an EXIF block without tags, to keep the place of one that Pillow would write anew."""
    return (EMPTY_EXIF + STAND_IN * (length // len(STAND_IN)))[:length]


def _named_profile(facts: ImageFacts, samples: NDArray[Any], path: Path) -> bytes | None:
    named = named_profile(path, facts.primaries, facts.transfer)
    is_grey = samples.ndim == 2 or samples.shape[2] == 2
    return None if is_grey else named

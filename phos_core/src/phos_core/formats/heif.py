"""HEIF, a phone's or a camera's HEIC: 8, 10 or 12 bits, by pi-heif, which only decodes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from phos_core.errors import ImageFileError
from phos_core.formats.assembling import assemble
from phos_core.formats.code_points import named_profile
from phos_core.formats.damage import DAMAGE
from phos_core.formats.optional import check_claim, library, one_line
from phos_core.formats.samples import stretched
from phos_core.formats.tiff import straight
from phos_core.picture import Picture

__all__ = ["read"]

_NOT_SAID = 2  # of ITU-T H.273's code points
_BYTES_PER_PIXEL = 8  # four channels of 16 bits at most


def read(path: Path) -> Picture:
    """Read the primary picture of a HEIF file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Picture
        8 bits as uint8; 10 and 12 bits as uint16, on its whole range.

    Raises
    ------
    ImageFileError
        If pi-heif is missing, the file cannot be read, or its codes are HDR's (PQ, HLG).

    Notes
    -----
    The file itself says how it is turned and cut, and the decoder does so; an orientation in EXIF
    or XMP repeats it for readers of those alone, and is reset. Without an ICC profile the file's
    nclx profile counts: Display P3 and Rec. 2020 primaries get an ICC profile of theirs with
    sRGB's curve, which is what editors show such codes by; BT.709's and BT.601's are taken as
    sRGB. Depth maps, thumbnails and a burst's other pictures are passed over.
    """
    pi_heif = library("pi_heif", "heif", path)
    try:
        content = path.read_bytes()
        _check_item_names(content)
        file = pi_heif.open_heif(content, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        cols, rows = file.size
        check_claim(path, rows, cols, _BYTES_PER_PIXEL)
        samples = np.array(file)  # a copy: the decoder's memory goes with it
    except ImageFileError:
        raise
    except DAMAGE as error:
        raise ImageFileError(f"{path} is damaged or no HEIF: {one_line(error)}") from error
    codes = stretched(samples, file.info["bit_depth"])
    return assemble(
        straight(codes) if file.premultiplied_alpha else codes,
        exif=file.info.get("exif"),
        xmp=file.info.get("xmp"),
        icc_profile=file.info.get("icc_profile") or _named_profile(path, file, codes.ndim == 3),
        orientation=1,
        names_colours=_names_primaries(file),
    )


def _check_item_names(content: bytes) -> None:
    """Refuse names of items that are no text: pi-heif ends the whole process at them."""
    for meta in _boxes(content, b"meta", 0, len(content)):
        for listed in _boxes(content, b"iinf", meta.start + 4, meta.stop):
            counted = 2 if content[listed.start : listed.start + 1] == b"\0" else 4
            for item in _boxes(content, b"infe", listed.start + 4 + counted, listed.stop):
                numbers = 8 if content[item.start : item.start + 1] < b"\3" else 10
                content[item.start + numbers : item.stop].decode()


def _boxes(content: bytes, kind: bytes, start: int, stop: int) -> Iterator[range]:
    """Yield where the bodies of the boxes of a kind are, between two places."""
    while start + 8 <= stop:
        size, head = int.from_bytes(content[start : start + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(content[start + 8 : start + 16], "big"), 16
        end = stop if size == 0 else start + size
        if end < start + head or end > stop:
            return
        if content[start + 4 : start + 8] == kind:
            yield range(start + head, end)
        start = end


def _names_primaries(file: Any) -> bool:
    nclx: Mapping[str, int] = file.info.get("nclx_profile") or {}
    return int(nclx.get("color_primaries", _NOT_SAID)) != _NOT_SAID


def _named_profile(path: Path, file: Any, has_colour: bool) -> bytes | None:
    """Return an ICC profile of what the file names by numbers; None: sRGB."""
    nclx: Mapping[str, int] = file.info.get("nclx_profile") or {}
    primaries = int(nclx.get("color_primaries", _NOT_SAID))
    transfer = int(nclx.get("transfer_characteristics", _NOT_SAID))
    named = named_profile(path, primaries, transfer)
    return named if has_colour else None

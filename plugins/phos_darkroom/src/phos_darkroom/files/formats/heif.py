"""HEIF, a phone's or a camera's HEIC: 8, 10 or 12 bits, by pi-heif, which only decodes."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from phos_darkroom.files.formats.assembling import assemble
from phos_darkroom.files.formats.boxes import whole_boxes
from phos_darkroom.files.formats.code_points import named_profile
from phos_darkroom.files.formats.damage import one_clear_error
from phos_darkroom.files.formats.limits import read_whole
from phos_darkroom.files.formats.optional import check_claim, library
from phos_darkroom.files.formats.samples import is_grey, stretched
from phos_darkroom.files.formats.tiff import straight
from phos_darkroom.files.picture import Picture

__all__ = ["read"]

_UNDECODABLE = "damaged or no HEIF, or compressed in a way that pi-heif does not decode"
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
    with one_clear_error(path, _UNDECODABLE):
        content = read_whole(path)
        _check_item_names(content)
        file = pi_heif.open_heif(content, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        cols, rows = file.size
        check_claim(path, rows, cols, _BYTES_PER_PIXEL)
        samples = np.array(file)  # a copy: the decoder's memory goes with it
    codes = stretched(samples, file.info["bit_depth"])
    return assemble(
        straight(codes) if file.premultiplied_alpha else codes,
        exif=file.info.get("exif"),
        xmp=file.info.get("xmp"),
        icc_profile=file.info.get("icc_profile") or _named_profile(path, file, codes),
        orientation=1,
        names_colours=_names_primaries(file),
    )


def _check_item_names(content: bytes) -> None:
    """Refuse names of items that are no text: pi-heif ends the whole process at them."""
    file = io.BytesIO(content)
    for meta, start, end in whole_boxes(file, 0, len(content)):
        for listed, first, last in whole_boxes(file, start + 4, end) if meta == b"meta" else ():
            if listed == b"iinf":
                _check_names(file, content, first, last)


def _check_names(file: BinaryIO, content: bytes, start: int, end: int) -> None:
    counted = 2 if content[start : start + 1] == b"\0" else 4
    for kind, item, item_end in whole_boxes(file, start + 4 + counted, end):
        if kind == b"infe":
            numbers = 8 if content[item : item + 1] < b"\3" else 10
            content[item + numbers : item_end].decode()


def _names_primaries(file: Any) -> bool:
    nclx: Mapping[str, int] = file.info.get("nclx_profile") or {}
    return int(nclx.get("color_primaries", _NOT_SAID)) != _NOT_SAID


def _named_profile(path: Path, file: Any, codes: NDArray[Any]) -> bytes | None:
    """Return an ICC profile of what the file names by numbers; None: sRGB."""
    nclx: Mapping[str, int] = file.info.get("nclx_profile") or {}
    primaries = int(nclx.get("color_primaries", _NOT_SAID))
    transfer = int(nclx.get("transfer_characteristics", _NOT_SAID))
    return named_profile(path, primaries, transfer, is_grey=is_grey(codes))

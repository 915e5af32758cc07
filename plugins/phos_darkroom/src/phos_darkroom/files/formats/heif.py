"""HEIF, a phone's or a camera's HEIC: 8, 10 or 12 bits, by pi-heif, which only decodes."""

import io
import itertools
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import primaries_of
from phos_darkroom.files.formats.assembling import EXIF_MARK, assemble
from phos_darkroom.files.formats.boxes import whole_boxes
from phos_darkroom.files.formats.code_points import light_if_hdr, named_profile, primaries_of_number
from phos_darkroom.files.formats.damage import DAMAGE, DamageError, one_clear_error
from phos_darkroom.files.formats.gain_facts import (
    APPLE_TYPE,
    AppleFacts,
    StoredGain,
    apple_headroom,
)
from phos_darkroom.files.formats.limits import read_whole
from phos_darkroom.files.formats.optional import check_claim, library
from phos_darkroom.files.formats.samples import is_grey, stretched
from phos_darkroom.files.formats.tiff import straight
from phos_darkroom.files.formats.tone_maps import gain_by_tone_map, with_primary
from phos_darkroom.files.picture import Picture

__all__ = ["read"]

_UNDECODABLE = "damaged or no HEIF, or compressed in a way that pi-heif does not decode"
_AS_STORED = {"convert_hdr_to_8bit": False, "hdr_to_16bit": False}
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
        If pi-heif is missing, or the file cannot be read.

    Warns
    -----
    UserWarning
        If the gain map is damaged, so that the picture is read as SDR.

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
        file = pi_heif.open_heif(content, **_AS_STORED)
        codes = _codes(file, path)
    if file.premultiplied_alpha:
        codes = straight(codes)
    codes, hdr = light_if_hdr(path, codes, *_code_points(file))
    profile = None if hdr else file.info.get("icc_profile") or _named_profile(path, file, codes)
    return assemble(
        codes,
        exif=file.info.get("exif"),
        xmp=file.info.get("xmp"),
        icc_profile=profile,
        orientation=1,
        names_colours=_code_points(file)[0] != _NOT_SAID,
        gain=None if hdr else _gain(pi_heif, content, file, path),
        **hdr,
    )


def _codes(file: Any, path: Path) -> NDArray[Any]:
    cols, rows = file.size
    check_claim(path, rows, cols, _BYTES_PER_PIXEL)
    samples = np.array(file)  # a copy: the decoder's memory goes with it
    return stretched(samples, file.info["bit_depth"])


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


def _code_points(file: Any) -> tuple[int, int]:
    """Return the colour primaries and transfer characteristics that the file names by numbers."""
    nclx: Mapping[str, int] = file.info.get("nclx_profile") or {}
    primaries = int(nclx.get("color_primaries", _NOT_SAID))
    return primaries, int(nclx.get("transfer_characteristics", _NOT_SAID))


def _named_profile(path: Path, file: Any, codes: NDArray[Any]) -> bytes | None:
    """Return an ICC profile of what the file names by numbers; None: sRGB."""
    return named_profile(path, *_code_points(file), is_grey=is_grey(codes))


def _gain(pi_heif: Any, content: bytes, file: Any, path: Path) -> StoredGain | None:
    """Read the gain map, ISO's or Apple's; without one that can be read, the picture is SDR."""
    profile = file.info.get("icc_profile")
    primaries = primaries_of(profile) if profile else primaries_of_number(_code_points(file)[0])

    def decode(item: int) -> NDArray[Any]:
        if item in itertools.chain(*file.info.get("aux", {}).values()):
            return _auxiliary(file, item, path)
        return _codes(pi_heif.open_heif(with_primary(content, item), **_AS_STORED), path)

    try:
        gain = gain_by_tone_map(content, path, decode, primaries)
        return gain or _apple_gain(file, path)
    except (ImageFileError, *DAMAGE):
        warnings.warn(f"{path.name}: its gain map is damaged: it is read as SDR", stacklevel=3)
        return None


def _apple_gain(file: Any, path: Path) -> StoredGain | None:
    """Read Apple's gain map, whose headroom the maker's note gives."""
    items = file.info.get("aux", {}).get(APPLE_TYPE)
    if not items:
        return None
    exif = file.info.get("exif") or b""
    headroom = apple_headroom(exif.removeprefix(EXIF_MARK))
    if headroom is None:
        raise DamageError("its gain map says no headroom")
    samples = _auxiliary(file, items[0], path)
    return StoredGain(samples=samples, facts=AppleFacts(headroom), primaries="srgb")


def _auxiliary(file: Any, item: int, path: Path) -> NDArray[Any]:
    """Return the samples of an auxiliary picture, which pi-heif gives in 8 bits."""
    image = file[file.primary_index].get_aux_image(item)
    cols, rows = image.size
    check_claim(path, rows, cols, _BYTES_PER_PIXEL)
    return np.array(image)

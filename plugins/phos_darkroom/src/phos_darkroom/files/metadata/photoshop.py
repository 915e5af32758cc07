"""Photoshop's image resources, in which JPEG and TIFF keep IPTC: those that tell of the picture."""

import struct
from collections.abc import Iterator

__all__ = [
    "has_damaged_iptc",
    "has_paths",
    "iptc",
    "joined",
    "kept",
    "of_iptc",
    "without_iptc",
]

IPTC, COPYRIGHT_FLAG, ADDRESS, IPTC_DIGEST = 0x0404, 0x040A, 0x040B, 0x0425
PATHS = range(0x07D0, 0x0BB8)  # outlines, as fractions of the picture, and a clipping path's name
_SIGNATURE = b"8BIM"
_SIGNATURES = (_SIGNATURE, b"PHUT", b"AgHg", b"DCSR", b"MeSa")
_TAG_MARK = 0x1C  # with which each of IPTC's values starts


def kept(resources: bytes | None, *, is_turned: bool = False) -> bytes | None:
    """Return the resources that are still true of a picture that is developed.

    Parameters
    ----------
    resources : bytes or None
        Photoshop's, one after the other; what comes after damage is passed over.
    is_turned : bool
        Whether the picture lies otherwise than its file had it; then paths are left out.

    Returns
    -------
    bytes or None
        IPTC and its digest, the copyright's flag and address, and paths. Not among them are
        thumbnails, print settings, and copies of the profile, EXIF and XMP. None if nothing is.
    """
    wanted = {IPTC, COPYRIGHT_FLAG, ADDRESS, IPTC_DIGEST, *(() if is_turned else PATHS)}
    found = b"".join(whole for number, whole, _ in _resources(resources or b"") if number in wanted)
    return found or None


def has_paths(resources: bytes | None) -> bool:
    """Whether there are paths among the resources."""
    return any(number in PATHS for number, _, _ in _resources(resources or b""))


def has_damaged_iptc(resources: bytes | None) -> bool:
    """Whether there is IPTC among the resources that is not wholly there."""
    return iptc(resources) is None and struct.pack(">4sH", _SIGNATURE, IPTC) in (resources or b"")


def iptc(resources: bytes | None) -> bytes | None:
    """Return IPTC's values (IIM); None if there are none."""
    found = (body for number, _, body in _resources(resources or b"") if number == IPTC and body)
    return next(found, None)


def without_iptc(resources: bytes | None) -> bytes | None:
    """Return the other resources; None if there are none."""
    return b"".join(w for number, w, _ in _resources(resources or b"") if number != IPTC) or None


def of_iptc(values: bytes | None) -> bytes | None:
    """Make a resource of IPTC's values.

    Parameters
    ----------
    values : bytes or None
        IIM, as a TIFF's tag has it; some writers turned each four bytes around.

    Returns
    -------
    bytes or None
        None if it is none.
    """
    if not values:
        return None
    if values[0] != _TAG_MARK and values[3:4] == bytes((_TAG_MARK,)):
        whole = values[: len(values) // 4 * 4]
        values = b"".join(whole[place : place + 4][::-1] for place in range(0, len(whole), 4))
    if values[0] != _TAG_MARK:
        return None
    head = struct.pack(">4sHHI", _SIGNATURE, IPTC, 0, len(values))
    return head + values + bytes(len(values) % 2)


def joined(values: bytes | None, resources: bytes | None) -> bytes | None:
    """Return the resources of a TIFF, which keeps IPTC's values beside the others.

    Parameters
    ----------
    values : bytes or None
        IIM; it goes before what the resources have of it.
    resources : bytes or None
        Photoshop's.

    Returns
    -------
    bytes or None
        All of it.
    """
    first = of_iptc(values)
    if first is None:
        return resources
    return first + (without_iptc(resources) or b"")


def _resources(block: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each resource: its number, all its bytes, and its body."""
    place = 0
    while block[place : place + 4] in _SIGNATURES and place + 12 <= len(block):
        number, name_bytes = struct.unpack_from(">HB", block, place + 4)
        at = place + 6 + (1 + name_bytes + 1) // 2 * 2
        if at + 4 > len(block):
            return
        (length,) = struct.unpack_from(">I", block, at)
        start, end = at + 4, at + 4 + length
        if end > len(block):
            return
        yield number, block[place:end] + bytes(length % 2), block[start:end]
        place = end + length % 2

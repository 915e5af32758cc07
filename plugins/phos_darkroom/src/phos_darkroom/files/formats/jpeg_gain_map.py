"""The gain map of a JPEG: a second picture behind the first, which its own metadata call one."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import primaries_of
from phos_darkroom.files.formats.assembling import EXIF_MARK, Blocks
from phos_darkroom.files.formats.damage import DAMAGE, DamageError
from phos_darkroom.files.formats.gain_facts import (
    AppleFacts,
    GainFacts,
    StoredGain,
    apple_headroom,
    apple_headroom_of_xmp,
    facts_of_iso,
    facts_of_xmp,
    is_apple_map,
    names_gain_map,
)
from phos_darkroom.files.formats.jpeg_segments import Segments, profile_in, segments
from phos_darkroom.files.formats.pillow import without_bomb_warning
from phos_darkroom.files.metadata.xmp import as_utf8

__all__ = ["gain_map_behind"]

START = b"\xff\xd8\xff"
MOST_PICTURES = 8  # behind the first, that are looked at: phones add maps of depth, a video's cover


def gain_map_behind(
    content: bytes, first: Segments, blocks: Blocks, path: Path
) -> StoredGain | None:
    """Find and read the gain map of a file's first picture.

    Parameters
    ----------
    content : bytes
        The whole file.
    first : Segments
        Of the first picture.
    blocks : Blocks
        Its EXIF, XMP and profile.
    path : Path
        The file, for errors.

    Returns
    -------
    StoredGain or None
        None: it has none, as where a program took it out and left the XMP that tells of it; or it
        leads from HDR to SDR.

    Raises
    ------
    ImageFileError, DamageError and others of `DAMAGE`
        If the map is damaged.

    Notes
    -----
    Where further pictures start is taken from the bytes, not from the index (MPF) or the list in
    XMP: many programs that rewrite metadata leave those as they were.
    """
    is_told_of = first.gain_block is not None or names_gain_map(blocks.xmp)
    if not (is_told_of or first.is_first_of_several):
        return None
    for found in _further(content, first.end, path):
        xmp = as_utf8(found.xmp_parts[0]) if found.xmp_parts else None
        if found.gain_block is None and not names_gain_map(xmp) and not is_apple_map(xmp):
            continue
        facts = _facts(found, xmp, blocks.exif)
        return None if facts is None else _stored(found, facts, blocks.icc_profile)
    return None


def _further(content: bytes, start: int, path: Path) -> Iterator[Segments]:
    """Go through the pictures behind the first; bytes that only look like one are passed over."""
    for _ in range(MOST_PICTURES):
        start = content.find(START, start)
        if start < 0:
            return
        try:
            found = segments(content[start:], path)
        except (ImageFileError, *DAMAGE):
            start += len(START)
            continue
        yield found
        start += found.end


def _facts(
    found: Segments, xmp: bytes | None, first_exif: bytes | None
) -> GainFacts | AppleFacts | None:
    if found.gain_block is not None:
        return facts_of_iso(found.gain_block)
    if names_gain_map(xmp):
        return facts_of_xmp(xmp)
    exif = None if first_exif is None else first_exif.removeprefix(EXIF_MARK)
    headroom = apple_headroom_of_xmp(xmp) or apple_headroom(exif)
    if headroom is None:
        raise DamageError("its gain map says no headroom")
    return AppleFacts(headroom)


def _stored(
    found: Segments, facts: GainFacts | AppleFacts, first_profile: bytes | None
) -> StoredGain:
    if not found.has_end or found.blocks > found.scan_bytes * found.blocks_per_byte:
        raise DamageError("its gain map is cut short")
    with without_bomb_warning():
        image = Image.open(io.BytesIO(b"".join(found.pixels)), formats=("JPEG",))
    if image.mode not in ("L", "RGB"):
        raise DamageError(f"its gain map has pixels of mode {image.mode!r}")
    profile = first_profile if facts.in_base_colours else profile_in(found)
    return StoredGain(samples=np.array(image), facts=facts, primaries=primaries_of(profile))

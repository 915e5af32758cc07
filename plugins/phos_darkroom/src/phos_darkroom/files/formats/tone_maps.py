"""The gain map of an AVIF or HEIF: a picture that a tone-mapped item (``tmap``) names.

libavif decodes a file's primary picture, and so does libheif. A copy of the file that calls the
gain map its primary picture makes them decode that.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from phos_darkroom.files.formats.avif_boxes import Meta, item_bytes, item_facts, read_meta
from phos_darkroom.files.formats.code_points import primaries_of_number
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.gain_facts import GainFacts, StoredGain, facts_of_iso
from phos_darkroom.files.formats.limits import check_size

__all__ = ["gain_by_tone_map", "with_primary"]

TONE_MAP, DERIVED_FROM = b"tmap", b"dimg"
HIDDEN = 1  # a flag of an item that is no picture of its own


@dataclass(frozen=True, slots=True)
class _Found:
    """The tone-mapped item of the primary picture, and the item of its gain map."""

    tone_map: int
    gain_map: int


def gain_by_tone_map(
    content: bytes, path: Path, decode: Callable[[int], NDArray[Any]], base_primaries: str
) -> StoredGain | None:
    """Read the gain map of a file's primary picture.

    Parameters
    ----------
    content : bytes
        The whole file.
    path : Path
        The file, for errors.
    decode : callable
        Gives the samples of an item of a number, on the whole range of their type.
    base_primaries : str
        Of the primary picture, a key of `color.PRIMARIES`.

    Returns
    -------
    StoredGain or None
        None: there is none, it leads from HDR to SDR, or it is for newer readers.

    Raises
    ------
    DamageError, ImageFileError and others of `DAMAGE`
        If it is damaged.
    """
    meta = read_meta(content)
    found = _tone_map(meta)
    facts = None if found is None else _facts(content, meta, found.tone_map)
    if found is None or facts is None:
        return None
    size = item_facts(meta, found.gain_map)
    check_size(path, size.rows, size.cols)
    samples = decode(found.gain_map)
    if samples.ndim == 3 and samples.shape[2] not in (1, 3):
        raise DamageError("its gain map has alpha")
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[..., 0]
    bright = item_facts(meta, found.tone_map).primaries
    return StoredGain(
        samples=samples,
        facts=facts,
        primaries=base_primaries if facts.in_base_colours else primaries_of_number(bright),
    )


def _tone_map(meta: Meta) -> _Found | None:
    for item, (kind, _) in meta.items.items():
        derived_from = meta.references.get((DERIVED_FROM, item), [])
        if kind == TONE_MAP and derived_from[:1] == [meta.primary]:
            if len(derived_from) != 2:
                raise DamageError("its tone-mapped item names no gain map")
            return _Found(item, derived_from[1])
    return None


def _facts(content: bytes, meta: Meta, item: int) -> GainFacts | None:
    block = item_bytes(content, meta, item)
    return facts_of_iso(block[1:]) if block[:1] == b"\0" else None


def with_primary(content: bytes, item: int) -> bytes:
    """Give a copy of a file with another item as its primary picture, no longer hidden."""
    meta = read_meta(content)
    number = struct.pack(">I" if meta.primary_is_wide else ">H", item)
    copy = bytearray(content)
    copy[meta.primary_place : meta.primary_place + len(number)] = number
    copy[meta.flag_places[item]] &= ~HIDDEN
    return bytes(copy)

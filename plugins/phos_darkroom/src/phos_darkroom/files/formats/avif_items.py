"""Metadata put into an AVIF that an encoder wrote without: EXIF and XMP, as items of their own."""

import io
import struct
from collections.abc import Mapping

from phos_darkroom.files.formats.avif_boxes import EXIF_ITEM, MIME_ITEM, XMP_TYPE, Meta, read_meta
from phos_darkroom.files.formats.boxes import boxes
from phos_darkroom.files.formats.damage import DamageError

__all__ = ["with_metadata"]

HEAD_BYTES = 8  # of a box: its length and its kind
ITEM_ENTRY = 2  # the version of an item's entry whose number has 16 bits


def with_metadata(content: bytes, *, exif: bytes | None, xmp: bytes | None) -> bytes:
    """Give a copy of an AVIF that has EXIF and XMP.

    Parameters
    ----------
    content : bytes
        An AVIF without either, as libavif writes it: its tables before its data.
    exif : bytes, optional
        A TIFF block.
    xmp : bytes, optional
        A packet.

    Returns
    -------
    bytes
        The copy: each block an item that describes the primary picture, behind all other data.

    Raises
    ------
    DamageError
        If the file has tables that such an encoder does not write.

    Notes
    -----
    ISO 14496-12 and 23008-12: entries in ``iinf``, ``iloc`` and ``iref``. The tables grow, so that
    all data stand farther back, and ``iloc`` says so.
    """
    blocks: list[tuple[bytes, bytes]] = []
    if exif is not None:
        blocks.append((_entry_of(EXIF_ITEM), struct.pack(">I", 0) + exif))
    if xmp is not None:
        blocks.append((_entry_of(MIME_ITEM, XMP_TYPE), xmp))
    if not blocks:
        return content
    meta = read_meta(content)
    if any(method for method, _ in meta.places.values()):
        raise DamageError("its data stand among its tables")
    first = max(meta.items) + 1
    new = {first + place: block for place, block in enumerate(blocks)}
    start, end, body = _meta_box(content)
    lengths = {item: len(block) for item, (_, block) in new.items()}
    grown = len(_tables(body, meta, new, {})) - len(body)
    at = len(content) + grown + HEAD_BYTES
    places = {
        item: [(offset + grown, length) for offset, length in parts]
        for item, (_, parts) in meta.places.items()
    }
    for item, length in lengths.items():
        places[item] = [(at, length)]
        at += length
    tables = _tables(body, meta, new, places)
    data = _box(b"mdat", b"".join(block for _, block in new.values()))
    return content[:start] + _box(b"meta", tables) + content[end:] + data


def _meta_box(content: bytes) -> tuple[int, int, bytes]:
    """Where the box ``meta`` starts and ends, and its body."""
    for kind, first, last in boxes(io.BytesIO(content), 0, len(content)):
        if kind == b"meta":
            return first - HEAD_BYTES, last, content[first:last]
    raise DamageError("it has no box that describes a picture")


def _tables(
    body: bytes,
    meta: Meta,
    new: Mapping[int, tuple[bytes, bytes]],
    places: Mapping[int, list[tuple[int, int]]],
) -> bytes:
    """The body of ``meta`` with the new items; where no places are given, as long as with them."""
    placed = places or {
        **{item: parts for item, (_, parts) in meta.places.items()},
        **{item: [(0, 0)] for item in new},
    }
    tables, has_references = [body[:4]], False
    for kind, first, last in boxes(io.BytesIO(body), 4, len(body)):
        table = body[first:last]
        if kind == b"iinf":
            table = _with_entries(table, new)
        elif kind == b"iloc":
            table = _locations(placed)
        elif kind == b"iref":
            table, has_references = table + _references(new, meta.primary), True
        tables.append(_box(kind, table))
    if not has_references:
        tables.append(_box(b"iref", bytes(4) + _references(new, meta.primary)))
    return b"".join(tables)


def _with_entries(table: bytes, new: Mapping[int, tuple[bytes, bytes]]) -> bytes:
    if table[0] > 0:
        raise DamageError("it counts its items in 32 bits")
    (count,) = struct.unpack_from(">H", table, 4)
    entries = (
        _box(b"infe", bytes((ITEM_ENTRY, 0, 0, 0)) + struct.pack(">HH", item, 0) + entry)
        for item, (entry, _) in new.items()
    )
    return table[:4] + struct.pack(">H", count + len(new)) + table[6:] + b"".join(entries)


def _entry_of(kind: bytes, content_type: bytes = b"") -> bytes:
    """An item's kind, its empty name, and its content type if it has one."""
    return kind + b"\0" + content_type


def _locations(places: Mapping[int, list[tuple[int, int]]]) -> bytes:
    """The body of ``iloc``: offsets and lengths of 32 bits from the file's start."""
    rows = [struct.pack(">IBBH", 0, 0x44, 0, len(places))]
    for item, parts in places.items():
        rows.append(struct.pack(">HHH", item, 0, len(parts)))
        rows += (struct.pack(">II", *part) for part in parts)
    return b"".join(rows)


def _references(new: Mapping[int, tuple[bytes, bytes]], primary: int) -> bytes:
    """That each new item describes the primary picture."""
    return b"".join(_box(b"cdsc", struct.pack(">HHH", item, 1, primary)) for item in new)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + HEAD_BYTES, kind) + body

"""What an AVIF's boxes say of its main picture."""

import io
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from phos_darkroom.files.formats.av1 import frame_size
from phos_darkroom.files.formats.boxes import boxes
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.limits import METADATA_BYTES

__all__ = [
    "EXIF_ITEM",
    "MIME_ITEM",
    "XMP_TYPE",
    "ImageFacts",
    "Meta",
    "image_facts",
    "item_bytes",
    "item_facts",
    "read_meta",
]

EXIF_ITEM, MIME_ITEM = b"Exif", b"mime"
XMP_TYPE = b"application/rdf+xml\0"
ENLARGED = 4
"""How many times its stream's pixels a picture may have: a layer may be of half the size."""

STREAM_HEAD_BYTES = 256

# EXIF's orientation of a picture to be turned by so many quarters against the clock, and of one
# to be mirrored after that: not, top to bottom (axis 0), left to right (axis 1).
_ORIENTATIONS = {
    (0, None): 1,
    (1, None): 8,
    (2, None): 3,
    (3, None): 6,
    (0, 0): 4,
    (1, 0): 5,
    (2, 0): 2,
    (3, 0): 7,
    (0, 1): 2,
    (1, 1): 7,
    (2, 1): 4,
    (3, 1): 5,
}


@dataclass(slots=True)
class ImageFacts:
    """What the boxes say of the main picture.

    Parameters
    ----------
    cols, rows : int
        Its size as stored.
    bits : int
        Of a channel.
    orientation : int
        EXIF's code for the turn and the mirroring that the boxes ask for.
    primaries, transfer : int
        Codes of its colours (as in ITU-T H.273); 2: not said.
    icc_profile, exif, xmp : bytes or None
        The blocks.
    """

    cols: int = 0
    rows: int = 0
    bits: int = 8
    orientation: int = 1
    primaries: int = 2
    transfer: int = 2
    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


@dataclass(slots=True)
class Meta:
    """The tables of the box ``meta``, and where in the file some of it stands."""

    primary: int = 0
    primary_place: int = 0
    primary_is_wide: bool = False
    items: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)  # type, content type
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)  # kind, body
    associated: dict[int, list[int]] = field(default_factory=dict)
    places: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    flag_places: dict[int, int] = field(default_factory=dict)
    references: dict[tuple[bytes, int], list[int]] = field(default_factory=dict)  # kind, from
    data: bytes = b""


def image_facts(content: bytes) -> ImageFacts:
    """Read what an AVIF's boxes say.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    ImageFacts
        Of the main picture.

    Raises
    ------
    DamageError, LookupError, struct.error
        If the boxes contradict each other or the file's length.
    """
    meta = read_meta(content)
    facts = item_facts(meta, meta.primary)
    for item, (kind, content_type) in meta.items.items():
        if kind == EXIF_ITEM and facts.exif is None:
            block = item_bytes(content, meta, item)
            (before,) = struct.unpack_from(">I", block)
            facts.exif = block[4 + before :]
        elif kind == MIME_ITEM and content_type.startswith(XMP_TYPE) and facts.xmp is None:
            facts.xmp = item_bytes(content, meta, item)
    if not facts.cols or not facts.rows:
        raise DamageError("it does not say how large its picture is")
    _check_streams(content, meta)
    return facts


def item_facts(meta: Meta, item: int) -> ImageFacts:
    """Return what an item's own properties say; its bits are those of its tiles if it has some."""
    facts = ImageFacts()
    turns, axis = 0, None
    own_bits: list[int] = []
    for number in meta.associated.get(item, []):
        kind, body = meta.properties[number - 1]
        if kind == b"ispe":
            facts.cols, facts.rows = struct.unpack_from(">4xII", body)
        elif kind == b"irot":
            turns = body[0] & 3
        elif kind == b"imir":
            axis = body[0] & 1
        elif kind == b"colr":
            _take_colours(facts, body)
        elif kind == b"av1C":
            own_bits.append(_bits(body))
    facts.orientation = _ORIENTATIONS[turns, axis]
    all_bits = [_bits(body) for kind, body in meta.properties if kind == b"av1C"]
    facts.bits = max(own_bits or all_bits, default=8)
    return facts


def _check_streams(content: bytes, meta: Meta) -> None:
    """Compare each picture's claim with its stream: the decoder would enlarge it to the claim."""
    for item, (kind, _) in meta.items.items():
        if kind != b"av01" or item not in meta.places:
            continue
        cols, rows = frame_size(_start(content, meta, item))
        for number in meta.associated.get(item, []):
            name, body = meta.properties[number - 1]
            if name != b"ispe":
                continue
            claimed_cols, claimed_rows = struct.unpack_from(">4xII", body)
            if claimed_cols * claimed_rows > ENLARGED * cols * rows:
                raise DamageError(
                    f"it claims {claimed_cols} by {claimed_rows} pixels, and has {cols} by {rows}"
                )


def _bits(configuration: bytes) -> int:
    if not configuration[2] & 0x40:
        return 8
    return 12 if configuration[2] & 0x20 else 10


def _take_colours(facts: ImageFacts, body: bytes) -> None:
    if body[:4] in (b"prof", b"rICC"):
        if len(body) > METADATA_BYTES:
            raise DamageError(f"its colour profile claims {len(body)} bytes")
        facts.icc_profile = body[4:]
    elif body[:4] == b"nclx":
        facts.primaries, facts.transfer = struct.unpack_from(">HH", body, 4)


def read_meta(content: bytes) -> Meta:
    """Read the tables that say which items a file has, and where."""
    file = io.BytesIO(content)
    for kind, start, end in boxes(file, 0, len(content)):
        if kind == b"meta":
            return _tables(file, start + 4, end)
    raise DamageError("it has no box that describes a picture")


def _tables(file: BinaryIO, start: int, end: int) -> Meta:
    meta = Meta()
    for kind, first, last in boxes(file, start, end):
        if kind == b"iprp":
            _take_properties(meta, file, first, last)
        elif kind == b"iref":
            _take_references(meta, file, first, last)
        elif kind in (b"pitm", b"iinf", b"iloc", b"idat"):
            _take_table(meta, kind, _body(file, first, last), first)
    return meta


def _body(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _take_table(meta: Meta, kind: bytes, body: bytes, place: int) -> None:
    if kind == b"pitm":
        meta.primary_place = place + 4
        meta.primary_is_wide = body[0] > 0
        (meta.primary,) = struct.unpack_from(">I" if body[0] else ">H", body, 4)
    elif kind == b"iinf":
        _take_items(meta, body, place)
    elif kind == b"iloc":
        _take_places(meta, body)
    else:
        meta.data = body


def _take_properties(meta: Meta, file: BinaryIO, start: int, end: int) -> None:
    for kind, first, last in boxes(file, start, end):
        if kind == b"ipco":
            found = list(boxes(file, first, last))
            meta.properties = [(name, _body(file, *place)) for name, *place in found]
        elif kind == b"ipma":
            _take_associations(meta, _body(file, first, last))


def _take_references(meta: Meta, file: BinaryIO, start: int, end: int) -> None:
    width = 4 if _body(file, start, start + 1) != b"\0" else 2
    for kind, first, last in boxes(file, start + 4, end):
        reader = _Numbers(_body(file, first, last), 0)
        item = reader.take(width)
        numbers = [reader.take(width) for _ in range(reader.take(2))]
        meta.references[kind, item] = numbers


def _take_items(meta: Meta, body: bytes, place: int) -> None:
    for kind, start, end in boxes(io.BytesIO(body), 8 if body[0] else 6, len(body)):
        if kind == b"infe" and body[start] >= 2:
            wide = body[start] > 2
            (item,) = struct.unpack_from(">I" if wide else ">H", body, start + 4)
            meta.flag_places[item] = place + start + 3
            name = start + 4 + (4 if wide else 2) + 2
            rest = body[name + 4 : end].partition(b"\0")[2]
            meta.items[item] = (body[name : name + 4], rest)


def _take_associations(meta: Meta, body: bytes) -> None:
    reader = _Numbers(body, 4)
    number_bytes, wide = (4 if body[0] else 2), body[3] & 1
    for _ in range(reader.take(4)):
        item = reader.take(number_bytes)
        numbers = [
            reader.take(2) & 0x7FFF if wide else reader.take(1) & 0x7F
            for _ in range(reader.take(1))
        ]
        meta.associated[item] = [number for number in numbers if number]


def _take_places(meta: Meta, body: bytes) -> None:
    version = body[0]
    reader = _Numbers(body, 4)
    sizes = reader.take(2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version else 0
    for _ in range(reader.take(4 if version == 2 else 2)):
        item = reader.take(4 if version == 2 else 2)
        method = reader.take(2) & 15 if version else 0
        reader.take(2)  # the file that holds it: this one
        base = reader.take(base_bytes)
        parts = []
        for _ in range(reader.take(2)):
            reader.take(index_bytes)
            parts.append((base + reader.take(offset_bytes), reader.take(length_bytes)))
        meta.places[item] = (method, parts)


def _start(content: bytes, meta: Meta, item: int) -> bytes:
    """Return an item's first bytes."""
    method, parts = meta.places[item]
    offset, length = parts[0]
    source = {0: content, 1: meta.data}[method]
    return source[offset : offset + min(length or STREAM_HEAD_BYTES, STREAM_HEAD_BYTES)]


def item_bytes(content: bytes, meta: Meta, item: int) -> bytes:
    """Return an item's bytes, all of them or an error."""
    method, parts = meta.places[item]
    source = {0: content, 1: meta.data}[method]
    if sum(length for _, length in parts) > METADATA_BYTES:
        raise DamageError("a block of metadata is longer than any")
    if any(offset + length > len(source) for offset, length in parts):
        raise DamageError("a block of metadata lies beyond the file's end")
    return b"".join(source[offset : offset + length] for offset, length in parts)


@dataclass(slots=True)
class _Numbers:
    """Reads big-endian numbers one after the other."""

    body: bytes
    place: int

    def take(self, length: int) -> int:
        if self.place + length > len(self.body):
            raise DamageError("a table is cut short")
        number = int.from_bytes(self.body[self.place : self.place + length], "big")
        self.place += length
        return number

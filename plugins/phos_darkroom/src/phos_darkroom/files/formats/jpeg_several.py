"""Two pictures in one JPEG: the index (MPF) and the list in XMP say where the second is."""

import struct

from phos_darkroom.files.formats.gain_writing import ADOBE
from phos_darkroom.files.metadata.xmp import with_description
from phos_darkroom.files.metadata.xmp_packet import RDF, without

__all__ = ["INDEX_BYTES", "index_of", "with_list", "without_list"]

CONTAINER = "http://ns.google.com/photos/1.0/container/"
ITEM = "http://ns.google.com/photos/1.0/container/item/"
MARK = b"MPF\0"
VERSION_TAG, COUNT_TAG, ENTRIES_TAG = 0xB000, 0xB001, 0xB002
LONG, UNDEFINED = 4, 7
ENTRY_BYTES = 16
FIRST = 0x030000  # of the entry's kinds: the primary picture
_DIRECTORY_BYTES = 2 + 3 * 12 + 4
INDEX_BYTES = len(MARK) + 8 + _DIRECTORY_BYTES + 2 * ENTRY_BYTES
"""The length of what `index_of` gives."""


def index_of(first_bytes: int, second_bytes: int, place: int) -> bytes:
    """Give the index of two pictures that follow each other (CIPA DC-007).

    Parameters
    ----------
    first_bytes, second_bytes : int
        How long they are.
    place : int
        Where in the first the index's body begins, behind its marker and length.

    Returns
    -------
    bytes
        The body of the segment.
    """
    entries_at = 8 + _DIRECTORY_BYTES
    behind = first_bytes - (place + len(MARK))  # offsets count from the index's own header
    return b"".join(
        (
            MARK,
            b"MM\0*" + struct.pack(">I", 8),
            struct.pack(">H", 3),
            struct.pack(">HHI4s", VERSION_TAG, UNDEFINED, 4, b"0100"),
            struct.pack(">HHII", COUNT_TAG, LONG, 1, 2),
            struct.pack(">HHII", ENTRIES_TAG, UNDEFINED, 2 * ENTRY_BYTES, entries_at),
            struct.pack(">I", 0),
            struct.pack(">IIIHH", FIRST, first_bytes, 0, 0, 0),
            struct.pack(">IIIHH", 0, second_bytes, behind, 0, 0),
        )
    )


def with_list(packet: bytes | None, gain_map_bytes: int) -> bytes:
    """Write into a picture's XMP that a gain map of this length follows it.

    Parameters
    ----------
    packet : bytes or None
        The packet; None: a new one is made.
    gain_map_bytes : int
        The length of the second picture.

    Returns
    -------
    bytes
        The packet, its earlier list of pictures replaced; one that cannot be read as it was.
    """
    item = '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{}" {}/></rdf:li>'
    kind = 'Item:Mime="image/jpeg"'
    listed = item.format("Primary", kind)
    listed += item.format("GainMap", f'{kind} Item:Length="{gain_map_bytes}"')
    return with_description(
        without_list(packet) if packet is not None else None,
        f'xmlns:rdf="{RDF}" xmlns:hdrgm="{ADOBE}" xmlns:Container="{CONTAINER}" '
        f'xmlns:Item="{ITEM}" hdrgm:Version="1.0"',
        f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>",
    )


def without_list(packet: bytes) -> bytes:
    """Take out of a picture's XMP what tells of a gain map and of further pictures."""
    return without(packet, lambda name: name.startswith((f"{ADOBE} ", f"{CONTAINER} ")))

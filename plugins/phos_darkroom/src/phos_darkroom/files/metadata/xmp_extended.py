"""Extended XMP: what JPEG keeps of a packet in further segments, since one ends at 64 KiB."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

from phos_darkroom.files.metadata.xmp_packet import (
    RDF,
    Packet,
    Property,
    open_packet,
    spliced,
    without,
)

__all__ = ["extended_name", "merged", "split"]

_NOTE = "http://ns.adobe.com/xmp/note/"
_EXTENDED = f"{_NOTE} HasExtendedXMP"
_PADDING = re.compile(rb"\s{2,}(?=<\?xpacket\s+end)")


def extended_name(packet: bytes | None) -> str | None:
    """Return the name (GUID) of the extended packet that belongs to a packet, or None."""
    found = open_packet(packet)
    said = None if found is None else found.find(_EXTENDED)
    return None if said is None else said.text.strip().upper()


def merged(packet: bytes, extended: bytes | None) -> bytes | None:
    """Put what JPEG keeps in an extended packet into the packet that it belongs to.

    Parameters
    ----------
    packet : bytes
        The packet; it no longer says that there is another one.
    extended : bytes or None
        The extended packet; None: it is lost.

    Returns
    -------
    bytes or None
        None if the extended one cannot be read.
    """
    found, more = open_packet(packet), open_packet(extended)
    if found is None or (more is None and extended is not None):
        return None
    moved = b"" if more is None else b"".join(_standing_alone(more)) + b"\n"
    packet = spliced(packet, [(slice(found.end_of_rdf, found.end_of_rdf), moved)])
    return without(packet, lambda name: name == _EXTENDED)


def split(packet: bytes, most_bytes: int) -> tuple[bytes, bytes | None] | None:
    """Divide a packet into one of so many bytes and an extended one, as JPEG has them.

    Parameters
    ----------
    packet : bytes
        An XMP packet.
    most_bytes : int
        That the first part may have.

    Returns
    -------
    packet, extended : bytes, bytes or None
        The same packet and None if it fits. Else it loses its padding, and if that is not enough
        its longest properties, which the extended one gets. None instead of the two if the packet
        cannot be read, or what cannot be moved is too long.
    """
    if len(packet) <= most_bytes:
        return packet, None
    packet = _PADDING.sub(b"\n", packet)
    if len(packet) <= most_bytes:
        return packet, None
    found = open_packet(packet)
    if found is None:
        return None
    name_bytes = len(_extended_note("0" * 32, found.about))
    moved: list[Property] = []
    room = most_bytes - name_bytes - len(packet)
    for one in sorted(found.properties, key=lambda one: one.place.start - one.place.stop):
        if room >= 0:
            break
        moved.append(one)
        room += one.place.stop - one.place.start
    if room < 0:
        return None
    extended = _extended(packet, found.about, moved)
    name = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    note = (slice(found.end_of_rdf, found.end_of_rdf), _extended_note(name, found.about))
    return spliced(packet, [note, *((one.place, b"") for one in moved)]), extended


def _standing_alone(packet: Packet) -> Iterable[bytes]:
    """The descriptions of a packet, each with the namespaces that it had from outside."""
    for description in packet.descriptions:
        element = packet.body[description.place]
        head = re.match(rb"<[^\s/>]+", element)
        end = 0 if head is None else head.end()
        yield element[:end] + _declarations(description.namespaces) + element[end:]


def _declarations(namespaces: Mapping[str, str]) -> bytes:
    return "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}"
        for prefix, uri in namespaces.items()
        if prefix != "xml"
    ).encode()


def _extended(packet: bytes, about: str, moved: Iterable[Property]) -> bytes:
    """A packet of properties alone, each in a description of its own."""
    parts = []
    for one in moved:
        scope = _declarations(one.namespaces | {"rdf": RDF})
        head = b"<rdf:Description" + scope + b" rdf:about=" + quoteattr(about).encode()
        text = packet[one.place]
        parts.append(
            head + text + b"/>" if one.is_attribute else head + b">" + text + b"</rdf:Description>"
        )
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="'
        + RDF.encode()
        + b'">'
        + b"".join(parts)
        + b"</rdf:RDF></x:xmpmeta>"
    )


def _extended_note(name: str, about: str) -> bytes:
    return (
        f'<rdf:Description xmlns:rdf="{RDF}" rdf:about={quoteattr(about)}'
        f' xmlns:xmpNote="{_NOTE}" xmpNote:HasExtendedXMP="{name}"/>\n'
    ).encode()

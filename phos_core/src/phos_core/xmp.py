"""XMP packets: the settings of a picture, kept among what other programs wrote there.

Expat says where in the packet's bytes an element stands; the bytes are then cut and joined. A
packet is never parsed into a tree and written again: all else in it stays as it is.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

__all__ = ["NAMESPACE", "settings", "with_settings"]

NAMESPACE = "urn:phos:1.0/"
"""The XML namespace of what phos writes."""

MAX_PACKET_BYTES = 1 << 24  # our choice: the largest packets hold a raw converter's masks, some MB
MAX_DEPTH = 256  # our choice: properties of properties nest some ten deep

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SETTINGS = f"{NAMESPACE} settings"
_ROOT, _DESCRIPTION, _ABOUT = f"{_RDF} RDF", f"{_RDF} Description", f"{_RDF} about"
_DEEPEST_RDF = 2  # either it is the outermost element, or x:xmpmeta around it is

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_START = re.compile(rb"</?[^\s/>]+")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")

_NEW_PACKET = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b'<rdf:RDF xmlns:rdf="' + _RDF.encode() + b'">\n'
    b"</rdf:RDF>\n"
    b"</x:xmpmeta>\n"
    b'<?xpacket end="w"?>'
)


def with_settings(packet: bytes | None, toml_text: str) -> bytes:
    """Write settings into a packet.

    Parameters
    ----------
    packet : bytes or None
        An XMP packet in UTF-8; None: a new one is made.
    toml_text : str
        The settings.

    Returns
    -------
    bytes
        The packet with one ``rdf:Description`` of phos more, or with its settings replaced;
        every other byte is as it was, padding and trailer included. A packet in which there is no
        place for settings (not UTF-8, not well-formed, with a document type, without an
        ``rdf:RDF``) comes back unchanged, and the settings are dropped.

    Raises
    ------
    ValueError
        If the text has characters that XML cannot hold.
    """
    unfit = _NOT_XML.search(toml_text)
    if unfit is not None:
        raise ValueError(f"toml_text has a character that XML cannot hold: {unfit.group()!r}")
    packet = _NEW_PACKET if packet is None else packet
    found = _find(packet)
    if found is None:
        return packet
    if found.element is not None:
        return _spliced(packet, found.element, _element(toml_text))
    description = _description(toml_text, found.about)
    packet = _spliced(packet, slice(found.end_of_rdf, found.end_of_rdf), description)
    return packet if found.attribute is None else _spliced(packet, found.attribute, b"")


def settings(packet: bytes | None) -> str | None:
    """Read the settings in a packet.

    Parameters
    ----------
    packet : bytes or None
        An XMP packet.

    Returns
    -------
    str or None
        What `with_settings` wrote, also if another program has since put it among its own
        properties; None if there is none, or the packet cannot be read.
    """
    found = None if packet is None else _find(packet)
    return None if found is None else found.text


@dataclass(slots=True)
class _Found:
    """Places in a packet: where the RDF ends, and where settings stand already."""

    end_of_rdf: int = -1
    has_end_tag: bool = False
    about: str = ""
    element: slice | None = None
    attribute: slice | None = None
    text: str | None = None
    open_elements: list[str] = field(default_factory=list)
    start_of_element: int = -1
    pieces: list[str] = field(default_factory=list)


def _find(packet: bytes) -> _Found | None:
    """Find the places in a packet; None if it has none."""
    if len(packet) > MAX_PACKET_BYTES:
        return None
    body = packet.rstrip(b"\0")
    found = _Found()
    try:
        _parse(body, found)
    except (expat.ExpatError, _UnfitError):
        return None
    return found if found.end_of_rdf >= 0 and found.has_end_tag else None


class _UnfitError(Exception):
    """A packet that is not read further."""


def _parse(body: bytes, found: _Found) -> None:
    parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise _UnfitError

    def start(name: str, attributes: dict[str, str]) -> None:
        found.open_elements.append(name)
        if len(found.open_elements) > MAX_DEPTH:
            raise _UnfitError
        match _property_path(found):
            case [root] if root == _ROOT:
                found.has_end_tag = not _is_empty(body, parser.CurrentByteIndex)
            case [_, only] if only == _DESCRIPTION:
                _note_description(found, attributes, body, parser.CurrentByteIndex)
            case [_, description, only] if description == _DESCRIPTION and only == _SETTINGS:
                found.start_of_element = parser.CurrentByteIndex
                found.pieces.clear()

    def text(piece: str) -> None:
        if found.start_of_element >= 0:
            found.pieces.append(piece)

    def end(name: str) -> None:
        path = _property_path(found)
        if name == _SETTINGS and len(path) == 3 and found.start_of_element >= 0:
            _note_element(found, body, parser.CurrentByteIndex)
        elif name == _ROOT and len(path) == 1 and found.end_of_rdf < 0:
            found.end_of_rdf = parser.CurrentByteIndex
        found.open_elements.pop()

    parser.StartDoctypeDeclHandler = refuse  # no document type, no entities that could explode
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.EndElementHandler = end
    parser.Parse(body, True)


def _property_path(found: _Found) -> list[str]:
    """The open elements from the first `rdf:RDF` on, or none if it is not where it belongs."""
    if found.end_of_rdf >= 0 or _ROOT not in found.open_elements[:_DEEPEST_RDF]:
        return []
    return found.open_elements[found.open_elements.index(_ROOT) :]


def _note_description(
    found: _Found, attributes: dict[str, str], body: bytes, position: int
) -> None:
    """Take what all descriptions are about; and settings that stand in an attribute."""
    found.about = found.about or attributes.get(_ABOUT, "")
    if _SETTINGS in attributes and found.text is None:
        found.text = attributes[_SETTINGS]
        found.attribute = _attribute_at(body, position, list(attributes).index(_SETTINGS))


def _attributes_at(body: bytes, position: int) -> list[re.Match[bytes]]:
    """The attributes of the start tag at `position`, and before them its name."""
    matches = []
    match = _START.match(body, position)
    while match is not None:
        matches.append(match)
        match = _ATTRIBUTE.match(body, match.end())
    return matches


def _attribute_at(body: bytes, position: int, index: int) -> slice:
    """Where an attribute of the start tag at `position` stands; namespaces are not counted."""
    attributes = [
        match
        for match in _attributes_at(body, position)[1:]
        if match[1] != b"xmlns" and not match[1].startswith(b"xmlns:")
    ]
    return slice(*attributes[index].span())


def _tag_end(body: bytes, position: int) -> int:
    """Where the tag at `position` ends."""
    end = _attributes_at(body, position)[-1].end()
    return body.index(b">", end) + 1


def _is_empty(body: bytes, position: int) -> bool:
    """Whether the start tag at `position` is an end tag too."""
    return body.startswith(b"/>", _tag_end(body, position) - 2)


def _note_element(found: _Found, body: bytes, position: int) -> None:
    """Take settings that stand in an element; it goes before an attribute."""
    if found.element is None:
        is_empty = _is_empty(body, found.start_of_element)
        last_tag = found.start_of_element if is_empty else position
        found.element = slice(found.start_of_element, _tag_end(body, last_tag))
        found.text = "".join(found.pieces)
    found.start_of_element = -1


def _spliced(packet: bytes, place: slice, new: bytes) -> bytes:
    return packet[: place.start] + new + packet[place.stop :]


def _element(toml_text: str) -> bytes:
    """The settings as an XML element that says itself of which namespace it is."""
    text = escape(toml_text, {"\r": "&#13;"})
    return f'<phos:settings xmlns:phos="{NAMESPACE}">{text}</phos:settings>'.encode()


def _description(toml_text: str, about: str) -> bytes:
    """An `rdf:Description` about the same thing as the packet's others."""
    return (
        f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about={quoteattr(about)}>'.encode()
        + _element(toml_text)
        + b"</rdf:Description>\n"
    )

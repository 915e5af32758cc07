"""An XMP packet's properties, each with the place where it stands in the packet's bytes.

Expat says where an element stands; the bytes are then cut and joined. A packet is never parsed
into a tree and written again: all else in it stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

__all__ = [
    "RDF",
    "Description",
    "Packet",
    "Property",
    "open_packet",
    "spliced",
    "with_texts",
    "without",
]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
"""The namespace of what holds the properties."""

MAX_PACKET_BYTES = 1 << 24  # our choice: the largest packets hold a raw converter's masks, some MB
MAX_DEPTH = 256  # our choice: properties of properties nest some ten deep

_ROOT, _DESCRIPTION, _ABOUT = f"{RDF} RDF", f"{RDF} Description", f"{RDF} about"
_DEEPEST_RDF = 2  # either it is the outermost element, or x:xmpmeta around it is
_PROPERTY_DEPTH = 3  # below the RDF and a description
_START = re.compile(rb"</?[^\s/>]+")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")


@dataclass(slots=True)
class Property:
    """A property of the picture, an attribute or an element of an `rdf:Description`.

    Parameters
    ----------
    name : str
        Its namespace and its name, with a space between.
    place : slice
        All of it, an attribute's white space before it among it.
    text : str
        What it says, if it is simple; of a structure, the text in it.
    value : slice or None
        Where that text stands; None if it is a structure.
    is_attribute : bool
        Which of the two it is.
    namespaces : dict of str to str
        Those that its prefixes mean.
    """

    name: str
    place: slice
    text: str
    value: slice | None
    is_attribute: bool
    namespaces: dict[str, str]


@dataclass(slots=True)
class Description:
    """An `rdf:Description`: where it stands, and the namespaces that it has from outside alone."""

    place: slice
    namespaces: dict[str, str]


@dataclass(slots=True)
class Packet:
    """What is in a packet, and where its RDF ends."""

    body: bytes
    end_of_rdf: int = -1
    has_end_tag: bool = False
    about: str = ""
    descriptions: list[Description] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)

    def find(self, name: str) -> Property | None:
        """Return the first property of a name: an element before an attribute."""
        found = [one for one in self.properties if one.name == name]
        return min(found, key=lambda one: one.is_attribute, default=None)


def open_packet(packet: bytes | None) -> Packet | None:
    """Find the properties of a packet.

    Parameters
    ----------
    packet : bytes or None
        An XMP packet in UTF-8.

    Returns
    -------
    Packet or None
        None if there is none, or it is not UTF-8 or not well-formed, has a document type, has no
        RDF with an end tag, or is longer than any.
    """
    if packet is None or len(packet) > MAX_PACKET_BYTES:
        return None
    body = packet.rstrip(b"\0")
    if b"\0" in body:
        return None  # UTF-16 or UTF-32, which expat would read too, but not count in these bytes
    reader = _Reader(body)
    try:
        reader.parse()
    except (expat.ExpatError, _UnfitError):
        return None
    found = reader.packet
    return found if found.end_of_rdf >= 0 and found.has_end_tag else None


def spliced(packet: bytes, changes: Iterable[tuple[slice, bytes]]) -> bytes:
    """Put bytes in place of others.

    Parameters
    ----------
    packet : bytes
        What is changed.
    changes : iterable of (slice, bytes)
        Places that do not overlap, and what goes there.

    Returns
    -------
    bytes
        All else as it was.
    """
    for place, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
        packet = packet[: place.start] + new + packet[place.stop :]
    return packet


def with_texts(packet: bytes, texts: Mapping[str, str]) -> bytes:
    """Give simple properties that are there another text.

    Parameters
    ----------
    packet : bytes
        An XMP packet; one that cannot be read comes back unchanged.
    texts : mapping of str to str
        By name; without characters that XML would need to escape.

    Returns
    -------
    bytes
    """
    found = open_packet(packet)
    changes = [
        (one.value, texts[one.name].encode())
        for one in (found.properties if found is not None else ())
        if one.name in texts and one.value is not None and one.text != texts[one.name]
    ]
    return spliced(packet, changes)


def without(packet: bytes, is_unwanted: Callable[[str], object]) -> bytes:
    """Take properties out.

    Parameters
    ----------
    packet : bytes
        An XMP packet; one that cannot be read comes back unchanged.
    is_unwanted : callable
        ``is_unwanted(name)``, true for those that go.

    Returns
    -------
    bytes
    """
    found = open_packet(packet)
    properties = found.properties if found is not None else ()
    return spliced(packet, [(one.place, b"") for one in properties if is_unwanted(one.name)])


class _UnfitError(Exception):
    """A packet that is not read further."""


class _Reader:
    """Expat's handlers, and what they have seen."""

    def __init__(self, body: bytes) -> None:
        self.packet = Packet(body)
        self._open: list[str] = []
        self._namespaces: list[dict[str, str]] = [{}]
        self._declared: dict[str, str] = {}
        self._start = -1  # of the property that is open
        self._pieces: list[str] = []
        self._is_simple = True

    def parse(self) -> None:
        parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse  # and so no entities that could explode
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._element
        parser.CharacterDataHandler = self._text
        parser.EndElementHandler = self._end
        self._parser = parser
        parser.Parse(self.packet.body, True)

    def _refuse(self, *_: Any) -> None:
        raise _UnfitError

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        place = self._parser.CurrentByteIndex
        outer, own = self._namespaces[-1], self._declared
        self._namespaces.append(outer | own if own else outer)
        self._declared = {}
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise _UnfitError
        path = self._path()
        if path == [_ROOT]:
            self.packet.has_end_tag = not _is_empty(self.packet.body, place)
        elif path[1:] == [_DESCRIPTION]:
            outside = {prefix: outer[prefix] for prefix in outer if prefix not in own}
            self._describe(place, attributes, outside)
        elif len(path) == _PROPERTY_DEPTH and path[1] == _DESCRIPTION:
            self._start, self._is_simple = place, not attributes
            self._pieces.clear()
        else:
            self._is_simple = False

    def _text(self, piece: str) -> None:
        if self._start >= 0:
            self._pieces.append(piece)

    def _end(self, name: str) -> None:
        path = self._path()
        place = self._parser.CurrentByteIndex
        if len(path) == _PROPERTY_DEPTH and self._start >= 0:
            self._take_element(name, place)
        elif path[1:] == [_DESCRIPTION]:
            description = self.packet.descriptions[-1]
            start = description.place.start
            description.place = slice(start, _element_end(self.packet.body, start, place))
        elif path == [_ROOT] and self.packet.end_of_rdf < 0:
            self.packet.end_of_rdf = place
        self._open.pop()
        self._namespaces.pop()

    def _path(self) -> list[str]:
        """The open elements from the first `rdf:RDF` on, or none if it is not where it belongs."""
        if self.packet.end_of_rdf >= 0 or _ROOT not in self._open[:_DEEPEST_RDF]:
            return []
        return self._open[self._open.index(_ROOT) :]

    def _describe(self, place: int, attributes: dict[str, str], outside: dict[str, str]) -> None:
        """Take what all descriptions are about, and the properties that stand in attributes."""
        packet = self.packet
        packet.about = packet.about or attributes.get(_ABOUT, "")
        packet.descriptions.append(Description(slice(place, place), outside))
        found = _own_attributes(packet.body, place)
        for (name, text), match in zip(attributes.items(), found, strict=True):
            if " " in name and not name.startswith(RDF):
                value = slice(match.start(2) + 1, match.end(2) - 1)
                where = slice(*match.span())
                scope = self._namespaces[-1]
                packet.properties.append(Property(name, where, text, value, True, scope))

    def _take_element(self, name: str, place: int) -> None:
        """Take a property that stands in an element."""
        body, start = self.packet.body, self._start
        is_empty = _is_empty(body, start)
        whole = slice(start, _element_end(body, start, place))
        value = slice(_tag_end(body, start), place) if self._is_simple and not is_empty else None
        text, scope = "".join(self._pieces), self._namespaces[-2]
        self.packet.properties.append(Property(name, whole, text, value, False, scope))
        self._start = -1


def _own_attributes(body: bytes, position: int) -> list[re.Match[bytes]]:
    """The attributes of the start tag at `position` without those that declare namespaces."""
    return [
        match
        for match in _attributes_at(body, position)[1:]
        if match[1] != b"xmlns" and not match[1].startswith(b"xmlns:")
    ]


def _attributes_at(body: bytes, position: int) -> list[re.Match[bytes]]:
    """The attributes of the start tag at `position`, and before them its name."""
    matches = []
    match = _START.match(body, position)
    while match is not None:
        matches.append(match)
        match = _ATTRIBUTE.match(body, match.end())
    return matches


def _tag_end(body: bytes, position: int) -> int:
    """Where the tag at `position` ends."""
    end = _attributes_at(body, position)[-1].end()
    return body.index(b">", end) + 1


def _is_empty(body: bytes, position: int) -> bool:
    """Whether the start tag at `position` is an end tag too."""
    return body.startswith(b"/>", _tag_end(body, position) - 2)


def _element_end(body: bytes, start: int, end_tag: int) -> int:
    """Where the element ends whose tags start at these places."""
    return _tag_end(body, start if _is_empty(body, start) else end_tag)

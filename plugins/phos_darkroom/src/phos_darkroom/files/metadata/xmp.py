"""XMP packets: settings kept among what other programs wrote, and what a change makes untrue.

All that is not changed stays in its bytes, padding and trailer included.
"""

import codecs
import re
from xml.sax.saxutils import escape, quoteattr

from phos_darkroom.files.metadata.xmp_packet import (
    MAX_PACKET_BYTES,
    RDF,
    open_packet,
    spliced,
    with_texts,
    without,
)

__all__ = [
    "MAX_PACKET_BYTES",
    "NAMESPACE",
    "as_srgb",
    "as_utf8",
    "new_packet",
    "orientation",
    "settings",
    "upright",
    "with_description",
    "with_settings",
    "with_size",
    "without_untrue",
]

NAMESPACE = "urn:phos:1.0/"
"""The XML namespace of what phos writes."""

_SETTINGS = f"{NAMESPACE} settings"
_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_ORIENTATION = f"{_TIFF} Orientation"

# What says that other pictures stand in the file, or what the picture was before.
_UNTRUE_NAMESPACES = (
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.adobe.com/hdr-metadata/1.0/",
    "http://ns.apple.com/HDRGainMap/1.0/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/dd/1.0/",  # depth and cameras, in the container's items
)
_UNTRUE = re.compile(
    rf"{_CAMERA} (MotionPhoto|MicroVideo)\w*"
    r"|http://ns\.adobe\.com/xap/1\.0/ Thumbnails"
    rf"|({_TIFF}|{_EXIF}) NativeDigest"  # of EXIF as it was
)

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]*encoding\s*=\s*["']([\w.:-]+)["']""")
_ATTRIBUTE_OR_ELEMENT = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)([1-8])")


def new_packet(descriptions: str = "") -> bytes:
    """Make an XMP packet of these descriptions."""
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f'<rdf:RDF xmlns:rdf="{RDF}">\n'
        f"{descriptions}</rdf:RDF>\n"
        "</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    )
    return packet.encode()


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
    packet = new_packet() if packet is None else packet
    found = open_packet(packet)
    if found is None:
        return packet
    old = found.find(_SETTINGS)
    if old is not None and not old.is_attribute:
        return spliced(packet, [(old.place, _element(toml_text))])
    new = _description(_element(toml_text), found.about)
    changes = [(slice(found.end_of_rdf, found.end_of_rdf), new)]
    return spliced(packet, changes if old is None else [*changes, (old.place, b"")])


def with_description(packet: bytes | None, attributes: str, elements: str) -> bytes:
    """Add an `rdf:Description` to a packet.

    Parameters
    ----------
    packet : bytes or None
        An XMP packet in UTF-8; None: a new one is made.
    attributes, elements : str
        What it has, namespaces among them, as XML.

    Returns
    -------
    bytes
        The packet; one that cannot be read comes back unchanged.
    """
    packet = new_packet() if packet is None else packet
    found = open_packet(packet)
    if found is None:
        return packet
    new = f"<rdf:Description {attributes} rdf:about={quoteattr(found.about)}>{elements}"
    end = slice(found.end_of_rdf, found.end_of_rdf)
    return spliced(packet, [(end, new.encode() + b"</rdf:Description>\n")])


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
    found = open_packet(packet)
    property_ = None if found is None else found.find(_SETTINGS)
    return None if property_ is None else property_.text


def as_utf8(packet: bytes) -> bytes:
    """Return a packet in UTF-8.

    Parameters
    ----------
    packet : bytes
        In UTF-8, UTF-16 or UTF-32, with a byte order mark or without, or in the encoding that an
        XML declaration at its start names.

    Returns
    -------
    bytes
        The same text; the same bytes if they are UTF-8, or cannot be read as what they claim.
    """
    encoding = _encoding(packet)
    if encoding is None or len(packet) > 4 * MAX_PACKET_BYTES:
        return packet
    width = {"utf-16": 2, "utf-32": 4}.get(encoding[:6], 1)
    try:
        text = packet[: len(packet) // width * width].decode(encoding)
    except (UnicodeError, LookupError):
        return packet
    text = _DECLARATION.sub("", text.removeprefix("\ufeff").rstrip("\0"), count=1)
    converted = text.encode(errors="ignore")
    return packet if open_packet(converted) is None else converted


def orientation(packet: bytes | None) -> int | None:
    """Return the orientation that a packet says: 1 to 8; None if it says none that exists."""
    found = open_packet(packet)
    if found is None:
        match = _ATTRIBUTE_OR_ELEMENT.search(packet or b"")
        return int(match[2]) if match else None
    said = found.find(_ORIENTATION)
    text = "" if said is None else said.text.strip()
    return int(text) if text.isdecimal() and int(text) in range(1, 9) else None


def upright(packet: bytes) -> bytes:
    """Return a packet that says the orientation 1, where it says one."""
    if open_packet(packet) is None:
        return _ATTRIBUTE_OR_ELEMENT.sub(rb"\g<1>1", packet)
    return with_texts(packet, {_ORIENTATION: "1"})


def with_size(packet: bytes, rows: int, cols: int) -> bytes:
    """Return a packet that says a picture's size, where it says one."""
    wide, high = str(cols), str(rows)
    return with_texts(
        packet,
        {
            f"{_TIFF} ImageWidth": wide,
            f"{_TIFF} ImageLength": high,
            f"{_EXIF} PixelXDimension": wide,
            f"{_EXIF} PixelYDimension": high,
        },
    )


def as_srgb(packet: bytes | None) -> bytes | None:
    """Return a packet that says that the picture is in sRGB, where it says anything of colours."""
    if packet is None:
        return None
    packet = with_texts(packet, {f"{_EXIF} ColorSpace": "1"})
    return without(packet, lambda name: name == f"{_PHOTOSHOP} ICCProfile")


def without_untrue(packet: bytes | None) -> bytes | None:
    """Take out of a packet what is not true of a picture that was developed.

    Parameters
    ----------
    packet : bytes or None
        An XMP packet.

    Returns
    -------
    bytes or None
        The packet without what it says of gain maps, films and other pictures at the file's end,
        of thumbnails, and without digests of EXIF; all else as it was.
    """
    if packet is None:
        return None
    return without(
        packet, lambda name: name.startswith(_UNTRUE_NAMESPACES) or _UNTRUE.fullmatch(name)
    )


def _encoding(packet: bytes) -> str | None:
    """Return the encoding of a packet that is not UTF-8."""
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if packet.startswith(mark):
            return encoding
    match [byte == 0 for byte in packet[:4]]:
        case [False, True, True, True]:
            return "utf-32-le"
        case [True, True, True, False]:
            return "utf-32-be"
        case [False, True, *_]:
            return "utf-16-le"
        case [True, False, *_]:
            return "utf-16-be"
    declared = _DECLARED.match(packet)
    name = "utf-8" if declared is None else declared[1].decode("ascii", "replace").lower()
    return None if name in ("utf-8", "utf8") or _is_utf8(packet) else name


def _is_utf8(packet: bytes) -> bool:
    try:
        packet.decode()
    except UnicodeDecodeError:
        return False
    return True


def _element(toml_text: str) -> bytes:
    """The settings as an XML element that says itself of which namespace it is."""
    text = escape(toml_text, {"\r": "&#13;"})
    return f'<phos:settings xmlns:phos="{NAMESPACE}">{text}</phos:settings>'.encode()


def _description(element: bytes, about: str) -> bytes:
    """An `rdf:Description` about the same thing as the packet's others."""
    head = f'<rdf:Description xmlns:rdf="{RDF}" rdf:about={quoteattr(about)}>'
    return head.encode() + element + b"</rdf:Description>\n"

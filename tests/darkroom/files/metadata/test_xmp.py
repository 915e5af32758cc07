"""Settings live in an XMP packet beside everything else, which stays byte for byte."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phos_darkroom.files.metadata import xmp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PADDING = b" " * 2000 + b"\n"

CAMERA = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="A converter">\n'
    b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b'  <rdf:Description rdf:about="uuid:a&amp;b" xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
    b"    xmp:Rating='4' >\n"
    b"   <!-- </rdf:RDF> --><xmp:Label><![CDATA[</rdf:RDF>]]></xmp:Label>\n"
    b"  </rdf:Description>\r\n"
    b" </rdf:RDF>\n"
    b"</x:xmpmeta>\n" + PADDING + b'<?xpacket end="w"?>'
)
BARE = CAMERA[CAMERA.index(b"<rdf:RDF") : CAMERA.rindex(b"</x:xmpmeta>")]
OTHER_PREFIX = CAMERA.replace(b"rdf:", b"r:").replace(b":rdf=", b":r=")
NO_PREFIX = BARE.replace(b"rdf:about", b"about").replace(b"rdf:", b"").replace(b":rdf=", b"=")

PACKETS = {
    "camera": CAMERA,
    "without a wrapper": BARE,
    "another prefix": OTHER_PREFIX,
    "no prefix": NO_PREFIX,
    "byte order mark": b"\xef\xbb\xbf" + BARE,
    "zeros behind": CAMERA + bytes(3),
    "read-only": CAMERA.replace(b'end="w"', b'end="r"'),
    "declared otherwise": b"<?xml version='1.0' encoding='iso-8859-1'?>" + BARE,
    "not ASCII": CAMERA.replace(b"A converter", "Ein Gerät".encode()),
}

CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], include_characters="\n\t\r", exclude_characters="\ufffe\uffff"
)
TEXTS = st.text(CHARACTERS, max_size=200)
HARD = 'film = "a < b & c ]]> d"\r\n\n name = \'"\' # é 😀 </phos:settings>\r'


def settings_in(packet):
    """What another reader finds: each settings element's text."""
    root = ET.fromstring(packet.rstrip(b"\0").decode())
    return [element.text or "" for element in root.iter(f"{{{xmp.NAMESPACE}}}settings")]


@given(TEXTS)
@example(HARD)
@example("")
def test_any_text_comes_back_from_a_new_packet(text):
    packet = xmp.with_settings(None, text)
    assert xmp.settings(packet) == text
    assert settings_in(packet) == [text]
    assert packet.startswith(b"<?xpacket begin=")
    assert packet.endswith(b'<?xpacket end="w"?>')


@pytest.mark.parametrize("name", PACKETS)
@given(text=TEXTS)
@example(text=HARD)
def test_settings_go_into_any_packet_and_all_else_stays(name, text):
    packet = PACKETS[name]
    written = xmp.with_settings(packet, text)
    assert xmp.settings(written) == text
    place = written.index(b"<rdf:Description xmlns:rdf=")
    length = len(written) - len(packet)
    assert length > 0
    assert written[:place] + written[place + length :] == packet


@pytest.mark.parametrize("name", PACKETS)
def test_settings_are_replaced_and_not_doubled(name):
    first = xmp.with_settings(PACKETS[name], "first, and longer")
    second = xmp.with_settings(first, HARD)
    assert xmp.settings(second) == HARD
    assert second == xmp.with_settings(PACKETS[name], HARD)


def test_settings_are_a_property_of_the_same_thing_as_the_others():
    root = ET.fromstring(xmp.with_settings(CAMERA, "a").decode())
    (rdf,) = root
    assert [child.tag for child in rdf] == [f"{{{RDF}}}Description"] * 2
    assert {child.get(f"{{{RDF}}}about") for child in rdf} == {"uuid:a&b"}


def test_padding_and_trailer_stay():
    assert xmp.with_settings(CAMERA, "a" * 500).endswith(PADDING + b'<?xpacket end="w"?>')


def test_no_settings_are_none():
    assert xmp.settings(None) is None
    for packet in PACKETS.values():
        assert xmp.settings(packet) is None


AMONG_OTHERS = b"""<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
<rdf:Description xmlns:q="urn:else" xmlns="urn:d" xmlns:p='urn:phos:1.0/'
 q:settings="p:settings='no'" rdf:about='' p:settings = "a &lt;&#10;b" q:z='1'
 xmlns:k='urn:k' k:k='2'/></rdf:RDF>"""


def test_settings_that_another_program_made_an_attribute_are_read_and_replaced():
    assert xmp.settings(AMONG_OTHERS) == "a <\nb"
    written = xmp.with_settings(AMONG_OTHERS, HARD)
    assert xmp.settings(written) == HARD
    assert settings_in(written) == [HARD]
    without = AMONG_OTHERS.replace(b' p:settings = "a &lt;&#10;b"', b"")
    assert (
        re.sub(rb"(?s)<rdf:Description xmlns:rdf=.*</rdf:Description>\n", b"", written) == without
    )


@pytest.mark.parametrize(
    "empty", [b"<p:settings/>", b"<p:settings a='>' />", b"<p:settings></p:settings>"]
)
def test_settings_that_another_program_moved_are_replaced_where_they_are(empty):
    around = BARE.replace(b"<!-- ", b"%s<!-- ").replace(b"<xmp:Label>", b"<xmp:Label>")
    around = around.replace(b"xmlns:xmp", b"xmlns:p='urn:phos:1.0/' xmlns:xmp")
    packet = around.replace(b"%s", empty)
    assert xmp.settings(packet) == ""
    written = xmp.with_settings(packet, HARD)
    before, after = around.split(b"%s")
    assert written.startswith(before)
    assert written.endswith(after)
    assert xmp.settings(written) == HARD


def test_settings_with_elements_in_them_are_replaced_whole():
    nested = b"<p:settings>a<p:settings>b</p:settings>c</p:settings>"
    around = BARE.replace(b"xmlns:xmp", b"xmlns:p='urn:phos:1.0/' xmlns:xmp")
    before, after = around.split(b"<!-- ", 1)
    written = xmp.with_settings(before + nested + b"<!-- " + after, HARD)
    assert xmp.settings(written) == HARD
    assert b"<p:settings>" not in written
    assert written.endswith(b"<!-- " + after)


def test_of_two_rdfs_the_first_counts():
    other = xmp.with_settings(BARE, "other")
    packet = b"<x>" + BARE + other + b"</x>"
    assert xmp.settings(packet) is None
    written = xmp.with_settings(packet, "mine")
    assert xmp.settings(written) == "mine"
    assert written.endswith(other + b"</x>")


def test_what_only_looks_like_settings_is_let_alone():
    elsewhere = b"<phos:settings xmlns:phos='urn:phos:1.0/'>deep</phos:settings>"
    packet = BARE.replace(b"<xmp:Label>", b"<xmp:Label>" + elsewhere)
    assert xmp.settings(packet) is None
    written = xmp.with_settings(packet, "mine")
    assert elsewhere in written
    assert xmp.settings(written) == "mine"


DEEP = b"<a>" * 500_000
UNFIT = {
    "empty": b"",
    "not XML": b"Exif\0\0",
    "cut short": CAMERA[:-600][: CAMERA.index(b"</rdf:RDF>\n</x") + 5],
    "not closed": BARE.replace(b"</rdf:Description>", b""),
    "UTF-16": CAMERA.decode().encode("utf-16"),
    "Latin-1": CAMERA.replace(b"A converter", b"Ein Ger\xe4t"),
    "without RDF": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
    "an empty RDF": b"<x><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x>",
    "RDF too deep": b"<a><b>" + BARE + b"</b></a>",
    "a document type": b"<!DOCTYPE rdf:RDF>" + BARE,
    "a bomb": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    + BARE.replace(b"<xmp:Label>", b"<xmp:Label>&b;"),
    "an unknown entity": BARE.replace(b"<xmp:Label>", b"<xmp:Label>&b;"),
    "too deep": BARE.replace(b"<xmp:Label>", DEEP + b"<xmp:Label>"),
    "too large": BARE + b" " * xmp.MAX_PACKET_BYTES,
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_packet_with_no_place_for_settings_is_let_alone(name):
    assert xmp.with_settings(UNFIT[name], "a") == UNFIT[name]
    assert xmp.settings(UNFIT[name]) is None


@given(st.binary(max_size=300), st.integers(0, len(CAMERA)))
def test_no_damage_is_more_than_settings_dropped(damage, place):
    packet = CAMERA[:place] + damage + CAMERA[place + len(damage) :]
    written = xmp.with_settings(packet, "a")
    assert xmp.settings(written) == (None if written == packet else "a")


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ud800", "\uffff"])
def test_what_xml_cannot_hold_is_refused(character):
    with pytest.raises(ValueError, match="XML cannot hold"):
        xmp.with_settings(None, "a" + character)

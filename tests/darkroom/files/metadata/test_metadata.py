"""What a file says of itself: all of it that is still true is in the positive, and nothing else."""

import hashlib
import io
import struct
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import phos_core as phos
from phos_core.color import decode_srgb
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour import profiles
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.files.metadata import xmp
from phos_darkroom.files.picture import Metadata, Picture
from phos_darkroom.large import develop_large
from phos_darkroom.one_file import develop_file, develop_picture
from phos_darkroom.showing.thumbnails import read_small

RECIPE = phos.Recipe(film="tri-x-400", seed=3, mode="colour")
ORDERS = "<>"
EXIF_MARK, XMP_MARK = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_MARK, PHOTOSHOP_MARK = b"http://ns.adobe.com/xmp/extension/\0", b"Photoshop 3.0\0"
APP0, APP1, APP2, APP13 = 0xE0, 0xE1, 0xE2, 0xED
ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
LENGTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8}
MAKE, MODEL, ORIENTATION, SOFTWARE = 0x010F, 0x0110, 0x0112, 0x0131
EXIF, INTEROPERABILITY, DATE, NOTE, COLOUR_SPACE = 0x8769, 0xA005, 0x9003, 0x927C, 0xA001
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
LENS = b"EF50mm f/1.8 II\0"


@pytest.fixture
def image():
    rows, cols = np.mgrid[0:40, 0:60]
    return np.stack([4 * cols, 6 * rows, 2 * cols + 3 * rows], -1).astype(np.uint8)


def directory(order, at, tags, following=0):
    """A TIFF directory with its values behind it; tags: number -> (type, bytes)."""
    place = at + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for number, (kind, value) in sorted(tags.items()):
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field = struct.pack(order + "I", place + len(values))
            values += value + bytes(len(value) % 2)
        entries += struct.pack(order + "HHI", number, kind, len(value) // LENGTHS[kind]) + field
    head = struct.pack(order + "H", len(tags))
    return head + entries + struct.pack(order + "I", following) + values


def block(first, camera=None, index=None, thumbnail=None, order="<"):
    """EXIF: a first directory, the camera's, that of interoperability, and a thumbnail's."""

    def long(number):
        return (LONG, struct.pack(order + "I", number))

    first, camera = dict(first), dict(camera or {})
    if camera or index:
        first[EXIF] = long(0)
    if index:
        camera[INTEROPERABILITY] = long(0)
    camera_at = 8 + len(directory(order, 8, first))
    index_at = camera_at + (len(directory(order, camera_at, camera)) if camera else 0)
    end = index_at + (len(directory(order, index_at, index)) if index else 0)
    if index:
        camera[INTEROPERABILITY] = long(index_at)
    if camera:
        first[EXIF] = long(camera_at)
    following = end if thumbnail else 0
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    parts = head + directory(order, 8, first, following)
    parts += directory(order, camera_at, camera) if camera else b""
    parts += directory(order, index_at, index) if index else b""
    if thumbnail:
        tags = {0x0201: long(0), 0x0202: long(len(thumbnail))}
        tags[0x0201] = long(end + len(directory(order, end, tags)))
        parts += directory(order, end, tags) + thumbnail
    return parts


def packet(properties=b"", elements=b""):
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + RDF.encode() + b'">'
        b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" ' + properties + b">" + elements
    ) + b"</rdf:Description></rdf:RDF></x:xmpmeta>"


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(path, image, *segments, **options):
    """A JPEG with segments of one's own at its start."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=95, subsampling="4:4:4", **options)
    content = out.getvalue()
    path.write_bytes(content[:2] + b"".join(segments) + content[2:])
    return path


def developed(source, destination, recipe=RECIPE):
    develop_file(source, destination, recipe, backend="scipy", sidecar=False, overwrite=True)
    return destination


def exif_of(path):
    """A file's EXIF as another reader finds it, the camera's directory with the first one."""
    with Image.open(path) as picture:
        found = picture.getexif()
        return dict(found) | dict(found.get_ifd(EXIF))


def texts(xmp_packet):
    """All that a packet says, by another reader; it is well-formed."""
    root = ET.fromstring(xmp_packet.rstrip(b"\0").decode())
    return {
        name: text
        for element in root.iter()
        for name, text in [*element.attrib.items(), (element.tag, element.text)]
    }


# ---- orientation


def test_an_orientation_is_understood_in_every_type_of_number(tmp_path, image):
    forms = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 5: "II", 10: "ii"}
    wrong = []
    for order in ORDERS:
        for kind, letters in forms.items():
            value = struct.pack(order + letters, 6, *[1] * (len(letters) - 1))
            exif = block({ORIENTATION: (kind, value)}, order=order)
            picture = read_picture(jpeg(tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + exif)))
            before, after = exif[: exif.rindex(value)], exif[exif.rindex(value) + len(value) :]
            one = struct.pack(order + letters, *[1] * len(letters))
            if (
                picture.pixels.shape[:2] != (60, 40)
                or picture.metadata.exif != before + one + after
            ):
                wrong.append((order, kind, picture.pixels.shape, picture.metadata.exif))
    assert not wrong


@pytest.mark.parametrize(
    ("kind", "letter", "number"), [(3, "H", 0), (3, "H", 9), (9, "i", -6), (4, "I", 70_000)]
)
def test_an_orientation_that_does_not_exist_turns_nothing_and_lets_xmp_say(
    tmp_path, image, kind, letter, number
):
    exif = segment(
        APP1, EXIF_MARK + block({ORIENTATION: (kind, struct.pack("<" + letter, number))})
    )
    assert read_picture(jpeg(tmp_path / "a.jpg", image, exif)).pixels.shape == (40, 60, 3)
    says = segment(APP1, XMP_MARK + packet(b'tiff:Orientation="8"'))
    assert read_picture(jpeg(tmp_path / "b.jpg", image, exif, says)).pixels.shape == (60, 40, 3)


ORIENTATIONS_IN_XMP = {
    "attribute": packet(b'tiff:Orientation="6"'),
    "element": packet(b"", b"<tiff:Orientation>\n 6 </tiff:Orientation>"),
    "other prefix": packet(b'tiff:Orientation="6"')
    .replace(b"tiff:", b"t:")
    .replace(b"xmlns:tiff", b"xmlns:t"),
}


@pytest.mark.parametrize("form", ORIENTATIONS_IN_XMP)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_an_orientation_in_xmp_alone_counts_whatever_else_exif_says(tmp_path, image, form, suffix):
    exif = block({MAKE: (ASCII, b"Maker\0")})
    metadata = Metadata(exif=exif, xmp=ORIENTATIONS_IN_XMP[form])
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(pixels=image, metadata=metadata))
    picture = read_picture(path)
    assert picture.pixels.shape == (60, 40, 3)
    assert xmp.with_settings(picture.metadata.xmp, "") != picture.metadata.xmp  # it can be read
    said = texts(picture.metadata.xmp)["{http://ns.adobe.com/tiff/1.0/}Orientation"]
    assert said.strip() == "1"


def test_a_small_version_lies_and_is_coloured_as_the_picture(tmp_path):
    leaf = np.full((400, 600, 3), (100, 160, 90), np.uint8)
    exif = block({ORIENTATION: (9, struct.pack("<i", 6))}, *ADOBE)
    path = jpeg(tmp_path / "a.jpg", leaf, segment(APP1, EXIF_MARK + exif))
    small = read_small(path, 15, 15)  # decoded at a fraction of its size
    assert small.shape == (15, 10, 3)
    picture = read_picture(path)
    wanted = profiles.to_light(picture.pixels, picture.metadata.icc_profile).mean((0, 1))
    np.testing.assert_allclose(small.mean((0, 1)), wanted, atol=0.01)
    assert abs(wanted[0] - decode_srgb(leaf[0, 0, 0])) > 0.03


def test_by_tiles_a_tiff_is_turned_as_it_is_whole_and_says_so(tmp_path, image):
    says = packet(b'tiff:Orientation="6"')
    for name, kind, value in (("short", 3, 6), ("slong", 9, 6), ("none", None, None)):
        path = tmp_path / f"{name}.tif"
        tags = [(700, 1, len(says), says, True)]
        tags += [] if kind is None else [(274, kind, 1, value, True)]
        tifffile.imwrite(path, image, photometric="rgb", extratags=tags, metadata=None)
        positive = tmp_path / f"{name}-out.tif"
        develop_large(path, positive, RECIPE, backend="scipy")
        whole = read_picture(developed(path, tmp_path / "whole.tif"))
        tiled = read_picture(positive)
        assert tiled.pixels.shape == whole.pixels.shape == (60, 40, 3), name
        assert b'tiff:Orientation="1"' in tiled.metadata.xmp
        assert b'tiff:Orientation="6"' not in tiled.metadata.xmp


def test_what_lies_on_its_side_says_the_size_that_it_has_upright(tmp_path, image):
    size = {0xA002: (LONG, struct.pack("<I", 60)), 0xA003: (SHORT, struct.pack("<H", 40))}
    exif = block({ORIENTATION: (SHORT, b"\6\0")}, size)
    says = packet(b'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PixelXDimension="60"')
    source = jpeg(
        tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + exif), segment(APP1, XMP_MARK + says)
    )
    positive = developed(source, tmp_path / "b.jpg")
    assert (exif_of(positive)[0xA002], exif_of(positive)[0xA003]) == (40, 60)
    assert b'exif:PixelXDimension="40"' in positive.read_bytes()


# ---- colours that EXIF names (DCF)

ADOBE = {COLOUR_SPACE: (SHORT, b"\xff\xff")}, {1: (ASCII, b"R03\0"), 2: (UNDEFINED, b"0100")}
GREEN_RED = -0.398  # red of Adobe RGB's green in linear sRGB, by its primaries


def in_file(path, pixels, exif):
    """A file of a format with EXIF, as another program writes it: without a profile."""
    Image.fromarray(pixels).save(path, exif=EXIF_MARK + exif, **LOSSLESS.get(path.suffix, {}))
    return path


LOSSLESS = {".webp": {"lossless": True}, ".jpg": {"subsampling": "4:4:4", "quality": 95}}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_dcfs_optional_colour_space_is_adobe_rgb(tmp_path, suffix):
    green = np.zeros((32, 32, 3), np.uint8)
    green[..., 1] = 255
    wrong = []
    for camera, index, is_adobe in (
        (*ADOBE, True),
        ({}, ADOBE[1], True),
        ({COLOUR_SPACE: (SHORT, b"\2\0")}, {1: (ASCII, b"R98\0")}, True),
        ({COLOUR_SPACE: (SHORT, b"\1\0")}, {1: (ASCII, b"R98\0")}, False),
        ({COLOUR_SPACE: (SHORT, b"\1\0")}, ADOBE[1], False),
        ({COLOUR_SPACE: (SHORT, b"\xff\xff")}, {1: (ASCII, b"R98\0")}, False),
    ):
        path = in_file(tmp_path / f"a{suffix}", green, block({}, camera, index))
        picture = read_picture(path)
        red = (
            profiles.to_light(picture.pixels, picture.metadata.icc_profile)[0, 0, 0]
            if picture.encoding == "profile"
            else decode_srgb(picture.pixels)[0, 0, 0]
        )
        if abs(red - (GREEN_RED if is_adobe else 0.0)) > 0.02:
            wrong.append((camera, index, red))
    assert not wrong


def test_a_profile_or_pngs_own_chunk_goes_before_dcfs_colour_space(tmp_path, image):
    exif = block({}, *ADOBE)
    srgb = Metadata(exif=exif, icc_profile=profiles.srgb_profile())
    write_picture(tmp_path / "a.jpg", Picture(pixels=image, metadata=srgb))
    assert read_picture(tmp_path / "a.jpg").encoding == "srgb"
    write_picture(tmp_path / "a.png", Picture(pixels=image, metadata=Metadata(exif=exif)))
    assert read_picture(tmp_path / "a.png").encoding == "srgb"  # it has an sRGB chunk


def test_a_positive_in_adobe_rgb_looks_the_same_to_readers_of_profiles(tmp_path, image):
    exif = block({}, *ADOBE)
    path = in_file(tmp_path / "_DSC1.jpg", image, exif)
    colour = phos.Recipe(film="portra-400", seed=3)
    for suffix in (".jpg", ".png", ".tif"):
        positive = developed(path, tmp_path / f"out{suffix}", colour)
        with Image.open(positive) as picture:
            adobe = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
            seen = ImageCms.profileToProfile(picture, adobe, ImageCms.createProfile("sRGB"))
        picture = read_picture(path)
        light = profiles.to_light(picture.pixels, picture.metadata.icc_profile)
        wanted = phos.develop(
            light,
            recipe=phos.Recipe(film="portra-400", seed=3, encoding="display"),
            backend="scipy",
        )
        off = np.abs(np.asarray(seen) - 255.0 * np.clip(wanted, 0, 1))
        assert off.mean() < 2, suffix


def test_what_is_written_as_srgb_does_not_call_itself_adobe_rgb(tmp_path, image):
    exif = block({MAKE: (ASCII, b"Maker\0")}, *ADOBE)
    path = in_file(tmp_path / "_DSC1.jpg", image, exif)
    linear = phos.Recipe(film="tri-x-400", seed=3, encoding="linear")
    positive = read_picture(developed(path, tmp_path / "out.jpg", linear))
    assert positive.encoding == "srgb"
    assert b"R03" not in positive.metadata.exif
    assert exif_of(tmp_path / "out.jpg")[COLOUR_SPACE] == 1
    light = Picture(pixels=image / np.float32(255), encoding="linear", metadata=Metadata(exif=exif))
    raw, _ = develop_picture(light, RECIPE, backend="scipy")
    assert b"R03" not in raw.metadata.exif


# ---- makers' notes


def note_at(place, order, *, outside):
    """A note whose lens's name stands in it or behind it, counted from the block's start."""
    if not outside:
        return directory(order, place, {0x0095: (ASCII, LENS)})
    entry = struct.pack(order + "HHI", 0x0095, ASCII, len(LENS))
    return struct.pack(order + "H", 1) + entry + struct.pack(order + "I", place + 18) + bytes(4)


def block_with_note(order, *, outside=False):
    first, camera = {MAKE: (ASCII, b"Canon\0")}, {DATE: (ASCII, b"2024:05:06 07:08:09\0")}
    blind = note_at(0, order, outside=outside)
    place = block(first, {**camera, NOTE: (UNDEFINED, blind)}, order=order).index(blind)
    note = note_at(place, order, outside=outside)
    whole = block(first, {**camera, NOTE: (UNDEFINED, note)}, order=order)
    return whole + LENS if outside else whole


def lens(content, order, note):
    (place,) = struct.unpack_from(order + "I", note, 10)
    return content[place : place + len(LENS)]


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_what_a_makers_note_points_to_is_found_where_it_says_in_a_tiff(
    tmp_path, image, order, outside
):
    exif = block_with_note(order, outside=outside)
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + exif))
    once = developed(source, tmp_path / "once.tif")
    found = [once]
    if not outside:  # what stands outside of the note cannot be told from the rest of a TIFF
        develop_large(once, tmp_path / "tiles.tif", RECIPE, backend="scipy")
        found += [tmp_path / "tiles.tif", developed(once, tmp_path / "again.tif")]
    for path in found:
        content = path.read_bytes()
        with tifffile.TiffFile(path) as tiff:
            camera = tiff.pages[0].tags["ExifTag"].value
            assert tiff.byteorder == order  # the note's numbers are in it
            assert camera["DateTimeOriginal"] == "2024:05:06 07:08:09"
            assert lens(content, order, camera["MakerNote"]) == LENS, path.name
    assert read_picture(once).pixels.shape == image.shape


def test_what_a_makers_note_points_to_is_found_where_it_says_after_a_stay_in_a_tiff(
    tmp_path, image
):
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + block_with_note("<")))
    back = developed(developed(source, tmp_path / "b.tif"), tmp_path / "c.jpg")
    exif = read_picture(back).metadata.exif
    assert lens(exif, "<", exif_of(back)[NOTE]) == LENS


@pytest.mark.parametrize("order", ORDERS)
def test_what_a_makers_note_points_to_is_found_where_it_says_in_a_bigtiff(
    tmp_path, image, order, monkeypatch
):
    monkeypatch.setattr("phos_darkroom.files.formats.tiff.CLASSIC_BYTES", 0)
    monkeypatch.setattr("phos_darkroom.files.formats.tiff_tiles.CLASSIC_BYTES", 0)
    source = jpeg(
        tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + block_with_note(order, outside=True))
    )
    whole = developed(source, tmp_path / "whole.tif")
    plain = jpeg(tmp_path / "b.jpg", image, segment(APP1, EXIF_MARK + block_with_note(order)))
    develop_large(developed(plain, tmp_path / "b.tif"), tmp_path / "tiles.tif", RECIPE)
    for path in (whole, tmp_path / "tiles.tif"):
        with tifffile.TiffFile(path) as tiff:
            assert tiff.is_bigtiff
            note = tiff.pages[0].tags["ExifTag"].value["MakerNote"]
        assert lens(path.read_bytes(), order, note) == LENS, path.name


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_tiff_in_the_byte_order_of_a_makers_note_holds_the_same_pixels(tmp_path, image, dtype):
    pixels = (image.astype(dtype) * (257 if dtype == np.uint16 else 1 / 255)).astype(dtype)
    both = {}
    for order in ORDERS:
        metadata = Metadata(exif=block_with_note(order), icc_profile=profiles.srgb_profile())
        write_picture(tmp_path / f"{ord(order)}.tif", Picture(pixels=pixels, metadata=metadata))
        develop_large(tmp_path / f"{ord(order)}.tif", tmp_path / "out.tif", RECIPE, overwrite=True)
        both[order] = tifffile.imread(tmp_path / "out.tif")
    np.testing.assert_array_equal(both["<"], both[">"])


# ---- what development makes untrue


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_no_positive_has_the_undeveloped_thumbnail(tmp_path, image, suffix):
    small = io.BytesIO()
    Image.new("RGB", (16, 12), (0, 0, 200)).save(small, "JPEG")
    thumbnail = small.getvalue()
    for camera in ({}, {DATE: (ASCII, b"2024:05:06 07:08:09\0")}):
        exif = block({MODEL: (ASCII, b"Camera\0")}, camera, thumbnail=thumbnail)
        source = jpeg(tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + exif))
        positive = developed(source, tmp_path / f"b{suffix}")
        assert thumbnail[20:60] not in positive.read_bytes()
        assert exif_of(positive)[MODEL] == "Camera"
        with Image.open(positive) as picture:
            assert not picture.getexif().get_ifd(1)


CONTAINER = (
    b'<Container:Directory xmlns:Container="http://ns.google.com/photos/1.0/container/"'
    b' xmlns:Item="http://ns.google.com/photos/1.0/container/item/"><rdf:Seq>'
    b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap"'
    b' Item:Length="2000"/></rdf:li></rdf:Seq></Container:Directory>'
)
UNTRUE = {
    "gain map": (b'xmlns:h="http://ns.adobe.com/hdr-gain-map/1.0/" h:Version="1.0"', CONTAINER),
    "gain map, elements": (
        b'xmlns:h="http://ns.adobe.com/hdr-gain-map/1.0/"',
        b"<h:Version>1.0</h:Version><h:GainMapMax><rdf:Seq><rdf:li>3</rdf:li></rdf:Seq>"
        b"</h:GainMapMax>",
    ),
    "Apple's gain map": (
        b'xmlns:h="http://ns.apple.com/HDRGainMap/1.0/" h:HDRGainMapVersion="65536"',
        b"",
    ),
    "film behind the picture": (
        b'xmlns:h="http://ns.google.com/photos/1.0/camera/" h:MotionPhoto="1"'
        b' h:MicroVideoOffset="2000"',
        b"",
    ),
    "thumbnail": (
        b'xmlns:h="http://ns.adobe.com/xap/1.0/"',
        b'<h:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"/></rdf:Alt></h:Thumbnails>',
    ),
    "digest": (b'tiff:NativeDigest="256,257;00112233445566778899AABBCCDDEEFF"', b""),
}


@pytest.mark.parametrize("name", UNTRUE)
def test_xmp_says_nothing_of_what_the_positive_has_not(tmp_path, image, name):
    properties, elements = UNTRUE[name]
    says = packet(b'dc:source="kept" ' + properties, b"<dc:title>kept</dc:title>" + elements)
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, XMP_MARK + says))
    for suffix in (".jpg", ".tif"):
        found = texts(read_picture(developed(source, tmp_path / f"b{suffix}")).metadata.xmp)
        untrue = ("GainMap", "hdr-gain", "camera/}", "Thumbnails", "Digest", "container/")
        assert not [key for key in found if any(word in key for word in untrue)]
        assert found["{http://purl.org/dc/elements/1.1/}source"] == "kept"
        assert found["{http://purl.org/dc/elements/1.1/}title"] == "kept"


# ---- XMP: encodings, and parts


ENCODED = [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")]
ENCODED += [("utf-32-le", b"\xff\xfe\0\0"), ("utf-32-be", b"\0\0\xfe\xff")]


@pytest.mark.parametrize("has_mark", [True, False])
@pytest.mark.parametrize(("encoding", "mark"), ENCODED)
def test_settings_go_into_xmp_of_every_encoding(tmp_path, image, encoding, mark, has_mark):
    text = packet('dc:source="Gerät"'.encode()).decode() + " " * 500
    says = (mark if has_mark else b"") + text.encode(encoding)
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, XMP_MARK + says))
    found = read_picture(developed(source, tmp_path / "b.jpg")).metadata.xmp
    assert 'film = "tri-x-400"' in xmp.settings(found)
    assert texts(found)["{http://purl.org/dc/elements/1.1/}source"] == "Gerät"


@pytest.mark.parametrize("name", ["iso-8859-1", "windows-1252", "utf-16"])
def test_xmp_that_declares_its_encoding_is_understood(tmp_path, image, name):
    text = (
        f'<?xml version="1.0" encoding="{name}"?>' + packet('dc:source="Gerät"'.encode()).decode()
    )
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, XMP_MARK + text.encode(name)))
    found = read_picture(developed(source, tmp_path / "b.jpg")).metadata.xmp
    assert texts(found)["{http://purl.org/dc/elements/1.1/}source"] == "Gerät"


@pytest.mark.parametrize(
    "says",
    [
        b"<x:xmpmeta",
        b"\xff\xfe<\0x",
        b"\xff\xfe\0\0<",
        b"<\0\0\0\xff\xff\xff\xff",
        b'<?xml version="1.0" encoding="no-such"?>' + packet(b'dc:source="\xe4"'),
        packet(b'dc:source="\xe4"'),
        b"\0" * 40,
    ],
)
def test_xmp_that_cannot_be_read_is_carried_and_a_warning_says_so(tmp_path, image, says):
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, XMP_MARK + says))
    with pytest.warns(UserWarning, match="XMP packet cannot be read"):
        positive = developed(source, tmp_path / "b.jpg")
    assert says in positive.read_bytes()


def extended(name, rest, part=60_000):
    """The segments of extended XMP."""
    head = EXTENDED_MARK + name
    return [
        segment(APP1, head + struct.pack(">II", len(rest), at) + rest[at : at + part])
        for at in range(0, len(rest), part)
    ]


def test_extended_xmp_is_kept_in_every_format_and_named(tmp_path, image):
    rest = packet(b'dc:coverage="' + b"far" * 40_000 + b'"')
    name = hashlib.md5(rest).hexdigest().upper().encode()
    main = packet(b'dc:source="near" xmpNote:HasExtendedXMP="' + name + b'"')
    parts = [segment(APP1, XMP_MARK + main), *reversed(extended(name, rest))]
    source = jpeg(tmp_path / "a.jpg", image, *parts)
    for suffix in (".jpg", ".png", ".tif"):
        positive = developed(source, tmp_path / f"b{suffix}")
        found = read_picture(positive).metadata.xmp
        assert texts(found)["{http://purl.org/dc/elements/1.1/}coverage"] == "far" * 40_000
        assert texts(found)["{http://purl.org/dc/elements/1.1/}source"] == "near"
        assert b"HasExtendedXMP" not in found
        assert xmp.settings(found) is not None
    content = (tmp_path / "b.jpg").read_bytes()
    named = content[content.index(b"HasExtendedXMP=") + 16 :][:32]
    starts = [i for i in range(len(content)) if content.startswith(EXTENDED_MARK + named, i)]
    bodies = [content[i + 75 : i - 2 + int.from_bytes(content[i - 2 : i], "big")] for i in starts]
    assert hashlib.md5(b"".join(bodies)).hexdigest().upper().encode() == named


@pytest.mark.parametrize("fault", ["missing", "of another picture", "cut short", "damaged"])
def test_extended_xmp_that_is_not_there_is_not_named(tmp_path, image, fault):
    rest = packet(b'dc:coverage="far"') if fault != "damaged" else b"<x:xmpmeta"
    name = hashlib.md5(rest).hexdigest().upper().encode()
    main = packet(b'dc:source="near" xmpNote:HasExtendedXMP="' + name + b'"')
    parts = {
        "missing": [],
        "of another picture": extended(b"0" * 32, rest),
        "cut short": extended(name, rest, part=100)[:-1],
        "damaged": extended(name, rest),
    }[fault]
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, XMP_MARK + main), *parts)
    with pytest.warns(UserWarning, match="extended XMP"):
        positive = developed(source, tmp_path / "b.jpg")
    assert b"HasExtendedXMP" not in positive.read_bytes()
    assert b'dc:source="near"' in positive.read_bytes()


def test_extended_xmp_in_utf_16_is_joined_and_elsewhere_nothing_is_named(tmp_path, image):
    rest = packet(b'dc:coverage="far"').decode().encode("utf-16")
    name = hashlib.md5(rest).hexdigest().upper().encode()
    main = packet(b'dc:source="near" xmpNote:HasExtendedXMP="' + name + b'"')
    wide = segment(APP1, XMP_MARK + main.decode().encode("utf-16"))
    source = jpeg(tmp_path / "a.jpg", image, wide, *extended(name, rest))
    found = texts(read_picture(developed(source, tmp_path / "b.jpg")).metadata.xmp)
    assert found["{http://purl.org/dc/elements/1.1/}coverage"] == "far"
    write_picture(tmp_path / "a.png", Picture(pixels=image, metadata=Metadata(xmp=main)))
    positive = developed(tmp_path / "a.png", tmp_path / "c.jpg")
    assert b"HasExtendedXMP" not in positive.read_bytes()


# ---- 64 KiB: what a segment holds


def test_exif_of_every_length_up_to_a_segments_comes_back(tmp_path, image):
    first = {MODEL: (ASCII, b"NIKON D90\0"), SOFTWARE: (ASCII, b"Ver.1.00 \0")}
    camera = {DATE: (ASCII, b"2024:05:06 07:08:09\0")}
    empty = len(block(first, {**camera, NOTE: (UNDEFINED, bytes(8))})) - 8
    for length in (65_300, 65_390, 65_500, 65_516, 65_526):
        exif = block(first, {**camera, NOTE: (UNDEFINED, b"Nikon\0".ljust(length - empty, b"n"))})
        source = jpeg(tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + exif))
        found = exif_of(developed(source, tmp_path / "b.jpg"))
        assert len(exif) in (length, length + 1)
        assert len(found[NOTE]) == length - empty, length
        assert (found[MODEL], found[DATE]) == ("NIKON D90", "2024:05:06 07:08:09")


def test_exif_longer_than_a_segment_loses_its_longest_value_with_a_warning(tmp_path, image):
    camera = {DATE: (ASCII, b"2024:05:06 07:08:09\0"), NOTE: (UNDEFINED, b"note" * 20_000)}
    metadata = Metadata(exif=block({MODEL: (ASCII, b"Camera\0")}, camera))
    write_picture(tmp_path / "a.png", Picture(pixels=image, metadata=metadata))
    with pytest.warns(UserWarning, match="the maker's note of it is left out"):
        found = exif_of(developed(tmp_path / "a.png", tmp_path / "b.jpg"))
    assert (found[MODEL], found[DATE]) == ("Camera", "2024:05:06 07:08:09")
    assert NOTE not in found


def test_exif_that_goes_on_in_a_second_segment_is_read_as_one(tmp_path, image):
    comment = b"ASCII\0\0\0" + b"word " * 20_000
    exif = block({MODEL: (ASCII, b"Camera\0")}, {0x9286: (UNDEFINED, comment)})
    parts = [segment(APP1, EXIF_MARK + exif[at : at + 65_000]) for at in (0, 65_000)]
    source = jpeg(tmp_path / "a.jpg", image, *parts)
    assert read_picture(source).metadata.exif == exif
    assert exif_of(developed(source, tmp_path / "b.png"))[0x9286] == comment


def test_of_two_blocks_of_exif_the_first_counts_and_a_warning_names_the_other(tmp_path, image):
    two = [block({MODEL: (ASCII, name)}) for name in (b"first\0", b"second\0")]
    source = jpeg(tmp_path / "a.jpg", image, *(segment(APP1, EXIF_MARK + one) for one in two))
    with pytest.warns(UserWarning, match="second block of EXIF"):
        assert exif_of(developed(source, tmp_path / "b.jpg"))[MODEL] == "first"


@pytest.mark.proof
@pytest.mark.parametrize("padding", [b"", b" " * 2000])
def test_xmp_of_every_length_goes_into_a_jpeg(tmp_path, image, padding):
    end = b'<?xpacket end="w"?>'
    for length in (64_500, 65_000, 65_400, 65_480, 65_502, 70_000, 200_000):
        long = b"<dc:title>" + b"m" * (length - len(packet()) - 19 - len(padding + end))
        says = packet(b"", long + b"</dc:title>") + padding + end
        write_picture(
            tmp_path / "a.tif", Picture(pixels=image, metadata=Metadata(xmp=says)), overwrite=True
        )
        found = read_picture(developed(tmp_path / "a.tif", tmp_path / "b.jpg")).metadata.xmp
        said = texts(found)["{http://purl.org/dc/elements/1.1/}title"]
        assert len(said) == len(long) - 10, length
        assert xmp.settings(found) is not None, length


def test_xmp_that_is_too_long_and_cannot_be_divided_is_refused_before_the_work(
    tmp_path, image, monkeypatch
):
    metadata = Metadata(xmp=b"<x" * 40_000)
    write_picture(tmp_path / "a.png", Picture(pixels=image, metadata=metadata))
    monkeypatch.setattr("phos_darkroom.one_file.develop_with_report", None)
    with pytest.raises(ImageFileError, match="XMP packet is longer"):
        developed(tmp_path / "a.png", tmp_path / "b.jpg")
    assert not (tmp_path / "b.jpg").exists()


# ---- IPTC


def iptc(text=b"The harbour at dawn"):
    values = ((120, text), (25, b"harbour"), (116, b"A. Nobody"))
    return b"".join(struct.pack(">BBBH", 0x1C, 2, n, len(v)) + v for n, v in values)


def resource(number, body):
    head = b"8BIM" + struct.pack(">HHI", number, 0, len(body))
    return head + body + bytes(len(body) % 2)


PHOTOSHOP = (
    resource(1036, b"thumbnail!")
    + resource(1028, iptc())
    + resource(1061, hashlib.md5(iptc()).digest())
    + resource(1034, b"\1")
)


def iptc_sources(tmp_path, image):
    """Files that hold IPTC, each in another way."""
    yield jpeg(tmp_path / "one.jpg", image, segment(APP13, PHOTOSHOP_MARK + PHOTOSHOP))
    halves = PHOTOSHOP[:50], PHOTOSHOP[50:]
    parts = (segment(APP13, PHOTOSHOP_MARK + half) for half in halves)
    yield jpeg(tmp_path / "two.jpg", image, *parts)
    whole = iptc() + bytes(-len(iptc()) % 4)
    swapped = np.frombuffer(whole, ">u4").astype("<u4")
    for name, tag in {
        "undefined": (33723, UNDEFINED, len(iptc()), iptc(), True),
        "longs": (33723, LONG, len(whole) // 4, tuple(np.frombuffer(whole, "<u4").tolist()), True),
        "swapped": (33723, LONG, len(whole) // 4, tuple(swapped.view("<u4").tolist()), True),
        "resources": (34377, UNDEFINED, len(PHOTOSHOP), PHOTOSHOP, True),
    }.items():
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, image, photometric="rgb", extratags=[tag], metadata=None)
        yield path


def test_iptc_is_carried_to_and_from_jpeg_and_tiff(tmp_path, image):
    for source in iptc_sources(tmp_path, image):
        with Image.open(developed(source, tmp_path / "out.jpg")) as picture:
            found = picture.info["photoshop"]
        assert found[1028].rstrip(b"\0") == iptc(), source.name
        assert 1036 not in found  # the thumbnail
        tiff = [developed(source, tmp_path / "out.tif")]
        if source.suffix == ".tif":
            develop_large(source, tmp_path / "tiles.tif", RECIPE, overwrite=True)
            tiff.append(tmp_path / "tiles.tif")
        for path in tiff:
            with tifffile.TiffFile(path) as positive:
                assert bytes(positive.pages[0].tags[33723].value).rstrip(b"\0") == iptc()
    with Image.open(developed(tmp_path / "one.jpg", tmp_path / "out.jpg")) as picture:
        assert picture.info["photoshop"][1061] == hashlib.md5(iptc()).digest()
        assert picture.info["photoshop"][1034] == b"\1"


def test_iptc_longer_than_a_segment_is_carried(tmp_path, image):
    long = resource(1028, iptc(b"long " * 6_000) * 3)
    parts = [segment(APP13, PHOTOSHOP_MARK + long[at : at + 60_000]) for at in (0, 60_000)]
    source = jpeg(tmp_path / "a.jpg", image, *parts)
    positive = developed(source, tmp_path / "b.jpg")
    assert read_picture(positive).metadata.photoshop == long


def test_damaged_iptc_is_left_out_with_a_warning(tmp_path, image):
    cut = segment(APP13, PHOTOSHOP_MARK + PHOTOSHOP[:60])
    with pytest.warns(UserWarning, match="IPTC is damaged"):
        developed(jpeg(tmp_path / "a.jpg", image, cut), tmp_path / "b.jpg")


@pytest.mark.parametrize(("suffix", "lost"), [(".png", "IPTC"), (".webp", "IPTC")])
def test_what_a_format_has_no_place_for_is_named(tmp_path, image, suffix, lost):
    source = jpeg(tmp_path / "a.jpg", image, segment(APP13, PHOTOSHOP_MARK + PHOTOSHOP))
    with pytest.warns(UserWarning, match=f"no place for {lost}"):
        developed(source, tmp_path / f"b{suffix}")


def test_exr_says_that_it_has_no_place_for_exif(tmp_path, image):
    pytest.importorskip("OpenImageIO")
    exif = block({MODEL: (ASCII, b"Camera\0")})
    source = jpeg(tmp_path / "a.jpg", image, segment(APP1, EXIF_MARK + exif))
    with pytest.warns(UserWarning, match="EXR has no place for EXIF"):
        developed(source, tmp_path / "b.exr")


# ---- resolution


def dpi(path):
    """Pixels to the inch across and down, by another reader."""
    with Image.open(path) as picture:
        exif = picture.getexif()
        if path.suffix == ".webp":
            inch = 2.54 if exif.get(0x0128) == 3 else 1.0
            return float(exif[0x011A]) * inch, float(exif[0x011B]) * inch
        return tuple(float(number) for number in picture.info["dpi"])


def resolution_sources(tmp_path, image):
    """Files of 300 pixels to the inch across and 150 down, each in another way."""
    for suffix in (".jpg", ".png", ".tif"):
        Image.fromarray(image).save(tmp_path / f"in{suffix}", dpi=(300, 150))
        yield tmp_path / f"in{suffix}"
    in_cm = {"resolution": (118.11, 59.055), "resolutionunit": 3}
    tifffile.imwrite(tmp_path / "cm.tif", image, photometric="rgb", metadata=None, **in_cm)
    yield tmp_path / "cm.tif"
    fraction = struct.Struct("<II")
    exif = {0x011A: (RATIONAL, fraction.pack(300, 1)), 0x011B: (RATIONAL, fraction.pack(300, 2))}
    mark = segment(APP1, EXIF_MARK + block({**exif, 0x0128: (SHORT, b"\2\0")}))
    yield jpeg(tmp_path / "exif.jpg", image, mark)


def test_the_resolution_is_the_same_in_every_format(tmp_path, image):
    wrong = []
    for source in resolution_sources(tmp_path, image):
        for suffix in (".jpg", ".png", ".tif", ".webp"):
            found = dpi(developed(source, tmp_path / f"out{suffix}"))
            if max(abs(found[0] - 300), abs(found[1] - 150)) > 0.5:
                wrong.append((source.name, suffix, found))
    assert not wrong


def test_the_resolution_of_a_picture_on_its_side_is_turned_with_it(tmp_path, image):
    tags = [(274, 3, 1, 6, True)]
    options = {"resolution": (300, 150), "resolutionunit": 2, "extratags": tags, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", **options)
    develop_large(tmp_path / "a.tif", tmp_path / "tiles.tif", RECIPE)
    for path in (developed(tmp_path / "a.tif", tmp_path / "b.tif"), tmp_path / "tiles.tif"):
        assert dpi(path) == (150.0, 300.0)


def test_dots_to_the_centimetre_and_shapes_of_pixels_keep_their_unit(tmp_path, image):
    for unit, across, down in ((2, 118, 118), (0, 2, 1), (1, 300, 300)):
        content = jpeg(tmp_path / "a.jpg", image).read_bytes()
        head = content[:13] + struct.pack(">BHH", unit, across, down)
        (tmp_path / "a.jpg").write_bytes(head + content[18:])
        positive = developed(tmp_path / "a.jpg", tmp_path / "b.jpg").read_bytes()
        assert positive[13:18] == struct.pack(">BHH", unit, across, down)


# ---- profiles by tiles


def test_a_damaged_profile_is_a_warning_whole_and_by_tiles(tmp_path, image):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric="rgb", iccprofile=b"junk" * 50, metadata=None)
    with pytest.warns(UserWarning, match="cannot be used and is left out"):
        whole = read_picture(developed(path, tmp_path / "whole.tif"))
    with pytest.warns(UserWarning, match="cannot be used and is left out"):
        develop_large(path, tmp_path / "tiles.tif", RECIPE, backend="scipy")
    tiles = read_picture(tmp_path / "tiles.tif")
    assert np.abs(tiles.pixels.astype(int) - whole.pixels).max() <= 1


def test_colours_that_a_file_names_are_the_same_whole_and_by_tiles(tmp_path, image):
    path = in_file(tmp_path / "_DSC1.jpg", image, block({}, *ADOBE))
    profile = read_picture(path).metadata.icc_profile
    grey = image[..., 0].copy()
    with_exif = Picture(pixels=image, metadata=Metadata(exif=block({}, *ADOBE)))
    write_picture(tmp_path / "tagged.tif", with_exif)
    content = (tmp_path / "tagged.tif").read_bytes()
    # Without its sRGB profile's tag, EXIF alone names the colours.
    tag, other = struct.pack("<HH", 34675, 7), struct.pack("<HH", 34676, 7)
    assert content.count(tag) >= 1
    (tmp_path / "dcf.tif").write_bytes(content.replace(tag, other))
    tifffile.imwrite(
        tmp_path / "grey.tif", grey, photometric="minisblack", iccprofile=profile, metadata=None
    )
    for name in ("dcf.tif", "grey.tif"):
        whole = read_picture(developed(tmp_path / name, tmp_path / "whole.tif"))
        develop_large(
            tmp_path / name, tmp_path / "tiles.tif", RECIPE, backend="scipy", overwrite=True
        )
        tiles = read_picture(tmp_path / "tiles.tif")
        assert whole.encoding == tiles.encoding == "profile", name
        assert tiles.pixels.shape == whole.pixels.shape == image.shape
        assert np.abs(tiles.pixels.astype(int) - whole.pixels).max() <= 1

"""Pictures that know their light beyond white: gain maps, and the codes of PQ and HLG."""

import io
import struct
import zlib
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from phos_core.color import decode_srgb, hlg_to_light, pq_to_light, to_linear_srgb
from phos_core.errors import ImageFileError
from phos_darkroom.files.colour.profiles import primaries_of, srgb_profile
from phos_darkroom.files.formats.code_points import named_profile
from phos_darkroom.files.formats.damage import DamageError
from phos_darkroom.files.formats.gain_facts import apple_headroom, facts_of_iso
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.files.image_files import read_image, read_picture

SHAPE = (48, 64)
ISO_MARK = b"urn:iso:std:iso:ts:21496:-1\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
ADOBE = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
APPLE = (
    'xmlns:a="http://ns.apple.com/pixeldatainfo/1.0/"'
    ' a:AuxiliaryImageType="urn:com:apple:photo:2020:aux:hdrgainmap"'
)
INDEX = b"MPF\0MM\0*\0\0\0\x08"


def jpeg(samples, *segments):
    """A JPEG with segments (marker, body) behind its first."""
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG", quality=98, subsampling=0)
    content = stream.getvalue()
    packed = [struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in segments]
    return content[:20] + b"".join(packed) + content[20:]


def xmp(properties, elements=""):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {properties}>{elements}</rdf:Description></rdf:RDF>'
        "</x:xmpmeta>"
    )
    return 0xE1, XMP_MARK + packet.encode()


def iso(*, flags=0x40, headrooms=(0, 2), least=0, most=2, gamma=(1, 1), offset=0):
    """ISO 21496-1's bytes of a map of one channel, from `least` to `most` stops."""
    numbers = [number for headroom in headrooms for number in (headroom, 1)]
    numbers += [least, 1, most, 1, *gamma, offset, 64, offset, 64]
    return struct.pack(">HHB", 0, 0, flags) + struct.pack(">4I4i2I4i", *numbers)


def base(tone=118):
    """Mid-grey, with a white square where the map is bright."""
    picture = np.full((*SHAPE, 3), tone, np.uint8)
    picture[:, 32:] = 255
    return picture


def bright(dtype=np.uint8):
    """A map of no gain on the left, of all of it on the right."""
    samples = np.zeros(SHAPE, dtype)
    samples[:, 32:] = np.iinfo(dtype).max
    return samples


def ends(light):
    """The light far on the left and far on the right."""
    return light[24, 8], light[24, 56]


def written(path, *parts):
    path.write_bytes(b"".join(parts))
    return path


def apple_note(above, gain):
    """EXIF with a maker's note of Apple's, its values 33 and 48."""
    note = b"Apple iOS\0\0\1MM" + struct.pack(">H", 2)
    for place, tag in enumerate((33, 48)):
        note += struct.pack(">HHII", tag, 10, 1, 44 + 8 * place)
    note += bytes(4) + struct.pack(">iiii", round(above * 1000), 1000, round(gain * 1000), 1000)
    first = struct.pack(">HHHIII", 1, 0x8769, 4, 1, 26, 0)
    second = struct.pack(">HHHIII", 1, 0x927C, 7, len(note), 44, 0)
    return b"MM\0*" + struct.pack(">I", 8) + first + second + note


# ---- JPEG


def test_a_picture_of_libultrahdr_has_the_light_that_libultrahdr_gives(tmp_path):
    light = np.zeros((*SHAPE, 4), np.float16)
    light[..., :3] = np.linspace(0.02, 1.0, 64)[:, np.newaxis]
    light[8:24, 8:24, :3] = [6.0, 3.0, 1.0]
    light[..., 3] = 1.0
    try:
        content = imagecodecs.ultrahdr_encode(light, gamut=0)
    except imagecodecs.UltrahdrError as error:
        pytest.skip(f"this imagecodecs writes no Ultra HDR of floats: {error}")
    picture = read_picture(written(tmp_path / "a.jpg", content))
    wanted = imagecodecs.ultrahdr_decode(content)[..., :3].astype(np.float32)
    unlevelled = replace(picture.gain_map, level_stops=0.0).applied(picture.light())
    assert unlevelled == pytest.approx(wanted, rel=0.03, abs=0.01)


@pytest.mark.parametrize("block", ["iso", "xmp", "xmp, elements"])
def test_white_with_two_stops_of_gain_is_four_times_as_bright(tmp_path, block):
    says = {
        "iso": (0xE2, ISO_MARK + iso()),
        "xmp": xmp(f'{ADOBE} hdrgm:GainMapMax="2" hdrgm:HDRCapacityMax="2"'),
        "xmp, elements": xmp(
            ADOBE,
            "<hdrgm:GainMapMax><rdf:Seq><rdf:li>2</rdf:li><rdf:li>2.0</rdf:li><rdf:li>2</rdf:li>"
            "</rdf:Seq></hdrgm:GainMapMax><hdrgm:OffsetSDR>0</hdrgm:OffsetSDR>"
            "<hdrgm:OffsetHDR>0</hdrgm:OffsetHDR>",
        ),
    }[block]
    first = jpeg(base(), (0xE2, INDEX))
    picture = read_picture(written(tmp_path / "a.jpg", first, jpeg(bright()[::2, ::2], says)))
    grey, white = ends(picture.hdr_light())
    assert grey == pytest.approx(ends(picture.light())[0], rel=1e-3)
    assert white == pytest.approx([4.0] * 3, rel=0.02)
    assert picture.gain_map.part(np.s_[:, 32:]).stops.max() == pytest.approx(2.0)
    assert np.array_equal(read_image(tmp_path / "a.jpg"), picture.pixels)  # the SDR rendering


def test_what_is_brighter_as_a_whole_is_levelled_to_the_mid_tones_of_sdr(tmp_path):
    says = (0xE2, ISO_MARK + iso(least=1, most=3))
    first = jpeg(base(), (0xE2, INDEX))
    picture = read_picture(written(tmp_path / "a.jpg", first, jpeg(bright(), says)))
    grey, white = ends(picture.hdr_light())
    assert grey == pytest.approx(ends(picture.light())[0], rel=1e-3)
    assert white == pytest.approx([4.0] * 3, rel=0.02)


@pytest.mark.parametrize("place", ["xmp", "note"])
def test_apples_white_is_as_bright_as_its_headroom(tmp_path, place):
    headroom = ' xmlns:h="http://ns.apple.com/HDRGainMap/1.0/" h:HDRGainMapHeadroom="3.5"'
    exif = apple_note(0.5, 0.01)
    first = jpeg(base(), (0xE1, b"Exif\0\0" + exif), (0xE2, INDEX))
    second = jpeg(bright(), xmp(APPLE + (headroom if place == "xmp" else "")))
    picture = read_picture(written(tmp_path / "a.jpg", first, second))
    wanted = 3.5 if place == "xmp" else 2.0**1.6
    assert ends(picture.hdr_light())[1] == pytest.approx([wanted] * 3, rel=0.02)


def test_apples_headroom_is_that_of_its_four_laws():
    laws = [(0.5, 0.01, 1.6), (0.5, 1.0, 1.5), (1.0, 0.0, 3.0), (1.5, 1.0, 2.0)]
    for above, gain, stops in laws:
        assert apple_headroom(apple_note(above, gain)) == pytest.approx(2.0**stops)
    assert apple_headroom(None) is None


def test_a_turned_pictures_gain_map_turns_with_it(tmp_path):
    exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    first = jpeg(base(), (0xE1, b"Exif\0\0" + exif), (0xE2, INDEX))
    second = jpeg(bright(), (0xE2, ISO_MARK + iso()))
    light = read_picture(written(tmp_path / "a.jpg", first, second)).hdr_light()
    assert light.shape[:2] == (64, 48)
    assert light[56, 24] == pytest.approx([4.0] * 3, rel=0.02)
    assert light[8, 24] == pytest.approx([float(decode_srgb(np.float64(118 / 255)))] * 3, rel=0.03)


def test_a_map_that_leads_from_hdr_to_sdr_is_left_alone(tmp_path):
    for number, how in enumerate(({"headrooms": (2, 0)}, {"flags": 0x44})):
        second = jpeg(bright(), (0xE2, ISO_MARK + iso(**how)))
        path = written(tmp_path / f"{number}.jpg", jpeg(base(), (0xE2, INDEX)), second)
        assert read_picture(path).gain_map is None


@pytest.mark.parametrize(
    "second",
    [
        jpeg(bright(), (0xE2, ISO_MARK + iso(gamma=(0, 1)))),
        jpeg(bright(), (0xE2, ISO_MARK + iso(gamma=(1, 0)))),
        jpeg(bright(), (0xE2, ISO_MARK + iso(most=1000))),
        jpeg(bright(), (0xE2, ISO_MARK + iso()[:30])),
        jpeg(bright(), (0xE2, ISO_MARK + iso()))[:-40],
        jpeg(bright(), xmp(ADOBE)),
        jpeg(bright(), xmp(f'{ADOBE} hdrgm:GainMapMax="two"')),
        jpeg(bright(), xmp(APPLE)),
    ],
)
def test_a_damaged_gain_map_gives_one_warning_and_the_sdr_picture(tmp_path, second):
    path = written(tmp_path / "a.jpg", jpeg(base(), (0xE2, INDEX)), second)
    with pytest.warns(UserWarning, match=r"^a\.jpg: its gain map is damaged") as caught:
        picture = read_picture(path)
    assert len(caught) == 1
    assert picture.gain_map is None
    assert picture.pixels[24, 8] == pytest.approx(118, abs=2)


def test_the_channels_of_a_gain_are_those_of_its_own_primaries():
    light = np.array([[[0.5, 0.25, 0.125]]], np.float32)
    stops = np.array([[[1.0, 0.0, 0.0]]], np.float32)
    to_srgb = to_linear_srgb("display-p3")
    own = np.linalg.solve(to_srgb, light[0, 0].astype(np.float64)) * [2.0, 1.0, 1.0]
    found = GainMap(stops=stops, primaries="display-p3").applied(light)
    assert found[0, 0] == pytest.approx(to_srgb @ own, rel=1e-5)
    assert primaries_of(named_profile("a", 12, 13)) == "display-p3"
    assert primaries_of(srgb_profile()) == "srgb"


def test_one_denominator_for_all_says_the_same():
    numbers = [0, 2000, 0, 2000, 1000, 15, 15]
    short = struct.pack(">HHB", 0, 0, 0x48) + struct.pack(">I2I2iI2i", 1000, *numbers)
    facts = facts_of_iso(short)
    assert (facts.least[0], facts.most[2], facts.gamma[1]) == (0.0, 2.0, 1.0)
    assert facts.hdr_offset == pytest.approx([0.015] * 3)
    with pytest.raises(DamageError):
        facts_of_iso(iso(gamma=(0, 1)))


# ---- AVIF


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def boxes_of(content, *path):
    """The body of a box within boxes; ``meta`` has four bytes before its own."""
    for kind in path:
        place = 0
        while content[place + 4 : place + 8] != kind:
            place += int.from_bytes(content[place : place + 4], "big")
        content = content[place + 8 : place + int.from_bytes(content[place : place + 4], "big")]
        content = content[4:] if kind == b"meta" else content
    return content


def avif_with_gain_map(picture, samples, block, colours=b""):
    """An AVIF of three items: a picture, its gain map, hidden, and what is derived from both."""
    encoded = [imagecodecs.avif_encode(part, level=95) for part in (picture, samples)]
    data = [boxes_of(one, b"mdat") for one in encoded] + [b"\0" + block]
    properties = [boxes_of(one, b"meta", b"iprp", b"ipco") for one in encoded]
    counts = []
    for one in properties:
        place, count = 0, 0
        while place < len(one):
            place, count = place + int.from_bytes(one[place : place + 4], "big"), count + 1
        counts.append(count)
    first, second = counts
    associated = [range(1, first + 1), range(first + 1, first + second + 1), [1]]
    kinds = [(b"av01", 0), (b"av01", 1), (b"tmap", 0)]

    def whole(starts):
        items = [
            box(b"infe", struct.pack(">B2xBHH", 2, flag, n, 0), kind, b"\0")
            for n, (kind, flag) in enumerate(kinds, 1)
        ]
        places = [
            struct.pack(">HHHII", n, 0, 1, start, len(part))
            for n, (start, part) in enumerate(zip(starts, data, strict=True), 1)
        ]
        tied = [
            struct.pack(">HB", n, len(numbers)) + bytes(numbers)
            for n, numbers in enumerate(associated, 1)
        ]
        meta = box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", struct.pack(">IH", 0, 1)),
            box(b"iloc", struct.pack(">IHH", 0, 0x4400, 3), *places),
            box(b"iinf", struct.pack(">IH", 0, 3), *items),
            box(b"iref", bytes(4), box(b"dimg", struct.pack(">HHHH", 3, 2, 1, 2))),
            box(
                b"iprp",
                box(b"ipco", *properties),
                box(b"ipma", struct.pack(">II", 0, 3), *tied),
            ),
        )
        head = box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf") + meta
        return head, head + box(b"mdat", *data)

    head, _ = whole([0, 0, 0])
    start = len(head) + 8
    return whole([start, start + len(data[0]), start + len(data[0]) + len(data[1])])[1]


def test_an_avifs_gain_map_makes_white_brighter(tmp_path):
    for samples in (bright(), np.stack([bright()] * 3, axis=-1)):
        path = written(tmp_path / "a.avif", avif_with_gain_map(base(), samples, iso()))
        picture = read_picture(path)
        grey, white = ends(picture.hdr_light())
        assert grey == pytest.approx(ends(picture.light())[0], rel=1e-3)
        assert white == pytest.approx([4.0] * 3, rel=0.05)


def test_an_avifs_damaged_gain_map_gives_one_warning_and_the_sdr_picture(tmp_path):
    content = avif_with_gain_map(base(), bright(), iso(gamma=(0, 1)))
    with pytest.warns(UserWarning, match=r"^a\.avif: its gain map is damaged") as caught:
        picture = read_picture(written(tmp_path / "a.avif", content))
    assert len(caught) == 1
    assert picture.gain_map is None


# ---- PQ and HLG


def png(codes, primaries, transfer):
    content = imagecodecs.png_encode(codes)
    body = b"cICP" + bytes([primaries, transfer, 0, 1])
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    return content[:33] + chunk + content[33:]


def avif(codes, primaries, transfer):
    colours = {"primaries": primaries, "transfer": transfer, "matrix": 0}
    try:
        return imagecodecs.avif_encode(codes, level=100, bitspersample=10, **colours)
    except TypeError as error:
        pytest.skip(f"this imagecodecs writes no numbers of colours into an AVIF: {error}")


def test_the_levels_of_bt2408_are_its_nits():
    nits = 203 * pq_to_light(np.array([0.38, 0.58, 0.75, 1.0]))
    assert nits == pytest.approx([26, 203, 983, 10_000], rel=0.02)
    nits = 203 * hlg_to_light(np.full((1, 1, 3), 0.75), "rec2020")
    assert nits == pytest.approx(np.full((1, 1, 3), 203), rel=0.01)
    assert 203 * hlg_to_light(np.ones((1, 1)), "rec2020") == pytest.approx(1000, rel=1e-3)


@pytest.mark.parametrize("form", [png, avif])
@pytest.mark.parametrize(("transfer", "white"), [(16, 0.58069), (18, 0.75)])
def test_diffuse_white_is_a_light_of_one(tmp_path, form, transfer, white):
    top = 65535 if form is png else 1023
    codes = np.full((*SHAPE, 3), round(white * top), np.uint16)
    codes[:, 32:] = top
    picture = read_picture(written(tmp_path / f"a.{form.__name__}", form(codes, 9, transfer)))
    assert (picture.encoding, picture.primaries) == ("display", "rec2020")
    white_light, brightest = ends(picture.light())
    assert white_light == pytest.approx([1.0] * 3, rel=0.01)
    assert brightest == pytest.approx([(10_000 if transfer == 16 else 1000) / 203] * 3, rel=0.01)


def test_hdr_codes_are_no_codes_of_srgb(tmp_path):
    path = written(tmp_path / "a.png", png(np.full(SHAPE, 40_000, np.uint16), 9, 16))
    assert read_picture(path).pixels.shape == SHAPE  # grey, whose primaries do not count
    with pytest.raises(ImageFileError, match="holds light or floats, not codes"):
        read_image(path)

"""Output spaces: in which colours a positive is handed over, and which numbers stand for them."""

import itertools
import math

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

import phos_core as phos
from phos_core import color
from phos_core.color import LINEAR_SRGB_TO_XYZ, LUMINANCE
from phos_core.process import OUTPUT_SPACES, WholePicture, develop_window
from phos_core.stocks.academy import as_negative, responsivities
from phos_core.tone import Finish, finished, finished_beyond

DISPLAYS = ("srgb", "display-p3", "rec709", "rec2020")
STILL = {"mode": "colour", "backend": "scipy"}
PHOTO = np.random.default_rng(17).random((24, 32, 3)).astype(np.float32)
# A published matrix from ACEScg to linear sRGB (docs/sources.md, "aces").
ACESCG_TO_SRGB = [
    [1.705052, -0.621792, -0.083258],
    [-0.130257, 1.140804, -0.010548],
    [-0.024003, -0.128969, 1.152972],
]


def light_of(positive, name):
    """Linear sRGB of any sign that the floats of a positive stand for."""
    space = OUTPUT_SPACES[name]
    decode = {"srgb": color.decode_srgb, "bt1886": lambda x: x**2.4, "linear": lambda x: x}
    light = decode[space.transfer](positive.astype(np.float64))
    return light @ color.to_linear_srgb(space.primaries).T


def lab(light):
    xyz = light @ LINEAR_SRGB_TO_XYZ.T / LINEAR_SRGB_TO_XYZ.sum(axis=1)
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(np.abs(xyz)), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    lightness = 116 * root[..., 1] - 16
    return np.stack(
        [lightness, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], -1
    )


def way_to_edge(light, primaries):
    """How far colours are on the way from grey to the edge of a gamut, which is at 1."""
    own = light @ np.linalg.inv(color.to_linear_srgb(primaries)).T
    grey = light @ np.array(LUMINANCE)
    return np.maximum((grey - own.min(-1)) / grey, (own.max(-1) - grey) / (1.0 - grey))


def angle(light):
    """Direction from white in u'v': of light, what the eye calls its hue, to first order."""
    xyz = light @ LINEAR_SRGB_TO_XYZ.T
    total = xyz @ [1.0, 15.0, 3.0]
    white = LINEAR_SRGB_TO_XYZ.sum(axis=1)
    at = np.stack([4 * xyz[..., 0], 9 * xyz[..., 1]], -1) / total[..., np.newaxis]
    u, v = np.moveaxis(at - np.array([4 * white[0], 9 * white[1]]) / (white @ [1, 15, 3]), -1, 0)
    return np.arctan2(v, u)


def p3_chart():
    """Saturated colours of Display P3, as its floats."""
    colours = np.array(list(itertools.product(np.linspace(0.0, 1.0, 9), repeat=3)), np.float32)
    spread = colours.max(1) - colours.min(1)
    return colours[(spread >= 0.5 * colours.max(1)) & (colours.max(1) > 0.3)][np.newaxis]


@pytest.fixture(scope="module", params=["velvia-50", "ektachrome-100d", "kodachrome-64"])
def slide(request):
    """Light of a chart of P3 on a slide, unclipped, and as it is in Display P3 and in sRGB."""
    settings = STILL | {"film": request.param, "primaries": "display-p3"}
    names = ("acescg", "display-p3", "srgb")
    return [
        light_of(phos.develop(p3_chart(), output_space=name, **settings), name)[0] for name in names
    ]


def test_a_slides_colours_keep_their_chroma_in_p3_where_p3_can_hold_them(slide):
    wide = slide[0]
    chroma, kept, in_srgb = (np.hypot(*np.moveaxis(lab(x)[..., 1:], -1, 0)) for x in slide)
    held = (way_to_edge(wide, "display-p3") <= 1.0) & (chroma > 5.0)
    outside = held & (way_to_edge(wide, "srgb") > 1.0)
    assert outside.sum() > 20
    assert (kept / chroma)[held].min() >= 0.95
    assert (in_srgb / chroma)[outside].min() < 0.9  # what sRGB alone cannot do


def test_a_slides_colours_within_srgb_are_the_same_in_a_file_of_srgb_and_of_p3(slide):
    wide, p3, srgb = slide
    within = way_to_edge(wide, "srgb") <= 0.9  # from there on it is a gentle way to the edge
    assert within.sum() > 20
    assert deltaE_ciede2000(lab(p3[within]), lab(srgb[within])).max() < 0.3


def test_a_slides_colours_beyond_srgb_keep_their_hue_in_srgb(slide):
    wide, _, srgb = slide
    beyond = way_to_edge(wide, "srgb") > 1.0
    turned = np.angle(np.exp(1j * (angle(srgb) - angle(wide))))[beyond]
    assert np.degrees(np.abs(turned)).max() < 3.0


@pytest.mark.parametrize("name", ["display-p3", "rec709", "rec2020"])
def test_what_every_display_can_hold_is_the_same_light_in_all(name):
    grey = np.linspace(0.05, 0.8, 32, dtype=np.float32).reshape(4, 8, 1) * np.ones(3, np.float32)
    settings = STILL | {"film": "portra-400", "grain": 0}
    same = light_of(phos.develop(grey, output_space=name, **settings), name)
    srgb = light_of(phos.develop(grey, output_space="srgb", **settings), "srgb")
    np.testing.assert_allclose(same, srgb, atol=2e-5)


def test_aces_is_the_positives_light_by_the_academys_own_matrix():
    in_aces = phos.develop(PHOTO, "velvia-50", output_space="acescg", **STILL)
    in_ap0 = phos.develop(PHOTO, "velvia-50", output_space="aces2065-1", **STILL)
    light = in_aces @ np.array(ACESCG_TO_SRGB).T
    assert light.min() < -0.01  # a slide leaves sRGB
    np.testing.assert_allclose(light_of(in_ap0, "aces2065-1"), light, atol=2e-5)
    within = light.min(-1) > 0.02
    srgb = light_of(phos.develop(PHOTO, "velvia-50", output_space="srgb", **STILL), "srgb")
    near = within & (way_to_edge(light, "srgb") < 0.9)
    assert near.sum() > 10
    np.testing.assert_allclose(srgb[near], light[near], atol=2e-4)


@pytest.mark.parametrize("name", OUTPUT_SPACES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_the_numbers_of_every_space_and_depth_are_those_of_its_floats(name, dtype):
    picture = PHOTO if np.dtype(dtype).kind == "f" else PHOTO * np.iinfo(dtype).max
    picture = picture.astype(dtype)
    white = 1.0 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    positive = phos.develop(picture, "portra-400", output_space=name, **STILL)
    codes = {"acescg": np.float32, "aces2065-1": np.float32}.get(name, np.uint16)
    is_same = np.dtype(dtype).kind == "f" or name in DISPLAYS
    assert positive.dtype == (dtype if is_same else codes)
    floats = phos.develop(
        (picture / white).astype(np.float32), "portra-400", output_space=name, **STILL
    )
    own = 1.0 if positive.dtype.kind == "f" else np.iinfo(positive.dtype).max
    step = {1: 2e-3 if dtype == np.float16 else 1e-6}.get(own, 0.51 / own + 1e-6)
    np.testing.assert_allclose(positive / own, floats, rtol=0, atol=step)


@pytest.mark.parametrize("name", ["srgb", ""])
def test_srgb_is_what_it_is_without_an_output_space(name):
    plain = phos.develop(PHOTO, "velvia-50", seed=2, backend="scipy")
    asked = phos.develop(PHOTO, "velvia-50", seed=2, backend="scipy", output_space=name)
    np.testing.assert_array_equal(asked, plain)


def test_a_finish_changes_colours_beyond_srgb_as_those_within_and_without_a_seam():
    finish = Finish(contrast=1.3, black=0.01, white=0.9)
    within = np.random.default_rng(3).random((3, 5, 7)) + 1e-3
    np.testing.assert_allclose(finished_beyond(within, finish), finished(within, finish))
    at_edge = np.array([0.5, 0.3, 0.0]).reshape(3, 1, 1)
    over = at_edge - np.array([0.0, 0.0, 1e-7]).reshape(3, 1, 1)
    np.testing.assert_allclose(
        finished_beyond(over, finish), finished_beyond(at_edge, finish), atol=1e-6
    )
    far = finished_beyond(np.array([0.5, 0.3, -0.1]).reshape(3, 1, 1), finish)
    assert far[2, 0, 0] < -0.05


def test_points_and_contrast_leave_a_slide_its_colours_beyond_srgb():
    settings = STILL | {"film": "velvia-50", "output_space": "acescg"}
    toned = phos.develop(PHOTO, contrast=1.1, black_point=-6.0, **settings)
    assert light_of(toned, "acescg").min() < -0.01


@pytest.mark.parametrize("name", ["display-p3", "acescg", "adx16"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_windows_stacks_and_lists_are_in_the_space_too(name, dtype):
    picture = (PHOTO * (255 if dtype == np.uint8 else 1)).astype(dtype)
    recipe = phos.Recipe(film="portra-400", output_space=name, grain=0, pixel_pitch_um=20.0)
    whole = phos.develop(picture, recipe=recipe, backend="scipy")
    stack = phos.develop(np.stack([picture] * 2), recipe=recipe, backend="scipy")
    listed = phos.develop([picture], recipe=recipe, backend="scipy")
    np.testing.assert_array_equal(stack[1], whole)
    np.testing.assert_array_equal(listed[0], whole)
    held = WholePicture.of(picture.shape[:2], recipe)
    window = (slice(3, 17), slice(5, 20))
    tile = held.tile(window)
    part = develop_window(held, window, picture[tile.read_rows, tile.read_cols], backend="scipy")
    assert part.dtype == whole.dtype
    atol = 1 if whole.dtype.kind == "u" else 2e-6
    np.testing.assert_allclose(part, whole[window].astype(float), rtol=0, atol=atol)


@pytest.mark.parametrize("encoding", ["linear", "display"])
@pytest.mark.parametrize("primaries", ["srgb", "rec2020", "acescg"])
def test_texture_gives_light_back_as_it_came_where_nothing_acts(encoding, primaries):
    light = (PHOTO * 5.0 - 0.5).astype(np.float32)
    nothing = {"scatter": 0, "halation": 0, "grain": 0, "scanner": "none", "mode": "texture"}
    same = phos.develop(
        light, "portra-400", encoding=encoding, primaries=primaries, backend="scipy", **nothing
    )
    np.testing.assert_allclose(same, light, rtol=0, atol=5e-6)


def test_texture_of_display_p3_codes_is_in_display_p3():
    codes = (p3_chart() * 65535).astype(np.uint16)
    nothing = {"scatter": 0, "halation": 0, "grain": 0, "scanner": "none", "mode": "texture"}
    same = phos.develop(codes, "portra-400", primaries="display-p3", backend="scipy", **nothing)
    assert np.abs(same.astype(int) - codes).max() <= 1


def test_the_texture_of_version_1_of_the_process_stays_srgb():
    positive = phos.develop(
        np.full((4, 4, 3), 4.0, np.float32),
        encoding="linear",
        mode="texture",
        process_version=1,
        backend="scipy",
    )
    assert positive.max() <= 1.0


def test_academy_printing_density_is_seen_where_print_film_sees():
    np.testing.assert_allclose(responsivities().sum(axis=1), 1.0)
    peaks_nm = 380 + 5 * responsivities().argmax(axis=1)
    np.testing.assert_array_equal(peaks_nm, (690, 550, 470))


@pytest.mark.parametrize("film", ["portra-400", "vision3-250d", "gold-200"])
def test_few_wavelengths_give_the_densities_of_all(film):
    loaded = phos.load_film(film)
    light = as_negative(loaded).printing.light
    dyes = loaded.dyes
    density = np.array(dyes.d_min) + np.random.default_rng(4).random((200, 3)) * 1.8
    spectral = density @ np.array(dyes.spectral).T + np.array(dyes.base)
    bare = np.array(dyes.d_min) @ np.array(dyes.spectral).T + np.array(dyes.base)
    right = -np.log10(10.0**-spectral @ responsivities().T / (10.0**-bare @ responsivities().T))
    few = density @ np.array(light.spectral).T + np.array(light.base)
    found = -np.log10(10.0**-few @ np.array(light.weights).T)
    np.testing.assert_allclose(found, right, atol=2e-3)


@pytest.mark.parametrize(
    ("name", "largest", "of_unexposed"), [("adx10", 1023, 95), ("adx16", 65535, 1520)]
)
def test_unexposed_film_has_the_code_of_d_min(name, largest, of_unexposed):
    black = np.zeros((4, 4, 3), np.float32)
    codes = phos.develop(
        black, "vision3-500t", encoding="linear", output_space=name, exposure_stops=-20, **STILL
    )
    np.testing.assert_allclose(codes * largest, of_unexposed, atol=0.5 * largest / 1023)


@pytest.mark.parametrize("film", ["vision3-250d", "vision3-500t", "vision3-200t"])
def test_a_mid_grey_on_cine_film_is_near_the_code_where_the_academy_has_it(film):
    """Its decoding takes 445 of ADX10 for 18 % grey; a tenth of the density is allowed."""
    grey = np.full((4, 4, 3), 0.18, np.float32)
    codes = phos.develop(grey, film, encoding="linear", output_space="adx10", **STILL) * 1023
    assert np.abs(codes - 445).max() < 55


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"film": "velvia-50"}, "for colour negatives: velvia-50 is no colour negative"),
        ({"film": "tri-x-400"}, "for colour negatives: tri-x-400 is no colour negative"),
        ({"printing": "2383"}, 'printing has no part in output_space "adx10"'),
        ({"auto_balance": True}, 'auto_balance has no part in output_space "adx10"'),
        ({"mode": "texture"}, 'mode "texture" has no output_space "adx10"'),
    ],
)
def test_what_has_no_printing_density_says_so(settings, message):
    with pytest.raises(ValueError, match=message):
        phos.develop(PHOTO, output_space="adx10", **settings)


def test_three_densities_need_three_channels():
    with pytest.raises(ValueError, match="needs an image of three channels"):
        phos.develop(PHOTO[..., 0], output_space="adx16")


def test_an_unknown_space_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"output_space must be one of srgb, display-p3, .*adx16"):
        phos.Recipe(output_space="adobe-rgb")


def test_grey_pictures_are_grey_in_every_space_of_light():
    for name in ("display-p3", "rec2020", "acescg"):
        grey = phos.develop(PHOTO[..., 0], "velvia-50", output_space=name, **STILL)
        assert grey.shape == PHOTO.shape[:2]
        assert math.isfinite(grey.sum())


def by_ocio(numbers, source, target):
    """What OpenColorIO's own configuration makes of numbers of one space in another."""
    ocio = pytest.importorskip("PyOpenColorIO", reason="no OpenColorIO to compare with")
    config = ocio.Config.CreateFromBuiltinConfig("studio-config-latest")
    converted = np.array(numbers, np.float32).reshape(-1, 3)
    config.getProcessor(source, target).getDefaultCPUProcessor().applyRGB(converted)
    return converted.reshape(numbers.shape)


def test_aces_is_what_opencolorio_takes_it_for():
    in_aces = phos.develop(PHOTO, "velvia-50", output_space="acescg", **STILL)
    found = by_ocio(in_aces, "ACEScg", "Linear Rec.709 (sRGB)")
    np.testing.assert_allclose(found, light_of(in_aces, "acescg"), atol=1e-5)


@pytest.mark.parametrize("name", ["adx10", "adx16"])
def test_opencolorio_makes_the_scene_of_a_cine_negatives_densities(name):
    """A mid-grey, and stops as far apart as they were, within a tenth, of a balanced stock."""
    stops = np.array([-1.0, 0.0, 1.0, 2.0])
    greys = (0.18 * 2.0 ** stops[:, None, None] * np.ones((1, 3))).astype(np.float32)
    settings = STILL | {"encoding": "linear", "output_space": name}
    codes = phos.develop(greys, "vision3-500t", **settings)
    light = by_ocio(codes, name.upper(), "ACES2065-1")[:, 0]
    assert np.abs(light[1] / 0.18 - 1.0).max() < 0.15
    np.testing.assert_allclose(np.diff(np.log2(light[:, 1])), 1.0, atol=0.15)

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_core import color
from phos_core.convolution.running.convolve import convolve
from phos_core.effects.couplers import coupler_psf
from phos_core.process.pipeline import coupler_reach_px, reach_px, spread_of_light
from phos_core.stocks.loading import load_film

STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
PITCH_UM = 12.0


@pytest.fixture(scope="module")
def scene():
    """Scene light of a wedge, colours, a lamp and texture, mid-grey about 0.18."""
    rng = np.random.default_rng(7)
    light = rng.random((120, 160, 3)) * np.linspace(0.02, 1.0, 160)[None, :, None]
    light[20:40, 20:60] = (0.4, 0.1, 0.05)
    light[60:80, 20:60] = (0.05, 0.2, 0.5)
    light[50:56, 100:106] = 60.0
    return light.astype(np.float32)


def plain(name, **replaced):
    """A stock without grain, and with other steps replaced."""
    return dataclasses.replace(load_film(name), grain=None, **replaced)


# ------------------------------------------------------------------ shapes, dtypes, buffers


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(24, 36), (24, 36, 3)])
@pytest.mark.parametrize("film", STOCKS)
def test_the_positive_has_the_picture_s_shape_and_dtype(film, shape, dtype):
    image = np.full(shape, 0.4) if np.dtype(dtype).kind == "f" else np.full(shape, 100)
    positive = phos.develop(image.astype(dtype), film)
    assert positive.shape == shape
    assert positive.dtype == dtype
    assert positive.min() >= 0
    if np.dtype(dtype).kind == "f":
        assert positive.max() <= 1.0


def test_black_and_white_film_gives_three_equal_channels():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    positive = phos.develop(image, "tri-x-400")
    assert (positive[..., 0] == positive[..., 1]).all()
    assert (positive[..., 0] == positive[..., 2]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_and_the_same_values_as_floats_agree(dtype):
    white = np.iinfo(dtype).max
    codes = np.random.default_rng(1).integers(0, white + 1, (40, 60, 3)).astype(dtype)
    as_float = phos.develop(codes.astype(np.float64) / white)
    as_codes = phos.develop(codes).astype(np.float64) / white
    assert np.abs(as_codes - as_float).max() <= 0.5 / white + 2e-6


def test_strides_byte_order_and_read_only_change_nothing():
    image = np.random.default_rng(2).random((40, 60, 3)).astype(np.float32)
    expected = phos.develop(image)
    swapped = image.astype(image.dtype.newbyteorder())
    assert phos.develop(swapped).dtype == swapped.dtype
    np.testing.assert_array_equal(phos.develop(swapped), expected)
    strided = np.zeros((80, 120, 3), np.float32)[::2, ::-2]
    strided[...] = image
    np.testing.assert_array_equal(phos.develop(strided), expected)
    image.flags.writeable = False
    before = image.copy()
    np.testing.assert_array_equal(phos.develop(image), expected)
    np.testing.assert_array_equal(image, before)


def test_out_takes_the_positive_even_if_it_is_the_picture_itself():
    image = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    expected = phos.develop(image)
    out = np.zeros_like(image)
    assert phos.develop(image, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert phos.develop(image, out=image) is image
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (0, 0, 3)])
def test_a_picture_without_pixels_stays_without(shape):
    assert phos.develop(np.zeros(shape, np.uint8)).shape == shape


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7), (7, 1, 3)])
def test_a_picture_of_one_pixel_or_line_is_developed(shape):
    assert phos.develop(np.full(shape, 120, np.uint8), film_format="super-16").shape == shape


# ------------------------------------------------------------------ tone and colour


@pytest.mark.parametrize("name", STOCKS)
def test_mid_grey_lands_on_mid_grey(name):
    image = np.full((8, 8, 3), 0.18, np.float32)
    positive = phos.develop(image, plain(name), encoding="linear")
    light = color.decode_srgb(positive.astype(np.float64))
    assert np.abs(light - 0.18).max() <= 0.002


@pytest.mark.parametrize("name", STOCKS)
def test_neutral_greys_stay_neutral_in_a_neutral_scan_and_on_a_slide(name):
    stops = np.repeat(np.arange(-5, 6), 4)
    image = np.broadcast_to(0.18 * 2.0 ** stops[:, None, None, None], (44, 2, 2, 3))
    film = plain(name, scatter=None, halation=None)
    if film.kind != "reversal":
        film = dataclasses.replace(film, printing=load_film(name, printing="neutral").printing)
    for grey in image[::4]:
        positive = phos.develop(grey.astype(np.float32), film, encoding="linear")
        light = color.decode_srgb(positive.astype(np.float64))
        assert np.ptp(light, axis=-1).max() <= 0.03, f"{name} at irradiance {grey[0, 0, 0]:.3f}"


@pytest.mark.parametrize("name", STOCKS)
@settings(max_examples=25)
@given(darker=st.floats(-7, 6), step=st.floats(0.05, 2))
def test_more_light_never_prints_darker(name, darker, step):
    film = plain(name, scatter=None, halation=None)
    prints = [
        phos.develop(np.full((2, 2), 0.18 * 2.0**stops, np.float32), film, encoding="linear")[0, 0]
        for stops in (darker, darker + step)
    ]
    assert prints[1] >= prints[0] - 2e-6


def test_a_display_referred_picture_keeps_its_contrast():
    # Portra's scan of a rendered picture, against the picture: contrast is not applied twice.
    ramp = np.linspace(0.1, 0.9, 33)
    greys = np.broadcast_to(ramp[None, :, None], (4, 33, 3)).repeat(4, axis=1).astype(np.float32)
    film = plain("portra-400", scatter=None, halation=None, couplers=None)
    positive = phos.develop(greys, film)[2, 1::4, 1]
    slope = np.polyfit(ramp[4:25], positive[4:25], 1)[0]
    assert 0.85 <= slope <= 1.15


def test_linear_light_has_no_upper_limit():
    image = np.full((16, 16, 3), 0.1, np.float32)
    image[8, 8] = 30_000.0
    positive = phos.develop(image, "portra-400", encoding="linear")
    assert np.isfinite(positive).all()
    assert positive[8, 8].min() > 0.97


def test_exposure_in_stops_is_a_factor_of_light(scene):
    doubled = phos.develop(scene * 2, "portra-400", encoding="linear")
    one_stop = phos.develop(
        scene, "portra-400", encoding="linear", exposure_stops=1.0, lab_correction=False
    )
    np.testing.assert_allclose(doubled, one_stop, atol=2e-5)


# ------------------------------------------------------------------ light, gamut and balance


def greys(level, film, **settings_):
    """Display light of a grey scene of this level."""
    scene = np.full((4, 4, 3), level, np.float32)
    positive = phos.develop(scene, film, encoding="linear", **settings_)
    return color.decode_srgb(positive.astype(np.float64))[0, 0]


def test_unfiltered_tungsten_stock_in_daylight_is_blue():
    settings_ = {"scatter": 0, "halation": 0, "grain": 0}
    red, green, blue = greys(0.18, "vision3-500t", light="daylight", light_balance=0.0, **settings_)
    assert blue > 1.5 * green > 1.5 * 1.2 * red
    np.testing.assert_allclose(greys(0.18, "vision3-500t", **settings_), 0.18, atol=0.002)


@pytest.mark.parametrize("light", ["daylight", 4200])
@pytest.mark.parametrize("name", ["vision3-500t", "tri-x-400"])
def test_balance_on_the_picture_prints_its_grey_grey_again(name, light):
    settings_ = {"light": light, "exposure_stops": 1.0, "scatter": 0, "halation": 0, "grain": 0}
    balanced = greys(0.18, name, auto_balance=True, **settings_)
    np.testing.assert_allclose(balanced, 0.18, atol=0.003)
    uncorrected = greys(0.18, name, lab_correction=False, light_balance=0.0, **settings_)
    assert np.abs(uncorrected - 0.18).max() > 0.05


def test_balance_is_measured_on_the_whole_picture():
    """A dark half and a bright one: their mean, in stops, is what becomes mid-grey."""
    scene = np.full((300, 300, 3), 0.18, np.float32)
    scene[:, :150] *= 2.0**-2
    scene[:, 150:] *= 2.0**1
    settings_ = {"encoding": "linear", "scatter": 0, "halation": 0, "couplers": 0, "grain": 0}
    balanced = phos.develop(scene, "portra-400", auto_balance=True, **settings_)
    plain = phos.develop(scene * 2.0**0.5, "portra-400", **settings_)
    difference = color.decode_srgb(balanced.astype(float)) - color.decode_srgb(plain.astype(float))
    assert np.abs(difference).max() < 0.05


def test_a_transparency_is_not_balanced_on_the_picture():
    with pytest.raises(ValueError, match="auto_balance"):
        phos.develop(np.zeros((4, 4, 3), np.uint8), "velvia-50", auto_balance=True)


@pytest.mark.parametrize("primaries", ["display-p3", "rec2020", "prophoto"])
@pytest.mark.parametrize(
    ("name", "printing"), [("portra-400", "auto"), ("velvia-50", "auto"), ("pro-400h", "2383")]
)
def test_colours_beyond_srgb_make_no_blotches(name, printing, primaries):
    """From grey to each primary and secondary: the print changes evenly, without a jump."""
    corners = [(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1)]
    steps = np.linspace(0.0, 1.0, 129)[:, None]
    rows = [0.4 * ((1.0 - steps) * 0.3 + steps * np.array(corner)) for corner in corners]
    scene = np.array(rows, dtype=np.float32)
    film = plain(name, scatter=None, halation=None, couplers=None)
    film = dataclasses.replace(film, printing=load_film(name, printing=printing).printing)
    positive = phos.develop(scene, film, encoding="linear", primaries=primaries)
    change = np.abs(np.diff(positive, axis=1)).max(axis=-1)
    assert np.isfinite(positive).all()
    assert change.max() < 0.08
    assert np.abs(np.diff(change, axis=1)).max() < 0.04


@pytest.mark.parametrize("name", ["velvia-50", "pro-400h", "kodachrome-64"])
def test_a_bright_saturated_light_has_no_edge_where_it_leaves_srgb(name):
    """A lamp's glow, 7 stops over mid-grey, from white to a primary of Display P3."""
    film = plain(name, scatter=None, halation=None)

    def greatest_step(count):
        steps = np.linspace(0.0, 1.0, count)[:, None]
        rows = [20.0 * ((1.0 - steps) * 0.3 + steps * np.array(corner)) for corner in np.eye(3)]
        scene = np.array(rows, np.float32)
        positive = phos.develop(scene, film, encoding="linear", primaries="display-p3")
        return np.abs(np.diff(positive, axis=1)).max()

    coarse, fine = greatest_step(513), greatest_step(2049)

    assert fine < 0.3 * coarse  # steep, but no edge: four times as many steps, each a fourth


def test_primaries_say_what_the_numbers_mean():
    scene = np.random.default_rng(8).random((6, 8, 3)).astype(np.float32)
    same = scene @ color.to_linear_srgb("display-p3").astype(np.float32).T
    wide = phos.develop(scene, "portra-400", encoding="linear", primaries="display-p3")
    np.testing.assert_allclose(phos.develop(same, "portra-400", encoding="linear"), wide, atol=1e-5)


@pytest.mark.parametrize("mode", ["full", "texture"])
@pytest.mark.parametrize("film", ["portra-400", "velvia-50", "tri-x-400"])
def test_a_display_p3_picture_is_developed_as_its_srgb_twin(film, mode):
    """Colours that both can hold, white and black among them, coded both ways at 16 bits."""
    light = np.random.default_rng(9).random((24, 32, 3)) ** 2.2
    light[0, 0], light[0, 1] = 0.0, 1.0
    in_p3 = light @ np.linalg.inv(color.to_linear_srgb("display-p3")).T
    srgb, p3 = (color.encode_codes(x.astype(np.float32), np.uint16) for x in (light, in_p3))
    same = {"seed": 3, "mode": mode, "output_space": "srgb"}
    twin = phos.develop(srgb, film, **same)
    wide = phos.develop(p3, film, primaries="display-p3", **same)
    difference = deltaE_ciede2000(rgb2lab(twin / 65535), rgb2lab(wide / 65535))
    assert difference.max() < 0.1


@pytest.mark.parametrize("mode", ["full", "texture"])
def test_display_light_is_developed_as_its_srgb_codes(mode):
    codes = np.random.default_rng(10).random((24, 32, 3)).astype(np.float32)
    light = color.decode_srgb(codes)
    same = {"mode": mode, "output_space": "srgb"}
    as_light = phos.develop(light, "gold-200", encoding="display", **same)
    np.testing.assert_allclose(as_light, phos.develop(codes, "gold-200", **same), atol=2e-4)


@pytest.mark.parametrize("primaries", ["display-p3", "rec2020", "prophoto"])
@pytest.mark.parametrize("name", ["portra-400", "velvia-50"])
def test_display_colours_beyond_srgb_make_no_blotches(name, primaries):
    """From grey to each primary and secondary of a display: the print changes evenly."""
    corners = [(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1)]
    steps = np.linspace(0.0, 1.0, 257)[:, None]
    rows = [(1.0 - steps) * 0.3 + steps * np.array(corner) * 0.9 for corner in corners]
    film = plain(name, scatter=None, halation=None, couplers=None)
    positive = phos.develop(
        np.array(rows, np.float32), film, encoding="display", primaries=primaries
    )
    change = np.abs(np.diff(positive, axis=1)).max(axis=-1)
    assert change.max() < 0.08
    assert np.abs(np.diff(change, axis=1)).max() < 0.04


def test_a_print_stays_within_the_gamut_without_clipping_a_hue():
    """A saturated print: what leaves the gamut comes back with the hue that it had."""
    film = plain("velvia-50", scatter=None, halation=None)
    scene = np.zeros((1, 50, 3), np.float32)
    scene[..., 1] = np.geomspace(0.05, 1.0, 50)
    scene[..., 2] = 0.7 * scene[..., 1]
    positive = phos.develop(scene, film, encoding="linear")
    assert positive.min() > 0.0
    assert (positive.max(axis=-1) < 1.0).all()


# ------------------------------------------------------------------ modes and strengths


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
@pytest.mark.parametrize("name", ["cinestill-800t", "tri-x-400", "velvia-50"])
def test_texture_without_any_effect_is_the_picture_itself(name, shape, dtype):
    rng = np.random.default_rng(9)
    image = rng.random(shape)
    if np.dtype(dtype).kind == "u":
        image = image * np.iinfo(dtype).max
    image = image.astype(dtype)
    same = phos.develop(image, name, mode="texture", scatter=0, halation=0, grain=0)
    if dtype is np.float32 and len(shape) == 2:
        np.testing.assert_allclose(same, image, atol=2e-6)
    else:
        np.testing.assert_allclose(same.astype(float), image.astype(float), atol=2e-6)


def test_texture_keeps_the_colours_and_adds_grain():
    image = np.full((256, 256, 3), (180, 120, 60), np.uint8)
    textured = phos.develop(image, "tri-x-400", mode="texture").astype(float)
    np.testing.assert_allclose(textured.mean(axis=(0, 1)), (180, 120, 60), atol=1.0)
    assert textured.std(axis=(0, 1)).min() > 0.5
    ratio = color.decode_srgb(textured / 255.0) / color.decode_srgb(image / 255.0)
    assert np.corrcoef(ratio[..., 0].ravel(), ratio[..., 1].ravel())[0, 1] > 0.9


def test_texture_glows_where_the_stock_has_no_backing():
    light = np.full((120, 120, 3), 20, np.uint8)
    light[57:63, 57:63] = 255
    settings_ = {"mode": "texture", "grain": 0, "pixel_pitch_um": PITCH_UM}
    bare = phos.develop(light, "cinestill-800t", **settings_).astype(int)
    backed = phos.develop(light, "portra-400", **settings_).astype(int)
    red, green, _ = (bare - backed)[60, 80]
    assert red > 5
    assert green < red


def test_stronger_grain_is_grainier_and_none_is_none():
    image = np.full((200, 200, 3), 118 * 257, np.uint16)
    settings_ = {"scatter": 0, "halation": 0, "couplers": 0}
    half, whole, double = (
        phos.develop(image, "portra-400", grain=grain, **settings_).std() for grain in (0.5, 1, 2)
    )
    assert whole == pytest.approx(2.0 * half, rel=0.05)
    assert double == pytest.approx(2.0 * whole, rel=0.05)
    assert phos.develop(image, "portra-400", grain=0, **settings_).std(axis=(0, 1)).max() == 0.0


def test_colour_alone_acts_on_each_pixel_by_itself(scene):
    whole = phos.develop(scene, "cinestill-800t", encoding="linear", mode="colour")
    apart = phos.develop(scene[40:60], "cinestill-800t", encoding="linear", mode="colour")
    np.testing.assert_allclose(apart, whole[40:60], atol=2e-6)


# ------------------------------------------------------------------ lengths on the film


def halo_profile(pitch_um):
    """Mean red exposure around a disc of 300 um drawn anti-aliased in um, against radius."""
    side = round(6000 / pitch_um) | 1
    fine = 8
    at = (np.arange(side * fine) + 0.5) / fine * pitch_um - side * pitch_um / 2
    inside = (at[:, None] ** 2 + at**2 < 150.0**2).reshape(side, fine, side, fine).mean((1, 3))
    psf = spread_of_light(load_film("cinestill-800t"), pitch_um)[0]
    light = convolve(inside.astype(np.float32) * 1000.0, psf, backend="scipy")
    centre = (np.arange(side) + 0.5) * pitch_um - side * pitch_um / 2
    radius_um = np.hypot(centre[:, None], centre)
    return radius_um, light


def width_um(pitch_um, level):
    """Radius at which the halo falls through a level, beyond the disc."""
    radius_um, light = halo_profile(pitch_um)
    edges = np.arange(192.0, 1500.0, 48.0)
    ring = np.digitize(radius_um, edges)
    profile = np.array([light[ring == i].mean() for i in range(1, len(edges))])
    middle = np.array([radius_um[ring == i].mean() for i in range(1, len(edges))])
    below = int(np.argmax(profile < level))
    high, low = np.log(profile[below - 1 : below + 1])
    share = (high - np.log(level)) / (high - low)
    return middle[below - 1] + share * (middle[below] - middle[below - 1])


@pytest.mark.parametrize("level", [15.0, 5.0, 1.0])
def test_half_the_resolution_keeps_the_halo_s_width_in_um(level):
    assert width_um(12.0, level) == pytest.approx(width_um(24.0, level), rel=0.02)


def test_the_pixel_pitch_follows_from_the_frame_s_long_side():
    image = np.full((20, 30, 3), 100, np.uint8)
    _, report = phos.develop_with_report(image)
    assert report.pixel_pitch_um == 36_000 / 30
    _, report = phos.develop_with_report(np.swapaxes(image, 0, 1), film_format="120-66")
    assert report.pixel_pitch_um == 56_000 / 30
    _, report = phos.develop_with_report(image, pixel_pitch_um=5.0)
    assert report.pixel_pitch_um == 5.0


@pytest.mark.parametrize("name", ["cinestill-800t", "tri-x-400"])
def test_a_crop_is_the_crop_of_the_whole_beyond_the_stock_s_reach(name):
    rng = np.random.default_rng(5)
    whole = rng.random((400, 420, 3)).astype(np.float32)
    whole[180:190, 200:210] = 20.0
    pitch_um = 36.0
    film = load_film(name)
    reach = int(np.ceil(film.reach_um / pitch_um))
    top, left = 37, 53
    crop = whole[top:, left:-11]
    settings_ = {"encoding": "linear", "pixel_pitch_um": pitch_um, "seed": 3}
    expected = phos.develop(whole, film, **settings_)[top:, left:-11]
    positive = phos.develop(crop, film, offset_px=(top, left), **settings_)
    inner = (slice(reach, None), slice(reach, -reach))
    assert expected[inner].size > 20_000
    np.testing.assert_allclose(positive[inner], expected[inner], atol=2e-4)
    elsewhere = phos.develop(crop, film, **settings_)
    assert np.abs(elsewhere[inner] - expected[inner]).max() > 0.02


@pytest.mark.parametrize(
    ("name", "least", "most"), [("cinestill-800t", 0.05, 1.0), ("portra-400", 0.0, 0.002)]
)
def test_a_lamp_glows_red_on_the_stock_without_a_backing_only(name, least, most):
    light = np.full((240, 240, 3), 0.02, np.float32)
    light[117:123, 117:123] = 100.0
    film = plain(name)
    backed = dataclasses.replace(film, halation=None)
    settings_ = {"encoding": "linear", "pixel_pitch_um": PITCH_UM}
    glow = color.decode_srgb(phos.develop(light, film, **settings_)) - color.decode_srgb(
        phos.develop(light, backed, **settings_)
    )
    at = np.arange(240) - 119.5
    ring = np.abs(np.hypot(at[:, None], at) * PITCH_UM - 350.0) < 100.0
    red, green, blue = glow[ring].mean(axis=0)
    assert least <= red <= most
    assert abs(green) <= 0.35 * abs(red) + 1e-4
    assert abs(blue) <= 0.35 * abs(red) + 1e-4


@pytest.mark.parametrize("name", ["cinestill-800t", "portra-400", "velvia-50"])
def test_what_tiles_overlap_by_holds_all_the_light(name):
    film, pitch_um = load_film(name), 30.0
    reach = reach_px(film, pitch_um) - coupler_reach_px(film, pitch_um)
    for psf in spread_of_light(film, pitch_um):
        across = np.abs(np.arange(-psf.radius[0], psf.radius[0] + 1))
        beyond = np.maximum(across[:, None], across) > reach
        assert np.abs(psf.samples()[beyond]).sum() <= 1e-6
    assert max(psf.radius[0] for psf in spread_of_light(film, pitch_um)) > reach / 2
    psf = coupler_psf(film.couplers, pixel_pitch_um=pitch_um)
    across = np.abs(np.arange(-psf.radius[0], psf.radius[0] + 1))
    beyond = np.maximum(across[:, None], across) > coupler_reach_px(film, pitch_um)
    assert psf.samples()[beyond].sum() <= 1e-6


# ------------------------------------------------------------------ chance


def test_the_same_seed_gives_the_same_bytes_twice(scene):
    first = phos.develop(scene, "tri-x-400", encoding="linear", seed=11)
    second = phos.develop(scene, "tri-x-400", encoding="linear", seed=11)
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("other", [{"seed": 12}, {"frame": 1}])
def test_another_seed_or_frame_gives_other_grain_of_the_same_strength(scene, other):
    smooth = phos.develop(scene, plain("tri-x-400"), encoding="linear")
    first = phos.develop(scene, "tri-x-400", encoding="linear", seed=11) - smooth
    second = phos.develop(scene, "tri-x-400", encoding="linear", **{"seed": 11, **other}) - smooth
    assert abs(np.corrcoef(first[..., 0].ravel(), second[..., 0].ravel())[0, 1]) < 0.05
    assert second.std() == pytest.approx(first.std(), rel=0.05)


def test_grain_keeps_the_mean_density():
    image = np.full((256, 256, 3), 0.18, np.float32)
    film = load_film("portra-400")
    grainy = phos.develop(image, film, encoding="linear", pixel_pitch_um=12.0)
    assert grainy.std() > 0.005
    light = color.decode_srgb(grainy.astype(np.float64))
    assert light.mean() == pytest.approx(0.18, abs=0.005)


# ------------------------------------------------------------------ settings and reports


def test_a_recipe_and_its_arguments_give_the_same_bytes():
    image = np.random.default_rng(6).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    recipe = phos.Recipe(film="velvia-50", seed=4, exposure_stops=-0.5)
    given_apart = phos.develop(image, "velvia-50", seed=4, exposure_stops=-0.5)
    np.testing.assert_array_equal(phos.develop(image, recipe=recipe), given_apart)


def test_settings_are_not_given_twice():
    image = np.zeros((4, 4), np.uint8)
    with pytest.raises(TypeError, match="not both"):
        phos.develop(image, recipe=phos.Recipe(), seed=1)


def test_a_report_names_what_ran_and_times_each_step():
    image = np.full((20, 30, 3), 100, np.uint8)
    positive, report = phos.develop_with_report(image, "velvia-50", backend="scipy")
    assert positive.shape == image.shape
    assert (report.film, report.backend, report.source) == ("velvia-50", "scipy", "argument")
    assert all(seconds >= 0 for seconds in report.step_seconds.values())
    assert "develop, grain and print" in report.step_seconds
    assert report.versions["numpy"] == np.__version__


def test_a_printed_negative_differs_from_its_scan_but_keeps_mid_grey():
    image = np.full((8, 8, 3), 0.18, np.float32)
    image[:4] = (0.4, 0.2, 0.1)
    scan = phos.develop(image, "portra-400", encoding="linear")
    printed = phos.develop(image, "portra-400", encoding="linear", printing="endura-premier")
    assert np.abs(printed[:3] - scan[:3]).max() > 0.02
    film = dataclasses.replace(load_film("portra-400", printing="endura-premier"), grain=None)
    grey = phos.develop(np.full((4, 4), 0.18), film, encoding="linear")
    assert np.abs(color.decode_srgb(grey) - 0.18).max() <= 0.002


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        ([[1, 2], [3, 4]], TypeError, "NumPy array"),
        (np.zeros((4, 4), np.int32), TypeError, "int32"),
        (np.zeros((4, 4), complex), TypeError, "complex128"),
        (np.zeros(4, np.uint8), ValueError, r"\(4,\)"),
        (np.zeros((3, 40, 60), np.uint8), ValueError, "channels seem to come first"),
        (np.zeros((40, 60, 4), np.uint8), ValueError, "alpha"),
        (np.zeros((40, 60, 1), np.uint8), ValueError, "last axis"),
        (np.zeros((2, 40, 60, 4), np.uint8), ValueError, "alpha"),
        (np.zeros((1, 2, 40, 60, 3), np.uint8), ValueError, r"\(n, rows, cols, 3\)"),
        (np.full((4, 4), 1.5), ValueError, "between 0 and 1"),
        (np.full((4, 4), -0.1), ValueError, "between 0 and 1"),
    ],
)
def test_a_wrong_picture_is_refused_with_the_way_out(image, error, words):
    with pytest.raises(error, match=words):
        phos.develop(image)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_a_pixel_that_is_no_number_is_named(value, encoding):
    image = np.full((5, 6, 3), 0.5, np.float32)
    image[2, 4, 1] = value
    with pytest.raises(ValueError, match=r"at index \(2, 4, 1\)"):
        phos.develop(image, encoding=encoding)


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.zeros((4, 5, 3), np.uint8), ValueError),
        (np.zeros((4, 4, 3), np.float32), TypeError),
        ([0], TypeError),
    ],
)
def test_a_wrong_out_is_refused(out, error):
    with pytest.raises(error, match="out must"):
        phos.develop(np.zeros((4, 4, 3), np.uint8), out=out)


def test_unknown_names_are_lookup_errors_that_suggest():
    image = np.zeros((4, 4), np.uint8)
    with pytest.raises(LookupError, match="portra-400"):
        phos.develop(image, "porta-400")
    with pytest.raises(LookupError, match="scipy"):
        phos.develop(image, backend="scypi")

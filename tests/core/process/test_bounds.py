"""A setting that is a number works within its bounds, and is refused by its name beyond them."""

import math
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_core.stocks.treatment import BOUNDS, Treatment

RUNNING = [report.name for report in phos.backends() if report.status == "ok"]
# The stock and what else a setting needs to have a part in the picture.
ON = {
    "paper_grade": {"film": "tri-x-400", "printing": "polymax"},
    "print_stops": {"film": "gold-200", "printing": "endura-premier"},
    "filters_cc": {"film": "gold-200", "printing": "endura-premier"},
    "grain": {"film": "velvia-50"},
    "halation": {"film": "cinestill-800t"},
}
# Held by what the stock's file says as well, or too wide for a picture in a test.
NOT_TO_THE_END = {"push_stops", "exposure_index", "black_point", "white_point"}


def scene():
    """Scene light from black to a lamp."""
    image = np.random.default_rng(0).random((24, 32, 3)).astype(np.float32)
    image[:4] = 0.0
    image[-2:] = 300.0
    return image


def asked(name, value):
    """Settings with one of them at this value."""
    filters = (value, 0.0, 0.0)
    values = {"filters_cc": filters, "balance_cc": filters, "offset_px": (int(value), 0)}
    return {name: values.get(name, value)} | ON.get(name, {})


@pytest.mark.parametrize("backend", [name for name in RUNNING if name in ("scipy", "numba")])
@pytest.mark.parametrize("name", sorted({*BOUNDS} - NOT_TO_THE_END))
def test_at_both_ends_of_its_bounds_a_setting_gives_a_picture(name, backend):
    low, high = BOUNDS[name]
    ends = (1.0, high) if name == "pixel_pitch_um" else (low, high)  # finer pixels: more memory

    for value in ends:
        positive = phos.develop(scene(), encoding="linear", backend=backend, **asked(name, value))

        assert np.isfinite(positive).all(), value
        assert positive.min() >= 0.0, value
        assert positive.max() <= 1.0, value


def test_thirty_stops_more_is_white_on_every_backend():
    grey = np.full((8, 8, 3), 0.18, np.float32)

    for backend in RUNNING:
        settings = {"encoding": "linear", "backend": backend, "grain": 0, "lab_correction": False}
        settings["printing"] = "neutral"  # where unexposed film is black
        assert phos.develop(grey, exposure_stops=30, **settings).min() > 0.99, backend
        assert phos.develop(grey, exposure_stops=-30, **settings).max() < 0.01, backend


@pytest.mark.parametrize("name", sorted(BOUNDS))
@pytest.mark.parametrize("beyond", [-math.inf, -1e300, -1e10, 1e10, 1e300, math.inf, math.nan])
def test_beyond_its_bounds_a_setting_is_refused_by_its_name(name, beyond):
    if name == "offset_px":
        beyond = int(beyond) if math.isfinite(beyond) else 2**400
    filters = (0.0, beyond, 0.0)
    values = {"filters_cc": filters, "balance_cc": filters, "offset_px": (0, beyond)}
    value = values.get(name, beyond)

    with pytest.raises(ValueError, match=name):
        phos.Recipe(**{name: value})


@pytest.mark.parametrize(
    "name", sorted({*BOUNDS} - {"light", "offset_px", "filters_cc", "balance_cc"})
)
@pytest.mark.parametrize("value", [True, np.True_, "1", [1.0], b"1"])
def test_what_is_no_number_is_refused_by_its_name(name, value):
    with pytest.raises(TypeError, match=f"{name} must be a number"):
        phos.Recipe(**{name: value})


def test_a_picture_with_too_many_pixels_for_its_frame_says_what_would_help():
    with pytest.raises(ValueError, match=r"pixel_pitch_um must be given, .* or more: the 400000"):
        phos.Recipe().pitch_um(1, 400_000)


@pytest.mark.parametrize("encoding", ["linear", "display"])
@pytest.mark.parametrize("light", [1e37, 1e60, -1e60])
def test_light_beyond_single_precision_is_as_bright_as_light_can_be(encoding, light):
    image = np.random.default_rng(0).random((40, 40, 3))
    image[20, 20] = light
    held = np.where(np.abs(image) > 1.0, np.sign(light) * 1e12, image)

    for backend in RUNNING:
        settings = {"encoding": encoding, "backend": backend, "grain": 0}
        positive = phos.develop(image, **settings)

        assert np.isfinite(positive).all(), backend
        np.testing.assert_array_equal(positive, phos.develop(held, **settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"white_point": 1.0}, r"white_point must be more than 1.\d\d stops .*, got 1.0"),
        ({"black_point": -0.1}, r"black_point must be less than -0.\d\d stops .*, got -0.1"),
        ({"black_point": -1.0, "white_point": 1.2}, r"white_point must be more than"),
    ],
)
def test_a_point_too_near_mid_grey_says_how_near_it_may_come_in_stops(settings, message):
    with pytest.raises(ValueError, match=message):
        phos.load_film("portra-400", printing="neutral", **settings)


def test_what_the_message_about_a_white_point_promises_is_so():
    phos.load_film("portra-400", printing="neutral", white_point=1.6)


def test_a_point_too_near_mid_grey_of_a_scan_by_a_device_is_refused_by_the_same_law():
    with pytest.raises(ValueError, match=r"white_point must be more than (0.\d\d) st") as raised:
        phos.load_film("portra-400", white_point=0.01)

    nearest = float(str(raised.value).split("more than ")[1].split()[0])
    phos.load_film("portra-400", white_point=nearest)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("film", "exposure_index"),
    [
        ("provia-100f", 12.5),
        ("velvia-50", 12.5),
        ("portra-160", 10_240),
        ("vision3-50d", 6400),
        ("gold-200", 1600),
        ("tri-x-400", 1_000_000),
    ],
)
def test_a_speed_at_which_greys_have_a_cast_is_refused_with_those_at_which_not(
    film, exposure_index
):
    pattern = rf"exposure_index of {film} must lie between .* got {exposure_index}"

    printing = "auto" if film.startswith(("provia", "velvia")) else "neutral"

    with pytest.raises(ValueError, match=pattern) as raised:
        phos.load_film(film, exposure_index=exposure_index, printing=printing)

    low, high = _range_of(str(raised.value))
    for fine in (low * 1.001, high * 0.999):
        phos.load_film(film, exposure_index=fine, printing=printing)


@pytest.mark.parametrize(
    ("film", "stops", "most"),
    [("velvia-50", -1, 0.02), ("portra-400", 1, 0.035), ("portra-400", -3, 0.035)],
)
def test_at_a_speed_that_is_accepted_greys_are_as_grey_as_at_the_stock_s_own(film, stops, most):
    ramp = np.repeat((0.18 * 2.0 ** np.arange(-6, 6.01, 0.25))[None, :, None], 3, 2)
    speed = phos.load_film(film).iso_speed * 2.0**stops

    positive = phos.develop(
        ramp,
        film,
        mode="colour",
        exposure_index=speed,
        printing="auto" if film == "velvia-50" else "neutral",
        encoding="linear",
        backend="scipy",
    )

    assert np.ptp(positive, axis=2).max() <= most


def test_bounds_hold_for_a_treatment_alone():
    with pytest.raises(ValueError, match="print_stops must lie between -20 and 20, got 300"):
        Treatment(print_stops=300)


def _range_of(message):
    """The two speeds that a message names."""
    low, _, high = message.split("between ")[1].split(",")[0].split()
    return float(low), float(high)


@pytest.mark.parametrize("name", sorted({*BOUNDS} - {"light", "offset_px", "push_stops"}))
def test_the_page_of_the_settings_says_the_bounds(name):
    low, high = BOUNDS[name]
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")

    assert f"| `{name}` | {low:.12g} | {high:.12g}" in page

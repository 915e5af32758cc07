"""Developments and paper grades between those that are published."""

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.stocks import baking
from phos_core.stocks.data_sheet import FilmSheet, PaperSheet, read_film_sheet, read_paper_sheet
from phos_core.stocks.loading import load_film


def text_of(folder: str, name: str) -> str:
    return files("phos_core.stocks").joinpath(folder, f"{name}.toml").read_text(encoding="utf-8")


def sheet_of(name: str) -> FilmSheet:
    return read_film_sheet(text_of("films", name), name)


def polymax() -> PaperSheet:
    return read_paper_sheet(text_of("papers", "polymax"), "polymax")


def slope(curve: np.ndarray, low: float = 0.25, high: float = 0.75) -> float:
    """Mean slope between two shares of a curve's rise."""
    x, density = curve.T
    at = density[0] + np.array([low, high]) * (density[-1] - density[0])
    first, last = np.interp(at, np.maximum.accumulate(density), x)
    return float((at[1] - at[0]) / (last - first))


STEEP = np.array([[-1.0, 0.1], [-0.5, 0.1], [0.0, 1.1], [0.5, 2.1], [1.0, 2.1]])
SOFT = STEEP * [2.0, 1.0]


# Between two curves.


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_halfway_along_its_rise_a_curve_lies_between_its_neighbours(sign, share):
    steep, soft = STEEP * [1.0, sign], SOFT * [1.0, sign]

    x, density = baking.between([0.0, 1.0], [steep, soft], share).T

    assert density[0] == pytest.approx(sign * 0.1, abs=0.01)
    assert density[-1] == pytest.approx(sign * 2.1, abs=0.01)
    for level in (0.6, 1.1, 1.6):
        at = np.interp(level, np.maximum.accumulate(sign * density), x)
        expected = (1.0 - share) * (level - 1.1) / 2.0 + share * (level - 1.1)
        assert at == pytest.approx(expected, abs=0.02)


@given(place=st.sampled_from([0.0, 1.0]))
def test_a_curve_that_is_drawn_is_taken_as_it_is(place):
    expected = STEEP if place == 0.0 else SOFT

    np.testing.assert_array_equal(baking.between([0.0, 1.0], [STEEP, SOFT], place), expected)


@settings(max_examples=50)
@given(grade=st.floats(0.0, 5.0))
def test_every_grade_is_a_curve_that_rises(grade):
    x, density = baking.graded(polymax(), grade).T

    assert (np.diff(x) > 0.0).all()
    assert (np.diff(density) > -0.03).all()  # as drawn
    assert density[-1] > 1.5


# Grades.


def test_a_harder_grade_is_steeper():
    slopes = [slope(baking.graded(polymax(), grade)) for grade in (0.0, 1.0, 2.0, 2.5, 3.0, 4.0)]

    assert (np.diff(slopes) > 0.0).all()


def test_a_grade_that_a_paper_has_not_is_refused():
    grades = tuple((grade, curve) for grade, curve in polymax().grades if grade <= 4.0)

    with pytest.raises(ValueError, match="paper_grade of polymax must lie between 0 and 4, got 5"):
        baking.graded(replace(polymax(), grades=grades), 5.0)


def test_without_a_grade_paper_is_printed_without_a_filter():
    np.testing.assert_array_equal(baking.graded(polymax(), None), polymax().characteristic_curve[0])


def test_paper_of_one_contrast_has_no_grades():
    with pytest.raises(ValueError, match="paper_grade is for paper of variable contrast, polymax"):
        baking.graded(replace(polymax(), grades=()), 2.0)


def test_a_harder_grade_prints_with_more_contrast():
    soft, hard = (
        load_film("tri-x-400", printing="polymax", paper_grade=grade).printing.curves[0]
        for grade in (1, 4)
    )

    assert hard != soft


# Pushed and pulled.


def test_the_normal_development_is_the_sheet_s_own():
    sheet = sheet_of("portra-800")

    assert baking.pushed(sheet, 0.0) is sheet


@pytest.mark.parametrize("number", [0, 1])
def test_a_published_development_is_taken_as_it_is(number):
    sheet = sheet_of("portra-800")
    other = sheet.developments[number]

    developed = baking.pushed(sheet, other.push_stops)

    for curve, expected in zip(
        developed.characteristic_curve, other.characteristic_curve, strict=True
    ):
        np.testing.assert_array_equal(curve, expected)
    scaled, plain = developed.granularity[0], sheet.granularity[0]
    np.testing.assert_allclose(scaled[:, 1], other.granularity_scale * plain[:, 1])
    np.testing.assert_array_equal(scaled[:, 0], plain[:, 0])


def test_half_a_push_lies_between():
    sheet = sheet_of("portra-800")
    half = baking.pushed(sheet, 0.5)
    whole = baking.pushed(sheet, 1.0)

    for layer in range(3):
        slopes = [slope(s.characteristic_curve[layer]) for s in (sheet, half, whole)]
        assert min(slopes[0], slopes[2]) <= slopes[1] <= max(slopes[0], slopes[2])


def test_a_pushed_stock_is_exposed_and_printed_on_its_new_mid_grey():
    pushed = load_film("portra-800", push_stops=1.0, exposure_index=1600)

    assert pushed.iso_speed == 800.0
    assert pushed.exposure.mid_grey_lx_s == pytest.approx(10.0 / 1600.0)


@pytest.mark.parametrize("stops", [-5.0, 2.5, 9.0])
def test_beyond_what_is_published_a_push_is_refused_with_what_is(stops):
    with pytest.raises(ValueError, match=r"portra-800 must lie between \+0 and \+2, got"):
        load_film("portra-800", push_stops=stops)


@pytest.mark.parametrize("name", ["portra-400", "hp5-plus"])
@pytest.mark.parametrize("stops", [-2.0, 0.5, 3.0])
def test_a_push_that_nobody_published_grows_net_density_and_its_grain_alike(name, stops):
    """By 1.17 a stop, in every layer."""
    sheet = sheet_of(name)
    grown = baking.pushed(sheet, stops)

    for before, after in (
        (sheet.characteristic_curve, grown.characteristic_curve),
        (sheet.granularity, grown.granularity),
    ):
        for drawn, pushed in zip(before, after, strict=True):
            assert drawn.shape == pushed.shape
    for layer, (drawn, pushed) in enumerate(
        zip(sheet.characteristic_curve, grown.characteristic_curve, strict=True)
    ):
        least = drawn[:, 1].min()
        np.testing.assert_array_equal(pushed[:, 0], drawn[:, 0])
        np.testing.assert_allclose(pushed[:, 1] - least, 1.17**stops * (drawn[:, 1] - least))
        rms, pushed_rms = sheet.granularity[layer], grown.granularity[layer]
        np.testing.assert_allclose(pushed_rms[:, 1], 1.17**stops * rms[:, 1])
        np.testing.assert_allclose(pushed_rms[:, 0] - least, 1.17**stops * (rms[:, 0] - least))


@pytest.mark.parametrize("stops", [-2.5, 3.5])
def test_an_estimated_push_goes_from_two_stops_under_to_three_over(stops):
    with pytest.raises(ValueError, match=r"of gold-200 must lie between -2 and \+3, got"):
        load_film("gold-200", push_stops=stops)


def test_a_slide_film_is_neither_pushed_nor_pulled():
    with pytest.raises(ValueError, match=r"push_stops must be 0: .* of velvia-50, a slide film"):
        load_film("velvia-50", push_stops=1.0)

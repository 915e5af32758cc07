"""Every stock keeps to its data sheet; docs/film-table.md is what was measured."""

import importlib.util
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.proof

ROOT = Path(__file__).parent.parent.parent
SPEC = importlib.util.spec_from_file_location("bench_films", ROOT / "benchmarks" / "bench_films.py")
films = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(films)

NAMES = films.names()
LIMITS = films.LIMITS
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def measured(table: str) -> list[str]:
    """The stocks whose sheet has it; the others' is estimated, and no limit holds."""
    return [name for name in NAMES if films.is_measured(name, table)]


def with_published_granularity() -> list[str]:
    printed = [name for name in NAMES if films.sheet_of(name).published_granularity]
    return sorted({*printed, *measured("granularity")})


def in_colour() -> list[str]:
    return [name for name in NAMES if films.sheet_of(name).kind != "black-and-white"]


@pytest.mark.parametrize("name", measured("characteristic_curve"))
def test_neutral_wedge_is_the_drawn_curve_in_every_layer(name):
    assert films.measure(name).curve <= LIMITS["curve"]


@pytest.mark.parametrize("name", NAMES)
def test_density_never_turns_back_along_a_neutral_wedge(name):
    assert not films.measure(name).turns_back


@pytest.mark.parametrize("name", NAMES)
def test_mid_grey_lands_on_mid_grey(name):
    assert films.measure(name).mid_grey <= LIMITS["mid-grey"]


@pytest.mark.parametrize("name", with_published_granularity())
def test_granularity_is_the_published_one(name):
    assert films.measure(name).rms <= LIMITS["rms"]


def test_fifty_daylight_has_less_grain_than_five_hundred_tungsten():
    """In green, as the sheets say and a peer inverts."""

    def green(name: str) -> float:
        at_one = films.NET_DENSITIES.index(1.0)
        return films.granularity_table(name)[at_one][2][1]

    assert green("vision3-50d") < 0.8 * green("vision3-500t")


@pytest.mark.parametrize("name", NAMES)
def test_granularity_is_the_same_at_every_pixel_pitch(name):
    """By the response to the grain's own spectrum, and by that to white noise as well."""
    row = films.measure(name)

    assert row.pitch <= LIMITS["pitch"]
    assert row.pitch_white <= LIMITS["pitch"]


@pytest.mark.parametrize("name", measured("mtf"))
def test_response_to_sines_is_the_sheet_s(name):
    assert films.measure(name).mtf <= LIMITS["mtf"]


@pytest.mark.parametrize("name", NAMES)
def test_halo_of_a_point_is_the_law_s(name):
    assert films.measure(name).halo <= LIMITS["halo"]
    assert films.measure(name).gain <= LIMITS["gain"]


@pytest.mark.parametrize("name", NAMES)
def test_halation_is_seen_on_a_photo_only_where_there_is_no_backing(name):
    seen = films.measure(name).seen

    assert (seen < LIMITS["seen"]) if films.is_backed(name) else (seen > LIMITS["seen"])


def test_estimated_stocks_are_a_handful():
    """What is exempt from a limit is the exception."""
    assert len(measured("characteristic_curve")) >= 20
    assert len(measured("mtf")) >= 18
    assert len(with_published_granularity()) >= 10
    assert "portra-400" in measured("characteristic_curve")


def test_cinestill_is_the_stock_without_a_backing():
    assert not films.is_backed("cinestill-800t")
    assert films.is_backed("vision3-500t")


@pytest.mark.parametrize("name", in_colour())
def test_closed_forms_keep_to_the_spectral_reference(name):
    mean, greatest = films.measure(name).closed

    assert mean <= LIMITS["closed mean"]
    assert greatest <= LIMITS["closed max"]


@pytest.mark.parametrize("name", NAMES)
def test_look_is_the_same_at_6_and_24_megapixels(name):
    row = films.measure(name)

    assert row.size <= LIMITS["size"]
    assert row.size_rms <= LIMITS["size rms"]


@pytest.mark.parametrize("name", NAMES)
def test_no_stock_is_a_copy_of_another(name):
    assert films.measure(name).apart >= LIMITS["apart"]


def test_page_is_what_was_measured():
    """Word for word; numbers within one of their last digit, as machines differ."""
    kept = films.PAGE.read_text(encoding="utf-8")
    printed = films.page()

    assert NUMBER.sub("#", kept) == NUMBER.sub("#", printed)
    for old, new in zip(NUMBER.findall(kept), NUMBER.findall(printed), strict=True):
        assert len(old.partition(".")[2]) == len(new.partition(".")[2])
        last_digit = 10.0 ** -len(old.partition(".")[2])
        assert float(new) == pytest.approx(float(old), abs=1.01 * last_digit)

"""Films are found, loaded, changed, and refused with a reason."""

import dataclasses
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from phos_core.effects.couplers import coupler_psf
from phos_core.effects.development import develop
from phos_core.effects.exposure import expose, log10_exposure
from phos_core.effects.halation import base_return, halation_reach_um
from phos_core.effects.printing import PaperPrint
from phos_core.effects.projection import Projection
from phos_core.effects.scanning import Scan
from phos_core.errors import FilmFileError, UnknownFilmError
from phos_core.positive import make_positive
from phos_core.stocks.data_sheet import read_film_sheet
from phos_core.stocks.film import FILM_FORMATS_UM, Film
from phos_core.stocks.library import films, paper_summaries, papers
from phos_core.stocks.loading import bake_film, load_film

STOCKS = ["cinestill-800t", "portra-400", "tri-x-400", "velvia-50"]


def text_of(name: str) -> str:
    return files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text(encoding="utf-8")


@pytest.fixture
def my_film(tmp_path: Path) -> Path:
    """A stock's file of one's own."""
    path = tmp_path / "mine.toml"
    text = text_of("portra-400").replace('name = "portra-400"', 'name = "mine"', 1)
    path.write_text(text, encoding="utf-8")
    return path


def halo(film: Film) -> np.ndarray:
    """Share of each coupled layer's exposure that the base returns."""
    return np.array(film.halation.coupling) * base_return(film.halation)


# Finding.


def test_films_are_listed_by_name():
    listed = films()
    names = [film.name for film in listed]

    assert names == sorted(names)
    assert set(STOCKS) < set(names)
    assert all(film.label and film.description and film.formats for film in listed)


def test_a_list_shows_how_much_of_a_stock_is_measured():
    (listed,) = (film for film in films() if film.name == "velvia-50")
    provenance = load_film("velvia-50").provenance
    estimated = [entry for entry in provenance.values() if entry.status == "estimated"]

    assert listed.iso_speed == 50.0
    assert (listed.tables, listed.tables - listed.measured_tables) == (
        len(provenance),
        len(estimated),
    )
    assert listed.measured == f"{listed.measured_tables} of {listed.tables}"


def test_listing_bakes_nothing(monkeypatch):
    def fail(*_):
        raise AssertionError("a stock was baked")

    monkeypatch.setattr("phos_core.stocks.loading.bake_film", fail)

    assert films()
    assert [paper.name for paper in paper_summaries()] == papers()


def test_a_film_is_loaded_by_its_name():
    film = load_film("cinestill-800t")

    assert (film.name, film.label, film.kind) == ("cinestill-800t", "CineStill 800T", "negative")
    assert film.iso_speed == 800.0
    assert film.provenance["halation"].status == "estimated"


@pytest.mark.parametrize(
    ("name", "layers", "printing"),
    [
        ("cinestill-800t", 3, Scan),
        ("portra-400", 3, Scan),
        ("tri-x-400", 1, Scan),
        ("velvia-50", 3, Projection),
    ],
)
def test_every_step_of_a_film_has_the_same_layers(name, layers, printing):
    film = load_film(name)

    assert len(film.exposure.matrix) == layers
    assert len(film.scatter.layers) == len(film.halation.coupling) == layers
    assert len(film.couplers.inhibition) == len(film.development.curves) == layers
    assert len(film.grain.size_um) == layers
    assert isinstance(film.printing, printing)


def test_a_film_is_loaded_from_a_file_by_path_or_text(my_film):
    by_path, by_text = load_film(my_film), load_film(str(my_film))

    assert by_path == by_text
    assert by_path.name == "mine"
    assert by_path.development == load_film("portra-400").development


def test_a_path_needs_no_ending(my_film):
    plain = my_film.rename(my_film.with_suffix(""))

    assert load_film(plain).name == "mine"


def test_a_changed_file_is_read_again(my_film):
    load_film(my_film)
    my_film.write_text(my_film.read_text().replace("value = 400", "value = 200", 1))

    assert load_film(my_film).exposure.mid_grey_lx_s == pytest.approx(10.0 / 200.0)


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [("portra400", "portra-400"), ("Portra-400", "portra-400"), ("velvia", "velvia-50")],
)
def test_an_unknown_name_is_a_lookup_error_that_suggests_the_nearest(asked, suggested):
    with pytest.raises(LookupError, match=f"unknown film '{asked}'.*{suggested}") as caught:
        load_film(asked)

    assert isinstance(caught.value, UnknownFilmError)


def test_a_name_like_no_other_is_answered_with_all():
    with pytest.raises(UnknownFilmError) as caught:
        load_film("xyz")

    assert all(name in str(caught.value) for name in STOCKS)


@pytest.mark.parametrize("kind", [Path, str])
def test_a_missing_file_is_named(tmp_path, kind):
    with pytest.raises(FilmFileError, match=r"nowhere\.toml"):
        load_film(kind(tmp_path / "nowhere.toml"))


def test_a_faulty_file_is_named(my_film):
    my_film.write_text(my_film.read_text().replace("base_index = 1.48", "base_index = -1", 1))

    with pytest.raises(FilmFileError, match=r"mine\.toml \[halation\]: base_index must be pos"):
        load_film(my_film)


@pytest.mark.parametrize(
    ("right", "wrong", "word"),
    [
        ("antihalation_density = 1.2", "antihalation_density = -1.2", "antihalation_density"),
        ("base_index = 1.48", "base_index = 0.9", "base_index"),
        ("size_um = [2.8, 2.8, 3.4]", "size_um = [2.8, 0.0, 3.4]", "size_um"),
        ("[[0.85, 20.0], [0.15, 200.0]]", "[[0.85, 20.0], [0.25, 200.0]]", "diffusion"),
        ('illuminant = "D55"', 'illuminant = "D75"', "illuminant"),
    ],
)
def test_a_figure_that_a_step_refuses_is_the_file_s_fault(my_film, right, wrong, word):
    text = my_film.read_text()
    assert right in text
    my_film.write_text(text.replace(right, wrong, 1))

    with pytest.raises(FilmFileError, match=rf"mine\.toml.*{word}"):
        load_film(my_film)


def test_a_characteristic_curve_without_a_toe_or_a_shoulder_is_refused(my_film):
    text = my_film.read_text()
    start = text.index("red = [", text.index("[characteristic_curve]"))
    end = text.index("green = [", start)
    my_film.write_text(text[:start] + "red = [[-3.0, 0.2], [0.5, 2.0]]\n" + text[end:])

    with pytest.raises(FilmFileError, match=r"mine\.toml.*characteristic_curve.*red"):
        load_film(my_film)


# Printing.


def test_papers_are_listed_by_name():
    assert papers() == sorted(papers())
    assert {"endura-premier", "2383", "polymax"} <= set(papers())


@pytest.mark.parametrize(
    ("name", "paper"),
    [
        ("cinestill-800t", "2383"),
        ("portra-400", "endura-premier"),
        ("tri-x-400", "polymax"),
    ],
)
def test_a_negative_is_printed_and_nothing_else_of_it_changes(name, paper):
    scanned, printed = load_film(name, scanner="none"), load_film(name, printing=paper)

    assert isinstance(printed.printing, PaperPrint)
    assert printed.printing.paper == paper
    assert dataclasses.replace(printed, printing=scanned.printing) == scanned


def test_a_file_s_film_is_printed_on_paper_too(my_film):
    assert isinstance(load_film(my_film, printing="endura-premier").printing, PaperPrint)


@pytest.mark.parametrize("name", ["portra-400", "tri-x-400", "velvia-50"])
def test_a_scan_is_what_a_stock_gets_by_itself(name):
    assert load_film(name, printing="scan") == load_film(name)


@pytest.mark.parametrize(
    ("name", "paper", "message"),
    [
        ("velvia-50", "endura-premier", "takes a negative stock; velvia-50 is reversal: use"),
        ("tri-x-400", "2383", "takes a negative stock; tri-x-400 is black-and-white: use"),
        ("portra-400", "polymax", "polymax takes a black-and-white stock; portra-400 is negative"),
    ],
)
def test_a_paper_takes_its_own_kind_of_stock(name, paper, message):
    with pytest.raises(ValueError, match=message):
        load_film(name, printing=paper)


@pytest.mark.parametrize("paper", ["baryta", "", "endura"])
def test_an_unknown_paper_is_refused_with_those_that_are_known(paper):
    with pytest.raises(
        ValueError, match=rf"'auto', 'scan', 'neutral' or one of \[.*'endura.*got '{paper}'"
    ):
        load_film("portra-400", printing=paper)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("portra-400", {"filters_cc": (5, 0, 0)}, "filters_cc is for a colour negative's print: n"),
        ("portra-400", {"print_stops": 1}, "print_stops is for a print: name a paper"),
        ("portra-400", {"paper_grade": 3}, "paper_grade is for a print of a black-and-white st"),
        (
            "portra-400",
            {"printing": "2383", "paper_grade": 3},
            "paper_grade is for a print of a black-and-white stock",
        ),
        (
            "tri-x-400",
            {"printing": "polymax", "filters_cc": (5, 0, 0)},
            "filters_cc is for a colour negative's print",
        ),
        (
            "portra-400",
            {"printing": "2383", "contrast": 1.2},
            "contrast is for a scan: a print's contrast is that of its paper, or paper_grade, got",
        ),
        ("tri-x-400", {"balance_cc": (5, 0, 0)}, "balance_cc is for a picture in colour, got"),
        ("velvia-50", {"scanner": "fax"}, r"scanner must be one of \['minilab', .*, got 'fax'"),
        (
            "velvia-50",
            {"brightness_stops": -10, "white_point": 3},
            "white_point must be left out: with these settings no exposure",
        ),
        (
            "velvia-50",
            {"balance_cc": (100, 0, 0), "black_point": -0.5},
            r"black_point must be less than -\d.\d\d stops for this stock, got -0.5",
        ),
        (
            "portra-400",
            {"printing": "neutral", "white_point": 0.2},
            r"white_point must be more than 1.\d\d stops .* got 0.2",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        load_film(name, **settings)


def test_an_unknown_setting_is_named():
    with pytest.raises(TypeError, match="'paper_gade'"):
        load_film("tri-x-400", paper_gade=3)


def test_a_scan_is_black_and_white_where_it_is_told():
    film = load_film("portra-400", black_point=-4.0, white_point=3.0)
    stops = np.array([-4.0, 0.0, 3.0])
    wedge = np.broadcast_to(0.18 * 2.0**stops, (3, 1, 3))
    density = develop(log10_exposure(expose(wedge, film.exposure)), film.development)

    light = make_positive(density, film.printing)[:, 0]

    np.testing.assert_allclose(light, np.tile([0.0, 0.18, 1.0], (3, 1)), atol=0.01)


# Exposing.


@pytest.mark.parametrize("index", [200.0, 1600.0])
@pytest.mark.parametrize("printing", ["auto", "endura-premier"])
def test_an_exposure_index_moves_the_exposure_and_grey_stays_grey(index, printing):
    film = load_film("portra-400", exposure_index=index, printing=printing)
    grey = np.full((3, 1, 1), 0.18)
    exposed = expose(grey, film.exposure)
    light = make_positive(develop(log10_exposure(exposed), film.development), film.printing)

    np.testing.assert_allclose(exposed, 10.0 / index, rtol=1e-9)
    np.testing.assert_allclose(light, 0.18, atol=2e-4)
    assert film.iso_speed == 400.0


def test_another_light_leaves_the_print_as_it_is():
    own, other = load_film("vision3-500t"), load_film("vision3-500t", light="daylight")

    assert other.printing == own.printing
    assert dataclasses.replace(other, exposure=own.exposure) == own


# The record.


def numbers_of(value) -> list:
    """All that a record holds but for words, mappings and nothing."""
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers_of(part)]
    return [] if value is None or isinstance(value, str | Mapping) else [value]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((film.name, {}) for film in films()),
        ("portra-400", {"printing": "2383", "filters_cc": (5, 2, 0), "light": 4000}),
        ("portra-400", {"black_point": -4, "white_point": 4, "exposure_time_s": 30}),
        ("tri-x-400", {"printing": "polymax", "paper_grade": 2.5, "print_stops": 1}),
    ],
)
def test_every_number_of_a_film_is_a_plain_one(name, settings):
    """One of NumPy's would turn single precision into double."""
    assert {type(number) for number in numbers_of(load_film(name, **settings))} <= {float, int}


def test_a_film_cannot_be_changed_by_mistake():
    film = load_film("portra-400")

    for record, name in ((film, "iso_speed"), (film.halation, "base_index")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, 1.0)


def test_a_variant_is_made_by_replacing_a_figure_or_a_step():
    film = load_film("portra-400")
    bare = dataclasses.replace(film.halation, antihalation_density=0.0)

    variant = dataclasses.replace(film, label="Portra without its backing", halation=bare)

    assert variant != film
    assert variant.development is film.development
    assert (halo(variant) >= halo(film)).all()
    assert halo(variant)[0] > 100.0 * halo(film)[0]
    assert load_film("portra-400").halation.antihalation_density > 1.0


def test_a_step_checks_itself_when_it_is_replaced():
    with pytest.raises(ValueError, match="antihalation_density"):
        dataclasses.replace(load_film("portra-400").halation, antihalation_density=-1.0)


def test_a_sheet_is_baked_as_its_name_is_loaded():
    sheet = read_film_sheet(text_of("tri-x-400"), "tri-x-400")

    assert bake_film(sheet) == load_film("tri-x-400")


def test_without_its_backing_a_film_glows_a_hundred_times_as_much():
    bare, backed = halo(load_film("cinestill-800t")), halo(load_film("portra-400"))

    coupled = backed > 0.0
    assert coupled.any()
    assert (bare[coupled] > 100.0 * backed[coupled]).all()
    assert (bare[~coupled] == 0.0).all()


@pytest.mark.parametrize("name", STOCKS)
def test_reach_is_a_few_mm_and_covers_every_spread(name):
    film = load_film(name)
    radius, _ = coupler_psf(film.couplers, pixel_pitch_um=50.0).radius

    assert 1000.0 < film.reach_um < 5000.0
    assert film.reach_um >= 50.0 * (radius - 1)
    assert film.reach_um >= halation_reach_um(film.halation)


def test_reach_is_the_sum_of_what_each_step_reaches():
    film = load_film("cinestill-800t", scanner="none")
    bare = dataclasses.replace(film, scatter=None, halation=None, couplers=None)

    def alone(step: str) -> float:
        return dataclasses.replace(bare, **{step: getattr(film, step)}).reach_um

    assert bare.reach_um == 0.0
    assert alone("halation") == halation_reach_um(film.halation)
    assert alone("couplers") == pytest.approx(6.0 * 200.0)
    assert alone("scatter") == pytest.approx(6.0 * 14.0)
    together = sum(alone(step) for step in ("halation", "couplers", "scatter"))
    assert film.reach_um == pytest.approx(together)
    assert film.reach_um == film.light_reach_um + film.coupler_reach_um
    assert film.coupler_reach_um == alone("couplers")
    seen = dataclasses.replace(film, aperture_um=4.0)  # blurs what scatter has blurred
    assert seen.reach_um - film.reach_um == pytest.approx(6.0 * (math.hypot(14.0, 4.0) - 14.0))


# Formats.


def test_formats_have_a_long_side_and_a_short_one_in_um():
    assert FILM_FORMATS_UM["135"] == (36_000.0, 24_000.0)
    assert FILM_FORMATS_UM["120-66"] == (56_000.0, 56_000.0)
    for long_um, short_um in FILM_FORMATS_UM.values():
        assert 150_000.0 > long_um >= short_um > 4_000.0


def test_the_frames_of_motion_pictures_have_the_shapes_that_are_known():
    shapes = {name: long_um / short_um for name, (long_um, short_um) in FILM_FORMATS_UM.items()}
    for name, shape in {
        "16mm": 1.37,
        "super-16": 1.69,
        "academy": 1.37,
        "super-35": 1.33,
        "vistavision": 1.51,
        "65mm": 2.29,
        "imax": 1.34,
    }.items():
        assert shapes[name] == pytest.approx(shape, abs=0.006)
    long_um = FILM_FORMATS_UM["super-35"][0]
    assert FILM_FORMATS_UM["vistavision"][1] == pytest.approx(
        long_um, abs=50.0
    )  # between the holes
    assert FILM_FORMATS_UM["65mm"][0] == FILM_FORMATS_UM["imax"][1]


def test_formats_cannot_be_changed():
    with pytest.raises(TypeError):
        FILM_FORMATS_UM["135"] = (1.0, 1.0)

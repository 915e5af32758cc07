"""Films, papers and formats are found by what people write, and never by a guess."""

import pytest

import phos_core as phos
from phos_core.errors import UnknownFilmError
from phos_core.stocks.film import FILM_FORMATS_UM
from phos_core.stocks.library import film_names, paper_summaries
from phos_darkroom.settings.names import film_named, format_named, paper_named


@pytest.fixture(scope="module")
def listed():
    """The films, read once."""
    return phos.films()


@pytest.fixture(autouse=True)
def _read_once(monkeypatch, listed):
    monkeypatch.setattr(phos, "films", lambda: listed)


def test_every_film_is_found_by_its_name_and_by_its_full_name_however_they_are_spelt():
    found = {}
    for film in phos.films():
        for name in (film.name, film.label):
            spellings = (name, name.upper(), name.replace("-", ""), name.replace("-", " "))
            found |= {spelling: film_named(spelling) == film.name for spelling in spellings}
    assert all(found.values()), [name for name, is_right in found.items() if not is_right]


@pytest.mark.parametrize(
    ("written", "film"),
    [
        ("Kodak Portra 400", "portra-400"),
        ("portra400", "portra-400"),
        ("Tri-X", "tri-x-400"),
        ("tri x", "tri-x-400"),
        ("HP5+", "hp5-plus"),
        ("Fuji Velvia", "velvia-50"),
        ("Fujifilm Pro 400H", "pro-400h"),
        ("Provia 100", "provia-100f"),
        ("500T", "vision3-500t"),
        ("5219", "vision3-500t"),
        ("portra 800", "portra-800"),
        ("mine.toml", "mine.toml"),
    ],
)
def test_a_film_is_found_by_the_words_that_it_is_called_by(written, film):
    assert film_named(written) == film


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("Portra", "film 'Portra' may be portra-160, portra-400, portra-800, .*: which one"),
        ("tmax", "may be t-max-100 or t-max-400: which one"),
        ("Portra 40", "unknown film 'Portra 40'; did you mean portra-"),
        ("portra-40", "unknown film 'portra-40'; did you mean portra-"),
        ("Kodak Portro 400", "unknown film .*; did you mean .*portra-400"),
        ("zzz", "unknown film 'zzz'; see `phos films`"),
        ("", "unknown film ''"),
    ],
)
def test_a_name_that_fits_no_film_or_several_is_an_error_with_the_nearest(written, message):
    with pytest.raises(UnknownFilmError, match=message):
        film_named(written)


def test_the_names_alone_are_those_of_the_list():
    assert film_names() == [film.name for film in phos.films()]


def test_every_paper_is_found_by_its_name_and_by_its_full_name():
    for paper in paper_summaries():
        assert paper_named(paper.name) == paper_named(paper.label.upper()) == paper.name
    assert paper_named("Kodak 2383") == "2383"
    assert paper_named("Auto") == "auto"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("Endura", "may be endura-premier, portra-endura or supra-endura"),
        ("velvet", "one of auto, scan"),
    ],
)
def test_a_name_that_fits_no_paper_or_several_is_an_error(written, message):
    with pytest.raises(ValueError, match=f"^printing .*{message}"):
        paper_named(written)


def test_every_format_is_found_by_its_own_name():
    assert {name: format_named(name) for name in FILM_FORMATS_UM} == {
        name: name for name in FILM_FORMATS_UM
    }


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("35mm", "135"),
        ("35 mm", "135"),
        ("6x6", "120-66"),
        ("6×7", "120-67"),
        ("6 x 4.5 cm", "120-645"),
        ("645", "120-645"),
        ("6X9", "120-69"),
        ("Super 35", "super-35"),
        ("Super 8", "super-8"),
        ("16 mm", "16mm"),
        ("70 mm", "65mm"),
        ("15/70", "imax"),
        ("half frame", "half-frame"),
    ],
)
def test_a_format_is_found_by_what_people_call_it(written, name):
    assert format_named(written) == name


def test_120_is_several_formats_and_137_is_none():
    with pytest.raises(ValueError, match=r"film_format 120 has frames of 6x4.5, 6x6, 6x7 and 6x9"):
        format_named("120")
    with pytest.raises(ValueError, match=r"film_format must be one of 135, .* got '137'"):
        format_named("137")

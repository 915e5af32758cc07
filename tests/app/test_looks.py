import math

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
import phos_core as phos
from phos_app.looks import (
    CONTROLS,
    OF_MOTION,
    OF_THE_FILE,
    SPANS,
    described,
    films_by_kind,
    from_settings,
    offered,
    printings,
    recipe_of,
    recipe_of_page,
    settings_of,
    within,
)
from phos_core.process.recipe import Recipe
from phos_darkroom import frames_of
from phos_darkroom.settings.described import SETTINGS, bounds_of
from phos_darkroom.settings.presets import load_preset

FILMS = [film.name for film in phos.films()]


def test_what_stands_at_first_is_the_librarys_own_default():
    assert recipe_of(CONTROLS) == Recipe()


@pytest.mark.parametrize("film", FILMS)
def test_every_film_with_every_paper_it_is_offered_can_be_loaded(film):
    for printing in printings(film):
        recipe_of({**CONTROLS, "film": film, "printing": printing}).load_film()


@pytest.mark.parametrize("film", FILMS)
def test_every_push_that_a_film_is_offered_can_be_loaded(film):
    for stops in {stock.name: stock for stock in phos.films()}[film].push_range:
        recipe_of({**CONTROLS, "film": film, "push_stops": stops}).load_film()


@pytest.mark.parametrize("film", ["portra-400", "velvia-50", "tri-x-400"])
@pytest.mark.parametrize("mode", ["full", "colour", "texture"])
def test_controls_that_do_not_count_keep_their_value_and_change_nothing(film, mode):
    moved = {
        **CONTROLS,
        "film": film,
        "mode": mode,
        "print_stops": 1.0,
        "yellow": 20.0,
        "red": 5.0,
        "lab_correction": False,
        "paper_grade": 3.0,
        "black_point": -4.0,
        "auto_balance": True,
        "grain": 0.5,
        "couplers": 0.5,
    }
    recipe = recipe_of(moved)
    recipe.load_film()
    counting = offered(moved)
    assert recipe.print_stops == 0.0
    assert recipe.filters_cc == (0.0, 0.0, 0.0)
    assert recipe.balance_cc[0] == (0.0 if film == "tri-x-400" else 5.0)
    assert recipe.lab_correction == (film == "velvia-50")
    assert recipe.auto_balance == ("auto_balance" in counting)
    assert recipe.grain == (1.0 if mode == "colour" else 0.5)
    assert recipe.couplers == (1.0 if mode == "texture" else 0.5)


@pytest.mark.parametrize("name", ["portrait", "landscape", "street", "cinema", "night", "sun"])
def test_a_preset_gives_the_recipe_that_the_shell_gives(name):
    controls, changed = from_settings(load_preset(name))
    assert not changed
    mine, theirs = recipe_of(controls), Recipe(**load_preset(name))
    assert mine.load_film() == theirs.load_film()
    assert (mine.film_format, mine.exposure_stops) == (theirs.film_format, theirs.exposure_stops)


def test_a_preset_of_moving_film_keeps_its_wear_and_says_what_a_photograph_does_without():
    preset = load_preset("ektachrome-super-8")
    controls, changed = from_settings(preset)
    assert changed == ["gate weave and breathing left out: a photograph stands still"]
    assert recipe_of(controls) == Recipe(**preset | dict.fromkeys(OF_MOTION, 0.0))
    assert recipe_of(controls).dust_per_cm2 > 0
    recipe_of(controls | {"mode": "colour"})


def test_settings_come_back_as_they_went():
    settings = {
        "film": "gold-200",
        "seed": 5,
        "exposure_stops": 0.3,
        "light": 4300.0,
        "printing": "endura-premier",
        "filters_cc": (5.0, 0.0, -2.0),
        "print_stops": 0.5,
        "balance_cc": (0.0, -4.0, 3.0),
        "brightness_stops": 0.4,
        "highlights_stops": 4.0,
        "light_balance": 0.5,
        "lab_correction": False,
        "halation": 1.5,
        "dust_per_cm2": 3.0,
        "scratches": 0.6,
    }
    controls, changed = from_settings(settings)
    assert not changed
    assert Recipe(**settings_of(controls)) == Recipe(**settings)


def test_what_a_control_cannot_hold_is_said():
    controls, changed = from_settings({"exposure_stops": 9.0, "push_stops": 9.0})
    assert controls["exposure_stops"] == 5.0
    assert "exposure_stops goes from -5 to 5 here, got 9" in changed
    assert any("push_stops" in words for words in changed)


def test_settings_of_phos_0_1_are_kept_and_its_neutral_scan_is_a_choice(tmp_path):
    old = tmp_path / "old.toml"
    old.write_text('[settings]\nfilm = "gold-200"\n')
    controls, changed = from_settings(load_preset(old))
    assert not changed
    assert recipe_of(controls).load_film() == Recipe(**load_preset(old)).load_film()
    assert "neutral" in printings("gold-200")
    old.write_text('[settings]\nfilm = "velvia-50"\n')
    controls, changed = from_settings(load_preset(old))
    assert not changed
    assert recipe_of(controls).load_film() == Recipe(**load_preset(old)).load_film()


def test_a_scanner_that_is_not_there_is_said():
    controls, changed = from_settings({"scanner": "eye"})
    assert controls["scanner"] == Recipe().scanner
    assert changed == ["there is no scanner 'eye' here"]


def test_a_paper_goes_when_its_kind_of_film_does():
    controls = {**CONTROLS, "film": "tri-x-400", "printing": "endura-premier"}
    settled, changed = within(controls)
    assert settled["printing"] == "auto"
    assert changed


@pytest.mark.parametrize("film", ["/etc/passwd.toml", "../mine.toml"])
def test_a_film_that_is_a_file_is_not_opened(film):
    with pytest.raises(ValueError, match="file of its own"):
        from_settings({"film": film})


def test_an_unknown_film_is_refused():
    with pytest.raises(ValueError, match="no film 'velvet'"):
        from_settings({"film": "velvet"})


def test_every_film_has_its_place():
    listed = [film.name for group in films_by_kind().values() for film in group]
    assert sorted(listed) == sorted(FILMS)


def test_every_setting_is_a_control_or_comes_with_the_file():
    of_controls = {described(name).name for name in CONTROLS}
    assert of_controls | {*OF_THE_FILE, *OF_MOTION} == SETTINGS.keys()
    assert not of_controls & {*OF_THE_FILE, *OF_MOTION}


def test_no_control_goes_beyond_what_the_shell_takes():
    for name, span in SPANS.items():
        low, high = bounds_of(described(name)) or (0, math.inf)  # a seed may be any whole number
        assert low <= span.low < span.high <= high, name


def test_the_frames_of_a_roll_have_the_grain_that_the_shell_gives_them(tmp_path):
    """A browser tells the name of a folder that is uploaded, not that of a file's."""
    (tmp_path / "day").mkdir()
    names = ["day/a.jpg", "day/b.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    recipe = Recipe(film="gold-200", seed=4)
    frames = frames_of(tmp_path / "day", tmp_path / "out", recipe)
    for frame, name in zip(frames, names, strict=True):
        settings = {"film": "gold-200", "seed": 4}
        assert recipe_of_page(settings, name, 2) == frame.recipe
        assert recipe_of_page(settings, name, 1) == recipe


def test_what_a_page_says_is_of_its_controls_kind():
    assert recipe_of_page({"grain": 1, "seed": 3.0}, "a", 1) == Recipe(grain=1.0, seed=3)
    for wrong in (
        {"grain": None},
        {"seed": "x"},
        {"auto_balance": 1},
        {"film": 3},
        {"grain": 1e999},
    ):
        with pytest.raises((TypeError, ValueError)):
            recipe_of_page(wrong, "a", 1)

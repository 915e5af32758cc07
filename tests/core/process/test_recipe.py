"""A recipe checks its settings once, and knows the size of a pixel on the film."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.effects.scatter import scatter_mtf
from phos_core.errors import FilmFileError, UnknownFilmError
from phos_core.process.recipe import Recipe, Settings
from phos_core.stocks.film import FILM_FORMATS_UM
from phos_core.stocks.loading import load_film
from phos_core.stocks.treatment import FilmSettings, Treatment

FIELDS = dataclasses.fields(Recipe)
sides = st.integers(1, 60_000)


def test_defaults_are_a_plain_picture_on_portra_400():
    recipe = Recipe()

    assert dataclasses.asdict(recipe) == dataclasses.asdict(Treatment()) | {
        "film": "portra-400",
        "seed": 0,
        "frame": 0,
        "exposure_stops": 0.0,
        "film_format": "135",
        "pixel_pitch_um": None,
        "offset_px": (0, 0),
        "encoding": "srgb",
        "primaries": "srgb",
        "input_space": "",
        "output_space": "",
        "highlights_stops": 1.5,
        "lab_correction": True,
        "light_balance": 1.0,
        "auto_balance": False,
        "mode": "full",
        "scatter": 1.0,
        "halation": 1.0,
        "couplers": 1.0,
        "grain": 1.0,
        "weave_um": 0.0,
        "breathing_stops": 0.0,
        "dust_per_cm2": 0.0,
        "scratches": 0.0,
        "strength": 1.0,
    }


def test_every_setting_may_be_given_as_a_keyword():
    """Type checkers read `Settings`; nothing of a recipe is missing there, nor too much."""
    given_by_name = {"film", "seed"}

    assert set(Settings.__annotations__) | given_by_name == {f.name for f in FIELDS}
    assert set(FilmSettings.__annotations__) == {f.name for f in dataclasses.fields(Treatment)}


def test_equal_settings_are_equal_recipes():
    assert Recipe(seed=np.int64(7), exposure_stops=1) == Recipe(seed=7, exposure_stops=1.0)
    assert hash(Recipe(seed=7)) == hash(Recipe(seed=7))
    assert Recipe(seed=7) != Recipe(seed=8)


def test_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().seed = 1


@pytest.mark.parametrize("whole", [np.int64, np.int32, np.uint8, int])
def test_whole_numbers_of_any_type_become_plain_ones(whole):
    recipe = Recipe(seed=whole(3), frame=whole(4), offset_px=[whole(5), whole(6)])

    assert (recipe.seed, recipe.frame, recipe.offset_px) == (3, 4, (5, 6))
    assert {type(value) for value in (recipe.seed, recipe.frame, *recipe.offset_px)} == {int}


@pytest.mark.parametrize("number", [np.float32, np.float64, np.int64, float, int])
def test_numbers_of_any_type_become_plain_ones(number):
    recipe = Recipe(exposure_stops=number(2), pixel_pitch_um=number(6))

    assert (recipe.exposure_stops, recipe.pixel_pitch_um) == (2.0, 6.0)
    assert type(recipe.exposure_stops) is type(recipe.pixel_pitch_um) is float


def test_offsets_may_be_negative_and_seeds_large():
    recipe = Recipe(offset_px=(-3, -700), seed=-1, frame=2**80)

    assert (recipe.offset_px, recipe.seed, recipe.frame) == ((-3, -700), -1, 2**80)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("film", 400, "film must be a name, a path or a Film, got 400"),
        ("film", None, "film must be a name, a path or a Film, got None"),
        ("seed", 1.5, "seed must be a whole number, got 1.5"),
        ("seed", 1.0, "seed must be a whole number, got 1.0"),
        ("seed", True, "seed must be a whole number, got True"),
        ("seed", "7", "seed must be a whole number, got '7'"),
        ("frame", None, "frame must be a whole number, got None"),
        ("exposure_stops", "1", "exposure_stops must be a number, got '1'"),
        ("exposure_stops", None, "exposure_stops must be a number, got None"),
        ("exposure_stops", True, "exposure_stops must be a number, got True"),
        ("pixel_pitch_um", "6", "pixel_pitch_um must be a number, got '6'"),
        ("pixel_pitch_um", (6.0, 6.0), "pixel_pitch_um must be a number"),
        ("grain", "much", "grain must be a number, got 'much'"),
        ("auto_balance", 1, "auto_balance must be True or False, got 1"),
        ("lab_correction", "yes", "lab_correction must be True or False, got 'yes'"),
        ("scanner", 3, "scanner must be a name, got 3"),
        ("process_version", "1", "process_version must be a whole number, got '1'"),
        ("offset_px", (1.5, 0), "offset_px must be a whole number, got 1.5"),
        ("offset_px", (0, False), "offset_px must be a whole number, got False"),
    ],
)
def test_settings_of_the_wrong_type_are_refused(setting, value, message):
    with pytest.raises(TypeError, match=message):
        Recipe(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("exposure_stops", math.nan, "exposure_stops must be finite, got nan"),
        ("exposure_stops", math.inf, "exposure_stops must be finite, got inf"),
        ("pixel_pitch_um", 0.0, "pixel_pitch_um must be a positive length in um, got 0.0"),
        ("pixel_pitch_um", -6, "pixel_pitch_um must be a positive length in um, got -6.0"),
        ("pixel_pitch_um", math.nan, "pixel_pitch_um must be finite, got nan"),
        ("offset_px", 3, r"offset_px must be \(row, column\), got 3"),
        ("offset_px", (1, 2, 3), r"offset_px must be \(row, column\), got \(1, 2, 3\)"),
        ("film_format", "35mm", "film_format must be one of 135, .*4x5, got '35mm'"),
        ("encoding", "sRGB", "encoding must be 'srgb', 'display' or 'linear', got 'sRGB'"),
        ("primaries", "adobe", "primaries must be one of srgb, display-p3, .*, got 'adobe'"),
        ("primaries", "rec2020", 'coding of their own: give linear light, with encoding="linear"'),
        ("mode", "color", "mode must be 'full', 'colour' or 'texture', got 'color'"),
        ("grain", -0.1, "grain must not be negative, got -0.1"),
        ("process_version", 3, "process_version must be 1 or 2, got 3"),
        ("balance_cc", (1.0, 2.0), r"balance_cc must be \(red, green, blue\), got"),
        ("scatter", 1.5, "scatter must not exceed 1, the stock as it is, got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(setting, value, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("printing", "endura-premier"),
        ("light", "daylight"),
        ("exposure_index", 800),
        ("scanner", "none"),
        ("process_version", 1),
    ],
)
def test_a_film_that_is_loaded_is_not_treated_again(setting, value):
    with pytest.raises(ValueError, match=f"{setting} is part of a Film already: .* with a Film"):
        Recipe(film=load_film("portra-400"), **{setting: value})


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"mode": "colour", "grain": 0.5}, 'grain has no part in mode "colour", got 0.5'),
        ({"mode": "texture", "couplers": 2.0}, 'couplers has no part in mode "texture", got 2.0'),
        ({"mode": "texture", "auto_balance": True}, 'auto_balance has no part in mode "texture"'),
    ],
)
def test_settings_that_a_mode_leaves_out_are_refused(settings_, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**settings_)


def test_replacing_a_setting_checks_it():
    with pytest.raises(ValueError, match="film_format"):
        dataclasses.replace(Recipe(), film_format="minox")


# The film.


def test_film_is_loaded_by_name_with_its_printing():
    recipe = Recipe(film="portra-400", printing="endura-premier")

    assert recipe.load_film() == load_film("portra-400", printing="endura-premier")


def test_film_is_loaded_with_every_setting_of_its_treatment():
    settings_ = {"light": 4000, "exposure_index": 250, "printing": "2383", "print_stops": 0.5}

    recipe = Recipe(film="vision3-500t", lab_correction=False, light_balance=0.0, **settings_)
    assert recipe.load_film() == load_film("vision3-500t", **settings_)


def test_film_that_is_given_is_used_as_it_is():
    film = dataclasses.replace(load_film("tri-x-400"), grain=None)

    assert Recipe(film=film).load_film() is film


@pytest.mark.parametrize(
    ("film", "error"),
    [("no such film", UnknownFilmError), (Path("nowhere.toml"), FilmFileError)],
)
def test_film_is_looked_for_when_it_is_loaded(film, error):
    recipe = Recipe(film=film)

    with pytest.raises(error):
        recipe.load_film()


# The strength of effects.


@pytest.mark.parametrize("film", ["portra-400", load_film("portra-400")], ids=["name", "film"])
def test_effects_are_as_strong_as_asked(film):
    plain = load_film("portra-400")
    loaded = Recipe(film=film, halation=3.0, grain=0.5, couplers=2.0).load_film()

    np.testing.assert_allclose(loaded.halation.coupling, np.multiply(3.0, plain.halation.coupling))
    np.testing.assert_allclose(
        loaded.couplers.inhibition, np.multiply(2.0, plain.couplers.inhibition)
    )
    for half, whole in zip(
        loaded.grain.rms_coefficients, plain.grain.rms_coefficients, strict=True
    ):
        np.testing.assert_allclose(half, np.multiply(0.5, whole))
    assert loaded.scatter == plain.scatter


def test_an_effect_of_no_strength_is_left_out():
    loaded = Recipe(scatter=0, halation=0, couplers=0, grain=0).load_film()

    assert (loaded.scatter, loaded.halation, loaded.couplers, loaded.grain) == (None,) * 4


@pytest.mark.parametrize("share", [0.25, 0.8])
def test_part_of_the_scatter_is_scattered_and_the_rest_is_not(share):
    plain, less = load_film("tri-x-400").scatter, Recipe(film="tri-x-400", scatter=share)
    frequency_per_mm = np.array([0.0, 10.0, 40.0])

    response = scatter_mtf(less.load_film().scatter, frequency_per_mm)

    expected = 1.0 - share + share * scatter_mtf(plain, frequency_per_mm)
    np.testing.assert_allclose(response, expected, atol=1e-5)


def test_colour_mode_leaves_out_what_acts_from_point_to_point():
    loaded = Recipe(film="cinestill-800t", mode="colour").load_film()

    assert (loaded.scatter, loaded.halation, loaded.grain) == (None, None, None)
    assert loaded.couplers.inhibition == load_film("cinestill-800t").couplers.inhibition
    assert loaded.reach_um < 0.1


# The pixel.


@settings(max_examples=50)
@given(rows=sides, cols=sides, film_format=st.sampled_from(sorted(FILM_FORMATS_UM)))
def test_long_side_of_the_picture_is_that_of_the_frame(rows, cols, film_format):
    pitch_um = Recipe(film_format=film_format).pitch_um(rows, cols)

    assert pitch_um * max(rows, cols) == pytest.approx(FILM_FORMATS_UM[film_format][0])
    assert pitch_um == Recipe(film_format=film_format).pitch_um(cols, rows)


def test_24_megapixels_on_135_are_pixels_of_6_um():
    assert Recipe().pitch_um(4000, 6000) == Recipe().pitch_um(6000, 4000) == 6.0


@settings(max_examples=50)
@given(rows=sides, cols=sides, pitch_um=st.floats(0.1, 1000.0))
def test_a_pitch_that_is_given_wins(rows, cols, pitch_um):
    assert Recipe(pixel_pitch_um=pitch_um, film_format="4x5").pitch_um(rows, cols) == pitch_um


def test_a_picture_without_pixels_has_a_pitch():
    assert Recipe().pitch_um(0, 0) == 36_000.0


def test_every_setting_stands_on_the_page_of_settings():
    page = Path(__file__).parents[3].joinpath("docs", "settings.md").read_text("utf-8")

    assert all(f"`{field.name}`" in page for field in FIELDS)

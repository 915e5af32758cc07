"""The settings are described once: options, sidecars and docs/settings.md follow that table."""

import dataclasses
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from phos_core.process.recipe import Recipe
from phos_core.stocks.treatment import BOUNDS
from phos_darkroom.settings.as_text import settings_from, values_of
from phos_darkroom.settings.described import EXPOSURE_STOPS, SETTINGS
from phos_darkroom.shell.help import HEADINGS
from phos_darkroom.shell.main import main
from phos_darkroom.shell.messages import as_options
from phos_darkroom.shell.preset_options import given

FIELDS = {field.name: field.default for field in dataclasses.fields(Recipe)}
# Files have seeds of their own, pictures are whole, and an old process is for old sidecars.
KEPT_TO_PYTHON = {"frame", "offset_px", "process_version"}
PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def page_rows():
    """The table of docs/settings.md as the table of the settings makes it."""
    heading = None
    for setting in SETTINGS.values():
        if setting.group != heading:
            heading = setting.group
            yield f"| **{heading.lower()}** | | | |"
        default = setting.unset or f"`{_plain(FIELDS[setting.name])!r}`"
        option = ", ".join(f"`{each}`" for each in _options(setting) if each)
        yield f"| `{setting.name}` | {option} | {default} | {setting.meaning} |"


def _options(setting):
    """What switches a setting on, and off where it is on by default."""
    is_on = FIELDS[setting.name] is True
    return (setting.option, f"--no-{setting.option[2:]}") if is_on else (setting.option,)


def _plain(default):
    if isinstance(default, tuple):
        return tuple(map(_plain, default))
    return int(default) if type(default) is float and default.is_integer() else default


@pytest.fixture
def develop():
    """The command `phos develop`."""
    return main.get_command(click.Context(main), "develop")


def test_the_table_describes_every_setting_of_a_recipe_once_and_no_other():
    assert sorted(SETTINGS) == sorted(FIELDS)
    assert {name for name, setting in SETTINGS.items() if not setting.option} == KEPT_TO_PYTHON


def test_every_setting_of_the_table_is_an_option_under_its_heading(develop):
    options = {param.name: param for param in develop.params if isinstance(param, click.Option)}
    for name, setting in SETTINGS.items():
        if setting.option:
            assert (*options[name].opts, *options[name].secondary_opts) == _options(setting)
            assert options[name].heading == setting.group
            assert setting.group in HEADINGS


def test_an_option_that_is_left_out_means_the_default_of_the_recipe(develop):
    context = develop.make_context("develop", ["in.png", "-o", "out.png"])
    left_out = {name: context.params[name] for name in FIELDS.keys() - KEPT_TO_PYTHON}
    assert all(value in (None, FIELDS[name]) for name, value in left_out.items()), left_out
    assert given(context) == {}


def test_every_setting_stands_in_a_sidecar():
    values = values_of(Recipe())
    assert values.keys() | {"film"} == FIELDS.keys()
    assert settings_from(values) == {name: FIELDS[name] for name in values}


BEYOND = {
    "light": "30",
    "black_point": "-1e9",
    "balance_cc": "9999 0 0",
    "filters_cc": "9999 0 0",
    "film_format": "137",
    "printing": "velvet",
}


@pytest.mark.parametrize("name", sorted({*BOUNDS, *BEYOND} - KEPT_TO_PYTHON))
def test_a_value_beyond_its_bounds_is_refused_by_the_name_of_its_option(name):
    option, value = SETTINGS[name].option, BEYOND.get(name, "1e9")
    result = CliRunner().invoke(main, ["develop", "a.jpg", option, *value.split()])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"phos: {option} must ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('use printing="auto"', "use --printing auto"),
        ("name a paper in printing", "name a paper in --printing"),
        (
            'grain has no part in mode "colour", got 2',
            "--grain has no part in --mode colour, got 2",
        ),
        ("a.jpg: pixel_pitch_um must be given", "a.jpg: --pixel-pitch must be given"),
        ("the light of a film of that mode", "the light of a film of that mode"),
        ("film.jpg does not exist", "film.jpg does not exist"),
    ],
)
def test_an_error_names_the_option_and_leaves_all_other_words(develop, message, shown):
    assert as_options(message, develop) == shown


def test_the_page_of_the_settings_is_the_table():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| Python | shell | default | meaning |") + 2
    expected = list(page_rows())
    assert lines[start : start + len(expected)] == expected
    assert lines[start + len(expected)] == ""


def test_the_page_has_the_bounds_and_the_unit_of_every_setting():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index("| setting | from | to |") + 2
    expected = [
        f"| `{name}` | {low:.12g} | {high:.12g} {SETTINGS[name].unit}".rstrip() + " |"
        for name, (low, high) in BOUNDS.items()
    ]
    assert lines[start : start + len(expected)] == expected
    assert lines[start + len(expected)] == ""


def test_the_shell_takes_as_much_exposure_as_the_app_offers():
    looks = pytest.importorskip("phos_app.looks")
    span = looks.SPANS["exposure_stops"]
    assert (span.low, span.high) == EXPOSURE_STOPS

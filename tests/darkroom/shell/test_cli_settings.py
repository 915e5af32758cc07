"""Every setting of a recipe has its option, its line in a sidecar and its row in the docs."""

import ast
import dataclasses
import re
from pathlib import Path

import click
import pytest

from phos_core.process.recipe import Recipe
from phos_darkroom.settings.as_text import settings_from, values_of
from phos_darkroom.shell.main import main
from phos_darkroom.shell.preset_options import given

FIELDS = {field.name: field.default for field in dataclasses.fields(Recipe)}
KEPT_TO_PYTHON = {"frame", "offset_px"}  # files have seeds of their own, and pictures are whole
PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
CODE = re.compile(r"`([^`]+)`")


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table: names in Python, options at the shell, the default of the first."""

    names: tuple[str, ...]
    options: tuple[str, ...]
    default: str


def rows():
    """The table of docs/settings.md."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and (names := tuple(CODE.findall(cells[0]))):
            options = tuple(CODE.findall(cells[1]))
            if cells[1] == "the same":
                options = tuple(f"--{name}" for name in names)
            yield Row(names, options, cells[2].strip("`"))


ROWS = list(rows())


@pytest.fixture
def develop():
    """The command `phos develop`."""
    return main.get_command(click.Context(main), "develop")


@pytest.fixture
def options(develop):
    """Its options, by what they set."""
    return {param.name: param for param in develop.params if isinstance(param, click.Option)}


def test_every_setting_has_an_option(options):
    assert FIELDS.keys() - options.keys() == KEPT_TO_PYTHON


def test_an_option_that_is_left_out_means_the_default_of_the_recipe(develop):
    context = develop.make_context("develop", ["in.png", "-o", "out.png"])
    left_out = {name: context.params[name] for name in FIELDS.keys() - KEPT_TO_PYTHON}
    assert all(value in (None, FIELDS[name]) for name, value in left_out.items()), left_out
    assert given(context) == {}


def test_every_setting_stands_in_a_sidecar():
    values = values_of(Recipe())
    assert values.keys() | {"film"} == FIELDS.keys()
    assert settings_from(values) == {name: FIELDS[name] for name in values}


def test_every_setting_has_one_row_in_the_docs():
    named = [name for row in ROWS for name in row.names]
    assert sorted(named) == sorted(FIELDS)


def test_the_docs_name_the_option_of_each_setting(options):
    for row in ROWS:
        offered = {options[name].opts[0] for name in row.names if name in options}
        assert set(row.options) == offered, row.names


def test_the_docs_tell_the_default_of_each_setting():
    told = 0
    for row in ROWS:
        try:
            default = ast.literal_eval(row.default)
        except (SyntaxError, ValueError):
            continue  # in words
        assert default == FIELDS[row.names[0]], row.names
        told += 1
    assert told >= 8

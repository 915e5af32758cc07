"""Data sheets are read whole, or refused with the file, the table and the key."""

import json
import math
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from phos_core.errors import FilmFileError, PhosError
from phos_core.sheets import LAYERS, read_film_sheet, read_paper_sheet, read_text

STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
PAPERS = ("endura-premier",)
STATUSES = {"published", "digitised", "estimated"}
Sheet = dict[str, Any]


def text_of(folder: str, name: str) -> str:
    return files("phos_core").joinpath(folder, f"{name}.toml").read_text(encoding="utf-8")


def as_toml(sheet: Sheet) -> str:
    """A sheet as TOML: values first, then its tables."""
    lines = [f"{key} = {as_value(v)}" for key, v in sheet.items() if not isinstance(v, dict)]
    for name, table in sheet.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {as_value(v)}" for key, v in table.items())]
    return "\n".join(lines)


def as_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(as_value, value))}]"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return json.dumps(value, ensure_ascii=False)


def portra() -> Sheet:
    return tomllib.loads(text_of("films", "portra-400"))


def put(value: Any, *keys: str) -> Callable[[Sheet], None]:
    """A change that puts a value in its place."""

    def change(sheet: Sheet) -> None:
        *tables, last = keys
        for table in tables:
            sheet = sheet[table]
        sheet[last] = value

    return change


def leave_out(*keys: str) -> Callable[[Sheet], None]:
    """A change that takes a value or a table away."""

    def change(sheet: Sheet) -> None:
        *tables, last = keys
        for table in tables:
            sheet = sheet[table]
        del sheet[last]

    return change


@pytest.mark.parametrize("name", STOCKS)
def test_every_stock_that_ships_is_read_whole(name):
    data = tomllib.loads(text_of("films", name))
    sheet = read_film_sheet(text_of("films", name), name)

    layers = LAYERS[sheet.kind]
    assert sheet.name == data["name"] == name
    assert sheet.label == data["label"]
    assert sheet.iso_speed == data["iso_speed"]["value"]
    for table in ("sensitivity", "characteristic_curve", "mtf", "granularity"):
        drawn = getattr(sheet, table)
        assert len(drawn) == len(layers)
        for layer, points in zip(layers, drawn, strict=True):
            np.testing.assert_array_equal(points, data[table][layer])
    assert len(sheet.grain_size_um) == len(sheet.coupling) == len(sheet.inhibition) == len(layers)
    assert (sheet.dyes is None) == (sheet.kind == "black-and-white")


@pytest.mark.parametrize("name", STOCKS)
def test_every_table_of_every_stock_has_a_source_and_a_status(name):
    data = tomllib.loads(text_of("films", name))
    provenance = read_film_sheet(text_of("films", name), name).provenance

    assert set(provenance) == {key for key, value in data.items() if isinstance(value, dict)}
    assert all(entry.source for entry in provenance.values())
    assert {entry.status for entry in provenance.values()} <= STATUSES


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_that_ships_is_read_whole(name):
    data = tomllib.loads(text_of("papers", name))
    sheet = read_paper_sheet(text_of("papers", name), name)

    assert sheet.name == name
    assert sheet.printing_kelvin == data["light"]["printing_kelvin"]
    assert sheet.viewing_illuminant == "D65"
    for layer, points in zip(LAYERS["negative"], sheet.characteristic_curve, strict=True):
        np.testing.assert_array_equal(points, data["characteristic_curve"][layer])
    assert len(sheet.sensitivity) == len(sheet.dyes) == 3


def test_lights_are_given_by_name_or_temperature():
    assert read_film_sheet(text_of("films", "portra-400"), "portra-400").light == "D55"
    assert read_film_sheet(text_of("films", "cinestill-800t"), "cinestill-800t").light == 3200.0


def test_a_whole_number_is_as_good_as_any():
    sheet = portra()
    sheet["halation"]["base_thickness_um"] = 122

    assert read_film_sheet(as_toml(sheet), "mine.toml").base_thickness_um == 122.0


def test_a_negative_may_go_without_dyes_and_base():
    sheet = portra()
    del sheet["dyes"], sheet["base"]

    read = read_film_sheet(as_toml(sheet), "mine.toml")

    assert read.dyes is None
    assert read.base is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("brilliant", "mtf", "status"), ["[mtf]", "status must be one of published"]),
        (leave_out("mtf", "status"), ["[mtf]", "status must be one of", "nothing"]),
        (leave_out("couplers", "source"), ["[couplers]", "source must be text"]),
        (put("", "couplers", "source"), ["[couplers]", "source must be text", "''"]),
        (leave_out("halation"), ["halation must be a table", "nothing"]),
        (put(3, "halation"), ["halation must be a table, got 3"]),
        (leave_out("granularity"), ["granularity must be a table"]),
        (leave_out("mtf", "green"), ["[mtf]", "green must be a list of rows of 2"]),
        (leave_out("dyes", "yellow"), ["[dyes]", "yellow must be a list of rows of 2"]),
        (put([[1.0, 2.0], [1.0, 3.0]], "mtf", "red"), ["[mtf]", "red", "first coordinate rises"]),
        (put([[2.0, 2.0], [1.0, 3.0]], "mtf", "red"), ["[mtf]", "red", "first coordinate rises"]),
        (put([[1.0, 2.0]], "mtf", "red"), ["[mtf]", "red", "at least three points"]),
        (put([], "mtf", "red"), ["[mtf]", "red must be a list of rows of 2"]),
        (put([[1.0, math.nan], [2.0, 1.0]], "mtf", "red"), ["[mtf]", "red", "finite numbers"]),
        (put([[1.0, "a"], [2.0, 1.0]], "mtf", "red"), ["[mtf]", "red", "rows of 2 numbers"]),
        (put([[1.0, 2.0], [2.0]], "mtf", "red"), ["[mtf]", "red", "rows of 2 numbers"]),
        (put([[1.0, 2.0, 3.0]], "mtf", "red"), ["[mtf]", "red", "rows of 2 finite numbers"]),
        (put("fast", "iso_speed", "value"), ["[iso_speed]", "value", "finite number, got 'fast'"]),
        (put(True, "iso_speed", "value"), ["[iso_speed]", "value", "finite number, got True"]),
        (put(0, "iso_speed", "value"), ["[iso_speed]", "value must be positive, got 0"]),
        (put(math.nan, "halation", "base_index"), ["[halation]", "base_index", "got nan"]),
        (put(math.nan, "halation", "spread_um"), ["[halation]", "spread_um", "finite number"]),
        (put([[1.0, 1.0]] * 500, "mtf", "red"), ["[mtf]", "red", "rises", "..."]),
        (put([2.8, 2.8], "grain", "size_um"), ["[grain]", "size_um must be", "3"]),
        (put([[0.1, 0.2]], "couplers", "inhibition"), ["[couplers]", "inhibition", "rows of 3"]),
        (leave_out("light", "illuminant"), ["[light]", "kelvin must be a finite number"]),
        (put("contact", "printing", "method"), ["[printing]", "one of scan, projection"]),
        (put("slide", "kind"), ["kind must be one of negative, reversal", "'slide'"]),
        (put(400, "name"), ["name must be text, got 400"]),
        (leave_out("description"), ["description must be text"]),
    ],
)
def test_what_is_wrong_is_named_with_its_file_table_and_key(change, words):
    sheet = portra()
    change(sheet)

    with pytest.raises(FilmFileError) as caught:
        read_film_sheet(as_toml(sheet), "mine.toml")

    message = str(caught.value)
    assert message.startswith("mine.toml")
    assert [word for word in words if word not in message] == []
    assert len(message) < 250


@pytest.mark.parametrize("read", [read_film_sheet, read_paper_sheet])
@pytest.mark.parametrize("schema", [2, "1", None])
def test_another_schema_is_refused(read, schema):
    text = "" if schema is None else f"schema = {as_value(schema)}"

    with pytest.raises(FilmFileError, match=rf"mine.toml: schema must be 1, got {schema!r}"):
        read(text, "mine.toml")


@pytest.mark.parametrize("read", [read_film_sheet, read_paper_sheet])
def test_text_that_is_no_toml_is_refused(read):
    with pytest.raises(FilmFileError, match=r"mine.toml is not valid TOML: .*line 2"):
        read("schema = 1\nname = portra", "mine.toml")


def test_a_paper_s_faults_are_named_too():
    sheet = tomllib.loads(text_of("papers", "endura-premier"))
    del sheet["dyes"]["cyan"]

    with pytest.raises(FilmFileError, match=r"mine.toml \[dyes\]: cyan must be a list of rows"):
        read_paper_sheet(as_toml(sheet), "mine.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    missing, latin = tmp_path / "missing.toml", tmp_path / "latin.toml"
    latin.write_bytes("label = 'Zürich'".encode("latin-1"))

    for path in (missing, latin, tmp_path):
        with pytest.raises(FilmFileError, match="cannot read film file") as caught:
            read_text(path)
        assert str(path) in str(caught.value)
        assert caught.value.__cause__ is not None


def test_a_film_file_s_error_is_a_value_error_of_phos():
    assert issubclass(FilmFileError, PhosError)
    assert issubclass(FilmFileError, ValueError)

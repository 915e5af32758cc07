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
from phos_core.stocks.data_sheet import (
    LAYERS,
    PAPER_LAYERS,
    PublishedGranularity,
    measured,
    read_film_sheet,
    read_paper_sheet,
    read_text,
)

STOCKS = ("double-x-5222", "portra-400", "tri-x-400", "velvia-50", "vision3-500t")
PAPERS = ("2383", "endura-premier", "polymax")
STATUSES = {"published", "digitised", "estimated"}
Sheet = dict[str, Any]


def text_of(folder: str, name: str) -> str:
    return files("phos_core.stocks").joinpath(folder, f"{name}.toml").read_text(encoding="utf-8")


def as_toml(sheet: Sheet) -> str:
    """A sheet as TOML: values first, then its tables and its arrays of tables."""
    lines = [f"{key} = {as_value(v)}" for key, v in sheet.items() if not is_tables(v)]
    for name, value in sheet.items():
        if is_tables(value):
            tables = [value] if isinstance(value, dict) else value
            heading = f"[{name}]" if isinstance(value, dict) else f"[[{name}]]"
            for table in tables:
                lines += [heading, *(f"{key} = {as_value(v)}" for key, v in table.items())]
    return "\n".join(lines)


def is_tables(value: Any) -> bool:
    """Whether a value is a table or an array of tables."""
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def as_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(as_value, value))}]"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return json.dumps(value, ensure_ascii=False)


def portra() -> Sheet:
    return tomllib.loads(text_of("films", "portra-400"))


def pushable() -> Sheet:
    """A stock with other developments, the first of them of a coarser grain."""
    sheet = portra()
    curve = sheet["characteristic_curve"]
    common = {"source": "somewhere", "status": "estimated"}
    sheet["developments"] = [
        {"label": f"Push {n}", "push_stops": n, **common}
        | {layer: [[x, d + 0.1 * n] for x, d in curve[layer]] for layer in LAYERS["negative"]}
        for n in (1, 2)
    ]
    sheet["developments"][0]["granularity_scale"] = 1.25
    return sheet


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
    assert sheet.formats == tuple(data["formats"])
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

    layers = PAPER_LAYERS[sheet.kind]
    assert (sheet.name, sheet.label, sheet.kind) == (name, data["label"], data["kind"])
    assert sheet.printing_kelvin == data["light"]["printing_kelvin"]
    for layer, points in zip(layers, sheet.characteristic_curve, strict=True):
        np.testing.assert_array_equal(points, data["characteristic_curve"][layer])
    assert len(sheet.sensitivity) == len(layers)
    assert (sheet.dyes is None) == (sheet.kind == "black-and-white-paper")
    assert set(sheet.provenance) == {k for k, value in data.items() if isinstance(value, dict)}


def test_papers_are_seen_by_a_named_light_and_print_films_by_a_projector():
    assert read_paper_sheet(text_of("papers", "endura-premier"), "paper").viewing == "D65"
    assert read_paper_sheet(text_of("papers", "2383"), "print film").viewing == 5400.0


def test_a_paper_s_grades_rise_whatever_their_order_in_the_file():
    data = tomllib.loads(text_of("papers", "polymax"))
    data["grades"].reverse()

    sheet = read_paper_sheet(as_toml(data), "mine.toml")

    assert [grade for grade, _ in sheet.grades] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    np.testing.assert_array_equal(sheet.grades[0][1], data["grades"][-1]["silver"])
    assert read_paper_sheet(text_of("papers", "2383"), "2383").grades == ()


def test_what_is_not_estimated_is_measured():
    provenance = read_film_sheet(text_of("films", "vision3-500t"), "vision3-500t").provenance
    estimated = [key for key, entry in provenance.items() if entry.status == "estimated"]

    assert 0 < 2 * len(estimated) < len(provenance)
    assert measured(provenance) == (len(provenance) - len(estimated), len(provenance))


# What a stock may have besides.


def test_what_a_stock_may_leave_out_is_none_or_empty():
    sheet = read_film_sheet(as_toml(portra()), "mine.toml")

    assert sheet.developments == ()
    assert sheet.reciprocity is None
    assert sheet.published_granularity is None


def test_light_that_crosses_the_emulsion_unscattered_is_none_unless_given():
    sheet = portra()
    assert read_film_sheet(as_toml(sheet), "a stock").specular_share == 0.0

    put(0.2, "halation", "specular_share")(sheet)

    assert read_film_sheet(as_toml(sheet), "a stock").specular_share == 0.2


def test_reciprocity_is_an_exponent_or_a_table():
    law = {"source": "somewhere", "status": "published"}
    by_exponent = portra() | {"reciprocity": {"exponent": 1.31, **law}}
    by_table = portra() | {"reciprocity": {"stops": [[1, 0], [10, 0.5]], **law}}

    assert read_film_sheet(as_toml(by_exponent), "mine.toml").reciprocity == 1.31
    np.testing.assert_array_equal(
        read_film_sheet(as_toml(by_table), "mine.toml").reciprocity, [[1.0, 0.0], [10.0, 0.5]]
    )


@pytest.mark.parametrize(("over", "over_base"), [("base", True), ("zero", False)])
def test_published_granularity_says_what_its_density_is_over(over, over_base):
    sheet = portra()
    sheet["granularity"] |= {"rms": 8, "rms_density": 1.0, "rms_over": over}

    assert read_film_sheet(
        as_toml(sheet), "mine.toml"
    ).published_granularity == PublishedGranularity(rms=8.0, density=1.0, over_base=over_base)


def test_other_developments_are_read_with_their_push_and_their_grain():
    data = pushable()

    first, second = read_film_sheet(as_toml(data), "mine.toml").developments

    assert (first.label, first.push_stops, first.granularity_scale) == ("Push 1", 1.0, 1.25)
    assert (second.push_stops, second.granularity_scale) == (2.0, 1.0)
    assert first.provenance.source == "somewhere"
    np.testing.assert_array_equal(first.characteristic_curve[2], data["developments"][0]["blue"])


def test_a_development_that_is_chosen_becomes_the_normal_one():
    plain = read_film_sheet(as_toml(pushable()), "mine.toml")
    pushed = read_film_sheet(as_toml(pushable() | {"development": "Push 1"}), "mine.toml")
    chosen = plain.developments[0]

    for layer in range(3):
        np.testing.assert_array_equal(
            pushed.characteristic_curve[layer], chosen.characteristic_curve[layer]
        )
        np.testing.assert_array_equal(
            pushed.granularity[layer], plain.granularity[layer] * [1.0, 1.25]
        )
    assert pushed.provenance["characteristic_curve"] == chosen.provenance
    assert [(d.label, d.push_stops) for d in pushed.developments] == [
        ("Normal", -1.0),
        ("Push 2", 1.0),
    ]
    assert pushed.developments[0].granularity_scale == pytest.approx(1.0 / 1.25)


def test_a_stock_based_on_another_takes_over_what_it_leaves_out():
    mine = {
        "schema": 1,
        "name": "mine",
        "label": "Mine",
        "based_on": "portra-400",
        "grain": {"size_um": [1.0, 1.0, 1.0], "source": "somewhere", "status": "estimated"},
    }
    base = read_film_sheet(text_of("films", "portra-400"), "portra-400")

    sheet = read_film_sheet(as_toml(mine), "mine.toml")

    assert (sheet.name, sheet.label, sheet.kind) == ("mine", "Mine", base.kind)
    assert sheet.grain_size_um == (1.0, 1.0, 1.0)
    assert sheet.provenance["grain"].source == "somewhere"
    assert sheet.inhibition == base.inhibition
    np.testing.assert_array_equal(sheet.mtf[0], base.mtf[0])


@pytest.mark.parametrize("base", ["portra-401", "../papers/2383", "cinestill-800t", 400, "", []])
def test_a_stock_is_based_on_one_that_ships_and_stands_by_itself(base):
    text = as_toml({"schema": 1, "name": "mine", "based_on": base})

    with pytest.raises(FilmFileError, match=r"^mine\.toml: based_on must be a stock that ships"):
        read_film_sheet(text, "mine.toml")


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
        (put([[1.0, 2.0]], "mtf", "red"), ["[mtf]", "red", "at least 3 points"]),
        (put([], "mtf", "red"), ["[mtf]", "red must be a list of rows of 2"]),
        (put([[1.0, math.nan], [2.0, 1.0]], "mtf", "red"), ["[mtf]", "red", "finite numbers"]),
        (put([[1.0, "a"], [2.0, 1.0]], "mtf", "red"), ["[mtf]", "red", "rows of 2 finite numbers"]),
        (put([[1.0, 2.0], [2.0]], "mtf", "red"), ["[mtf]", "red", "rows of 2 finite numbers"]),
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
        (leave_out("formats"), ["formats must be a list of texts", "nothing"]),
        (put([], "formats"), ["formats must be a list of texts, at least one, got []"]),
        (put([135], "formats"), ["formats must be a list of texts"]),
        (put("fast", "development"), ["development must be one of", "'fast'"]),
        (put([3], "developments"), ["developments must be an array of tables"]),
        (put([{"label": "Push"}], "developments"), ["[[developments]] 1", "push_stops"]),
        (put(8, "granularity", "rms"), ["[granularity]", "rms_density", "finite number"]),
        (put({}, "reciprocity"), ["[reciprocity]", "stops must be a list of rows of 2"]),
        (put({"stops": [[1, 0]]}, "reciprocity"), ["[reciprocity]", "at least 2 points"]),
        (put({"exponent": -1}, "reciprocity"), ["[reciprocity]", "exponent must be positive"]),
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
    with pytest.raises(FilmFileError, match="kind must be one of paper, print-film"):
        read_paper_sheet(as_toml(sheet | {"kind": "negative"}), "mine.toml")


def test_a_fault_in_a_grade_is_named_with_its_place():
    sheet = tomllib.loads(text_of("papers", "polymax"))
    sheet["grades"][2]["silver"] = []

    with pytest.raises(FilmFileError, match=r"mine.toml \[\[grades\]\] 3: silver must be"):
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

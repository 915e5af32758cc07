"""The stocks and papers that ship: their figures are where they say they are from."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phos_core.stocks import baking
from phos_core.stocks.data_sheet import DYES, LAYERS, PAPER_LAYERS, FilmSheet, read_film_sheet
from phos_core.stocks.dyes import DyeSet
from phos_core.stocks.film import FILM_FORMATS_UM
from phos_core.stocks.fitting import interpolated, read
from phos_core.stocks.spectra import blackbody, tables

ROOT = Path(__file__).parents[3]
READINGS = ROOT / "tests" / "film_data"
ROUNDING = 0.5001e-4  # files give four decimals
NAMES = {
    *("portra-160", "portra-400", "portra-800", "portra-800-push-1600", "portra-800-push-3200"),
    *("ektar-100", "gold-200", "ultramax-400", "cinestill-800t", "c200", "pro-400h"),
    *("vision3-50d", "vision3-200t", "vision3-250d", "vision3-500t", "superia-400"),
    *("natura-1600", "velvia-50", "provia-100f", "ektachrome-100d", "kodachrome-64"),
    *("tri-x-400", "double-x-5222", "hp5-plus", "fp4-plus", "delta-3200"),
    *("t-max-100", "t-max-400"),
}
PAPERS = {
    *("endura-premier", "supra-endura", "portra-endura", "crystal-archive-dpii"),
    *("2383", "2393", "eterna-cp-3513di", "polymax"),
}
READING_OF = {
    "sensitivity": "log_sensitivity",
    "characteristic_curve": "sensiometric_curve",
    "dyes": "spectral_density",
    "base": "d_min_sd",
    "mtf": "mtf",
}
RGB = LAYERS["negative"]
Sheet = dict[str, Any]


def raw_sheets(folder: str) -> dict[str, Sheet]:
    entries = files("phos_core.stocks").joinpath(folder).iterdir()
    return {
        entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text(encoding="utf-8"))
        for entry in entries
    }


FILMS, PRINTS = raw_sheets("films"), raw_sheets("papers")
SHEETS = {**FILMS, **PRINTS}


def film_sheet(name: str) -> FilmSheet:
    text = files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text(encoding="utf-8")
    return read_film_sheet(text, name)


def sourced_tables(sheet: Sheet) -> list[Sheet]:
    """Every table of a file that has a source, those of arrays too."""
    single = [value for value in sheet.values() if isinstance(value, dict)]
    return single + sheet.get("developments", []) + sheet.get("grades", [])


def layers_of(sheet: Sheet) -> tuple[str, ...]:
    return (LAYERS | PAPER_LAYERS)[sheet["kind"]]


def test_the_stocks_and_papers_are_those_that_are_promised():
    assert set(FILMS) == NAMES
    assert set(PRINTS) == PAPERS
    assert all(sheet["name"] == name for name, sheet in SHEETS.items())


def test_formats_are_ours_or_a_roll_that_some_of_ours_are_exposed_on():
    families = {name.split("-")[0] for name in FILM_FORMATS_UM}
    for name in FILMS:
        assert set(film_sheet(name).formats) <= families | set(FILM_FORMATS_UM), name


@pytest.mark.parametrize("name", SHEETS)
def test_every_source_stands_in_the_docs(name):
    headings = re.findall(r"^#+ (\S+)$", (ROOT / "docs/sources.md").read_text(), re.MULTILINE)
    named = {table["source"] for table in sourced_tables(SHEETS[name])}

    assert named
    assert named - set(headings) == set()


def test_every_data_sheet_in_the_docs_is_named_by_a_stock_or_a_paper():
    text = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    chapter = text[text.index("## Data sheets") : text.index("## Models")]
    named = {table["source"] for sheet in SHEETS.values() for table in sourced_tables(sheet)}

    assert set(re.findall(r"^### (\S+)$", chapter, re.MULTILINE)) - named == set()


# Held to the readings.


def reading(name: str) -> Sheet:
    read: Sheet = json.loads((READINGS / f"{name}.json").read_text(encoding="utf-8"))
    return read


def drawn_curves(read: Sheet, table: str) -> list[np.ndarray]:
    """Curves of a reading as a file has them: exposure in lx s, density never turning back."""
    drawn = read[READING_OF[table]]
    curves = [np.array(curve) for curve in (drawn if np.ndim(drawn[0][0]) else [drawn])]
    if table != "characteristic_curve":
        return curves
    for curve in curves:
        if read["exposure_base"] == 2:
            curve[:, 0] = curve[:, 0] * np.log10(2.0) + np.log10(10.0 / read["iso"])
        sign = np.sign(curve[-1, 1] - curve[0, 1])
        curve[:, 1] = sign * np.maximum.accumulate(sign * curve[:, 1])
    return curves


def strays(table: Sheet, keys: tuple[str, ...], curves: list[np.ndarray]) -> list[str]:
    """Layers of a table that are not what was read, to rounding."""
    if len(curves) == 1:
        curves = curves * len(keys)
    assert len(curves) == len(keys)
    return [
        key
        for key, curve in zip(keys, curves, strict=True)
        if np.shape(table[key]) != curve.shape
        or np.abs(np.array(table[key]) - curve).max() > ROUNDING
    ]


def digitised() -> list[tuple[str, str]]:
    return [
        (name, table)
        for name, sheet in SHEETS.items()
        for table in READING_OF
        if table in sheet and sheet[table]["status"] == "digitised"
    ]


@pytest.mark.parametrize(("name", "table"), digitised())
def test_a_digitised_table_holds_to_its_reading(name, table):
    sheet = SHEETS[name]
    keys = {"dyes": DYES, "base": ("density",)}.get(table, layers_of(sheet))

    assert strays(sheet[table], keys, drawn_curves(reading(sheet["data"]), table)) == []


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("portra-800", "developments"),
        ("tri-x-400", "developments"),
        ("double-x-5222", "developments"),
        ("polymax", "grades"),
    ],
)
def test_digitised_developments_and_grades_hold_to_their_readings(name, array):
    sheet = SHEETS[name]
    held = [entry for entry in sheet[array] if entry["status"] == "digitised"]

    assert held
    for entry in held:
        curves = drawn_curves(reading(entry["data"]), "characteristic_curve")
        assert strays(entry, layers_of(sheet), curves) == [], entry["data"]


def test_a_changed_digit_is_noticed():
    curves = drawn_curves(reading("kodak-portra-400"), "characteristic_curve")
    table = json.loads(json.dumps(FILMS["portra-400"]["characteristic_curve"]))
    assert strays(table, LAYERS["negative"], curves) == []
    for column in (0, 1):
        table["green"][7][column] += 0.0002
        assert strays(table, LAYERS["negative"], curves) == ["green"]
        table["green"][7][column] -= 0.0002


@pytest.mark.parametrize(
    "name",
    ["ektachrome-100d", "vision3-200t", "vision3-250d", "vision3-500t", "vision3-50d"],
)
def test_digitised_granularity_is_read_where_the_sheet_draws_its_density(name):
    sheet = FILMS[name]
    assert sheet["granularity"]["status"] == "digitised"
    read = reading(sheet["data"])
    bases = [min(density for _, density in sheet["characteristic_curve"][key]) for key in RGB]

    for key, base, rms, density in zip(
        RGB, bases, read["rms_curve"], read["rms_density"], strict=True
    ):
        drawn = np.interp(*np.array(rms).T[:1], *np.array(density).T)
        net = drawn - min(value for _, value in density)
        points = np.column_stack([net + base, np.array(rms)[:, 1]])
        for point in sheet["granularity"][key]:
            assert np.abs(points - point).max(axis=1).min() < 2.0 * ROUNDING, (key, point)


@pytest.mark.parametrize(
    ("name", "red", "green", "blue"),
    [
        ("vision3-50d", 4.6, 4.4, 8.3),
        ("vision3-200t", 5.2, 6.4, 15.4),
        ("vision3-250d", 5.4, 6.3, 13.4),
        ("vision3-500t", 6.4, 7.1, 19.2),
    ],
)
def test_granularity_is_what_others_read_off_the_same_sheets(name, red, green, blue):
    """A second, independent reading of the sheets, at 1.0 over D-min."""
    sheet = film_sheet(name)
    rms = [
        1000.0 * np.interp(curve[:, 1].min() + 1.0, *points.T)
        for curve, points in zip(sheet.characteristic_curve, sheet.granularity, strict=True)
    ]

    assert rms == pytest.approx([red, green, blue], rel=0.05)


@pytest.mark.parametrize("name", ["double-x-5222", "t-max-100", "t-max-400", "tri-x-400"])
def test_a_black_and_white_stock_has_its_published_granularity(name):
    sheet = film_sheet(name)
    (curve,), (points,) = sheet.characteristic_curve, sheet.granularity
    published = sheet.published_granularity

    assert published.over_base
    rms = 1000.0 * np.interp(curve[:, 1].min() + published.density, *points.T)
    assert rms == pytest.approx(published.rms, rel=0.02)


@pytest.mark.parametrize("name", ["kodachrome-64", "provia-100f", "velvia-50"])
def test_a_slide_s_layers_together_have_its_published_granularity(name):
    """The figure is for visual density: what the layers do to the light that the eye sees."""
    sheet = film_sheet(name)
    published = sheet.published_granularity
    curves = sheet.characteristic_curve
    d_min = np.array([curve[:, 1].min() for curve in curves])
    dyes = DyeSet(sheet.dyes, None, tuple(d_min), "A")
    seen = tables().observer[1] * blackbody(2856.0)

    def visual(density):
        return -np.log10(10.0 ** -dyes.spectral_density(density) @ seen / seen.sum())

    x = np.linspace(max(c[0, 0] for c in curves), min(c[-1, 0] for c in curves), 500)
    wedge = np.array([np.interp(x, *curve.T) for curve in curves]).T
    over = visual(wedge) - (visual(d_min) if published.over_base else 0.0)
    grey = wedge[np.argmin(np.abs(over - published.density))]
    weight = [(visual(grey + step) - visual(grey - step)) / 0.02 for step in np.eye(3) * 0.01]
    rms = [np.interp(d, *p.T) for d, p in zip(grey, sheet.granularity, strict=True)]

    assert 1000.0 * np.hypot.reduce(np.multiply(weight, rms)) == pytest.approx(
        published.rms, rel=0.02
    )


def test_grain_is_ordered_as_the_print_grain_index_is():
    order = ["ektar-100", "portra-160", "portra-400", "gold-200", "ultramax-400", "portra-800"]
    peaks = [max(film_sheet(name).granularity[1][:, 1]) for name in order]

    assert peaks == sorted(peaks)
    assert len(set(peaks)) == len(peaks)


# ------------------------------------------------------------------ what is made of them

CONTRAST_READ_OVER = 0.2  # decades to either side: what the eye of a reader evens out


@pytest.mark.parametrize("name", sorted(FILMS))
def test_contrast_follows_the_drawn_curve_without_ripples(name):
    sheet = film_sheet(name)
    mid = np.log10(10.0 / sheet.iso_speed)
    for curve, drawn in zip(
        baking.development(sheet).curves, sheet.characteristic_curve, strict=True
    ):
        x = np.arange(max(mid - 1.0, drawn[0, 0] + 0.3), min(mid + 1.2, drawn[-1, 0] - 0.3), 0.05)
        ours = (read(curve, x + 0.05) - read(curve, x - 0.05)) / 0.1
        ahead, behind = (
            interpolated(*drawn.T, x + step) for step in (CONTRAST_READ_OVER, -CONTRAST_READ_OVER)
        )
        theirs = (ahead - behind) / (2.0 * CONTRAST_READ_OVER)
        steep = np.abs(theirs) > 0.3 * np.abs(theirs).max()
        np.testing.assert_allclose(ours[steep], theirs[steep], rtol=0.2)

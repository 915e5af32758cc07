"""docs/speed.md has no figure that the committed results do not have."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from phos_bench.cases import case_from

ROOT = Path(__file__).parent.parent.parent


def script(name):
    """Import a script of benchmarks/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


speed, cores = script("bench_speed"), script("bench_cores")

FIGURE = re.compile(r"\d[\d.,]*\s*(?:ms|s|times|MiB|GiB|GB|MB|%|dB)\b|\d×")


@pytest.fixture(scope="module")
def text():
    return speed.PAGE.read_text(encoding="utf-8")


def test_page_is_what_the_results_say(text):
    assert speed.page(text, speed.kept()) == text


def test_every_part_was_measured_and_nothing_failed():
    records = speed.kept()
    assert set(records) == set(speed.PARTS)
    for part, record in records.items():
        wanted = speed.PARTS[part]
        assert [case_from(r["case"]) for r in record["results"]] == wanted.cases
        for result in record["results"]:
            assert "trouble" not in result
            ours = [each for each in result["contenders"] if each["kind"] == "phos"]
            assert ours
            for each in ours:
                assert "trouble" not in each, each
                assert each["seconds"]
                assert ("peak_bytes" in each) == wanted.memory


def test_figures_stand_in_tables_alone(text):
    prose = speed.BLOCK.sub("", text)
    assert FIGURE.findall(prose) == []


def test_every_block_of_the_page_is_filled(text):
    names = [match[2] for match in speed.BLOCK.finditer(text)]
    assert len(names) == text.count("<!-- end -->") == len(set(names))
    for match in speed.BLOCK.finditer(text):
        assert len(match[0]) > 80, match[2]


def test_phos_keeps_its_accuracy_in_every_result():
    for record in speed.kept().values():
        for result in record["results"]:
            for each in result["contenders"]:
                if each["kind"] in ("phos", "backend") and "max_error" in each:
                    assert each["max_error"] <= 1e-5
                if "max_difference" in each:
                    assert each["max_difference"] <= 1


def test_the_table_of_many_cores_is_what_the_results_say(text):
    assert cores.page(text, json.loads(cores.RESULTS.read_text(encoding="utf-8"))) == text

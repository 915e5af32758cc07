"""`phos bench` measures what it is asked to, and tells all that it found."""

import json

import pytest
from click.testing import CliRunner

from phos_bench import measuring, running
from phos_bench.cases import ConvolveCase, DevelopCase, case_from, record_of
from phos_bench.measuring import MeasuringPlan
from phos_bench.tables import tables_of
from phos_darkroom.shell.main import main

SMALL = ("--size", "24x36", "--width", "9", "--runs", "2", "--backend", "scipy")


def run(*arguments):
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def refused(*arguments):
    """Run a command that must fail with one line; return the line."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("phos: ")
    return line


@pytest.fixture
def in_this_process(monkeypatch):
    """Measure without a process for each case, which would import everything again."""

    def answered(asked):
        case, plan = case_from(asked["case"]), MeasuringPlan(**asked["plan"])
        if "memory_of" in asked:
            return measuring.measure_memory(case, plan, asked["memory_of"])
        return json.loads(json.dumps(measuring.measure(case, plan)))

    monkeypatch.setattr(running, "_answered", answered)


@pytest.fixture
def told(tmp_path, in_this_process):
    """What a run writes as JSON, and what it prints."""

    def tell(*arguments):
        path = tmp_path / "told.json"
        result = run(*arguments, "--json", path)
        assert result.exit_code == 0, result.output
        return json.loads(path.read_text(encoding="utf-8")), result.stdout

    return tell


def test_a_run_tells_all_that_is_needed_to_compare_it(told):
    record, printed = told(*SMALL, "--convolve", "--psf", "gaussian")
    assert record["format"] == running.FORMAT
    assert set(record) == {
        *("format", "date", "python", "versions", "machine", "environment", "load"),
        *("plan", "results"),
    }
    assert set(record["machine"]) == {
        *("system", "architecture", "processor", "cores", "memory_bytes", "matrix_products"),
    }
    assert record["versions"]["numpy"]
    (result,) = record["results"]
    assert case_from(result["case"]) == ConvolveCase(rows=24, cols=36, psf="gaussian", width=9)
    found = {each["name"]: each for each in result["contenders"]}
    scipy = found["scipy"]
    assert (scipy["kind"], scipy["device"], scipy["share"]) == ("phos", "cpu", 1.0)
    assert len(scipy["seconds"]) == 2
    assert min(scipy["seconds"]) <= scipy["median_s"] <= max(scipy["seconds"])
    assert scipy["max_error"] < 1e-6
    assert scipy["psnr_db"] > 120
    assert scipy["peak_bytes"] >= 0
    assert scipy["versions"]["scipy"]
    assert found["scipy, on its arrays"]["kind"] == "backend"
    assert found["a copy"]["kind"] == "floor"
    assert found["scipy.signal.fftconvolve"]["kind"] == "peer"
    assert "convolve 24 × 36, gaussian PSF of 9 × 9" in printed
    assert "scipy.signal.fftconvolve" in printed


def test_a_develop_is_told_step_by_step(told):
    record, printed = told(*SMALL, "--develop", "--film", "tri-x-400")
    (result,) = record["results"]
    assert case_from(result["case"]) == DevelopCase(rows=24, cols=36, film="tri-x-400")
    scipy = result["contenders"][0]
    assert 0 < sum(scipy["steps_s"].values()) < 10 * scipy["median_s"]
    for step in scipy["steps_s"]:
        assert step in printed


def test_every_backend_that_runs_here_is_measured_beside_the_first(told):
    record, _ = told("--size", "24x36", "--runs", 1, "--develop", "--no-memory")
    names = [each["name"] for each in record["results"][0]["contenders"]]
    assert "scipy" in names
    for each in record["results"][0]["contenders"][1:]:
        if each["kind"] == "phos":
            assert each["max_difference"] <= 1


def test_each_size_psf_width_and_batch_is_measured_with_each(told):
    record, _ = told(
        *("--size", "16x24", "--size", "20×30", "--psf", "gaussian", "--psf", "asymmetric"),
        *("--width", 5, "--width", 7, "--batch", 1, "--batch", 3, "--runs", 1),
        *("--convolve", "--no-peers", "--no-memory", "--backend", "scipy"),
    )
    cases = [case_from(result["case"]) for result in record["results"]]
    assert len(set(cases)) == 16
    assert cases[0] == ConvolveCase(rows=16, cols=24, psf="gaussian", width=5, batch=1)
    assert cases[-1] == ConvolveCase(rows=20, cols=30, psf="asymmetric", width=7, batch=3)
    for result in record["results"]:
        assert {each["kind"] for each in result["contenders"]} == {"floor", "phos", "backend"}
        assert result["contenders"][1]["max_error"] < 1e-6


def test_both_kinds_of_work_are_measured_unless_one_is_asked_for(told):
    record, _ = told(*SMALL, "--no-memory", "--no-peers")
    assert [result["case"]["work"] for result in record["results"]] == ["convolve"] * 2 + [
        "develop"
    ]


def test_a_slow_peer_is_marked_as_computed_from_a_part(told):
    record, printed = told(*SMALL, "--psf", "exponential", "--convolve", "--limit", 4.5e-5)
    found = {each["name"]: each for each in record["results"][0]["contenders"]}
    assert 0 < found["scipy.ndimage.convolve"]["share"] < 1
    assert "max_error" not in found["scipy.ndimage.convolve"]
    assert "peak_bytes" not in found["scipy.ndimage.convolve"]
    assert "* from " in printed


def test_a_contender_in_trouble_is_a_note_and_the_others_are_measured(told):
    record, printed = told(*SMALL, "--psf", "exponential", "--convolve", "--limit", 1e-9)
    found = {each["name"]: each for each in record["results"][0]["contenders"]}
    assert "too few rows" in found["scipy.ndimage.convolve"]["trouble"]
    assert found["scipy"]["median_s"] > 0
    assert "too few rows" in printed


def test_a_process_that_dies_is_a_result_too(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    case = DevelopCase(rows=8, cols=8)
    result = running.run_case(
        case, MeasuringPlan(backends=["scipy"]), memory=True, tell=lambda line: None
    )
    assert result["case"] == record_of(case)
    assert result["trouble"].startswith("its process ended with 3")
    (table,) = tables_of({"results": [result]})
    assert "ended with 3" in table.markdown()


@pytest.mark.proof
def test_a_process_of_its_own_measures_and_takes_the_memory():
    case = ConvolveCase(rows=600, cols=900, psf="exponential", width=9)
    plan = MeasuringPlan(backends=["scipy"], with_peers=False, runs=1)
    result = running.run_case(case, plan, memory=True, tell=lambda line: None)
    found = {each["name"]: each for each in result["contenders"]}
    # Of a small picture the process may have had most before, when it loaded its libraries.
    assert 0 < found["scipy"]["peak_bytes"] < 30 * 4 * 600 * 900


def test_a_picture_is_drawn(tmp_path, in_this_process):
    pytest.importorskip("matplotlib")
    for name, options in (
        ("widths.svg", ("--width", "5")),
        ("sizes.png", ("--size", "30x40", "--batch", "2")),
    ):
        path = tmp_path / name
        result = run(*SMALL, "--no-memory", "--no-peers", *options, "--plot", path)
        assert result.exit_code == 0, result.output
        assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "24"), "a size is ROWSxCOLS, such as 2000x3000, got '24'"),
        (("--size", "0x5"), "rows must be at least 1, got 0"),
        (("--psf", "box"), "psf must be one of gaussian, mixture, exponential, asymmetric"),
        (("--width", 8), "width must be odd and at least 3, got 8"),
        (("--batch", 0), "batch must be at least 1, got 0"),
        (("--film", "portra"), "portra"),
        (("--backend", "no-such"), "no-such"),
        (("--json", "nowhere/told.json"), "there is no folder nowhere"),
        (("--plot", "plot.jpeg2000"), "cannot plot into plot.jpeg2000"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_measured(arguments, words, monkeypatch):
    monkeypatch.setattr(running, "run_cases", None)
    if "--plot" in arguments:
        pytest.importorskip("matplotlib")
    assert words in refused(*arguments)


def test_a_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.backend_bases", None)
    assert "pip install matplotlib" in refused("--plot", "plot.svg")


def test_options_out_of_range_are_refused():
    for arguments in (("--runs", 0), ("--limit", 0), ("--limit", "much")):
        assert run(*arguments).exit_code == 2

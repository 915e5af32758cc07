"""Damaged and hostile files: one clear error each, in bounded time and memory, nothing half-made.

`benchmarks/fuzz_files.py` makes thousands of them; here are some hundreds, always the same.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
PER_FORMAT = 24
PEAK_MIB = 1000
HARMLESS = {"profile-bomb.png", "text-bomb.png", "strip-of-nothing.tif"}
"""Their pixels are whole: what is beside them is left out, a length follows from the rows."""

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(sys.platform == "win32", reason="memory is measured by POSIX"),
]


@pytest.fixture(scope="module")
def modules():
    """The maker and the reader of such files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import fuzz_files
        import hostile_files

        yield fuzz_files, hostile_files


@pytest.fixture(scope="module")
def folder(modules, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for file in modules[1].hostile_files(PER_FORMAT):
        (folder / file.name).write_bytes(file.content)
    return folder


@pytest.fixture(scope="module")
def outcomes(modules, folder):
    """What came of each file: the process that read them would have ended had one hung."""
    return modules[0].outcomes_of(folder)


def test_each_hostile_file_is_one_clear_error_or_still_a_picture(folder, outcomes):
    escaped = [outcome for outcome in outcomes if outcome.kind == "escaped"]
    assert not escaped
    errors = [outcome for outcome in outcomes if outcome.kind == "error"]
    assert len(errors) >= 200
    for outcome in errors:
        assert outcome.said.startswith(str(folder / outcome.name))
        assert "\n" not in outcome.said
        assert len(outcome.said) < 500


def test_what_still_is_a_picture_has_a_pictures_size(outcomes):
    pictures = [outcome for outcome in outcomes if outcome.kind == "picture"]
    assert pictures
    designed = {outcome.name for outcome in pictures if outcome.name.startswith("designed")}
    assert {name.removeprefix("designed-") for name in designed} <= HARMLESS
    for outcome in pictures:
        shape = outcome.said[: outcome.said.index(")") + 1]
        assert shape.count(",") in (1, 2)


def test_every_format_is_among_the_errors(outcomes):
    suffixes = Counter(Path(outcome.name).suffix for outcome in outcomes if outcome.kind == "error")
    assert all(suffixes[suffix] >= 10 for suffix in (".jpg", ".png", ".tif", ".webp", ".avif"))


def test_claims_are_refused_by_arithmetic_before_a_library_sees_them(outcomes):
    said = {outcome.name.removeprefix("designed-"): outcome.said for outcome in outcomes}
    packed = [f"claims-{name}.tif" for name in ("lzw", "deflate", "packbits", "zstd", "fax")]
    for name in ("claims.png", "claims.jpg", "claims.tif", *packed):
        assert "cannot hold the size that it claims" in said[name], name


def test_no_hostile_file_takes_a_gigabyte(outcomes):
    assert max(outcome.peak_mib for outcome in outcomes) < PEAK_MIB


def test_at_the_shell_nothing_is_left_half_written(folder, tmp_path):
    names = ["bomb.png", "claims.jpg", "loop.tif", "huge.webp", "claims.avif", "wide.png"]
    sources = [str(folder / f"designed-{name}") for name in names]
    command = [
        sys.executable,
        "-m",
        "phos_darkroom",
        "develop",
        *sources,
        "-o",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "designed-" in line]
    assert len(lines) == len(names)
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "out").iterdir()) == []

"""The docs keep their word: links lead somewhere, and the code in them runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import phos_core as phos

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for pattern in (
        *("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/*.md"),
        *("phos_core/*.md", "plugins/*/*.md"),
    )
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    return [
        code for kind, code in FENCE.findall(page.read_text(encoding="utf-8")) if kind == language
    ]


def anchors(page):
    """Return a page's headings as its links name them: lower case, hyphens for blanks."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for match in LINK.finditer(prose):
        link = match[1] or match[2]
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), link
        assert place == ROOT or ROOT in place.parents, link
        if anchor:
            assert anchor in anchors(place), link


def test_the_readmes_python_runs(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    code = blocks(ROOT / "README.md", "python")
    assert code
    subprocess.run([sys.executable, "-c", "\n".join(code)], check=True, cwd=tmp_path)
    assert list(tmp_path.glob("*.jpg"))


def test_the_readmes_shell_commands_exist(tmp_path):
    """Every `phos` and `nox` line is a command that is there, with options that it knows."""
    lines = [line for code in blocks(ROOT / "README.md", "sh") for line in code.splitlines()]
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.M))
    asked = {session for line in lines for session in re.findall(r"nox -s (\w+)", line)}
    assert asked
    assert asked <= sessions
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[:1] == ["phos"]:
            options = [word for word in words if word.startswith("--")]
            shown = subprocess.run(
                [sys.executable, "-m", "phos_darkroom", words[1], "--help"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            assert all(option in shown for option in options), line


def test_the_film_of_the_how_to_is_one(tmp_path):
    (text,) = blocks(ROOT / "docs" / "add-a-film.md", "toml")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    film, like = phos.load_film(path), phos.load_film("portra-400")
    assert film.development == like.development
    assert film.halation.antihalation_density == 0.0
    assert film.scatter == like.scatter


@pytest.mark.proof
def test_the_lut_pages_python_runs(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    code = blocks(ROOT / "docs" / "luts.md", "python")
    subprocess.run([sys.executable, "-c", "\n".join(code)], check=True, cwd=tmp_path)
    assert {path.name for path in tmp_path.glob("*ektar*")} == {
        "ektar-100.cube",
        "seeding-ektar.jpg",
    }


def test_the_convolution_pages_python_runs_and_prints_what_the_page_shows():
    page = ROOT / "docs" / "convolution.md"
    code = blocks(page, "python")
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(code)], check=True, capture_output=True, text=True
    )
    assert [ran.stdout] == blocks(page, "text")

"""The docs keep their word: links lead somewhere, and the code in them runs."""

import pkgutil
import re
import runpy
import shlex
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

import phos_core as phos
from phos_darkroom.shell.main import main

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for pattern in (
        *("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/*.md"),
        *("phos_core/*.md", "plugins/*/*.md"),
    )
    for page in ROOT.glob(pattern)
)
PASTED = [ROOT / "README.md", ROOT / "docs" / "your-first-roll.md"]
SESSIONS = set(
    re.findall(
        r"^@nox\.session.*\n(?:@.*\n)*def (\w+)\(", (ROOT / "noxfile.py").read_text(), re.MULTILINE
    )
)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)*\.py)`")
TO_BE_WRITTEN = {"flashing.py", "test_flashing.py", "test_acme.py"}  # by readers of these pages
DOTTED = re.compile(r"[`( ](phos_\w+(?:\.(?!md|py)[A-Za-z]\w*)+)")
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


@pytest.fixture
def folder_with_photos(tmp_path, monkeypatch):
    """Stand in a folder that has the bundled photographs at their places, but small."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOS_BACKEND", "scipy")  # it has nothing to compile
    (tmp_path / "examples" / "photos").mkdir(parents=True)
    for photo in (ROOT / "examples" / "photos").glob("*.jpg"):
        with Image.open(photo) as picture:
            picture.reduce(10).save(tmp_path / "examples" / "photos" / photo.name)
    return tmp_path


@pytest.mark.parametrize("page", PASTED, ids=lambda page: page.name)
def test_every_line_can_be_pasted_as_it_stands_and_runs(page, folder_with_photos):
    prose = page.read_text(encoding="utf-8")
    for language, code in FENCE.findall(prose):
        if language == "python":
            exec(compile(code, page.name, "exec"), {})
        elif language == "sh":
            for line in code.splitlines():
                paste(line)
    made = set(re.findall(r"-o (\S+\.\w+)|write_image\(\"(\S+)\"", prose))
    assert made
    for name in map("".join, made):
        assert (folder_with_photos / name).stat().st_size > 0, name


def paste(line):
    """Run a line of the shell; look up what it would install, open or measure."""
    words = shlex.split(line, comments=True)
    match words:
        case ["python3", "-m", "venv", ".venv"] | ["source", ".venv/bin/activate"]:
            pass  # Python's own
        case ["pip", "install", "nox"]:
            pass
        case ["pip", "install", *wanted]:
            assert wanted
            assert all(map(is_there, wanted)), line
        case ["nox", "-s", session]:
            assert session in SESSIONS, line
        case ["python", "-m", "phos_core"]:
            runpy.run_module("phos_core", run_name="__main__")
        case ["phos", "app" | "bench" as command]:
            assert is_there(f"./plugins/phos_{command}")
        case ["phos", *arguments]:
            ran = CliRunner().invoke(main, arguments)
            assert ran.exit_code == 0, f"{line}\n{ran.output}"
        case _:
            pytest.fail(f"no line to paste: {line}")


def is_there(wanted):
    """Whether a folder of this repository is a distribution that has the extras asked for."""
    folder, _, extras = wanted.rstrip("]").partition("[")
    if not folder.startswith("./") or not (ROOT / folder / "pyproject.toml").is_file():
        return False
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return set(filter(None, extras.split(","))) <= set(project.get("optional-dependencies", ()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_the_docs_exists_with_its_options(page):
    context = click.Context(main)
    for line in "\n".join(blocks(page, "sh")).splitlines():
        match shlex.split(line, comments=True):
            case ["phos", "app", *_]:
                pass  # not installed where the tests run: its own tests hold it
            case ["phos", name, *words]:
                command = main.get_command(context, name)
                while isinstance(command, click.Group):
                    command = command.get_command(context, words.pop(0))
                assert command is not None, line
                known = {option for each in command.params for option in each.opts}
                known |= {option for each in command.params for option in each.secondary_opts}
                assert {word for word in words if word.startswith("--")} <= {*known, "--help"}, line
            case ["nox", "-s", session, *_]:
                assert session.partition("(")[0] in SESSIONS, line
            case ["pip", "install", *wanted]:
                here = [word for word in wanted if word.startswith(("./phos_core", "./plugins"))]
                assert all(map(is_there, here)), line


def test_every_file_that_the_docs_speak_of_exists():
    tops = ("benchmarks", "docs", "examples", "phos_core", "plugins", "tests")
    files = [f"/{path.relative_to(ROOT)}" for top in tops for path in (ROOT / top).rglob("*.*")]
    missing = {
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in FILE.findall(page.read_text(encoding="utf-8"))
        if not any(file.endswith(f"/{name}") for file in files)
        and Path(name).name not in TO_BE_WRITTEN
        and "phos_acme" not in name
    }
    assert missing == set()


def test_every_dotted_name_that_the_docs_speak_of_can_be_imported():
    missing = set()
    for page in set(PAGES) - {ROOT / "CHANGELOG.md"}:  # which speaks of what was
        for name in DOTTED.findall(page.read_text(encoding="utf-8")):
            if find_spec(name.partition(".")[0]) is not None:
                try:
                    pkgutil.resolve_name(name)
                except (ImportError, AttributeError):
                    missing.add(f"{page.relative_to(ROOT)}: {name}")
    assert missing == set()


def test_an_index_lists_every_page_of_the_docs():
    indexes = [page for page in PAGES if page.name == "index.md"]
    listed = {
        (index.parent / (match[1] or match[2])).resolve()
        for index in indexes
        for match in LINK.finditer(index.read_text(encoding="utf-8"))
    }
    docs = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert docs - listed == {ROOT / "docs" / "index.md"}


def test_the_reference_has_every_public_name_of_the_core():
    page = (ROOT / "docs" / "reference" / "phos_core.md").read_text(encoding="utf-8")
    shown = {name for _, name in referred_to(page)}
    pages = {"PhosError", "psf", "__version__"}  # in a section of their own, or none
    assert shown | pages == set(phos.__all__)


def test_the_reference_has_only_names_that_their_modules_give_out():
    private = {
        f"{module}.{name}"
        for page in (ROOT / "docs" / "reference").glob("*.md")
        for module, name in referred_to(page.read_text(encoding="utf-8"))
        if name not in import_module(module).__all__
    }
    assert private == set()


def referred_to(page):
    """Give each name that a page of the reference shows by itself, and its module."""
    for block in page.split(".. currentmodule:: ")[1:]:
        module = block.split()[0]
        for name in re.findall(r"^\.\. auto(?:function|class|data):: (\w+)$", block, re.MULTILINE):
            yield module, name


def test_the_film_of_the_how_to_is_one(tmp_path):
    (text,) = blocks(ROOT / "docs" / "add-a-film.md", "toml")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    film, like = phos.load_film(path), phos.load_film("portra-400")
    assert film.development == like.development
    assert film.halation.antihalation_density == 0.0
    assert film.scatter == like.scatter


def test_the_lut_pages_python_runs(folder_with_photos):
    for code in blocks(ROOT / "docs" / "luts.md", "python"):
        exec(compile(code, "luts.md", "exec"), {})
    made = {path.name for path in folder_with_photos.glob("*ektar*")}
    assert made == {"ektar-100.cube", "seeding-ektar.jpg"}


def test_the_python_of_the_page_of_colour_spaces_runs():
    pytest.importorskip("PyOpenColorIO", reason="needs phos-darkroom[spaces]")
    for code in blocks(ROOT / "docs" / "spaces.md", "python"):
        names = {}
        exec(compile(code, "spaces.md", "exec"), names)
        if "positive" in names:  # of mid-grey
            assert 0.35 < names["positive"].mean() < 0.6


def test_the_convolution_pages_python_runs_and_prints_what_the_page_shows(capsys):
    page = ROOT / "docs" / "convolution.md"
    exec(compile("\n".join(blocks(page, "python")), page.name, "exec"), {})
    assert [capsys.readouterr().out] == blocks(page, "text")


def test_the_python_of_the_page_of_clips_runs():
    """Its first two blocks by themselves; the rest defines what files would be needed for."""
    names = {}
    for code in blocks(ROOT / "docs" / "clips.md", "python"):
        exec(compile(code, "clips.md", "exec"), names)
    assert callable(names["develop_half_a_minute"])

"""Plug-ins import public pages alone; of these `phos_core.backend` is all that a backend needs."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from phos_core import backend
from phos_darkroom.shell.plugin import write_plugin

ROOT = Path(__file__).parents[2]
PLUG_INS = [ROOT / "plugins" / f"phos_{name}" for name in ("cupy", "cv2", "numba", "torch")]
BUILT_ON_THE_CORE = [
    ROOT / "plugins" / f"phos_{name}" for name in ("app", "bench", "darkroom", "dask", "video")
]
EXAMPLE = ROOT / "examples" / "phos_mlx"
EXAMPLES = [
    path
    for pattern in ("*.py", "comfyui_phos/*.py")
    for path in sorted((ROOT / "examples").glob(pattern))
]
OF_INNER_STEPS = "make_plots.py"  # draws the steps of the process one by one

FOR_BACKENDS = {"phos_core", "phos_core.backend", "phos_core.testing"}
OF_THE_CORE = {
    *("phos_core", "phos_core.backend", "phos_core.color", "phos_core.convolution"),
    *("phos_core.errors", "phos_core.process", "phos_core.psf", "phos_core.stocks"),
}
OF_THE_DARKROOM = {"phos_darkroom", "phos_darkroom.settings.sidecar"}
ALL_PAGES = OF_THE_CORE | OF_THE_DARKROOM


def reaching_into(folder, pages=FOR_BACKENDS):
    """What the sources in a folder import of phos that is on none of the pages, with the place."""
    for path in sorted(folder.rglob("*.py")):
        yield from reaching_from(path, pages)


def reaching_from(path, pages):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names if alias.name not in pages]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found = [
                f"{node.module}.{alias.name}"
                for alias in node.names
                if not is_on(pages, node.module, alias.name)
            ]
        else:
            continue
        yield from (f"{path.name}:{node.lineno}: {name}" for name in found if is_of_phos(name))


def is_on(pages, module, name):
    """Whether a name is on a page, or is one itself."""
    if f"{module}.{name}" in pages:
        return True
    return module in pages and name in import_module(module).__all__


def is_of_phos(name):
    return name.partition(".")[0] in ("phos_core", "phos_darkroom")


@pytest.mark.parametrize("folder", [*PLUG_INS, EXAMPLE], ids=lambda folder: folder.name)
def test_our_own_backends_import_no_name_of_phos_that_is_not_public(folder):
    sources = list((folder / "src").rglob("*.py"))
    assert len(sources) > 1
    assert list(reaching_into(folder)) == []


@pytest.mark.parametrize("folder", BUILT_ON_THE_CORE, ids=lambda folder: folder.name)
def test_what_is_built_on_the_core_imports_public_names_alone(folder):
    assert len(list((folder / "src").rglob("*.py"))) > 1
    found = reaching_into(folder / "src", ALL_PAGES)
    is_the_darkroom = folder.name == "phos_darkroom"
    assert [line for line in found if not (is_the_darkroom and ": phos_darkroom." in line)] == []


def test_scripts_for_users_import_public_names_alone():
    scripts = [path for path in EXAMPLES if path.name != OF_INNER_STEPS]
    assert len(scripts) > 3
    assert [line for path in scripts for line in reaching_from(path, ALL_PAGES)] == []


@pytest.mark.parametrize(
    "planted",
    [
        "from phos_core.process.recipe import Recipe",
        "from phos_core.stocks import library",
        "from phos_core.convolution import choosing",
        "import phos_core.process.develop",
        "from phos_core.arrays import Array",
        "from phos_core.psf.base import PSF",
        "from phos_darkroom import files",
        "from phos_darkroom.one_file import develop_file",
        "def later():\n    from phos_darkroom.settings.sidecar.text import read",
    ],
)
def test_an_inner_module_is_found_in_what_is_built_on_the_core(tmp_path, planted):
    source = (ROOT / "plugins/phos_app/src/phos_app/details.py").read_text(encoding="utf-8")
    (tmp_path / "details.py").write_text(f"{source}\n\n{planted}\n", encoding="utf-8")
    (found,) = reaching_into(tmp_path, ALL_PAGES)
    assert found.startswith("details.py:")


@pytest.mark.parametrize("page", sorted(ALL_PAGES))
def test_each_name_of_a_public_page_is_there_and_says_what_it_is(page):
    module = import_module(page)
    assert inspect.getdoc(module)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        assert not (inspect.isfunction(value) or inspect.isclass(value)) or inspect.getdoc(value)


@pytest.mark.parametrize("page", sorted({*ALL_PAGES, "phos_core.testing"}))
def test_the_page_of_stable_names_lists_each_public_page(page):
    stable = (ROOT / "docs" / "stable-names.md").read_text(encoding="utf-8")
    _, _, listed = stable.partition("## What is stable")
    assert f"`{page}`" in listed.partition("## What is private")[0]


def test_a_new_plug_in_imports_public_names_alone_and_has_no_more_than_sixty_lines(tmp_path):
    folder = write_plugin("acme", tmp_path)
    assert list(reaching_into(folder)) == []
    lines = [
        line for path in (folder / "src").rglob("*.py") for line in path.read_text().splitlines()
    ]
    assert 20 < len(lines) <= 60


@pytest.mark.parametrize(
    "planted",
    [
        "from phos_core.convolution.methods import generic",
        "from phos_core.psf import PSF",
        "import phos_core.effects.grain",
        "from phos_core import convolution",
        "from phos_core.backend import __getattr__",
        "def later():\n    from phos_darkroom.files import image_files",
    ],
)
def test_an_import_of_anything_else_is_found(tmp_path, planted):
    source = (EXAMPLE / "src" / "phos_mlx" / "backend.py").read_text(encoding="utf-8")
    (tmp_path / "backend.py").write_text(f"{source}\n\n{planted}\n", encoding="utf-8")
    (found,) = reaching_into(tmp_path)
    assert found.startswith("backend.py:")


def test_the_page_for_authors_explains_each_public_name_and_no_other():
    page = (ROOT / "docs" / "add-a-backend.md").read_text(encoding="utf-8")
    _, _, explained = page.partition("## The required part")
    first_cells = re.findall(r"^\| (`[^|]*) \|", explained, re.MULTILINE)
    named = [*re.findall(r"`(\w+)`", " ".join(first_cells)), "HostBuffers"]
    assert sorted(named) == sorted(backend.__all__)
    assert "`HostBuffers`" in explained


def test_the_public_names_are_sorted_are_there_and_say_what_they_are():
    assert backend.__all__ == sorted(backend.__all__, key=lambda name: (kind(name), name))
    for name in backend.__all__:
        assert getattr(backend, name) is not None


def kind(name):
    """Constants, classes, functions: as the linter sorts them."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2

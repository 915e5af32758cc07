"""`phos_core.backend` is all that a backend needs: plug-ins import nothing else of phos."""

import ast
import re
from pathlib import Path

import pytest

import phos_core as phos
from phos_core import backend
from phos_darkroom.shell.plugin import write_plugin

ROOT = Path(__file__).parents[2]
PLUG_INS = [ROOT / "plugins" / f"phos_{name}" for name in ("cupy", "cv2", "numba", "torch")]
EXAMPLE = ROOT / "examples" / "phos_mlx"
PUBLIC = {"phos_core", "phos_core.backend", "phos_core.testing"}
NAMES = {"phos_core": phos.__all__, "phos_core.backend": backend.__all__}


def reaching_into(folder):
    """What the sources in a folder import of phos that is not public, with the place."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in private_names(node):
                yield f"{path.name}:{node.lineno}: {name}"


def private_names(node):
    if isinstance(node, ast.Import):
        imported = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        known = NAMES.get(node.module)
        if known is not None:
            yield from (
                f"{node.module}.{alias.name}"
                for alias in node.names
                if alias.name not in known and f"{node.module}.{alias.name}" not in PUBLIC
            )
        imported = [node.module]
    else:
        return
    yield from (name for name in imported if is_of_phos(name) and name not in PUBLIC)


def is_of_phos(name):
    return name.partition(".")[0] in ("phos_core", "phos_darkroom")


@pytest.mark.parametrize("folder", [*PLUG_INS, EXAMPLE], ids=lambda folder: folder.name)
def test_our_own_backends_import_no_name_of_phos_that_is_not_public(folder):
    sources = list((folder / "src").rglob("*.py"))
    assert len(sources) > 1
    assert list(reaching_into(folder)) == []


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


@pytest.mark.parametrize("name", ["app", "bench", "dask"])
def test_plug_ins_of_other_kinds_mark_their_hooks_with_the_public_name(name):
    module = ROOT / "plugins" / f"phos_{name}" / "src" / f"phos_{name}" / "__init__.py"
    assert "from phos_core.backend import hookimpl" in module.read_text(encoding="utf-8")


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

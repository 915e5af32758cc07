"""The house keeps its shape: a small door, light imports, and effects that know no backend."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import phos_core as phos

PACKAGE = Path(phos.__file__).parent
HEAVY = ("scipy", "cv2", "torch", "cupy", "PIL", "click", "rich", "tifffile")
LATE = ("email", "zipfile", "difflib")  # loaded where metadata or the nearest name are asked for


def modules_loaded_by(code):
    """Run code in a fresh interpreter; return the top-level names it has imported."""
    script = (
        f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PACKAGE.root
    )
    return set(run.stdout.split())


def imports_of(path):
    """Yield the absolute names that a source file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "." * node.level


def test_the_tests_run_what_is_installed():
    assert PACKAGE.name == "phos_core"
    assert PACKAGE.parent.name in ("src", "site-packages")
    assert (PACKAGE / "py.typed").is_file()


def test_importing_the_core_loads_nothing_heavy():
    loaded = modules_loaded_by("import phos_core")
    assert {"phos_core", "numpy"} <= loaded
    assert loaded.isdisjoint({*HEAVY, *LATE})


def test_asking_for_help_loads_no_image_library_and_no_backend():
    loaded = modules_loaded_by(
        "from phos_darkroom.shell.main import main\nmain(['--help'], standalone_mode=False)"
    )
    assert "click" in loaded
    assert loaded.isdisjoint(set(HEAVY) - {"click"})


def test_the_door_is_sorted_small_and_complete():
    assert phos.__all__ == sorted(set(phos.__all__))
    assert len(phos.__all__) <= 16
    for name in phos.__all__:
        assert hasattr(phos, name), name
    ours = {
        name
        for name, value in vars(phos).items()
        if getattr(value, "__module__", "").startswith("phos_core") and name != "__getattr__"
    }
    assert ours <= set(phos.__all__)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("effects/*.py")), ids=lambda path: path.stem)
def test_no_effect_imports_a_backend_or_another_effect(path):
    effects = {f"phos_core.effects.{other.stem}" for other in PACKAGE.glob("effects/*.py")}
    for name in imports_of(path):
        assert not name.startswith((".", "phos_core.convolution")), name
        assert name not in effects, name


def test_no_two_tests_draw_from_one_generator():
    """What one of them gets would depend on which of them ran before it."""
    shared = re.compile(r"^\w+ = (np\.random\.default_rng|random\.Random)\([^()]*\)$", re.MULTILINE)
    tests = sorted(Path(__file__).parent.rglob("*.py"))
    assert not [path.name for path in tests if shared.search(path.read_text(encoding="utf-8"))]

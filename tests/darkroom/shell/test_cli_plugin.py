"""`phos plugin new` writes a package that works as it is."""

import os
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from phos_darkroom.files.image_files import read_image, write_image
from phos_darkroom.shell.main import main
from phos_darkroom.shell.plugin import write_plugin


@pytest.fixture
def installed(tmp_path):
    """A new plug-in, put where Python finds it; the environment that does."""
    folder = write_plugin("acme-two", tmp_path)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / "src" / "phos_acme_two-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = "".join(f"{k} = {v}\n" for k, v in project["entry-points"]["phos"].items())
    (metadata / "entry_points.txt").write_text(f"[phos]\n{points}")
    path = os.pathsep.join([str(folder / "src"), os.environ.get("PYTHONPATH", "")])
    return folder, os.environ | {"PYTHONPATH": path}


def run(*command, cwd, env):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=env,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_writes_a_folder_and_says_where(tmp_path):
    result = CliRunner().invoke(main, ["plugin", "new", "acme", "--into", str(tmp_path)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "phos-acme"
    assert result.stdout == f"{folder}\n"
    written = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert written == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "src/phos_acme/__init__.py",
        "src/phos_acme/backend.py",
        "tests/test_backend.py",
        ".github/workflows/tests.yml",
    }


def test_no_place_of_a_template_is_left_unfilled(tmp_path):
    for file in write_plugin("acme", tmp_path).rglob("*"):
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        for of_the_workflow in ("${{ matrix.os }}", "${{ matrix.python }}", '"$CORE"'):
            text = text.replace(of_the_workflow, "")
        assert "$" not in text


def test_the_workflow_proves_the_plug_in_as_it_is_installed(tmp_path):
    folder = write_plugin("acme-two", tmp_path)
    workflow = (folder / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (core,) = project["dependencies"]
    assert f'CORE: "{core}"' in workflow
    assert "\t" not in workflow
    steps = [line.partition("run: ")[2] for line in workflow.splitlines() if "run: " in line]
    assert steps == [
        'python -m pip install "$CORE" ".[test]"',
        "python -m pytest",
        "phos plugin check acme-two",
        "python -m phos_core.testing.conformance acme-two",
    ]


def test_the_command_refuses_in_one_line(tmp_path):
    result = CliRunner().invoke(main, ["plugin", "new", "Acme", "--into", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("phos: a plug-in's name must be")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "small letters"),
        ("Acme", "small letters"),
        ("2fast", "a letter first"),
        ("acme_gpu", "joined by hyphens"),
        ("acme-", "joined by hyphens"),
        ("../acme", "small letters"),
        ("acmé", "small letters"),
        ("phos-acme", "try 'acme'"),
        ("torch", "belongs to phos itself"),
        ("core", "belongs to phos itself"),
        ("auto", "belongs to phos itself"),
        ("x" * 65, "at most 64 letters, got 65"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_written(tmp_path, name, reason):
    with pytest.raises(ValueError, match=reason):
        write_plugin(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_never_replaced(tmp_path):
    (tmp_path / "phos-acme").mkdir()
    with pytest.raises(ValueError, match="exists already"):
        write_plugin("acme", tmp_path)
    assert not list((tmp_path / "phos-acme").iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(ValueError, match="cannot make the folder"):
        write_plugin("acme", tmp_path / "nowhere")


@pytest.mark.proof
def test_the_plug_in_is_found_proved_and_develops_a_picture(installed, tmp_path):
    folder, env = installed
    assert re.search(r"acme-two +20 ", run("phos_darkroom", "backends", cwd=tmp_path, env=env))
    own = ("pytest", "-q", "-p", "no:cacheprovider", "-k", "impulse_becomes or self_test")
    assert "2 passed" in run(*own, cwd=folder, env=env)
    run("phos_core.testing.conformance", "acme-two", "-q", "-k", "PlugIn", cwd=tmp_path, env=env)
    write_image(tmp_path / "in.png", np.full((24, 36, 3), 90, np.uint8))
    run(
        "phos_darkroom",
        "develop",
        "in.png",
        "-o",
        "1.png",
        "--backend=acme-two",
        cwd=tmp_path,
        env=env,
    )
    run(
        "phos_darkroom",
        "develop",
        "in.png",
        "-o",
        "2.png",
        "--backend=scipy",
        cwd=tmp_path,
        env=env,
    )
    first, second = (read_image(tmp_path / name).astype(int) for name in ("1.png", "2.png"))
    assert np.abs(first - second).max() <= 1


def test_the_plug_in_waits_for_its_library(installed, tmp_path):
    """Its hook is light: the module of the backend is not imported to list it."""
    _, env = installed
    asked = "import sys, phos_acme_two; phos_acme_two.phos_convolution_backends(); "
    asked += "print('phos_acme_two.backend' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout == "False\n"

import re
import tomllib
from pathlib import Path

from phos_core.convolution.choosing.known_plugins import OURS, PLUG_IN_COMMANDS

ROOT = Path(__file__).parents[4]


def test_each_hint_names_folders_of_this_repository_and_the_distribution_that_lies_there():
    for name, plug_in in {**OURS, **PLUG_IN_COMMANDS}.items():
        folder = ROOT / plug_in.folder.partition("[")[0]
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["name"] == plug_in.distribution, name
        for extra in re.findall(r"\[(\w+)\]", plug_in.folder):
            assert extra in project["optional-dependencies"], name
        assert all((ROOT / needed / "pyproject.toml").is_file() for needed in plug_in.needs), name


def test_every_command_that_a_plug_in_here_adds_has_a_hint_of_what_to_install():
    adding = {
        module.parent.name.replace("_", "-")
        for module in ROOT.glob("plugins/*/src/*/__init__.py")
        if "def phos_commands" in module.read_text(encoding="utf-8")
    }
    assert {plug_in.distribution for plug_in in PLUG_IN_COMMANDS.values()} == adding
    assert PLUG_IN_COMMANDS["app"].hint == (
        "from a checkout: pip install ./phos_core ./plugins/phos_darkroom './plugins/phos_app'"
    )


def test_the_core_knows_no_plug_in_by_name_but_in_its_table_of_hints():
    names = {plug_in.distribution for plug_in in (*OURS.values(), *PLUG_IN_COMMANDS.values())}
    written = re.compile("|".join(f'import {name.replace("-", "_")}|"{name}"' for name in names))
    core = ROOT / "phos_core" / "src" / "phos_core"
    known = {
        path.name for path in core.rglob("*.py") if written.search(path.read_text(encoding="utf-8"))
    }
    assert known == {"known_plugins.py", "configuration.py"}  # which shows one in an error

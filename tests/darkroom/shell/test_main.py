"""The shell's door: what it writes, what it refuses, and how it says so."""

import json
import re

import click
import pytest
from click.shell_completion import get_completion_class
from click.testing import CliRunner

import phos_core as phos
from phos_core import convolution
from phos_core.convolution.choosing import registry
from phos_core.stocks.library import film_names, papers
from phos_darkroom.shell import films, listing
from phos_darkroom.shell.help import HEADINGS
from phos_darkroom.shell.main import main
from phos_darkroom.shell.tables import table_text


def run(*arguments, env=None):
    return CliRunner(env=env).invoke(main, [str(argument) for argument in arguments])


def test_films_are_listed_for_people_and_for_programs():
    listed = json.loads(run("films", "--json").stdout)
    assert [film["name"] for film in listed] == [film.name for film in phos.films()]
    assert all(film["iso_speed"] > 0 and film["label"] for film in listed)
    shown = run("films").stdout.splitlines()
    assert len(shown) == len(listed) + 1
    assert all(film["name"] in line for film, line in zip(listed, shown[1:], strict=True))
    assert not any(line.endswith(" ") for line in shown)


def test_films_are_listed_with_speed_format_character_and_what_is_measured():
    heading, *lines = run("films").stdout.splitlines()
    (line,) = (line for line in lines if line.startswith("velvia-50 "))
    (velvia,) = (film for film in phos.films() if film.name == "velvia-50")

    assert heading.split()[-3:] == ["formats", "measured", "description"]
    for told in ("reversal", " 50 ", "135, 120, 4x5", velvia.measured, velvia.description):
        assert told in line


def test_papers_are_listed_for_people_and_for_programs():
    listed = json.loads(run("films", "--papers", "--json").stdout)
    shown = run("films", "--papers").stdout.splitlines()

    assert {"endura-premier", "2383", "polymax"} <= {paper["name"] for paper in listed}
    assert [line.split()[0] for line in shown] == ["name", *(paper["name"] for paper in listed)]


def test_backends_are_listed_for_people_and_for_programs():
    listed = {backend["name"]: backend for backend in json.loads(run("backends", "--json").stdout)}
    assert listed["scipy"]["status"] == "ok"
    assert set(listed["scipy"]) >= {"name", "priority", "status", "reason", "hint"}
    assert run("backends").stdout.splitlines()[0].split()[:3] == ["name", "priority", "status"]


def test_a_blocked_backend_is_listed_with_its_reason(monkeypatch):
    monkeypatch.setenv("PHOS_BLOCK", "cv2")
    listed = {backend["name"]: backend for backend in json.loads(run("backends", "--json").stdout)}
    assert listed["cv2"]["status"] == "blocked"
    assert "PHOS_BLOCK" in listed["cv2"]["reason"]


def test_json_is_the_same_every_time():
    for command in ("films", "backends"):
        assert run(command, "--json").stdout == run(command, "--json").stdout


def test_version_is_the_distributions():
    assert run("--version").stdout == f"phos {phos.__version__}\n"


def test_plug_ins_bring_commands_but_replace_none(monkeypatch):
    @click.command()
    def polish():
        """Polish a lens."""
        click.echo("polished")

    @click.command("films")
    def impostor():
        click.echo("impostor")

    plug_in = registry.PlugIn("acme", "dist-acme", "1.5")
    found = [(plug_in, command) for command in (polish, impostor, "no command")]
    monkeypatch.setattr(convolution, "brought", lambda _: iter(found))
    assert "Polish a lens." in run("--help").stdout
    assert run("polish").stdout == "polished\n"
    assert "impostor" not in run("films").stdout


def test_our_own_commands_do_not_wait_for_plug_ins(monkeypatch):
    def fail(_):
        raise AssertionError("plug-ins were asked")

    monkeypatch.setattr(convolution, "brought", fail)
    assert run("films", "--help").exit_code == 0


def test_an_unknown_command_is_refused_with_exit_code_2():
    result = run("devlop")
    assert result.exit_code == 2
    assert "devlop" in result.stderr


# ------------------------------------------------------------------ a film's facts


def test_a_films_facts_are_its_speed_formats_push_papers_and_sources():
    shown = run("films", "Tri-X").stdout
    assert shown.splitlines()[0] == "Kodak Tri-X 400 (tri-x-400)"
    for fact in (
        r"^speed +ISO 400$",
        r"^formats +135, 120$",
        r"^push +-0.5 to \+3 stops, published$",
        r"^printed on +scan, polymax$",
        r"^scanned by +minilab, camera, drum, none$",
        r"^measured +5 of 11 tables$",
        r"^characteristic_curve +digitised +kodak-f-4017$",
    ):
        assert re.search(fact, shown, re.MULTILINE), fact
    told = json.loads(run("films", "Tri-X", "--json").stdout)
    assert (told["name"], told["formats"]) == ("tri-x-400", ["135", "120"])
    assert (told["iso_speed"], told["push_range"]) == (400, [-0.5, 3])
    assert told["is_push_published"]
    assert told["tables"][0] == {
        "table": "iso_speed",
        "status": "published",
        "source": "kodak-f-4017",
    }


def test_a_push_that_is_estimated_is_called_so_and_a_slide_has_none():
    assert re.search(r"^push +\S+ to \S+ stops, estimated$", run("films", "hp5").stdout, re.M)
    assert re.search(r"^push +none$", run("films", "velvia-50").stdout, re.M)


def test_a_film_that_is_none_or_several_is_one_line():
    for name, words in (("Portra", "which one?"), ("velvia-5", "did you mean velvia-50")):
        result = run("films", name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr


# ------------------------------------------------------------------ tables


@pytest.mark.parametrize(
    "command",
    ["films", "films --papers", "films velvia-50", "films portra-400", "backends", "presets"],
)
def test_every_table_fits_a_terminal_of_80_columns_and_cuts_no_name(monkeypatch, command):
    whole = run(*command.split()).stdout
    for module in (listing, films):
        monkeypatch.setattr(module, "print_width", lambda _: 80)
    narrow = run(*command.split()).stdout
    assert max(map(len, narrow.splitlines())) <= 80
    names = [line.split()[0] for line in whole.splitlines() if line and line[0] != " "]
    if " " not in command:
        assert [name for name in names if name not in narrow] == []
    assert "\u2026" not in narrow


NUMBERS = [["name", "bytes", "text"], ["a", "25276510208", "word " * 30], ["b", "-0.125", ""]]


@pytest.mark.parametrize("width", [1, 30, 80, None])
def test_a_number_is_never_cut_and_text_is_whole_at_any_width(width):
    text = table_text(NUMBERS, width)
    assert {"25276510208", "-0.125"} <= set(text.split())
    assert text.count("word") == 30
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert (len(text.splitlines()) == 3) == (width is None)


def test_a_long_name_stays_whole_beside_text_that_wraps():
    rows = [["name", "text"], ["n" * 40, "word " * 40]]
    assert "n" * 40 in table_text(rows, 70)


def test_columns_that_have_no_room_are_named_and_go_in_their_order():
    rows = [["name", "kind", "size", "text"], ["a" * 20, "b" * 20, "1" * 9, "word " * 20]]
    wide, narrow = (table_text(rows, width, first_to_go=("size", "kind")) for width in (90, 70))
    assert wide.startswith("name ")
    assert "no room" not in wide
    assert narrow.splitlines()[-1].startswith("(no room for size: ")
    assert "b" * 20 in narrow


# ------------------------------------------------------------------ help


def test_the_options_of_develop_stand_in_groups():
    shown = run("develop", "--help").stdout
    of_develop = [heading for heading in HEADINGS if heading != "Clip"]  # which `phos video` has
    assert re.findall(r"^(\w[\w ]+):$", shown, re.MULTILINE) == of_develop
    laboratory, _, rest = shown.partition("Laboratory:")[2].partition("Scan or print:")
    scan_or_print = rest.partition("Effects:")[0]
    option = re.compile(r"^  (--[\w-]+)", re.MULTILINE)
    assert option.findall(laboratory) == [
        *("--push", "--lab-correction", "--light-balance", "--auto-balance")
    ]
    assert option.findall(scan_or_print) == [
        *("--printing", "--scanner", "--contrast", "--balance", "--brightness"),
        *("--black-point", "--white-point", "--grade", "--filters", "--print-exposure"),
    ]


def test_no_help_is_wider_than_80_columns():
    for arguments in ([], ["develop"], ["lut"], ["films"], ["contact"], ["completion"], ["plugin"]):
        usage, *lines = run(*arguments, "--help").stdout.splitlines()
        assert max(map(len, [usage, *lines])) <= 80, arguments
        assert not any(line.endswith("...") for line in lines), arguments


# ------------------------------------------------------------------ what is not installed


@pytest.mark.parametrize("name", ["app", "bench"])
def test_a_command_of_a_plug_in_that_is_not_installed_says_what_to_install(monkeypatch, name):
    monkeypatch.setattr(convolution, "brought", lambda _: iter(()))
    for arguments in ([name], [name, "--help"]):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"phos: the command {name} comes with phos-{name}, which is not ")
        assert f"./plugins/phos_{name}" in line


# ------------------------------------------------------------------ completion


def completed(*words):
    kind = get_completion_class("bash")
    *before, typed = words
    found = kind(main, {}, "phos", "_PHOS_COMPLETE").get_completions(list(before), typed)
    return [item.value for item in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("dev",), ["develop"]),
        (("develop", "--film", "PORTRA-1"), ["portra-160"]),
        (("develop", "--format", "6x"), ["6x4.5", "6x6", "6x7", "6x9"]),
        (("lut", "--printing", "poly"), ["polymax"]),
        (("develop", "--preset", "st"), ["street"]),
        (("develop", "--backend", "numba,sci"), ["numba,scipy"]),
        (("films", "velv"), ["velvia-50"]),
        (("completion", "pow"), ["powershell"]),
    ],
)
def test_names_are_completed(monkeypatch, tmp_path, words, expected):
    monkeypatch.setenv("PHOS_PRESETS", str(tmp_path))
    assert completed(*words) == expected


def test_all_films_and_papers_are_offered():
    offered = completed("develop", "--film", "")
    assert offered == film_names()
    printings = completed("develop", "--printing", "")
    assert printings == ["auto", "scan", "neutral", *papers()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_gets_a_script_that_asks_phos(shell):
    script = run("completion", shell).stdout
    assert f"{shell}_complete" in script
    assert "_PHOS_COMPLETE" in script
    assert "%(" not in script


def test_powershell_is_answered_by_its_words(monkeypatch):
    for words, typed, expected in (
        ("phos develop --film velv", "velv", ["plain\tvelvia-50\t"]),
        ("phos develop --mode", "", [f"plain\t{mode}\t" for mode in ("full", "colour", "texture")]),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_WORD", typed)
        kind = get_completion_class("powershell")
        assert kind(main, {}, "phos", "_PHOS_COMPLETE").complete().splitlines() == expected

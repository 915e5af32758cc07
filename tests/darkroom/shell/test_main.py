"""The shell's door: what it writes, what it refuses, and how it says so."""

import json

import click
from click.testing import CliRunner

import phos_core as phos
from phos_core.convolution.choosing import registry
from phos_darkroom.shell.main import main


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
    monkeypatch.setattr(registry, "brought", lambda _: iter(found))
    assert "Polish a lens." in run("--help").stdout
    assert run("polish").stdout == "polished\n"
    assert "impostor" not in run("films").stdout


def test_our_own_commands_do_not_wait_for_plug_ins(monkeypatch):
    def fail(_):
        raise AssertionError("plug-ins were asked")

    monkeypatch.setattr(registry, "brought", fail)
    assert run("films", "--help").exit_code == 0


def test_an_unknown_command_is_refused_with_exit_code_2():
    result = run("devlop")
    assert result.exit_code == 2
    assert "devlop" in result.stderr

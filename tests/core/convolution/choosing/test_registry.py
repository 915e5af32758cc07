import shutil
import subprocess
import sys
from importlib.resources import files

import pytest

import phos_core as phos
from phos_core.convolution.choosing import registry
from phos_core.convolution.choosing.selection import backends
from phos_core.convolution.hooks import BackendSpec

OFFERS_ACME = """
    @hookimpl
    def phos_convolution_backends():
        return [spec()]
"""


def row(name: str):
    (found,) = (report for report in backends() if report.name == name)
    return found


def test_the_built_in_backend_comes_through_the_same_hook(fresh):
    (builtin,) = (o for o in registry.offered_backends() if o.name == "scipy")
    assert builtin.plug_in.distribution == "phos-core"
    assert builtin.status == "ok"


def test_a_plug_in_s_backend_is_reported_with_its_origin(install):
    install("acme", OFFERS_ACME)
    report = row("acme")
    assert (report.status, report.priority) == ("ok", 99)
    assert (report.distribution, report.version) == ("dist-acme", "1.5")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import a_library_that_is_not_there", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("this is no python", "SyntaxError"),
        ("PHOS_HOOK_API = 2", "PHOS_HOOK_API = 2, this phos speaks 1"),
        ("del PHOS_HOOK_API", "PHOS_HOOK_API = None"),
        ("@hookimpl\ndef phos_convolution_backend(): return []", "unknown hook"),
        ("@hookimpl\ndef phos_convolution_backends(): 1 / 0", "ZeroDivisionError"),
        ("@hookimpl\ndef phos_convolution_backends(): raise SystemExit", "SystemExit"),
        ("@hookimpl\ndef phos_convolution_backends(): return ['scipy']", "expected a BackendSpec"),
        ("@hookimpl\ndef phos_convolution_backends(): return 7", "TypeError"),
        (
            "@hookimpl\ndef phos_convolution_backends(): return [spec(factory='nowhere')]",
            "package.module:function",
        ),
    ],
)
def test_a_broken_plug_in_is_a_row_with_its_cause_and_breaks_nothing_else(install, source, cause):
    install("acme", source)
    broken = row("acme")
    assert broken.status == "broken"
    assert cause in broken.reason
    assert broken.distribution == "dist-acme"
    assert row("scipy").status == "ok"
    assert backends()[-1] == broken


INTERRUPTED = """
import signal
from phos_core.convolution.choosing import guarded, registry

signal.signal(signal.SIGINT, signal.default_int_handler)  # which work in the background ignores

def wait(done, seconds):
    signal.raise_signal(signal.SIGINT)  # the user's, while a plug-in is waited for

guarded._wait = wait
try:
    registry.plug_ins()
except KeyboardInterrupt:
    print("interrupted")
"""


def test_the_user_s_ctrl_c_interrupts_while_a_plug_in_is_waited_for(install, alone):
    """A plug-in's own KeyboardInterrupt is a row: test_broken_plugins.py."""
    install("acme", OFFERS_ACME)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        check=True,
        env=alone(*sys.path),
    )
    assert done.stdout == "interrupted\n"


def test_two_plug_ins_that_claim_one_name_are_both_explained_and_neither_runs(install):
    install("one", OFFERS_ACME)
    install("two", OFFERS_ACME)
    rows = [report for report in backends() if report.name == "acme"]
    assert {report.distribution for report in rows} == {"dist-one", "dist-two"}
    for report in rows:
        assert report.status == "broken"
        assert "claimed by dist-one and dist-two" in report.reason
        assert "PHOS_BLOCK" in report.hint


def test_blocking_one_of_the_two_lets_the_other_run(install, monkeypatch):
    install("one", OFFERS_ACME)
    install("two", OFFERS_ACME)
    monkeypatch.setenv("PHOS_BLOCK", "Dist_One")
    assert row("acme").distribution == "dist-two"
    assert row("acme").status == "ok"


def test_the_built_in_name_cannot_be_taken(install):
    install("acme", OFFERS_ACME.replace("spec()", "spec(name='scipy')"))
    rows = {report.distribution: report for report in backends() if report.name == "scipy"}
    assert rows["phos-core"].status == "ok"
    assert rows["dist-acme"].status == "broken"


def test_a_blocked_distribution_is_not_imported(install, monkeypatch):
    install("acme", "raise RuntimeError('imported')")
    monkeypatch.setenv("PHOS_BLOCK", "dist-acme")
    assert row("acme").status == "blocked"
    assert "PHOS_BLOCK" in row("acme").reason


def test_a_blocked_backend_is_a_row(fresh, monkeypatch):
    monkeypatch.setenv("PHOS_BLOCK", " other , scipy ")
    assert row("scipy").status == "blocked"


def bringing(*paths):
    """Source of a plug-in that brings films and a command."""
    return f"""
        @hookimpl
        def phos_films():
            return {[str(path) for path in paths]!r}

        @hookimpl
        def phos_commands():
            return ["a command"]
        """


def test_plug_ins_bring_films_and_commands(install, tmp_path):
    put_film(tmp_path / "acme-400.toml")
    install("acme", bringing(tmp_path / "acme-400.toml"))
    assert tmp_path / "acme-400.toml" in registry.films()
    assert "acme-400" in [film.name for film in phos.films()]
    assert phos.load_film("acme-400").kind == "black-and-white"
    assert "a command" in registry.commands()


def put_film(path):
    """A film's file, which calls itself tri-x-400 whatever it is called."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((files("phos_core.stocks") / "films" / "tri-x-400.toml").read_bytes())
    return path


def test_every_film_of_a_plug_in_is_listed_under_the_name_that_loads_it(install, tmp_path):
    brought = [put_film(tmp_path / f"{name}.toml") for name in ("acme-400", "Acme 800", "a.b")]
    install("acme", bringing(*brought))
    bundled = {entry.name for entry in files("phos_core.stocks").joinpath("films").iterdir()}
    listed = {film.name for film in phos.films() if f"{film.name}.toml" not in bundled}
    assert {"acme-400", "Acme 800", "a.b"} <= listed
    for name in listed:
        assert phos.load_film(name).name == name


def test_films_that_clash_are_left_out_with_a_message_and_the_first_stays(install, tmp_path):
    ours = put_film(tmp_path / "portra-400.toml")
    first = put_film(tmp_path / "one" / "acme-400.toml")
    second = put_film(tmp_path / "two" / "acme-400.toml")
    path_like = put_film(tmp_path / "acme.toml.toml")
    install("acme", bringing(ours, first, second, path_like))
    with pytest.warns(RuntimeWarning) as caught:
        names = [film.name for film in phos.films()]
    said = [str(warning.message) for warning in caught]
    assert len(said) == 3
    assert any(f"{ours}: a bundled film has the name 'portra-400'" in message for message in said)
    assert any(f"{second}: the film {first} has the name" in message for message in said)
    assert any(f"{path_like}: a name that ends in .toml" in message for message in said)
    assert names.count("acme-400") == names.count("portra-400") == 1
    assert phos.load_film("portra-400").kind == "negative"


def test_a_film_that_is_no_film_is_left_out_with_a_word(install, tmp_path):
    (tmp_path / "bad.toml").write_text("schema = 1")
    install("acme", bringing(tmp_path / "bad.toml", tmp_path / "none.toml"))
    with pytest.warns(RuntimeWarning) as words:
        names = [film.name for film in phos.films()]
    assert "bad" not in names
    assert "portra-400" in names
    said = " ".join(str(word.message) for word in words)
    assert "none.toml" in said
    assert "left out: film bad" in said


@pytest.mark.parametrize("hook", ["films", "commands"])
def test_a_plug_in_that_fails_to_bring_them_is_warned_about(install, hook):
    install("acme", f"@hookimpl\ndef phos_{hook}(): raise OSError('gone')")
    with pytest.warns(RuntimeWarning, match=rf"dist-acme.*phos_{hook} failed: OSError: gone"):
        assert "gone" not in getattr(registry, hook)()


def test_a_distribution_that_is_found_twice_is_loaded_once(install, tmp_path, monkeypatch):
    install("acme", OFFERS_ACME)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "dist-acme", copy)
    monkeypatch.syspath_prepend(copy)
    registry.reset()
    assert [plug_in.name for plug_in in registry.plug_ins()].count("acme") == 1
    assert row("acme").status == "ok"


def leave_behind(folder, *, metadata=None, points=b"[phos]\nacme = plug_acme\n"):
    """The folder of an old version's metadata, as an interrupted uninstall may leave it."""
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_bytes(points)
    if metadata is not None:
        (folder / "METADATA").write_bytes(metadata)


@pytest.mark.proof
@pytest.mark.parametrize(
    "left", [None, b"", b"Metadata-Version: 2.1\nVersion: 1.0\n", b"\xff\xfe\x00", b"Name:\n"]
)
def test_metadata_that_name_nobody_are_a_row_and_the_whole_version_runs(
    install, tmp_path, monkeypatch, left
):
    install("acme", OFFERS_ACME)
    leave_behind(tmp_path / "left" / "dist_acme-1.4.dist-info", metadata=left)
    monkeypatch.syspath_prepend(tmp_path / "left")
    registry.reset()
    rows = {report.status: report for report in backends() if report.name == "acme"}
    assert rows["ok"].distribution == "dist-acme"
    assert "dist_acme-1.4.dist-info has no METADATA that names it" in rows["broken"].reason
    monkeypatch.setenv("PHOS_BLOCK", "dist-acme")
    assert {report.status for report in backends() if report.name == "acme"} == {"blocked"}


@pytest.mark.parametrize("points", [b"[phos]\nacme\n", b"[phos]\nacme = \xff\xfe\n"])
def test_entry_points_that_cannot_be_read_are_a_row(fresh, tmp_path, monkeypatch, points):
    leave_behind(tmp_path / "acme-1.dist-info", metadata=b"Name: acme\n", points=points)
    monkeypatch.syspath_prepend(tmp_path)
    registry.reset()
    assert row("acme").status == "broken"
    assert "acme-1.dist-info cannot be read" in row("acme").reason
    assert row("scipy").status == "ok"


def test_a_distribution_without_a_version_runs(install, tmp_path):
    install("acme", OFFERS_ACME)
    (metadata,) = (tmp_path / "dist-acme").glob("*.dist-info")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-acme\n")
    registry.reset()
    assert (row("acme").status, row("acme").version) == ("ok", "")


def test_entry_points_that_name_no_module_are_a_row(install, tmp_path):
    install("acme", OFFERS_ACME)
    (metadata,) = (tmp_path / "dist-acme").glob("*.dist-info")
    (metadata / "entry_points.txt").write_text("[phos]\nacme = plug-acme\n")
    registry.reset()
    assert "its entry point names 'plug-acme', which is no module" in row("acme").reason


@pytest.mark.parametrize(
    ("hook", "given", "cause"),
    [
        ("films", "7", "phos_films must return a list, got 7"),
        ("films", "None", "phos_films must return a list, got None"),
        ("films", "'film.toml'", "phos_films must return a list, got 'film.toml'"),
        ("films", "[5]", "phos_films must give paths of TOML files, got 5"),
        ("commands", "{'a': 1}", "phos_commands must return a list, got {'a': 1}"),
        ("schedulers", "['tcp']", "phos_schedulers must give SchedulerSpecs, got 'tcp'"),
    ],
)
def test_a_hook_that_returns_the_wrong_thing_is_warned_about(install, hook, given, cause):
    install("acme", f"@hookimpl\ndef phos_{hook}(): return {given}")
    with pytest.warns(RuntimeWarning, match="dist-acme") as caught:
        getattr(registry, hook)()
    assert any(cause in str(warning.message) for warning in caught)


def test_a_hook_may_be_a_generator(install):
    install("acme", "@hookimpl\ndef phos_convolution_backends(): yield spec()")
    assert row("acme").status == "ok"


def test_a_hook_that_hangs_is_warned_about_and_left_behind(install, no_patience):
    install("acme", "@hookimpl\ndef phos_films():\n    import hanging; hanging.forever()")
    for _ in range(2):  # it is waited for once
        with pytest.warns(RuntimeWarning, match="phos_films failed: TimeoutError: no answer with"):
            assert "portra-400" in [film.name for film in phos.films()]


@pytest.mark.parametrize("change", [{"name": "A"}, {"factory": "module"}, {"factory": ":f"}])
def test_a_spec_checks_itself(change):
    fields = {"name": "acme", "priority": 1, "factory": "m:f"} | change
    with pytest.raises(ValueError, match=r"a backend's (name|factory) must"):
        BackendSpec(**fields)

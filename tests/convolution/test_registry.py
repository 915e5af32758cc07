from importlib.metadata import EntryPoint
from importlib.resources import files

import pytest

import phos_core as phos
from phos_core.convolution import registry
from phos_core.convolution.hookspecs import BackendSpec
from phos_core.convolution.selection import backends

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


def test_an_interrupt_from_the_keyboard_is_not_swallowed(install):
    install("acme", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.plug_ins()


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
    stock = (files("phos_core") / "films" / "tri-x-400.toml").read_text(encoding="utf-8")
    (tmp_path / "acme-400.toml").write_text(stock.replace("tri-x-400", "acme-400"))
    install("acme", bringing(tmp_path / "acme-400.toml"))
    assert registry.films() == (tmp_path / "acme-400.toml",)
    assert "acme-400" in [film.name for film in phos.films()]
    assert phos.load_film("acme-400").kind == "black-and-white"
    assert registry.commands() == ("a command",)


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
        assert getattr(registry, hook)() == ()


def test_an_entry_point_that_is_listed_twice_is_loaded_once(fresh, monkeypatch):
    point = EntryPoint("scipy", "phos_core.convolution.builtin", "phos")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point, point])
    assert len(registry.plug_ins()) == 1


@pytest.mark.parametrize("change", [{"name": ""}, {"factory": "module"}, {"factory": ":f"}])
def test_a_spec_checks_itself(change):
    fields = {"name": "acme", "priority": 1, "factory": "m:f"} | change
    with pytest.raises(ValueError, match=r"a backend's (name|factory) must"):
        BackendSpec(**fields)

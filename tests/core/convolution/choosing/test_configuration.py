"""What is wished of backends and plug-ins: lists of names, the configuration file, allow-lists."""

import os

import pytest
from click.testing import CliRunner

import phos_core as phos
from phos_core.convolution.choosing import registry, selection
from phos_core.convolution.choosing.configuration import configuration, listed
from phos_core.convolution.choosing.selection import backends, select, successors, use_backend
from phos_core.errors import BackendUnavailableError, PhosError, UnknownBackendError
from phos_darkroom.settings import as_text
from phos_darkroom.shell.main import main

ACME = "@hookimpl\ndef phos_convolution_backends(): return [spec()]\n"
NO_DEVICE = "Backend.probe = lambda self: ProbeReport('no-device', 'no card', 'buy one')\n"


@pytest.fixture
def write(fresh, tmp_path, monkeypatch):
    """Write the configuration that PHOS_CONFIG names."""

    def put(text):
        path = tmp_path / "config.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setenv("PHOS_CONFIG", str(path))
        registry.reset()
        return path

    return put


def row(name):
    (found,) = (report for report in backends() if report.name == name)
    return found


def reasons(selection):
    return {candidate.name: candidate.reason for candidate in selection.candidates}


# ------------------------------------------------------------------ lists of names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("scipy", ("scipy",)),
        (" cupy , torch:cuda,scipy ", ("cupy", "torch:cuda", "scipy")),
        ("scipy,", ("scipy",)),
        ("scipy,cupy,scipy", ("scipy", "cupy")),
        (" , ", ()),
    ],
)
def test_names_are_separated_by_commas_and_each_counts_once(text, names):
    assert listed(text) == names


@pytest.mark.parametrize("way", ["argument", "context", "environment", "configuration"])
def test_of_several_names_the_first_that_can_run_is_taken_however_they_are_given(
    way, install, write, monkeypatch
):
    install("acme", NO_DEVICE + ACME)
    names = "zzz, acme, scipy"
    if way == "argument":
        selection = select(names)
    elif way == "context":
        with use_backend(names) as chosen:
            assert chosen.name == "scipy"
            selection = select()
    elif way == "environment":
        monkeypatch.setenv("PHOS_BACKEND", names)
        selection = select()
    else:
        write('backend = ["zzz", "acme", "scipy"]')
        selection = select()
    assert (selection.backend.name, selection.source) == ("scipy", way)
    assert list(reasons(selection)) == ["zzz", "acme", "scipy"]
    assert reasons(selection)["zzz"].startswith("unknown backend 'zzz'")
    assert reasons(selection)["acme"] == "no-device: no card"
    assert reasons(selection)["scipy"] is None


def test_the_report_of_a_develop_names_each_that_was_skipped_with_its_reason(install, rng):
    install("acme", NO_DEVICE + ACME)
    image = rng.random((8, 9, 3)).astype("float32")
    _, report = phos.develop_with_report(image, backend="acme,scipy")
    assert (report.backend, report.source) == ("scipy", "argument")
    assert report.candidates == (("acme", "no-device: no card"), ("scipy", ""))


def test_where_none_of_several_can_run_the_error_lists_each(install):
    install("acme", NO_DEVICE + ACME)
    with pytest.raises(
        BackendUnavailableError,
        match=r"'acme,cupyy' cannot run: none of them can: acme: no-device: no card; "
        r"cupyy: unknown backend 'cupyy'; did you mean cupy or scipy\?; phos backends shows",
    ):
        select("acme,cupyy")


def test_one_name_alone_still_runs_or_is_an_error(install):
    install("acme", NO_DEVICE + ACME)
    with pytest.raises(BackendUnavailableError, match="'acme' cannot run: no card; buy one"):
        select("acme,")
    with pytest.raises(UnknownBackendError):
        select("zzz")


def test_auto_among_several_is_the_best_of_all(usual, install):
    install("acme", NO_DEVICE + ACME)
    selection = select("acme,auto")
    assert selection.backend.name == usual
    assert list(reasons(selection)).count("acme") == 1


def test_what_is_less_accurate_or_far_runs_in_a_list_as_when_it_is_named_alone(install):
    far = ACME.replace("spec()", "spec(transfer_worth_pixels=1000)")
    install("acme", "Backend.accuracy = 'fast'\n" + far)
    assert select("acme,scipy", pixels=1).backend.name == "acme"


def test_only_those_later_in_the_list_may_take_over(usual, install):
    install("acme", ACME)
    chosen = select("acme,zzz,scipy")
    assert (chosen.backend.name, chosen.named) == ("acme", False)
    assert [backend.name for backend in successors(chosen)] == ["scipy"]
    assert select("zzz,acme").named
    assert usual in [backend.name for backend in successors(select("acme,auto"))]


def test_a_list_in_a_list_of_python_is_told_how_it_is_written():
    with pytest.raises(TypeError, match="several names stand in one text, with commas"):
        select(["cupy", "scipy"])


# ------------------------------------------------------------------ the file


def test_without_the_variable_no_file_is_read(fresh, tmp_path, monkeypatch):
    (tmp_path / "phos").mkdir()
    (tmp_path / "phos" / "config.toml").write_text("this is no TOML")
    monkeypatch.delenv("PHOS_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "phos")
    assert select().source == "auto"


def test_argument_context_environment_and_file_go_before_each_other(install, write, monkeypatch):
    install("acme", ACME)
    write('backend = "acme"')
    assert (select().backend.name, select().source) == ("acme", "configuration")
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    assert (select().backend.name, select().source) == ("scipy", "environment")
    with use_backend("acme"):
        assert select().source == "context"
    monkeypatch.setenv("PHOS_BACKEND", "auto")
    assert select().backend.name == "acme"  # the best here
    assert not select().named


def test_the_file_ranks_backends_and_the_list_shows_it(usual, install, write):
    install("acme", ACME)
    assert select().backend.name == "acme"
    write('[priorities]\nacme = -5\n"not:here" = 7\n')
    assert select().backend.name == usual
    assert row("acme").priority == -5


def test_a_priority_of_a_name_that_is_nearly_a_backend_s_is_told(write, caplog):
    write('[priorities]\n"numbaa" = 3\n"of-another-machine" = 4\n')
    selection.reset()
    select()
    (line,) = [r.getMessage() for r in caplog.records if "priorities" in r.getMessage()]
    assert line.endswith("no backend is called 'numbaa'; did you mean numba?")


def test_the_file_keeps_out_and_allows_as_the_variables_do_and_yields_to_them(
    install, write, monkeypatch
):
    install("acme", "raise RuntimeError('imported')")
    path = write('block = ["Dist_Acme"]')
    assert row("acme").status == "blocked"
    assert f"block in {path}" in row("acme").reason
    monkeypatch.setenv("PHOS_BLOCK", "")
    assert "imported" in row("acme").reason
    path = write("plugins = []")
    assert f"plugins in {path}" in row("acme").reason
    monkeypatch.setenv("PHOS_PLUGINS", "acme")
    assert "imported" in row("acme").reason


def test_a_file_from_windows_with_a_mark_and_its_line_ends_is_read(write):
    write(b"\xef\xbb\xbfbackend = ['scipy']\r\n[priorities]\r\nscipy = 1\r\n")
    assert configuration().backend == ("scipy",)
    assert configuration().priorities == (("scipy", 1),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("backends = 'scipy'", "unknown key 'backends'; did you mean backend?"),
        ("colour = 1", "unknown key 'colour'; known: backend, block, plugins, priorities"),
        ("backend = 7", "backend must be a list of names, such as backend = ["),
        ("backend = []", "backend must name one at least"),
        ("backend = ['scipy', 1]", "backend must be a list of names, one name in each entry"),
        ("backend = 'cupy,scipy'", "one name in each entry, got 'cupy,scipy'"),
        ("block = 'phos-cv2'", "block must be a list of names, such as block = ["),
        ("plugins = ['']", "plugins must be a list of names, one name in each entry, got ''"),
        ("priorities = 3", "priorities must be a table of backends"),
        ("[priorities]\nscipy = '9'", "priorities: 'scipy' must be a whole number, got '9'"),
        ("[priorities]\nscipy = true", "must be a whole number, got True"),
        ("[priorities]\nscipy = 1.5", "must be a whole number, got 1.5"),
        ("[priorities]\nscipy = 99999999", "must lie between -1000000 and 1000000"),
        ("[priorities]\nSciPy = 1", "'SciPy' cannot be a backend's name"),
        ("[priorities]\na.b = 1", "a name with a dot needs quotation marks"),
        ("backend = ", "is not TOML"),
        ("[" * 5000, "is not TOML"),
        (b"backend = '\xff'", "is not UTF-8 text"),
        ("#" * (1 << 20) + "#", "is larger than 1 MiB"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_file_key_and_rule(write, text, said):
    path = write(text)
    for ask in (select, backends, phos.backends, registry.films):
        with pytest.raises(PhosError) as error:
            ask()
        assert str(error.value).startswith(f"configuration {path}: ")
        assert said in str(error.value)
        assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_never_ends_is_refused_at_once(fresh, tmp_path, monkeypatch):
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        places = {tmp_path / "pipe": "is not a regular file", "/dev/zero": "is not a regular file"}
    else:
        places = {}
    places |= {tmp_path: "is not a regular file", tmp_path / "none.toml": "PHOS_CONFIG names it"}
    for place, said in places.items():
        monkeypatch.setenv("PHOS_CONFIG", str(place))
        with pytest.raises(PhosError, match=said) as error:
            select()
        assert str(place) in str(error.value)


# ------------------------------------------------------------------ the allow-list


@pytest.mark.parametrize("names", ["other", "", "dist", "acme2"])
def test_what_is_not_allowed_is_not_imported(names, install, monkeypatch):
    install("acme", "raise RuntimeError('imported')")
    monkeypatch.setenv("PHOS_PLUGINS", names)
    assert row("acme").status == "blocked"
    assert row("acme").reason == "neither dist-acme nor acme is in PHOS_PLUGINS"


@pytest.mark.parametrize("names", ["acme", "dist-acme", "Dist_Acme , other", "x,ACME"])
def test_what_is_allowed_by_entry_point_or_distribution_is_imported(names, install, monkeypatch):
    install("acme", ACME)
    monkeypatch.setenv("PHOS_PLUGINS", names)
    assert row("acme").status == "ok"


def test_the_built_in_backend_always_stays(fresh, monkeypatch):
    monkeypatch.setenv("PHOS_PLUGINS", "nothing-that-is-here")
    assert select().backend.name == "scipy"
    assert {p.distribution for p in registry.plug_ins() if p.status == "ok"} == {"phos-core"}


def test_what_is_allowed_and_blocked_is_blocked(install, monkeypatch):
    install("acme", "raise RuntimeError('imported')")
    monkeypatch.setenv("PHOS_PLUGINS", "acme")
    monkeypatch.setenv("PHOS_BLOCK", "dist-acme")
    assert row("acme").reason == "distribution dist-acme is kept out by PHOS_BLOCK"


# ------------------------------------------------------------------ looking again


def test_a_refresh_finds_what_was_installed_and_repaired_since(install, write, tmp_path):
    path = write("[priorities]\nscipy = 51\n")
    assert (row("scipy").priority, select().source) == (51, "auto")
    before = select("scipy").backend
    path.write_text("[priorities]\nscipy = 52\n")
    marker = tmp_path / "card"
    is_there = f"__import__('pathlib').Path({str(marker)!r}).exists()"
    probe = f"ProbeReport() if {is_there} else ProbeReport('no-device', 'no card')"
    install("acme", f"Backend.probe = lambda self: {probe}\n" + ACME)
    assert row("acme").status == "no-device"
    marker.touch()
    assert row("acme").status == "no-device"  # probed once
    found = {report.name: report for report in phos.backends(refresh=True)}
    assert found["acme"].status == "ok"
    assert found["scipy"].priority == 52
    assert select("scipy").backend is not before


# ------------------------------------------------------------------ at the shell


@pytest.fixture
def usual_place(fresh, tmp_path, monkeypatch):
    """A folder of the user's, where the shell looks."""
    monkeypatch.setattr(as_text, "settings_folder", lambda: tmp_path / "phos")
    monkeypatch.delenv("PHOS_CONFIG")
    (tmp_path / "phos").mkdir()
    return tmp_path / "phos" / "config.toml"


def scipy_at_the_shell(*arguments):
    shown = CliRunner().invoke(main, [*arguments, "backends"])
    assert shown.exit_code == 0, shown.output
    return next(line for line in shown.stdout.splitlines() if line.startswith("scipy "))


def test_the_shell_reads_the_usual_file_unless_the_variable_is_set_be_it_to_nothing(
    usual_place, tmp_path, monkeypatch
):
    assert " 50 " in scipy_at_the_shell()
    usual_place.write_text("[priorities]\nscipy = 61\n")
    assert " 61 " in scipy_at_the_shell()
    assert os.environ["PHOS_CONFIG"] == str(usual_place)  # for the processes it starts
    monkeypatch.setenv("PHOS_CONFIG", "")
    assert " 50 " in scipy_at_the_shell()
    (tmp_path / "other.toml").write_text("[priorities]\nscipy = 62\n")
    monkeypatch.setenv("PHOS_CONFIG", str(tmp_path / "other.toml"))
    assert " 62 " in scipy_at_the_shell()


def test_a_wrong_file_is_one_line_at_the_shell_and_no_reason_to_refuse_help(usual_place):
    usual_place.write_text("backends = 1")
    for arguments in (["backends"], ["develop", "a.png", "-o", "b.png"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2
    done = CliRunner().invoke(main, ["backends"])
    assert done.stderr == (
        f"phos: configuration {usual_place}: unknown key 'backends'; did you mean backend?\n"
    )
    helped = CliRunner().invoke(main, ["--help"])
    assert helped.exit_code == 0
    assert "phos: warning: configuration" in helped.stderr


def test_without_a_home_the_shell_works(fresh, monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(as_text, "settings_folder", nowhere)
    monkeypatch.delenv("PHOS_CONFIG")
    assert scipy_at_the_shell()

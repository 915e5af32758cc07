"""What the shell prints: nothing that a terminal obeys, never endless, and no end of the work."""

import ast
import contextlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from PIL import Image

import phos_core as phos
from phos_bench import command as bench_command
from phos_core import convolution
from phos_core.convolution.choosing import registry
from phos_darkroom.settings import presets
from phos_darkroom.shell import apart, doctor, messages, plugin_check, selftest
from phos_darkroom.shell.main import main
from phos_darkroom.shell.plugin_check.listing import PlugInRow

SOURCES = Path(messages.__file__).parent
SIGNS = "\x1b]0;owned\x07\x1b[31m\b\r\n\t\x0b\x0c\x7f\x85\x9b31m\u061c\u200e\u202e\u2028\u2066"
NAME = f"a{SIGNS}z"
OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]"
)
LINE_CHARACTERS = 1006  # "phos: " and what is said

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")


class Everything:
    """A record whose every field is such a name."""

    def __getattr__(self, _):
        return NAME


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder with a picture, and files that are none, all under such names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOS_PRESETS", str(tmp_path / "presets"))
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    roll = Path("in")
    roll.mkdir()
    Image.new("RGB", (12, 8), (90, 120, 60)).save(roll / f"{NAME}.png")
    (roll / f"b{NAME}.jpg").write_bytes(b"x")
    Path(f"{NAME}.toml").write_text("garbage = ")
    Path(f"{NAME}.phos.toml").write_text("garbage = ")
    return tmp_path


def run(*arguments, **options):
    """Run a command in this process; its exit is the only thing that it may raise."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], **options)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


PICTURE = f"in/{NAME}.png"
PRINTING = {
    "a roll": ("develop", "in", "-o", f"out{NAME}", "--jobs", "1"),
    "a roll, verbosely": ("develop", "in", "-o", "out", "--jobs", "1", "-v"),
    "a dry run": ("develop", "in", "-o", f"out{NAME}", "--dry-run"),
    "no such picture": ("develop", NAME, "-o", "out.png"),
    "no such folder": ("develop", PICTURE, "-o", f"{NAME}/{NAME}/a.png"),
    "an ending": ("develop", PICTURE, "-o", f"out.{NAME}"),
    "a preset file": ("develop", "in", "-o", "out", "--preset", f"{NAME}.toml"),
    "a preset's name": ("develop", "in", "-o", "out", "--preset", NAME),
    "a name for a preset": ("develop", "in", "-o", "out", "--save-preset", NAME),
    "a film file": ("develop", "in", "-o", "out", "--film", f"{NAME}.toml"),
    "a film's name": ("develop", "in", "-o", "out", "--film", NAME),
    "a sidecar": ("develop", "-o", "out", "--from-sidecar", f"{NAME}.phos.toml"),
    "a template": ("develop", "in", "-o", "out", "--name", f"{{{NAME}}}"),
    "a scheduler": ("develop", "in", "-o", "out", "--scheduler", f"{NAME}://x"),
    "a backend": ("develop", "in", "-o", "out", "--backend", NAME),
    "a choice": ("develop", "in", "-o", "out", "--mode", NAME),
    "a number": ("develop", "in", "-o", "out", "--grain", NAME),
    "a paper": ("develop", "in", "-o", "out", "--printing", NAME),
    "an option": ("develop", "in", "-o", "out", f"--{NAME}"),
    "a command": (NAME,),
    "an option of phos": (f"--{NAME}",),
    "sheets": ("contact", "in", "-o", f"{NAME}sheet.png", "--title", NAME),
    "no pictures": ("contact", "presets", NAME, "-o", "sheet.png"),
    "a comparison": ("compare", PICTURE, PICTURE, "-o", f"{NAME}.png"),
    "what cannot be compared": ("compare", PICTURE, f"in/b{NAME}.jpg", "-o", "c.png"),
    "a table": ("lut", "-o", f"{NAME}.cube", "--size", "2", "--title", "A"),
    "a table's ending": ("lut", "-o", f"{NAME}.txt"),
    "a plug-in": ("plugin", "check", NAME),
    "a plug-in's name": ("plugin", "new", NAME),
    "a plug-in's folder": ("plugin", "new", "acme", "--into", NAME),
    "a measured film": ("bench", "--develop", "--film", NAME),
    "a measured size": ("bench", "--size", NAME),
    "a measured file": ("bench", "--json", f"{NAME}/{NAME}.json"),
}


def check(result):
    """Both streams: signs and ends of lines alone; and something was said."""
    for text in (result.stdout, result.stderr):
        assert not OBEYED.findall(text)
        assert all(len(line) <= LINE_CHARACTERS for line in text.split("\n"))
    assert r"\x1b]0;owned\x07\x1b[31m" in result.output


@pytest.mark.parametrize("arguments", PRINTING.values(), ids=PRINTING)
def test_no_name_and_no_message_reaches_the_terminal_as_a_command(places, arguments):
    check(run(*arguments))


LISTS = {
    "films": (phos, "films"),
    "backends": (phos, "backends"),
    "presets": (presets, "presets"),
    "backends --probe": (apart, "probe_all_apart"),
}


@pytest.mark.parametrize("command", LISTS)
def test_no_list_holds_a_command_for_the_terminal_and_json_still_holds_the_name(
    monkeypatch, command
):
    monkeypatch.setattr(*LISTS[command], lambda: [Everything()])
    shown = run(*command.split())
    check(shown)
    assert len(shown.stdout.splitlines()) == 2

    told = run(*command.split(), "--json")
    assert not OBEYED.findall(told.stdout)
    assert json.loads(told.stdout)[0]["name" if "--" not in command else "backend"] == NAME


def test_no_list_of_plug_ins_and_no_fact_of_the_machine_holds_a_command(monkeypatch):
    row = PlugInRow(name=NAME, module=NAME, distribution=NAME, version=NAME, status=NAME)
    results = {"passed": True, "selftest": [{"backend": NAME, "passed": False, "reason": NAME}]}
    monkeypatch.setattr(plugin_check, "plug_in_rows", lambda: [row])
    monkeypatch.setattr(doctor, "machine_facts", lambda: {NAME: [{NAME: NAME}]})
    monkeypatch.setattr(selftest, "tested", lambda: results)

    for command in (["plugin", "list"], ["doctor"], ["selftest"]):
        check(run(*command))
    assert json.loads(run("plugin", "list", "--json").stdout)[0]["module"] == NAME
    assert json.loads(run("selftest", "--json").stdout) == results


def test_no_plug_in_and_no_library_says_a_command_to_the_terminal(monkeypatch):
    @click.command(short_help=f"Polish {SIGNS}")
    def polish():
        warnings.warn(f"careful {NAME}", stacklevel=1)
        logging.getLogger("phos_core").warning("%s", NAME)
        raise phos.PhosError(NAME)

    found = [(registry.PlugIn(NAME, NAME, NAME), command) for command in (polish, NAME)]
    monkeypatch.setattr(convolution, "brought", lambda _: iter(found))
    check(run("--help"))
    check(run())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        said = run("polish")
    check(said)
    assert [line[:20] for line in said.stderr.splitlines()[-2:]] == [
        "phos: warning: caref",
        "phos: a\\x1b]0;owned\\",
    ]


@pytest.mark.parametrize("arguments", [(NAME,), (NAME, "too many"), ()])
def test_a_log_is_a_line_whatever_is_logged(capsys, monkeypatch, arguments):
    """What phos logs, and what a library logs that nobody else listens to."""
    monkeypatch.setattr(logging.root, "handlers", [])
    with messages.plain_messages(), messages.log_to_stderr(verbose=False):
        for name in ("phos_core", "some_library"):
            logging.getLogger(name).warning(f"chosen {NAME} %s", *arguments)
    said = capsys.readouterr().err
    assert said.count("phos: warning: chosen a\\x1b]0;owned\\x07") == said.count("\n") == 2
    assert not OBEYED.findall(said)


def test_no_measurement_is_printed_with_a_command_or_as_markup(monkeypatch, capsys):
    result = {"case": {}, "trouble": NAME}
    table = SimpleNamespace(title="[red]t", header=(NAME, "x"), rows=((NAME, NAME),), notes=(NAME,))
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setattr("phos_bench.tables.setting_line", lambda _: NAME)
    monkeypatch.setattr("phos_bench.tables.tables_of", lambda _: [table])
    bench_command._show({"results": [result]})
    printed = capsys.readouterr().out
    assert not OBEYED.findall(printed)
    assert printed.count(r"\x1b]0;owned") == 5
    assert "[red]t" in printed


def test_only_one_module_prints():
    """Elsewhere in the shell nothing is printed but what stands in the source."""
    found = []
    for path in sorted(SOURCES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if path.name == "messages.py" or not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            constant = all(isinstance(given, ast.Constant) for given in node.args)
            if re.fullmatch(r"(click\.)?s?echo|print|sys\.std(out|err)\.write", name):
                found += [] if constant else [f"{path.name}:{node.lineno}"]
    assert not found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x7f\x80\x9f", r"\x7f\x80\x9f"),
        ("\u202e\u2069\u200f", r"\u202e\u2069\u200f"),
        ("\udcff\ud800", r"\udcff\ud800"),
        *((text, text) for text in ("é — µ", "写真　一", "👩\u200d👧", "10:30\u202fPM", r"C:\n")),
    ],
)
def test_what_a_terminal_obeys_is_written_out_and_all_else_stays(text, shown):
    assert messages.visible(text) == shown


@pytest.mark.parametrize("length", [999, 1000, 1001, 100_000])
@pytest.mark.parametrize("sign", ["n", "\x1b", "é"])
def test_a_line_is_never_endless_and_keeps_its_beginning_and_its_end(length, sign):
    shown = messages.visible(f"name.png{sign * (length - 16)} because")
    assert len(shown) <= 1000
    assert shown.startswith("name.png")
    assert shown.endswith(" because")
    assert ("…" in shown) == (sign == "\x1b" or length > 1000)


@pytest.mark.parametrize(
    "arguments",
    [
        ("develop", "n" * 100_000, "-o", "out.png"),
        ("develop", "in", "-o", "n" * 100_000),
        ("develop", "in", "-o", "out", "--film", "n" * 100_000),
        ("develop", "in", "-o", "out", "--mode", "n" * 100_000),
        ("develop", "n" * 100_000, "-o", "out", "--dry-run"),
        ("develop", "in", "-o", "out", "--preset", "n" * 100_000),
        ("contact", "n" * 100_000, "-o", "out.png"),
        ("n" * 100_000,),
    ],
    ids=str,
)
def test_no_argument_makes_an_endless_line(places, arguments):
    result = run(*arguments)
    assert result.output
    assert all(len(line) <= 2 * LINE_CHARACTERS + 40 for line in result.output.splitlines())


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_json_on_a_terminal_of_any_encoding(encoding):
    value = [NAME, "é 写真 👩", "\udcff", {"é\x85": 1.5}]
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    messages.answer(messages.json_text(value, out), out)
    text = out.buffer.getvalue().decode(encoding)
    assert not OBEYED.findall(text)
    assert json.loads(text) == value


@contextlib.contextmanager
def closed_pipe():
    reads, writes = os.pipe()
    os.close(reads)
    with last_words_lost(os.fdopen(writes, "w", encoding="utf-8")) as stream:
        yield stream


@contextlib.contextmanager
def last_words_lost(stream):
    """Close a stream, whatever waits in it."""
    try:
        yield stream
    finally:
        with contextlib.suppress(OSError):
            stream.close()


STREAMS = {
    "a closed pipe": closed_pipe,
    "a full disk": lambda: last_words_lost(Path("/dev/full").open("w")),  # noqa: SIM115
    "ASCII": lambda: io.TextIOWrapper(io.BytesIO(), "ascii"),
    "Latin-1": lambda: io.TextIOWrapper(io.BytesIO(), "latin-1"),
    "none": contextlib.nullcontext,
}
WORK = {
    "develop": ("develop", "in", "-o", "out", "--jobs", "1"),
    "dry run": ("develop", "in", "-o", "out", "--dry-run"),
    "contact": ("contact", "in", "-o", "out/s.png"),
    "compare": ("compare", "in/é写.png", "in/é写.png", "-o", "out/c.png"),
    "lut": ("lut", "-o", "out/l.cube", "--size", "2"),
    "plugin new": ("plugin", "new", "acme", "--into", "out"),
}
NEEDED = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def code_of(monkeypatch, arguments, stdout, stderr):
    """Run a command with streams of its own; give its exit code."""
    with monkeypatch.context() as patched, stdout as out, stderr as err:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
    return end.value.code


@pytest.fixture
def roll(tmp_path, monkeypatch):
    """Two pictures, one under a name that no small terminal can show."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    for folder in ("in", "out"):
        Path(folder).mkdir()
    for name in ("é写", "b"):
        Image.new("RGB", (12, 8), (90, 120, 60)).save(f"in/{name}.png")
    return tmp_path


@pytest.mark.proof
@NEEDED
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("bar", [False, True])
def test_no_stream_stops_the_work_or_changes_its_exit_code(roll, monkeypatch, stream, bar):
    """Neither that of names, nor that of messages, nor that of a progress bar."""
    if bar:
        monkeypatch.setenv("FORCE_COLOR", "1")
    for name, arguments in WORK.items():
        code = code_of(monkeypatch, arguments, STREAMS[stream](), STREAMS[stream]())
        assert code == 0, name
    made = sorted(path.relative_to("out").parts[0] for path in Path("out").glob("*"))
    assert made == sorted(
        [
            *("b.png", "b.png.phos.toml", "é写.png", "é写.png.phos.toml"),
            *("s.png", "c.png", "l.cube", "phos-acme"),
        ]
    )


@NEEDED
@pytest.mark.parametrize("stream", STREAMS)
def test_a_picture_that_fails_is_exit_code_2_whoever_listens(roll, monkeypatch, stream):
    Path("in/a.png").write_bytes(b"x")
    for command in ("develop", "contact"):
        code = code_of(monkeypatch, WORK[command], STREAMS[stream](), STREAMS[stream]())
        assert code == 2
    assert {"b.png", "é写.png", "s.png"} <= {path.name for path in Path("out").iterdir()}


@NEEDED
@pytest.mark.parametrize(
    "arguments",
    [
        ("films",),
        ("films", "--json"),
        ("presets",),
        ("--help",),
        ("develop", "--help"),
    ],
    ids=" ".join,
)
def test_an_answer_that_nobody_gets_is_an_exit_code_and_no_traceback(monkeypatch, arguments):
    codes = {}
    for stream, opened in STREAMS.items():
        said = io.StringIO()
        codes[stream] = code_of(monkeypatch, arguments, opened(), contextlib.nullcontext(said))
        lines = said.getvalue().splitlines()
        assert len(lines) == (stream == "a full disk")
        assert all(line.endswith("No space left on device") for line in lines)
    assert codes == {"a closed pipe": 1, "a full disk": 2, "ASCII": 0, "Latin-1": 0, "none": 0}


@pytest.mark.proof
@NEEDED
@pytest.mark.parametrize("arguments", [("films",), ("--help",)])
def test_the_process_ends_without_a_word_of_pythons(arguments):
    """What waits in a stream is written once more when Python ends."""
    command = [sys.executable, "-m", "phos_darkroom", *arguments]
    for stream, code in (("a closed pipe", 1), ("a full disk", 2)):
        with STREAMS[stream]() as stdout:
            ended = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False)
        assert ended.returncode == code
        assert ended.stderr.count(b"\n") == code - 1, ended.stderr
    with closed_pipe() as nobody:
        ended = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], stderr=nobody, check=False)
    assert ended.returncode == 0


def test_a_name_that_is_no_text_stops_nothing(places):
    name = os.fsdecode(b"in/\xff\x1b.png")
    try:
        Path(PICTURE).rename(name)
    except OSError:
        pytest.skip("this file system has no such names")
    for arguments in (
        ("develop", "in", "-o", "out", "--jobs", "1"),
        ("contact", "in", "-o", "s.png"),
        ("compare", name, name, "-o", os.fsdecode(b"\xff.png")),
    ):
        result = run(*arguments)
        assert not OBEYED.findall(result.stdout + result.stderr)
    assert r"\udcff.png" in result.stdout
    assert Path(os.fsdecode(b"out/\xff\x1b.png")).exists()

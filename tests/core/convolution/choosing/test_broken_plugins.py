"""Plug-ins that are each broken in a way of their own, installed side by side: phos works on."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from phos_darkroom.files.image_files import write_image
from phos_darkroom.shell.main import main

OFFER = """
    Backend.name = "{name}"
    BUFFERS = {{}}
    usual = Backend.convolve

    @hookimpl
    def phos_convolution_backends():
        return [spec(name="{name}", priority=1000, {more})]
"""


def offering(name, *, faults="", **more):
    """A plug-in that offers a backend before all others; what is wrong with the backend."""
    given = ", ".join(f"{field}={value!r}" for field, value in more.items())
    return OFFER.format(name=name, more=given) + faults


def broken_in(method, body):
    """One method of the backend, replaced."""
    return f"\n    def {method}:\n        {body}\n    Backend.{method.partition('(')[0]} = " + (
        method.partition("(")[0] + "\n"
    )


HANG = "import hanging; hanging.forever()"
LATE = "TimeoutError: no answer within 10 s"
IF_LARGE = "exec({!r}) if image.shape[-1] > 100 else None; return usual(self, image, *psf, **more)"

# plug-in: (its source, what phos backends calls it, the cause that it names)
BROKEN = {
    "import": ("raise RuntimeError('no luck today')", "broken", "RuntimeError: no luck today"),
    "exit": ("raise SystemExit('enough')", "broken", "SystemExit: enough"),
    "recursion": ("def f(): f()\nf()", "broken", "RecursionError"),
    "api": ("PHOS_HOOK_API = 99", "broken", "PHOS_HOOK_API = 99, this phos speaks 1"),
    "hook": (
        "@hookimpl\ndef phos_convolution_backends(): raise OSError('gone')",
        "broken",
        "phos_convolution_backends failed: OSError: gone",
    ),
    "spec": (
        "@hookimpl\ndef phos_convolution_backends(): return [{'name': 'spec'}]",
        "broken",
        "expected a BackendSpec, got {'name': 'spec'}",
    ),
    "worth": (
        OFFER.format(name="worth", more="transfer_worth_pixels='many'"),
        "broken",
        "TypeError: a backend's transfer_worth_pixels must be of type int, got 'many'",
    ),
    "name": (
        "@hookimpl\ndef phos_convolution_backends(): return [spec(name=5)]",
        "broken",
        "TypeError: a backend's name must be of type str, got 5",
    ),
    "missing": (
        offering("missing", modules=("a_module_that_is_not_there",), hint="pip install it"),
        "missing-dependency",
        "the module a_module_that_is_not_there is not installed",
    ),
    "old": (
        offering("old", requires=("numpy<1",), hint="pip install 'numpy<1'"),
        "version-mismatch",
        "numpy<1 is required",
    ),
    "factory": (
        offering("factory", factory="plug_factory:nowhere"),
        "broken",
        "AttributeError",
    ),
    "probe": (
        offering("probe", faults=broken_in("probe(self)", "raise SystemExit('no')")),
        "broken",
        "its probe failed: SystemExit: no",
    ),
    "vague": (
        offering("vague", faults=broken_in("probe(self)", "return True")),
        "broken",
        "expected a ProbeReport, got True",
    ),
    "hangs": (
        offering("hangs", faults=broken_in("probe(self)", HANG)),
        "broken",
        f"its probe failed: {LATE}",
    ),
    "hangs-import": (HANG, "broken", f"its import failed: {LATE}"),
    "hangs-hook": (
        f"@hookimpl\ndef phos_convolution_backends(): {HANG}",
        "broken",
        f"phos_convolution_backends failed: {LATE}",
    ),
    "hangs-factory": (
        offering("hangs-factory", faults=broken_in("__init__(self)", HANG)),
        "broken",
        f"its factory failed: {LATE}",
    ),
    "hangs-convolve": (
        offering("hangs-convolve", faults=broken_in("convolve(self, *_, **__)", HANG)),
        "broken",
        f"its self-test failed: {LATE}",
    ),
    "hangs-large": (
        offering(
            "hangs-large",
            faults=broken_in("convolve(self, image, *psf, **more)", IF_LARGE.format(HANG)),
        ),
        "broken",
        f"its self-test failed: {LATE}",
    ),
    "interrupts": (
        "raise KeyboardInterrupt",
        "broken",
        "its import failed: KeyboardInterrupt, raised in <module> without a message",
    ),
    "interrupts-hook": (
        "@hookimpl\ndef phos_convolution_backends(): raise KeyboardInterrupt('stop')",
        "broken",
        "phos_convolution_backends failed: KeyboardInterrupt: stop",
    ),
    "interrupts-probe": (
        offering("interrupts-probe", faults=broken_in("probe(self)", "raise KeyboardInterrupt")),
        "broken",
        "its probe failed: KeyboardInterrupt",
    ),
    "interrupts-convolve": (
        offering(
            "interrupts-convolve",
            faults=broken_in("convolve(self, *_, **__)", "raise KeyboardInterrupt"),
        ),
        "broken",
        "its self-test failed: KeyboardInterrupt",
    ),
    "generator-exit": (
        offering("generator-exit", faults=broken_in("probe(self)", "raise GeneratorExit")),
        "broken",
        "its probe failed: GeneratorExit, raised in probe without a message",
    ),
    "no-words": (
        offering("no-words", faults=broken_in("probe(self)", "assert False")),
        "broken",
        "its probe failed: AssertionError, raised in probe without a message",
    ),
    "unreadable": (
        "class Mute(Exception):\n    def __str__(self): raise OSError('no')\nraise Mute",
        "broken",
        "its import failed: Mute, whose text cannot be read",
    ),
    "many-lines": (
        offering(
            "many-lines",
            faults=broken_in("probe(self)", r"raise OSError('one\ntwo\x1b[31m' + 'x' * 9999)"),
        ),
        "broken",
        "its probe failed: OSError: one two [31mxxx",
    ),
    "unmarked": (
        "def phos_convolution_backends(): return [spec()]",
        "broken",
        "none of its functions is marked with @hookimpl",
    ),
    "none": (
        "@hookimpl\ndef phos_convolution_backends(): pass",
        "broken",
        "phos_convolution_backends must return a list, got None",
    ),
    "alone": (
        "@hookimpl\ndef phos_convolution_backends(): return spec()",
        "broken",
        "phos_convolution_backends must return a list, got BackendSpec(",
    ),
    "endless": (
        "@hookimpl\ndef phos_convolution_backends():\n    while True: yield spec()",
        "broken",
        "phos_convolution_backends must return no more than 1000 entries",
    ),
    "asks": (
        "import phos_core\nphos_core.backends()",
        "broken",
        "a plug-in cannot ask for plug-ins or backends while it is being loaded",
    ),
    "status": (
        offering("status", faults=broken_in("probe(self)", "return ProbeReport('fine', 'why')")),
        "broken",
        "a probe's status must be one of ok, missing-dependency",
    ),
    "reason": (
        offering("reason", faults=broken_in("probe(self)", "return ProbeReport('broken', 7)")),
        "broken",
        "a probe's reason must be str, got 7",
    ),
    "accuracy": (
        offering("accuracy", faults="    Backend.accuracy = 'super'\n"),
        "broken",
        "a backend's accuracy must be one of exact, fast, got 'super'",
    ),
    "contract": (
        offering("contract", contract=2),
        "version-mismatch",
        "it is written for contract 2, this phos has 1",
    ),
    "bool": (
        OFFER.format(name="bool", more="").replace("1000", "True"),
        "broken",
        "a backend's priority must be of type int, got True",
    ),
    "modules": (
        offering("modules", modules=(5,)),
        "broken",
        "a backend's modules must hold str, got (5,)",
    ),
    "writes": (
        offering(
            "writes",
            faults=broken_in(
                "convolve(self, image, *psf, **more)",
                "found = usual(self, image, *psf, **more); image[...] = 0; return found",
            ),
        ),
        "failed-selftest",
        "the image was written to",
    ),
    "one-buffer": (
        offering(
            "one-buffer",
            faults=broken_in(
                "convolve(self, image, *psf, **more)",
                "kept = BUFFERS.setdefault(image.shape, image.copy()); "
                "kept[...] = usual(self, image, *psf, **more); return kept",
            ),
        ),
        "failed-selftest",
        "a result was overwritten by the next call",
    ),
    "half": (
        offering(
            "half",
            faults=broken_in(
                "convolve(self, image, *psf, **more)",
                "found = usual(self, image, *psf, **more); "
                + "return found.astype('f2').astype('f4') if image.size > 160_000 else found",
            ),
        ),
        "failed-selftest",
        "a plane larger than 512 pixels: off by",
    ),
    "compiles-none": (
        offering("compiles-none", faults=broken_in("compile(self, chain)", "return None")),
        "failed-selftest",
        "compile gave None, which cannot be called",
    ),
    "compiles-double": (
        offering(
            "compiles-double",
            faults=broken_in(
                "compile(self, chain)",
                "from phos_core.convolution.chain import run_chain; "
                "return lambda *a, out=None: 2 * run_chain(chain, *a)",
            ),
        ),
        "failed-selftest",
        "a compiled chain: off by",
    ),
    "grain": (
        offering(
            "grain",
            faults=broken_in(
                "grain_noise(self, like, params, *, rows, cols, **_)",
                "import numpy; return numpy.zeros((1, rows, cols), 'f4')",
            ),
        ),
        "failed-selftest",
        "grain: off by",
    ),
    "seterr": (
        offering(
            "seterr",
            faults=broken_in(
                "convolve(self, *image, **more)",
                "import numpy; numpy.seterr(all='raise'); return usual(self, *image, **more)",
            ),
        ),
        "failed-selftest",
        "np.seterr",
    ),
    "numba": (
        offering("numba"),
        "broken",
        "the name 'numba' belongs to phos-numba, and is claimed by dist-numba",
    ),
    "nan": (
        offering("nan", faults=broken_in("to_host(self, x)", "return x * float('nan')")),
        "failed-selftest",
        "off by nan",
    ),
    "shape": (
        offering("shape", faults=broken_in("to_host(self, x)", "return x[..., 1:]")),
        "failed-selftest",
        "shape",
    ),
    "dtype": (
        offering("dtype", faults=broken_in("to_host(self, x)", "return x.astype('float64')")),
        "failed-selftest",
        "float64",
    ),
    "lists": (
        offering("lists", faults=broken_in("to_host(self, x)", "return x.tolist()")),
        "failed-selftest",
        "list",
    ),
    "device": (
        offering("device", faults=broken_in("to_device(self, x)", "raise MemoryError('none')")),
        "failed-selftest",
        "MemoryError: none",
    ),
    "scipy": (
        offering("scipy"),
        "broken",
        "the name 'scipy' belongs to phos-core, and is claimed by dist-scipy",
    ),
}


# names that are refused, and what is said of them
REFUSED_NAMES = {
    "auto": "must not be 'auto'",
    "SciPy": "lower-case letters",
    "scipy ": "lower-case letters",
    "a b": "lower-case letters",
    "../x": "lower-case letters",
    "über": "lower-case letters",
    "-x": "a letter or digit first",
    "\x1b[31mred\nscipy 50 ok": "lower-case letters",
    "": "lower-case letters",
    "x" * 65: "at most 64",
    "x\n": "lower-case letters",
}
for number, (refused, cause) in enumerate(REFUSED_NAMES.items()):
    source = f"@hookimpl\ndef phos_convolution_backends(): return [spec(name={refused!r})]"
    BROKEN[f"name{number}"] = source, "broken", cause


@pytest.fixture
def all_broken(install, no_patience):
    for name, (source, _, _) in BROKEN.items():
        install(name, source)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_picture_is_developed_beside_them_all(usual, all_broken, tmp_path):
    source, destination = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, np.full((24, 36, 3), 90, np.uint8))
    done = run("develop", source, "-o", destination)
    assert done.exit_code == 0, done.output
    assert destination.exists()
    assert f"developed by {usual}" in done.stderr


def test_phos_backends_names_each_with_its_cause(all_broken):
    listed = json.loads(run("backends", "--json").stdout)
    rows = {row["distribution"]: row for row in listed}
    assert next(row for row in listed if row["distribution"] == "phos-core")["status"] == "ok"
    for name, (_, status, cause) in BROKEN.items():
        row = rows[f"dist-{name}"]
        assert (row["name"], row["status"]) == (name, status), row
        assert cause in row["reason"], row
        assert row["reason"].isprintable(), row
        assert len(row["reason"]) < 500, row


def test_the_list_for_people_gives_each_a_line(all_broken):
    lines = run("backends").stdout.splitlines()
    for name, (_, status, cause) in BROKEN.items():
        (line,) = (line for line in lines if f" dist-{name} " in line)
        assert status in line
        assert cause in line


def test_the_commands_of_phos_stay_while_plug_ins_are_broken(all_broken):
    for arguments in (["--help"], ["films"], ["develop", "--help"]):
        assert run(*arguments).exit_code == 0


@pytest.mark.parametrize("name", ["missing", "nan", "probe"])
def test_a_broken_backend_that_is_named_is_an_error_with_its_cause(all_broken, tmp_path, name):
    source = tmp_path / "in.png"
    write_image(source, np.full((24, 36, 3), 90, np.uint8))
    done = run("develop", source, "-o", tmp_path / "out.png", "--backend", name)
    assert done.exit_code == 2
    assert BROKEN[name][2] in done.stderr
    assert not (tmp_path / "out.png").exists()


LOUD = """
import os, subprocess, sys, threading

def shout(where):
    print("print", where)
    os.write(1, f"os.write {where}\\n".encode())
    sys.__stdout__.write(f"sys.__stdout__ {where}\\n")
    subprocess.run([sys.executable, "-c", f"print('a child', {where!r})"], check=True)
    other = threading.Thread(target=print, args=("a thread", where))
    other.start()
    other.join()

shout("imported")

def probe(self):
    shout("probed")
    return ProbeReport()

Backend.probe = probe

@hookimpl
def phos_convolution_backends():
    shout("asked")
    return [spec(name="loud")]

Backend.name = "loud"
"""


def test_what_plug_ins_print_does_not_spoil_json(install, alone):
    """However they print: the descriptor is not theirs either."""
    install("loud", LOUD)
    done = subprocess.run(
        [sys.executable, "-m", "phos_darkroom", "backends", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=alone(*sys.path),
    )
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["loud"]["status"] == "ok"
    for way in ("print", "os.write", "sys.__stdout__", "a child", "a thread"):
        for where in ("imported", "asked", "probed"):
            assert f"{way} {where}\n" in done.stderr


def test_a_command_that_cannot_be_added_is_named_on_stderr(install):
    source = """
        import click

        def named(name):
            return click.Command(name, callback=lambda: click.echo("not ours"), help="Not ours.")

        @hookimpl
        def phos_commands():
            names = ["develop", "acme", "acme", "a b", "", None, 5]
            return [named("good"), "a command", 7, *map(named, names)]
    """
    install("acme", source)
    done = run("--help")
    assert done.exit_code == 0
    assert "good" in done.stdout
    assert "Not ours." in done.stdout
    said = [line for line in done.stderr.splitlines() if "plug-in acme (dist-acme)" in line]
    for cause in (
        "the name of its command 'develop' belongs to phos",
        "the name of its command 'acme' is taken by another plug-in",
        "the command 'a b' must be named with letters, digits, - and _",
        "the command '' must be named",
        "<Command None> is not a click command with a name",
        "<Command 5> is not a click command with a name",
        "'a command' is not a click command with a name",
        "7 is not a click command with a name",
    ):
        assert sum(cause in line for line in said) == 1, cause
    assert "not ours" in run("good").stdout
    assert "Develop pictures on a film" in run("develop", "--help").stdout


ABORTS = """
class AtTheEnd:
    def __del__(self):
        print("taken down", flush=True)

def probe(self):
    import hanging
    hanging.forever()

at_the_end = AtTheEnd()
Backend.probe = probe
Backend.name = "stuck"

@hookimpl
def phos_convolution_backends():
    return [spec(name="stuck")]
"""
HANGING = """
import threading
from phos_core.convolution.choosing import guarded

stuck = threading.Event()

def forever():
    stuck.set()
    threading.Event().wait()

def wait(done, seconds):
    while not (done.wait(0.005) or stuck.is_set()):
        pass
    stuck.clear()

guarded._wait = wait
"""


def test_the_shell_ends_well_while_a_plug_in_is_still_being_loaded(install, alone, tmp_path):
    """Some libraries abort the process if the interpreter is taken down around them."""
    install("stuck", ABORTS)
    (tmp_path / "hanging.py").write_text(HANGING)
    command = "import hanging, sys; sys.argv[1:] = ['backends', '--json']; "
    command += "from phos_darkroom.shell.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env=alone(str(tmp_path), *sys.path),
    )
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert "its probe failed: TimeoutError" in rows["stuck"]["reason"]
    assert "taken down" not in done.stderr + done.stdout

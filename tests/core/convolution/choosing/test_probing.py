import dataclasses
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from phos_core.backend import GenericBackend
from phos_core.convolution.choosing import guarded, known_answers, process_state, registry
from phos_core.convolution.choosing.probing import probe, self_test
from phos_core.convolution.choosing.requirements import check_requirements
from phos_core.convolution.choosing.selection import backends, select
from phos_core.convolution.hooks import BackendSpec
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.effects.grain import Grain, grain_noise
from phos_core.psf import PSF, from_array


def row(name: str):
    (found,) = (report for report in backends() if report.name == name)
    return found


def offering(spec: str, backend: str = "") -> str:
    return f"{backend}\n@hookimpl\ndef phos_convolution_backends(): return [{spec}]\n"


def requirements(*requires: str, modules: tuple[str, ...] = ()):
    spec = BackendSpec(
        name="acme", priority=1, factory="m:f", requires=requires, modules=modules, hint="do this"
    )
    return check_requirements(spec)


@pytest.mark.parametrize(
    "requirement", ["numpy", "numpy>=2", "numpy >= 1.26, < 100", "numpy!=1.0", "numpy<=99.0.0"]
)
def test_an_installed_version_meets_its_requirement(requirement):
    assert requirements(requirement).status == "ok"


@pytest.mark.parametrize("requirement", ["numpy>=100", "numpy<1", "numpy==1.0", "numpy>=1,<2"])
def test_a_version_that_does_not_fit_is_told_with_the_hint(requirement):
    report = requirements(requirement)
    assert report.status == "version-mismatch"
    assert f"{requirement} is required" in report.reason
    assert report.hint == "do this"


def test_what_is_missing_is_told_with_the_hint():
    report = requirements("a-distribution-that-is-not-there>=1")
    assert (report.status, report.hint) == ("missing-dependency", "do this")
    report = requirements(modules=("a_module_that_is_not_there",))
    assert report.status == "missing-dependency"
    assert "a_module_that_is_not_there" in report.reason


@pytest.mark.parametrize("requirement", ["numpy>=2 or so", "numpy~=2", ">=2", ""])
def test_a_requirement_that_cannot_be_read_is_an_error(requirement):
    with pytest.raises(ValueError, match="must read like"):
        requirements(requirement)


@pytest.mark.parametrize(
    ("spec", "backend", "status", "reason"),
    [
        ("spec(requires=('numpy>=99',))", "", "version-mismatch", "numpy>=99 is required"),
        ("spec(modules=('nothing_here',))", "", "missing-dependency", "nothing_here"),
        ("spec(requires=('numpy~2',))", "", "broken", "must read like"),
        ("spec(factory='nothing_here:create')", "", "broken", "ModuleNotFoundError"),
        ("spec(factory='plug_acme:nothing')", "", "broken", "AttributeError"),
        ("spec(factory='plug_acme:dict')", "dict = dict", "broken", "no convolution backend"),
        ("spec(name='other')", "", "broken", "named 'acme', not 'other'"),
        (
            "spec()",
            "Backend.probe = lambda self: ProbeReport('no-device', 'no card', 'buy one')",
            "no-device",
            "no card",
        ),
        ("spec()", "Backend.probe = lambda self: 1 / 0", "broken", "its probe failed: ZeroDiv"),
        ("spec()", "Backend.to_device = lambda self, host: 1 / 0", "failed-selftest", "ZeroDiv"),
        (
            "spec()",
            "Backend.to_host = lambda self, x: x * float('nan')",
            "failed-selftest",
            "off by nan",
        ),
        ("spec()", "Backend.to_host = lambda self, x: x + 1e-3", "failed-selftest", "off by"),
        (
            "spec()",
            "Backend.to_host = lambda self, x: x.astype(float)",
            "failed-selftest",
            "float64",
        ),
    ],
)
def test_a_backend_that_cannot_run_is_a_row_with_its_reason(install, spec, backend, status, reason):
    install("acme", offering(spec, backend))
    name = "other" if "other" in spec else "acme"
    report = row(name)
    assert report.status == status
    assert reason in report.reason


def test_a_backend_is_probed_once_in_a_process(install):
    install(
        "acme",
        offering(
            "spec()",
            """
Backend.made = 0
def create():
    Backend.made += 1
    return Backend()
""",
        ).replace("spec()", "spec(factory='plug_acme:create')"),
    )
    row("acme")
    row("acme")
    from plug_acme import Backend

    assert Backend.made == 1


COUNTED = """
import time
Backend.made = []
def create():
    Backend.made.append(1)
    time.sleep(0.05)  # lets others in
    return Backend()

def told(self):
    time.sleep(0.05)
    return ProbeReport()

Backend.probe = told
"""


def test_first_use_from_eight_threads_makes_one_backend(install):
    install("acme", offering("spec(factory='plug_acme:create')", COUNTED))
    together = threading.Barrier(8)

    def first_use(_):
        together.wait()
        return select("acme").backend

    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(first_use, range(8)))
    assert len(sys.modules["plug_acme"].Backend.made) == 1
    assert all(backend is used[0] for backend in used)


def test_a_backend_may_use_another_one(install):
    install(
        "acme",
        offering(
            "spec()",
            """
def convolve(self, image, psf, *, boundary="symmetric"):
    import numpy, phos_core
    last = numpy.moveaxis(image, 0, -1) if image.ndim == 3 else image
    found = phos_core.convolve(last, psf, boundary=boundary, backend="scipy")
    return numpy.moveaxis(found, -1, 0) if image.ndim == 3 else found

Backend.convolve = convolve
""",
        ),
    )
    assert row("acme").reason == ""
    assert row("acme").status == "ok"


def test_a_backend_that_asks_for_itself_while_it_is_tried_is_broken(install):
    source = "import phos_core\ndef create(): return phos_core.convolve(1, 1, backend='acme')\n"
    source = source.replace("1, 1", "[[1.0]], [[1.0]]")
    install("acme", offering("spec(factory='plug_acme:create')", source))
    assert "it is asked for while it is being tried itself" in row("acme").reason


def test_an_interrupted_probe_is_made_again(install, monkeypatch):
    install("acme", offering("spec()"))

    def interrupt(done, seconds):
        raise KeyboardInterrupt

    offer = next(offer for offer in registry.offered_backends() if offer.name == "acme")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(guarded, "_wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            probe(offer)
    assert probe(offer).report.status == "ok"


CHANGES = {
    "the working directory": "os.chdir('/')",
    "the umask": "os.umask(0o777)",
    "warnings filters": "warnings.simplefilter('ignore')",
    "environment variables": "os.environ['PHOS_THREADS'] = '1'",
    "the recursion limit": "sys.setrecursionlimit(sys.getrecursionlimit() + 1)",
    "the root logger": "logging.basicConfig(level=logging.DEBUG, force=True)",
    "the threads' switch interval": "sys.setswitchinterval(1e-3)",
    "the garbage collector": "gc.disable()",
    "sys.excepthook": "sys.excepthook = print",
    "sys.stdout": "sys.stdout = sys.stderr",
}
WHERE = {
    "imported": "{}\n",
    "made": "def made(self): {}\nBackend.__init__ = made\n",
    "probed": "def probe(self):\n    {}\n    return ProbeReport()\nBackend.probe = probe\n",
}
IMPORTS = "import gc, logging, os, sys, warnings\n"


@pytest.mark.proof
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("what", CHANGES)
def test_what_a_plug_in_changes_of_the_process_is_put_back_and_told(install, caplog, what, where):
    before = process_state.snapshot()
    install("acme", IMPORTS + WHERE[where].format(CHANGES[what]) + offering("spec()"))
    report = row("acme")
    assert process_state.changed(before) == ()
    assert report.status == "ok"
    assert f"it changed {what}, which was put back" in report.reason
    assert f"it changed {what}" in caplog.text


@pytest.mark.parametrize("where", WHERE)
def test_numpy_s_error_state_is_out_of_a_plug_in_s_reach(install, where):
    before = np.geterr()
    source = "import numpy\n" + WHERE[where].format("numpy.seterr(all='raise')")
    install("acme", source + offering("spec()"))
    assert row("acme").status == "ok"
    assert np.geterr() == before


def test_a_plug_in_that_closes_stdout_or_prints_to_it_leaves_it_as_it_is(install, capsys):
    source = "print('imported', flush=True)\nimport sys\nsys.stdout.close()\n"
    chatty = (
        "def probe(self):\n    print('probed')\n    return ProbeReport()\nBackend.probe = probe\n"
    )
    install("acme", source + chatty + offering("spec()"))
    assert row("acme").status == "ok"
    sys.stdout.write("ours\n")
    out, err = capsys.readouterr()
    assert out == "ours\n"
    assert "imported\n" in err
    assert "probed\n" in err


def test_other_threads_print_as_ever_while_a_plug_in_is_loaded(capsys):
    def say(words):
        sys.stdout.write(words)

    def print_from_another_thread(at):
        other = threading.Thread(target=say, args=("from another thread\n",))
        other.start()
        other.join()
        say("from the plug-in\n")

    guarded.watched(print_from_another_thread, "a plug-in", 300.0)
    out, err = capsys.readouterr()
    assert (out, err) == ("from another thread\n", "from the plug-in\n")


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e300"])
def test_the_time_that_plug_ins_get_is_a_number_above_zero(fresh, monkeypatch, text):
    monkeypatch.setenv("PHOS_PROBE_SECONDS", text)
    with pytest.raises(ValueError, match=f"PHOS_PROBE_SECONDS must be .* got '{text}'"):
        backends()


def test_loading_and_trying_share_one_clock(install, monkeypatch):
    left = []

    def wait(done, seconds):
        left.append(seconds)
        done.wait()

    monkeypatch.setattr(guarded, "_wait", wait)
    monkeypatch.setenv("PHOS_PROBE_SECONDS", "1000")
    install("acme", offering("spec()"))
    (plug_in,) = (plug_in for plug_in in registry.plug_ins() if plug_in.name == "acme")
    assert plug_in.seconds > 0.0
    left.clear()
    probe(next(offer for offer in registry.offered_backends() if offer.name == "acme"))
    assert left == [1000.0 - plug_in.seconds]


def test_what_is_late_is_told_how_to_wait_longer(install, no_patience):
    hangs = "def probe(self):\n    import hanging; hanging.forever()\nBackend.probe = probe"
    install("acme", offering("spec()", hangs))
    assert row("acme").hint == "PHOS_PROBE_SECONDS=30 waits longer, PHOS_BLOCK=acme keeps it out"


def test_the_built_in_backend_goes_first_among_equals(install, monkeypatch):
    others = {report.name for report in backends()} - {"scipy"}
    install("aaa", offering("spec(name='aaa', priority=50)", "Backend.name = 'aaa'"))
    monkeypatch.setenv("PHOS_BLOCK", ",".join(others))
    assert select().backend.name == "scipy"
    ranked = [report.name for report in backends() if report.priority == 50]
    assert ranked[:2] == ["scipy", "aaa"]


def test_the_grain_of_the_self_test_is_that_of_the_process():
    fields = [field.name for field in dataclasses.fields(Grain)]
    grain = Grain(**{name: getattr(known_answers.GRAIN, name) for name in fields})
    found = grain_noise(np.zeros((1, 1, 1), np.float32), grain, **known_answers.GRAIN_PLACE)
    np.testing.assert_allclose(found, [known_answers.GRAIN_FIELD], rtol=1e-6)


class Correlating(ScipyBackend):
    """Wrong in the way that is easiest to overlook."""

    def convolve(self, image, psf, **options):
        if isinstance(psf, PSF):
            psf = from_array(psf.samples()[::-1, ::-1])
        else:
            psf = [from_array(one.samples()[::-1, ::-1]) for one in psf]
        return super().convolve(image, psf, **options)


class WrongForLargePSFs(ScipyBackend):
    """Silently wrong from 256 pixels on, as some GPU libraries are."""

    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        return found if not isinstance(psf, PSF) or max(psf.radius) < 128 else found * 0.99


class WrongForSecondLayer(ScipyBackend):
    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        found[1] = found[0]
        return found


class WholeSampleBorder(ScipyBackend):
    """Mirrors without repeating the edge pixel."""

    def convolve(self, image, psf, *, boundary="symmetric", **options):
        wrong = "mirror" if boundary == "symmetric" else boundary
        return super().convolve(image, psf, boundary=wrong, **options)


@pytest.mark.parametrize(
    "backend", [Correlating(), WrongForLargePSFs(), WrongForSecondLayer(), WholeSampleBorder()]
)
def test_the_self_test_finds_the_usual_mistakes(backend: GenericBackend):
    assert self_test(backend) != ""


def test_the_self_test_passes_a_backend_that_is_right():
    assert self_test(ScipyBackend()) == ""


def test_a_fast_backend_is_held_to_its_own_class():
    class Rough(ScipyBackend):
        accuracy = "fast"

        def convolve(self, image, psf, **options):
            return super().convolve(image, psf, **options) * np.float32(1 + 1e-4)

    assert self_test(Rough()) == ""

import numpy as np
import pytest

from phos_core.convolution.contract import BackendBase
from phos_core.convolution.hookspecs import BackendSpec
from phos_core.convolution.probing import self_test
from phos_core.convolution.requirements import check_requirements
from phos_core.convolution.scipy_backend import ScipyBackend
from phos_core.convolution.selection import backends
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
def test_the_self_test_finds_the_usual_mistakes(backend: BackendBase):
    assert self_test(backend) != ""


def test_the_self_test_passes_a_backend_that_is_right():
    assert self_test(ScipyBackend()) == ""


def test_a_fast_backend_is_held_to_its_own_class():
    class Rough(ScipyBackend):
        accuracy = "fast"

        def convolve(self, image, psf, **options):
            return super().convolve(image, psf, **options) * np.float32(1 + 1e-4)

    assert self_test(Rough()) == ""

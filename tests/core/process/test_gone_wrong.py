"""A backend that goes wrong after its self-test: never a wrong picture in silence."""

import warnings

import array_api_strict
import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import GenericBackend
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.convolution.running import finite
from phos_core.errors import BackendFallbackWarning, DeviceLostError
from phos_core.psf import exponential, from_array, gaussian

SMALL = {"pixel_pitch_um": 200.0}
WRONG = [np.nan, np.inf, -np.inf]


class Sick(ScipyBackend):
    """Puts one number that is none into what it computes, from some call on."""

    name = "sick"

    def __init__(self, wrong, call=1, where="convolve"):
        super().__init__()
        self.wrong, self.call, self.where, self.calls = wrong, call, where, 0

    def spoil(self, where, result):
        self.calls += where == self.where
        if where == self.where and self.calls >= self.call:
            result[(-1,) * (result.ndim - 2)][3, 5] = self.wrong
        return result

    def convolve(self, *args, **settings):
        return self.spoil("convolve", super().convolve(*args, **settings))

    def convolve_into(self, image, psf, out, **settings):
        out[...] = self.convolve(image, psf, **settings)


class SickCompiler(Sick):
    """Compiles each chain to code that gives wrong numbers."""

    def compile(self, chain):
        from phos_core.convolution import chain as chains

        def run(*arrays, out=None):
            result = chains.run_chain(chain, *arrays)
            return self.spoil("compile", result) if result.dtype == np.float32 else result

        return run


class SickGrain(Sick):
    """Makes grain that is none."""

    def grain_noise(self, like, params, *, rows, cols, **_):
        noise = np.zeros((len(params.size_um), rows, cols), np.float32)
        return self.spoil("grain", noise)


class SickDevice(GenericBackend):
    """A device whose arrays NumPy cannot take for its own, gone wrong."""

    name = "sick-device"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def __init__(self, wrong):
        self.wrong = wrong

    def to_device(self, host):
        return array_api_strict.asarray(host.copy(), device=self.device)

    def to_host(self, x):
        return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))

    def convolve(self, image, psf, *, boundary="symmetric"):
        blurred = super().convolve(image, psf, boundary=boundary)
        place = (0,) * (blurred.ndim - 2)
        blurred[(*place, 3, 5)] = self.wrong
        return blurred


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (40, 56, 3), dtype=np.uint8)


SICK = {
    "first convolution": lambda wrong: Sick(wrong),
    "second convolution": lambda wrong: Sick(wrong, call=2),
    "compiled code": lambda wrong: SickCompiler(wrong, where="compile"),
    "grain": lambda wrong: SickGrain(wrong, where="grain"),
    "device": SickDevice,
}


@pytest.mark.proof
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("make", SICK.values(), ids=SICK)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_backend_gone_wrong_is_left_with_a_warning_and_the_picture_is_right(
    picture, one_after_the_other, make, wrong, kind
):
    image = (picture / 255.0).astype(kind) if kind == np.float32 else picture.astype(kind)
    right = phos.develop(image, backend=ScipyBackend(), **SMALL)
    one_after_the_other(make(wrong), ScipyBackend())
    with pytest.warns(BackendFallbackWarning, match="went on with scipy: sick.*not finite"):
        found, report = phos.develop(image, report=True, **SMALL)
    np.testing.assert_array_equal(found, right)
    assert report.backend == "scipy"
    assert any("not finite" in event for event in report.events)


@pytest.mark.parametrize("form", ["grey", "batch", "texture", "tiles", "device"])
def test_every_form_of_picture_is_looked_at(picture, monkeypatch, form):
    settings, image, backend = dict(SMALL), picture, Sick(np.nan)
    if form == "grey":
        image = picture[..., 0]
    elif form == "batch":
        image, backend = np.stack([picture, picture]), SickDevice(np.nan)
    elif form == "texture":
        settings["mode"] = "texture"
    elif form == "tiles":
        monkeypatch.setenv("PHOS_MEMORY_LIMIT", "150000")
    else:
        backend = SickDevice(np.nan)
        image = backend.to_device(picture)
    with pytest.raises(DeviceLostError, match="not finite"):
        phos.develop(image, backend=backend, **settings)


def test_strict_makes_it_an_error(picture, one_after_the_other):
    one_after_the_other(Sick(np.nan), ScipyBackend())
    with pytest.raises(DeviceLostError, match=r"not finite.*strict"):
        phos.develop(picture, strict=True, **SMALL)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("psf", [gaussian(6.0), exponential(2.0), gaussian(0.6)])
@pytest.mark.parametrize("shape", [(150, 130), (50, 60, 3), (2, 20, 30, 3)])
def test_a_convolution_of_finite_numbers_is_finite(rng, one_after_the_other, shape, psf, wrong):
    image = rng.random(shape).astype(np.float32)
    right = phos.convolve(image, psf, backend=ScipyBackend())
    for sick in (Sick(wrong), SickDevice(wrong)):
        with pytest.raises(DeviceLostError, match="not finite"):
            phos.convolve(image, psf, backend=sick)
        one_after_the_other(sick, ScipyBackend())
        with pytest.warns(BackendFallbackWarning, match="went on with scipy: sick"):
            found = phos.convolve(image, psf)
        np.testing.assert_array_equal(found, right)


def test_an_array_of_a_device_is_looked_at_there(rng):
    sick = SickDevice(np.nan)
    image = sick.to_device(rng.random((30, 40)).astype(np.float32))
    with pytest.raises(DeviceLostError, match="not finite"):
        phos.convolve(image, gaussian(2.0), backend=sick)


def test_numbers_too_large_to_be_summed_up_are_finite_all_the_same():
    large = np.full((40, 50), 3e38, np.float32)
    assert finite.is_finite(large)
    assert finite.is_finite_on_all_cores(large)
    assert not finite.is_finite(np.array([[3e38, 3e38, np.inf]], np.float32))


def test_what_is_too_large_for_single_precision_is_not_the_backend_s_fault(one_after_the_other):
    image, psf = np.full((30, 30), 1e15, np.float32), from_array(np.full((3, 3), 1e30))
    one_after_the_other(ScipyBackend())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", BackendFallbackWarning)
        with pytest.raises(ValueError, match="image and psf are too strong together"):
            phos.convolve(image, psf)

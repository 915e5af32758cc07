"""The conformance kit finds backends that are wrong, each by the law that it breaks."""

import dataclasses
import gc
import io
import logging
import os
import random
import signal
import sys
import threading
import types
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from phos_core.backend import GenericBackend, MemoryInfo, ProbeReport
from phos_core.convolution import chain
from phos_core.convolution.choosing import process_state
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.effects.grain import grain_noise
from phos_core.errors import DeviceLostError
from phos_core.psf import PSF, from_array, gaussian
from phos_core.testing import ConvolutionBackendContract, parts_of

WIDE = from_array(np.full((15, 15), 1 + 2**-11))


def changed(psf, change):
    """A PSF, or each of several, with its samples changed."""
    if isinstance(psf, PSF):
        return from_array(change(psf.samples()))
    return [from_array(change(one.samples())) for one in psf]


def to_ten_bits(x):
    """Round the mantissa as TensorFloat-32 does."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2**11) / 2**11, exponent).astype(np.asarray(x).dtype)


class Wrong(ScipyBackend):
    """Whose places hold what its `convolve` gives, as the user's results do."""

    def convolve_into(self, image, psf, out, **options):
        out[...] = self.convolve(image, psf, **options)


class Correlates(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(image, changed(psf, lambda p: p[::-1, ::-1]), **options)


class ShiftsByOne(Wrong):
    def convolve(self, image, psf, **options):
        return np.roll(super().convolve(image, psf, **options), 1, axis=-1)


class MirrorsWithoutTheEdge(Wrong):
    """Takes "symmetric" for the border that several libraries call "reflect"."""

    def convolve(self, image, psf, *, boundary="symmetric", **options):
        wrong = "mirror" if boundary == "symmetric" else boundary
        return super().convolve(image, psf, boundary=wrong, **options)


class KnowsOneBorder(Wrong):
    def convolve(self, image, psf, *, boundary="symmetric", **options):
        return super().convolve(image, psf, **options)


class LosesLight(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(image, psf, **options) * np.float32(0.9999)


class RoundsTheImage(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(to_ten_bits(image), psf, **options)


class RoundsThePSF(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(image, changed(psf, to_ten_bits), **options)


class RoundsOnlyLargePlanes(Wrong):
    """As libraries do that turn to their tensor cores when it pays."""

    def convolve(self, image, psf, **options):
        large = image.shape[-1] * image.shape[-2] >= 2**14
        return super().convolve(to_ten_bits(image) if large else image, psf, **options)


class ClipsHighlights(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(np.minimum(image, np.float32(500)), psf, **options)


class WritesItsInput(Wrong):
    def convolve(self, image, psf, **options):
        image[...] = super().convolve(image, psf, **options)
        return image


class GivesItsInputBack(Wrong):
    """Has nothing to do for a PSF of one sample, and hands the image itself out."""

    def convolve(self, image, psf, **options):
        if isinstance(psf, PSF) and psf.is_delta:
            return image
        return super().convolve(image, psf, **options)


class LiesAboutAvailability(GenericBackend):
    name = "liar"

    def probe(self):
        return ProbeReport()

    def to_device(self, host):
        raise DeviceLostError("there is no device")

    def to_host(self, x):
        return x


class AdmitsNothing(ScipyBackend):
    def probe(self):
        return ProbeReport("no-device", "the cable is out", "plug it in")


class GivesTheFirstLayerOnly(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(image, psf, **options)[:1]


class PadsItsResult(Wrong):
    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        return np.concatenate([found, found[..., -1:]], axis=-1)


class GivesDoubles(Wrong):
    def convolve(self, image, psf, **options):
        return super().convolve(image, psf, **options).astype(np.float64)


class GivesNaN(Wrong):
    """Only where the picture is black, as a division does."""

    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        return np.where(np.abs(found) < 1e-9, np.float32(np.nan), found)


class NeverTheSame(Wrong):
    def __init__(self):
        super().__init__()
        self._noise = np.random.default_rng(1)

    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        return found * (1 + 1e-6 * self._noise.normal(size=found.shape)).astype(np.float32)


class TakesViewsForWholes(Wrong):
    """Reads the memory behind a view from its start, as a library without strides does."""

    def convolve(self, image, psf, **options):
        memory = image if image.base is None else image.base
        if not image.flags.c_contiguous:
            image = np.ravel(memory)[: image.size].reshape(image.shape)
        return super().convolve(image, psf, **options)


class SharesItsBuffer(Wrong):
    """Keeps one place for the image of the moment, whoever asks."""

    def __init__(self):
        super().__init__()
        self._of_the_moment = None
        self._both_have_come = threading.Barrier(2)

    def convolve(self, image, psf, **options):
        self._of_the_moment = image
        if threading.current_thread() is not threading.main_thread():
            self._both_have_come.wait()
        return super().convolve(self._of_the_moment, psf, **options)


class KeepsEverything(Wrong):
    def __init__(self):
        super().__init__()
        self._kept = []

    def convolve(self, image, psf, **options):
        self._kept.append(image.copy())
        return super().convolve(image, psf, **options)


class OnADevice(Wrong):
    """Plays a device whose memory every result takes from, and no release gives back."""

    xp = types.ModuleType("device")

    def __init__(self):
        super().__init__()
        self._used_bytes = 0

    def convolve(self, image, psf, **options):
        self._used_bytes += image.nbytes
        return super().convolve(image, psf, **options)

    def memory(self):
        return MemoryInfo(2**40 - self._used_bytes, 2**40)


class GivesBackLess(Wrong):
    """Its release drops what it needs."""

    def __init__(self):
        super().__init__()
        self._share = np.float32(1)

    def release(self):
        self._share = np.float32(0.99999)

    def convolve(self, image, psf, **options):
        return super().convolve(image, psf, **options) * self._share


class CompilesWithHalfFloats(Wrong):
    def compile(self, asked):
        def kernel(*arrays, out=None):
            return chain.run_chain(asked, *(array.astype(np.float16) for array in arrays))

        return kernel


class ForgetsTheNumbers(Wrong):
    """Compiles a structure and leaves the stock's numbers out."""

    def compile(self, asked):
        forgetful = dataclasses.replace(asked, constants=(1.0,) * len(asked.constants))
        return lambda *arrays, out=None: chain.run_chain(forgetful, *arrays)


class GrainOfItsOwn(Wrong):
    def grain_noise(self, like, params, *, rows, cols, seed, **place):
        return np.random.default_rng(seed).normal(size=(3, rows, cols)).astype(np.float32)


class CallsEverythingMemory(Wrong):
    def classify_error(self, error):
        return "out-of-memory"


class OneBuffer(Wrong):
    """Hands out one place for all results of a shape."""

    def __init__(self):
        super().__init__()
        self._places = {}

    def convolve(self, image, psf, **options):
        place = self._places.setdefault(image.shape, np.empty(image.shape, image.dtype))
        place[...] = super().convolve(image, psf, **options)
        return place


class OneBufferUp(OneBuffer):
    """Uploads through one place, as with memory that is pinned once."""

    def to_device(self, host):
        place = self._places.setdefault(host.shape, np.empty(host.shape, host.dtype))
        place[...] = host
        return place

    convolve = Wrong.convolve


class OneBufferDown(OneBufferUp):
    """Downloads through one place."""

    to_host = OneBufferUp.to_device
    to_device = ScipyBackend.to_device


class HalfFloatsFrom(Wrong):
    """Saves memory on large planes."""

    most_pixels = 400 * 400

    def _rounded(self, plane):
        large = plane.shape[-1] * plane.shape[-2] > self.most_pixels
        return plane.astype(np.float16).astype(np.float32) if large else plane

    def convolve(self, image, psf, **options):
        return self._rounded(super().convolve(image, psf, **options))


class HalfFloatsFromAMegapixel(HalfFloatsFrom):
    most_pixels = 1_000_000


class NaNFromAMegapixel(Wrong):
    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        if found[..., 0, 0].size * 1_000_000 < found.size:
            found[..., 777, 333] = np.nan
        return found


class CompilesHalfFloatsWhenLarge(HalfFloatsFrom):
    convolve = Wrong.convolve

    def compile(self, asked):
        return lambda *arrays, out=None: chain.run_chain(asked, *map(self._rounded, arrays))


class HalfFloatGrainWhenLarge(HalfFloatsFrom):
    convolve = Wrong.convolve

    def grain_noise(self, like, params, **place):
        return self._rounded(grain_noise(like, params, **place))


class NamesNoLibrary(Wrong):
    xp = types.ModuleType("foolib")


class WritesItsInputQuietly(Wrong):
    """Only where it may."""

    def convolve(self, image, psf, **options):
        found = super().convolve(image, psf, **options)
        if image.flags.writeable:
            image[...] = 0
        return found


class LeavesCycles(Wrong):
    """Keeps nothing, but what it used waits for the garbage collector."""

    def convolve(self, image, psf, **options):
        cycle = [image.copy()]
        cycle.append(cycle)
        return super().convolve(image, psf, **options)


class FillsPlacesOtherwise(ScipyBackend):
    """Has a quick way for a place that it is given, which loses light."""

    def convolve_into(self, image, psf, out, **options):
        super().convolve_into(image, psf, out, **options)
        out *= np.float32(0.9999)


class Misspelt(ScipyBackend):
    """Makes grain quicker, and wonders why it is not asked."""

    def grain_nois(self, like, params, **place):
        return grain_noise(like, params, **place)


IMPULSE = "test_an_impulse_becomes_the_psf_in_place_and_not_mirrored"
SELF_TEST = "test_it_passes_the_self_test"
KIND = "test_a_result_is_of_the_kind_that_the_image_is"
ROUNDED = "test_nothing_is_rounded_as_tensor_cores_round"
SURVIVES = "test_a_result_survives_the_calls_that_follow"
LARGE = "test_planes_larger_than_512_pixels_are_as_exact_as_small_ones"
PROCESS = "test_it_leaves_the_process_as_it_is"
PRINTS = "test_it_develops_and_prints_as_numpy_does"
NEGATIVE = {"stock": "portra-400", "printing": "scan", "channels": 3, "dtype": "float32"}
CORNER = "test_an_impulse_in_a_corner_obeys_the_boundary"


@pytest.mark.parametrize(
    ("wrong", "law", "case"),
    [
        (Correlates, IMPULSE, {}),
        (Correlates, SELF_TEST, {}),
        (
            Correlates,
            "test_it_agrees_with_the_reference",
            {"case": "small and square", "boundary": "symmetric"},
        ),
        (ShiftsByOne, IMPULSE, {}),
        (ShiftsByOne, SELF_TEST, {}),
        (MirrorsWithoutTheEdge, SELF_TEST, {}),
        (MirrorsWithoutTheEdge, CORNER, {"boundary": "symmetric", "corner": (0, 0)}),
        (KnowsOneBorder, CORNER, {"boundary": "zero", "corner": (-1, -1)}),
        (LosesLight, "test_light_is_neither_made_nor_lost_at_the_symmetric_border", {}),
        (LosesLight, SELF_TEST, {}),
        (RoundsTheImage, ROUNDED, {"psf": gaussian(12.0)}),
        (RoundsThePSF, ROUNDED, {"psf": WIDE}),
        (RoundsOnlyLargePlanes, ROUNDED, {"psf": WIDE}),
        (
            ClipsHighlights,
            "test_highlights_far_above_white_stay_within_the_class",
            {"brightest": 1e3, "psf": gaussian(6.0)},
        ),
        (WritesItsInput, "test_the_image_is_never_written_to", {}),
        (GivesItsInputBack, "test_the_image_is_never_written_to", {}),
        (AdmitsNothing, "test_its_probe_says_that_it_runs", {}),
        (GivesTheFirstLayerOnly, KIND, {}),
        (GivesTheFirstLayerOnly, SELF_TEST, {}),
        (PadsItsResult, KIND, {}),
        (PadsItsResult, SELF_TEST, {}),
        (GivesDoubles, KIND, {}),
        (GivesDoubles, SELF_TEST, {}),
        (GivesNaN, IMPULSE, {}),
        (NeverTheSame, "test_the_same_work_gives_the_same_bits", {}),
        (
            TakesViewsForWholes,
            "test_tiles_of_rows_with_a_margin_make_up_the_whole",
            {"psf": gaussian(1.0)},
        ),
        (SharesItsBuffer, "test_threads_may_share_it", {}),
        (KeepsEverything, "test_release_gives_back_what_is_kept_on_the_host", {}),
        (OnADevice, "test_release_gives_back_what_is_kept_on_the_device", {}),
        (GivesBackLess, "test_giving_memory_back_changes_no_result", {}),
        (CompilesWithHalfFloats, "test_it_releases_inhibitor_as_numpy_does", {}),
        (CompilesWithHalfFloats, PRINTS, NEGATIVE),
        (ForgetsTheNumbers, "test_it_exposes_as_numpy_does", {"dtype": "uint8", "channels": 3}),
        (
            GrainOfItsOwn,
            "test_its_grain_is_that_of_numpy",
            {"pixel_pitch_um": 12.0, "place": (0, 0)},
        ),
        (CallsEverythingMemory, "test_only_the_three_failures_are_classified", {}),
        (OneBuffer, SELF_TEST, {}),
        (OneBuffer, SURVIVES, {"psf": gaussian(1.0)}),
        (OneBufferUp, SURVIVES, {"psf": gaussian(1.0)}),
        (OneBufferDown, SURVIVES, {"psf": gaussian(1.0)}),
        (HalfFloatsFrom, SELF_TEST, {}),
        (HalfFloatsFrom, LARGE, {"psf": gaussian(1.5), "shape": (520, 700)}),
        (HalfFloatsFromAMegapixel, LARGE, {"psf": gaussian(6.0), "shape": (1040, 1030)}),
        (NaNFromAMegapixel, LARGE, {"psf": gaussian(1.5), "shape": (1040, 1030)}),
        (
            CompilesHalfFloatsWhenLarge,
            "test_its_steps_are_as_exact_on_planes_larger_than_512_pixels",
            {},
        ),
        (
            HalfFloatGrainWhenLarge,
            "test_its_grain_is_as_exact_on_planes_larger_than_512_pixels",
            {},
        ),
        (NamesNoLibrary, "test_its_namespace_is_that_of_its_arrays", {}),
        (CompilesWithHalfFloats, SELF_TEST, {}),
        (ForgetsTheNumbers, SELF_TEST, {}),
        (GrainOfItsOwn, SELF_TEST, {}),
        (FillsPlacesOtherwise, "test_a_place_is_filled_with_what_a_new_array_would_hold", {}),
        (FillsPlacesOtherwise, SELF_TEST, {}),
    ],
)
def test_the_kit_finds_a_wrong_backend(wrong, law, case):
    backend = wrong()
    with pytest.raises((AssertionError, DeviceLostError)):  # what is not finite is lost at once
        getattr(ConvolutionBackendContract(), law)(backend, **case)


def test_the_kit_names_a_misspelt_part_and_prints_those_that_it_found(capsys):
    law = ConvolutionBackendContract().test_no_name_of_it_is_nearly_that_of_an_optional_part
    with pytest.raises(AssertionError, match="grain_nois is never asked for; did you mean grain_"):
        law(Misspelt(), capsys)
    law(GrainOfItsOwn(), capsys)
    own = parts_of(GrainOfItsOwn()).splitlines()[0]
    assert own.startswith("scipy, optional parts its own: ")
    assert {"MakesGrain", "FillsOut", "PlansMethods"} <= set(own.partition(": ")[2].split(", "))
    assert "RunsSideBySide" in parts_of(GrainOfItsOwn()).splitlines()[2]


@pytest.mark.parametrize("wrong", [WritesItsInput, WritesItsInputQuietly])
@pytest.mark.parametrize(
    ("law", "case"),
    [
        (SELF_TEST, {}),
        (IMPULSE, {}),
        ("test_light_is_neither_made_nor_lost_at_the_symmetric_border", {}),
    ],
)
def test_a_backend_that_writes_its_input_is_told_so_by_whatever_law(wrong, law, case):
    with pytest.raises(AssertionError, match=r"wr(itten|ote) to"):
        getattr(ConvolutionBackendContract(), law)(wrong(), **case)


def test_the_law_of_release_says_how_much_is_kept_and_waits_for_the_collector():
    law = ConvolutionBackendContract().test_release_gives_back_what_is_kept_on_the_host
    with pytest.raises(AssertionError, match=r"still holds \d+ bytes that its work took"):
        law(KeepsEverything())
    gc.disable()
    try:
        law(LeavesCycles())
    finally:
        gc.enable()


CHANGES = {
    "the working directory": lambda: os.chdir("/"),
    "the umask": lambda: os.umask(0o777),
    "signal handlers": lambda: signal.signal(signal.SIGTERM, lambda *_: None),
    "warnings filters": lambda: warnings.simplefilter("ignore"),
    "np.seterr": lambda: np.seterr(all="raise"),
    "sys.stdout": lambda: setattr(sys, "stdout", io.StringIO()),
    "the variable HOME": lambda: os.environ.update(HOME="/nowhere"),
    "environment variables": lambda: os.environ.update(PHOS_BACKEND="mine"),
    "the recursion limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "the threads' switch interval": lambda: sys.setswitchinterval(1e-3),
    "the root logger": lambda: logging.getLogger().setLevel(logging.DEBUG),
    "the state of random": lambda: random.seed(1),
    "the state of np.random": lambda: np.random.seed(1),  # noqa: NPY002
    "the number of threads": lambda: threadpool_limits(1),
}


@pytest.mark.proof
@pytest.mark.parametrize("what", CHANGES)
def test_the_kit_finds_what_a_backend_changes_of_the_process(what, capfd, monkeypatch):
    class ChangesIt(Wrong):
        def convolve(self, image, psf, **options):
            CHANGES[what]()
            return super().convolve(image, psf, **options)

    monkeypatch.setenv("HOME", os.environ.get("HOME", "/"))
    before = process_state.snapshot()
    threads = {library["filepath"]: library["num_threads"] for library in threadpool_info()}
    if what == "the number of threads" and max(threads.values(), default=1) == 1:
        pytest.skip("the libraries beneath use one thread here")
    with threadpool_limits(None), pytest.raises(AssertionError, match=what):
        getattr(ConvolutionBackendContract(), PROCESS)(ChangesIt(), capfd)
    assert process_state.changed(before) == ()


@pytest.mark.parametrize("way", [lambda: sys.stdout.write("hello"), lambda: os.write(1, b"hello")])
def test_the_kit_finds_a_backend_that_prints(way, capfd):
    class Prints(Wrong):
        def convolve(self, image, psf, **options):
            way()
            return super().convolve(image, psf, **options)

    with pytest.raises(AssertionError, match="printed to stdout: 'hello"):
        getattr(ConvolutionBackendContract(), PROCESS)(Prints(), capfd)


def test_the_kit_finds_a_backend_that_lies_about_its_device():
    liar = LiesAboutAvailability()
    ConvolutionBackendContract().test_its_probe_says_that_it_runs(liar)
    for law in (SELF_TEST, IMPULSE, KIND):
        with pytest.raises(DeviceLostError, match="no device"):
            getattr(ConvolutionBackendContract(), law)(liar)


def test_rounding_is_no_fault_of_a_backend_that_says_so():
    class Fast(RoundsTheImage):
        accuracy = "fast"

    ConvolutionBackendContract().test_nothing_is_rounded_as_tensor_cores_round(
        Fast(), psf=gaussian(12.0)
    )

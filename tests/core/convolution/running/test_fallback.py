"""Tiles, halving, the next backend: on devices that hold little."""

import math

import array_api_strict
import numpy as np
import pytest

from phos_core.backend import GenericBackend, Limits, MemoryInfo
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.convolution.running.convolve import convolve
from phos_core.convolution.running.tiles import Footprint, cut, make_room, run, tile_sizes
from phos_core.errors import (
    BackendFallbackWarning,
    DeviceLostError,
    OutOfMemoryError,
    UnsupportedOperationError,
)
from phos_core.psf import from_array, gaussian

PSF = gaussian(1.0)  # 8 pixels of reach


class Device(GenericBackend):
    """A device whose arrays NumPy cannot mistake for its own."""

    name = "device"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def __init__(self, most_numbers=10**9):
        self.most_numbers = most_numbers
        self.calls = []
        self.free_bytes = None

    def to_device(self, host):
        return array_api_strict.asarray(host.copy(), device=self.device)

    def to_host(self, x):
        return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))

    def memory(self):
        return MemoryInfo(self.free_bytes)

    def convolve(self, image, psf, *, boundary="symmetric"):
        self.calls.append(image.shape)
        if image.size > self.most_numbers:
            raise MemoryError("full")
        return super().convolve(image, psf, boundary=boundary)


class Failing(Device):
    """A device that fails in a way of its own."""

    name = "failing"

    def __init__(self, error):
        super().__init__()
        self.error = error

    def convolve(self, image, psf, *, boundary="symmetric"):
        raise self.error


@pytest.fixture
def image(rng):
    return rng.random((130, 30, 2)).astype(np.float32)


# ------------------------------------------------------------------ tiles


@pytest.mark.parametrize(
    ("shape", "tile_shape", "halo"),
    [((10, 6), (3, 6), 2), ((7, 5), (7, 2), 9), ((5, 9), (1, 1), 0), ((11, 13), (4, 5), 3)],
)
def test_tiles_give_each_pixel_once_and_read_what_acts_on_it(shape, tile_shape, halo):
    pixels = np.arange(math.prod(shape)).reshape(shape)
    beyond = np.pad(pixels, halo, constant_values=-1)
    given = np.zeros(shape, int)
    for tile in cut(shape, tile_shape, halo):
        read = pixels[tile.read_rows, tile.read_cols]
        np.testing.assert_array_equal(read[tile.inner], pixels[tile.rows, tile.cols])
        acting = beyond[
            tile.rows.start : tile.rows.stop + 2 * halo, tile.cols.start : tile.cols.stop + 2 * halo
        ]
        assert set(acting[acting >= 0].tolist()) == set(read.ravel().tolist())
        given[tile.rows, tile.cols] += 1
    np.testing.assert_array_equal(given, 1)


def test_the_runner_reads_a_tile_only_when_the_one_before_is_done():
    tiles, done = cut((4, 4), (2, 2), 0), []

    def note(what):
        return lambda tile, *_: done.append((what, tile))

    run(tiles, note("read"), note("done"))
    assert done == [(what, tile) for tile in tiles for what in ("read", "done")]


@pytest.mark.parametrize("boundary", ["symmetric", "mirror", "edge", "zero"])
def test_tiles_give_the_whole_convolution(image, boundary):
    psf = from_array(np.random.default_rng(3).random((15, 9)))
    expected = convolve(image, psf, backend=Device(), boundary=boundary)
    backend = Device(most_numbers=50 * 30 * 2)
    found = convolve(image, psf, backend=backend, boundary=boundary)
    assert len(backend.calls) > 3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * psf.l1)


def test_an_image_that_wraps_around_is_not_cut(image):
    backend = Device(most_numbers=10)
    with pytest.raises(OutOfMemoryError):
        convolve(image, PSF, backend=backend, boundary="wrap")
    assert len(backend.calls) == 1


def test_the_image_itself_may_take_the_result_of_tiles(image):
    grey = np.ascontiguousarray(image[..., 0])
    expected = convolve(grey, PSF, backend=Device())
    found = convolve(grey, PSF, backend=Device(most_numbers=50 * 30), out=grey)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def footprint(**changes):
    fields = {"rows": 1000, "cols": 100, "planes": 3, "radius": (20, 20), "halo": 20}
    return Footprint(**fields | {"pixel_bytes": 24} | changes)


def test_sizes_go_down_by_halves_to_what_the_surroundings_outweigh():
    assert tile_sizes(footprint(), Device()) == [1000, 500, 250, 125, 63, 32, 20]
    assert tile_sizes(footprint(rows=15), Device()) == [15]


@pytest.mark.parametrize(
    ("name", "limit"),
    [("max_elements", 250_000), ("max_array_bytes", 10**6), ("memory_bytes", 6_500_000)],
)
def test_each_limit_of_a_backend_makes_tiles_beforehand(name, limit):
    backend = Device()
    backend.limits = Limits(**{name: limit})
    assert tile_sizes(footprint(), backend)[0] == 500


def test_free_memory_makes_tiles_beforehand_and_what_is_kept_is_given_back_first():
    backend = Device()
    backend.free_bytes = 7_500_000
    assert tile_sizes(footprint(), backend)[0] == 500
    backend.release = lambda: setattr(backend, "free_bytes", 10**9)
    assert tile_sizes(footprint(), backend)[0] == 500, "a question frees nothing"
    assert make_room(footprint(), backend)
    assert tile_sizes(footprint(), backend)[0] == 1000


def test_a_device_too_small_for_any_tile_is_not_tried_but_the_host_is(monkeypatch):
    monkeypatch.setenv("PHOS_MEMORY_LIMIT", "1000")
    assert tile_sizes(footprint(), Device()) == []
    assert tile_sizes(footprint(), ScipyBackend()) == [20]


def test_an_array_limit_counts_all_planes_but_continues_one_at_a_time():
    large = footprint(rows=12_000, cols=40_000, planes=3, radius=(200, 200), halo=200)
    assert large.array_elements(12_000) == 3 * 12_000 * 40_000
    alone = footprint(rows=100, cols=100, planes=1, radius=(20, 30), halo=20)
    assert alone.array_elements(100) == (100 + 2 * 20) * (100 + 2 * 30)
    backend = Device()
    backend.limits = Limits(max_array_bytes=2**32)
    assert tile_sizes(large, backend)[0] == 6000


@pytest.mark.parametrize("text", ["0", "-5", "2 GB", "1e9"])
def test_a_memory_limit_that_is_no_number_of_bytes_is_refused(monkeypatch, image, text):
    monkeypatch.setenv("PHOS_MEMORY_LIMIT", text)
    with pytest.raises(ValueError, match="PHOS_MEMORY_LIMIT must be a whole number of bytes"):
        convolve(image, PSF)


# ------------------------------------------------------------------ the ladder


def test_out_of_memory_halves_the_tiles_on_the_same_device(image):
    backend = Device(most_numbers=60 * 30 * 2)
    convolve(image, PSF, backend=backend)
    assert [shape[1] for shape in backend.calls[:3]] == [130, 73, 41]


@pytest.mark.parametrize(
    "error", [UnsupportedOperationError("cannot"), DeviceLostError("gone"), MemoryError("full")]
)
def test_the_next_backend_starts_from_the_host_s_image(image, one_after_the_other, error):
    one_after_the_other(Failing(error), Device())
    with pytest.warns(BackendFallbackWarning, match="went on with device: failing") as warned:
        found = convolve(image, PSF)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(found, convolve(image, PSF, backend=Device()))


def test_a_lost_device_may_fail_in_every_way(image, one_after_the_other):
    class Lost(Failing):
        def memory(self):
            raise RuntimeError("context is destroyed")

        release = memory

    one_after_the_other(Lost(DeviceLostError("gone")), Device())
    with pytest.warns(BackendFallbackWarning):
        assert convolve(image, PSF).shape == image.shape


def test_any_other_error_comes_out_as_it_is(image, one_after_the_other):
    one_after_the_other(Failing(ZeroDivisionError("a bug")), Device())
    with pytest.raises(ZeroDivisionError, match="a bug"):
        convolve(image, PSF)


@pytest.mark.parametrize("error", [UnsupportedOperationError, DeviceLostError, OutOfMemoryError])
def test_a_backend_named_is_not_replaced(image, error):
    with pytest.raises(error, match="no other backend was tried: it was asked for by name"):
        convolve(image, PSF, backend=Failing(error("so it is")))


@pytest.mark.filterwarnings("ignore::phos_core.errors.BackendFallbackWarning")
def test_the_last_error_lists_every_rung(image, one_after_the_other):
    one_after_the_other(Device(most_numbers=10), Failing(DeviceLostError("gone")))
    with pytest.raises(OutOfMemoryError) as raised:
        convolve(image, PSF)
    for rung in ("device, whole: out-of-memory: full", "9 tiles", "failing, whole: device-lost"):
        assert rung in str(raised.value)


@pytest.mark.parametrize("text", ["yes", "true", "2"])
def test_a_strictness_that_is_neither_on_nor_off_is_refused(image, monkeypatch, text):
    monkeypatch.setenv("PHOS_STRICT", text)
    with pytest.raises(ValueError, match="PHOS_STRICT must be 0 or 1"):
        convolve(image, PSF)


def test_a_failed_attempt_keeps_nothing_of_the_device_alive(image, one_after_the_other):
    one_after_the_other(Device(most_numbers=10), Failing(MemoryError()))
    with (
        pytest.warns(BackendFallbackWarning),
        pytest.raises(OutOfMemoryError) as raised,
    ):
        convolve(image, PSF)
    assert raised.value.__cause__ is not None
    assert raised.value.__cause__.__traceback__ is None


# ------------------------------------------------------------------ what an attempt leaves


def test_what_a_backend_keeps_is_given_back_after_each_failed_attempt(image, one_after_the_other):
    course = []

    class Keeps(Device):
        def convolve(self, image, psf, *, boundary="symmetric"):
            course.append("attempt")
            return super().convolve(image, psf, boundary=boundary)

        def release(self):
            course.append("release")
            super().release()

    one_after_the_other(Keeps(most_numbers=50 * 30 * 2), ScipyBackend())
    convolve(image, PSF)
    failures = course.count("release")
    assert failures >= 1
    assert course[: 2 * failures] == ["attempt", "release"] * failures


@pytest.mark.parametrize(
    "error", [UnsupportedOperationError("no such thing"), DeviceLostError("gone")]
)
def test_a_backend_that_cannot_or_is_gone_is_not_tried_again_in_tiles(
    image, one_after_the_other, error
):
    failing = Failing(error)
    attempts = []
    failing.to_device = lambda host: attempts.append(host.shape) or Device.to_device(failing, host)
    one_after_the_other(failing, ScipyBackend())
    with pytest.warns(BackendFallbackWarning):
        convolve(image, PSF)
    assert len(attempts) == 1


def test_errors_of_phos_are_known_to_the_ladder_whatever_a_backend_makes_of_them(
    image, one_after_the_other
):
    failing = Failing(UnsupportedOperationError("no such thing"))
    failing.classify_error = lambda error: None
    one_after_the_other(failing, ScipyBackend())
    with pytest.warns(BackendFallbackWarning, match="no such thing"):
        convolve(image, PSF)


def test_pictures_of_a_batch_are_each_scaled_by_their_own_peak(rng):
    device = Device()
    peaks = []
    plain = device.convolve

    def convolve_and_note(image, psf, **settings):
        peaks.append(float(array_api_strict.max(array_api_strict.abs(image))))
        return plain(image, psf, **settings)

    device.convolve = convolve_and_note
    batch = rng.random((3, 20, 30, 2)).astype(np.float32)
    batch *= np.array([1e30, 1e-30, 1.0], np.float32).reshape(3, 1, 1, 1)
    found = convolve(batch, PSF, backend=device)
    for picture, blurred in zip(batch, found, strict=True):
        expected = convolve(picture.astype(np.float64), PSF, backend=ScipyBackend())
        np.testing.assert_allclose(blurred, expected, rtol=0, atol=1e-5 * picture.max())
    assert max(peaks) <= 2.0**64
    assert min(peaks) >= 2.0**-64

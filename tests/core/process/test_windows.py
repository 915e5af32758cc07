"""A window of a picture comes out as the whole would there, wherever it lies."""

import pickle

import numpy as np
import pytest

import phos_core as phos
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import BackendFallbackWarning
from phos_core.process import WholePicture, WindowDeveloper, develop_window

SHAPE = (90, 120)
RECIPE = phos.Recipe(film="portra-400", pixel_pitch_um=150.0, seed=4, offset_px=(7, 3))
CORNER, MIDDLE = (slice(0, 20), slice(100, 120)), (slice(30, 61), slice(40, 71))


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)


def read(image, picture, window):
    tile = picture.tile(window)
    return image[tile.read_rows, tile.read_cols]


def window_of(image, recipe, window, **options):
    picture = WholePicture.of(image.shape[:2], recipe)
    return develop_window(picture, window, read(image, picture, window), **options)


class Failing(ScipyBackend):
    """A backend whose memory runs out at once."""

    name = "failing"

    def __init__(self):
        super().__init__()
        self.calls = 0

    def _convolve_planes(self, image, *given, **options):
        self.calls += 1
        raise MemoryError


@pytest.mark.parametrize("window", [CORNER, MIDDLE])
@pytest.mark.parametrize("mode", ["full", "colour", "texture"])
def test_a_window_is_that_part_of_the_whole(image, window, mode):
    recipe = phos.Recipe(film="portra-400", pixel_pitch_um=150.0, seed=4, mode=mode)
    whole = phos.develop(image, recipe=recipe, backend="scipy")
    found = window_of(image, recipe, window, backend="scipy")
    assert found.shape == whole[window].shape
    assert np.abs(found.astype(int) - whole[window]).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, ">u2"])
def test_a_window_has_the_dtype_of_its_pixels(image, dtype):
    top = 1.0 if dtype == np.float32 else 65535
    deep = (image / 255.0 * top).astype(dtype)
    found = window_of(deep, RECIPE, MIDDLE, backend="scipy")
    assert found.dtype == deep.dtype
    whole = phos.develop(deep, recipe=RECIPE, backend="scipy")[MIDDLE]
    np.testing.assert_allclose(found / top, whole / top, atol=2e-4)


def test_a_grey_window_stays_grey(image):
    grey = image[..., 0]
    found = window_of(grey, RECIPE, CORNER, backend="scipy")
    whole = phos.develop(grey, recipe=RECIPE, backend="scipy")[CORNER]
    assert found.shape == whole.shape
    assert np.abs(found.astype(int) - whole).max() <= 1


def test_a_window_is_balanced_on_the_whole_picture(image):
    dark = image // 4
    dark[40:60, 50:70] *= 4
    recipe = phos.Recipe(film="portra-400", pixel_pitch_um=150.0, auto_balance=True)
    picture = WholePicture.of(SHAPE, recipe)
    picture = picture.balanced(dark[picture.measured])
    found = develop_window(picture, MIDDLE, read(dark, picture, MIDDLE), backend="scipy")
    whole = phos.develop(dark, recipe=recipe, backend="scipy")[MIDDLE]
    assert np.abs(found.astype(int) - whole).max() <= 1


def test_a_picture_that_travels_gives_the_same_window(image):
    picture = WholePicture.of(SHAPE, RECIPE)
    there = pickle.loads(pickle.dumps(picture))
    pixels = read(image, picture, CORNER)
    np.testing.assert_array_equal(
        develop_window(there, CORNER, pixels, backend="scipy"),
        develop_window(picture, CORNER, pixels, backend="scipy"),
    )


def test_pixels_of_another_size_than_is_read_are_refused(image):
    picture = WholePicture.of(SHAPE, RECIPE)
    with pytest.raises(ValueError, match=r"that picture.tile\(window\) reads, got \(31, 31\)"):
        develop_window(picture, MIDDLE, image[MIDDLE])


@pytest.mark.parametrize(
    ("pixel", "encoding"), [(np.nan, "linear"), (1.5, "srgb")], ids=["nan", "beyond white"]
)
def test_a_window_is_checked_as_a_picture_is(image, pixel, encoding):
    light = (image / 255.0).astype(np.float32)
    light[45, 50] = pixel
    recipe = phos.Recipe(pixel_pitch_um=150.0, encoding=encoding)
    with pytest.raises(ValueError, match=r"must be finite|between 0 and 1"):
        window_of(light, recipe, MIDDLE)


def test_the_backend_that_took_over_keeps_the_windows(image, one_after_the_other):
    """One warning, one failed attempt: the next window is not tried again where one failed."""
    failing = Failing()
    one_after_the_other(failing, ScipyBackend())
    picture = WholePicture.of(SHAPE, RECIPE)
    developer = WindowDeveloper(picture)
    with pytest.warns(BackendFallbackWarning):
        developer.develop(CORNER, read(image, picture, CORNER))
    developer.develop(MIDDLE, read(image, picture, MIDDLE))  # a warning would be an error
    report = developer.report("cut by hand")
    assert failing.calls == 1
    assert (report.backend, report.tiles, report.events[0]) == ("scipy", 2, "cut by hand")
    assert any("went on with" in event for event in report.events)

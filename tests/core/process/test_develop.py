"""`develop`: arrays of devices stay there, several pictures at once, tiles, falling back."""

import dataclasses

import array_api_strict
import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import GenericBackend, Limits
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.errors import BackendFallbackWarning, BackendUnavailableError, OutOfMemoryError
from phos_core.process import WholePicture, develop_window
from phos_core.process.pipeline import coupler_reach_px

FILM = "portra-400"
SMALL = {"pixel_pitch_um": 200.0}  # few pixels of reach, so that small pictures have tiles


class Strict(GenericBackend):
    """A device of its own: what is not given to it, or asked of it, stays out or in."""

    name = "strict"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def to_device(self, host):
        return array_api_strict.asarray(host.copy(), device=self.device)

    def to_host(self, x):
        return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))


class Apart(Strict):
    """A device that nothing leaves and nothing reaches."""

    def to_device(self, host):
        raise AssertionError("an upload")

    def to_host(self, x):
        raise AssertionError("a download")


class Cramped(Strict):
    """A device that holds no picture of more rows than a limit."""

    name = "cramped"

    def __init__(self, most_rows):
        self.most_rows = most_rows
        self.seen = []

    def to_device(self, host):
        rows = host.shape[-2]
        self.seen.append(rows)
        if rows > self.most_rows:
            raise MemoryError(f"no room for {rows} rows")
        return super().to_device(host)


class Counting(Strict):
    """A device that counts the planes of each convolution."""

    name = "counting"

    def __init__(self):
        self.planes = []

    def convolve(self, image, psf, *, boundary="symmetric"):
        self.planes.append(image.shape[0] * image.shape[1])
        return super().convolve(image, psf, boundary=boundary)


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (150, 40, 3), dtype=np.uint8)


# ------------------------------------------------------------------ arrays of a device


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_an_array_of_a_device_is_developed_where_it_is(rng, shape, dtype):
    white = np.iinfo(dtype).max if dtype.startswith("u") else 1
    host = (rng.random(shape) * white).astype(dtype)
    positive = phos.develop(Strict().to_device(host), FILM, backend=Apart())
    assert positive.device == Strict.device
    assert positive.shape == shape
    assert positive.dtype == getattr(array_api_strict, dtype)
    expected = phos.develop(host, FILM, backend="scipy")
    difference = np.abs(Strict().to_host(positive).astype(float) - expected)
    assert difference.max() <= (1 if white > 1 else 1e-3)


def test_a_black_and_white_positive_of_a_device_has_three_channels(picture):
    positive = phos.develop(Strict().to_device(picture), "tri-x-400", backend=Apart())
    assert positive.shape == picture.shape


def test_an_array_of_a_device_without_pixels_stays_so():
    empty = array_api_strict.zeros((0, 5, 3), dtype=array_api_strict.uint8, device=Strict.device)
    assert phos.develop(empty, FILM, backend=Apart()).shape == (0, 5, 3)


def test_a_backend_that_does_not_own_the_array_is_refused(picture):
    with pytest.raises(BackendUnavailableError, match=r"'scipy'.* does not own .*array_api_strict"):
        phos.develop(Strict().to_device(picture), FILM, backend="scipy")
    with pytest.raises(BackendUnavailableError, match="none owns the image"):
        phos.develop(Strict().to_device(picture), FILM, backend="auto")


def test_an_array_of_a_device_is_checked_like_any_other():
    for wrong, error, words in (
        (np.full((4, 4), np.nan), ValueError, r"at index \(0, 0\)"),
        (np.full((4, 4), 2.0), ValueError, "between 0 and 1"),
        (np.zeros((4, 4), np.int32), TypeError, "int32"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, "alpha"),
    ):
        with pytest.raises(error, match=words):
            phos.develop(Strict().to_device(wrong), FILM, backend=Apart())
    with pytest.raises(TypeError, match="out must be left out"):
        phos.develop(Strict().to_device(np.zeros((4, 4), np.uint8)), out=np.zeros((4, 4), np.uint8))


# ------------------------------------------------------------------ several pictures


def test_each_picture_of_a_batch_is_as_if_it_came_alone(rng):
    batch = rng.random((3, 24, 36, 3)).astype(np.float32)
    positives = phos.develop(batch, FILM, seed=[5, 6, 7])
    assert positives.shape == batch.shape
    for one, seed, positive in zip(batch, (5, 6, 7), positives, strict=True):
        np.testing.assert_allclose(positive, phos.develop(one, FILM, seed=seed), atol=1e-6)


@pytest.mark.parametrize("form", [list, np.asarray])
def test_a_batch_shares_the_device_s_calls(rng, form):
    batch = rng.random((3, 24, 36, 3)).astype(np.float32)
    backend = Counting()
    positives, reports = phos.develop_with_report(
        form(batch), FILM, backend=backend, seed=[5, 6, 7], **SMALL
    )
    assert backend.planes == [9, 9]  # the light's spread and the inhibitor's
    assert [report.pictures for report in reports] == [3, 3, 3]
    for one, seed, positive in zip(batch, (5, 6, 7), positives, strict=True):
        alone = phos.develop(one, FILM, backend=backend, seed=seed, **SMALL)
        np.testing.assert_allclose(positive, alone, rtol=0, atol=1e-6)


def test_only_neighbours_of_one_size_and_type_share_a_call(rng):
    pictures = [rng.random((20, 30, 3)) for _ in range(2)]
    pictures += [rng.random((20, 31, 3)), rng.random((20, 31)), rng.random((20, 31)) > 2]
    pictures[-1] = pictures[-1].astype(np.uint8)
    backend = Counting()
    _, reports = phos.develop_with_report(pictures, "tri-x-400", backend=backend, **SMALL)
    assert [report.pictures for report in reports] == [2, 2, 1, 1, 1]


def test_a_batch_that_the_device_cannot_hold_goes_in_parts(rng):
    batch = rng.integers(0, 256, (5, 40, 30, 3), dtype=np.uint8)
    expected = phos.develop(batch, FILM, backend=Strict(), **SMALL)
    backend = Counting()
    backend.limits = Limits(max_elements=3 * 2 * 40 * 30 + 1)
    positives, reports = phos.develop_with_report(batch, FILM, backend=backend, **SMALL)
    assert [report.pictures for report in reports] == [2, 2, 2, 2, 1]
    np.testing.assert_array_equal(positives, expected)


def test_a_batch_for_which_memory_runs_out_is_tiled(rng):
    batch = rng.integers(0, 256, (2, 150, 40, 3), dtype=np.uint8)
    expected = phos.develop(batch, FILM, backend=Strict(), **SMALL)
    positives, reports = phos.develop_with_report(batch, FILM, backend=Cramped(120), **SMALL)
    assert reports[0].tiles > 1
    assert np.abs(positives.astype(int) - expected).max() <= 1


def test_a_list_of_pictures_gives_a_list(rng):
    sizes = [(20, 30, 3), (31, 17, 3), (12, 40)]
    pictures = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    positives, reports = phos.develop_with_report(pictures, FILM, seed=3)
    assert isinstance(positives, list)
    assert [report.backend for report in reports] == [reports[0].backend] * 3
    for one, positive in zip(pictures, positives, strict=True):
        np.testing.assert_array_equal(positive, phos.develop(one, FILM, seed=3))
    assert isinstance(phos.develop(tuple(pictures[:1]), FILM), tuple)
    assert phos.develop([], FILM) == []


def test_a_batch_on_a_device_comes_back_as_one_array(rng):
    host = rng.random((2, 20, 30, 3)).astype(np.float32)
    positives = phos.develop(Strict().to_device(host), FILM, backend=Apart())
    assert positives.device == Strict.device
    alone = phos.develop(Strict().to_device(host[1]), FILM, backend=Apart(), frame=1)
    np.testing.assert_allclose(
        Strict().to_host(positives)[1], Strict().to_host(alone), rtol=0, atol=1e-6
    )


def test_the_positives_of_a_batch_go_where_they_are_wanted(rng):
    batch = rng.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    out = np.empty_like(batch)
    assert phos.develop(batch, FILM, out=out) is out
    np.testing.assert_array_equal(out, phos.develop(batch, FILM))
    listed = [np.empty_like(batch[0]), np.empty_like(batch[0])]
    assert phos.develop(list(batch), FILM, out=listed) is listed
    np.testing.assert_array_equal(np.stack(listed), phos.develop(batch, FILM, seed=[0, 0]))


@pytest.mark.parametrize(
    ("pictures", "changes", "error", "words"),
    [
        (2, {"seed": [1, 2, 3]}, ValueError, "one per picture, 2, got 3"),
        (1, {"seed": [1]}, ValueError, "several pictures"),
        (2, {"seed": [1, "a"]}, TypeError, "whole number"),
        (2, {"out": [None]}, ValueError, "one array per picture"),
        (2, {"seed": [1, 2], "recipe": phos.Recipe()}, TypeError, "not both"),
    ],
)
def test_settings_that_do_not_fit_the_batch_are_refused(pictures, changes, error, words):
    batch = np.zeros((2, 4, 5, 3), np.uint8)
    with pytest.raises(error, match=words):
        phos.develop(batch if pictures == 2 else batch[0], **changes)


# ------------------------------------------------------------------ settings


def test_every_setting_of_a_recipe_is_a_keyword_of_the_door(picture):
    settings = {
        "frame": 3,
        "exposure_index": 800.0,
        "light": "tungsten",
        "printing": "endura-premier",
        "filters_cc": (5.0, 2.0, 0.0),
        "halation": 2.0,
        "auto_balance": True,
        "pixel_pitch_um": 20.0,
    }
    given_apart = phos.develop(picture, FILM, seed=2, **settings)
    together = phos.develop(picture, recipe=phos.Recipe(film=FILM, seed=2, **settings))
    np.testing.assert_array_equal(given_apart, together)


def test_a_setting_that_is_none_is_named(picture):
    with pytest.raises(TypeError, match="'grian'"):
        phos.develop(picture, FILM, grian=1.0)


@pytest.mark.parametrize("mode", ["full", "texture"])
def test_every_mode_runs_on_a_device(rng, mode):
    host = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    settings = {"mode": mode, "auto_balance": mode == "full", "primaries": "display-p3"}
    positive = phos.develop(Strict().to_device(host), FILM, backend=Apart(), **settings)
    expected = phos.develop(host, FILM, backend="scipy", **settings)
    assert np.abs(Strict().to_host(positive).astype(int) - expected).max() <= 1


def test_a_picture_balanced_on_itself_is_the_same_in_tiles(rng):
    image = rng.random((150, 40, 3)).astype(np.float32)
    image[:75] *= 0.2
    settings = {"auto_balance": True, "encoding": "linear", "pixel_pitch_um": 90.0}
    whole = phos.develop(image, FILM, backend=Strict(), **settings)
    tiled, report = phos.develop_with_report(image, FILM, backend=Cramped(120), **settings)
    assert report.tiles > 1
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=2e-4)


# ------------------------------------------------------------------ tiles


@pytest.mark.parametrize("name", ["portra-400", "cinestill-800t", "tri-x-400"])
def test_tiles_give_the_whole_picture(rng, name):
    image = rng.random((150, 40, 3)).astype(np.float32)
    image[70:76, 10:16] = 30.0
    settings = {"encoding": "linear", "seed": 4, "pixel_pitch_um": 90.0, "offset_px": (11, 5)}
    whole = phos.develop(image, name, backend=Strict(), **settings)
    tiled, report = phos.develop_with_report(image, name, backend=Cramped(120), **settings)
    assert report.tiles > 1
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=2e-4)


class Noting(ScipyBackend):
    """The built-in backend, which notes the shape of each stage that it convolves."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def _convolve_planes(self, image, *given, **options):
        self.shapes.append(image.shape)
        return super()._convolve_planes(image, *given, **options)


@pytest.mark.parametrize("mode", ["full", "texture"])
def test_what_lies_around_a_tile_is_dropped_once_it_has_acted(rng, mode):
    image = rng.integers(0, 256, (300, 40, 3), dtype=np.uint8)
    recipe = phos.Recipe(film=FILM, pixel_pitch_um=60.0, mode=mode)
    picture, backend = WholePicture.of((300, 40), recipe), Noting()
    window = (slice(140, 160), slice(0, 40))
    tile = picture.tile(window)
    found = develop_window(picture, window, image[tile.read_rows, tile.read_cols], backend=backend)
    couplers = coupler_reach_px(picture.film, 60.0)
    spread = [(1, 1, 20 + 2 * picture.reach_px, 40)]
    diffused = [(1, 1, 20 + 2 * couplers, 40)] if mode == "full" else []
    assert backend.shapes == 3 * (spread + diffused)
    expected = phos.develop(image, recipe=recipe, backend="scipy")
    assert np.abs(found.astype(int) - expected[140:160]).max() <= 1


def test_the_grain_of_tiles_is_that_of_the_whole_to_the_bit(rng):
    pointwise = {"scatter": None, "halation": None, "couplers": None}
    film = dataclasses.replace(phos.load_film("tri-x-400"), **pointwise)
    image = rng.random((90, 20, 3)).astype(np.float32)
    whole = phos.develop(image, film, backend=Strict(), seed=9)
    tiled, report = phos.develop_with_report(image, film, backend=Cramped(40), seed=9)
    assert report.tiles > 1
    np.testing.assert_array_equal(tiled, whole)


def test_an_array_of_a_device_is_tiled_on_it(picture, monkeypatch):
    whole = phos.develop(Strict().to_device(picture), FILM, backend=Apart(), **SMALL)
    monkeypatch.setattr(Apart, "limits", Limits(max_elements=15_000))
    tiled, report = phos.develop_with_report(
        Strict().to_device(picture), FILM, backend=Apart(), **SMALL
    )
    assert report.tiles > 1
    difference = Strict().to_host(tiled).astype(int) - Strict().to_host(whole)
    assert np.abs(difference).max() <= 1


def test_the_picture_itself_may_take_the_positive_of_tiles(picture):
    expected = phos.develop(picture, FILM, backend=Cramped(100), **SMALL)
    phos.develop(picture, FILM, backend=Cramped(100), out=picture, **SMALL)
    np.testing.assert_array_equal(picture, expected)


def test_a_limit_on_memory_makes_tiles_beforehand(picture, monkeypatch):
    backend = Cramped(150)
    monkeypatch.setenv("PHOS_MEMORY_LIMIT", "1000000")
    _, report = phos.develop_with_report(picture, FILM, backend=backend, **SMALL)
    assert report.tiles > 1
    assert max(backend.seen) < 150
    assert len(backend.seen) == report.tiles


# ------------------------------------------------------------------ falling back


def test_a_backend_named_is_halved_but_never_left(picture):
    backend = Cramped(5)
    with pytest.raises(OutOfMemoryError, match=r"cramped, whole.*cramped, 2 tiles.*by name"):
        phos.develop(picture, FILM, backend=backend, **SMALL)
    assert backend.seen[0] == 150


def test_a_report_says_what_ran_and_of_which_version(picture):
    import scipy

    _, report = phos.develop_with_report(picture, FILM, backend="scipy")
    assert report.versions["scipy"] == scipy.__version__
    assert {"python", "numpy", "phos-core"} <= set(report.versions)
    assert (report.tiles, report.events) == (1, ())


def test_the_next_backend_takes_over_with_one_warning(picture, one_after_the_other):
    one_after_the_other(Cramped(5), ScipyBackend())
    with pytest.warns(BackendFallbackWarning, match="went on with scipy") as warned:
        positive, report = phos.develop_with_report(picture, FILM, **SMALL)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert report.backend == "scipy"
    assert any("no room for 150 rows" in event for event in report.events)
    np.testing.assert_array_equal(
        positive, phos.develop(picture, FILM, backend=ScipyBackend(), **SMALL)
    )


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_strict_makes_leaving_the_backend_an_error(picture, one_after_the_other, monkeypatch, how):
    one_after_the_other(Cramped(5), ScipyBackend())
    if how == "environment":
        monkeypatch.setenv("PHOS_STRICT", "1")
    with pytest.raises(OutOfMemoryError, match=r"cramped, whole.*strict"):
        phos.develop(picture, FILM, strict=how == "argument", **SMALL)


class Lanes(ScipyBackend):
    """Does pictures side by side, the last first."""

    name = "lanes"
    lanes = 2

    def __init__(self):
        super().__init__()
        self.calls = []

    def side_by_side(self, work, count):
        self.calls.append(count)
        for index in reversed(range(count)):
            work(index)


def test_a_backend_may_do_pictures_side_by_side():
    images = np.random.default_rng(21).integers(0, 256, (5, 24, 36, 3), dtype=np.uint8)
    seeds, out = [4, 1, 3, 0, 2], np.zeros_like(images)
    backend = Lanes()
    positives, reports = phos.develop_with_report(images, backend=backend, seed=seeds, out=out)
    assert positives is out
    assert backend.calls == [5]
    assert sum(report.pictures for report in reports) == 5
    for image, seed, positive in zip(images, seeds, positives, strict=True):
        np.testing.assert_array_equal(positive, phos.develop(image, backend="scipy", seed=seed))


def test_one_picture_is_not_done_side_by_side():
    backend = Lanes()
    phos.develop(np.zeros((8, 8, 3), np.uint8), backend=backend)
    assert backend.calls == []


class DeviceLanes(Strict):
    """A device that does pieces of a batch side by side."""

    lanes = 2

    def side_by_side(self, work, count):
        self.pieces = count
        for index in range(count):
            work(index)


@pytest.mark.parametrize(("pictures", "least"), [(4, 4), (12, 4), (20, 5)])
def test_a_batch_is_cut_so_that_every_lane_has_work_beside_the_others(pictures, least):
    images, backend = np.zeros((pictures, 8, 12, 3), np.uint8), DeviceLanes()
    _, reports = phos.develop_with_report(images, backend=backend, **SMALL)
    assert backend.pieces >= least
    assert max(report.pictures for report in reports) <= 4


def test_in_texture_mode_the_grain_is_that_of_the_exposure():
    settings = {"mode": "texture", "encoding": "linear", "backend": "scipy", "pixel_pitch_um": 6.0}
    settings["lab_correction"] = False  # another exposure would be printed otherwise, too

    def grain_of(light, stops):
        image = np.full((64, 64, 3), light, np.float32)
        return phos.develop(image, "tri-x-400", exposure_stops=stops, **settings) / light

    for light, stops in ((0.05, 1.0), (0.2, -2.0)):
        brighter = grain_of(light * 2.0**stops, 0.0)
        np.testing.assert_allclose(grain_of(light, stops), brighter, atol=1e-5)
        assert np.abs(grain_of(light, 0.0) - brighter).max() > 0.05


@pytest.mark.parametrize("film", ["tri-x-400", "portra-400", "velvia-50"])
def test_in_texture_mode_a_print_too_dark_to_show_grain_hardly_has_any(film):
    image = np.full((64, 64, 3), 1e-3, np.float32)
    settings = {"encoding": "linear", "backend": "scipy", "pixel_pitch_um": 6.0}
    light = phos.develop(image, film, mode="texture", scatter=0, halation=0, **settings)
    np.testing.assert_allclose(light, image, rtol=0, atol=5e-4)  # a share of the light is far more


@pytest.mark.parametrize(("far", "farther"), [(4.0, 9.0), (-4.0, -9.0)])
def test_the_balance_counts_what_is_beyond_three_stops_as_three(far, farther):
    grey = 0.18 * np.ones((32, 64, 3), np.float32)

    def grey_beside(stops):
        image = grey.copy()
        image[:, 32:] *= 2.0**stops
        settings = {"encoding": "linear", "grain": 0, "scatter": 0, "halation": 0, "couplers": 0}
        positive = phos.develop(image, backend="scipy", auto_balance=True, **settings)
        return positive[16, 10]

    np.testing.assert_array_equal(grey_beside(far), grey_beside(farther))
    assert np.abs(grey_beside(far) - grey_beside(0.5 * far)).max() > 0.01

"""Forms of pictures: channels first or last, half precision, a hair outside, frames of a stack."""

import array_api_strict
import numpy as np
import pytest

import phos_core as phos
from phos_core.backend import GenericBackend
from phos_core.process import Recipe, WholePicture, develop_window

FILM = "portra-400"


class OnDevice(GenericBackend):
    """A device of its own."""

    name = "on-device"
    xp = array_api_strict
    device = array_api_strict.Device("device1")

    def to_device(self, host):
        return array_api_strict.asarray(host.copy(), device=self.device)

    def to_host(self, x):
        return np.asarray(x.to_device(array_api_strict.Device("CPU_DEVICE")))


@pytest.fixture
def picture(rng):
    return rng.random((12, 18, 3)).astype(np.float32)


@pytest.fixture
def stack(rng):
    return rng.random((3, 12, 18, 3)).astype(np.float32)


# ------------------------------------------------------------------ layout


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_channels_first_give_the_same_picture_with_channels_first(picture, dtype):
    picture = (picture * (np.iinfo(dtype).max if dtype[0] == "u" else 1)).astype(dtype)
    expected = phos.develop(picture, FILM, layout="HWC")
    found = phos.develop(np.ascontiguousarray(np.moveaxis(picture, -1, 0)), FILM, layout="CHW")
    assert (found.shape, found.dtype, found.flags.c_contiguous) == ((3, 12, 18), dtype, True)
    np.testing.assert_array_equal(np.moveaxis(found, 0, -1), expected)
    np.testing.assert_array_equal(expected, phos.develop(picture, FILM))


def test_a_stack_with_channels_first_stays_so(stack):
    found = phos.develop(np.moveaxis(stack, -1, 1), FILM, layout="BCHW")
    np.testing.assert_array_equal(np.moveaxis(found, 1, -1), phos.develop(stack, FILM))


def test_each_picture_of_a_list_has_the_layout(picture):
    planes = np.moveaxis(picture, -1, 0)
    first, second = phos.develop([planes, planes[:, :7]], FILM, layout="CHW")
    assert (first.shape, second.shape) == ((3, 12, 18), (3, 7, 18))


@pytest.mark.parametrize(("shape", "layout"), [((1, 12, 18), "CHW"), ((3, 1, 12, 18), "BCHW")])
def test_a_single_channel_that_comes_first_is_a_grey_picture(rng, shape, layout):
    planes = rng.random(shape).astype(np.float32)
    found = phos.develop(planes, "tri-x-400", layout=layout)
    assert found.shape == shape
    grey = planes.reshape(-1, 12, 18)[0]
    alone = phos.develop(grey, "tri-x-400")
    np.testing.assert_array_equal(found.reshape(-1, 12, 18)[0], alone)


@pytest.mark.parametrize("layout", ["CHW", "BCHW"])
def test_on_a_device_channels_first_give_the_same_picture_too(stack, layout):
    image = stack if layout == "BCHW" else stack[0]
    device = OnDevice()
    planes = device.to_device(np.moveaxis(image, -1, -3))
    found = device.to_host(phos.develop(planes, FILM, backend=device, layout=layout))
    expected = device.to_host(phos.develop(device.to_device(image), FILM, backend=device))
    np.testing.assert_array_equal(found, np.moveaxis(expected, -1, -3))


def test_a_place_for_the_positive_has_the_layout_of_the_picture(stack):
    planes = np.ascontiguousarray(np.moveaxis(stack, -1, 1))
    out = np.empty_like(planes)
    assert phos.develop(planes, FILM, layout="BCHW", out=out) is out
    np.testing.assert_array_equal(out, phos.develop(planes, FILM, layout="BCHW"))
    assert phos.develop(planes, FILM, layout="BCHW", out=planes) is planes
    np.testing.assert_array_equal(planes, out)
    with pytest.raises(ValueError, match=r"image's shape \(3, 12, 18\), got \(12, 18, 3\)"):
        phos.develop(planes[0], FILM, layout="CHW", out=np.empty((12, 18, 3), np.float32))


def test_a_picture_of_three_rows_stays_one_for_users_of_numpy(picture):
    rows = picture[:3]
    found = phos.develop(rows, FILM)
    np.testing.assert_array_equal(found, phos.develop(rows, FILM, layout="HWC"))


@pytest.mark.parametrize(
    ("shape", "layout", "error", "words"),
    [
        ((3, 12, 18), None, ValueError, r'come first: develop takes layout="CHW"'),
        ((4, 12, 18), None, ValueError, r"leave the alpha channel out: image\[:3\]"),
        ((3, 12, 18), "NCHW", ValueError, '"HWC", "CHW", "BHWC", "BCHW", got \'NCHW\''),
        ((3, 12, 18), "BCHW", ValueError, r'layout "BCHW" does not fit .* \(3, 12, 18\)'),
        ((12, 18), "HWC", ValueError, 'layout "HWC" does not fit'),
        ((4, 12, 18), "CHW", ValueError, "needs 1 or 3 channels"),
        ((3, 12, 18), ["CHW"], TypeError, "layout must be a name"),
        ((3, 12, 18), "HWC", ValueError, r"\(rows, cols, 3\), got \(3, 12, 18\)"),
    ],
)
def test_a_layout_that_is_missing_or_does_not_fit_is_named(shape, layout, error, words):
    with pytest.raises(error, match=words):
        phos.develop(np.zeros(shape, np.float32), layout=layout)


# ------------------------------------------------------------------ half precision


@pytest.mark.parametrize("backend", ["scipy", OnDevice()], ids=["host", "device"])
@pytest.mark.parametrize("dtype", ["float16", ">f2"])
def test_half_precision_is_computed_in_single_and_rounded_once(picture, backend, dtype):
    half = picture.astype(dtype)
    found = phos.develop(half, FILM, backend=backend)
    assert found.dtype == np.dtype(dtype)
    single = phos.develop(half.astype(np.float32), FILM, backend=backend)
    np.testing.assert_array_equal(found, single.astype(np.float16))


@pytest.mark.parametrize("changes", [{"auto_balance": True}, {"encoding": "linear"}])
def test_bright_light_in_half_precision_does_not_overflow(picture, changes):
    half = picture.astype(np.float16)
    if "encoding" in changes:
        half[4, 5] = np.finfo(np.float16).max
    single = phos.develop(half.astype(np.float32), FILM, **changes)
    found = phos.develop(half, FILM, **changes)
    np.testing.assert_array_equal(found, single.astype(np.float16))


def test_a_window_of_half_precision_is_that_of_the_picture(picture):
    half = picture.astype(np.float16)
    whole = WholePicture.of(half.shape[:2], Recipe(film=FILM))
    found = develop_window(whole, (slice(0, 12), slice(0, 18)), half)
    np.testing.assert_array_equal(found, phos.develop(half, FILM))


# ------------------------------------------------------------------ range


def test_a_hair_outside_is_clipped_and_the_picture_not_changed(picture):
    picture[2, 3], picture[4, 5] = 1.0, 0.0
    outside = picture.copy()
    outside[2, 3], outside[4, 5] = np.float32(1.001), np.float32(-0.001)
    came = outside.copy()
    for image, expected in ((outside, picture), ([outside, outside], [picture, picture])):
        np.testing.assert_array_equal(phos.develop(image, FILM), phos.develop(expected, FILM))
    np.testing.assert_array_equal(outside, came)
    whole = WholePicture.of(picture.shape[:2], Recipe(film=FILM))
    window = (slice(0, 12), slice(0, 18))
    np.testing.assert_array_equal(
        develop_window(whole, window, outside), develop_window(whole, window, picture)
    )


def test_light_may_lie_outside_and_is_not_clipped(picture):
    brighter = picture.copy()
    brighter[2, 3] = 1.001
    assert not np.array_equal(
        phos.develop(brighter, FILM, encoding="linear"),
        phos.develop(np.minimum(brighter, picture), FILM, encoding="linear"),
    )


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda x: x * 1.02, r"clip it: image\.clip\(0, 1\)"),
        (lambda x: x - 0.002, r"clip it: image\.clip\(0, 1\)"),
        (lambda x: x * 255, "divide by 255 if"),
        (lambda x: x * 65535, "divide by 65535 if"),
        (lambda x: 2 * x - 1, r"image / 2 \+ 0\.5 if"),
    ],
)
def test_what_lies_farther_outside_is_refused_with_what_would_help(picture, change, hint):
    picture[0, 0], picture[0, 1] = 0.0, 1.0
    with pytest.raises(ValueError, match=f"between 0 and 1, got .*; {hint}"):
        phos.develop(change(picture), FILM)


# ------------------------------------------------------------------ frames of a stack


@pytest.mark.parametrize("backend", ["scipy", OnDevice()], ids=["host", "device"])
def test_the_pictures_of_a_stack_are_frames_that_count_on(picture, backend):
    stack = np.stack([picture] * 3)
    found = phos.develop(stack, FILM, seed=7, frame=5, backend=backend)
    for number, positive in enumerate(found):
        alone = phos.develop(picture, FILM, seed=7, frame=5 + number, backend=backend)
        np.testing.assert_allclose(positive, alone, rtol=0, atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_a_seed_for_each_says_all_of_their_grain(picture):
    found = phos.develop(np.stack([picture] * 2), FILM, seed=[3, 3], frame=2)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], phos.develop(picture, FILM, seed=3, frame=2))


def test_version_1_of_the_process_gives_a_stack_the_grain_of_then(picture):
    found = phos.develop(np.stack([picture] * 2), FILM, seed=3, process_version=1)
    np.testing.assert_array_equal(found[0], found[1])

import numpy as np
import pytest

from phos_core.convolution.methods import reference
from phos_core.psf import delta, from_array

PAD_MODES = {
    "symmetric": "symmetric",
    "mirror": "reflect",
    "edge": "edge",
    "wrap": "wrap",
    "zero": "constant",
}


@pytest.mark.parametrize(("boundary", "mode"), PAD_MODES.items())
@pytest.mark.parametrize("taps", [(1, 1), (3, 5), (9, 1), (15, 21)])
@pytest.mark.parametrize("shape", [(6, 8), (1, 7), (3, 2)])
def test_each_pixel_is_the_sum_that_defines_convolution(boundary, mode, taps, shape):
    rng = np.random.default_rng(1)
    image, samples = rng.random(shape), rng.random(taps)
    ry, rx = taps[0] // 2, taps[1] // 2
    wide = np.pad(image, ((ry, ry), (rx, rx)), mode=mode)
    expected = np.array(
        [
            [
                (samples[::-1, ::-1] * wide[i : i + taps[0], j : j + taps[1]]).sum()
                for j in range(shape[1])
            ]
            for i in range(shape[0])
        ]
    )
    found = reference.convolve(image, from_array(samples), boundary)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_it_computes_in_float64_whatever_it_is_given():
    assert reference.convolve(np.ones((2, 2), np.float16), delta()).dtype == np.float64


def test_each_layer_may_have_its_own_psf():
    image = np.random.default_rng(2).random((2, 4, 5))
    doubled = from_array([[2.0]])
    found = reference.convolve(image, [delta(), doubled])
    np.testing.assert_array_equal(found, image * np.array([1.0, 2.0])[:, None, None])

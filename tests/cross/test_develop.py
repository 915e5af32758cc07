"""Whole renders, grain included, agree between the backends."""

import numpy as np
import pytest

import phos_core as phos

STOCKS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
BACKENDS = ("cv2",)


def peak_signal_to_noise_db(first, second):
    return -10 * np.log10(np.mean((first.astype(np.float64) - second) ** 2) + 1e-30)


def photo(brightest):
    """Scene light over a wide range, hard edges and small lamps as bright as asked."""
    rng = np.random.default_rng(4)
    light = 0.18 * 2.0 ** rng.normal(0, 1.2, (300, 420, 3))
    light[:, 200:] *= np.linspace(0.01, 2, 220)[None, :, None]
    light[100:160, 60:140] = 0.003
    light[130:134, 90:94] = brightest
    light[40:70, 300:330] = brightest / 4
    return light.astype(np.float32)


@pytest.mark.parametrize("brightest", [1.0, 30.0, 1000.0])
@pytest.mark.parametrize("film", STOCKS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_float_renders_agree(backend, film, brightest):
    image = photo(brightest)
    reference = phos.develop(image, film, backend="scipy", encoding="linear", seed=5)
    positive = phos.develop(image, film, backend=backend, encoding="linear", seed=5)
    assert np.abs(positive - reference).max() <= 1e-3
    assert peak_signal_to_noise_db(positive, reference) >= 80


@pytest.mark.parametrize("film", STOCKS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_renders_of_8_bit_pictures_agree_to_a_code(backend, film):
    codes = np.random.default_rng(6).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    codes[50:90, 60:120] = 255
    reference = phos.develop(codes, film, backend="scipy", seed=5).astype(int)
    positive = phos.develop(codes, film, backend=backend, seed=5).astype(int)
    assert np.abs(positive - reference).max() <= 1
    assert peak_signal_to_noise_db(positive / 255, reference / 255) >= 60

import numpy as np
import pytest

from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.methods import spectral
from phos_core.convolution.methods.scipy_backend import ScipyBackend
from phos_core.psf import exponential, from_array
from phos_core.testing import assert_agrees

NOISE = from_array(np.random.default_rng(2).random((7, 23)))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("block", [50, 2000, 2**17])
@pytest.mark.parametrize("shape", [(1, 1), (33, 97), (130, 20), (5, 200)])
def test_blocks_of_any_size_meet(monkeypatch, boundary, block, shape):
    monkeypatch.setattr(spectral, "BLOCK_NUMBERS", block)
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    for psf in (NOISE, exponential(1.5)):
        found = ScipyBackend().convolve_by("transform", image, psf, boundary=boundary)
        assert_agrees(found, image, psf, boundary)


@pytest.mark.parametrize("boundary", ["symmetric", "mirror"])
@pytest.mark.parametrize("at", [(0, 0), (199, 149), (100, 3)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_lamp_anywhere_calls_for_double_precision(monkeypatch, boundary, at, sign):
    monkeypatch.setattr(spectral, "BLOCK_NUMBERS", 2000)
    taken = watch_precision(monkeypatch)
    image = np.ones((200, 150), np.float32)
    ScipyBackend().convolve_by("transform", image, exponential(1.5), boundary=boundary)
    assert set(taken) == {"float32"}
    image[at] = sign * 2001.0
    ScipyBackend().convolve_by("transform", image, exponential(1.5), boundary=boundary)
    assert taken[-1] == "float64"


def test_double_precision_stays_double(monkeypatch):
    taken = watch_precision(monkeypatch)
    ScipyBackend().convolve_by("transform", np.ones((20, 15)), exponential(1.5))
    assert set(taken) == {"float64"}


def watch_precision(monkeypatch):
    """The precision of each strip of rows that is transformed."""
    taken = []
    original = spectral._continued

    def run(block, axis, *given):
        if axis == 1:
            taken.append(str(block.dtype))
        return original(block, axis, *given)

    monkeypatch.setattr(spectral, "_continued", run)
    return taken

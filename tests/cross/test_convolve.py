"""Every installed backend against the reference, and so against each other."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.choosing import selection
from phos_core.convolution.running.convolve import convolve
from phos_core.psf import from_array
from phos_core.testing import assert_agrees, images, psfs

NAMES = [report.name for report in selection.backends() if report.status == "ok"]


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), boundary=st.sampled_from(BOUNDARIES))
def test_convolve_is_within_1e_5_of_the_reference(name, data, boundary):
    layers = data.draw(st.lists(psfs(), min_size=1, max_size=2))
    widest = max(layers, key=lambda one: one.radius)
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    plane = data.draw(images(widest, dtype))
    if len(layers) == 1:
        assert_agrees(
            convolve(plane, layers[0], backend=name, boundary=boundary), plane, layers[0], boundary
        )
        return
    image = np.stack([plane, plane[::-1] ** 2], axis=-1)
    found = convolve(image, layers, backend=name, boundary=boundary)
    assert found.dtype == dtype
    planes = np.moveaxis(image, -1, 0)
    assert_agrees(np.moveaxis(found, -1, 0), planes, layers, boundary)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_largest_pictures_are_drawn_too(name, boundary):
    image = np.random.default_rng(1).random((300, 299)).astype(">f4")[::-1]
    image.flags.writeable = False
    psf = np.random.default_rng(2).random((3, 301))
    found = convolve(image, psf, backend=name, boundary=boundary)
    assert_agrees(found, image, from_array(psf), boundary)

"""A PSF's l1 is the sum of its samples' absolute values, found without sampling it whole."""

import copy
import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from phos_core import psf
from phos_core.errors import OutOfMemoryError

SHARPENER = psf.from_array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
ASYMMETRIC = psf.from_array(np.random.default_rng(0).normal(size=(9, 13)))

SIGNED = {
    "mixture": lambda: psf.mixture([(2.0, 30.0), (-1.0, 15.0)]),
    "pixel mixture": lambda: psf.pixel_mixture([(1.5, 0.4), (-0.5, 40.0)]),
    "three widths": lambda: psf.mixture([(2.0, 1.0), (-1.2, 3.0), (0.5, 100.0)]),
    "sum with samples": lambda: psf.combine([(1.0, ASYMMETRIC), (-0.5, psf.gaussian(20.0))]),
    "samples after a Gaussian": lambda: psf.compose(SHARPENER, psf.gaussian(90.0)),
    "difference": lambda: psf.compose(psf.from_array([[1.0, 0.0, -1.0]]), psf.gaussian(80.0)),
    "mixture after mixture": lambda: psf.compose(
        psf.mixture([(2.0, 30.0), (-1.0, 15.0)]), psf.mixture([(2.0, 60.0), (-1.0, 5.0)])
    ),
    "samples after samples": lambda: psf.compose(SHARPENER, ASYMMETRIC),
    "composed twice": lambda: psf.compose(
        psf.compose(ASYMMETRIC, psf.gaussian(3.0)),
        psf.combine([(1.0, psf.gaussian(70.0)), (-0.3, psf.delta())]),
    ),
    "negative": lambda: psf.combine([(-2.0, psf.gaussian(5.0))]),
}


@pytest.mark.parametrize("make", SIGNED.values(), ids=SIGNED)
def test_l1_is_the_sum_of_the_absolute_samples(make):
    made = make()
    found = made.l1
    assert "_samples" not in vars(made) or made.radius[0] < 512
    assert found == pytest.approx(np.abs(made.samples()).sum(), rel=1e-9)


def test_blocks_far_from_the_centre_lose_less_than_a_hundred_thousandth():
    # In the continuum, the integral of |2 g(400) - g(200)|: its one change of sign is at the
    # radius where both are equal, and the energy inside a radius is 1 - exp(-r^2 / 2 sigma^2).
    wide, narrow = 400.0, 200.0
    squared = 2.0 * np.log(wide**2 / (2.0 * narrow**2)) / (1.0 / narrow**2 - 1.0 / wide**2)
    inside = 2.0 * (1.0 - np.exp(-squared / (2.0 * wide**2))) - (
        1.0 - np.exp(-squared / (2.0 * narrow**2))
    )
    expected = abs(inside) + abs(1.0 - inside)
    assert psf.mixture([(2.0, wide), (-1.0, narrow)]).l1 == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "made",
    [
        psf.gaussian(400.0),
        psf.gaussian(1e9),
        psf.mixture([(2.0, 1e4), (-1.0, 1.0)]),
        psf.mixture([(0.4, 1.0), (0.6, 1e6)]),
        psf.pixel_mixture([(1.0, 1e4)]),
        psf.combine([(0.9, psf.delta()), (0.1, psf.gaussian(1e4))]),
        psf.compose(psf.gaussian(1e4), psf.gaussian(1e4)),
        psf.compose(SHARPENER, psf.gaussian(4000.0)),
        psf.compose(psf.mixture([(2.0, 1e6), (-1.0, 1.0)]), psf.gaussian(1e6)),
    ],
    ids=repr,
)
def test_l1_of_a_wide_psf_takes_some_megabytes_and_is_never_less_than_the_total(made):
    tracemalloc.start()
    found = made.l1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
    assert found >= abs(made.total) * (1.0 - 1e-9)


def test_a_psf_too_large_to_be_sampled_says_so():
    with pytest.raises(OutOfMemoryError, match=r"16000001 x 16000001 pixels take 2\.0e\+15 byte"):
        psf.gaussian(1e6).samples()
    with pytest.raises(ValueError, match=r"exponential of scale 10000 reaches .* at most 4096"):
        psf.exponential(1e4)
    with pytest.raises(ValueError, match="radius_px reaches 100000 pixels, too far"):
        psf.radial([0.0, 1e5], [1.0])
    with pytest.raises(ValueError, match="sigma must be no more than 1e"):
        psf.gaussian(1e300)


MADE = {
    "sampled": lambda: psf.from_array(np.arange(15.0).reshape(3, 5)),
    "gaussian": lambda: psf.gaussian(2.0),
    "pixel mixture": lambda: psf.pixel_mixture([(0.5, 1.0), (0.5, 2.0)]),
    "exponential": lambda: psf.exponential(1.5),
    "combined": lambda: psf.combine([(0.9, psf.delta()), (0.1, psf.gaussian(3.0))]),
    "composed": lambda: psf.compose(psf.gaussian(2.0), psf.exponential(1.0)),
    "separable composed": lambda: psf.compose(psf.gaussian(2.0), psf.gaussian(1.0)),
}
COPIES = {
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_copy_is_equal_and_as_immutable(make, copied):
    original = make()
    hash(original), original.samples(), original.axes(), original.l1  # fill every cache first
    twin = copied(original)
    assert twin == original
    assert hash(twin) == hash(original)
    taps = [taps for _, taps in twin.axes() or () if len(taps) > 1]  # those of a pixel are new
    arrays = [twin.samples(), *taps]
    assert not any(array.flags.writeable for array in arrays)


def test_the_hash_is_that_of_the_process_it_is_asked_in():
    made = [make() for make in MADE.values()]
    for one in made:
        hash(one)
    code = (
        "import pickle, sys; import numpy as np; from phos_core import psf;"
        "there = pickle.load(sys.stdin.buffer);"
        "here = psf.from_array(np.arange(15.0).reshape(3, 5));"
        "assert there[0] == here and hash(there[0]) == hash(here) and there[0] in {here};"
        "assert all(hash(one) == hash(one._key) for one in there)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(made), env=environment, check=True
    )


def test_errors_of_compositions_name_the_argument():
    with pytest.raises(TypeError, match=r"the PSF in terms\[1\] must hold real numbers"):
        psf.combine([(1.0, psf.delta()), (1.0, "a")])
    with pytest.raises(ValueError, match="second must have odd sides"):
        psf.compose(psf.delta(), np.ones((2, 2)))
    with pytest.raises(TypeError, match="terms must be a list of"):
        psf.mixture([1.0, 2.0])
    with pytest.raises(TypeError, match="sigma must be a number, got None"):
        psf.gaussian(None)
    with pytest.raises(ValueError, match="psf must have rows of one length"):
        psf.from_array([[1.0, 2.0], [3.0]])
    assert psf.compose(psf.gaussian(1.0), np.ones((3, 3))).radius == (9, 9)
    assert psf.combine([(1.0, np.ones((3, 3)))]) != psf.from_array(np.ones((3, 3)))

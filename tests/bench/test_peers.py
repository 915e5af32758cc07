"""Other libraries compute what phos computes, so that their times can be compared."""

import importlib.util

import numpy as np
import pytest

from phos_bench import peers
from phos_bench.cases import PSFS
from phos_bench.inputs import light, planes
from phos_bench.peer_calls import opencv_filter
from phos_bench.peers import PEERS, absent, peers_for
from phos_core.convolution.methods import reference
from phos_core.psf import from_array

HERE = [peer for peer in PEERS if peer.is_here()]


@pytest.mark.parametrize(
    ("peer", "kind"),
    [(peer, kind) for peer in HERE for kind in PSFS if peer.suits(light(kind, 13))],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_peer_convolves_at_the_symmetric_border_with_the_samples(peer, kind):
    pictures, spread = planes(2, 30, 41), light(kind, 13)
    ready = peer.prepare(pictures, spread)
    result = ready.run()
    ready.finish()
    sampled = from_array(spread.samples)
    cut = 4e-3 if kind == "mixture" else 2e-6  # each of three Gaussians ends at its own three sigma
    assert np.abs(ready.first(result) - reference.convolve(pictures[0], sampled)).max() < cut
    again = ready.first(ready.run())
    assert np.array_equal(again, ready.first(ready.run()))


def test_what_is_not_installed_is_left_out_and_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "cv2" else found(name))
    names = {each.name for each in peers_for(planes(1, 8, 8), light("gaussian", 5), 1.0)}
    assert "cv2.filter2D" not in names
    assert "scipy.signal.fftconvolve" in names
    assert {"cv2.GaussianBlur", "cv2.filter2D"} <= set(absent())


def test_a_library_that_cannot_be_imported_is_not_here(monkeypatch):
    def broken():
        raise ImportError("libcuda.so.1: no such file")

    peer = peers.Peer(name="broken", is_here=broken, prepare=opencv_filter)
    monkeypatch.setattr(peers, "PEERS", (peer,))
    assert absent() == ["broken"]
    assert peers_for(planes(1, 8, 8), light("gaussian", 5), 1.0) == []


def named(name):
    return next(peer for peer in PEERS if peer.name == name)


def test_what_would_take_too_long_computes_the_first_rows():
    pictures, spread = planes(1, 100, 200), light("exponential", 29)
    limit_s = 100 * 200 * 29**2 / 1.5e9
    rows_within = named("scipy.ndimage.convolve").rows_within
    assert rows_within(1.01 * limit_s, pictures, spread) == 100
    assert rows_within(0.805 * limit_s, pictures, spread) == 80
    assert rows_within(0.57 * limit_s, pictures, spread) == 0  # fewer than twice the PSF's rows
    assert named("torch.conv2d").rows_within(0.01 * limit_s, pictures, spread) == 6


def contender(name, limit_s):
    pictures, spread = planes(1, 100, 200), light("exponential", 29)
    return next(each for each in peers_for(pictures, spread, limit_s) if each.name == name)


def test_a_part_is_told_as_a_share_of_the_picture():
    ready = contender("scipy.ndimage.convolve", 0.8 * 100 * 200 * 29**2 / 1.5e9).prepare()
    rows, cols = ready.run().shape[1:]
    assert 58 <= rows < 100
    assert cols == 200
    assert ready.share == rows / 100


def test_what_cannot_compute_enough_rows_says_so():
    with pytest.raises(TimeoutError, match=r"too few rows .* more than 0\.001 s"):
        contender("scipy.ndimage.convolve", 1e-3).prepare()

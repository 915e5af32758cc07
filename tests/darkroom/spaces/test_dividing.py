"""Spaces taken apart into a curve and a matrix, against OpenColorIO's own conversion."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_core.process import scene_light_of_hdr

pytest.importorskip("PyOpenColorIO", reason="needs phos-darkroom[spaces]")

from phos_darkroom import spaces
from phos_darkroom.spaces.dividing import divided
from phos_darkroom.spaces.space import Space

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
bench = importlib.import_module("bench_spaces")
sys.path.pop(0)

ON_HOST = {"ACEScc"}
NAMES = (*bench.GREYS, *bench.LINEAR, *bench.DISPLAYS)
MATRIX = np.array([[1.5, -0.4, -0.1], [-0.1, 1.2, -0.1], [0.05, -0.15, 1.1]])


def by_curve(curve, matrix=MATRIX):
    return lambda pixels: (curve(pixels.astype(np.float64)) @ matrix.T).astype(np.float32)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ON_HOST])
def test_a_curve_and_a_matrix_are_opencolorios_conversion(name):
    """To 1/20 of a step of 16-bit codes or 1e-5 of the light, whichever is more."""
    share, beyond = bench.off_by(spaces.find(name), 0.0, 1.0)

    assert share <= 1.0
    assert beyond <= (5e-4 / 0.18 if name == "Apple Log" else 1e-5)


@pytest.mark.parametrize("name", [*NAMES[1::5], "ACEScc"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_picture_is_developed_as_from_opencolorios_light(rng, name, dtype):
    most = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    codes = (rng.uniform(0.1, 0.7, (12, 17, 3)) * most).astype(dtype)
    space = spaces.find(name)
    same = {"film": "portra-400", "mode": "colour", "backend": "scipy"}

    positive = phos.develop(codes, input_space=name, **same)

    light = space.to_light(codes)
    if space.is_hdr:
        light = np.moveaxis(scene_light_of_hdr(np.moveaxis(light, -1, 0)), 0, -1)
    encoding = "display" if space.light == "display" else "linear"
    wanted = phos.develop(light.astype(np.float32), encoding=encoding, **same)
    rounding = 0.5 / most if dtype != "float32" else 0.0
    assert np.abs(positive / most - wanted).max() <= 3e-5 + rounding


def test_the_host_converts_nothing_once_a_space_is_known(rng, monkeypatch):
    codes = rng.integers(0, 65536, (12, 17, 3), dtype=np.uint16)
    settings = {"input_space": "ARRI LogC4", "backend": "scipy", "auto_balance": True}
    wanted = phos.develop(codes, **settings)

    def refused(*_):
        raise AssertionError("converted on the host")

    monkeypatch.setattr(Space, "to_light", refused)

    np.testing.assert_array_equal(phos.develop(codes, **settings), wanted)


def test_what_a_space_comes_to_is_found_once():
    first, second = (spaces.find("V-Log V-Gamut").curve_and_matrix for _ in range(2))

    assert first is second is not None


def test_what_is_more_than_a_curve_and_a_matrix_stays_on_the_host():
    assert spaces.find("ACEScc").curve_and_matrix is None
    assert spaces.find("Rec.2100-HLG - Display").curve_and_matrix is None
    squared = by_curve(np.square)
    assert divided(squared) is not None
    assert divided(lambda pixels: np.maximum(squared(pixels), 0.0)) is None
    assert divided(lambda pixels: np.cbrt(squared(pixels)) ** np.float32(3.0)) is not None
    bent = by_curve(lambda pixels: pixels * np.abs(pixels))
    assert divided(lambda pixels: bent(pixels) + np.float32(1e-4) * bent(pixels) ** 2) is None
    assert divided(lambda pixels: np.full_like(pixels, 0.5, np.float32)) is None
    assert divided(lambda pixels: np.full_like(pixels, np.nan, np.float32)) is None


def test_light_has_no_curve_and_keeps_all_of_its_range():
    parts = spaces.find("Linear S-Gamut3").curve_and_matrix
    assert parts.curve is None
    light = np.array([[[1e4, -3.0, 0.18]]], np.float32)

    wanted = spaces.find("Linear S-Gamut3").to_light(light)

    np.testing.assert_allclose(light @ np.array(parts.matrix).T, wanted, rtol=1e-5)


def test_pq_of_a_configuration_is_the_cores_own(rng):
    codes = rng.integers(0, 65536, (12, 17, 3), dtype=np.uint16)

    theirs = spaces.scene_light(codes, "Rec.2100-PQ - Display")

    ours = spaces.scene_light(codes, "pq")
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-3 * 0.18)
    assert spaces.find("Rec.2100-PQ - Display").light == "hdr"

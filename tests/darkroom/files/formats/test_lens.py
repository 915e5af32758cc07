"""Lens correction: lensfun's figures in the light, nothing where it has none."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from phos_core.errors import ImageFileError
from phos_darkroom.files.formats.lens import Shot, corrected, shot_of

KNOWN = Shot(
    make="Canon",
    model="Canon EOS 6D",
    lens="EF24-105mm f/4L IS USM",
    focal_mm=24.0,
    f_number=4.0,
)
SIDES = (120, 180)
NAME = Path("a.dng")
needs_lensfun = pytest.mark.skipif(
    find_spec("lensfunpy") is None, reason="the extra phos-darkroom[lens] is not installed"
)


@needs_lensfun
def test_vignetting_is_lifted_towards_the_corners_and_light_beyond_white_is_kept():
    light = corrected(np.full((*SIDES, 3), 2.0, np.float32), KNOWN, NAME)
    assert light[60, 90] == pytest.approx([2.0] * 3, rel=1e-3)
    assert light[3, 3].min() > 4.0
    assert light.min() > 1.99


@needs_lensfun
def test_barrel_distortion_is_straightened():
    bent = np.zeros((*SIDES, 3), np.float32)
    bent[20:22] = 1.0  # straight on the sensor: it was bent in the scene
    green = corrected(bent, KNOWN, NAME)[..., 1]
    rows = [np.average(np.arange(60), weights=green[:60, col].clip(0)) for col in (5, 90)]
    assert 1.0 < rows[1] - rows[0] < 4.0


@needs_lensfun
def test_a_grey_picture_is_corrected_as_green():
    light = np.random.default_rng(3).random(SIDES, np.float32)
    grey = corrected(light.copy(), KNOWN, NAME)
    colours = corrected(np.stack([light] * 3, axis=-1), KNOWN, NAME)
    assert np.array_equal(grey, colours[..., 1])


@needs_lensfun
@pytest.mark.parametrize(
    ("shot", "why"),
    [
        ({"model": "Kodak Brownie"}, "has no camera Canon Kodak Brownie"),
        ({"lens": "Petzval 12-900mm"}, "has no lens Petzval 12-900mm"),
        ({"lens": ""}, "has no lens .the file names none."),
        ({"make": "", "model": ""}, "has no camera of a file that names none"),
    ],
)
def test_an_unknown_lens_leaves_the_light_alone_and_is_named(shot, why):
    light = np.ones((*SIDES, 3), np.float32)
    facts = {name: getattr(KNOWN, name) for name in ("make", "model", "lens", "focal_mm")}
    with pytest.warns(UserWarning, match=rf"a\.dng: the lens is not corrected: .*{why}"):
        found = corrected(light, Shot(**(facts | {"f_number": 4.0} | shot)), NAME)
    assert found is light
    assert (found == 1.0).all()


def test_the_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "lensfunpy", None)
    with pytest.raises(ImageFileError, match=r"'./plugins/phos_darkroom\[lens\]'"):
        corrected(np.ones((*SIDES, 3), np.float32), KNOWN, NAME)


def test_exif_says_what_libraw_does_not():
    text = b"Lens 50mm f/2\0\0\0"
    block = b"II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x1a\0\0\0" + bytes(4)
    block += b"\1\0\x34\xa4\2\0\x10\0\0\0\x2c\0\0\0" + bytes(4) + text
    unknown = SimpleNamespace(
        lens=SimpleNamespace(model=""), other=SimpleNamespace(focal_length=0.0, aperture=2.8)
    )
    shot = shot_of(unknown, block)
    assert (shot.lens, shot.f_number, shot.model) == ("Lens 50mm f/2", 2.8, "")
    assert shot_of(unknown, None).lens == ""

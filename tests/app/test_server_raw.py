"""A camera's raw file becomes light as the page says, in its preview and in its positive."""

import numpy as np
import pytest
import tifffile

pytest.importorskip("phos_app", reason="needs phos-app")
pytest.importorskip("rawpy", reason="the extra phos-darkroom[raw] is not installed")
from phos_core.process import Recipe
from phos_darkroom import RawSettings, develop_file

BRIGHTER = {"raw_exposure_stops": 1.0}
WARMER = {"white_balance": [2.0, 1.0, 0.6]}


@pytest.fixture
def camera(tmp_path):
    """A DNG of a camera that sees linear sRGB: noise around a grey."""
    codes = np.random.default_rng(7).integers(5_000, 9_000, (48, 64)).astype(np.uint16)
    matrix = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.204, 1.057]
    tags = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion
        (50708, "s", 0, "phos synthetic"),
        (33421, "H", 2, (2, 2)),
        (33422, "B", 4, (0, 1, 1, 2)),
        (50721, "2i", 9, [part for number in matrix for part in (round(number * 1e4), 10_000)]),
        (50778, "H", 1, 21),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 1)),  # AsShotNeutral
        (50717, "I", 1, 65_535),
    ]
    path, tags = tmp_path / "camera.dng", [(*tag, True) for tag in tags]
    tifffile.imwrite(path, codes, photometric=32803, extratags=tags, metadata=None)
    return path


def test_a_preview_and_a_file_take_the_same_light(window, camera, tmp_path):
    told = window.add(camera.read_bytes(), "camera.dng").json()
    assert told["is_raw"]
    plain = window.pixels(told["id"])
    assert window.pixels(told["id"], raw=BRIGHTER, before=True).mean() > (
        window.pixels(told["id"], before=True).mean() + 20
    )
    warm = window.pixels(told["id"], raw=WARMER).astype(int) - plain
    assert warm[..., 0].mean() > warm[..., 2].mean() + 10
    job = window.begin((told["id"], {"raw": WARMER}), export={"suffix": ".tif"})
    window.events(job)
    raw = RawSettings.from_values(WARMER)
    develop_file(camera, tmp_path / "own.tif", Recipe(), raw=raw, backend="scipy")
    own = (tmp_path / "own.tif").read_bytes()
    assert window.client.get(f"/api/jobs/{job}/file").content == own


@pytest.mark.parametrize("raw", [{"nonsense": 1}, {"highlights": "x"}, [1], {"white_balance": "x"}])
def test_raw_settings_that_are_none_are_one_sentence(window, camera, raw):
    frame = window.frame(camera.read_bytes(), "camera.dng")
    assert window.render(frame, raw=raw).status_code == 400


def test_other_pictures_do_not_ask(window, photo):
    told = window.add(photo).json()
    assert not told["is_raw"]
    assert (window.pixels(told["id"], raw=BRIGHTER) == window.pixels(told["id"])).all()

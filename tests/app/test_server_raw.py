"""A camera's raw file becomes light as the page says, in its preview and in its positive."""

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
pytest.importorskip("rawpy", reason="the extra phos-darkroom[raw] is not installed")
from phos_core.process import Recipe
from phos_darkroom import RawSettings, develop_file

BRIGHTER = {"raw_exposure_stops": 1.0}
WARMER = {"white_balance": [2.0, 1.0, 0.6]}


def test_a_preview_and_a_file_take_the_same_light(window, raw_file, tmp_path):
    told = window.add(raw_file.read_bytes(), "camera.dng").json()
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
    develop_file(raw_file, tmp_path / "own.tif", Recipe(), raw=raw, backend="scipy")
    own = (tmp_path / "own.tif").read_bytes()
    assert window.client.get(f"/api/jobs/{job}/file").content == own


def test_every_value_that_the_page_offers_is_one_of_a_raw_files(window):
    """A temperature and a tint are one white balance of two numbers."""
    told = {c["name"]: c for c in window.client.get("/api/catalogue").json()["raw_controls"]}
    kelvin, tint = told.pop("kelvin"), told.pop("tint")
    for end in ("low", "default", "high"):
        RawSettings.from_values({"white_balance": [kelvin[end], tint[end]]})
    for name, control in told.items():
        assert RawSettings.from_values({name: control["default"]}) == RawSettings()
        values = [choice["value"] for choice in control["choices"]]
        for value in values or {control["low"], control["high"]} - {None}:
            if value != "temperature":
                RawSettings.from_values({name: value})


@pytest.mark.parametrize("raw", [{"nonsense": 1}, {"highlights": "x"}, [1], {"white_balance": "x"}])
def test_raw_settings_that_are_none_are_one_sentence(window, raw_file, raw):
    frame = window.frame(raw_file.read_bytes(), "camera.dng")
    assert window.render(frame, raw=raw).status_code == 400


def test_other_pictures_do_not_ask(window, photo):
    told = window.add(photo).json()
    assert not told["is_raw"]
    assert (window.pixels(told["id"], raw=BRIGHTER) == window.pixels(told["id"])).all()

"""Sidecars and presets that phos 0.1 wrote give the pictures of phos 0.1."""

import hashlib
import json
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_core.errors import PresetError, SidecarError
from phos_core.process.recipe import Recipe
from phos_core.stocks.library import film_hash, paper_hash
from phos_darkroom.settings import earlier
from phos_darkroom.settings.as_text import as_toml
from phos_darkroom.settings.presets import load_preset, save_preset
from phos_darkroom.settings.sidecar import loads

WHERE = Path("/roll/a.png.phos.toml")
SETTINGS = {
    "light": "film",
    "exposure_index": "none",
    "exposure_time_s": "none",
    "push_stops": 0.0,
    "printing": "auto",
    "paper_grade": "none",
    "filters_cc": [0.0, 0.0, 0.0],
    "print_stops": 0.0,
    "black_point": "none",
    "white_point": "none",
    "seed": 5,
    "frame": 0,
    "exposure_stops": 0.0,
    "film_format": "135",
    "pixel_pitch_um": "none",
    "offset_px": [0, 0],
    "encoding": "srgb",
    "primaries": "srgb",
    "auto_balance": False,
    "mode": "full",
    "scatter": 1.0,
    "halation": 1.0,
    "couplers": 1.0,
    "grain": 1.0,
}
"""All that a sidecar of version 1 had."""

# The SHA-256 of what phos 0.1 made of `picture()`, by film and settings.
PICTURES = {
    "804ad02d7f5a1c68d8dab03b9e82212181e69076b593e233eb8149fa5a00850d": ("portra-400", {}),
    "de10d2f1c98519484776581d05b78826880f839fd998fa3c22894d0ba7315b59": (
        "cinestill-800t",
        {"exposure_stops": 1.0, "light": "tungsten"},
    ),
    "fe83e094653c94c07bcd29c17c96b9901a40e15572fd61454b3f5279d094e053": (
        "vision3-500t",
        {"exposure_stops": 1.0, "light": "daylight"},
    ),
    "93624bdcaf1f17391f2000b698f9638d520cb5b64f46d97c040a1fbc0ac7f97c": ("velvia-50", {}),
    "e06d9ef9bf7b9ed3459acdbb64cf65c86af55e2bbfb6ec4ded3e5f69d210832d": (
        "gold-200",
        {"printing": "endura-premier", "exposure_stops": -0.5, "filters_cc": [5.0, 0.0, -3.0]},
    ),
    "1401de6eed5b38bb5ec140b71f114287a440e8b5f0266b4322ff26a224bd844f": (
        "tri-x-400",
        {"printing": "scan", "black_point": -4.5, "white_point": 3.0},
    ),
    "4abfaa4346a43038506cc66372a9d46457beb6984d91e26a1d6d1db2994670f3": (
        "hp5-plus",
        {"printing": "polymax", "paper_grade": 3.5, "exposure_time_s": 4.0},
    ),
    "c78b5c78f4d2abf58907d19f5d2491e9c99f44a56743f4a93b7d59c50a4e0337": (
        "superia-400",
        {"mode": "texture"},
    ),
    "62cd0572e4088cb6b0e2abb57ead101424c81a0b4e8dd36c8b3fa78ee0fbaa14": (
        "portra-800",
        {"push_stops": 1.0, "exposure_index": 1600.0},
    ),
    "9b3d58c16d53755c3bd3b85a9596ed8a40e6555ec5b4e644238ed552410e9fb1": (
        "ektar-100",
        {"auto_balance": True},
    ),
}


def sidecar_text(film, film_sha256, settings, paper_sha256="none"):
    """A sidecar as phos 0.1 wrote it."""
    return as_toml(
        {
            "phos_sidecar": 1,
            "picture": {"file": "a.png", "bytes": 3, "sha256": "0" * 64},
            "film": {"name": film, "sha256": film_sha256, "paper_sha256": paper_sha256},
            "settings": SETTINGS | settings,
            "source": {
                "file": "../a.jpg",
                "bytes": 4,
                "sha256": "2" * 64,
                "encoding": "srgb",
                "primaries": "srgb",
            },
            "made_by": {"backend": "scipy", "device": "cpu", "versions": {"phos-core": "0.1.0"}},
        }
    )


def picture():
    """Colours from dark to light, and a lamp."""
    rows, cols = np.mgrid[0:24, 0:36]
    codes = np.stack([7 * cols, 11 * rows, 250 - 5 * cols - 2 * rows], -1).astype(np.uint8)
    codes[8:16, 12:24] = (255, 252, 240)
    return codes


def sha256_of(positive):
    return hashlib.sha256(positive.tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("then", "made"), PICTURES.items(), ids=[str(m) for m in PICTURES.values()]
)
def test_a_sidecar_of_version_1_gives_the_bytes_of_then(then, made):
    film, settings = made
    recipe = loads(sidecar_text(film, "1" * 64, settings), WHERE).recipe
    assert sha256_of(phos.develop(picture(), recipe=recipe, backend="scipy")) == then


def test_a_preset_without_a_version_gives_the_bytes_of_then_and_one_with_it_those_of_today(
    tmp_path,
):
    path = tmp_path / "mine.toml"
    path.write_text('[settings]\nfilm = "portra-400"\nseed = 5\n')
    then, _ = next(iter(PICTURES.items()))
    recipe = Recipe(**load_preset(path))
    assert sha256_of(phos.develop(picture(), recipe=recipe, backend="scipy")) == then
    path.write_text("phos_preset = 2\n" + path.read_text())
    assert Recipe(**load_preset(path)) == Recipe(film="portra-400", seed=5)


def test_a_preset_that_is_saved_means_todays_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOS_PRESETS", str(tmp_path))
    save_preset("mine", {"film": "portra-400", "printing": "scan"})
    assert load_preset("mine") == {"film": "portra-400", "printing": "scan"}
    assert (tmp_path / "mine.toml").read_text().startswith("phos_preset = 2\n")


def test_a_setting_that_is_newer_than_its_file_is_refused_by_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[settings]\ncontrast = 1.2\n")
    wanted = "contrast is newer than a preset that does not begin with phos_preset = 2"
    with pytest.raises(PresetError, match=wanted):
        load_preset(path)
    text = sidecar_text("portra-400", "1" * 64, {"scanner": "drum"})
    with pytest.raises(SidecarError, match="scanner is newer than phos_sidecar = 1"):
        loads(text, WHERE)


@pytest.mark.parametrize("mark", ["1", "3", "true", '"2"'])
def test_a_preset_of_another_version_is_refused(tmp_path, mark):
    path = tmp_path / "mine.toml"
    path.write_text(f"phos_preset = {mark}\n")
    with pytest.raises(PresetError, match="phos_preset must be 2, got "):
        load_preset(path)


def test_the_hash_that_a_stock_or_a_paper_had_stands_for_the_one_that_it_has():
    for film, then in earlier.FILMS.items():
        assert loads(sidecar_text(film, then, {}), WHERE).film_sha256 == film_hash(film)
    for paper, then in earlier.PAPERS.items():
        text = sidecar_text("portra-400", "1" * 64, {"printing": paper}, then)
        assert loads(text, WHERE).paper_sha256 == paper_hash(paper)


def test_any_other_hash_stays_so_that_another_figure_is_seen():
    assert loads(sidecar_text("portra-400", "1" * 64, {}), WHERE).film_sha256 == "1" * 64
    then = earlier.FILMS["gold-200"]
    assert loads(sidecar_text("portra-400", then, {}), WHERE).film_sha256 == then
    text = sidecar_text("portra-400", "1" * 64, {"printing": "2383"}, "3" * 64)
    assert loads(text, WHERE).paper_sha256 == "3" * 64


def test_the_hash_of_a_film_of_ones_own_is_left_alone():
    then = earlier.FILMS["portra-400"]
    text = sidecar_text("portra-400", then, {})
    own = text.replace("[film]\n", '[film]\nfile = "mine.toml"\n')
    assert loads(own, WHERE).film_sha256 == then


def test_the_figures_of_stocks_and_papers_that_are_taken_for_the_same_are_the_same():
    """Where this fails, what has other figures now has to leave the tables of `earlier`."""
    tables = {}
    for folder, names in (("films", earlier.FILMS), ("papers", earlier.PAPERS)):
        for name in names:
            text = files("phos_core.stocks").joinpath(folder, f"{name}.toml").read_text("utf-8")
            figures = tomllib.loads(text)
            del figures["description"]
            tables[f"{folder}/{name}"] = figures
    canonical = json.dumps(tables, sort_keys=True)
    assert hashlib.sha256(canonical.encode()).hexdigest() == (
        "a74a7ae00fb1b52995447e434289704ecb4b3a159fa1fb5579774f2fa869c0fb"
    )

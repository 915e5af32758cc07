"""The examples run as they are shown, and make the pictures that they promise."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_darkroom.files.image_files import read_image, write_image

ROOT = Path(__file__).parent.parent
PHOTOS = ROOT / "examples" / "photos"


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / script), *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_bundled_photos_are_small_and_their_authors_named():
    notes = (PHOTOS / "README.md").read_text(encoding="utf-8")
    for photo in PHOTOS.glob("*.jpg"):
        assert photo.stat().st_size < 600_000
        assert f"`{photo.name}`" in notes


@pytest.mark.proof
def test_the_demo_prints_a_picture_of_before_and_after(tmp_path):
    lines = run("examples/develop_photo.py", "cinestill-800t", str(tmp_path)).splitlines()
    before_after = Path(lines[-1].removeprefix("before and after:").strip())
    before = read_image(PHOTOS / "seeding.jpg").astype(int)
    both = read_image(before_after).astype(int)
    rows, cols = before.shape[:2]
    assert both.shape[0] == rows
    assert both.shape[1] > 2 * cols
    assert np.abs(both[:, :cols] - before).mean() < 1.5
    assert np.abs(both[:, -cols:] - before).mean() > 3.0


@pytest.mark.proof
def test_the_docs_pictures_can_be_rendered_again(tmp_path):
    run("examples/make_pictures.py", str(tmp_path))
    assert read_image(tmp_path / "before-after.jpg").shape[1] > 2000
    assert read_image(tmp_path / "halation.jpg").shape[1] > 2 * 480
    assert read_image(tmp_path / "contact-sheet.jpg").shape[1] == 1600


@pytest.mark.proof
def test_the_gallery_can_be_rendered_again(tmp_path):
    run("examples/make_gallery.py", str(tmp_path), "tri-x-400")
    assert read_image(tmp_path / "pictures" / "gallery" / "tri-x-400.jpg").shape[0] == 300
    assert "![Kodak Tri-X 400]" in (tmp_path / "gallery.md").read_text(encoding="utf-8")


def test_every_stock_hangs_in_the_gallery():
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    hung = {path.stem for path in (ROOT / "docs" / "pictures" / "gallery").glob("*.jpg")}
    assert hung == {film.name for film in phos.films()}
    for film in phos.films():
        assert f"`{film.name}`: {film.description}." in page


def test_the_plots_can_be_drawn_again(tmp_path):
    pytest.importorskip("matplotlib", reason="plots are drawn with matplotlib")
    run("examples/make_plots.py", str(tmp_path))
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    kept = {path.name for path in (ROOT / "docs" / "pictures").glob("*.svg")}
    assert drawn == {name for name in kept if not name.startswith("speed-")}  # those are measured


@pytest.mark.proof
@pytest.mark.parametrize("where", ["threads", "processes"])
def test_a_roll_is_developed_by_any_executor(tmp_path, rng, where):
    (tmp_path / "roll").mkdir()
    for name in ("1.png", "2.png"):
        noise = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        write_image(tmp_path / "roll" / name, noise)
    told = run(
        "examples/roll_with_any_executor.py",
        *(where, str(tmp_path / "roll"), str(tmp_path / "developed")),
    )
    assert sorted(told.splitlines()) == ["1.png: developed", "2.png: developed"]
    assert read_image(tmp_path / "developed" / "2.png").shape == (30, 40, 3)

import io
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app.positives import (
    positive_of,
    recipe_in_roll,
    roll_of,
    zipped,
)
from phos_app.uploads import Upload, UploadError
from phos_core.process.recipe import Recipe
from phos_darkroom.files.image_files import read_picture, write_picture
from phos_darkroom.one_file import develop_file
from phos_darkroom.roll import frames_of

RECIPE = Recipe(film="gold-200", seed=4, exposure_stops=0.3)


def made_by_the_library(folder, name, content, recipe, suffix=None):
    source = folder / name
    source.write_bytes(content)
    destination = folder / f"own{suffix or source.suffix}"
    develop_file(source, destination, recipe, backend="scipy")
    return destination.read_bytes()


@pytest.mark.parametrize("suffix", [None, ".png", ".webp"])
def test_a_positive_is_the_librarys_own_byte_for_byte(photo, tmp_path, suffix):
    positive = positive_of(Upload("1", "a.jpg", photo), RECIPE, suffix=suffix, backend="scipy")
    assert positive.content == made_by_the_library(tmp_path, "a.jpg", photo, RECIPE, suffix)
    assert positive.name == f"a-gold-200{suffix or '.jpg'}"


def test_a_positive_is_as_deep_as_what_came(deep, tmp_path):
    positive = positive_of(Upload("1", "ramp.tif", deep), RECIPE, backend="scipy")
    path = tmp_path / positive.name
    path.write_bytes(positive.content)
    assert read_picture(path).pixels.dtype == np.uint16


def test_the_sidecar_knows_the_files_by_their_names_at_home(photo):
    positive = positive_of(Upload("1", "../été 1.jpg", photo), RECIPE, backend="scipy")
    assert "phos-app-" not in positive.sidecar
    told = tomllib.loads(positive.sidecar)
    assert told["picture"]["file"] == positive.name == "été 1-gold-200.jpg"
    assert told["source"]["file"] == "été 1.jpg"
    assert positive.sidecar_name == f"{positive.name}.phos.toml"


def test_transparency_into_a_jpeg_is_refused_in_one_sentence(tmp_path, photo):
    (tmp_path / "a.jpg").write_bytes(photo)
    picture = read_picture(tmp_path / "a.jpg")
    see_through = replace(picture, alpha=np.full(picture.pixels.shape[:2], 99, np.uint8))
    write_picture(tmp_path / "a.png", see_through)
    upload = Upload("1", "a.png", (tmp_path / "a.png").read_bytes())
    with pytest.raises(UploadError, match=r"cannot write a-gold-200\.jpg: JPEG holds no transp"):
        positive_of(upload, RECIPE, suffix=".jpg", backend="scipy")


def test_the_frames_of_a_folder_have_the_grain_that_the_shell_gives_them(tmp_path, photo):
    """A browser tells the name of a folder that is uploaded, not that of a file's."""
    names = ["day/a.jpg", "day/b.jpg"]
    (tmp_path / "day").mkdir()
    for name in names:
        (tmp_path / name).write_bytes(photo)
    frames = frames_of(tmp_path / "day", tmp_path / "out", RECIPE)
    for frame, name in zip(frames, names, strict=True):
        upload = Upload(name, name, photo)
        assert recipe_in_roll(upload, RECIPE, 2) == frame.recipe
        assert recipe_in_roll(upload, RECIPE, 1) == RECIPE


def test_one_that_fails_does_not_stop_the_roll(photo):
    uploads = [
        Upload("1", "a.jpg", photo),
        Upload("2", "broken.jpg", b"nothing"),
        Upload("3", "b/a.jpg", photo),
    ]
    first, failure, last = roll_of(uploads, RECIPE, suffix=None, backend="scipy")
    assert isinstance(failure, UploadError)
    assert "broken.jpg" in str(failure)
    archive = zipfile.ZipFile(io.BytesIO(zipped([first, last])))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "a-gold-200.jpg",
        "a-gold-200.jpg.phos.toml",
        "2/a-gold-200.jpg",
        "2/a-gold-200.jpg.phos.toml",
    ]
    assert archive.read("a-gold-200.jpg") == first.content
    assert first.content != last.content  # grain of its own
    assert all(not Path(name).is_absolute() and ".." not in name for name in archive.namelist())

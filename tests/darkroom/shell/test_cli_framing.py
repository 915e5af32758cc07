"""``phos develop`` of framed and exported pictures: options, sidecars, rolls, what is refused."""

import io

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from phos_core import Recipe
from phos_core.errors import ImageFileError, SidecarError
from phos_darkroom import (
    Export,
    Framing,
    Picture,
    develop_file,
    develop_picture,
    exported,
    one_file,
    read_picture,
    write_picture,
)
from phos_darkroom.roll import develop_frames, frames_of
from phos_darkroom.settings.sidecar import dumps, loads, path_for, read
from phos_darkroom.shell.main import main

FRAMING = Framing(turns=3, flipped=True, straighten_degrees=-2.5, crop=(0.1, 0.2, 0.8, 0.9))
EXPORT = Export(long_side_px=40, quality=80, sharpen="screen")
OPTIONS = (
    *("--turn", "left", "--flip", "--straighten", "-2.5", "--crop", "0.2,0.1,0.9,0.8"),
    *("--size", "40", "--quality", "80", "--sharpen", "screen"),
)


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def photo(tmp_path, rng):
    path = tmp_path / "in" / "photo.jpg"
    path.parent.mkdir()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = 96, 64
    samples = rng.integers(0, 256, (64, 96, 3)).astype(np.uint8)
    Image.fromarray(samples).save(path, exif=exif, quality=95)
    return path


def test_the_options_are_the_settings_of_python_and_the_files_the_same_bytes(tmp_path, photo):
    by_shell, by_python = tmp_path / "a.jpg", tmp_path / "b.jpg"
    result = run("develop", photo, "-o", by_shell, "--backend", "scipy", *OPTIONS)
    assert result.exit_code == 0, result.stderr
    sidecar = read(path_for(by_shell))
    assert (sidecar.framing, sidecar.export) == (FRAMING, EXPORT)
    develop_file(photo, by_python, sidecar.recipe, backend="scipy", framing=FRAMING, export=EXPORT)
    assert by_shell.read_bytes() == by_python.read_bytes()


def test_a_file_is_the_picture_that_was_developed_and_finished(tmp_path, photo):
    recipe = Recipe(seed=3)
    develop_file(photo, tmp_path / "a.png", recipe, backend="scipy", framing=FRAMING, export=EXPORT)
    positive, _ = develop_picture(read_picture(photo), recipe, framing=FRAMING, backend="scipy")
    written = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(written.pixels, exported(positive, EXPORT).pixels)
    assert max(written.pixels.shape) == 40


def test_exif_says_the_size_of_what_was_written(tmp_path, photo):
    develop_file(photo, tmp_path / "a.jpg", Recipe(), framing=FRAMING, export=EXPORT)
    with Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes())) as positive:
        told = positive.getexif().get_ifd(0x8769)
        assert (told[0xA002], told[0xA003]) == positive.size


def test_a_sidecar_makes_the_framed_picture_again(tmp_path, photo):
    first, again = tmp_path / "a.jpg", tmp_path / "b.jpg"
    assert run("develop", photo, "-o", first, "--backend", "scipy", *OPTIONS).exit_code == 0
    result = run("develop", "--from-sidecar", path_for(first), "-o", again)
    assert result.exit_code == 0, result.stderr
    assert first.read_bytes() == again.read_bytes()
    result = run("develop", "--from-sidecar", path_for(first), "-o", again, "--crop", "3:2")
    assert result.exit_code != 0
    assert "without crop" in result.stderr


def test_a_sidecar_says_only_what_was_asked_for_and_older_ones_are_read(tmp_path, photo):
    develop_file(photo, tmp_path / "a.jpg", Recipe())
    sidecar = read(path_for(tmp_path / "a.jpg"))
    assert (sidecar.framing, sidecar.export) == (Framing(), Export())
    text = dumps(sidecar)
    assert "[framing]" not in text
    assert "[export]" not in text
    with pytest.raises(SidecarError, match=r"unknown setting of a framing 'spin'"):
        loads(text + "\n[framing]\nspin = 3\n", path_for(tmp_path / "a.jpg"))
    with pytest.raises(SidecarError, match="long_side_px must lie between"):
        loads(text + "\n[export]\nlong_side_px = 3\n", path_for(tmp_path / "a.jpg"))


def test_a_roll_continues_only_with_the_same_framing_and_export(tmp_path, photo):
    def statuses(**finished):
        frames = frames_of(photo.parent, tmp_path / "out", Recipe(), **finished)
        running = develop_frames(frames, jobs=1, backend="scipy", skip_existing=True)
        return [result.status for result in running]

    assert statuses(framing=FRAMING, export=EXPORT) == ["developed"]
    assert statuses(framing=FRAMING, export=EXPORT) == ["already done"]
    assert statuses(framing=FRAMING) == ["skipped"]
    assert statuses(export=EXPORT) == ["skipped"]
    assert max(read_picture(tmp_path / "out" / "photo.jpg").pixels.shape) == 40


def test_transparency_is_cropped_too(tmp_path, rng):
    codes = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:, :32] = 0
    write_picture(tmp_path / "a.png", Picture(pixels=codes, alpha=alpha))
    opaque = Framing(crop=(0, 0.5, 1, 1))
    develop_file(tmp_path / "a.png", tmp_path / "b.jpg", Recipe(), framing=opaque)
    assert read_picture(tmp_path / "b.jpg").pixels.shape == (48, 32, 3)
    half = Framing(crop=(0, 0.25, 1, 0.75))
    develop_file(tmp_path / "a.png", tmp_path / "c.png", Recipe(), framing=half)
    np.testing.assert_array_equal(read_picture(tmp_path / "c.png").alpha, alpha[:, 16:48])
    with pytest.raises(ImageFileError, match="holds no transparency"):
        develop_file(tmp_path / "a.png", tmp_path / "d.jpg", Recipe(), framing=half)
    develop_file(
        tmp_path / "a.png", tmp_path / "d.jpg", Recipe(), framing=half, background=(255, 255, 255)
    )
    laid = read_picture(tmp_path / "d.jpg").pixels
    assert laid[:, :14].min() > 240


def test_what_is_developed_by_tiles_is_not_framed(tmp_path, rng, monkeypatch):
    codes = rng.integers(0, 256, (300, 400, 3)).astype(np.uint8)
    write_picture(tmp_path / "a.tif", Picture(pixels=codes))
    monkeypatch.setattr(one_file, "is_large", lambda _: True)
    for finished in ({"framing": FRAMING}, {"export": EXPORT}):
        with pytest.raises(ImageFileError, match="developed by tiles, and not"):
            develop_file(tmp_path / "a.tif", tmp_path / "b.tif", Recipe(), **finished)
    assert not (tmp_path / "b.tif").exists()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--crop", "3,2", "--crop must be a ratio such as 3:2, or LEFT,TOP,RIGHT,BOTTOM"),
        ("--crop", "0,0,2,1", "--crop must have top above bottom"),
        ("--straighten", "60", "--straighten must lie between -45 and 45"),
        ("--size", "3", "--size must lie between 16 and 65535"),
        ("--quality", "0", "--quality must lie between 1 and 100"),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(tmp_path, photo, option, value, said):
    result = run("develop", photo, "-o", tmp_path / "a.jpg", option, value)
    assert result.exit_code != 0
    assert said in result.stderr
    assert not (tmp_path / "a.jpg").exists()

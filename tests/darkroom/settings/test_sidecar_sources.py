"""What a sidecar says of its source: whether a gain map was used, and whose space it is in."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import phos_core as phos
from phos_darkroom.files.gain_map import GainMap
from phos_darkroom.files.image_files import read_image, write_picture
from phos_darkroom.files.picture import Picture
from phos_darkroom.one_file import develop_file
from phos_darkroom.roll import develop_roll
from phos_darkroom.settings.sidecar import from_sidecar, path_for, read
from phos_darkroom.shell.main import main
from phos_darkroom.spaces.facts import config_facts

RECIPE = phos.Recipe(film="portra-400", grain=0.0)
CONFIG = """\
ocio_profile_version: 2
roles: {{aces_interchange: light, default: light, scene_linear: light}}
file_rules: [!<Rule> {{name: Default, colorspace: default}}]
displays: {{screen: [!<View> {{name: Raw, colorspace: light}}]}}
colorspaces:
  - !<ColorSpace> {{name: light}}
  - !<ColorSpace>
    name: film log
    to_scene_reference: !<ExponentTransform> {{value: [{power}, {power}, {power}, 1]}}
"""


@pytest.fixture
def bright(tmp_path):
    """A JPEG whose right half is two stops brighter than white."""
    codes = np.full((32, 48, 3), 118, np.uint8)
    codes[:, 24:] = 255
    stops = np.zeros((32, 48), np.float32)
    stops[:, 24:] = 2.0
    path = tmp_path / "bright.jpg"
    write_picture(path, Picture(pixels=codes, gain_map=GainMap(stops=stops)))
    return path


def developed(source, name, **settings):
    destination = source.with_name(name)
    develop_file(source, destination, RECIPE, backend="scipy", **settings)
    return read_image(destination)


def test_the_sdr_rendering_is_developed_where_the_gain_map_is_left_out(bright, tmp_path):
    plain = tmp_path / "plain.png"
    write_picture(plain, Picture(pixels=read_image(bright)))
    of_sdr = developed(plain, "of-sdr.png")
    np.testing.assert_array_equal(developed(bright, "without.png", gain_map=False), of_sdr)
    assert np.abs(developed(bright, "with.png").astype(int) - of_sdr).max() > 3
    said = {name: read(path_for(tmp_path / name)).gain_map for name in ("without.png", "with.png")}
    assert said == {"without.png": False, "with.png": True}
    assert read(path_for(tmp_path / "of-sdr.png")).gain_map is None


@pytest.mark.parametrize(("asked", "said"), [(["--no-gain-map"], "false"), ([], "true")])
def test_a_sidecar_repeats_what_was_made_of_a_gain_map(bright, tmp_path, asked, said):
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    begin = ["develop", str(bright), "-o", str(out), "--grain", "0", "--backend", "scipy"]
    main([*begin, *asked], standalone_mode=False)
    assert f"gain_map = {said}" in path_for(out).read_text()
    main(["develop", "--from-sidecar", str(path_for(out)), "-o", str(again)], standalone_mode=False)
    assert again.read_bytes() == out.read_bytes()


def test_a_sidecar_older_than_gain_maps_repeats_the_sdr_rendering(bright, tmp_path):
    out = tmp_path / "out.png"
    sdr = developed(bright, "out.png", gain_map=False)
    beside = path_for(out)
    older = beside.read_text().replace("gain_map = false\n", "")
    beside.write_text(older)
    again = tmp_path / "again.png"
    main(["develop", "--from-sidecar", str(beside), "-o", str(again)], standalone_mode=False)
    np.testing.assert_array_equal(read_image(again), sdr)


def test_a_roll_is_developed_again_where_another_rendering_is_asked_for(bright, tmp_path):
    settings = {"backend": "scipy", "jobs": 1}

    def statuses(**more):
        found = develop_roll([bright], tmp_path / "roll", RECIPE, **settings, **more)
        return [result.status for result in found]

    assert statuses() == ["developed"]
    assert statuses() == ["already done"]
    assert statuses(gain_map=False, overwrite=True) == ["developed"]
    assert statuses(gain_map=False) == ["already done"]


@pytest.fixture
def config(tmp_path, monkeypatch):
    pytest.importorskip("PyOpenColorIO", reason="a configuration is of OpenColorIO")
    path = tmp_path / "studio.ocio"
    path.write_text(CONFIG.format(power=2.0))
    monkeypatch.setenv("OCIO", str(path))
    return path


def test_a_configuration_is_known_by_its_name_and_its_hash(config):
    facts = config_facts("film log")
    assert facts.config == "studio.ocio"
    assert len(facts.sha256) == 64
    built_in = config_facts("ARRI LogC4")
    assert built_in.config.startswith("ocio://studio-config-v")
    assert built_in.sha256 == ""
    assert config_facts("rec2100-pq") is None


def test_another_configuration_is_told_of_when_a_picture_is_made_again(
    config, tmp_path, monkeypatch
):
    source = tmp_path / "in.png"
    write_picture(source, Picture(pixels=np.full((16, 16, 3), 90, np.uint8)))
    recipe = replace(RECIPE, input_space="film log")
    out = tmp_path / "out.png"
    develop_file(source, out, recipe, backend="scipy")
    beside = path_for(out)
    assert read(beside).config == config_facts("film log")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_sidecar(beside)
    config.write_text(CONFIG.format(power=1.8))
    with pytest.warns(UserWarning, match=r"film log .* studio\.ocio, and has changed since"):
        from_sidecar(beside)
    other = tmp_path / "other.ocio"
    other.write_text(CONFIG.format(power=2.0))
    monkeypatch.setenv("OCIO", str(other))
    with pytest.warns(UserWarning, match=r"is that of other\.ocio now"):
        from_sidecar(beside)
    monkeypatch.delenv("OCIO")
    with pytest.warns(UserWarning, match="is not found now"):
        from_sidecar(beside)


def test_a_built_in_configuration_is_recorded_without_a_hash(tmp_path):
    pytest.importorskip("PyOpenColorIO", reason="a configuration is of OpenColorIO")
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    write_picture(source, Picture(pixels=np.full((16, 16, 3), 90, np.uint8)))
    develop_file(source, out, replace(RECIPE, input_space="ARRI LogC4"), backend="scipy")
    assert 'sha256 = "none"' in path_for(out).read_text().partition("[spaces]")[2]
    assert read(path_for(out)).config == config_facts("ARRI LogC4")

"""Films, presets and sidecars of strangers: one line that names file, key and rule, or a film."""

import os
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import tomli_w

import phos_core as phos
from phos_core.errors import FilmFileError, PresetError, SidecarError
from phos_darkroom.settings.presets import load_preset
from phos_darkroom.settings.sidecar import read as read_sidecar


def portra() -> dict[str, Any]:
    text = (files("phos_core.stocks") / "films/portra-400.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def with_figure(value: Any, *keys: Any) -> bytes:
    sheet = at = portra()
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    return tomli_w.dumps(sheet).encode()


def refused(path: Path) -> str:
    """What a film file, or what names it, is refused with."""
    with pytest.raises(FilmFileError) as caught:
        phos.load_film(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))
    return message


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("iso_speed", "value"), 1e300, "[iso_speed]: value must be a number from"),
        (("iso_speed", "value"), 10**400, "[iso_speed]: value must be a finite number"),
        (("light", "illuminant"), "D99", "[sensitivity], [light] and [reciprocity]: illuminant"),
        (("sensitivity", "red", 4, 1), 2057.9, "[sensitivity]: red must be a list"),
        (("sensitivity", "red", 0, 0), -5.0, "[sensitivity]: red must be a list"),
        (("characteristic_curve", "blue", 1, 1), 1e6, "[characteristic_curve]: blue must be"),
        (("characteristic_curve", "blue", 9, 1), 9.0, "[characteristic_curve]: characteristic_c"),
        (("mtf", "red", 3, 1), 0, "[mtf]: red must be a list of rows of 2 numbers"),
        (("mtf", "green", 3, 1), -0.5, "got [5.0745, -0.5] as row 4"),
        (("granularity", "red", 3, 1), 0.0, "[granularity]: red must be"),
        (("granularity", "rms"), 1e9, "[granularity]: rms must be a number"),
        (("grain", "size_um"), [1e9, 1e9, 1e9], "[grain]: size_um must be a list of 3 numbers"),
        (("grain", "size_um"), [10**30] * 3, "[grain]: size_um must be a list of 3 numbers"),
        (("couplers", "inhibition", 0, 0), 1e30, "[couplers]: inhibition must be"),
        (("couplers", "diffusion_um", 0, 1), 1e12, "[couplers]: diffusion_um must be"),
        (("halation", "spread_um"), 10**18, "[halation]: spread_um must be a number from 0"),
        (("halation", "base_index"), 10**30, "[halation]: base_index must be a number from"),
        (("halation", "base_thickness_um"), 1e200, "[halation]: base_thickness_um must be"),
        (("halation", "coupling"), [True, 1, 1], "[halation]: coupling must be a list of 3 fini"),
        (("halation", "specular_share"), 2, "[halation]: specular_share must be a number from"),
        (("schema",), True, "schema must be 1, got True"),
        (("schema",), 1.0, "schema must be 1, got 1.0"),
        (("based_on",), "x" * 10**5, "based_on must be a stock that ships with phos"),
        (("label",), "x" * 10**5, "label must be text of no more than 500 characters"),
        (("name",), [["deep"]] * 10**4, "name must be text"),
        (("mtf", "red"), [[1.0 + n / 10**4, 0.5] for n in range(3000)], "no more than 2000 rows"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_figure_that_no_stock_has_is_refused_with_its_table(tmp_path, keys, value, said):
    path = tmp_path / "mine.toml"
    path.write_bytes(with_figure(value, *keys))
    assert said in refused(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"schema = 1\na = " + b"[" * 20_000, "nested too deeply"),
        (b"schema = 1\na = " + b"{b = " * 20_000, "nested too deeply"),
        (b"schema = " + b"1" * 5000, "a number in it has too many digits"),
        (b"schema = 1 # " + b"x" * 2**21, "it is larger than 1 MiB"),
        (b"\xff\xfes\x00", "it is not UTF-8 text"),
        (b"schema == 1", "is not valid TOML: Invalid value (at line 1, column 9)"),
        (b"\x00" * 100, "is not valid TOML"),
    ],
    ids=["brackets", "braces", "digits", "large", "utf-16", "grammar", "nulls"],
)
def test_a_text_that_is_none_is_refused_as_film_preset_and_sidecar(tmp_path, content, said):
    path = tmp_path / "x.phos.toml"
    path.write_bytes(content)
    assert said in refused(path)
    for read, error in ((load_preset, PresetError), (read_sidecar, SidecarError)):
        with pytest.raises(error) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices that are files are POSIX's")
def test_only_regular_files_are_read(tmp_path):
    pipe, device, folder = (tmp_path / f"{name}.toml" for name in ("pipe", "device", "folder"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    folder.mkdir()
    for path, kind in ((pipe, "a pipe or a device"), (device, "a pipe"), (folder, "a folder")):
        assert f"it must be a regular file, and is {kind}" in refused(path)
        for read, error in ((load_preset, PresetError), (read_sidecar, SidecarError)):
            with pytest.raises(error, match=f"cannot be read: it must be .* and is {kind}"):
                read(path)


def test_a_preset_that_names_such_a_film_is_refused_with_the_film_s_file(tmp_path):
    film, preset = tmp_path / "deep.toml", tmp_path / "mine.toml"
    film.write_text("schema = 1\na = " + "[" * 20_000)
    preset.write_text('[settings]\nfilm = "deep.toml"\n')
    with pytest.raises(FilmFileError, match=r"deep\.toml is not valid TOML: it is nested too deep"):
        phos.Recipe(**load_preset(preset)).load_film()


def test_figures_at_the_ends_of_what_is_allowed_make_a_film(tmp_path):
    ends = {
        ("iso_speed", "value"): (0.01, 1e5),
        ("grain", "size_um"): ([0.01] * 3, [100.0] * 3),
        ("halation", "spread_um"): (0.0, 5000.0),
        ("halation", "base_index"): (1.01, 4.0),
        ("halation", "antihalation_density"): (0.0, 20.0),
    }
    for keys, values in ends.items():
        for value in values:
            path = tmp_path / "mine.toml"
            path.write_bytes(with_figure(value, *keys))
            assert phos.load_film(path).name == "portra-400"

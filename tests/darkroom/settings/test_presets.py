"""Presets: settings under a name, and what stands on the command line wins over them."""

import dataclasses
import json
import os
import re
from importlib.resources import files
from pathlib import Path

import click
import numpy as np
import platformdirs
import pytest
from click.testing import CliRunner
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

import phos_core as phos
from phos_core.errors import PresetError, SidecarError, UnknownPresetError
from phos_core.process.recipe import Recipe
from phos_core.stocks.loading import load_film
from phos_darkroom.settings.presets import (
    OF_ONE_PICTURE,
    load_preset,
    preset_rate_hz,
    presets,
    presets_folder,
    save_preset,
)
from phos_darkroom.settings.sidecar import FileFacts, Sidecar, dumps
from phos_darkroom.shell.main import main
from phos_darkroom.shell.preset_options import merged, preset_options

STILLS = ["cinema", "landscape", "night", "portrait", "street", "sun"]
RATES_HZ = {
    "double-x-16mm": 24.0,
    "ektachrome-super-8": 18.0,
    "imax-50d": 24.0,
    "super-16-500t": 25.0,
    "vision3-250d-2383": 24.0,
    "vision3-500t-2383": 24.0,
}
BUNDLED = sorted([*STILLS, *RATES_HZ])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of presets that is not the user's own, and does not exist yet."""
    place = tmp_path / "config" / "presets"
    monkeypatch.setenv("PHOS_PRESETS", str(place))
    return place


def saved(folder, text, name="mine.toml"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def sidecar_file(folder, recipe):
    facts = FileFacts(path=folder / "a.png", size_bytes=1, sha256="0" * 64)
    text = dumps(
        Sidecar(
            picture=facts,
            recipe=recipe,
            film_name="velvia-50",
            film_sha256="1" * 64,
            paper_sha256=None,
            source=facts,
            encoding="srgb",
            primaries="srgb",
            backend="scipy",
            device="cpu",
            versions={},
        )
    )
    return saved(folder, text, "a.png.phos.toml")


def test_those_that_come_with_phos_each_say_what_they_are():
    assert [preset.name for preset in presets()] == BUNDLED
    for preset in presets():
        assert preset.place == "phos"
        assert preset.film in [film.name for film in phos.films()]
        assert 20 < len(preset.description) < 90


def test_presets_of_moving_pictures_name_their_frame_rate_and_stills_have_none():
    assert {name: preset_rate_hz(name) for name in BUNDLED} == {
        **dict.fromkeys(STILLS), **RATES_HZ
    }  # fmt: skip
    for preset in presets():
        assert preset.rate_hz == preset_rate_hz(preset.name)
        if preset.rate_hz:
            assert f"{preset.rate_hz:g} frames a second" in preset.description
            assert "rate_hz" not in load_preset(preset.name)


def test_a_preset_of_the_users_may_have_a_rate(folder):
    path = saved(folder, 'phos_preset = 2\nrate_hz = 16.5\n[settings]\nfilm = "hp5-plus"\n')
    assert preset_rate_hz("mine") == preset_rate_hz(path) == 16.5
    assert load_preset("mine") == {"film": "hp5-plus"}


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_preset_develops(name):
    recipe = Recipe(**load_preset(name))
    picture = np.full((6, 9, 3), 118, np.uint8)
    assert phos.develop(picture, recipe=recipe).shape == picture.shape
    assert recipe != Recipe(film=recipe.film)


def test_the_users_wins_over_a_bundled_one_of_its_name(folder):
    save_preset("street", {"film": "hp5-plus"}, description="Mine")
    assert load_preset("street") == {"film": "hp5-plus"}
    assert [preset.name for preset in presets()] == BUNDLED
    (street,) = (preset for preset in presets() if preset.name == "street")
    assert (street.film, street.description, street.place) == (
        "hp5-plus",
        "Mine",
        str(folder / "street.toml"),
    )


def test_what_is_saved_comes_back(folder):
    settings = {
        "film": "tri-x-400",
        "printing": "polymax",
        "paper_grade": 2.5,
        "filters_cc": (0.0, 0.0, 0.0),
        "exposure_time_s": 2.0,
        "pixel_pitch_um": None,
        "auto_balance": True,
        "light": 4200.0,
        "seed": 3,
    }
    path = save_preset("two words_and-3", settings)
    assert path == folder / "two words_and-3.toml"
    assert load_preset("two words_and-3") == load_preset(path) == settings


def test_a_film_that_is_a_file_is_kept_with_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_bytes(
        files("phos_core.stocks").joinpath("films/c200.toml").read_bytes()
    )
    save_preset("mine", {"film": "mine.toml"})
    assert load_preset("mine") == {"film": tmp_path / "mine.toml"}


def test_a_film_in_a_preset_of_ones_own_is_seen_from_its_file(folder):
    path = saved(folder, 'phos_preset = 2\n[settings]\nfilm = "films/mine.toml"\n')
    assert load_preset(path) == {"film": folder / "films" / "mine.toml"}


def test_a_preset_may_say_nothing_of_the_film(folder):
    saved(folder, "phos_preset = 2\n[settings]\ngrain = 2\n")
    assert load_preset("mine") == {"grain": 2}
    assert [preset.film for preset in presets() if preset.name == "mine"] == [""]


def test_a_name_that_is_taken_is_not_replaced_unasked(folder):
    save_preset("mine", {"grain": 2.0})
    with pytest.raises(PresetError, match=r"there is a preset 'mine' already, .*mine\.toml: remo"):
        save_preset("mine", {"grain": 3.0})
    assert load_preset("mine") == {"grain": 2.0}
    save_preset("mine", {"grain": 3.0}, overwrite=True)
    assert load_preset("mine") == {"grain": 3.0}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a/b",
        "../a",
        "/a",
        "a\\b",
        ".hidden",
        "-rf",
        "_a",
        "C:a",
        "a.toml",
        "a\n",
        61 * "a",
        " a",
    ],
)
def test_a_name_cannot_be_a_path(folder, name):
    with pytest.raises(PresetError, match="a preset's name is of letters, digits, blanks"):
        save_preset(name, {"grain": 2.0})
    assert not folder.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grane": 2.0}, "unknown setting 'grane'; did you mean grain"),
        ({"grain": -1.0}, "grain must not be negative, got -1.0"),
        ({"film": "portra-40"}, "unknown film 'portra-40'; did you mean portra-400"),
        ({"film": "none.toml"}, "none.toml"),
        ({"film": "velvia-50", "push_stops": 1.0}, "push_stops must be 0"),
        ({"film": load_film("portra-400")}, "a preset cannot hold portra-400, a Film made in Pyth"),
    ],
)
def test_wrong_settings_are_not_saved(folder, settings, message):
    with pytest.raises((ValueError, LookupError), match=message):
        save_preset("mine", settings)
    assert not folder.exists()


def test_a_preset_that_cannot_be_written_leaves_nothing_behind(folder, monkeypatch):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    with pytest.raises(PresetError, match=r"cannot write .*mine\.toml: "):
        save_preset("mine", {"grain": 2.0})
    folder.unlink()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(PresetError, match=r"cannot write .*mine\.toml: No space"):
        save_preset("mine", {"grain": 2.0})
    assert list(folder.iterdir()) == []


def test_an_unknown_name_lists_the_nearest(folder):
    with pytest.raises(UnknownPresetError, match="unknown preset 'portrai'; did you mean portrait"):
        load_preset("portrai")
    with pytest.raises(
        UnknownPresetError, match="known: cinema, double-x-16mm, ektachrome-super-8"
    ):
        load_preset("xyzzy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[settings", "is no TOML: "),
        (
            "grain = 2",
            "a preset has phos_preset, a description, rate_hz and .settings., got 'grain'; ea",
        ),
        ('rate_hz = "24"', "rate_hz must be a number, got '24'"),
        ("rate_hz = 0", "rate_hz must be positive, up to 1000, got 0"),
        ("description = 2", "description must be text, got 2"),
        ("settings = 2", r"\[settings\] must be a table, got 2"),
        ("[settings]\ngrane = 2", "unknown setting 'grane'; did you mean grain"),
        ("[settings]\nscatter = 2", "scatter must not exceed 1, the stock as it is, got 2.0"),
        ("[settings]\nprinting = 2", "printing must be a name, got 2"),
        ("[settings]\nfilm = 2", "film must be a name or a path, got 2"),
    ],
)
def test_a_preset_that_is_wrong_is_one_clear_error(folder, text, message):
    path = saved(folder, text)
    with pytest.raises(PresetError, match=f"^{path}: {message}"):
        load_preset("mine")
    (mine,) = (preset for preset in presets() if preset.name == "mine")
    assert mine.description.startswith(f"cannot be used: {path}: ")


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(PresetError, match=r"none\.toml: cannot be read: No such file"):
        load_preset(tmp_path / "none.toml")


def test_a_sidecar_is_a_preset_but_for_what_is_its_own_pictures(tmp_path):
    recipe = Recipe(
        film="velvia-50",
        seed=3,
        frame=4,
        offset_px=(5, 6),
        pixel_pitch_um=7.0,
        encoding="linear",
        primaries="rec2020",
        exposure_stops=0.5,
        film_format="4x5",
    )
    settings = load_preset(sidecar_file(tmp_path, recipe))
    as_if_not_said = {name: getattr(Recipe(), name) for name in OF_ONE_PICTURE}
    assert not settings.keys() & set(OF_ONE_PICTURE)
    assert Recipe(**settings) == dataclasses.replace(recipe, **as_if_not_said)


def test_a_broken_sidecar_is_no_preset(folder):
    path = saved(folder, "phos_sidecar = 1\n")
    with pytest.raises(SidecarError, match=f"{path}: .picture. is missing"):
        load_preset("mine")
    assert any(preset.description.startswith("cannot be used: ") for preset in presets())


@pytest.mark.parametrize(
    ("platform", "environment", "wanted"),
    [
        (Unix, {}, "/home/.config/phos/presets"),
        (Unix, {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/phos/presets"),
        (MacOS, {}, "/home/Library/Application Support/phos/presets"),
        (Unix, {"PHOS_PRESETS": "mine"}, "mine"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="these are paths of Unix")
def test_the_folder_is_where_the_platform_keeps_settings(
    monkeypatch, platform, environment, wanted
):
    for name in ("PHOS_PRESETS", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platformdirs, "PlatformDirs", platform)
    assert presets_folder() == Path(wanted)


def test_the_shell_lists_them(folder):
    saved(folder, 'description = "Loud"\n[settings]\ngrain = 2\n')
    result = CliRunner().invoke(main, ["presets"])
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *sorted([*BUNDLED, "mine"])]
    rows = json.loads(CliRunner().invoke(main, ["presets", "--json"]).stdout)
    assert rows == [dataclasses.asdict(preset) for preset in presets()]


def test_asking_for_the_list_in_a_home_without_a_folder_makes_none(folder):
    assert CliRunner().invoke(main, ["presets"]).exit_code == 0
    assert not folder.exists()


def asked(*arguments):
    """The settings of a command with some of the options of `phos develop`."""
    settings = {}

    @click.command()
    @preset_options
    @click.option("--film", default="portra-400")
    @click.option("--grain", type=float, default=1.0)
    @click.option("--push", "push_stops", type=float, default=0.0)
    @click.option("--backend")
    @click.pass_context
    def command(ctx, preset, save_as, sidecar, **options):
        settings.update(merged(ctx, preset))

    command.main(arguments, standalone_mode=False)
    return settings


def test_the_command_line_wins_over_the_preset_and_the_preset_over_the_defaults(folder):
    save_preset("mine", {"film": "tri-x-400", "push_stops": 1.0})
    assert asked() == {}
    assert asked("--preset", "mine") == {"film": "tri-x-400", "push_stops": 1.0}
    assert asked("--preset", "mine", "--push", "0", "--grain", "2") == {
        "film": "tri-x-400",
        "push_stops": 0.0,
        "grain": 2.0,
    }
    assert asked("--film", "portra-400", "--preset", "mine")["film"] == "portra-400"


def test_what_is_no_setting_is_none_of_a_presets_business():
    assert asked("--backend", "scipy") == {}


def test_a_bundled_preset_says_nothing_of_the_picture():
    for name in BUNDLED:
        assert not load_preset(name).keys() & set(OF_ONE_PICTURE)


def test_the_example_of_the_page_is_a_preset(tmp_path):
    page = Path(__file__).parents[3] / "docs" / "sidecars.md"
    example = re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)[1]
    (tmp_path / "grey.toml").write_text(example, encoding="utf-8")
    Recipe(**load_preset(tmp_path / "grey.toml")).load_film()

"""A sidecar holds what made a picture, exactly, and makes no other picture in silence."""

import dataclasses
import os
import re
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import phos_core as phos
from phos_core.color import PRIMARIES
from phos_core.errors import BackendFallbackWarning, SidecarError, UnknownFilmError
from phos_core.process.recipe import Encoding, Mode, Recipe
from phos_core.process.report import RunReport
from phos_core.stocks import SCANNERS
from phos_core.stocks.library import SCANS, film_hash, film_text, paper_hash, papers
from phos_core.stocks.treatment import BOUNDS
from phos_darkroom.files.image_files import read_image, write_image
from phos_darkroom.settings.as_text import LATER, settings_text
from phos_darkroom.settings.sidecar import (
    FileFacts,
    Sidecar,
    describe,
    dumps,
    from_sidecar,
    is_done,
    loads,
    matches,
    path_for,
    read,
    repeating,
)

FILMS = [summary.name for summary in phos.films()]
OWN_FILM = """\
schema = 1
name = "mine"
label = "Mine"
description = "Portra, pushed"
based_on = "portra-400"
"""
wholes = st.integers(-(2**80), 2**80)
offsets = st.integers(*map(int, BOUNDS["offset_px"]))


def within(name, **kept):
    """A number that a setting may have."""
    return st.floats(*BOUNDS[name], **kept)


@st.composite
def recipes(draw):
    """Any recipe: every setting anywhere in its range."""
    mode = draw(st.sampled_from(get_args(Mode)))
    encoding = draw(st.sampled_from(get_args(Encoding)))
    primaries = ["srgb", "display-p3"] if encoding == "srgb" else list(PRIMARIES)
    on_off = st.sampled_from([0.0, 1.0])
    return Recipe(
        film=draw(st.sampled_from(FILMS)),
        light=draw(st.sampled_from(["film", "daylight", "tungsten"]) | st.floats(1000, 25_000)),
        exposure_index=draw(st.none() | within("exposure_index")),
        exposure_time_s=draw(st.none() | within("exposure_time_s")),
        push_stops=draw(within("push_stops")),
        printing=draw(st.sampled_from([*SCANS, *papers()])),
        scanner=draw(st.sampled_from([*SCANNERS])),
        contrast=draw(within("contrast")),
        balance_cc=draw(st.tuples(*[within("balance_cc")] * 3)),
        brightness_stops=draw(within("brightness_stops")),
        process_version=draw(st.sampled_from([1, 2])),
        paper_grade=draw(st.none() | st.floats(0, 5)),
        filters_cc=draw(st.tuples(*[within("filters_cc")] * 3)),
        print_stops=draw(within("print_stops")),
        black_point=draw(st.none() | within("black_point", exclude_max=True)),
        white_point=draw(st.none() | within("white_point", exclude_min=True)),
        seed=draw(wholes),
        frame=draw(wholes),
        exposure_stops=draw(within("exposure_stops")),
        film_format=draw(st.sampled_from(sorted(phos.FILM_FORMATS_UM))),
        pixel_pitch_um=draw(st.none() | within("pixel_pitch_um")),
        offset_px=draw(st.tuples(offsets, offsets)),
        encoding=encoding,
        primaries=draw(st.sampled_from(primaries)),
        highlights_stops=draw(within("highlights_stops")),
        lab_correction=draw(st.booleans()),
        light_balance=draw(within("light_balance")),
        auto_balance=draw(st.booleans()) and mode != "texture",
        mode=mode,
        scatter=draw(on_off if mode == "colour" else within("scatter")),
        halation=draw(on_off if mode == "colour" else within("halation")),
        couplers=draw(on_off if mode == "texture" else within("couplers")),
        grain=draw(on_off if mode == "colour" else within("grain")),
        strength=draw(within("strength")),
    )


def made(recipe, folder=Path("/roll"), **changes):
    """A sidecar of a picture that nobody made."""
    fields = {
        "picture": FileFacts(path=folder / "a.png", size_bytes=3, sha256="0" * 64),
        "recipe": recipe,
        "film_name": "mine" if str(recipe.film).endswith(".toml") else recipe.film,
        "film_sha256": "1" * 64,
        "paper_sha256": None,
        "source": FileFacts(path=folder / "in" / "a.jpg", size_bytes=4, sha256="2" * 64),
        "encoding": "srgb",
        "primaries": "srgb",
        "backend": "scipy",
        "device": "cpu",
        "versions": {"python": "3.11.7", "phos-core": "0.1.0"},
    }
    return Sidecar(**(fields | changes))


def developed(source, destination, recipe, backend=None):
    """Develop a file and put its sidecar beside it, as a roll does."""
    positive, report = phos.develop_with_report(read_image(source), recipe=recipe, backend=backend)
    destination.parent.mkdir(exist_ok=True)
    write_image(destination, positive, overwrite=True)
    beside = path_for(destination)
    text = dumps(describe(recipe, report, source=source, picture=destination))
    beside.write_text(text, encoding="utf-8")
    return beside


@pytest.fixture
def photo(tmp_path):
    source = tmp_path / "in" / "a.png"
    source.parent.mkdir()
    rows, cols = np.mgrid[0:12, 0:18]
    write_image(source, np.stack([9 * rows, 9 * cols, 5 * rows + 5 * cols], -1).astype(np.uint8))
    return source


@pytest.fixture
def beside(tmp_path, photo):
    """The sidecar of a picture that was developed."""
    recipe = Recipe(film="portra-400", seed=7, printing="portra-endura", grain=1.5)
    return developed(photo, tmp_path / "out" / "a.png", recipe, backend="scipy")


def edited(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def replaced_line(path, key, value):
    """Change the first line that gives a key."""
    text = path.read_text(encoding="utf-8")
    (line,) = re.findall(rf"^{key} = .*$", text, re.MULTILINE)[:1]
    return edited(path, line, f"{key} = {value}")


def test_stands_beside_its_picture_under_its_name():
    assert path_for(Path("out/a.png")) == Path("out/a.png.phos.toml")


@given(recipe=recipes())
def test_any_recipe_comes_back_as_it_was(recipe):
    sidecar = made(recipe)
    again = loads(dumps(sidecar), path_for(sidecar.picture.path))
    assert again == sidecar
    assert repr(again.recipe) == repr(recipe)  # tells -0.0 from 0.0, and an int from a float


@given(
    name=st.text(min_size=1).filter(
        lambda name: name not in (".", "..") and not set(name) & {*"/\0"}
    ),
    folder=st.sampled_from(["/roll", "/roll/in", "/elsewhere/x"]),
)
def test_any_file_name_comes_back_as_it_was(name, folder):
    source = FileFacts(path=Path(folder) / name, size_bytes=1, sha256="3" * 64)
    sidecar = made(Recipe(), source=source)
    assert loads(dumps(sidecar), path_for(sidecar.picture.path)).source == source


def test_a_file_name_that_is_no_text_can_still_be_told():
    source = FileFacts(path=Path(os.fsdecode(b"/roll/\xff.png")), size_bytes=1, sha256="3" * 64)
    assert r"\\xff.png" in dumps(made(Recipe(), source=source)).encode().decode()


def test_holds_every_setting_the_defaults_too():
    text = dumps(made(Recipe()))
    for field in dataclasses.fields(Recipe):
        if field.name in LATER:
            continue
        assert re.search(rf"^{'name' if field.name == 'film' else field.name} = ", text, re.M)
    assert 'pixel_pitch_um = "none"' in text
    assert "filters_cc = [\n    0.0,\n    0.0,\n    0.0,\n]" in text


def test_a_setting_that_came_later_stands_there_only_where_it_does_something():
    asked = dumps(made(Recipe(strength=0.5)))
    unasked = dumps(made(Recipe()))
    assert asked.replace("strength = 0.5\n", "") == unasked
    where = path_for(made(Recipe()).picture.path)
    assert loads(asked, where).recipe == Recipe(strength=0.5)
    assert loads(unasked, where).recipe == Recipe()


def test_one_of_a_clip_keeps_its_table_and_names_the_command_that_makes_it_again():
    clip = {"first": 3, "count": "all", "proxy": True}
    sidecar = made(Recipe(), clip=clip)
    text = dumps(sidecar)
    assert "phos video --from-sidecar THIS-FILE" in text
    assert loads(text, Path("/roll/a.png.phos.toml")) == sidecar
    assert "phos develop --from-sidecar THIS-FILE" in dumps(made(Recipe()))


def test_explains_each_section_in_a_comment():
    lines = dumps(made(Recipe())).splitlines()
    sections = [at for at, line in enumerate(lines) if line.startswith("[") and "." not in line]
    assert [lines[at] for at in sections] == [
        "[picture]",
        "[film]",
        "[settings]",
        "[source]",
        "[made_by]",
    ]
    assert all(lines[at - 1].startswith("# ") for at in sections)


def test_a_film_that_is_a_file_is_told_as_seen_from_the_sidecar(tmp_path):
    sidecar = made(Recipe(film=tmp_path / "mine.toml"), tmp_path / "out")
    text = dumps(sidecar)
    assert 'file = "../mine.toml"' in text
    assert loads(text, path_for(sidecar.picture.path)) == sidecar
    elsewhere = loads(text, Path("/another/place/a.png.phos.toml"))
    assert elsewhere.recipe.film == Path("/another/mine.toml")


def test_a_films_path_is_absolute_however_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for film in ("mine.toml", Path("mine.toml"), str(tmp_path / "mine.toml")):
        assert made(Recipe(film=film)).recipe.film == tmp_path.resolve() / "mine.toml"


def test_a_film_made_in_python_is_refused(photo):
    recipe = Recipe(film=phos.load_film("portra-400"))
    wanted = "a sidecar cannot hold portra-400, a Film that was made in Python: give the film by"
    with pytest.raises(SidecarError, match=wanted):
        made(recipe)
    with pytest.raises(SidecarError, match=wanted):
        describe(recipe, report(), source=photo, picture=photo)


def report():
    return RunReport(
        film="portra-400",
        backend="scipy",
        device="cpu",
        source="auto",
        candidates=(),
        versions={},
        pixel_pitch_um=1.0,
        step_seconds={},
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[picture]", "[picture", "is no TOML: "),
        ("phos_sidecar = 2", "", "is no sidecar of phos: it has no phos_sidecar"),
        ("phos_sidecar = 2", "phos_sidecar = 3", "is a sidecar of version 3; this phos reads ver"),
        ("phos_sidecar = 2", "phos_sidecar = true", "is a sidecar of version True; this phos rea"),
        ("[source]", "[sauce]", r"\[source\] is missing"),
        ("[film]", "[[film]]", r"\[film\] must be a table, got \[\{"),
        ('backend = "scipy"', "", r"\[made_by\] backend is missing"),
        ('backend = "scipy"', "backend = 3", r"\[made_by\] backend must be text, got 3"),
        ("bytes = 3", 'bytes = "3"', r"\[picture\] bytes must be a whole number, got '3'"),
        ("bytes = 4", "bytes = true", r"\[source\] bytes must be a whole number, got True"),
        ("0" * 64, "0" * 63, r"\[picture\] sha256 must be 64 hexadecimal digits, got '0+'"),
        ('paper_sha256 = "none"', "", r"\[film\] paper_sha256 is missing"),
        ('paper_sha256 = "none"', 'paper_sha256 = "no"', r"\[film\] paper_sha256 must be 64 hex"),
        ('name = "portra-400"', "name = 400", r"\[film\] name must be text, got 400"),
        ('python = "3.11.7"', "python = 3", r"\[made_by.versions\] python must be text, got 3"),
        ("grain = 1.0", "", r"\[settings\] lacks grain"),
        ("grain = 1.0", "grain = 1.0\ngrane = 1", "unknown setting 'grane'; did you mean grain"),
        ("grain = 1.0", "grain = 1.0\nxyzzy = 1", "unknown setting 'xyzzy'; known: light, "),
        ("grain = 1.0", "grain = -1.0", "grain must not be negative, got -1.0"),
        ("grain = 1.0", "grain = nan", "grain must be finite, got nan"),
        ("grain = 1.0", "grain = 1" + 400 * "0", "grain must be finite, got 1000"),
        ("grain = 1.0", 'grain = "none"', "grain must be a number, got 'none'"),
        ("seed = 0", "seed = 0.5", "seed must be a whole number, got 0.5"),
        ("auto_balance = false", "auto_balance = 0", "auto_balance must be True or False, got 0"),
        ('film_format = "135"', "film_format = [135]", r"film_format must be a name, got \[135\]"),
        ('film_format = "135"', 'film_format = "136"', "film_format must be one of 135, half-f"),
        (
            "offset_px = [\n    0,\n    0,\n]",
            "offset_px = [0]",
            r"offset_px must be \(row, column\), got \(0,",
        ),
        ('exposure_index = "none"', "exposure_index = [1]", "exposure_index must be a number"),
        ('light = "film"', 'light = "none"', "light must be 'film' or 'daylight' or 'tungsten'"),
    ],
)
def test_what_is_wrong_is_one_clear_error(old, new, message):
    text = dumps(made(Recipe()))
    assert old in text
    where = Path("/roll/a.png.phos.toml")
    with pytest.raises(SidecarError, match=f"^{where}: {message}") as caught:
        loads(text.replace(old, new, 1), where)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xd8\xff\xe0", "is no TOML: it is not UTF-8 text"),
        (b"a" * (1 << 21), "is no file of settings: it is larger than 1 MiB"),
        (b"a = " + b"[" * 100_000, "is no TOML: "),
        (b"", "is no sidecar of phos: it has no phos_sidecar"),
    ],
)
def test_a_file_that_is_no_sidecar_is_one_clear_error(tmp_path, content, message):
    path = tmp_path / "a.png.phos.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SidecarError, match=f"^{path}: {message}"):
        read(path)


def test_a_films_hash_tells_figures_apart_and_no_comments(tmp_path):
    original = film_text("portra-400")
    copy = tmp_path / "copy.toml"
    copy.write_text("# mine\n\n" + original.replace("\n", "\n\n"), encoding="utf-8")
    assert film_hash(copy) == film_hash(str(copy)) == film_hash("portra-400")
    (figure,) = re.findall(r"^antihalation_density = \S+$", original, re.M)
    copy.write_text(original.replace(figure, "antihalation_density = 1.23"), encoding="utf-8")
    assert film_hash(copy) != film_hash("portra-400")


def test_a_films_hash_holds_the_stock_that_it_is_based_on(tmp_path):
    mine, other = tmp_path / "mine.toml", tmp_path / "other.toml"
    mine.write_text(OWN_FILM, encoding="utf-8")
    original = film_text("portra-400")
    (said_again,) = re.findall(r"^\[halation\]\n(?:.+\n)+", original, re.M)
    other.write_text(f"{OWN_FILM}\n{said_again}", encoding="utf-8")
    assert film_hash(other) == film_hash(mine)  # so what it leaves out is there
    other.write_text(OWN_FILM.replace("portra-400", "gold-200"), encoding="utf-8")
    assert film_hash(other) != film_hash(mine)


def test_every_film_and_paper_has_a_hash_of_its_own():
    hashes = [*map(film_hash, FILMS), *map(paper_hash, papers())]
    assert len(set(hashes)) == len(FILMS) + len(papers())
    assert all(re.fullmatch("[0-9a-f]{64}", digits) for digits in hashes)
    assert all(paper_hash(scan) is None for scan in SCANS)


def test_what_is_no_film_or_paper_has_no_hash():
    with pytest.raises(UnknownFilmError, match="did you mean portra-400"):
        film_hash("portra-40")
    with pytest.raises(ValueError, match="printing must be 'auto', 'scan', 'neutral' or one"):
        paper_hash("newsprint")


def test_the_same_picture_again(tmp_path, beside):
    source, recipe, backend = from_sidecar(beside)
    assert backend == "scipy"
    positive = phos.develop(read_image(source), recipe=recipe, backend=backend)
    assert np.array_equal(positive, read_image(tmp_path / "out" / "a.png"))


def test_the_same_picture_on_a_film_of_ones_own_after_all_has_moved(tmp_path, photo):
    (tmp_path / "mine.toml").write_text(OWN_FILM, encoding="utf-8")
    recipe = Recipe(film=tmp_path / "mine.toml", seed=3)
    developed(photo, tmp_path / "out" / "a.png", recipe)
    there = tmp_path / "another" / "place"
    there.mkdir(parents=True)
    for name in ("in", "out", "mine.toml"):
        shutil.move(tmp_path / name, there / name)
    source, again, backend = from_sidecar(there / "out" / "a.png.phos.toml")
    assert source == there.resolve() / "in" / "a.png"
    positive = phos.develop(read_image(source), recipe=again, backend=backend)
    assert np.array_equal(positive, read_image(there / "out" / "a.png"))


def test_a_source_that_has_moved_alone_may_be_given(tmp_path, beside, photo):
    moved = photo.rename(tmp_path / "b.png")
    wanted = f"was made from is not at {photo.resolve()}; give its place as IN"
    with pytest.raises(SidecarError, match=wanted):
        from_sidecar(beside)
    assert from_sidecar(beside, moved)[0] == moved


@pytest.mark.parametrize("same_size", [True, False])
def test_a_source_that_has_changed_is_an_error(beside, photo, same_size):
    content = photo.read_bytes()
    photo.write_bytes(content[:-1] + b"?" if same_size else content + b"?")
    wanted = f"{beside}: {photo.resolve()} is not the picture that it was made from, or has changed"
    with pytest.raises(SidecarError, match=wanted):
        from_sidecar(beside)


def test_a_film_that_has_changed_is_an_error(tmp_path, photo):
    film = tmp_path / "mine.toml"
    film.write_text(OWN_FILM, encoding="utf-8")
    beside = developed(photo, tmp_path / "out" / "a.png", Recipe(film=film))
    film.write_text(OWN_FILM + "[reciprocity]\nexponent = 1.3\n", encoding="utf-8")
    wanted = f"{beside}: the film mine has other figures now than when the picture was made"
    with pytest.raises(SidecarError, match=wanted):
        from_sidecar(beside)


def test_a_paper_that_has_changed_is_an_error(beside):
    replaced_line(beside, "paper_sha256", f'"{"a" * 64}"')
    with pytest.raises(SidecarError, match="the paper portra-endura has other figures now"):
        from_sidecar(beside)


def test_a_film_that_is_gone_is_an_error(beside):
    edited(beside, 'name = "portra-400"', 'name = "portra-401"')
    with pytest.raises(UnknownFilmError, match="unknown film 'portra-401'; did you mean portra"):
        from_sidecar(beside)


@pytest.mark.parametrize("gone", ["abacus", "cupy"])
def test_a_backend_that_cannot_run_here_is_a_warning_that_names_the_one_that_will(
    beside, gone, monkeypatch
):
    monkeypatch.setenv("PHOS_BACKEND", "scipy")
    edited(beside, 'backend = "scipy"', f'backend = "{gone}"')
    wanted = f"{beside}: made by {gone}, but .*'{gone}'.*; scipy runs instead, so the picture is"
    with pytest.warns(BackendFallbackWarning, match=wanted):
        assert from_sidecar(beside)[2] is None


def test_a_backend_that_is_asked_for_takes_its_place_without_a_word(beside):
    edited(beside, 'backend = "scipy"', 'backend = "abacus"')
    assert from_sidecar(beside, backend="scipy")[2] == "scipy"


def test_another_version_of_phos_is_a_warning(beside):
    replaced_line(beside, "phos-core", '"0.0.1"')
    here = phos.__version__
    with pytest.warns(UserWarning, match=f"made by phos-core 0.0.1, this is {here}; the picture"):
        from_sidecar(beside)


def done(beside, photo):
    return is_done(photo, read(beside).recipe, beside.with_name("a.png"))


def test_a_picture_with_a_right_sidecar_is_done(beside, photo):
    assert done(beside, photo)


def test_it_is_not_done_without_its_picture(beside, photo):
    beside.with_name("a.png").unlink()
    assert not done(beside, photo)


@pytest.mark.parametrize("where", ["source", "picture"])
@pytest.mark.parametrize("change", [lambda content: content + b"?", lambda c: c[:-1] + b"?"])
def test_it_is_not_done_if_a_file_has_changed(beside, photo, where, change):
    path = photo if where == "source" else beside.with_name("a.png")
    path.write_bytes(change(path.read_bytes()))
    assert not done(beside, photo)


def test_it_is_not_done_if_the_films_or_the_papers_figures_have_changed(beside, photo):
    for digits in (film_hash("portra-400"), paper_hash("portra-endura")):
        edited(beside, digits, "b" * 64)
        assert not done(beside, photo)
        edited(beside, "b" * 64, digits)
    assert done(beside, photo)


def test_it_is_not_done_with_another_recipe(beside, photo):
    recipe = read(beside).recipe
    picture = beside.with_name("a.png")
    assert is_done(photo, recipe, picture)
    assert not is_done(photo, dataclasses.replace(recipe, seed=8), picture)
    film = phos.load_film("portra-400", printing="portra-endura")
    assert not is_done(photo, Recipe(film=film, seed=7, grain=1.5), picture)


@pytest.mark.parametrize("content", [None, "", "phos_sidecar = 2", "["])
def test_it_is_not_done_without_a_sidecar_that_can_be_read(beside, photo, content):
    recipe = read(beside).recipe
    beside.unlink()
    if content is not None:
        beside.write_text(content)
    assert not is_done(photo, recipe, beside.with_name("a.png"))


def test_no_file_is_read_where_its_size_tells(beside, photo, monkeypatch):
    sidecar = read(beside)
    photo.write_bytes(photo.read_bytes() + b"?")
    monkeypatch.setattr(repeating, "sha256_of", lambda path: pytest.fail(f"{path} was read"))
    assert not matches(sidecar, photo, sidecar.recipe, beside.with_name("a.png"))


def test_a_picture_may_be_told_before_it_has_its_name(tmp_path, photo):
    part = tmp_path / ".a.png.part"
    part.write_bytes(b"picture")
    told = describe(Recipe(), report(), source=photo, picture=tmp_path / "a.png", written=part)
    assert told.picture.path == tmp_path.resolve() / "a.png"
    assert told.picture.size_bytes == 7


def test_the_text_for_metadata_tells_settings_and_no_place(tmp_path):
    recipe = Recipe(film=tmp_path / "mine.toml", grain=2)
    assert settings_text(recipe) == settings_text(dataclasses.replace(recipe, film="/x/mine.toml"))
    assert 'film = "mine.toml"' in settings_text(recipe)
    assert "grain = 2.0" in settings_text(recipe)
    loaded = phos.load_film("portra-400")
    assert settings_text(Recipe(film=loaded)) == settings_text(Recipe(film="portra-400"))


def test_the_example_of_the_page_is_a_sidecar_word_for_word(tmp_path):
    page = Path(__file__).parents[3] / "docs" / "sidecars.md"
    example = re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)[0]
    assert dumps(loads(example, tmp_path / "out" / "sunset.jpg.phos.toml")) == example

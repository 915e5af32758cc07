"""Which pictures a roll has, in which order, where each goes, and with which seed."""

import re

import pytest

import phos_core as phos
from phos_core.errors import ImageFileError
from phos_darkroom.roll import frame_seed, frames_of

RECIPE = phos.Recipe(film="gold-200", seed=7)


def placed(sources, output, **options):
    """Sources and destinations, as names relative to where both lie."""
    frames = frames_of(sources, output, RECIPE, **options)
    return [(frame.source.name, str(frame.destination.relative_to(output))) for frame in frames]


def test_a_folder_is_developed_by_name_two_before_ten(folder, tmp_path):
    roll = folder("10.png", "2.png", "b1.png", "A3.png", "01.png")
    names = [source for source, _ in placed(roll, tmp_path / "out")]
    assert names == ["01.png", "2.png", "10.png", "A3.png", "b1.png"]


def test_files_keep_the_order_in_which_they_are_given_each_once(folder, tmp_path):
    roll = folder("a.png", "b.png", "c.png")
    given = [roll / "c.png", roll / "a.png", roll / "c.png", roll]
    assert [s for s, _ in placed(given, tmp_path / "out")] == ["c.png", "a.png", "b.png"]


def test_the_folders_in_a_folder_are_looked_through_on_request_and_kept(folder, tmp_path):
    roll = folder("a.png", "day/a.png", "day/noon/b.png")
    assert placed(roll, tmp_path / "out") == [("a.png", "a.png")]
    assert [to for _, to in placed(roll, tmp_path / "out", recursive=True)] == [
        "a.png",
        "day/a.png",
        "day/noon/b.png",
    ]


def test_a_pattern_keeps_what_lies_behind_its_first_special_part(folder, tmp_path):
    roll = folder("a.png", "day/b.png", "day/c.tif", "night/d.png")
    found = placed(str(roll / "**" / "*.png"), tmp_path / "out")
    assert [to for _, to in found] == ["a.png", "day/b.png", "night/d.png"]
    assert placed(roll / "day" / "*", tmp_path / "out") == [("b.png", "b.png"), ("c.tif", "c.tif")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder, tmp_path):
    roll = folder("a[1].png", "a1.png")
    assert placed(roll / "a[1].png", tmp_path / "out") == [("a[1].png", "a[1].png")]


def test_what_is_no_picture_to_develop_is_passed_over(folder, tmp_path):
    roll = folder("a.png", ".hidden.png", "earlier.png", ".day/b.png")
    for name in (".a.png.0123abcd.part", "notes.txt", "earlier.png.phos.toml", "no.picture"):
        (roll / name).touch()
    (roll / "folder.png").mkdir()
    assert placed(roll, tmp_path / "out", recursive=True) == [("a.png", "a.png")]


def test_the_output_folder_within_the_roll_is_passed_over(folder):
    roll = folder("a.png", "developed/a.png", "developed/day/b.png", "day/b.png")
    found = frames_of(roll, roll / "developed", RECIPE, recursive=True)
    assert [frame.source for frame in found] == [roll / "a.png", roll / "day" / "b.png"]


def test_a_roll_may_lie_in_the_output_folder(folder, tmp_path):
    roll = folder("a.png")
    assert placed(roll, tmp_path) == [("a.png", "a.png")]


def test_nothing_to_develop_is_one_error(folder, tmp_path):
    roll = folder("a.png")
    (tmp_path / "empty").mkdir()
    for nothing in (tmp_path / "empty", roll / "*.jpg"):
        with pytest.raises(ValueError, match="no picture to develop in"):
            frames_of(nothing, tmp_path / "out", RECIPE)
    with pytest.raises(ValueError, match="no picture"):
        frames_of([], tmp_path / "out", RECIPE)


def test_a_file_that_is_not_there_is_a_frame_that_will_fail_at_its_turn(tmp_path):
    assert placed(tmp_path / "gone.png", tmp_path / "out") == [("gone.png", "gone.png")]


def test_into_a_file_the_seed_is_the_one_given(folder, tmp_path):
    roll = folder("a.png")
    (frame,) = frames_of(roll / "a.png", tmp_path / "out.tif", RECIPE)
    assert frame.destination == tmp_path / "out.tif"
    assert frame.recipe == RECIPE


def seeds_of(sources, **options):
    """Each frame's seed, by its path."""
    frames = frames_of(sources, "out", RECIPE, name="{n}{suffix}", **options)
    return {frame.source.as_posix(): frame.recipe.seed for frame in frames}


def test_into_a_folder_each_frame_has_a_seed_by_its_folders_name_and_its_own(folder, tmp_path):
    roll = folder("a.png", "day/a.png")
    frames = frames_of(roll, tmp_path / "out", RECIPE, recursive=True)
    seeds = [frame.recipe.seed for frame in frames]
    assert seeds == [frame_seed(7, "roll/a.png"), frame_seed(7, "day/a.png")]
    assert len({*seeds, 7}) == 3
    assert all(frame.recipe.frame == 0 for frame in frames)


def test_a_frame_keeps_its_seed_however_the_roll_is_called(folder, tmp_path, monkeypatch):
    roll = folder("100CANON/a.png", "100CANON/b.png", "101CANON/a.png")
    first, second = roll / "100CANON", roll / "101CANON"
    both = seeds_of([first, second])
    assert len(set(both.values())) == 3
    monkeypatch.chdir(first)
    calls = {
        "in another order": seeds_of([second, first]),
        "alone": seeds_of(first) | seeds_of(second),
        "file by file": seeds_of([second / "a.png", first / "b.png", first / "a.png"]),
        "from above": seeds_of(roll, recursive=True),
        "by a pattern": seeds_of(roll / "*" / "*.png"),
        "by another": seeds_of(roll / "**" / "*.png"),
        "from within": {f"{first}/{name}": seed for name, seed in seeds_of(".").items()}
        | {f"{second}/a.png": seeds_of("../101CANON")["../101CANON/a.png"]},
    }
    assert [call for call, seeds in calls.items() if seeds != both] == []


def test_a_roll_that_is_moved_keeps_its_seeds(folder, tmp_path):
    roll = folder("a.png", "day/b.png")
    before = [frame.recipe.seed for frame in frames_of(roll, "out", RECIPE, recursive=True)]
    moved = tmp_path / "disk" / "2026" / "roll"
    moved.parent.mkdir(parents=True)
    roll.rename(moved)
    after = [frame.recipe.seed for frame in frames_of(moved, "out", RECIPE, recursive=True)]
    assert after == before


def test_no_two_frames_of_a_roll_share_a_seed_however_alike_their_folders(folder):
    """Two cards, a folder of one name deep in two others, and both at once."""
    roll = folder(
        *(f"{card}/DCIM/100CANON/{name}.png" for card in ("1", "2", "3") for name in "ab"),
        "x/y/100CANON/a.png",
    )
    cards = [roll / card / "DCIM" / "100CANON" for card in ("1", "2", "3")]
    for sources in (cards, [*cards, roll / "x"], [roll], [card.parent for card in cards]):
        seeds = seeds_of(sources, recursive=True)
        assert len(set(seeds.values())) == len(seeds) >= 6
        assert seeds_of(sources[::-1], recursive=True) == seeds


def test_seeds_are_the_same_everywhere_and_for_ever():
    assert frame_seed(0, "IMG_0001.JPG") == 3_518_214_358
    assert frame_seed(0, "day/é.png") == frame_seed(0, "day/e\u0301.png")
    assert frame_seed(1, "a.png") != frame_seed(0, "a.png") != frame_seed(0, "b.png")
    assert all(0 <= frame_seed(seed, "a") < 2**32 for seed in (-1, 0, 2**70))


@pytest.mark.parametrize(
    ("source", "ending"),
    [("a.JPG", ".JPG"), ("a.tiff", ".tiff"), ("a.nef", ".tif"), ("a.heic", ".tif")],
)
def test_an_ending_that_cannot_be_written_becomes_tif(tmp_path, source, ending):
    (frame,) = frames_of(tmp_path / source, tmp_path / "out", RECIPE)
    assert frame.destination == tmp_path / "out" / f"a{ending}"


def test_an_output_file_must_have_an_ending_that_can_be_written(folder, tmp_path):
    roll = folder("a.png")
    with pytest.raises(ImageFileError, match=r"\.xyz"):
        frames_of(roll / "a.png", tmp_path / "out.xyz", RECIPE)


def test_a_roll_needs_a_folder(folder, tmp_path):
    roll = folder("a.png", "b.png")
    (tmp_path / "file").touch()
    for output in (tmp_path / "out.jpg", tmp_path / "file"):
        with pytest.raises(ValueError, match="need a folder"):
            frames_of([roll / "a.png", roll / "b.png"], output, RECIPE)
        with pytest.raises(ValueError, match="need a folder"):
            frames_of(roll, output, RECIPE)


def test_a_name_is_filled_in(folder, tmp_path):
    roll = folder("a.png", "day/b.tif")
    name = "{parent}/{n:03}-{stem}-{film}-{seed}{suffix}"
    found = [to for _, to in placed(roll, tmp_path / "out", recursive=True, name=name)]
    assert found == ["001-a-gold-200-7.png", "day/002-b-gold-200-7.tif"]
    assert placed(roll, tmp_path / "out", name="{stem}.jpg") == [("a.png", "a.jpg")]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("{stem}-{colour}{suffix}", "{colour}, not {stem}"),
        ("{stem.__class__}{suffix}", "unknown field"),
        ("{}{suffix}", "unknown field"),
        ("{stem", "cannot be read"),
        ("{stem:d}{suffix}", "cannot be filled in"),
        ("../{stem}{suffix}", "leaves the output folder"),
        ("/{stem}{suffix}", "leaves the output folder"),
        ("{stem}", "the ending ''"),
        ("same{suffix}", "would both be"),
    ],
)
def test_a_name_that_cannot_be_is_one_error_before_any_work(folder, tmp_path, name, word):
    roll = folder("a.png", "b.png")
    with pytest.raises(ValueError, match=re.escape(word)):
        frames_of(roll, tmp_path / "out", RECIPE, name=name)


def test_a_name_is_not_for_a_single_file(folder, tmp_path):
    roll = folder("a.png")
    with pytest.raises(ValueError, match="in a folder"):
        frames_of(roll / "a.png", tmp_path / "out.png", RECIPE, name="{stem}{suffix}")


def test_no_two_pictures_go_to_one_place(folder, tmp_path):
    roll = folder("a.png", "other/a.png")
    with pytest.raises(ValueError, match="would both be") as refused:
        frames_of([roll / "a.png", roll / "other" / "a.png"], tmp_path / "out", RECIPE)
    assert str(roll / "other" / "a.png") in str(refused.value)


def test_pictures_that_share_a_name_as_theirs_cannot_be_written_keep_their_endings(tmp_path):
    for names, expected in (
        (["a.DNG", "a.HEIC"], ["a.DNG.tif", "a.HEIC.tif"]),
        (["a.nef", "a.tif"], ["a.nef.tif", "a.tif"]),
        (["a.CR3", "a.JPG"], ["a.tif", "a.JPG"]),
        (["a.cr3", "a.hif", "a.jpg", "b.cr3"], ["a.cr3.tif", "a.hif.tif", "a.jpg", "b.tif"]),
        (["a", "a.arw"], ["a.tif", "a.arw.tif"]),
    ):
        frames = frames_of([tmp_path / name for name in names], tmp_path / "out", RECIPE)
        assert [frame.destination.name for frame in frames] == expected


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (("a.dng", "a.heic"), "{ending} or {n}"),
        (("1/a.dng", "2/a.dng"), "{n}"),
        (("a.png", "b.png"), "{stem} or {n}"),
        (("a.png", "b.jpg"), "{stem} or {suffix} or {ending} or {n}"),
    ],
)
def test_what_is_said_to_keep_two_pictures_apart_does(tmp_path, names, apart):
    given = [tmp_path / name for name in names]
    with pytest.raises(ValueError, match="would both be") as refused:
        frames_of(given, tmp_path / "out", RECIPE, name="same.tif")
    assert str(refused.value).endswith(f"a name with {apart} keeps them apart")
    for field in apart.split(" or "):
        frames = frames_of(given, tmp_path / "out", RECIPE, name=f"{field}-same.tif")
        assert len({frame.destination for frame in frames}) == 2


def test_no_picture_goes_where_another_comes_from(folder):
    roll = folder("1.png", "2.png")
    with pytest.raises(ValueError, match="to be developed itself"):
        frames_of([roll / "2.png", roll / "1.png"], roll, RECIPE, name="{n}{suffix}")

"""Contact sheets: frames in order, upright, of one height, numbered; what is bad is named."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import ImageDraw

import phos_core as phos
from phos_core.errors import ImageFileError
from phos_darkroom.files.image_files import read_image, write_image
from phos_darkroom.settings import sidecar
from phos_darkroom.shell.main import main
from phos_darkroom.showing.contact import contact_sheets, frames_on_sheet, heading_of

WIDTH = 600
LANDSCAPE, UPRIGHT, SQUARE, PANORAMA = (40, 60), (60, 40), (50, 50), (20, 100)


def colour(number):
    """A colour for each frame that no label has: one channel at full, one low."""
    return np.roll([20 + 6 * number, 0, 255], number % 3).astype(np.uint8)


@pytest.fixture
def frames(tmp_path):
    """Write frames of these shapes; each is of one colour, that of its number."""

    def write(*shapes, folder="roll", suffix=".png"):
        (tmp_path / folder).mkdir(exist_ok=True)
        paths = [tmp_path / folder / f"frame{n}{suffix}" for n in range(1, len(shapes) + 1)]
        for number, (path, shape) in enumerate(zip(paths, shapes, strict=True), 1):
            write_image(path, np.full((*shape, 3), colour(number), np.uint8))
        return paths

    return write


def place(sheet, number):
    """Rows and columns of a frame on a sheet: (top, left, rows, cols)."""
    found = np.argwhere(np.all(sheet == colour(number), axis=-1))
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
    assert len(found) == (bottom - top + 1) * (right - left + 1), "a frame is one rectangle"
    return top, left, bottom - top + 1, right - left + 1


def only(sheets):
    (sheet,) = sheets
    return sheet


@pytest.fixture
def written(monkeypatch):
    """What is written on sheets, in order."""
    texts = []
    draw = ImageDraw.ImageDraw.text

    def text(self, xy, text, *args, **settings):
        texts.append(text)
        return draw(self, xy, text, *args, **settings)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return texts


def test_six_frames_make_a_strip_on_black(frames):
    sheet = only(contact_sheets(frames(*[LANDSCAPE] * 14), width_px=WIDTH))
    places = [place(sheet, number) for number in range(1, 15)]
    tops = [top for top, _, _, _ in places]
    assert len(set(tops)) == 3
    assert tops == sorted(tops)
    assert [tops.count(top) for top in sorted(set(tops))] == [6, 6, 2]
    lefts = [left for _, left, _, _ in places]
    assert lefts[:6] == lefts[6:12] == sorted(lefts[:6])
    assert sheet.shape[1] == WIDTH
    assert np.all(sheet[:, :12] == 0)
    assert np.all(sheet[:12] == 0)
    assert np.all(sheet[-12:] == 0)


def test_frames_of_any_shape_are_of_one_height_and_keep_their_shape(frames):
    shapes = [LANDSCAPE, UPRIGHT, SQUARE, LANDSCAPE, UPRIGHT, LANDSCAPE, SQUARE]
    sheet = only(contact_sheets(frames(*shapes), width_px=WIDTH))
    for number, (rows, cols) in enumerate(shapes, 1):
        _, _, shown_rows, shown_cols = place(sheet, number)
        assert shown_rows == place(sheet, 1)[2]
        assert shown_cols == pytest.approx(shown_rows * cols / rows, abs=1)


@pytest.mark.parametrize("shapes", [[LANDSCAPE] * 6, [UPRIGHT] * 6, [UPRIGHT] * 6 + [LANDSCAPE]])
def test_the_longest_strip_fills_the_sheet(frames, shapes):
    sheet = only(contact_sheets(frames(*shapes), width_px=WIDTH))
    _, left, _, cols = place(sheet, 6)
    assert WIDTH - 12 - 12 <= left + cols <= WIDTH - 12


def test_a_few_frames_are_no_larger_than_six_would_be(frames):
    few, many = frames(LANDSCAPE), frames(*[LANDSCAPE] * 6, folder="other")
    sizes = [place(only(contact_sheets(some, width_px=WIDTH)), 1)[2:] for some in (few, many)]
    assert sizes[0] == sizes[1]


def test_a_panorama_is_shown_lower_and_whole(frames):
    sheet = only(contact_sheets(frames(LANDSCAPE, PANORAMA), width_px=WIDTH))
    top, _, rows, _ = place(sheet, 1)
    low_top, _, low_rows, low_cols = place(sheet, 2)
    assert low_rows < rows
    assert low_cols == pytest.approx(5 * low_rows, abs=3)
    assert low_top + low_rows / 2 == pytest.approx(top + rows / 2, abs=1)


@pytest.mark.parametrize(
    ("film_format", "in_strip", "on_sheet"), [("120-66", 3, 12), ("120-645", 4, 16), ("4x5", 6, 36)]
)
def test_rolls_of_other_formats_are_cut_into_other_strips(frames, film_format, in_strip, on_sheet):
    paths = frames(*[SQUARE] * 7)
    sheet = only(contact_sheets(paths, width_px=WIDTH, film_format=film_format))
    tops = [place(sheet, number)[0] for number in range(1, 8)]
    assert tops.count(tops[0]) == in_strip
    assert frames_on_sheet(film_format) == on_sheet


def test_more_than_36_frames_take_several_sheets_that_say_so(frames, written):
    paths = frames(*[(2, 3)] * 38)
    first, second = contact_sheets(paths, width_px=WIDTH)
    assert place(first, 36)
    assert place(second, 37)
    assert place(second, 38)[1] > place(second, 37)[1]
    assert [text for text in written if "/" in text] == ["1 / 2", "2 / 2"]
    assert "38  " in written


def test_numbers_names_and_heading_are_written(frames, written):
    list(contact_sheets(frames(LANDSCAPE, UPRIGHT), width_px=1800, heading="Kodak Gold 200"))
    assert [text for text in written if text] == [
        "Kodak Gold 200", "1  ", "frame1.png", "2  ", "frame2.png",
    ]  # fmt: skip


def test_a_long_name_is_cut_in_its_middle_to_its_frames_width(frames, written):
    (path,) = frames(LANDSCAPE)
    long = path.with_name("a-name-" + "that-goes-on-" * 12 + "0042.png")
    path.rename(long)
    list(contact_sheets([long], width_px=1200))
    (name,) = (text for text in written if text.endswith(".png"))
    assert name.startswith("a-name")
    assert "…" in name
    assert name.endswith("42.png")
    assert 10 < len(name) < 60


def test_a_name_of_any_bytes_is_written_with_marks_for_what_is_no_text(frames, written):
    (path,) = frames(LANDSCAPE)
    odd = Path(str(path).replace("frame1", "a\udcff\x07b"))
    path.rename(odd)
    list(contact_sheets([odd], width_px=1200))
    assert "a\ufffd?b.png" in written


def test_a_frame_that_cannot_be_read_leaves_its_number_free(frames, written):
    paths = frames(*[LANDSCAPE] * 3)
    paths[1].write_bytes(b"no picture")
    with pytest.raises(ImageFileError, match=r"frame2\.png"):
        list(contact_sheets(paths, width_px=WIDTH))
    errors = []
    sheet = only(contact_sheets(paths, width_px=WIDTH, passed_over=errors.append))
    assert [type(error) for error in errors] == [ImageFileError]
    assert "3  " in written
    assert "2  " not in written
    assert place(sheet, 3)[1] == place(sheet, 1)[1] + place(sheet, 1)[3] + 5


def test_a_sheet_without_frames_is_none(tmp_path):
    errors = []
    assert list(contact_sheets([tmp_path / "no.png"], passed_over=errors.append)) == []
    assert list(contact_sheets([])) == []
    assert len(errors) == 1


def test_wrong_settings_are_refused(frames):
    paths = frames(SQUARE)
    with pytest.raises(ValueError, match="at least 200, got 100"):
        next(contact_sheets(paths, width_px=100))
    with pytest.raises(ValueError, match=r"film_format must be one of 135, .*got 'APS'"):
        next(contact_sheets(paths, film_format="APS"))


def with_sidecar(path, **settings):
    image = read_image(path)
    recipe = phos.Recipe(**settings)
    _, report = phos.develop_with_report(image, recipe=recipe)
    beside = sidecar.path_for(path)
    beside.write_text(
        sidecar.dumps(sidecar.describe(recipe, report, source=path, picture=path)),
        encoding="utf-8",
    )
    return beside


def test_sidecars_give_the_heading_and_the_format(frames):
    paths = frames(*[SQUARE] * 4)
    with_sidecar(paths[0], film="gold-200", film_format="120-66")
    with_sidecar(paths[1], film="tri-x-400")
    with_sidecar(paths[3], film="gold-200")
    assert heading_of(paths) == ("Kodak Gold 200, Kodak Tri-X 400", "120-66")
    assert heading_of(paths[2:3]) == ("", "135")


def test_a_sidecar_that_cannot_be_read_says_nothing(frames):
    paths = frames(SQUARE)
    sidecar.path_for(paths[0]).write_text("no sidecar")
    assert heading_of(paths) == ("", "135")


def run(*arguments):
    return CliRunner().invoke(main, ["contact", *map(str, arguments)])


def test_the_command_lays_a_folder_out(tmp_path, frames, written):
    paths = frames(*[LANDSCAPE] * 12)
    with_sidecar(paths[0], film="gold-200")
    (tmp_path / "roll" / "notes.txt").write_text("not a picture")
    (tmp_path / "roll" / ".hidden.png").write_bytes(b"")
    out = tmp_path / "sheet.png"
    result = run(tmp_path / "roll", "-o", out, "--width", WIDTH)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}\n"
    expected = only(contact_sheets(paths, width_px=WIDTH, heading="Kodak Gold 200"))
    assert np.array_equal(read_image(out), expected)
    assert written[1] == "Kodak Gold 200"


def test_the_command_numbers_several_sheets_and_leaves_them_out_the_next_time(tmp_path, frames):
    frames(*[(2, 3)] * 37)
    roll = tmp_path / "roll"
    options = (roll, "-o", roll / "sheet.png", "--width", WIDTH)
    expected = f"{roll / 'sheet-1.png'}\n{roll / 'sheet-2.png'}\n"
    assert run(*options).stdout == expected
    first = (roll / "sheet-2.png").read_bytes()
    refused = run(*options)
    assert refused.exit_code == 2
    assert "sheet-1.png exists already; --overwrite replaces it" in refused.stderr
    assert run(*options, "--overwrite").stdout == expected
    assert (roll / "sheet-2.png").read_bytes() == first


def test_the_command_names_a_bad_file_goes_on_and_says_so_by_its_exit_code(tmp_path, frames):
    paths = frames(*[LANDSCAPE] * 3)
    paths[0].write_bytes(paths[0].read_bytes()[:40])
    result = run(*paths, tmp_path / "none.png", "-o", tmp_path / "sheet.png", "--width", WIDTH)
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["phos", "phos"]
    assert "frame1.png" in result.stderr
    assert "none.png" in result.stderr
    assert place(read_image(tmp_path / "sheet.png"), 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "sheet.txt"), "ending '.txt'"),
        (("-o", "sheet.png", "--format", "APS"), "--format must be one of"),
        (("empty", "-o", "sheet.png"), "no picture in"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, frames, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    given = [] if options[0] == "empty" else frames(SQUARE)
    result = run(*given, *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("phos: ")
    assert words in line
    assert not (tmp_path / "sheet.png").exists()

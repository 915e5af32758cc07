"""Segments: what is left of a clip follows from what is there."""

import pytest

from phos_video import Span, VideoError
from phos_video.developing.segments import WorkFolder, cut, gaps_between, head_of


def test_cuts_cover_each_frame_once():
    spans = cut(Span(3, 24), 7)
    assert spans == [Span(3, 10), Span(10, 17), Span(17, 24)]
    assert cut(Span(0, 5), 7) == [Span(0, 5)]


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ([], [Span(2, 20)]),
        ([Span(2, 5)], [Span(5, 20)]),
        ([Span(9, 12), Span(2, 5)], [Span(5, 9), Span(12, 20)]),
        ([Span(2, 20)], []),
        ([Span(2, 5), Span(5, 20)], []),
    ],
)
def test_what_is_left_are_the_frames_that_no_segment_has(done, left):
    assert gaps_between(Span(2, 20), done) == left


def test_only_whole_segments_count_and_what_was_in_work_goes(tmp_path):
    folder = WorkFolder(tmp_path / "a.mov")
    with folder.held():
        folder.begin({"of": 1})
        for span in (Span(5, 9), Span(0, 5)):
            part = folder.part_of(span, ".mov")
            part.write_bytes(b"frames")
            folder.finish(part, span, ".mov")
        folder.part_of(Span(9, 12), ".mov").write_bytes(b"half")
    with folder.held():
        folder.begin({"of": 1})
        assert list(folder.finished()) == [Span(0, 5), Span(5, 9)]
        assert not list(folder.path.glob("part-*"))
    with folder.held():
        folder.begin({"of": 2})
        assert not folder.finished()
    assert not folder.path.exists()  # nothing in it is of use


def test_two_runs_do_not_work_on_one_clip(tmp_path):
    folder = WorkFolder(tmp_path / "a.mov")
    with (
        folder.held(),
        pytest.raises(VideoError, match=r"a\.mov is being made by another process already"),
        WorkFolder(tmp_path / "a.mov").held(),
    ):
        pass


def test_a_folder_that_may_not_be_is_an_error_that_names_the_clip(tmp_path):
    (tmp_path / ".a.mov.phos-work").write_bytes(b"a file in the way")
    with (
        pytest.raises(VideoError, match=r"cannot work beside .*a\.mov"),
        WorkFolder(tmp_path / "a.mov").held(),
    ):
        pass


def test_a_file_is_known_by_its_size_its_time_and_both_its_ends(tmp_path):
    path = tmp_path / "clip"
    path.write_bytes(bytes(3 * 2**20))
    before = head_of(path)
    assert head_of(path) == before
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    assert head_of(path)["ends_sha256"] != before["ends_sha256"]

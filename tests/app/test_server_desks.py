import time

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")

from phos_app import desk, limits, workplace
from phos_app.desk import Desks
from phos_app.server import desks as routes


def test_a_desk_keeps_its_pictures_and_what_the_page_told_it(window, photo, deep):
    first = window.add(photo, "%C3%A9t%C3%A9.jpg").json()
    window.add(deep, "ramp.tif")
    assert (
        window.client.put(window.path, json={"state": {"chosen": first["id"]}}).status_code == 204
    )
    told = window.document()
    assert told["state"] == {"chosen": first["id"]}
    assert [frame["name"] for frame in told["frames"]] == ["été.jpg", "ramp.tif"]
    assert [frame["bits"] for frame in told["frames"]] == [8, 16]
    assert (first["rows"], first["cols"], first["bytes"]) == (236, 420, len(photo))


def test_a_page_that_goes_away_can_post_its_state(window):
    window.client.post(window.path, json={"state": {"film": "velvia-50"}})
    assert window.document()["state"] == {"film": "velvia-50"}


def test_a_broken_file_is_one_sentence_on_the_desk_and_nothing_in_the_folder(window, app):
    told = window.add(b"no picture", "<b>bold</b>.jpg").json()
    assert told["status"] == "failed"
    assert told["error"].startswith("<b>bold</b>.jpg is not a picture")
    assert str(app.state.workplace.folder) not in told["error"]
    assert not [path for path in app.state.workplace.folder.rglob("*") if path.is_file()]
    assert window.render(told["id"]).json()["message"] == told["error"]


def test_the_example_is_there(window):
    told = window.client.post(f"{window.path}/example").json()
    assert told["status"] == "ready"
    assert window.pixels(told["id"]).shape == (112, 200, 3)


def test_a_picture_that_is_removed_is_gone_from_the_disk(window, photo, app):
    frame = window.frame(photo)
    assert window.client.delete(f"{window.path}/frames/{frame}").status_code == 204
    assert window.document()["frames"] == []
    assert not [path for path in app.state.workplace.folder.rglob("*") if path.is_file()]
    assert window.render(frame).status_code == 404
    assert window.client.delete(f"{window.path}/frames/{frame}").status_code == 404


def test_uploads_are_bounded_each_together_and_in_number(window, photo, monkeypatch, app):
    monkeypatch.setattr(routes, "UPLOAD_MIB", 0)
    answer = window.add(photo)
    assert answer.status_code == 413
    assert "larger than 0 MiB" in answer.json()["message"]
    monkeypatch.undo()
    monkeypatch.setattr(desk, "TOTAL_MIB", 0)
    assert window.add(photo).status_code == 413
    monkeypatch.undo()
    monkeypatch.setattr(desk, "PICTURES", 1)
    window.frame(photo)
    answer = window.add(photo)
    assert answer.status_code == 413
    assert "1 pictures at most" in answer.json()["message"]
    assert len([path for path in app.state.workplace.folder.rglob("*") if path.is_file()]) == 1


def test_a_body_without_a_length_is_bounded_too(window, monkeypatch, app):
    monkeypatch.setattr(routes, "UPLOAD_MIB", 1)

    def chunks():
        for _ in range(3):
            yield bytes(2**20)

    answer = window.client.post(f"{window.path}/frames", content=chunks())
    assert answer.status_code == 413
    assert not [path for path in app.state.workplace.folder.rglob("*") if path.is_file()]


def test_what_a_page_may_remember_is_bounded(window):
    large = {"state": {"text": "x" * (limits.STATE_MIB << 20)}}
    assert window.client.put(window.path, json=large).status_code == 413
    assert window.client.put(window.path, json={"state": []}).status_code == 400
    assert window.client.put(window.path, content=b"[" * 100_000).status_code == 400
    assert window.document()["state"] == {}


def test_a_desk_that_is_gone_says_so(window):
    answer = window.client.get("/api/desks/none")
    assert answer.status_code == 404
    assert "cleared away" in answer.json()["message"]


def test_of_many_desks_the_empty_and_the_unused_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(desk, "DESKS", 3)
    desks = Desks(tmp_path)
    used, empty, fresh = desks.new(), desks.new(), desks.new()
    for kept in (used, fresh):
        kept.frames["a"] = None
    assert desks.in_the_way() == [empty]
    desks.remove(empty)
    assert desks.in_the_way() == []
    assert not empty.folder.exists()
    desks.new().frames["a"] = None
    desks.find(used.key)
    assert desks.in_the_way() == [fresh]


def test_a_desk_that_nobody_looks_at_goes_after_hours(window, photo, app, monkeypatch):
    monkeypatch.setattr(workplace, "TIDY_S", 0.01)
    place = app.state.workplace
    window.frame(photo)
    held = place.shelf.held_bytes
    (own,) = place.desks
    own.used -= 3600 * limits.IDLE_HOURS + 1
    tidying = window.client.portal.start_task_soon(place.tidy)
    for _ in range(2000):
        if not len(place.desks):
            break
        time.sleep(0.01)
    tidying.cancel()
    assert window.client.get(window.path).status_code == 404
    assert held > place.shelf.held_bytes == 0
    assert not own.folder.exists()


def test_pictures_of_ten_desks_are_put_away_and_read_again(new_window, photo, app):
    shelf = app.state.workplace.shelf
    shelf._room_bytes = 1_500_000  # of four pictures
    windows = [new_window() for _ in range(10)]
    frames = [window.frame(photo) for window in windows]
    view = {"kind": "window", "top": 0, "left": 0, "rows": 40, "cols": 40, "scale": 1}
    first = [each.pixels(frame, view=view) for each, frame in zip(windows, frames, strict=True)]
    assert shelf.held_bytes <= 1_500_000
    again = [each.pixels(frame, view=view) for each, frame in zip(windows, frames, strict=True)]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


def test_a_full_disk_and_a_bug_are_one_sentence_each(window, photo, app, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "/tmp/secret")

    monkeypatch.setattr(app.state.workplace.renderer, "picture", full)
    answer = window.add(photo)
    assert answer.status_code == 400
    assert answer.json()["message"].endswith("No space left on device.")

    def broken(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(app.state.workplace.renderer, "picture", broken)
    answer = window.add(photo)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_windows_do_not_see_each_others_pictures(window, new_window, photo):
    other = new_window()
    frame = window.frame(photo)
    assert other.render(frame).status_code == 404
    assert other.document()["frames"] == []


def test_the_camera_is_told_as_plain_text(window):
    import io

    from PIL import Image

    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "NIKON CORPORATION", "NIKON D850\x00\x1b[31m"
    details = exif.get_ifd(0x8769)
    details[0x829A], details[0x829D], details[0x8827], details[0x920A] = 1 / 125, 2.8, 400, 50.0
    stream = io.BytesIO()
    Image.new("RGB", (40, 30)).save(stream, "JPEG", exif=exif)
    assert window.add(stream.getvalue()).json()["facts"] == {
        "camera": "NIKON D850[31m",
        "shutter": "1/125 s",
        "aperture": "f/2.8",
        "iso": "400",
        "focal": "50 mm",
    }

import base64
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("phos_app", reason="needs phos-app")

import phos_core as phos
from phos_core.process import Recipe
from phos_darkroom import Framing, develop_picture, framed, read_picture

WINDOW = {"kind": "window", "top": 60, "left": 120, "rows": 80, "cols": 100, "scale": 1}
CROP = {"crop": [0.25, 0.3, 0.9, 0.8]}


@pytest.fixture
def picture(photo, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(photo)
    return read_picture(tmp_path / "photo.jpg")


def differ(first, second):
    """The mean difference of two pictures in codes."""
    assert first.shape == second.shape
    return np.abs(first.astype(float) - second).mean()


def test_a_render_has_the_windows_own_pixels_and_says_what_ran(window, photo):
    frame = window.frame(photo)
    answer = window.render(frame, view={"kind": "fit", "cols": 300, "rows": 9000})
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (300, 169)
        codes = np.asarray(image)
    report = json.loads(answer.headers["x-report"])
    assert report["backend"] == "scipy"
    assert (report["rows"], report["cols"]) == (236, 420)
    counts = np.frombuffer(base64.b64decode(answer.headers["x-histogram"]), "<u4").reshape(3, 256)
    assert counts.sum(axis=1).tolist() == [300 * 169] * 3
    assert counts[0] @ np.arange(256) / counts[0].sum() == pytest.approx(
        codes[..., 0].mean(), abs=1
    )
    assert report["clipped"]["low"] == pytest.approx(
        (counts[:, 0] / (300 * 169)).tolist(), abs=1e-5
    )


def test_a_picture_is_never_enlarged(window, photo):
    frame = window.frame(photo)
    assert window.pixels(frame, view={"kind": "fit", "cols": 3000, "rows": 2000}).shape[:2] == (
        236,
        420,
    )


def test_what_a_view_shows_is_what_the_file_will_be(window, photo, picture):
    frame = window.frame(photo)
    settings = {"film": "cinestill-800t", "exposure_stops": 0.5}
    whole = develop_picture(picture, Recipe(**settings), backend="scipy")[0].pixels
    all_of_it = {"kind": "fit", "cols": 420, "rows": 236}
    assert differ(window.pixels(frame, settings=settings, view=all_of_it), whole) < 2
    seen = window.pixels(frame, settings=settings, view=WINDOW)
    assert differ(seen, whole[60:140, 120:220]) < 2
    half = window.pixels(frame, settings=settings, view=WINDOW | {"scale": 0.5})
    assert half.shape == (40, 50, 3)
    assert differ(half, seen.reshape(40, 2, 50, 2, 3).mean(axis=(1, 3))) < 3
    assert (
        differ(window.pixels(frame, before=True, view=WINDOW), picture.pixels[60:140, 120:220]) < 2
    )


@pytest.mark.parametrize(
    "framing",
    [
        CROP,
        {"turns": 1},
        {"turns": 3, "flipped": True} | CROP,
        {"straighten_degrees": 4.0},
        {"turns": 1, "flipped": True, "straighten_degrees": -7.0} | CROP,
    ],
    ids=["crop", "turned", "turned-flipped-crop", "straight", "all"],
)
def test_a_framed_view_is_what_the_file_will_be(window, photo, picture, framing):
    frame = window.frame(photo)
    file = develop_picture(
        picture, Recipe(grain=0.0), framing=Framing.from_values(framing), backend="scipy"
    )[0].pixels
    asked = {"framing": framing, "settings": {"grain": 0.0}}
    rows, cols = file.shape[:2]
    fit = window.pixels(frame, view={"kind": "fit", "cols": cols, "rows": rows}, **asked)
    assert differ(fit, file) < 3
    part = {"kind": "window", "top": 10, "left": 20, "rows": 50, "cols": 60}
    assert differ(window.pixels(frame, view=part, **asked), file[10:60, 20:80]) < 2
    before = framed(picture, Framing.from_values(framing)).wanted.pixels
    whole = {"kind": "fit", "cols": cols, "rows": rows}
    assert differ(window.pixels(frame, view=whole, before=True, **asked), before) < 3
    half = {"kind": "fit", "cols": cols // 2, "rows": rows // 2}
    small = window.pixels(frame, view=half, **asked)
    assert differ(small, np.asarray(Image.fromarray(file).resize(small.shape[1::-1], 4))) < 4


def test_halation_from_beyond_a_crop_is_in_its_preview(window):
    codes = np.zeros((200, 300, 3), np.uint8)
    codes[90:110, 140:150] = 255
    stream = io.BytesIO()
    Image.fromarray(codes).save(stream, "PNG")
    frame = window.frame(stream.getvalue(), "lamp.png")
    settings = {"film": "cinestill-800t", "grain": 0.0, "film_format": "super-16"}
    whole = window.pixels(frame, settings=settings, view={"kind": "fit", "cols": 300, "rows": 200})
    half = {"crop": [0.0, 0.51, 1.0, 1.0]}
    beside = window.pixels(
        frame, settings=settings, framing=half, view={"kind": "fit", "cols": 300, "rows": 200}
    )
    assert beside[100, 2, 0] > beside[5, 100, 0] + 10
    assert differ(beside, whole[:, 300 - beside.shape[1] :]) < 1.5


def test_the_balance_of_a_crop_is_that_of_the_whole(window, photo):
    frame = window.frame(photo)
    settings = {"auto_balance": True, "grain": 0.0}
    view = {"kind": "fit", "cols": 420, "rows": 236}
    whole = window.pixels(frame, settings=settings, view=view)
    crop = {"crop": [0.5, 0.5, 1.0, 1.0]}
    part = window.pixels(frame, settings=settings, framing=crop, view=view)
    assert differ(part, whole[118:, 210:]) < 1.5


def test_the_same_settings_show_the_same_picture_and_others_another(window, photo):
    frame = window.frame(photo)
    first = window.pixels(frame)
    np.testing.assert_array_equal(window.pixels(frame, settings={"film": "portra-400"}), first)
    assert differ(window.pixels(frame, settings={"film": "velvia-50"}), first) > 2


def test_windows_at_once_each_get_their_own_picture(new_window):
    windows = [new_window() for _ in range(8)]
    greys = [20 + 30 * number for number in range(8)]
    frames = []
    for each, grey in zip(windows, greys, strict=True):
        stream = io.BytesIO()
        Image.new("RGB", (64 + grey, 64), (grey, grey, grey)).save(stream, "PNG")
        frames.append(each.frame(stream.getvalue(), "grey.png"))
    with ThreadPoolExecutor(8) as threads:
        seen = list(
            threads.map(
                lambda each, frame: each.pixels(
                    frame, view={"kind": "fit", "cols": 999, "rows": 64}
                ),
                windows,
                frames,
            )
        )
    assert [image.shape[1] for image in seen] == [64 + grey for grey in greys]
    levels = [image.mean() for image in seen]
    assert levels == sorted(levels)


def test_of_waiting_renders_of_a_lane_the_newest_alone_is_made(window, photo, app, monkeypatch):
    frame = window.frame(photo)
    renderer, opened = app.state.workplace.renderer, threading.Event()
    begun, real = threading.Event(), renderer.after

    def slow(*arguments, **settings):
        begun.set()
        assert opened.wait(60)
        return real(*arguments, **settings)

    monkeypatch.setattr(renderer, "after", slow)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(window.render, frame, turn=1)
        assert begun.wait(60)
        waiting = [threads.submit(window.render, frame, turn=turn) for turn in (5, 3)]
        other = threads.submit(window.render, frame, turn=1, lane="side")
        line = app.state.workplace.line
        for _ in range(2000):
            if len(line) >= 3:
                break
            threading.Event().wait(0.01)
        opened.set()
        assert first.result().status_code == 200
        assert other.result().status_code == 200
        assert [answer.result().status_code for answer in waiting] == [200, 409]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"settings": {"film": "/etc/passwd"}}, 400),
        ({"settings": {"film": ["portra-400"]}}, 400),
        ({"settings": {"nonsense": 1}}, 400),
        ({"settings": {"grain": "much"}}, 400),
        ({"settings": {"grain": True}}, 400),
        ({"settings": []}, 200),
        ({"settings": [1]}, 400),
        ({"settings": {"exposure_stops": 99}}, 200),
        ({"view": {"kind": "fit", "cols": 10**5, "rows": 10**5}}, 400),
        ({"view": {"kind": "fit", "cols": 0, "rows": 10}}, 400),
        ({"view": {"kind": "window", "cols": 10, "rows": 10}}, 400),
        ({"view": WINDOW | {"scale": 3}}, 400),
        ({"view": WINDOW | {"top": -500, "left": 10**5}}, 200),
        ({"framing": {"crop": [0.5, 0, 0.2, 1]}}, 400),
        ({"framing": {"turns": 9}}, 400),
        ({"framing": 3}, 400),
        ({"backend": "nonsense"}, 400),
        ({"backend": 3}, 400),
        ({"turn": "x"}, 400),
        ({"lane": {}}, 200),
        ({"lane": [1]}, 400),
        ({"frame": "other"}, 404),
        ({"frame": {}}, 404),
    ],
)
def test_what_cannot_be_rendered_is_one_sentence(window, photo, asked, status):
    frame = window.frame(photo)
    answer = window.render(**({"frame": frame} | asked))
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"turn": 1e999}', b'{"frame": NaN}', b"\xff"])
def test_a_body_that_is_no_object_is_refused(window, body):
    assert window.client.post(f"{window.path}/render", content=body).status_code in (400, 404)


def test_stamps_come_one_a_line_and_one_that_fails_says_why(window, photo):
    frame = window.frame(photo)
    films = ["velvia-50", "nonsense", "tri-x-400"]
    asked = {"frame": frame, "films": films, "cols": 60, "rows": 60}
    lines = window.client.post(f"{window.path}/stamps", json=asked).text.splitlines()
    told = [json.loads(line) for line in lines]
    assert [stamp["name"] for stamp in told] == films
    assert "nonsense" in told[1]["message"]
    content = base64.b64decode(told[2]["image"].partition(",")[2])
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (60, 34)
        colours = np.asarray(image.convert("RGB")).astype(int)
        assert np.abs(colours[..., 0] - colours[..., 2]).max() <= 2


def test_stamps_of_presets_and_of_a_roll(window, photo, deep):
    frame, other = window.frame(photo), window.frame(deep, "ramp.tif")
    size = {"cols": 60, "rows": 60}
    asked = {"frame": frame, "presets": ["portrait", "night"]} | size
    lines = window.client.post(f"{window.path}/stamps", json=asked).text.splitlines()
    images = [json.loads(line)["image"] for line in lines]
    assert images[0] != images[1]
    asked = {"frames": [{"frame": frame}, {"frame": other, "framing": {"turns": 1}}]} | size
    lines = window.client.post(f"{window.path}/stamps", json=asked).text.splitlines()
    assert [json.loads(line)["name"] for line in lines] == [frame, other]
    assert window.client.post(f"{window.path}/stamps", json=size).status_code == 400


def test_every_film_has_what_the_page_says_of_it(browser_of):
    told = browser_of.get("/api/catalogue").json()
    assert [film["name"] for film in told["films"]] != []
    assert {film["name"] for film in told["films"]} == {film.name for film in phos.films()}
    speeds = [film["iso"] for film in told["films"] if film["kind"] == "negative"]
    assert speeds == sorted(speeds)
    assert {film["maker"] for film in told["films"]} == {"Kodak", "Fujifilm", "Ilford", "CineStill"}
    names = {control["name"] for control in told["controls"]}
    assert names == set(told["defaults"])
    for control in told["controls"]:
        assert control["tooltip"]
        assert control["group"] in told["groups"]
        assert control["kind"] != "slider" or control["step"] or control["name"] == "push_stops"


def test_settings_are_brought_to_where_the_film_lets_them(browser_of):
    asked = {"settings": {"film": "velvia-50", "printing": "endura-premier", "push_stops": 2.0}}
    told = browser_of.post("/api/offered", json=asked).json()
    assert told["settings"]["printing"] == "auto"
    assert told["settings"]["push_stops"] == 0.0
    assert told["changed"]
    assert "push_stops" not in told["offered"]
    assert told["notes"]["push_stops"]


def test_every_backend_is_told_and_status(browser_of):
    rows = browser_of.get("/api/backends").json()
    assert "scipy" in {row["name"] for row in rows if row["runs"]}
    assert browser_of.get("/api/status").json()["pictures"] == 0

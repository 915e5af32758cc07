import io
import json
import threading
import tomllib
import zipfile

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")

from phos_app import jobs, workplace
from phos_app.line import Place, Urgency
from phos_core.process import Moment, Recipe
from phos_darkroom import Export, Framing, develop_file, frame_seed


def by_the_library(folder, photo, recipe, name, **how):
    (folder / "photo.jpg").write_bytes(photo)
    develop_file(folder / "photo.jpg", folder / name, recipe, backend="scipy", **how)
    return (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("settings", "framing", "export", "recipe", "name", "how"),
    [
        ({"film": "gold-200", "exposure_stops": 0.3}, {}, {}, {}, "photo-gold-200.jpg", {}),
        ({}, {}, {"suffix": ".png"}, {}, "photo-portra-400.png", {}),
        (
            {"film": "velvia-50"},
            {"turns": 1, "crop": [0.1, 0.2, 0.9, 0.8]},
            {"suffix": ".jpg", "quality": 80, "long_side_px": 120, "sharpen": "screen"},
            {},
            "photo-velvia-50.jpg",
            {
                "framing": Framing(turns=1, crop=(0.1, 0.2, 0.9, 0.8)),
                "export": Export(quality=80, long_side_px=120, sharpen="screen"),
            },
        ),
        (
            {},
            {},
            {"suffix": ".tif", "space": "display-p3"},
            {"output_space": "display-p3"},
            "photo-portra-400.tif",
            {},
        ),
    ],
    ids=["jpeg", "png", "framed-exported", "space"],
)
def test_the_bytes_taken_home_are_the_librarys_own(
    window, photo, tmp_path, settings, framing, export, recipe, name, how
):
    frame = window.frame(photo)
    job = window.begin((frame, {"settings": settings, "framing": framing}), export=export)
    last = window.events(job)[-1]
    assert (last["state"], last["name"], last["share"]) == ("done", name, 1.0)
    answer = window.client.get(f"/api/jobs/{job}/file")
    own = by_the_library(tmp_path, photo, Recipe(**(settings | recipe)), name, **how)
    assert answer.content == own
    assert last["bytes"] == len(own)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("film", ["portra-400", "tri-x-400"])
def test_each_space_is_in_the_formats_that_the_page_is_told(window, photo, film):
    frame = window.frame(photo)
    told = window.client.get("/api/catalogue").json()["exports"]
    for space in (told["spaces"][1], told["spaces"][-1]):
        for suffix in told["suffixes"]:
            job = window.begin(
                (frame, {"settings": {"film": film}}),
                export={"suffix": suffix, "space": space["name"], "long_side_px": 60},
            )
            last = window.events(job)[-1]
            assert (last["state"] == "done") == (suffix in space["suffixes"]), (space, last)


def test_the_sidecar_knows_the_files_by_their_names_at_home(window, photo, tmp_path):
    frame = window.frame(photo, "..%2F%C3%A9t%C3%A9%201.jpg")
    job = window.begin((frame, {"framing": {"turns": 1}}))
    window.events(job)
    text = window.client.get(f"/api/jobs/{job}/sidecar").text
    assert str(tmp_path) not in text
    told = tomllib.loads(text)
    assert told["picture"]["file"] == "été 1-portra-400.jpg"
    assert told["source"]["file"] == "été 1.jpg"
    assert told["framing"]["turns"] == 1
    job = window.begin((frame, {}), export={"sidecar": False})
    assert not window.events(job)[-1]["has_sidecar"]
    assert window.client.get(f"/api/jobs/{job}/sidecar").status_code == 404


def test_a_roll_is_one_archive_under_its_name_and_its_failures_are_said(window, photo, tmp_path):
    first, second = window.frame(photo, "a.jpg"), window.frame(photo, "b%2Fa.jpg")
    see_through = io.BytesIO()
    from PIL import Image

    Image.new("RGBA", (40, 30), (200, 100, 50, 120)).save(see_through, "PNG")
    third = window.frame(see_through.getvalue(), "glass.png")
    frames = [(frame, {}) for frame in (first, third, second)]
    job = window.begin(*frames, name="../My <b>roll</b>", export={"suffix": ".jpg"})
    last = window.events(job)[-1]
    assert last["state"] == "done"
    assert [failure["frame"] for failure in last["failures"]] == [third]
    assert "JPEG holds no transparency" in last["failures"][0]["message"]
    answer = window.client.get(f"/api/jobs/{job}/file")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "a-portra-400.jpg",
        "a-portra-400.jpg.phos.toml",
        "2/a-portra-400.jpg",
        "2/a-portra-400.jpg.phos.toml",
    ]
    assert last["name"] == "b_.zip" or "/" not in last["name"]
    recipe = Recipe(seed=frame_seed(0, "a.jpg"))
    assert archive.read("a-portra-400.jpg") == by_the_library(tmp_path, photo, recipe, "own.jpg")


def test_a_job_that_fails_says_why(window):
    from PIL import Image

    see_through = io.BytesIO()
    Image.new("RGBA", (40, 30), (200, 100, 50, 120)).save(see_through, "PNG")
    job = window.begin(
        (window.frame(see_through.getvalue(), "a.png"), {}), export={"suffix": ".jpg"}
    )
    last = window.events(job)[-1]
    assert last["state"] == "failed"
    assert "JPEG holds no transparency" in last["message"]
    assert window.client.get(f"/api/jobs/{job}/file").status_code == 409


def test_a_job_that_is_stopped_leaves_nothing(window, photo, app, monkeypatch):
    frame = window.frame(photo)
    real = jobs.Progress.note

    def stop(progress, moment):
        real(progress, moment)
        if moment.step == "couplers":
            (desk,) = app.state.workplace.desks
            desk.jobs[0].stopped.set()

    monkeypatch.setattr(jobs.Progress, "note", stop)
    job = window.begin((frame, {}))
    assert window.events(job)[-1]["state"] == "cancelled"
    assert window.client.delete(f"/api/jobs/{job}").status_code == 204
    assert window.client.get(f"/api/jobs/{job}/file").status_code == 409
    files = [path for path in app.state.workplace.folder.rglob("*") if path.is_file()]
    assert [path.parent.name for path in files] == [f"desk-{window.desk}"]


def test_a_preview_goes_first_while_a_job_runs_and_changes_no_byte(
    window, new_window, photo, tmp_path, app, monkeypatch
):
    frame = window.frame(photo)
    other = new_window()
    theirs = other.frame(photo)
    real, seen, threads, order = jobs.Progress.note, [], [], []
    renderer = app.state.workplace.renderer
    render = renderer.after

    def render_and_note(*arguments):
        done = render(*arguments)
        order.append("view")
        return done

    monkeypatch.setattr(renderer, "after", render_and_note)

    def look(progress, moment):
        """At a step of the job, have another window's picture rendered."""
        real(progress, moment)
        if moment.step in order:
            return
        order.append(moment.step)
        if moment.step != "upload" and len(threads) < 3:
            threads.append(threading.Thread(target=lambda: seen.append(other.pixels(theirs))))
            threads[-1].start()
            while not app.state.workplace.line.is_wanted(Place(Urgency.JOB, called=None)):
                threading.Event().wait(0.005)

    monkeypatch.setattr(jobs.Progress, "note", look)
    job = window.begin((frame, {"settings": {"film": "gold-200"}}))
    assert window.events(job)[-1]["state"] == "done"
    for thread in threads:
        thread.join()
    assert len(seen) == 3
    steps = ["upload", "expose", "scatter and halation", "couplers", "develop, grain and print"]
    assert order == [*steps[:2], "view", steps[2], "view", steps[3], "view", steps[4]]
    content = window.client.get(f"/api/jobs/{job}/file").content
    assert content == by_the_library(tmp_path, photo, Recipe(film="gold-200"), "own.jpg")


def test_a_job_that_waits_says_where_it_stands_and_can_go(window, photo, monkeypatch):
    frame = window.frame(photo)
    real, told = jobs.Progress.note, []

    def look(progress, moment):
        real(progress, moment)
        if moment.step == "expose" and not told:
            with window.client.stream("GET", f"/api/jobs/{second[0]}/events") as answer:
                told.append(json.loads(next(answer.iter_lines())[6:]))
            window.client.delete(f"/api/jobs/{second[0]}")

    monkeypatch.setattr(jobs.Progress, "note", look)
    second = []
    real_begin = workplace.Workplace.begin

    def begin_two(self, *arguments, **named):
        made = real_begin(self, *arguments, **named)
        if not second:
            second.append(real_begin(self, *arguments, **named).key)
        return made

    monkeypatch.setattr(workplace.Workplace, "begin", begin_two)
    job = window.begin((frame, {}))
    assert window.events(job)[-1]["state"] == "done"
    assert (told[0]["state"], told[0]["position"]) == ("waiting", 1)
    assert window.events(second[0])[-1]["state"] == "cancelled"


def test_progress_never_goes_back_and_tiles_count():
    progress, shares = jobs.Progress(), []
    for tile in (1, 2):
        for step in ("expose", "scatter and halation", "couplers", "develop, grain and print"):
            for share in (0.0, 0.5, 1.0):
                progress.note(Moment(step=step, share=share, tile=tile, tiles=2))
                shares.append(progress.share)
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert 0.4 < shares[11] < 0.55
    assert shares[-1] == pytest.approx(0.85)


def test_the_results_of_a_desk_are_bounded(window, photo, app, monkeypatch):
    monkeypatch.setattr(workplace, "JOBS", 2)
    frame = window.frame(photo)
    made = []
    for _ in range(3):
        made.append(window.begin((frame, {})))
        window.events(made[-1])
    statuses = [window.client.get(f"/api/jobs/{job}/file").status_code for job in made]
    assert statuses == [404, 200, 200]


@pytest.mark.parametrize(
    "asked",
    [
        {"frames": []},
        {"frames": [3]},
        {"frames": "all"},
        {"export": {"suffix": ".gif"}},
        {"export": {"suffix": "/../x.jpg"}},
        {"export": {"quality": 0}},
        {"export": {"long_side_px": "x"}},
        {"export": {"nonsense": 1}},
        {"export": {"sidecar": "no"}},
        {"export": {"space": 3}},
        {"export": []} | {"name": 3},
    ],
)
def test_a_job_that_cannot_be_is_one_sentence(window, photo, asked):
    frames = {"frames": [{"frame": window.frame(photo), "settings": {}}]}
    answer = window.client.post(f"{window.path}/jobs", json=frames | asked)
    assert answer.status_code == 400
    assert answer.json()["message"]

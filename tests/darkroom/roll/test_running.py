"""A roll over executors: each frame's result, what fails, what goes on, what is killed."""

import os
import pickle
import signal
import threading
import warnings
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import phos_core as phos
from phos_core.errors import BackendFallbackWarning, UnknownBackendError, UnknownFilmError
from phos_darkroom import one_file
from phos_darkroom.files.image_files import read_image
from phos_darkroom.roll import develop_frames, develop_roll, frame_seed, frames_of, jobs
from phos_darkroom.roll.resuming import standings

RECIPE = phos.Recipe(seed=3)


def run(sources, output, **options):
    """Each frame's result by its source's name."""
    results = develop_roll(sources, output, RECIPE, backend="scipy", **options)
    return {result.source.name: result for result in results}


def statuses(*arguments, **options):
    return {name: result.status for name, result in run(*arguments, **options).items()}


@pytest.fixture
def roll(folder):
    return folder("a.png", "b.png", "c.png")


def test_each_frame_is_what_python_develops_with_its_seed(roll, tmp_path):
    results = run(roll, tmp_path / "out")
    for name, result in results.items():
        image = read_image(roll / name)
        seed = frame_seed(3, f"roll/{name}")
        positive = phos.develop(image, recipe=phos.Recipe(seed=seed), backend="scipy")
        assert np.array_equal(read_image(tmp_path / "out" / name), positive)
        assert result.destination == tmp_path / "out" / name
        assert (result.status, result.backend, result.error) == ("developed", "scipy", "")
        assert result.seconds > 0


@pytest.mark.proof
def test_every_executor_gives_the_same_bytes(roll, tmp_path, files):
    run(roll, tmp_path / "1", jobs=1)
    run(roll, tmp_path / "2", jobs=2)
    with ThreadPoolExecutor(2) as threads:
        run(roll, tmp_path / "3", executor=threads)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        run(roll, tmp_path / "4", executor=processes)
    first, *others = (
        {name: content for name, content in files(tmp_path / place).items() if name[-4:] == ".png"}
        for place in "1234"
    )
    assert sorted(first) == ["a.png", "b.png", "c.png"]
    assert all(other == first for other in others)


def test_an_executor_gets_absolute_paths(roll, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(1) as threads:
        results = run("roll", "out", executor=threads)
    assert {result.source for result in results.values()} == set(roll.iterdir())
    assert all(result.destination.is_absolute() for result in results.values())


@pytest.mark.proof
def test_one_bad_picture_stops_no_other(roll, tmp_path):
    (roll / "b.png").write_bytes((roll / "b.png").read_bytes()[:60])
    results = run([*roll.iterdir(), roll / "gone.png"], tmp_path / "out")
    assert {name for name, result in results.items() if result.status == "failed"} == {
        "b.png",
        "gone.png",
    }
    assert results["b.png"].error.startswith(f"{roll / 'b.png'} is damaged")
    assert results["gone.png"].error == f"{roll / 'gone.png'} does not exist"
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["a.png", "c.png"]


def test_a_fault_of_ours_is_one_frames_failure_with_its_name(roll, tmp_path, monkeypatch):
    def faulty(picture, *_, **__):
        raise KeyError("x")

    monkeypatch.setattr(one_file, "_developed_framed", faulty)
    results = run(roll, tmp_path / "out", jobs=1)
    assert results["a.png"].error == f"{roll / 'a.png'}: KeyError: 'x'"
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_a_roll_that_is_done_is_not_done_again(roll, tmp_path, files):
    run(roll, tmp_path / "out")
    before = files(tmp_path / "out")
    (tmp_path / "out" / "b.png").unlink()
    for options in ({}, {"skip_existing": True}):
        expected = {"a.png": "already done", "b.png": "developed", "c.png": "already done"}
        assert statuses(roll, tmp_path / "out", **options) == expected
        assert files(tmp_path / "out") == before
        (tmp_path / "out" / "b.png").unlink()


def test_a_roll_that_is_done_is_done_again_on_request(roll, tmp_path, files):
    run(roll, tmp_path / "out")
    before = files(tmp_path / "out")
    assert set(statuses(roll, tmp_path / "out", overwrite=True).values()) == {"developed"}
    assert files(tmp_path / "out") == before


def test_a_positive_in_its_sources_place_is_not_developed_twice(roll, tmp_path, files):
    assert statuses(roll, roll, overwrite=True)["a.png"] == "developed"
    before = files(roll)
    with ThreadPoolExecutor(1) as threads:
        for options in ({}, {"executor": threads}):
            results = develop_roll(
                [roll / "a.png"], roll, RECIPE, backend="scipy", overwrite=True, **options
            )
            assert [result.status for result in results] == ["already done"]
    assert files(roll) == before


def test_a_positive_is_done_only_if_source_recipe_and_bytes_agree(roll, tmp_path):
    positive = tmp_path / "out" / "a.png"

    def standing(recipe=RECIPE):
        (found,) = standings(frames_of([roll / "a.png"], tmp_path / "out", recipe))
        statuses(roll / "a.png", tmp_path / "out", overwrite=True)
        return found

    assert standing() == "to do"
    assert standing() == "already done"
    (roll / "a.png").write_bytes((roll / "b.png").read_bytes())
    assert standing() == "in the way"
    positive.write_bytes(positive.read_bytes()[:-1] + b"\0")
    assert standing() == "in the way"
    positive.with_name("a.png.phos.toml").unlink()
    assert standing() == "in the way"
    assert standing(phos.Recipe(seed=4)) == "in the way"
    assert standing() == "already done"


def test_what_is_in_the_way_is_refused_before_any_work(roll, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.png").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"b\.png exists already; --overwrite"):
        develop_roll(roll, out, RECIPE)
    assert [path.name for path in out.iterdir()] == ["b.png"]
    assert statuses(roll, out, skip_existing=True)["b.png"] == "skipped"
    assert (out / "b.png").read_bytes() == b"mine"
    (out / "a.png.phos.toml").unlink()
    with pytest.raises(ValueError, match=r"a\.png exists already, as do 1 others"):
        develop_roll(roll, out, RECIPE)
    assert statuses(roll, out, overwrite=True)["b.png"] == "developed"


def test_a_roll_in_its_own_place_is_developed_once(roll, files):
    before = files(roll)
    with pytest.raises(ValueError, match="is the input itself"):
        develop_roll([roll / "a.png"], roll, RECIPE)
    assert set(statuses([roll / "a.png"], roll, overwrite=True).values()) == {"developed"}
    once = files(roll)
    assert once["a.png"] != before["a.png"]
    given = [roll / "a.png", roll / "b.png"]
    assert statuses(given, roll, overwrite=True) == {"a.png": "already done", "b.png": "developed"}
    assert files(roll)["a.png"] == once["a.png"]


def test_parts_left_behind_are_removed_but_nobody_elses(roll, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    ours = [".a.png.0123abcd.part", ".a.png.phos.toml.89abcdef.part"]
    others = [".z.png.0123abcd.part", ".a.png.part", "a.png.0123abcd.part"]
    for name in ours + others:
        (out / name).touch()
    run(roll / "a.png", out)
    left = {path.name for path in out.iterdir()}
    assert left == {"a.png", "a.png.phos.toml", *others}


def test_without_sidecars_nothing_else_is_written(roll, tmp_path):
    run(roll, tmp_path / "out", sidecar=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize(
    ("options", "error", "word"),
    [
        ({"jobs": 0}, ValueError, "jobs must be 1 or more"),
        ({"jobs": 2, "executor": ThreadPoolExecutor(1)}, ValueError, "leave jobs out"),
        ({"overwrite": True, "skip_existing": True}, ValueError, "exclude each other"),
        ({"backend": "scpy"}, UnknownBackendError, "scipy"),
        ({"recipe": phos.Recipe(film="portra-40")}, UnknownFilmError, "portra-400"),
        ({"recipe": phos.Recipe(printing="velvet")}, ValueError, "printing"),
        ({"recipe": phos.Recipe(film=phos.load_film("gold-200"))}, ValueError, "sidecar=False"),
    ],
)
def test_what_cannot_be_is_refused_at_once(roll, tmp_path, options, error, word):
    options = {"recipe": RECIPE, **options}
    with pytest.raises(error, match=word):
        develop_roll(roll, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_film_made_in_python_is_developed_without_a_sidecar(roll, tmp_path):
    recipe = phos.Recipe(film=phos.load_film("gold-200"))
    results = develop_roll(roll, tmp_path / "out", recipe, sidecar=False)
    assert {result.status for result in results} == {"developed"}


def test_leaving_early_begins_no_more(roll, tmp_path):
    results = develop_roll(roll, tmp_path / "out", RECIPE, jobs=1)
    next(results)
    results.close()
    assert [path.name for path in (tmp_path / "out").glob("*.png")] == ["a.png"]


def test_once_stop_is_set_what_is_in_work_is_finished_and_no_more_begun(roll, tmp_path):
    stop = threading.Event()
    results = develop_roll(roll, tmp_path / "out", RECIPE, jobs=1, stop=stop)
    assert next(results).status == "developed"
    stop.set()
    assert list(results) == []
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


class Unlucky(Executor):
    """Loses every second job, as a cluster might."""

    def __init__(self):
        self.count = 0

    def submit(self, function, /, *arguments, **keywords):
        self.count += 1
        future = Future()
        if self.count % 2:
            future.set_result(function(*arguments, **keywords))
        else:
            future.set_exception(RuntimeError("worker lost"))
        return future


def test_a_job_that_an_executor_loses_is_a_failed_frame(roll, tmp_path):
    results = run(roll, tmp_path / "out", executor=Unlucky())
    failed = [result for result in results.values() if result.status == "failed"]
    assert [result.error for result in failed] == [f"{roll / 'b.png'}: RuntimeError: worker lost"]


def test_an_executor_that_breaks_fails_what_it_has_not_done(roll, tmp_path):
    def breaks():
        raise OSError("no workers")

    with ThreadPoolExecutor(1, initializer=breaks) as threads:
        results = run(roll, tmp_path / "out", executor=threads)
    assert {result.status for result in results.values()} == {"failed"}
    assert len(results) == 3
    assert all("the executor broke" in result.error for result in results.values())


@pytest.mark.parametrize("category", [UserWarning, BackendFallbackWarning])
def test_warnings_come_out_with_the_pictures_name(roll, tmp_path, monkeypatch, category):
    def warning(job):
        warnings.warn("too bright", category, stacklevel=1)
        return jobs.result_of(job, "developed")

    monkeypatch.setattr(jobs, "develop_frame", warning)
    with pytest.warns(category, match=r"a\.png: too bright"):
        run(roll / "a.png", tmp_path / "out")


def test_a_warning_of_any_kind_can_be_sent_by_a_worker():
    class Own(UserWarning):
        def __init__(self, one, two):
            super().__init__(one + two)

    for warning in (Own("too ", "bright"), BackendFallbackWarning("too bright")):
        sent = pickle.loads(pickle.dumps(jobs._sendable(warning)))
        assert str(sent) == "too bright"


def test_equal_settings_are_checked_once_for_a_whole_roll(roll, tmp_path, monkeypatch):
    loaded = []
    load = phos.Recipe.load_film
    monkeypatch.setattr(phos.Recipe, "load_film", lambda self: loaded.append(1) or load(self))
    develop_frames(frames_of(roll, tmp_path / "out", RECIPE))
    assert len(loaded) == 1


pytestmark_kill = pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
NAMES = [f"{number}.png" for number in range(1, 11)]


@pytest.mark.proof
@pytestmark_kill
def test_a_roll_killed_in_the_middle_goes_on_to_the_bytes_of_an_undisturbed_one(
    folder, tmp_path, slow_roll, files, ends, half_written
):
    roll = folder(*NAMES)
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    first = slow_roll(roll, "-o", disturbed, "--jobs", 2, seconds=0.3)
    first.lines(3)
    workers = first.workers()
    half_written(disturbed)
    os.killpg(first.process.pid, signal.SIGKILL)  # the workers too, who else clear up
    assert ends(workers, 5)
    there = files(disturbed)
    assert len(workers) == 2
    assert any(name.endswith(".part") for name in there)
    whole = {name: content for name, content in there.items() if name.endswith(".png")}
    assert 3 <= len(whole) < 10

    code, developed, _ = slow_roll(roll, "-o", disturbed, "--jobs", 2, seconds=0).finish()
    assert code == 0
    assert len(developed) == 10 - len(whole)
    code, developed, _ = slow_roll(roll, "-o", undisturbed, "--jobs", 1, seconds=0).finish()
    assert (code, len(developed)) == (0, 10)
    assert files(disturbed) == files(undisturbed)
    assert set(files(disturbed)) == {*NAMES, *(f"{name}.phos.toml" for name in NAMES)}
    assert files(disturbed) | whole == files(disturbed)


@pytest.mark.proof
@pytestmark_kill
def test_a_worker_that_is_killed_costs_nothing(folder, tmp_path, slow_roll, files, half_written):
    roll = folder(*NAMES)
    disturbed = slow_roll(roll, "-o", tmp_path / "out", "--jobs", 2, seconds=0.3)
    disturbed.lines(2)
    worker = disturbed.workers()[0]
    half_written(tmp_path / "out")
    os.kill(worker, signal.SIGKILL)
    code, _, errors = disturbed.finish()
    assert code == 0, errors
    assert set(files(tmp_path / "out")) == {*NAMES, *(f"{name}.phos.toml" for name in NAMES)}
    assert errors[0].startswith("phos: 10 pictures developed")


@pytest.mark.proof
@pytestmark_kill
def test_a_frame_that_kills_its_workers_is_named_and_the_others_are_developed(
    folder, tmp_path, slow_roll, files
):
    roll = folder("1.png", "deadly.png", "2.png", "3.png")
    out = tmp_path / "out"
    code, developed, errors = slow_roll(roll, "-o", out, "--jobs", 2, seconds=0).finish()
    assert code == 2
    assert {Path(line).name for line in developed} == {"1.png", "2.png", "3.png"}
    assert sum("deadly.png" in line and "was killed" in line for line in errors) == 1
    assert errors[-1] == "phos: 1 of 4 pictures failed"
    assert not [name for name in files(out) if name.endswith(".part")]


@pytest.mark.proof
@pytestmark_kill
def test_ctrl_c_finishes_what_is_in_work_and_the_same_command_goes_on(
    folder, tmp_path, slow_roll, files, ends, half_written
):
    roll = folder(*NAMES)
    stopped = slow_roll(roll, "-o", tmp_path / "out", "--jobs", 2, seconds=0.3)
    stopped.lines(2)
    workers = stopped.workers()
    half_written(tmp_path / "out")
    in_work = {path.name[1:].rpartition(".png")[0] for path in (tmp_path / "out").glob(".*.part")}
    os.killpg(stopped.process.pid, signal.SIGINT)  # as a terminal does
    code, _, errors = stopped.finish()
    done = [name for name in files(tmp_path / "out") if name.endswith(".png")]
    assert code == 130
    assert 2 <= len(done) < 10
    assert {f"{stem}.png" for stem in in_work} <= set(done)
    assert not [name for name in files(tmp_path / "out") if name.endswith(".part")]
    assert f"{len(done)} of 10 pictures are done; the same command continues" in errors[-1]
    assert ends(workers, 5)

    code, developed, _ = slow_roll(roll, "-o", tmp_path / "out", seconds=0).finish()
    assert (code, len(developed)) == (0, 10 - len(done))


@pytest.mark.proof
@pytestmark_kill
def test_a_second_ctrl_c_stops_at_once_and_leaves_no_parts(
    folder, tmp_path, slow_roll, files, half_written
):
    roll = folder(*NAMES)
    (tmp_path / "out").mkdir()
    stopped = slow_roll(roll, "-o", tmp_path / "out", "--jobs", 2, seconds=30)
    half_written(tmp_path / "out")
    os.killpg(stopped.process.pid, signal.SIGINT)
    assert "stopping once the frames in work are done" in stopped.heard(2)
    os.killpg(stopped.process.pid, signal.SIGINT)
    code, _, errors = stopped.finish()
    assert code == 130
    assert "0 of 10 pictures are done" in errors[-1]
    assert files(tmp_path / "out") == {}


@pytestmark_kill
def test_a_positive_that_was_whole_when_its_process_was_killed_takes_its_place(
    roll, tmp_path, files
):
    """Killed between the two renames: the sidecar is the new one's, the positive still a part."""
    out = tmp_path / "out"
    run(roll / "a.png", out)
    whole = files(out)
    for earlier in (None, b"an older positive"):
        (out / "a.png").rename(out / ".a.png.0123abcd.part")
        if earlier is not None:
            (out / "a.png").write_bytes(earlier)
        assert statuses(roll / "a.png", out)["a.png"] == "already done"
        assert files(out) == whole


@pytest.mark.proof
def test_a_roll_runs_on_the_backend_of_the_block_that_it_is_begun_in(roll, tmp_path):
    """By name, in processes and executors too; and whenever its results are asked for."""
    recipe = phos.Recipe(seed=3)
    with phos.use_backend("cv2"):
        begun = [
            develop_roll(roll, tmp_path / "1", recipe, jobs=1),
            develop_roll(roll, tmp_path / "2", recipe, jobs=2),
        ]
        with ThreadPoolExecutor(1) as threads:
            done = list(develop_roll(roll, tmp_path / "3", recipe, executor=threads))
    done += [result for results in begun for result in results]
    assert {result.backend for result in done} == {"cv2"}
    assert len(done) == 9


def test_a_backend_that_is_an_object_stays_in_this_process_or_is_refused(roll, tmp_path):
    with phos.use_backend("scipy") as backend:
        pass
    for options in ({}, {"jobs": 1}):
        with phos.use_backend(backend):
            results = list(develop_roll(roll, tmp_path / "out", RECIPE, overwrite=True, **options))
        assert {result.status for result in results} <= {"developed", "already done"}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        for options in ({"jobs": 2}, {"executor": processes}):
            with phos.use_backend(backend), pytest.raises(ValueError, match="is an object"):
                develop_roll(roll, tmp_path / "other", RECIPE, **options)
            with pytest.raises(ValueError, match="is an object"):
                develop_roll(roll, tmp_path / "other", RECIPE, backend=backend, **options)
    assert not (tmp_path / "other").exists()


@pytestmark_kill
def test_an_executor_that_forks_is_refused_with_what_to_use_instead(roll, tmp_path):
    with (
        ProcessPoolExecutor(1, mp_context=get_context("fork")) as forks,
        pytest.raises(ValueError, match=r"get_context\('spawn'\)"),
    ):
        develop_roll(roll, tmp_path / "out", RECIPE, executor=forks)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def unreadable(monkeypatch):
    """A function that makes folders refuse to be listed, whoever asks, root too."""
    refused, scandir = set(), os.scandir

    def scanning(path="."):
        if Path(path).absolute() in refused:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scanning)
    return refused.add


@pytest.mark.parametrize("pattern", [None, "**/*.png", "*/*/*.png", "*/noon/*.png"])
def test_a_folder_that_cannot_be_read_is_a_failure_with_its_name(
    folder, tmp_path, unreadable, pattern
):
    roll = folder("day1/noon/a.png", "day2/noon/b.png", ".hidden/c.png")
    unreadable(roll / "day2")
    unreadable(roll / ".hidden")  # where nobody looks
    sources = roll if pattern is None else roll / pattern
    results = run(sources, tmp_path / "out", recursive=True)
    assert results["a.png"].status == "developed"
    assert results["day2"].status == "failed"
    assert results["day2"].error == f"{roll / 'day2'} cannot be read: Permission denied"
    assert set(results) == {"a.png", "day2"}


def test_folders_that_cannot_be_read_are_named_if_there_is_nothing_else(
    folder, tmp_path, unreadable
):
    roll = folder("a.png")
    unreadable(roll)
    with pytest.raises(ValueError, match=r"no picture to develop; .*roll cannot be read"):
        develop_roll(roll, tmp_path / "out", RECIPE)
    other = folder("../other/b.png").parent / "other"
    assert statuses([roll, other], tmp_path / "out") == {"roll": "failed", "b.png": "developed"}


@pytest.mark.proof
def test_a_name_that_is_too_long_stops_no_other(roll, tmp_path):
    long = "n" * 247 + ".png"  # there is no room for its sidecar's ending
    (roll / "b.png").rename(roll / long)
    results = run([roll, roll / ("n" * 400 + ".png"), "n" * 5000], tmp_path / "out")
    assert {name for name, result in results.items() if result.status == "developed"} == {
        "a.png",
        "c.png",
    }
    assert "File name too long" in results[long].error
    assert "no sidecar" in results[long].error or "sidecar=False" in results[long].error
    assert "name" in results["n" * 5000].error
    assert run(roll, tmp_path / "out", sidecar=False, skip_existing=True)[long].status == (
        "developed"
    )

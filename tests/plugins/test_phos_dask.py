import os
import re
import signal
import subprocess
import sys
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phos_core as phos
from phos_core.convolution.boundary import BOUNDARIES
from phos_core.convolution.methods import cpu
from phos_core.errors import PhosError, UnknownBackendError, UnknownFilmError
from phos_core.process.pipeline import reach_px
from phos_core.process.recipe import Recipe
from phos_darkroom.files.image_files import write_image
from phos_darkroom.roll import develop_roll

arrays = pytest.importorskip("phos_dask.arrays", reason="needs phos-dask and Dask")
import dask  # noqa: E402 - only where it is installed
import dask.array as da  # noqa: E402
from distributed import Client, LocalCluster, Security  # noqa: E402

import phos_dask  # noqa: E402
from phos_dask import scheduler  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
COARSE = {"pixel_pitch_um": 200.0}  # few pixels of reach, so that small pictures have chunks
CHUNKS = [(61, 40, 3), (29, 31, 1), ((1, 80, 14), (70, 1, 30), (2, 1)), (95, 101, 1)]
CLASS = 1e-5  # of a convolution's result
# Of a positive, as for the core's own tiles (tests/core/process/test_develop.py): a convolution may
# be off by a share of its brightest light, a lamp's, and development makes more
# of that where light is dim.
OF_WHITE = 2e-4


@pytest.fixture(autouse=True)
def one_thread():
    """Compute what is not meant for a cluster here, so that a failure shows where it is."""
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def picture(rng):
    """Noise with a lamp in it, which shows what reaches how far."""
    values = rng.random((95, 101, 3), dtype=np.float32) * 0.6
    values[40:44, 50:53] = 1.0
    return values


def as_dtype(picture, dtype):
    if np.dtype(dtype).kind == "f":
        return picture.astype(dtype)
    return (picture * np.iinfo(dtype).max).astype(dtype)


def assert_same_positive(chunked, whole):
    assert chunked.dtype == whole.dtype
    difference = np.abs(chunked.astype(np.float64) - whole)
    if whole.dtype == np.uint8:
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3
    else:
        white = 1.0 if whole.dtype.kind == "f" else np.iinfo(whole.dtype).max
        assert difference.max() <= OF_WHITE * white


# ------------------------------------------------------------------ the module


def test_the_plug_in_loads_no_dask():
    shown = subprocess.run(
        [sys.executable, "-c", "import sys, phos_dask; print('dask' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == ["False"]


def test_the_plug_in_offers_a_scheduler_that_can_be_found():
    (spec,) = phos_dask.phos_schedulers()
    assert (spec.name, spec.factory) == ("dask", "phos_dask.scheduler:executor")
    assert "tcp" in spec.schemes
    assert phos_dask.executor is scheduler.executor


def test_what_the_module_does_not_have_it_says():
    with pytest.raises(AttributeError, match="no attribute 'develope'"):
        _ = phos_dask.develope


# ------------------------------------------------------------------ develop


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
def test_a_picture_in_chunks_is_developed_as_it_is_whole(picture, dtype, chunks):
    image = as_dtype(picture, dtype)
    whole = phos.develop(image, "cinestill-800t", seed=5, **COARSE)
    chunked = phos_dask.develop(da.from_array(image, chunks), "cinestill-800t", seed=5, **COARSE)
    assert (chunked.shape, chunked.dtype) == (whole.shape, whole.dtype)
    assert_same_positive(chunked.compute(), whole)


@pytest.mark.parametrize("film", ["tri-x-400", "velvia-50"])
def test_a_grey_picture_in_chunks_is_developed_as_it_is_whole(picture, film):
    grey = as_dtype(picture[..., 1], "uint8")
    whole = phos.develop(grey, film, **COARSE)
    chunked = phos_dask.develop(da.from_array(grey, (50, 33)), film, **COARSE)
    assert_same_positive(chunked.compute(), whole)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_grain_of_chunks_is_that_of_the_whole_to_the_bit(dtype):
    flat = as_dtype(np.full((95, 101, 3), 0.5, np.float32), dtype)
    grain_alone = {"scatter": 0.0, "halation": 0.0, "couplers": 0.0, "pixel_pitch_um": 8.0}
    whole = phos.develop(flat, seed=9, **grain_alone)
    chunked = phos_dask.develop(da.from_array(flat, (7, 13, 2)), seed=9, **grain_alone)
    np.testing.assert_array_equal(chunked.compute(), whole)
    assert len(np.unique(whole)) > 100


@pytest.mark.parametrize(
    "wanted",
    [
        {"mode": "texture"},
        {"mode": "colour", "light": "daylight"},
        {"halation": 3.0, "scatter": 0.5, "couplers": 0.0, "frame": 7},
        {"offset_px": (31, 17), "push_stops": 0.0, "exposure_stops": 1.0},
        {"auto_balance": True, "exposure_stops": -1.5},
        {"encoding": "linear", "primaries": "rec2020", "printing": "endura-premier"},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_every_setting_says_of_chunks_what_it_says_of_the_whole(picture, wanted):
    recipe = Recipe(film="portra-400", seed=3, **COARSE, **wanted)
    whole = phos.develop(picture, recipe=recipe)
    chunked = phos_dask.develop(da.from_array(picture, (48, 60, 1)), recipe=recipe)
    assert_same_positive(chunked.compute(), whole)


def test_the_pitch_is_that_of_the_whole_picture(picture):
    large = np.tile(picture, (1, 6, 1))
    whole = phos.develop(large, "cinestill-800t")
    chunked = phos_dask.develop(da.from_array(large, (95, 300, 3)), "cinestill-800t")
    assert_same_positive(chunked.compute(), whole)


def test_a_picture_that_is_balanced_on_itself_is_measured_as_the_whole_is(rng):
    image = rng.random((300, 700, 3), dtype=np.float32) ** 2
    own = {"auto_balance": True, "grain": 0.0, "pixel_pitch_um": 400.0}
    whole = phos.develop(image, **own)
    chunked = phos_dask.develop(da.from_array(image, (100, 111, 3)), **own)
    assert_same_positive(chunked.compute(), whole)


def test_chunks_stay_unless_they_are_smaller_than_the_reach(picture):
    reach = reach_px(phos.load_film("cinestill-800t"), 200.0)
    assert 15 < reach < 45
    kept = phos_dask.develop(da.from_array(picture, (48, 51, 1)), "cinestill-800t", **COARSE)
    assert kept.chunks == ((48, 47), (51, 50), (3,))
    joined = phos_dask.develop(da.from_array(picture, (10, 101, 3)), "cinestill-800t", **COARSE)
    assert min(joined.chunks[0]) >= reach


def test_nothing_is_computed_before_it_is_asked_for():
    @dask.delayed
    def fail():
        raise RuntimeError("computed")

    image = da.from_delayed(fail(), (90, 90, 3), np.float32).rechunk(45)
    for result in (
        phos_dask.develop(image, auto_balance=True, **COARSE),
        phos_dask.convolve(image, phos.psf.gaussian(1.0)),
    ):
        with pytest.raises(RuntimeError, match="computed"):
            result.compute()


def test_a_film_of_a_file_travels_with_the_chunks(picture, tmp_path):
    own = tmp_path / "own.toml"
    stock = Path(phos.__file__).parent / "stocks" / "films" / "gold-200.toml"
    own.write_bytes(stock.read_bytes())
    chunked = phos_dask.develop(da.from_array(picture, (50, 50, 3)), own, **COARSE)
    own.unlink()
    assert_same_positive(chunked.compute(), phos.develop(picture, "gold-200", **COARSE))


def test_a_picture_without_pixels_stays_one():
    nothing = da.zeros((0, 5, 3), dtype=np.uint8)
    assert phos_dask.develop(nothing).compute().shape == (0, 5, 3)
    convolved = phos_dask.convolve(nothing, phos.psf.gaussian(1.0)).compute()
    assert (convolved.shape, convolved.dtype) == ((0, 5, 3), np.float32)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"film": "portra-401"}, UnknownFilmError, "did you mean"),
        ({"halation": -1.0}, ValueError, "halation must not be negative"),
        ({"no_such_setting": 1}, TypeError, "no_such_setting"),
        ({"seed": [1, 2]}, TypeError, "seed must be a whole number"),
        ({"seed": 1, "recipe": Recipe()}, TypeError, "not both"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_at_once(wrong, error, says):
    with pytest.raises(error, match=says):
        phos_dask.develop(da.zeros((0, 4), dtype=np.uint8), **wrong)


@pytest.mark.parametrize(
    ("array", "error", "says"),
    [
        (np.zeros((4, 4)), TypeError, "must be a dask.array, got ndarray"),
        (da.zeros((4, 4), dtype=np.int32), TypeError, "got int32; convert it first"),
        (da.zeros((4, 4, 4), dtype=np.uint8), ValueError, "leave the alpha channel out"),
        (da.zeros((2, 4, 4, 3), dtype=np.uint8), ValueError, r"\(rows, cols\) or"),
        (da.zeros((9, 9))[da.zeros(9) > 1], ValueError, "compute_chunk_sizes"),
    ],
    ids=["numpy", "int32", "alpha", "several", "unknown"],
)
def test_an_array_that_is_no_picture_is_refused_at_once(array, error, says):
    with pytest.raises(error, match=says):
        phos_dask.develop(array)


def test_what_is_wrong_in_the_pixels_is_found_when_they_are_computed():
    bright = phos_dask.develop(da.full((9, 9), 2.0, dtype=np.float32))
    with pytest.raises(ValueError, match="between 0 and 1"):
        bright.compute()


def test_a_backend_is_looked_for_where_the_chunk_is():
    elsewhere = phos_dask.develop(da.zeros((9, 9), dtype=np.uint8), backend="no-such")
    with pytest.raises(UnknownBackendError):
        elsewhere.compute()


# ------------------------------------------------------------------ convolve


def assert_same_image(chunked, whole, image, psf):
    assert chunked.dtype == whole.dtype
    assert chunked.shape == whole.shape
    assert np.abs(chunked - whole).max() <= 2 * CLASS * np.abs(image).max() * psf.l1  # each has one


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("chunks", [(40, 50, 1), (7, 5, 3), (95, 30, 2), (40, 101, 3)], ids=str)
def test_an_image_in_chunks_is_convolved_as_it_is_whole(rng, picture, boundary, chunks):
    lopsided = phos.psf.from_array(rng.random((13, 21)))
    whole = phos.convolve(picture, lopsided, boundary=boundary)
    chunked = phos_dask.convolve(da.from_array(picture, chunks), lopsided, boundary=boundary)
    assert_same_image(chunked.compute(), whole, picture, lopsided)


def sizes_of(side):
    """Any chunks of an axis."""
    cuts = st.sets(st.integers(1, side - 1), max_size=4)
    return cuts.map(lambda places: tuple(np.diff([0, *sorted(places), side]).tolist()))


@settings(max_examples=25)
@given(
    chunks=st.tuples(sizes_of(23), sizes_of(31)),
    radius=st.tuples(st.integers(0, 40), st.integers(0, 12)),
    boundary=st.sampled_from(BOUNDARIES),
)
def test_any_chunks_do_for_any_psf_at_any_boundary(chunks, radius, boundary):
    rng = np.random.default_rng(5)
    image = rng.normal(size=(23, 31))
    psf = phos.psf.from_array(rng.normal(size=(2 * radius[0] + 1, 2 * radius[1] + 1)))
    with dask.config.set(scheduler="synchronous"):
        chunked = phos_dask.convolve(da.from_array(image, chunks), psf, boundary=boundary).compute()
    assert_same_image(chunked, phos.convolve(image, psf, boundary=boundary), image, psf)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "bool", "float32", "float64", ">f4"])
def test_the_result_has_the_dtype_of_the_plain_one(rng, dtype):
    image = (rng.random((40, 50)) * 100).astype(dtype)
    psf = phos.psf.gaussian(1.5)
    chunked = phos_dask.convolve(da.from_array(image, 20), psf)
    whole = phos.convolve(image, psf)
    assert chunked.dtype == whole.dtype
    assert_same_image(chunked.compute(), whole, image, psf)


def test_each_channel_may_have_its_own_psf(picture):
    psfs = [phos.psf.gaussian(sigma) for sigma in (0.7, 1.5, 3.0)]
    chunked = phos_dask.convolve(da.from_array(picture, (40, 50, 1)), psfs)
    assert_same_image(chunked.compute(), phos.convolve(picture, psfs), picture, psfs[0])


@pytest.mark.parametrize(
    ("shape", "wrong", "says"),
    [
        ((9, 9), {"boundary": "reflect"}, "ambiguous"),
        ((9, 9), {"method": "magic"}, "method"),
        ((9, 9), {"psf": np.ones((2, 2))}, "odd"),
        ((9, 9, 3), {"psf": [np.ones((3, 3))] * 2}, "one per channel"),
        ((3, 9, 9), {}, "channels seem to come first"),
        ((2, 9, 9, 3), {}, r"\(rows, cols, channels\)"),
    ],
    ids=str,
)
def test_what_cannot_be_convolved_is_refused_at_once(shape, wrong, says):
    with pytest.raises(ValueError, match=says):
        phos_dask.convolve(da.zeros(shape), **{"psf": np.ones((3, 3)), **wrong})


# ------------------------------------------------------------------ a cluster

FILM = Recipe(film="gold-200", seed=11)
FRAMES = 40
WAIT_S = 600  # for workers, on a machine that has other things to do


@pytest.fixture(scope="module")
def cluster():
    """Four workers, each a process of one thread, with a nanny that replaces it if it dies."""
    four = LocalCluster(
        n_workers=4, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0
    )
    with four:
        yield four


@pytest.fixture(scope="module")
def roll(tmp_path_factory):
    """A folder of pictures, and one of their positives, developed here one after the other."""
    home = tmp_path_factory.mktemp("roll")
    (home / "negatives").mkdir()
    for number in range(FRAMES):
        noise = np.random.default_rng(number).integers(0, 256, (120, 160, 3), dtype=np.uint8)
        write_image(home / "negatives" / f"{number:02}.png", noise)
    results = develop_roll(home / "negatives", home / "plain", FILM, backend="scipy", jobs=1)
    assert [result.error for result in results] == [""] * FRAMES
    return home / "negatives", home / "plain"


@pytest.fixture
def bare_cluster():
    """Three workers without nannies, so that one that dies is gone."""
    command = [sys.executable, "-m", "dask", "worker", "--no-nanny", "--nthreads", "1"]
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty, ExitStack() as started:
        address = empty.scheduler_address
        for _ in range(3):
            worker = subprocess.Popen(
                [*command, "--no-dashboard", address],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            started.enter_context(worker)
            started.callback(worker.kill)
        with Client(empty, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=WAIT_S)
        yield empty


def processes_of(cluster):
    with Client(cluster, set_as_default=False) as client:
        return set(client.run(os.getpid).values())


def assert_equal_rolls(developed, plain):
    names = sorted(path.name for path in plain.glob("*.png"))
    assert len(names) == FRAMES
    assert sorted(path.name for path in developed.glob("*.png")) == names
    assert [
        name for name in names if (developed / name).read_bytes() != (plain / name).read_bytes()
    ] == []
    assert list(developed.glob("**/*.part")) == []


def develop_and_kill(cluster, negatives, output):
    """Develop a roll on a cluster, one of whose processes is killed midway; return its number."""
    victim = min(processes_of(cluster))
    results = []
    with phos_dask.executor(cluster.scheduler_address) as executor:
        for result in develop_roll(negatives, output, FILM, backend="scipy", executor=executor):
            results.append(result)
            if len(results) == FRAMES // 4:
                os.kill(victim, signal.SIGKILL)
    assert [result.error for result in results if result.error] == []
    assert len(results) == FRAMES
    return victim


def test_a_roll_is_whole_though_a_worker_is_killed_and_comes_back(cluster, roll, tmp_path):
    negatives, plain = roll
    killed = develop_and_kill(cluster, negatives, tmp_path)
    assert_equal_rolls(tmp_path, plain)
    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(4, timeout=WAIT_S)
    assert killed not in processes_of(cluster)


def test_a_roll_is_whole_though_a_worker_is_killed_for_good(bare_cluster, roll, tmp_path):
    negatives, plain = roll
    killed = develop_and_kill(bare_cluster, negatives, tmp_path)
    assert_equal_rolls(tmp_path, plain)
    left = processes_of(bare_cluster)
    assert len(left) == 2
    assert killed not in left


class DyingOnce(Executor):
    """Hands work on; the worker that has done a certain frame is killed before it says so."""

    def __init__(self, executor, frame, marker):
        self.executor, self.frame, self.marker = executor, frame, marker

    def submit(self, develop, job):
        frame, marker = self.frame, self.marker

        def develop_and_die(job):  # a function of a function goes to the worker as its code
            result = develop(job)
            if job.frame.source.name == frame and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return self.executor.submit(develop_and_die, job)


def test_a_frame_whose_worker_dies_when_it_is_written_is_whole(cluster, roll, tmp_path):
    negatives, plain = roll
    marker = tmp_path / "died"
    with phos_dask.executor(cluster.scheduler_address) as executor:
        dying = DyingOnce(executor, "17.png", marker)
        errors = [
            result.error
            for result in develop_roll(
                negatives, tmp_path / "out", FILM, backend="scipy", executor=dying
            )
        ]
    assert marker.exists()
    assert errors == [""] * FRAMES
    assert_equal_rolls(tmp_path / "out", plain)


def test_the_shell_develops_a_roll_on_a_cluster(cluster, roll, tmp_path):
    negatives, plain = roll
    told = subprocess.run(
        [
            *(sys.executable, "-m", "phos_darkroom", "develop", negatives, "-o", tmp_path),
            *("--film", "gold-200", "--seed", "11", "--backend", "scipy"),
            *("--scheduler", cluster.scheduler_address),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert_equal_rolls(tmp_path, plain)


def test_dask_arrays_are_computed_on_a_cluster(cluster, picture):
    image = da.from_array(picture, (40, 50, 1))
    positive = phos_dask.develop(image, "cinestill-800t", seed=2, auto_balance=True, **COARSE)
    psf = phos.psf.gaussian(2.0)
    with Client(cluster):
        developed, convolved = dask.compute(positive, phos_dask.convolve(image, psf))
    whole = phos.develop(picture, "cinestill-800t", seed=2, auto_balance=True, **COARSE)
    assert_same_positive(developed, whole)
    assert_same_image(convolved, phos.convolve(picture, psf), picture, psf)


def test_a_worker_keeps_to_one_thread_for_each_task_as_long_as_it_works_for_us(cluster):
    with Client(cluster, set_as_default=False) as client:
        with phos_dask.executor(cluster.scheduler_address) as executor:
            assert executor.submit(cpu.usable_cores).result() == 1
            assert set(client.run(os.getenv, cpu.THREADS).values()) == {"1"}
        assert set(client.run(os.getenv, cpu.THREADS).values()) == {None}


def test_what_a_workers_environment_says_of_threads_stands(monkeypatch):
    monkeypatch.setenv(cpu.THREADS, "3")
    limit = phos_dask.ThreadLimit()
    limit.setup(None)
    assert os.environ[cpu.THREADS] == "3"
    limit.teardown(None)
    assert os.environ[cpu.THREADS] == "3"


@pytest.mark.parametrize(
    ("address", "reason"),
    [("tcp://127.0.0.1:1", "dask scheduler"), ("tcp://127.0.0.1", "missing port"), ("no", "port")],
)
def test_an_address_at_which_nobody_answers_is_one_clear_error(monkeypatch, address, reason):
    monkeypatch.setattr(scheduler, "PATIENCE_S", 0.3)
    with pytest.raises(PhosError, match=f"no Dask scheduler at {address}: .*{reason}"):
        phos_dask.executor(address).__enter__()


def test_a_workers_address_is_told_from_a_schedulers(cluster):
    with Client(cluster, set_as_default=False) as client:
        (worker, *_) = client.run(os.getpid)
    with pytest.raises(PhosError, match=f"a worker listens there.*{cluster.scheduler_address}"):
        phos_dask.executor(worker).__enter__()


def test_workers_that_lack_phos_are_one_clear_error(cluster, monkeypatch):
    monkeypatch.setattr(scheduler, "PACKAGE", "phos_no_such")
    with pytest.raises(PhosError, match=r"4 of 4 workers .* cannot import phos_no_such, tcp:"):
        phos_dask.executor(cluster.scheduler_address).__enter__()


def test_a_cluster_without_workers_is_waited_for_with_a_word():
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty, ExitStack() as open_ones:
        with pytest.warns(UserWarning, match="has no workers yet"):
            executor = open_ones.enter_context(phos_dask.executor(empty.scheduler_address))
        later = executor.submit(os.getpid)
        empty.scale(1)
        assert later.result(timeout=WAIT_S) != os.getpid()


@pytest.fixture
def certificates(tmp_path):
    """Certificates in files, and the options of Dask's configuration that name them."""
    pytest.importorskip("cryptography", reason="needs cryptography, to make certificates")
    made = Security.temporary()
    (tmp_path / "ca.pem").write_text(made.tls_ca_file)
    (tmp_path / "cert.pem").write_text(made.tls_client_cert)
    (tmp_path / "key.pem").write_text(made.tls_client_key)
    names = {"ca-file": "ca.pem"}
    for role in ("client", "scheduler", "worker"):
        names |= {f"{role}.cert": "cert.pem", f"{role}.key": "key.pem"}
    return {f"distributed.comm.tls.{key}": str(tmp_path / name) for key, name in names.items()}


@pytest.mark.parametrize("given", ["by Dask's configuration", "as an argument"])
def test_a_cluster_is_reached_by_tls(certificates, given):
    with dask.config.set(certificates):
        security = Security(require_encryption=True)
    options = certificates if given == "by Dask's configuration" else {}
    own = None if options else security
    with (
        LocalCluster(n_workers=1, dashboard_address=":0", security=security) as encrypted,
        dask.config.set(options),
        phos_dask.executor(encrypted.scheduler_address, security=own) as executor,
    ):
        assert encrypted.scheduler_address.startswith("tls://")
        assert executor.submit(os.getpid).result(timeout=WAIT_S) != os.getpid()


def test_a_cluster_that_asks_for_certificates_is_one_clear_error_without(certificates):
    with dask.config.set(certificates):
        security = Security(require_encryption=True)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", security=security) as encrypted,
        pytest.raises(PhosError, match="no Dask scheduler at tls://"),
    ):
        phos_dask.executor(encrypted.scheduler_address).__enter__()


# ------------------------------------------------------------------ what is shown


def test_the_example_runs_on_a_cluster(cluster, roll, tmp_path):
    negatives, _ = roll
    told = subprocess.run(
        [
            *(sys.executable, ROOT / "examples" / "roll_with_any_executor.py"),
            *(cluster.scheduler_address, negatives, tmp_path),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(told.stdout.splitlines()) == [f"{n:02}.png: developed" for n in range(FRAMES)]


def test_the_pages_python_prints_what_the_page_shows():
    page = (ROOT / "docs" / "dask.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert ran.stdout == shown

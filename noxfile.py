#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Every command that a person or a machine runs here: ``nox -l`` lists them.

Core and plug-in are always installed in one command, so that the plug-in finds the core of this
checkout and not another distribution of that name.
"""

import itertools
import os
import secrets
import shutil
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "types"]
# uv compiles nothing: where Python may keep no code, each process that a test starts would compile.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent
SOURCES = (
    "phos_core/src",
    "plugins/phos_darkroom/src",
    "plugins/phos_bench/src",
    "plugins/phos_video/src",
)
TOOLS = nox.project.load_toml("pyproject.toml")
CV2 = ("-e", "./plugins/phos_cv2[headless]")
DARKROOM = ("-e", "./plugins/phos_darkroom")
BENCH = ("-e", "./plugins/phos_bench")
FORMATS = ("exr", "heif", "raw", "spaces", "lens")
ALL_FORMATS = ("-e", f"./plugins/phos_darkroom[{','.join(FORMATS)}]")
CORE = ("-e", "./phos_core")
CORE_WITH_TESTS = ("-e", "./phos_core[testing]")
VIDEO = ("-e", "./plugins/phos_video")  # its tests of files skip where there is no ffmpeg
EVERYTHING = (*CORE_WITH_TESTS, *ALL_FORMATS, *BENCH, *CV2, *VIDEO)
TORCH = ("-e", "./plugins/phos_torch", "torch==2.13.0")
NUMBA = ("-e", "./plugins/phos_numba")
ELSEWHERE = (
    "tests/app", "tests/cross", "tests/plugins", "tests/video", "tests/test_docs.py",
    "tests/test_examples.py",
)  # fmt: skip
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # of NumPy's solvers, beside workers on every core
CUPY = ("-e", "./plugins/phos_cupy[cuda13x]")
DASK = ("-e", "./plugins/phos_dask")
APP = ("-e", "./plugins/phos_app[testing]")

MLX = ("-e", "./examples/phos_mlx")

BACKENDS = {  # name: what brings its library, where its tests are, what of it runs on any machine
    "scipy": ((), ("tests/core/convolution/methods/test_scipy_backend.py",), "scipy"),
    "cv2": (CV2, ("tests/plugins/test_phos_cv2.py",), "cv2"),
    "numba": (NUMBA, ("tests/plugins/test_phos_numba.py",), "numba"),
    "torch": (
        TORCH,
        (
            "tests/plugins/test_phos_torch.py",
            "tests/plugins/test_phos_torch_tensors.py",
            "tests/plugins/test_comfyui_example.py",
            "tests/mps",
        ),
        "torch:cpu",
    ),
    "cupy": (
        CUPY,
        ("tests/plugins/test_phos_cupy.py",),
        None,
    ),
    "mlx": (MLX, ("examples/phos_mlx/tests",), "mlx"),
}
OF_SEVERAL_BACKENDS = (  # tests that try whichever of these libraries they find
    "tests/core/convolution/test_extremes.py", "tests/core/process/test_bounds.py",
    "tests/core/process/test_raw_errors.py", "tests/core/process/test_thin_pictures.py",
    "tests/darkroom/test_large.py",
)  # fmt: skip


def tools(group: str) -> list[str]:
    """Return the pinned tools of one group in pyproject.toml."""
    return list(nox.project.dependency_groups(TOOLS, group))


def pytest_on_every_core(session: nox.Session, *arguments: str) -> None:
    """Run pytest with a worker on every core."""
    session.run("pytest", "-n", "auto", "--dist", "worksteal", *arguments, env=ONE_THREAD)


@nox.session
def demo(session: nox.Session) -> None:
    """Develop the bundled photo; prints where before and after stand side by side."""
    session.install(*CORE, *DARKROOM)
    session.run("python", "examples/develop_photo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on every core; long ones and plug-ins' have sessions of their own."""
    session.install(*EVERYTHING, *tools("tests"))
    elsewhere = [] if session.posargs else [f"--ignore={place}" for place in ELSEWHERE]
    pytest_on_every_core(session, "-m", "not proof", *elsewhere, *session.posargs)


@nox.session
def proof(session: nox.Session) -> None:
    """Run the long tests: full products, and programs that are started, killed and measured."""
    session.install(*EVERYTHING, *tools("tests"))
    examples = [] if session.posargs else ["--ignore=tests/test_examples.py"]  # are in `docs`
    pytest_on_every_core(session, "-m", "proof", *examples, *session.posargs)


@nox.session
def explore(session: nox.Session) -> None:
    """Search at random for what breaks a law; prints its seed, and gates nothing."""
    session.install(*EVERYTHING, *NUMBA, *DASK, *tools("tests"))
    seed = f"--hypothesis-seed={secrets.randbelow(2**32)}"  # the last one given counts
    random = ("--hypothesis-profile=explore", "-m", "hypothesis", seed)
    session.run("pytest", *random, *session.posargs, success_codes=[0, 1])


@nox.session
def torture(session: nox.Session) -> None:
    """Make files, memory, signals and a backend fail at every moment: docs/reliability.md."""
    session.install(*CORE, *DARKROOM)
    session.run("python", "benchmarks/torture", *session.posargs)


@nox.session
def steady(session: nox.Session) -> None:
    """Run the tests ten times: in order, shuffled, and on a busy machine."""
    session.install(*EVERYTHING, *tools("tests"), *tools("steady"))
    session.run("python", "benchmarks/steady.py", *session.posargs, env=ONE_THREAD)


@nox.session
@nox.parametrize("name", [nox.param(name, id=name) for name in BACKENDS])
def backend(session: nox.Session, name: str) -> None:
    """Prove one backend where no library but its own is installed."""
    library, where, proved = BACKENDS[name]
    session.install(*CORE_WITH_TESTS, *library, *tools("tests"))
    session.run("pytest", *where, *session.posargs)
    if proved is not None:
        prove_plug_in(session, proved)


def prove_plug_in(session: nox.Session, backend: str) -> None:
    """Run what the kit asks of a backend's plug-in; what it asks of the backend, its tests do."""
    kit = ("--pyargs", "phos_core.testing.conformance.test_plug_in")
    session.run("pytest", f"--phos-backend={backend}", *kit)


@nox.session
def dask(session: nox.Session) -> None:
    """Develop a roll and dask arrays on a local cluster, whose workers are killed."""
    session.install(*CORE_WITH_TESTS, *DARKROOM, *DASK, *tools("tests"), *tools("dask"))
    session.run("pytest", "tests/plugins/test_phos_dask.py", *session.posargs)


@nox.session
def app(session: nox.Session) -> None:
    """Ask the app's server, drive its page in a Chromium, if there is one; a page in Streamlit."""
    session.install(*CORE_WITH_TESTS, *ALL_FORMATS, *NUMBA, *APP, *tools("tests"))
    pytest_on_every_core(session, "tests/app", *session.posargs)


@nox.session
def video(session: nox.Session) -> None:
    """Read, develop and write clips, with the ffmpeg of this machine, if there is one."""
    session.install(*CORE_WITH_TESTS, *ALL_FORMATS, *NUMBA, *VIDEO, *tools("tests"))
    pytest_on_every_core(session, "tests/video", *session.posargs)


@nox.session
def app_pictures(session: nox.Session) -> None:
    """Photograph the app's page in a Chromium, wide and on a telephone."""
    session.install(*CORE, *DARKROOM, *NUMBA, *APP)
    session.run("python", "examples/make_app_pictures.py", *session.posargs)


@nox.session
def cross(session: nox.Session) -> None:
    """Prove the backends that a CPU runs, all of PHOS_REQUIRE, and compare each two of them."""
    demanded = os.environ.get("PHOS_REQUIRE", "scipy,cv2,numba,torch:cpu,mlx")
    session.env["PHOS_REQUIRE"] = demanded
    session.install(*EVERYTHING, *NUMBA, *TORCH, *MLX, *tools("tests"))
    own = [place for _, places, _ in BACKENDS.values() for place in places]
    where = session.posargs or ["tests/cross", *own, *OF_SEVERAL_BACKENDS]
    pytest_on_every_core(session, "-m", "not proof", *where)
    if not session.posargs:  # of the backend for Apple silicon: it needs PyTorch
        pytest_on_every_core(session, "-m", "proof", "tests/mps/test_metal_backend.py")
    for name in demanded.split(","):
        prove_plug_in(session, name)


@nox.session
def gpu(session: nox.Session) -> None:
    """Prove, compare and measure the GPU backends; fails where one of PHOS_REQUIRE cannot run."""
    demanded = os.environ.get("PHOS_REQUIRE", "cupy,torch:cuda")
    session.env["PHOS_REQUIRE"] = demanded
    plugins = (*CUPY, "-e", "./plugins/phos_torch", "-e", "./plugins/phos_cv2[headless]")
    session.install(*CORE_WITH_TESTS, *ALL_FORMATS, *BENCH, *plugins, *tools("tests"))
    for name in demanded.split(","):
        session.run("python", "-m", "phos_core.testing.conformance", name)
    session.run("pytest", "tests/cross", "tests/plugins", *session.posargs)
    session.run("python", "benchmarks/bench_gpu.py")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and the direction of imports."""
    session.install(*tools("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", env={"PYTHONPATH": os.pathsep.join(SOURCES)})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of all distributions, strictly."""
    session.install(*EVERYTHING, "-e", "./plugins/phos_app", *tools("types"))
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Follow every link of the docs, run their code and the examples."""
    session.install(*EVERYTHING, *tools("tests"), *tools("pictures"))
    where = ("tests/test_docs.py", "tests/test_examples.py")
    pytest_on_every_core(session, *where, *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Make the site of the docs; a warning is an error. It says where the first page is."""
    session.install(*CORE_WITH_TESTS, *DARKROOM, *DASK, *VIDEO, *tools("site"))
    built = ROOT / "docs" / "_build"
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-E", "docs", str(built))
    session.log(f"{built / 'index.html'}")


@nox.session
def minimums(session: nox.Session) -> None:
    """Run the tests with the oldest dependencies that the distributions allow."""
    oldest_ones = (
        *oldest("phos_core"),
        *oldest("plugins/phos_darkroom"),
        *oldest("plugins/phos_cv2"),
    )
    session.install(*EVERYTHING, *tools("tests"), *oldest_ones)
    # phos_video has no library of its own: what its tests ask of ffmpeg, `video` has asked.
    where = session.posargs or ["--ignore=tests/video"]
    pytest_on_every_core(session, "-m", "not proof", *where)


def oldest(distribution: str) -> list[str]:
    """Return a distribution's run-time dependencies, each held at its lowest release."""
    project = tomllib.loads((ROOT / distribution / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {})
    optional = (extras.get(name, []) for name in ("headless", *FORMATS))
    dependencies = [*project["dependencies"], *itertools.chain.from_iterable(optional)]
    lower_bounds = [dependency.split(",")[0] for dependency in dependencies]
    others = (bound for bound in lower_bounds if not bound.startswith("phos-"))
    return [bound.replace(">=", "==") + ".*" for bound in others]


@nox.session
def wheels(session: nox.Session) -> None:
    """Build every distribution, install the wheels in a clean place, develop one picture."""
    session.install("build", "hatchling")
    built = Path(session.create_tmp()) / "dist"
    shutil.rmtree(built, ignore_errors=True)
    for distribution in ("phos_core", *sorted(map(str, Path("plugins").iterdir()))):
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(built), distribution)
    names = ("phos_core", "phos_darkroom", "phos_bench", "phos_cv2")
    *others, plugin = (str(next(built.glob(f"{name}-*.whl"))) for name in names)
    session.install("--force-reinstall", "--no-deps", *others, plugin)
    session.install(*others, f"{plugin}[headless]")
    photo = ROOT / "examples/photos/seeding.jpg"
    with session.chdir(built):
        for backend in ("scipy", "cv2"):
            session.run(
                "phos", "develop", str(photo), "-o", f"{backend}.jpg", "--backend", backend,
                "--overwrite",
            )  # fmt: skip
        session.run("phos", "bench", "--help", silent=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the CPU backends beside other libraries: docs/speed.md (--write: writes it)."""
    session.install(*CORE, *DARKROOM, *BENCH, *CV2, *NUMBA, *TORCH, *tools("pictures"))
    session.run("python", "benchmarks/bench_speed.py", *session.posargs)


@nox.session
def guard(session: nox.Session) -> None:
    """Count what phos has to do; fails where it is a fifth more than it was (--write: renews)."""
    session.install(*CORE, *DARKROOM, *BENCH)
    session.run("python", "benchmarks/guard.py", *session.posargs)


@nox.session
def renders(session: nox.Session) -> None:
    """Write the hash of every stock's render to a file, or compare with those that it holds."""
    session.install(*CORE, *DARKROOM, *NUMBA)
    session.run("python", "benchmarks/render_hashes.py", *session.posargs)


@nox.session
def agreement(session: nox.Session) -> None:
    """Show how well the backends agree, against the brightness of the highlights."""
    session.install(*CORE, *DARKROOM, *BENCH, *CV2)
    session.run("python", "benchmarks/bench_agreement.py", *session.posargs)


@nox.session
def look(session: nox.Session) -> None:
    """Measure each stock's look: prints docs/looks.md (--write, --check, profiles, push)."""
    session.install(*CORE, *DARKROOM, *tools("tests"))
    session.run("python", "benchmarks/bench_look.py", *session.posargs)


@nox.session
def luts(session: nox.Session) -> None:
    """Print how close lookup tables come to `develop`; -- files: as other programs read them."""
    session.install(*CORE, *DARKROOM, "opencolorio>=2.5", *tools("tests"))
    name = "bench_lut_files" if "files" in session.posargs else "bench_lut"
    session.run("python", f"benchmarks/{name}.py")


@nox.session
def spaces(session: nox.Session) -> None:
    """Print how colour spaces by name come back, and their greys (--write: docs/spaces.md)."""
    session.install(*CORE, "-e", "./plugins/phos_darkroom[spaces]", *tools("tests"))
    session.run("python", "benchmarks/bench_spaces.py", *session.posargs)


@nox.session
def film_table(session: nox.Session) -> None:
    """Measure each stock against its data sheet: prints docs/film-table.md (--write: writes it)."""
    session.install(*CORE, *DARKROOM, *tools("tests"))
    session.run("python", "benchmarks/bench_films.py", *session.posargs)


@nox.session(reuse_venv=False)
def plugin_template(session: nox.Session) -> None:
    """Write a plug-in from its template, build its wheel, install it, prove it, develop with it."""
    session.install("build", "pytest-xdist", "./phos_core[testing]", "./plugins/phos_darkroom")
    made = Path(session.create_tmp()) / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    photo = ROOT / "examples/photos/seeding.jpg"
    with session.chdir(made):
        session.run("phos", "plugin", "new", "acme")
        session.run("python", "-m", "build", "--wheel", "--outdir", "dist", "phos-acme")
        session.install(*map(str, Path("dist").glob("*.whl")))
        session.run("phos", "backends")
        session.run("phos", "plugin", "list")
        session.run("phos", "plugin", "check", "acme")
        kit = ("--pyargs", "phos_core.testing.conformance")
        pytest_on_every_core(session, "--phos-backend=acme", *kit)
        session.run("phos", "develop", str(photo), "-o", "acme.jpg", "--backend", "acme")


@nox.session
def pictures(session: nox.Session) -> None:
    """Render the pictures, the plots and the gallery of the docs again."""
    session.install(*CORE, *DARKROOM, *tools("pictures"))
    for script in ("make_pictures.py", "make_plots.py", "make_gallery.py"):
        session.run("python", f"examples/{script}")


if __name__ == "__main__":
    nox.main()

"""What a GPU does: speed on the device and host to host, agreement, energy, memory.

    python benchmarks/bench_gpu.py --help

Each backend is measured in a process of its own; everything measured goes into one JSON file, raw.
"""

import argparse
import hashlib
import json
import math
import platform
import statistics
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import phos_core as phos
from phos_core.backend import MemoryInfo, usable_cores
from phos_core.convolution import select
from phos_core.effects.halation import halation_psfs
from phos_core.effects.scatter import scatter_psfs
from phos_core.psf import from_array, mixture
from phos_darkroom import over_gpus, visible_gpus

HERE = Path(__file__).parent
ROOT = HERE.parent
DEVICES = ("cupy", "torch:cuda")
FILMS = ("cinestill-800t", "portra-400", "tri-x-400", "velvia-50")
ROWS, COLS = 2000, 3000
PITCH_UM = 36_000 / COLS
PSF_SIDES = (61, 121, 201, 401)
BATCH = 10
ROLL = 32
SAMPLES = 20
ROLL_SAMPLES = 5
REPEATS = 50  # of each part of a picture's work, one right after another
COPY_BYTES = 2**30
ROLLS = 20  # for each GPU
IN_A_ROW = 10
LONG_RUN = 200
TOLD_BYTES = 2**30  # less than a whole picture takes by the estimate
CAP_BYTES = 500 * 2**20  # less than it takes indeed, more than the smallest tile does
SMALL_SIDES = (64, 128, 256, 512, 1024)
DISTRIBUTIONS = (
    *("phos-core", "phos-cupy", "phos-torch", "numpy", "scipy"),
    *("cupy-cuda13x", "torch", "cuda-core"),
)


def main():
    """Measure every GPU backend that can run, print the tables, write the JSON."""
    options = read_options()
    if options.one:
        work = measure_first if options.first else measure
        print(json.dumps(work(options.one)))
        return
    if options.show:
        print(table(json.loads(options.show.read_text())))
        return
    if options.several:
        print(several_table(over_several(options.backend or DEVICES)))
        return
    names = options.backend or [
        report.name
        for report in phos.backends()
        if report.status == "ok" and report.name in DEVICES
    ]
    if not names:
        sys.exit("no GPU backend can run here; phos backends says why")
    results = [measured_apart(name) for name in names]
    for result in results:  # what was compiled at the first try is on the disk now
        result["next_first_develop_s"] = measured_apart(result["backend"], "--first")
    record = {"setting": setting(options), "results": results}
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"gpu-{datetime.now():%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(record, indent=1))
    print(table(json.loads(path.read_text())))
    print(f"\nsaved: {path}")


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", action="append", help="only this one (may be repeated)")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the JSON")
    parser.add_argument("--commit", help="the commit measured, where git cannot say")
    parser.add_argument("--show", type=Path, help="only print the tables of a JSON file")
    parser.add_argument(
        "--several", action="store_true", help="only a roll over each number of GPUs"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def measured_apart(name, *options):
    """Measure one backend in a fresh process: libraries do not share their memory pools."""
    command = [sys.executable, __file__, "--one", name, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(name):
    """Return everything that is measured of a backend."""
    backend = select(name).backend
    return {
        "backend": name,
        "first_develop_s": measure_first(name),
        "on_device_ms": on_device(backend),
        "host_to_host_ms": host_to_host(backend, name),
        "roll_ms": roll(backend, name),
        "parts": parts(backend, name),
        "small_ms": small_pictures(name),
        "agreement": [agreement(name, film) for film in FILMS],
        "scatter_energy_error": {film: scatter_energy_error(backend, film) for film in FILMS},
        "in_a_row_ms": [
            1000 * seconds_of(partial(develop, codes(), name)) for _ in range(IN_A_ROW)
        ],
        "long_run": long_run(backend, name),
        "ladder": ladder(backend, name),
    }


def measure_first(name):
    """Return the seconds of the first develop of a process."""
    return seconds_of(partial(develop, codes(), name))


def develop(image, name, **settings):
    """Develop a picture with a fixed seed."""
    return phos.develop(image, backend=name, seed=5, **settings)


def develop_with_report(image, name, **settings):
    """`develop`, and its report."""
    return phos.develop_with_report(image, backend=name, seed=5, **settings)


def codes():
    """Return a picture of 8-bit codes: a photo's gradients and clipped lamps, made by numbers."""
    return np.round(255 * np.clip(scene(1.5), 0, 1) ** (1 / 2.2)).astype(np.uint8)


def scene(brightest):
    """Return scene light over a wide range, with hard edges and lamps as bright as asked."""
    rng = np.random.default_rng(4)
    light = 0.18 * 2.0 ** rng.normal(0, 1.2, (ROWS, COLS, 3))
    light[:, COLS // 2 :] *= np.linspace(0.01, 2, COLS - COLS // 2)[None, :, None]
    light[600:1000, 400:900] = 0.003
    light[800:820, 600:620] = brightest
    light[200:400, 2100:2300] = brightest / 4
    return light.astype(np.float32)


def on_device(backend):
    """Return milliseconds of work on planes and pictures that are on the device already."""
    rng = np.random.default_rng(1)
    plane = backend.to_device(rng.random((ROWS, COLS), dtype=np.float32))
    layers = backend.to_device(rng.random((3, ROWS, COLS), dtype=np.float32))
    wide = {side: from_array(rng.random((side, side))) for side in PSF_SIDES}
    gaussians = [mixture([(0.7, 2.0 + i), (0.2, 6.0 + i), (0.1, 10.5 + i)]) for i in range(3)]
    halation = list(
        halation_psfs(phos.load_film("cinestill-800t").halation, pixel_pitch_um=PITCH_UM)
    )
    picture = backend.xp.asarray(codes(), device=backend.device)
    batch = backend.xp.stack([picture] * BATCH)
    work = {
        f"one layer, PSF of {side} x {side}": partial(backend.convolve, plane, psf)
        for side, psf in wide.items()
    } | {
        "three layers, three Gaussians each": partial(backend.convolve, layers, gaussians),
        "three layers, CineStill's halation": partial(backend.convolve, layers, halation),
        "develop 8 bits on portra-400, held on the device": partial(develop, picture, backend.name),
        f"{BATCH} of them in one call": partial(develop, batch, backend.name),
    }
    return {what: milliseconds(function, backend) for what, function in work.items()}


def milliseconds(function, backend, samples=SAMPLES):
    """Return the time of each of some runs, the device idle before and after each."""
    for _ in range(3):
        function()
    backend.synchronize()
    return [1000 * seconds_of(lambda: (function(), backend.synchronize())) for _ in range(samples)]


def seconds_of(function):
    """Return how long a function takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def host_to_host(backend, name):
    """Return the time of whole develops of an 8-bit picture, and the median of each step.

    From and to page-locked memory; from and to NumPy's, `out` given again and again; without `out`.
    """
    picture = codes()
    out = np.empty_like(picture)
    locked, locked_out = page_locked(name, picture), page_locked(name, picture)
    found = {}
    for film in FILMS:
        ways = {
            "page-locked": partial(develop, locked, name, film=film, out=locked_out),
            "samples": partial(develop, picture, name, film=film, out=out),
            "new out": partial(develop, picture, name, film=film),
        }
        one = {way: milliseconds(function, backend) for way, function in ways.items()}
        reports = [
            develop_with_report(locked, name, film=film, out=locked_out)[1].step_seconds
            for _ in range(SAMPLES)
        ]
        one["steps"] = {
            step: statistics.median(1000 * r[step] for r in reports) for step in reports[0]
        }
        found[film] = one
    return found


def roll(backend, name):
    """Return the time of a roll in one call, from and to each kind of memory."""
    pictures = np.stack([codes()] * ROLL)
    out = np.empty_like(pictures)
    locked, locked_out = page_locked(name, pictures), page_locked(name, pictures)
    ways = {
        "page-locked": partial(develop, locked, name, out=locked_out),
        "out given": partial(develop, pictures, name, out=out),
        "new out": partial(develop, pictures, name),
    }
    return {way: milliseconds(function, backend, ROLL_SAMPLES) for way, function in ways.items()}


def page_locked(name, array):
    """Return a copy of an array in page-locked memory, by the library's own means."""
    if name == "cupy":
        import cupyx

        copy = cupyx.empty_pinned(array.shape, array.dtype)
    else:
        import torch

        copy = torch.empty(array.shape, dtype=torch.uint8, pin_memory=True).numpy()
    copy[...] = array
    return copy


@contextmanager
def noting(backend, *names):
    """Note each call of a backend's methods, and of what `compile` makes."""
    calls = []

    def noted(function):
        def call(*arguments, **settings):
            calls.append(partial(function, *arguments, **settings))
            return function(*arguments, **settings)

        return call

    own = backend.compile
    for name in names:
        setattr(backend, name, noted(getattr(backend, name)))
    backend.compile = lambda chain: noted(own(chain))
    try:
        yield calls
    finally:
        for name in names:
            delattr(backend, name)
        backend.compile = own


PARTS = {  # of a picture on a negative, in their order: bytes that each has to read and write
    "upload": (3, 0),
    "expose": (3, 12),
    "scatter and halation": (12, 12),
    "release inhibitor": (12, 12),
    "spread inhibitor": (12, 12),
    "grain": (0, 12),
    "develop, print, encode": (36, 3),
    "download": (3, 0),
}


def parts(backend, name):
    """Return the device's time for each part of a picture, and what its memory and bus can do.

    Each part is done again and again without a gap between: the host's time is hidden where it
    is the shorter.
    """
    picture, out = page_locked(name, codes()), page_locked(name, codes())
    with noting(backend, "to_device", "convolve", "grain_noise") as calls:
        develop(picture, name, out=out)
    on_device = backend.xp.asarray(codes(), device=backend.device)
    positive = backend.xp.moveaxis(backend.xp.empty_like(on_device), -1, 0)
    finish = partial(calls[-1].func, *calls[-1].args, out=positive)  # as it lies in a picture
    download = partial(backend._kernels.transfers.download, on_device, out)
    measured = dict(zip(PARTS, [*calls[:-1], finish, download], strict=True))
    pixels = ROWS * COLS
    rates = ceilings(backend, picture, download)
    return {
        "rates": rates,
        "ms": {what: queued_ms(call, backend) for what, call in measured.items()},
        "floor_ms": {
            what: 1000
            * pixels
            * sum(PARTS[what])
            / rates[{"upload": "up", "download": "down"}.get(what, "memory")]
            for what in measured
        },
    }


def ceilings(backend, picture, download):
    """Return bytes a second of the device's memory, read and written, and of the bus each way."""
    xp = backend.xp
    source = xp.zeros(COPY_BYTES, dtype=xp.uint8, device=backend.device)
    to = xp.empty_like(source)

    def copy():
        to[...] = source

    return {
        "memory": 2 * COPY_BYTES / queued_ms(copy, backend) * 1000,
        "up": picture.nbytes / queued_ms(partial(backend.to_device, picture), backend) * 1000,
        "down": picture.nbytes / queued_ms(download, backend) * 1000,
    }


def queued_ms(function, backend):
    """Return the device's milliseconds for one of many runs that wait in its queue."""
    for _ in range(3):
        function()
    backend.synchronize()
    start = time.perf_counter()
    for _ in range(REPEATS):
        function()
    backend.synchronize()
    return 1000 * (time.perf_counter() - start) / REPEATS


def over_several(names):
    """Return the pictures a second that each number of GPUs develops, a process for each GPU.

    The first roll of a process, which imports and compiles, does not count.
    """
    gpus = visible_gpus()
    found = {}
    for name in names:
        for count in range(1, len(gpus) + 1):
            work = partial(develop_roll, name=name)
            runs = list(over_gpus(work, range(ROLLS * count), gpus[:count]))
            later = [(start, end) for first, start, end in runs if not first]
            seconds = max(end for _, end in later) - min(start for start, _ in later)
            found[f"{name}, {count} of {len(gpus)} GPUs"] = ROLL * len(later) / seconds
    return found


@cache
def a_roll():
    """Return the pictures of a roll, and where their positives go: made once in a process."""
    pictures = np.stack([codes()] * ROLL)
    return pictures, np.empty_like(pictures)


def develop_roll(number, name):
    """Develop a roll; return whether it is the first here, and when it began and ended."""
    first = a_roll.cache_info().currsize == 0
    pictures, out = a_roll()
    start = time.monotonic()
    develop(pictures, name, frame=number, out=out)
    return first, start, time.monotonic()


def several_table(rates):
    """Return the lines of the rates."""
    rows = [f"| {what} | {rate:.0f} |" for what, rate in rates.items()]
    return "\n".join(["| a roll over GPUs | pictures a second |", "|---|---|", *rows])


def small_pictures(name):
    """Return median milliseconds of small square pictures, here and on the CPU."""
    image = codes()
    found = {}
    for side in SMALL_SIDES:
        crop = np.ascontiguousarray(image[:side, :side])
        found[side] = {
            each: statistics.median(
                1000 * seconds_of(partial(develop, crop, each)) for _ in range(7)
            )
            for each in (name, "scipy")
        }
    return found


def agreement(name, film):
    """Compare whole renders, grain included, with those of the CPU."""
    found = {"film": film}
    for brightest in (1.0, 30.0, 1000.0):
        image = scene(brightest)
        here, there = (
            develop(image, each, film=film, encoding="linear").astype(np.float64)
            for each in (name, "scipy")
        )
        error = np.abs(here - there)
        found[f"lamps {brightest:g} x white"] = {
            "max": float(error.max()),
            "psnr_db": -10 * math.log10(float((error**2).mean()) + 1e-30),
        }
    here, there = (develop(codes(), each, film=film).astype(int) for each in (name, "scipy"))
    found["8 bits"] = {
        "max_codes": int(np.abs(here - there).max()),
        "share_that_differs": float((here != there).mean()),
    }
    return found


def ladder(backend, name):
    """Take memory away; return what happened and how far the picture is from that of the whole."""
    image = scene(1.0)
    whole = develop(image, name, encoding="linear")

    def attempt(chosen=name, **settings):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                positive, report = develop_with_report(image, chosen, encoding="linear", **settings)
            except phos.errors.OutOfMemoryError as error:
                return {"error": str(error)}
        return {
            "backend": report.backend,
            "tiles": report.tiles,
            "events": list(report.events),
            "warnings": len(caught),
            "max": float(np.abs(positive - whole).max()),
        }

    found = {}
    backend.release()
    with limited(backend, TOLD_BYTES):
        found["told to use less than the whole takes"] = attempt()
    backend.release()
    with allocator_capped(name, CAP_BYTES), unknown_memory(backend):
        found["the allocator refuses the whole"] = attempt()
    with limited(backend, 2**20):
        if select().backend is backend:
            found["not even tiles fit, nobody named a backend"] = attempt(None)
            found["not even tiles fit, strict"] = attempt(None, strict=True)
        found["not even tiles fit, the backend was named"] = attempt()
    backend.release()
    return found


@contextmanager
def limited(backend, limit_bytes):
    """Tell a backend to use so much memory at most."""
    backend.limits = replace(backend.limits, memory_bytes=limit_bytes)
    try:
        yield
    finally:
        backend.limits = replace(backend.limits, memory_bytes=None)


@contextmanager
def unknown_memory(backend):
    """Keep a backend from knowing its memory, so that nothing is cut beforehand."""
    backend.memory = MemoryInfo
    try:
        yield
    finally:
        del backend.memory


@contextmanager
def allocator_capped(name, limit_bytes):
    """Make the library's own allocator fail beyond so many bytes."""
    if name == "cupy":
        import cupy

        pool = cupy.get_default_memory_pool()
        pool.set_limit(size=limit_bytes)
        try:
            yield
        finally:
            pool.set_limit(size=0)
    else:
        import torch

        total_bytes = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction(limit_bytes / total_bytes)
        try:
            yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)


def scatter_energy_error(backend, film):
    """Return by what share scatter makes or loses light, the worst of the layers."""
    stock = phos.load_film(film)
    if stock.scatter is None:
        return 0.0
    psfs = list(scatter_psfs(stock.scatter, pixel_pitch_um=PITCH_UM))
    light = np.ascontiguousarray(np.moveaxis(scene(30.0), -1, 0)[: len(psfs)])
    spread = backend.to_host(backend.convolve(backend.to_device(light), psfs))
    before, after = (x.sum(axis=(-2, -1), dtype=np.float64) for x in (light, spread))
    return float(np.abs(after / before - 1).max())


def long_run(backend, name):
    """Develop many pictures; return the time and the memory that is free after each."""
    image = codes()
    free_bytes = []
    start = time.perf_counter()
    for frame in range(LONG_RUN):
        develop(image, name, frame=frame)
        free_bytes.append(backend.memory().free_bytes)
    return {"seconds": time.perf_counter() - start, "free_bytes": free_bytes}


def setting(options):
    """Return what the figures depend on."""
    return {
        "date": f"{datetime.now():%Y-%m-%d}",
        "commit": options.commit or git_commit(),
        "sources_sha256": sources_hash(),
        "picture": f"{ROWS} x {COLS} x 3",
        "device": nvidia_smi(),
        "cores": usable_cores(),
        "python": platform.python_version(),
        "versions": {name: version_of(name) for name in DISTRIBUTIONS if version_of(name)},
    }


def git_commit():
    """Return the commit, and whether the tree differs from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def sources_hash():
    """Return one hash of every source file of the distributions."""
    total = hashlib.sha256()
    for path in sorted((*ROOT.glob("phos_core/src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py"))):
        total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def nvidia_smi():
    """Return the GPU's name, driver and memory, as the driver tells them."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def version_of(distribution):
    """Return a distribution's version, or None if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def table(record):
    """Return the results as Markdown."""
    results = record["results"]
    lines = [
        "| milliseconds (median of the runs) | " + " | ".join(r["backend"] for r in results) + " |",
        "|---|" + "---|" * len(results),
    ]

    def row(what, values):
        lines.append(f"| {what} | " + " | ".join(values) + " |")

    for what in results[0]["on_device_ms"]:
        row(what, [f"{statistics.median(r['on_device_ms'][what]):.2f}" for r in results])
    kinds = {
        "page-locked": "page-locked memory",
        "samples": "NumPy's memory",
        "new out": "NumPy's memory, a new array",
    }
    for film in FILMS:
        for kind, words in kinds.items():
            medians = [statistics.median(r["host_to_host_ms"][film][kind]) for r in results]
            row(f"8 bits on {film}, from and to {words}", [f"{median:.2f}" for median in medians])
    for kind in results[0]["roll_ms"]:
        medians = [statistics.median(r["roll_ms"][kind]) for r in results]
        cells = [f"{median:.0f} ({1000 * ROLL / median:.0f} a second)" for median in medians]
        row(f"{ROLL} pictures in one call, {kind}", cells)
    row(
        f"{IN_A_ROW} pictures in a row, each",
        [f"{statistics.median(r['in_a_row_ms']):.1f}" for r in results],
    )
    row(
        f"{LONG_RUN} pictures in a row, each",
        [f"{1000 * r['long_run']['seconds'] / LONG_RUN:.1f}" for r in results],
    )
    row("first picture ever, s", [f"{r['first_develop_s']:.1f}" for r in results])
    row(
        "first picture of a later process, s", [f"{r['next_first_develop_s']:.1f}" for r in results]
    )
    for side in SMALL_SIDES:
        values = [r["small_ms"][str(side)] for r in results]
        row(
            f"develop {side} x {side} (scipy beside it)",
            [
                f"{value[r['backend']]:.1f} ({value['scipy']:.1f})"
                for value, r in zip(values, results, strict=True)
            ],
        )
    lines += [
        "",
        "| against scipy on the CPU | " + " | ".join(r["backend"] for r in results) + " |",
    ]
    lines.append("|---|" + "---|" * len(results))
    for index, film in enumerate(FILMS):
        for what in ("lamps 1 x white", "lamps 30 x white", "lamps 1000 x white"):
            cells = [r["agreement"][index][what] for r in results]
            row(f"{film}, {what}", [f"{c['max']:.1e}, {c['psnr_db']:.0f} dB" for c in cells])
        cells = [r["agreement"][index]["8 bits"] for r in results]
        row(
            f"{film}, 8 bits",
            [f"{c['max_codes']} code in {c['share_that_differs']:.1e}" for c in cells],
        )
    worst = [max(r["scatter_energy_error"].values()) for r in results]
    row("energy made or lost by scatter, worst stock", [f"{error:.1e}" for error in worst])
    row("memory lost over the long run, from its 20th picture, MiB", [lost_mib(r) for r in results])
    lines += ["", "| memory taken away | what ran | tiles | warnings | off the whole by |"]
    lines.append("|---|---|---|---|---|")
    for result in results:
        for what, one in result["ladder"].items():
            if "error" in one:
                row(f"{result['backend']}: {what}", ["an error", "", "", ""])
            else:
                row(
                    f"{result['backend']}: {what}",
                    [one["backend"], f"{one['tiles']}", f"{one['warnings']}", f"{one['max']:.1e}"],
                )
    for result in results:
        if result["parts"]:
            lines += ["", *parts_table(result)]
    return "\n".join(lines)


def parts_table(result):
    """Return the lines that set each part of a picture beside what its bytes take at the least."""
    measured, floors = result["parts"]["ms"], result["parts"]["floor_ms"]
    memory, up, down = (result["parts"]["rates"][rate] / 1e9 for rate in ("memory", "up", "down"))
    heading = f"{result['backend']}: memory {memory:.0f} GB/s, bus {up:.0f} up and {down:.0f} down"
    lines = [f"| {heading} | ms | floor, ms | times the floor |", "|---|---|---|---|"]
    for what in [*measured, "all"]:
        ms, floor = (
            sum(values.values()) if what == "all" else values[what] for values in (measured, floors)
        )
        lines.append(f"| {what} | {ms:.3f} | {floor:.3f} | {ms / floor:.1f} |")
    return lines


def lost_mib(result):
    """Return by how much free memory shrank once the run was warm."""
    free = result["long_run"]["free_bytes"]
    return f"{(free[20] - free[-1]) / 2**20:.1f}"


if __name__ == "__main__":
    main()

"""Time and memory of developing one picture, per backend and step, beside OpenCV alone.

    nox -s bench -- --help

Each backend is measured in a process of its own, and OpenCV's filters after it in the same process,
so that the ratios compare what ran on the same machine in the same minute.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

import phos_core as phos
from phos_core.image_files import read_image

HERE = Path(__file__).parent
PHOTO = HERE.parent / "examples" / "photos" / "seeding.jpg"
TAPS = 121
SIGMA_PX = 20.0


def main():
    """Measure every backend that can run, print the tables, save on request."""
    options = read_options()
    if options.one:
        print(json.dumps(measure(options)))
        return
    names = options.backend or [report.name for report in phos.backends() if report.status == "ok"]
    results = [measured_apart(name) for name in names]
    print_tables(results, options)
    if options.save:
        path = HERE / "results" / f"develop-{datetime.now():%Y%m%d-%H%M%S}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"setting": setting(options), "results": results}, indent=2))
        print(f"\nsaved: {path}")


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", action="append", help="only this one (may be repeated)")
    parser.add_argument("--film", default="portra-400")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--cols", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=5, help="timed runs, after one to warm up")
    parser.add_argument("--save", action="store_true", help="write JSON to benchmarks/results/")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def measured_apart(name):
    """Measure one backend in a fresh process."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def measure(options):
    """Develop a few times; return seconds, seconds per step, and peak memory."""
    photo = Image.fromarray(read_image(PHOTO)).resize((options.cols, options.rows))
    image = np.asarray(photo)
    before_bytes = peak_bytes()
    first_s, _ = developed(image, options)
    runs = [developed(image, options) for _ in range(options.runs)]
    memory_bytes = peak_bytes() - before_bytes
    steps = {
        step: statistics.median(report.step_seconds[step] for _, report in runs)
        for step in runs[0][1].step_seconds
    }
    return {
        "backend": options.one,
        "first_s": first_s,
        "median_s": statistics.median(seconds for seconds, _ in runs),
        "best_s": min(seconds for seconds, _ in runs),
        "peak_mib": memory_bytes / 2**20,
        "steps_s": steps,
        "versions": dict(runs[0][1].versions),
        "opencv_s": opencv_alone(image, options.runs),
    }


def developed(image, options):
    """Develop once; return the seconds and the report."""
    start = time.perf_counter()
    _, report = phos.develop(image, options.film, backend=options.one, seed=1, report=True)
    return time.perf_counter() - start, report


def peak_bytes():
    """Return this process's highest resident memory so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def opencv_alone(image, runs):
    """Return OpenCV's median seconds for one blurred layer of the same size."""
    try:
        import cv2
    except ImportError:
        return {}
    layer = np.ascontiguousarray(image[..., 1], dtype=np.float32)
    taps = cv2.getGaussianKernel(TAPS, SIGMA_PX).astype(np.float32)
    square = taps @ taps.T
    border = cv2.BORDER_REFLECT
    filters = {
        "GaussianBlur": lambda: cv2.GaussianBlur(layer, (TAPS, TAPS), SIGMA_PX, borderType=border),
        "filter2D": lambda: cv2.filter2D(layer, cv2.CV_32F, square, borderType=border),
    }
    return {name: median_seconds(function, runs) for name, function in filters.items()}


def median_seconds(function, runs):
    """Return the median time of a function, after one call to warm up."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def setting(options):
    """Return what else the figures depend on."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ("numpy", "scipy", "opencv-python-headless", "opencv-python")
    return {
        "picture": f"{options.rows} x {options.cols} x 3 uint8",
        "film": options.film,
        "runs": options.runs,
        "cores": usable,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE"),
        **{name: version_of(name) for name in libraries if version_of(name)},
    }


def version_of(distribution):
    """Return a distribution's version, or None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def print_tables(results, options):
    """Print the whole, the steps, and OpenCV beside them."""
    conditions = setting(options)
    coretype = conditions.pop("OPENBLAS_CORETYPE")
    print(", ".join(f"{name} {value}" for name, value in conditions.items()))
    if coretype:
        print(f"OPENBLAS_CORETYPE={coretype} is set: matrix products may be slower than they could")
    print("\nbackend   median s  best s  first s  peak MiB")
    for result in results:
        print(
            f"{result['backend']:<10}{result['median_s']:8.3f}{result['best_s']:8.3f}"
            f"{result['first_s']:9.3f}{result['peak_mib']:10.0f}"
        )
    steps = results[0]["steps_s"]
    width = max(map(len, steps)) + 2
    print("\n" + "step, ms".ljust(width) + "".join(f"{r['backend']:>10}" for r in results))
    for step in steps:
        cells = (f"{1000 * result['steps_s'][step]:10.1f}" for result in results)
        print(step.ljust(width) + "".join(cells))
    print(f"\nOpenCV beside it, one float32 layer, {TAPS} x {TAPS} taps, sigma {SIGMA_PX:g}")
    for result in results:
        for name, seconds in result["opencv_s"].items():
            ratio = result["median_s"] / seconds
            print(
                f"{name:<14}{1000 * seconds:8.1f} ms; "
                f"a whole develop on {result['backend']} takes {ratio:.1f} times as long"
            )


if __name__ == "__main__":
    main()

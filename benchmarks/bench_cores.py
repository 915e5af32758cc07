"""What more cores gain: whole develops on 1, 2, 4, 8 and 16 threads, by turns.

    python benchmarks/bench_cores.py                    # every size: two minutes on 16 cores
    python benchmarks/bench_cores.py --quick            # fewer runs, without 24 megapixels
    python benchmarks/bench_cores.py --stages           # also what they cost, and stages at 6 MP
    python benchmarks/bench_cores.py --json FILE        # keep the figures
    python benchmarks/bench_cores.py --plot FILE        # draw them
    python benchmarks/bench_cores.py --write            # keep them for docs/speed.md; write it
    python benchmarks/bench_cores.py --from FILE ...    # measure nothing: figures that were kept

Each number of threads has a process of its own, with ``PHOS_THREADS`` set. Of all of them one works
at a time, and they take turns, so that whatever else the machine does affects all alike. Beside the
develops run a plain compiled loop, which copies an exponential of each number and shows how much
the cores themselves gain, and one blur by OpenCV, if that is there.
"""

import argparse
import itertools
import json
import os
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

THREADS = (1, 2, 4, 8, 16)
SIZES = {
    "256²": (256, 256),
    "512²": (512, 512),
    "1000²": (1000, 1000),
    "6 MP": (2000, 3000),
    "24 MP": (4000, 6000),
}
LARGEST, STAGED = "24 MP", "6 MP"
RUNS, RUNS_OF_LARGEST, QUICK_RUNS = 15, 3, 5
LOOP, BLUR = "exp loop", "cv2 blur"
RESULTS = Path(__file__).parent / "results" / "cores.json"
DOCS = Path(__file__).parent.parent / "docs"
PAGE, PICTURE = DOCS / "speed.md", DOCS / "pictures" / "speed-cores.svg"
BLOCK = re.compile(r"(<!-- cores -->\n).*?(<!-- end -->)", re.DOTALL)
PARTS = ("to_points", "add_up", "convolve_narrow")  # of convolutions; the planes' times added up


def main():
    """Measure, print, keep and draw."""
    options = read_options()
    if options.kept:
        record = json.loads(options.kept.read_text(encoding="utf-8"))
    else:
        record = measured(options)
    print(table(record))
    if options.stages:
        print(costs(record), stages(record), sep="\n")
    for path in [options.json] * bool(options.json) + [RESULTS] * options.write:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for path in [options.plot] * bool(options.plot) + [PICTURE] * options.write:
        draw(record, path)
    if options.write:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


def page(text, record):
    """Fill the page's block."""
    return BLOCK.sub(lambda match: f"{match[1]}\n{block(record)}\n\n{match[2]}", text)


def block(record):
    """Write the table, and what it was measured on."""
    found = record["setting"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    where = f"{found['processor']}, {found['cores']} cores, Python {found['python']}, {versions}"
    return f"{found['date']}, {where}\n\n{table(record)}"


def read_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=THREADS, metavar="N")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--backends", nargs="+", default=["numba", "scipy"], metavar="NAME")
    parser.add_argument("--runs", type=int, help=f"by default {RUNS}, of 24 MP {RUNS_OF_LARGEST}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs, without 24 MP")
    parser.add_argument("--stages", action="store_true", help="print the stages at 6 MP")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    parser.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="measure nothing")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures")
    parser.add_argument("--write", action="store_true", help="keep them, and write the page")
    return parser.parse_args()


def measured(options):
    """Measure every size on every number of threads that the machine has."""
    threads = [n for n in options.threads if n <= len(os.sched_getaffinity(0))]
    sizes = options.sizes or [size for size in SIZES if not (options.quick and size == LARGEST)]
    works = [*options.backends, LOOP, BLUR]
    workers = {n: Worker(n) for n in threads}
    results = []
    for size in sizes:
        runs = options.runs or (
            QUICK_RUNS if options.quick else RUNS_OF_LARGEST if size == LARGEST else RUNS
        )
        start = time.perf_counter()
        possible = [work for work in works if all(w.do(work, size) for w in workers.values())]
        found = {(work, n): [] for work in possible for n in threads}
        for _ in range(runs):
            for work, n in found:
                found[work, n].append(workers[n].do(work, size))
        print(f"{size}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        results += [
            {"size": size, "work": work, "threads": n, **middle(of_one)}
            for (work, n), of_one in found.items()
        ]
    for worker in workers.values():
        worker.end()
    return {"setting": setting(), "results": results}


def middle(runs):
    """Return the medians of runs, the seconds of all of them too."""
    stages = {name: median(run["stages"][name] for run in runs) for name in runs[0]["stages"]}
    return {
        "seconds": median(run["seconds"] for run in runs),
        "user": median(run["user"] for run in runs),
        "system": median(run["system"] for run in runs),
        "faults": median(run["faults"] for run in runs),
        "stages": stages,
        "all_seconds": [round(run["seconds"], 6) for run in runs],
    }


def setting():
    """Return what the figures depend on."""
    import numba
    import numpy as np
    import scipy

    versions = {module.__name__: module.__version__ for module in (np, scipy, numba)}
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": next(iter(names), ""),
        "cores": len(os.sched_getaffinity(0)),
        "python": sys.version.split()[0],
        "versions": versions,
    }


class Worker:
    """A process with a number of threads that does one piece of work at a time.

    Parameters
    ----------
    threads : int
        How many.
    """

    def __init__(self, threads):
        environment = {**os.environ, "PHOS_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, work, size):
        """Do one piece of work: its seconds and more, or None where it is not possible."""
        self._process.stdin.write(json.dumps([work, size]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self):
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait()


def work_for_another():
    """Do what is read, line by line, and write what it took."""
    threads, made, pictures = int(os.environ["PHOS_THREADS"]), {}, {}
    for line in sys.stdin:
        work, size = json.loads(line)
        try:
            if work not in made:
                made[work] = MAKERS.get(work, lambda _, name=work: developing(name))(threads)
        except ImportError:
            print("null", flush=True)
            continue
        if size not in pictures:
            pictures = {size: picture(*SIZES[size])}  # those of other sizes are done with
        print(json.dumps(timed(made[work], pictures[size])), flush=True)


def timed(work, image):
    """Return the seconds, those of all threads together, page faults, and those of stages."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    stages = work(image)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "user": after.ru_utime - before.ru_utime,
        "system": after.ru_stime - before.ru_stime,
        "faults": after.ru_minflt - before.ru_minflt,
        "stages": stages or {},
    }


def picture(rows, cols):
    """Make a picture of 8 bits: smooth, with edges, noise and a few clipped lights."""
    import numpy as np

    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32) / rows
    light = 0.35 + 0.25 * np.sin(5 * x) * np.cos(4 * y) + 0.1 * ((8 * x).astype(int) % 2)
    codes = 255 * light[..., None] * np.array([1.0, 0.9, 0.75], np.float32)
    codes += rng.normal(0.0, 4.0, codes.shape).astype(np.float32)
    codes[:: rows // 8, :: cols // 8] = 255
    return np.clip(codes, 0, 255).astype(np.uint8)


def developing(name):
    """Return what develops a picture on a backend, its convolutions timed by part."""
    import numpy as np

    import phos_core as phos

    if name == "numba":
        from phos_numba.backend import NumbaBackend as Backend
    else:
        from phos_core.backend import ScipyBackend as Backend

    parts = {}

    parts_used = [part for part in PARTS if hasattr(Backend, part)]

    def timing(method):
        def run(self, *args, **kwargs):
            start = time.perf_counter()
            done = getattr(Backend, method)(self, *args, **kwargs)
            parts[method] = parts.get(method, 0.0) + time.perf_counter() - start
            return done

        return run

    backend = type("Timed", (Backend,), {part: timing(part) for part in parts_used})()
    out = {}

    def run(image):
        parts.clear()
        if image.shape not in out:
            out.clear()
            out[image.shape] = np.empty_like(image)
        place = out[image.shape]
        _, report = phos.develop_with_report(image, "portra-400", backend=backend, out=place)
        return {**report.step_seconds, **parts}

    return run


def plain_loop(threads):
    """Return a compiled loop over as many numbers as a picture has, a part on each thread."""
    import numba
    import numpy as np

    @numba.njit("void(float32[::1], float32[::1])", nogil=True)
    def copy_exp(source, target):
        for i in range(len(source)):
            target[i] = np.exp(-source[i])

    pool = ThreadPoolExecutor(threads)
    arrays = {}

    def run(image):
        if image.size not in arrays:
            arrays.clear()
            numbers = image.reshape(-1).astype(np.float32) / 255
            arrays[image.size] = numbers, np.zeros_like(numbers)
        source, target = arrays[image.size]
        cuts = np.linspace(0, len(source), threads + 1).astype(int)
        parts = [slice(*ends) for ends in itertools.pairwise(cuts)]
        list(pool.map(lambda part: copy_exp(source[part], target[part]), parts))

    return run


def blurring(threads):
    """Return OpenCV's blur of one layer."""
    import cv2
    import numpy as np

    cv2.setNumThreads(threads)
    planes = {}

    def run(image):
        if image.shape not in planes:
            planes.clear()
            plane = image[..., 0].astype(np.float32)
            planes[image.shape] = plane, np.zeros_like(plane)
        plane, place = planes[image.shape]
        cv2.GaussianBlur(plane, (121, 121), 20.0, dst=place, borderType=cv2.BORDER_REFLECT)

    return run


MAKERS = {LOOP: plain_loop, BLUR: blurring}


def table(record):
    """Write milliseconds, and how many times as fast as one thread."""
    lines = header("ms (times as fast as on one thread)", record)
    for (size, work), by_threads in in_groups(record["results"]).items():
        seconds = [each["seconds"] for each in by_threads.values()]
        cells = [f"{1000 * each:.1f} ({seconds[0] / each:.2f})" for each in seconds]
        lines.append(f"| {size}, {work} | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs(record):
    """Write the time of all threads together, the system's share of it, and page faults."""
    lines = ["", *header("ms of all threads, the system's share, page faults", record)]
    for (size, work), by_threads in in_groups(record["results"]).items():
        cells = []
        for each in by_threads.values():
            spent = each["user"] + each["system"]
            share = each["system"] / max(spent, 1e-9)
            cells.append(f"{1000 * spent:.0f}, {share:.0%}, {each['faults']:.0f}")
        lines.append(f"| {size}, {work} | {' | '.join(cells)} |")
    return "\n".join(lines)


def header(title, record):
    """Return the first lines of a table with a column for each number of threads."""
    threads = sorted({result["threads"] for result in record["results"]})
    return [f"| {title} | {' | '.join(map(str, threads))} |", f"|{' --- |' * (len(threads) + 1)}"]


def stages(record):
    """Write the stages of a develop in milliseconds, and how many times as fast."""
    results = [r for r in record["results"] if r["size"] == STAGED and r["stages"]]
    lines = []
    for (size, work), by_threads in in_groups(results).items():
        threads = sorted(by_threads)
        lines += [
            "",
            f"| {size}, {work}: ms | {' | '.join(map(str, threads))} |",
            f"|{' --- |' * (len(threads) + 1)}",
        ]
        for name in by_threads[threads[0]]["stages"]:
            seconds = [by_threads[n]["stages"][name] for n in threads]
            cells = [f"{1000 * s:.1f} ({seconds[0] / max(s, 1e-9):.2f})" for s in seconds]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def in_groups(results):
    """Return the results of each size and work, by their threads."""
    groups = {}
    for result in results:
        group = groups.setdefault((result["size"], result["work"]), {})
        group[result["threads"]] = result
    return groups


def draw(record, path):
    """Draw how many times as fast as on one thread, a panel for each work."""
    import matplotlib as mpl

    from phos_bench.plots import MARKERS, OURS, SETTINGS

    results = record["results"]
    works = [w for w in dict.fromkeys(r["work"] for r in results) if w not in (LOOP, BLUR)]
    with mpl.rc_context(SETTINGS):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.4, 3.2), layout="constrained")
        panels = figure.subplots(1, len(works), squeeze=False, sharey=True)[0]
        groups = in_groups(results)
        for axes, work in zip(panels, works, strict=True):
            sizes = [size for size, name in groups if name == work]
            for size, colour, marker in zip(sizes, OURS, MARKERS, strict=False):
                axes.plot(*gains(groups[size, work]), f"{marker}-", color=colour, label=size)
            if ("6 MP", LOOP) in groups:
                axes.plot(*gains(groups["6 MP", LOOP]), "--", color="#777777", label="a plain loop")
            axes.set(title=work, xlabel="threads", xscale="log", yscale="log")
            ticks = sorted({r["threads"] for r in results})
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(mpl.ticker.FixedLocator(ticks))
                axis.set_major_formatter(mpl.ticker.ScalarFormatter())
                axis.set_minor_locator(mpl.ticker.NullLocator())
        panels[0].set_ylabel("times as fast as on one thread")
        panels[0].legend()
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else {})


def gains(by_threads):
    """Return numbers of threads, and how many times as fast each is as the first."""
    threads = sorted(by_threads)
    first = by_threads[threads[0]]["seconds"]
    return threads, [first / by_threads[n]["seconds"] for n in threads]


if __name__ == "__main__":
    work_for_another() if sys.argv[1:] == ["--worker"] else main()

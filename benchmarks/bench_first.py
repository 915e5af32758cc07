"""What the first picture costs, at the shell and in Python: nothing cached, and all code kept.

    python benchmarks/bench_first.py                          # what is chosen, scipy and numba
    python benchmarks/bench_first.py --backend cupy --backend torch:cuda

Each line is of new processes, whose home and caches are one folder, empty at first: of one
process, or the median of those that found all kept. It gives the seconds until the process had
ended, the processor's seconds, and the backend that did the work. Python's own compiled modules
(.pyc) are there, as an installation leaves them, except where the line says so.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from phos_darkroom import write_image

RUNS = 7
CACHES = ("NUMBA_CACHE_DIR", "CUPY_CACHE_DIR", "CUDA_CACHE_PATH", "TORCHINDUCTOR_CACHE_DIR")
ELSEWHERE = ("PHOS_BACKEND", "PHOS_COMPILE", "PHOS_CONFIG", "PYTHONDONTWRITEBYTECODE")
BY = re.compile(r"developed by (\S+)")

DEVELOP = """
import statistics, time
start = time.perf_counter()
import numpy as np
import phos_core as phos
picture = np.random.default_rng(0).integers(0, 256, ({rows}, {cols}, 3), dtype=np.uint8)
seconds = []
for n in range(8):
    begun = time.perf_counter()
    phos.develop(picture, backend={backend!r}, seed=1)
    seconds.append(time.perf_counter() - begun)
    if n == 0:
        first = time.perf_counter() - start
then = 1000 * statistics.median(seconds[1:])
print(f"{{first:6.2f}} s, of them the call {{seconds[0]:6.2f}} s; then {{then:5.0f}} ms")
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", action="append", help="by default scipy and numba")
    parser.add_argument("--megapixels", type=float, default=1.0)
    given = parser.parse_args()
    cols = round((given.megapixels * 1.5e6) ** 0.5)
    rows = cols * 2 // 3
    print(f"{rows} x {cols} x 3 of 8 bits, portra-400; medians of {RUNS} where all is kept")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = folder / "in.jpg"
        write_image(picture, grey_blocks(rows, cols))
        backends = given.backend or ["scipy", "numba"]
        at_the_shell(folder, picture, backends)
        for backend in backends:
            in_python(folder, rows, cols, backend)


def grey_blocks(rows: int, cols: int) -> np.ndarray:
    """A picture with edges and areas."""
    blocks = np.random.default_rng(0).integers(0, 256, (rows // 16 + 1, cols // 16 + 1, 3))
    return np.kron(blocks, np.ones((16, 16, 1)))[:rows, :cols].astype(np.uint8)


def at_the_shell(folder: Path, picture: Path, backends: list[str]) -> None:
    """Run the command in processes of their own, in one home after the other."""
    command = [sys.executable, "-m", "phos_darkroom", "develop", str(picture)]
    command += ["-o", str(folder / "out.jpg"), "--overwrite"]
    timed(command, fresh(folder))  # from now on the system has what it reads from disk
    environment = fresh(folder)
    told("phos develop", "nothing cached", [timed(command, environment)])
    for backend in backends:
        what, named = f"phos develop --backend {backend}", [*command, "--backend", backend]
        told(what, "nothing cached", [timed(named, environment)])
        told(what, "all kept", [timed(named, environment) for _ in range(RUNS)])
    told("phos develop", "all kept", [timed(command, environment) for _ in range(RUNS)])
    environment = fresh(folder) | {"PYTHONPYCACHEPREFIX": str(folder / "home/pyc")}
    told("phos develop", "and no .pyc", [timed(command, environment)])


def in_python(folder: Path, rows: int, cols: int, backend: str) -> None:
    """Develop in Python, in a process with nothing cached and in one with all kept."""
    environment = fresh(folder)
    code = DEVELOP.format(rows=rows, cols=cols, backend=backend)
    for label in ("nothing cached", "all kept"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        print(f"{'Python, ' + backend:<36}{label:<16}{done.stdout.strip()}", flush=True)


def fresh(folder: Path) -> dict[str, str]:
    """The environment of processes that find nothing in a home of their own."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    places = {name: str(home / name.lower()) for name in CACHES}
    homes = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "LOCALAPPDATA": str(home)}
    usual = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    return usual | homes | places


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Run a command: seconds on the clock, seconds of the processor, and the backend it names."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    elapsed, after = time.perf_counter() - start, os.times()
    if done.returncode:
        raise SystemExit(done.stderr)
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    found = BY.search(done.stderr)
    return elapsed, used, found[1] if found else "?"


def told(what: str, label: str, runs: list[tuple[float, float, str]]) -> None:
    """Print a line."""
    clock, processor = (statistics.median(run[place] for run in runs) for place in (0, 1))
    by = runs[-1][2]
    print(f"{what:<36}{label:<16}{clock:6.2f} s, processor {processor:6.2f} s, by {by}", flush=True)


if __name__ == "__main__":
    main()

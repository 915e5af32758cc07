"""What the first picture costs on phos-numba: with nothing compiled yet, and with all code kept.

    python benchmarks/bench_first.py

Each line is a process of its own. It says how long a picture of one megapixel took there at first,
and how long it took after that.
"""

import os
import subprocess
import sys
import tempfile

DEVELOP = """
import statistics, time
import numpy as np
import phos_core as phos

picture = np.random.default_rng(0).integers(0, 256, (816, 1224, 3), dtype=np.uint8)
seconds = []
for _ in range(8):
    start = time.perf_counter()
    phos.develop(picture, backend="numba", seed=1)
    seconds.append(time.perf_counter() - start)
print(f"first {seconds[0]:6.2f} s, then {1000 * statistics.median(seconds[1:]):5.0f} ms")
"""


def main():
    """Develop in three processes that share an empty folder for compiled code."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for label in ("nothing compiled", "code kept", "code kept"):
            done = subprocess.run(
                [sys.executable, "-c", DEVELOP],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            print(f"{label:<18}{done.stdout.strip()}")


if __name__ == "__main__":
    main()

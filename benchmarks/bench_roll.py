"""A roll: killed in the middle and started again; two one-thread workers against one."""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import phos_core as phos
from phos_darkroom import develop_roll, read_image, write_image

PHOTO = Path(__file__).parent.parent / "examples" / "photos" / "seeding.jpg"
ROWS, COLS = 2000, 3000
MEASURED = 8  # frames of each worker after its first, which loads and starts everything


def main() -> None:
    """Print what became of a killed roll, and the throughput."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--backend", default="scipy")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_roll(folder / "roll", options.pictures)
        throughput(folder, options.backend, options.rounds)
        killed(folder, options.pictures, options.backend)


def make_roll(folder: Path, count: int) -> None:
    """Write pictures of real size: parts of a photograph, each another one."""
    folder.mkdir()
    photo = read_image(PHOTO)
    tiled = np.tile(photo, (ROWS // photo.shape[0] + 2, COLS // photo.shape[1] + 2, 1))
    for number in range(count):
        part = tiled[7 * number : 7 * number + ROWS, 11 * number : 11 * number + COLS]
        write_image(folder / f"{number + 1}.jpg", np.ascontiguousarray(part))


def throughput(folder: Path, backend: str, rounds: int) -> None:
    """Compare pictures a second of two one-thread workers with those of one, by turns."""
    os.environ["PHOS_THREADS"] = "2"
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in rates:
            rates[workers].append(rate(folder, backend, workers))
    medians = {workers: statistics.median(found) for workers, found in rates.items()}
    for workers, median in medians.items():
        print(f"{workers} one-thread worker(s): {median:.2f} pictures/s")
    print(f"two against one: {medians[2] / medians[1]:.2f} times")
    del os.environ["PHOS_THREADS"]


def rate(folder: Path, backend: str, workers: int) -> float:
    """Pictures a second of one-thread workers once all have begun."""
    if workers == 1:
        os.environ["PHOS_THREADS"] = "1"
    pictures = sorted((folder / "roll").iterdir())[: workers * (MEASURED + 1)]
    results = develop_roll(pictures, folder / "out", phos.Recipe(), jobs=workers, backend=backend)
    times = []
    for result in results:
        if result.status != "developed":
            raise RuntimeError(result.error)
        times.append(time.perf_counter())
    os.environ["PHOS_THREADS"] = "2"
    shutil.rmtree(folder / "out")
    # From when each has done its first to the last but those that end alone.
    steady = times[workers - 1 : len(times) - workers + 1]
    return (len(steady) - 1) / (steady[-1] - steady[0])


def killed(folder: Path, count: int, backend: str) -> None:
    """Kill a roll in the middle, start it again, and compare with an undisturbed one."""
    disturbed, undisturbed = folder / "disturbed", folder / "undisturbed"
    first = subprocess.Popen(command(folder, disturbed, backend), stdout=subprocess.PIPE, text=True)
    for line, _ in enumerate(first.stdout or (), start=1):
        if line == count // 2:
            break
    first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(1.0)
    whole = len(list(disturbed.glob("*.jpg")))
    parts = len(list(disturbed.glob(".*.part")))
    print(f"killed with {whole} of {count} done, {parts} files half-written")
    subprocess.run(command(folder, disturbed, backend), check=True, stdout=subprocess.DEVNULL)
    subprocess.run(command(folder, undisturbed, backend), check=True, stdout=subprocess.DEVNULL)
    ours, theirs = (
        {path.name: path.read_bytes() for path in place.iterdir()}
        for place in (disturbed, undisturbed)
    )
    right = sum(ours.get(name) == content for name, content in theirs.items())
    print(f"started again: {right} of {len(theirs)} files equal to the undisturbed roll's,")
    print(f"{len(set(ours) - set(theirs))} files more than there")


def command(folder: Path, output: Path, backend: str) -> list[str]:
    """What a user types."""
    words = [
        sys.executable,
        "-m",
        "phos_darkroom",
        "develop",
        str(folder / "roll"),
        "-o",
        str(output),
    ]
    return [*words, "--backend", backend, "--jobs", "2"]


if __name__ == "__main__":
    main()

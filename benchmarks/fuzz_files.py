"""Read thousands of damaged and hostile files, and count what comes of each.

    python benchmarks/fuzz_files.py            # 150 of each format, and those designed
    python benchmarks/fuzz_files.py 1000

Every file must give one clear error of one line, or a picture, if what was changed still makes
one; in bounded time and memory. All are read in one process of its own, whose memory is its peak.
"""

import argparse
import faulthandler
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from hostile_files import hostile_files

SECONDS_EACH = 20
FUSE_BYTES = 16 * 2**30  # of address space: the machine is spared if a check fails


@dataclass(frozen=True)
class Outcome:
    """What came of a file: "error" and its message, "picture" and its size, or what must not be."""

    name: str
    kind: str
    said: str
    seconds: float
    peak_mib: float


def read_all(folder: Path) -> None:
    """Read every file of a folder; print one outcome a line. A file that hangs ends the process."""
    from phos_bench.measuring import peak_bytes
    from phos_core.errors import ImageFileError
    from phos_darkroom import read_picture

    resource.setrlimit(resource.RLIMIT_AS, (FUSE_BYTES, FUSE_BYTES))
    for path in sorted(folder.iterdir()):
        faulthandler.dump_traceback_later(SECONDS_EACH, exit=True)
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                picture = read_picture(path)
            kind, said = "picture", f"{picture.pixels.shape} {picture.pixels.dtype}"
        except ImageFileError as error:
            kind, said = "error", str(error)
        except Exception as error:  # noqa: BLE001 - that it is none of these is what is tested
            kind, said = "escaped", repr(error)
        faulthandler.cancel_dump_traceback_later()
        peak_mib = peak_bytes() / 2**20
        outcome = Outcome(path.name, kind, said, time.perf_counter() - start, peak_mib)
        print(json.dumps(asdict(outcome)), flush=True)


def outcomes_of(folder: Path) -> list[Outcome]:
    """Read every file of a folder in one new process.

    Raises
    ------
    RuntimeError
        If the process ended before its last file.
    """
    command = [sys.executable, __file__, "--read", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    outcomes = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    names = sorted(path.name for path in folder.iterdir())
    if [outcome.name for outcome in outcomes] != names:
        raise RuntimeError(f"ended at {names[len(outcomes)]}: {done.returncode} {done.stderr}")
    return outcomes


def main() -> None:
    """Make the files, read them, print the counts, and fail if one got through."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("per_format", type=int, nargs="?", default=150)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        read_all(asked.read)
        return
    with tempfile.TemporaryDirectory() as folder:
        for file in hostile_files(asked.per_format, asked.seed):
            Path(folder, file.name).write_bytes(file.content)
        outcomes = outcomes_of(Path(folder))
    counts = Counter(outcome.kind for outcome in outcomes)
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    print(f"{len(outcomes)} files: {counts['error']} errors, {counts['picture']} still pictures")
    print(f"slowest {slowest.seconds:.2f} s ({slowest.name})")
    print(f"peak memory {outcomes[-1].peak_mib:.0f} MiB")
    wrong = [outcome for outcome in outcomes if outcome.kind == "escaped" or "\n" in outcome.said]
    for outcome in wrong:
        print(f"{outcome.name}: {outcome.said}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

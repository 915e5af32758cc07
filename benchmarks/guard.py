"""Fails when phos has more to do than it had, by a fifth: counts, not seconds.

    nox -s guard                 # compare with benchmarks/guard.json
    nox -s guard -- --write      # renew it, when the change was meant

Counted for each pixel: the numbers that NumPy computes and those of costly functions, the bytes
that it reads and writes, the multiplications of matrix products, the numbers that are transformed,
the instructions of the chains that a backend may compile, and the peak of the memory.
docs/decisions/0017-guard.md says why these.
"""

import argparse
import gc
import json
import os
import sys
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path

if hasattr(os, "sched_setaffinity"):  # one strip at a time, so that the peak is always the same
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import counting

import phos_core as phos
from phos_bench.inputs import light, photos, planes
from phos_core.backend import GenericBackend, ScipyBackend
from phos_core.errors import UnsupportedOperationError

BASELINE = Path(__file__).parent / "guard.json"
ROWS, COLS = 1200, 1800
WORSE = 1.2
FILM = "portra-400"


class Noting(ScipyBackend):
    """The built-in backend, which notes the chains that it is offered and compiles none."""

    def __init__(self):
        super().__init__()
        self.chains = []

    def compile(self, chain):
        """Note a chain; the reference runs."""
        self.chains.append(chain)
        raise UnsupportedOperationError("chains are only counted here")


class Generic(GenericBackend):
    """What a backend inherits that overrides nothing."""

    name = "generic"

    def to_device(self, host):
        """Return the array itself."""
        return host

    def to_host(self, x):
        """Return the array itself."""
        return x


def main():
    """Count, and compare or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make what is counted the baseline")
    options = parser.parse_args()
    now = measure()
    if options.write:
        BASELINE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
        print(f"written: {BASELINE}")
        return
    lines, failed = compare(json.loads(BASELINE.read_text()), now)
    print("\n".join(lines))
    sys.exit(1 if failed else 0)


def measure():
    """Count everything; return the measures by name."""
    jobs = {
        "develop": partial(phos.develop, photos(1, ROWS, COLS)[0], FILM),
        "develop without grain": partial(phos.develop, photos(1, ROWS, COLS)[0], FILM, grain=0.0),
        "develop in black and white": partial(phos.develop, photos(1, ROWS, COLS)[0], "tri-x-400"),
        "convolve, smooth": convolving("gaussian", 121),
        "convolve, short": convolving("gaussian", 3),
        "convolve, even": convolving("exponential", 201),
        "convolve, not even": convolving("asymmetric", 201),
        "convolve, three Gaussians": convolving("mixture", 385),
        "convolve, zero beyond the edges": convolving("exponential", 201, boundary="zero"),
    }
    measures = {}
    for name, job in jobs.items():
        measures |= {f"{name}: {kind}": count for kind, count in counts_of(job).items()}
        measures[f"{name}: peak bytes"] = peak_bytes(job)
    for kind in counting.KINDS:  # by itself, as the whole would hide it
        with_grain = measures[f"develop: {kind}"]
        measures[f"grain: {kind}"] = with_grain - measures[f"develop without grain: {kind}"]
    generic = partial(convolving("gaussian", 121), backend=Generic())
    measures |= {f"convolve, generic: {k}": v for k, v in counts_of(generic, None).items()}
    measures |= instructions()
    return {name: float(f"{value:.4g}") for name, value in measures.items() if value}


def convolving(kind, width, **settings):
    """Return a call that convolves one layer."""
    return partial(phos.convolve, planes(1, ROWS, COLS)[0], light(kind, width).psf, **settings)


def counts_of(job, backend="scipy"):
    """Count what a call has to do for each pixel, once its tables are there."""
    settings = {} if backend is None else {"backend": backend}
    job(**settings)
    image, *others = job.args
    with counting.counting() as tally:
        job.func(counting.counted(image), *others, **job.keywords, **settings)
    return {kind: count / (ROWS * COLS) for kind, count in tally.counts.items()}


def peak_bytes(job):
    """Return the most memory a pixel that a call holds at a time, once its tables are there."""
    gc.collect()
    tracemalloc.start()
    job(backend="scipy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / (ROWS * COLS)


def instructions():
    """Count the instructions of each chain, by what it makes of what."""
    backend = Noting()
    phos.develop(photos(1, 8, 8)[0], FILM, backend=backend)
    measures = {}
    for index, chain in enumerate(backend.chains, 1):
        ops = Counter(instruction.op for instruction in chain.instructions)
        costly = sum(ops[op] for op in ("exp", "log", "log10", "tanh", "pow"))
        measures[f"chain {index}: instructions"] = sum(ops.values())
        measures[f"chain {index}: costly"] = costly
    return measures


def compare(before, now):
    """Compare measures with those of a baseline.

    Parameters
    ----------
    before, now : dict of str to float
        The baseline, and what was counted.

    Returns
    -------
    tuple of (list of str, bool)
        A line for each measure that moved by a fifth or came or went, and one to sum up; whether
        one got worse, or has nothing to be compared with.
    """
    lines, failed = [], False
    for name in sorted(before | now):
        old, new = before.get(name), now.get(name)
        if old is None:
            lines.append(f"NEW     {name}: {new:g}; --write makes it the baseline")
            failed = True
        elif new is None:
            lines.append(f"gone    {name}: {old:g}; --write forgets it")
        elif new > WORSE * old:
            lines.append(f"WORSE   {name}: {new:g}, {new / old:.2f} times what it was, {old:g}")
            failed = True
        elif new < old / WORSE:
            lines.append(f"better  {name}: {new:g} instead of {old:g}; --write holds on to it")
    lines.append(f"{len(now)} measures, {'some' if failed else 'none'} worse by a fifth")
    return lines, failed


if __name__ == "__main__":
    main()

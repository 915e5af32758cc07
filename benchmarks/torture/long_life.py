"""A thousand develops in one process, and a backend that fails at every call."""

import gc
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from counting import Budget, Tally
from scenarios import picture

import phos_core as phos
from phos_core.backend import ScipyBackend
from phos_core.errors import (
    BackendFallbackWarning,
    DeviceLostError,
    PhosError,
    UnsupportedOperationError,
)
from phos_core.psf import gaussian

DEVELOPS = 1000
WARM = 200  # develops after which everything that is kept once is there
GROWTH_BYTES = 8 * 2**20
SHAPES = ((96, 128, 3), (64, 64, 3), (120, 90), (31, 200, 3))


def thousand_develops(_: Path, __: Budget) -> list[Tally]:
    """Develop on and on: memory, descriptors and threads stay as they are."""
    tally = Tally(f"{DEVELOPS} develops, then memory, descriptors and threads")
    images = [picture(number, shape) for number, shape in enumerate(SHAPES)]
    films = ("portra-400", "velvia-50", "tri-x-400", "cinestill-800t")
    first = [phos.develop(images[i], film=films[i], backend="scipy") for i in range(4)]
    before = (0, 0, 0)
    for number in range(DEVELOPS):
        if number == WARM:
            before = used()
        which = number % 4
        found = phos.develop(images[which], film=films[which], backend="scipy")
        same = np.array_equal(found, first[which])
        tally.add("right" if same else "another picture than the first", str(number))
    memory, descriptors, threads = (now - was for now, was in zip(used(), before, strict=True))
    case = f"memory {memory} bytes, descriptors {descriptors}, threads {threads}"
    flat = memory <= GROWTH_BYTES and descriptors <= 0 and threads <= 0
    tally.add("right" if flat else "something grows", case)
    return [tally]


def used() -> tuple[int, int, int]:
    """Resident bytes, open descriptors and threads of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE"),
        len(list(Path("/proc/self/fd").iterdir())),
        threading.active_count(),
    )


class Sick(ScipyBackend):
    """Fails once, at the call that it is told."""

    name = "sick"

    def __init__(self, fail: Callable[[np.ndarray], np.ndarray], at: int | None) -> None:
        super().__init__()
        self.fail, self.at, self.calls = fail, at, 0

    def convolve_into(self, image, psf, out, **options):
        """As well as ever, but for one call."""
        here, self.calls = self.calls, self.calls + 1
        super().convolve_into(image, psf, out, **options)
        if here == self.at:
            out[...] = self.fail(out)


def raises(error: Exception) -> Callable[[np.ndarray], np.ndarray]:
    """A failure that raises."""

    def fail(_: np.ndarray) -> np.ndarray:
        raise error

    return fail


def spoilt(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """A failure that gives one wrong number."""

    def fail(found: np.ndarray) -> np.ndarray:
        found[..., found.shape[-2] // 2, found.shape[-1] // 2] = value
        return found

    return fail


WAYS = {
    "out of memory": raises(MemoryError("no memory left")),
    "an operation is unsupported": raises(UnsupportedOperationError("not here")),
    "the device is lost": raises(DeviceLostError("it fell off the bus")),
    "not a number": spoilt(np.nan),
    "infinity": spoilt(np.inf),
}


def sick_backend(_: Path, budget: Budget) -> list[Tally]:
    """Let a backend fail at every call of a develop, of a batch and of a convolution."""
    return [failing(way, fail, budget) for way, fail in WAYS.items()]


def failing(way: str, fail: Callable[[np.ndarray], np.ndarray], budget: Budget) -> Tally:
    """One way to fail, at every call."""
    work = {
        "uint8": lambda backend: phos.develop(picture(1), backend=backend, seed=1),
        "float32": lambda backend: phos.develop(
            picture(1).astype(np.float32) / 255, backend=backend, seed=1
        ),
        "a batch": lambda backend: np.stack(
            phos.develop([picture(1), picture(2)], backend=backend, seed=1)
        ),
        "convolve": lambda backend: phos.convolve(picture(1), gaussian(3.0), backend=backend),
    }
    tally = Tally(f"a backend that fails at call k: {way}")
    for name, run in work.items():
        counting = Sick(fail, None)
        right = run(counting)
        tally.possible += counting.calls
        for at in budget.sample(counting.calls):
            tally.add(outcome(run, Sick(fail, at), right), f"{name}, call {at}")
    return tally


def outcome(run: Callable[[Sick], np.ndarray], backend: Sick, right: np.ndarray) -> str:
    """What comes of work on a backend that fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackendFallbackWarning)
        try:
            found = run(backend)
        except PhosError:
            return "error"
        except Exception as error:  # noqa: BLE001 - what escapes is what is looked for
            return f"escaped: {type(error).__name__}: {error}"
    far = float(np.abs(found.astype(np.float64) - right).max())
    close = far <= (1 if found.dtype == np.uint8 else 1e-3 * float(np.abs(right).max()))
    return "right" if close else f"a wrong picture, off by {far:g}"

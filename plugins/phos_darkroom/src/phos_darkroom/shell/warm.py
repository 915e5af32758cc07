"""``phos warm``: compile what first pictures would wait for, and keep it."""

import time
from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass

import click
import numpy as np

import phos_core as phos
from phos_core.backend import CompilesChains, ConvolutionBackend, ReportsDevice, usable_cores
from phos_core.convolution import select
from phos_core.errors import BackendUnavailableError
from phos_core.stocks import PRINTED_ON, paper_summaries
from phos_darkroom.shell.completion import complete_backends
from phos_darkroom.shell.messages import log_to_stderr, say

__all__ = ["Blank", "blanks", "develop_blank", "warm"]

DTYPES = ("uint8", "uint16", "float32")
SMALL = (32, 48)
# Of pictures: narrow PSFs have code by the width of a pixel on the film, and these widths need
# between them all that those from 800 to 9000 pixels do.
COLUMNS = (800, 1000, 1200, 1500, 1800, 2400, 3000, 3300, 4000, 4500, 5472, 6000, 7360, 8688)
STRIP = 6  # times as wide as high: enough of a picture for its methods, and soon developed
SAID = 10  # times that progress is said


@dataclass(frozen=True, slots=True)
class Blank:
    """A grey picture, whose developing needs the code that a picture like it needs."""

    film: str
    printing: str
    shape: tuple[int, int]
    dtype: str


@click.command(short_help="Compile what first pictures would wait for.")
@click.option(
    "--backend",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_backends,
    help="Whose code, once or several times; by default of each that runs here and compiles.",
)
def warm(names: tuple[str, ...]) -> None:
    """Compile the code for all films and positives, at 8 bits, 16 bits and float, and keep it.

    It takes some minutes, once for a machine and each version of the libraries. It can be stopped
    at any time, and run twice at once: what is compiled is kept.
    """
    with log_to_stderr(verbose=False):
        backends = [_compiling(name) for name in names] or _all_compiling()
        if not backends:
            say("no backend here compiles anything")
        for backend in backends:
            _warm(backend)


def blanks() -> Iterator[Blank]:
    """Give pictures that need, between them, all code of the bundled films and positives."""
    films = phos.films()
    for film in films:
        for dtype in DTYPES:
            yield Blank(film.name, "auto", SMALL, dtype)
    for film in {one.kind: one for one in films}.values():
        for printing in _positives(film.kind):
            for dtype in DTYPES:
                yield Blank(film.name, printing, SMALL, dtype)
    for columns in COLUMNS:
        for film in films:
            yield Blank(film.name, "auto", (columns // STRIP, columns), DTYPES[0])


def develop_blank(blank: Blank, backend: str) -> None:
    """Develop one of them."""
    level = 0.5 if blank.dtype == "float32" else np.iinfo(blank.dtype).max // 2
    image = np.full((*blank.shape, 3), level, blank.dtype)
    phos.develop(image, film=blank.film, printing=blank.printing, backend=backend)


def _positives(kind: str) -> Iterator[str]:
    """What films of a kind go on, besides their usual positive."""
    if kind != "reversal":
        yield "neutral"
    for paper in paper_summaries():
        if PRINTED_ON[paper.kind] == kind:
            yield paper.name


def _compiling(name: str) -> ConvolutionBackend:
    backend = select(name).backend
    if not isinstance(backend, CompilesChains):
        raise BackendUnavailableError(name, "it compiles nothing", "leave out --backend")
    return backend


def _all_compiling() -> list[ConvolutionBackend]:
    found = [select(one.name).backend for one in phos.backends() if one.status == "ok"]
    return [backend for backend in found if isinstance(backend, CompilesChains)]


def _warm(backend: ConvolutionBackend) -> None:
    """Have all pictures developed, on a CPU in a process for each core: one waits for another."""
    from phos_darkroom.roll.processes import worker_processes

    start = time.perf_counter()
    pictures = list(blanks())
    jobs = usable_cores() if str(backend.device) == "cpu" else 1
    with worker_processes(jobs, []) as pool:
        futures = [pool.submit(develop_blank, one, backend.name) for one in pictures]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            if done * SAID // len(pictures) > (done - 1) * SAID // len(pictures):
                say(f"{backend.name}: {100 * done // len(pictures)} % of the code is there")
    facts = backend.device_facts() if isinstance(backend, ReportsDevice) else {}
    where = f", kept in {facts['compiled code']}" if "compiled code" in facts else ""
    say(f"{backend.name}: ready in {time.perf_counter() - start:.0f} s{where}")

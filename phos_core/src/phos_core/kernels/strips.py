"""Run pointwise steps on a backend: compiled where it compiles, in strips of rows on the CPU."""

import math
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import count
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, array_namespace, numpy_dtype
from phos_core.convolution.chain import Chain
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.methods.cpu import (
    TURN_NUMBERS,
    in_parallel,
    threads_for,
    threads_in_turn,
)
from phos_core.convolution.optional import CompilesChains, KeepsHostMemory
from phos_core.convolution.running.finite import Watch
from phos_core.errors import UnsupportedOperationError
from phos_core.kernels.tracing import trace
from phos_core.once import once
from phos_core.watching import strip_done

__all__ = [
    "SLIM",
    "RowFunction",
    "by_columns",
    "by_rows",
    "give_back",
    "give_back_last",
    "of_pixels",
    "pointwise",
    "prepared",
    "refusals",
    "room",
    "watched",
]

STRIP_NUMBERS = 700_000  # in one array: longer strips leave the cache
# Of a compiled step, which makes no arrays on its way: each strip takes Python's lock.
COMPILED_NUMBERS = 2 * STRIP_NUMBERS
SLIM = 64  # pixels: of a picture with a shorter side, what surrounds a strip may outweigh it
LONG = 2**14  # pixels of the longer side of such a picture that are gone through at once


_refusals: WeakKeyDictionary[ConvolutionBackend, dict[str, None]] = WeakKeyDictionary()


class RowFunction(Protocol):
    """What works row by row."""

    def __call__(self, *strips: Array, row_start: int, out: Array | None = None) -> Array:
        """Give the same rows of the result.

        Parameters
        ----------
        *strips : array, shape (layers, rows, cols)
            Rows of each array; not changed.
        row_start : int
            Index of the first one.
        out : array, shape (layers, rows, cols), optional
            Where the result may be put.

        Returns
        -------
        array, shape (layers, rows, cols)
            `out`, or a new array.
        """
        ...


def pointwise(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    *arrays: Array,
    out: NDArray[Any] | None = None,
) -> Array:
    """Run a function of pixels.

    Parameters
    ----------
    backend : ConvolutionBackend
        Whose arrays they are.
    function : callable
        As `prepared` takes it.
    *arrays : array, shape (layers, rows, cols)
        At least one; all with the same number of rows.
    out : ndarray, shape (layers, rows, cols), optional
        Takes the result on the host.

    Returns
    -------
    array, shape (layers, rows, cols)
        `out` if that is given; else a new array where the arrays are.
    """
    return by_rows(backend, prepared(backend, function, of_pixels(*arrays)), *arrays, out=out)


def of_pixels(*arrays: Array) -> list[tuple[int, np.dtype[Any]]]:
    """Layers and dtype of arrays of shape (layers, ...) of any library."""
    return [(array.shape[0], numpy_dtype(array)) for array in arrays]


def prepared(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    inputs: Sequence[tuple[int, np.dtype[Any]]],
) -> RowFunction:
    """Make a function of pixels ready to run: compiled where the backend can.

    Parameters
    ----------
    backend : ConvolutionBackend
        Where it will run.
    function : callable
        As `tracing.trace` takes it; with settings as a `partial` of keywords that can be hashed. It
        must not change its arguments.
    inputs : sequence of (int, dtype)
        Layers and dtype of the arrays to come.

    Returns
    -------
    RowFunction
        Does what the function does.
    """
    run = _compiled(backend, function, inputs) or _without_place(function)
    return lambda *strips, row_start, out=None: _laid_wide(run, strips, out)


def watched(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    inputs: Sequence[tuple[int, np.dtype[Any]]],
    watch: Watch,
) -> RowFunction:
    """Do as `prepared`, and see that the step takes and gives finite numbers alone.

    Parameters
    ----------
    backend, function, inputs
        As for `prepared`.
    watch : Watch
        Looks at the arrays, or takes what a kernel has seen of them on its way.

    Returns
    -------
    RowFunction
        Does what the function does.
    """
    kernel = _compiled(backend, function, inputs)
    if isinstance(kernel, WatchesNumbers):

        def run_watching(*strips: Array, row_start: int, out: Array | None = None) -> Array:
            done, total = kernel.watched(*strips, out=out)
            watch.note(total, strips)
            return done

        return run_watching
    step = prepared(backend, function, inputs)

    def look_and_run(*strips: Array, row_start: int, out: Array | None = None) -> Array:
        for strip in strips:
            watch.look(strip)
        done = step(*strips, row_start=row_start, out=out)
        if type(done) is type(strips[0]):  # what a device has sent to the host is coded already
            watch.look(done)
        return done

    return look_and_run


@runtime_checkable
class WatchesNumbers(Protocol):
    """A kernel that sees by itself whether numbers are finite: it costs no pass over them."""

    def watched(self, *arrays: Array, out: Array | None = None) -> tuple[Array, Array]:
        """Give the result, and a number that is finite only if all that was read and written is."""
        ...


def _compiled(
    backend: ConvolutionBackend,
    function: Callable[..., Array],
    inputs: Sequence[tuple[int, np.dtype[Any]]],
) -> Callable[..., Array] | None:
    """The kernel of a function of pixels; None where array code has to do it."""
    if not isinstance(backend, CompilesChains):
        return None
    try:
        return backend.compile(_chain(*_with_settings(function), tuple(inputs)))
    except UnsupportedOperationError as error:
        _refusals.setdefault(backend, {})[str(error)] = None
        return None


def refusals(backend: ConvolutionBackend) -> tuple[str, ...]:
    """Why steps were not compiled on a backend that compiles, since it was made."""
    return tuple(_refusals.get(backend, ()))


def _without_place(function: Callable[..., Array]) -> Callable[..., Array]:
    """A function of pixels that makes a new array whatever place it is given."""
    return lambda *strips, out=None: function(*strips)


def _laid_wide(function: Callable[..., Array], strips: Sequence[Array], out: Array | None) -> Array:
    """Run a function of pixels, on one long row if rows are short: each costs as much as a loop."""
    if not _is_narrow(strips[0]):
        return function(*strips, out=out)
    done = function(*(strip.reshape(len(strip), 1, -1) for strip in strips))
    return done.reshape(len(done), *strips[0].shape[1:])


def _is_narrow(array: Array) -> bool:
    return isinstance(array, np.ndarray) and array.shape[2] < min(SLIM, array.shape[1])


def by_columns(
    function: Callable[[slice, NDArray[Any] | None], Array], cols: int, out: NDArray[Any] | None
) -> Array:
    """Run what gives some of the columns of a few very long rows, not too many at a time.

    Parameters
    ----------
    function : callable
        Takes which columns, and the place where these may be put; gives that, or a new array.
    cols : int
        How many there are.
    out : ndarray, shape (layers, rows, cols), optional
        Takes the result.

    Returns
    -------
    array, shape (layers, rows, cols)
        `out`, or a new array.
    """
    blocks = [slice(start, min(start + LONG, cols)) for start in range(0, cols, LONG)]
    if len(blocks) < 2:
        return function(slice(0, cols), out)
    parts = []
    for block in blocks:
        place = None if out is None else out[..., block]
        done = function(block, place)
        if place is None:
            parts.append(done)
        elif done is not place:
            place[...] = done
    return array_namespace(*parts).concat(parts, axis=-1) if out is None else out


def _with_settings(
    function: Callable[..., Array],
) -> tuple[Callable[..., Array], tuple[tuple[str, Hashable], ...]]:
    """A function and its settings: a partial itself cannot be a key, as no two are equal."""
    if isinstance(function, partial):
        return function.func, tuple(function.keywords.items())
    return function, ()


@once(maxsize=64)
def _chain(
    function: Callable[..., Array],
    settings: tuple[tuple[str, Hashable], ...],
    inputs: tuple[tuple[int, np.dtype[Any]], ...],
) -> Chain:
    return trace(partial(function, **dict(settings)), inputs)


def by_rows(
    backend: ConvolutionBackend,
    function: RowFunction,
    *arrays: Array,
    out: NDArray[Any] | None = None,
) -> Array:
    """Run what works row by row, over strips of rows that stay in the CPU's cache.

    Parameters
    ----------
    backend : ConvolutionBackend
        Whose arrays they are. Other than NumPy's are handed over whole, in one call.
    function : RowFunction
        Each row of its result must depend on the same row of the arrays alone.
    *arrays : array, shape (layers, rows, cols)
        At least one; all with the same number of rows.
    out : ndarray, shape (layers, rows, cols), optional
        Takes the result on the host.

    Returns
    -------
    array, shape (layers, rows, cols)
        `out` if that is given; else a new array where the arrays are.
    """
    if not is_numpy_namespace(backend.xp):
        whole = function(*arrays, row_start=0, out=out)
        if out is None or whole is out:
            return whole
        np.copyto(out, backend.to_host(whole))
        return out

    def run(strip: slice, place: NDArray[Any] | None = None) -> NDArray[Any]:
        parts = (array[:, strip] for array in arrays)
        return np.asarray(function(*parts, row_start=strip.start or 0, out=place))

    largest = max(array.size for array in arrays)
    if isinstance(backend, CompilesChains):
        threads, most = threads_for(largest), COMPILED_NUMBERS
    else:
        threads = threads_in_turn(largest)
        most = max(STRIP_NUMBERS, threads * TURN_NUMBERS)
    strips = _strips(arrays, threads, most)
    if out is None:
        if len(strips) < 2:
            return run(slice(None))
        head = run(slice(0, 1))  # shows how many layers there are, and their dtype
        out = room(backend, (head.shape[0], arrays[0].shape[1], head.shape[2]), head.dtype)
    result, number = out, count(1)

    def fill(strip: slice) -> None:
        place = result[:, strip]
        done = run(strip, place)
        if done is not place:
            for layer in range(len(done)):  # NumPy interleaves all at once far more slowly
                place[layer] = done[layer]
        strip_done(next(number), len(strips))

    in_parallel(lambda: fill, strips, threads=threads)
    return result


def room(backend: ConvolutionBackend, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array on the host for a stage of the process, in memory that the backend has kept."""
    if not isinstance(backend, KeepsHostMemory):
        return np.empty(shape, dtype)
    return backend.buffers.take(shape, dtype)


def give_back(backend: ConvolutionBackend, *arrays: Array) -> None:
    """Let the backend keep the memory of arrays that nobody needs any more."""
    if isinstance(backend, KeepsHostMemory):
        for array in arrays:
            backend.buffers.give(array)


def give_back_last(backend: ConvolutionBackend, *arrays: Array) -> None:
    """Do as `give_back` when a picture is done: of what is kept now, the next one finds a part."""
    give_back(backend, *arrays)
    if isinstance(backend, KeepsHostMemory):
        backend.buffers.trim()


def _strips(arrays: Sequence[NDArray[Any]], threads: int, most: int) -> list[slice]:
    """Slices of rows that hold about so many numbers of any array, as many for each thread."""
    rows = max(arrays[0].shape[1], 1)
    strips = max(array.size for array in arrays) / most
    strips = max(math.ceil(strips / threads), 1) * threads
    step = math.ceil(rows / strips)
    if max(array.shape[2] for array in arrays) < SLIM:
        step = min(step, LONG)
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]

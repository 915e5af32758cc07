"""Counts what NumPy and SciPy are asked to do: numbers, bytes, products, transforms.

Arrays made inside `counting` count every operation on them, whoever asks for it and on whichever
thread. Nothing is timed: the same work gives the same counts on every machine.
"""

import inspect
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import scipy.fft

# Functions whose value takes several times as long as a sum or a product.
COSTLY = {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "float_power", "cbrt"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh"),
    *("hypot", "logaddexp"),
}
MAKERS = ("empty", "zeros", "ones", "full", "arange", "linspace", "array", "asarray")
MAKERS_OF_COPIES = ("ascontiguousarray", "asfortranarray", "asanyarray")
METHODS = ("astype", "copy", "reshape", "ravel", "flatten", "take", "repeat", "fill", "byteswap")
UNTOUCHED = {"empty", "empty_like"}  # memory that is asked for, and neither read nor written

KINDS = ("numbers", "costly", "bytes", "products", "transforms")


class Tally:
    """What was done.

    Numbers computed, those of costly functions, bytes read and written, multiplications in matrix
    products, and numbers transformed times the logarithm of the length.
    """

    def __init__(self):
        self.counts = dict.fromkeys(KINDS, 0.0)
        self._lock = threading.Lock()

    def add(self, **counts):
        """Count work that was done."""
        with self._lock:
            for kind, count in counts.items():
                self.counts[kind] += count


_tally = Tally()
_library = threading.local()  # whether this thread is inside a library's function, counted as one


@contextmanager
def counting() -> Iterator[Tally]:
    """Count what is done to the arrays that are made meanwhile, or by `counted`."""
    global _tally
    _tally = Tally()
    with mock.patch.multiple(np, **{name: _maker(name) for name in MAKERS + MAKERS_OF_COPIES}):
        scipy.fft.set_global_backend(_Transforms)
        try:
            yield _tally
        finally:
            scipy.fft.set_global_backend("scipy")


@contextmanager
def _one_operation() -> Iterator[None]:
    """Let a library make arrays as it likes: what it does is counted from outside."""
    before = getattr(_library, "busy", False)
    _library.busy = True
    try:
        yield
    finally:
        _library.busy = before


class Counted(np.ndarray):
    """An array that counts what is done to it."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **settings):
        """Compute with plain arrays, count, return counted ones."""
        into = {} if out is None else {"out": tuple(plain(each) for each in out)}
        result = getattr(ufunc, method)(*plain(inputs), **into, **plain(settings))
        _count(ufunc.__name__, inputs, result, is_product=ufunc is np.matmul)
        if out is not None:
            return out[0] if len(out) == 1 else out
        return counted(result)

    def __array_function__(self, function, types, arguments, settings):
        """Compute with plain arrays, count what is no view, return counted ones."""
        with _one_operation():
            result = function(*plain(arguments), **plain(settings))
        name, fft = function.__name__, "fft" in getattr(function, "__module__", "")
        into = settings.get("out")
        if fft and isinstance(result, np.ndarray) and name not in ("fftshift", "ifftshift"):
            _count_transform(function, arguments, settings, result)
        elif name not in UNTOUCHED and _is_work(result, (arguments, settings), into):
            _count(name, (arguments, settings), result, is_product=function is np.dot)
        return into if into is not None else counted(result)

    def __getitem__(self, key):
        """Count what is gathered; a slice costs nothing."""
        result = plain(self)[plain(key)]
        if isinstance(result, np.ndarray) and not np.may_share_memory(result, self):
            _count("take", (key, result), result)
        return counted(result)

    def __setitem__(self, key, value):
        """Count what is written."""
        target = plain(self)[plain(key)]
        plain(self)[plain(key)] = plain(value)
        _count("copyto", (value,), target)


def _method(name):
    """A method of arrays that counts where it makes a copy, or fills."""
    original = getattr(np.ndarray, name)

    def method(self, *arguments, **settings):
        result = original(plain(self), *plain(arguments), **plain(settings))
        if result is None:
            _count(name, (), self)
        elif not np.may_share_memory(result, self):
            _count(name, (self,), result)
        return counted(result)

    return method


for _name in METHODS:
    setattr(Counted, _name, _method(_name))


class _Transforms:
    """SciPy's transforms, counted: a backend by scipy.fft's own protocol."""

    __ua_domain__ = "numpy.scipy.fft"

    @staticmethod
    def __ua_function__(function, arguments, settings):
        with scipy.fft.set_backend("scipy", only=True), _one_operation():
            result = function(*plain(arguments), **plain(settings))
        if isinstance(result, np.ndarray):
            _count_transform(function, arguments, settings, result)
        return counted(result)


def counted(value):
    """Make arrays count; scalars and all else stay what they are."""
    if isinstance(value, tuple | list):
        return type(value)(counted(each) for each in value)
    return value.view(Counted) if type(value) is np.ndarray else value


def plain(value):
    """Undo `counted`, in tuples, lists and dicts as well."""
    if isinstance(value, Counted):
        return value.view(np.ndarray)
    if type(value) in (tuple, list):
        return type(value)(plain(each) for each in value)
    if type(value) is dict:
        return {key: plain(each) for key, each in value.items()}
    return value


def _maker(name):
    """A function that makes arrays: they count, and what it writes is counted."""
    original = getattr(np, name)

    def make(*arguments, **settings):
        result = original(*plain(arguments), **plain(settings))
        if getattr(_library, "busy", False) or not isinstance(result, np.ndarray):
            return result
        source = [each for each in arguments if isinstance(each, np.ndarray)]
        if name not in UNTOUCHED and not any(np.may_share_memory(result, x) for x in source):
            _count(name, source, result)
        return counted(result)

    return make


def _arrays(value):
    """Yield the arrays in a value."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _arrays(each)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))


def _is_work(result, arguments, into):
    """Tell work from a view and from a question about a shape or a dtype."""
    if result is None or into is not None or isinstance(result, np.generic):
        return True
    made = list(_arrays(result))
    sources = list(_arrays(arguments))
    return bool(made) and not any(np.may_share_memory(a, b) for a in made for b in sources)


def _count(name, inputs, result, is_product=False):
    """Count one operation."""
    sources, made = list(_arrays(inputs)), list(_arrays(result))
    numbers = sum(array.size for array in made) or max((x.size for x in sources), default=0)
    products = numbers * sources[0].shape[-1] if is_product else 0
    _tally.add(
        numbers=0 if is_product else numbers,
        costly=numbers if name in COSTLY else 0,
        bytes=sum(array.nbytes for array in (*sources, *made)),
        products=products,
    )


def _count_transform(function, arguments, settings, result):
    """Count one transform: as many numbers as its larger side has."""
    given = inspect.signature(function).bind(*arguments, **settings).arguments
    source = plain(arguments[0])
    larger = max(source, result, key=_real_numbers)
    axes = given.get("axis", given.get("axes"))
    if axes is None:
        of_all = {"n": range(larger.ndim), "2": (-2, -1)}
        axes = of_all.get(function.__name__[-1], -1)
    length = math.prod(larger.shape[axis] for axis in np.atleast_1d(axes))
    _tally.add(
        transforms=_real_numbers(larger) * math.log2(max(length, 2)),
        bytes=source.nbytes + result.nbytes,
    )


def _real_numbers(array):
    return array.size * (2 if array.dtype.kind == "c" else 1)

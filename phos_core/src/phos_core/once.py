"""A cache whose values are made once, however many threads ask for one at the same time."""

import os
import threading
from collections.abc import Callable
from functools import lru_cache, update_wrapper
from typing import Generic, ParamSpec, TypeVar

__all__ = ["Once", "once"]

P = ParamSpec("P")
T = TypeVar("T")


class Once(Generic[P, T]):
    """A function that remembers what it returned.

    `functools.lru_cache` holds no lock while the function runs: threads that ask for the same at
    the same time each make one of their own. Here the others wait.

    Parameters
    ----------
    function : callable
        Takes arguments that can be hashed. It must not wait for a thread that calls it.
    maxsize : int or None
        How many values are kept; None keeps all.
    """

    __qualname__: str

    def __init__(self, function: Callable[P, T], maxsize: int | None) -> None:
        self._cached = lru_cache(maxsize)(function)
        update_wrapper(self, function)
        self._renew_lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returned for these arguments, or call it."""
        with self._lock:
            return self._cached(*args, **kwargs)  # type: ignore[arg-type]

    def __reduce__(self) -> str:
        """Be pickled by name, as functions are."""
        return self.__qualname__

    def cache_clear(self) -> None:
        """Forget all values."""
        self._cached.cache_clear()

    def _renew_lock(self) -> None:
        """A forked child may inherit the lock held by a thread that it does not have."""
        self._lock = threading.RLock()


def once(maxsize: int | None = None) -> Callable[[Callable[P, T]], Once[P, T]]:
    """Decorate a function so that it makes each value once; see `Once`."""
    return lambda function: Once(function, maxsize)

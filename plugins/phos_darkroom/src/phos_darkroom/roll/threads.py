"""How many threads a worker process may compute on."""

import os

__all__ = ["limit_threads"]

VARIABLES = (
    "PHOS_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "NUMBA_NUM_THREADS",
)


def limit_threads(count: int) -> None:
    """Hold this whole process to so many threads, for good.

    It is for worker processes, before their first picture: it sets environment variables, and
    what the libraries that are loaded already hold for the process.

    Parameters
    ----------
    count : int
        Threads that compute, in phos and in the libraries beneath.
    """
    from threadpoolctl import threadpool_limits

    for name in VARIABLES:
        os.environ[name] = str(count)
    threadpool_limits(count)

"""A Dask cluster as an executor, for a roll."""

import asyncio
import os
import secrets
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from distributed import Client
from distributed.core import rpc
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.security import Security
from threadpoolctl import threadpool_limits

from phos_core.errors import PhosError

__all__ = ["NoSchedulerError", "ThreadLimit", "executor"]

PACKAGE = "phos_dask"
PATIENCE_S = 5.0
THREADS = "PHOS_THREADS"
_SILENCE = (OSError, ValueError, TypeError, RuntimeError, ImportError, MemoryError)


class NoSchedulerError(PhosError, ConnectionError):
    """No Dask scheduler answers at an address, or its workers cannot run phos."""


class ThreadLimit(WorkerPlugin):  # type: ignore[misc] # Dask is not looked into
    """Holds phos, and the libraries beneath, to so many threads on each worker.

    A worker runs as many tasks at a time as it has threads, and phos by itself takes every core
    for each. Where ``PHOS_THREADS`` is set in a worker's environment, that stands instead.

    Parameters
    ----------
    count : int
        Threads of each task.

    Examples
    --------
    ``client.register_plugin(phos_dask.ThreadLimit())`` before dask arrays are computed;
    `executor` does it by itself.
    """

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self.undo = ExitStack()

    def setup(self, worker: Any) -> None:
        """Limit the worker, as it starts or as it gets the plug-in."""
        if THREADS in os.environ:
            return
        os.environ[THREADS] = str(self.count)
        self.undo.callback(os.environ.pop, THREADS, None)
        self.undo.enter_context(threadpool_limits(self.count))

    def teardown(self, worker: Any) -> None:
        """Leave the worker as it was."""
        self.undo.close()


@contextmanager
def executor(address: str, *, security: Security | None = None) -> Iterator[Executor]:
    """Connect to a Dask scheduler.

    Parameters
    ----------
    address : str
        Where it listens, such as ``tcp://10.0.0.5:8786``, or ``tls://10.0.0.5:8786``. The
        scheduler can run code in this process, so name only one that you trust.
    security : distributed.Security, optional
        Certificates, for ``tls://``; by default those of Dask's configuration.

    Yields
    ------
    concurrent.futures.Executor
        Runs what is submitted on the scheduler's workers. Work whose worker dies is done again
        by another, up to three times; an error that the work raises is its result.

    Raises
    ------
    NoSchedulerError
        If no scheduler answers within 5 s, or its workers lack phos.

    Warns
    -----
    UserWarning
        If it has no workers: work waits until one comes.

    Notes
    -----
    For as long as it is open, phos runs on one thread for each task of a worker (`ThreadLimit`).
    """
    security = Security() if security is None else security
    if not _workers_at(address, security):
        warnings.warn(
            f"the Dask scheduler at {address} has no workers yet: the work waits for the first "
            f"(dask worker {address})",
            stacklevel=3,
        )
    with (
        Client(address, timeout=PATIENCE_S, set_as_default=False, security=security) as client,
        _limited(client, address),
    ):
        yield client.get_executor(pure=False)


@contextmanager
def _limited(client: Client, address: str) -> Iterator[None]:
    """Keep the workers to one thread a task, those too that come later."""
    _check_workers(client, address)
    name = f"phos-{secrets.token_hex(4)}"  # two rolls may run at a time
    client.register_plugin(ThreadLimit(), name=name)
    try:
        yield
    finally:
        with suppress(OSError):  # a scheduler that is gone by now has nothing to be put right
            client.unregister_worker_plugin(name)


def _check_workers(client: Client, address: str) -> None:
    """Raise unless every worker has this package, which brings phos."""
    found = client.run(find_spec, PACKAGE, on_error="ignore")
    without = [worker for worker, spec in found.items() if spec is None]
    if without:
        raise NoSchedulerError(
            f"{len(without)} of {len(found)} workers of {address} cannot import {PACKAGE}, "
            f"{without[0]} for one: install there what is installed here"
        )


def _workers_at(address: str, security: Security) -> int:
    """Ask a scheduler how many workers it has: a client that fails to connect leaves threads."""
    with ThreadPoolExecutor(1) as apart:  # a notebook's thread runs a loop already
        try:
            told = apart.submit(asyncio.run, _identity(address, security)).result()
        except _SILENCE as error:
            reason = str(error) or f"it did not answer within {PATIENCE_S:g} s"
            raise NoSchedulerError(
                f"no Dask scheduler at {address}: {reason}; start one with `dask scheduler`, which "
                "prints its address"
            ) from error
    if told["type"] != "Scheduler":
        raise NoSchedulerError(
            f"no Dask scheduler at {address}: a {told['type'].lower()} listens there; its "
            f"scheduler is at {told.get('scheduler', 'another address')}"
        )
    return len(told["workers"])


async def _identity(address: str, security: Security) -> dict[str, Any]:
    options = security.get_connection_args("client")
    async with rpc(address, timeout=PATIENCE_S, connection_args=options) as peer:
        told: dict[str, Any] = await asyncio.wait_for(peer.identity(), PATIENCE_S)
    return told

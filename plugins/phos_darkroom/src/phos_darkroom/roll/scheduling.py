"""Executors of plug-ins, by the address of what they connect to."""

import contextlib
import importlib
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from phos_core.backend import SchedulerSpec
from phos_core.convolution import Trouble, attempt, schedulers
from phos_core.errors import PhosError

__all__ = ["executor_at"]


@contextlib.contextmanager
def executor_at(address: str) -> Iterator[Executor]:
    """Connect to what runs a roll elsewhere.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.5:8786``; a plug-in knows what it begins with.

    Yields
    ------
    concurrent.futures.Executor
        For `develop_roll`.

    Raises
    ------
    ValueError
        If it is no address, or no plug-in that is installed knows its scheme.
    PhosError
        If the plug-in cannot connect.
    """
    spec = _spec_for(address)
    with contextlib.ExitStack() as stack:
        executor = attempt(
            lambda: stack.enter_context(_factory(spec)(address)), f"scheduler {spec.name}"
        )
        if isinstance(executor, Trouble):
            raise PhosError(f"{spec.name} cannot run a roll at {address}: {executor}")
        yield executor


def _spec_for(address: str) -> SchedulerSpec:
    scheme, separator, _ = address.partition("://")
    if not separator:
        raise ValueError(f"a scheduler's address reads like tcp://HOST:PORT, got {address!r}")
    specs = schedulers()
    for spec in specs:
        if scheme in spec.schemes:
            return spec
    known = ", ".join(scheme for spec in specs for scheme in spec.schemes)
    raise ValueError(
        f"no plug-in runs a roll at {address}: "
        + (f"known are {known}" if known else "phos-dask does, if it is installed")
        + "; from a checkout: pip install ./phos_core ./plugins/phos_dask"
    )


def _factory(spec: SchedulerSpec) -> Any:
    module, _, function = spec.factory.partition(":")
    return getattr(importlib.import_module(module), function)

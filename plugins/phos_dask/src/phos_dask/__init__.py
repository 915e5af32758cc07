"""Rolls on a Dask cluster, and dask arrays, for phos."""

from typing import TYPE_CHECKING, Any

from phos_core.backend import SchedulerSpec, hookimpl

if TYPE_CHECKING:
    from phos_dask.arrays import convolve, develop
    from phos_dask.scheduler import ThreadLimit, executor

__all__ = ["ThreadLimit", "convolve", "develop", "executor"]

PHOS_HOOK_API = 1
LATER = {
    "ThreadLimit": "scheduler",
    "convolve": "arrays",
    "develop": "arrays",
    "executor": "scheduler",
}


@hookimpl
def phos_schedulers() -> list[SchedulerSpec]:
    """Offer a Dask scheduler to a roll."""
    return [
        SchedulerSpec(
            name="dask", schemes=("tcp", "tls", "ws", "wss"), factory="phos_dask.scheduler:executor"
        )
    ]


def __getattr__(name: str) -> Any:
    """Import Dask when it is first needed: the module is loaded with every ``phos``."""
    from importlib import import_module

    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{LATER[name]}"), name)

"""Compiled loops on the CPU, by Numba, as a backend for phos."""

from phos_core.backend import BackendSpec, hookimpl

PHOS_HOOK_API = 1


@hookimpl
def phos_convolution_backends() -> list[BackendSpec]:
    """Offer Numba on the CPU."""
    return [
        BackendSpec(
            name="numba",
            priority=60,
            factory="phos_numba.backend:create",
            ready="phos_numba.compiling:is_ready",
            modules=("numba",),
            requires=("phos-core>=0.1,<1", "numba>=0.61"),
            hint="from a checkout: pip install ./phos_core ./plugins/phos_numba",
        )
    ]

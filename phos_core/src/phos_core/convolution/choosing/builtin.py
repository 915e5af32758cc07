"""The built-in backend, offered through the same hook as everyone's."""

from phos_core.convolution.hooks import BackendSpec, hookimpl

PHOS_HOOK_API = 1


@hookimpl
def phos_convolution_backends() -> list[BackendSpec]:
    """Offer SciPy's transforms on the CPU."""
    return [
        BackendSpec(
            name="scipy",
            priority=50,
            factory="phos_core.convolution.methods.scipy_backend:create",
            modules=("scipy",),
            requires=("numpy>=2.0", "scipy>=1.13"),
            hint="reinstall from a checkout: pip install ./phos_core",
        )
    ]

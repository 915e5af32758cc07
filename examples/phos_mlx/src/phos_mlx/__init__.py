"""MLX as a convolution backend for phos. Loaded whenever backends are listed: imports no MLX."""

from phos_core.backend import BackendSpec, hookimpl

PHOS_HOOK_API = 1


@hookimpl
def phos_convolution_backends() -> list[BackendSpec]:
    """Offer MLX on its default device: Apple's GPU, or the CPU of a Linux machine."""
    return [
        BackendSpec(
            name="mlx",
            priority=20,
            factory="phos_mlx.backend:create",
            modules=("mlx",),
            requires=("mlx>=0.32",),
            hint="pip install mlx on a Mac, pip install 'mlx[cpu]' on Linux",
        )
    ]

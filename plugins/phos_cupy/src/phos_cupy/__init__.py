"""CuPy as a convolution backend for phos."""

from phos_core.backend import BackendSpec, hookimpl

PHOS_HOOK_API = 1

# Measured on an H100 beside 16 cores, docs/gpu-results.md: about 3 ms, 7 on the CPU.
TRANSFER_WORTH_PIXELS = 128 * 128


@hookimpl
def phos_convolution_backends() -> list[BackendSpec]:
    """Offer CuPy on an NVIDIA GPU."""
    return [
        BackendSpec(
            name="cupy",
            priority=300,
            factory="phos_cupy.backend:create",
            modules=("cupy",),
            requires=("phos-core>=0.1,<1",),
            hint=(
                "from a checkout: pip install ./phos_core './plugins/phos_cupy[cuda13x]', "
                "or [cuda12x] with an older NVIDIA driver"
            ),
            transfer_worth_pixels=TRANSFER_WORTH_PIXELS,
        )
    ]

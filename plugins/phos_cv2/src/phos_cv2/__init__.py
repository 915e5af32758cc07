"""OpenCV as a convolution backend for phos."""

from phos_core.backend import BackendSpec, hookimpl

PHOS_HOOK_API = 1


@hookimpl
def phos_convolution_backends() -> list[BackendSpec]:
    """Offer OpenCV on the CPU."""
    return [
        BackendSpec(
            name="cv2",
            priority=40,
            factory="phos_cv2.backend:create",
            modules=("cv2",),
            requires=("phos-core>=0.1,<1",),
            hint="from a checkout: pip install ./phos_core './plugins/phos_cv2[headless]'",
        )
    ]

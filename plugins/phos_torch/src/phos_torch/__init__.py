"""PyTorch as convolution backends for phos: on NVIDIA GPUs, on Apple silicon, on the CPU."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from phos_core.backend import BackendSpec, hookimpl

if TYPE_CHECKING:
    from phos_torch.transform import FilmTransform

__all__ = ["FilmTransform", "phos_convolution_backends"]

PHOS_HOOK_API = 1

DEVICE_FILES = "nvidia[0-9]*"
# Measured on an H200 beside 16 cores, docs/gpu-results.md: about 2 ms, 7 on the CPU.
TRANSFER_WORTH_PIXELS = 128 * 128


@hookimpl
def phos_convolution_backends() -> list[BackendSpec]:
    """Offer PyTorch on each kind of device, and on each NVIDIA GPU by its number."""
    numbers = range(gpu_count(Path("/dev")))
    return [
        _spec("torch:cuda", 200, "create_cuda", transfer_worth_pixels=TRANSFER_WORTH_PIXELS),
        _spec(
            "torch:mps",
            200,
            "create_mps",
            oldest_torch="2.5",  # the first that tells how much memory Metal recommends
            transfer_worth_pixels=TRANSFER_WORTH_PIXELS,
        ),
        _spec("torch:cpu", 10, "create_cpu"),
        # Last of all, because torch:cuda is the first of them: these run when they are named.
        *(_spec(f"torch:cuda:{number}", 1, f"create_cuda_{number}") for number in numbers),
    ]


def __getattr__(name: str) -> Any:
    """Load what needs PyTorch when it is asked for: plug-ins are listed without it."""
    if name == "FilmTransform":
        from phos_torch.transform import FilmTransform

        return FilmTransform
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def gpu_count(devices: Path) -> int:
    """Count the NVIDIA GPUs that Linux shows as files, without asking any library."""
    return len(list(devices.glob(DEVICE_FILES)))


def _spec(
    name: str,
    priority: int,
    factory: str,
    *,
    oldest_torch: str = "2.4",
    transfer_worth_pixels: int = 0,
) -> BackendSpec:
    return BackendSpec(
        name=name,
        priority=priority,
        factory=f"phos_torch.backend:{factory}",
        modules=("torch",),
        requires=("phos-core>=0.1,<1", f"torch>={oldest_torch}"),
        hint="from a checkout: pip install ./phos_core ./plugins/phos_torch",
        transfer_worth_pixels=transfer_worth_pixels,
    )

"""What figures depend on: the machine, the versions, the environment."""

import ctypes
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from phos_core.backend import host_memory, usable_cores

__all__ = ["setting"]

DISTRIBUTIONS = (
    *("phos-core", "phos-cv2", "phos-torch", "phos-cupy", "phos-numba"),
    *("numpy", "scipy", "opencv-python-headless", "opencv-python", "torch", "numba"),
    *("cupy-cuda12x", "cupy-cuda13x"),
)
CPU_INFO = Path("/proc/cpuinfo")
THREADS = ("OPENBLAS_", "OMP_", "MKL_", "NUMBA_", "PHOS_")  # what such variables begin with


def setting() -> dict[str, Any]:
    """Return what the figures depend on.

    Returns
    -------
    dict
        Date, versions, machine and the environment's settings of libraries; nothing of the user.
    """
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "versions": {name: found for name in DISTRIBUTIONS if (found := _version(name))},
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": _processor(),
            "cores": usable_cores(),
            "memory_bytes": host_memory().total_bytes,
            "matrix_products": _blas_core(),
        },
        "environment": {k: v for k, v in sorted(os.environ.items()) if k.startswith(THREADS)},
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _blas_core() -> str | None:
    """Return the kind of core that NumPy's OpenBLAS computes for; None for another library."""
    folders = Path(np.__file__).parent.parent / "numpy.libs", Path(np.__file__).parent / ".dylibs"
    for library in (path for folder in folders for path in folder.glob("*openblas*")):
        loaded = ctypes.CDLL(str(library))
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_"):
            if hasattr(loaded, name):
                corename = getattr(loaded, name)
                corename.restype = ctypes.c_char_p
                return str(corename().decode())
    return None

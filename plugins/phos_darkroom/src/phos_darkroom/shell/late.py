"""What a command that is soon over leaves for later: a library's modules, a compiler's work.

SciPy's transforms take all that NumPy offers into a namespace of their own, and `numpy.f2py` with
it, a compiler of Fortran: that is a tenth of what the first picture takes.
"""

import importlib.util
import os
import sys

import numpy as np

__all__ = ["compile_later", "load_f2py_late"]

NAME = "numpy.f2py"


def load_f2py_late() -> None:
    """Let `numpy.f2py` be loaded when something of it is first asked for, as the library says how.

    For a process of our own, before it imports SciPy: what is loaded already is left as it is.
    """
    spec = importlib.util.find_spec(NAME) if NAME not in sys.modules else None
    if spec is None or spec.loader is None:
        return
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    loader.exec_module(module)
    np.f2py = module  # which NumPy would import in full


def compile_later() -> None:
    """Compile nothing in the background: this process is over before that would help it."""
    os.environ.setdefault("PHOS_COMPILE", "later")

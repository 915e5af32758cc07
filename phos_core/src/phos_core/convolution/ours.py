"""Backends of this repository's own plug-ins, known by name even where they are not installed."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

__all__ = ["OURS", "Absent", "absent"]

_CHECKOUT = "from a checkout: pip install ./phos_core"


@dataclass(frozen=True, slots=True)
class Absent:
    """A plug-in of ours that may be installed.

    Parameters
    ----------
    distribution : str
        Its name.
    folder : str
        Where it lies in the repository, with the extra that brings its library.
    """

    distribution: str
    folder: str

    @property
    def reason(self) -> str:
        """Why its backends cannot run."""
        return f"the plug-in {self.distribution} is not installed"

    @property
    def hint(self) -> str:
        """What installs it."""
        return f"{_CHECKOUT} '{self.folder}'"


_TORCH = Absent("phos-torch", "./plugins/phos_torch")

OURS: dict[str, Absent] = {
    "cupy": Absent("phos-cupy", "./plugins/phos_cupy[cuda13x]"),
    "torch:cuda": _TORCH,
    "torch:mps": _TORCH,
    "torch:cpu": _TORCH,
    "numba": Absent("phos-numba", "./plugins/phos_numba"),
    "cv2": Absent("phos-cv2", "./plugins/phos_cv2[headless]"),
}


def absent(offered: AbstractSet[str]) -> dict[str, Absent]:
    """Return the backends of ours that nothing installed offers.

    Parameters
    ----------
    offered : set of str
        Names of the backends, and of the plug-ins that failed to offer any.

    Returns
    -------
    dict of str to Absent
        By name.
    """
    return {name: plug_in for name, plug_in in OURS.items() if name not in offered}

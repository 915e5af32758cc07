"""Backends of this repository's own plug-ins, known by name even where they are not installed."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

__all__ = ["BUILT_IN", "OURS", "Absent", "absent", "owner"]

BUILT_IN = "phos-core"
BUILT_IN_BACKENDS = ("scipy",)

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


def owner(name: str) -> str | None:
    """Return the distribution of ours that alone may offer a backend of this name, if it is ours.

    Parameters
    ----------
    name : str
        The backend's name.

    Returns
    -------
    str or None
        The distribution; None where the name is free.
    """
    if name in BUILT_IN_BACKENDS:
        return BUILT_IN
    return OURS[name].distribution if name in OURS else None


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

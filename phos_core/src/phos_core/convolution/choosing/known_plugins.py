"""What this repository's own plug-ins bring, known by name even where they are not installed.

The core knows no plug-in by name but here.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

__all__ = [
    "BUILT_IN",
    "OURS",
    "PLUG_IN_COMMANDS",
    "SPACES_HINT",
    "SPACE_FINDER",
    "Absent",
    "absent",
    "owner_of_backend",
]

BUILT_IN = "phos-core"
BUILT_IN_BACKENDS = ("scipy",)

_CORE, _DARKROOM = "./phos_core", "./plugins/phos_darkroom"


@dataclass(frozen=True, slots=True)
class Absent:
    """A plug-in of ours that may be installed.

    Parameters
    ----------
    distribution : str
        Its name.
    folder : str
        Where it lies in the repository, with the extra that brings its library.
    needs : tuple of str
        Folders of the distributions that have to be installed with it.
    """

    distribution: str
    folder: str
    needs: tuple[str, ...] = (_CORE,)

    @property
    def reason(self) -> str:
        """Why what it brings is missing."""
        return f"the plug-in {self.distribution} is not installed"

    @property
    def hint(self) -> str:
        """What installs it."""
        return f"from a checkout: pip install {' '.join(self.needs)} '{self.folder}'"


_TORCH = Absent("phos-torch", "./plugins/phos_torch")

OURS: dict[str, Absent] = {
    "cupy": Absent("phos-cupy", "./plugins/phos_cupy[cuda13x]"),
    "torch:cuda": Absent("phos-torch", "./plugins/phos_torch[cuda]"),
    "torch:mps": _TORCH,
    "torch:cpu": _TORCH,
    "numba": Absent("phos-numba", "./plugins/phos_numba"),
    "cv2": Absent("phos-cv2", "./plugins/phos_cv2[headless]"),
}

PLUG_IN_COMMANDS: dict[str, Absent] = {
    "app": Absent("phos-app", "./plugins/phos_app", (_CORE, _DARKROOM)),
    "bench": Absent("phos-bench", "./plugins/phos_bench", (_CORE, _DARKROOM)),
    "video": Absent("phos-video", "./plugins/phos_video", (_CORE, _DARKROOM)),
}
"""Subcommands of ``phos``, each with the plug-in that brings it."""


SPACE_FINDER = "phos-darkroom"
SPACES_HINT = "pip install 'phos-darkroom[spaces]'"
"""What installs that which finds colour spaces by name."""


def owner_of_backend(name: str) -> str | None:
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

"""Find the entry points of what is installed, whatever state it was left in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phos_core.convolution.choosing.guarded import Trouble, attempt, in_one_line

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

__all__ = ["Installed", "installed", "normalised"]


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point, or a distribution whose entry points cannot be used.

    Parameters
    ----------
    name, value : str
        Of the entry point; the distribution's name and nothing where there is none.
    distribution, version : str
        Where it comes from.
    point : EntryPoint or None
        What can be loaded; None if it must not be.
    trouble : str
        Why not.
    """

    name: str
    value: str
    distribution: str
    version: str
    point: "EntryPoint | None" = None
    trouble: str = ""


def installed(group: str) -> list[Installed]:
    """Return the entry points of a group, by name.

    Parameters
    ----------
    group : str
        Such as "phos".

    Returns
    -------
    list of Installed
        Of each distribution the first that Python finds. `importlib.metadata.entry_points` is
        the same where every distribution is whole, and raises where one is not.
    """
    found = dict.fromkeys(_all(group))
    return sorted(found, key=lambda one: (one.name, one.value, one.distribution))


def normalised(name: str) -> str:
    """Return a distribution's name as package indexes compare it.

    Parameters
    ----------
    name : str
        Such as "Phos_Acme".

    Returns
    -------
    str
        Such as "phos-acme".
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _all(group: str) -> Iterator[Installed]:
    from importlib.metadata import distributions  # takes long to import

    seen = set()
    for distribution in distributions():
        folder = _folder(distribution)
        key = normalised(folder.partition("-")[0]) if folder else ""
        if key and key in seen:
            continue
        ours = list(_of(distribution, folder, group))
        yield from ours
        if not any(one.trouble for one in ours):  # a whole one may follow
            seen.add(key)


def _of(distribution: "Distribution", folder: str, group: str) -> Iterator[Installed]:
    """The entry points of one distribution; one row for it if it is damaged and has some."""
    known = in_one_line(folder.partition("-")[0] or "unknown distribution")
    points = attempt(lambda: [p for p in distribution.entry_points if p.group == group], known)
    if isinstance(points, Trouble):
        text = attempt(lambda: distribution.read_text("entry_points.txt"), known)
        if isinstance(text, Trouble) or f"[{group}]" in (text or ""):
            trouble = f"the entry_points.txt of {in_one_line(folder)} cannot be read"
            yield Installed(known, "", known, "", trouble=trouble)
        return
    if not points:
        return
    name, version = _name_and_version(distribution)
    if not name:
        trouble = (
            f"{in_one_line(folder) or 'its distribution'} has no METADATA that names it, as an "
            "interrupted uninstall leaves it: remove that folder, or install it again"
        )
        for point in points:
            yield Installed(in_one_line(point.name), point.value, known, "", trouble=trouble)
        return
    for point in points:
        yield Installed(in_one_line(point.name), point.value, name, version, point)


def _name_and_version(distribution: "Distribution") -> tuple[str, str]:
    """What its METADATA say; empty where they say nothing, or cannot be read."""

    def read() -> tuple[str, str]:
        metadata: Any = distribution.metadata
        return str(metadata.get("Name") or ""), str(metadata.get("Version") or "")

    found = attempt(read, "a distribution's metadata")
    return (
        ("", "") if isinstance(found, Trouble) else (in_one_line(found[0]), in_one_line(found[1]))
    )


def _folder(distribution: "Distribution") -> str:
    """Name of the folder of metadata, such as "phos_cv2-0.1.0.dist-info", where there is one."""
    path = getattr(distribution, "_path", None)  # no public name says it without METADATA
    return str(getattr(path, "name", ""))

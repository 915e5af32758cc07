"""Find plug-ins, each on its own, so that a broken one breaks nothing else.

A plug-in that fails to load, or whose hook fails, is kept with its reason. ``PHOS_BLOCK`` keeps
out what it names, separated by commas: a distribution, which is then not imported, or a backend.
``PHOS_PLUGINS`` lists what may be imported, by distribution or entry point: nothing besides. A
configuration file may say both, and rank backends otherwise; see `configuration`.

A backend's name belongs to one distribution. Where two plug-ins claim the same, neither runs;
the names of the built-in backends cannot be taken.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

import pluggy

from phos_core.convolution import configuration, hookspecs
from phos_core.convolution.configuration import Configuration, normalised
from phos_core.convolution.hookspecs import GROUP, HOOK_API, BackendSpec, SchedulerSpec
from phos_core.convolution.strangers import Trouble, attempt

__all__ = [
    "OfferedBackend",
    "PlugIn",
    "commands",
    "films",
    "kept_out",
    "offered_backends",
    "plug_ins",
    "reset",
    "schedulers",
]

BUILTIN_DISTRIBUTION = "phos-core"


@dataclass(frozen=True, slots=True)
class PlugIn:
    """An entry point in group ``phos``.

    Parameters
    ----------
    name : str
        The entry point's name.
    distribution, version : str
        Where it comes from.
    manager : pluggy.PluginManager or None
        Calls its hooks, and nobody else's; None if it could not be loaded.
    status : "ok", "blocked" or "broken"
        What became of it.
    reason : str
        Why it is not "ok".
    """

    name: str
    distribution: str
    version: str
    manager: pluggy.PluginManager | None = None
    status: Literal["ok", "blocked", "broken"] = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OfferedBackend:
    """A backend that a plug-in offers, or the trouble that kept it from offering any.

    Parameters
    ----------
    name : str
        The backend's name; the plug-in's where it offers none.
    plug_in : PlugIn
        Who offers it.
    spec : BackendSpec or None
        What it offers; None where that is not known.
    status : "ok", "blocked" or "broken"
        Whether it may be probed.
    reason, hint : str
        Why not, and what would help.
    """

    name: str
    plug_in: PlugIn
    spec: BackendSpec | None = None
    status: Literal["ok", "blocked", "broken"] = "ok"
    reason: str = ""
    hint: str = ""

    @property
    def priority(self) -> int | None:
        """Its place when nobody names a backend; None where it is not known."""
        return self.spec.priority if self.spec else None


def plug_ins() -> tuple[PlugIn, ...]:
    """Return every plug-in that is installed, loaded once per process."""
    return _load_all(configuration.configuration())


def offered_backends() -> tuple[OfferedBackend, ...]:
    """Return the backends that plug-ins offer, and the plug-ins that failed to."""
    wished = configuration.configuration()
    offered = _gathered(wished)
    return tuple(_judged(offer, offered, wished) for offer in offered)


def films() -> tuple[Path, ...]:
    """Return the film stocks that plug-ins bring; what is no path of a file is warned about."""
    found = []
    for path in _contributions("phos_films"):
        if isinstance(path, str | Path) and Path(path).is_file():
            found.append(Path(path))
        else:
            warnings.warn(
                f"phos_films must give paths of TOML files, got {path!r}",
                RuntimeWarning,
                stacklevel=2,
            )
    return tuple(found)


def commands() -> tuple[Any, ...]:
    """Return the commands that plug-ins bring; a plug-in that fails to is warned about."""
    return tuple(_contributions("phos_commands"))


def schedulers() -> tuple[SchedulerSpec, ...]:
    """Return what plug-ins can run a roll on; what is no `SchedulerSpec` is warned about."""
    found = []
    for spec in _contributions("phos_schedulers"):
        if isinstance(spec, SchedulerSpec):
            found.append(spec)
        else:
            warnings.warn(
                f"phos_schedulers must give SchedulerSpecs, got {spec!r}",
                RuntimeWarning,
                stacklevel=2,
            )
    return tuple(found)


def kept_out(name: str, distribution: str, wished: Configuration) -> str:
    """Say why an entry point is not imported.

    Parameters
    ----------
    name, distribution : str
        The entry point, and where it comes from.
    wished : Configuration
        What is wished for.

    Returns
    -------
    str
        Empty if it is imported.
    """
    if normalised(distribution) in wished.blocked:
        return f"distribution {distribution} is kept out by {wished.blocked_by}"
    if wished.allowed is None or normalised(distribution) == BUILTIN_DISTRIBUTION:
        return ""
    if wished.allowed.isdisjoint({normalised(name), normalised(distribution)}):
        return f"neither {distribution} nor {name} is in {wished.allowed_by}"
    return ""


def reset() -> None:
    """Forget what was found, so that it is looked for again."""
    configuration.reset()
    _load_all.cache_clear()
    _gathered.cache_clear()


@cache
def _load_all(wished: Configuration) -> tuple[PlugIn, ...]:
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    unique = {(point.name, point.value, _distribution(point)): point for point in points}
    return tuple(_load(point, wished) for point in unique.values())


@cache
def _gathered(wished: Configuration) -> tuple[OfferedBackend, ...]:
    offers = (offer for plug_in in _load_all(wished) for offer in _offers(plug_in))
    return tuple(_ranked(offer, dict(wished.priorities)) for offer in offers)


def _ranked(offer: OfferedBackend, priorities: Mapping[str, int]) -> OfferedBackend:
    """Give an offer the priority that the user wishes it to have."""
    if offer.spec is None or offer.name not in priorities:
        return offer
    return replace(offer, spec=replace(offer.spec, priority=priorities[offer.name]))


def _load(point: EntryPoint, wished: Configuration) -> PlugIn:
    distribution = _distribution(point)
    version = point.dist.version if point.dist else ""
    reason = kept_out(point.name, distribution, wished)
    if reason:
        return PlugIn(point.name, distribution, version, status="blocked", reason=reason)
    manager = attempt(lambda: _manager_of(point.load(), point.name), f"plug-in {point.name}")
    if isinstance(manager, Trouble):
        return PlugIn(point.name, distribution, version, status="broken", reason=manager)
    return PlugIn(point.name, distribution, version, manager)


def _manager_of(module: Any, name: str) -> pluggy.PluginManager:
    """Register a module alone, so that its hooks can be called apart from all others."""
    declared = getattr(module, "PHOS_HOOK_API", None)
    if declared != HOOK_API:
        raise RuntimeError(
            f"the plug-in declares PHOS_HOOK_API = {declared!r}, this phos speaks {HOOK_API}"
        )
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    manager.check_pending()
    return manager


def _offers(plug_in: PlugIn) -> Iterator[OfferedBackend]:
    if plug_in.status != "ok":
        yield OfferedBackend(plug_in.name, plug_in, status=plug_in.status, reason=plug_in.reason)
        return
    specs = attempt(lambda: _specs(plug_in), f"plug-in {plug_in.name}")
    if isinstance(specs, Trouble):
        reason = f"phos_convolution_backends failed: {specs}"
        yield OfferedBackend(plug_in.name, plug_in, status="broken", reason=reason)
        return
    for spec in specs:
        yield OfferedBackend(spec.name, plug_in, spec)


def _specs(plug_in: PlugIn) -> list[BackendSpec]:
    specs = _called(plug_in, "phos_convolution_backends")
    for spec in specs:
        if not isinstance(spec, BackendSpec):
            raise TypeError(f"expected a BackendSpec, got {spec!r}")
    return specs


def _contributions(hook: str) -> Iterator[Any]:
    for plug_in in plug_ins():
        found = attempt(partial(_called, plug_in, hook), f"plug-in {plug_in.name}")
        if isinstance(found, Trouble):
            warnings.warn(
                f"plug-in {plug_in.name} ({plug_in.distribution}): {hook} failed: {found}",
                RuntimeWarning,
                stacklevel=3,
            )
        else:
            yield from found


def _called(plug_in: PlugIn, hook: str) -> list[Any]:
    """Everything that one plug-in contributes through a hook."""
    if plug_in.manager is None:
        return []
    return [item for answer in getattr(plug_in.manager.hook, hook)() for item in answer]


def _judged(
    offer: OfferedBackend, offered: tuple[OfferedBackend, ...], wished: Configuration
) -> OfferedBackend:
    """Say whether an offer stands beside the others."""
    if offer.spec is None:
        return offer
    if normalised(offer.name) in wished.blocked:
        reason, hint = f"kept out by {wished.blocked_by}", f"take {offer.name} out of it"
        return replace(offer, status="blocked", reason=reason, hint=hint)
    claims = [other.plug_in for other in offered if other.spec and other.name == offer.name]
    if len(claims) == 1 or _is_builtin(offer.plug_in):
        return offer
    claimants = " and ".join(sorted(plug_in.distribution for plug_in in claims))
    return replace(
        offer,
        status="broken",
        reason=f"the name {offer.name!r} is claimed by {claimants}",
        hint="uninstall one, or keep one out with PHOS_BLOCK=DISTRIBUTION",
    )


def _is_builtin(plug_in: PlugIn) -> bool:
    return normalised(plug_in.distribution) == BUILTIN_DISTRIBUTION


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown distribution"

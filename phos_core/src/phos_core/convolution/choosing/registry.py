"""Find plug-ins, each on its own, so that a broken one breaks nothing else.

A plug-in that fails to load, or whose hook fails, is kept with its reason. ``PHOS_BLOCK`` keeps
out what it names, separated by commas: a distribution, which is then not imported, or a backend.
``PHOS_PLUGINS`` lists what may be imported, by distribution or entry point: nothing besides. A
configuration file may say both, and rank backends otherwise; see `configuration`.

A backend's name belongs to one distribution. Where two plug-ins claim the same, neither runs;
the names of this repository's own backends cannot be taken.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from phos_core.convolution import hooks
from phos_core.convolution.choosing import configuration
from phos_core.convolution.choosing.configuration import Configuration
from phos_core.convolution.choosing.guarded import (
    Answer,
    Steps,
    Trouble,
    attempt,
    patience_seconds,
    shown,
    watched,
)
from phos_core.convolution.choosing.installed import Installed, installed, normalised
from phos_core.convolution.choosing.known_plugins import BUILT_IN, owner_of_backend
from phos_core.convolution.hooks import (
    GROUP,
    HOOK_API,
    BackendSpec,
    ColourSpace,
    SchedulerSpec,
)
from phos_core.once import once

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "OfferedBackend",
    "PlugIn",
    "brought",
    "commands",
    "films",
    "is_builtin",
    "kept_out",
    "offered_backends",
    "plug_ins",
    "reset",
    "schedulers",
    "space_finders",
]

KEEP_OUT = "uninstall it, or keep it out with PHOS_BLOCK={}"
MOST_ENTRIES = 1000  # that a hook may return: one without end is not waited for

_is_loading: ContextVar[bool] = ContextVar("phos_is_loading", default=False)


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
        Calls the hooks of this plug-in alone; None if it could not be loaded.
    status : "ok", "blocked" or "broken"
        What became of it.
    reason : str
        Why it is not "ok"; of one that is, what a user should know.
    value : str
        What the entry point names: "package.module".
    specs : tuple of BackendSpec, or Trouble
        The backends that it offers, or why they cannot be known.
    seconds : float
        How long it took to load.
    """

    name: str
    distribution: str
    version: str
    manager: pluggy.PluginManager | None = None
    status: Literal["ok", "blocked", "broken"] = "ok"
    reason: str = ""
    value: str = ""
    specs: tuple[BackendSpec, ...] | Trouble = ()
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class OfferedBackend:
    """A backend that a plug-in offers, or the trouble that kept it from offering any.

    Parameters
    ----------
    name : str
        The backend's name; the plug-in's where it offers none.
    plug_in : PlugIn
        The plug-in that offers it.
    spec : BackendSpec or None
        What it offers; None where that is not known.
    status : "ok", "blocked" or "broken"
        Whether it may be probed.
    reason, hint : str
        Why not, and what would help; of one that may, what a user should know.
    """

    name: str
    plug_in: PlugIn
    spec: BackendSpec | None = None
    status: Literal["ok", "blocked", "broken"] = "ok"
    reason: str = ""
    hint: str = ""

    @property
    def priority(self) -> int | None:
        """Its rank where no backend is requested; None where that is not known."""
        return self.spec.priority if self.spec else None


def plug_ins() -> tuple[PlugIn, ...]:
    """Return every plug-in that is installed, loaded once per process.

    Returns
    -------
    tuple of PlugIn
        Those that cannot be loaded with their reason.

    Raises
    ------
    RuntimeError
        If a plug-in asks while it is being loaded itself.
    """
    if _is_loading.get():
        raise RuntimeError("a plug-in cannot ask for plug-ins or backends while it is being loaded")
    return _load_all(configuration.configuration())


def offered_backends() -> tuple[OfferedBackend, ...]:
    """Return the backends that plug-ins offer, and the plug-ins that failed to."""
    plug_ins()  # whose refusal, while one is being loaded, must not wait for a lock
    return _all_offered(configuration.configuration())


def films() -> tuple[Path, ...]:
    """Return the film stocks that plug-ins bring; what is no path of a file is warned about."""
    return tuple(
        Path(path)
        for path in _of_kind(
            "phos_films",
            "paths of TOML files",
            lambda path: isinstance(path, str | Path) and Path(path).is_file(),
        )
    )


def commands() -> tuple[Any, ...]:
    """Return the commands that plug-ins bring; a plug-in that fails to is warned about."""
    return tuple(command for _, command in brought("phos_commands"))


def schedulers() -> tuple[SchedulerSpec, ...]:
    """Return what plug-ins can run a roll on; what is no `SchedulerSpec` is warned about."""
    is_spec = lambda spec: isinstance(spec, SchedulerSpec)  # noqa: E731
    return tuple(_of_kind("phos_schedulers", "SchedulerSpecs", is_spec))


def space_finders() -> tuple[Callable[[str], ColourSpace], ...]:
    """Return what finds colour spaces by name; what is no function is warned about."""
    return tuple(_of_kind("phos_colour_spaces", "functions", callable))


def brought(hook: str) -> Iterator[tuple[PlugIn, Any]]:
    """Give what plug-ins bring through a hook, each with the plug-in that brings it.

    Parameters
    ----------
    hook : str
        Such as "phos_commands".

    Yields
    ------
    tuple of (PlugIn, object)
        The object is not checked.

    Warns
    -----
    RuntimeWarning
        If a plug-in fails to say what it brings.
    """
    for plug_in in plug_ins():
        found = _asked(plug_in, hook)
        if isinstance(found, Trouble):
            warnings.warn(f"{_origin(plug_in)}: {found}", RuntimeWarning, stacklevel=3)
        else:
            yield from ((plug_in, item) for item in found)


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
    if wished.allowed is None or normalised(distribution) == BUILT_IN:
        return ""
    if wished.allowed.isdisjoint({normalised(name), normalised(distribution)}):
        return f"neither {distribution} nor {name} is in {wished.allowed_by}"
    return ""


def reset() -> None:
    """Forget what was found, so that it is looked for again."""
    configuration.reset()
    _load_all.cache_clear()
    _all_offered.cache_clear()
    _asked.cache_clear()


@once()
def _load_all(wished: Configuration) -> tuple[PlugIn, ...]:
    token = _is_loading.set(True)
    try:
        return tuple(_load(found, wished) for found in installed(GROUP))
    finally:
        _is_loading.reset(token)


@once()
def _all_offered(wished: Configuration) -> tuple[OfferedBackend, ...]:
    priorities = dict(wished.priorities)
    offers = (offer for plug_in in _load_all(wished) for offer in _offers(plug_in))
    offered = tuple(_ranked(offer, priorities) for offer in offers)
    return tuple(_judged(offer, offered, wished) for offer in offered)


def _load(found: Installed, wished: Configuration) -> PlugIn:
    plug_in = PlugIn(found.name, found.distribution, found.version, value=found.value)
    reason = kept_out(found.name, found.distribution, wished)
    if reason:
        return replace(plug_in, status="blocked", reason=reason)
    if found.point is None:
        return replace(plug_in, status="broken", reason=found.trouble)
    start = time.perf_counter()
    answer = _load_watched(found.point, plug_in)
    seconds = time.perf_counter() - start
    if isinstance(answer.value, Trouble):
        reason = "; ".join(filter(None, [answer.value, answer.note]))
        return replace(plug_in, status="broken", reason=reason, seconds=seconds)
    manager, specs = answer.value
    note = answer.note and f"while it was loaded {answer.note}"
    return replace(plug_in, manager=manager, specs=specs, reason=note, seconds=seconds)


_Loaded = tuple[pluggy.PluginManager, "tuple[BackendSpec, ...] | Trouble"]


def _load_watched(point: "EntryPoint", plug_in: PlugIn) -> Answer[_Loaded]:
    def load(at: Steps) -> _Loaded:
        at("its import")
        if not point.pattern.match(point.value):
            raise ValueError(f"its entry point names {point.value!r}, which is no module")
        module = point.load()
        at("")
        manager = _manager_of(module, plug_in.name)
        at("phos_convolution_backends")
        return manager, attempt(lambda: _specs(manager), f"plug-in {plug_in.name}")

    if is_builtin(plug_in):
        return Answer(load(Steps()), "")
    return watched(load, _origin(plug_in), patience_seconds())


def _manager_of(module: Any, name: str) -> pluggy.PluginManager:
    """Register a module alone, so that its hooks can be called apart from all others."""
    declared = getattr(module, "PHOS_HOOK_API", None)
    if declared != HOOK_API:
        raise RuntimeError(
            f"the plug-in declares PHOS_HOOK_API = {declared!r}, this phos speaks {HOOK_API}"
        )
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    manager.register(module, name)
    manager.check_pending()
    if not manager.get_hookcallers(module):
        raise RuntimeError("none of its functions is marked with @hookimpl, so it brings nothing")
    return manager


def _offers(plug_in: PlugIn) -> Iterator[OfferedBackend]:
    if plug_in.status != "ok":
        hint = KEEP_OUT.format(plug_in.distribution) if plug_in.status == "broken" else ""
        yield OfferedBackend(
            plug_in.name, plug_in, status=plug_in.status, reason=plug_in.reason, hint=hint
        )
        return
    if isinstance(plug_in.specs, Trouble):
        reason = f"phos_convolution_backends failed: {plug_in.specs}"
        hint = KEEP_OUT.format(plug_in.distribution)
        yield OfferedBackend(plug_in.name, plug_in, status="broken", reason=reason, hint=hint)
        return
    for spec in plug_in.specs:
        yield OfferedBackend(spec.name, plug_in, spec, reason=plug_in.reason)


def _ranked(offer: OfferedBackend, priorities: Mapping[str, int]) -> OfferedBackend:
    """Give an offer the priority that the user wishes it to have."""
    if offer.spec is None or offer.name not in priorities:
        return offer
    return replace(offer, spec=replace(offer.spec, priority=priorities[offer.name]))


def _specs(manager: pluggy.PluginManager) -> tuple[BackendSpec, ...]:
    specs = tuple(_returned(manager, "phos_convolution_backends"))
    for spec in specs:
        if not isinstance(spec, BackendSpec):
            raise TypeError(f"expected a BackendSpec, got {shown(spec)}")
    return specs


def _of_kind(hook: str, what: str, fits: Any) -> Iterator[Any]:
    """Give what plug-ins bring through a hook, and warn of what is of another kind."""
    for plug_in, item in brought(hook):
        if fits(item):
            yield item
        else:
            warnings.warn(
                f"{_origin(plug_in)}: {hook} must give {what}, got {shown(item)}",
                RuntimeWarning,
                stacklevel=4,
            )


@once()  # of one that hangs, the time is waited for once
def _asked(plug_in: PlugIn, hook: str) -> tuple[Any, ...] | Trouble:
    """Everything that one plug-in contributes through a hook."""
    manager = plug_in.manager
    if manager is None or not getattr(manager.hook, hook).get_hookimpls():
        return ()

    def ask(at: Steps) -> tuple[Any, ...]:
        at(hook)
        return tuple(_returned(manager, hook))

    token = _is_loading.set(True)
    try:
        return watched(ask, _origin(plug_in), patience_seconds()).value
    finally:
        _is_loading.reset(token)


def _returned(manager: pluggy.PluginManager, hook: str) -> Iterator[Any]:
    """What the functions for a hook return. Asked one by one, since pluggy passes over a None."""
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        answer = implementation.function()
        if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
            raise TypeError(f"{hook} must return a list, got {shown(answer)}")
        entries = list(itertools.islice(answer, MOST_ENTRIES + 1))
        if len(entries) > MOST_ENTRIES:
            raise ValueError(f"{hook} must return no more than {MOST_ENTRIES} entries")
        yield from entries


def _judged(
    offer: OfferedBackend, offered: tuple[OfferedBackend, ...], wished: Configuration
) -> OfferedBackend:
    """Say whether an offer stands beside the others."""
    if offer.spec is None:
        return offer
    if normalised(offer.name) in wished.blocked:
        reason, hint = f"kept out by {wished.blocked_by}", f"take {offer.name} out of it"
        return replace(offer, status="blocked", reason=reason, hint=hint)
    hint = "uninstall one, or keep one out with PHOS_BLOCK=DISTRIBUTION"
    belongs_to = owner_of_backend(offer.name)
    if belongs_to is not None:
        if normalised(offer.plug_in.distribution) == belongs_to:
            return offer
        reason = (
            f"the name {offer.name!r} belongs to {belongs_to}, and is claimed by "
            f"{offer.plug_in.distribution}"
        )
        return replace(offer, status="broken", reason=reason, hint="give the backend another name")
    claims = [other.plug_in for other in offered if other.spec and other.name == offer.name]
    if len(claims) == 1:
        return offer
    claimants = " and ".join(sorted(plug_in.distribution for plug_in in claims))
    reason = f"the name {offer.name!r} is claimed by {claimants}"
    return replace(offer, status="broken", reason=reason, hint=hint)


def is_builtin(plug_in: PlugIn) -> bool:
    """Whether a plug-in is the core's own."""
    return normalised(plug_in.distribution) == BUILT_IN


def _origin(plug_in: PlugIn) -> str:
    return f"plug-in {plug_in.name} ({plug_in.distribution})"

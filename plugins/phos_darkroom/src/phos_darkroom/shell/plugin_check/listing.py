"""What plug-ins are installed, and what each brings."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from phos_core.backend import usable_cores
from phos_core.convolution import GROUP, Installed, configuration, installed, kept_out
from phos_darkroom.shell.plugin_check.children import run_inspection

__all__ = ["PlugInRow", "plug_in_rows"]

SECONDS = 30.0  # for a light module, in a process that has to start first


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugInRow:
    """What a list shows of an entry point.

    Parameters
    ----------
    name, module : str
        The entry point, and what it names.
    distribution, version : str
        Where it comes from.
    status : str
        "ok", "blocked" or "broken".
    hooks : tuple of str
        What it brings; empty if it was not loaded.
    load_ms : float or None
        How long its light module took, in milliseconds, where nothing of it was loaded before.
    reason : str
        Why it is not "ok".
    """

    name: str
    module: str
    distribution: str
    version: str
    status: str
    hooks: tuple[str, ...] = ()
    load_ms: float | None = None
    reason: str = ""


def plug_in_rows() -> list[PlugInRow]:
    """List what is installed, each loaded in a process of its own.

    Returns
    -------
    list of PlugInRow
        By name. What is kept out is not loaded.

    Raises
    ------
    ConfigurationError
        If the configuration file cannot be read, or something in it is wrong.
    """
    configuration()  # whose error belongs here, not on a thread
    with ThreadPoolExecutor(usable_cores()) as threads:
        return list(threads.map(_row, installed(GROUP)))


def _row(found: Installed) -> PlugInRow:
    def row(status: str, **facts: object) -> PlugInRow:
        return PlugInRow(
            name=found.name,
            module=found.value,
            distribution=found.distribution,
            version=found.version,
            status=status,
            **facts,  # type: ignore[arg-type]
        )

    reason = kept_out(found.name, found.distribution, configuration())
    if reason:
        return row("blocked", reason=reason)
    if found.point is None:
        return row("broken", reason=found.trouble)
    ran = run_inspection([found.name, found.value, found.distribution], SECONDS)
    hooks = tuple(ran.facts.get("hooks", ()))
    load = ran.facts.get("steps", {}).get("import")
    load_ms = round(1e3 * load["seconds"], 1) if load and not load["trouble"] else None
    troubles = list(_troubles(ran.facts, ran.ending))
    status = "broken" if troubles else "ok"
    return row(status, hooks=hooks, load_ms=load_ms, reason="; ".join(troubles))


def _troubles(facts: dict[str, object], ending: str) -> Iterator[str]:
    if ending:
        yield f"{ending}, at its {facts['at']}" if facts.get("at") else ending
    steps = facts.get("steps", {})
    for step, told in steps.items():  # type: ignore[attr-defined]
        if told["trouble"]:
            yield f"{step}: {told['trouble']}"
    if "hooks" not in facts:
        return
    if not facts["has_hook_api"]:
        yield f"PHOS_HOOK_API = {facts['hook_api']}"
    if facts["unknown_hooks"]:
        yield f"unknown hook {', '.join(facts['unknown_hooks'])}"  # type: ignore[arg-type]
    if not facts["hooks"]:
        yield "no function is marked with @hookimpl"

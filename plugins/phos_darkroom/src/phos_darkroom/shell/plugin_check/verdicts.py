"""From what a plug-in's process reports to verdicts on the plug-in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from typing import Any, Literal

from phos_core.convolution import normalised
from phos_darkroom.shell.plugin_check.children import Ran

__all__ = ["Status", "Verdict", "on_backend", "on_metadata", "on_module"]

Status = Literal["ok", "warning", "skipped", "failed"]

SLOW_IMPORT_SECONDS = 0.5  # our choice: every `phos` command pays it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one thing that a plug-in must do.

    Parameters
    ----------
    check : str
        What was looked at, such as "process state of acme".
    status : "ok", "warning", "skipped" or "failed"
        "skipped": it cannot be tried on this machine, or not after what failed.
    detail : str
        What was found.
    hint : str
        What would help.
    """

    check: str
    status: Status
    detail: str = ""
    hint: str = ""


def on_metadata(distribution: Distribution) -> Iterator[Verdict]:
    """Judge what a distribution says of itself.

    Parameters
    ----------
    distribution : Distribution
        As it is installed.

    Yields
    ------
    Verdict
        On its version, requirements and licence.
    """
    metadata = distribution.metadata
    version = _first(metadata, "Version")
    if re.match(r"v?\d+(\.\d+)*", version):
        yield Verdict("version", "ok", version)
    else:
        yield Verdict("version", "failed", f"its METADATA give no version, got {version!r}")
    requires = distribution.requires or []
    needs_core = any(normalised(one).startswith("phos-core") for one in requires)
    is_core = normalised(_first(metadata, "Name")) == "phos-core"
    if needs_core or is_core:
        yield Verdict("requires", "ok", ", ".join(one for one in requires if "extra ==" not in one))
    else:
        hint = 'dependencies = ["phos-core>=0.1,<1"] in its pyproject.toml'
        yield Verdict("requires", "warning", "it does not require phos-core", hint)
    named = _first(metadata, "License-Expression") or _first(metadata, "License")
    classified = metadata.get_all("Classifier", [])
    stated = [named, *(text for text in classified if text.startswith("License ::"))]
    stated = [text for text in stated if text]
    if stated:
        yield Verdict("licence", "ok", stated[0].splitlines()[0])
    else:
        hint = 'license = "MIT", or yours, in its pyproject.toml'
        yield Verdict("licence", "warning", "none is stated", hint)


def _first(metadata: Any, field: str) -> str:
    """A field of a distribution's metadata; empty if it is not there."""
    return str((metadata.get_all(field) or [""])[0]).strip()


def on_module(ran: Ran) -> Iterator[Verdict]:
    """Judge a plug-in's light module and its hooks.

    Parameters
    ----------
    ran : Ran
        What came of inspecting it.

    Yields
    ------
    Verdict
        On its import, what that loads, its hooks and names, what it prints and changes.
    """
    facts = ran.facts
    steps: Mapping[str, Any] = facts.get("steps", {})
    yield from _endings("import", ran)
    if "import" in steps:
        yield _on_import(steps["import"])
    if "hooks" not in facts:
        yield from _marks("", ran)
        return
    yield from _on_hooks(facts)
    if "libraries" in facts:
        yield _on_libraries(facts["libraries"], facts["hooks"])
    for hook in facts["hooks"]:
        if steps.get(hook, {}).get("trouble"):
            yield Verdict(hook, "failed", steps[hook]["trouble"])
        elif hook in steps:
            yield Verdict(hook, "ok", ", ".join(_brought(facts, hook)) or "nothing")
    if "names" in steps:
        trouble = steps["names"]["trouble"]
        yield Verdict("names", "failed" if trouble else "ok", trouble)
    yield from _marks("", ran)


def on_backend(name: str, ran: Ran) -> Iterator[Verdict]:
    """Judge how a backend is made, probed and tried.

    Parameters
    ----------
    name : str
        The backend.
    ran : Ran
        What came of trying it.

    Yields
    ------
    Verdict
        On each step, what it prints and changes.
    """
    yield from _endings(f"backend {name}", ran)
    facts = ran.facts
    for step, told in facts.get("steps", {}).items():
        check = f"{step} of {name}"
        if told["trouble"]:
            yield Verdict(check, "failed", told["trouble"])
        elif facts.get("status", "ok") != "ok" and step == list(facts["steps"])[-1]:
            reason = f"{facts['status']}: {facts['reason']}"
            yield Verdict(check, "skipped", reason, facts["hint"])
        else:
            yield Verdict(check, "ok", f"{told['seconds']:.2f} s")
    yield from _marks(f" of {name}", ran)


def _endings(what: str, ran: Ran) -> Iterator[Verdict]:
    """On a process that did not end well."""
    if ran.ending:
        at = f", at: {ran.facts['at']}" if ran.facts.get("at") else ""
        said = f"; its last words: {ran.last_words}" if ran.last_words else ""
        yield Verdict(what, "failed", f"{ran.ending}{at}{said}")


def _on_import(told: Mapping[str, Any]) -> Verdict:
    if told["trouble"]:
        return Verdict("import", "failed", told["trouble"])
    took = f"{1e3 * told['seconds']:.0f} ms"
    if told["seconds"] < SLOW_IMPORT_SECONDS:
        return Verdict("import", "ok", took)
    return Verdict("import", "warning", f"{took}, which every phos command waits for")


def _on_hooks(facts: Mapping[str, Any]) -> Iterator[Verdict]:
    if not facts["has_hook_api"]:
        yield Verdict(
            "hook API", "failed", f"PHOS_HOOK_API = {facts['hook_api']}", "PHOS_HOOK_API = 1"
        )
    if facts["unknown_hooks"]:
        yield Verdict("hooks", "failed", f"unknown: {', '.join(facts['unknown_hooks'])}")
    if facts["unmarked_hooks"]:
        what = f"not marked with @hookimpl: {', '.join(facts['unmarked_hooks'])}"
        yield Verdict("hooks", "failed", what)
    elif facts["hooks"]:
        yield Verdict("hooks", "ok", ", ".join(facts["hooks"]))
    elif not facts["unknown_hooks"]:
        yield Verdict("hooks", "failed", "none: no function is marked with @hookimpl")


def _on_libraries(libraries: list[str], hooks: list[str]) -> Verdict:
    if not libraries:
        return Verdict("light", "ok", "listing backends loads nothing but its own module")
    hint = "import them where they are needed, such as in the backend's module"
    what = f"listing backends loads {', '.join(libraries)}"
    return Verdict(
        "light", "failed" if "phos_convolution_backends" in hooks else "warning", what, hint
    )


def _brought(facts: Mapping[str, Any], hook: str) -> list[str]:
    if hook == "phos_convolution_backends":
        return [f"{spec['name']} (priority {spec['priority']})" for spec in facts["backends"]]
    return list(facts[hook])


def _marks(whose: str, ran: Ran) -> Iterator[Verdict]:
    """On what was printed and changed, at which step."""
    steps: Mapping[str, Any] = ran.facts.get("steps", {})
    out = [step for step, told in steps.items() if told["printed_bytes"][0]]
    err = [step for step, told in steps.items() if told["printed_bytes"][1]]
    if out:
        hint = "stdout belongs to the command that runs: use logging"
        what = f"stdout, at: {', '.join(out)}: {ran.stdout}"
        yield Verdict(f"output{whose}", "failed", what, hint)
    if err:
        what = f"stderr, at: {', '.join(err)}: {ran.stderr}"
        yield Verdict(f"output{whose}", "warning", what, "use logging")
    if steps and not (out or err):
        yield Verdict(f"output{whose}", "ok", "none")
    changed = [
        f"{', '.join(told['changed'])}, at: {step}"
        for step, told in steps.items()
        if told["changed"]
    ]
    if changed:
        hint = "these belong to the whole process: leave them as they are"
        yield Verdict(f"process state{whose}", "failed", f"it changes {'; '.join(changed)}", hint)
    elif steps:
        yield Verdict(f"process state{whose}", "ok", "unchanged")

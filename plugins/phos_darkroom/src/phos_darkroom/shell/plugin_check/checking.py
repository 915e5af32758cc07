"""Check an installed plug-in, as its users will meet it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from phos_core.convolution import GROUP, Installed, configuration, installed, kept_out, normalised
from phos_core.errors import UnknownPlugInError
from phos_darkroom.shell.plugin_check.children import run_inspection
from phos_darkroom.shell.plugin_check.kit import kit_verdict
from phos_darkroom.shell.plugin_check.verdicts import Verdict, on_backend, on_metadata, on_module

__all__ = ["PlugInReport", "check"]

SECONDS = 60.0  # our choice, for each process: a cold import of a large library fits in
KIT_SECONDS = 300.0  # our choice: the quick part takes some ten seconds on two cores


@dataclass(frozen=True, slots=True)
class PlugInReport:
    """What was found of an entry point.

    Parameters
    ----------
    name, distribution, version : str
        The entry point, and where it comes from.
    verdicts : tuple of Verdict
        On each thing that was looked at.
    """

    name: str
    distribution: str
    version: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what could not be tried here may have been skipped."""
        return not any(verdict.status == "failed" for verdict in self.verdicts)


def check(
    name: str,
    *,
    seconds: float = SECONDS,
    with_kit: bool = True,
    taken_commands: Collection[str] = (),
) -> list[PlugInReport]:
    """Check a plug-in: what it says of itself, what it brings, and how it behaves.

    Parameters
    ----------
    name : str
        An entry point's name, or a distribution's, all of whose entry points are checked.
    seconds : float
        How long each process may take in which its code runs.
    with_kit : bool
        Whether the kit's quick part is run on each backend that can run here.
    taken_commands : collection of str
        Names that a plug-in's commands cannot have.

    Returns
    -------
    list of PlugInReport
        One for each entry point.

    Raises
    ------
    UnknownPlugInError
        If nothing installed has this name; the message lists the nearest.
    ConfigurationError
        If the configuration file cannot be read, or something in it is wrong.
    """
    everything = installed(GROUP)
    chosen = [found for found in everything if found.name == name]
    chosen = chosen or [
        found for found in everything if normalised(found.distribution) == normalised(name)
    ]
    if not chosen:
        raise UnknownPlugInError(
            name, {one.name for one in everything} | {one.distribution for one in everything}
        )
    return [_report(found, _verdicts(found, seconds, with_kit, taken_commands)) for found in chosen]


def _report(found: Installed, verdicts: Iterator[Verdict]) -> PlugInReport:
    return PlugInReport(found.name, found.distribution, found.version, tuple(verdicts))


def _verdicts(
    found: Installed, seconds: float, with_kit: bool, taken_commands: Collection[str]
) -> Iterator[Verdict]:
    if found.point is None:
        yield Verdict("metadata", "failed", found.trouble)
        return
    try:
        yield from on_metadata(found.point.dist or distribution(found.distribution))
    except PackageNotFoundError:
        yield Verdict("metadata", "failed", f"{found.distribution} is not installed")
    reason = kept_out(found.name, found.distribution, configuration())
    if reason:
        yield Verdict("import", "failed", f"blocked: {reason}")
        return
    ran = run_inspection([found.name, found.value, found.distribution], seconds)
    yield from on_module(ran)
    for command in ran.facts.get("phos_commands", ()):
        if command in taken_commands:
            yield Verdict("commands", "failed", f"the name of its command {command!r} is taken")
    for spec in ran.facts.get("backends", ()):
        yield from _on_backend(found, spec["name"], seconds, with_kit)


def _on_backend(found: Installed, name: str, seconds: float, with_kit: bool) -> Iterator[Verdict]:
    ran = run_inspection([found.name, found.value, found.distribution, name], seconds)
    verdicts: Sequence[Verdict] = tuple(on_backend(name, ran))
    yield from verdicts
    can_run = ran.facts.get("status") == "ok" and not ran.ending
    if with_kit and can_run and "develop" in ran.facts["steps"]:
        yield kit_verdict(name, KIT_SECONDS)

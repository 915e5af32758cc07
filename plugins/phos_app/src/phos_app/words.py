"""Words about a render, for the page to show as plain text."""

from phos_core.process import RunReport

__all__ = ["compiles", "fallback", "ran"]

UNCOMPILED = ("its code is not compiled yet", "has not compiled its code")


def ran(report: RunReport) -> str:
    """Say what rendered, and how long that took."""
    seconds = sum(report.step_seconds.values())
    return f"{report.backend} on {report.device}, {1000 * seconds:.0f} ms"


def compiles(report: RunReport) -> str:
    """Name the backend that renders as soon as its code is compiled; empty where none is."""
    waiting = next((event for event in report.events if _tells_of_code(event)), "")
    return waiting.replace(":", " ").split()[0] if waiting else ""


def fallback(report: RunReport) -> str:
    """Say in words what did not go straight; nothing where all did."""
    events = [event for event in report.events if not _tells_of_code(event)]
    if not events:
        return ""
    return f"Rendered by {report.backend}, because not all went straight: " + "; ".join(events)


def _tells_of_code(event: str) -> bool:
    return any(words in event for words in UNCOMPILED)

"""Words on the page: plain text stays plain, whatever an upload is called."""

import re

from phos_core.process import RunReport

__all__ = ["fallback", "plain", "ran"]

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")


def plain(text: str) -> str:
    """Give text as Markdown that shows the same text: no link, no picture, no colour."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def ran(report: RunReport) -> str:
    """Say what rendered, and how long that took."""
    seconds = sum(report.step_seconds.values())
    return f"{report.backend} on {report.device}, {1000 * seconds:.0f} ms"


def fallback(report: RunReport) -> str:
    """Say in words what did not go straight; nothing where all did."""
    if not report.events:
        return ""
    return f"Rendered by {report.backend}, because not all went straight: " + "; ".join(
        report.events
    )

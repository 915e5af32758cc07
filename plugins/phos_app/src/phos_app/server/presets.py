"""Presets and settings as text."""

from typing import Any

from phos_darkroom import presets

__all__ = ["presets_told"]


def presets_told() -> list[dict[str, Any]]:
    """List the presets as the page is told."""
    return [
        {
            "name": preset.name,
            "label": preset.name,
            "film": preset.film,
            "description": preset.description,
            "is_own": preset.place != "phos",
        }
        for preset in presets()
    ]

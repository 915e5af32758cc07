"""Sidecars: beside each picture, a file that says how it was made, so that it can be again.

The picture ``a.png`` has the sidecar ``a.png.phos.toml``. It holds every setting, the defaults
too: a default that changes later does not change a picture that has been made.
"""

from phos_darkroom.settings.sidecar.record import (
    FileFacts,
    Sidecar,
    check_can_be_kept,
    describe,
    has_one,
    path_for,
)
from phos_darkroom.settings.sidecar.repeating import from_sidecar, is_done, knows, matches
from phos_darkroom.settings.sidecar.source import Source
from phos_darkroom.settings.sidecar.text import dumps, is_sidecar, loads, read

__all__ = [
    "FileFacts",
    "Sidecar",
    "Source",
    "check_can_be_kept",
    "describe",
    "dumps",
    "from_sidecar",
    "has_one",
    "is_done",
    "is_sidecar",
    "knows",
    "loads",
    "matches",
    "path_for",
    "read",
]

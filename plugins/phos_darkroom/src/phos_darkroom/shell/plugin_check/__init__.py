"""Look at installed plug-ins from outside: what each brings, and how it behaves.

Their code runs in processes of their own (`inspection`), started and ended by `children`; what
those report becomes verdicts (`verdicts`) on the plug-in, and the kit's quick part (`kit`) proves
each backend.
"""

from phos_darkroom.shell.plugin_check.checking import PlugInReport, check
from phos_darkroom.shell.plugin_check.listing import PlugInRow, plug_in_rows

__all__ = ["PlugInReport", "PlugInRow", "check", "plug_in_rows"]

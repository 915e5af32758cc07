"""Whole files: the one place where files are made, take their places, and are swept away.

A file is written under another name in its folder, its *part*, ``.NAME.<random>.part``:

1. `NewFiles.open` makes the part with the permissions that the file is to have, and locks it. The
   lock lasts as long as its process, so that a part without one was left behind by the dead.
2. `NewFiles` flushes, syncs and closes every part before any takes its place, so that a full disk
   or a quota is met while what was there before is still whole.
3. Then they take their places, the first opened last. If that fails midway, those that have taken
   theirs give way again to what was there before.
4. The folders are synced.

Whatever is raised on the way, no part is left. What a killed process leaves, `sweep` finds.
"""

from phos_darkroom.files.whole_files.part import part_stem
from phos_darkroom.files.whole_files.placing import (
    NewFiles,
    abandon_all,
    cannot_write,
    check_place,
    new_files,
    replacing,
)
from phos_darkroom.files.whole_files.sweeping import sweep

__all__ = [
    "NewFiles",
    "abandon_all",
    "cannot_write",
    "check_place",
    "new_files",
    "part_stem",
    "replacing",
    "sweep",
]

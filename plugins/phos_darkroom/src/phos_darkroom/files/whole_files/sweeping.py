"""What a killed process leaves behind."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from phos_darkroom.files.whole_files.locks import alone_in, close, taken_over
from phos_darkroom.files.whole_files.part import PART

__all__ = ["sweep"]


def sweep(folder: str | os.PathLike[str], settle: Callable[[str, Path], None]) -> None:
    """Go through the parts in a folder that nobody writes any more.

    Parameters
    ----------
    folder : path
        Where to look; in one that is not there or cannot be read there are none.
    settle : callable
        ``settle(stem, part)``, the stem by `part_stem` of the file that it was to be: removes the
        part, moves it, or leaves it. Nobody else takes the part meanwhile.
    """
    folder = Path(folder)
    with contextlib.suppress(OSError), alone_in({folder}):
        for part in list(folder.iterdir()):
            found = PART.fullmatch(part.name)
            held = taken_over(part) if found else None
            if found and held is not None:
                try:
                    settle(found["stem"], part)
                finally:
                    close(held)

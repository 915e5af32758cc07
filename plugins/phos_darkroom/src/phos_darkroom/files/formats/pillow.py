"""What the formats that Pillow decodes have in common."""

import contextlib
import warnings
from collections.abc import Iterator

from PIL import Image

__all__ = ["without_bomb_warning"]


@contextlib.contextmanager
def without_bomb_warning() -> Iterator[None]:
    """Let pictures below Pillow's hard limit pass in silence: their sizes are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield

"""Pictures larger than memory: a TIFF is developed by tiles, from file to file."""

from phos_darkroom.large.developing import check_tiff, develop_into, develop_large, is_large
from phos_darkroom.large.memory import strips_within_memory

__all__ = ["check_tiff", "develop_into", "develop_large", "is_large", "strips_within_memory"]

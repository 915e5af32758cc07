"""Pictures larger than memory: a TIFF is developed by tiles, from file to file."""

from phos_darkroom.large.developing import check_tiff, develop_into, develop_large, is_large

__all__ = ["check_tiff", "develop_into", "develop_large", "is_large"]

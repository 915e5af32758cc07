"""What libraries raise for files that are not what they claim to be."""

import struct
import zlib

__all__ = ["DAMAGE"]

DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow's, for a header it cannot read
    EOFError,
    RuntimeError,  # every codec's error in imagecodecs, and RecursionError
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,  # of a size that no check of ours foresaw
    struct.error,
    zlib.error,
)
"""Wide on purpose: behind it stand parsers that were written for good files."""

"""What the darkroom takes, before it says no."""

__all__ = ["PICTURES", "TOTAL_MIB", "UPLOAD_MIB"]

UPLOAD_MIB = 400
"""Of one file: 60 megapixels of 16 bits without compression are 343."""

PICTURES = 100
"""Of one roll."""

TOTAL_MIB = 2_000
"""Of all files of a session, which are held in memory."""

"""What the darkroom takes, before it says no, and what it keeps."""

__all__ = [
    "DESKS",
    "IDLE_HOURS",
    "JOBS",
    "PICTURES",
    "PRESET_MIB",
    "SHELF_MIB",
    "STATE_MIB",
    "TOTAL_MIB",
    "UPLOAD_MIB",
    "VIEW_PIXELS",
]

UPLOAD_MIB = 400
"""Of one file: 60 megapixels of 16 bits without compression are 343."""

PICTURES = 100
"""Of one roll."""

TOTAL_MIB = 4_000
"""Of all files of all desks, which lie in the temporary folder."""

DESKS = 24
"""Windows that are remembered; the one not used for longest goes first, an empty one before it."""

IDLE_HOURS = 12
"""After which a desk that nobody looks at goes, with its pictures."""

SHELF_MIB = 900
"""Of pictures in memory, of all desks together; others are read again when they are looked at."""

STATE_MIB = 4
"""Of what a page remembers of its desk."""

VIEW_PIXELS = 12_000_000
"""Of one view: a screen of 8 megapixels, and half as much again."""

PRESET_MIB = 1
"""Of a file with settings."""

JOBS = 4
"""Of a desk, whose results are kept; the oldest goes."""

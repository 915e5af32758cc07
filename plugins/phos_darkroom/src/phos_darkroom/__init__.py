"""The darkroom: picture files, rolls, settings as text, and the command `phos`."""

import logging

__all__ = ["LOGGERS"]

LOGGERS = ("phos_core", "phos_darkroom")
"""The loggers above all of phos's own."""

logging.getLogger(__name__).addHandler(logging.NullHandler())  # nothing is printed unasked

"""Lookup tables: baked, with what stands before their entries, looked up, measured, written."""

from phos_darkroom.showing.luts.accuracy import Accuracy, Errors, accuracy_of
from phos_darkroom.showing.luts.baking import make_layer_table, make_lut, make_table
from phos_darkroom.showing.luts.files import TABLE_ENDINGS, write_table
from phos_darkroom.showing.luts.hald import hald_image, resampled
from phos_darkroom.showing.luts.lookup import apply_lut
from phos_darkroom.showing.luts.notes import notes_of
from phos_darkroom.showing.luts.table import Shaper, Table

__all__ = [
    "TABLE_ENDINGS",
    "Accuracy",
    "Errors",
    "Shaper",
    "Table",
    "accuracy_of",
    "apply_lut",
    "hald_image",
    "make_layer_table",
    "make_lut",
    "make_table",
    "notes_of",
    "resampled",
    "write_table",
]

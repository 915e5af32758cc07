"""What a finished positive becomes in its file: its size, its sharpness, its quality."""

from phos_darkroom.files.export.finishing import check_exportable, exported
from phos_darkroom.files.export.record import SHARPENED, Export, Sharpen

__all__ = ["SHARPENED", "Export", "Sharpen", "check_exportable", "exported"]

"""How a photograph lies and what of it is wanted: turned, flipped, straightened and cropped."""

from phos_darkroom.files.framing.applying import Framed, framed
from phos_darkroom.files.framing.record import RATIOS, Crop, Framing, crop_from

__all__ = ["RATIOS", "Crop", "Framed", "Framing", "crop_from", "framed"]

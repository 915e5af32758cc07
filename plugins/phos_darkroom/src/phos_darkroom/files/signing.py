"""What a positive's file says of it: true of the positive, and by what it was made."""

import warnings
from dataclasses import replace
from importlib.metadata import version

from phos_darkroom.files.colour import profiles
from phos_darkroom.files.metadata import exif, exif_facts, xmp
from phos_darkroom.files.picture import Metadata

__all__ = ["signed"]


def signed(metadata: Metadata, settings: str | None = None) -> Metadata:
    """Make a picture's metadata those of its positive.

    Parameters
    ----------
    metadata : Metadata
        The picture's, but for the colour profile, which is the positive's.
    settings : str, optional
        With which it was made, as TOML, for XMP.

    Returns
    -------
    Metadata
        With the software's name in EXIF and the settings in XMP; without what is true of the
        undeveloped picture alone: thumbnails, gain maps and other pictures that stood in the file,
        and other colours than the positive's.

    Warns
    -----
    UserWarning
        If XMP cannot be read, so that the settings are not in it.
    """
    block, packet = exif_facts.without_thumbnail(metadata.exif), xmp.without_untrue(metadata.xmp)
    profile = metadata.icc_profile
    if profile is None or profiles.is_srgb(profile):
        block, packet = exif_facts.as_srgb(block), xmp.as_srgb(packet)
    if settings is not None:
        packet = xmp.with_settings(packet, settings)
        if xmp.settings(packet) != settings:
            warnings.warn(
                "the picture's XMP packet cannot be read: it is carried as it is, and the settings "
                "are not written into it",
                stacklevel=3,
            )
    return replace(
        metadata, exif=exif.with_software(block, f"phos {version('phos-core')}"), xmp=packet
    )

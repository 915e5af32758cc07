"""What cameras write of their logs, where the colour tags of a stream have no word for them."""

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["CAMERA_KEYS", "space_by_camera"]

PANASONIC = "com.panasonic.Semi-Pro.metadata.xml"
ARRI = "com.arri.camera.ColorGammaSxS"
CAMERA_KEYS = (PANASONIC, ARRI)
"""Metadata that would be untrue of a developed clip."""

SONY_SPACES = {  # by gamma and primaries, as the XML beside a clip has them
    ("s-log3-cine", "s-gamut3-cine"): "S-Log3 S-Gamut3.Cine",
    ("s-log3", "s-gamut3"): "S-Log3 S-Gamut3",
}
MOST_BYTES = 1 << 20  # of an XML beside a clip


def space_by_camera(path: Path, metadata: Mapping[str, str]) -> str:
    """Name the space that a camera says it recorded; empty: it says none that phos knows.

    Parameters
    ----------
    path : Path
        Of the clip; Sony's cameras write ``C0001M01.XML`` beside ``C0001.MP4``.
    metadata : mapping
        Of the container, as ffprobe gives it.

    Returns
    -------
    str
        A name that ``input_space`` takes.
    """
    if re.search(r"<CaptureGamma>\s*V-Log\s*</CaptureGamma>", metadata.get(PANASONIC, "")):
        return "V-Log V-Gamut"
    if metadata.get(ARRI, "").upper().startswith("LOG-C"):
        return "ARRI LogC3 (EI800)"
    return _by_sony(path)


def _by_sony(path: Path) -> str:
    beside = path.with_name(f"{path.stem}M01.XML")
    try:
        if beside.stat().st_size > MOST_BYTES:
            return ""
        text = beside.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
    said = dict(re.findall(r'<Item\s+name="(\w+)"\s+value="([^"]*)"', text))
    key = (said.get("CaptureGammaEquation", ""), said.get("CaptureColorPrimaries", ""))
    return SONY_SPACES.get(key, "")

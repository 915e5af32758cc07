"""Labels: what the page calls each control, in photographers' words.

The physics stays in the tooltips, which are the meanings in `phos_darkroom.SETTINGS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["FORMATS", "GROUPS", "LABELS", "SCANNER_LABELS", "Label"]

GROUPS = ("Tone", "Colour", "Texture", "Film", "Scan and print")
"""In the order of the page."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a control is called.

    Parameters
    ----------
    text : str
        A few words; none longer than fits beside a number.
    group : str
        One of `GROUPS`.
    unit : str
        What the number counts.
    choices : mapping of Any to str
        Of a choice: what each value is called.
    unset : str
        What stands in an empty field; empty: as the setting is described everywhere.
    """

    text: str
    group: str
    unit: str = ""
    choices: Mapping[Any, str] = field(default_factory=dict)
    unset: str = ""


FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "135": "35 mm",
        "half-frame": "Half frame",
        "120-645": "6×4.5",
        "120-66": "6×6",
        "120-67": "6×7",
        "120-69": "6×9",
        "4x5": "4×5 inch sheet",
        "super-35": "Super 35",
        "super-16": "Super 16",
        "super-8": "Super 8",
        "16mm": "16 mm",
        "academy": "Academy 35 mm",
        "vistavision": "VistaVision",
        "65mm": "65 mm",
        "imax": "IMAX",
    }
)
"""Of the film's formats; one that is not here goes by its name."""

SCANNER_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "minilab": "Minilab",
        "camera": "Camera scan",
        "drum": "Drum scanner",
        "none": "Without blur",
    }
)

LABELS: Mapping[str, Label] = MappingProxyType(
    {
        "film": Label("Film", "Film"),
        "strength": Label("Strength", "Tone", "%"),
        "exposure_stops": Label("Exposure", "Tone", "EV"),
        "brightness_stops": Label("Brightness", "Tone", "EV"),
        "contrast": Label("Contrast", "Tone"),
        "black_point": Label("Blacks", "Tone", "EV", unset="film's own"),
        "white_point": Label("Whites", "Tone", "EV", unset="film's own"),
        "lab_correction": Label("Lab evens out exposure", "Tone"),
        "light": Label(
            "Light",
            "Colour",
            choices={
                "film": "As the film expects",
                "daylight": "Daylight",
                "tungsten": "Tungsten",
                "temperature": "Temperature …",
            },
        ),
        "kelvin": Label("Temperature", "Colour", "K"),
        "light_balance": Label("Cast removed", "Colour"),
        "auto_balance": Label("Auto white balance", "Colour"),
        "red": Label("Cyan to red", "Colour", "cc"),
        "green": Label("Magenta to green", "Colour", "cc"),
        "blue": Label("Yellow to blue", "Colour", "cc"),
        "couplers": Label("Colour separation", "Colour"),
        "grain": Label("Grain", "Texture"),
        "halation": Label("Halation", "Texture"),
        "highlights_stops": Label("Highlight glow", "Texture", "EV"),
        "scatter": Label("Softness", "Texture"),
        "dust_per_cm2": Label("Dust", "Texture"),
        "scratches": Label("Scratches", "Texture"),
        "seed": Label("Grain pattern", "Texture"),
        "mode": Label(
            "Apply",
            "Texture",
            choices={
                "full": "Colour and texture",
                "colour": "Colour only",
                "texture": "Texture only",
            },
        ),
        "film_format": Label("Film size", "Film", choices=FORMATS),
        "push_stops": Label("Push or pull", "Film", "EV"),
        "exposure_index": Label("Rated at ISO", "Film", unset="film's speed"),
        "exposure_time_s": Label("Shutter time", "Film", "s"),
        "process_version": Label("Process", "Film", choices={2: "Current", 1: "As in phos 0.1"}),
        "printing": Label("Scan or paper", "Scan and print"),
        "scanner": Label("Scanner", "Scan and print", choices=SCANNER_LABELS),
        "print_stops": Label("Print exposure", "Scan and print", "EV"),
        "paper_grade": Label("Paper grade", "Scan and print"),
        "yellow": Label("Yellow filter", "Scan and print", "cc"),
        "magenta": Label("Magenta filter", "Scan and print", "cc"),
        "cyan": Label("Cyan filter", "Scan and print", "cc"),
    }
)
"""Of each control of `phos_app.looks.CONTROLS`."""

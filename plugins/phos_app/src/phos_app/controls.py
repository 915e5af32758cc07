"""Controls: what each setting is called on the page, where it stands there, and how it is moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from phos_app.looks import CONTROLS, SPANS, described
from phos_core.stocks import FILM_FORMATS_UM, SCANNERS

__all__ = ["FORMATS", "GROUPS", "Control", "controls_told"]

Kind = Literal["slider", "number", "choice", "switch"]

GROUPS = {
    "light": "Light",
    "film": "Film",
    "print": "Scan or print",
    "colour": "Colour",
    "character": "Character",
    "more": "More",
}

FORMATS = {
    "135": "35 mm",
    "half-frame": "Half frame",
    "120-645": "6×4.5",
    "120-66": "6×6",
    "120-67": "6×7",
    "120-69": "6×9",
    "4x5": "4×5 in",
    "super-35": "Super 35",
    "super-16": "Super 16",
}
"""What the formats are called; one that is not here by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control as the page shows it.

    Parameters
    ----------
    label : str
        In a photographer's words.
    group : str
        A key of `GROUPS`.
    kind : {"slider", "number", "choice", "switch"}
        How it is moved.
    tooltip : str
        What it does; empty: as the setting is described everywhere.
    unit : str
        Of its number; empty: the setting's, or none.
    choices : mapping of str or int to str, optional
        Its values, each with its label.
    """

    label: str
    group: str
    kind: Kind = "slider"
    tooltip: str = ""
    unit: str = ""
    choices: Mapping[Any, str] | None = None


_LIGHTS = {
    "film": "As the film wants it",
    "daylight": "Daylight",
    "tungsten": "Tungsten",
    "temperature": "Temperature",
}
_SCANNERS = {"minilab": "Minilab", "camera": "Camera", "drum": "Drum", "none": "Ideal, no blur"}

_TABLE = {
    "exposure_stops": Control(label="Exposure", group="light"),
    "light": Control(label="Light", group="light", kind="choice", choices=_LIGHTS),
    "kelvin": Control(label="Temperature", group="light", unit="K"),
    "light_balance": Control(
        label="White balance",
        group="light",
        tooltip="How much of the light's colour the scan or print takes out: 1 all, 0 none.",
    ),
    "lab_correction": Control(
        label="Lab corrects the exposure",
        group="light",
        kind="switch",
        tooltip="As a laboratory does: an overexposed negative comes out as light as ever, with "
        "the look of overexposure. Slides have no such correction.",
    ),
    "auto_balance": Control(
        label="Auto balance",
        group="light",
        kind="switch",
        tooltip="Balances the scan or print on the picture itself.",
    ),
    "film_format": Control(
        label="Format",
        group="film",
        kind="choice",
        tooltip="The size of the frame: on a larger film the same picture has finer grain.",
        choices={name: FORMATS.get(name, name) for name in FILM_FORMATS_UM},
    ),
    "exposure_index": Control(
        label="Rated at",
        group="film",
        kind="number",
        unit="ISO",
        tooltip="What the meter is set to: half the film's speed gives it a stop more light.",
    ),
    "push_stops": Control(label="Push or pull", group="film"),
    "exposure_time_s": Control(
        label="Shutter open for",
        group="film",
        kind="number",
        tooltip="Long exposures lose speed and shift in colour: reciprocity failure.",
    ),
    "printing": Control(label="Positive", group="print", kind="choice", choices={}),
    "scanner": Control(
        label="Scanner",
        group="print",
        kind="choice",
        choices={name: _SCANNERS.get(name, s.label) for name, s in SCANNERS.items()},
    ),
    "brightness_stops": Control(label="Brightness", group="print"),
    "contrast": Control(label="Contrast", group="print"),
    "print_stops": Control(label="Print exposure", group="print"),
    "paper_grade": Control(label="Paper grade", group="print", kind="number"),
    "black_point": Control(label="Black point", group="print", kind="number"),
    "white_point": Control(label="White point", group="print", kind="number"),
    "red": Control(label="Cyan – red", group="colour"),
    "green": Control(label="Magenta – green", group="colour"),
    "blue": Control(label="Yellow – blue", group="colour"),
    "yellow": Control(label="Yellow filter", group="colour"),
    "magenta": Control(label="Magenta filter", group="colour"),
    "cyan": Control(label="Cyan filter", group="colour"),
    "strength": Control(
        label="Strength",
        group="character",
        tooltip="The whole look, from the photograph as it was (0) to the film (1).",
    ),
    "grain": Control(label="Grain", group="character"),
    "halation": Control(
        label="Halation",
        group="character",
        tooltip="The red glow around lights, which the film's base returns: 1 as the film has it.",
    ),
    "highlights_stops": Control(
        label="Glow of clipped lights",
        group="character",
        tooltip="How much brighter than white a clipped light was: it glows more, and is not "
        "lighter.",
    ),
    "scatter": Control(
        label="Softness",
        group="character",
        tooltip="Blur by light that scatters in the emulsion: 1 as the film has it, 0 none.",
    ),
    "couplers": Control(
        label="Colour separation",
        group="character",
        tooltip="How developer couplers make colours purer and edges crisper: 1 as the film has "
        "it, 0 none.",
    ),
    "seed": Control(label="Grain pattern", group="more", kind="number"),
    "mode": Control(
        label="Apply",
        group="more",
        kind="choice",
        tooltip="All of the film, its colours alone, or its grain, glow and softness alone.",
        choices={"full": "Everything", "colour": "Colour only", "texture": "Texture only"},
    ),
    "process_version": Control(
        label="Process",
        group="more",
        kind="choice",
        choices={2: "Today's", 1: "That of phos 0.1"},
    ),
}


def controls_told() -> list[dict[str, Any]]:
    """Give all controls but the film as the page is told, in the order in which they stand."""
    return [_told(name, control) for name, control in _TABLE.items() if name in CONTROLS]


def _told(name: str, control: Control) -> dict[str, Any]:
    setting, span = described(name), SPANS.get(name)
    choices = control.choices
    return {
        "name": name,
        "label": control.label,
        "tooltip": control.tooltip or setting.meaning,
        "group": control.group,
        "kind": control.kind,
        "low": None if span is None else span.low,
        "high": None if span is None else span.high,
        "step": None if span is None else span.step,
        "unit": control.unit or setting.unit,
        "unset": setting.unset,
        "default": CONTROLS[name],
        "choices": None
        if choices is None
        else [{"value": value, "label": label} for value, label in choices.items()],
    }

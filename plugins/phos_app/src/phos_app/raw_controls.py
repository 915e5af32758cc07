"""Raw controls: what the page offers of `phos_darkroom.RawSettings` for a camera's raw file.

A white balance is one setting there. The page has a choice, of which the last takes a temperature
and a tint from two controls of their own.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

__all__ = ["RawControl", "raw_controls"]

GROUP = "Raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawControl:
    """A control of raw files, as the catalogue tells any control.

    Parameters
    ----------
    name : str
        The setting; "kelvin" and "tint": of a white balance that is "temperature".
    label, tooltip : str
        What it is called, and what it does.
    kind : {"choice", "slider", "switch"}
        How it is set.
    default : Any
        Its value at first.
    low, high, step : float or None
        Of a slider.
    unit : str
        What its number counts.
    choices : list of dict
        Of a choice: each value with its label.
    group : str
        Where it lies on the page.
    """

    name: str
    label: str
    tooltip: str
    kind: Literal["choice", "slider", "switch"]
    default: Any
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: str = ""
    choices: list[dict[str, str]] = field(default_factory=list)
    group: str = GROUP


def raw_controls() -> list[RawControl]:
    """List the controls of raw files, in the order of the page; of a lens's, if lensfun is here."""
    controls = [
        RawControl(
            name="white_balance",
            label="White balance",
            tooltip="What light the scene had: what the camera measured, daylight, or a "
            "temperature and a tint. The film then sees the scene in that light as neutral.",
            kind="choice",
            default="as-shot",
            choices=_choices(
                {
                    "as-shot": "As shot",
                    "daylight": "Daylight",
                    "temperature": "Temperature …",
                }
            ),
        ),
        RawControl(
            name="kelvin",
            label="Temperature",
            tooltip="Of the scene's light: more makes the picture warmer.",
            kind="slider",
            default=5_500.0,
            low=2_000.0,
            high=12_000.0,
            step=50.0,
            unit="K",
        ),
        RawControl(
            name="tint",
            label="Tint",
            tooltip="More takes green out of the light, less takes magenta out.",
            kind="slider",
            default=0.0,
            low=-150.0,
            high=150.0,
            step=1.0,
        ),
        RawControl(
            name="raw_exposure_stops",
            label="Raw exposure",
            tooltip="How much brighter the scene was than the file says: +1 doubles its light. "
            "Unlike Exposure, no laboratory evens it out.",
            kind="slider",
            default=0.0,
            low=-5.0,
            high=5.0,
            step=0.1,
            unit="EV",
        ),
        RawControl(
            name="highlights",
            label="Highlights",
            tooltip="Where some channels of the sensor are saturated: fade to neutral, estimate "
            "them from the others and from what is around, or end there.",
            kind="choice",
            default="blend",
            choices=_choices({"blend": "Fade", "rebuild": "Rebuild", "clip": "Clip"}),
        ),
    ]
    if find_spec("lensfunpy") is not None:
        controls.append(
            RawControl(
                name="lens_correction",
                label="Lens correction",
                tooltip="Corrects distortion, lateral colour and vignetting, where lensfun knows "
                "camera and lens.",
                kind="switch",
                default=False,
            )
        )
    return controls


def _choices(labels: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in labels.items()]

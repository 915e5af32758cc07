"""Looks: the settings that the page offers, between its controls and a `Recipe`.

A control holds one plain value; so ``filters_cc`` and ``balance_cc`` have three of them, and
``light`` two. Which of them count depends on the film and the paper; the others keep their value
for when they count again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from phos_core.process import Recipe
from phos_core.stocks import (
    PRINTED_ON,
    SCANNERS,
    SCANS,
    FilmSummary,
    Summary,
    films,
    is_path,
    paper_summaries,
)
from phos_darkroom import SETTINGS, Setting, bounds_of, frame_seed

__all__ = [
    "BALANCE",
    "CONTROLS",
    "FILTERS",
    "KINDS",
    "OF_MOTION",
    "OF_THE_FILE",
    "SPANS",
    "Span",
    "controls_of",
    "described",
    "film_named",
    "films_by_kind",
    "from_settings",
    "offered",
    "printings",
    "recipe_of",
    "recipe_of_page",
    "settings_of",
    "within",
]

KINDS = {
    "negative": "Colour negative",
    "reversal": "Slide",
    "black-and-white": "Black and white",
}
FILTERS = ("yellow", "magenta", "cyan")
BALANCE = ("red", "green", "blue")
OF_THREE = {"filters_cc": FILTERS, "balance_cc": BALANCE}
KELVIN = "temperature"  # the choice of light that the control `kelvin` belongs to
OF_THE_FILE = (
    *("frame", "pixel_pitch_um", "offset_px", "encoding", "primaries"),
    *("input_space", "output_space"),
)
OF_MOTION = {"weave_um": "gate weave", "breathing_stops": "breathing"}
"""What film has that moves: the page shows a picture that stands."""


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a control goes, and in which steps."""

    low: float
    high: float
    step: float


def described(control: str) -> Setting:
    """Give the description of the setting that a control belongs to."""
    for setting, parts in OF_THREE.items():
        if control in parts:
            return SETTINGS[setting]
    return SETTINGS["light" if control == "kelvin" else control]


def _whole_span(control: str, step: float) -> Span:
    """From where to where the setting of a control goes."""
    bounds = bounds_of(described(control))
    if bounds is None:
        raise ValueError(f"{control} has no bounds")
    return Span(*bounds, step)


# Those that are typed have the bounds of the setting; sliders the part that is of use.
SPANS = {
    "strength": _whole_span("strength", 0.01),
    "exposure_stops": _whole_span("exposure_stops", 0.1),
    "seed": Span(0, 2**32 - 1, 1),
    "highlights_stops": Span(0.0, 12.0, 0.5),
    "kelvin": _whole_span("kelvin", 100.0),
    "exposure_index": _whole_span("exposure_index", 1.0),
    "exposure_time_s": _whole_span("exposure_time_s", 1.0),
    "light_balance": _whole_span("light_balance", 0.05),
    "contrast": Span(0.4, 2.0, 0.05),
    "red": Span(-50.0, 50.0, 1.0),
    "green": Span(-50.0, 50.0, 1.0),
    "blue": Span(-50.0, 50.0, 1.0),
    "brightness_stops": Span(-3.0, 3.0, 0.1),
    "paper_grade": _whole_span("paper_grade", 0.5),
    "yellow": Span(-100.0, 100.0, 1.0),
    "magenta": Span(-100.0, 100.0, 1.0),
    "cyan": Span(-100.0, 100.0, 1.0),
    "print_stops": Span(-3.0, 3.0, 0.1),
    "black_point": Span(-12.0, -0.5, 0.1),
    "white_point": Span(0.5, 12.0, 0.1),
    "scatter": _whole_span("scatter", 0.05),
    "halation": Span(0.0, 4.0, 0.05),
    "couplers": Span(0.0, 2.0, 0.05),
    "grain": Span(0.0, 4.0, 0.05),
    "dust_per_cm2": Span(0.0, 50.0, 0.1),
    "scratches": Span(0.0, 20.0, 0.1),
}


def _defaults() -> dict[str, Any]:
    settings = {field.name: field.default for field in fields(Recipe)}
    left_out = {*OF_THE_FILE, *OF_MOTION}
    return _flat({name: settings[name] for name in settings if name not in left_out})


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as controls hold them."""
    flat = dict(settings)
    for setting, parts in OF_THREE.items():
        if setting in flat:
            flat |= dict(zip(parts, flat.pop(setting), strict=True))
    if "light" in flat:
        is_named = isinstance(flat["light"], str)
        flat["kelvin"] = 5_500.0 if is_named else float(flat["light"])
        flat["light"] = flat["light"] if is_named else KELVIN
    return flat


CONTROLS: Mapping[str, Any] = _defaults()
"""The controls, each with the value that it has at first."""


@cache
def _films() -> dict[str, FilmSummary]:
    return {film.name: film for film in films()}


@cache
def _papers() -> list[Summary]:
    return paper_summaries()


def film_named(name: str) -> FilmSummary:
    """Give what a list shows of a stock; a `KeyError` if there is none of the name."""
    return _films()[name]


def films_by_kind() -> dict[str, list[FilmSummary]]:
    """Give the stocks under what they are, by their labels.

    Returns
    -------
    dict of str to list of FilmSummary
        Under the values of `KINDS`.
    """
    ordered = sorted(_films().values(), key=lambda film: (film.label.casefold(), film.name))
    return {title: [f for f in ordered if f.kind == kind] for kind, title in KINDS.items()}


def printings(film: str) -> dict[str, str]:
    """Give what a stock can be made a positive by.

    Parameters
    ----------
    film : str
        The stock's name.

    Returns
    -------
    dict of str to str
        Values of `Recipe.printing`, each with its label.
    """
    kind = film_named(film).kind
    if kind == "reversal":
        return {"auto": "Transparency, as it is"}
    fitting = [paper for paper in _papers() if PRINTED_ON[paper.kind] == kind]
    scans = {"auto": "Laboratory scan", "neutral": "Neutral scan"}
    return scans | {paper.name: paper.label for paper in fitting}


def offered(controls: Mapping[str, Any]) -> frozenset[str]:
    """Say which controls count for a film, its paper and a mode.

    Parameters
    ----------
    controls : mapping of str to Any
        The values of the controls.

    Returns
    -------
    frozenset of str
        Names of `CONTROLS`.
    """
    film = film_named(controls["film"])
    printed = controls["printing"] not in SCANS
    is_reversal, mode = film.kind == "reversal", controls["mode"]
    left_out = {
        "kelvin": controls["light"] != KELVIN,
        "push_stops": film.push_range == (0.0, 0.0),
        "printing": is_reversal,
        "scanner": printed,
        "contrast": printed,
        "red": film.kind == "black-and-white",
        "print_stops": not printed,
        "paper_grade": not (printed and film.kind == "black-and-white"),
        "yellow": not (printed and film.kind == "negative"),
        "lab_correction": is_reversal,
        "light_balance": is_reversal,
        "highlights_stops": mode == "colour" or controls["process_version"] == 1,
        "auto_balance": is_reversal or mode == "texture",
        "couplers": mode == "texture",
        "scatter": mode == "colour",
        "halation": mode == "colour",
        "grain": mode == "colour",
        "dust_per_cm2": mode == "colour",
        "scratches": mode == "colour",
    }
    for first, *others in OF_THREE.values():
        left_out |= dict.fromkeys(others, left_out[first])
    return frozenset(name for name in CONTROLS if not left_out.get(name, False))


def recipe_of(controls: Mapping[str, Any]) -> Recipe:
    """Make a recipe of what the controls say, and of those alone that count.

    Parameters
    ----------
    controls : mapping of str to Any
        The values of all `CONTROLS`.

    Returns
    -------
    Recipe
        The settings.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range.
    """
    return Recipe(**settings_of(controls))


def recipe_of_page(settings: Mapping[str, Any], name: str, pictures: int) -> Recipe:
    """Make the recipe of a picture of what a page says; what it does not say is as at first.

    Parameters
    ----------
    settings : mapping of str to Any
        Values of controls.
    name : str
        What the picture is called: in a roll its grain is its own, as `phos develop` gives it.
    pictures : int
        How many the roll has.

    Returns
    -------
    Recipe
        The settings, brought to where the film and its paper let them be.

    Raises
    ------
    TypeError, ValueError
        If there is no such control or no such film, or a value is none of a control's.
    """
    recipe = recipe_of(within(controls_of(settings))[0])
    if pictures == 1:
        return recipe
    return replace(recipe, seed=frame_seed(recipe.seed, name))


def controls_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of all controls, of which a page says some.

    Parameters
    ----------
    settings : mapping of str to Any
        Values of controls.

    Returns
    -------
    dict of str to Any
        Of all `CONTROLS`.

    Raises
    ------
    TypeError, ValueError
        If there is no such control or no such film, or a value is none of a control's.
    """
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings must be an object, got {settings!r}")
    if unknown := set(settings) - set(CONTROLS):
        raise ValueError(f"there is no setting {min(unknown)!r}")
    controls = dict(CONTROLS) | dict(settings)
    if controls["film"] not in _films():
        raise ValueError(f"there is no film {controls['film']!r} here")
    return {name: _alike(name, value) for name, value in controls.items()}


def _alike(name: str, value: Any) -> Any:
    """A value of a control, if it is of the control's kind; a whole number may be a float."""
    default = CONTROLS[name]
    is_number = (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )
    if isinstance(default, bool | str):
        is_right = type(value) is type(default)
    elif default is None:
        is_right = value is None or is_number
    else:
        is_right = is_number
    if not is_right:
        raise TypeError(f"{name} cannot be {value!r}")
    if isinstance(default, int) and not isinstance(default, bool) and value == int(value):
        return int(value)
    return float(value) if isinstance(default, float) else value


def settings_of(controls: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the controls say as keywords of `Recipe`; those alone that count."""
    counting = offered(controls)
    settings = {name: controls[name] for name in CONTROLS if name in counting}
    if settings["light"] == KELVIN:
        settings["light"] = settings["kelvin"]
    settings.pop("kelvin", None)
    for setting, parts in OF_THREE.items():
        if parts[0] in settings:
            settings[setting] = tuple(settings.pop(name) for name in parts)
    return settings


def from_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Give the values of all controls that settings ask for; the others are as at first.

    Parameters
    ----------
    settings : mapping of str to Any
        Keywords of `Recipe`, as a preset or a sidecar gives them.

    Returns
    -------
    controls : dict of str to Any
        The values of the controls.
    changed : list of str
        What they cannot hold, in words.

    Raises
    ------
    ValueError
        If the film is a file, or unknown.
    """
    film = settings.get("film", CONTROLS["film"])
    if is_path(film):
        raise ValueError("its film is a file of its own, which the page does not open")
    if film not in _films():
        raise ValueError(f"there is no film {film!r} here")
    left_out = {*OF_THE_FILE, *OF_MOTION}
    given = {name: value for name, value in settings.items() if name not in left_out}
    controls, changed = within(dict(CONTROLS) | _flat(given))
    if moving := [words for name, words in OF_MOTION.items() if settings.get(name)]:
        changed.append(f"{' and '.join(moving)} left out: a photograph stands still")
    return controls, changed


def within(controls: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Bring the values of controls to where their film, their paper and their spans let them be.

    Parameters
    ----------
    controls : mapping of str to Any
        The values of all `CONTROLS`.

    Returns
    -------
    controls : dict of str to Any
        The values, as near as can be.
    changed : list of str
        What was brought nearer, in words.
    """
    settled, changed = dict(controls), []
    if settled["printing"] == "scan" or _is_slide(settled["film"], settled["printing"]):
        settled["printing"] = "auto"  # of a negative the same; of a slide there is no other
    if settled["scanner"] not in SCANNERS:
        changed.append(f"there is no scanner {settled['scanner']!r} here")
        settled["scanner"] = CONTROLS["scanner"]
    if settled["printing"] not in printings(settled["film"]):
        settled["printing"] = "auto"
        changed.append("the paper does not take this film")
    low, high = film_named(settled["film"]).push_range
    for name, span in {**SPANS, "push_stops": Span(low, high, 0.1)}.items():
        value = settled[name]
        if value is None or span.low <= value <= span.high:
            continue
        settled[name] = min(max(value, span.low), span.high)
        changed.append(f"{name} goes from {span.low:g} to {span.high:g} here, got {value:g}")
    return settled, changed


def _is_slide(film: str, printing: str) -> bool:
    """Whether a film is seen as it is, by whichever scan."""
    return film_named(film).kind == "reversal" and printing in SCANS

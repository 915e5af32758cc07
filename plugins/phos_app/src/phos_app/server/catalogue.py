"""The catalogue: films, formats and controls, and which of these count for what is set."""

from dataclasses import asdict
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phos_app import limits
from phos_app.curves import characteristic_curve
from phos_app.labels import FORMATS, GROUPS, LABELS
from phos_app.looks import (
    CONTROLS,
    KINDS,
    SPANS,
    controls_of,
    described,
    film_named,
    films_by_kind,
    offered,
    printings,
    recipe_of,
    within,
)
from phos_app.raw_controls import raw_controls
from phos_app.server.answers import answered, json_of
from phos_app.server.presets import presets_told
from phos_core.stocks import FILM_FORMATS_UM, SCANNERS, FilmSummary
from phos_darkroom import RATIOS, READABLE, SUFFIXES

__all__ = ["catalogue", "curve", "offers"]

MADE_BY = {
    "Eastman": "Kodak",
    "Kodachrome": "Kodak",
    "Fujicolor": "Fujifilm",
    "Fujichrome": "Fujifilm",
}
SCREEN_SPACES = {
    "srgb": "sRGB",
    "display-p3": "Display P3",
    "rec709": "Rec. 709",
    "rec2020": "Rec. 2020",
}
HDR_SPACES = {"rec2100-pq": "HDR"}
HOLD_HDR = (".avif", ".jpg", ".png", ".exr")  # a JPEG as SDR with a gain map, an EXR as light
NO_PUSH = "No other development of this film is known: it is not pushed."
ESTIMATED = "Its maker publishes no other development: the push is estimated."


@answered
async def catalogue(request: Request) -> Response:
    """Give all that the page offers."""
    return JSONResponse(await anyio.to_thread.run_sync(_catalogue))


@answered
async def offers(request: Request) -> Response:
    """Say which controls count, and to which values the film and its paper bring them."""
    asked = await json_of(request)
    settled, changed = within(controls_of(asked.get("settings") or {}))
    film = film_named(settled["film"])
    return JSONResponse(
        {
            "offered": sorted(offered(settled)),
            "settings": settled,
            "changed": changed,
            "printings": printings(film.name),
            "spans": {"push_stops": film.push_range},
            "notes": _notes(film),
        }
    )


@answered
async def curve(request: Request) -> Response:
    """Give the characteristic curve of the film as it is treated."""
    asked = await json_of(request)
    recipe = recipe_of(within(controls_of(asked.get("settings") or {}))[0])
    found = await anyio.to_thread.run_sync(lambda: characteristic_curve(recipe.load_film()))
    density = {name: values.round(4).tolist() for name, values in found.density.items()}
    return JSONResponse({"stops": found.stops.round(4).tolist(), "density": density})


def _catalogue() -> dict[str, Any]:
    films = [film for kind in films_by_kind().values() for film in kind]
    return {
        "films": [_film(film) for film in sorted(films, key=_by_kind_and_speed)],
        "kinds": KINDS,
        "printings": {film.name: printings(film.name) for film in films},
        "presets": presets_told(),
        "formats": [{"name": name, "label": FORMATS.get(name, name)} for name in FILM_FORMATS_UM],
        "groups": list(GROUPS),
        "controls": [_control(name) for name in LABELS if name in CONTROLS],
        "raw_controls": [asdict(control) for control in raw_controls()],
        "defaults": dict(CONTROLS),
        "exports": {
            "suffixes": _suffixes(),
            "spaces": _spaces(),
            "sharpen": ["none", "screen"],
            "long_side_px": [16, 65_535],
            "quality": [1, 100],
        },
        "ratios": dict(RATIOS),
        "limits": {
            "upload_mib": limits.UPLOAD_MIB,
            "pictures": limits.PICTURES,
            "view_pixels": limits.VIEW_PIXELS,
            "readable": sorted(READABLE),
        },
    }


def _suffixes() -> list[str]:
    return [ending for ending in SUFFIXES if ending not in (".jpeg", ".tiff")]


def _spaces() -> list[dict[str, Any]]:
    """The output spaces, each with the endings of the formats that can hold it."""
    told = [
        {"name": name, "label": label, "suffixes": _suffixes(), "is_hdr": False}
        for name, label in SCREEN_SPACES.items()
    ]
    return told + [
        {"name": name, "label": label, "suffixes": list(HOLD_HDR), "is_hdr": True}
        for name, label in HDR_SPACES.items()
    ]


def _film(film: FilmSummary) -> dict[str, Any]:
    return {
        "name": film.name,
        "label": film.label,
        "kind": film.kind,
        "kind_label": KINDS[film.kind],
        "iso": film.iso_speed,
        "description": film.description,
        "maker": _maker(film.label),
        "formats": list(film.formats),
        "push": film.push_range,
    }


def _maker(label: str) -> str:
    first = label.split()[0]
    return MADE_BY.get(first, first)


def _by_kind_and_speed(film: FilmSummary) -> tuple[int, float, str]:
    return list(KINDS).index(film.kind), film.iso_speed, film.label


def _notes(film: FilmSummary) -> dict[str, str]:
    if film.push_range == (0.0, 0.0):
        return {"push_stops": NO_PUSH}
    return {} if film.is_push_published else {"push_stops": ESTIMATED}


def _control(name: str) -> dict[str, Any]:
    label, setting, span = LABELS[name], described(name), SPANS.get(name)
    choices = _choices(name)
    return {
        "name": name,
        "label": label.text,
        "tooltip": f"{setting.meaning} Empty: {setting.unset}."
        if setting.unset
        else setting.meaning,
        "group": label.group,
        "kind": _kind(name, choices),
        "low": None if span is None else span.low,
        "high": None if span is None else span.high,
        "step": None if span is None else span.step,
        "unit": label.unit,
        "unset": label.unset or setting.unset,
        "default": CONTROLS[name],
        "choices": [{"value": value, "label": text} for value, text in choices.items()],
    }


def _choices(name: str) -> dict[Any, str]:
    """The values of a choice; those of films and papers are elsewhere."""
    known = {"film_format": FILM_FORMATS_UM, "scanner": SCANNERS}.get(name)
    labels = LABELS[name].choices
    return dict(labels) if known is None else {value: labels.get(value, value) for value in known}


def _kind(name: str, choices: dict[Any, str]) -> str:
    if choices or name in ("film", "printing"):
        return "choice"
    if isinstance(CONTROLS[name], bool):
        return "switch"
    return "number" if CONTROLS[name] is None or name == "seed" else "slider"

"""The catalogue: films, formats and controls, and which of these count for what is set."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phos_app import limits
from phos_app.controls import FORMATS, GROUPS, controls_told
from phos_app.looks import (
    CONTROLS,
    KINDS,
    controls_of,
    film_named,
    films_by_kind,
    offered,
    printings,
    within,
)
from phos_app.server.answers import answered, json_of
from phos_app.server.presets import presets_told
from phos_core.process import OUTPUT_SPACES
from phos_core.stocks import FILM_FORMATS_UM, FilmSummary
from phos_darkroom import READABLE, SUFFIXES

__all__ = ["catalogue", "offers"]

MAKERS = ("Kodak", "Fuji", "Ilford", "CineStill", "Eastman", "Kodachrome")
MADE_BY = {"Eastman": "Kodak", "Kodachrome": "Kodak", "Fuji": "Fujifilm"}
SCREEN_SPACES = ("srgb", "display-p3", "rec709", "rec2020")


@answered
async def catalogue(request: Request) -> Response:
    """Give all that the page offers."""
    return JSONResponse(await asyncio.to_thread(_catalogue))


@answered
async def offers(request: Request) -> Response:
    """Say which controls count, and to which values the film and its paper bring them."""
    asked = await json_of(request)
    settled, changed = within(controls_of(asked.get("settings") or {}))
    film = film_named(settled["film"])
    low, high = film.push_range
    return JSONResponse(
        {
            "names": sorted(offered(settled)),
            "settings": settled,
            "changed": changed,
            "printings": printings(film.name),
            "push": {"low": low, "high": high, "is_published": film.is_push_published},
        }
    )


def _catalogue() -> dict[str, Any]:
    films = [film for kind in films_by_kind().values() for film in kind]
    return {
        "films": [_film(film) for film in sorted(films, key=_by_kind_and_speed)],
        "kinds": KINDS,
        "printings": {film.name: printings(film.name) for film in films},
        "presets": presets_told(),
        "formats": [{"name": n, "label": FORMATS.get(n, n)} for n in FILM_FORMATS_UM],
        "groups": GROUPS,
        "controls": controls_told(),
        "defaults": dict(CONTROLS),
        "exports": {
            "suffixes": [end for end in SUFFIXES if end not in (".jpeg", ".tiff")],
            "spaces": [name for name in OUTPUT_SPACES if name in SCREEN_SPACES],
        },
        "limits": {
            "upload_mib": limits.UPLOAD_MIB,
            "pictures": limits.PICTURES,
            "view_pixels": limits.VIEW_PIXELS,
            "state_mib": limits.STATE_MIB,
            "readable": sorted(READABLE),
        },
    }


def _film(film: FilmSummary) -> dict[str, Any]:
    low, high = film.push_range
    return {
        "name": film.name,
        "label": film.label,
        "kind": film.kind,
        "kind_label": KINDS[film.kind],
        "iso": film.iso_speed,
        "description": film.description,
        "maker": _maker(film.label),
        "formats": list(film.formats),
        "push": {"low": low, "high": high, "is_published": film.is_push_published},
    }


def _maker(label: str) -> str:
    named = next((maker for maker in MAKERS if label.startswith(maker)), label.split()[0])
    return MADE_BY.get(named, named)


def _by_kind_and_speed(film: FilmSummary) -> tuple[int, float, str]:
    return list(KINDS).index(film.kind), film.iso_speed, film.label

"""Presets: those that come with phos and the user's own, and settings as text."""

from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from phos_app.limits import PRESET_MIB
from phos_app.looks import controls_of, from_settings, settings_of, within
from phos_app.server.answers import Refusal, answered, json_of, save_body, workplace_of
from phos_app.uploads import settings_in
from phos_core.errors import PhosError
from phos_darkroom import (
    PresetSummary,
    load_preset,
    preset_text,
    presets,
    remove_preset,
    rename_preset,
    save_preset,
)

__all__ = ["change", "presets_told", "read", "remove", "save", "text", "told"]

OF_PHOS = "phos"


@answered
async def told(request: Request) -> Response:
    """List the presets."""
    return JSONResponse(await anyio.to_thread.run_sync(presets_told))


@answered
async def save(request: Request) -> Response:
    """Save settings under a name."""
    asked = await json_of(request)
    name = _name(asked)
    _refuse_taken(name, is_replaced=bool(asked.get("replace", False)))
    save_preset(name, _counting(asked), description=_words(asked), overwrite=True)
    return JSONResponse(_told(_own(name)), 201)


@answered
async def change(request: Request) -> Response:
    """Rename a preset of the user's own."""
    preset, asked = _own(request.path_params["name"]), await json_of(request)
    name = _name(asked)
    if name != preset.name:
        _refuse_taken(name, is_replaced=False)
        rename_preset(preset.name, name)
    return JSONResponse(_told(_own(name)))


@answered
async def remove(request: Request) -> Response:
    """Remove a preset of the user's own."""
    remove_preset(_own(request.path_params["name"]).name)
    return Response(status_code=204)


@answered
async def read(request: Request) -> Response:
    """Read a preset or a sidecar into the values of the controls."""
    path = workplace_of(request).new_path(".toml")
    try:
        await save_body(request, path, PRESET_MIB << 20, "the file")
        if not path.stat().st_size:
            raise Refusal(400, "The file is empty.")
        settings, changed = from_settings(settings_in(path, "the file"))
    finally:
        path.unlink(missing_ok=True)
    return JSONResponse({"settings": settings, "changed": changed})


@answered
async def text(request: Request) -> Response:
    """Write settings as the text of a preset."""
    asked = await json_of(request)
    return PlainTextResponse(preset_text(_counting(asked)), media_type="application/toml")


def presets_told() -> list[dict[str, Any]]:
    """List the presets as the page is told; one that cannot be read says why."""
    return [_told(preset) for preset in presets()]


def _told(preset: PresetSummary) -> dict[str, Any]:
    settings: dict[str, Any] | None = None
    changed: list[str] = []
    error = ""
    try:
        settings, changed = from_settings(load_preset(preset.name))
    except (PhosError, ValueError, TypeError) as problem:
        error = str(problem)
    return {
        "name": preset.name,
        "label": preset.name,
        "film": preset.film,
        "description": preset.description,
        "is_own": preset.place != OF_PHOS,
        "settings": settings,
        "changed": changed,
        "error": error,
    }


def _own(name: str) -> PresetSummary:
    found = next((preset for preset in presets() if preset.name == name), None)
    if found is None:
        raise Refusal(404, f"There is no preset {name!r}.")
    if found.place == OF_PHOS:
        raise Refusal(409, f"{name} comes with phos: save it under a name of your own.")
    return found


def _refuse_taken(name: str, *, is_replaced: bool) -> None:
    """The user's preset of a name is replaced on request alone; one of phos never."""
    taken = next((preset for preset in presets() if preset.name == name), None)
    if taken is None or (is_replaced and taken.place != OF_PHOS):
        return
    raise Refusal(409, f"There is a preset {name!r} already.")


def _name(asked: dict[str, Any]) -> str:
    name = asked.get("name")
    if not isinstance(name, str):
        raise Refusal(400, "a preset needs a name")
    return name.strip()


def _words(asked: dict[str, Any]) -> str:
    words = asked.get("description") or ""
    if not isinstance(words, str):
        raise Refusal(400, "the description must be text")
    return words


def _counting(asked: dict[str, Any]) -> dict[str, Any]:
    """The settings that are asked for and count, as keywords of `Recipe`; the seed is no look."""
    settings = settings_of(within(controls_of(asked.get("settings") or {}))[0])
    settings.pop("seed", None)
    return {name: value for name, value in settings.items() if value is not None}

"""The controls at the side of the page."""

from typing import Any

import streamlit as st

from phos_app.looks import (
    CONTROLS,
    KINDS,
    SPANS,
    film_named,
    films_by_kind,
    from_settings,
    offered,
    printings,
    within,
)
from phos_app.memory import put, shown, value_of
from phos_app.words import plain
from phos_core.errors import PhosError
from phos_core.stocks import FILM_FORMATS_UM
from phos_darkroom import load_preset, presets

__all__ = ["AT_FIRST", "choose", "controls", "settings_panel", "take_settings"]

LIGHTS = {
    "film": "The film's own",
    "daylight": "Daylight",
    "tungsten": "Tungsten",
    "temperature": "A temperature",
}
MODES = {"full": "Everything", "colour": "Colour alone", "texture": "Texture alone"}
NOTICE = "notice"


def _key(name: str) -> str:
    return f"control:{name}"


AT_FIRST = {_key(name): value for name, value in CONTROLS.items()}
"""The keys of the controls, each with the value that it has at first."""


def controls() -> dict[str, Any]:
    """Give the values of all controls, those too that are not shown."""
    return {name: value_of(_key(name)) for name in CONTROLS}


def choose(**values: Any) -> None:
    """Set controls; what no longer goes with them is brought to where it does."""
    _set(*within(controls() | values))


def take_settings(settings: dict[str, Any]) -> None:
    """Set all controls by a preset's or a sidecar's settings; the seed stays."""
    flat, changed = from_settings({"seed": controls()["seed"]} | settings)
    _set(flat, changed)


def settings_panel() -> None:
    """Show the controls, each as it stands."""
    choose()
    counting = offered(controls())
    _film()
    _preset()
    _slider("exposure_stops", "Exposure, stops", help="More light on the film, or less.")
    _select("film_format", "Format", list(FILM_FORMATS_UM), help="Smaller film, larger grain.")
    _number("seed", "Seed of the grain", step=1)
    with st.expander("Light and developing"):
        _select("light", "Light of the scene", LIGHTS)
        if "kelvin" in counting:
            _slider("kelvin", "Its temperature, K")
        _number("exposure_index", "Metered at ISO", placeholder="the film's speed")
        _number("exposure_time_s", "Shutter open for, s", placeholder="no loss by long times")
        if "push_stops" in counting:
            _push()
        else:
            st.caption("No other development of this film is published: it is not pushed.")
    with st.expander("Scan or print"):
        _printing(counting)
    with st.expander("Effects"):
        _select("mode", "Of the film", MODES)
        for name, label in (
            ("scatter", "Scatter"),
            ("halation", "Halation"),
            ("couplers", "Couplers"),
            ("grain", "Grain"),
        ):
            if name in counting:
                _slider(name, label, help="1: as the film has it. 0: none.")
    st.button("All as at first", on_click=_reset, width="stretch")


def notice() -> None:
    """Show once what was said about settings that were set."""
    for told in st.session_state.pop(NOTICE, []):
        st.warning(plain(told))


def _film() -> None:
    groups = films_by_kind()
    names = [film.name for group in groups.values() for film in group]

    def label(name: str) -> str:
        film = film_named(name)
        return f"{film.label}, ISO {film.iso_speed:g}"

    st.selectbox("Film", names, key=_shown("film"), format_func=label, on_change=choose)
    film = film_named(value_of(_key("film")))
    st.caption(f"{KINDS[film.kind]}. {plain(film.description)}")


def _preset() -> None:
    summaries = {preset.name: preset for preset in presets()}
    st.selectbox(
        "Preset",
        list(summaries),
        key="preset",
        index=None,
        placeholder="none",
        on_change=_take_preset,
        help="\n".join(f"- {plain(p.name)}: {plain(p.description)}" for p in summaries.values()),
    )


def _take_preset() -> None:
    name = st.session_state["preset"]
    if name is None:
        return
    try:
        take_settings(load_preset(name))
    except (PhosError, ValueError) as error:
        _tell([f"The preset {name}: {error}"])


def _push() -> None:
    low, high = film_named(value_of(_key("film"))).push_range
    st.slider(
        "Push, stops",
        low,
        high,
        key=_shown("push_stops"),
        step=0.1,
        help="Developed longer, or shorter below 0, as far as it is published for this film.",
    )


def _printing(counting: frozenset[str]) -> None:
    choices = printings(value_of(_key("film")))
    if "printing" in counting:
        st.selectbox(
            "Positive by",
            list(choices),
            key=_shown("printing"),
            format_func=lambda name: choices[name],
            on_change=choose,
        )
    else:
        st.caption("A slide is seen as it is: no paper, no scan.")
    for name, label in (
        ("print_stops", "Exposure of the print, stops"),
        ("yellow", "Yellow filter, cc"),
        ("magenta", "Magenta filter, cc"),
        ("cyan", "Cyan filter, cc"),
    ):
        if name in counting:
            _slider(name, label)
    for name, label in (
        ("paper_grade", "Grade of the paper"),
        ("black_point", "Black, stops under mid-grey"),
        ("white_point", "White, stops over mid-grey"),
    ):
        if name in counting:
            _number(name, label, placeholder="as it comes")
    if "auto_balance" in counting:
        st.checkbox("Balance on the picture", key=_shown("auto_balance"))


def _slider(name: str, label: str, *, help: str | None = None) -> None:
    span = SPANS[name]
    st.slider(label, span.low, span.high, key=_shown(name), step=span.step, help=help)


def _number(
    name: str, label: str, *, step: float | None = None, placeholder: str | None = None
) -> None:
    span = SPANS[name]
    st.number_input(
        label,
        min_value=span.low,
        max_value=span.high,
        step=step or span.step,
        key=_shown(name),
        placeholder=placeholder,
    )


def _select(name: str, label: str, choices: Any, *, help: str | None = None) -> None:
    labels = choices if isinstance(choices, dict) else dict(zip(choices, choices, strict=True))
    st.selectbox(
        label,
        list(labels),
        key=_shown(name),
        format_func=lambda choice: labels[choice],
        help=help,
        on_change=choose,
    )


def _reset() -> None:
    st.session_state["preset"] = None
    _set(dict(CONTROLS), [])


def _set(values: dict[str, Any], changed: list[str]) -> None:
    for name, value in values.items():
        put(_key(name), value)
    _tell(changed)


def _tell(words: list[str]) -> None:
    if words:
        st.session_state[NOTICE] = [*st.session_state.get(NOTICE, []), *words]


def _shown(name: str) -> str:
    return shown(_key(name))

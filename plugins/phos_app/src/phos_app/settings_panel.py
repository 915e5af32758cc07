"""The controls at the side of the page."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from phos_app.looks import (
    BALANCE,
    CONTROLS,
    FILTERS,
    KINDS,
    SPANS,
    Span,
    described,
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
from phos_core.stocks import FILM_FORMATS_UM, SCANNERS
from phos_darkroom import load_preset, presets

__all__ = ["AT_FIRST", "choose", "controls", "settings_panel", "take_settings"]

LIGHTS = {
    "film": "The film's own",
    "daylight": "Daylight",
    "tungsten": "Tungsten",
    "temperature": "A temperature",
}
LABELS = {
    "exposure_stops": "Exposure",
    "film_format": "Format",
    "seed": "Seed of the grain",
    "light": "Light of the scene",
    "kelvin": "Its temperature",
    "exposure_index": "Metered at ISO",
    "exposure_time_s": "Shutter open for",
    "highlights_stops": "Highlights beyond white",
    "push_stops": "Push",
    "lab_correction": "Correct the exposure",
    "light_balance": "Correct the light's colour",
    "process_version": "Process",
    "scanner": "Scanner",
    "contrast": "Contrast",
    "red": "Red",
    "green": "Green",
    "blue": "Blue",
    "brightness_stops": "Brightness",
    "print_stops": "Exposure of the print",
    "yellow": "Yellow filter",
    "magenta": "Magenta filter",
    "cyan": "Cyan filter",
    "paper_grade": "Grade of the paper",
    "black_point": "Black under mid-grey",
    "white_point": "White over mid-grey",
    "auto_balance": "Balance on the picture",
    "mode": "Of the film",
    "scatter": "Scatter",
    "halation": "Halation",
    "couplers": "Couplers",
    "grain": "Grain",
}
"""Of each control but film and positive; its unit follows it, and its help is the setting's."""

PROCESSES = {2: "Today's", 1: "That of phos 0.1"}
MODES = {"full": "Everything", "colour": "Colour alone", "texture": "Texture alone"}
NOTICE = "notice"
PUSH_SPAN = "span of push_stops"


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
    _slider("exposure_stops")
    _select("film_format", {name: name for name in FILM_FORMATS_UM})
    _number("seed")
    with st.expander("Light and developing"):
        _select("light", LIGHTS)
        if "kelvin" in counting:
            _slider("kelvin")
        _number("exposure_index")
        _number("exposure_time_s")
        if "highlights_stops" in counting:
            _slider("highlights_stops")
        _push(counting)
        for name in ("lab_correction", "auto_balance"):
            if name in counting:
                st.checkbox(**_shown_as(name))
        if "light_balance" in counting:
            _slider("light_balance")
        _select("process_version", PROCESSES)
    with st.expander("Scan or print"):
        _printing(counting)
    with st.expander("Effects"):
        _select("mode", MODES)
        for name in ("scatter", "halation", "couplers", "grain"):
            if name in counting:
                _slider(name)
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


def _push(counting: frozenset[str]) -> None:
    if "push_stops" not in counting:
        st.caption("No other development of a slide film is known: it is not pushed.")
        return
    film = film_named(value_of(_key("film")))
    span = Span(*film.push_range, 0.1)
    if st.session_state.get(PUSH_SPAN) != span:  # else Streamlit begins a new slider at its low end
        st.session_state[_key("push_stops")] = value_of(_key("push_stops"))
        st.session_state[PUSH_SPAN] = span
    _slider("push_stops", span)
    if not film.is_push_published:
        st.caption("Its maker publishes no other development: the push is estimated.")


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
        st.caption("A slide is seen as it is: there is no paper for it.")
    if "scanner" in counting:
        _select("scanner", {name: scanner.label for name, scanner in SCANNERS.items()})
    for name in ("brightness_stops", "contrast", *BALANCE, "print_stops", *FILTERS):
        if name in counting:
            _slider(name)
    for name in ("black_point", "white_point", "paper_grade"):
        if name in counting:
            _number(name)


def _slider(name: str, span: Span | None = None) -> None:
    span = span or SPANS[name]
    st.slider(
        min_value=span.low,
        max_value=span.high,
        step=span.step,
        **_shown_as(name, described(name).unit),
    )


def _number(name: str) -> None:
    span, setting = SPANS[name], described(name)
    st.number_input(
        min_value=span.low,
        max_value=span.high,
        step=span.step,
        placeholder=setting.unset or None,
        **_shown_as(name, setting.unit),
    )


def _select(name: str, labels: Mapping[Any, str]) -> None:
    st.selectbox(
        options=list(labels),
        format_func=lambda choice: labels[choice],
        on_change=choose,
        **_shown_as(name),
    )


def _shown_as(name: str, unit: str = "") -> dict[str, Any]:
    """Give a control's key, its label with the unit, and its help."""
    label = f"{LABELS[name]}, {unit}" if unit else LABELS[name]
    return {"key": _shown(name), "label": label, "help": plain(described(name).meaning)}


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

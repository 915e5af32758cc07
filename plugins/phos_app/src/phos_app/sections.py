"""The sections under the picture, one of which is open."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from phos_app.backends_panel import backend_rows
from phos_app.curves import characteristic_curve, histogram
from phos_app.desk import Desk, Opened, Print
from phos_app.looks import film_named, films_by_kind, settings_of
from phos_app.memory import shown, value_of
from phos_app.positives import Positive, positive_of, recipe_in_roll, roll_of, zipped
from phos_app.settings_panel import choose, controls, take_settings
from phos_app.uploads import Upload, UploadError, settings_in
from phos_app.words import fallback, plain, ran
from phos_core.errors import PhosError
from phos_core.process import Recipe, RunReport
from phos_darkroom import SUFFIXES, preset_text

__all__ = [
    "AS_IT_CAME",
    "AUTOMATIC",
    "BACKENDS",
    "CURVES",
    "DEVELOP",
    "FILMS",
    "NAMES",
    "SETTINGS",
    "backends",
    "chosen_backend",
    "curves",
    "develop",
    "films",
    "settings",
]

DEVELOP, FILMS, CURVES, SETTINGS, BACKENDS = "Develop", "Films", "Curves", "Settings", "Backends"
NAMES = (DEVELOP, FILMS, CURVES, SETTINGS, BACKENDS)

AS_IT_CAME = "As it came"
AUTOMATIC = "Automatic"
COLOURS = {
    "red": "#e5544b",
    "green": "#4caf6d",
    "blue": "#5b8def",
    "grey": "#bbbbbb",
}


def develop(uploads: Sequence[Upload], upload: Upload, recipe: Recipe, backend: str | None) -> None:
    """Develop at full size: the picture that is chosen, and in a roll all of them."""
    chosen = st.selectbox("File", [AS_IT_CAME, *_endings()], key=shown("suffix"), width=220)
    suffix = None if chosen == AS_IT_CAME else chosen
    own = recipe_in_roll(upload, recipe, len(uploads))
    with st.container(horizontal=True):
        one = st.button("Develop at full size", type="primary", key="develop")
        whole_roll = len(uploads) > 1 and st.button(
            f"Develop all {len(uploads)}", key="develop_roll"
        )
    asked = (upload.key, own, suffix, backend)
    if one:
        with st.spinner("Developing at full size", show_time=True):
            positive = positive_of(upload, own, suffix=suffix, backend=backend)
        st.session_state["positive"] = (asked, positive)
    asked_of_roll = (tuple(each.key for each in uploads), recipe, suffix, backend)
    if whole_roll:
        st.session_state["roll"] = (asked_of_roll, _roll(uploads, recipe, suffix, backend))
    _take_home(asked)
    _take_roll_home(asked_of_roll)


def films(desk: Desk, opened: Opened, recipe: Recipe, backend: str | None) -> None:
    """Show the picture on every stock, at its exposure and format, all else as the stock has it."""
    st.caption("Your picture on each film, at this exposure and format.")
    chosen = str(recipe.film)
    for title, stocks in films_by_kind().items():
        st.subheader(title, divider="gray")
        with st.container(horizontal=True, gap="small"):
            for stock in stocks:
                own = Recipe(
                    film=stock.name,
                    seed=recipe.seed,
                    exposure_stops=recipe.exposure_stops,
                    film_format=recipe.film_format,
                )
                with st.container(width=160, gap="small"):
                    st.image(desk.thumbnail(opened, own, backend), width="stretch")
                    st.button(
                        stock.label,
                        key=f"film:{stock.name}",
                        type="primary" if stock.name == chosen else "secondary",
                        on_click=choose,
                        kwargs={"film": stock.name},
                        width="stretch",
                    )
                    st.caption(f"ISO {stock.iso_speed:g}. {plain(stock.description)}")


def curves(recipe: Recipe, shown: Print | None) -> None:
    """Show the histogram of what is after, and the film's characteristic curve."""
    left, right = st.columns(2)
    with right:
        st.markdown(f"**Characteristic curve of {plain(film_named(str(recipe.film)).label)}**")
        curve = characteristic_curve(recipe.load_film())
        _lines("stops from mid-grey", curve.stops, curve.density, "density of each layer")
    if shown is None:
        return
    with left:
        st.markdown("**Histogram of the positive**")
        shares = histogram(shown.codes)
        _lines("sRGB code", 4 * np.arange(64) + 2, shares, "share of the pixels")


def settings() -> None:
    """Take the settings home as a file, or bring them back from one."""
    st.download_button(
        "Download the settings",
        preset_text(_told(settings_of(controls()))),
        file_name="settings.phos.toml",
        mime="application/toml",
        on_click="ignore",
        key="save_settings",
        help="A preset: also for phos develop --preset.",
    )
    st.file_uploader(
        "Settings from a file: a preset, or the sidecar of a positive",
        type=["toml"],
        key="settings_file",
        on_change=_load_settings,
    )


def backends(report: RunReport | None = None) -> None:
    """Show what can compute, choose it, and say how long the steps of the last render took."""
    rows = backend_rows()
    choices = [AUTOMATIC, *(row.name for row in rows if row.runs)]
    chosen = chosen_backend()
    if chosen is not None and chosen not in choices:
        choices.append(chosen)  # it has died: that is said, and nobody else takes its place unasked
    st.radio("Backend", choices, key=shown("backend"), horizontal=True)
    if report is not None:
        _steps(report)
    for row in rows:
        with st.container(border=True):
            state = ":green[runs]" if row.runs else f":orange[{plain(row.status)}]"
            told = ", ".join(part for part in (row.device, row.memory) if part)
            st.markdown(f"**{plain(row.name)}** {state}" + (f" on {plain(told)}" if told else ""))
            if row.reason:
                st.caption(plain(row.reason))
            if row.hint:
                st.code(row.hint, language=None, wrap_lines=True)
    st.button("Look again", key="look_again")


def chosen_backend() -> str | None:
    """Give the backend's name; None: the best one."""
    name = value_of("backend")
    return None if name == AUTOMATIC else str(name)


def _endings() -> list[str]:
    return [ending for ending in SUFFIXES if ending not in (".jpeg", ".tiff")]


def _take_home(asked: object) -> None:
    kept = st.session_state.get("positive")
    if kept is None:
        return
    if kept[0] != asked:
        st.caption("The settings have changed since it was developed.")
        return
    positive: Positive = kept[1]
    with st.container(horizontal=True):
        st.download_button(
            f"Download {plain(positive.name)}, {len(positive.content) / 2**20:.1f} MiB",
            positive.content,
            file_name=positive.name,
            mime=positive.mime_type,
            on_click="ignore",
            key="download",
        )
        st.download_button(
            "Its sidecar",
            positive.sidecar,
            file_name=positive.sidecar_name,
            mime="application/toml",
            on_click="ignore",
            key="download_sidecar",
        )
    st.caption(f"Rendered by {plain(ran(positive.report))}.")
    if told := fallback(positive.report):
        st.warning(plain(told))


def _roll(
    uploads: Sequence[Upload], recipe: Recipe, suffix: str | None, backend: str | None
) -> tuple[bytes, int, list[str]]:
    """Develop a roll: the archive, how many are in it, and what went wrong with the others."""
    positives, failures = [], []
    bar = st.progress(0.0, "Developing the roll")
    results = roll_of(uploads, recipe, suffix=suffix, backend=backend)
    for number, result in enumerate(results, start=1):
        if isinstance(result, UploadError):
            failures.append(str(result))
        else:
            positives.append(result)
        bar.progress(number / len(uploads), f"Developed {number} of {len(uploads)}")
    bar.empty()
    return zipped(positives), len(positives), failures


def _take_roll_home(asked: object) -> None:
    kept = st.session_state.get("roll")
    if kept is None or kept[0] != asked:
        return
    content, count, failures = kept[1]
    for failure in failures:
        st.error(plain(failure))
    if count:
        st.download_button(
            f"Download the roll, {count} pictures, {len(content) / 2**20:.1f} MiB",
            content,
            file_name="roll.zip",
            mime="application/zip",
            on_click="ignore",
            key="download_roll",
        )


def _load_settings() -> None:
    file = st.session_state["settings_file"]
    if file is None:
        return
    try:
        take_settings(settings_in(Upload(file.file_id, file.name, file.getvalue())))
    except (PhosError, ValueError, TypeError) as error:
        st.session_state["notice"] = [f"{file.name}: {error}"]


def _steps(report: RunReport) -> None:
    st.caption(f"The last render: {plain(ran(report))}, each step in ms")
    steps = report.step_seconds
    st.table(
        pd.DataFrame(
            {"ms": [f"{1000 * seconds:.1f}" for seconds in steps.values()]}, index=list(steps)
        )
    )


def _told(settings: dict[str, object]) -> dict[str, object]:
    """Settings without those that were not asked for."""
    return {name: value for name, value in settings.items() if value is not None}


def _lines(
    x_label: str, x: NDArray[Any], lines: Mapping[str, NDArray[np.float64]], y_label: str
) -> None:
    table = pd.DataFrame(dict(lines), index=pd.Index(x, name=x_label))
    st.line_chart(
        table,
        color=[COLOURS.get(name, "#bbbbbb") for name in table.columns],
        x_label=x_label,
        y_label=y_label,
        height=280,
    )

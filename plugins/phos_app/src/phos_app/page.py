"""The page: START HERE. Uploads, the picture before and after, and what can be done with it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from phos_app import memory, sections, settings_panel
from phos_app.comparison import comparison
from phos_app.desk import Desk, Opened, Print
from phos_app.details import window_at
from phos_app.looks import film_named, recipe_of
from phos_app.positives import recipe_in_roll
from phos_app.settings_panel import controls, notice
from phos_app.uploads import Upload, check_all
from phos_app.words import fallback, plain, ran
from phos_core.errors import PhosError
from phos_core.process import Recipe

__all__ = ["show"]

WHOLE, FULL_SIZE = "Whole picture", "100 %"
REFUSALS = (PhosError, ValueError, TypeError, MemoryError)
"""What is said in words; anything else is a bug, and the server's log has it."""

AT_FIRST = {
    **settings_panel.AT_FIRST,
    "view": WHOLE,
    "across": 50,
    "down": 50,
    "section": sections.NAMES[0],
    "suffix": sections.AS_IT_CAME,
    "backend": sections.AUTOMATIC,
}
"""The keys of all controls, each with the value that it has at first."""

STYLE = """<style>
.block-container { padding-top: 4.5rem; padding-bottom: 3rem; }
/* On a thumbnail it would lie over the words beside it. */
[data-testid="stFullScreenFrame"]:has([data-testid="stImage"]) [data-testid="stElementToolbar"] {
  display: none;
}
</style>"""


def show() -> None:
    """Show the page as one visitor's settings and uploads have it."""
    st.set_page_config(page_title="phos", page_icon="🎞️", layout="wide")
    st.html(STYLE)
    memory.begin(AT_FIRST)
    with st.sidebar:
        settings_panel.settings_panel()
    notice()
    _show_uploads(_uploads())
    memory.finish()


def _show_uploads(uploads: Sequence[Upload]) -> None:
    """Show what can be done with the uploads."""
    if not uploads:
        st.info(
            "Drop a photograph above, or several as a roll. They stay on this machine, and are "
            "forgotten when this page is closed."
        )
        sections.backends()
        return
    try:
        check_all(uploads)
        _darkroom(_desk(), uploads)
    except REFUSALS as error:
        st.error(plain(str(error) or "There is not enough memory for this."))


def _darkroom(desk: Desk, uploads: Sequence[Upload]) -> None:
    """Show the picture that is chosen, and what can be done with it."""
    upload = _chosen(uploads)
    with st.spinner("Reading", show_time=True):
        opened = desk.open(upload)
    recipe, backend = recipe_of(controls()), sections.chosen_backend()
    own = recipe_in_roll(upload, recipe, len(uploads))
    shown = None
    try:
        shown = _before_and_after(desk, opened, own, backend)
    except REFUSALS as error:
        st.error(plain(str(error) or "There is not enough memory for this."))
    section = st.pills(
        "What next",
        sections.NAMES,
        key=memory.shown("section"),
        required=True,
        label_visibility="collapsed",
    )
    if section == sections.DEVELOP:
        sections.develop(uploads, upload, recipe, backend)
    elif section == sections.FILMS:
        sections.films(desk, opened, own, backend)
    elif section == sections.CURVES:
        sections.curves(recipe, shown)
    elif section == sections.SETTINGS:
        sections.settings()
    elif section == sections.BACKENDS:
        sections.backends(shown.report if shown else None)


def _before_and_after(desk: Desk, opened: Opened, recipe: Recipe, backend: str | None) -> Print:
    rows, cols = opened.picture.pixels.shape[:2]
    view = st.segmented_control(
        "View",
        [WHOLE, FULL_SIZE],
        key=memory.shown("view"),
        required=True,
        label_visibility="collapsed",
    )
    labels: dict[str, Any] = {
        "before_label": "Before",
        "after_label": film_named(str(recipe.film)).label,
    }
    with st.spinner("Developing", show_time=True):
        if view == FULL_SIZE:
            shown = desk.detail(opened, recipe, window_at(opened.picture, *_point()), backend)
        else:
            shown = desk.preview(opened, recipe, backend)
    if view == FULL_SIZE:
        comparison(shown, key="detail", full_size=True, **labels)
    else:
        comparison(shown, key="whole", on_point=_look_closer, **labels)
    size = f"{cols} × {rows}, {8 * opened.picture.pixels.itemsize} bits"
    hint = "" if view == FULL_SIZE else " Double-click a place to see it at 100 %."
    st.caption(f"{plain(opened.upload.name)}, {size}. {plain(ran(shown.report))}.{hint}")
    if told := fallback(shown.report):
        st.warning(plain(told))
    return shown


def _point() -> tuple[float, float]:
    """The point that is seen at 100 %, from 0 to 1."""
    values = []
    for place, (name, label) in zip(
        st.columns(2), (("across", "Left to right"), ("down", "Top to bottom")), strict=True
    ):
        values.append(place.slider(label, 0, 100, key=memory.shown(name), format="%d %%") / 100)
    return values[0], values[1]


def _look_closer() -> None:
    """Go to 100 % where the picture was double-clicked."""
    point = st.session_state["whole"].get("point")
    if point:
        memory.put("view", FULL_SIZE)
        for name in ("across", "down"):
            memory.put(name, min(max(round(100 * float(point[name])), 0), 100))


def _uploads() -> list[Upload]:
    files = st.file_uploader(
        "Photographs",
        accept_multiple_files=True,
        key="uploads",
        help="JPEG, PNG, TIFF, WebP or AVIF, and with their extras HEIF, EXR and raw files; "
        "8 or 16 bits.",
    )
    return [Upload(file.file_id, file.name, file.getvalue()) for file in files]


def _chosen(uploads: Sequence[Upload]) -> Upload:
    if len(uploads) == 1:
        return uploads[0]
    index: int = st.selectbox(
        "Picture of the roll",
        range(len(uploads)),
        key="picture",
        format_func=lambda i: f"{i + 1}: {uploads[i].name}",
    )
    return uploads[index]


def _desk() -> Desk:
    desk: Desk = st.session_state.setdefault("desk", Desk())
    return desk

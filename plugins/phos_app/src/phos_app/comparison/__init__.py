"""Comparison: before and after, one over the other, divided by a line; nothing of it is fetched."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from phos_app.desk import Print

__all__ = ["comparison"]


def comparison(
    shown: Print,
    *,
    key: str,
    before_label: str,
    after_label: str,
    full_size: bool = False,
    on_point: Callable[[], None] | None = None,
) -> Any:
    """Show a picture before and after.

    Parameters
    ----------
    shown : Print
        Both pictures.
    key : str
        Under which the page finds what it reports: ``position``, the line's place in percent, and
        ``point``, where the picture was double-clicked, as ``across`` and ``down`` from 0 to 1.
    before_label, after_label : str
        What is written over them.
    full_size : bool
        Whether no pixel is shown larger than one of the screen.
    on_point : callable, optional
        Is called when a point was double-clicked.

    Returns
    -------
    ComponentResult
        What it reports.
    """
    rows, cols = shown.codes.shape[:2]
    return _mount()(
        key=key,
        data={
            "before": shown.before,
            "after": shown.after,
            "width": cols,
            "height": rows,
            "position": 50.0,
            "before_label": before_label,
            "after_label": after_label,
            "full_size": full_size,
        },
        default={"position": 50.0},
        on_position_change=_nothing,
        on_point_change=on_point or _nothing,
    )


@cache
def _mount() -> Callable[..., Any]:
    import streamlit as st

    html, css, js = (
        files(__name__).joinpath(f"comparison.{ending}").read_text(encoding="utf-8")
        for ending in ("html", "css", "js")
    )
    mount: Callable[..., Any] = st.components.v2.component(
        "phos_app.comparison", html=html, css=css, js=js
    )
    return mount


def _nothing() -> None:
    """What a component's state needs to be told of."""

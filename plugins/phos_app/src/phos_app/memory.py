"""What the page remembers of its controls.

Streamlit forgets a control that is not shown, and what it then gives under its key is older. So
each value is kept beside it as well, and which controls are shown, whose own value is the truth.

A value is set only where it is another: what is set goes back to the browser, and a hand that
moves on meanwhile would have its control snatched away.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

__all__ = ["begin", "finish", "put", "shown", "value_of"]

VALUES, NOW, BEFORE = "memory:values", "memory:shown now", "memory:shown before"


def begin(first: Mapping[str, Any]) -> None:
    """Begin a run: what was forgotten is there again.

    Parameters
    ----------
    first : mapping of str to Any
        The keys of all controls, each with the value that it has at first.
    """
    for key, value in first.items():
        _values().setdefault(key, value)
    for key in first:
        put(key, value_of(key))


def finish() -> None:
    """End a run that nobody broke off: what it has not shown is not shown."""
    st.session_state[BEFORE] = st.session_state.pop(NOW, set())


def shown(key: str) -> str:
    """Give the key of a control that is about to be shown."""
    st.session_state.setdefault(NOW, set()).add(key)
    return key


def value_of(key: str) -> Any:
    """Give the value of a control, whether it is shown or not."""
    is_shown = any(key in st.session_state.get(which, ()) for which in (NOW, BEFORE))
    return st.session_state[key] if is_shown and key in st.session_state else _values()[key]


def put(key: str, value: Any) -> None:
    """Set a control."""
    _values()[key] = value
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def _values() -> dict[str, Any]:
    values: dict[str, Any] = st.session_state.setdefault(VALUES, {})
    return values

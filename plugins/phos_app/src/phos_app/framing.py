"""Framing: how a picture is turned and cropped, as the page says it."""

__all__ = ["framing_of"]


def framing_of(asked: object) -> None:
    """Read a framing; until there is one, only that which leaves the picture as it is."""
    if asked not in (None, {}):
        raise ValueError("framing is not there yet")

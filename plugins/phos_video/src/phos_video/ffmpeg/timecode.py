"""Timecode: the number that a frame had in the camera."""

import re
from fractions import Fraction

from phos_video.errors import VideoError

__all__ = ["moved_on"]

CODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")
DROPPED_A_MINUTE = {30: 2, 60: 4}
"""Numbers left out at the start of each minute but the tenth, by nominal rate."""


def moved_on(timecode: str, frames: int, rate: Fraction, new_rate: Fraction | None = None) -> str:
    """Give the timecode of a frame, by that of the first.

    Parameters
    ----------
    timecode : str
        Of the first frame, ``HH:MM:SS:FF``; a semicolon before the frames drops numbers.
    frames : int
        How many frames later.
    rate : Fraction
        Frames a second.
    new_rate : Fraction, optional
        Frames a second of the clip that the timecode is for, where that differs: it begins at
        the same second, and at the frame that is shown then.

    Returns
    -------
    str

    Raises
    ------
    VideoError
        If it is no timecode.
    """
    nominal = round(rate)
    number, drops = _number(timecode, nominal)
    number += frames
    if new_rate is not None and round(new_rate) != nominal:
        number = number * round(new_rate) // nominal
        nominal = round(new_rate)
        drops = drops and nominal in DROPPED_A_MINUTE
    return _written(number, nominal, drops=drops)


def _number(timecode: str, nominal: int) -> tuple[int, bool]:
    match = CODE.fullmatch(timecode)
    if match is None:
        raise VideoError(f"{timecode!r} is no timecode: HH:MM:SS:FF")
    hours, minutes, seconds, frames = (int(match[index]) for index in (1, 2, 3, 5))
    drops = match[4] != ":" and nominal in DROPPED_A_MINUTE
    number = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if drops:
        whole = hours * 60 + minutes
        number -= DROPPED_A_MINUTE[nominal] * (whole - whole // 10)
    return number, drops


def _written(number: int, nominal: int, *, drops: bool) -> str:
    if drops:
        dropped = DROPPED_A_MINUTE[nominal]
        of_ten = 600 * nominal - 9 * dropped
        tens, rest = divmod(number, of_ten)
        number += 9 * dropped * tens
        if rest >= 60 * nominal:
            number += dropped * (1 + (rest - 60 * nominal) // (60 * nominal - dropped))
    seconds, frames = divmod(number, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    mark = ";" if drops else ":"
    return f"{hours % 24:02}:{minutes:02}:{seconds:02}{mark}{frames:02}"

"""Recipe: all settings of a picture in one frozen record. RunReport: what then happened."""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from phos_core.film import FILM_FORMATS_UM, Film, load_film

__all__ = ["Encoding", "Recipe", "RunReport"]

Encoding = Literal["srgb", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides how a picture looks; nothing about the machine.

    Parameters
    ----------
    film : str, Path or Film
        A stock's name, the path of a TOML file, or a `Film`.
    seed : int
        Seed of the grain.
    frame : int
        Number of the picture on its roll: same seed, other frame, other grain.
    exposure_stops : float
        Exposure compensation; +1 doubles the light.
    film_format : str
        Film format, a key of `FILM_FORMATS_UM`; with the picture's size it gives the pixel pitch.
    pixel_pitch_um : float or None
        Width of a pixel on the film in um; None: the picture's long side is the frame's.
    offset_px : tuple of int
        Row and column of the picture's first pixel within its frame, for a crop.
    encoding : str
        What the input is: ``"srgb"``, display-referred, the camera's rendering is taken back;
        ``"linear"``, scene-linear, exposed as it is. The positive is always sRGB-encoded.
    printing : str
        ``"auto"``, or the name of a paper to print a colour negative on.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong type or out of range.
    """

    film: str | Path | Film = "portra-400"
    seed: int = 0
    frame: int = 0
    exposure_stops: float = 0.0
    film_format: str = "135"
    pixel_pitch_um: float | None = None
    offset_px: tuple[int, int] = (0, 0)
    encoding: Encoding = "srgb"
    printing: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.film, str | Path | Film):
            raise TypeError(f"film must be a name, a path or a Film, got {self.film!r}")
        for name in ("seed", "frame"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))
        object.__setattr__(self, "offset_px", _offset(self.offset_px))
        object.__setattr__(self, "exposure_stops", _finite("exposure_stops", self.exposure_stops))
        if self.film_format not in FILM_FORMATS_UM:
            known = ", ".join(FILM_FORMATS_UM)
            raise ValueError(f"film_format must be one of {known}, got {self.film_format!r}")
        if self.pixel_pitch_um is not None:
            pitch_um = _finite("pixel_pitch_um", self.pixel_pitch_um)
            if not pitch_um > 0:
                raise ValueError(f"pixel_pitch_um must be a positive length in um, got {pitch_um}")
            object.__setattr__(self, "pixel_pitch_um", pitch_um)
        if self.encoding not in get_args(Encoding):
            raise ValueError(f"encoding must be 'srgb' or 'linear', got {self.encoding!r}")
        if isinstance(self.film, Film) and self.printing != "auto":
            raise ValueError(
                "printing is part of a Film already: give it to load_film, "
                f"got printing={self.printing!r} with a Film"
            )

    def load_film(self) -> Film:
        """Give the film: as it is, or loaded by its name or path."""
        if isinstance(self.film, Film):
            return self.film
        return load_film(self.film, printing=self.printing)

    def pitch_um(self, rows: int, cols: int) -> float:
        """Give the pixel pitch on the film of a picture of this size.

        Parameters
        ----------
        rows, cols : int
            Size of the picture.

        Returns
        -------
        float
            Pixel pitch in um.
        """
        if self.pixel_pitch_um is not None:
            return self.pixel_pitch_um
        return FILM_FORMATS_UM[self.film_format][0] / max(rows, cols, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What ran, where, and how long each step took.

    Parameters
    ----------
    film, backend, device : str
        What was used.
    source : str
        What chose the backend: the argument, the context, the environment or nobody.
    candidates : tuple of (str, str)
        Each backend that was considered, and why it was not taken; an empty reason: it was.
    versions : mapping of str to str
        Versions of what computed: Python, NumPy, phos-core, the backend and its libraries.
    pixel_pitch_um : float
        Width of a pixel on the film.
    step_seconds : mapping of str to float
        Time of each step, in the order in which they ran, of all pictures developed together.
    pictures : int
        How many pictures were developed together, in one call.
    tiles : int
        In how many tiles of rows it was computed; 1: as a whole.
    events : tuple of str
        What did not go straight: attempts that failed, tiles, another backend. In order.
    """

    film: str
    backend: str
    device: str
    source: str
    candidates: tuple[tuple[str, str], ...]
    versions: Mapping[str, str]
    pixel_pitch_um: float
    step_seconds: Mapping[str, float]
    pictures: int = 1
    tiles: int = 1
    events: tuple[str, ...] = ()


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from error


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool | str):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r}") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number


def _offset(value: Any) -> tuple[int, int]:
    try:
        row, col = value
    except (TypeError, ValueError) as error:
        raise ValueError(f"offset_px must be (row, column), got {value!r}") from error
    return _whole("offset_px", row), _whole("offset_px", col)

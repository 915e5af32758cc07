"""Recipe: all settings of a picture in one frozen record."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from phos_core.arrays import numbers_in
from phos_core.color import PRIMARIES
from phos_core.convolution.hooks import ColourSpace
from phos_core.effects.breathing import breath_stops
from phos_core.effects.weave import displacement_um
from phos_core.errors import shown
from phos_core.process.camera import FULL_OPENING, opening_of
from phos_core.process.coding import (
    INPUT_SPACES,
    Coding,
    Encoding,
    Primaries,
    coding_of_space,
    own_name,
)
from phos_core.process.correction import Correction, corrected
from phos_core.process.output import OUTPUT_SPACES, SRGB, OutputSpace, Transfer
from phos_core.stocks.academy import as_negative
from phos_core.stocks.film import (
    FILM_FORMATS_UM,
    RUNS_LENGTHWISE,
    Film,
    at_strength,
    colour_only,
)
from phos_core.stocks.loading import load_film
from phos_core.stocks.treatment import BOUNDS, FilmSettings, Treatment, finite, in_bounds, whole

__all__ = [
    "NOT_GIVEN",
    "InputSpace",
    "Mode",
    "Recipe",
    "Settings",
    "checked_recipe",
    "one_recipe",
]

Mode = Literal["full", "colour", "texture"]
"""Which part of a film's look is made: see `Recipe`."""
InputSpace: TypeAlias = str | Callable[[NDArray[Any]], NDArray[np.float32]] | ColourSpace
"""A colour space by name or as it is, or a function to linear sRGB light: see `Recipe`."""

LEFT_OUT = {"colour": ("scatter", "halation", "grain"), "texture": ("couplers",)}
MOST_OF_MATRIX = 1e3  # between any two sets of primaries it is some tens at most
SRGB_CODED = ("srgb", "display-p3")
OF_POSITIVES = (
    "printing",
    "contrast",
    "balance_cc",
    "brightness_stops",
    "paper_grade",
    "filters_cc",
    "print_stops",
    "black_point",
    "white_point",
    "auto_balance",
    "strength",
)
EFFECTS = ("scatter", "halation", "couplers", "grain")
OF_MOTION = ("weave_um", "breathing_stops", "dust_per_cm2", "scratches")
STANDING_STILL = {"colour": OF_MOTION, "texture": ("weave_um", "breathing_stops")}


class _NotGiven:
    """What an argument is that the caller has left out."""

    def __repr__(self) -> str:
        return "not given"


NOT_GIVEN: Any = _NotGiven()
"""The default of an argument that is given only where there is no `recipe`; see `one_recipe`."""


class Settings(FilmSettings, total=False):
    """The settings of a `Recipe` but for `film` and `seed`, as keyword arguments."""

    frame: int
    exposure_stops: float
    film_format: str
    pixel_pitch_um: float | None
    offset_px: tuple[int, int]
    encoding: Encoding
    primaries: Primaries
    input_space: InputSpace
    output_space: str
    highlights_stops: float
    lab_correction: bool
    light_balance: float
    auto_balance: bool
    mode: Mode
    scatter: float
    halation: float
    couplers: float
    grain: float
    weave_um: float
    breathing_stops: float
    dust_per_cm2: float
    scratches: float
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Treatment):
    """Everything that decides how a picture looks; nothing about the machine.

    It has the settings of a `Treatment`, and those below.

    Parameters
    ----------
    film : str, Path or Film
        A stock's name, the path of a TOML file, or a `Film`.
    seed : int
        Seed of the grain.
    frame : int
        Number of the picture on its roll: same seed, other frame, other grain.
    exposure_stops : float
        Exposure compensation; +1 doubles the light on the film.
    lab_correction : bool
        Whether a negative's scan or print is balanced on the grey that the exposure gave, as a
        laboratory does: an overexposed negative then gives a picture of the same lightness, and
        of the look that its curve has there. A transparency has no such correction.
    light_balance : float
        How much of the colour that the scene's light has on the film a scan or print corrects:
        1 all of it, 0 nothing.
    highlights_stops : float
        How much brighter than the file's white a clipped highlight was, at white, in stops. It
        feeds the light that the base returns, not what exposes the film directly. Nothing for
        linear light, which is not clipped.
    film_format : str
        Film format, a key of `FILM_FORMATS_UM`; with the picture's size it gives the pixel pitch.
    pixel_pitch_um : float or None
        Width of a pixel on the film in um; None: the picture's long side is the frame's.
    offset_px : tuple of int
        Row and column of the picture's first pixel within its frame, for a crop.
    encoding : str
        What the input is: ``"srgb"``, display-referred, the camera's rendering is taken back;
        ``"display"``, the same in linear light, which may lie beyond 0 to 1; ``"linear"``,
        scene-linear, exposed as it is.
    primaries : str, or sequence of three rows of three floats
        Of linear light: ``"srgb"``, ``"display-p3"``, ``"rec2020"``, ``"prophoto"``,
        ``"acescg"``, ``"aces2065-1"``, or a matrix to linear sRGB. An sRGB-encoded picture may be
        ``"display-p3"`` too, which has the same coding.
    input_space : str, callable or ColourSpace
        The picture's colour space instead of `encoding` and `primaries`: a key of `INPUT_SPACES`,
        such as ``"rec709"``, ``"rec2100-pq"`` or ``"acescg"``, or another name, such as
        ``"S-Log3 S-Gamut3.Cine"`` or ``"ARRI LogC4"``, which a plug-in looks up
        (phos-darkroom[spaces]); the light of a scene is exposed as it is, of a display's the
        rendering is taken back. Or a `ColourSpace` itself. Or a function that takes pixels,
        (rows, cols, 3), a part of the picture at a time, and gives their linear sRGB light,
        float32, of any sign: a scene's, or with ``encoding="display"`` a display's. Empty: as the
        other two say.
    output_space : str
        What the positive is in: a key of `OUTPUT_SPACES`. ``"srgb"``, ``"display-p3"``,
        ``"rec709"`` and ``"rec2020"`` are codes of a display; ``"acescg"`` and ``"aces2065-1"``
        are its light, in floats of any sign; ``"rec2100-pq"`` and ``"rec2100-hlg"`` are codes of
        a display that shows light beyond white. ``"adx10"`` and ``"adx16"`` are no positive, but
        the printing densities of a colour negative, which is then neither scanned nor printed.
        ``""``: sRGB; in mode ``"texture"`` what the picture is in itself, as `encoding` and named
        `primaries`, or an `input_space` of `INPUT_SPACES`, say it.
    auto_balance : bool
        Whether the scan or print is balanced on the picture itself: the mean of its exposures,
        taken as a mid-grey.
    mode : str
        ``"full"``; ``"colour"``: no scatter, halation or grain, so what a lookup table holds;
        ``"texture"``: scatter, halation and grain alone, the picture's own colours kept.
    scatter, halation, couplers, grain : float
        How strong each effect is; 1: as the stock's file says, 0: left out. `scatter` goes up
        to 1.
    weave_um : float
        RMS of the frames' displacement in the camera's gate, along the film and across it, in um:
        `seed` and `frame` say where this one lies.
    breathing_stops : float
        RMS of the frames' exposure of moving film, in stops: `seed` and `frame` say what this one
        has of it. No laboratory corrects it.
    dust_per_cm2 : float
        Particles wider than 20 um on a square centimetre of each piece of film that light goes
        through: the film itself, and a print film.
    scratches : float
        Mean number of scratches that run through a frame of each piece of film, from frame to
        frame.
    strength : float
        How strong the whole look is: 1 the positive, 0 the picture as it was, between them a
        blend of their light. Of the light of a scene that is what a camera makes of it.

    Raises
    ------
    TypeError, ValueError
        If a setting is of the wrong type, out of its `treatment.BOUNDS`, or contradicts another.
    """

    film: str | Path | Film = "portra-400"
    seed: int = 0
    frame: int = 0
    exposure_stops: float = 0.0
    film_format: str = "135"
    pixel_pitch_um: float | None = None
    offset_px: tuple[int, int] = (0, 0)
    encoding: Encoding = "srgb"
    primaries: Primaries = "srgb"
    input_space: InputSpace = ""
    output_space: str = ""
    highlights_stops: float = 1.5
    lab_correction: bool = True
    light_balance: float = 1.0
    auto_balance: bool = False
    mode: Mode = "full"
    scatter: float = 1.0
    halation: float = 1.0
    couplers: float = 1.0
    grain: float = 1.0
    weave_um: float = 0.0
    breathing_stops: float = 0.0
    dust_per_cm2: float = 0.0
    scratches: float = 0.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        Treatment.__post_init__(self)
        if not isinstance(self.film, str | Path | Film):
            raise TypeError(f"film must be a name, a path or a Film, got {shown(self.film)}")
        for name in ("seed", "frame"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        object.__setattr__(self, "offset_px", _offset(self.offset_px))
        for name in ("exposure_stops", "highlights_stops", "light_balance", "strength"):
            object.__setattr__(self, name, in_bounds(name, getattr(self, name)))
        for name in (*EFFECTS, *OF_MOTION):
            object.__setattr__(self, name, finite(name, getattr(self, name)))
        _check_choice("film_format", self.film_format, tuple(FILM_FORMATS_UM))
        for name in ("auto_balance", "lab_correction"):
            object.__setattr__(self, name, _switch(name, getattr(self, name)))
        if self.pixel_pitch_um is not None:
            pitch_um = finite("pixel_pitch_um", self.pixel_pitch_um)
            if not pitch_um > 0:
                raise ValueError(f"pixel_pitch_um must be a positive length in um, got {pitch_um}")
            object.__setattr__(self, "pixel_pitch_um", in_bounds("pixel_pitch_um", pitch_um))
        if not isinstance(self.primaries, str):
            object.__setattr__(self, "primaries", _matrix("primaries", self.primaries))
        _check_choices(self)
        _check_input_space(self)
        _check_effects(self)
        if isinstance(self.film, Film):
            _refuse_treatment(self, self.film)
            object.__setattr__(self, "process_version", self.film.process_version)

    def of_picture(self, rows: int, cols: int, *, seed: int, frame: int) -> "Recipe":
        """Give the settings of one of several pictures, with its pixel pitch.

        Parameters
        ----------
        rows, cols : int
            Size of the picture.
        seed, frame : int
            Its own.

        Returns
        -------
        Recipe
            A copy: what `replace` gives, without another look at all that was checked already.
        """
        one = copy(self)
        for name, value in {
            "seed": seed,
            "frame": frame,
            "pixel_pitch_um": self.pitch_um(rows, cols),
        }.items():
            object.__setattr__(one, name, value)
        return one

    def load_film(self) -> Film:
        """Give the film: as it is, or loaded by its name or path; its effects as asked for."""
        film = self.film
        if not isinstance(film, Film):
            film = load_film(film, **_treatment_of(self))
        film = at_strength(film, **{name: getattr(self, name) for name in EFFECTS})
        film = colour_only(film) if self.mode == "colour" else film
        if self.space.is_density:
            return self._as_negative(film)
        return film if self.auto_balance else corrected(film, self._correction)

    def _as_negative(self, film: Film) -> Film:
        try:
            return as_negative(film)
        except ValueError as error:
            raise ValueError(
                f'output_space "{self.output_space}" is for colour negatives: {error}'
            ) from error

    @property
    def frame_stops(self) -> float:
        """Exposure of this frame, in stops: what was meant, and how far it breathed."""
        breath = breath_stops(self.breathing_stops, seed=self.seed, frame=self.frame)
        return self.exposure_stops + breath

    def displacement_px(self, pitch_um: float) -> tuple[float, float]:
        """How far this frame's picture lies too low and too far to the right, in pixels."""
        along, across = displacement_um(self.weave_um, seed=self.seed, frame=self.frame)
        down, right = (across, along) if self.film_format in RUNS_LENGTHWISE else (along, across)
        return down / pitch_um, right / pitch_um

    @property
    def is_moving(self) -> bool:
        """Whether its frames differ in more than what is added to their density."""
        return bool(self.weave_um or self.breathing_stops)

    @property
    def is_worn(self) -> bool:
        """Whether there is dust or a scratch on it."""
        return bool(self.dust_per_cm2 or self.scratches)

    @property
    def _correction(self) -> Correction:
        """What a laboratory corrects of the exposure."""
        return Correction(
            exposure_stops=self.exposure_stops if self.lab_correction else 0.0,
            lost_share=1.0 if self.lab_correction else 0.0,
            colour_share=self.light_balance,
        )

    @property
    def space(self) -> OutputSpace:
        """What the positive is in."""
        if self.output_space:
            return OUTPUT_SPACES[self.output_space]
        is_texture = self.mode == "texture" and self.process_version > 1
        own = own_space(self.input_space)
        if not is_texture or (self.input_space and not own):
            return SRGB
        coding = INPUT_SPACES[own] if own else Coding.of(self.encoding, self.primaries)
        if not isinstance(coding.primaries, str):
            return SRGB
        if coding.curve not in ("", "srgb"):
            return OUTPUT_SPACES.get(own, SRGB)
        transfer: Transfer = "srgb" if coding.curve == "srgb" else "linear"
        return OutputSpace(primaries=coding.primaries, transfer=transfer)

    @property
    def coding(self) -> Coding:
        """What the numbers of the picture are, its space having been found: see `of_light`."""
        space = self.input_space
        if isinstance(space, str):
            return INPUT_SPACES[space] if space else Coding.of(self.encoding, self.primaries)
        if callable(space):  # whose light it is
            return Coding.of("linear" if self.encoding == "srgb" else self.encoding, "srgb")
        return coding_of_space(space)

    @property
    def conversion(self) -> Callable[[NDArray[Any]], NDArray[np.float32]] | None:
        """What makes light of the picture on the host, where the device cannot do it by itself."""
        space = self.input_space
        if isinstance(space, str):
            return None
        if callable(space):
            return space
        return None if getattr(space, "curve_and_matrix", None) else space.to_light

    @property
    def opening(self) -> float:
        """What light near white, as it exposes the film, is opened by: see `highlights_gain`."""
        is_opened = self.process_version == 1 and self.coding.light == "display"
        return FULL_OPENING if is_opened else 0.0

    @property
    def opening_beyond(self) -> float:
        """The same of the light that the base returns."""
        is_opened = self.process_version > 1 and self.coding.light == "display"
        return opening_of(self.highlights_stops) if is_opened else 0.0

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

        Raises
        ------
        ValueError
            If the picture has more pixels along its long side than its frame on the film can take.
        """
        if self.pixel_pitch_um is not None:
            return self.pixel_pitch_um
        pitch_um = FILM_FORMATS_UM[self.film_format][0] / max(rows, cols, 1)
        least_um, _ = BOUNDS["pixel_pitch_um"]
        if pitch_um < least_um:
            raise ValueError(
                f"pixel_pitch_um must be given, {least_um:g} or more: the {max(rows, cols)} pixels "
                f"of the long side would be {pitch_um:.2g} um wide on {self.film_format} film"
            )
        return pitch_um


def own_space(space: InputSpace) -> str:
    """Give the key of `INPUT_SPACES` that an input space is; empty where it is none."""
    return (own_name(space) or "") if isinstance(space, str) else ""


def one_recipe(recipe: Recipe | None, **settings: Any) -> Recipe:
    """Give the settings in one record, however they were given.

    Parameters
    ----------
    recipe : Recipe or None
        All of them.
    **settings
        Some of them, instead; `NOT_GIVEN` for one that was left out.

    Returns
    -------
    Recipe
        The settings.

    Raises
    ------
    TypeError
        If they are given in both ways, or `recipe` is none.
    ValueError
        As `Recipe` raises it.
    """
    given = {name: value for name, value in settings.items() if value is not NOT_GIVEN}
    if recipe is None:
        return Recipe(**given)
    if given:
        raise TypeError(
            "give the settings in recipe or as arguments, not both: "
            f"got {', '.join(given)} beside recipe"
        )
    return checked_recipe(recipe)


def checked_recipe(recipe: Any) -> Recipe:
    """Give a recipe back, if it is one.

    Parameters
    ----------
    recipe : object
        What a caller gave as its recipe.

    Returns
    -------
    Recipe
        The same.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if not isinstance(recipe, Recipe):
        hint = "; Recipe(**recipe) makes one of it" if isinstance(recipe, Mapping) else ""
        raise TypeError(f"recipe must be a Recipe, got {shown(recipe)}{hint}")
    return recipe


def _check_choices(recipe: Recipe) -> None:
    _check_choice("encoding", recipe.encoding, get_args(Encoding), "'srgb', 'display' or 'linear'")
    if isinstance(recipe.primaries, str):
        _check_choice("primaries", recipe.primaries, tuple(PRIMARIES))
    if recipe.encoding == "srgb" and recipe.primaries not in SRGB_CODED:
        one = f'"{recipe.primaries}"' if isinstance(recipe.primaries, str) else "given as a matrix"
        raise ValueError(
            f"primaries {one} have a coding of their own: give linear light, with "
            'encoding="linear" or "display"'
        )
    if recipe.output_space != "":
        _check_choice("output_space", recipe.output_space, tuple(OUTPUT_SPACES))
    _check_choice("mode", recipe.mode, get_args(Mode), "'full', 'colour' or 'texture'")


def _check_choice(name: str, value: Any, choices: tuple[str, ...], listed: str = "") -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a name, got {shown(value)}")
    if value not in choices:
        known = listed or f"one of {', '.join(choices)}"
        raise ValueError(f"{name} must be {known}, got {shown(value)}")


def _check_input_space(recipe: Recipe) -> None:
    """Raise unless an input space is one, and the only thing that says what the numbers are."""
    space = recipe.input_space
    if not (isinstance(space, str) or callable(space) or hasattr(space, "to_light")):
        raise TypeError(
            f"input_space must be a name, a ColourSpace or a function, got {shown(space)}"
        )
    if isinstance(space, str) and not space:
        return
    if recipe.primaries != "srgb":
        raise ValueError(
            "primaries must be left out beside input_space, which gives linear sRGB: "
            f"got {shown(recipe.primaries)}"
        )
    if not callable(space) and recipe.encoding != "srgb":
        raise ValueError(
            f"encoding must be left out beside input_space, which says what the numbers are: "
            f'got "{recipe.encoding}" and {shown(space)}'
        )


def _matrix(name: str, value: Any) -> tuple[tuple[float, ...], ...]:
    """A matrix of 3 by 3 plain numbers, in rows."""
    matrix = numbers_in(name, value)
    if matrix.shape != (3, 3):
        raise ValueError(f"{name} must be a name or a matrix of 3 by 3, got {shown(value)}")
    if not (np.abs(matrix) <= MOST_OF_MATRIX).all():
        raise ValueError(
            f"{name} must hold numbers from -{MOST_OF_MATRIX:g} to {MOST_OF_MATRIX:g}, "
            f"got {shown(value)}"
        )
    return tuple(map(tuple, matrix.astype(np.float64).tolist()))


def _switch(name: str, value: Any) -> bool:
    """A setting as plain True or False; NumPy's are as good."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def _check_effects(recipe: Recipe) -> None:
    for name in EFFECTS:
        value = getattr(recipe, name)
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}")
    if not recipe.scatter <= 1:
        raise ValueError(f"scatter must not exceed 1, the stock as it is, got {recipe.scatter}")
    for name in (*EFFECTS, *OF_MOTION):
        in_bounds(name, getattr(recipe, name))
    for name in STANDING_STILL.get(recipe.mode, ()):
        if getattr(recipe, name):
            raise ValueError(
                f'{name} has no part in mode "{recipe.mode}", got {getattr(recipe, name)}'
            )
    for name in LEFT_OUT.get(recipe.mode, ()):
        value = getattr(recipe, name)
        if value not in (0.0, 1.0):
            raise ValueError(f'{name} has no part in mode "{recipe.mode}", got {value}')
    if recipe.space.is_density:
        _refuse_printing(recipe)
    if recipe.mode == "texture" and recipe.auto_balance:
        raise ValueError('auto_balance has no part in mode "texture", which keeps the colours')
    if recipe.weave_um and recipe.strength < 1:
        raise ValueError(
            "strength must be 1 with weave_um, which moves the positive away from the picture that "
            f"it would be blended with, got {recipe.strength}"
        )


def _refuse_printing(recipe: Recipe) -> None:
    """Raise if a negative that is wanted as it is would be scanned or printed."""
    defaults = {field.name: field.default for field in fields(Recipe)}
    for name in OF_POSITIVES:
        value = getattr(recipe, name)
        if value != defaults[name]:
            raise ValueError(
                f'{name} has no part in output_space "{recipe.output_space}", which is of the '
                f"negative, got {value!r}"
            )
    if recipe.mode == "texture":
        raise ValueError(f'mode "texture" has no output_space "{recipe.output_space}": no negative')


def _treatment_of(recipe: Recipe) -> FilmSettings:
    return cast(
        "FilmSettings", {field.name: getattr(recipe, field.name) for field in fields(Treatment)}
    )


def _refuse_treatment(recipe: Recipe, film: Film) -> None:
    """Raise if a film that is loaded already is to be treated otherwise."""
    own = {"process_version": film.process_version}
    for field in fields(Treatment):
        value = getattr(recipe, field.name)
        if value not in (field.default, own.get(field.name, field.default)):
            raise ValueError(
                f"{field.name} is part of a Film already: give it to load_film, "
                f"got {field.name}={value!r} with a Film"
            )


def _offset(value: Any) -> tuple[int, int]:
    try:
        row, col = value
    except (TypeError, ValueError) as error:
        raise ValueError(f"offset_px must be (row, column), got {shown(value)}") from error
    place = whole("offset_px", row), whole("offset_px", col)
    low, high = map(int, BOUNDS["offset_px"])
    if not all(low <= number <= high for number in place):
        raise ValueError(f"offset_px must lie between {low} and {high}, got {shown(place)}")
    return place

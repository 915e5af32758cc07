"""The settings of a `Recipe` as options of a command."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from phos_core.color import PRIMARIES
from phos_core.process.recipe import Encoding, Mode
from phos_core.stocks.treatment import BOUNDS

__all__ = ["setting_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def setting_options(command: Command) -> Command:
    """Give a command an option for each setting, named as the fields of `Recipe`.

    Parameters
    ----------
    command : callable
        Takes them as keywords; `presets.merged` says which of them were given.

    Returns
    -------
    callable
        The command.
    """
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def _name_or_kelvin(ctx: click.Context, param: click.Parameter, value: str) -> str | float:
    """A light's name, or a temperature in K."""
    try:
        return float(value)
    except ValueError:
        return value


def _with_bounds(text: str, name: str) -> str:
    """Help for a setting, with its bounds."""
    low, high = BOUNDS[name]
    return f"{text} [{low:.12g} to {high:.12g}]"


def _strength(effect: str) -> Callable[[Any], Any]:
    """An option for the strength of an effect."""
    text = _with_bounds(f"Strength of the stock's {effect}; 0: without.", effect)
    return click.option(f"--{effect}", type=float, default=1.0, show_default=True, help=text)


OPTIONS = (
    click.option("--film", default="portra-400", show_default=True, help="See `phos films`."),
    click.option("--seed", default=0, show_default=True, help="Another seed, another grain."),
    click.option(
        "--exposure",
        "exposure_stops",
        default=0.0,
        show_default=True,
        metavar="STOPS",
        help=_with_bounds("More light, or less.", "exposure_stops"),
    ),
    click.option(
        "--exposure-index",
        type=float,
        metavar="EI",
        help=_with_bounds("What the meter is set to, not the speed.", "exposure_index"),
    ),
    click.option(
        "--exposure-time",
        "exposure_time_s",
        type=float,
        metavar="S",
        help=_with_bounds("For the stock's reciprocity failure.", "exposure_time_s"),
    ),
    click.option(
        "--light",
        callback=_name_or_kelvin,
        default="film",
        show_default=True,
        help="Of the scene: film (what the stock is balanced for), daylight, tungsten, or in K.",
    ),
    click.option(
        "--push",
        "push_stops",
        default=0.0,
        show_default=True,
        metavar="STOPS",
        help="Develop more, or less.",
    ),
    click.option(
        "--printing",
        default="auto",
        show_default=True,
        help="auto (a laboratory scan, or a transparency), or a paper or print film.",
    ),
    click.option(
        "--grade", "paper_grade", type=float, help="Of black-and-white paper: 0 (soft) to 5 (hard)."
    ),
    click.option(
        "--filters",
        "filters_cc",
        type=(float, float, float),
        default=(0.0, 0.0, 0.0),
        metavar="Y M C",
        help=_with_bounds("The enlarger's, in cc, on top of the neutral balance.", "filters_cc"),
    ),
    click.option(
        "--print-exposure",
        "print_stops",
        default=0.0,
        show_default=True,
        metavar="STOPS",
        help=_with_bounds("More is darker.", "print_stops"),
    ),
    click.option(
        "--black-point",
        type=float,
        metavar="STOPS",
        help=_with_bounds("Of a scan, under mid-grey: black from here.", "black_point"),
    ),
    click.option(
        "--white-point",
        type=float,
        metavar="STOPS",
        help=_with_bounds("Of a scan, over mid-grey: white from here.", "white_point"),
    ),
    click.option(
        "--auto-balance", is_flag=True, help="Balance each scan or print on the picture itself."
    ),
    click.option(
        "--mode",
        type=click.Choice(get_args(Mode)),
        default="full",
        show_default=True,
        help="Everything, what a lookup table holds, or scatter, halation and grain alone.",
    ),
    _strength("scatter"),
    _strength("halation"),
    _strength("couplers"),
    _strength("grain"),
    click.option(
        "--format",
        "film_format",
        default="135",
        show_default=True,
        help="Size of the film's frame.",
    ),
    click.option(
        "--pixel-pitch",
        "pixel_pitch_um",
        type=float,
        metavar="UM",
        help=_with_bounds(
            "Width of a pixel on the film in µm, instead of the long side filling the frame.",
            "pixel_pitch_um",
        ),
    ),
    click.option(
        "--encoding",
        type=click.Choice(get_args(Encoding)),
        default="srgb",
        show_default=True,
        help="What the numbers of the input are; srgb: what its file says.",
    ),
    click.option(
        "--primaries",
        type=click.Choice(tuple(PRIMARIES)),
        default="srgb",
        show_default=True,
        help="Of the input; srgb: what its file says.",
    ),
)

"""The settings, described once.

The shell's options and the app's controls are made from this table, and docs/settings.md is checked
against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from phos_core.color import PRIMARIES
from phos_core.process import OUTPUT_SPACES, Encoding, Mode
from phos_core.stocks import BOUNDS, SCANNERS

__all__ = ["EXPOSURE_STOPS", "SETTINGS", "Setting", "bounds_of"]

EXPOSURE_STOPS = (-5.0, 5.0)
"""What the shell and the app offer: farther than any film reaches. Python takes `BOUNDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting as it is shown to people.

    Parameters
    ----------
    name : str
        The field of `Recipe`.
    group : str
        What it is about, as the shell's help is divided.
    meaning : str
        What it decides, in one line.
    option : str
        At the shell; empty: only Python has it.
    unit : str
        Of its numbers; empty: none.
    value : str
        What stands for its value in the shell's help; empty: nothing, or the choices do.
    unset : str
        In words, what None means where that is the default.
    choices : tuple of str
        All values that it may have; empty: others too.
    """

    name: str
    group: str
    meaning: str
    option: str = ""
    unit: str = ""
    value: str = ""
    unset: str = ""
    choices: tuple[str, ...] = ()


def bounds_of(setting: Setting) -> tuple[float, float] | None:
    """Return the least and the greatest value that the shell takes; None if it is no number."""
    if setting.name == "exposure_stops":
        return EXPOSURE_STOPS
    return BOUNDS.get(setting.name)


_LISTED = (
    Setting(
        name="film",
        option="--film",
        group="Film",
        value="NAME",
        meaning="A film by name, see `phos films`, or a .toml file of your own.",
    ),
    Setting(
        name="film_format",
        option="--format",
        group="Film",
        value="SIZE",
        meaning="The film's frame, such as 35mm, 6x6, 6x7 or 4x5: how large grain is in it.",
    ),
    Setting(
        name="pixel_pitch_um",
        option="--pixel-pitch",
        group="Film",
        unit="µm",
        value="UM",
        unset="the long side fills the frame",
        meaning="Width of a pixel on the film, in µm.",
    ),
    Setting(
        name="seed",
        option="--seed",
        group="Film",
        value="N",
        meaning="Another seed, another grain.",
    ),
    Setting(
        name="frame",
        group="Film",
        meaning="Number of the picture on its roll, or of a video's frame: another one, another "
        "grain.",
    ),
    Setting(
        name="offset_px",
        group="Film",
        unit="pixels",
        meaning="Row and column where a crop begins in its frame.",
    ),
    Setting(
        name="exposure_stops",
        option="--exposure",
        group="Light",
        unit="stops",
        value="STOPS",
        meaning="Light on the film: +1 doubles it. What makes the picture lighter is its "
        "brightness.",
    ),
    Setting(
        name="exposure_index",
        option="--exposure-index",
        group="Light",
        value="ISO",
        unset="the film's speed",
        meaning="What the light meter is set to.",
    ),
    Setting(
        name="exposure_time_s",
        option="--exposure-time",
        group="Light",
        unit="s",
        value="S",
        unset="short",
        meaning="How long the shutter was open, in s, for reciprocity failure.",
    ),
    Setting(
        name="light",
        option="--light",
        group="Light",
        unit="K",
        value="LIGHT",
        meaning="Light of the scene: film (what the film is balanced for), daylight, tungsten, or "
        "a colour temperature in K.",
    ),
    Setting(
        name="highlights_stops",
        option="--highlights",
        group="Light",
        unit="stops",
        value="STOPS",
        meaning="How much brighter than white a clipped highlight was: it glows more, and is not "
        "lighter.",
    ),
    Setting(
        name="push_stops",
        option="--push",
        group="Laboratory",
        unit="stops",
        value="STOPS",
        meaning="Develop longer, or shorter if negative, as is published for the film, or else "
        "estimated: see `phos films NAME`.",
    ),
    Setting(
        name="lab_correction",
        option="--lab-correction",
        group="Laboratory",
        meaning="Scan or print for the exposure that the film got, as laboratories do: an "
        "overexposed negative gives a picture as light as ever. Nothing for slides.",
    ),
    Setting(
        name="light_balance",
        option="--light-balance",
        group="Laboratory",
        value="X",
        meaning="How much of the colour of the scene's light a scan or print corrects: 1 all of "
        "it, 0 none.",
    ),
    Setting(
        name="auto_balance",
        option="--auto-balance",
        group="Laboratory",
        meaning="Balance the scan or print on the picture itself.",
    ),
    Setting(
        name="process_version",
        group="Laboratory",
        meaning="1: as phos 0.1 computed; sidecars and presets of then ask for it.",
    ),
    Setting(
        name="printing",
        option="--printing",
        group="Scan or print",
        value="NAME",
        meaning="auto (a negative is scanned, a slide is as it is), neutral (a scan that takes "
        "out each film's contrast and tint), or a paper or print film, see `phos films --papers`.",
    ),
    Setting(
        name="scanner",
        option="--scanner",
        group="Scan or print",
        choices=tuple(SCANNERS),
        meaning="What scans the film: each has a light, colours and a sharpness of its own; none: "
        "the minilab's colours, and no blur.",
    ),
    Setting(
        name="contrast",
        option="--contrast",
        group="Scan or print",
        value="X",
        meaning="Contrast of a scan or slide around mid-grey; 1 leaves it. That of a print is its "
        "paper's.",
    ),
    Setting(
        name="balance_cc",
        option="--balance",
        group="Scan or print",
        unit="cc",
        value="R G B",
        meaning="More red, green or blue in the picture, or less, in cc: filters of the scanner, "
        "the enlarger or the slide's light.",
    ),
    Setting(
        name="brightness_stops",
        option="--brightness",
        group="Scan or print",
        unit="stops",
        value="STOPS",
        meaning="Makes the picture lighter, or darker if negative, with the exposure of the film "
        "as it is.",
    ),
    Setting(
        name="black_point",
        option="--black-point",
        group="Scan or print",
        unit="stops",
        value="STOPS",
        unset="unexposed film",
        meaning="What lay so far below mid-grey in the scene becomes black.",
    ),
    Setting(
        name="white_point",
        option="--white-point",
        group="Scan or print",
        unit="stops",
        value="STOPS",
        unset="approached, never passed",
        meaning="What lay so far above mid-grey in the scene becomes white.",
    ),
    Setting(
        name="paper_grade",
        option="--grade",
        group="Scan or print",
        value="GRADE",
        unset="no filter",
        meaning="Contrast of black-and-white paper, from 0 (soft) to 5 (hard).",
    ),
    Setting(
        name="filters_cc",
        option="--filters",
        group="Scan or print",
        unit="cc",
        value="Y M C",
        meaning="The enlarger's yellow, magenta and cyan filters in cc, on top of the neutral "
        "balance.",
    ),
    Setting(
        name="print_stops",
        option="--print-exposure",
        group="Scan or print",
        unit="stops",
        value="STOPS",
        meaning="Exposure of the print: more is darker.",
    ),
    Setting(
        name="mode",
        option="--mode",
        group="Effects",
        choices=get_args(Mode),
        meaning="full: everything; colour: what a lookup table can hold; texture: scatter, "
        "halation and grain alone.",
    ),
    *(
        Setting(
            name=effect,
            option=f"--{effect}",
            group="Effects",
            value="X",
            meaning=f"{what}: 1 as much as the film has, 0 none.",
        )
        for effect, what in (
            ("scatter", "Blur by scattering in the emulsion"),
            ("halation", "Glow by light that the film's base returns"),
            ("couplers", "Colour and sharpness by couplers"),
            ("grain", "Grain"),
        )
    ),
    Setting(
        name="strength",
        option="--strength",
        group="Effects",
        value="X",
        meaning="How strong the whole look is: 1 all of it, 0 the picture as it was.",
    ),
    Setting(
        name="weave_um",
        option="--weave",
        group="Moving film",
        unit="µm",
        value="UM",
        meaning="Gate weave: RMS of how far the frames lie from their place, in µm on the film.",
    ),
    Setting(
        name="breathing_stops",
        option="--breathing",
        group="Moving film",
        unit="stops",
        value="STOPS",
        meaning="Breathing: RMS of how the exposure differs from frame to frame.",
    ),
    Setting(
        name="dust_per_cm2",
        option="--dust",
        group="Moving film",
        unit="per cm²",
        value="N",
        meaning="Dust: particles wider than 20 µm on each cm² of the film, and of a print film.",
    ),
    Setting(
        name="scratches",
        option="--scratches",
        group="Moving film",
        value="N",
        meaning="How many scratches run through a frame on average, of the film, and of a print "
        "film.",
    ),
    Setting(
        name="encoding",
        option="--encoding",
        group="Files",
        choices=get_args(Encoding),
        meaning="What the picture's numbers are; srgb: what the file says; display, linear: light "
        "of a display, of the scene.",
    ),
    Setting(
        name="primaries",
        option="--primaries",
        group="Files",
        choices=tuple(PRIMARIES),
        meaning="The picture's primary colours; srgb: what the file says.",
    ),
    Setting(
        name="input_space",
        option="--input-space",
        group="Files",
        value="NAME",
        unset="as the file says",
        meaning="The picture's colour space by name, such as rec709, rec2100-pq, "
        "'S-Log3 S-Gamut3.Cine' or 'ARRI LogC4', see `phos spaces`.",
    ),
    Setting(
        name="output_space",
        option="--output-space",
        group="Files",
        value="NAME",
        unset="the picture's own profile, else sRGB",
        choices=tuple(OUTPUT_SPACES),
        meaning="The positive's colours and numbers: of a display (srgb, display-p3, rec709, "
        "rec2020), of an HDR display (rec2100-pq, rec2100-hlg: PNG, AVIF, JPEG with a gain map, "
        "EXR), light in floats (acescg, aces2065-1: EXR and TIFF), or a negative's densities "
        "(adx10, adx16).",
    ),
)

SETTINGS: Mapping[str, Setting] = MappingProxyType({each.name: each for each in _LISTED})
"""The settings of a `Recipe` by name, in the order in which they are shown."""

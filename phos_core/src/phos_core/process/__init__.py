"""The photographic process, from a picture to its positive: start with `pipeline`.

The names here are for what is built on the process: the darkroom, the app, a cluster.
"""

from phos_core.convolution.hooks import CodeCurve, ColourSpace, CurveAndMatrix
from phos_core.convolution.running.tiles import Tile, Window, memory_limit
from phos_core.process.camera import scene_light_of_any, scene_light_of_hdr
from phos_core.process.checking import check_form
from phos_core.process.coding import INPUT_SPACES, Encoding
from phos_core.process.develop import develop, develop_with_report
from phos_core.process.forms import Layout
from phos_core.process.output import OUTPUT_SPACES, SRGB, OutputSpace
from phos_core.process.recipe import (
    NOT_GIVEN,
    Mode,
    Recipe,
    Settings,
    checked_recipe,
    one_recipe,
)
from phos_core.process.report import RunReport
from phos_core.process.spaces import OwnSpace, check_space, find_space, own_spaces
from phos_core.process.windows import WholePicture, WindowDeveloper, develop_window
from phos_core.watching import Moment, watching

__all__ = [
    "INPUT_SPACES",
    "NOT_GIVEN",
    "OUTPUT_SPACES",
    "SRGB",
    "CodeCurve",
    "ColourSpace",
    "CurveAndMatrix",
    "Encoding",
    "Layout",
    "Mode",
    "Moment",
    "OutputSpace",
    "OwnSpace",
    "Recipe",
    "RunReport",
    "Settings",
    "Tile",
    "WholePicture",
    "Window",
    "WindowDeveloper",
    "check_form",
    "check_space",
    "checked_recipe",
    "develop",
    "develop_window",
    "develop_with_report",
    "find_space",
    "memory_limit",
    "one_recipe",
    "own_spaces",
    "scene_light_of_any",
    "scene_light_of_hdr",
    "watching",
]

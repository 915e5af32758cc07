"""A colour space, and the conversion of its numbers to linear sRGB light and back."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from phos_core.backend import in_parallel, row_strips, threads_for
from phos_core.color import LINEAR_SRGB_TO_XYZ, REFERENCE_WHITE_NITS, XYZ_TO_LINEAR_SRGB
from phos_core.errors import SpaceError
from phos_core.process import CurveAndMatrix
from phos_darkroom.spaces.configs import loaded, ocio
from phos_darkroom.spaces.dividing import divided

__all__ = ["Space"]

SCENE = "lin_rec709"  # linear sRGB, in every built-in configuration
DISPLAY = "cie_xyz_d65_display"
ROLES = {SCENE: "aces_interchange", DISPLAY: "cie_xyz_d65_interchange"}
OF_A_DISPLAY = ("sdr-video", "hdr-video", "edr-video", "display-linear")
"""What a configuration says of codes that a display shows, whatever it refers them to."""

OF_HDR = "hdr-video"
OF_ONE_NITS = 100.0  # OpenColorIO's light of a display

STRIP_PIXELS = 2**16
DEPTHS = {"uint8": "BIT_DEPTH_UINT8", "uint16": "BIT_DEPTH_UINT16", "float32": "BIT_DEPTH_F32"}


@dataclass(frozen=True, slots=True)
class Space:
    """A colour space of an OpenColorIO configuration; it can be pickled.

    Parameters
    ----------
    config : str
        The configuration: a file's path, or a built-in one's name.
    name : str
        As the configuration calls it.
    """

    config: str
    name: str

    @property
    def is_scene(self) -> bool:
        """Whether its light is a scene's; else it is a display's."""
        return self._is_of_scene and self._space.getEncoding() not in OF_A_DISPLAY

    @property
    def is_hdr(self) -> bool:
        """Whether its light is an HDR display's, in which 1 is diffuse white."""
        return not self.is_scene and self._space.getEncoding() == OF_HDR

    @property
    def light(self) -> str:
        """Whose light it is: "scene", "display", or "hdr", an HDR display's."""
        return "scene" if self.is_scene else "hdr" if self.is_hdr else "display"

    @property
    def curve_and_matrix(self) -> CurveAndMatrix | None:
        """What its conversion comes to, for a backend's device; None where it is more."""
        return _divided(loaded(self.config), self)

    @property
    def family(self) -> str:
        """What its configuration lists it under, such as "Input/Sony"."""
        return str(self._space.getFamily())

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that its configuration gives it."""
        return tuple(self._space.getAliases())

    def check(self) -> None:
        """Raise `SpaceError` unless the configuration says how its numbers become light."""
        _processor(loaded(self.config), self.name, "to", "float32")

    def to_light(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Convert numbers of the space to linear light.

        Parameters
        ----------
        pixels : ndarray, shape (rows, cols, 3)
            Integer codes, of which the largest is 1, or floats.

        Returns
        -------
        ndarray of float32, shape (rows, cols, 3)
            Linear sRGB light, of any sign; the space's white or neutral is neutral.

        Raises
        ------
        SpaceError
            If the configuration does not say how.
        """
        dtype = pixels.dtype.newbyteorder("=")
        codes = pixels.astype(dtype if dtype.name in DEPTHS else np.float32, copy=False)
        to_srgb = None if self._is_of_scene else XYZ_TO_LINEAR_SRGB * self._white
        convert = _processor(loaded(self.config), self.name, "to", codes.dtype.name)
        return _in_strips(codes, convert, None, to_srgb)

    def from_light(self, light: NDArray[Any]) -> NDArray[np.float32]:
        """Convert linear light to numbers of the space: the inverse of `to_light`.

        Parameters
        ----------
        light : ndarray of floats, shape (rows, cols, 3)
            Linear sRGB light.

        Returns
        -------
        ndarray of float32, shape (rows, cols, 3)
            Floats of the space; what lies beyond its codes is not clipped.

        Raises
        ------
        SpaceError
            If the configuration does not say how.
        """
        of_srgb = None if self._is_of_scene else LINEAR_SRGB_TO_XYZ / self._white
        convert = _processor(loaded(self.config), self.name, "from", "float32")
        return _in_strips(light.astype(np.float32, copy=False), convert, of_srgb, None)

    @property
    def _white(self) -> float:
        """What light of 1 is here, of a display's that OpenColorIO gives."""
        return OF_ONE_NITS / REFERENCE_WHITE_NITS if self.is_hdr else 1.0

    @property
    def _space(self) -> Any:
        return loaded(self.config).getColorSpace(self.name)

    @property
    def _is_of_scene(self) -> bool:
        return bool(self._space.getReferenceSpaceType() == ocio().REFERENCE_SPACE_SCENE)


@cache
def _divided(_config: Any, space: Space) -> CurveAndMatrix | None:
    """A space taken apart, as long as its configuration is the same."""
    return divided(space.to_light)


@cache
def _processor(config: Any, name: str, direction: Literal["to", "from"], dtype: str) -> Any:
    """What converts between a space and linear light, for numbers of a dtype.

    OpenColorIO knows by the roles aces_interchange and cie_xyz_d65_interchange, or by a linear
    space that it recognises, how the light of a configuration is that of its own.
    """
    library = ocio()
    is_scene = config.getColorSpace(name).getReferenceSpaceType() == library.REFERENCE_SPACE_SCENE
    light = SCENE if is_scene else DISPLAY
    try:
        if direction == "to":
            both = library.Config.GetProcessorToBuiltinColorSpace(config, name, light)
        else:
            both = library.Config.GetProcessorFromBuiltinColorSpace(light, config, name)
        # Without the fast approximations of logarithms and powers, and with a table of the curve
        # where the numbers are codes.
        flags = int(library.OPTIMIZATION_LOSSLESS) | int(library.OPTIMIZATION_COMP_SEPARABLE_PREFIX)
        return both.getOptimizedCPUProcessor(
            getattr(library, DEPTHS[dtype]),
            library.BIT_DEPTH_F32,
            library.OptimizationFlags(flags),
        )
    except library.Exception as error:
        why = " ".join(str(error).split())
        if not config.hasRole(ROLES[light]):
            why = f"its configuration has no role {ROLES[light]}, and {why[:1].lower()}{why[1:]}"
        raise SpaceError(f"the colour space {name!r} cannot be converted: {why}") from error


def _in_strips(
    numbers: NDArray[Any],
    processor: Any,
    before: NDArray[Any] | None,
    after: NDArray[Any] | None,
) -> NDArray[np.float32]:
    """Convert a picture in strips of rows, on the pool that all of phos runs on."""
    library = ocio()
    rows, cols, _ = numbers.shape
    converted = np.empty(numbers.shape, np.float32)
    if not numbers.size:
        return converted
    depth = getattr(library, DEPTHS[numbers.dtype.name])

    def convert(some: slice) -> None:
        strip = np.ascontiguousarray(numbers[some])
        if before is not None:
            strip = (strip.reshape(-1, 3) @ before.T.astype(np.float32)).reshape(strip.shape)
        height, item = len(strip), strip.itemsize
        layout = (library.CHANNEL_ORDERING_RGB, depth, item, 3 * item, 3 * item * cols)
        read = library.PackedImageDesc(strip.reshape(-1), cols, height, *layout)
        write = library.PackedImageDesc(converted[some].reshape(-1), cols, height, 3)
        processor.apply(read, write)
        if after is not None:
            converted[some] = converted[some] @ after.T.astype(np.float32)

    strips = row_strips(rows, cols, pixels=STRIP_PIXELS)
    in_parallel(lambda: convert, strips, threads=threads_for(numbers.size))
    return converted

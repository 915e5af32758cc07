"""Picture: what a picture file holds, before and after it is developed."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from phos_core.color import (
    PRIMARIES,
    decode_srgb,
    decode_table,
    hlg_to_light,
    pq_to_light,
    to_linear_srgb,
)
from phos_darkroom.files.depth import at_depth
from phos_darkroom.files.gain_map import GainMap

__all__ = ["HDR_CODES", "FileEncoding", "Metadata", "Picture", "Resolution", "on_screen"]

FileEncoding = Literal["srgb", "linear", "profile", "display", "pq", "hlg", "density"]
HDR_CODES = ("pq", "hlg")
DTYPES = ("uint8", "uint16", "float32")
ROWS_AT_ONCE = 64  # our choice: what is made on the way to a scene's light stays small
MOST_PIXELS = 1e6  # in an inch or a centimetre: more is no resolution


@dataclass(frozen=True, slots=True)
class Resolution:
    """How many pixels of a picture a length on paper has.

    Parameters
    ----------
    across, down : float
        Pixels in a unit of length; above 0.
    unit : {"inch", "cm", "none"}
        The length; "none": the two say only how wide a pixel is for its height.
    """

    across: float
    down: float
    unit: Literal["inch", "cm", "none"] = "inch"

    @classmethod
    def sensible(cls, across: float, down: float, unit: str) -> "Resolution | None":
        """Return a resolution, or None if the numbers say nothing that a picture can have."""
        if unit not in ("inch", "cm", "none"):
            return None
        if not all(0.0 < number <= MOST_PIXELS for number in (across, down)):
            return None
        if unit == "none" and across == down:
            return None
        return cls(float(across), float(down), unit)  # type: ignore[arg-type]

    @property
    def turned(self) -> "Resolution":
        """That of the picture lying on its side."""
        return Resolution(self.down, self.across, self.unit)

    def per(self, unit_cm: float) -> tuple[float, float]:
        """Pixels across and down in a length of so many centimetres."""
        scale = unit_cm / (2.54 if self.unit == "inch" else 1.0)
        return self.across * scale, self.down * scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a picture file says besides its pixels, as the bytes that stand in it.

    Parameters
    ----------
    exif : bytes or None
        A TIFF block, without the ``Exif`` mark that JPEG puts before it. Its orientation is 1.
    xmp : bytes or None
        The XMP packet, UTF-8, with what JPEG keeps in further segments (extended XMP).
    icc_profile : bytes or None
        The colour profile; None: there is none, and the pixels are taken as sRGB.
    photoshop : bytes or None
        Photoshop's image resources that tell of the picture: IPTC's caption, keywords and rights
        (IIM), its digest, the copyright's flag and address, and paths.
    resolution : Resolution or None
        As the file itself says it (JFIF, pHYs, a TIFF's tags), else its EXIF.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    icc_profile: bytes | None = None
    photoshop: bytes | None = None
    resolution: Resolution | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A picture as its file holds it, upright.

    Parameters
    ----------
    pixels : ndarray of uint8, uint16 or float32, shape (rows, cols) or (rows, cols, 3)
        Grey or RGB, in the file's own codes or light.
    alpha : ndarray of the pixels' dtype, shape (rows, cols), optional
        How opaque each pixel is, 1 or the largest code for wholly; the pixels are not multiplied
        by it.
    encoding : {"srgb", "linear", "profile", "display", "pq", "hlg", "density"}
        What the pixels are: sRGB-coded; linear light, scene-linear of a picture that was read;
        what the colour profile says, which is not sRGB; the light of an HDR display, linear, 1
        its diffuse white; codes of such light in PQ or HLG, which are only written; or codes of a
        negative's densities, which are only written too.
    primaries : str
        Of linear light, PQ and HLG, a key of `color.PRIMARIES`.
    metadata : Metadata
        What else the file says.
    gain_map : GainMap, optional
        How much brighter the picture's HDR rendering is; the pixels are its SDR rendering.

    Raises
    ------
    TypeError
        If the pixels or the alpha channel are of another dtype.
    ValueError
        If a shape is wrong, or what the pixels are is not known.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    encoding: FileEncoding = "srgb"
    primaries: str = "srgb"
    metadata: Metadata = field(default_factory=Metadata)
    gain_map: GainMap | None = None

    def __post_init__(self) -> None:
        _check_pixels(self.pixels)
        if self.alpha is not None:
            _check_alpha(self.alpha, self.pixels)
        if self.encoding not in get_args(FileEncoding):
            known = ", ".join(get_args(FileEncoding))
            raise ValueError(f"encoding must be one of {known}, got {self.encoding!r}")
        if self.encoding == "profile" and self.metadata.icc_profile is None:
            raise ValueError('encoding "profile" needs metadata with an icc_profile, got none')
        if self.encoding == "display" and self.pixels.dtype != np.float32:
            raise ValueError(f'encoding "display" needs float32 pixels, got {self.pixels.dtype}')
        if self.primaries not in PRIMARIES:
            known = ", ".join(PRIMARIES)
            raise ValueError(f"primaries must be one of {known}, got {self.primaries!r}")
        if self.gain_map is not None:
            _check_gain_map(self.gain_map, self.pixels)

    @property
    def light_primaries(self) -> str:
        """Of its `light`: its own if its pixels are light, else sRGB's."""
        has_its_own = self.encoding in ("linear", "display", *HDR_CODES)
        return self.primaries if has_its_own else "srgb"

    @property
    def knows_beyond_white(self) -> bool:
        """Whether it says how bright what lies beyond a display's diffuse white was."""
        return self.encoding in ("display", *HDR_CODES) or self.gain_map is not None

    def light(self) -> NDArray[np.float32]:
        """Give the picture's linear light, whatever its pixels are.

        Returns
        -------
        ndarray of float32, shape (rows, cols) or (rows, cols, 3)
            Of `light_primaries`. The largest code is 1; what floats say beyond 0 to 1 is kept.
            Light is not multiplied by alpha.

        Raises
        ------
        ImageFileError
            If the colour profile is damaged or of other pictures.
        ValueError
            If it is a negative's densities.
        """
        light: NDArray[np.float32]
        if self.encoding == "profile":
            from phos_darkroom.files.colour.profiles import to_light

            light = to_light(self.pixels, self.metadata.icc_profile or b"")
        elif self.encoding == "density":
            raise ValueError("the densities of a negative are no light")
        elif self.encoding in ("linear", "display"):
            light = at_depth(self.pixels, np.float32)
        elif self.encoding in HDR_CODES:
            light = self._decoded_hdr()
        elif self.pixels.dtype.kind == "u":
            light = decode_table(self.pixels.dtype)[self.pixels]
        else:
            light = decode_srgb(self.pixels)
        return light

    def _decoded_hdr(self) -> NDArray[np.float32]:
        """The light of PQ's or HLG's codes; some rows at once, in double precision."""
        light = np.empty(self.pixels.shape, np.float32)
        for start in range(0, len(light), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            codes = at_depth(self.pixels[rows], np.float32)
            is_pq = self.encoding == "pq"
            light[rows] = pq_to_light(codes) if is_pq else hlg_to_light(codes, self.primaries)
        return light

    def hdr_light(self) -> NDArray[np.float32]:
        """Give the linear light of the picture's HDR rendering, or its `light` without one.

        Returns
        -------
        ndarray of float32, shape (rows, cols) or (rows, cols, 3)
            Of `light_primaries`; 1 is the white of the SDR rendering.

        Raises
        ------
        ImageFileError
            If the colour profile is damaged or of other pictures.
        """
        light = self.light()
        return light if self.gain_map is None else self.gain_map.applied(light)

    def scene_light(self) -> NDArray[np.float32]:
        """Give the light of the scene, estimated from the light of the HDR rendering.

        Returns
        -------
        ndarray of float32, shape (rows, cols) or (rows, cols, 3)
            Linear sRGB, of any sign; see `phos_core.process.scene_light_of_hdr`.

        Raises
        ------
        ImageFileError
            If the colour profile is damaged or of other pictures.
        """
        from phos_core.process import scene_light_of_hdr

        scene = np.empty(self.pixels.shape, np.float32)
        to_srgb = to_linear_srgb(self.light_primaries).T.astype(np.float32)
        for start in range(0, len(scene), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            light = self.part(rows).hdr_light()
            colours = light @ to_srgb if light.ndim == 3 else light[..., np.newaxis]
            estimated = scene_light_of_hdr(np.moveaxis(colours, -1, 0))
            scene[rows] = np.moveaxis(estimated, 0, -1).reshape(light.shape)
        return scene

    def at_depth(self, dtype: DTypeLike) -> "Picture":
        """Give the picture with its codes and its alpha channel at another depth.

        Parameters
        ----------
        dtype : uint8, uint16 or float32
            Of the codes; floats are clipped from 0 to 1 where they become integers.

        Returns
        -------
        Picture
            The same one if it has that depth already.
        """
        if self.pixels.dtype == dtype:
            return self
        alpha = None if self.alpha is None else at_depth(self.alpha, dtype)
        return replace(self, pixels=at_depth(self.pixels, dtype), alpha=alpha)

    def part(self, window: slice | tuple[slice, slice]) -> "Picture":
        """Give some rows of it, or rows and columns, as a picture that says the same of itself."""
        return replace(
            self,
            pixels=self.pixels[window],
            alpha=None if self.alpha is None else self.alpha[window],
            gain_map=None if self.gain_map is None else self.gain_map.part(window),
        )


def on_screen(light: NDArray[np.float32], primaries: str) -> NDArray[np.float32]:
    """Give the light that a screen shows.

    Parameters
    ----------
    light : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
        Linear light.
    primaries : str
        Of it, a key of `color.PRIMARIES`; grey has the same light in all of them.

    Returns
    -------
    ndarray of float32, same shape
        Linear light of sRGB's primaries, cut off at black and white.
    """
    if light.ndim == 3 and primaries != "srgb":
        light = light @ to_linear_srgb(primaries).T.astype(np.float32)
    return np.clip(light, 0.0, 1.0)


def _check_pixels(pixels: Any) -> None:
    if not isinstance(pixels, np.ndarray) or pixels.dtype.name not in DTYPES:
        came = pixels.dtype if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise TypeError(f"pixels must be an array of {', '.join(DTYPES)}, got {came}")
    is_grey_or_rgb = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not is_grey_or_rgb or 0 in pixels.shape:
        raise ValueError(f"pixels must be (rows, cols) or (rows, cols, 3), got {pixels.shape}")


def _check_alpha(alpha: Any, pixels: NDArray[Any]) -> None:
    if not isinstance(alpha, np.ndarray) or alpha.dtype != pixels.dtype:
        came = alpha.dtype if isinstance(alpha, np.ndarray) else type(alpha).__name__
        raise TypeError(f"alpha must be an array of the pixels' {pixels.dtype}, got {came}")
    if alpha.shape != pixels.shape[:2]:
        raise ValueError(f"alpha must be of shape {pixels.shape[:2]}, got {alpha.shape}")


def _check_gain_map(gain_map: GainMap, pixels: NDArray[Any]) -> None:
    shape = gain_map.stops.shape
    if shape not in (pixels.shape, pixels.shape[:2]):
        raise ValueError(f"gain_map must have stops of shape {pixels.shape[:2]}, got {shape}")

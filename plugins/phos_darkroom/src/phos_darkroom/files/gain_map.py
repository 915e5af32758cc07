"""Gain maps: how much brighter than its SDR rendering a picture's HDR rendering is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.color import luminance, to_linear_srgb

__all__ = ["NO_OFFSET", "GainMap", "Triple"]

Triple = tuple[float, float, float]
NO_OFFSET: Triple = (0.0, 0.0, 0.0)
OFFSET = 1 / 64  # of maps that are made here: black has a gain of its own only as far as it is seen

DARKEST_MID_TONE, BRIGHTEST_MID_TONE = 0.18 * 2**-1.5, 0.18 * 2**1.5
LEAST_MID_TONES = 0.01  # our choice, of the pixels: a picture of fewer has no level
LEAST_LIGHT = 1e-3  # our choice: a gain map of damaged numbers gives no infinite level


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GainMap:
    """What turns the light of a picture's SDR rendering into that of its HDR rendering.

    Parameters
    ----------
    stops : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
        The gain at each pixel of the picture, as a logarithm to base 2; one for all channels, or
        one for each.
    base_offset, hdr_offset : tuple of float
        Of each channel, what is added to SDR light before the gain, and taken off HDR light after.
    primaries : str
        Those whose channels the gain is for, a key of `color.PRIMARIES`.
    level_stops : float
        How much brighter the HDR rendering is as a whole, which is taken off it again.
    """

    stops: NDArray[np.float32]
    base_offset: Triple = NO_OFFSET
    hdr_offset: Triple = NO_OFFSET
    primaries: str = "srgb"
    level_stops: float = 0.0

    @classmethod
    def between(cls, sdr: NDArray[np.float32], hdr: NDArray[np.float32]) -> "GainMap":
        """Make the map that leads from one rendering to another.

        Parameters
        ----------
        sdr, hdr : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
            Linear sRGB of both; 1 is the white of the SDR rendering. What lies below 0 counts
            as 0.

        Returns
        -------
        GainMap
            Of each channel on its own.
        """
        offset = np.float32(OFFSET)
        ratio = (np.maximum(hdr, 0.0) + offset) / (np.maximum(sdr, 0.0) + offset)
        offsets: Triple = (OFFSET, OFFSET, OFFSET)
        return cls(stops=np.log2(ratio), base_offset=offsets, hdr_offset=offsets)

    def levelled(self, light: NDArray[np.float32]) -> "GainMap":
        """Give the map that leaves mid-tones as bright as in the SDR rendering.

        Parameters
        ----------
        light : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
            That of the SDR rendering, linear sRGB.

        Returns
        -------
        GainMap
            Its level is the median gain of what is within 1.5 stops of mid-grey, if enough is.
        """
        dark = _luminance(light)
        is_mid = (dark > DARKEST_MID_TONE) & (dark < BRIGHTEST_MID_TONE)
        if is_mid.mean() < LEAST_MID_TONES:
            return self
        bright = _luminance(self.applied(light))[is_mid]
        gain = np.median(np.maximum(bright, LEAST_LIGHT) / dark[is_mid])
        return replace(self, level_stops=self.level_stops + float(np.log2(gain)))

    def part(self, window: Any) -> "GainMap":
        """Give that of a window of the picture."""
        return replace(self, stops=self.stops[window])

    def applied(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the light of the HDR rendering.

        Parameters
        ----------
        light : ndarray of float32, shape (rows, cols) or (rows, cols, 3)
            That of the SDR rendering, linear sRGB; 1 is white.

        Returns
        -------
        ndarray of float32, same shape
            Linear sRGB; 1 is the white of the SDR rendering still.

        Notes
        -----
        With g the stops, k and h the two offsets, and m the level, in the gain's own primaries,

            L' = ((L + k) 2^g - h) / 2^m

        References
        ----------
        .. [1] docs/sources.md, "gain-maps".
        """
        channels = 1 if light.ndim == 2 else 3
        base, hdr = (
            np.array(one[:channels], np.float32) for one in (self.base_offset, self.hdr_offset)
        )
        hdr = hdr * np.float32(2.0**-self.level_stops)
        gain = np.exp2(np.atleast_3d(self.stops) - np.float32(self.level_stops))
        if channels == 1 or self.primaries == "srgb":
            brighter: NDArray[np.float32] = (np.atleast_3d(light) + base) * gain - hdr
            return brighter.reshape(light.shape)
        to_srgb = to_linear_srgb(self.primaries)
        own = light @ np.linalg.inv(to_srgb).T.astype(np.float32)
        brighter = (own + base) * gain - hdr
        return brighter @ to_srgb.T.astype(np.float32)


def _luminance(light: NDArray[np.float32]) -> NDArray[np.float32]:
    if light.ndim == 2:
        return light
    weighed: NDArray[np.float32] = luminance(np.moveaxis(light, -1, 0))[0]
    return weighed

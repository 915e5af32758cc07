"""What a file's samples are to the process, and the positive's to the file."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phos_core.process.develop import check_light
from phos_core.process.recipe import Recipe
from phos_darkroom.files.colour.profiles import (
    can_write,
    from_srgb,
    is_srgb,
    srgb_profile,
    to_light,
)
from phos_darkroom.files.formats.tiff_regions import TiffRegions

__all__ = ["Coding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What the file's samples are to the process, and the positive's to the file."""

    recipe: Recipe
    dtype: np.dtype[Any]
    profile: bytes | None = None  # through which the samples go to light
    written_profile: bytes | None = None

    @classmethod
    def of(cls, regions: TiffRegions, recipe: Recipe) -> "Coding":
        """As the recipe says, else as the file does."""
        profile = regions.metadata.icc_profile
        srgb = srgb_profile() if regions.channels == 3 else None
        if recipe.encoding != "srgb" or recipe.primaries != "srgb":
            return cls(recipe=recipe, dtype=regions.dtype, written_profile=srgb)
        if profile is None and regions.dtype.kind == "f":
            linear = replace(recipe, encoding="linear")
            return cls(recipe=linear, dtype=regions.dtype, written_profile=srgb)
        if profile is None or is_srgb(profile):
            return cls(recipe=recipe, dtype=regions.dtype, written_profile=profile or srgb)
        if not can_write(profile):
            warnings.warn(
                f"{regions.path.name} has a colour profile that can only be read from; the "
                "positive is written as sRGB",
                stacklevel=5,
            )
        return cls(
            recipe=replace(recipe, encoding="display"),
            dtype=np.dtype(np.float32),
            profile=profile,
            written_profile=profile if can_write(profile) else srgb,
        )

    def decoded(self, region: NDArray[Any]) -> NDArray[Any]:
        """A region's samples as the process takes them."""
        if self.profile is not None:
            region = to_light(_squeezed(region), self.profile).reshape(region.shape)
        if region.dtype.kind == "f":
            check_light(region, self.recipe.encoding)
        return region

    def encoded(self, positive: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """A positive as the file takes it."""
        if self.profile is None:
            return positive
        profile = self.written_profile or srgb_profile()
        return from_srgb(_squeezed(positive), profile, dtype).reshape(positive.shape)


def _squeezed(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels without the axis of a single channel."""
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels

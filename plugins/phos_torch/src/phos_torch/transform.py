"""A picture on film as a transform of tensors, in the style of torchvision's."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import torch

import phos_core as phos
from phos_core.backend import ConvolutionBackend

__all__ = ["FilmTransform"]

LAYOUTS: dict[int, Literal["CHW", "BCHW"]] = {3: "CHW", 4: "BCHW"}
SEEDS = 2**63 - 1


class FilmTransform(torch.nn.Module):
    """Develops pictures on film: tensors in, tensors of the same shape, dtype and device out.

    Parameters
    ----------
    film : str, Path or Film
        A stock's name, the path of a TOML file, or a `Film`.
    seed : int, optional
        Seed of the grain: a picture then always comes out the same. By default each call draws
        one from PyTorch's generator on the CPU, as torchvision's random transforms do:
        `torch.manual_seed` repeats it, and each worker of a `DataLoader` has its own.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `phos.develop`. By default a GPU's tensor is developed on it, and
        one on the CPU where it is quickest.
    **settings
        How the picture is exposed, developed and printed, as for `phos.develop`.

    Raises
    ------
    TypeError, ValueError
        If a setting is wrong.

    Notes
    -----
    It has no parameters and no buffers, and computes no gradient. It can be pickled.

    Examples
    --------
    >>> transform = torch.nn.Sequential(FilmTransform("gold-200", exposure_stops=1.0))
    >>> positives = transform(torch.rand(8, 3, 480, 640))
    """

    def __init__(
        self,
        film: str | Path | phos.Film = "portra-400",
        *,
        seed: int | None = None,
        backend: str | ConvolutionBackend | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.recipe = phos.Recipe(film=film, seed=0 if seed is None else seed, **settings)
        self.seed = seed
        self.backend = backend

    @torch.compiler.disable
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Develop a picture or a batch of them.

        Parameters
        ----------
        image : tensor, shape (channels, rows, cols) or (batch, channels, rows, cols)
            1 or 3 channels; uint8, uint16, float16, bfloat16, float32 or float64. Floats lie
            between 0 and 1 unless the encoding is another.

        Returns
        -------
        tensor
            The positives: shape, dtype and device of `image`. Each picture of a batch has a grain
            of its own.

        Raises
        ------
        TypeError
            If it is no tensor, requires a gradient, or its dtype is wrong.
        ValueError
            If its shape or a number in it is wrong.
        """
        if not isinstance(image, torch.Tensor):
            raise TypeError(
                f"image must be a tensor, got {type(image).__name__}; put what makes one before, "
                "such as torchvision's PILToTensor"
            )
        if image.ndim not in LAYOUTS:
            raise ValueError(
                "image must be of shape (channels, rows, cols) or (batch, channels, rows, cols), "
                f"got {tuple(image.shape)}"
            )
        recipe = self.recipe if self.seed is not None else replace(self.recipe, seed=_drawn_seed())
        return phos.develop(image, recipe=recipe, backend=self.backend, layout=LAYOUTS[image.ndim])

    def extra_repr(self) -> str:
        """Say what is not as by default."""
        defaults = phos.Recipe()
        changed = {
            field.name: getattr(self.recipe, field.name)
            for field in fields(phos.Recipe)
            if getattr(self.recipe, field.name) != getattr(defaults, field.name)
        }
        shown = {"film": self.recipe.film, **changed, "seed": self.seed, "backend": self.backend}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items() if value is not None)


def _drawn_seed() -> int:
    """A seed from PyTorch's generator on the CPU, whatever the program's default device is."""
    return int(torch.randint(SEEDS, (), dtype=torch.int64, device="cpu"))

"""The pointwise steps of the process, each with arrays that reach all of it: the kit's door.

The kit holds a backend to them without a word of how the process is arranged: what stands here may
be rearranged with it, and the kit and whoever inherits it stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from phos_core.arrays import Array
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.kernels.strips import pointwise
from phos_core.process.coding import Coding
from phos_core.process.pipeline import (
    develop_and_print,
    expose_scene,
    print_bias,
    release_inhibitor,
)
from phos_core.process.recipe import Recipe
from phos_core.stocks.film import Film

__all__ = ["Step", "exposing", "printing", "releasing"]

SHAPE = (37, 53)  # rows and columns


@dataclass(frozen=True, eq=False)
class Step:
    """A function of pixels, and what it is to work on.

    Parameters
    ----------
    function : callable
        Takes arrays of any library, shape (layers, rows, cols), and gives a new one.
    arrays : tuple of ndarray
        What it takes.
    """

    function: Callable[..., Array]
    arrays: tuple[npt.NDArray[Any], ...]

    def in_numpy(self) -> npt.NDArray[Any]:
        """Run it as array code in NumPy: what is right."""
        return np.asarray(self.function(*self.arrays))

    def on(self, backend: ConvolutionBackend) -> npt.NDArray[Any]:
        """Run it on a backend, compiled if that compiles: the result on the host."""
        done = pointwise(backend, self.function, *map(backend.to_device, self.arrays))
        return np.array(backend.to_host(done))


def exposing(dtype: str, channels: int) -> Step:
    """Decode a picture of every brightness, and expose the layers of portra-400."""
    picture = np.random.default_rng(3).random((*SHAPE, channels))
    if np.dtype(dtype).kind == "u":
        picture *= np.iinfo(dtype).max
    expose = partial(
        expose_scene,
        params=_film("portra-400").exposure,
        coding=Coding.of("srgb", "srgb"),
        exposure_stops=0.5,
    )
    return Step(expose, (np.moveaxis(picture.astype(dtype), -1, 0),))


def releasing(rows: int = SHAPE[0], cols: int = SHAPE[1]) -> Step:
    """Release the inhibitor of portra-400, at exposures of eight decades."""
    film = _film("portra-400")
    if film.couplers is None:
        raise ValueError("portra-400 must have couplers")
    release = partial(release_inhibitor, couplers=film.couplers)
    return Step(release, _stages(film, (rows, cols))[:1])


def printing(
    stock: str,
    paper: str = "auto",
    *,
    channels: int = 3,
    dtype: str = "float32",
    keeps_light: bool = False,
) -> Step:
    """Develop, add grain and print, at exposures of eight decades.

    Parameters
    ----------
    stock : str
        The film.
    paper : str
        What it is printed on.
    channels : int
        Of the positive: one or three.
    dtype : str
        Of the positive.
    keeps_light : bool
        Whether grain is biased so that the positive keeps its mean light.
    """
    film = _film(stock, paper)
    develop = partial(
        develop_and_print,
        couplers=film.couplers,
        development=film.development,
        grain=film.grain,
        bias=print_bias(film.grain, film.development, film.printing, 6.0) if keeps_light else None,
        printing=film.printing,
        channels=channels,
        dtype=np.dtype(dtype),
    )
    return Step(develop, _stages(film, SHAPE))


def _film(stock: str, paper: str = "auto") -> Film:
    return Recipe(film=stock, printing=paper).load_film()


def _stages(film: Film, size: tuple[int, int]) -> tuple[npt.NDArray[np.float32], ...]:
    """What a film's last step is given: exposures of eight decades, inhibitor, noise."""
    rng = np.random.default_rng(4)
    shape = (len(film.development.curves), *size)
    stages = [10.0 ** rng.uniform(-5.0, 3.0, shape)]
    if film.couplers is not None:
        stages.append(rng.random(shape))
    if film.grain is not None:
        stages.append(rng.normal(size=shape))
    return tuple(stage.astype(np.float32) for stage in stages)

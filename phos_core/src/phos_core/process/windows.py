"""Windows of a picture that need not be there as a whole: read, developed, and only they kept."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import NDArray

from phos_core.arrays import Array, computable, in_precision_of, plain_numerics
from phos_core.convolution.choosing.configuration import AUTO
from phos_core.convolution.choosing.log import log_choice
from phos_core.convolution.choosing.selection import select
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.running.fallback import descend
from phos_core.convolution.running.tiles import Footprint, Tile, Window, make_room
from phos_core.process.balance import balanced_on, measured_places
from phos_core.process.checking import check_channels, check_form, check_kind, plain, within_range
from phos_core.process.compiling import compile_alike
from phos_core.process.pipeline import Clock
from phos_core.process.recipe import Recipe
from phos_core.process.report import RunReport, log_steps, report_of
from phos_core.process.spaces import of_light
from phos_core.process.tiled import Batch, channels_first, reach_of, stacked
from phos_core.stocks.film import Film

__all__ = ["WholePicture", "WindowDeveloper", "develop_window"]


@dataclass(frozen=True, slots=True)
class WholePicture:
    """What all windows of a picture have in common; it can be pickled.

    Parameters
    ----------
    shape : tuple of (int, int)
        Rows and columns of the whole picture.
    film : Film
        What it is developed on.
    recipe : Recipe
        Its settings, with a pixel pitch.
    """

    shape: tuple[int, int]
    film: Film
    recipe: Recipe

    @classmethod
    def of(cls, shape: tuple[int, int], recipe: Recipe) -> "WholePicture":
        """Load the film of a picture.

        Parameters
        ----------
        shape : tuple of (int, int)
            Rows and columns of the whole picture.
        recipe : Recipe
            Its settings. What they ask of `auto_balance` is done by `balanced`.

        Returns
        -------
        WholePicture
            The picture.

        Raises
        ------
        UnknownFilmError
            If no stock has the film's name.
        ValueError
            If the film does not allow the settings, or the picture has too many pixels for its
            frame.
        """
        recipe = of_light(recipe)
        film = recipe.load_film()
        if recipe.mode == "texture":
            film = replace(film, couplers=None)  # they have no part in it, and a wide reach
        return cls(shape, film, replace(recipe, pixel_pitch_um=recipe.pitch_um(*shape)))

    @property
    def reach_px(self) -> int:
        """Rows and columns around a window that act on it."""
        return reach_of(self.film, self.recipe, self.shape)

    @property
    def measured(self) -> Window:
        """Regularly spaced rows and columns, which `balanced` needs of the picture."""
        return measured_places(self.shape)

    def balanced(self, pixels: Array) -> "WholePicture":
        """Balance the print on the whole picture, as `auto_balance` does.

        Parameters
        ----------
        pixels : array, shape (rows, cols) or (rows, cols, 3)
            What the picture has at the places that `measured` names.

        Returns
        -------
        WholePicture
            With a film of the picture's own.
        """
        planes = stacked([pixels])[:, 0, ...]
        return replace(self, film=balanced_on(planes, self.film, self.recipe))

    def tile(self, window: Window) -> Tile:
        """Say what has to be read for a window.

        Parameters
        ----------
        window : tuple of slice
            Rows and columns of the picture, each with a start and a stop.

        Returns
        -------
        Tile
            Its `read_rows` and `read_cols` are what `develop_window` has to be given.
        """
        return Tile.reading(window, self.reach_px, self.shape)

    def batch(self, window: Window) -> Batch:
        """Give a window and its surroundings as a batch of one crop."""
        tile, (row, col) = self.tile(window), self.recipe.offset_px
        offset_px = (row + tile.read_rows.start, col + tile.read_cols.start)
        return Batch(
            shape=_size((tile.read_rows, tile.read_cols)),
            kept=tile.inner,
            film=self.film,
            recipes=[replace(self.recipe, offset_px=offset_px)],
        )


def develop_window(
    picture: WholePicture,
    window: Window,
    pixels: Array,
    *,
    backend: str | ConvolutionBackend | None = None,
    strict: bool = False,
) -> Array:
    """Develop a window of a picture as the whole would come out there.

    Parameters
    ----------
    picture : WholePicture
        The picture that it is of.
    window : tuple of slice
        Rows and columns of the picture that are wanted, each with a start and a stop.
    pixels : array, shape (rows, cols) or (rows, cols, 3)
        The picture's pixels in the rows and columns that ``picture.tile(window)`` reads, of a
        dtype that `develop` takes.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `develop`.
    strict : bool
        Whether it is an error if the backend chosen fails, rather than to continue on another.

    Returns
    -------
    array
        The positive of the window, of the kind and dtype that `develop` gives.

    Raises
    ------
    TypeError, ValueError, PhosError
        As `develop` raises; `ValueError` too if `pixels` are not as many as are read.

    Examples
    --------
    >>> picture = WholePicture.of(scan.shape[:2], Recipe(film="portra-400"))
    >>> window = (slice(0, 512), slice(1024, 1536))
    >>> tile = picture.tile(window)
    >>> develop_window(picture, window, scan[tile.read_rows, tile.read_cols])
    """
    if isinstance(pixels, np.ndarray):
        return WindowDeveloper(picture, backend=backend, strict=strict).develop(window, pixels)
    batch, held = _checked(picture, window, pixels)
    work = partial(batch.on_device, stacked([held]), Clock())
    selection = select(backend, holding=pixels)
    positive = descend(selection, work, batch.footprint, strict=strict, stay=True).value[0]
    return in_precision_of(pixels, positive)


class WindowDeveloper:
    """Develops windows of one picture on the host, each where the one before was developed.

    Parameters
    ----------
    picture : WholePicture
        The picture.
    backend : str or ConvolutionBackend, optional
        Where to compute, as for `develop`. Once it has failed, the one that took over stays.
    strict : bool
        Whether it is an error if the backend chosen fails, rather than to continue on another.

    Attributes
    ----------
    clock : Clock
        Adds up the time of the steps; the caller's own steps can be timed by it too.

    Raises
    ------
    UnknownBackendError, BackendUnavailableError
        If the backend's name is not known, or it cannot run.
    """

    def __init__(
        self,
        picture: WholePicture,
        *,
        backend: str | ConvolutionBackend | None = None,
        strict: bool = False,
    ) -> None:
        self.picture = picture
        self.clock = Clock()
        self._strict = strict
        self._selection = select(backend, pixels=math.prod(picture.shape))
        self._events: list[str] = []
        self._windows = 0
        log_choice(self._selection)

    @property
    def backend(self) -> ConvolutionBackend:
        """Where the next window is developed."""
        return self._selection.backend

    def fits(self, shape: tuple[int, int]) -> bool:
        """Say whether the backend's device, if it has one, holds a window.

        Parameters
        ----------
        shape : tuple of (int, int)
            Rows and columns of it with what is read around it.

        Returns
        -------
        bool
            True on a CPU: how much of the host's memory a window may take is the caller's to say.
        """
        if is_numpy_namespace(self.backend.xp):
            return True
        batch = Batch.of_whole(shape, self.picture.film, [self.picture.recipe])
        return make_room(batch.footprint(self.backend), self.backend)

    def develop(self, window: Window, pixels: NDArray[Any]) -> NDArray[Any]:
        """Develop a window as `develop_window` does.

        Parameters
        ----------
        window, pixels
            As for `develop_window`; NumPy's arrays only.

        Returns
        -------
        ndarray
            The positive of the window.

        Raises
        ------
        TypeError, ValueError, PhosError
            As `develop_window` raises.
        """
        batch, held = _checked(self.picture, window, pixels)
        planes = channels_first(computable(held))
        dtype = self.picture.recipe.space.dtype_of(pixels.dtype)
        positive = np.empty((*_size(batch.kept), *pixels.shape[2:]), dtype)
        work = partial(batch.on_host, [planes], [channels_first(positive)], self.clock)
        with plain_numerics():
            outcome = descend(
                self._selection, work, partial(_footprint, batch), strict=self._strict
            )
        missing = (*self._selection.uncompiled, *outcome.uncompiled)
        compile_alike(missing, pixels, batch.recipes[0])
        # From now on the backend is waited for: a picture is made in one way.
        others = self._selection.others or (AUTO,)
        self._selection = replace(self._selection, backend=outcome.backend, others=others)
        self._events.extend(outcome.events)
        self._windows += 1
        return positive

    def report(self, *events: str) -> RunReport:
        """Report what has run so far, and log it.

        Parameters
        ----------
        *events : str
            What the caller has to say, before the other events.

        Returns
        -------
        RunReport
            Its tiles are the windows.
        """
        report = report_of(
            self._selection,
            self.backend,
            film=self.picture.film,
            pixel_pitch_um=self.picture.recipe.pitch_um(*self.picture.shape),
            step_seconds=self.clock.seconds,
            tiles=self._windows,
            events=(*events, *self._events),
        )
        log_steps(report, self.picture.shape)
        return report


def _checked(picture: WholePicture, window: Window, pixels: Array) -> tuple[Batch, Array]:
    """The batch of a window, and its pixels, if they can be developed and are as many as read."""
    batch = picture.batch(window)
    check_kind(pixels)
    check_form("image", pixels)
    check_channels(pixels, picture.recipe.space)
    held = within_range(plain(pixels), picture.recipe.coding)
    if tuple(pixels.shape[:2]) != batch.shape:
        raise ValueError(
            f"pixels must be the {batch.shape[0]} rows and {batch.shape[1]} columns that "
            f"picture.tile(window) reads, got {tuple(pixels.shape[:2])}"
        )
    return batch, held


def _footprint(batch: Batch, backend: ConvolutionBackend) -> Footprint:
    """What a window takes: on a CPU nothing, since whoever cut it knows the host's memory."""
    footprint = batch.footprint(backend)
    if not is_numpy_namespace(backend.xp):
        return footprint
    return replace(footprint, radius=(0, 0), halo=0, pixel_bytes=0, divisible=False)


def _size(window: Window) -> tuple[int, int]:
    rows, cols = (part.stop - part.start for part in window)
    return rows, cols

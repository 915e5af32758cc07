"""`develop`, the door to the pipeline: checks what comes, chooses a backend, reports."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.selection import select
from phos_core.film import Film
from phos_core.pipeline import Clock, process
from phos_core.recipe import Encoding, Recipe, RunReport

__all__ = ["develop"]

DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32), np.dtype(np.float64))


@overload
def develop(
    image: NDArray[Any],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: NDArray[Any] | None = ...,
    report: Literal[False] = ...,
) -> NDArray[Any]: ...


@overload
def develop(
    image: NDArray[Any],
    film: str | Path | Film = ...,
    *,
    recipe: Recipe | None = ...,
    backend: str | ConvolutionBackend | None = ...,
    seed: int = ...,
    frame: int = ...,
    exposure_stops: float = ...,
    film_format: str = ...,
    pixel_pitch_um: float | None = ...,
    offset_px: tuple[int, int] = ...,
    encoding: Encoding = ...,
    printing: str = ...,
    out: NDArray[Any] | None = ...,
    report: Literal[True],
) -> tuple[NDArray[Any], RunReport]: ...


def develop(
    image: NDArray[Any],
    film: str | Path | Film = "portra-400",
    *,
    recipe: Recipe | None = None,
    backend: str | ConvolutionBackend | None = None,
    seed: int = 0,
    frame: int = 0,
    exposure_stops: float = 0.0,
    film_format: str = "135",
    pixel_pitch_um: float | None = None,
    offset_px: tuple[int, int] = (0, 0),
    encoding: Encoding = "srgb",
    printing: str = "auto",
    out: NDArray[Any] | None = None,
    report: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], RunReport]:
    """Develop a picture on film.

    Parameters
    ----------
    image : ndarray of uint8, uint16, float32 or float64, shape (rows, cols) or (rows, cols, 3)
        The picture, in any stride and byte order; not changed.
    film, seed, frame, exposure_stops, film_format, pixel_pitch_um, offset_px, encoding, printing
        The settings; `Recipe` says what each means.
    recipe : Recipe, optional
        All settings in one record, instead of the arguments above.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend` or ``PHOS_BACKEND`` name, else the best.
    out : ndarray, optional
        Takes the positive: the shape and dtype of `image`.
    report : bool
        Whether to return a `RunReport` as well.

    Returns
    -------
    ndarray, or tuple of (ndarray, RunReport)
        The positive, sRGB-encoded, of the shape and dtype of `image`; 0 to 1 for floats.

    Raises
    ------
    TypeError
        If a dtype or a setting's type is wrong, or settings are given twice.
    ValueError
        If a shape or a setting is wrong, a pixel is NaN or infinite, or an sRGB float is
        outside 0 to 1.
    UnknownFilmError, UnknownBackendError, BackendUnavailableError
        If a name is not known, or the backend named cannot run.
    """
    settings = Recipe(
        film=film,
        seed=seed,
        frame=frame,
        exposure_stops=exposure_stops,
        film_format=film_format,
        pixel_pitch_um=pixel_pitch_um,
        offset_px=offset_px,
        encoding=encoding,
        printing=printing,
    )
    if recipe is not None:
        if settings != Recipe():
            raise TypeError("give the settings in recipe or as arguments, not both")
        settings = recipe
    planes = checked_planes(image, settings.encoding)
    result = checked_out(out, image)
    stock = settings.load_film()
    selection = select(backend)
    clock = Clock(selection.backend)
    if image.size:
        with clock.step("upload"):
            on_device = selection.backend.to_device(planes)
        process(
            on_device,
            stock,
            settings,
            backend=selection.backend,
            clock=clock,
            out=planar(result),
        )
    if not report:
        return result
    return result, RunReport(
        film=stock.name,
        backend=selection.backend.name,
        device=str(selection.backend.device),
        source=selection.source,
        candidates=tuple((c.name, c.reason or "") for c in selection.candidates),
        versions=versions(),
        pixel_pitch_um=settings.pitch_um(*planes.shape[-2:]),
        step_seconds=clock.seconds,
    )


def checked_planes(image: NDArray[Any], encoding: Encoding) -> NDArray[Any]:
    """The picture as (channels, rows, cols) in native byte order, or an error that explains."""
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a NumPy array, got {type(image).__name__}")
    if image.dtype.newbyteorder("=") not in DTYPES:
        raise TypeError(
            f"image must be uint8, uint16, float32 or float64, got {image.dtype}; "
            "convert it first, for instance image.astype(np.float32)"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(
            f"image must be of shape (rows, cols) or (rows, cols, 3), got {image.shape}"
            + shape_hint(image.shape)
        )
    if image.dtype.kind == "f":
        check_light(image, encoding)
    return planar(image.astype(image.dtype.newbyteorder("="), copy=False))


def shape_hint(shape: tuple[int, ...]) -> str:
    """What would turn a picture of a wrong shape into a right one."""
    if len(shape) == 3 and shape[2] == 4:
        return "; leave the alpha channel out: image[..., :3]"
    if len(shape) == 3 and shape[2] == 1:
        return "; drop the last axis: image[..., 0]"
    if len(shape) == 3 and shape[0] == 3:
        return "; the channels seem to come first: np.moveaxis(image, 0, -1)"
    if len(shape) == 4:
        return "; develop the pictures one by one"
    return ""


def check_light(image: NDArray[Any], encoding: Encoding) -> None:
    """Raise unless every float is finite and, when sRGB-encoded, from 0 to 1."""
    if image.size == 0:
        return
    low, high = image.min(), image.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(image))[0])
        raise ValueError(f"image must be finite, got {image[first]} at index {first}")
    if encoding == "srgb" and not (low >= 0.0 and high <= 1.0):
        raise ValueError(
            f"an sRGB-encoded float image must lie between 0 and 1, got {low:g} to {high:g}; "
            'clip it, or use encoding="linear" for scene light'
        )


def checked_out(out: NDArray[Any] | None, image: NDArray[Any]) -> NDArray[Any]:
    """The array that takes the positive."""
    if out is None:
        return np.empty(image.shape, image.dtype)
    if not isinstance(out, np.ndarray) or out.dtype != image.dtype:
        came = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be an array of the image's dtype {image.dtype}, got {came}")
    if out.shape != image.shape:
        raise ValueError(f"out must have the image's shape {image.shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")
    return out


def planar(image: NDArray[Any]) -> NDArray[Any]:
    """A view with the channels first, one for a grey picture."""
    return image[np.newaxis] if image.ndim == 2 else np.moveaxis(image, -1, 0)


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "phos-core": version("phos-core"),
    }

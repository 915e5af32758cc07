"""Run convolutions on a backend, from checked input to finished output."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast, overload

import numpy as np
import numpy.typing as npt
from array_api_compat import is_numpy_namespace

from phos_core.arrays import Array, plain_numerics, untraced
from phos_core.convolution.boundary import Boundary, check_boundary
from phos_core.convolution.choosing.log import log_choice, log_method
from phos_core.convolution.choosing.meanwhile import compile_meanwhile
from phos_core.convolution.choosing.selection import Selection, select
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.optional import FillsOut, PlansMethods
from phos_core.convolution.plans import Plan, check_method
from phos_core.convolution.running.arguments import (
    as_psfs,
    check_out,
    checked_image,
    checked_plane,
    checked_psfs,
    is_batch,
    is_native,
    kept_apart,
    places,
    result_dtype,
)
from phos_core.convolution.running.course import (
    Course,
    check_held,
    check_possible,
    convolved,
    footprint_of,
    in_range,
    planning,
    within_reach,
)
from phos_core.convolution.running.fallback import descend
from phos_core.convolution.running.finite import (
    is_finite_on_all_cores,
    not_finite,
    sum_of_squares,
)
from phos_core.convolution.running.native import convolve_native
from phos_core.convolution.running.planes import (
    SAFE_EXPONENT,
    is_single_plane,
    peak_of,
    planar,
    put,
    scaling_exponent,
)
from phos_core.convolution.running.tiles import Tile, make_room, run
from phos_core.convolution.waiting import not_waiting
from phos_core.psf import PSF, as_psf, in_single_range

__all__ = [
    "convolve",
    "plan",
]

CONVOLVE = f"{__name__}:convolve"


@overload
def convolve(
    image: list[Any] | tuple[Any, ...],
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike],
    *,
    backend: str | ConvolutionBackend | None = ...,
    boundary: str = ...,
    out: Sequence[npt.NDArray[Any]] | npt.NDArray[Any] | None = ...,
    method: str = ...,
    strict: bool = ...,
) -> Any: ...


@overload
def convolve(
    image: npt.ArrayLike,
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike],
    *,
    backend: str | ConvolutionBackend | None = ...,
    boundary: str = ...,
    out: npt.NDArray[Any] | None = ...,
    method: str = ...,
    strict: bool = ...,
) -> npt.NDArray[Any]: ...


@untraced
def convolve(
    image: Any,
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike],
    *,
    backend: str | ConvolutionBackend | None = None,
    boundary: str = "symmetric",
    out: Any = None,
    method: str = "auto",
    strict: bool = False,
) -> Any:
    """Convolve an image, or several, with a point-spread function.

    Parameters
    ----------
    image : array_like, shape (rows, cols), (rows, cols, channels) or (n, rows, cols, channels)
        Real numbers of any dtype, stride and byte order; not changed, and computed in single
        precision. An array of a device, such as torch's or CuPy's, is convolved there. Or a list
        of arrays, of sizes that may differ.
    psf : PSF, array_like of shape (odd, odd), or a list of them
        One for all channels, or a list with one per channel. Not normalised.
    backend : str or ConvolutionBackend, optional
        Where to compute; by default what `use_backend`, ``PHOS_BACKEND`` or the configuration
        name, else the best. Of several names, ``"cupy,numba,scipy"``, the first that can run.
    boundary : {"symmetric", "mirror", "edge", "wrap", "zero"}
        How the image goes on beyond its edges.
    out : ndarray, or a list of them for a list, optional
        Takes the result: the shape of `image` and the dtype below. It may share memory with
        `image`, whole or in part. After an error its content is undefined. Not for arrays of a
        device.
    method : {"auto", "direct", "separable", "multirate", "frequencies", "sum", "transform"}
        The method to use; by default the quickest that the backend has. `plan` says which.
    strict : bool
        Whether it is an error to go on elsewhere where the backend chosen fails; so says
        ``PHOS_STRICT=1``.

    Returns
    -------
    ndarray, or the kind of array that came, or a list
        Shape of `image`; float64 if `image` is, which widens the range and not the precision,
        else float32. It is `out` if that is given.

    Raises
    ------
    TypeError
        If `image`, `psf` or `out` are of a wrong kind or dtype, or have a mask.
    ValueError
        If a shape, the boundary, the method or a PSF is wrong, `image` holds NaN or infinity,
        the result goes beyond its dtype's range, or two arrays of `out` share memory.
    UnknownBackendError, BackendUnavailableError
        If the backend that was named does not exist or cannot run, or does not own the array.
    UnsupportedOperationError
        If the backend cannot use the method requested; the message says which it can.
    OutOfMemoryError, UnsupportedOperationError, DeviceLostError
        If the backend, and those that may take over, all fail. To compute NaN or infinity from
        finite numbers is to fail as a lost device does.

    Warns
    -----
    BackendFallbackWarning
        If another backend than the one chosen did the work.

    Notes
    -----
    True convolution, the PSF's centre on each pixel: with p the samples about their centre and e
    the image continued beyond its edges,

        out(i, j) = sum over y, x of p(y, x) e(i - y, j - x)

    to 1e-5 of the image's peak times the PSF's sum of absolute values.
    """
    course = Course(check_boundary(boundary), check_method(method), strict)
    psfs = as_psfs(psf)
    with plain_numerics():
        if not is_batch(image):
            return _convolve_one(image, psfs, backend, course, out)
        wanted = list(places(out, len(image)))
        for picture, place in zip(image, wanted, strict=True):
            _check_before(picture, psfs, place)
        return [
            _convolve_one(picture, psfs, backend, course, place)
            for picture, place in zip(kept_apart(image, wanted), wanted, strict=True)
        ]


def plan(
    shape: tuple[int, int],
    psf: PSF | npt.ArrayLike,
    *,
    backend: str | ConvolutionBackend | None = None,
    boundary: str = "symmetric",
    method: str = "auto",
    dtype: npt.DTypeLike = np.float32,
) -> Plan:
    """Say by which method `convolve` would go.

    Parameters
    ----------
    shape : tuple of (int, int)
        Rows and columns of the image.
    psf : PSF or array_like of shape (odd, odd)
        To convolve with.
    backend, boundary, method
        As for `convolve`.
    dtype : dtype
        Of the image. It makes no difference: `convolve` computes in single precision whatever
        it is.

    Returns
    -------
    Plan
        Its `str` tells it in a few lines.

    Raises
    ------
    TypeError, ValueError
        If `psf`, the boundary, the method or the dtype are wrong, or the image would have no
        pixels.
    UnsupportedOperationError
        If the backend cannot use the method, or does not say which it uses.
    """
    rows, cols = checked_plane(shape)
    if np.dtype(dtype).kind not in "buif":
        raise TypeError(f"dtype must be one of real numbers, got {np.dtype(dtype)}")
    course = Course(check_boundary(boundary), check_method(method))
    chosen = planning(select(backend, pixels=rows * cols).backend)
    with plain_numerics():
        whole, _ = in_single_range(as_psf(psf))
        return chosen.plan((rows, cols), whole, boundary=course.boundary, method=course.method)


def _check_before(image: Any, psfs: PSF | list[PSF], out: Any) -> None:
    """Raise what an image of several, or its place, is wrong in: before the first is convolved."""
    if not is_native(image):
        pixels = checked_image(image)
        checked_psfs(psfs, pixels.shape)
        check_out(out, pixels.shape, result_dtype(pixels.dtype))


def _convolve_one(
    image: Any,
    psf: PSF | list[PSF],
    backend: str | ConvolutionBackend | None,
    course: Course,
    out: Any,
) -> Any:
    """Convolve what is one array, be it a picture or a batch of equal ones."""
    if is_native(image):
        return convolve_native(image, psf, backend, course, out)
    pixels = checked_image(image)
    dtype = result_dtype(pixels.dtype)
    psfs, powers = in_range(checked_psfs(psf, pixels.shape))
    check_out(out, pixels.shape, dtype)
    result = np.empty(pixels.shape, dtype) if out is None else np.asarray(out)
    if pixels.size:
        power = _convolve_into(result, pixels, psfs, backend, course)
        _multiply(result, [power + own for own in powers])
    return result if out is None else out


def _convolve_into(
    result: npt.NDArray[Any],
    pixels: npt.NDArray[Any],
    psfs: PSF | list[PSF],
    backend: str | ConvolutionBackend | None,
    course: Course,
) -> int:
    """Convolve an image; give the power of two that the result is still to be multiplied by."""
    rows, cols = pixels.shape if pixels.ndim == 2 else pixels.shape[-3:-1]
    selection = select(backend, pixels=rows * cols)
    log_choice(selection)
    psfs = within_reach(psfs, (rows, cols), course.boundary)
    check_possible(selection.backend, (rows, cols), psfs, course)
    if pixels.ndim == 4 and not _share_a_call(pixels, psfs, selection, course.boundary):
        for picture, place in zip(kept_apart(pixels, result), result, strict=True):
            _convolve_one(picture, psfs, backend, course, place)
        return 0
    with not_waiting(is_so=not selection.waits):
        squares = _filled_unseen(result, pixels, psfs, selection.backend, course)
    if _is_bright(squares, result.size, psfs):
        return 0
    planes, exponent = planar(pixels)
    if exponent == 0 and math.isfinite(squares):
        return 0
    if np.may_share_memory(planes, result):
        planes = planes.copy()  # tiles and other backends read what the result would overwrite
    planar_result = result if result.ndim == 2 else np.moveaxis(result, -1, 0)
    to_place = course.method == "auto" and is_single_plane(result)  # it can be filled straight away

    def work(chosen: ConvolutionBackend, tiles: tuple[Tile, ...]) -> None:
        if isinstance(chosen, FillsOut) and len(tiles) == 1 and to_place:
            log_method(chosen, planes.shape, psfs, course.boundary)
            chosen.convolve_into(planes, psfs, result, boundary=course.boundary)
            _check_finite(result, planes, psfs, chosen)
            return

        def read(tile: Tile) -> Array:
            part = planes[..., tile.read_rows, tile.read_cols]
            return chosen.to_device(np.ascontiguousarray(part))

        def blur(tile: Tile, on_device: Array) -> None:
            blurred = convolved(chosen, on_device, psfs, course)
            inner = chosen.to_host(blurred)[..., *tile.inner]
            _check_finite(inner, planes, psfs, chosen)
            put(inner, planar_result[..., tile.rows, tile.cols])

        run(tiles, read, blur)

    takes = footprint_of(planes.shape, psfs, course.boundary)
    outcome = descend(selection, work, lambda _: takes, strict=course.strict)
    for name in (*selection.uncompiled, *outcome.uncompiled)[:1]:
        settings = {"psf": psfs, "boundary": course.boundary}
        compile_meanwhile(name, CONVOLVE, pixels.shape, pixels.dtype, settings)
    return exponent


def _filled_unseen(
    result: npt.NDArray[Any],
    pixels: npt.NDArray[Any],
    psfs: PSF | list[PSF],
    backend: ConvolutionBackend,
    course: Course,
) -> float:
    """Convolve a plane that was not looked at, if the result shows what is wrong with it.

    To look at a plane of its own takes a tenth of the time of a smooth blur.

    Returns
    -------
    float
        The sum of the result's squares; not finite if the plane or the result may not be, or if
        nothing was done.
    """
    if isinstance(psfs, PSF) and _shows_in(result, pixels, psfs, backend, course):
        with suppress(Exception), np.errstate(all="ignore"):  # the second attempt reports it
            log_method(backend, pixels.shape, psfs, course.boundary)
            cast("FillsOut", backend).convolve_into(pixels, psfs, result, boundary=course.boundary)
            return sum_of_squares(result)
    return math.nan


def _shows_in(
    result: npt.NDArray[Any],
    pixels: npt.NDArray[Any],
    psf: PSF,
    backend: ConvolutionBackend,
    course: Course,
) -> bool:
    """Whether a pixel that is NaN or infinite makes some of the result so: where each acts on it.

    Narrow PSFs may push pixels over the edge, and nothing is known of other backends' methods.
    """
    if not (is_single_plane(pixels) and is_single_plane(result) and course.method == "auto"):
        return False
    if not (isinstance(backend, FillsOut) and isinstance(backend, PlansMethods)):
        return False
    plan = backend.plan(pixels.shape, psf, boundary=course.boundary)
    acts_everywhere = plan.smooth is not None or plan.method == "transform"
    takes = footprint_of(pixels.shape, psf, course.boundary)
    return acts_everywhere and not np.may_share_memory(pixels, result) and make_room(takes, backend)


def _is_bright(squares: float, count: int, psfs: PSF | list[PSF]) -> bool:
    """Whether a result is so bright that single precision held the plane without scaling it."""
    growth = psfs.l1 if isinstance(psfs, PSF) else math.nan
    return count * math.ldexp(growth, -SAFE_EXPONENT) ** 2 <= squares < math.inf


def _multiply(result: npt.NDArray[Any], powers: list[int]) -> None:
    """Multiply by a power of two: one for all, or one for each channel."""
    if any(powers):
        with np.errstate(over="ignore"):  # the check will tell
            np.ldexp(result, powers[0] if len(powers) == 1 else powers, out=result)
        check_held(bool(np.isfinite(result).all()), result.dtype)


def _check_finite(
    blurred: npt.NDArray[Any],
    planes: npt.NDArray[Any],
    psfs: PSF | list[PSF],
    backend: ConvolutionBackend,
) -> None:
    """Raise if a backend gave NaN or infinity for planes and PSFs that cannot give it."""
    if is_finite_on_all_cores(blurred):
        return
    growth = max(psf.l1 for psf in ([psfs] if isinstance(psfs, PSF) else psfs))
    if peak_of(planes) * growth < float(np.finfo(planes.dtype).max):
        raise not_finite(backend.name)


def _share_a_call(
    pixels: npt.NDArray[Any],
    psfs: PSF | list[PSF],
    selection: Selection,
    boundary: Boundary,
) -> bool:
    """Whether a batch goes to the device at once: where there is one that can hold it."""
    chosen = selection.backend
    if is_numpy_namespace(chosen.xp) or scaling_exponent(pixels, peak_of(pixels)):
        return False
    footprint = footprint_of((pixels.shape[-1], *pixels.shape[:-1]), psfs, boundary)
    return make_room(footprint, chosen)

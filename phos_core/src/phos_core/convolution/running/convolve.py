"""Run convolutions on a backend, from checked input to finished output."""

import math
import operator
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast, overload

import numpy as np
import numpy.typing as npt
from array_api_compat import is_array_api_obj, is_numpy_array, is_numpy_namespace

from phos_core.arrays import (
    Array,
    array_namespace,
    numbers_in,
    overlap,
    plain_numerics,
    refuse_mask,
)
from phos_core.convolution.boundary import Boundary, check_boundary, period
from phos_core.convolution.choosing.log import log_choice, log_method
from phos_core.convolution.choosing.selection import Selection, select
from phos_core.convolution.contract import ConvolutionBackend
from phos_core.convolution.methods.cpu import in_parallel, row_strips
from phos_core.convolution.optional import FillsOut, PlansMethods
from phos_core.convolution.plans import Method, Plan, check_method
from phos_core.convolution.running.fallback import descend
from phos_core.convolution.running.finite import (
    Watch,
    is_finite_on_all_cores,
    not_finite,
    sum_of_squares,
)
from phos_core.convolution.running.folding import folded_psf
from phos_core.convolution.running.tiles import Footprint, Tile, make_room, run
from phos_core.errors import UnsupportedOperationError, shown
from phos_core.psf import PSF, as_psf, in_single_range

__all__ = [
    "check_shape",
    "checked_psfs",
    "convolve",
    "is_batch",
    "is_native",
    "kept_apart",
    "places",
    "plan",
]

STRIP_NUMBERS = 2**19  # of an image that is copied or searched: fits the cache

MOST_CHANNELS = 4  # only an image whose first axis alone is this short may be planar
SAFE_EXPONENT = 64  # peaks beyond 2**64 or below 2**-64 are scaled for single precision


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
    course = _Course(check_boundary(boundary), check_method(method), strict)
    psfs = _as_psfs(psf)
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
    rows, cols = _checked_plane(shape)
    if np.dtype(dtype).kind not in "buif":
        raise TypeError(f"dtype must be one of real numbers, got {np.dtype(dtype)}")
    course = _Course(check_boundary(boundary), check_method(method))
    chosen = _planning(select(backend, pixels=rows * cols).backend)
    with plain_numerics():
        whole, _ = in_single_range(as_psf(psf))
        return chosen.plan((rows, cols), whole, boundary=course.boundary, method=course.method)


def _checked_plane(shape: Any) -> tuple[int, int]:
    try:
        rows, cols = (operator.index(side) for side in shape)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"shape must be (rows, cols), of one plane of the image, got {shown(shape)}"
        ) from error
    if rows < 1 or cols < 1:
        raise ValueError(f"shape must be (rows, cols), both at least 1, got {shape}")
    return rows, cols


def is_batch(image: Any) -> bool:
    """Tell a list of pictures from a picture written as nested lists of numbers."""
    return (
        isinstance(image, list | tuple)
        and len(image) > 0
        and all(is_array_api_obj(entry) and entry.ndim >= 2 for entry in image)
    )


def is_native(image: Any) -> bool:
    """Say whether an array belongs to a device's library, not to NumPy."""
    return is_array_api_obj(image) and not is_numpy_array(image)


def places(out: Any, count: int) -> Iterable[Any]:
    """Return where each of several results goes.

    Parameters
    ----------
    out : list of ndarray, ndarray or None
        As the caller gave it.
    count : int
        How many results there are.

    Returns
    -------
    iterable
        As many places.

    Raises
    ------
    TypeError, ValueError
        If it holds none, or not as many.
    """
    if out is None:
        return [None] * count
    refuse_mask("out", out)
    if not isinstance(out, list | tuple | np.ndarray):
        raise TypeError(f"out must hold one array per picture, got {type(out).__name__}")
    if len(out) != count:
        raise ValueError(f"out must hold one array per picture, {count}, got {len(out)}")
    return out


def kept_apart(
    pictures: Sequence[Any] | npt.NDArray[Any], outs: Sequence[Any] | npt.NDArray[Any]
) -> list[Any]:
    """Copy the pictures that the result of another picture would overwrite.

    Parameters
    ----------
    pictures : sequence of array, or ndarray
        Several pictures.
    outs : sequence of ndarray or None, or ndarray
        Where their results go.

    Returns
    -------
    list of array
        The pictures, copied where memory of theirs takes the result of another.

    Raises
    ------
    ValueError
        If two results would go to the same place.
    """
    taken = [(index, out) for index, out in enumerate(outs) if isinstance(out, np.ndarray)]
    if not isinstance(outs, np.ndarray):
        for (one, first), (other, second) in combinations(taken, 2):
            if overlap(first, second):
                raise ValueError(
                    f"out must hold an array of its own for each picture, got out[{one}] and "
                    f"out[{other}] in the same memory"
                )

    def is_overwritten(index: int, picture: Any) -> bool:
        return isinstance(picture, np.ndarray) and any(
            other != index and np.may_share_memory(picture, out) for other, out in taken
        )

    return [
        picture.copy() if is_overwritten(index, picture) else picture
        for index, picture in enumerate(pictures)
    ]


@dataclass(frozen=True, slots=True)
class _Course:
    """How to convolve, as the caller wants it."""

    boundary: Boundary
    method: Method = "auto"
    strict: bool = False


def _check_before(image: Any, psfs: PSF | list[PSF], out: Any) -> None:
    """Raise what an image of several, or its place, is wrong in: before the first is convolved."""
    if not is_native(image):
        pixels = _checked_image(image)
        checked_psfs(psfs, pixels.shape)
        _check_out(out, pixels.shape, _result_dtype(pixels.dtype))


def _convolve_one(
    image: Any,
    psf: PSF | list[PSF],
    backend: str | ConvolutionBackend | None,
    course: _Course,
    out: Any,
) -> Any:
    """Convolve what is one array, be it a picture or a batch of equal ones."""
    if is_native(image):
        return _convolve_native(image, psf, backend, course, out)
    pixels = _checked_image(image)
    dtype = _result_dtype(pixels.dtype)
    psfs, powers = _in_range(checked_psfs(psf, pixels.shape))
    _check_out(out, pixels.shape, dtype)
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
    course: _Course,
) -> int:
    """Convolve an image; give the power of two that the result is still to be multiplied by."""
    rows, cols = pixels.shape if pixels.ndim == 2 else pixels.shape[-3:-1]
    selection = select(backend, pixels=rows * cols)
    log_choice(selection)
    psfs = _within_reach(psfs, (rows, cols), course.boundary)
    _check_method(selection.backend, (rows, cols), psfs, course)
    if pixels.ndim == 4 and not _share_a_call(pixels, psfs, selection, course.boundary):
        for picture, place in zip(kept_apart(pixels, result), result, strict=True):
            _convolve_one(picture, psfs, backend, course, place)
        return 0
    squares = _filled_unseen(result, pixels, psfs, selection.backend, course)
    if _is_bright(squares, result.size, psfs):
        return 0
    planes, exponent = _planar(pixels)
    if exponent == 0 and math.isfinite(squares):
        return 0
    if np.may_share_memory(planes, result):
        planes = planes.copy()  # tiles and other backends read what the result would overwrite
    planar_result = result if result.ndim == 2 else np.moveaxis(result, -1, 0)
    to_place = course.method == "auto" and _is_plane(result)  # it can be filled straight away

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
            blurred = _convolved(chosen, on_device, psfs, course)
            inner = chosen.to_host(blurred)[..., *tile.inner]
            _check_finite(inner, planes, psfs, chosen)
            _put(inner, planar_result[..., tile.rows, tile.cols])

        run(tiles, read, blur)

    takes = _footprint(planes.shape, psfs, course.boundary)
    descend(selection, work, lambda _: takes, strict=course.strict)
    return exponent


def _filled_unseen(
    result: npt.NDArray[Any],
    pixels: npt.NDArray[Any],
    psfs: PSF | list[PSF],
    backend: ConvolutionBackend,
    course: _Course,
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
    course: _Course,
) -> bool:
    """Whether a pixel that is NaN or infinite makes some of the result so: where each acts on it.

    Narrow PSFs may push pixels over the edge, and nothing is known of other backends' methods.
    """
    if not (_is_plane(pixels) and _is_plane(result) and course.method == "auto"):
        return False
    if not (isinstance(backend, FillsOut) and isinstance(backend, PlansMethods)):
        return False
    plan = backend.plan(pixels.shape, psf, boundary=course.boundary)
    acts_everywhere = plan.smooth is not None or plan.method == "transform"
    takes = _footprint(pixels.shape, psf, course.boundary)
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
        _check_held(bool(np.isfinite(result).all()), result.dtype)


def _check_held(is_held: bool, dtype: Any) -> None:
    if not is_held:
        wider = "" if "64" in str(dtype) else ", or give the image as float64"
        raise ValueError(
            f"image and psf are too strong together: the result goes beyond the range of {dtype}; "
            f"divide one of them{wider}"
        )


def _convolved(
    backend: ConvolutionBackend,
    planes: Array,
    psfs: PSF | list[PSF],
    course: _Course,
) -> Array:
    """Convolve planes on the backend's device, by a method of its own or the one requested."""
    log_method(backend, planes.shape, psfs, course.boundary, course.method)
    if course.method != "auto":
        chosen = _planning(backend)
        return chosen.convolve_by(course.method, planes, psfs, boundary=course.boundary)
    return backend.convolve(planes, psfs, boundary=course.boundary)


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
    if _peak(planes) * growth < float(np.finfo(planes.dtype).max):
        raise not_finite(backend.name)


def _planning(backend: ConvolutionBackend) -> PlansMethods:
    if not isinstance(backend, PlansMethods):
        raise UnsupportedOperationError(
            f"{backend.name} chooses its method by itself: it neither says which nor takes one"
        )
    return backend


def _check_method(
    backend: ConvolutionBackend, shape: tuple[int, int], psfs: PSF | list[PSF], course: _Course
) -> None:
    """Fail before the work starts if the backend cannot take the method that is requested."""
    if course.method == "auto":
        return
    for psf in [psfs] if isinstance(psfs, PSF) else psfs:
        _planning(backend).plan(shape, psf, boundary=course.boundary, method=course.method)


def _is_plane(array: npt.NDArray[Any]) -> bool:
    """Whether an array is one plane of native single precision, in rows."""
    return array.ndim == 2 and array.dtype == np.float32 and array.flags.c_contiguous


def _share_a_call(
    pixels: npt.NDArray[Any],
    psfs: PSF | list[PSF],
    selection: Selection,
    boundary: Boundary,
) -> bool:
    """Whether a batch goes to the device at once: where there is one that can hold it."""
    chosen = selection.backend
    if is_numpy_namespace(chosen.xp) or _exponent(pixels, _peak(pixels)):
        return False
    footprint = _footprint((pixels.shape[-1], *pixels.shape[:-1]), psfs, boundary)
    return make_room(footprint, chosen)


def _convolve_native(
    image: Array,
    psf: PSF | list[PSF],
    backend: str | ConvolutionBackend | None,
    course: _Course,
    out: Any,
) -> Array:
    """Convolve an array of a device, where it is."""
    if out is not None:
        raise TypeError("out takes the result of NumPy arrays only; leave it out")
    xp = array_namespace(image)
    if not xp.isdtype(image.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"image must hold real numbers, got dtype {image.dtype}")
    check_shape(image.shape)
    psfs, powers = _in_range(checked_psfs(psf, image.shape))
    selection = select(backend, holding=image)
    log_choice(selection)
    dtype = xp.float64 if image.dtype == xp.float64 else xp.float32
    if 0 in image.shape:
        return xp.astype(image, dtype, copy=True)
    rows, cols = image.shape if image.ndim == 2 else image.shape[-3:-1]
    psfs = _within_reach(psfs, (rows, cols), course.boundary)
    _check_method(selection.backend, (rows, cols), psfs, course)
    planes = image if image.ndim == 2 else xp.moveaxis(image, -1, 0)
    exponent = _native_exponent(planes)
    planes = xp.astype(_scaled(planes, -exponent), xp.float32)

    def work(chosen: ConvolutionBackend, tiles: tuple[Tile, ...]) -> Array:
        blurred = [
            _convolved(chosen, planes[..., tile.read_rows, :], psfs, course)[..., tile.inner[0], :]
            for tile in tiles
        ]
        whole = blurred[0] if len(blurred) == 1 else xp.concat(blurred, axis=-2)
        watch = Watch(chosen.name)
        watch.look(whole)
        watch.decide()
        return whole

    takes = _footprint(planes.shape, psfs, course.boundary)
    whole = descend(selection, work, lambda _: takes, strict=course.strict, stay=True).value
    whole = xp.astype(whole, dtype)
    if len(powers) == 1:
        whole = _scaled(whole, exponent + powers[0])
    else:
        whole = xp.stack([_scaled(whole[i, ...], exponent + own) for i, own in enumerate(powers)])
    if exponent or any(powers):
        _check_held(bool(xp.all(xp.isfinite(whole))), dtype)
    return whole if image.ndim == 2 else xp.moveaxis(whole, 0, -1)


def _native_exponent(planes: Array) -> int:
    """Do as `_exponent`, for an array of a device."""
    xp = array_namespace(planes)
    if not xp.isdtype(planes.dtype, "real floating"):
        return 0
    peak = float(xp.max(xp.abs(planes)))
    if not math.isfinite(peak):
        raise ValueError(f"image must be finite, got {peak}")
    _, exponent = math.frexp(peak)
    return exponent if abs(exponent) > SAFE_EXPONENT else 0


def _scaled(planes: Array, exponent: int) -> Array:
    """Multiply by a power of two, in halves that single precision can hold."""
    if not exponent:
        return planes
    half = exponent // 2
    return planes * 2.0**half * 2.0 ** (exponent - half)


def _footprint(shape: Sequence[int], psf: PSF | Sequence[PSF], boundary: Boundary) -> Footprint:
    """What it takes to convolve planes; at the border "wrap" every row may act on every other."""
    psfs = [psf] if isinstance(psf, PSF) else psf
    planes = math.prod(shape[:-2])
    ry, rx = (max(p.radius[axis] for p in psfs) for axis in (0, 1))
    return Footprint(
        rows=shape[-2],
        cols=shape[-1],
        planes=planes,
        radius=(ry, rx),
        halo=ry,
        pixel_bytes=8 * planes,
        divisible=boundary != "wrap",
    )


def _checked_image(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the image as an array, its kind and shape checked."""
    pixels = numbers_in("image", image)
    check_shape(pixels.shape)
    return pixels


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise an error that explains unless an image of this shape can be convolved."""
    if len(shape) not in (2, 3, 4):
        raise ValueError(
            "image must have the shape (rows, cols), (rows, cols, channels) or "
            f"(n, rows, cols, channels), got {shape}"
        )
    if len(shape) == 3 and _looks_planar(shape):
        raise ValueError(
            f"image must have the shape (rows, cols, channels), got {shape}, where the "
            "channels seem to come first; numpy.moveaxis(image, 0, -1) puts them last"
        )


def _result_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    double = dtype.kind == "f" and dtype.itemsize >= 8
    return np.dtype(np.float64 if double else np.float32)


def _looks_planar(shape: tuple[int, ...]) -> bool:
    return 0 < shape[0] <= MOST_CHANNELS < min(shape[1:])


def checked_psfs(
    psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike], shape: tuple[int, ...]
) -> PSF | list[PSF]:
    """One PSF, or a list with one for each channel."""
    psfs = _as_psfs(psf)
    if isinstance(psfs, PSF):
        return psfs
    channels = 1 if len(shape) == 2 else shape[-1]
    if len(psfs) != channels:
        raise ValueError(
            f"a list of PSFs must hold one per channel: got {len(psfs)} "
            f"for an image of shape {shape}"
        )
    return psfs[0] if len(shape) == 2 else psfs


def _within_reach(
    psfs: PSF | list[PSF], shape: tuple[int, int], boundary: Boundary
) -> PSF | list[PSF]:
    """Fold what reaches beyond the image where that would be continued as far as the PSF goes.

    An image that repeats itself is continued no farther than its period.
    """
    if period(1, boundary) is not None:
        return psfs
    if isinstance(psfs, PSF):
        return folded_psf(psfs, shape, boundary)
    return [folded_psf(psf, shape, boundary) for psf in psfs]


def _as_psfs(psf: PSF | npt.ArrayLike | Sequence[PSF | npt.ArrayLike]) -> PSF | list[PSF]:
    """A PSF, or a list of them: arrays are wrapped, once for all pictures."""
    if isinstance(psf, list | tuple) and all(_is_psf(entry) for entry in psf):
        return [as_psf(entry, f"psf[{n}]") for n, entry in enumerate(psf)]
    return as_psf(cast("PSF | npt.ArrayLike", psf))


def _is_psf(entry: Any) -> bool:
    """Tell an entry of a list of PSFs from a row of one PSF, written as nested lists of numbers."""
    try:
        return isinstance(entry, PSF) or np.ndim(entry) == 2
    except ValueError:  # rows that differ in length: `as_psf` says so
        return True


def _in_range(psfs: PSF | list[PSF]) -> tuple[PSF | list[PSF], list[int]]:
    """PSFs that single precision can take, and the powers of two that they were divided by."""
    if isinstance(psfs, PSF):
        psf, power = in_single_range(psfs)
        return psf, [power]
    scaled = [in_single_range(psf) for psf in psfs]
    return [psf for psf, _ in scaled], [power for _, power in scaled]


def _check_out(out: npt.NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if out is None:
        return
    refuse_mask("out", out)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"out must have the dtype {dtype}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have the shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")


def _planar(pixels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], int]:
    """Return an image in planes of native single precision, in one pass over strips of rows.

    Parameters
    ----------
    pixels : ndarray, shape (rows, cols), (rows, cols, channels) or (n, rows, cols, channels)
        Real numbers.

    Returns
    -------
    tuple of (ndarray of float32, int)
        Planes of shape (..., rows, cols), the image itself if it is one already, and the power of
        two that they were divided by so that single precision can hold them.

    Raises
    ------
    ValueError
        If the image holds NaN or infinity.
    """
    if pixels.ndim == 4:
        exponent = _exponent(pixels, _peak(pixels))
        return _scaled_planes(pixels, exponent), exponent
    is_plane = _is_plane(pixels)
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    rows, cols, count = channels.shape
    planes = channels[None, ..., 0] if is_plane else np.empty((count, rows, cols), np.float32)
    peaks = [0.0]

    def take(strip: slice) -> None:
        source, target = channels[strip], planes[:, strip]
        if not is_plane:
            with np.errstate(over="ignore", invalid="ignore"):  # the peak will tell
                for channel in range(count):
                    np.copyto(target[channel], source[..., channel], casting="same_kind")
        peaks.append(_peak(target if pixels.dtype == np.float32 else source))

    in_parallel(lambda: take, row_strips(rows, cols * count, pixels=STRIP_NUMBERS))
    exponent = _exponent(pixels, _worst(peaks))
    if exponent:
        return _scaled_planes(pixels, exponent), exponent
    return (planes[0] if pixels.ndim == 2 else planes), 0


def _peak(pixels: npt.NDArray[Any]) -> float:
    """Largest absolute value; NaN if there is one."""
    if pixels.dtype.kind != "f":
        return 0.0
    return _worst([abs(float(pixels.min())), abs(float(pixels.max()))])


def _worst(peaks: list[float]) -> float:
    return math.nan if any(math.isnan(peak) for peak in peaks) else max(peaks)


def _exponent(pixels: npt.NDArray[Any], peak: float) -> int:
    """Power of two that brings the peak into single precision; 0 where it is there already."""
    if not math.isfinite(peak):
        with np.errstate(over="ignore"):  # of floats longer than double precision
            finite = np.isfinite(pixels.astype(np.float64))
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"image must be finite, got {pixels[first]!s} at {first}")
    _, exponent = math.frexp(peak)
    return exponent if abs(exponent) > SAFE_EXPONENT else 0


def _scaled_planes(pixels: npt.NDArray[Any], exponent: int) -> npt.NDArray[np.float32]:
    scaled = np.ldexp(pixels, -exponent) if exponent else pixels
    if scaled.ndim == 2:
        return np.ascontiguousarray(scaled, dtype=np.float32)
    planes = np.empty((scaled.shape[-1], *scaled.shape[:-1]), np.float32)
    np.copyto(planes, np.moveaxis(scaled, -1, 0), casting="same_kind")
    return planes


def _put(planes: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Copy planes to where they go, strip by strip."""
    rows, cols = planes.shape[-2:]

    def copy(strip: slice) -> None:
        for index in np.ndindex(planes.shape[:-2]):
            np.copyto(out[index][strip], planes[index][strip])

    in_parallel(lambda: copy, row_strips(rows, cols, pixels=STRIP_NUMBERS))

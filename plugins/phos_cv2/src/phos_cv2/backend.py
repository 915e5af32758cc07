"""Convolution by OpenCV: the only module that imports cv2."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from phos_core.backend import (
    PSF,
    Array,
    BackendBase,
    Boundary,
    ErrorKind,
    GenericBackend,
    MemoryInfo,
    ProbeReport,
    each_plane,
    folded_psf,
    host_memory,
    in_precision,
    pad,
    significant_radius,
)

__all__ = ["Cv2Backend", "create"]

BORDERS: dict[Boundary, int] = {
    "symmetric": cv2.BORDER_REFLECT,
    "mirror": cv2.BORDER_REFLECT_101,
    "edge": cv2.BORDER_REPLICATE,
    "zero": cv2.BORDER_CONSTANT,
}
FARTHEST_RADIUS = 1024  # OpenCV takes samples: of a PSF that reaches farther they fill memory
SEPARABLE_TAPS = 81  # of all terms together: beyond it filter2D, a DFT inside, is quicker
OLDEST = (4, 10)
OUT_OF_MEMORY = -4  # cv::Error::StsNoMem
OUT_OF_MEMORY_TEXTS = ("bad_alloc", "bad allocation", "can not be created")
DISTRIBUTIONS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def create() -> "Cv2Backend":
    """Make the backend; the factory that the plug-in names."""
    return Cv2Backend()


class _NumPyArrays(BackendBase):
    """Arrays of the host, which OpenCV takes as they are."""

    name = "cv2"

    def to_device(self, host: npt.NDArray[Any]) -> Array:
        """Return the array itself."""
        return host

    def to_host(self, x: Array) -> npt.NDArray[Any]:
        """Return the array itself."""
        return np.asarray(x)


class _FarReaching(_NumPyArrays, GenericBackend):
    """What convolves with the PSFs that OpenCV cannot take."""


class Cv2Backend(_NumPyArrays):
    """Convolution on the CPU by OpenCV's filters, on NumPy arrays."""

    def __init__(self) -> None:
        self._far_reaching = _FarReaching()

    def probe(self) -> ProbeReport:
        """Check OpenCV's version, and that its distributions do not overwrite each other."""
        release = tuple(int(part) for part in cv2.__version__.split(".")[:2])
        if release < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            return ProbeReport(
                "version-mismatch", f"OpenCV {cv2.__version__} is older than {oldest}"
            )
        installed = [name for name in DISTRIBUTIONS if _is_installed(name)]
        if len(installed) > 1:
            return ProbeReport(
                reason=f"{' and '.join(installed)} overwrite each other's files",
                hint="uninstall them all, then install one",
            )
        return ProbeReport()

    def memory(self) -> MemoryInfo:
        """Say how much memory there is here."""
        return host_memory()

    def release(self) -> None:
        """Forget the transfer functions of far-reaching PSFs."""
        self._far_reaching.release()

    def convolve(
        self, image: Array, psf: PSF | Sequence[PSF], *, boundary: Boundary = "symmetric"
    ) -> Array:
        """Convolve planes one after another: by OpenCV, or far-reaching PSFs by a transform."""
        out = np.empty(image.shape, image.dtype)
        for index, plane_psf in each_plane(image, psf):
            if max(plane_psf.radius) > FARTHEST_RADIUS:
                out[index] = self._far_reaching.convolve(image[index], plane_psf, boundary=boundary)
            else:
                out[index] = _convolve_plane(image[index], plane_psf, boundary)
        return out

    def classify_error(self, error: BaseException) -> ErrorKind | None:
        """Recognise the ways in which OpenCV says that memory ran out.

        It has a number for it; but from its C++ comes text alone, and where NumPy cannot make the
        array for its result, Python finds that a function has failed without saying why.
        """
        match error:
            case SystemError():
                return "out-of-memory"
            case cv2.error() if getattr(error, "code", None) == OUT_OF_MEMORY:
                return "out-of-memory"
            case cv2.error() if any(text in str(error) for text in OUT_OF_MEMORY_TEXTS):
                return "out-of-memory"
        return super().classify_error(error)


def _convolve_plane(plane: npt.NDArray[Any], psf: PSF, boundary: Boundary) -> npt.NDArray[Any]:
    psf = folded_psf(psf, (plane.shape[0], plane.shape[1]), boundary)
    if boundary == "wrap":
        return _wrapped(plane, psf)
    terms = psf.axes()
    if terms is not None:
        short = [(weight, _trimmed(taps)) for weight, taps in terms]
        if sum(len(taps) for _, taps in short) <= SEPARABLE_TAPS:
            return _separable(plane, short, BORDERS[boundary])
    return _whole(plane, psf, BORDERS[boundary])


def _wrapped(plane: npt.NDArray[Any], psf: PSF) -> npt.NDArray[Any]:
    """OpenCV's filters refuse BORDER_WRAP: continue the plane first, then cut it out."""
    (rows, cols), (ry, rx) = plane.shape, psf.radius
    wide = pad(pad(plane, -2, ry, ry, "wrap"), -1, rx, rx, "wrap")
    blurred = _convolve_plane(wide, psf, "zero")
    return blurred[ry : ry + rows, rx : rx + cols]


def _separable(
    plane: npt.NDArray[Any],
    terms: Sequence[tuple[float, npt.NDArray[np.float64]]],
    border: int,
) -> npt.NDArray[Any]:
    blurred = (_one_term(plane, weight, taps, border) for weight, taps in terms)
    total = next(blurred)
    for term in blurred:
        total += term
    return total


def _one_term(
    plane: npt.NDArray[Any], weight: float, taps: npt.NDArray[np.float64], border: int
) -> npt.NDArray[Any]:
    # OpenCV correlates: turned round, the taps convolve.
    along_cols = np.ascontiguousarray(taps[::-1], dtype=plane.dtype)
    along_rows = along_cols * plane.dtype.type(weight)
    return np.asarray(cv2.sepFilter2D(plane, -1, along_cols, along_rows, borderType=border))


def _whole(plane: npt.NDArray[Any], psf: PSF, border: int) -> npt.NDArray[Any]:
    samples, (ry, rx) = psf.samples(), psf.radius
    size = np.abs(samples)
    reach_y, reach_x = significant_radius(size.sum(axis=1)), significant_radius(size.sum(axis=0))
    core = samples[ry - reach_y : ry + reach_y + 1, rx - reach_x : rx + reach_x + 1]
    source = in_precision(plane)  # OpenCV's large filters go by a discrete Fourier transform
    kernel = np.ascontiguousarray(core[::-1, ::-1], dtype=source.dtype)
    return np.asarray(cv2.filter2D(source, -1, kernel, borderType=border))


def _trimmed(taps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    radius, reach = len(taps) // 2, significant_radius(taps)
    return taps[radius - reach : radius + reach + 1]


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True

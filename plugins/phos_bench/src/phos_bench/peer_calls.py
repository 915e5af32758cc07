"""Calls of other libraries' convolutions, each as its documentation shows, at the same border."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from phos_bench.contenders import Ready, nothing
from phos_bench.inputs import Light

__all__ = [
    "Planes",
    "cupyx_convolve",
    "cupyx_fft",
    "cupyx_gaussian",
    "cupyx_overlap_add",
    "ndimage_convolve",
    "ndimage_gaussian",
    "opencv_filter",
    "opencv_gaussian",
    "signal_fft",
    "signal_overlap_add",
    "taps_of",
    "torch_on_cpu",
    "torch_on_gpu",
]

Planes = NDArray[np.float32]
"""Pictures of one layer, shape (count, rows, cols)."""


def opencv_gaussian(pictures: Planes, light: Light) -> Ready:
    """`cv2.GaussianBlur`, once for each Gaussian."""
    import cv2

    out, part = np.zeros_like(pictures), np.zeros_like(pictures[0])

    def run() -> Planes:
        for picture, total in zip(pictures, out, strict=True):
            for index, (weight, sigma) in enumerate(light.gaussians):
                side = 2 * round(3 * sigma) + 1
                into = part if index else total
                cv2.GaussianBlur(
                    picture, (side, side), sigma, dst=into, borderType=cv2.BORDER_REFLECT
                )
                if len(light.gaussians) > 1:
                    into *= np.float32(weight)
                if index:
                    total += part
        return out

    return _on_host(run, "opencv", cv2.__version__)


def opencv_filter(pictures: Planes, light: Light) -> Ready:
    """`cv2.filter2D`, which correlates."""
    import cv2

    flipped = np.ascontiguousarray(light.samples[::-1, ::-1], np.float32)
    out = np.zeros_like(pictures)

    def run() -> Planes:
        for picture, total in zip(pictures, out, strict=True):
            cv2.filter2D(picture, cv2.CV_32F, flipped, dst=total, borderType=cv2.BORDER_REFLECT)
        return out

    return _on_host(run, "opencv", cv2.__version__)


def ndimage_gaussian(pictures: Planes, light: Light) -> Ready:
    """`scipy.ndimage.gaussian_filter`, once for each Gaussian."""
    return _on_host(
        _summed(scipy.ndimage.gaussian_filter, pictures, light), "scipy", scipy.__version__
    )


def ndimage_convolve(pictures: Planes, light: Light) -> Ready:
    """`scipy.ndimage.convolve`."""
    samples, out = light.samples.astype(np.float32), np.zeros_like(pictures)

    def run() -> Planes:
        for picture, total in zip(pictures, out, strict=True):
            scipy.ndimage.convolve(picture, samples, output=total, mode="reflect")
        return out

    return _on_host(run, "scipy", scipy.__version__)


def signal_fft(pictures: Planes, light: Light) -> Ready:
    """`scipy.signal.fftconvolve` of the padded picture."""
    run = _padded(scipy.signal.fftconvolve, np, pictures, light)
    return _on_host(run, "scipy", scipy.__version__)


def signal_overlap_add(pictures: Planes, light: Light) -> Ready:
    """`scipy.signal.oaconvolve` of the padded picture."""
    run = _padded(scipy.signal.oaconvolve, np, pictures, light)
    return _on_host(run, "scipy", scipy.__version__)


def torch_on_cpu(pictures: Planes, light: Light) -> Ready:
    """`torch.conv2d`, which correlates; Gaussians by rows and columns."""
    return _torch("cpu", pictures, light)


def torch_on_gpu(pictures: Planes, light: Light) -> Ready:
    """The same on NVIDIA's or AMD's GPU."""
    return _torch("cuda", pictures, light)


def cupyx_gaussian(pictures: Planes, light: Light) -> Ready:
    """`cupyx.scipy.ndimage.gaussian_filter`, once for each Gaussian."""
    import cupy
    from cupyx.scipy.ndimage import gaussian_filter

    return _on_gpu(_summed(gaussian_filter, cupy.asarray(pictures), light))


def cupyx_convolve(pictures: Planes, light: Light) -> Ready:
    """`cupyx.scipy.ndimage.convolve`."""
    import cupy
    from cupyx.scipy.ndimage import convolve

    held, samples = cupy.asarray(pictures), cupy.asarray(light.samples, dtype=np.float32)
    return _on_gpu(lambda: cupy.stack([convolve(x, samples, mode="reflect") for x in held]))


def cupyx_fft(pictures: Planes, light: Light) -> Ready:
    """`cupyx.scipy.signal.fftconvolve` of the padded picture."""
    import cupy
    from cupyx.scipy.signal import fftconvolve

    return _on_gpu(_padded(fftconvolve, cupy, cupy.asarray(pictures), light))


def cupyx_overlap_add(pictures: Planes, light: Light) -> Ready:
    """`cupyx.scipy.signal.oaconvolve` of the padded picture."""
    import cupy
    from cupyx.scipy.signal import oaconvolve

    return _on_gpu(_padded(oaconvolve, cupy, cupy.asarray(pictures), light))


def _on_host(run: Callable[[], Planes], library: str, version: str) -> Ready:
    return Ready(run=run, first=lambda result: result[0], versions={library: version})


def _on_gpu(run: Callable[[], Any]) -> Ready:
    import cupy

    return Ready(
        run=run,
        finish=cupy.cuda.get_current_stream().synchronize,
        first=lambda result: np.asarray(cupy.asnumpy(result[0])),
        device="cuda",
        versions={"cupy": cupy.__version__},
    )


def _torch(device: str, pictures: Planes, light: Light) -> Ready:
    import torch

    half = light.width // 2
    stack = torch.as_tensor(pictures, device=device)[:, None]
    rows, cols = (
        torch.as_tensor(np.pad(np.arange(n), half, "symmetric"), device=device)
        for n in pictures.shape[1:]
    )

    def weights(samples: NDArray[Any]) -> Any:
        flipped = np.ascontiguousarray(samples[::-1, ::-1], np.float32)
        return torch.as_tensor(flipped, device=device)[None, None]

    square = weights(light.samples)
    terms = [(weight, *_tall_and_wide(taps, half)) for weight, taps in taps_of(light)]
    pairs = [(weights(weight * down), weights(across)) for weight, down, across in terms]

    def run() -> Any:
        with torch.no_grad():
            wide = stack[:, :, rows][:, :, :, cols]
            if not pairs:
                return torch.conv2d(wide, square)
            return sum(torch.conv2d(torch.conv2d(wide, down), across) for down, across in pairs)

    return Ready(
        run=run,
        finish=nothing if device == "cpu" else torch.cuda.synchronize,
        first=lambda result: np.asarray(result[0, 0].cpu().numpy()),
        device=device,
        versions={"torch": torch.__version__},
    )


def _tall_and_wide(
    taps: NDArray[np.float64], half: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Taps along the rows and along the columns, as long as the picture was padded for."""
    long = np.pad(taps, half - len(taps) // 2)
    return long[:, None], long[None, :]


def _summed(blur: Callable[..., Any], pictures: Any, light: Light) -> Callable[[], Any]:
    """Sum a library's blurs; SciPy's and CuPy's take the same words."""
    out, part = pictures.copy(), pictures[0].copy()

    def run() -> Any:
        for picture, total in zip(pictures, out, strict=True):
            for index, (weight, sigma) in enumerate(light.gaussians):
                into = part if index else total
                radius = round(3 * sigma)
                blur(picture, sigma, mode="reflect", truncate=radius / sigma, output=into)
                if len(light.gaussians) > 1:
                    into *= np.float32(weight)
                if index:
                    total += part
        return out

    return run


def _padded(
    convolve: Callable[..., Any], xp: Any, pictures: Any, light: Light
) -> Callable[[], Any]:
    """Convolve pictures that are continued beyond their edges; SciPy's and CuPy's words agree."""
    samples, half = xp.asarray(light.samples, dtype=np.float32), light.width // 2

    def run() -> Any:
        wide = [xp.pad(picture, half, "symmetric") for picture in pictures]
        return [convolve(picture, samples, mode="valid") for picture in wide]

    return run


def taps_of(light: Light) -> list[tuple[float, NDArray[np.float64]]]:
    """Weights and taps of the Gaussians, each to three sigma."""
    terms = []
    for weight, sigma in light.gaussians:
        half = round(3 * sigma)
        taps = np.exp(-((np.arange(-half, half + 1) / sigma) ** 2) / 2)
        terms.append((weight, taps / taps.sum()))
    return terms

"""Other libraries' convolutions, each called as its documentation shows, at the same border."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from phos_bench.contenders import Contender, Ready, nothing
from phos_bench.inputs import Light
from phos_core.convolution import attempt

__all__ = ["PEERS", "Peer", "absent", "peers_for"]

Planes = NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Peer:
    """A function of another library.

    Parameters
    ----------
    name : str
        What the tables call it.
    is_here : callable
        Whether its library is installed, and its device there.
    suits : callable
        Whether it can compute this, and no other of the same library does it better.
    prepare : callable
        Takes the pictures and the light's spread, returns it ready to be called.
    products : callable
        Multiplications for each pixel, of one that does not transform.
    products_per_s : float
        About how many it does in a second: this decides what would take too long, and nothing else.
    least_widths : float
        Rows of a part of the picture, in widths of the PSF, whose time is that of as many rows of
        the whole. On fewer the border costs more, and SciPy's `ndimage.convolve` may read beyond
        its memory.
    """

    name: str
    is_here: Callable[[], bool]
    suits: Callable[[Light], bool] = lambda light: True
    prepare: Callable[[Planes, Light], Ready]
    products: Callable[[Light], float] = lambda light: 0.0
    products_per_s: float = 1.0
    least_widths: float = 2.0

    def rows_within(self, limit_s: float, pictures: Planes, light: Light) -> int:
        """How many rows it can compute in the time; 0 if too few to tell its time from."""
        count, rows, cols = map(int, pictures.shape)
        row_s = count * cols * self.products(light) / self.products_per_s
        if row_s * rows <= limit_s:
            return rows
        fewer = int(limit_s / row_s)
        return fewer if fewer >= max(1, self.least_widths * light.width) else 0


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


def _runs(peer: Peer) -> bool:
    """Whether it is here; a library that cannot even be imported is not."""
    return attempt(peer.is_here, peer.name) is True


def _has(module: str) -> Callable[[], bool]:
    return lambda: find_spec(module) is not None


def _torch_has_a_gpu() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def _cupy_has_a_gpu() -> bool:
    if find_spec("cupy") is None:
        return False
    import cupy

    return bool(cupy.is_available())


def _is_gaussian(light: Light) -> bool:
    return bool(light.gaussians)


def _is_arbitrary(light: Light) -> bool:
    return not light.gaussians


def _square(light: Light) -> float:
    return light.width**2


def _rows_and_columns(light: Light) -> float:
    """Multiplications of Gaussians, each to three sigma."""
    return sum(2 * len(taps) for _, taps in _taps(light))


def _cheaper(light: Light) -> float:
    return _rows_and_columns(light) if light.gaussians else _square(light)


PEERS = (
    Peer(
        name="cv2.GaussianBlur",
        is_here=_has("cv2"),
        suits=_is_gaussian,
        prepare=opencv_gaussian,
        products=_rows_and_columns,
        products_per_s=2e10,
    ),
    Peer(name="cv2.filter2D", is_here=_has("cv2"), prepare=opencv_filter),
    Peer(
        name="scipy.ndimage.gaussian_filter",
        is_here=_has("scipy"),
        suits=_is_gaussian,
        prepare=ndimage_gaussian,
        products=_rows_and_columns,
        products_per_s=4e9,
    ),
    Peer(
        name="scipy.ndimage.convolve",
        is_here=_has("scipy"),
        suits=_is_arbitrary,
        prepare=ndimage_convolve,
        products=_square,
        products_per_s=1.5e9,
    ),
    Peer(name="scipy.signal.fftconvolve", is_here=_has("scipy"), prepare=signal_fft),
    Peer(name="scipy.signal.oaconvolve", is_here=_has("scipy"), prepare=signal_overlap_add),
    Peer(
        name="torch.conv2d",
        is_here=_has("torch"),
        prepare=torch_on_cpu,
        products=_cheaper,
        products_per_s=1e10,
        least_widths=0.0,
    ),
    Peer(
        name="torch.conv2d, GPU",
        is_here=_torch_has_a_gpu,
        prepare=torch_on_gpu,
        products=_cheaper,
        products_per_s=3e11,
        least_widths=0.0,
    ),
    Peer(
        name="cupyx.scipy.ndimage.gaussian_filter",
        is_here=_cupy_has_a_gpu,
        suits=_is_gaussian,
        prepare=cupyx_gaussian,
    ),
    Peer(
        name="cupyx.scipy.ndimage.convolve",
        is_here=_cupy_has_a_gpu,
        suits=_is_arbitrary,
        prepare=cupyx_convolve,
        products=_square,
        products_per_s=8e11,
    ),
    Peer(name="cupyx.scipy.signal.fftconvolve", is_here=_cupy_has_a_gpu, prepare=cupyx_fft),
    Peer(name="cupyx.scipy.signal.oaconvolve", is_here=_cupy_has_a_gpu, prepare=cupyx_overlap_add),
)


def absent() -> list[str]:
    """Return the names of the peers that are not installed, or have no device."""
    return [peer.name for peer in PEERS if not _runs(peer)]


def peers_for(pictures: Planes, light: Light, limit_s: float) -> list[Contender]:
    """Return the contenders that other libraries are.

    Parameters
    ----------
    pictures : ndarray, shape (count, rows, cols)
        What is convolved.
    light : Light
        With what.
    limit_s : float
        One whose call would take longer computes a part of the picture.

    Returns
    -------
    list of Contender
        Those that are installed and take such a PSF.
    """
    return [
        _contender(peer, pictures, light, limit_s)
        for peer in PEERS
        if _runs(peer) and peer.suits(light)
    ]


def _contender(peer: Peer, pictures: Planes, light: Light, limit_s: float) -> Contender:
    def prepare() -> Ready:
        rows = peer.rows_within(limit_s, pictures, light)
        if rows == 0:
            raise TimeoutError(f"too few rows for its time would take more than {limit_s:g} s")
        ready = peer.prepare(pictures[:, :rows], light)
        return replace(ready, share=rows / pictures.shape[1])

    return Contender(name=peer.name, kind="peer", prepare=prepare)


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
    terms = [(weight, *_tall_and_wide(taps, half)) for weight, taps in _taps(light)]
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


def _taps(light: Light) -> list[tuple[float, NDArray[np.float64]]]:
    """Weights and taps of the Gaussians, each to three sigma."""
    terms = []
    for weight, sigma in light.gaussians:
        half = round(3 * sigma)
        taps = np.exp(-((np.arange(-half, half + 1) / sigma) ** 2) / 2)
        terms.append((weight, taps / taps.sum()))
    return terms

"""Other libraries as contenders: which are here, what suits them, how much they get."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

from phos_bench.contenders import Contender, Ready
from phos_bench.inputs import Light
from phos_bench.peer_calls import (
    Planes,
    cupyx_convolve,
    cupyx_fft,
    cupyx_gaussian,
    cupyx_overlap_add,
    ndimage_convolve,
    ndimage_gaussian,
    opencv_filter,
    opencv_gaussian,
    signal_fft,
    signal_overlap_add,
    taps_of,
    torch_on_cpu,
    torch_on_gpu,
)
from phos_core.convolution import attempt

__all__ = ["PEERS", "Peer", "absent", "peers_for"]


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
    return sum(2 * len(taps) for _, taps in taps_of(light))


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

"""Time and error of Gaussian blurs, beside OpenCV's in the same process.

    python benchmarks/bench_convolve.py

The error is that against the untruncated Gaussian in double precision, of a plane of noise between
0 and 1. OpenCV cuts its Gaussians at three sigma, so that its own error is that of the cut.
"""

import argparse
import statistics
import time

import cv2
import numpy as np
import scipy.fft

import phos_core as phos
from phos_core.convolution.scipy_backend import ScipyBackend

HALOS = (16, 32, 64)


def main():
    """Measure and print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--cols", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=15, help="timed runs, after one to warm up")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    image = rng.random((3, options.rows, options.cols), dtype=np.float32)
    print(f"numpy {np.__version__}, scipy {scipy.__version__}, opencv {cv2.__version__}")
    print(f"{options.rows} x {options.cols} float32, medians of {options.runs}")
    for sigma in (20, 33):
        one_layer(image[0], sigma, options.runs)
    three_layers(image, options.runs)


def one_layer(layer, sigma, runs):
    """Blur one layer."""
    backend, psf = ScipyBackend(), phos.psf.gaussian(sigma)
    opencv_s = median_seconds(lambda: opencv(layer, sigma), runs)
    result = np.empty_like(layer)
    phos_s = median_seconds(lambda: phos.convolve(layer, psf, backend="scipy", out=result), runs)
    backend_s = median_seconds(lambda: backend.convolve(layer, psf), runs)
    expected = blurred(layer, [(1.0, sigma)])
    error, cut = np.abs(result - expected).max(), np.abs(opencv(layer, sigma) - expected).max()
    print(f"\nsigma {sigma}, one layer; error {error:.1e}, OpenCV's {cut:.1e}")
    print_ratios(opencv_s, phos_s, backend_s)


def three_layers(image, runs):
    """Blur three layers by a sum of three Gaussians each."""
    terms = [(1 / len(HALOS), sigma) for sigma in HALOS]
    backend, psf = ScipyBackend(), phos.psf.mixture(terms)
    opencv_s = median_seconds(lambda: [opencv(x, s) for x in image for s in HALOS], 3)
    copy_s = median_seconds(lambda: image.copy(), runs)
    kept = np.empty_like(image)
    copy_kept_s = median_seconds(lambda: np.copyto(kept, image), runs)
    backend_s = median_seconds(lambda: backend.convolve(image, psf), runs)
    picture = np.moveaxis(image, 0, -1).copy()
    out = np.empty_like(picture)
    phos_s = median_seconds(lambda: phos.convolve(picture, psf, backend="scipy", out=out), runs)
    result = backend.convolve(image, psf)
    error = max(np.abs(a - blurred(b, terms)).max() for a, b in zip(result, image, strict=True))
    print(f"\nthree layers, three Gaussians each ({HALOS}); error {error:.1e}")
    print_ratios(opencv_s, phos_s, backend_s)
    print(f"a copy into a new array {1000 * copy_s:.1f} ms, into a kept one", end=" ")
    print(f"{1000 * copy_kept_s:.1f} ms: {backend_s / copy_s:.1f} and", end=" ")
    print(f"{backend_s / copy_kept_s:.1f} times")


def opencv(layer, sigma):
    """Blur by OpenCV."""
    taps = 6 * sigma + 1
    return cv2.GaussianBlur(layer, (taps, taps), sigma, borderType=cv2.BORDER_REFLECT)


def blurred(layer, terms):
    """Blur in double precision by the Gaussians' own transfer functions."""
    spectrum = scipy.fft.dctn(layer.astype(np.float64), workers=-1)
    fy, fx = (np.arange(n) / (2 * n) for n in layer.shape)
    gain = sum(w * np.outer(transfer(s, fy), transfer(s, fx)) for w, s in terms)
    return scipy.fft.idctn(spectrum * gain, workers=-1)


def transfer(sigma, f):
    """Return the transfer function of a Gaussian."""
    return np.exp(-2 * (np.pi * sigma * f) ** 2)


def print_ratios(opencv_s, phos_s, backend_s):
    """Print one comparison."""
    print(f"OpenCV {1000 * opencv_s:.1f} ms")
    for name, seconds in (("phos.convolve, out=", phos_s), ("the backend alone", backend_s)):
        print(f"{name:<20}{1000 * seconds:8.1f} ms: {opencv_s / seconds:.1f} times faster")


def median_seconds(function, runs):
    """Return the median time of a function, after one call to warm up."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


if __name__ == "__main__":
    main()

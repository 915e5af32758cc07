"""Time and error of convolutions on the CPU, beside OpenCV's in the same process.

    python benchmarks/bench_convolve.py                 # blurs, kernels, layers and films
    python benchmarks/bench_convolve.py methods         # what each takes: the planner's table
    python benchmarks/bench_convolve.py growth          # a pixel's cost from 1.5 to 101 megapixels

Blurs are measured against the untruncated Gaussian in double precision, of a plane of noise between
0 and 1. OpenCV cuts its Gaussians at three sigma, so that its own error is that of the cut.
"""

import argparse
import statistics
import time

import cv2
import numpy as np
import scipy.fft

import phos_core as phos
from phos_core.backend import ScipyBackend
from phos_core.effects.couplers import coupler_psf
from phos_core.process.pipeline import spread_of_light

HALOS = (16, 32, 64)
FILMS = ("portra-400", "cinestill-800t")
FRAME_UM = 36_000  # the long side of the film, whatever the picture's pixels
LAMP = 30_000.0
WARM_UP = 5  # calls that are not counted
SIZES = ((1000, 1500), (2000, 3000), (4000, 6000), (8700, 11600))


def main():
    """Measure and print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("figures", "methods", "growth"))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--cols", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=15, help="timed runs, after warming up")
    options = parser.parse_args()
    shape, runs = (options.rows, options.cols), options.runs
    print(f"numpy {np.__version__}, scipy {scipy.__version__}, OpenCV {cv2.__version__}")
    print(f"float32, medians of {runs}")
    if options.what == "growth":
        growth(runs)
        return
    print(f"{options.rows} x {options.cols}, after {WARM_UP} calls to warm up")
    if options.what == "methods":
        methods(shape, runs)
        return
    image = noise((3, *shape))
    for sigma in (20, 33):
        one_blur(image[0], sigma, runs)
    kernels(image[0], runs)
    three_layers(image, runs)
    films(image, runs)


def one_blur(layer, sigma, runs):
    """Blur one layer."""
    psf, result = phos.psf.gaussian(sigma), np.empty_like(layer)
    opencv_s = median_seconds(lambda: opencv(layer, sigma), runs)
    phos_s = median_seconds(lambda: phos.convolve(layer, psf, backend="scipy", out=result), runs)
    expected = blurred(layer, [(1.0, sigma)])
    error, cut = np.abs(result - expected).max(), np.abs(opencv(layer, sigma) - expected).max()
    print(f"\nsigma {sigma}, one layer; error {error:.1e}, OpenCV's {cut:.1e}")
    told("cv2.GaussianBlur", opencv_s)
    told("phos.convolve, out=", phos_s, opencv_s)


def kernels(layer, runs):
    """Convolve one layer with samples that have no structure."""
    samples = np.random.default_rng(2).random((201, 201))
    even = (samples + samples[::-1] + samples[:, ::-1] + samples[::-1, ::-1]) / 4
    result = np.empty_like(layer)
    for name, kernel in (("arbitrary", samples), ("even", even)):
        kernel = kernel / kernel.sum()
        psf, turned = phos.psf.from_array(kernel), kernel[::-1, ::-1].astype(np.float32)

        def filtered(turned=turned):
            return cv2.filter2D(layer, -1, turned, borderType=cv2.BORDER_REFLECT)

        def convolved(psf=psf):
            return phos.convolve(layer, psf, backend="scipy", out=result)

        opencv_s, phos_s = (median_seconds(f, runs) for f in (filtered, convolved))
        array_s = median_seconds(lambda kernel=kernel: convolved(kernel), runs)
        apart = np.abs(filtered() - result).max()
        print(f"\n201 x 201 samples, {name}; largest difference {apart:.1e}")
        told("cv2.filter2D", opencv_s)
        told("phos.convolve, out=", phos_s, opencv_s)
        told("the same of an array", array_s, opencv_s)


def three_layers(image, runs):
    """Blur three layers by a sum of three Gaussians each."""
    terms = [(1 / len(HALOS), sigma) for sigma in HALOS]
    backend, psf = ScipyBackend(), phos.psf.mixture(terms)
    opencv_s = median_seconds(lambda: [opencv(x, s) for x in image for s in HALOS], 3)
    kept = np.empty_like(image)
    new_copy_s = median_seconds(lambda: image.copy(), runs)
    copy_s = median_seconds(lambda: np.copyto(kept, image), runs)
    planar_s = median_seconds(lambda: backend.convolve_into(image, psf, kept), runs)
    error = max(np.abs(a - blurred(b, terms)).max() for a, b in zip(kept, image, strict=True))
    picture = np.moveaxis(image, 0, -1).copy()
    out = np.empty_like(picture)
    phos_s = median_seconds(lambda: phos.convolve(picture, psf, backend="scipy", out=out), runs)
    print(f"\nthree layers, three Gaussians each {HALOS}; error {error:.1e}")
    told("nine cv2.GaussianBlur", opencv_s)
    told("planes to planes", planar_s, opencv_s)
    told("phos.convolve, out=", phos_s, opencv_s)
    print(f"planes to planes: {planar_s / copy_s:.1f} copies into a kept array", end=", ")
    print(f"{planar_s / new_copy_s:.1f} into a new one")


def films(image, runs):
    """Spread light and inhibitor as films do, in a picture with a lamp."""
    blur_s = median_seconds(lambda: opencv(image[0], 20), runs)
    lit, backend, out = image.copy(), ScipyBackend(), np.empty_like(image)
    lit[:, 500, 700] = LAMP
    print(f"\nthree layers of a film, in a picture with a lamp {LAMP:.0f} times white")
    told("one cv2.GaussianBlur", blur_s)
    for name, psfs in film_psfs(image.shape[2]):
        seconds = median_seconds(lambda psfs=psfs: backend.convolve_into(lit, psfs, out), runs)
        error = max(
            (np.abs(found - exact) / exact).max()
            for found, exact in zip(out, in_double(lit, psfs), strict=True)
        )
        print(f"{name:<34}{1000 * seconds:7.1f} ms: {seconds / blur_s:.2f} blurs", end="; ")
        print(f"{methods_of(backend, image.shape[1:], psfs)}; largest relative error {error:.0e}")


def methods(shape, runs):
    """Time each method, in nanoseconds for a pixel."""
    backend, plane = ScipyBackend(), noise(shape)
    lit = plane.copy()
    lit[0, 0] = LAMP
    samples = phos.psf.from_array(np.random.default_rng(2).random((201, 201)))
    mixed = [phos.psf.mixture([(1.0, 0.7 * 1.4**i) for i in range(n)]) for n in (1, 2, 3)]
    cases = [("separable", psf, plane) for psf in mixed]
    cases += [("separable", phos.psf.gaussian(s), plane) for s in (0.3, 1.0, 1.7, 3.0, 4.0)]
    cases += [("multirate", phos.psf.gaussian(s), plane) for s in (4.0, 6.0, 10.0, 20.0, 40.0)]
    cases += [("transform", phos.psf.exponential(5.0), x) for x in (plane, lit)]
    cases += [("transform", samples, x) for x in (plane, lit)]
    for method, psf, image in cases:
        seconds = median_seconds(
            lambda method=method, psf=psf, image=image: backend.convolve_by(method, image, psf),
            runs,
        )
        plan = backend.plan(shape, psf, method=method)
        what = str(plan).splitlines()[-1]
        what += ", a lamp in the picture" if image is lit else ""
        print(f"{1e9 * seconds / plane.size:6.2f} ns  {method:<10} {what}")


def growth(runs):
    """Time what a film does to light, and a blur, in pictures of several sizes."""
    backend = ScipyBackend()
    for shape in SIZES:
        image = noise(shape)
        image[50, 60] = LAMP
        out, few = np.empty_like(image), max(3, runs * 1_500_000 // image.size)
        cases = [(f"blur of sigma {shape[1] / 150:.0f}", [phos.psf.gaussian(shape[1] / 150)])]
        cases += [(name, psfs[:1]) for name, psfs in film_psfs(shape[1])]
        for name, (psf,) in cases:
            seconds = median_seconds(
                lambda psf=psf, image=image, out=out: backend.convolve_into(image, psf, out), few
            )
            print(f"{shape[0]:5} x {shape[1]:<6}{name:<34}", end="")
            methods_taken = methods_of(backend, shape, [psf])
            print(f"{1e9 * seconds / image.size:6.2f} ns a pixel by {methods_taken}")


def film_psfs(cols):
    """Give the PSFs of films' layers, by name."""
    for name in FILMS:
        film, pitch_um = phos.load_film(name), FRAME_UM / cols
        yield f"{name}, scatter and halation", spread_of_light(film, pitch_um)
        yield f"{name}, couplers", [coupler_psf(film.couplers, pixel_pitch_um=pitch_um)] * 3


def methods_of(backend, shape, psfs):
    """Name the methods of PSFs."""
    return ", ".join(backend.plan(tuple(shape), psf).method for psf in psfs)


def noise(shape):
    """Make planes of noise between 0 and 1."""
    return np.random.default_rng(1).random(shape, dtype=np.float32)


def in_double(image, psfs):
    """Convolve in double precision, by cosine transforms."""
    fy, fx = (np.arange(n) / (2 * n) for n in image.shape[1:])
    for layer, psf in zip(image, psfs, strict=True):
        spectrum = scipy.fft.dctn(layer.astype(np.float64), workers=-1)
        spectrum *= psf.transfer(fy, fx)
        yield scipy.fft.idctn(spectrum, workers=-1)


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


def told(name, seconds, than_s=None):
    """Print a time, and how many times less it is than another."""
    ratio = "" if than_s is None else f": {than_s / seconds:.1f} times faster"
    print(f"{name:<22}{1000 * seconds:8.1f} ms{ratio}")


def median_seconds(function, runs):
    """Return the median time of a function, once the memory that it takes is at hand."""
    seconds = []
    for _ in range(WARM_UP + runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[WARM_UP:])


if __name__ == "__main__":
    main()

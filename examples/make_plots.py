"""Draw the plots of the pages in docs/effects from the stocks themselves: `nox -s pictures`.

    python examples/make_plots.py [FOLDER]

One plot a step: exposure, scatter, halation, couplers, development, grain, printing.
"""

import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import matplotlib as mpl
import numpy as np

import phos_core as phos
from phos_core.backend import ScipyBackend
from phos_core.effects.couplers import coupler_psf, inhibit, release
from phos_core.effects.development import develop
from phos_core.effects.grain import grain_noise
from phos_core.effects.halation import Halation, halation_psfs
from phos_core.effects.scatter import scatter_mtf
from phos_core.stocks.data_sheet import read_film_sheet
from phos_core.stocks.fitting import read

mpl.use("svg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parent.parent / "docs" / "pictures"
COLOURS = ("#c0392b", "#2e8b57", "#2c6fbb")
GREY = "#444444"
EDGE_UM = 1.0  # pixel pitch of the edge that the couplers sharpen
LOG10_2 = float(np.log10(2.0))

plt.rcParams |= {
    "svg.hashsalt": "phos",
    "svg.fonttype": "path",
    "figure.figsize": (8.0, 3.4),
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "font.size": 9.0,
    "legend.frameon": False,
}


def sheet_of(name):
    """Return a bundled stock's figures as its file gives them."""
    text = files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text(encoding="utf-8")
    return read_film_sheet(text, name)


def colours(layers):
    """Return a colour for each layer."""
    return COLOURS if layers == 3 else (GREY,)


def draw_exposure(left, right):
    """Spectral sensitivity of each layer."""
    for axes, name in ((left, "portra-400"), (right, "tri-x-400")):
        sheet = sheet_of(name)
        for points, colour in zip(sheet.sensitivity, colours(len(sheet.sensitivity)), strict=True):
            axes.plot(*points.T, color=colour)
        axes.set(title=sheet.label, xlabel="wavelength, nm", ylabel="log10 sensitivity")


def draw_scatter(left, right):
    """What scatter leaves of a sine, and what the sheet draws for the whole film."""
    frequency = np.linspace(1.0, 80.0, 200)
    for axes, name in ((left, "portra-400"), (right, "tri-x-400")):
        film, sheet = phos.load_film(name), sheet_of(name)
        scattered = scatter_mtf(film.scatter, frequency)
        for curve, points, colour in zip(
            scattered, sheet.mtf, colours(len(sheet.mtf)), strict=True
        ):
            axes.plot(frequency, curve, color=colour)
            axes.plot(*points.T, color=colour, linestyle=":")
        axes.plot([], [], color=GREY, label="scatter")
        axes.plot([], [], color=GREY, linestyle=":", label="the sheet, couplers included")
        axes.set(title=film.label, xlabel="cycles per mm", ylabel="response", ylim=(0, 1.3))
        axes.legend()


def draw_halation(left, right):
    """Light that returns from the base, by its distance from a point of light."""
    unbacked = phos.load_film("cinestill-800t").halation
    for density, style in ((0.0, "-"), (0.3, "--"), (1.0, ":")):
        bare = replace(unbacked, antihalation_density=density, coupling=(1.0,))
        left.plot(*profile(bare), color=COLOURS[0], linestyle=style, label=f"backing {density}")
    left.set(title="One layer, by the density of the backing", yscale="log", ylim=(1e-10, 1e-5))
    for layer, colour in enumerate(COLOURS):
        one = replace(unbacked, coupling=(unbacked.coupling[layer],))
        if one.coupling[0] > 0:
            right.plot(*profile(one), color=colour)
    right.set(title="CineStill 800T, its layers", yscale="log", ylim=(1e-10, 1e-5))
    left.legend()
    for axes in (left, right):
        axes.set(xlabel="distance, µm", ylabel="share of the light per µm²")


def profile(halation: Halation):
    """Return distances in µm, and the returned share of the light per µm² there."""
    pitch_um = 5.0
    (psf,) = halation_psfs(halation, pixel_pitch_um=pitch_um)
    samples = psf.samples()
    middle = samples.shape[0] // 2
    row = samples[middle, middle + 2 :]
    return pitch_um * np.arange(2, 2 + len(row)), np.maximum(row, 1e-15) / pitch_um**2


def draw_couplers(left, right):
    """An edge as the film renders it, with and without couplers."""
    for axes, name in ((left, "portra-400"), (right, "velvia-50")):
        film = phos.load_film(name)
        mid = np.log10(film.exposure.mid_grey_lx_s)
        place_um = EDGE_UM * np.arange(-400, 400)
        edge = np.where(place_um < 0, mid - 0.3, mid + 0.3).astype(np.float32)
        latent = np.broadcast_to(edge, (3, 1, edge.size)).copy()
        psf = coupler_psf(film.couplers, pixel_pitch_um=EDGE_UM)
        spread = ScipyBackend().convolve(release(latent, film.couplers), psf)
        sharpened = develop(inhibit(latent, spread, film.couplers), film.development)
        plain = develop(latent, film.development)
        for layer, colour in enumerate(COLOURS):
            axes.plot(place_um, sharpened[layer, 0], color=colour)
            axes.plot(place_um, plain[layer, 0], color=colour, linestyle=":")
        axes.set(title=film.label, xlabel="distance from an edge, µm", ylabel="density")
    left.plot([], [], color=GREY, label="with couplers")
    left.plot([], [], color=GREY, linestyle=":", label="without")
    left.legend()


def draw_development(left, right):
    """Characteristic curves: the sheet's points and the curve that is computed."""
    for axes, name in ((left, "portra-400"), (right, "velvia-50")):
        film, sheet = phos.load_film(name), sheet_of(name)
        for curve, points, colour in zip(
            film.development.curves, sheet.characteristic_curve, COLOURS, strict=True
        ):
            x = np.linspace(points[0, 0] - 0.7, points[-1, 0] + 0.7, 300)
            axes.plot(x, read(curve, x), color=colour)
            axes.plot(*points[::3].T, ".", color=colour, markersize=3)
        axes.set(title=film.label, xlabel="log10 exposure, lx s", ylabel="density")


def draw_grain(left, right):
    """RMS granularity against density, and the grain's spectrum."""
    for name, style in (("portra-400", "-"), ("vision3-500t", "--"), ("velvia-50", ":")):
        film = phos.load_film(name)
        green = sheet_of(name).granularity[1]
        net = green[:, 0] - film.grain.d_min[1]
        left.plot(net, 1000 * green[:, 1], color=COLOURS[1], linestyle=style, label=film.label)
    left.set(title="Green layer", xlabel="density over D-min", ylabel="RMS × 1000, 48 µm")
    left.legend()
    for name, style in (("tri-x-400", "-"), ("velvia-50", "--")):
        film = phos.load_film(name)
        frequency, power = spectrum(film, pitch_um=2.0)
        right.plot(frequency, power, color=GREY, linestyle=style, label=film.label)
    right.set(title="Spectrum", xlabel="cycles per mm", ylabel="power, relative", yscale="log")
    right.legend()


def spectrum(film, pitch_um):
    """Return frequencies in cycles per mm and the power of a layer's grain, 1 at the lowest."""
    side = 1024
    field = grain_noise(
        np.zeros(1, np.float32), film.grain, rows=side, cols=side, pixel_pitch_um=pitch_um, seed=1
    )[-1]
    power = np.abs(np.fft.rfft2(field)) ** 2
    rows = np.abs(np.fft.fftfreq(side, pitch_um / 1000.0))
    cols = np.fft.rfftfreq(side, pitch_um / 1000.0)
    distance = np.hypot(rows[:, None], cols)
    bins = np.linspace(2.0, 240.0, 60)
    total, _ = np.histogram(distance, bins, weights=power)
    count, _ = np.histogram(distance, bins)
    mean = total / count
    return (bins[1:] + bins[:-1]) / 2, mean / mean[:3].mean()


def draw_printing(left, right):
    """A neutral scale as it comes out, and the departure of its channels from grey."""
    stops = np.linspace(-7.0, 8.0, 200)
    scale = np.repeat(0.18 * 2.0 ** stops[None, :, None], 3, axis=2).astype(np.float32)
    ways = (
        ("portra-400", "scan", "scan"),
        ("portra-400", "neutral", "neutral scan"),
        ("portra-400", "endura-premier", "on paper"),
        ("velvia-50", "scan", "transparency"),
    )
    for (name, printing, way), colour in zip(ways, (COLOURS[2], GREY, *COLOURS[:2]), strict=True):
        film = phos.load_film(name, printing=printing)
        plain = replace(film, scatter=None, halation=None, couplers=None, grain=None)
        shown = phos.develop(scale, plain, encoding="linear", backend="scipy")[0]
        left.plot(stops, shown.mean(axis=1), color=colour, label=f"{film.label}, {way}")
        right.plot(stops, shown.max(axis=1) - shown.min(axis=1), color=colour)
    left.set(title="Tone", xlabel="stops from mid-grey", ylabel="display value, sRGB")
    left.legend()
    right.set(title="Largest difference of channels", xlabel="stops from mid-grey")


PLOTS = {
    "exposure": draw_exposure,
    "scatter": draw_scatter,
    "halation": draw_halation,
    "couplers": draw_couplers,
    "development": draw_development,
    "grain": draw_grain,
    "printing": draw_printing,
}


def main(folder=DOCS):
    """Draw every plot into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        figure, axes = plt.subplots(1, 2)
        draw(*axes)
        path = folder / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Each stock against its data sheet, in numbers: the tables of docs/film-table.md.

    nox -s film_table              # print the page
    nox -s film_table -- --write   # and write docs/film-table.md
    nox -s film_table -- --full    # compare whole pictures of 6 and 24 megapixels: longer

tests/proof holds every figure to its limit, and the page to what is printed here.
"""

import argparse
import dataclasses
import math
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special
from skimage.color import deltaE_ciede2000

import phos_core as phos
from phos_core import color
from phos_core.convolution import select
from phos_core.density_curve import polynomial
from phos_core.effects.couplers import inhibit, release
from phos_core.effects.development import develop
from phos_core.effects.exposure import MID_GREY, expose, log10_exposure
from phos_core.effects.grain import add_grain, grain_noise
from phos_core.effects.halation import base_return, halation_psfs
from phos_core.positive import make_positive
from phos_core.process.pipeline import spread_inhibitor, spread_of_light
from phos_core.stocks import baking
from phos_core.stocks.data_sheet import read_film_sheet, read_paper_sheet
from phos_core.stocks.dyes import DyeSet, paper_exposure, projected_xyz, reflected_xyz
from phos_core.stocks.fitting import at_end, read, solve
from phos_core.stocks.spectra import SRGB_OF_RELATIVE_XYZ, blackbody, tables
from phos_darkroom import read_image

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "film-table.md"
PHOTOS = ROOT / "examples" / "photos"

LIMITS = {
    "curve": 0.02,  # density, at every drawn point
    "mid-grey": 0.01,  # display-linear light
    "rms": 0.10,  # of the published figure
    "pitch": 0.03,  # of the mean over pitches
    "mtf": 0.10,  # of the sheet's, to 50 cycles/mm
    "halo": 0.05,  # of the law
    "gain": 0.001,  # of the reflectance
    "seen": 0.2,  # CIEDE2000
    "closed mean": 0.1,
    "closed max": 0.7,
    "size": 0.5,
    "size rms": 0.03,
    "apart": 1.0,
}

APERTURE_UM = 48.0
FIELD_UM = 3600.0
PITCHES_UM = (3.0, 6.0, 12.0, 24.0)
NET_DENSITIES = (0.3, 1.0, 1.6)
CHART_PX, CHART_PITCH_UM, MODULATION = 2048, 2.0, 0.004
CHART_PER_MM = (2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)
HALO_EDGES_UM = np.arange(60.0, 601.0, 60.0)
UNBACKED = 0.1  # a base that returns more of the light that enters it has no backing
BACKED = 0.02  # one that returns less has one
PAPERS = ("endura-premier", "2383")
SMALL_PITCH_UM = 12.0  # 6 megapixels on 36 x 24 mm; half of it is 24 megapixels
# sRGB codes of the 24 patches of a colour chart: 18 colours and six greys.
CHART = np.array(
    [
        *[(115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177)],
        *[(103, 189, 170), (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108)],
        *[(157, 188, 64), (224, 163, 46), (56, 61, 150), (70, 148, 73), (175, 54, 60)],
        *[(231, 199, 31), (187, 86, 149), (8, 133, 161), (243, 243, 242), (200, 200, 200)],
        *[(160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52)],
    ]
)


# What is measured on.


def names():
    """Return the names of the stocks that ship with phos."""
    return sorted(
        file.name.removesuffix(".toml")
        for file in files("phos_core.stocks").joinpath("films").iterdir()
        if file.name.endswith(".toml")
    )


@cache
def sheet_of(name):
    """Return a stock's figures."""
    text = files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text(encoding="utf-8")
    return read_film_sheet(text, name)


@cache
def film_of(name):
    """Return a stock as it is, seen by a scanner that has no aperture."""
    return phos.load_film(name, scanner="none")


@cache
def paper_of(name):
    """Return a paper's figures."""
    text = files("phos_core.stocks").joinpath("papers", f"{name}.toml").read_text(encoding="utf-8")
    return read_paper_sheet(text, name)


@cache
def backend():
    """Return the backend that convolves."""
    return select("scipy").backend


def is_measured(name, table):
    """Tell whether a table of a stock's file was read off its sheet."""
    return sheet_of(name).provenance[table].status != "estimated"


def lab(light):
    """Return CIELAB (..., 3), white D65, of linear sRGB (..., 3)."""
    white = color.LINEAR_SRGB_TO_XYZ.sum(axis=1)
    return lab_of_xyz(light @ color.LINEAR_SRGB_TO_XYZ.T / white)


def lab_of_xyz(relative):
    """Return CIELAB (..., 3) of tristimulus values relative to white."""
    line = relative * (24389 / 27 / 116) + 16 / 116
    root = np.where(relative > 216 / 24389, np.cbrt(relative), line)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def developed_light(image, film, **settings):
    """Return the display-linear positive of a picture."""
    return color.decode_srgb(phos.develop(image, film, backend="scipy", **settings))


# 1. Tone.


def densities(film, log10_lx_s):
    """Return density (layers, n) of a neutral wedge, its steps too large for spreading to matter.

    A grey scene is exposed, inhibited and developed as the pipeline does it.
    """
    grey = MID_GREY * 10.0**log10_lx_s / film.exposure.mid_grey_lx_s
    latent = log10_exposure(expose(np.broadcast_to(grey, (3, 1, len(grey))), film.exposure))
    if film.couplers is not None:
        latent = inhibit(latent, release(latent, film.couplers), film.couplers)
    return develop(latent, film.development)[:, 0]


def curve_miss(name):
    """Return the greatest miss of density at the points drawn, over the layers."""
    film = film_of(name)
    return max(
        np.abs(densities(film, drawn[:, 0])[layer] - drawn[:, 1]).max()
        for layer, drawn in enumerate(sheet_of(name).characteristic_curve)
    )


def turns_back(name):
    """Tell whether density turns back anywhere as exposure grows."""
    film = film_of(name)
    steps = np.diff(densities(film, np.linspace(-8.0, 6.0, 7001)), axis=1)
    return bool((steps * np.sign(steps.sum()) < -1e-12).any())


def mid_grey_miss(name):
    """Return how far a mid-grey of the scene lands from mid-grey, in light."""
    plain = dataclasses.replace(film_of(name), grain=None)
    grey = np.full((4, 4, 3), MID_GREY, np.float32)
    return np.abs(developed_light(grey, plain, encoding="linear") - MID_GREY).max()


# 2. Grain.


@cache
def aperture(pitch_um):
    """Return a disc of 48 um in pixels, each weighted by the share of it that is covered."""
    reach = math.ceil(APERTURE_UM / 2 / pitch_um + 0.5)
    fine, size = 33, 2 * reach + 1
    steps = ((np.arange(size * fine) + 0.5) / fine - size / 2) * pitch_um
    inside = np.hypot(steps[:, None], steps) <= APERTURE_UM / 2
    weights = inside.reshape(size, fine, size, fine).mean(axis=(1, 3))
    return weights / weights.sum()


@cache
def response_to_grain(pitch_um, size_um):
    """Return the RMS that pixels' aperture reads over that of a true disc, for such grain."""
    frequency = np.linspace(-0.25, 0.25, 1001)
    spectrum = np.exp(-((2 * np.pi * size_um * frequency) ** 2))
    weights = aperture(pitch_um)
    reach = len(weights) // 2
    phase = 2 * np.pi * np.outer(frequency, np.arange(-reach, reach + 1)) * pitch_um
    pixel = np.sinc(frequency * pitch_um)[:, None] * np.cos(phase)
    pixels = (pixel @ weights @ pixel.T) ** 2 * np.outer(spectrum, spectrum)
    argument = np.pi * APERTURE_UM * np.maximum(np.hypot(frequency[:, None], frequency), 1e-9)
    disc = (2 * special.j1(argument) / argument) ** 2 * np.outer(spectrum, spectrum)
    return math.sqrt(pixels.sum() / disc.sum())


def response_to_white_noise(pitch_um):
    """Return the RMS that pixels' aperture reads over that of a true disc, for white noise."""
    return math.sqrt((aperture(pitch_um) ** 2).sum() * math.pi / 4) * APERTURE_UM / pitch_um


def rms_readings(name, density, pitch_um):
    """Return RMS density (layers,) that the pixels' aperture reads on flat film."""
    film = film_of(name)
    side = round(FIELD_UM / pitch_um)
    flat = np.broadcast_to(
        np.asarray(density, np.float32)[:, None, None], (len(density), side, side)
    )
    noise = grain_noise(flat, film.grain, rows=side, cols=side, pixel_pitch_um=pitch_um, seed=48)
    grainy = add_grain(flat, noise, film.grain) - flat
    weights = aperture(pitch_um)
    stride = max(round(APERTURE_UM / 2 / pitch_um), 1)
    places = sliding_window_view(grainy, weights.shape, axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("lrcij,ij->lrc", places, weights, optimize=True).std(axis=(1, 2))


def granularity(name, density):
    """Return RMS density (layers,) of flat film, measured at 6 um and as a true disc reads it."""
    sizes_um = film_of(name).grain.size_um
    response = [response_to_grain(6.0, size_um) for size_um in sizes_um]
    return rms_readings(name, density, 6.0) / response


def rms_miss(name):
    """Return the greatest relative miss of the published granularity, or None without one."""
    sheet = sheet_of(name)
    if sheet.published_granularity is not None:
        return abs(1000 * visual_rms(name) / sheet.published_granularity.rms - 1)
    if not is_measured(name, "granularity"):
        return None
    return max(np.abs(ours / drawn - 1).max() for _, drawn, ours in granularity_table(name))


def granularity_table(name):
    """Return net density, drawn and measured RMS (layers,) at three densities of a drawn curve."""
    d_min = np.array(film_of(name).development.d_min)
    table = []
    for net in NET_DENSITIES:
        curves = zip(d_min + net, sheet_of(name).granularity, strict=True)
        drawn = np.array([np.interp(density, *points.T) for density, points in curves])
        table.append((net, drawn, granularity(name, d_min + net)))
    return table


def visual_rms(name):
    """Return the RMS visual density of the neutral patch that the published figure was read on."""
    film, published = film_of(name), sheet_of(name).published_granularity
    if film.kind == "black-and-white":
        base = film.development.d_min[0] if published.over_base else 0.0
        return granularity(name, [base + published.density])[0]
    observer = tables().observer[1] * blackbody(2856.0)
    dyes = baking.film_dyes(sheet_of(name), film.development)

    def visual(density):
        return -np.log10(10.0 ** -dyes.spectral_density(density) @ observer / observer.sum())

    d_min = np.array(film.development.d_min)
    ramp = densities(film, np.linspace(-6.0, 3.0, 2001)).T
    base = visual(d_min) if published.over_base else 0.0
    patch = ramp[np.abs(visual(ramp) - base - published.density).argmin()]
    weights = [(visual(patch + step) - visual(patch - step)) / 0.02 for step in 0.01 * np.eye(3)]
    return math.hypot(*(np.array(weights) * granularity(name, patch)))


def pitch_spread(name):
    """Return the greatest departure of RMS-48 from its mean over pitches, by both divisors."""
    film = film_of(name)
    density = np.array(film.development.d_min) + 1.0
    rms = granularity(name, density)
    by_grain, by_white = [], []
    for pitch_um in PITCHES_UM:
        read_rms = rms_readings(name, density, pitch_um) / rms
        responses = [response_to_grain(pitch_um, size_um) for size_um in film.grain.size_um]
        by_grain.append(np.sqrt(np.mean((read_rms / responses) ** 2)))
        by_white.append(np.sqrt(np.mean(read_rms**2)) / response_to_white_noise(pitch_um))
    return tuple(np.abs(row / np.mean(row) - 1).max() for row in (by_grain, by_white))


# 3. Sharpness.


def mtf_miss(name):
    """Return the greatest relative miss of the sheet's MTF up to 50 cycles/mm, over the layers."""
    film = film_of(name)
    if base_return(film.halation) > UNBACKED:  # the sheet's film has its backing
        film = dataclasses.replace(film, halation=None)
    per_mm, measured = response_to_sines(film)
    misses = []
    for drawn, ours in zip(sheet_of(name).mtf, measured, strict=True):
        covered = (per_mm >= drawn[0, 0]) & (per_mm <= drawn[-1, 0])
        sheet = np.interp(per_mm[covered], *drawn.T)
        misses.append(np.abs(ours[covered] / sheet - 1).max())
    return max(misses)


def response_to_sines(film, chart_per_mm=CHART_PER_MM):
    """Return frequencies and the density response (layers, n) to a chart of small neutral sines.

    The chart is a sum of cosines that the mirroring border continues, around mid-grey.
    """
    waves = np.unique(np.round(2 * CHART_PX * CHART_PITCH_UM * np.array(chart_per_mm) / 1000))
    place = (np.arange(CHART_PX) + 0.5) / CHART_PX
    cosines = np.cos(np.pi * np.outer(waves, place))
    signs = np.where(np.arange(len(waves)) % 2, -1.0, 1.0)  # they do not all peak at one place
    chart = film.exposure.mid_grey_lx_s * (1 + MODULATION * signs @ cosines)
    layers = len(film.development.curves)
    exposure = np.broadcast_to(chart.astype(np.float32), (layers, 1, CHART_PX)).copy()

    exposure = backend().convolve(exposure, spread_of_light(film, CHART_PITCH_UM))
    pictures = exposure[:, np.newaxis]
    (inhibitor,) = spread_inhibitor(pictures, film, range(layers), CHART_PITCH_UM, backend())
    latent = inhibit(log10_exposure(exposure), inhibitor[:, 0], film.couplers)
    density = develop(latent, film.development)[:, 0].astype(np.float64)

    mid = math.log10(film.exposure.mid_grey_lx_s)
    below, above = densities(film, mid + np.array([-0.01, 0.01])).T
    slope = (above - below) / 0.02 * math.log10(math.e)
    amplitude = 2 / CHART_PX * density @ cosines.T * signs / MODULATION
    pixels_own = np.sinc(waves / (2 * CHART_PX))
    return waves * 1000 / (2 * CHART_PX * CHART_PITCH_UM), amplitude / slope[:, None] / pixels_own


# 4. Halation.


@cache
def halo_miss(halation):
    """Return how far the light of a point that returns is from the law, in rings of 60 um.

    Rings that hold a twentieth of it: beyond them the tail is cut, where 1 % is left.
    """
    pitch_um = 5.0
    samples = halation_psfs(halation, pixel_pitch_um=pitch_um)[0].samples()
    reach = len(samples) // 2
    returned = halation.coupling[0] * base_return(halation)
    steps = np.arange(-reach, reach + 1) * pitch_um
    distance_um = np.hypot(steps[:, None], steps)
    rings = np.histogram(distance_um, HALO_EDGES_UM, weights=samples)[0] * (1 + returned) / returned
    covered = np.histogram(distance_um, HALO_EDGES_UM)[0] * pitch_um**2
    area = np.pi * np.diff(HALO_EDGES_UM**2)
    law = ring_law(halation)
    return np.abs(rings * area / covered / law - 1)[law > 0.05].max()


def ring_law(halation):
    """Return the share of the returned light in each ring: the law, blurred, by quadrature."""
    angle = (np.arange(4000) + 0.5) * (np.pi / 2 / 4000)
    radius = 2 * halation.base_thickness_um * np.tan(angle)
    energy = returned_energy(halation, angle)
    energy /= energy.sum()
    fine = np.linspace(HALO_EDGES_UM[0], HALO_EDGES_UM[-1], 40 * (len(HALO_EDGES_UM) - 1) + 1)
    at = (fine[1:] + fine[:-1]) / 2
    variance = halation.spread_um**2
    seen = radius < 5000.0
    argument = np.outer(at, radius[seen]) / variance
    near = np.exp(-((at[:, None] - radius[seen]) ** 2) / (2 * variance))
    profile = (special.ive(0, argument) * near) @ energy[seen] / (2 * np.pi * variance)
    return (profile * np.pi * np.diff(fine**2)).reshape(-1, 40).sum(axis=1)


def returned_energy(halation, angle):
    """Return what comes back of a step of the entry angle, by Fresnel's and Lambert's laws."""
    sine, cosine = np.sin(angle), np.cos(angle)
    index, power = halation.base_index, halation.forward_exponent
    outside = np.sqrt(np.maximum(1 - (index * sine) ** 2, 0))
    across = (index * cosine - outside) / (index * cosine + outside)
    along = (cosine - index * outside) / (cosine + index * outside)
    cone = 1 / (2 * halation.f_number * index)
    scattered = (power + 2) * sine * cosine ** (power + 1)
    unscattered = np.where(sine < cone, 2 * sine * cosine / cone**2, 0)
    share = halation.specular_share
    entering = (1 - share) * scattered + share * unscattered
    passed = 10.0 ** (-2 * halation.antihalation_density / cosine)
    return entering * (across**2 + along**2) / 2 * passed * (angle[1] - angle[0])


@cache
def gain_miss(halation):
    """Return how far what a flat field gains, before normalising, is from the reflectance."""
    angle = (np.arange(200_000) + 0.5) * (np.pi / 2 / 200_000)
    return abs(base_return(halation) / returned_energy(halation, angle).sum() - 1)


def seen_on_a_photo(name):
    """Return the greatest colour difference that halation makes around the sun of a photo."""
    film = dataclasses.replace(film_of(name), grain=None)
    photo = sunset()
    with_halo, without = (
        lab(developed_light(photo, stock, pixel_pitch_um=20.0))
        for stock in (film, dataclasses.replace(film, halation=None))
    )
    return deltaE_ciede2000(with_halo, without).max()


@cache
def sunset():
    """Return the part of the bundled photo around the sun, as floats."""
    photo = read_image(PHOTOS / "sunset.jpg")
    row, col = (int(np.median(where)) for where in np.nonzero(photo.min(axis=2) == 255))
    top, left = (max(place - 250, 0) for place in (row, col))
    return (photo[top : top + 500, left : left + 500] / 255).astype(np.float32)


# 5. Closed forms.


def scene_colours():
    """Return 10,000 random scene colours (3, 1, n), from 4 stops under white to 2.5 over."""
    generator = np.random.default_rng(1)
    lightness = 2.0 ** generator.uniform(-4.0, 2.5, 10_000)
    return (generator.random((3, 10_000)) * lightness)[:, None]


def closed_form_miss(name):
    """Return mean and greatest CIEDE2000 of the closed forms against the spectra, or None."""
    film = phos.load_film(name, process_version=1)  # the base is white: nothing rolls off
    if film.kind == "black-and-white":
        return None
    if film.kind == "reversal":
        return colour_difference(film, transparency_reference)
    misses = [
        colour_difference(phos.load_film(name, printing=paper, process_version=1), print_reference)
        for paper in PAPERS
    ]
    return tuple(max(column) for column in zip(*misses, strict=True))


def colour_difference(film, reference):
    """Return mean and greatest CIEDE2000 between a film's positive and a reference's XYZ."""
    latent = log10_exposure(expose(scene_colours(), film.exposure))
    density = develop(latent, film.development)
    ours = lab(make_positive(density, film.printing)[:, 0].T)
    difference = deltaE_ciede2000(lab_of_xyz(reference(film, density)), ours)
    return difference.mean(), difference.max()


def mid_grey_density(film):
    """Return the densities (3,) of a mid-grey."""
    mid = math.log10(film.exposure.mid_grey_lx_s)
    return np.array([float(read(curve, mid)) for curve in film.development.curves])


def transparency_reference(film, density):
    """Return relative XYZ (n, 3) of a transparency, wavelength by wavelength."""
    dyes = baking.film_dyes(sheet_of(film.name), film.development)
    grey = projected_xyz(dyes, mid_grey_density(film))
    gain = np.log10(MID_GREY) / np.log10(grey).mean()
    return projected_xyz(dyes, polynomial(density, film.printing.balance)[:, 0].T, gain)


def print_reference(film, density):
    """Return relative XYZ (n, 3) of a print, wavelength by wavelength, balanced on mid-grey."""
    paper, printing = paper_of(film.printing.paper), film.printing
    negative = baking.film_dyes(sheet_of(film.name), film.development)
    d_min = tuple(at_end(curve, -1.0) for curve in printing.curves)
    positive = DyeSet(paper.dyes, None, d_min, "A")

    def seen(x):
        layers = [read(curve, x[..., i]) for i, curve in enumerate(printing.curves)]
        return reflected_xyz(positive, np.stack(layers, axis=-1), paper.viewing)

    grey = MID_GREY ** (1 / printing.surround)
    start = np.array([curve.centre for curve in printing.curves])
    lights = solve(lambda x: SRGB_OF_RELATIVE_XYZ @ seen(x), start, np.full(3, grey))
    mid = paper_exposure(negative, paper, mid_grey_density(film))
    exposed = paper_exposure(negative, paper, density[:, 0].T)
    xyz = seen(lights + np.log10(exposed / mid))
    return xyz * np.maximum(xyz[:, 1:2], 1e-6) ** (printing.surround - 1)


# 6. Sizes.


def size_miss(name, side=400):
    """Return how a picture and one of four times its pixels differ: mean CIEDE2000, and RMS."""
    film = film_of(name)
    return picture_difference(film, *detail(side, side)), grain_difference(film, side)


@cache
def detail(rows, cols):
    """Return scene light of a photo at twice this size, mirrored to fill it, and at this size."""
    photo = color.decode_srgb(read_image(PHOTOS / "seeding.jpg") / 255).astype(np.float32)
    there = photo.shape[:2]
    more = [(0, max(2 * n - m, 0)) for n, m in zip((rows, cols), there, strict=True)]
    large = np.pad(photo, (*more, (0, 0)), mode="symmetric")[: 2 * rows, : 2 * cols]
    return large, halved(large)


def halved(light):
    """Return the mean of each 2 x 2 pixels."""
    rows, cols, channels = light.shape
    return light.reshape(rows // 2, 2, cols // 2, 2, channels).mean(axis=(1, 3))


def picture_difference(film, large, small):
    """Return the mean CIEDE2000 between a positive and the larger one, scaled down."""
    plain = dataclasses.replace(film, grain=None)
    from_large, from_small = (
        developed_light(scene, plain, encoding="linear", pixel_pitch_um=pitch_um)
        for scene, pitch_um in ((large, SMALL_PITCH_UM / 2), (small, SMALL_PITCH_UM))
    )
    return deltaE_ciede2000(lab(halved(from_large)), lab(from_small)).mean()


def grain_difference(film, side):
    """Return how far the RMS of the larger grain, scaled down, is from that of the smaller."""
    rms = []
    for scale, seed in ((2, 1), (1, 2)):
        grey = np.full((scale * side, scale * side, 3), MID_GREY, np.float32)
        pitch_um = SMALL_PITCH_UM / scale
        light = developed_light(grey, film, encoding="linear", pixel_pitch_um=pitch_um, seed=seed)
        rms.append((halved(light) if scale == 2 else light).std(axis=(0, 1)))
    return np.abs(rms[0] / rms[1] - 1).max()


# Stocks differ.


@cache
def chart_lab(name):
    """Return CIELAB (24, 3) of a colour chart's patches, each far larger than any spread."""
    plain = dataclasses.replace(film_of(name), grain=None, scatter=None, halation=None)
    patches = color.decode_srgb(CHART / 255).astype(np.float32).reshape(4, 6, 3)
    light = developed_light(patches, plain, encoding="linear", pixel_pitch_um=5000.0)
    return lab(light.reshape(24, 3))


def nearest(name):
    """Return the stock that renders a colour chart most alike, and the mean CIEDE2000 to it."""
    others = (other for other in names() if other != name)
    differences = (
        (deltaE_ciede2000(chart_lab(name), chart_lab(other)).mean(), other) for other in others
    )
    difference, other = min(differences)
    return other, difference


# The page.


@dataclasses.dataclass(frozen=True)
class Row:
    """What was measured of a stock; None where its sheet has nothing to compare with."""

    name: str
    curve: float
    turns_back: bool
    mid_grey: float
    rms: float | None
    pitch: float
    pitch_white: float
    mtf: float
    returned: float
    halo: float
    gain: float
    seen: float
    closed: tuple[float, float] | None
    size: float
    size_rms: float
    nearest: str
    apart: float


@cache
def measure(name):
    """Measure everything of a stock."""
    pitch, pitch_white = pitch_spread(name)
    size, size_rms = size_miss(name)
    other, apart = nearest(name)
    halation = film_of(name).halation
    return Row(
        name=name,
        curve=curve_miss(name),
        turns_back=turns_back(name),
        mid_grey=mid_grey_miss(name),
        rms=rms_miss(name),
        pitch=pitch,
        pitch_white=pitch_white,
        mtf=mtf_miss(name),
        returned=max(halation.coupling) * base_return(halation),
        halo=halo_miss(halation),
        gain=gain_miss(halation),
        seen=seen_on_a_photo(name),
        closed=closed_form_miss(name),
        size=size,
        size_rms=size_rms,
        nearest=other,
        apart=apart,
    )


def is_backed(name):
    """Tell whether next to nothing of what enters a stock's base returns."""
    return base_return(film_of(name).halation) < BACKED


def percent(share, digits=1):
    """Write a share in percent."""
    return f"{100 * share:.{digits}f} %"


def unless_estimated(text, name, table):
    """Bracket a figure whose reference is estimated."""
    return text if is_measured(name, table) else f"({text})"


def table(heads, rows):
    """Write a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tone_table(rows):
    """Write rows 1 to 3."""
    heads = [
        "stock", "curve off by (D)", "turns back", "mid-grey off by", "RMS off by",
        "over pitches", "over pitches, white", "MTF off by",
    ]  # fmt: skip
    return table(
        heads,
        [
            [
                row.name,
                unless_estimated(f"{row.curve:.3f}", row.name, "characteristic_curve"),
                "yes" if row.turns_back else "no",
                f"{row.mid_grey:.3f}",
                "–" if row.rms is None else percent(row.rms),
                percent(row.pitch),
                percent(row.pitch_white),
                unless_estimated(percent(row.mtf), row.name, "mtf"),
            ]
            for row in rows
        ],
    )


def look_table(rows):
    """Write rows 4 to 6, and the distance between stocks."""
    heads = [
        "stock", "returns", "halo off by", "gain off by", "seen (ΔE)", "closed form, mean (ΔE)",
        "greatest (ΔE)", "6 and 24 MP (ΔE)", "their RMS", "nearest stock", "apart (ΔE)",
    ]  # fmt: skip
    return table(
        heads,
        [
            [
                row.name,
                percent(row.returned, 3),
                percent(row.halo),
                percent(row.gain, 2),
                f"{row.seen:.2f}" if is_backed(row.name) else f"({row.seen:.1f})",
                *(["–"] * 2 if row.closed is None else [f"{miss:.2f}" for miss in row.closed]),
                f"{row.size:.2f}",
                percent(row.size_rms),
                row.nearest,
                f"{row.apart:.1f}",
            ]
            for row in rows
        ],
    )


# Of spektrafilm 0.3.2, measured with its defaults in November 2026; Tri-X by another's report.
PEER_RMS = {"vision3-50d": "5.7 / 7.2 / 10.1", "vision3-500t": "5.2 / 5.0 / 8.9"}
PEER_VISUAL_RMS = {"provia-100f": "7.3 / 7.8 / 13.0, by layer", "tri-x-400": "7.2"}
PEER_MTF50 = {
    "portra-400": "27 / 63 / 83",
    "vision3-500t": "24 / 53 / 57",
    "ektar-100": "30 / 76 / 91",
}


def peers_table():
    """Write what a peer reaches beside what we do."""

    def layers(values, digits):
        return " / ".join(f"{value:.{digits}f}" for value in values)

    rows = []
    for name, theirs in PEER_RMS.items():
        _, drawn, ours = granularity_table(name)[NET_DENSITIES.index(1.0)]
        sheet, measured = (layers(1000 * rms, 1) for rms in (drawn, ours))
        rows.append([name, "RMS × 1000 at net density 1.0, by layer", sheet, measured, theirs])
    for name, theirs in PEER_VISUAL_RMS.items():
        sheet = f"{sheet_of(name).published_granularity.rms:.0f}"
        measured = f"{1000 * visual_rms(name):.1f}"
        rows.append([name, "RMS × 1000 at net density 1.0, visual", sheet, measured, theirs])
    for name, theirs in PEER_MTF50.items():
        sheet = layers([half_response(*points.T) for points in sheet_of(name).mtf], 0)
        per_mm, response = response_to_sines(film_of(name), np.arange(10.0, 121.0, 2.5))
        measured = layers([half_response(per_mm, ours) for ours in response], 0)
        rows.append([name, "cycles/mm at half response, by layer", sheet, measured, theirs])
    return table(["stock", "figure", "sheet", "phos", "spektrafilm"], rows)


def half_response(per_mm, response):
    """Return the frequency at which a response falls to a half."""
    falling = per_mm >= per_mm[response.argmax()]
    return np.interp(-0.5, -response[falling], per_mm[falling])


def page():
    """Write docs/film-table.md."""
    rows = [measure(name) for name in names()]
    return f"""# Film table

Each stock, put through the pipeline's own steps and measured in the way of a data sheet.
`nox -s film_table` prints this page; CI checks every figure against its limit, and this page
against what is printed. All figures are measured on what ships; only the peer's are typed in.

## Tone, grain, sharpness

{tone_table(rows)}

- **curve**: greatest error of density at the points digitised from the sheet, all layers, of a
  neutral wedge through exposure, couplers and development. Limit {LIMITS["curve"]}.
- **mid-grey**: a scene of {MID_GREY}, from linear light to display-linear light. Limit
  {LIMITS["mid-grey"]}.
- **RMS**: granularity through an aperture of 48 µm, read on flat film at pixels of 6 µm, against
  the drawn curve at net densities of 0.3, 1.0 and 1.6 in every layer, or against the one figure
  that the maker prints. Limit {percent(LIMITS["rms"], 0)}. No entry where the maker prints none.
- **over pitches**: greatest departure from the mean at pixels of 3, 6, 12 and 24 µm. An aperture
  made of pixels is not a disc: each reading is divided by what such an aperture reads of grain of
  the stock's own spectrum. Limit {percent(LIMITS["pitch"], 0)}. The next column is divided by
  what it reads of white noise instead, which grain of some µm is not.
- **MTF**: greatest error of the response from 2.5 to 50 cycles/mm, all layers: a chart of
  neutral sines around mid-grey at pixels of 2 µm through scatter, halation, couplers and
  development, the pixel's own response divided out. Limit {percent(LIMITS["mtf"], 0)}. Of a stock
  without a backing the light that its base returns is left out, because the sheet is of the same
  emulsion on its backing.
- In brackets: the sheet has no such curve and ours is estimated; no limit holds.

## Halation, colour, sizes

{look_table(rows)}

- **returns**: light that the base gives back to the layer that gets most of it, as a share of its
  direct exposure, in a flat field.
- **halo**: light around a point in rings of 60 µm against the law of
  [effects/halation.md](effects/halation.md), integrated apart from the code. Limit
  {percent(LIMITS["halo"], 0)} in rings that hold a twentieth of it.
- **gain**: what a flat field gains, before normalising, against the reflectance.
- **seen**: the greatest colour difference that halation makes on `examples/photos/sunset.jpg`,
  around the sun. Limit {LIMITS["seen"]} on a backed stock; in brackets on one without.
- **closed form**: 10,000 random scene colours, printed by the closed forms and by spectra:
  negatives on {" and ".join(PAPERS)}, the worse of the two. Limits {LIMITS["closed mean"]} and
  {LIMITS["closed max"]}. A black-and-white stock has no colours to compare.
- **6 and 24 MP**: pictures at the pixel pitches of 6 and 24 megapixels, the larger scaled down:
  mean colour difference without grain, and RMS of the grain on mid-grey. Limits {LIMITS["size"]}
  and {percent(LIMITS["size rms"], 0)}.
- **apart**: mean colour difference on a colour chart of 24 patches from the stock most like it.
  At least {LIMITS["apart"]:.0f}.

## Beside a peer

{peers_table()}

By layer: red / green / blue. spektrafilm 0.3.2 was measured with its defaults in November 2026, its
Tri-X by an independent report. Beside 6 µm its RMS is 4 % higher at pixels of 4 µm and 13 % lower
at 12 µm. Its Vision3 500T has less grain than its 50D in green: the sheets say the reverse. No
other simulator that we know of measures its film against the sheet.
"""


def main():
    """Print the page, or compare whole pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write docs/film-table.md")
    parser.add_argument("--full", action="store_true", help="compare pictures of 6 and 24 MP")
    options = parser.parse_args()
    if options.full:
        large, small = detail(2000, 3000)
        for name in names():
            film = film_of(name)
            difference = picture_difference(film, large, small)
            print(f"{name:24} {difference:.2f}  {percent(grain_difference(film, 2000))}")
        return
    text = page()
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

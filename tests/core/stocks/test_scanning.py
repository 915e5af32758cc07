"""Laws of a scan by a device: one tone for all stocks, balanced on mid-grey alone."""

import math
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, xyz2lab

from phos_core.color import LINEAR_SRGB_TO_XYZ
from phos_core.effects.development import develop
from phos_core.effects.exposure import MID_GREY, expose, log10_exposure
from phos_core.effects.grain import Grain, grain_noise
from phos_core.effects.scanning import Scan
from phos_core.positive import make_positive
from phos_core.process.pipeline import blurred_psfs
from phos_core.stocks import baking
from phos_core.stocks.baking import SCANNERS
from phos_core.stocks.baking.scanning import SILVER_CONTRAST
from phos_core.stocks.fitting import read
from phos_core.stocks.library import film_sheet, films
from phos_core.stocks.loading import load_film
from phos_core.stocks.spectra import WAVELENGTH_NM

KINDS = {stock.name: stock.kind for stock in sorted(films(), key=lambda stock: stock.name)}
NEGATIVES = [name for name, kind in KINDS.items() if kind == "negative"]
BLACK_AND_WHITE = [name for name, kind in KINDS.items() if kind == "black-and-white"]


@cache
def scanned(name, **settings):
    return load_film(name, **settings)


def densities(film, scene):
    return develop(log10_exposure(expose(scene, film.exposure)), film.development)


def wedge(film, stops):
    """Light (channels, n) of greys so many stops over mid-grey."""
    scene = np.broadcast_to(MID_GREY * 2.0 ** np.asarray(stops), (3, 1, len(stops)))
    return make_positive(densities(film, scene), film.printing)[:, 0]


def tone(decades):
    """Light of decades over mid-grey, as docs/effects/printing.md says."""
    mid = 0.76 * MID_GREY
    odds = mid / (1.0 - mid) * 10.0**decades
    light = odds / (1.0 + odds) / 0.76
    over = np.clip(light - 0.9, 0.0, None)
    room = (1.0 / 0.76 - 0.9) * 0.1 / (1.0 / 0.76 - 1.0)
    return light - over**2 / (over + room)


def full_scan(name, density, scanner):
    """Light (n, 3) of densities (n, 3), each band integrated over all wavelengths."""
    sheet, film = film_sheet(name), scanned(name)
    dyes = baking.film_dyes(sheet, film.development)
    grey = densities(film, np.full((3, 1, 1), MID_GREY))[:, 0, 0]

    def bands(d):
        through = 10.0 ** -dyes.spectral_density(d)
        return np.stack(
            [
                -np.log10(
                    through
                    @ (shape := np.exp(-0.5 * ((WAVELENGTH_NM - peak) / width) ** 2))
                    / shape.sum()
                )
                for peak, width in zip(scanner.peaks_nm, scanner.widths_nm, strict=True)
            ],
            axis=-1,
        )

    return tone((bands(density) - bands(grey)) @ np.array(scanner.profile).T)


# Over random colours from 4 stops under 1 to 2.5 over, CIEDE2000: mean, and greatest.
AFFINE_WITHIN = {"minilab": (0.3, 2.0), "camera": (0.45, 2.0), "drum": (0.3, 2.0)}


@pytest.mark.parametrize("scanner", AFFINE_WITHIN)
@pytest.mark.parametrize("name", NEGATIVES)
def test_scan_is_affine_nearly_as_the_integral_over_the_spectrum_is(name, scanner):
    film = scanned(name, scanner=scanner)
    generator = np.random.default_rng(1)
    scene = generator.random((3, 1, 1000)) * 2.0 ** generator.uniform(-4.0, 2.5, 1000)
    density = densities(film, scene)

    reference = full_scan(name, density[:, 0].T, SCANNERS[scanner])
    light = make_positive(density, film.printing)[:, 0].T

    lab, reference_lab = (
        xyz2lab(np.clip(rgb, 0.0, 1.0) @ LINEAR_SRGB_TO_XYZ.T, illuminant="D65")
        for rgb in (light, reference)
    )
    difference = deltaE_ciede2000(reference_lab, lab)
    most_mean, most = AFFINE_WITHIN[scanner]
    assert difference.mean() <= most_mean
    assert difference.max() <= most


def test_contrasts_of_scans_are_in_the_order_of_those_of_the_sheets():
    """Of black-and-white stocks: one factor for all."""
    slopes, shown = [], []
    for name in BLACK_AND_WHITE:
        film = scanned(name)
        mid = math.log10(film.exposure.mid_grey_lx_s)
        (curve,) = film.development.curves
        slopes.append(float(read(curve, mid + 0.15) - read(curve, mid - 0.15)))
        dark, light = (
            math.log10(value * 0.76 / (1.0 - value * 0.76))
            for value in wedge(film, np.array([-0.15, 0.15]) / math.log10(2.0))[0]
        )
        shown.append(light - dark)

    np.testing.assert_allclose(shown, SILVER_CONTRAST * np.array(slopes), rtol=1e-6)
    assert np.ptp(slopes) > 0.02


def test_a_softer_colour_stock_gives_a_softer_scan():
    """Portra 800 is the softest of the sheets, and Ektar harder than Portra 400."""
    soft, plain, hard = (
        np.ptp(np.log10(wedge(scanned(name), [-1.0, 0.0])), axis=1).mean()
        for name in ("portra-800", "portra-400", "ektar-100")
    )

    assert soft < plain < hard


@pytest.mark.parametrize("name", [*NEGATIVES, *BLACK_AND_WHITE])
def test_light_of_a_scan_rises_with_the_scene_and_never_passes_white(name):
    light = wedge(scanned(name), np.linspace(-8.0, 16.0, 481))

    assert (np.diff(light, axis=1) >= 0.0).all()
    assert light.max() < 1.0
    assert light.min() > 0.0


@pytest.mark.parametrize("scanner", SCANNERS)
def test_every_scanner_puts_mid_grey_on_mid_grey_and_reads_a_stock_in_its_own_way(scanner):
    film = scanned("portra-400", scanner=scanner)

    np.testing.assert_allclose(wedge(film, [0.0]), MID_GREY, atol=1e-9)
    assert film.aperture_um == SCANNERS[scanner].aperture_um
    same_bands = scanner in ("minilab", "none")
    assert (film.printing == scanned("portra-400").printing) == same_bands


def test_a_scan_is_balanced_on_mid_grey_alone_and_keeps_the_tint_of_the_base():
    """Portra's green layer gains contrast: unexposed film is bluish, as scanned, and not grey."""
    film = scanned("portra-400")
    base = np.array(film.development.d_min).reshape(3, 1, 1)
    grey = densities(film, np.full((3, 1, 1), MID_GREY))
    decades = np.array(film.printing.decades)

    light = make_positive(base, film.printing).ravel()

    np.testing.assert_allclose(light, tone(decades @ (base - grey).ravel()), rtol=1e-9)
    assert np.ptp(light) > 2e-4


# Its aperture.


def power_through(profile, sigma_um, pitch_um):
    """A profile's spectrum after a Gaussian of this standard deviation."""
    frequency_per_um = np.fft.fftfreq(profile.shape[-1], pitch_um)
    transfer = np.exp(-2.0 * (np.pi * sigma_um * frequency_per_um) ** 2)
    both = transfer[:, None] * transfer[None, :]
    return np.fft.ifft2(np.fft.fft2(profile) * both).real


def test_scanned_grain_is_the_film_s_grain_blurred_by_the_aperture():
    """RMS and correlation of neighbours, at 1 µm, against blurring the noise itself."""
    size_um, aperture_um, pitch_um = 2.5, 4.0, 1.0
    on_film = Grain(
        size_um=(size_um,), rms_coefficients=((0.01,),), d_min=(0.0,), net_range=((0.0, 3.0),)
    )
    seen = baking.scanned_grain(on_film, aperture_um)

    def field(grain):
        noise = grain_noise(
            np.zeros((1, 768, 768)), grain, rows=768, cols=768, pixel_pitch_um=pitch_um, seed=4
        )
        return grain.rms_coefficients[0][0] * noise[0]

    blurred, direct = power_through(field(on_film), aperture_um, pitch_um), field(seen)

    assert direct.std() == pytest.approx(blurred.std(), rel=0.03)
    for step in (3, 6, 12):
        expected = (blurred[:, step:] * blurred[:, :-step]).mean() / blurred.var()
        found = (direct[:, step:] * direct[:, :-step]).mean() / direct.var()
        assert found == pytest.approx(expected, abs=0.04), step


def test_without_an_aperture_a_scan_sees_the_film_s_own_grain_and_sharpness():
    film, sheet = scanned("portra-400", scanner="none"), film_sheet("portra-400")

    assert film.aperture_um == 0.0
    assert film.grain == baking.grain(sheet, film.development)


@pytest.mark.parametrize("frequency_per_mm", [5.0, 20.0, 40.0])
@pytest.mark.parametrize("name", ["portra-400", "tri-x-400"])
def test_what_is_scanned_has_the_film_s_mtf_times_the_aperture_s(name, frequency_per_mm):
    pitch_um, film = 2.0, scanned(name)

    def mtf(aperture_um):
        (psf, *_) = blurred_psfs(film.scatter, aperture_um, len(film.development.curves), pitch_um)
        line = psf.samples().sum(axis=0)
        at_um = (np.arange(len(line)) - len(line) // 2) * pitch_um
        return line @ np.cos(2.0 * np.pi * frequency_per_mm / 1000.0 * at_um)

    aperture = math.exp(-2.0 * (math.pi * 4.0 * frequency_per_mm / 1000.0) ** 2)
    assert mtf(4.0) == pytest.approx(mtf(0.0) * aperture, abs=2e-3)


# What a scan cannot be made of.


def test_a_colour_negative_without_dyes_is_refused_with_the_table_that_it_needs(tmp_path):
    text = bundled_text("portra-400")
    start = text.index("[dyes]")
    end = text.index("\n[", start) + 1
    path = tmp_path / "mine.toml"
    path.write_text(text[:start] + text[end:], "utf-8")

    with pytest.raises(ValueError, match=r"mine.toml .*needs a \[dyes\] table"):
        load_film(path)
    assert not isinstance(load_film(path, printing="neutral").printing, Scan)


def bundled_text(name):
    return files("phos_core.stocks").joinpath("films", f"{name}.toml").read_text("utf-8")

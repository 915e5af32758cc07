"""Fast grain beside the slow model of it: opaque discs thrown at random (Newson et al. 2017).

Discs of one radius fall on the film at random places, and light passes where none lies. With c the
mean number of discs over a point and g(h) the share of a disc that one at the distance h overlaps,
the transmittance through a wide enough aperture has

    mean T = exp(-c),   autocovariance T^2 (exp(c g(h)) - 1)

The Gaussian field of `phos_core.effects.grain` has the same mean, variance and, where its size is
chosen for it, spectrum.
"""

import math

import numpy as np
import pytest

from phos_core.effects import grain
from phos_core.effects.grain import Grain, grain_noise
from phos_core.stocks.loading import load_film

pytestmark = pytest.mark.proof

APERTURE_UM2 = math.pi * 24.0**2
LOG10_E = math.log10(math.e)
NUMPY = np.zeros(1, dtype=np.float32)


def shared(distance: np.ndarray) -> np.ndarray:
    """Share of a disc that another covers, their centres this many radii apart."""
    half = np.clip(distance / 2.0, 0.0, 1.0)
    return 2.0 / np.pi * (np.arccos(half) - half * np.sqrt(1.0 - half**2))


def moments(cover: float) -> tuple[float, float]:
    """Integral of exp(c g) - 1 over the plane, and its mean square distance, for unit radius."""
    distance = (np.arange(20_000) + 0.5) * 2.0 / 20_000
    excess = np.expm1(cover * shared(distance)) * 2.0 * np.pi * distance * 2.0 / 20_000
    return float(excess.sum()), float((excess * distance**2).sum() / excess.sum())


def radius_um_of(rms: float, density: float) -> float:
    """Radius of the discs whose density, through 48 µm, fluctuates so much."""
    integral, _ = moments(density / LOG10_E)
    return math.sqrt(rms**2 * APERTURE_UM2 / integral) / LOG10_E


def thrown_discs(cover: float, radius_px: float, side: int, seed: int) -> np.ndarray:
    """Where no disc lies: a square that continues on its other side, its pixels' centres."""
    generator = np.random.default_rng(seed)
    count = generator.poisson(cover * side**2 / (math.pi * radius_px**2))
    clear = np.ones(side * side, dtype=bool)
    reach = math.ceil(radius_px)
    rows, cols = generator.uniform(0.0, side, (2, count))
    first_row, first_col = np.floor(rows).astype(int), np.floor(cols).astype(int)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            row, col = first_row + down, first_col + right
            inside = np.hypot(row + 0.5 - rows, col + 0.5 - cols) <= radius_px
            clear[row[inside] % side * side + col[inside] % side] = False
    return clear.reshape(side, side)


def means_of_squares(field: np.ndarray, size: int) -> np.ndarray:
    count = len(field) // size
    cut = field[: count * size, : count * size]
    return cut.reshape(count, size, count, size).mean(axis=(1, 3))


def fluctuation(clear: np.ndarray) -> np.ndarray:
    """Density about its mean, to first order in the transmittance."""
    return -LOG10_E * (clear / clear.mean() - 1.0)


def radial_spectrum(field: np.ndarray, pitch_um: float, edges_per_mm: np.ndarray) -> np.ndarray:
    """Spectral density in rings of frequency, density squared times square µm."""
    power = np.abs(np.fft.rfft2(field)) ** 2 * pitch_um**2 / field.size
    rows = np.fft.fftfreq(len(field), pitch_um / 1000.0)
    cols = np.fft.rfftfreq(len(field), pitch_um / 1000.0)
    distance = np.hypot(rows[:, None], cols)
    total = np.histogram(distance, edges_per_mm, weights=power)[0]
    return total / np.histogram(distance, edges_per_mm)[0]


def single(size_um: float, rms: float) -> Grain:
    return Grain(
        rms_coefficients=((rms,),), d_min=(0.0,), net_range=((0.0, 3.0),), size_um=(size_um,)
    )


@pytest.mark.parametrize("cover", [0.3, 1.2, 2.3])
def test_discs_let_through_the_light_that_the_model_says(cover):
    clear = thrown_discs(cover, radius_px=5.0, side=1500, seed=1)

    assert clear.mean() == pytest.approx(math.exp(-cover), rel=0.03)


def test_small_discs_have_the_granularity_of_nutting_s_formula():
    """For few discs the law is s^2 A = 0.434 D a, with a the area of a disc."""
    integral, _ = moments(0.01)

    assert LOG10_E**2 * integral == pytest.approx(LOG10_E * (0.01 * LOG10_E) * math.pi, rel=0.01)


@pytest.mark.parametrize(("name", "density"), [("tri-x-400", 1.0), ("delta-3200", 0.6)])
def test_discs_of_the_radius_that_a_stock_s_granularity_asks_for_have_it(name, density):
    """Read through squares of 12 µm: discs are so small that only the area counts (Selwyn)."""
    record = load_film(name, scanner="none").grain
    rms = float(np.polynomial.polynomial.polyval(math.sqrt(density), record.rms_coefficients[0]))
    radius_um = radius_um_of(rms, density)
    pitch_um = radius_um / 2.5

    clear = thrown_discs(density / LOG10_E, radius_px=2.5, side=2400, seed=2)
    squares_px = round(12.0 / pitch_um)
    readings = means_of_squares(fluctuation(clear), squares_px)

    assert 0.2 < radius_um < 1.0
    assert readings.size > 1000
    area_um2 = (squares_px * pitch_um) ** 2
    assert readings.std() * math.sqrt(area_um2 / APERTURE_UM2) == pytest.approx(rms, rel=0.08)


@pytest.mark.parametrize("cover", [0.5, 1.5])
def test_gaussian_field_has_the_variance_and_the_spectrum_of_the_discs(cover):
    """Dye clouds of 5 µm: through 48 µm, through pixels of 6 µm, and up to 60 cycles/mm."""
    radius_um, side = 5.0, 3000
    integral, mean_square = moments(cover)
    rms = LOG10_E * radius_um * math.sqrt(integral / APERTURE_UM2)
    size_um = radius_um * math.sqrt(mean_square) / 2.0
    # So large a size is not far below the aperture, which reads less of the discs and of the field.
    seen = math.sqrt(APERTURE_UM2 / grain.spectral_density_um2(size_um))
    record = single(size_um, 1.0)

    discs = fluctuation(thrown_discs(cover, radius_um, side, seed=3))
    field = (
        rms * seen * grain_noise(NUMPY, record, rows=side, cols=side, pixel_pitch_um=1.0, seed=3)[0]
    )

    for size in (48, 6):
        ours, slow = (means_of_squares(noise, size).std() for noise in (field, discs))
        assert ours == pytest.approx(slow, rel=0.06)
    edges = np.array([2.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    ours, slow = (radial_spectrum(noise, 1.0, edges) for noise in (field, discs))
    np.testing.assert_allclose(ours, slow, rtol=0.15)


@pytest.mark.parametrize("pixel_pitch_um", [3.0, 6.0, 12.0])
def test_grain_is_not_patterned(pixel_pitch_um):
    """No line of the spectrum stands out of the filter's by more than chance gives."""
    side, size_um = 1024, 2.8
    noise = grain_noise(
        NUMPY, single(size_um, 1.0), rows=side, cols=side, pixel_pitch_um=pixel_pitch_um, seed=5
    )[0]
    taps = np.array(grain.shaping_taps(size_um, pixel_pitch_um))
    orders = np.arange(1, len(taps))

    def transfer(frequency: np.ndarray) -> np.ndarray:
        return taps[0] + 2.0 * np.cos(2.0 * np.pi * np.outer(frequency, orders)) @ taps[1:]

    shape = np.outer(transfer(np.fft.fftfreq(side)), transfer(np.fft.rfftfreq(side))) ** 2
    power = np.abs(np.fft.rfft2(noise.astype(np.float64))) ** 2 / side**2
    strong = shape > 1e-2 * shape.max()
    strong[0, 0] = strong[:, 0] = strong[:, -1] = False

    lines = power[strong] / shape[strong]
    assert lines.max() < math.log(lines.size) + 7.0
    assert lines.mean() == pytest.approx(1.0, abs=0.01)

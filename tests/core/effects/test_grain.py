"""Laws of grain.

A record whose grain is far smaller than a pixel leaves the white noise unshaped: with it the
tests see the numbers that come out of the hash.
"""

import dataclasses
import math

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, special, stats

from phos_core.effects import grain
from phos_core.effects.grain import Grain, add_grain, grain_noise

APERTURE_UM = 48.0
NUMPY = np.zeros(1, dtype=np.float32)
THREE_LAYERS = Grain(
    rms_coefficients=((0.004, 0.02, -0.01), (0.005, 0.015, -0.008), (0.012,)),
    d_min=(0.2, 0.6, 0.9),
    net_range=((0.0, 1.8), (0.0, 1.8), (0.0, 2.0)),
    size_um=(2.8, 2.8, 3.4),
)


def alike(layers: int, size_um: float, rms: float = 0.01) -> Grain:
    return Grain(
        rms_coefficients=((rms,),) * layers,
        d_min=(0.0,) * layers,
        net_range=((0.0, 3.0),) * layers,
        size_um=(size_um,) * layers,
    )


def with_grain(density, params: Grain, **place):
    """A density with its frame's grain."""
    _, rows, cols = density.shape
    noise = grain_noise(density, params, rows=rows, cols=cols, **place)
    return add_grain(density, noise, params)


def white_noise(size: int, **place: int) -> np.ndarray:
    """The hash's normal numbers, scaled to unit variance."""
    place = {"seed": 11} | place
    noise = grain_noise(
        NUMPY, alike(1, 0.001), rows=size, cols=size, pixel_pitch_um=APERTURE_UM, **place
    )
    return noise[0].astype(np.float64) / math.sqrt(math.pi / 4.0)


def aperture(pixel_pitch_um: float) -> np.ndarray:
    """A disc of 48 µm in pixels, each weighted by the share of it that the disc covers."""
    reach = math.ceil(APERTURE_UM / 2.0 / pixel_pitch_um + 0.5)
    fine, size = 33, 2 * reach + 1
    steps = ((np.arange(size * fine) + 0.5) / fine - size / 2) * pixel_pitch_um
    inside = np.hypot(steps[:, None], steps) <= APERTURE_UM / 2.0
    weights = inside.reshape(size, fine, size, fine).mean(axis=(1, 3))
    return weights / weights.sum()


def response_to_grain(pixel_pitch_um: float, size_um: float) -> float:
    """RMS that an aperture made of pixels reads, over that of a true disc, for such grain.

    The pixels at the rim make the disc larger and soft, so that it averages more grain. Both
    integrals are over the film's spectrum, independently of how the noise is made.
    """
    frequency = np.linspace(-0.25, 0.25, 1001)
    spectrum = np.exp(-((2.0 * np.pi * size_um * frequency) ** 2))
    weights = aperture(pixel_pitch_um)
    reach = weights.shape[0] // 2
    phase = 2.0 * np.pi * np.outer(frequency, np.arange(-reach, reach + 1)) * pixel_pitch_um
    pixel = np.sinc(frequency * pixel_pitch_um)[:, None] * np.cos(phase)
    pixels = (pixel @ weights @ pixel.T) ** 2 * np.outer(spectrum, spectrum)
    distance = np.maximum(np.hypot(frequency[:, None], frequency), 1e-9)
    argument = np.pi * APERTURE_UM * distance
    disc = (2.0 * special.j1(argument) / argument) ** 2 * np.outer(spectrum, spectrum)
    return math.sqrt(pixels.sum() / disc.sum())


def lowbias32(x: int) -> int:
    """The published hash, in unsigned 32-bit arithmetic."""
    x ^= x >> 16
    x = x * 0x7FEB352D % 2**32
    x ^= x >> 15
    x = x * 0x846CA68B % 2**32
    return x ^ x >> 16


# What comes out of the hash.


def test_hash_is_the_same_to_the_bit_in_every_library():
    window = (range(-3, 40), range(-5, 60), (0x9ABCDEF0, 0x12345678))

    in_numpy = grain._hash(NUMPY, *window)
    in_strict = grain._hash(array_api_strict.asarray(NUMPY), *window)

    assert in_numpy.dtype == np.int32
    np.testing.assert_array_equal(in_numpy, np.asarray(in_strict))


@settings(max_examples=50)
@given(
    row=st.integers(-1000, 100_000),
    col=st.integers(-1000, 100_000),
    row_key=st.integers(0, 2**32 - 1),
    col_key=st.integers(0, 2**32 - 1),
)
def test_hash_is_that_of_unsigned_arithmetic(row, col, row_key, col_key):
    expected = lowbias32(lowbias32((row % 2**32) ^ row_key) ^ lowbias32((col % 2**32) ^ col_key))

    hashed = grain._hash(NUMPY, range(row, row + 1), range(col, col + 1), (row_key, col_key))

    assert hashed.view(np.uint32)[0, 0] == expected


def test_white_noise_is_normal():
    noise = white_noise(1500).ravel()

    standard_error = 1.0 / math.sqrt(noise.size)
    assert abs(noise.mean()) < 4.0 * standard_error
    assert noise.var() == pytest.approx(1.0, abs=4.0 * math.sqrt(2.0) * standard_error)
    assert stats.skew(noise) == pytest.approx(0.0, abs=4.0 * math.sqrt(6.0) * standard_error)
    assert stats.kurtosis(noise) == pytest.approx(0.0, abs=4.0 * math.sqrt(24.0) * standard_error)
    assert stats.kstest(noise, "norm").statistic < 1.95 * standard_error
    assert (np.abs(noise) > 4.0).mean() == pytest.approx(2.0 * stats.norm.sf(4.0), rel=0.3)


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("cols", [-3, -2, -1, 0, 1, 2, 3])
def test_white_noise_owes_nothing_to_its_neighbours(rows, cols):
    noise = white_noise(700)
    here = noise[100:600, 100:600]
    there = noise[100 + rows : 600 + rows, 100 + cols : 600 + cols]
    itself = float(rows == 0 and cols == 0)

    assert (here * there).mean() == pytest.approx(itself, abs=4.0 / 500)
    squares = (here**2 - 1.0) * (there**2 - 1.0)
    assert squares.mean() == pytest.approx(2.0 * itself, abs=4.0 * 2.0 / 500 * (1 + 6 * itself))


def test_white_noise_has_a_flat_spectrum_without_lines():
    power = np.abs(np.fft.rfft2(white_noise(1024)))[1:, 1:-1] ** 2 / 1024**2

    assert power.max() < math.log(power.size) + 7.0
    for axis in (0, 1):
        along = power.mean(axis=axis)
        assert np.abs(along - 1.0).max() < 5.5 / math.sqrt(power.shape[axis])


def test_no_row_or_column_of_white_noise_resembles_another():
    noise = white_noise(800)

    for lines in (noise, noise.T):
        correlation = lines @ lines.T / lines.shape[1]
        np.fill_diagonal(correlation, 0.0)
        assert np.abs(correlation).max() < 6.5 / math.sqrt(lines.shape[1])


@pytest.mark.parametrize("other", [{"seed": 12}, {"seed": 11 + 2**32}, {"frame": 1}])
def test_another_seed_or_frame_is_another_noise(other):
    correlation = (white_noise(500) * white_noise(500, **other)).mean()

    assert abs(correlation) < 4.0 / 500


def test_layers_have_their_own_noise():
    noise = grain_noise(NUMPY, alike(3, 0.001), rows=500, cols=500, pixel_pitch_um=12.0, seed=3)

    correlation = np.corrcoef(noise.reshape(3, -1))
    np.testing.assert_allclose(correlation, np.eye(3), atol=4.0 / 500)


# One grain, however it is asked for.


def test_same_seed_is_the_same_grain_exactly(xp):
    density = xp.full((3, 20, 30), 1.0, dtype=xp.float32)

    first = with_grain(density, THREE_LAYERS, pixel_pitch_um=6.0, seed=5, frame=2)
    second = with_grain(density, THREE_LAYERS, pixel_pitch_um=6.0, seed=5, frame=2)

    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


def test_libraries_agree_on_the_grain():
    density = np.linspace(0.0, 3.0, 3 * 40 * 50, dtype=np.float32).reshape(3, 40, 50)
    settings_ = {"pixel_pitch_um": 6.0, "seed": 5, "row_start": 1001, "col_start": -7}

    in_numpy = with_grain(density, THREE_LAYERS, **settings_)
    in_strict = with_grain(array_api_strict.asarray(density), THREE_LAYERS, **settings_)

    assert in_strict.dtype == array_api_strict.float32
    np.testing.assert_allclose(in_numpy, np.asarray(in_strict), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_the_dtype_and_leaves_its_argument_alone(xp, dtype):
    density = xp.ones((3, 6, 5), dtype=getattr(xp, dtype))

    grainy = with_grain(density, THREE_LAYERS, pixel_pitch_um=6.0, seed=5)

    assert grainy.dtype == density.dtype
    assert grainy.shape == density.shape
    np.testing.assert_array_equal(np.asarray(density), 1.0)


@settings(max_examples=25)
@given(
    top=st.integers(0, 30),
    left=st.integers(0, 40),
    rows=st.integers(1, 20),
    cols=st.integers(1, 20),
    pixel_pitch_um=st.sampled_from([2.0, 6.0, 12.0]),
)
def test_tile_is_the_tile_of_the_whole(top, left, rows, cols, pixel_pitch_um):
    density = np.linspace(0.2, 2.8, 3 * 50 * 60, dtype=np.float32).reshape(3, 50, 60)
    place = {"row_start": 17, "col_start": -20}
    tile = np.s_[:, top : top + rows, left : left + cols]

    whole = with_grain(density, THREE_LAYERS, pixel_pitch_um=pixel_pitch_um, seed=9, **place)
    alone = with_grain(
        density[tile],
        THREE_LAYERS,
        pixel_pitch_um=pixel_pitch_um,
        seed=9,
        row_start=17 + top,
        col_start=-20 + left,
    )

    np.testing.assert_allclose(alone, whole[tile], rtol=0, atol=1e-6)


def test_field_without_pixels_has_no_grain(xp):
    density = xp.zeros((3, 0, 5), dtype=xp.float32)

    assert with_grain(density, THREE_LAYERS, pixel_pitch_um=6.0, seed=1).shape == (3, 0, 5)


# How much of it, and how fine.


@pytest.mark.parametrize("pixel_pitch_um", [3.0, 6.0, 12.0, 24.0])
@pytest.mark.parametrize("size_um", [1.0, 2.8, 5.0])
def test_rms_through_the_aperture_is_one_at_every_pitch(pixel_pitch_um, size_um):
    side = round(3600.0 / pixel_pitch_um)
    noise = grain_noise(
        NUMPY, alike(3, size_um), rows=side, cols=side, pixel_pitch_um=pixel_pitch_um, seed=21
    )

    readings = [
        signal.fftconvolve(plane.astype(np.float64), aperture(pixel_pitch_um), mode="valid")
        for plane in noise
    ]

    rms = np.std(readings) / response_to_grain(pixel_pitch_um, size_um)
    assert rms == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("size_um", [0.3, 2.8, 12.0])
def test_pixels_averaged_in_fours_are_pixels_of_twice_the_pitch(size_um):
    record = alike(3, size_um)
    fine = grain_noise(NUMPY, record, rows=800, cols=800, pixel_pitch_um=5.0, seed=1)
    coarse = grain_noise(NUMPY, record, rows=400, cols=400, pixel_pitch_um=10.0, seed=2)
    binned = fine.reshape(3, 400, 2, 400, 2).mean(axis=(2, 4))

    def covariance(noise: np.ndarray, rows: int, cols: int) -> float:
        size = noise.shape[1]
        return float((noise[:, rows:, cols:] * noise[:, : size - rows, : size - cols]).mean())

    slack = 0.015 * covariance(coarse, 0, 0) * max(1.0, size_um / 4.0)
    for rows, cols in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2)]:
        expected = covariance(coarse, rows, cols)
        assert covariance(binned, rows, cols) == pytest.approx(expected, abs=slack)


@pytest.mark.parametrize("size_um", [0.05, 0.7, 2.8, 10.0, 40.0])
def test_spectral_density_is_the_one_that_the_aperture_integral_asks_for(size_um):
    frequency = np.linspace(0.0, 6.0, 2_000_001)[1:]
    argument = np.pi * APERTURE_UM * frequency
    disc = (2.0 * special.j1(argument) / argument) ** 2
    spectrum = np.exp(-((2.0 * np.pi * size_um * frequency) ** 2))
    seen = float((spectrum * disc * 2.0 * np.pi * frequency).sum() * frequency[0])

    assert grain.spectral_density_um2(size_um) * seen == pytest.approx(1.0, rel=5e-3)


def test_mean_density_is_kept():
    density = np.full((3, 600, 600), 1.3, dtype=np.float32)

    grainy = with_grain(density, THREE_LAYERS, pixel_pitch_um=12.0, seed=4)

    for plane in grainy - density:
        assert abs(plane.mean()) < 4.0 * 1.5 * plane.std() / 600


def test_grain_is_as_strong_as_the_record_says_at_each_density():
    record = Grain(
        rms_coefficients=((0.004, 0.02, -0.01),),
        d_min=(0.2,),
        net_range=((0.0, 1.8),),
        size_um=(2.8,),
    )
    unit = grain_noise(NUMPY, record, rows=30, cols=40, pixel_pitch_um=6.0, seed=8)

    for density in (0.2, 0.7, 1.2, 2.0):
        plane = np.full((1, 30, 40), density, dtype=np.float32)
        net = density - 0.2
        rms = 0.004 + 0.02 * np.sqrt(net) - 0.01 * net
        grainy = with_grain(plane, record, pixel_pitch_um=6.0, seed=8)
        np.testing.assert_allclose(grainy - plane, rms * unit, atol=1e-6)


def test_beyond_the_net_range_grain_stays_as_at_its_end():
    def fluctuation(density: float) -> np.ndarray:
        plane = np.full((3, 10, 10), density, dtype=np.float32)
        return with_grain(plane, THREE_LAYERS, pixel_pitch_um=6.0, seed=8) - plane

    np.testing.assert_allclose(fluctuation(-1.0), fluctuation(0.2), atol=1e-6)
    np.testing.assert_allclose(fluctuation(2.9), fluctuation(5.0), atol=1e-6)


def test_no_grain_where_the_record_has_none():
    density = np.full((1, 20, 20), 0.8, dtype=np.float32)

    grainy = with_grain(density, alike(1, 2.8, rms=0.0), pixel_pitch_um=6.0, seed=8)

    np.testing.assert_array_equal(grainy, density)


# What is refused.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rms_coefficients": ()}, "at least one layer"),
        ({"d_min": (0.2,)}, "d_min must have one entry for each of the 3 layers.* got 1"),
        ({"size_um": (2.8, 0.0, 3.4)}, "size_um must be a positive length in µm, got 0.0"),
        ({"net_range": ((0.0, 1.0), (1.0, 0.5), (0.0, 1.0))}, r"got \(1.0, 0.5\)"),
        ({"net_range": ((-0.1, 1.0), (0.0, 1.0), (0.0, 1.0))}, r"from 0 up, got \(-0.1, 1.0\)"),
        ({"rms_coefficients": ((0.01,), (), (0.01,))}, "at least one coefficient"),
        ({"rms_coefficients": ((0.01,), (0.01, -0.02), (0.01,))}, "must not be negative"),
    ],
)
def test_refuses_what_is_no_grain(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(THREE_LAYERS, **change)


def test_refuses_a_density_of_another_number_of_layers():
    with pytest.raises(ValueError, match=r"must have 3 layers.*got shape \(1, 4, 4\)"):
        with_grain(np.ones((1, 4, 4), np.float32), THREE_LAYERS, pixel_pitch_um=6.0, seed=1)


@pytest.mark.parametrize("pixel_pitch_um", [0.0, -1.0, float("nan")])
def test_refuses_a_pixel_without_a_width(pixel_pitch_um):
    with pytest.raises(ValueError, match="pixel_pitch_um must be a positive length"):
        grain_noise(NUMPY, THREE_LAYERS, rows=2, cols=2, pixel_pitch_um=pixel_pitch_um, seed=1)

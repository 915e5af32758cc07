"""Laws of the emulsion's scatter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phos_core.effects.scatter import Scatter, scatter_mtf, scatter_psfs

THREE_LAYERS = Scatter(
    layers=(
        ((0.7, 5.0), (0.3, 18.0)),
        ((0.8, 4.0), (0.2, 14.0)),
        ((1.0, 3.0),),
    )
)


def rms_radius(samples: np.ndarray) -> float:
    """Root mean square distance from the centre, in pixels."""
    reach = samples.shape[0] // 2
    position = np.arange(-reach, reach + 1.0)
    return float(np.sqrt((samples * (position[:, None] ** 2 + position**2)).sum()))


def test_gives_each_layer_its_own_psf():
    red, green, blue = (
        rms_radius(psf.samples()) for psf in scatter_psfs(THREE_LAYERS, pixel_pitch_um=3.0)
    )

    assert red > green > blue


@settings(max_examples=25)
@given(
    sigma_um=st.floats(0.5, 60.0),
    weight=st.floats(0.0, 1.0),
    pixel_pitch_um=st.floats(2.0, 40.0),
)
def test_moves_light_and_neither_adds_nor_takes_any(sigma_um, weight, pixel_pitch_um):
    params = Scatter(layers=(((weight, sigma_um), (1.0 - weight, 2.0 * sigma_um)),))

    (psf,) = scatter_psfs(params, pixel_pitch_um=pixel_pitch_um)

    assert psf.samples().sum() == pytest.approx(1.0, abs=1e-6)
    assert psf.samples().min() >= 0.0


def test_keeps_a_pictures_energy(xp, convolve):
    exposure = np.zeros((3, 12, 17), dtype=np.float32)
    exposure[:, 0, 0], exposure[:, 6, 9] = 100.0, 1000.0

    scattered = convolve(
        xp.asarray(exposure), list(scatter_psfs(THREE_LAYERS, pixel_pitch_um=12.0))
    )

    assert np.asarray(scattered).sum() == pytest.approx(exposure.sum(), rel=1e-4)


@pytest.mark.parametrize("pixel_pitch_um", [1.5, 3.0, 6.0, 12.0])
def test_spreads_over_the_same_length_of_film_at_every_pitch(pixel_pitch_um):
    params = Scatter(layers=(((1.0, 15.0),),))

    (psf,) = scatter_psfs(params, pixel_pitch_um=pixel_pitch_um)

    pixels_own = pixel_pitch_um**2 / 6.0
    scattered = (rms_radius(psf.samples()) * pixel_pitch_um) ** 2 - pixels_own
    assert np.sqrt(scattered / 2.0) == pytest.approx(15.0, rel=1e-3)


def test_psf_at_a_fine_pitch_has_the_closed_forms_mtf():
    frequency_per_mm = np.array([0.0, 5.0, 20.0, 50.0, 80.0])
    pixel_pitch_um = 0.5

    psfs = scatter_psfs(THREE_LAYERS, pixel_pitch_um=pixel_pitch_um)

    cycles_per_pixel = frequency_per_mm * pixel_pitch_um / 1000.0
    pixels_own = np.sinc(cycles_per_pixel)
    measured = [psf.transfer([0.0], cycles_per_pixel)[0] / pixels_own for psf in psfs]
    np.testing.assert_allclose(measured, scatter_mtf(THREE_LAYERS, frequency_per_mm), atol=1e-5)


def test_mtf_of_one_gaussian_falls_to_a_half_where_its_formula_says():
    sigma_mm = 0.010
    half = np.sqrt(np.log(2.0) / 2.0) / (np.pi * sigma_mm)

    mtf = scatter_mtf(Scatter(layers=(((1.0, 10.0),),)), [0.0, half])

    np.testing.assert_allclose(mtf, [[1.0, 0.5]], rtol=1e-12)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "at least one layer"),
        (((),), r"layers\[0\] must hold at least one"),
        ((((1.0, 5.0),), ((0.5, 5.0), (0.4, 9.0))), r"layers\[1\] must sum to 1, got 0.9"),
        ((((1.0, 0.0),),), "sigma_um of layers.* got 0.0"),
        ((((1.0, float("nan")),),), "sigma_um"),
        ((((1.5, 5.0), (-0.5, 9.0)),), "must not be negative, got -0.5"),
    ],
)
def test_refuses_what_is_no_scatter(layers, message):
    with pytest.raises(ValueError, match=message):
        Scatter(layers=layers)


@pytest.mark.parametrize("pixel_pitch_um", [0.0, -6.0, float("inf")])
def test_refuses_a_pixel_without_a_width(pixel_pitch_um):
    with pytest.raises(ValueError, match="pixel_pitch_um must be a positive length"):
        scatter_psfs(THREE_LAYERS, pixel_pitch_um=pixel_pitch_um)

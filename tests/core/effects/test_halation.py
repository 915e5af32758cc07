"""Laws of halation."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from phos_core.effects import halation
from phos_core.effects.halation import Halation, base_return, halation_psfs, halation_reach_um

BARE_BASE = Halation(
    coupling=(0.25, 0.08, 0.0),
    base_thickness_um=122.0,
    base_index=1.48,
    antihalation_density=0.0,
)
FORWARD = dataclasses.replace(BARE_BASE, forward_exponent=6.0)
SOFT = dataclasses.replace(BARE_BASE, forward_exponent=4.0, spread_um=40.0)


def with_antihalation(density: float) -> Halation:
    return dataclasses.replace(BARE_BASE, antihalation_density=density)


def encircled_radii_um(params: Halation, pixel_pitch_um: float) -> np.ndarray:
    """Distances within which 10, 50 and 90 % of the red layer's returned light falls, uncut."""
    samples = halation_psfs(params, pixel_pitch_um=pixel_pitch_um)[0].samples().copy()
    reach = samples.shape[0] // 2
    samples[reach, reach] = 0.0
    position = np.arange(-reach, reach + 1)
    distance_um = pixel_pitch_um * np.hypot(position[:, None], position).ravel()
    order = np.argsort(distance_um)
    energy = np.cumsum(samples.ravel()[order])
    within_reach = 0.99
    return np.interp([0.1, 0.5, 0.9], within_reach * energy / energy[-1], distance_um[order])


def halo_profile(params: Halation, pixel_pitch_um: float) -> tuple[np.ndarray, np.ndarray]:
    """Distance in µm and returned light along a radius of a disc of light, 240 µm across."""
    psf = halation_psfs(params, pixel_pitch_um=pixel_pitch_um)[0]
    size = round(3600.0 / pixel_pitch_um) | 1
    fine = 9
    steps = (np.arange(size * fine) + 0.5) / fine - size / 2
    inside = np.hypot(steps[:, None], steps) * pixel_pitch_um <= 120.0
    disc = inside.reshape(size, fine, size, fine).mean(axis=(1, 3))
    frequency = np.fft.fftfreq(size)
    lit = np.fft.ifft2(np.fft.fft2(disc) * psf.transfer(frequency, frequency)).real
    centre = np.arange(size) - size // 2
    outward = centre >= 0
    return centre[outward] * pixel_pitch_um, lit[size // 2][outward]


def half_width_um(params: Halation, pixel_pitch_um: float) -> float:
    """Distance at which the halo has fallen to half of its level beside the disc."""
    distance_um, lit = halo_profile(params, pixel_pitch_um)
    halo = distance_um >= 180.0
    level = np.interp(200.0, distance_um, lit) / 2.0
    return float(np.interp(-level, -lit[halo], distance_um[halo]))


@pytest.mark.parametrize("pixel_pitch_um", [4.0, 12.0, 36.0, 400.0])
@pytest.mark.parametrize("params", [BARE_BASE, FORWARD, SOFT, with_antihalation(0.5)])
def test_flat_field_stays_as_it_was(params, pixel_pitch_um):
    for psf in halation_psfs(params, pixel_pitch_um=pixel_pitch_um):
        assert psf.samples().sum() == pytest.approx(1.0, abs=1e-9)
        assert psf.samples().min() >= -1e-15


def test_is_linear_however_bright_the_light(xp, convolve):
    params = dataclasses.replace(FORWARD, base_thickness_um=40.0)
    psfs = list(halation_psfs(params, pixel_pitch_um=24.0))
    exposure = np.full((3, 15, 15), 0.18, dtype=np.float32)
    lamp = np.zeros_like(exposure)
    lamp[:, 7, 7] = 1000.0

    together = convolve(xp.asarray(exposure + lamp), psfs)

    apart = np.asarray(convolve(xp.asarray(exposure), psfs)) + np.asarray(
        convolve(xp.asarray(lamp), psfs)
    )
    np.testing.assert_allclose(np.asarray(together), apart, rtol=1e-5)


@pytest.mark.parametrize(("density", "share"), [(0.0, 0.584), (0.3, 0.0458), (1.0, 0.000391)])
def test_base_returns_the_share_that_reflection_and_antihalation_leave(density, share):
    assert base_return(with_antihalation(density)) == pytest.approx(share, rel=2e-3)


def test_diffuse_light_returns_by_the_known_internal_reflectance():
    """For diffuse light, 1 - (1 - R) / n², R the reflectance from outside."""
    sine = np.sqrt((np.arange(200_000) + 0.5) / 200_000)
    outside, index = np.sqrt(1.0 - sine**2), 1.48
    inside = np.sqrt(1.0 - (sine / index) ** 2)
    perpendicular = ((outside - index * inside) / (outside + index * inside)) ** 2
    parallel = ((index * outside - inside) / (index * outside + inside)) ** 2
    from_outside = ((perpendicular + parallel) / 2.0).mean()

    expected = 1.0 - (1.0 - from_outside) / index**2
    assert base_return(BARE_BASE) == pytest.approx(expected, rel=1e-4)


def test_ring_begins_at_the_critical_angle():
    onset_um = 2.0 * 122.0 * math.tan(math.asin(1.0 / 1.48))
    samples = halation_psfs(BARE_BASE, pixel_pitch_um=2.0)[0].samples()
    reach = samples.shape[0] // 2
    outward = samples[reach, reach:]

    steepest_um = 2.0 * (np.argmax(np.diff(outward[20:])) + 20.5)

    assert onset_um == pytest.approx(224.0, abs=0.5)
    assert steepest_um == pytest.approx(onset_um, abs=6.0)
    assert outward[120] > 5.0 * outward[80]


@pytest.mark.parametrize(
    ("density", "radii_um"),
    [(0.0, (232.0, 380.0, 980.0)), (0.3, (199.0, 280.0, 450.0))],
)
def test_returned_light_falls_where_the_formula_says(density, radii_um):
    measured = encircled_radii_um(with_antihalation(density), pixel_pitch_um=4.0)

    np.testing.assert_allclose(measured, radii_um, rtol=0.02)


def test_forward_scatter_fills_the_ring():
    def core_to_ring(params: Halation) -> float:
        samples = halation_psfs(params, pixel_pitch_um=6.0)[0].samples()
        reach = samples.shape[0] // 2
        return float(samples[reach, reach + 10] / samples[reach, reach + 40])

    assert core_to_ring(BARE_BASE) < 0.2
    assert core_to_ring(FORWARD) > 0.6


@pytest.mark.parametrize(("f_number", "radius_um"), [(1.4, 60.7), (5.6, 14.7)])
def test_light_that_is_not_scattered_returns_within_the_lens_s_cone(f_number, radius_um):
    """2 t tan of the cone's half-angle in the base, whose sine is 1 / (2 N n); evenly lit."""
    specular = dataclasses.replace(BARE_BASE, specular_share=1.0, f_number=f_number)
    edges_um, energy = halation._rings(specular)

    cumulative = np.concatenate(([0.0], np.cumsum(energy))) / base_return(specular)

    assert np.interp(0.98, cumulative, edges_um) == pytest.approx(
        math.sqrt(0.98) * radius_um, rel=0.01
    )
    assert np.interp(0.25, cumulative, edges_um) == pytest.approx(radius_um / 2.0, rel=0.03)


def test_light_that_is_not_scattered_returns_by_the_reflectance_at_normal_incidence():
    narrow = dataclasses.replace(BARE_BASE, specular_share=1.0, f_number=8.0)

    assert base_return(narrow) == pytest.approx((0.48 / 2.48) ** 2, rel=1e-3)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_scattered_and_unscattered_light_add_up(share):
    blend = dataclasses.replace(BARE_BASE, specular_share=share)
    unscattered = dataclasses.replace(BARE_BASE, specular_share=1.0)

    expected = (1.0 - share) * base_return(BARE_BASE) + share * base_return(unscattered)

    assert base_return(blend) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("params", [BARE_BASE, SOFT, FORWARD])
def test_flat_field_gains_exactly_the_reflectance_before_normalising(params):
    """Of the law's integral by quadrature, apart from how the rings are made."""
    angle = (np.arange(200_000) + 0.5) * (math.pi / 2.0) / 200_000
    sine, cosine = np.sin(angle), np.cos(angle)
    outside = np.sqrt(np.maximum(1.0 - (1.48 * sine) ** 2, 0.0))
    fresnel = (
        ((1.48 * cosine - outside) / (1.48 * cosine + outside)) ** 2
        + ((cosine - 1.48 * outside) / (cosine + 1.48 * outside)) ** 2
    ) / 2.0
    power = params.forward_exponent
    law = (power + 2.0) * sine * cosine ** (power + 1.0) * fresnel
    returned = float(law.sum() * (math.pi / 2.0) / 200_000)

    gain = halation._layer_returns(params)[0]
    samples = halation_psfs(params, pixel_pitch_um=4.0)[0].samples()
    middle = samples.shape[0] // 2

    assert gain == pytest.approx(0.25 * returned, rel=1e-3)
    # A pixel of 4 µm holds the direct light and less than a thousandth of what returns.
    assert 1.0 / samples[middle, middle] - 1.0 == pytest.approx(gain, rel=2e-3)


@pytest.mark.parametrize("params", [BARE_BASE, FORWARD, SOFT])
def test_halo_of_a_disc_is_as_wide_at_half_the_resolution(params):
    assert half_width_um(params, 24.0) == pytest.approx(half_width_um(params, 12.0), rel=0.02)


@pytest.mark.parametrize("params", [BARE_BASE, FORWARD, SOFT])
def test_halo_of_a_disc_is_as_bright_at_half_the_resolution(params):
    distance_um, fine = halo_profile(params, 12.0)
    coarse = np.interp(distance_um, *halo_profile(params, 24.0))
    halo = (distance_um >= 180.0) & (distance_um <= halation_reach_um(params))

    assert np.abs(coarse - fine)[halo].max() <= 0.03 * fine[halo].max()


def test_spread_softens_the_ring_and_keeps_its_light():
    spread = dataclasses.replace(BARE_BASE, spread_um=60.0)
    sharp, soft = (
        halation_psfs(params, pixel_pitch_um=6.0)[0].samples() for params in (BARE_BASE, spread)
    )

    def steepest(samples: np.ndarray) -> float:
        centre = samples.shape[0] // 2
        return float(np.diff(samples[centre, centre + 10 :]).max())

    assert steepest(soft) < steepest(sharp) / 4.0
    assert soft.sum() == pytest.approx(sharp.sum(), abs=1e-12)


def test_base_twice_as_thick_gives_a_halo_twice_as_wide():
    thick = dataclasses.replace(FORWARD, base_thickness_um=244.0)

    assert halation_reach_um(thick) == pytest.approx(2.0 * halation_reach_um(FORWARD))
    np.testing.assert_allclose(
        halation_psfs(thick, pixel_pitch_um=24.0)[0].samples(),
        halation_psfs(FORWARD, pixel_pitch_um=12.0)[0].samples(),
        atol=1e-9,
    )


@pytest.mark.parametrize("params", [BARE_BASE, SOFT])
def test_psf_reaches_as_far_as_it_says(params):
    radius, _ = halation_psfs(params, pixel_pitch_um=12.0)[0].radius

    assert radius * 12.0 == pytest.approx(halation_reach_um(params), abs=18.0)


def test_light_returns_to_red_first_and_not_at_all_to_an_uncoupled_layer():
    red, green, blue = halation_psfs(BARE_BASE, pixel_pitch_um=12.0)
    direct = [psf.samples()[psf.radius[0], psf.radius[1]] for psf in (red, green, blue)]

    returned = base_return(BARE_BASE)
    assert 1.0 - direct[0] == pytest.approx(0.25 * returned / (1.0 + 0.25 * returned), rel=1e-2)
    assert 1.0 - direct[0] > 2.5 * (1.0 - direct[1]) > 0.0
    assert blue.is_delta


def test_antihalation_takes_the_halo_away():
    densities = [0.0, 0.3, 0.6, 1.0, 2.0]
    returned = [base_return(with_antihalation(density)) for density in densities]

    assert all(less < more / 5.0 for more, less in itertools.pairwise(returned))
    assert all(psf.is_delta for psf in halation_psfs(with_antihalation(4.0), pixel_pitch_um=6.0))
    assert halation_reach_um(with_antihalation(4.0)) == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coupling": ()}, "coupling must hold"),
        ({"coupling": (0.2, -0.1, 0.0)}, "coupling .* got -0.1"),
        ({"base_thickness_um": 0.0}, "base_thickness_um .* got 0.0"),
        ({"base_index": 1.0}, "base_index must be more than 1"),
        ({"antihalation_density": -0.3}, "antihalation_density .* got -0.3"),
        ({"forward_exponent": float("nan")}, "forward_exponent .* got nan"),
        ({"spread_um": -1.0}, "spread_um .* got -1.0"),
        ({"specular_share": 1.1}, "specular_share must be from 0 to 1, got 1.1"),
        ({"specular_share": float("nan")}, "specular_share .* got nan"),
        ({"f_number": 0.4}, "f_number must be 0.5 or more, got 0.4"),
    ],
)
def test_refuses_what_is_no_halation(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(BARE_BASE, **change)


def test_refuses_a_pixel_without_a_width():
    with pytest.raises(ValueError, match="pixel_pitch_um must be a positive length"):
        halation_psfs(BARE_BASE, pixel_pitch_um=0.0)

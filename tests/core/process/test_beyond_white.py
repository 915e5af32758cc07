"""Laws of light beyond a file's white: the base returns it, and it exposes nothing directly."""

import numpy as np
import pytest

import phos_core as phos
from phos_core.effects.halation import returned_shares
from phos_core.process.camera import opening_of
from phos_core.process.pipeline import returned_beyond_white
from phos_core.stocks.loading import load_film

GLOWS = "cinestill-800t"
STILL = {"grain": 0, "backend": "scipy", "pixel_pitch_um": 30.0}


def disc(level, side=121, radius=6):
    """A disc of this code on a dark ground."""
    at = np.hypot(*np.mgrid[:side, :side] - side // 2)
    picture = np.full((side, side, 3), 30, np.uint8)
    picture[at <= radius] = level
    return picture


def ring(positive, side=121):
    """Mean codes (3,) 300 µm outside the disc's edge."""
    at = np.hypot(*np.mgrid[:side, :side] - side // 2)
    return positive[np.abs(at - 16.0) < 1.0].mean(axis=0)


def test_a_clipped_lamp_glows_the_more_the_brighter_it_was():
    reds = [
        ring(phos.develop(disc(255), GLOWS, highlights_stops=stops, **STILL))[0]
        for stops in (0.0, 1.5, 4.0, 8.0)
    ]

    assert (np.diff(reds) > 0.0).all()
    assert reds[-1] > reds[0] + 60.0


@pytest.mark.parametrize("mode", ["full", "texture"])
def test_light_beyond_white_changes_nothing_where_nothing_was_clipped(mode):
    plain, bright = (
        phos.develop(disc(200), GLOWS, highlights_stops=stops, mode=mode, **STILL)
        for stops in (0.0, 1.5)
    )

    np.testing.assert_allclose(plain.astype(int), bright.astype(int), atol=1)


def test_texture_glows_too():
    plain, bright = (
        phos.develop(disc(255), GLOWS, highlights_stops=stops, mode="texture", **STILL)
        for stops in (0.0, 8.0)
    )

    assert ring(bright)[0] > ring(plain)[0] + 30.0


def test_linear_light_is_not_clipped_and_is_left_alone():
    scene = disc(255).astype(np.float32) / 50.0

    plain, bright = (
        phos.develop(scene, GLOWS, encoding="linear", highlights_stops=stops, **STILL)
        for stops in (0.0, 8.0)
    )

    np.testing.assert_array_equal(plain, bright)


@pytest.mark.parametrize("name", ["portra-400", "velvia-50", "tri-x-400"])
def test_a_stock_with_a_backing_is_spared_the_step_at_the_default(name):
    assert returned_beyond_white(load_film(name), opening_of(1.5), 6.0) is None
    assert returned_beyond_white(load_film(GLOWS), opening_of(1.5), 6.0) is not None
    assert returned_beyond_white(load_film(GLOWS), opening_of(0.0), 6.0) is None


def test_each_layer_gains_the_share_that_the_base_returns_to_it():
    film = load_film(GLOWS)

    shares, psf = returned_beyond_white(film, opening_of(8.0), 30.0)

    np.testing.assert_allclose(shares, returned_shares(film.halation))
    assert psf.samples().sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("level", [(255, 255, 255), (255, 230, 180), (180, 220, 255)])
def test_the_core_of_a_highlight_keeps_its_colour_however_bright_it_was(level):
    flat = np.full((64, 64, 3), level, np.uint8)

    plain, bright = (
        phos.develop(flat, GLOWS, highlights_stops=stops, **STILL)[32, 32].astype(int)
        for stops in (0.0, 8.0)
    )

    np.testing.assert_allclose(plain, bright, atol=4)


def test_a_warm_lamp_glows_and_red_cloth_and_blue_sky_do_not():
    def gained(level):
        plain, bright = (
            ring(phos.develop(disc(level), GLOWS, highlights_stops=stops, **STILL))[0]
            for stops in (0.0, 8.0)
        )
        return bright - plain

    assert gained((255, 230, 180)) > 3.0 * gained((255, 0, 0))
    assert abs(gained((180, 220, 255))) < 1.0


def test_a_tile_with_a_lamp_is_that_part_of_the_whole():
    picture = disc(255, side=240, radius=9)
    settings = {**STILL, "highlights_stops": 6.0}
    whole = phos.develop(picture.astype(np.float32) / np.float32(255.0), GLOWS, **settings)
    film = load_film(GLOWS)
    reach = int(np.ceil(film.reach_um / 30.0)) + 2

    crop = picture[40:, :].astype(np.float32) / np.float32(255.0)
    part = phos.develop(crop, GLOWS, offset_px=(40, 0), **settings)

    np.testing.assert_allclose(part[reach:], whole[40 + reach :], atol=2e-4)

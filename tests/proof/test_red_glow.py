"""Lamps on an ordinary 8-bit picture of a night: red glow without a backing, none with one."""

import dataclasses

import numpy as np
import pytest

import phos_core as phos

pytestmark = pytest.mark.proof

PITCH_UM = 20.0
NIGHT, LAMP = (30, 32, 44), 255
SIZE, RADIUS_PX = 160, 6.0


def night() -> np.ndarray:
    """A dark sky with a clipped lamp in the middle, a quarter of a millimetre across."""
    steps = np.arange(SIZE) - SIZE / 2 + 0.5
    distance = np.hypot(steps[:, None], steps)
    cover = np.clip(RADIUS_PX + 0.5 - distance, 0.0, 1.0)[..., None]
    return np.round(np.array(NIGHT) * (1.0 - cover) + LAMP * cover).astype(np.uint8)


def glow(name: str, pitch_um: float = PITCH_UM, **replaced: object) -> np.ndarray:
    """What halation adds to the codes, along a radius from a lamp's middle: (pixels, 3).

    The lamp was 7.6 stops brighter than the file's white.
    """
    film = dataclasses.replace(phos.load_film(name), grain=None, **replaced)
    with_halo, without = (
        phos.develop(
            night(), stock, pixel_pitch_um=pitch_um, highlights_stops=7.6, backend="scipy"
        ).astype(int)
        for stock in (film, dataclasses.replace(film, halation=None))
    )
    return (with_halo - without)[SIZE // 2, SIZE // 2 :]


def half_width_px(added: np.ndarray) -> int:
    """Where the red glow has fallen to half of its greatest."""
    red = added[:, 0]
    return int(np.flatnonzero(red > red.max() / 2.0)[-1])


def test_lamp_glows_red_on_a_stock_without_a_backing():
    near = glow("cinestill-800t")[12:18]  # 0.24 to 0.36 mm from the middle

    red, green, blue = near.T
    assert red.min() > 60
    assert green.max() < 0.5 * red.min()
    assert blue.max() < 0.25 * red.min()


def test_the_same_emulsion_on_its_backing_does_not_glow():
    assert np.abs(glow("vision3-500t")).max() <= 1


def test_glow_runs_out_within_a_millimetre_and_a_half():
    added = glow("cinestill-800t")

    assert added[10:, 0].argmax() < 10
    assert np.abs(added[75:]).max() <= 4
    assert (np.diff(added[14:60, 0]) <= 2).all()


def test_glow_is_as_wide_on_the_film_in_any_format():
    """On film twice as large the same picture's lamp is wider, and its glow narrower beside it."""
    small = half_width_px(glow("cinestill-800t")) - RADIUS_PX
    large = half_width_px(glow("cinestill-800t", pitch_um=2.0 * PITCH_UM)) - RADIUS_PX

    assert 0.35 * small < large < 0.75 * small


def test_thicker_base_glows_wider():
    halation = phos.load_film("cinestill-800t").halation
    thick = dataclasses.replace(halation, base_thickness_um=2.0 * halation.base_thickness_um)

    widened = half_width_px(glow("cinestill-800t", halation=thick))

    assert widened > 1.3 * half_width_px(glow("cinestill-800t"))


@pytest.mark.parametrize("name", ["portra-400", "velvia-50", "tri-x-400"])
def test_backed_stocks_of_every_kind_hardly_glow_even_beside_a_lamp_at_night(name):
    assert np.abs(glow(name)).max() <= 0.04 * glow("cinestill-800t").max()

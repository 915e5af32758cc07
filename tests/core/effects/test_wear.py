"""Laws of dust and scratches."""

import numpy as np
import pytest

from phos_core.effects.wear import (
    BLOCKED,
    LARGEST_PITCH_UM,
    OF_PRINT,
    SCRAPED,
    dust_marks,
    let_through,
    scratch_marks,
    worn,
)

PITCH_UM = 10.0


def dust(per_cm2=100.0, side=1000, plane=BLOCKED, seed=1, frame=0, pitch_um=PITCH_UM, start=0):
    pixels = range(start, start + side)
    return list(
        dust_marks(
            per_cm2,
            plane=plane,
            seed=seed,
            frame=frame,
            rows=pixels,
            cols=pixels,
            pitch_um=pitch_um,
        )
    )


def scratches(count=8.0, plane=BLOCKED, seed=1, frame=0, along=range(1000), across=range(1000)):
    return list(
        scratch_marks(
            count,
            plane=plane,
            seed=seed,
            frame=frame,
            across=across,
            along=along,
            pitch_um=PITCH_UM,
            frame_um=(10_000.0, 10_000.0),
            is_upright=True,
        )
    )


def test_there_are_as_many_particles_on_a_square_centimetre_as_asked_for():
    counts = [len(dust(seed=seed)) for seed in range(8)]  # of 1 cm^2, and those at its edges
    assert np.mean(counts) == pytest.approx(104.0, rel=0.12)
    assert dust(per_cm2=0.0) == []
    assert dust(pitch_um=LARGEST_PITCH_UM + 1.0) == []


def test_a_particle_twice_as_wide_is_a_quarter_as_frequent():
    areas = np.array(
        [mark.amount.sum() / mark.amount.max() for s in range(8) for mark in dust(seed=s)]
    )
    widths = np.sqrt(areas) * PITCH_UM
    small, large = (widths > 40.0).sum(), (widths > 80.0).sum()
    assert 2.5 < small / large < 7.0


def test_a_particle_is_as_large_on_the_film_at_every_pitch():
    fine, coarse = dust(side=1000, pitch_um=5.0), dust(side=500, pitch_um=10.0)
    taken = [sum(mark.amount.sum() for mark in marks) for marks in (fine, coarse)]
    assert taken[0] * 25.0 == pytest.approx(taken[1] * 100.0, rel=0.1)


def test_dust_is_never_opaque_beyond_what_light_there_is_and_soft_at_its_edge():
    for mark in dust(seed=3):
        assert 0.0 <= mark.amount.min() <= mark.amount.max() < 1.0
        assert mark.amount.dtype == np.float32
        steps = np.abs(np.diff(mark.amount.astype(np.float64), axis=1))
        assert steps.max(initial=0.0) < 0.75


@pytest.mark.parametrize("find", [dust, scratches])
def test_frames_seeds_and_pieces_of_film_have_marks_of_their_own(find):
    def places(**settings):
        return {(mark.row, mark.col, mark.amount.shape) for mark in find(**settings)}

    assert places() == places()
    assert places() != places(seed=2)
    assert places() != places(plane=OF_PRINT)
    if find is dust:
        assert places() != places(frame=1)


def test_a_part_of_a_frame_has_the_marks_of_the_whole_there():
    whole = np.zeros((1000, 1000))
    for mark in [*dust(), *scratches()]:
        rows, cols = mark.amount.shape
        place = whole[mark.row : mark.row + rows, mark.col : mark.col + cols]
        np.maximum(place, mark.amount, out=place)
    part = np.zeros((300, 300))
    window = range(400, 700)
    for mark in [*dust(start=400, side=300), *scratches(along=window, across=window)]:
        rows, cols = mark.amount.shape
        place = part[mark.row - 400 :, mark.col - 400 :][:rows, :cols]
        np.maximum(place, mark.amount, out=place)
    np.testing.assert_allclose(part, whole[400:700, 400:700], rtol=0, atol=1e-6)
    assert (part > 0.1).any()


def test_as_many_scratches_run_through_a_frame_as_asked_for():
    counts = [len(scratches(count=6.0, seed=seed)) for seed in range(120)]
    assert np.mean(counts) == pytest.approx(6.0, rel=0.15)  # most of them can be seen
    assert scratches(count=0.0) == []


def test_a_scratch_runs_on_into_the_next_frame_where_it_left_the_one_before():
    met = 0
    for seed in range(6):
        ends = [
            (mark.plane, mark.col + mark.amount[-60:].max(axis=0).argmax())
            for mark in scratches(seed=seed, frame=4)
        ]
        for mark in scratches(seed=seed, frame=5):
            begin = mark.amount[:60]
            if begin.max() > 0.05:
                col = mark.col + begin.max(axis=0).argmax()
                assert any(p == mark.plane and abs(col - end) <= 4 for p, end in ends)
                met += 1
    assert met > 10


def test_what_is_blocked_adds_density_and_what_is_scraped_off_takes_the_upper_layers(xp):
    density = xp.asarray(np.full((3, 1, 4), 0.8, np.float32))
    wear = np.zeros((2, 1, 4), np.float32)
    wear[BLOCKED, 0, 1] = 0.9
    wear[SCRAPED, 0, 2], wear[SCRAPED, 0, 3] = 1.0 / 3.0, 1.0
    found = np.asarray(worn(density, xp.asarray(wear)))[:, 0]
    np.testing.assert_allclose(found[:, 0], 0.8, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], 1.8, atol=1e-5)
    np.testing.assert_allclose(found[:, 2], [0.8, 0.8, 0.0], atol=1e-5)  # blue-sensitive on top
    np.testing.assert_allclose(found[:, 3], 0.0, atol=1e-5)


def test_light_goes_through_a_print_of_film_alone(xp):
    light = xp.asarray(np.full((3, 1, 2), 0.5, np.float32))
    wear = np.zeros((3, 1, 2), np.float32)
    wear[OF_PRINT, 0, 1] = 0.6
    found = np.asarray(let_through(light, xp.asarray(wear)))
    np.testing.assert_allclose(found[0, 0], [0.5, 0.2], atol=1e-6)
    assert let_through(light, xp.asarray(wear[:2])) is light

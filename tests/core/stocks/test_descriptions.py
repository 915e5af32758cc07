"""What a stock's description claims is measured on its default positive."""

from functools import cache

import numpy as np
import pytest

import phos_core as phos
from phos_core import color

MID_GREY = 0.18
STOPS = np.array([-30.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
# sRGB of the 18 colours of a ColorChecker (docs/sources.md, colorchecker), and which are red, blue.
COLOURS = [
    *[(115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177)],
    *[(103, 189, 170), (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108)],
    *[(157, 188, 64), (224, 163, 46), (56, 61, 150), (70, 148, 73), (175, 54, 60)],
    *[(231, 199, 31), (187, 86, 149), (8, 133, 161)],
]
REDS, BLUES = [8, 14], [2, 7, 12]
PATCH_PX = 4
LUMA = [0.2126, 0.7152, 0.0722]


def lab(srgb):
    """CIELAB, white D65, of sRGB-encoded values."""
    xyz = color.decode_srgb(np.asarray(srgb, float)) @ color.LINEAR_SRGB_TO_XYZ.T
    relative = xyz / color.LINEAR_SRGB_TO_XYZ.sum(axis=1)
    linear = relative * (29 / 6) ** 2 / 3 + 4 / 29
    x, y, z = np.moveaxis(np.where(relative > (6 / 29) ** 3, np.cbrt(relative), linear), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def chroma(srgb):
    """CIELAB chroma."""
    return np.hypot(*np.moveaxis(lab(srgb), -1, 0)[1:])


def developed(picture, name, **settings):
    """Develop by the backend that has nothing to compile."""
    return phos.develop(np.asarray(picture, np.float32), name, backend="scipy", **settings)


def patches(values, name, **settings):
    """Positives of flat patches (n, 3), so large that no neighbour reaches their middles."""
    picture = np.repeat(np.repeat(np.asarray(values)[None], PATCH_PX, 0), PATCH_PX, 1)
    flat = {"grain": 0.0, "halation": 0.0, "pixel_pitch_um": 3000.0}
    positive = developed(picture, name, **flat, **settings)
    return positive[PATCH_PX // 2, PATCH_PX // 2 :: PATCH_PX]


@cache
def greys(name):
    """Positives of greys, by their stops from mid-grey."""
    light = np.repeat(MID_GREY * 2.0 ** STOPS[:, None], 3, axis=1)
    return dict(zip(STOPS, patches(light, name, encoding="linear"), strict=True))


def code(name, stops):
    """Luma of a grey's positive, in codes."""
    return 255.0 * float(greys(name)[stops] @ LUMA)


def tint(name, stops):
    """The a* and b* of a grey's positive."""
    return lab(greys(name)[stops])[1:]


def shadows(name):
    """The tint two stops under mid-grey."""
    return tint(name, -2.0)


def highlights(name):
    """The tint two stops over mid-grey."""
    return tint(name, 2.0)


def contrast(name):
    """Codes a stop around mid-grey."""
    return (code(name, 1.0) - code(name, -1.0)) / 2.0


@cache
def chroma_ratios(name):
    """Chroma of the colours of the chart, as shares of their own."""
    original = np.array(COLOURS) / 255.0
    return chroma(patches(original, name)) / chroma(original)


def saturation(name):
    """The median share of the chroma."""
    return float(np.median(chroma_ratios(name)))


@cache
def grain(name):
    """RMS of L* at mid-grey in pixels of 12 um."""
    flat = np.full((128, 128, 3), MID_GREY)
    positive = developed(flat, name, encoding="linear", pixel_pitch_um=12.0, seed=1)
    return float(lab(positive)[..., 0].std())


@cache
def response(name, frequency_per_mm):
    """How much of a sine of 20 % is left, as a share of a slow one's."""
    place_mm = 0.005 * np.arange(400)

    def amplitude(frequency):
        row = MID_GREY * (1.0 + 0.2 * np.sin(2.0 * np.pi * frequency * place_mm))
        sine = np.repeat(np.repeat(row[None, :, None], 8, 0), 3, 2)
        positive = developed(sine, name, encoding="linear", pixel_pitch_um=5.0, grain=0.0)
        middle = slice(100, 300)
        wave = np.exp(-2j * np.pi * frequency * place_mm[middle])
        return abs(np.mean((positive[4, middle] @ LUMA - (positive[4] @ LUMA).mean()) * wave))

    return float(amplitude(frequency_per_mm) / amplitude(1.0))


def halo(name):
    """How much redder a disc of white makes dark grey beside it, in codes."""
    rows, cols = np.mgrid[:160, :160]
    distance = np.hypot(rows - 79.5, cols - 79.5)
    picture = np.where(distance[..., None] <= 15.0, 1.0, np.full(3, 30 / 255.0))
    settings = {"grain": 0.0, "pixel_pitch_um": 60.0, "highlights_stops": 4.0}
    beside = developed(picture, name, **settings)[(distance > 18.0) & (distance < 19.0)].mean(0)
    far = developed(picture, name, **settings)[0, 0]
    return 255.0 * float((beside - far)[0] - (beside - far)[1:].max())


def of_kind(film):
    """Names of the other stocks of a kind."""
    return [other.name for other in phos.films() if other.kind == film.kind and other != film]


CLAIMS = {
    "soft contrast": lambda film: contrast(film.name) <= 48.5,
    "contrasty": lambda film: contrast(film.name) >= 51.5,
    "hard": lambda film: contrast(film.name) >= 57.0,
    "more contrast": lambda film: contrast(film.name) > contrast("portra-800") + 5.0,
    "deep blacks": lambda film: code(film.name, -30.0) <= 8.0,
    "lifted blacks": lambda film: code(film.name, -30.0) >= 24.0,
    "open shadows": lambda film: code(film.name, -3.0) >= 22.5,
    "reddish shadows": lambda film: shadows(film.name)[0] >= 2.0 > abs(shadows(film.name)[1]),
    "green shadows": lambda film: shadows(film.name)[0] <= -1.2,
    "olive shadows": lambda film: shadows(film.name)[0] < -1.0 and shadows(film.name)[1] > 3.0,
    "purple shadows": lambda film: shadows(film.name)[0] > 4.0 and shadows(film.name)[1] < -4.0,
    "warm highlights": lambda film: highlights(film.name)[1] >= 2.0,
    "creamy highlights": lambda film: (
        highlights(film.name)[1] >= 5.0 > 2.0 * highlights(film.name)[0]
    ),
    "yellow-green highlights": lambda film: (
        highlights(film.name)[0] < -4.0 < 4.0 < highlights(film.name)[1]
    ),
    "neutral greys": lambda film: max(chroma(c) for c in greys(film.name).values()) <= 1.0,
    "muted colour": lambda film: saturation(film.name) <= 0.83,
    "quiet colour": lambda film: 0.83 <= saturation(film.name) <= 0.95,
    "natural colour": lambda film: 0.95 <= saturation(film.name) <= 1.05,
    "lively colour": lambda film: 1.05 <= saturation(film.name) <= 1.15,
    "saturated": lambda film: saturation(film.name) >= 1.15,
    "deeper colour": lambda film: saturation(film.name) > saturation("portra-800") + 0.1,
    "the most saturated": lambda film: saturation(film.name) > max(map(saturation, of_kind(film))),
    "strong reds": lambda film: chroma_ratios(film.name)[REDS].mean() >= 1.2,
    "rich reds": lambda film: chroma_ratios(film.name)[REDS].mean() >= 1.15,
    "strong blues": lambda film: chroma_ratios(film.name)[BLUES].mean() >= 1.2,
    "very fine grain": lambda film: grain(film.name) <= 1.0,
    "fine grain": lambda film: grain(film.name) <= 1.35,
    "visible grain": lambda film: 1.35 <= grain(film.name) <= 1.9,
    "coarse grain": lambda film: grain(film.name) >= 1.9,
    "moderate grain": lambda film: 2.0 <= grain(film.name) <= 2.6,
    "strong grain": lambda film: grain(film.name) >= 2.8,
    "coarser grain": lambda film: grain(film.name) > 1.15 * grain("portra-800"),
    "fine grain for its speed": lambda film: grain(film.name) < 0.75 * grain("tri-x-400"),
    "the finest grain of the Portras": lambda film: (
        grain(film.name) < 0.9 * min(grain("portra-400"), grain("portra-800"))
    ),
    "the finest grain in black and white": lambda film: (
        grain(film.name) < min(map(grain, of_kind(film)))
    ),
    "the strongest grain": lambda film: grain(film.name) > max(map(grain, of_kind(film))),
    "sharp": lambda film: response(film.name, 30.0) >= 0.62,
    "very sharp": lambda film: response(film.name, 30.0) >= 0.7,
    "edges that stand out": lambda film: response(film.name, 5.0) >= 1.1,
    "red halos around lamps": lambda film: halo(film.name) >= 10.0,
}


def claims(film):
    """What a description says after its colon."""
    return film.description.partition(": ")[2].split(", ")


@pytest.mark.parametrize("film", phos.films(), ids=lambda film: film.name)
def test_what_a_description_claims_is_so_on_the_default_positive(film):
    assert [claim for claim in claims(film) if not CLAIMS[claim](film)] == []


def test_every_word_is_claimed_of_a_stock():
    assert {claim for film in phos.films() for claim in claims(film)} == set(CLAIMS)

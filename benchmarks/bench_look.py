"""How each stock renders greys, colours and a sun, in numbers.

    nox -s look

- greys: largest spread between the channels of a neutral wedge, -5 to +5 stops, in linear light
- chroma: 18 patch colours, CIELAB chroma of the positive over that of the picture, median and range
- hue: median size of the same patches' turn of hue, in degrees
- halo: mean change of the codes by halation, 0.1 to 0.6 mm around the sun of the bundled photo
"""

import dataclasses
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_opening, distance_transform_edt

import phos_core as phos
from phos_core import color
from phos_darkroom import read_image

SUNSET = Path(__file__).parent.parent / "examples" / "photos" / "sunset.jpg"
# sRGB codes of 18 colours such as a colour chart has: skins, sky, foliage, primaries.
PATCHES = np.array(
    [
        *[(115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177)],
        *[(103, 189, 170), (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108)],
        *[(157, 188, 64), (224, 163, 46), (56, 61, 150), (70, 148, 73), (175, 54, 60)],
        *[(231, 199, 31), (187, 86, 149), (8, 133, 161)],
    ]
)
PATCH_PX = 8
NEAR_UM, FAR_UM = 100.0, 600.0
CORE_PX = 8


def smooth(film, **replaced):
    """Return a stock without grain, and with other steps replaced."""
    return dataclasses.replace(film, grain=None, **replaced)


def lab(srgb):
    """Return CIELAB, white D65, of sRGB-encoded values (n, 3)."""
    xyz = color.decode_srgb(srgb) @ color.LINEAR_SRGB_TO_XYZ.T
    relative = xyz / color.LINEAR_SRGB_TO_XYZ.sum(axis=1)
    root = np.where(
        relative > (6 / 29) ** 3, np.cbrt(relative), relative * (29 / 6) ** 2 / 3 + 4 / 29
    )
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def grey_spread(film):
    """Return the largest spread between the channels of a neutral wedge."""
    plain = smooth(film, scatter=None, halation=None)
    spread = []
    for stops in np.arange(-5.0, 5.01, 0.25):
        grey = np.full((2, 2, 3), 0.18 * 2.0**stops, np.float32)
        light = color.decode_srgb(phos.develop(grey, plain, encoding="linear"))
        spread.append(np.ptp(light[0, 0]))
    return max(spread)


def chroma_and_hue(film):
    """Return the chroma ratios and the turns of hue in degrees of the patches."""
    plain = smooth(film, scatter=None, halation=None)
    patches = PATCHES / 255.0
    flat = [np.tile(patch, (PATCH_PX, PATCH_PX, 1)) for patch in patches]
    positives = np.array([phos.develop(patch, plain)[0, 0] for patch in flat])
    before, after = (np.array([1, 1j]) @ lab(colours)[:, 1:].T for colours in (patches, positives))
    return np.abs(after) / np.abs(before), np.rad2deg(np.angle(after / before))


def halo(film, sunset, exposure_stops):
    """Return the mean change of the codes by halation, around the clipped sun."""
    sun = binary_opening(sunset.min(axis=2) == 255, iterations=CORE_PX)
    distance_um = distance_transform_edt(~sun) * 36_000 / max(sunset.shape)
    ring = (distance_um > NEAR_UM) & (distance_um < FAR_UM)
    glowing, plain = (
        phos.develop(sunset, stock, exposure_stops=exposure_stops)[ring].astype(float)
        for stock in (smooth(film), smooth(film, halation=None))
    )
    return (glowing - plain).mean(axis=0)


def main():
    """Print the table."""
    sunset = read_image(SUNSET)
    print("stock            greys   chroma median, range    hue   halo R G B    two stops under")
    for film in [phos.load_film(listed.name) for listed in phos.films()]:
        if film.kind == "black-and-white":
            continue
        ratio, turn = chroma_and_hue(film)
        halos = "   ".join(
            " ".join(f"{change:5.1f}" for change in halo(film, sunset, stops)) for stops in (0, -2)
        )
        print(
            f"{film.name:15} {grey_spread(film):6.4f}   {np.median(ratio):6.2f}, "
            f"{ratio.min():.2f} to {ratio.max():.2f}   {np.median(np.abs(turn)):6.1f}   {halos}"
        )


if __name__ == "__main__":
    main()

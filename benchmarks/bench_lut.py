"""How close lookup tables come to `develop`, in CIEDE2000, for every stock.

    nox -s luts

- between entries: tables of 17, 33 and 65 against mode "colour", on random colours and on those of
  the bundled photos; interpolated in tetrahedra, and at 33 trilinearly as well
- shaped: a table of 33 whose entries lie closer near black and white, behind a curve of one
  dimension, which only some programs read
- where: the errors of all stocks at 33, by the lightness of the colour looked up
- edges: what the couplers' spread and the other steps change on a photo, which no table holds
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_darkroom import apply_lut, make_lut, read_image

PHOTOS = Path(__file__).parent.parent / "examples" / "photos"
SIZES = (17, 33, 65)
SAMPLES = 20_000
BANDS = (0.0, 5.0, 15.0, 50.0, 85.0, 95.0, 100.0)  # of CIE lightness
SHAPE = 0.7  # 0: even steps; 1: half a turn of the cosine, closest at both ends
EDGE_STOCKS = ("portra-400", "ektar-100", "velvia-50", "cinestill-800t", "tri-x-400")
EDGE_PX = 3  # a pixel that differs so much from one so near lies at an edge
EDGE_CODES = 60


def sample_colours():
    """Return random colours and colours of the photos, sRGB-coded, shape (1, n, 3)."""
    rng = np.random.default_rng(1)
    photos = [read_image(PHOTOS / name).reshape(-1, 3) for name in ("seeding.jpg", "sunset.jpg")]
    picked = [photo[rng.choice(len(photo), SAMPLES // 2, replace=False)] for photo in photos]
    colours = [rng.random((SAMPLES, 3)), np.concatenate(picked) / 255.0]
    return np.concatenate(colours).astype(np.float32)[np.newaxis]


def difference(one, other):
    """Return CIEDE2000 between two arrays of sRGB-coded floats."""
    labs = (rgb2lab(np.clip(colours, 0.0, 1.0).astype(np.float64)) for colours in (one, other))
    return deltaE_ciede2000(*labs)


def trilinear(colours, lut):
    """Look colours up as the programs do that know no tetrahedra."""
    steps = np.linspace(0.0, 1.0, len(lut))
    return RegularGridInterpolator((steps,) * 3, lut.astype(np.float64))(colours)


def shaped(colours, film, size):
    """Look colours up in a table whose entries lie closer near black and white."""
    even = np.linspace(0.0, 1.0, 4097)
    close = (1.0 - SHAPE) * even + SHAPE * 0.5 * (1.0 - np.cos(np.pi * even))
    nodes = np.interp(np.linspace(0.0, 1.0, size), even, close).astype(np.float32)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1)
    positive = phos.develop(grid.reshape(size * size, size, 3), film, mode="colour")
    return apply_lut(np.interp(colours, close, even), positive.reshape(size, size, size, 3))


def told(errors):
    """Say a mean and a maximum."""
    return f"{errors.mean():.3f} / {errors.max():.2f}"


def errors_of(film, colours):
    """Return the errors of a stock's tables, shape (ways, n)."""
    positive = phos.develop(colours, film, mode="colour")
    luts = {size: make_lut(phos.Recipe(film=film), size) for size in SIZES}
    looked_up = [
        *(apply_lut(colours, luts[size]) for size in SIZES),
        trilinear(colours, luts[33]),
        shaped(colours, film, 33),
    ]
    return np.stack([difference(found, positive)[0] for found in looked_up])


def print_stocks(colours):
    """Print mean and largest error of every stock's tables; return the errors at 33."""
    print("| stock | 17 | 33 | 65 | 33 trilinear | 33 shaped |\n|---|---|---|---|---|---|")
    stocks = []
    for film in phos.films():
        stocks.append(errors_of(film.name, colours))
        print(f"| {film.name} | {' | '.join(map(told, stocks[-1]))} |", flush=True)
    together = np.stack(stocks, axis=1)
    print(f"| all | {' | '.join(map(told, together))} |")
    return together[SIZES.index(33)]


def print_lightness(colours, errors):
    """Print where errors are large."""
    lightness = rgb2lab(colours.astype(np.float64))[0, :, 0]
    print("\n| lightness looked up | mean / largest at 33 |\n|---|---|")
    for low, high in pairwise(BANDS):
        band = errors[:, (lightness >= low) & (lightness <= high)]
        print(f"| {low:g} to {high:g} | {told(band)} |")


def print_edges():
    """Print what a table of 65 lacks on a photo: from the couplers' spread alone, and in all."""
    photo = read_image(PHOTOS / "seeding.jpg")
    codes = photo.astype(np.int16).max(axis=2)
    apart = np.maximum(
        np.abs(np.roll(codes, EDGE_PX, axis=0) - codes),
        np.abs(np.roll(codes, EDGE_PX, axis=1) - codes),
    )
    at_edges = apart > EDGE_CODES
    rows, cols = at_edges.shape
    print(f"\nOn {cols} x {rows} pixels, {at_edges.mean():.0%} of them at edges:")
    print("| stock | couplers' spread, all / at edges / 99 % | everything, all / at edges / 99 % |")
    print("|---|---|---|")
    for film in EDGE_STOCKS:
        looked_up = apply_lut(photo, make_lut(phos.Recipe(film=film), 65)) / 255.0
        bare = phos.develop(photo, film, scatter=0.0, halation=0.0, grain=0.0) / 255.0
        whole = phos.develop(photo, film) / 255.0
        cells = []
        for developed in (bare, whole):
            errors = difference(looked_up, developed)
            cells.append(
                f"{errors.mean():.2f} / {errors[at_edges].mean():.2f} / "
                f"{np.quantile(errors, 0.99):.2f}"
            )
        print(f"| {film} | {cells[0]} | {cells[1]} |")


def main():
    """Print the tables."""
    colours = sample_colours()
    print_lightness(colours, print_stocks(colours))
    print_edges()


if __name__ == "__main__":
    main()

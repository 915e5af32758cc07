"""Render the pictures of the docs from the bundled photos: `nox -s pictures`.

    python examples/make_pictures.py [FOLDER]

before-after.jpg  the dandelions, before and after
halation.jpg      the sun, two stops under, on a stock with and one without a backing
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import phos_core as phos
from phos_core.image_files import read_image

HERE = Path(__file__).parent
PHOTOS = HERE / "photos"
DOCS = HERE.parent / "docs" / "pictures"
PAIR_COLS = 1000
CELL_COLS = 480
GAP_PX = 12
LABEL_ROWS = 34
SEED = 7
JPEG_QUALITY = 85  # the repository stays small


def scaled(image, cols):
    """Scale a picture to a width, in the display's coding as viewers do."""
    rows = round(image.shape[0] * cols / image.shape[1])
    return np.asarray(Image.fromarray(image).resize((cols, rows), Image.Resampling.LANCZOS))


def cut_out(image, row, col):
    """Cut a piece out at full size, as wide as a cell; row and col are fractions of the picture."""
    rows, cols = CELL_COLS * 5 // 8, CELL_COLS
    top = min(int(row * image.shape[0]), image.shape[0] - rows)
    left = min(int(col * image.shape[1]), image.shape[1] - cols)
    return image[top : top + rows, left : left + cols]


def stacked(pictures, axis):
    """Join pictures along an axis, with white gaps between."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP_PX
    gap = np.full(shape, 255, np.uint8)
    joined = [piece for picture in pictures for piece in (gap, picture)][1:]
    return np.concatenate(joined, axis=axis)


def label(text):
    """Write a line of text, as wide as a cell."""
    strip = Image.new("RGB", (CELL_COLS, LABEL_ROWS), "white")
    ImageDraw.Draw(strip).text(
        (2, 8), text, fill=(40, 40, 40), font=ImageFont.load_default(size=18)
    )
    return np.asarray(strip)


def save(picture, path):
    """Write a picture for the docs, and print where it is."""
    Image.fromarray(picture).save(path, quality=JPEG_QUALITY)
    print(path)


def main(folder=DOCS):
    """Render both pictures into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sunset, seeding = (read_image(PHOTOS / name) for name in ("sunset.jpg", "seeding.jpg"))
    developed = phos.develop(seeding, "portra-400", seed=SEED)
    pair = [scaled(picture, PAIR_COLS) for picture in (seeding, developed)]
    save(stacked(pair, axis=1), folder / "before-after.jpg")
    suns = [around_the_sun(film, sunset) for film in ("portra-400", "cinestill-800t")]
    save(stacked(suns, axis=1), folder / "halation.jpg")


def around_the_sun(film, sunset):
    """The sun at full size, exposed two stops under: its surroundings are dark enough to glow."""
    developed = phos.develop(sunset, film, seed=SEED, exposure_stops=-2.0)
    return stacked([label(phos.load_film(film).label), cut_out(developed, 0.27, 0.37)], axis=0)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Render the pictures of the docs from the bundled photos: `nox -s pictures`.

    python examples/make_pictures.py [FOLDER]

before-after.jpg   the dandelions, before and after
halation.jpg       the sun, scanned a stop darker, on a stock with and one without a backing
contact-sheet.jpg  pieces of both photos as the frames of a roll
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import phos_core as phos
from phos_darkroom import beside, contact_sheets, read_image, write_image

HERE = Path(__file__).parent
PHOTOS = HERE / "photos"
DOCS = HERE.parent / "docs" / "pictures"
PAIR_COLS = 2012
SHEET_COLS = 1600
FRAME_SIDES = 1000, 667
CELL_COLS = 480
GAP_PX = 12
LABEL_ROWS = 34
SEED = 7
JPEG_QUALITY = 85  # the repository stays small


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
    """Render the pictures into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sunset, seeding = (read_image(PHOTOS / name) for name in ("sunset.jpg", "seeding.jpg"))
    developed = phos.develop(seeding, "portra-400", seed=SEED)
    save(beside(seeding, developed, width_px=PAIR_COLS), folder / "before-after.jpg")
    suns = [around_the_sun(film, sunset) for film in ("portra-400", "cinestill-800t")]
    save(stacked(suns, axis=1), folder / "halation.jpg")
    save(contact_sheet("gold-200", (seeding, sunset)), folder / "contact-sheet.jpg")


def around_the_sun(film, sunset):
    """The sun at full size, six stops beyond white, and scanned a stop darker: its rim can glow."""
    developed = phos.develop(sunset, film, seed=SEED, highlights_stops=6.0, brightness_stops=-1.0)
    return stacked([label(phos.load_film(film).label), cut_out(developed, 0.27, 0.37)], axis=0)


def frames_of(photos, count=14):
    """Yield pieces of photos by turns, some upright, with more or less light than the last."""
    rng = np.random.default_rng(SEED)
    for number in range(count):
        photo = photos[number % len(photos)]
        rows, cols = FRAME_SIDES if number % 7 in (2, 4) else FRAME_SIDES[::-1]
        top, left = (
            rng.integers(whole - side + 1)
            for whole, side in zip(photo.shape, (rows, cols), strict=False)
        )
        yield photo[top : top + rows, left : left + cols], rng.uniform(-1.0, 1.0)


def contact_sheet(film, photos):
    """Develop the frames of a roll into a folder of their own, and lay them out."""
    with TemporaryDirectory() as roll:
        paths = []
        for number, (frame, stops) in enumerate(frames_of(photos), 1):
            paths.append(Path(roll) / f"roll-7-{number:02}.png")
            positive = phos.develop(frame, film, seed=SEED, frame=number, exposure_stops=stops)
            write_image(paths[-1], positive)
        heading = phos.load_film(film).label
        (sheet,) = contact_sheets(paths, width_px=SHEET_COLS, heading=heading)
    return sheet


if __name__ == "__main__":
    main(*sys.argv[1:])

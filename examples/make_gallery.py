"""Render every stock on two photos and a test chart, and write docs/gallery.md: `nox -s pictures`.

    python examples/make_gallery.py [FOLDER [STOCK ...]]

The chart is scene light made by numbers: a grey scale from 6 stops under mid-grey to 6 over, and
twelve hues at three strengths, each at mid-grey's luminance and 2 stops to either side.
"""

import colorsys
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import phos_core as phos
from phos_darkroom import read_image

HERE = Path(__file__).parent
PHOTOS = HERE / "photos"
DOCS = HERE.parent / "docs"
HEIGHT = 300
CUT_ROW, CUT_COL, CUT_PX = 380, 760, 150  # shown twice as large: the grain
GAP_PX = 8
SEED = 7
JPEG_QUALITY = 82  # the repository stays small
PATCH_PX = 25
MID_GREY = 0.18
KINDS = {
    "negative": "Colour negatives",
    "reversal": "Slides",
    "black-and-white": "Black and white",
}


def chart():
    """Return the test chart: scene-linear light, shape (rows, cols, 3)."""
    grey = MID_GREY * 2.0 ** np.linspace(-6.0, 6.0, 12)
    rows = [np.repeat(grey[:, None], 3, axis=1)]
    for strength in (0.3, 0.6, 0.9):
        hues = [colorsys.hsv_to_rgb(hue / 12.0, strength, 1.0) for hue in range(12)]
        # Of one luminance, so that a row shows what the film makes of the hue alone.
        light = np.array(hues) ** 2.2
        light *= MID_GREY / (light @ [[0.2126], [0.7152], [0.0722]])
        rows += [light * 2.0**stops for stops in (-2.0, 0.0, 2.0)]
    patches = np.array(rows, np.float32)
    return np.kron(patches, np.ones((PATCH_PX, PATCH_PX, 1), np.float32))


def tall(picture, height=HEIGHT, resample=Image.Resampling.LANCZOS):
    """Scale a picture to a height, in the display's coding as viewers do."""
    cols = round(picture.shape[1] * height / picture.shape[0])
    return np.asarray(Image.fromarray(picture).resize((cols, height), resample))


def side_by_side(pictures):
    """Join pictures of one height, with white gaps between."""
    gap = np.full((pictures[0].shape[0], GAP_PX, 3), 255, np.uint8)
    return np.concatenate([p for picture in pictures for p in (gap, picture)][1:], axis=1)


def strip(film):
    """Return a stock's strip: both photos, a piece of one at twice its size, the chart."""
    photos = [read_image(PHOTOS / name) for name in ("sunset.jpg", "seeding.jpg")]
    sunset, seeding = phos.develop(photos, film, seed=SEED)
    colours = phos.develop(chart(), film, seed=SEED, encoding="linear", pixel_pitch_um=60.0)
    piece = seeding[CUT_ROW : CUT_ROW + CUT_PX, CUT_COL : CUT_COL + CUT_PX]
    return side_by_side(
        [
            tall(sunset),
            tall(seeding),
            tall(piece, resample=Image.Resampling.NEAREST),
            tall(np.round(255 * colours).astype(np.uint8)),
        ]
    )


def page(films):
    """Return the text of docs/gallery.md."""
    lines = [
        "# Gallery",
        "",
        "Every stock on two photographs, with a piece of the second at twice its size, and on a",
        "test chart: a grey scale of twelve stops, and twelve hues at three strengths and three",
        "exposures. Rendered by `nox -s pictures` with the default settings; the photographs",
        "are taken as 135 frames. Their licences are in",
        "[examples/photos](../examples/photos/README.md). Or [in numbers](looks.md).",
    ]
    for kind, title in KINDS.items():
        lines += ["", f"## {title}"]
        for film in films:
            if film.kind == kind:
                lines += ["", f"### {film.label}", "", f"`{film.name}`: {film.description}.", ""]
                lines += [f"![{film.label}](pictures/gallery/{film.name}.jpg)"]
    return "\n".join(lines) + "\n"


def main(docs=DOCS, *names):
    """Render the stocks named, or all, and write the page."""
    docs = Path(docs)
    folder = docs / "pictures" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    films = [film for film in phos.films() if not names or film.name in names]
    for film in films:
        path = folder / f"{film.name}.jpg"
        Image.fromarray(strip(film.name)).save(path, quality=JPEG_QUALITY)
        print(path)
    (docs / "gallery.md").write_text(page(films), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

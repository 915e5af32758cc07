"""Develop the bundled photo, and lay before and after side by side.

python examples/develop_photo.py [FILM]
"""

import sys
from pathlib import Path

import numpy as np

import phos_core as phos
from phos_core.image_files import read_image, write_image

HERE = Path(__file__).parent
GAP_PX = 16


def side_by_side(before, after):
    """Join two pictures of one size, with a white gap between."""
    gap = np.full((before.shape[0], GAP_PX, 3), 255, np.uint8)
    return np.concatenate([before, gap, after], axis=1)


def main(film="portra-400", folder=HERE / "output"):
    """Develop, write two files, print where they are."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    before = read_image(HERE / "photos" / "seeding.jpg")
    after, report = phos.develop(before, film, seed=7, report=True)

    positive = folder / f"seeding-{film}.jpg"
    both = folder / f"seeding-{film}-before-after.jpg"
    write_image(positive, after, overwrite=True)
    write_image(both, side_by_side(before, after), overwrite=True)
    print(f"{film}, convolved by {report.backend}: {sum(report.step_seconds.values()):.2f} s")
    print(f"developed:        {positive}")
    print(f"before and after: {both}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Develop the bundled photo, and lay before and after side by side.

python examples/develop_photo.py [FILM]
"""

import sys
from pathlib import Path

import phos_core as phos
from phos_darkroom import beside, read_image, write_image

HERE = Path(__file__).parent


def main(film="portra-400", folder=HERE / "output"):
    """Develop, write two files, print where they are."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    before = read_image(HERE / "photos" / "seeding.jpg")
    after, report = phos.develop_with_report(before, film, seed=7)

    positive = folder / f"seeding-{film}.jpg"
    both = folder / f"seeding-{film}-before-after.jpg"
    write_image(positive, after, overwrite=True)
    write_image(both, beside(before, after), overwrite=True)
    print(f"{film}, convolved by {report.backend}: {sum(report.step_seconds.values()):.2f} s")
    print(f"developed:        {positive}")
    print(f"before and after: {both}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Write the hash of every stock's render to a file; if the file is there, compare with it.

Every stock, uint8 and float32, developed whole and by tiles on each backend. A change that is not
meant to change pictures leaves all of them as they are, bit for bit, on the same machine. With
`--version 1` the settings are those that phos 0.1 had no others than.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

import phos_core as phos
from phos_core.stocks.library import FilmSummary
from phos_darkroom import develop_large

PHOTO = Path(__file__).parent.parent / "examples" / "photos" / "seeding.jpg"
WIDTH_PX = 1000
TILED_BYTES = 220 * 2**20
RESIDENT_BYTES = 0  # said to be in memory already, so that the tiles are the same each time


def main() -> int:
    """Write or compare; return the exit code."""
    for name, module in sys.modules.items():
        if name.startswith("phos_") and hasattr(module, "resident_bytes"):
            module.resident_bytes = lambda: RESIDENT_BYTES
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="JSON; made if it is not there")
    parser.add_argument("--backend", action="append", help="by default scipy and numba")
    parser.add_argument("--version", type=int, choices=(1, 2), default=2, help="of the process")
    asked = parser.parse_args()
    found = {}
    for name, digest in hashes(asked.backend or ["scipy", "numba"], asked.version):
        found[name] = digest
        print(name, digest[:16], flush=True)
    if not asked.file.exists():
        asked.file.write_text(json.dumps(found, indent=1))
        return 0
    before = json.loads(asked.file.read_text())
    different = [name for name in found if found[name] != before.get(name)]
    print(
        f"{len(found) - len(different)} of {len(found)} renders are the same bits",
        *different,
        sep="\n",
    )
    return int(bool(different))


def recipe_of(film: FilmSummary, version: int) -> phos.Recipe:
    """A stock as it comes, in a version of the process."""
    if version == 2:
        return phos.Recipe(film=film.name, seed=7)
    return phos.Recipe(
        film=film.name,
        seed=7,
        printing="auto" if film.kind == "reversal" else "neutral",
        scanner="none",
        lab_correction=False,
        light_balance=0.0,
        process_version=1,
    )


def hashes(backends: list[str], version: int) -> Iterator[tuple[str, str]]:
    """Give each render's name and the hash of its pixels."""
    photo = Image.open(PHOTO)
    photo.thumbnail((WIDTH_PX, WIDTH_PX))
    coded = np.asarray(photo)
    pictures = {"uint8": coded, "float32": coded.astype(np.float32) / np.float32(255.0)}
    for film in phos.films():
        recipe = recipe_of(film, version)
        for backend in backends:
            for kind, picture in pictures.items():
                name = f"{film.name} {backend} {kind}"
                yield f"{name} whole", digest(phos.develop(picture, recipe=recipe, backend=backend))
                yield f"{name} tiled", digest(by_tiles(picture, recipe, backend))


def by_tiles(
    picture: npt.NDArray[np.generic], recipe: phos.Recipe, backend: str
) -> npt.NDArray[np.generic]:
    """Develop a picture by tiles, from a file into a file."""
    with tempfile.TemporaryDirectory() as folder:
        source, positive = Path(folder, "a.tif"), Path(folder, "b.tif")
        tifffile.imwrite(source, picture, photometric="rgb", rowsperstrip=64)
        report = develop_large(source, positive, recipe, backend=backend, memory_bytes=TILED_BYTES)
        if "in 1 tiles" in report.events[0]:
            sys.exit(f"{recipe.film} was developed whole: {report.events[0]}")
        return tifffile.imread(positive)


def digest(pixels: npt.NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array's values."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

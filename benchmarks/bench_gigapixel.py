"""A gigapixel TIFF is developed within 2 GB of resident memory, and its middle is right.

    python benchmarks/bench_gigapixel.py                     # about 7 GB of disk, some minutes
    python benchmarks/bench_gigapixel.py --side 8192         # smaller

Makes an 8-bit RGB TIFF by tiles: fine texture under gradients that go over the whole picture, with
lamps of many sizes in it. A child process develops it; its peak of resident memory is the system's
figure. Then the middle is cut out with all that acts on it, developed alone, and compared.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from phos_bench.inputs import photos
from phos_core.process import Recipe, develop
from phos_core.process.pipeline import reach_px
from phos_darkroom import Metadata, develop_large
from phos_darkroom.files.formats.tiff_regions import TiffRegions
from phos_darkroom.files.formats.tiff_tiles import TiffTiles

SIDE = 32_768
MEMORY_BYTES = 2_000_000_000
PIECE = 2048  # pixels: what is made at a time, and the side of the middle that is compared
LAMP_EVERY = 700  # pixels


def main():
    """Make, develop, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="columns; 15/16 of it are the rows")
    parser.add_argument("--film", default="portra-400")
    parser.add_argument("--backend", default="scipy")
    parser.add_argument("--memory", type=int, default=MEMORY_BYTES, help="bytes, all in all")
    parser.add_argument("--folder", type=Path, help="where the files go; they are removed again")
    parser.add_argument("--develop", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    recipe = Recipe(film=options.film, seed=6, pixel_pitch_um=36_000 / SIDE)
    if options.develop:
        print(told(develop_large(*options.develop, recipe, backend=options.backend)))
        return
    shape = (options.side * 15 // 16, options.side)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source, positive = Path(folder, "scene.tif"), Path(folder, "positive.tif")
        make(source, shape)
        print(f"{shape[1]} x {shape[0]} pixels, {source.stat().st_size / 1e6:.0f} MB", flush=True)
        seconds = developed_in_a_child(source, positive, options)
        megapixels = shape[0] * shape[1] / 1e6
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        print(f"peak of resident memory: {peak / 1e6:.0f} MB of {options.memory / 1e6:.0f} allowed")
        print(f"{seconds:.0f} s, {seconds / megapixels:.2f} s per megapixel", flush=True)
        print(compared(source, positive, recipe, options.backend))


def make(path, shape):
    """Write the scene by tiles."""
    texture = photos(1, PIECE, PIECE)[0].astype(np.float32) / 255
    with path.open("x+b") as file:
        tiff = TiffTiles(file, shape, 3, np.dtype(np.uint8), metadata=Metadata())
        for row in range(0, shape[0], PIECE):
            for col in range(0, shape[1], PIECE):
                rows, cols = (min(PIECE, n - at) for n, at in zip(shape, (row, col), strict=True))
                tiff.write(row, col, piece(texture[:rows, :cols], row, col, shape))
        tiff.finish()


def piece(texture, row, col, shape):
    """Texture under gradients over the whole picture, with lamps: the part that starts here."""
    y = (row + np.arange(texture.shape[0], dtype=np.float32)) / shape[0]
    x = (col + np.arange(texture.shape[1], dtype=np.float32)) / shape[1]
    shade = 0.15 + 0.7 * np.outer(np.sin(3.0 * np.pi * y) ** 2, np.cos(2.0 * np.pi * x) ** 2)
    tint = np.stack([0.6 + 0.4 * x, 0.8 + 0 * x, 1.0 - 0.4 * x], axis=-1)
    codes = np.round(255 * texture * shade[..., None] * tint).astype(np.uint8)
    rng = np.random.default_rng((row, col))
    for at in range(LAMP_EVERY // 2, min(texture.shape[:2]), LAMP_EVERY):
        side = int(rng.integers(1, 40))
        there = int(rng.integers(0, texture.shape[1]))
        codes[at : at + side, there : there + side] = 255
    return codes


def developed_in_a_child(source, positive, options):
    """Develop in a process of its own, so that its memory can be told."""
    command = [sys.executable, __file__, "--develop", str(source), str(positive)]
    command += ["--film", options.film, "--backend", options.backend]
    start = time.perf_counter()
    environment = {"PHOS_MEMORY_LIMIT": str(options.memory)}
    subprocess.run(command, check=True, env={**os.environ, **environment})
    return time.perf_counter() - start


def told(report):
    """What ran, and the time of each step."""
    steps = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in report.step_seconds.items())
    return f"{report.backend}: {report.events[0]}\n{steps}"


def compared(source, positive, recipe, backend):
    """Develop the middle alone, and compare."""
    with TiffRegions(source) as scene, TiffRegions(positive) as whole:
        reach = reach_px(recipe.load_film(), recipe.pixel_pitch_um)
        starts = [(size - PIECE) // 2 - PIECE // 3 for size in scene.shape]
        middle = [range(start, start + PIECE) for start in starts]
        read = [
            range(max(part.start - reach, 0), min(part.stop + reach, size))
            for part, size in zip(middle, scene.shape, strict=True)
        ]
        offset = (read[0].start, read[1].start)
        alone = develop(
            scene.read(*read), recipe=replace(recipe, offset_px=offset), backend=backend
        )
        rows, cols = (
            slice(part.start - start, part.stop - start)
            for part, start in zip(middle, offset, strict=True)
        )
        found = whole.read(*middle).astype(int)
    difference = np.abs(found - alone[rows, cols])
    return (
        f"the middle, {PIECE} x {PIECE}, against the same developed alone: largest difference "
        f"{difference.max()} codes, {100 * (difference > 0).mean():.4f} % of the codes differ"
    )


if __name__ == "__main__":
    main()

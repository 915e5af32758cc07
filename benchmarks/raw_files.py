"""What comes of cameras' raw files: a table, and a contact sheet of their positives.

    python benchmarks/raw_files.py FOLDER                        print the table
    python benchmarks/raw_files.py FOLDER --sheet OUT.png        and show each on a film
    python benchmarks/raw_files.py FOLDER --sheet OUT.png --film cinestill-800t

Every raw file under FOLDER is read in a process of its own. The columns:

- maker and model: as EXIF says
- sensor: its pattern, and the size of the picture
- neutral: delta E 2000 between a grey of the scene in phos's light and in LibRaw's own sRGB
  rendering of the file, both brought to one lightness. The grey is the mean of the tenth of the
  blocks of 16 by 16 pixels that are nearest to neutral in LibRaw's rendering, neither dark nor
  clipped
- preview: how many stops brighter the middle of the scene is in the camera's own preview, its
  rendering taken back as phos does with a JPEG, than in phos's light: near 0 means that a raw
  file at the defaults is as bright as the camera's picture
- beyond: the brightest light, in stops over the sensor's saturation, highlights clipped, blended
  and rebuilt
- time and peak memory of reading it
"""

import argparse
import io
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.color import deltaE_ciede2000, xyz2lab

from phos_bench.measuring import peak_bytes
from phos_core import Recipe, color
from phos_core.errors import PhosError
from phos_darkroom import RawSettings, develop_picture, read_picture
from phos_darkroom.files.formats.raw import SATURATION
from phos_darkroom.files.image_files import is_raw
from phos_darkroom.files.metadata.exif_block import open_block

LUMA = np.array([0.2126, 0.7152, 0.0722])
BLOCK = 16
TILE = (330, 220)
HIGHLIGHTS = ("clip", "blend", "rebuild")


def blocks(light):
    """The means of blocks, shape (n, 3)."""
    rows, cols = (side // BLOCK * BLOCK for side in light.shape[:2])
    cut = light[:rows, :cols].reshape(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK, 3)
    return cut.mean(axis=(1, 3)).reshape(-1, 3)


def in_srgb(picture):
    """Its light in linear sRGB, three channels."""
    light = picture.pixels
    if light.ndim == 2:
        return np.repeat(light[..., np.newaxis], 3, axis=-1)
    return light @ color.to_linear_srgb(picture.primaries).T


def neutral_error(path, picture):
    """Delta E 2000 of one grey of the scene; None where there is none."""
    import rawpy

    with rawpy.imread(str(path)) as file:
        rendering = file.postprocess(
            use_camera_wb=True, no_auto_bright=True, gamma=(1, 1), output_bps=16, user_flip=None
        )
    theirs = rendering.astype(np.float32) / 65_535
    ours = in_srgb(picture)
    top, left = ((a - b) // 2 for a, b in zip(theirs.shape[:2], ours.shape[:2], strict=True))
    if top < 0 or left < 0:
        return None
    theirs = theirs[top : top + ours.shape[0], left : left + ours.shape[1]]
    theirs, ours = blocks(theirs), blocks(ours)
    mean = theirs.mean(axis=1)
    usable = (mean > 0.03) & (theirs.max(axis=1) < 0.7)
    if not usable.any():
        return None
    spread = np.where(usable, np.ptp(theirs, axis=1) / np.maximum(mean, 1e-6), np.inf)
    chosen = spread <= np.quantile(spread[usable], 0.1)
    pair = [side[chosen].mean(axis=0) for side in (ours, theirs)]
    labs = [xyz2lab(color.LINEAR_SRGB_TO_XYZ @ (0.18 * each / (LUMA @ each))) for each in pair]
    return float(deltaE_ciede2000(*labs))


def preview_stops(path, picture):
    """How much brighter the scene's middle is in the camera's preview; None if it has none."""
    import rawpy

    with rawpy.imread(str(path)) as file:
        try:
            preview = file.extract_thumb()
        except rawpy.LibRawError:
            return None
    codes = preview.data
    if preview.format == rawpy.ThumbFormat.JPEG:
        codes = np.asarray(Image.open(io.BytesIO(preview.data)).convert("RGB"))
    from phos_core.process.camera import scene_light_of_codes

    scene = scene_light_of_codes(codes, np.uint8) @ LUMA
    return float(np.log2(np.median(scene) / max(np.median(in_srgb(picture) @ LUMA), 1e-6)))


def facts(path):
    """What is printed of one file."""
    start = time.perf_counter()
    picture = read_picture(path)
    seconds, memory = time.perf_counter() - start, peak_bytes()
    opened = open_block(picture.metadata.exif)
    names = []
    for tag in (0x010F, 0x0110):
        found = None if opened is None else opened.find(opened.first, tag)
        names.append("?" if found is None else found.value.decode("latin-1").strip("\0 "))
    beyond = [
        float(np.log2(read_picture(path, raw=RawSettings(highlights=name)).pixels.max()))
        for name in HIGHLIGHTS
    ]
    import rawpy

    with rawpy.imread(str(path)) as file:
        is_flat = file.raw_type == rawpy.RawType.Flat and file.num_colors > 1
        sides = np.shape(file.raw_pattern) if is_flat else ()
    sensor = {(2, 2): "Bayer", (6, 6): "X-Trans"}.get(sides, "other" if is_flat else "linear")
    return {
        "maker": names[0],
        "model": names[1],
        "sensor": sensor,
        "size": f"{picture.pixels.shape[1]} x {picture.pixels.shape[0]}",
        "neutral": neutral_error(path, picture),
        "preview": preview_stops(path, picture),
        "beyond": [stops - float(np.log2(SATURATION)) for stops in beyond],
        "seconds": seconds,
        "megabytes": memory / 1e6,
    }


def measured(path):
    """The facts of one file, from a process of its own; the words of its error instead."""
    call = [sys.executable, __file__, "--one", str(path)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip()[-300:]


def line(path, found):
    """A row of the table."""
    if isinstance(found, str):
        return f"| {path.name} | not read: {found.splitlines()[-1]} |"
    neutral, preview = found["neutral"], found["preview"]
    cells = (
        path.name,
        found["maker"],
        found["model"],
        f"{found['sensor']}, {found['size']}",
        "no grey" if neutral is None else f"{neutral:.2f}",
        "none" if preview is None else f"{preview:+.2f}",
        " ".join(f"{stops:+.2f}" for stops in found["beyond"]),
        f"{found['seconds']:.1f} s",
        f"{found['megabytes']:.0f} MB",
    )
    return f"| {' | '.join(cells)} |"


def tile(path, film):
    """A positive, small."""
    positive, _ = develop_picture(read_picture(path, half_size=True), Recipe(film=film))
    codes = np.rint(np.clip(positive.pixels, 0, 1) * 255).astype(np.uint8)
    small = Image.fromarray(codes).convert("RGB")
    small.thumbnail(TILE)
    return small


def write_sheet(paths, film, out):
    """Lay positives out in rows of four."""
    rows = -(-len(paths) // 4)
    sheet = Image.new("RGB", (4 * TILE[0], rows * TILE[1]))
    for number, path in enumerate(paths):
        sheet.paste(tile(path, film), (number % 4 * TILE[0], number // 4 * TILE[1]))
    sheet.save(out)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--film", default="portra-400")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.one:
        try:
            print(json.dumps(facts(asked.folder)))
        except PhosError as error:
            sys.exit(str(error))
        return
    found = {
        path: measured(path)
        for path in sorted(asked.folder.rglob("*"))
        if path.is_file() and is_raw(path)
    }
    print("| file | maker | model | sensor | neutral | preview | beyond | time | memory |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path, each in found.items():
        print(line(path, each))
    if asked.sheet is not None:
        good = [path for path, each in found.items() if not isinstance(each, str)]
        write_sheet(good, asked.film, asked.sheet)


if __name__ == "__main__":
    main()

"""How exact tables are in the programs that read their files: OpenColorIO and FFmpeg.

    nox -s luts -- files

For each space and format a file of 65 entries (a Hald CLUT: 64) is written, and read back by
OpenColorIO's own processor and by FFmpeg's `lut3d` or `haldclut`, all in tetrahedra. What they
make of 40,000 colours of the space, half drawn evenly from all of it and half near its greys, is
compared with `develop` in mode "colour". FFmpeg's part is left out where it is not installed.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import PyOpenColorIO

import phos_core as phos
from phos_darkroom import hald_image, make_layer_table, make_table, write_image, write_table
from phos_darkroom.showing.luts.accuracy import errors_between, lightness_of, sample_colours

SPACES = (
    *("", "S-Log3 S-Gamut3.Cine", "ARRI LogC4", "V-Log V-Gamut", "ACEScct"),
    *("ACEScg", "Linear Rec.2020"),
)
STOCKS = ("portra-400", "velvia-50", "vision3-500t", "tri-x-400")
SIZE, HALD_SIZE = 65, 64
COUNT = 20_000  # of each kind
FFMPEG = shutil.which("ffmpeg")


def by_ocio(path, colours):
    """Look colours up as OpenColorIO does, shape (n, 3)."""
    transform = PyOpenColorIO.FileTransform(
        str(path), interpolation=PyOpenColorIO.INTERP_TETRAHEDRAL
    )
    PyOpenColorIO.ClearAllCaches()  # it knows files by their names
    processor = PyOpenColorIO.Config.CreateRaw().getProcessor(transform)
    found = np.ascontiguousarray(colours, np.float32).copy()
    processor.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(found)
    return found


def by_ffmpeg(path, colours):
    """Look colours up as FFmpeg does, shape (n, 3); None where it does not read the file."""
    size = ["-s", f"{len(colours) // 40}x40", "-i", "-"]
    if path.suffix == ".png":  # `haldclut` knows no floats
        pixels, coded = "rgb48le", np.round(colours * 65535.0).astype("<u2")
        filters = ["-i", str(path), "-filter_complex", "[0][1]haldclut=interp=tetrahedral"]
    else:
        pixels, coded = "gbrpf32le", np.ascontiguousarray(colours[:, [1, 2, 0]].T, "<f4")
        filters = ["-vf", f"lut3d={path}:interp=tetrahedral"]
    raw = ["-f", "rawvideo", "-pix_fmt", pixels]
    done = subprocess.run(
        [FFMPEG, "-v", "error", *raw, *size, *filters, "-frames:v", "1", *raw, "-"],
        input=coded.tobytes(),
        capture_output=True,
        check=False,
    )
    found = np.frombuffer(done.stdout, coded.dtype)
    if found.size != colours.size:
        return None
    if path.suffix == ".png":
        return found.reshape(-1, 3) / 65535.0
    return found.reshape(3, -1)[[2, 0, 1]].T


def written(folder, recipe, ending):
    """Write a recipe's table as a file; None where the format cannot hold it."""
    path = Path(folder) / f"table{ending}"
    if ending == ".png":
        table = make_table(recipe, HALD_SIZE)
        if not table.is_plain:
            return None
        write_image(path, hald_image(table), overwrite=True)
        return path
    make = make_layer_table if ending == ".clf" else make_table
    write_table(path, make(recipe, SIZE), overwrite=True)
    return path


def told(errors):
    """Say a mean, what 1 % exceed, and a maximum."""
    return f"{errors.mean():.3f} / {np.quantile(errors, 0.99):.2f} / {errors.max():.2f}"


def cells(found, positives, recipe):
    """Say the errors everywhere, near grey, and there in shadows and highlights."""
    if found is None:
        return "not read | | |"
    errors = errors_between(found, positives, recipe)
    near, light = errors[COUNT:], lightness_of(positives[COUNT:], recipe)
    shadows, highlights = near[light < 25.0], near[light > 75.0]
    return f"{told(errors[:COUNT])} | {told(near)} | {told(shadows)} | {told(highlights)}"


def print_space(folder, film, space):
    """Print the lines of a stock and a space."""
    recipe = phos.Recipe(film=film, input_space=space)
    colours = sample_colours(recipe, COUNT).astype(np.float32)
    picture = colours.reshape(40, -1, 3)
    positives = phos.develop(picture, film, input_space=space, mode="colour").reshape(-1, 3)
    for ending in (".cube", ".csp", ".clf", ".png"):
        path = written(folder, recipe, ending)
        if path is None:
            continue
        programs = {} if ending == ".png" else {"OCIO": by_ocio}
        if FFMPEG and ending != ".clf":
            programs["FFmpeg"] = by_ffmpeg
        for program, look_up in programs.items():
            line = cells(look_up(path, colours), positives, recipe)
            print(f"| {film} | {space or 'sRGB'} | {ending} | {program} | {line} |", flush=True)


def main():
    """Print the table."""
    print("CIEDE2000, mean / 99 % / largest")
    print("| stock | space | file | program | all colours | near grey | shadows | highlights |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for film in STOCKS:
            for space in SPACES:
                print_space(folder, film, space)


if __name__ == "__main__":
    main()

"""How well colour spaces by name come back: a chart in each, and the code of mid-grey.

    nox -s spaces

- chart: colours that OpenColorIO itself has put into a space, as floats and as codes, developed
  with `input_space`, against the same colours in linear light; CIEDE2000, mean / max
- greys: the code that a space has for 0.18, what others say it is, and the light that it becomes
- accuracy: the curve and matrix that OpenColorIO's conversion comes to, against that conversion,
  over codes and over floats beyond them
- speed, with `--speed`: pictures in a space beside the same codes taken as sRGB, in turn, and
  beside the same converted by OpenColorIO on the host; `--speed=numba,cupy` names backends

`--write` writes the first three into docs/spaces.md.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import PyOpenColorIO as OCIO  # noqa: N814 - as its docs have it
from skimage.color import deltaE_ciede2000, rgb2lab

import phos_core as phos
from phos_core.color import decode_srgb, to_linear_srgb
from phos_core.process.coding import coding_of_space
from phos_core.process.decoding import linear_colours
from phos_darkroom.spaces import find

PAGE = Path(__file__).parent.parent / "docs" / "spaces.md"
FILMS = ("portra-400", "velvia-50")
STOPS = (-3.0, -1.5, 0.0, 1.5, 3.0)
SURROUND = 0.18

# docs/sources.md, "log-greys": the code of 0.18, from 0 to 1.
GREYS = {
    "S-Log3 S-Gamut3": 0.410557,
    "S-Log3 S-Gamut3.Cine": 0.410557,
    "ARRI LogC3 (EI800)": 0.391007,
    "ARRI LogC4": 0.278396,
    "V-Log V-Gamut": 0.423311,
    "CanonLog2 CinemaGamut D55": 0.398255,
    "CanonLog3 CinemaGamut D55": 0.343389,
    "Log3G10 REDWideGamutRGB": 0.333333,
    "BMDFilm WideGamut Gen5": 0.383562,
    "DaVinci Intermediate WideGamut": 0.336043,
    "ACEScct": 0.413588,
    "ACEScc": 0.413588,
    "Apple Log": 0.488272,
    "D-Log D-Gamut": 0.398765,
}
LINEAR = ("ACEScg", "ACES2065-1", "Linear Rec.2020")
DISPLAYS = ("Rec.1886 Rec.709 - Display", "P3-D65 - Display", "Rec.2100-PQ - Display")
CODE_SHARE, LIGHT_SHARE = 1 / 20, 1e-5
ON_CPU = ("numba", "scipy", "cv2", "torch:cpu")
SIZES, TURNS = ((1154, 1732), (2000, 3000)), 5


def chart():
    """Return linear sRGB of a chart at five exposures, and of colours beyond sRGB; (rows, n, 3)."""
    rng = np.random.default_rng(7)
    srgb = decode_srgb(rng.random((24, 3)))
    beyond = rng.uniform(0.01, 0.9, (24, 3)) @ to_linear_srgb("display-p3").T
    greys = np.repeat(np.linspace(0.01, 1.0, 24)[:, np.newaxis], 3, axis=1)
    colours = np.concatenate([srgb, beyond, greys])
    return np.stack([colours * 2.0**stops for stops in STOPS]).astype(np.float32)


def rendered(light, name):
    """Return numbers of a space, as OpenColorIO gives them for linear sRGB."""
    config = OCIO.Config.CreateFromFile("ocio://studio-config-latest")
    numbers = light.copy()
    processor = config.getProcessor("Linear Rec.709 (sRGB)", name)
    processor.getDefaultCPUProcessor().applyRGB(numbers)
    return numbers


def as_codes(numbers, bits):
    """Return numbers as codes of so many bits, stretched to 16 as files are read."""
    most = 2**bits - 1
    codes = np.rint(np.clip(numbers, 0.0, 1.0) * most)
    return np.rint(codes * (65535 / most)).astype(np.uint16)


def difference(one, other):
    """Return CIEDE2000 between two arrays of sRGB-coded numbers."""
    return deltaE_ciede2000(*(rgb2lab(colours.astype(np.float64)) for colours in (one, other)))


def errors(name, film, depth):
    """Return how far a chart that comes in a space is from the same in linear light."""
    light = chart()
    numbers = rendered(light, name)
    held = np.ones(light.shape[:2], bool)
    if depth != "float":
        held = (numbers >= 0.0).all(axis=-1) & (numbers <= 1.0).all(axis=-1)  # codes hold no others
        numbers = as_codes(numbers, depth)
    wanted = phos.develop(light, film, encoding="linear", mode="colour", backend="scipy")
    positive = phos.develop(numbers, film, input_space=name, mode="colour", backend="scipy")
    if positive.dtype == np.uint16:
        positive = positive / 65535.0
    return difference(positive, wanted)[held]


def chart_rows():
    """Return the rows of the table of charts."""
    kinds = [("float", FILMS), (16, FILMS), *((10, (film,)) for film in FILMS)]
    rows = [
        "| space | float | 16 bits | 10 bits, Portra 400 | 10 bits, Velvia 50 |",
        "|---|---|---|---|---|",
    ]
    for name in (*GREYS, *LINEAR):
        cells = []
        for depth, films in kinds:
            found = np.concatenate([errors(name, film, depth) for film in films])
            is_meant = depth != 10 or name not in LINEAR  # nobody keeps linear light in 10 bits
            cells.append(f"{found.mean():.3f} / {found.max():.2f}" if is_meant else "")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def grey_rows():
    """Return the rows of the table of greys."""
    rows = [
        "| space | code of 0.18 | of 1023 | published | light of that |",
        "|---|---|---|---|---|",
    ]
    for name, published in GREYS.items():
        code = rendered(np.full((1, 1, 3), SURROUND, np.float32), name)[0, 0, 1]
        light = find(name).to_light(np.full((1, 1, 3), published, np.float32))
        grey = float(light.mean())
        rows.append(f"| {name} | {code:.4f} | {code * 1023:.1f} | {published:.4f} | {grey:.4f} |")
    return rows


def accuracy_rows():
    """Return the rows of the table of curves and matrices."""
    rows = [
        "| space | curve from, to | codes, of what is allowed | floats -0.2 to 1.5, of the light |",
        "|---|---|---|---|",
    ]
    for name in (*GREYS, *LINEAR, *DISPLAYS):
        space = find(name)
        parts = space.curve_and_matrix
        if parts is None:
            rows.append(f"| {name} | on the host |  |  |")
            continue
        codes, beyond = off_by(space, 0.0, 1.0), off_by(space, -0.2, 1.5)
        ends = "light" if parts.curve is None else f"{parts.curve.low:g}, {parts.curve.high:g}"
        rows.append(f"| {name} | {ends} | {codes[0]:.2f} | {beyond[1]:.1e} |")
    return rows


class OnHost:
    """A space whose conversion is all on the host."""

    def __init__(self, space):
        self.name, self.is_scene, self.to_light = space.name, space.is_scene, space.to_light


class OnDevice:
    """A space that is never asked for light."""

    def __init__(self, space):
        self.name, self.is_scene = space.name, space.is_scene
        self.curve_and_matrix = space.curve_and_matrix

    def to_light(self, pixels):
        """Decode pixels as a device does, in NumPy."""
        light = linear_colours(np.moveaxis(pixels, -1, 0), coding_of_space(self))
        return np.moveaxis(light, 0, -1)


def off_by(space, low, high):
    """Return the largest error as a share of what is allowed, and of a colour's light.

    Allowed is a twentieth of a step of 16-bit codes or 1e-5 of the light, whichever is more. Of
    light below a mid-grey the share is that of a mid-grey.
    """
    numbers = np.random.default_rng(1).uniform(low, high, (1, 200_000, 3)).astype(np.float32)
    wanted = space.to_light(numbers).astype(np.float64)
    found = OnDevice(space).to_light(numbers)
    off = np.abs(found - wanted).max(axis=-1)
    more = space.to_light(numbers + np.float32(1 / 65535)).astype(np.float64)
    step = np.abs(more - wanted).max(axis=-1)
    seen = wanted.min(axis=-1) > 0.0
    light = np.abs(wanted).max(axis=-1)
    allowed = np.maximum(CODE_SHARE * step, LIGHT_SHARE * light)
    return (off / allowed)[seen].max(), (off / np.maximum(light, SURROUND)).max()


def speed_rows(backends):
    """Give the rows of the table of times, as they come.

    In seconds of all processors together, which other work on the machine hardly changes; of
    a GPU's backend in seconds by the clock.
    """
    yield "| backend | megapixels | as sRGB | S-Log3 S-Gamut3.Cine | of it | on the host | of it |"
    yield "|---|---|---|---|---|---|---|"
    space = find("S-Log3 S-Gamut3.Cine")
    ways = {"plain": "", "here": space, "host": OnHost(space)}
    for backend in backends:
        clock = time.process_time if backend in ON_CPU else time.perf_counter
        for size in SIZES:
            codes = np.random.default_rng(2).integers(0, 65536, (*size, 3), dtype=np.uint16)
            codes = codes // 3 + 16000
            taken = {way: [] for way in ways}
            for turn in range(TURNS + 1):
                for way, given in ways.items():
                    start = clock()
                    phos.develop(codes, "portra-400", input_space=given, backend=backend)
                    if turn:
                        taken[way].append(clock() - start)
            plain, here, host = (statistics.median(times) for times in taken.values())
            yield (
                f"| {backend} | {size[0] * size[1] / 1e6:.0f} | {plain * 1e3:.0f} ms "
                f"| {here * 1e3:.0f} ms | {here / plain:.2f} "
                f"| {host * 1e3:.0f} ms | {host / plain:.2f} |"
            )


def written(text, tables):
    """Return the page with its tables renewed."""
    for name, rows in tables.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"\n<!-- end of {name} -->")
        body = "\n".join(rows)
        text = f"{before}{begin}\n{body}\n{end}{after}"
    return text


def main():
    """Print the tables, or write them into the page."""
    for argument in sys.argv[1:]:
        name, _, backends = argument.partition("=")
        if name == "--speed":
            for row in speed_rows((backends or "numba,scipy").split(",")):
                print(row, flush=True)
            return
    tables = {"chart": chart_rows(), "greys": grey_rows(), "accuracy": accuracy_rows()}
    for rows in tables.values():
        print("\n".join(rows), end="\n\n")
    if "--write" in sys.argv[1:]:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()

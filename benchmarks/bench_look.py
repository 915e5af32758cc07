"""What each stock looks like, in numbers: prints docs/looks.md.

    nox -s look                 print the tables
    nox -s look -- --write      write them into docs/looks.md
    nox -s look -- --check      end with 1 if something does not hold that is not known not to
    nox -s look -- profiles     fit the scanners' profiles and the contrast of silver again
    nox -s look -- push         what the published developments have in common
    nox -s look -- hdr          what each stock shows on an HDR display beyond white

Everything is measured on positives at their defaults, but where a line says otherwise.
"""

import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.color import deltaE_ciede2000

import phos_core as phos
from phos_core import color

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "looks.md"
KNOWN = Path(__file__).parent / "looks_known.txt"  # what does not hold, and why
PHOTOS = ROOT / "examples" / "photos"
# sRGB of the 24 patches of a ColorChecker (docs/sources.md, colorchecker): 18 colours, 6 greys.
CHART = np.array(
    [
        *[(115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177)],
        *[(103, 189, 170), (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108)],
        *[(157, 188, 64), (224, 163, 46), (56, 61, 150), (70, 148, 73), (175, 54, 60)],
        *[(231, 199, 31), (187, 86, 149), (8, 133, 161), (243, 243, 242), (200, 200, 200)],
        *[(160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52)],
    ]
)
SKIN = 1
EIGHT = (
    "portra-400",
    "gold-200",
    "ektar-100",
    "pro-400h",
    "superia-400",
    "c200",
    "ultramax-400",
    "cinestill-800t",
)
SATURATED = np.array([(120, 10, 0), (200, 30, 0), (255, 255, 0)])
LUMA = np.array([0.2126, 0.7152, 0.0722])
# A patch is so large that neither scatter nor couplers of its neighbours reach its middle.
PATCH_PX, PITCH_UM = 4, 3000.0


class Checks:
    """What should hold, and whether it does."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[bool, str]] = {}

    def hold(self, is_so: bool, what: str, found: str) -> None:
        """Note whether something holds, and what was found."""
        self.lines[what] = (bool(is_so), found)

    def text(self) -> str:
        """What does not hold, and how much does."""
        missed = [f"does not hold: {w}, {found}" for w, (ok, found) in self.lines.items() if not ok]
        return "\n".join([*missed, f"{len(self.lines) - len(missed)} of {len(self.lines)} hold"])

    def surprises(self) -> list[str]:
        """What does not hold and is not known to, and what is said not to hold and does."""
        known = {
            line for line in KNOWN.read_text("utf-8").splitlines() if line[:1] not in ("", "#")
        }
        missed = {what for what, (ok, _) in self.lines.items() if not ok}
        return [
            *(f"does not hold any more: {what}" for what in sorted(missed - known)),
            *(f"holds now, take it out of {KNOWN.name}: {what}" for what in sorted(known - missed)),
        ]


def lab(srgb):
    """CIELAB, white D65, of sRGB-encoded values (..., 3)."""
    xyz = color.decode_srgb(np.asarray(srgb, float)) @ color.LINEAR_SRGB_TO_XYZ.T
    relative = xyz / color.LINEAR_SRGB_TO_XYZ.sum(axis=1)
    root = np.where(
        relative > (6 / 29) ** 3, np.cbrt(relative), relative * (29 / 6) ** 2 / 3 + 4 / 29
    )
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def chroma(srgb):
    """CIELAB chroma."""
    return np.hypot(*np.moveaxis(lab(srgb), -1, 0)[1:])


def hue_turn(srgb, reference):
    """By how many degrees the CIELAB hue has turned."""
    angle, from_angle = (
        np.degrees(np.arctan2(*np.moveaxis(lab(c), -1, 0)[:0:-1])) for c in (srgb, reference)
    )
    return (angle - from_angle + 180.0) % 360.0 - 180.0


def delta_e(first, second):
    """Colour difference, CIEDE2000."""
    return deltaE_ciede2000(lab(first), lab(second))


def luma(codes):
    """Rec. 709 luma of sRGB codes, 0 to 255."""
    return np.asarray(codes, float) @ LUMA


def patches(srgb, film, **settings):
    """The positives of flat patches (n, 3), sRGB-encoded floats; without grain."""
    values = np.atleast_2d(np.asarray(srgb, np.float32))
    picture = np.repeat(np.repeat(values[np.newaxis], PATCH_PX, 0), PATCH_PX, 1)
    settings = {"grain": 0.0, "pixel_pitch_um": PITCH_UM, "halation": 0.0} | settings
    positive = phos.develop(picture, film, backend="scipy", **settings)
    return positive[PATCH_PX // 2, PATCH_PX // 2 :: PATCH_PX]


def scene_patches(stops, film, **settings):
    """The positives of greys of a scene, in stops from mid-grey."""
    light = np.repeat((0.18 * 2.0 ** np.asarray(stops, np.float32))[:, np.newaxis], 3, axis=1)
    return patches(light, film, encoding="linear", **settings)


def kinds():
    """Names of the stocks by kind."""
    found: dict[str, list[str]] = {}
    for film in phos.films():
        found.setdefault(film.kind, []).append(film.name)
    return found


def names():
    """Names of all stocks."""
    return [film.name for film in phos.films()]


def table(head, rows):
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)


def edge(row, level=235.0):
    """Pixels from the first of a level to the plateau, and the steepest step, left of the peak."""
    peak = int(np.argmax(row > row.max() - 1.0))
    rising = row[: peak + 1]
    start = int(np.argmax(rising >= level))
    return peak - start, float(np.diff(rising[max(0, start - 300) :]).max())


def highlights(checks):
    """The sun of the bundled photograph, and a ramp of greys."""
    whole = np.asarray(Image.open(PHOTOS / "sunset.jpg").convert("RGB"))
    pitch_um = 36_000.0 / whole.shape[1]
    photo = whole[350:590]  # farther away nothing acts on the rows that are looked at
    rows = slice(115, 126)  # 465 to 475 of the whole

    def profile(picture):
        return luma(picture[rows].mean(axis=0))

    def chroma_at(picture, level=245.0):
        codes = picture[rows].reshape(-1, 3)
        near = np.abs(luma(codes) - level) <= 2.0
        return float(np.median(chroma(codes[near] / 255.0))) if near.any() else 0.0

    far, steepest = edge(profile(photo))
    vivid = chroma_at(photo)
    ramp = np.repeat(np.arange(0, 65536, 257, dtype=np.uint16)[:, np.newaxis], 3, axis=1)
    found = [("the photograph", far, f"{steepest:.2f}", f"{vivid:.1f}", "255", "1", "0")]
    for name, printing in [(n, "auto") for n in kinds()["negative"]] + [("vision3-250d", "2383")]:
        called = name if printing == "auto" else f"{name} on {printing}"
        out = phos.develop(photo, name, grain=0.0, printing=printing, pixel_pitch_um=pitch_um)
        distance, step = edge(profile(out))
        kept = chroma_at(out)
        coded = luma(patches(ramp / 65535.0, name, printing=printing)) * 255.0
        slopes = (coded[8:] - coded[:-8]) / 8.0
        high = slopes[196:]
        rise = float(np.max(high - np.minimum.accumulate(high)))
        found.append(
            (
                called,
                distance,
                f"{step:.2f}",
                f"{kept:.1f}",
                f"{coded[-1]:.1f}",
                f"{high.max():.2f}",
                f"{rise:.2f}",
            )
        )
        checks.hold(
            distance >= 0.7 * far,
            f"{called}: the sun's edge is at least 0.7 of the file's",
            f"{distance} px, {far} in the file",
        )
        checks.hold(
            step <= 1.2 * steepest,
            f"{called}: no step steeper than 1.2 of the file's",
            f"{step:.2f}, {steepest:.2f} in the file",
        )
        checks.hold(
            kept >= 0.5 * vivid,
            f"{called}: half of the file's chroma at luma 245",
            f"{kept:.1f}, {vivid:.1f} in the file",
        )
        checks.hold(
            coded[-1] >= 248.0, f"{called}: white comes out at 248 or more", f"{coded[-1]:.1f}"
        )
        checks.hold(
            high.max() <= 1.25, f"{called}: slope at most 1.25 over code 200", f"{high.max():.2f}"
        )
        checks.hold(
            rise <= 0.05, f"{called}: the slope over code 200 rises by 0.05 at most", f"{rise:.2f}"
        )
    head = (
        "stock",
        "from luma 235 to the plateau, px",
        "steepest step, codes",
        "chroma at luma 245",
        "white comes out at",
        "greatest slope over code 200",
        "its rise",
    )
    return table(head, found)


def skies(checks):
    """The sky of the other photograph: how steep it is where the file is over luma 225."""
    whole = np.asarray(Image.open(PHOTOS / "seeding.jpg").convert("RGB"))
    photo = whole[:260]
    bright = luma(photo) > 225.0
    rows = []
    for name in ("the photograph", "portra-400", "gold-200", "cinestill-800t", "velvia-50"):
        picture = photo
        if name in names():
            pitch_um = 36_000.0 / whole.shape[1]
            picture = phos.develop(photo, name, grain=0.0, pixel_pitch_um=pitch_um)
        steep = np.hypot(*np.gradient(luma(picture)))[bright]
        spread = np.percentile(steep, [50, 90, 99, 99.9])
        rows.append((name, *(f"{value:.2f}" for value in spread)))
        if name == "the photograph":
            steepest = spread[-1]
        else:
            checks.hold(
                spread[-1] <= 1.2 * steepest,
                f"{name}: the sky is as smooth as the file's",
                f"{spread[-1]:.2f}, {steepest:.2f} in the file",
            )
    head = ("codes a pixel over luma 225", "median", "90 %", "99 %", "99.9 %")
    return table(head, rows)


def discs(checks):
    """A white disc on dark grey: what the base returns ten pixels outside it."""
    rows, cols = np.mgrid[:600, :600]
    distance = np.hypot(rows - 299.5, cols - 299.5)
    found = []
    for name in ("cinestill-800t", "portra-400", "velvia-50", "tri-x-400"):
        line = [name]
        for disc, stops in ((250, 1.5), (255, 1.5), (255, 4.0), (255, 8.0)):
            picture = np.full((600, 600, 3), 30, np.uint8)
            picture[distance <= 15.0] = disc
            settings = {"grain": 0.0, "highlights_stops": stops}
            out = phos.develop(picture, name, **settings)
            plain = phos.develop(
                np.full((64, 64, 3), 30, np.uint8), name, pixel_pitch_um=60.0, **settings
            )
            around = out[(distance >= 25.0) & (distance < 26.0)].astype(float).mean(axis=0)
            line.append(" ".join(f"{c:.0f}" for c in around))
            if (disc, stops) == (250, 1.5):
                dim = around
            if (disc, stops) == (255, 1.5):
                apart = np.abs(around - dim).max()
                checks.hold(
                    apart <= 30.0, f"{name}: 255 glows within 30 codes of 250", f"{apart:.0f}"
                )
                if name != "cinestill-800t":
                    gained = np.abs(around - plain[32, 32]).max()
                    checks.hold(gained <= 2.0, f"{name}: no glow beyond 2 codes", f"{gained:.1f}")
        found.append(tuple(line))
    return table(
        ("stock", "disc 250", "disc 255", "255, 4 stops beyond", "255, 8 stops beyond"), found
    )


def chart(checks):
    """The chart on each stock, and between stocks."""
    original = CHART / 255.0
    made = {name: patches(original, name) for name in names()}
    contrast = {}
    rows = []
    for name, out in made.items():
        turn = float(hue_turn(out[SKIN], original[SKIN]))
        grey = luma(scene_patches([-1.0, 0.0, 1.0], name)) * 255.0
        contrast[name] = (grey[2] - grey[0]) / 2.0
        ratio = chroma(out[:18]) / chroma(original[:18])
        is_grey = np.ptp(out, axis=1).max() < 1e-6
        rows.append(
            (
                name,
                f"{delta_e(out, original).mean():.1f}",
                "-" if is_grey else f"{turn:+.0f}°",
                "-" if is_grey else f"{np.median(ratio):.2f}",
                f"{contrast[name]:.0f}",
            )
        )
        if not is_grey and name in kinds()["negative"]:
            checks.hold(abs(turn) <= 12.0, f"{name}: skin within 12 degrees", f"{turn:+.0f}")
    pairs = {
        (a, b): float(delta_e(made[a], made[b]).mean()) for a, b in itertools.combinations(EIGHT, 2)
    }
    for (a, b), apart in pairs.items():
        checks.hold(apart >= 1.5, f"{a} and {b} are 1.5 apart", f"{apart:.2f}")
    told = sum(apart >= 2.5 for apart in pairs.values())
    checks.hold(told >= 24, "24 of 28 pairs are 2.5 apart", f"{told}")
    matrix = [
        (
            a,
            *(
                "-" if a == b else f"{pairs[tuple(sorted((a, b), key=EIGHT.index))]:.1f}"
                for b in EIGHT
            ),
        )
        for a in EIGHT
    ]
    return (
        table(
            (
                "stock",
                "ΔE2000 from the picture",
                "hue of skin",
                "chroma",
                "codes a stop at mid-grey",
            ),
            rows,
        )
        + "\n\n"
        + table(("ΔE2000", *EIGHT), matrix)
    )


def shadows(checks):
    """The base of each negative, and grain four stops under mid-grey."""
    rows, bases = [], []
    for kind in ("negative", "black-and-white"):
        for name in kinds()[kind]:
            base = scene_patches([-30.0], name)[0] * 255.0
            level = float(luma(base))
            bases.append(level)
            black = scene_patches([-3.0], name, black_point=-3.0)[0].max() * 255.0
            rows.append((name, f"{level:.0f}", " ".join(f"{c:.0f}" for c in base), f"{black:.0f}"))
            checks.hold(
                4.0 <= level <= 48.0, f"{name}: its base comes out between 4 and 48", f"{level:.1f}"
            )
            checks.hold(black < 0.5, f"{name}: black_point brings 0", f"{black:.1f}")
    middle = float(np.median(bases))
    checks.hold(8.0 <= middle <= 24.0, "the median of the bases is 8 to 24", f"{middle:.1f}")
    return table(("stock", "luma of the base", "red, green, blue", "with its black point"), rows)


def exposures(checks):
    """Portra 400 at other exposures, with the laboratory's correction."""
    original = CHART / 255.0
    normal = patches(original, "portra-400")
    rows = []
    for label, settings in (
        *((f"{stops:+g} stops", {"exposure_stops": stops}) for stops in (-2.0, 2.0, 4.0)),
        *((f"EI {ei:g}", {"exposure_index": ei}) for ei in (1600.0, 200.0, 100.0)),
        ("+2 stops, uncorrected", {"exposure_stops": 2.0, "lab_correction": False}),
    ):
        out = patches(original, "portra-400", **settings)
        greys = luma(scene_patches([-4.0, 0.0, 3.0], "portra-400", **settings)) * 255.0
        apart = delta_e(out, normal)
        rows.append(
            (label, *(f"{g:.0f}" for g in greys), f"{apart.mean():.1f}", f"{apart.max():.1f}")
        )
        if settings.get("lab_correction", True):
            plain = luma(scene_patches([0.0], "portra-400"))[0] * 255.0
            checks.hold(
                abs(greys[1] - plain) <= 6.0,
                f"Portra 400 at {label}: mid-grey within 6 codes",
                f"{greys[1]:.0f}",
            )
    head = ("Portra 400", "-4 stops", "mid-grey", "+3 stops", "mean ΔE2000 from normal", "greatest")
    return table(head, rows)


def neighbours(noise, step=1):
    """Correlation of pixels side by side."""
    return float(np.mean(noise[:, step:] * noise[:, :-step]) / np.mean(noise**2))


def dark_grain(name, checks):
    """RMS of codes 4 stops under mid-grey at 12 µm, as a share of what slope and aperture give."""
    film = phos.load_film(name)
    stops = np.array([-4.1, -4.0, -3.9])
    grey = np.full((256, 256, 3), 0.18 * 2.0**-4, np.float32)
    settings = {"encoding": "linear", "pixel_pitch_um": 12.0, "seed": 3, "backend": "scipy"}
    noise = phos.develop(grey, film, **settings)[..., 1].std()
    densities = []
    for curve in film.development.curves:
        x = np.log10(film.exposure.mid_grey_lx_s) + stops * np.log10(2.0)
        t = np.tanh((x - curve.centre) / curve.width)
        densities.append(np.polynomial.polynomial.polyval(t, curve.coefficients))
    density = np.array(densities)[:, np.newaxis, :]
    from phos_core.effects.grain import noise_rms, rms_density
    from phos_core.positive import make_positive

    rms = rms_density(density[..., 1:2], film.grain).ravel()
    rms = rms * [noise_rms(size, 12.0) for size in film.grain.size_um]
    variance = 0.0
    for layer in range(len(rms)):
        both = np.repeat(density[..., 1:2], 2, axis=2)
        both[layer, 0] += [-1e-3, 1e-3]
        code = color.encode_srgb(np.clip(make_positive(both, film.printing), 0.0, 1.0))[
            min(1, len(rms) - 1), 0
        ]
        variance += ((code[1] - code[0]) / 2e-3 * rms[layer]) ** 2
    share = float(noise / np.sqrt(variance))
    checks.hold(
        0.85 <= share <= 1.15,
        f"{name}: grain 4 stops under within 15 % of its curve",
        f"{share:.2f}",
    )
    return f"{share:.2f}"


def grains(checks):
    """Grain as it is scanned."""
    rows, strength, coarseness = [], {}, {}
    for name in names():
        line = [name]
        for pitch in (6.0, 12.0):
            flat = np.full((384, 384, 3), 0.18, np.float32)
            out = phos.develop(
                flat, name, encoding="linear", pixel_pitch_um=pitch, seed=1, backend="scipy"
            )
            lightness = lab(out)[..., 0]
            noise = lightness - lightness.mean()
            alike = neighbours(noise)
            least = {6.0: 0.6, 12.0: 0.3}[pitch]
            checks.hold(
                alike >= least,
                f"{name}: neighbours correlate {least:g} at {pitch:g} µm",
                f"{alike:.2f}",
            )
            line += [f"{noise.std():.2f}", f"{alike:.2f}"]
        strength[name] = float(noise.std())
        coarseness[name] = alike
        line.append(dark_grain(name, checks))
        between = np.corrcoef((out - out.mean(axis=(0, 1))).reshape(-1, 3).T)
        channels = (
            "-" if np.ptp(out, axis=2).max() < 1e-6 else f"{between[0, 1]:.2f}, {between[1, 2]:.2f}"
        )
        if channels != "-":
            checks.hold(
                between[0, 1] > 0 and between[1, 2] > 0,
                f"{name}: grain of the channels correlates",
                channels,
            )
        rows.append((*line, channels))
    for slide in kinds()["reversal"]:
        checks.hold(
            strength[slide] < strength["portra-400"],
            f"{slide}: grain below Portra 400's",
            f"{strength[slide]:.2f}",
        )
    fast, plain = "delta-3200", "tri-x-400"
    checks.hold(
        strength[fast] > strength[plain],
        f"{fast}: stronger grain than {plain}",
        f"{strength[fast]:.2f}, {strength[plain]:.2f}",
    )
    checks.hold(
        coarseness[fast] > coarseness[plain],
        f"{fast}: coarser grain than {plain}",
        f"{coarseness[fast]:.2f}, {coarseness[plain]:.2f}",
    )
    head = (
        "stock",
        "RMS of L*, 6 µm",
        "neighbours",
        "RMS of L*, 12 µm",
        "neighbours",
        "4 stops under, of the curve's",
        "red and green, green and blue",
    )
    return table(head, rows)


def saturated(checks):
    """Dark red, orange-red and pure yellow."""
    rows = []
    original = SATURATED / 255.0
    cases = [(n, "auto") for kind in ("negative", "reversal") for n in kinds()[kind]]
    for name, printing in [*cases, ("vision3-250d", "2383")]:
        called = name if printing == "auto" else f"{name} on {printing}"
        out = patches(original, name, printing=printing)
        codes = out * 255.0
        turn = float(hue_turn(out[1], original[1]))
        kept = float(chroma(out[2]) / chroma(original[2]))
        rows.append(
            (
                called,
                *(" ".join(f"{c:.0f}" for c in code) for code in codes),
                f"{turn:+.0f}°",
                f"{kept:.2f}",
            )
        )
        least = 0.55 if printing == "2383" else 0.7
        checks.hold(codes[0, 0] <= 160.0, f"{called}: dark red at most 160", f"{codes[0, 0]:.0f}")
        checks.hold(abs(turn) <= 12.0, f"{called}: orange-red within 12 degrees", f"{turn:+.0f}")
        checks.hold(
            kept >= least, f"{called}: pure yellow keeps {least:g} of its chroma", f"{kept:.2f}"
        )
    head = (
        "stock",
        *(f"({r}, {g}, {b})" for r, g, b in SATURATED),
        "turn of the second",
        "chroma kept of the third",
    )
    return table(head, rows)


SECTIONS = (
    ("Highlights", highlights),
    ("A bright sky", skies),
    ("Light beyond white", discs),
    ("A colour chart", chart),
    ("Shadows", shadows),
    ("Exposure", exposures),
    ("Grain", grains),
    ("Saturated colours", saturated),
)


def profiles():
    """Fit each scanner's profile to the mean of the C-41 stocks, and the contrast of silver."""
    from scipy.optimize import least_squares

    from phos_core.stocks import baking, library
    from phos_core.stocks.treatment import Treatment

    stocks = [n for n in kinds()["negative"] if not n.startswith(("vision3", "cinestill"))]
    stocks = [n for n in stocks if "push" not in n]
    wanted_codes = np.concatenate(
        [CHART, SATURATED, [(255, 140, 0), (150, 190, 240), (255, 225, 205)]]
    )
    wanted = lab(wanted_codes / 255.0)
    counts = np.where(np.arange(len(wanted)) < len(CHART), 1.0, 0.5)[:, np.newaxis]
    for name, scanner in baking.SCANNERS.items():
        if name == "none":
            continue
        start = np.array(scanner.profile)

        def miss(values, name=name, scanner=scanner):
            trial = dataclasses.replace(scanner, profile=tuple(map(tuple, values.reshape(3, 3))))
            made = []
            for stock in stocks:
                film = phos.load_film(stock)
                sheet = library.film_sheet(stock)
                scan = baking.device_scan(sheet, film.development, trial)
                made.append(
                    lab(
                        patches(
                            wanted_codes / 255.0,
                            dataclasses.replace(film, printing=scan, grain=None),
                            grain=1.0,
                        )
                    )
                )
            return ((np.mean(made, axis=0) - wanted) * counts).ravel()

        fit = least_squares(miss, start.ravel(), diff_step=1e-3, xtol=1e-4)
        print(name, np.round(fit.x.reshape(3, 3), 2).tolist())
    slopes = []
    for stock in kinds()["black-and-white"]:
        film = phos.load_film(stock, **{f.name: f.default for f in dataclasses.fields(Treatment)})
        curve = film.development.curves[0]
        mid = np.log10(film.exposure.mid_grey_lx_s)
        x = mid + np.array([-1.0, 1.0]) * np.log10(2.0)
        low, high = (
            np.polynomial.polynomial.polyval(
                np.tanh((v - curve.centre) / curve.width), curve.coefficients
            )
            for v in x
        )
        slopes.append(float((high - low) / (x[1] - x[0])))
    print(
        "slopes of silver",
        [round(s, 2) for s in slopes],
        "contrast",
        round(1.6 / float(np.mean(slopes)), 2),
    )


def pushes():
    """Slope and net density at mid-grey of each published development, per stop of its push."""
    for name in names():
        low, high = next(film.push_range for film in phos.films() if film.name == name)
        is_published = next(film.is_push_published for film in phos.films() if film.name == name)
        if not is_published or "push" in name:
            continue
        figures = {}
        for stops in sorted({low, 0.0, 1.0, high}):
            film = phos.load_film(name, push_stops=stops)
            curve = film.development.curves[len(film.development.curves) // 2]
            x = np.log10(film.exposure.mid_grey_lx_s) + np.array([-1.0, 0.0, 1.0]) * np.log10(2.0)
            t = np.tanh((x - curve.centre) / curve.width)
            under, mid, over = np.polynomial.polynomial.polyval(t, curve.coefficients)
            net = mid - min(film.development.d_min)
            figures[stops] = ((over - under) / (x[2] - x[0]), net)
        for stops, (slope, net) in figures.items():
            if stops:
                growth = [
                    (a / b) ** (1 / stops) for a, b in zip((slope, net), figures[0.0], strict=True)
                ]
                print(f"{name} {stops:+g}: slope {growth[0]:.2f} a stop, mid-grey {growth[1]:.2f}")


def beyond_white():
    """Print the light of greys over mid-grey on an HDR display, and how neutral they are."""
    stops = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 12.0])
    scene = np.repeat(0.18 * 2.0 ** stops[np.newaxis, :, np.newaxis], 3, axis=2)
    settings = {"encoding": "linear", "mode": "colour", "backend": "scipy"}
    for name in names():
        film = phos.load_film(name)
        slopes = getattr(film.printing, "beyond", ())
        alike = slopes and dataclasses.replace(film.printing, beyond=slopes[1:2] or slopes)
        shown = []
        for one in (film, dataclasses.replace(film, printing=alike or film.printing)):
            codes = phos.develop(
                scene.astype(np.float32), one, output_space="rec2100-pq", **settings
            )
            shown.append(color.pq_to_light(codes)[0])
        plain = phos.develop(scene.astype(np.float32), film, output_space="rec2020", **settings)[
            0
        ].astype(float)
        nits = " ".join(f"{203 * light:.0f}" for light in shown[0][:, 1])
        sdr = " ".join(f"{light:.2f}" for light in plain[:, 1] ** color.DISPLAY_GAMMA)
        casts = [np.ptp(light[4]) / light[4, 1] for light in shown]
        print(
            f"{name} at 2 to 8 and 12 stops: {nits} cd/m2, SDR {sdr}; cast at 6 stops "
            f"{casts[0]:.0%}, with one slope {casts[1]:.0%}"
        )


def main(arguments):
    """Print, write or check the tables."""
    for word, function in (("profiles", profiles), ("push", pushes), ("hdr", beyond_white)):
        if word in arguments:
            function()
            return 0
    checks = Checks()
    parts = [
        f"## {title}\n\n{section.__doc__}\n\n{section(checks)}\n" for title, section in SECTIONS
    ]
    if "--write" in arguments:
        head, _, _ = PAGE.read_text(encoding="utf-8").partition("## ")
        PAGE.write_text(head + "\n".join(parts), encoding="utf-8")
    else:
        print("\n".join(parts))
    print(checks.text())
    surprises = checks.surprises()
    print("\n".join(surprises))
    return int("--check" in arguments and any("any more" in line for line in surprises))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
